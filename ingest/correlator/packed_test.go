package correlator

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"varde.internal/platform/id"
	"varde.internal/schemas/ecs"
)

func TestAPackedAttemptIsTheAttempt(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.Just(""), rapid.String(), rapid.SampledFrom([]string{"Ærfugl", strings.Repeat("x", 127), strings.Repeat("x", 128), strings.Repeat("ø", 9000)}))
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) string { return text.Draw(rt, name) }
		a := &Attempt{
			EventID: rapid.OneOf(text, rapid.SampledFrom([]string{id.Of("x"), id.Of("y"), strings.Repeat("z", 26), "zzzzzzzzzzzzzzzzzzzzzzzzzz0", strings.Repeat("Z", 26), strings.Repeat("z", 25) + "\n"})).Draw(rt, "id"), Time: time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(rt, "time"), rapid.Int64Range(0, 999_999_999).Draw(rt, "ns")).UTC(),
			Path: draw("path"), Offset: rapid.Int64().Draw(rt, "offset"), Source: draw("source"), Host: draw("host"), Realm: draw("realm"),
			User: draw("user"), System: draw("system"), Address: draw("address"), Station: draw("station"),
			Method: rapid.SampledFrom([]string{"", "password", "publickey"}).Draw(rt, "method"), CertID: draw("cert"), Key: draw("key"),
			Success: rapid.Bool().Draw(rt, "success"), Lock: rapid.Bool().Draw(rt, "lock"), Count: rapid.IntRange(0, 1000).Draw(rt, "count"),
			Directory: rapid.Bool().Draw(rt, "directory"), Provenance: draw("provenance"), Generation: rapid.IntRange(0, 9).Draw(rt, "generation"),
			Original: draw("line"), SHA256: draw("hash"),
		}
		if rapid.Bool().Draw(rt, "inside") {
			a.Original = "Failed password for " + a.User + " from " + a.Address
		}
		if rapid.Bool().Draw(rt, "created") {
			a.Created = a.Time.Add(time.Second)
		}
		if rapid.Bool().Draw(rt, "whole") {
			a.SHA256 = hashOf(a.Original)
		}
		for i := range rapid.IntRange(0, 3).Draw(rt, "spellings") {
			a.Spellings = append(a.Spellings, draw(fmt.Sprint("spelling", i)))
		}
		for i := range rapid.IntRange(0, 2).Draw(rt, "programs") {
			a.Programs = append(a.Programs, fmt.Sprint("program", i))
		}
		p := pack(a)
		require.Equal(rt, a, p.unpack())
		require.Equal(rt, a.EventID, p.eventID())
		require.Equal(rt, a.failure(), p.failure())
		require.Equal(rt, a.password(), p.password())
		require.Equal(rt, a.repeats(), p.repeats())
	})
}

func TestPackedAttemptsHaveTheOrderOfAttempts(t *testing.T) {
	t.Parallel()
	few := rapid.SampledFrom([]string{"a", "b", "c"})
	one := rapid.Custom(func(rt *rapid.T) *Attempt {
		return &Attempt{
			EventID: few.Draw(rt, "id"), Time: at("12:00").Add(time.Duration(rapid.IntRange(0, 2).Draw(rt, "time"))),
			Created: at("12:00").Add(time.Duration(rapid.IntRange(0, 1).Draw(rt, "created"))), Source: few.Draw(rt, "source"),
			Path: few.Draw(rt, "path"), Host: few.Draw(rt, "host"), Offset: rapid.Int64Range(-1, 1).Draw(rt, "offset"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b := one.Draw(rt, "a"), one.Draw(rt, "b")
		require.Equal(rt, compare(a, b), comparePacked(pack(a), pack(b)))
	})
}

// A line that came twice, under two ids, is one attempt: the smaller id stays,
// whichever came first, and what was said at the other is taken back.
func TestARepeatOfALineIsOneAttemptInEveryOrder_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	events := w.fails("12:00:00.500", 5, user("kari"))
	twin := *events[4]
	twin.Event.ID, twin.Log = "0", &ecs.Log{Offset: 1 << 30}
	forth := newWorld(t, region()...)
	forth.see(append(events, &twin)...)
	forth.pass(2 * time.Minute)

	back := newWorld(t, region()...)
	back.see(events...)
	back.pass(2 * time.Minute)
	require.Len(t, back.standing(), 1, "raised before the repeat came")
	back.see(&twin)
	back.pass(2 * time.Minute)
	require.Equal(t, forth.ids(), back.ids())
	require.Len(t, back.standing(), 1)
}

// An attack on more accounts than are kept leaves nothing behind, not even the
// tables it lay in.
func TestAStormOfAccountsGivesItsMemoryBack_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	s := w.core.tenant(boe).runs[0]
	s.limit = 8000
	const accounts = 20_000
	for i := range accounts {
		e := tried(w, i, fmt.Sprintf("user%06d", i))
		w.keep(w.core.Event(e, nil, false, w.now))
		require.LessOrEqual(t, s.count, s.limit)
	}
	require.Greater(t, s.count, s.limit/2, "as much as may is kept")
	require.Equal(t, s.count, len(s.byKey))
	w.pass(20 * time.Minute)
	w.core.Sweep(w.now)
	require.Positive(t, s.count, "a late line could still belong to it")
	w.pass(7 * time.Minute)
	w.core.Sweep(w.now)
	require.Zero(t, s.count)
	require.Empty(t, s.byKey)
	require.Zero(t, s.most, "the table was made anew")
	require.Nil(t, s.oldest)
	require.Nil(t, s.newest)
	require.Empty(t, s.waiting)
}

// Many accounts that wait to be raised cost no look at all of them for each
// line: an attack must not make the correlator fall behind.
func TestManyWaitingRunsAreLookedAtInOrder_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	s := w.core.tenant(boe).runs[0]
	const accounts = 3000
	for i := range accounts {
		for n := range 5 {
			e := tried(w, 5*i+n, fmt.Sprintf("user%06d", i))
			w.keep(w.core.Event(e, nil, false, e.Timestamp))
		}
	}
	require.Len(t, s.waiting["s1"], accounts)
	require.IsIncreasing(t, []int64{s.waiting["s1"][0].at.time().UnixNano(), s.waiting["s1"][1].at.time().UnixNano(), s.waiting["s1"][accounts-1].at.time().UnixNano()})
	require.Empty(t, w.said)
	later := tried(w, 0, "somebody")
	later.Timestamp = at("08:31:05") // five seconds of the attack have had their minute
	w.core.now = later.Timestamp
	w.keep(w.core.Event(later, nil, false, later.Timestamp))
	require.Len(t, w.said, 1000)
	require.Len(t, s.waiting["s1"], accounts-1000)
	w.now = at("08:40")
	w.pass(time.Minute)
	require.Len(t, w.standing(), accounts)
	require.Empty(t, s.waiting)
}
