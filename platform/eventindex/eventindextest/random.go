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
	rounds := 0
	rapid.Check(t, func(rt *rapid.T) {
		if rounds++; s.caps.Rounds > 0 && rounds > s.caps.Rounds {
			return
		}
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
