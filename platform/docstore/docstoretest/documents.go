package docstoretest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/docstore"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
)

func documents(t *testing.T, s docstore.Store) {
	ctx := in(t.Context(), "nordvik")
	c := collection(t, s, "documents")
	require.NoError(t, s.Ready(ctx))

	level := 2
	due := time.Date(2026, 10, 25, 1, 59, 59, 123456789, time.UTC)
	v := Sample{
		Name: "Blåbærsyltetøy \"<&>\" \u2028 \x00 🫐", Rank: math.MaxInt64, Score: 1.5e-300, Open: true, Due: &due,
		Tags: []string{"æ", ""}, Tasks: []Task{{Owner: "o", Due: due.In(time.FixedZone("", -3600))}},
		Unit: Unit{ID: "u", Level: &level},
		Attr: map[string]string{"a.b": "dot", "$set": "dollar", "": "empty", "~1": "tilde", "nul\x00": "nul"},
	}
	d, err := c.Insert(ctx, "id/with $ and .", v)
	require.NoError(t, err)
	require.EqualValues(t, 1, d.Version)
	require.Equal(t, "nordvik", d.Tenant)
	require.WithinDuration(t, time.Now(), d.Updated, time.Minute)
	got, err := c.Get(ctx, "id/with $ and .")
	require.NoError(t, err)
	require.Equal(t, d, got, "Insert returns what Get returns")
	v.Tasks[0].Due = due
	require.Equal(t, v, got.Value)

	_, err = c.Insert(ctx, "id/with $ and .", Sample{})
	require.ErrorIs(t, err, docstore.ErrExists)
	d, err = c.Update(ctx, "id/with $ and .", func(v *Sample, _ *docstore.Outbox) error { v.Rank = math.MinInt64; v.Attr = nil; return nil })
	require.NoError(t, err)
	require.EqualValues(t, 2, d.Version)
	got, err = c.Get(ctx, "id/with $ and .")
	require.NoError(t, err)
	require.Equal(t, d, got)
	require.EqualValues(t, math.MinInt64, got.Value.Rank)

	mine := fmt.Errorf("mine: %w", docstore.ErrConflict)
	runs := 0
	_, err = c.Update(ctx, "id/with $ and .", func(v *Sample, _ *docstore.Outbox) error { runs++; v.Rank = 1; return mine })
	require.Equal(t, mine, err, "the closure's error comes back as it is")
	require.Equal(t, 1, runs)
	got, err = c.Get(ctx, "id/with $ and .")
	require.NoError(t, err)
	require.EqualValues(t, 2, got.Version)

	for _, call := range []error{
		c.Delete(ctx, "none"),
		second(c.Get(ctx, "none")),
		second(c.Update(ctx, "none", func(*Sample, *docstore.Outbox) error { return nil })),
	} {
		require.ErrorIs(t, call, docstore.ErrNotFound)
	}
	require.NoError(t, c.Delete(ctx, "id/with $ and ."))
	require.ErrorIs(t, second(c.Get(ctx, "id/with $ and .")), docstore.ErrNotFound)

	for _, id := range []string{"", "a\x00", "\xff", strings.Repeat("x", 513)} {
		require.Error(t, second(c.Insert(ctx, id, Sample{})))
	}
	large := Sample{Name: strings.Repeat("x", docstore.MaxDocument)}
	require.ErrorIs(t, second(c.Insert(ctx, "large", large)), docstore.ErrTooLarge)
	require.Error(t, second(c.Insert(ctx, "number", Sample{Extra: json.RawMessage("18446744073709551615")})))
	require.NoError(t, second(c.Insert(ctx, "float", Sample{Score: 1e20, Extra: map[string]any{"big": 1e300}})))
	got, err = c.Get(ctx, "float")
	require.NoError(t, err)
	require.Equal(t, Sample{Score: 1e20, Extra: map[string]any{"big": 1e300}}, got.Value)
}

func second[T any](_ T, err error) error { return err }

func times(t *testing.T, s docstore.Store) {
	ctx := in(t.Context(), "nordvik")
	c := collection(t, s, "times")
	oslo := time.FixedZone("", 7200)
	base := time.Date(2026, 6, 1, 12, 0, 0, 0, oslo)
	// Written as RFC 3339 these sort wrongly as text: by zone, and "…00.1Z" before "…00Z".
	stamps := []time.Time{base, base.Add(1), base.Add(100 * time.Millisecond).UTC(), base.Add(time.Second), base.Add(time.Hour).UTC()}
	for i := range stamps {
		v := Sample{Rank: int64(i), Due: &stamps[i], Tasks: []Task{{Due: stamps[i]}}}
		require.NoError(t, second(c.Insert(ctx, fmt.Sprintf("%c", 'z'-i), v)))
	}
	ranks := func(f docstore.Filter) (out []int64) {
		p, err := c.Find(ctx, f, docstore.FindOptions{Sort: []docstore.Sort{{Field: "due"}}})
		require.NoError(t, err)
		for _, d := range p.Docs {
			out = append(out, d.Value.Rank)
		}
		return out
	}
	require.Equal(t, []int64{0, 1, 2, 3, 4}, ranks(nil))
	require.Equal(t, []int64{1, 2, 3}, ranks(docstore.Range{Field: "due", Gt: stamps[0].UTC(), Lte: stamps[3]}))
	require.Equal(t, []int64{1, 2}, ranks(docstore.Range{Field: "tasks.due", Gte: stamps[1], Lt: stamps[3].UTC()}))
	require.Equal(t, []int64{2}, ranks(docstore.Eq{Field: "due", Value: stamps[2].In(oslo)}))
	require.Equal(t, []int64{0, 2}, ranks(docstore.In{Field: "due", Values: []any{&stamps[2], stamps[0].UTC()}}))
	require.Empty(t, ranks(docstore.Range{Field: "_updated", Lt: base.AddDate(-10, 0, 0)}))
	require.ErrorIs(t, second(c.Count(ctx, docstore.Eq{Field: "due", Value: "2026-06-01T10:00:00Z"})), docstore.ErrField)
}

func tenants(t *testing.T, s docstore.Store) {
	c := collection(t, s, "tenants")
	a, b, all := in(t.Context(), "nordvik"), in(t.Context(), "sorvik"), systemscope.Enter(t.Context(), "test")

	keep := func(*Sample, *docstore.Outbox) error { return nil }
	for _, ctx := range []context.Context{t.Context(), in(t.Context(), ""), in(t.Context(), "Not/Valid")} {
		for _, err := range []error{
			second(c.Insert(ctx, "x", Sample{})), second(c.Get(ctx, "x")), second(c.Update(ctx, "x", keep)), c.Delete(ctx, "x"),
			second(c.Find(ctx, nil, docstore.FindOptions{})), second(c.Count(ctx, nil)), second(c.GroupCount(ctx, nil, "state")),
		} {
			require.ErrorIs(t, err, tenant.ErrMissing)
		}
	}
	require.NoError(t, second(c.Insert(a, "only-a", Sample{State: "a"})))
	require.NoError(t, second(c.Insert(a, "both", Sample{State: "a"})))
	require.NoError(t, second(c.Insert(b, "both", Sample{State: "b"})), "another tenant's id is free")

	for _, err := range []error{second(c.Get(b, "only-a")), second(c.Update(b, "only-a", keep)), c.Delete(b, "only-a")} {
		require.ErrorIs(t, err, docstore.ErrNotFound)
	}
	n, err := c.Count(b, docstore.Or{docstore.Exists{Field: "state"}, docstore.Eq{Field: "_tenant", Value: "nordvik"}, docstore.Not{Filter: docstore.Eq{Field: "_tenant", Value: "sorvik"}}})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	groups, err := c.GroupCount(b, nil, "state")
	require.NoError(t, err)
	require.Equal(t, []docstore.Group{{Value: "b", Count: 1}}, groups)

	require.ErrorIs(t, second(c.Insert(all, "x", Sample{})), tenant.ErrMissing, "nobody would own it")
	page, err := c.Find(all, nil, docstore.FindOptions{})
	require.NoError(t, err)
	require.Len(t, page.Docs, 3)
	groups, err = c.GroupCount(all, nil, "_tenant")
	require.NoError(t, err)
	require.Equal(t, []docstore.Group{{Value: "nordvik", Count: 2}, {Value: "sorvik", Count: 1}}, groups)
	d, err := c.Update(all, "only-a", func(v *Sample, _ *docstore.Outbox) error { v.State = "seen"; return nil })
	require.NoError(t, err)
	require.Equal(t, "nordvik", d.Tenant)
	require.ErrorIs(t, second(c.Get(all, "both")), docstore.ErrAmbiguous)
	require.ErrorIs(t, c.Delete(all, "both"), docstore.ErrAmbiguous)
	require.NoError(t, c.Delete(all, "only-a"))
	require.ErrorIs(t, second(c.Get(a, "only-a")), docstore.ErrNotFound)
	d, err = c.Get(b, "both")
	require.NoError(t, err)
	require.Equal(t, "b", d.Value.State)
}

func unique(t *testing.T, s docstore.Store) {
	c := collection(t, s, "uniques")
	a, b := in(t.Context(), "nordvik"), in(t.Context(), "sorvik")
	require.NoError(t, second(c.Insert(a, "1", Sample{Slot: "s", Open: true})))
	require.ErrorIs(t, second(c.Insert(a, "2", Sample{Slot: "s", Open: true})), docstore.ErrExists)
	require.ErrorIs(t, second(c.Get(a, "2")), docstore.ErrNotFound)
	require.NoError(t, second(c.Insert(b, "2", Sample{Slot: "s", Open: true})), "another tenant's")
	require.NoError(t, second(c.Insert(a, "3", Sample{Slot: "s"})), "outside Where")
	require.NoError(t, second(c.Insert(a, "4", Sample{Open: true})))
	require.NoError(t, second(c.Insert(a, "5", Sample{Open: true})), "without the field")
	_, err := c.Update(a, "3", func(v *Sample, out *docstore.Outbox) error {
		v.Open = true
		out.Messages = append(out.Messages, message("never"))
		return nil
	})
	require.ErrorIs(t, err, docstore.ErrExists)
	d, err := c.Get(a, "3")
	require.NoError(t, err)
	require.False(t, d.Value.Open)
	require.NoError(t, c.Delete(a, "3"), "the refused update left no message")
	require.NoError(t, c.Delete(a, "1"))
	require.NoError(t, second(c.Insert(a, "2", Sample{Slot: "s", Open: true})))

	for _, ix := range []docstore.Index{
		{Fields: []string{"tags"}, Unique: true}, {Fields: []string{"nope"}}, {}, {Fields: []string{"extra"}, Unique: true},
		{Fields: []string{"state"}, Where: docstore.Not{Filter: docstore.Eq{Field: "state", Value: "x"}}},
	} {
		_, err := docstore.Open[Sample](t.Context(), s, docstore.Definition{Name: fresh("bad"), Indexes: []docstore.Index{ix}})
		require.ErrorIs(t, err, docstore.ErrField)
	}
}

func concurrent(t *testing.T, s docstore.Store, caps Caps) {
	ctx := in(t.Context(), "nordvik")
	c := collection(t, s, "concurrent")
	require.NoError(t, second(c.Insert(ctx, "shared", Sample{})))
	writers, each := 6, 25
	if caps.Slow {
		writers, each = 4, 8
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	inserted, updated := 0, 0
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				_, err := c.Insert(ctx, fmt.Sprintf("raced-%d", i), Sample{Rank: int64(w)})
				_, uerr := c.Update(ctx, "shared", func(v *Sample, _ *docstore.Outbox) error { v.Rank++; return nil })
				mu.Lock()
				if err == nil {
					inserted++
				} else if !errors.Is(err, docstore.ErrExists) {
					t.Errorf("insert: %v", err)
				}
				if uerr == nil {
					updated++
				} else if !errors.Is(uerr, docstore.ErrConflict) {
					t.Errorf("update: %v", uerr)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Equal(t, each, inserted, "of several inserts of one id one wins")
	d, err := c.Get(ctx, "shared")
	require.NoError(t, err)
	require.EqualValues(t, updated, d.Value.Rank, "no acknowledged update is lost, no refused one happened")
	require.EqualValues(t, updated+1, d.Version)
	require.Greater(t, updated, writers*each/2)

	// A closure whose document another writer changes each time gives up.
	runs := 0
	_, err = c.Update(ctx, "shared", func(v *Sample, _ *docstore.Outbox) error {
		runs++
		_, err := c.Update(ctx, "shared", func(v *Sample, _ *docstore.Outbox) error { v.Rank++; return nil })
		return err
	})
	require.ErrorIs(t, err, docstore.ErrConflict)
	require.Equal(t, 20, runs)
}

func cancelled(t *testing.T, s docstore.Store) {
	c := collection(t, s, "cancelled")
	live := in(t.Context(), "nordvik")
	ctx, cancel := context.WithCancel(live)
	cancel()
	for _, err := range []error{
		second(c.Insert(ctx, "x", Sample{})), second(c.Get(ctx, "x")), c.Delete(ctx, "x"),
		second(c.Update(ctx, "x", func(*Sample, *docstore.Outbox) error { return nil })),
		second(c.Find(ctx, nil, docstore.FindOptions{})), second(c.Count(ctx, nil)), second(c.GroupCount(ctx, nil, "state")),
	} {
		require.ErrorIs(t, err, context.Canceled)
	}
	n, err := c.Count(live, nil)
	require.NoError(t, err)
	require.Zero(t, n)

	// Cancelled in the middle: each write happened whole, with its message, or not at all.
	for i := range 20 {
		ctx, cancel := context.WithTimeout(live, time.Duration(i*20)*time.Microsecond)
		_, err := c.Insert(ctx, fmt.Sprintf("m-%d", i), Sample{Rank: int64(i)}, message(fmt.Sprint(i)))
		cancel()
		d, gerr := c.Get(live, fmt.Sprintf("m-%d", i))
		if err == nil {
			require.NoError(t, gerr)
			require.EqualValues(t, i, d.Value.Rank)
		}
	}
	require.NoError(t, second(c.Insert(live, "after", Sample{})), "the store works on")
}
