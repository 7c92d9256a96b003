package eventindextest

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

func (s suite) storedOnce(t *testing.T) {
	x := s.open(t)
	a, b := event("a", at(0)), event("b", at(1))
	require.Equal(t, []eventindex.Status{eventindex.Stored, eventindex.Stored}, status(s.append(t, x, a, b)))

	again := a
	again.Event.Created, again.Event.Ingested, again.Varde.SkewMS = at(99), at(100), 7
	changed := b
	changed.Message = "another line"
	results := s.append(t, x, again, changed, event("c", at(2)), event("c", at(2)))
	require.Equal(t, []eventindex.Status{eventindex.Duplicate, eventindex.Conflicting, eventindex.Stored, eventindex.Duplicate}, status(results))
	require.Equal(t, eventindex.ReasonConflict, results[1].Reason)

	require.Equal(t, []string{"a", "b", "c"}, all(t, x, bo()))
	kept, err := x.Get(bo(), "b")
	require.NoError(t, err)
	require.Equal(t, "line b", kept.Message)
	require.Empty(t, s.append(t, x), "an empty append is no error")
}

func (s suite) replaced(t *testing.T) {
	x := s.open(t)
	first := event("a", at(0))
	first.Varde.Generation = 1
	s.append(t, x, first, event("b", at(5)))

	better := first
	better.Varde.Generation, better.Timestamp, better.Message = 2, at(3600), "parsed better"
	better.Event.Outcome, better.User = "failure", &ecs.User{Name: "kari"}
	require.Equal(t, []eventindex.Status{eventindex.Replaced}, status(s.append(t, x, better)))
	another := first
	another.Event.Original = "raw of another line"
	require.Equal(t, []eventindex.Status{eventindex.Duplicate, eventindex.Duplicate, eventindex.Conflicting},
		status(s.append(t, x, better, first, another)), "what was read before changes nothing, another line under the id is a conflict")

	require.Equal(t, []string{"b", "a"}, all(t, x, bo()))
	for query, want := range map[string]int{"parsed": 1, "line": 1, "outcome:failure": 1, "outcome:success": 1, "user:kari": 1} {
		_, total := search(t, x, bo(), parse(t, query), eventindex.Range{}, 10, false)
		require.Equal(t, want, total, query)
	}
	buckets, err := x.Histogram(bo(), kql.Query{}, eventindex.Range{From: at(-3600), To: at(7200)}, time.Hour, time.UTC)
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 1}, counts(buckets))
	require.Equal(t, map[string]int{"failure": 1}, buckets[2].Outcome)
}

// replacedWhileWritten reads lines of a partition again, several times and by
// several at once, while new ones arrive in it and readers count.
func (s suite) replacedWhileWritten(t *testing.T) {
	x := s.open(t)
	const events, generations = 60, 3
	read := func(i, generation int) ecs.Event {
		e := event(numbered(i), at(i))
		e.Varde.Generation, e.Message = generation, "reading"+strconv.Itoa(generation)
		return e
	}
	first := make([]ecs.Event, events)
	for i := range first {
		first[i] = read(i, 1)
	}
	s.append(t, x, first...)
	var wg sync.WaitGroup
	add := func(batch ...ecs.Event) {
		results, err := x.Append(system(), batch)
		if err != nil {
			t.Errorf("append: %v", err)
			return
		}
		for _, r := range results {
			if r.Status == eventindex.Conflicting || r.Status == eventindex.Rejected {
				t.Errorf("%s: %v %s", r.ID, r.Status, r.Reason)
			}
		}
	}
	for range 2 {
		wg.Go(func() {
			for g := 2; g <= generations; g++ {
				for i := 0; i < events; i += 30 {
					var batch []ecs.Event
					for n := i; n < i+30; n++ {
						batch = append(batch, read(n, g), read(n, g-1)) // the older one is late
					}
					add(batch...)
				}
			}
		})
	}
	wg.Go(func() {
		for i := events; i < 2*events; i += 20 {
			var batch []ecs.Event
			for n := i; n < i+20; n++ {
				batch = append(batch, read(n, 1))
			}
			add(batch...)
		}
	})
	wg.Go(func() {
		for range 10 {
			if hits, err := x.Search(bo(), kql.Query{}, eventindex.Range{To: at(events)}, eventindex.Page{Limit: 200}); err != nil || len(hits.Events) > events {
				t.Errorf("search: %d events, %v", len(hits.Events), err)
			}
		}
	})
	wg.Wait()
	if s.caps.Visible != nil {
		s.caps.Visible(t)
	}
	require.Len(t, all(t, x, bo()), 2*events)
	for query, want := range map[string]int{"reading3": events, "reading2": 0, "reading1": events} {
		_, total := search(t, x, bo(), parse(t, query), eventindex.Range{}, 100, false)
		require.Equal(t, want, total, query)
	}
	buckets, err := x.Histogram(bo(), kql.Query{}, eventindex.Range{From: at(0), To: at(3600)}, time.Hour, time.UTC)
	require.NoError(t, err)
	require.Equal(t, 2*events, counts(buckets)[0])
	parts, err := x.Partitions(bo())
	require.NoError(t, err)
	require.Equal(t, 2*events, parts[0].Events)
}

func counts(buckets []eventindex.Bucket) (out []int) {
	for _, b := range buckets {
		out = append(out, b.Count)
	}
	return out
}

func (s suite) rejected(t *testing.T) {
	x := s.open(t)
	with := func(change func(*ecs.Event)) ecs.Event {
		e := event("x", at(0))
		change(&e)
		return e
	}
	events := []ecs.Event{
		with(func(e *ecs.Event) { e.Event.ID = "" }),
		with(func(e *ecs.Event) { e.Event.ID = strings.Repeat("x", 200) }),
		with(func(e *ecs.Event) { e.Varde.Tenant = "" }),
		with(func(e *ecs.Event) { e.Varde.Tenant = "../nes" }),
		with(func(e *ecs.Event) { e.Varde.Partition = "" }),
		with(func(e *ecs.Event) { e.Varde.Partition = "../p1" }),
		with(func(e *ecs.Event) { e.Varde.Partition = "a..b" }),
		with(func(e *ecs.Event) { e.Varde.Partition = "P1" }),
		with(func(e *ecs.Event) { e.Timestamp = time.Time{} }),
		with(func(e *ecs.Event) { e.Timestamp = time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC) }),
		with(func(e *ecs.Event) { e.Timestamp = time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC) }),
	}
	reasons := []string{eventindex.ReasonID, eventindex.ReasonID, eventindex.ReasonTenant, eventindex.ReasonTenant,
		eventindex.ReasonPartition, eventindex.ReasonPartition, eventindex.ReasonPartition, eventindex.ReasonPartition,
		eventindex.ReasonTime, eventindex.ReasonTime, eventindex.ReasonTime}
	for i, r := range s.append(t, x, events...) {
		require.Equal(t, eventindex.Rejected, r.Status, i)
		require.Equal(t, reasons[i], r.Reason, i)
	}
	results, err := x.Append(other(), []ecs.Event{event("x", at(0))})
	require.NoError(t, err)
	require.Equal(t, eventindex.Rejected, results[0].Status, "an event of another tenant")
	require.Empty(t, all(t, x, bo()))
}

func (s suite) concurrent(t *testing.T) {
	x := s.open(t)
	const writers, each = 4, 100
	events := make([]ecs.Event, each)
	for i := range events {
		events[i] = event(numbered(i), at(i))
		events[i].Varde.Partition = []string{"p1", "p2", "p3"}[i%3]
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	tally := map[eventindex.Status]int{}
	done := make(chan struct{})
	go func() { // readers go on beside the writers
		defer close(done)
		for range 10 {
			if _, err := x.Search(bo(), kql.Query{}, eventindex.Range{}, eventindex.Page{}); err != nil {
				t.Errorf("search: %v", err)
			}
		}
	}()
	for range writers {
		wg.Go(func() {
			for i := 0; i < each; i += 20 {
				results, err := x.Append(system(), events[i:i+20])
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				mu.Lock()
				for _, r := range results {
					tally[r.Status]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	<-done
	require.Equal(t, map[eventindex.Status]int{eventindex.Stored: each, eventindex.Duplicate: (writers - 1) * each}, tally)
	if s.caps.Visible != nil {
		s.caps.Visible(t)
	}
	require.Equal(t, sorted(events, true), all(t, x, bo()))
}

func (s suite) tenants(t *testing.T) {
	x := s.open(t)
	foreign := event("theirs", at(0))
	foreign.Varde.Tenant = "nes"
	longer := event("longer-name", at(0))
	longer.Varde.Tenant = "bo-2"
	s.append(t, x, event("ours", at(0)), foreign, longer)

	require.Equal(t, []string{"ours"}, all(t, x, bo()))
	require.Equal(t, []string{"theirs"}, all(t, x, other()))
	_, err := x.Get(bo(), "theirs")
	require.ErrorIs(t, err, eventindex.ErrNotFound)
	_, err = x.Around(bo(), "theirs", 1, 1)
	require.ErrorIs(t, err, eventindex.ErrNotFound)
	terms, err := x.Terms(bo(), kql.Query{}, eventindex.Range{}, "event.action", 10)
	require.NoError(t, err)
	require.Equal(t, []eventindex.TermCount{{Value: "login", Count: 1}}, terms)
	parts, err := x.Partitions(bo())
	require.NoError(t, err)
	require.Len(t, parts, 1)
	require.NoError(t, x.Drop(other(), "p1"))
	require.Equal(t, []string{"ours"}, all(t, x, bo()))
	everyone, err := x.Partitions(system())
	require.NoError(t, err)
	require.Len(t, everyone, 2)

	none := context.Background()
	_, err = x.Append(none, []ecs.Event{event("a", at(0))})
	require.ErrorIs(t, err, tenant.ErrMissing)
	for _, ctx := range []context.Context{none, system()} {
		_, err = x.Search(ctx, kql.Query{}, eventindex.Range{}, eventindex.Page{})
		require.ErrorIs(t, err, tenant.ErrMissing)
		_, err = x.Get(ctx, "ours")
		require.ErrorIs(t, err, tenant.ErrMissing)
		_, err = x.Histogram(ctx, kql.Query{}, eventindex.Range{From: at(0), To: at(1)}, time.Second, time.UTC)
		require.ErrorIs(t, err, tenant.ErrMissing)
		_, err = x.Terms(ctx, kql.Query{}, eventindex.Range{}, "event.action", 1)
		require.ErrorIs(t, err, tenant.ErrMissing)
		require.ErrorIs(t, x.Drop(ctx, "p1"), tenant.ErrMissing)
		require.ErrorIs(t, x.Scan(ctx, kql.Query{}, eventindex.Range{}, func(ecs.Event) error { return nil }), tenant.ErrMissing)
	}
}

func (s suite) drop(t *testing.T) {
	x := s.open(t)
	second := event("b", at(1))
	second.Varde.Partition = "p2"
	early := event("early", at(-1_000_000)) // a clock that is wrong does not move it
	early.Varde.Partition = "p2"
	s.append(t, x, event("a", at(0)), second, early)
	parts, err := x.Partitions(bo())
	require.NoError(t, err)
	require.Len(t, parts, 2)
	require.Equal(t, "p2", parts[1].Name)
	require.Equal(t, "bo", parts[1].Tenant)
	require.Equal(t, 2, parts[1].Events)
	require.True(t, parts[1].First.Equal(at(-1_000_000)), parts[1].First)
	require.True(t, parts[1].Last.Equal(at(1)), parts[1].Last)
	require.Positive(t, parts[1].Bytes)

	require.NoError(t, x.Drop(bo(), "p2"))
	require.NoError(t, x.Drop(bo(), "p2"), "dropping twice is no error")
	require.NoError(t, x.Drop(bo(), "never-there"))
	require.Equal(t, []string{"a"}, all(t, x, bo()))
	_, err = x.Get(bo(), "b")
	require.ErrorIs(t, err, eventindex.ErrNotFound)
	require.Equal(t, []eventindex.Status{eventindex.Stored}, status(s.append(t, x, second)), "and can be filled again")
	require.Equal(t, []string{"a", "b"}, all(t, x, bo()))
}

func (s suite) whole(t *testing.T) {
	x := s.open(t)
	big := event("big", at(1))
	big.Message = strings.Repeat("long line ", 100_000)
	big.Event.Original = big.Message
	odd := event("odd", at(2))
	odd.Message = "<b>\u2028 \x00 \"quoted\" {\"json\": 1}"
	odd.User = &ecs.User{Name: strings.Repeat("å", 2000), FullName: "Åse Ødegård", Target: &ecs.User{Name: "root"}}
	odd.Source = &ecs.Endpoint{IP: "fe80::1%eth0"}
	odd.Labels = map[string]string{"a": "1", "a.b": "2", "c.": "3", "æ": "4"}
	odd.Log = &ecs.Log{Syslog: &ecs.LogSyslog{Facility: &ecs.Coded{}, StructuredData: map[string]map[string]string{"x@1": {"a.b": "1", "a": "2"}}}}
	odd.Timestamp = odd.Timestamp.Add(123456789)
	odd.Event.Start = time.Date(1920, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, want := range []ecs.Event{big, odd} {
		require.Equal(t, eventindex.Stored, s.append(t, x, want)[0].Status)
		got, err := x.Get(bo(), want.Event.ID)
		require.NoError(t, err)
		require.Empty(t, cmp.Diff(want, got))
	}
	_, err := x.Get(bo(), "no-such-event")
	require.ErrorIs(t, err, eventindex.ErrNotFound)
	require.NoError(t, x.Ready(context.Background()))
}

func (s suite) cancelled(t *testing.T) {
	x := s.open(t)
	s.append(t, x, event("a", at(0)))
	ctx, cancel := context.WithCancel(bo())
	cancel()
	_, err := x.Append(ctx, []ecs.Event{event("b", at(0))})
	require.ErrorIs(t, err, context.Canceled)
	_, err = x.Search(ctx, kql.Query{}, eventindex.Range{}, eventindex.Page{})
	require.ErrorIs(t, err, context.Canceled)
	require.Error(t, x.Scan(ctx, kql.Query{}, eventindex.Range{}, func(ecs.Event) error { return nil }))
	require.Equal(t, []string{"a"}, all(t, x, bo()))
}
