package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/registerapi"
	"varde.internal/schemas/gen/reparseapi"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/test/running"
)

// Lines that a wrongly registered source breaks are listed, replayed when the
// source is mended, and found once; a day that is read again, and again, keeps
// its events.
func TestLinesThatFailedAreReplayedAndADayIsReadAgain_R41(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		admin, officer := w.stack.SignIn(t, "admin"), w.stack.SignIn(t, "sikkerhet")
		host := "again-" + strings.ToLower(uuid.NewString()[:8])
		source := registerapi.Source{Name: host, Kind: "bulk", Format: "rfc5424", TimeZone: "UTC"}
		var created registerapi.SourceCreated
		admin.Post("/api/register/v1/sources", registerapi.SourceChange{Data: source}, &created)
		made := created.Item

		now := time.Now().UTC()
		var lines strings.Builder
		const sent = 3
		for n := range sent {
			fmt.Fprintf(&lines, "%s %s sshd[7]: Failed password for merket from 192.0.2.7 port %d ssh2\n", now.Add(time.Duration(n)*time.Second-time.Hour).Format(time.Stamp), host, 1000+n)
		}
		sendLines(t, w.stack.Bulk, created.ApiKey, lines.String())

		var group reparseapi.Group
		running.Eventually(t, time.Minute, func() error {
			var list reparseapi.GroupList
			admin.Get("/api/reparse/v1/dead-letters?limit=200", &list)
			for _, g := range list.Items {
				if g.Source == made.Id && g.Kept == sent {
					group = g
					return nil
				}
			}
			return errors.New("the lines are not listed yet")
		})
		read := admin.Call("POST", "/api/reparse/v1/dead-letters/"+group.Id+"/letters", reparseapi.LettersRequest{}, nil)
		require.Equal(t, http.StatusOK, read.Status)
		require.NotContains(t, string(read.Body), "merket", "the administrator sees the shape of lines alone")

		mend := func(change func(*registerapi.Source)) {
			change(&source)
			a := admin.Call("PUT", "/api/register/v1/sources/"+made.Id, registerapi.SourceChange{Data: source, Revision: made.Revision}, &made)
			require.Less(t, a.Status, 300, "%s", a.Body)
		}
		mend(func(s *registerapi.Source) { s.Format = "" })
		replayed := 0
		running.Eventually(t, time.Minute, func() error { // the register reaches it by a topic
			replayed += job(t, admin, reparseapi.NewJob{Kind: "replay", Source: made.Id}).Changed
			if replayed < sent {
				return errors.New("not all are replayed")
			}
			return nil
		})
		context := searchContext(officer, "Ser etter linjer som ble tolket på nytt", "")
		found := func(query string) int {
			return search(officer, searchapi.SearchRequest{Context: context.Id, Query: query + " and varde.source: " + made.Id, Limit: 10}).Total
		}
		require.Equal(t, sent, found("event.outcome: failure"), "each is found once")
		require.Zero(t, job(t, admin, reparseapi.NewJob{Kind: "replay", Source: made.Id}).Done)

		mend(func(s *registerapi.Source) { s.TimeZone = "America/New_York" })
		day := reparseapi.NewJob{Kind: "reparse", Source: made.Id, From: now.Add(-24 * time.Hour), To: now.Add(24 * time.Hour)}
		running.Eventually(t, time.Minute, func() error {
			preview := day
			preview.DryRun = true
			if would := job(t, admin, preview); would.Changed < sent {
				return fmt.Errorf("%d would change", would.Changed)
			}
			return nil
		})
		require.Equal(t, sent, job(t, admin, day).Changed)
		require.Equal(t, sent, found("event.outcome: failure"))
		again := job(t, admin, day)
		require.Equal(t, [2]int{0, sent}, [2]int{again.Changed, again.Unchanged})
		require.Equal(t, sent, found("event.outcome: failure"))
		require.Equal(t, http.StatusForbidden, w.stack.SignIn(t, "revisor").Call("POST", "/api/reparse/v1/jobs", day, nil).Status)
	})
}

// sendLines sends lines of text until the source is known to the collector.
func sendLines(t *testing.T, base, key, lines string) {
	t.Helper()
	running.Eventually(t, time.Minute, func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/lines", strings.NewReader(lines))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "ApiKey "+key)
		req.Header.Set("Content-Type", "text/plain")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", res.StatusCode)
		}
		return nil
	})
}

// job starts one and waits for its end.
func job(t *testing.T, b *running.Browser, in reparseapi.NewJob) (j reparseapi.Job) {
	t.Helper()
	b.Post("/api/reparse/v1/jobs", in, &j)
	id := j.Id
	running.Eventually(t, 2*time.Minute, func() error {
		b.Get("/api/reparse/v1/jobs/"+id, &j)
		if j.Ended.IsZero() {
			return errors.New("it runs")
		}
		return nil
	})
	require.EqualValues(t, "done", j.State, j.Problem)
	return j
}
