package sources

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/run/runtest"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

var noon = time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)

// account is the use cases on a real store, with a clock and a register of the
// test's own.
type account struct {
	*Service
	t     *testing.T
	clock *runtest.Clock
	next  int64
}

func newAccount(t *testing.T) *account {
	t.Helper()
	clock := runtest.NewClock(noon)
	docs := sqlite.OpenTemp(t)
	days, err := docstore.Open[Day](t.Context(), docs, docstore.Definition{Name: "source_days", Clock: clock.Now, Indexes: []docstore.Index{{Fields: []string{"date"}}}})
	require.NoError(t, err)
	standings, err := docstore.Open[Standing](t.Context(), docs, docstore.Definition{Name: standingsCollection, Clock: clock.Now})
	require.NoError(t, err)
	return &account{t: t, clock: clock, Service: &Service{
		days: days, standings: standings, register: newRegistered(slog.New(slog.DiscardHandler), clock.Now), clock: clock.Now, zone: oslo, keep: 90,
		watch: &watch{patience: 3 * time.Minute}, silentAfter: 24 * time.Hour, secret: []byte("key"),
	}}
}

func (a *account) registers(name string, v topics.Source, deleted bool) {
	a.t.Helper()
	data, err := json.Marshal(v)
	require.NoError(a.t, err)
	fact, err := json.Marshal(topics.Fact{Kind: topics.KindSource, ID: name, Tenant: "bo", Versions: []topics.Version{
		{ValidFrom: noon.AddDate(-1, 0, 0), RecordedAt: noon.AddDate(-1, 0, 0), Data: data, Deleted: deleted}}})
	require.NoError(a.t, err)
	require.NoError(a.t, a.register.handle(a.t.Context(), []bus.Message{{Value: fact}}))
}

// hear counts a line that comes now.
func (a *account) hear(source string) {
	a.t.Helper()
	a.next++
	require.NoError(a.t, a.Count(a.t.Context(), "events/0", []Arrival{{Tenant: "bo", Source: source, Received: a.clock.Now(), Event: a.clock.Now(), Offset: a.next}}))
}

// pass lets time pass in which a collector listens.
func (a *account) pass(d time.Duration) {
	for ; d > 0; d -= time.Minute {
		a.clock.Move(min(d, time.Minute))
		a.watch.heard(a.clock.Now())
	}
}

func (a *account) silence(source string) *Silence {
	a.t.Helper()
	require.NoError(a.t, a.Judge(a.t.Context()))
	v, err := a.standing(tenant.With(a.t.Context(), "bo"), source)
	require.NoError(a.t, err)
	return v.Silence
}

// What nobody could have heard accuses nobody: time in which no collector took
// lines does not count.
func TestAnInstallationThatStoodStillAccusesNoSource_C20(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.registers("vpn", topics.Source{Name: "VPN", Kind: "syslog", SilentAfter: time.Hour}, false)
	a.hear("vpn")
	require.Nil(t, a.silence("vpn"), "no collector has said anything yet")
	a.pass(30 * time.Minute)
	require.Nil(t, a.silence("vpn"))
	a.clock.Move(10 * 24 * time.Hour)
	require.Nil(t, a.silence("vpn"), "nobody listens")
	a.watch.heard(a.clock.Now())
	require.Nil(t, a.silence("vpn"), "after ten days off it has been quiet for half an hour")
	a.pass(29 * time.Minute)
	require.Nil(t, a.silence("vpn"))
	a.pass(time.Minute)
	s := a.silence("vpn")
	require.True(t, s.Open())
	require.Equal(t, noon, s.Since)
	require.Equal(t, a.clock.Now(), s.Raised)
}

func TestASilenceIsRaisedOnceAndEnds_C20(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.registers("vpn", topics.Source{Name: "VPN", Kind: "syslog", SilentAfter: time.Hour}, false)
	a.hear("vpn")
	a.pass(time.Hour)
	first := a.silence("vpn")
	require.True(t, first.Open())
	a.pass(time.Hour)
	require.Equal(t, first, a.silence("vpn"), "once a silence")

	a.hear("vpn")
	require.False(t, a.silence("vpn").Open(), "it was heard")
	a.pass(2 * time.Hour)
	second := a.silence("vpn")
	require.True(t, second.Open())
	require.NotEqual(t, first.Finding.ID, second.Finding.ID, "another silence is another finding")

	// The register says that nothing is expected: taken back, and not raised again.
	a.registers("vpn", topics.Source{Name: "VPN", Kind: "syslog", Irregular: true}, false)
	require.False(t, a.silence("vpn").Open())
	a.registers("vpn", topics.Source{Name: "VPN", Kind: "syslog", SilentAfter: time.Hour}, false)
	require.False(t, a.silence("vpn").Open())
	a.hear("vpn")
	a.pass(time.Hour)
	require.True(t, a.silence("vpn").Open())
	a.registers("vpn", topics.Source{Name: "VPN", Kind: "syslog", SilentAfter: time.Hour}, true)
	require.False(t, a.silence("vpn").Open(), "what is no longer in the register is not expected")
}

func TestWhatIsExpectedOfASource_C20(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source    topics.Source
		longest   time.Duration
		standards bool
	}{
		"the register's":        {topics.Source{Kind: "syslog", SilentAfter: time.Hour}, time.Hour, false},
		"the installation's":    {topics.Source{Kind: "file"}, 24 * time.Hour, true},
		"no rhythm":             {topics.Source{Kind: "bulk", SilentAfter: time.Hour, Irregular: true}, 0, false},
		"an import is no habit": {topics.Source{Kind: "import", SilentAfter: time.Hour}, 0, false},
	} {
		longest, standards := expectation(Source{Source: c.source}, 24*time.Hour)
		require.Equal(t, c.longest, longest, name)
		require.Equal(t, c.standards, standards, name)
	}
}

func TestASuggestedRhythmBearsNightsAndSundays(t *testing.T) {
	t.Parallel()
	day := func(hours ...int) Tally {
		v := Tally{Hours: make([]int64, 24)}
		for _, h := range hours {
			v.Hours[h], v.Received = 1, v.Received+1
		}
		return v
	}
	var all []int
	for h := range 24 {
		all = append(all, h)
	}
	require.Zero(t, suggest(nil))
	require.Zero(t, suggest([]Tally{day(1), day(2)}), "two days are too few")
	require.Equal(t, 2*time.Hour, suggest([]Tally{day(all...), day(all...), day(all...)}))
	office := day(8, 9, 10, 11, 12, 13, 14, 15)
	require.Equal(t, 36*time.Hour, suggest([]Tally{{}, office, office, office, office}), "sixteen hours at night")
	require.Equal(t, 7*24*time.Hour, suggest([]Tally{office, office, {}, {}, office}), "a weekend")
	require.Equal(t, 2*time.Hour, suggest([]Tally{{}, {}, {}, {}, {}, day(all...), day(all...), day(all...)}), "what lies before the first line is no silence")
}

// Days that are no longer kept leave behind when a source was last heard.
func TestOldDaysAreSwept_R39(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	a.registers("vpn", topics.Source{Name: "VPN", Kind: "syslog", Irregular: true}, false)
	a.hear("vpn")
	ctx := tenant.With(t.Context(), "bo")
	a.clock.Move(89 * 24 * time.Hour)
	require.NoError(t, a.Sweep(t.Context()))
	n, err := a.days.Count(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	a.clock.Move(24 * time.Hour)
	require.NoError(t, a.Sweep(t.Context()))
	n, err = a.days.Count(ctx, nil)
	require.NoError(t, err)
	require.Zero(t, n)
	got, err := a.Activity(ctx, "vpn", 30)
	require.NoError(t, err)
	require.Equal(t, noon, got.LastReceived)
	require.Equal(t, StateSpeaks, got.State)
	require.Zero(t, got.Total.Received)
}
