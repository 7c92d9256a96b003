package correlator

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

func guess(t testing.TB, n int, changes ...change) *world {
	w := newWorld(t, region()...)
	w.see(w.fails("12:00", n, append([]change{user("kari")}, changes...)...)...)
	return w
}

func TestFiveFailedPasswordsAreAFinding_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 5)
	require.Empty(t, w.said, "waits for a lock")
	w.pass(settle + time.Second)
	f := w.only()
	require.Equal(t, "C1", f.Rule)
	require.Equal(t, topics.FamilyGuessing, f.Family)
	require.Equal(t, map[string]string{"account": "a-kari"}, f.Group)
	require.Equal(t, "failed-without-lock", f.Reason.Slug)
	require.Equal(t, "5", f.Reason.Params["failed"])
	require.Len(t, f.Evidence, 5)
	require.Equal(t, at("12:00:04"), f.Time)
	require.Equal(t, at("12:00"), f.First)
	require.NotEmpty(t, f.Evidence[0].SHA256)
}

func TestFourFailedPasswordsAreNone_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 4)
	w.pass(time.Hour)
	require.Empty(t, w.said)
}

func TestTheRunIsOneFindingHoweverLong_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 40)
	w.pass(time.Hour)
	require.Equal(t, []string{"C1"}, w.ever())
}

func TestLastMinusFirstMayBeTenMinutes_C1(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		last string
		want int
	}{"ten minutes": {"12:10", 1}, "one second more": {"12:10:01", 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, region()...)
			for _, clock := range []string{"12:00", "12:02", "12:05", "12:09", tc.last} {
				w.see(w.login(clock, failed, user("kari")))
			}
			w.pass(time.Minute)
			require.Len(t, w.standing(), tc.want)
		})
	}
}

func TestTheWindowSlides_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	for _, clock := range []string{"11:52", "12:01", "12:03", "12:06", "12:08", "12:10"} {
		w.see(w.login(clock, failed, user("kari")))
	}
	w.pass(time.Minute)
	require.Equal(t, at("12:10"), w.only().Time)
}

func TestKeysDoNotCount_C1(t *testing.T) {
	t.Parallel()
	for _, m := range []string{"publickey", "hostbased", "none", "gssapi", "certificate"} {
		w := guess(t, 8, method(m))
		w.pass(time.Minute)
		require.Empty(t, w.said, m)
	}
	w := guess(t, 5, method("keyboard-interactive"))
	w.pass(time.Minute)
	require.Len(t, w.standing(), 1)
}

func TestALineThatRepeatsCountsForSoMany_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00", failed, user("kari")), w.login("12:00:10", failed, user("kari"), repeat(4)))
	w.pass(time.Minute)
	f := w.only()
	require.Equal(t, "5", f.Reason.Params["failed"])
	require.Len(t, f.Evidence, 2)
}

func TestASuccessBeforeTheFifthEndsTheCount_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 4)
	w.see(w.login("12:00:30", user("kari")))
	w.see(w.fails("12:01", 4, user("kari"))...)
	w.pass(time.Minute)
	require.Empty(t, w.said)
}

func TestASuccessAfterTheFifthDoesNotHelp_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 5)
	w.see(w.login("12:00:30", user("kari")))
	w.pass(time.Minute)
	require.Equal(t, []string{"C1"}, w.rules())
}

func TestNoSuccessIsNeeded_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 5)
	w.pass(time.Minute)
	require.Equal(t, []string{"C1"}, w.rules())
}

func TestALockWithinSixtySecondsMeansNone_C1(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		clock string
		want  int
	}{
		"with the fifth": {"12:00:04", 0}, "59 s after": {"12:01:03", 0}, "60 s after": {"12:01:04", 0},
		"61 s after": {"12:01:05", 1}, "before the fifth": {"12:00:02", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := guess(t, 5)
			w.see(w.login(tc.clock, user("kari"), locked))
			w.pass(time.Hour)
			require.Len(t, w.ever(), tc.want)
		})
	}
}

func TestTheLockOfAnotherAccountDoesNotHelp_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 5)
	w.see(w.login("12:00:10", user("per"), locked))
	w.pass(time.Hour)
	require.Equal(t, []string{"C1"}, w.rules())
}

func TestALockSeenUnderAnotherSpellingCounts_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 5)
	w.see(w.login("12:00:10", user("x"), realm("bø", "KARI"), locked, host("dc01"), source("dc")))
	w.pass(time.Hour)
	require.Empty(t, w.ever())
}

func TestTheDisconnectIsNoLock_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 5)
	w.see(w.login("12:00:06", user("kari"), failed, notAttempt))
	w.pass(time.Hour)
	require.Equal(t, []string{"C1"}, w.rules())
}

func TestALateLockWithdraws_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 5)
	w.pass(time.Minute)
	raised := w.only()
	w.see(w.login("12:00:30", user("kari"), locked))
	require.Empty(t, w.standing())
	gone := w.lastWithdrawal()
	require.Equal(t, raised.ID, gone.ID)
	require.Equal(t, "account-locked", gone.Explained.Slug)
}

func TestTheWaitEndsWithTheEventTimeOfTheSource_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 5)
	w.see(w.login("12:01:04", user("per"), notAttempt))
	require.Empty(t, w.said, "60 s after the fifth a lock may still come")
	w.see(w.login("12:30", user("per"), notAttempt, source("another")))
	require.Empty(t, w.said, "another source tells nothing")
	w.see(w.login("12:01:05", user("per"), notAttempt))
	require.Equal(t, []string{"C1"}, w.rules())
}

func TestTheWaitEndsByTheClockOnTheWall_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.now = at("12:00:05")
	w.see(w.fails("12:00", 5, user("kari"))...)
	w.pass(58 * time.Second)
	require.Empty(t, w.said)
	w.pass(3 * time.Second)
	require.Equal(t, []string{"C1"}, w.rules())
}

func TestOldLinesWaitForTheLinesBehindThem_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 5) // played a day later
	w.pass(time.Second)
	require.Empty(t, w.said)
	w.see(w.login("12:00:20", user("kari"), locked))
	w.pass(time.Hour)
	require.Empty(t, w.ever())
}

func TestTheSameEventTwiceIsOne_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	list := w.fails("12:00", 4, user("kari"))
	w.see(list...)
	w.see(list...)
	w.pass(time.Minute)
	require.Empty(t, w.said)
}

func TestTheSameLineFinerThanASecondIsOne_C1(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		clock string
		want  int
	}{"milliseconds": {"12:00:09.120", 0}, "whole seconds": {"12:00:09", 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := guess(t, 3)
			a, b := w.login(tc.clock, failed, user("kari")), w.login(tc.clock, failed, user("kari"))
			b.Event.Original, b.Event.Hash = a.Event.Original, a.Event.Hash
			w.see(a, b)
			w.pass(time.Minute)
			require.Len(t, w.standing(), tc.want)
		})
	}
}

func TestEndpointAndDirectoryAreOneAttempt_C1(t *testing.T) {
	t.Parallel()
	view := []change{user("kari"), host("radius01"), source("radius"), dataset("radius")}
	for name, tc := range map[string]struct {
		apart time.Duration
		want  int
	}{"within 2 s": {2 * time.Second, 0}, "3 s apart": {3 * time.Second, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, region()...)
			for i := range 4 {
				start := at("12:00").Add(time.Duration(i) * 20 * time.Second)
				a, b := w.login("12:00", failed, user("kari")), w.login("12:00", append(view, failed)...)
				a.Timestamp, b.Timestamp = start, start.Add(tc.apart)
				w.see(a, b)
			}
			w.pass(time.Minute)
			require.Len(t, w.standing(), tc.want)
		})
	}
}

// A refused password stands in a web server's access log and in its error log.
func TestTheTwoLogsOfAWebServerAreOneAttempt_C1(t *testing.T) {
	t.Parallel()
	access := func(e *ecs.Event) {
		e.Event.Module, e.Event.Dataset = "web", "web-access"
		e.HTTP = &ecs.HTTP{Response: &ecs.HTTPResponse{Status: 401}}
	}
	failing := func(e *ecs.Event) { e.Event.Module, e.Event.Dataset = "web", "nginx" }
	from := func(ip string) change { return func(e *ecs.Event) { e.Source = &ecs.Endpoint{IP: ip} } }
	for name, tc := range map[string]struct {
		apart          time.Duration
		access, failed []change
		want           int
	}{
		"within 2 s":              {time.Second, nil, nil, 0},
		"3 s apart":               {3 * time.Second, nil, nil, 1},
		"of two servers":          {time.Second, nil, []change{host("web02")}, 1},
		"files without a host":    {time.Second, []change{host("")}, []change{host("")}, 0},
		"files of two sources":    {time.Second, []change{host(""), source("a")}, []change{host(""), source("b")}, 1},
		"from two addresses":      {time.Second, []change{from("192.0.2.7")}, []change{from("192.0.2.8")}, 1},
		"where one has no client": {time.Second, []change{from("192.0.2.7")}, []change{func(e *ecs.Event) { e.Source = nil }}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, region()...)
			for i := range 4 {
				start := at("12:00").Add(time.Duration(i) * 20 * time.Second)
				a := w.login("12:00", append([]change{failed, user("kari"), access}, tc.access...)...)
				b := w.login("12:00", append([]change{failed, user("kari"), failing}, tc.failed...)...)
				a.Timestamp, b.Timestamp = start, start.Add(tc.apart)
				w.see(a, b)
			}
			w.pass(time.Minute)
			require.Len(t, w.standing(), tc.want)
		})
	}
}

func TestTwoEndpointsAreTwoAttempts_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	for i := range 3 {
		for _, h := range []string{"ark01", "lonn01"} {
			e := w.login("12:00", failed, user("kari"), host(h))
			e.Timestamp = at("12:00").Add(time.Duration(i) * time.Second)
			w.see(e)
		}
	}
	w.pass(time.Minute)
	require.Equal(t, []string{"C1"}, w.rules())
}

func TestSpellingsAreOnePerson_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.login("12:00:00", failed, user(`BØ\kari`), realm("BØ", "kari")), w.login("12:00:01", failed, user("KARI")),
		w.login("12:00:02", failed, user("kari@boe.example")), w.login("12:00:03", failed, user("kari")),
		w.login("12:00:04", failed, user("Kari"), host("lonn01")))
	w.pass(time.Minute)
	require.Equal(t, map[string]string{"account": "a-kari"}, w.only().Group)
}

func TestTheSameNameOnTwoMachinesIsTwoAccountsUnlessRegistered_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.see(w.fails("12:00", 3, user("root"))...)
	w.see(w.fails("12:00", 3, user("root"), host("lonn01"))...)
	w.pass(time.Minute)
	require.Empty(t, w.said)
}

func TestOneTenantSaysNothingOfAnother_R74(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	other := func(e *ecs.Event) { e.Varde.Tenant = "vik" }
	w.see(w.fails("12:00", 3, user("kari"))...)
	w.see(w.fails("12:01", 3, user("kari"), other)...)
	w.see(w.login("03:00", other))
	w.pass(time.Minute)
	require.Empty(t, w.said)
}

func TestATenantHasItsOwnNumbers(t *testing.T) {
	t.Parallel()
	core := NewCore(Options{Rules: Rules(), Params: DefaultParams(), Tenants: map[string]Params{boe: {FailedLogons: 3}}, LookBack: time.Hour, Limit: 10})
	require.Equal(t, 3, core.params(boe).FailedLogons)
	require.Equal(t, 10*time.Minute, core.params(boe).FailedWithin)
	require.Equal(t, 5, core.params("vik").FailedLogons)
	require.Error(t, Params{}.Validate())
	require.NoError(t, DefaultParams().Validate())
}

// A storm of attempts with ever new names bounds the memory at once, and hides
// nothing that waits to be raised.
func TestAStormOfNamesIsBoundedAndHidesNothing_C1(t *testing.T) {
	t.Parallel()
	w := guess(t, 5)
	runs := w.core.tenants[boe].runs
	require.NotEmpty(t, runs)
	for _, s := range runs {
		s.limit = 100
	}
	for i := range 1000 {
		w.now = w.now.Add(time.Millisecond)
		w.see(w.fails("12:01", 1, user(fmt.Sprintf("name-%d", i)))...)
		for _, s := range runs {
			require.LessOrEqual(t, s.count, 100)
		}
	}
	w.pass(settle + time.Second)
	require.Equal(t, "C1", w.only().Rule)
}
