package eventindextest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// random compares what the adapter finds with kql.Match over the same events.
func (s suite) random(t *testing.T) {
	x := s.open(t)
	events := Events(1, "bo", []string{"p1", "p2", "p3"}, 300)
	foreign := Events(2, "nes", []string{"p1"}, 50)
	s.append(t, x, append(events, foreign...)...)
	rapid.Check(t, func(rt *rapid.T) {
		s.compare(rt, t, x, events, kql.Query{Root: Tree(rt)})
	})
}

func (s suite) compare(rt *rapid.T, t *testing.T, x eventindex.Index, events []ecs.Event, q kql.Query) {
	rt.Log(q.String())
	var r eventindex.Range
	if rapid.Bool().Draw(rt, "bounded") {
		r.From = Epoch.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "from")) * time.Hour)
		r.To = r.From.Add(time.Duration(rapid.IntRange(0, 40).Draw(rt, "to")) * time.Hour)
	}
	ascending := rapid.Bool().Draw(rt, "ascending")
	var want []ecs.Event
	terms := map[string]int{}
	field, _ := ecs.Lookup(rapid.SampledFrom([]string{"user.name", "source.ip", "event.category", "host.name", "labels.site"}).Draw(rt, "terms"))
	for _, e := range events {
		if !inside(&e, r) || !kql.Match(q, &e) {
			continue
		}
		want = append(want, e)
		seen := map[string]bool{}
		for _, v := range field.Values(&e) {
			if !seen[v.Text] {
				terms[v.Text]++
			}
			seen[v.Text] = true
		}
	}
	hits, err := x.Search(bo(), q, r, eventindex.Page{Limit: 1000, Ascending: ascending})
	require.NoError(rt, err)
	got := []string{}
	for _, e := range hits.Events {
		got = append(got, e.Event.ID)
	}
	require.Equal(rt, sorted(want, ascending), got)
	require.Equal(rt, len(want), hits.Total)
	require.True(rt, hits.Exact)

	counted, err := x.Terms(bo(), q, r, field.Name, 100)
	require.NoError(rt, err)
	require.Equal(rt, eventindex.Top(terms, 100), counted)

	if !r.From.IsZero() {
		buckets, err := x.Histogram(bo(), q, r, time.Hour, time.UTC)
		require.NoError(rt, err)
		require.Equal(rt, len(want), sum(counts(buckets)))
	}
}

// Compare asks two adapters the same random questions over the same events.
func Compare(t *testing.T, a, b eventindex.Index) {
	events := Events(3, "bo", []string{"p1", "p2"}, 250)
	for _, x := range []eventindex.Index{a, b} {
		results, err := x.Append(system(), events)
		require.NoError(t, err)
		for _, r := range results {
			require.Equal(t, eventindex.Stored, r.Status)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		q := kql.Query{Root: Tree(rt)}
		rt.Log(q.String())
		limit := rapid.SampledFrom([]int{1, 7, 50}).Draw(rt, "limit")
		p := eventindex.Page{Limit: limit, Ascending: rapid.Bool().Draw(rt, "ascending")}
		for range 4 { // page by page, each with the other's cursor
			one, err := a.Search(bo(), q, eventindex.Range{}, p)
			require.NoError(rt, err)
			other, err := b.Search(bo(), q, eventindex.Range{}, p)
			require.NoError(rt, err)
			require.Equal(rt, one, other)
			if p.After = one.Next; p.After == "" {
				break
			}
		}
		r := eventindex.Range{From: Epoch, To: Epoch.AddDate(0, 0, 4)}
		for _, interval := range []time.Duration{time.Hour, 24 * time.Hour} {
			one, err := a.Histogram(bo(), q, r, interval, oslo)
			require.NoError(rt, err)
			other, err := b.Histogram(bo(), q, r, interval, oslo)
			require.NoError(rt, err)
			require.Equal(rt, one, other)
		}
	})
}

// oslo has a day of 25 hours among the generated events.
var oslo = func() *time.Location {
	loc, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		panic(err) // the test machine has no time zones
	}
	return loc
}()
