package e2e

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/searchapi"
	"varde.internal/test/engines"
	"varde.internal/test/running"
)

// numbered is a stream of lines with numbers and, among them, vendor logins.
// Its counts are to be read when done is closed.
type numbered struct {
	run    string
	lines  int
	logins int
	done   chan struct{}
	stop   chan struct{}
}

// stream sends batches until told to stop. A batch that was not acknowledged
// is sent again with the same ids, as shippers do.
func stream(ctx context.Context, s *running.Installation, run string) *numbered {
	n := &numbered{run: run, done: make(chan struct{}), stop: make(chan struct{})}
	go func() {
		defer close(n.done)
		for ctx.Err() == nil {
			select {
			case <-n.stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			var docs []running.Doc
			for range 20 {
				n.lines++
				docs = append(docs, running.Doc{ID: fmt.Sprintf("%s-%d", run, n.lines),
					Line: fmt.Sprintf("%s %s counter[1]: line number %d.", time.Now().Format(time.RFC3339Nano), run, n.lines)})
			}
			if n.lines%2000 == 0 {
				n.logins++
				docs = append(docs, vendorLogin(time.Now(), 43000+n.logins))
			}
			for s.SendBulk(docs...) != nil && ctx.Err() == nil {
				time.Sleep(300 * time.Millisecond)
			}
		}
	}()
	return n
}

var lineNumber = regexp.MustCompile(`line number (\d+)\.`)

// counted pages through every line of a run and counts each number.
func counted(b *running.Browser, context, run string) map[string]int {
	found := map[string]int{}
	request := searchapi.SearchRequest{Context: context, Query: "host.name: " + run, Limit: 200}
	for {
		page := search(b, request)
		for _, e := range page.Items {
			if m := lineNumber.FindStringSubmatch(fmt.Sprint(e.Fields)); m != nil {
				found[m[1]]++
			}
		}
		if request.After = page.Next; page.Next == "" {
			return found
		}
	}
}

// With Kafka and then Elasticsearch killed during a stream of lines, each line
// that was acknowledged is there once, and each incident once.
func TestKilledEnginesLoseAndDoubleNothing(t *testing.T) {
	w := ways[1]
	t.Run(w.name, func(t *testing.T) {
		w.use(t)
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		defer cancel()
		officer := w.stack.SignIn(t, "sikkerhet")
		began := time.Now().Truncate(time.Microsecond)
		run := "h" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12]
		sent := stream(ctx, w.stack, run)
		for _, kind := range []engines.Kind{engines.KindKafka, engines.KindElasticsearch} {
			time.Sleep(4 * time.Second)
			engine := w.stack.Engines.Of[kind]
			engine.Kill()
			time.Sleep(2 * time.Second)
			down := time.Now()
			require.NoError(t, engine.Start(ctx))
			t.Logf("%s killed; back after %s", kind, time.Since(down).Round(time.Second))
		}
		time.Sleep(4 * time.Second)
		close(sent.stop)
		<-sent.done
		require.NoError(t, ctx.Err())
		t.Logf("%d lines and %d logins sent", sent.lines, sent.logins)

		var names string
		running.Eventually(t, 60*time.Second, func() error { // the parts find their engines again
			var c searchapi.Context
			a := officer.Call("POST", "/api/search/v1/contexts", searchapi.NewContext{Purpose: "Telling", CaseId: vendorCase(t, officer).Summary.Id}, &c)
			if a.Status >= 300 || !c.Names {
				return fmt.Errorf("%d: %s", a.Status, a.Body)
			}
			names = c.Id
			return nil
		})
		query := searchapi.SearchRequest{Context: names, Query: "host.name: " + run, Limit: 1}
		took := running.Eventually(t, 90*time.Second, func() error {
			var r searchapi.SearchResult
			if a := officer.Call("POST", "/api/search/v1/search", query, &r); a.Status >= 300 || r.Total < sent.lines {
				return fmt.Errorf("%d of %d lines (%d)", r.Total, sent.lines, a.Status)
			}
			return nil
		})
		t.Logf("all lines are in the index %s after the last", took.Round(time.Millisecond))
		found := counted(officer, names, run)
		require.Len(t, found, sent.lines)
		for number, times := range found {
			require.Equal(t, 1, times, "line %s", number)
		}
		running.Eventually(t, 30*time.Second, func() error {
			if got := len(outside(officer, began)); got < sent.logins {
				return fmt.Errorf("%d of %d findings", got, sent.logins)
			}
			return nil
		})
		time.Sleep(3 * time.Second) // whatever could double has time to
		require.Len(t, outside(officer, began), sent.logins)
	})
}
