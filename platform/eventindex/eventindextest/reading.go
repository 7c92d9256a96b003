package eventindextest

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// paging: many events of one time, partitions that overlap, and events that
// arrive between the pages.
func (s suite) paging(t *testing.T) {
	for _, ascending := range []bool{false, true} {
		x := s.open(t)
		var events []ecs.Event
		for i := range 95 {
			e := event(numbered(i), at(i/10))
			e.Varde.Partition = []string{"p1", "p2"}[i%2]
			events = append(events, e)
		}
		s.append(t, x, events...)
		want := sorted(events, ascending)

		var got []string
		p := eventindex.Page{Limit: 10, Ascending: ascending}
		for n := 0; ; n++ {
			hits, err := x.Search(bo(), kql.Query{}, eventindex.Range{}, p)
			require.NoError(t, err)
			for _, e := range hits.Events {
				if e.User == nil { // one that was there at the first page
					got = append(got, e.Event.ID)
				}
			}
			if hits.Next == "" {
				break
			}
			p.After = hits.Next
			late := event("late"+numbered(n), at(n))
			late.User = &ecs.User{Name: "late"}
			s.append(t, x, late)
		}
		require.Equal(t, want, got)
	}
	x := s.open(t)
	s.append(t, x, event("a", at(0)), event("b", at(1)), event("c", at(2)))
	ids, total := search(t, x, bo(), kql.Query{}, eventindex.Range{From: at(1), To: at(2)}, 10, false)
	require.Equal(t, []string{"b"}, ids, "the range is half-open")
	require.Equal(t, 1, total)
}

func (s suite) cursors(t *testing.T) {
	x := s.open(t)
	s.append(t, x, event("a", at(0)), event("b", at(1)), event("c", at(2)))
	hits, err := x.Search(bo(), parse(t, "line"), eventindex.Range{}, eventindex.Page{Limit: 1})
	require.NoError(t, err)
	require.NotEmpty(t, hits.Next)
	for _, c := range []struct {
		query string
		page  eventindex.Page
	}{
		{"line", eventindex.Page{After: "???"}},
		{"line", eventindex.Page{After: "AAAA"}},
		{"raw", eventindex.Page{After: hits.Next}},
		{"line", eventindex.Page{After: hits.Next, Ascending: true}},
	} {
		_, err := x.Search(bo(), parse(t, c.query), eventindex.Range{}, c.page)
		require.ErrorIs(t, err, eventindex.ErrCursor)
	}
}

func (s suite) histogram(t *testing.T) {
	x := s.open(t)
	// 25 October 2026 has 25 hours in Oslo.
	midnight := time.Date(2026, 10, 25, 0, 0, 0, 0, oslo)
	var events []ecs.Event
	for i, off := range []time.Duration{-time.Second, 0, 12 * time.Hour, 25*time.Hour - time.Nanosecond, 25 * time.Hour} {
		e := event(numbered(i), midnight.Add(off).UTC())
		e.Event.Outcome = []string{"success", "failure", ""}[i%3]
		events = append(events, e)
	}
	s.append(t, x, events...)
	r := eventindex.Range{From: midnight.AddDate(0, 0, -1), To: midnight.AddDate(0, 0, 3)}
	buckets, err := x.Histogram(bo(), kql.Query{}, r, 24*time.Hour, oslo)
	require.NoError(t, err)
	require.Equal(t, []int{1, 3, 1, 0}, counts(buckets))
	require.True(t, buckets[1].Start.Equal(midnight), buckets[1].Start)
	require.True(t, buckets[2].Start.Equal(midnight.Add(25*time.Hour)), buckets[2].Start)
	require.Equal(t, map[string]int{"failure": 1, "success": 1}, buckets[1].Outcome)

	hours, err := x.Histogram(bo(), parse(t, "outcome:failure"), r, time.Hour, oslo)
	require.NoError(t, err)
	require.Len(t, hours, 24+25+24+24)
	require.Equal(t, 1, hours[24].Count)

	_, err = x.Histogram(bo(), kql.Query{}, r, time.Second, oslo)
	require.ErrorIs(t, err, eventindex.ErrBuckets)
	open, err := x.Histogram(bo(), kql.Query{}, eventindex.Range{}, time.Hour, oslo)
	require.NoError(t, err)
	require.Len(t, open, 27)
	require.Equal(t, 5, sum(counts(open)))
}

func sum(of []int) (n int) {
	for _, v := range of {
		n += v
	}
	return n
}

// histogramEdges: whatever the range and the interval, each event in the range
// is counted once, with and without a condition.
func (s suite) histogramEdges(t *testing.T) {
	x := s.open(t)
	events := Events(7, "bo", []string{"p1", "p2"}, 200)
	s.append(t, x, events...)
	for _, c := range []struct {
		from, to time.Time
		interval time.Duration
	}{
		{Epoch, Epoch.AddDate(0, 0, 4), time.Hour},
		{Epoch.Add(12345 * time.Second), Epoch.Add(99999 * time.Second), time.Minute},
		{Epoch.Add(12345 * time.Second), Epoch.Add(12399 * time.Second), time.Minute},
		{Epoch.Add(30 * time.Second), Epoch.Add(2 * time.Hour), 30 * time.Second},
		{Epoch.Add(17), Epoch.AddDate(0, 0, 4), 7 * time.Minute},
		{Epoch.Add(17), Epoch.AddDate(0, 0, 4), 48 * time.Hour},
	} {
		for _, query := range []string{"", "attempt:true", "time < 2026-10-25"} {
			q, r := parse(t, query), eventindex.Range{From: c.from, To: c.to}
			buckets, err := x.Histogram(bo(), q, r, c.interval, time.UTC)
			if errors.Is(err, eventindex.ErrBuckets) {
				continue
			}
			require.NoError(t, err)
			want, err := eventindex.Buckets(r, c.interval, time.UTC)
			require.NoError(t, err)
			for i := range events {
				if inside(&events[i], r) && kql.Match(q, &events[i]) {
					eventindex.Add(want, events[i].Timestamp, events[i].Event.Outcome, 1)
				}
			}
			require.Equal(t, want, buckets, "%v %q", c, query)
		}
	}
}

func inside(e *ecs.Event, r eventindex.Range) bool {
	return (r.From.IsZero() || !e.Timestamp.Before(r.From)) && (r.To.IsZero() || e.Timestamp.Before(r.To))
}

func (s suite) terms(t *testing.T) {
	x := s.open(t)
	var events []ecs.Event
	for i := range 6 {
		e := event(numbered(i), at(i))
		e.Varde.Partition = []string{"p1", "p2"}[i%2]
		e.Event.Category = [][]string{{"session", "authentication"}, {"authentication"}, nil}[i%3]
		e.Source = &ecs.Endpoint{IP: []string{"10.0.0.1", "::1", "nowhere"}[i%3], Port: i % 2}
		e.Varde.Attempt = i < 2
		e.Labels = map[string]string{"site": []string{"north", "south"}[i/4]}
		events = append(events, e)
	}
	s.append(t, x, events...)
	for field, want := range map[string][]eventindex.TermCount{
		"event.category": {{Value: "authentication", Count: 4}, {Value: "session", Count: 2}},
		"source.ip":      {{Value: "10.0.0.1", Count: 2}, {Value: "::1", Count: 2}},
		"source.port":    {{Value: "1", Count: 3}},
		"varde.attempt":  {{Value: "true", Count: 2}},
		"labels.site":    {{Value: "north", Count: 4}, {Value: "south", Count: 2}},
		"labels.none":    {},
		"host.name":      {{Value: "web-1", Count: 6}},
	} {
		got, err := x.Terms(bo(), kql.Query{}, eventindex.Range{}, field, 10)
		require.NoError(t, err, field)
		require.ElementsMatch(t, want, got, field)
		require.True(t, slices.IsSortedFunc(got, func(a, b eventindex.TermCount) int { return b.Count - a.Count }), field)
	}
	top, err := x.Terms(bo(), parse(t, "attempt:true or labels.site:south"), eventindex.Range{From: at(1)}, "labels.site", 1)
	require.NoError(t, err)
	require.Equal(t, []eventindex.TermCount{{Value: "south", Count: 2}}, top)
	for _, field := range []string{"message", "event.original", "@timestamp", "no.such.field"} {
		_, err := x.Terms(bo(), kql.Query{}, eventindex.Range{}, field, 10)
		require.ErrorIs(t, err, eventindex.ErrField, field)
	}
}

func (s suite) around(t *testing.T) {
	x := s.open(t)
	var events []ecs.Event
	for i := range 30 {
		e := event(numbered(i), at(i/3))
		e.Varde.Partition = []string{"p1", "p2"}[i%2]
		if i%5 == 0 {
			e.Host = &ecs.Host{Name: "web-2"}
		}
		events = append(events, e)
	}
	lonely := event("lonely", at(4))
	lonely.Host = nil
	s.append(t, x, append(events, lonely)...)
	get := func(id string, before, after int) (ids []string) {
		found, err := x.Around(bo(), id, before, after)
		require.NoError(t, err)
		for _, e := range found {
			ids = append(ids, e.Event.ID)
		}
		return ids
	}
	require.Equal(t, []string{"e0011", "e0012", "e0013", "e0014", "e0016"}, get("e0013", 2, 2))
	require.Equal(t, []string{"e0005", "e0010", "e0015"}, get("e0010", 1, 1))
	require.Equal(t, []string{"e0000", "e0005"}, get("e0000", 9, 1))
	require.Equal(t, []string{"e0029"}, get("e0029", 0, 5))
	require.Equal(t, []string{"e0014", "lonely", "e0015"}, get("lonely", 1, 1), "without a host: of all hosts")
}

func (s suite) scan(t *testing.T) {
	x := s.open(t)
	var events []ecs.Event
	for i := range 1203 {
		e := event(numbered(i), at(i/7))
		e.Varde.Partition = []string{"p1", "p2", "p3"}[i%3]
		events = append(events, e)
	}
	s.append(t, x, events...)
	var ids []string
	require.NoError(t, x.Scan(bo(), kql.Query{}, eventindex.Range{}, func(e ecs.Event) error {
		ids = append(ids, e.Event.ID)
		return nil
	}))
	require.Equal(t, sorted(events, true), ids)

	stop, n := errors.New("stop"), 0
	err := x.Scan(bo(), parse(t, "line"), eventindex.Range{From: at(10), To: at(12)}, func(e ecs.Event) error {
		if n++; n == 9 {
			return stop
		}
		return nil
	})
	require.ErrorIs(t, err, stop)
	require.Equal(t, 9, n)
}

// following asks for the counts of all events again and again while more come,
// within the times that there were and beyond, and while some are replaced.
func (s suite) following(t *testing.T) {
	x := s.open(t)
	hours := map[int]int{}
	hosts := map[string]int{}
	r := eventindex.Range{From: at(-86400), To: at(86400)}
	check := func() {
		t.Helper()
		for range 2 { // the second may be answered from memory
			for _, within := range []eventindex.Range{{}, r} {
				top, err := x.Terms(bo(), kql.Query{}, within, "host.name", 10)
				require.NoError(t, err)
				require.Equal(t, eventindex.Top(hosts, 10), top)
			}
			buckets, err := x.Histogram(bo(), kql.Query{}, r, time.Hour, time.UTC)
			require.NoError(t, err)
			got := map[int]int{}
			for i, b := range buckets {
				if b.Count > 0 {
					got[i-24] = b.Count
					require.Equal(t, b.Count, b.Outcome["success"]+b.Outcome["failure"])
				}
			}
			require.Equal(t, hours, got)
			_, total := search(t, x, bo(), parse(t, "line"), eventindex.Range{}, 10, false)
			require.Equal(t, sum(slices.Collect(maps.Values(hosts))), total)
		}
	}
	for n, hour := range []int{0, 1, 1, -5, 20, 3, 3} {
		e := event(numbered(n), at(hour*3600))
		e.Varde.Generation, e.Varde.Partition = 1, []string{"p1", "p2"}[n%2]
		e.Host.Name = []string{"web-1", "web-2", "db-1"}[n%3]
		s.append(t, x, e)
		hours[hour]++
		hosts[e.Host.Name]++
		check()
		if n%3 == 2 { // and it is read better
			hours[hour]--
			hosts[e.Host.Name]--
			e.Varde.Generation, e.Timestamp, e.Event.Outcome = 2, at((hour+1)*3600), "failure"
			e.Host = &ecs.Host{Name: "app-1"}
			require.Equal(t, []eventindex.Status{eventindex.Replaced}, status(s.append(t, x, e)))
			hours[hour+1]++
			hosts["app-1"]++
			maps.DeleteFunc(hours, func(_, n int) bool { return n == 0 })
			maps.DeleteFunc(hosts, func(_ string, n int) bool { return n == 0 })
			check()
		}
	}
	// What lies outside the range is not counted, though its partition was whole within.
	far := event("far", at(10*86400))
	s.append(t, x, far)
	buckets, err := x.Histogram(bo(), kql.Query{}, r, time.Hour, time.UTC)
	require.NoError(t, err)
	require.Equal(t, 7, sum(counts(buckets)))
	top, err := x.Terms(bo(), kql.Query{}, r, "host.name", 10)
	require.NoError(t, err)
	require.Equal(t, eventindex.Top(hosts, 10), top)
	_, total := search(t, x, bo(), parse(t, "line"), r, 10, false)
	require.Equal(t, 7, total)
}
