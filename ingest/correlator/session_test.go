package correlator

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

func process(pid int) change { return func(e *ecs.Event) { e.Process.PID = pid } }

func closed(e *ecs.Event) {
	e.Varde.Attempt, e.Event.Action = false, ecs.ActionSessionEnd
}

// morning is the register with one window from 08 to 10.
func morning(change ...func(*topics.AccessWindow)) []topics.Fact {
	return append(region()[:len(region())-1], window("w-morning", at("08:00"), at("10:00"), change...))
}

// visits are a short session and one that begins at 09:30.
func (w *world) visits() []*ecs.Event {
	return []*ecs.Event{w.login("08:10", process(5)), w.login("08:20", process(5), closed), w.login("09:30", process(7))}
}

func TestASessionThatOutlivesItsWindowIsSaidWithTheNextLogin_C4(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		more  func(w *world) []*ecs.Event
		clock string
		want  string
	}{
		"open for more than five minutes": {nil, "10:05:01", "outlived-window"},
		"open for five minutes":           {nil, "10:04:59", "outside-window"},
		"closed in time":                  {func(w *world) []*ecs.Event { return []*ecs.Event{w.login("09:50", process(7), closed)} }, "10:30", "outside-window"},
		"closed late, before the login":   {func(w *world) []*ecs.Event { return []*ecs.Event{w.login("10:20", process(7), closed)} }, "10:30", "outside-window"},
		"closed after the login":          {func(w *world) []*ecs.Event { return []*ecs.Event{w.login("10:40", process(7), closed)} }, "10:30", "outlived-window"},
		"another session was closed":      {func(w *world) []*ecs.Event { return []*ecs.Event{w.login("09:50", process(8), closed)} }, "10:30", "outlived-window"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, morning()...)
			w.see(w.visits()...)
			if tc.more != nil {
				w.see(tc.more(w)...)
			}
			w.see(w.login(tc.clock, process(9)))
			f := w.only()
			require.Equal(t, "C4", f.Rule)
			require.Equal(t, tc.want, f.Reason.Slug)
			if tc.want == "outlived-window" {
				require.Equal(t, stamp(at("09:30")), f.Reason.Params["sessionSince"])
				require.Equal(t, "outside-window", f.Reason.Params["why"])
			}
		})
	}
}

func TestWhereNoSessionsEndIsToldNothingIsSaidOfSessions_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, morning()...)
	w.see(w.login("08:10", process(5)), w.login("09:30", process(7)), w.login("11:00", process(9)))
	require.Equal(t, "outside-window", w.only().Reason.Slug)
	w.core.Sweep(at("12:00"))
	require.Zero(t, w.core.Counts().Outlived)
}

func TestASessionThatOutlivesItsWindowIsARemarkAfterFiveMinutes_C4_C6(t *testing.T) {
	t.Parallel()
	expired := fact(topics.KindAgreement, "avtale", version(topics.Agreement{VendorID: "nordlys", Title: "DBA", Signed: true, Annexes: topics.Annexes}, until(at("11:00"))))
	for name, tc := range map[string]struct {
		facts []topics.Fact
		over  string // when the session's window, approval or agreement ends
	}{
		"end of the slot": {morning(), "10:00"},
		"revocation":      {morning(func(w *topics.AccessWindow) { w.RevokedAt = at("09:45") }), "09:45"},
		"duration":        {morning(lasting(105 * time.Minute)), "09:55"}, // from the first use at 08:10
		"agreement":       {append(region(), expired), "11:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tc.facts...)
			w.see(w.visits()...)
			w.core.Sweep(at(tc.over).Add(5*time.Minute - time.Second))
			require.Zero(t, w.core.Counts().Outlived)
			w.core.Sweep(at(tc.over).Add(5*time.Minute + time.Second))
			w.core.Sweep(at(tc.over).Add(time.Hour))
			require.Equal(t, 1, w.core.Counts().Outlived, "once")
			require.Empty(t, w.said, "nobody logged in: it is no finding")
		})
	}
}

func TestASessionThatOutlivesTheAgreementIsSaidWithTheNextLogin_C6(t *testing.T) {
	t.Parallel()
	expired := fact(topics.KindAgreement, "avtale", version(topics.Agreement{VendorID: "nordlys", Title: "DBA", Signed: true, Annexes: topics.Annexes}, until(at("11:00"))))
	for name, tc := range map[string]struct {
		more  []change
		at    string // of the end of the session that began at 09:30; empty: none
		login string
		want  string
	}{
		"open for more than five minutes": {nil, "", "11:05:01", "agreement-outlived"},
		"open for five minutes":           {nil, "", "11:04:59", "agreement-expired"},
		"closed in time":                  {[]change{process(7), closed}, "10:50", "11:30", "agreement-expired"},
		"another session was closed":      {[]change{process(8), closed}, "10:50", "11:30", "agreement-outlived"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, append(region(), expired)...)
			w.see(w.visits()...)
			if tc.at != "" {
				w.see(w.login(tc.at, tc.more...))
			}
			w.see(w.login(tc.login, process(9)))
			f := w.only()
			require.Equal(t, "C6", f.Rule)
			require.Equal(t, tc.want, f.Reason.Slug)
			require.Equal(t, stamp(at("11:00")), f.Reason.Params["agreementEnded"])
			if tc.want == "agreement-outlived" {
				require.Equal(t, stamp(at("09:30")), f.Reason.Params["sessionSince"])
				require.Equal(t, "agreement-expired", f.Reason.Params["why"])
			}
		})
	}
}

func TestAnExtendedWindowIsNotOutlived_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, morning()...)
	w.see(w.visits()...)
	longer := morning()[len(morning())-1]
	data, err := topics.Decode[topics.AccessWindow](longer.Versions[0])
	require.NoError(t, err)
	data.To = at("12:00")
	longer.Versions = append(longer.Versions, version(data, from(at("09:50")), recorded(at("09:50"))))
	w.learn(longer)
	w.core.Sweep(at("11:00"))
	require.Zero(t, w.core.Counts().Outlived)
	w.core.Sweep(at("12:06"))
	require.Equal(t, 1, w.core.Counts().Outlived)
}

func TestSessionsAreKnownAfterARestart_C4(t *testing.T) {
	t.Parallel()
	b, w := newBench(t, morning()...), newWorld(t)
	require.NoError(t, b.events(t.Context(), b.batch(0, false, w.visits()...)))
	deps := b.deps
	deps.Metrics = prometheus.NewRegistry()
	again := newRunner(deps, b.cfg)
	require.True(t, again.open(t.Context()))
	_, errs := again.core.Facts(morning(), b.now)
	require.Empty(t, errs)
	again.start(t.Context())
	require.NoError(t, again.events(t.Context(), b.batch(0, false, w.login("10:30", process(9)))))
	list, _ := b.sent()
	require.Len(t, list, 1)
	require.Equal(t, "outlived-window", list[0].Reason.Slug)
}
