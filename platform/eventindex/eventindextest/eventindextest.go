// Package eventindextest is the contract that every adapter of the event index
// keeps: Run is called by each with a way to open an empty index.
package eventindextest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// Caps are what an adapter opts out of; the zero value runs everything.
type Caps struct {
	// Visible, when set, makes what was appended visible to searches. Adapters
	// without it show an event when Append returns.
	Visible func(t testing.TB)
}

// Open gives an empty index that is closed at the end of the test.
type Open func(t testing.TB) eventindex.Index

type suite struct {
	open Open
	caps Caps
}

// Run checks the contract.
func Run(t *testing.T, open Open, caps Caps) {
	s := suite{open: open, caps: caps}
	for _, c := range []struct {
		name string
		test func(*testing.T)
	}{
		{"AnEventIsStoredOnce", s.storedOnce},
		{"AReparsedEventReplaces", s.replaced},
		{"ReplacingDoublesNothing", s.replacedWhileWritten},
		{"WhatCannotBeStoredIsRejected", s.rejected},
		{"ConcurrentAppendsStoreOnce", s.concurrent},
		{"TenantsSeeOnlyTheirOwn_R74", s.tenants},
		{"PagesAreStable", s.paging},
		{"ACursorFitsItsQuery", s.cursors},
		{"TheHistogramFollowsTheClockOnTheWall", s.histogram},
		{"TheHistogramCountsEveryEventOnce", s.histogramEdges},
		{"TermsCountValues", s.terms},
		{"CountsOfEverythingFollowWhatComes", s.following},
		{"AroundStaysOnTheHost", s.around},
		{"ScanIsOrderedAndStops", s.scan},
		{"ADroppedPartitionIsGone", s.drop},
		{"AnEventComesBackWhole", s.whole},
		{"ACancelledCallEnds", s.cancelled},
		{"RandomQueriesMatchTheReference", s.random},
		{"WrittenQueriesFindWhatTheDocumentationSays", s.documented},
	} {
		t.Run(c.name, c.test)
	}
}

func bo() context.Context    { return tenant.With(context.Background(), "bo") }
func other() context.Context { return tenant.With(context.Background(), "nes") }
func system() context.Context {
	return systemscope.Enter(context.Background(), "test")
}

func (s suite) append(t testing.TB, x eventindex.Index, events ...ecs.Event) []eventindex.Result {
	t.Helper()
	results, err := x.Append(system(), events)
	require.NoError(t, err)
	require.Len(t, results, len(events))
	for i := range results {
		require.Equal(t, events[i].Event.ID, results[i].ID)
	}
	if s.caps.Visible != nil {
		s.caps.Visible(t)
	}
	return results
}

func event(id string, at time.Time) ecs.Event {
	return ecs.Event{Timestamp: at, Message: "line " + id, Event: ecs.Meta{ID: id, Kind: "event", Action: "login", Outcome: "success", Original: "raw " + id},
		Host: &ecs.Host{Name: "web-1"}, Varde: ecs.Varde{Tenant: "bo", Partition: "p1"}}
}

func at(seconds int) time.Time { return Epoch.Add(time.Duration(seconds) * time.Second) }

func status(results []eventindex.Result) (out []eventindex.Status) {
	for _, r := range results {
		out = append(out, r.Status)
	}
	return out
}

func parse(t testing.TB, text string) kql.Query {
	q, err := kql.Parse(text, kql.Options{})
	require.NoError(t, err)
	return q
}

// search reads every page of a query.
func search(t testing.TB, x eventindex.Index, ctx context.Context, q kql.Query, r eventindex.Range, limit int, ascending bool) (ids []string, total int) {
	t.Helper()
	p := eventindex.Page{Limit: limit, Ascending: ascending}
	for {
		hits, err := x.Search(ctx, q, r, p)
		require.NoError(t, err)
		require.LessOrEqual(t, len(hits.Events), limit)
		require.True(t, hits.Exact)
		total = hits.Total
		for _, e := range hits.Events {
			ids = append(ids, e.Event.ID)
		}
		if hits.Next == "" {
			return ids, total
		}
		require.Len(t, hits.Events, limit, "a page with a next one is full")
		p.After = hits.Next
	}
}

func all(t testing.TB, x eventindex.Index, ctx context.Context) []string {
	t.Helper()
	ids, total := search(t, x, ctx, kql.Query{}, eventindex.Range{}, 100, true)
	require.Equal(t, len(ids), total)
	return ids
}

// sorted gives the ids of events in the order of the index.
func sorted(events []ecs.Event, ascending bool) []string {
	events = slices.Clone(events)
	slices.SortFunc(events, func(a, b ecs.Event) int {
		c := cmp.Or(a.Timestamp.Compare(b.Timestamp), cmp.Compare(a.Event.ID, b.Event.ID))
		if ascending {
			return c
		}
		return -c
	})
	ids := []string{}
	for _, e := range events {
		ids = append(ids, e.Event.ID)
	}
	return ids
}

func numbered(n int) string { return fmt.Sprintf("e%04d", n) }
