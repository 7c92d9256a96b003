package chaos

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/ingest/archive"
	"varde.internal/platform/blob"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/bus/kafka"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/elastic"
	embeddedindex "varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/keyring"
	"varde.internal/platform/kql"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/test/engines"
	"varde.internal/test/running"
)

// tenantID of the demo region that the sources belong to.
const tenantID = tenant.ID("bjorkvag")

// numberOf reads an event's number from its line.
var numberOf = regexp.MustCompile(`event number (\d+)\.`)

// tally is what a store has of one stream.
type tally struct {
	times []uint8 // by number
	// Numbers in the order in which they came, each at its first coming.
	last, disorder int
	example        string
}

// counts are what a store has, by stream.
type counts struct {
	of map[string]*tally
}

func newCounts(streams []*stream) *counts {
	c := &counts{of: map[string]*tally{}}
	for _, m := range streams {
		c.of[m.name] = &tally{times: make([]uint8, m.total+1)}
	}
	return c
}

// add counts one event, in the order of the store; what is no event of the
// streams is left out.
func (c *counts) add(e *ecs.Event) error {
	if e.Host == nil || c.of[e.Host.Name] == nil {
		return nil
	}
	t := c.of[e.Host.Name]
	m := numberOf.FindStringSubmatch(e.Event.Original)
	if m == nil {
		return fmt.Errorf("an event of %s has no number: %q", e.Host.Name, e.Event.Original)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n < 1 || n >= len(t.times) {
		return fmt.Errorf("an event of %s has a number that was never sent: %q", e.Host.Name, e.Event.Original)
	}
	if t.times[n]++; t.times[n] > 1 {
		return nil
	}
	if n < t.last {
		if t.disorder++; t.example == "" {
			t.example = fmt.Sprintf("%d after %d", n, t.last)
		}
	}
	t.last = n
	return nil
}

// verify says what is wrong with a stream in a store: nothing where each number
// that must be there is there, none twice, and in order. repeats says that the
// store may have the same event more than once (the topic, the archive), and
// ordered that it has an order.
func (c *counts) verify(m *stream, repeats, ordered bool) (wrong []string) {
	t := c.of[m.name]
	var missing, twice []int
	for n := 1; n <= m.total; n++ {
		switch {
		case t.times[n] == 0:
			missing = append(missing, n)
		case t.times[n] > 1 && !repeats:
			twice = append(twice, n)
		}
	}
	say := func(what string, list []int) {
		if len(list) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d %s, the first %v", m.name, len(list), what, spans(list)))
		}
	}
	if m.kind != "syslog" {
		say("missing", missing)
	} else {
		wrong = append(wrong, m.notPrefixes(t.times)...)
	}
	say("more than once", twice)
	if ordered && t.disorder > 0 {
		wrong = append(wrong, fmt.Sprintf("%s: %d out of order, such as %s", m.name, t.disorder, t.example))
	}
	return wrong
}

// spans writes numbers that follow each other as one, the first ten.
func spans(list []int) (out []string) {
	for i := 0; i < len(list) && len(out) < 10; {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		out = append(out, fmt.Sprintf("%d–%d", list[i], list[j]))
		i = j + 1
	}
	return out
}

// notPrefixes checks what plain TCP can promise: of each connection everything
// came up to some line, and nothing after it; all, where the collector closed it
// in order.
func (m *stream) notPrefixes(times []uint8) (wrong []string) {
	for _, r := range m.ranges {
		here := r.first
		for here <= r.last && times[here] > 0 {
			here++
		}
		if r.whole && here <= r.last {
			wrong = append(wrong, fmt.Sprintf("%s: %d–%d are missing of a connection that ended in order", m.name, here, r.last))
		}
		for n := here; n <= r.last; n++ {
			if times[n] > 0 {
				wrong = append(wrong, fmt.Sprintf("%s: of the connection with %d–%d, %d is missing and %d is there", m.name, r.first, r.last, here, n))
				break
			}
		}
	}
	return wrong
}

// lost is how many lines of a syslog client never came.
func (m *stream) lost(times []uint8) (n int) {
	for _, t := range times[1:] {
		if t == 0 {
			n++
		}
	}
	return n
}

// expected is how many events must be there at least: of syslog those of the
// connections that ended in order.
func (m *stream) expected() int {
	if m.kind != "syslog" {
		return m.total
	}
	n := 0
	for _, r := range m.ranges {
		if r.whole {
			n += r.last - r.first + 1
		}
	}
	return n
}

// totals gives how many events of a stream a search finds.
func (s *site) totals(officer *running.Browser) func(m *stream) int {
	s.t.Helper()
	var c searchapi.Context
	running.Eventually(s.t, 2*time.Minute, func() error {
		a, err := officer.Try("POST", "/api/search/v1/contexts", searchapi.NewContext{Purpose: "Telling av numrene"}, &c)
		if err == nil && a.Status >= 300 {
			err = fmt.Errorf("%d %s", a.Status, a.Body)
		}
		return err
	})
	return func(m *stream) (n int) {
		running.Eventually(s.t, 2*time.Minute, func() error {
			var r searchapi.SearchResult
			a, err := officer.Try("POST", "/api/search/v1/search", searchapi.SearchRequest{Context: c.Id, Query: "host.name: " + m.name, Limit: 1}, &r)
			if n = r.Total; err == nil && a.Status >= 300 {
				err = fmt.Errorf("%d %s", a.Status, a.Body)
			}
			return err
		})
		return n
	}
}

// beginFiles writes the first line of each log and waits until it is searchable.
func (s *site) beginFiles(officer *running.Browser, streams []*stream) {
	s.t.Helper()
	total := s.totals(officer)
	for _, m := range streams {
		if m.kind != "file" {
			continue
		}
		require.NoError(s.t, m.beginFile())
		running.Eventually(s.t, 2*time.Minute, func() error {
			if total(m) == 0 {
				return errors.New("the first line of a log is not searchable yet")
			}
			return nil
		})
	}
}

// awaitIndexed waits until a search finds as many events of each stream as must
// be there.
func (s *site) awaitIndexed(officer *running.Browser, streams []*stream) {
	s.t.Helper()
	total := s.totals(officer)
	for _, m := range streams {
		// What grows still has time; what does not is counted for what it is.
		n, grown := 0, time.Now()
		for time.Since(grown) < stagnant {
			now := total(m)
			if now >= m.expected() {
				n = now
				break
			}
			if now > n {
				n, grown = now, time.Now()
			}
			time.Sleep(100 * time.Millisecond)
		}
		if n < m.expected() {
			s.t.Errorf("%s: a search finds %d of %d events, and no more within %s", m.name, n, m.expected(), stagnant)
		}
	}
}

// stagnant is how long nothing may become searchable before a test does not
// wait for more.
const stagnant = time.Minute

// index opens the event index of a site that is stopped.
func (s *site) index() eventindex.Index {
	var index eventindex.Index
	var err error
	if s.Engines != nil {
		index, err = elastic.Open(s.t.Context(), s.Engines.Of[engines.KindElasticsearch].URL)
	} else {
		index, err = embeddedindex.Open(s.t.Context(), filepath.Join(s.Data, "events"))
	}
	require.NoError(s.t, err)
	return index
}

// inIndex counts the events of the index in its own order.
func (s *site) inIndex(streams []*stream) *counts {
	s.t.Helper()
	index := s.index()
	defer index.Close()
	query, err := kql.Parse("", kql.Options{})
	require.NoError(s.t, err)
	c := newCounts(streams)
	require.NoError(s.t, index.Scan(tenant.With(s.t.Context(), tenantID), query, eventindex.Range{}, func(e ecs.Event) error { return c.add(&e) }))
	return c
}

// onTopic counts what the bus has, in the order of each source.
func (s *site) onTopic(streams []*stream) *counts {
	s.t.Helper()
	url := ""
	if s.Engines != nil {
		url = s.Engines.Of[engines.KindKafka].URL
	} else {
		broker, err := embedded.Start(embedded.Options{Dir: filepath.Join(s.Data, "bus")})
		require.NoError(s.t, err)
		defer broker.Close()
		url = broker.URL()
	}
	b, err := kafka.Open(url, kafka.Options{})
	require.NoError(s.t, err)
	defer b.Close()
	c := newCounts(streams)
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	defer cancel()
	whole := false
	err = b.Follow(ctx, bus.TopicEvents, func(_ context.Context, batch []bus.Message) error {
		for _, m := range batch {
			e, err := eventindex.Decode(m.Value)
			if err == nil {
				err = c.add(&e)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}, func() { whole = true; cancel() })
	require.True(s.t, whole, "the topic was not read to its end: %v", err)
	return c
}

// archived opens the archive's files, which another process may write to.
func (s *site) archived() blob.Bucket {
	s.t.Helper()
	keys, err := keyring.Open(filepath.Join(s.Data, "keys"))
	require.NoError(s.t, err)
	identities, err := keys.Files()
	require.NoError(s.t, err)
	bucket, err := blob.Open(s.t.Context(), "file://"+filepath.Join(s.Data, "files"), identities...)
	require.NoError(s.t, err)
	return bucket
}

// inArchive counts what the archive has.
func (s *site) inArchive(streams []*stream) *counts {
	s.t.Helper()
	bucket := s.archived()
	defer bucket.Close()
	ctx := tenant.With(s.t.Context(), tenantID)
	pieces, err := bucket.List(ctx, "archive/")
	require.NoError(s.t, err)
	partitions := map[string]bool{}
	for _, p := range pieces {
		partitions[strings.Split(p.Key, "/")[1]] = true
	}
	c := newCounts(streams)
	for p := range partitions {
		require.NoError(s.t, archive.NewFiles(bucket).Read(ctx, p, func(e ecs.Event) error { return c.add(&e) }))
	}
	return c
}

// awaitArchived waits until the archive has as much of each stream as must be
// there, or grows no more.
func (s *site) awaitArchived(streams []*stream) *counts {
	s.t.Helper()
	n, grown := -1, time.Now()
	for {
		c := s.inArchive(streams)
		have, wanted := 0, 0
		for _, m := range streams {
			have += min(m.expected(), m.total-m.lost(c.of[m.name].times))
			wanted += m.expected()
		}
		if have > n {
			n, grown = have, time.Now()
		}
		if have >= wanted || time.Since(grown) > stagnant {
			return c
		}
		time.Sleep(time.Second)
	}
}

// requireWhole fails the test where a store lacks an event, has one twice, or
// has them out of order.
func requireWhole(t *testing.T, store string, c *counts, streams []*stream, repeats, ordered bool) {
	t.Helper()
	var wrong []string
	for _, m := range streams {
		wrong = append(wrong, c.verify(m, repeats, ordered)...)
	}
	if !slices.Equal(wrong, nil) {
		t.Errorf("%s:", store)
		for _, w := range wrong {
			t.Errorf("  %s", w)
		}
	}
}
