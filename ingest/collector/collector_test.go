package collector

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"),
		// fasthttp keeps a clock, and idle workers for some seconds.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"), goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

const text = "Nov 22 10:00:00 arkiv01 sshd[7]: Failed password for kari from 192.0.2.7 port 22 ssh2"

// rig is a collector on embedded engines with what it published.
type rig struct {
	*Module
	t    testing.TB
	deps run.Deps

	mu     sync.Mutex
	events []ecs.Event
	failed []topics.DeadLetter
	stop   func()
}

// the sources of every test: tenant bo runs the IT host.
var registered = []topics.Fact{
	fact("host", topics.KindTenant, "host", topics.Tenant{Name: "IT", Host: true}),
	fact("bo", topics.KindSource, "loopback", topics.Source{Name: "l", Kind: "syslog", Addresses: []string{"127.0.0.1", "::1"}}),
	fact("bo", topics.KindSource, "keyed", topics.Source{Name: "k", Kind: "bulk", KeyHash: topics.HashAPIKey("secret-key")}),
	fact("bo", topics.KindSource, "file", topics.Source{Name: "f", Kind: "file", TimeZone: "Europe/Oslo"}),
	fact("host", topics.KindSource, "shared", topics.Source{Name: "s", Kind: "bulk", KeyHash: topics.HashAPIKey("shared-key"), Shared: true,
		Realms: map[string]string{"BØ": "bo"}, HostTenants: map[string]string{"vik01": "vik"}}),
}

func fact(tenant, kind, id string, data any) topics.Fact {
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return topics.Fact{Kind: kind, ID: id, Tenant: tenant, Versions: []topics.Version{{ValidFrom: time.Unix(0, 0), RecordedAt: time.Unix(0, 0), Data: raw}}}
}

func newDeps(t testing.TB, b bus.Bus) run.Deps {
	return run.Deps{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: time.Now, Metrics: prometheus.NewRegistry(),
		Bus: b, Docs: sqlite.OpenTemp(t), Secret: func(string) []byte { return []byte("0123456789abcdef0123456789abcdef") }}
}

func newRig(t testing.TB, change func(*Config, *run.Deps)) *rig {
	t.Helper()
	b := bustest.Start(t)
	require.NoError(t, b.EnsureTopics(t.Context(),
		bus.TopicConfig{Name: bus.TopicEvents, Partitions: 2, Retention: time.Hour}, bus.TopicConfig{Name: bus.TopicEventsFailed, Partitions: 1, Retention: time.Hour},
		bus.TopicConfig{Name: bus.TopicRegister, Partitions: 1, Compacted: true}, bus.TopicConfig{Name: bus.TopicDirectory, Partitions: 1, Compacted: true},
		bus.TopicConfig{Name: bus.TopicIntake, Partitions: 1, Retention: time.Hour}))
	for _, f := range registered {
		value, err := json.Marshal(f)
		require.NoError(t, err)
		topic := bus.TopicRegister
		if f.Kind == topics.KindTenant {
			topic = bus.TopicDirectory
		}
		require.NoError(t, b.Publish(t.Context(), topic, bus.Message{Tenant: f.Tenant, Key: f.Kind + f.ID, ID: f.ID, Type: topics.TypeFact, Value: value}))
	}
	r := &rig{t: t, deps: newDeps(t, b)}
	cfg := Default()
	cfg.SyslogTCP, cfg.SyslogUDP, cfg.Poll = "127.0.0.1:0", "127.0.0.1:0", 50*time.Millisecond
	if change != nil {
		change(&cfg, &r.deps)
	}
	r.watch(b)
	r.start(cfg)
	return r
}

// start runs a collector until stop is called or the test ends.
func (r *rig) start(cfg Config) {
	m, err := New(r.deps, cfg)
	require.NoError(r.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	r.Module = m
	r.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(r.t, <-ended)
	})
	r.t.Cleanup(r.stop)
	// The register may be read before the sockets are open.
	await.True(r.t, func() bool {
		return m.Ready(ctx) == nil && (cfg.SyslogTCP == "" || m.SyslogTCP() != "") && (cfg.SyslogUDP == "" || m.SyslogUDP() != "") && (cfg.SyslogTLS.Listen == "" || m.SyslogTLS() != "")
	})
}

// watch keeps what is published, every message of it.
func (r *rig) watch(b bus.Bus) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	r.t.Cleanup(func() { cancel(); wg.Wait() })
	follow := func(topic string, keep func([]byte)) {
		wg.Go(func() {
			_ = b.Follow(ctx, topic, func(_ context.Context, batch []bus.Message) error {
				r.mu.Lock()
				defer r.mu.Unlock()
				for _, m := range batch {
					keep(m.Value)
				}
				return nil
			}, func() {})
		})
	}
	follow(bus.TopicEvents, func(v []byte) {
		var ev ecs.Event
		require.NoError(r.t, json.Unmarshal(v, &ev))
		r.events = append(r.events, ev)
	})
	follow(bus.TopicEventsFailed, func(v []byte) {
		var d topics.DeadLetter
		require.NoError(r.t, json.Unmarshal(v, &d))
		r.failed = append(r.failed, d)
	})
}

// await waits for so many events and dead letters, and makes sure no more come.
func (r *rig) await(events, failed int) ([]ecs.Event, []topics.DeadLetter) {
	r.t.Helper()
	count := func() (int, int) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.events), len(r.failed)
	}
	await.True(r.t, func() bool {
		e, f := count()
		return e >= events && f >= failed
	}, "waiting for %d events and %d dead letters", events, failed)
	time.Sleep(100 * time.Millisecond)
	e, f := count()
	require.Equal(r.t, []int{events, failed}, []int{e, f})
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]ecs.Event(nil), r.events...), append([]topics.DeadLetter(nil), r.failed...)
}

func originals(events []ecs.Event) (list []string) {
	for _, e := range events {
		list = append(list, e.Event.Original)
	}
	return list
}

func TestConfigurationSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	require.NoError(t, Default().Validate())
	c := Default()
	c.SyslogTCP, c.TimeZone, c.Period, c.MaxLine, c.Files = "nonsense", "Nowhere/Land", "year", 5, []File{{}}
	err := c.Validate()
	for _, field := range []string{"syslogTCP", "timeZone", "period", "maxLine", "files[0]"} {
		require.ErrorContains(t, err, field)
	}
}

func TestSharedSourcesMapToTenants_R74(t *testing.T) {
	t.Parallel()
	shared := Source{ID: "s", Tenant: "host", Source: topics.Source{Shared: true, Realms: map[string]string{"BØ": "bo"}, HostTenants: map[string]string{"VIK01": "vik"}}}
	ev := func(realm, host string) *ecs.Event {
		e := &ecs.Event{Host: &ecs.Host{Name: host}}
		e.Varde.Account = &ecs.Account{Realm: realm, Name: "kari"}
		return e
	}
	for _, c := range []struct {
		source      Source
		realm, host string
		tenant      string
		mapped      bool
	}{
		{shared, "bø", "vik01", "bo", true}, // the account's realm comes first
		{shared, "", "vik01", "vik", true},
		{shared, "elsewhere", "unknown", "host", false},
		{Source{Tenant: "bo"}, "bø", "vik01", "bo", true}, // not shared: its owner's
	} {
		tenant, mapped := tenantOf(c.source, ev(c.realm, c.host))
		require.Equal(t, c.tenant, tenant)
		require.Equal(t, c.mapped, mapped)
	}
}

func TestPartitionFollowsTheEventUnlessItsClockIsWrong(t *testing.T) {
	t.Parallel()
	received := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for event, want := range map[time.Time]string{
		received.Add(-72 * time.Hour):       "bo.standard.2026-11-19",
		received.Add(time.Hour):             "bo.standard.2026-11-22",
		received.AddDate(70, 0, 0):          "bo.standard.2026-11-22",
		received.AddDate(-3, 0, 0):          "bo.standard.2026-11-22",
		received.Add(-2 * time.Millisecond): "bo.standard.2026-11-22",
	} {
		require.Equal(t, want, partition("bo", "", PeriodDay, event, received))
	}
	require.Equal(t, "bo.long.2026-11", partition("bo", "long", PeriodMonth, received, received))
	require.Equal(t, "bo.standard.2026-11-22", partition("bo", "Lang tid", PeriodDay, received, received), "a class that no partition can have loses no line")
}

func TestTheRegisterIsReadAsItHoldsNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s := newSources(slog.New(slog.DiscardHandler), func() time.Time { return now })
	f := fact("bo", topics.KindSource, "a", topics.Source{KeyHash: topics.HashAPIKey("k"), Addresses: []string{"10.0.0.0/8"}})
	f.Versions[0].ValidTo = now.Add(time.Minute)
	s.put(f)
	_, ok := s.byKey("k")
	require.True(t, ok)
	now = now.Add(2 * time.Minute)
	_, ok = s.byKey("k")
	require.False(t, ok, "the key's source ended")
}

func TestTheNarrowestAddressNamesTheSource(t *testing.T) {
	t.Parallel()
	s := newSources(slog.New(slog.DiscardHandler), time.Now)
	s.put(fact("bo", topics.KindSource, "net", topics.Source{Addresses: []string{"10.0.0.0/8", "2001:db8::/32"}}))
	s.put(fact("vik", topics.KindSource, "one", topics.Source{Addresses: []string{"10.1.2.3"}}))
	find := func(ip string) string {
		src, _, ok := s.byAddress(addr(t, ip))
		if !ok {
			return ""
		}
		return src.Tenant + "/" + src.ID
	}
	require.Equal(t, "bo/net", find("10.9.9.9"))
	require.Equal(t, "vik/one", find("10.1.2.3"))
	require.Equal(t, "vik/one", find("::ffff:10.1.2.3"))
	require.Equal(t, "bo/net", find("2001:db8::7"))
	require.Empty(t, find("192.0.2.1"), "nobody's, and there is no IT host")
	s.put(fact("host", topics.KindTenant, "host", topics.Tenant{Host: true}))
	require.Equal(t, "host/unregistered", find("192.0.2.1"))
}

func TestIdsAreTheSameAtEveryReading(t *testing.T) {
	t.Parallel()
	s := Source{ID: "a", Tenant: "bo"}
	seen := map[string]bool{}
	for _, id := range []string{fileID(s, "g", 0, 0, []byte("x")), fileID(s, "g", 0, 1, []byte("x")), fileID(s, "h", 0, 0, []byte("x")), fileID(s, "g", 0, 0, []byte("y")),
		fileID(Source{ID: "b", Tenant: "bo"}, "g", 0, 0, []byte("x")), clientID(s, "x"), clientID(s, "y")} {
		require.False(t, seen[id])
		seen[id] = true
	}
	require.Equal(t, fileID(s, "g", 5, 0, []byte("x")), fileID(s, "g", 5, 0, []byte("x")))
	require.Less(t, fileID(s, "g", 5, 8, []byte("x")), fileID(s, "h", 14, 0, []byte("x")), "a rotated file comes before the next")
}

// A batch of lines that did not reach the bus is published again as it was.
func TestAFailedPublishLosesNothing(t *testing.T) {
	t.Parallel()
	p := &flaky{left: 3}
	deps := run.Deps{Bus: nil, Log: slog.New(slog.DiscardHandler), Clock: time.Now, Secret: func(string) []byte { return []byte("k") }}
	i := newIntake(deps, Default(), newMetrics(nil))
	i.bus = p
	o := i.open(Source{ID: "a", Tenant: "bo"}, "tcp", ecs.ProvenanceTCP, parseLive)
	var b batch
	i.add(&b, &o, line{raw: []byte(text)}, time.Now())
	i.add(&b, &o, line{raw: []byte("<999>x")}, time.Now())
	require.NoError(t, i.persist(t.Context(), &b))
	require.Zero(t, b.len())
	require.Equal(t, map[string]int{bus.TopicEvents: 1, bus.TopicEventsFailed: 1}, p.sent)
}

type flaky struct {
	left int
	sent map[string]int
}

func (f *flaky) Publish(_ context.Context, topic string, msgs ...bus.Message) error {
	if f.left--; f.left >= 0 {
		return io.ErrClosedPipe
	}
	if f.sent == nil {
		f.sent = map[string]int{}
	}
	f.sent[topic] += len(msgs)
	return nil
}

func TestWhatIsTooLargeForTheBusIsADeadLetter(t *testing.T) {
	t.Parallel()
	deps := run.Deps{Log: slog.New(slog.DiscardHandler), Clock: time.Now, Secret: func(string) []byte { return []byte("k") }}
	i := newIntake(deps, Default(), newMetrics(nil))
	o := i.open(Source{ID: "a", Tenant: "bo"}, "tcp", ecs.ProvenanceTCP, parseLive)
	var b batch
	i.add(&b, &o, line{raw: []byte(strings.Repeat("\x01", 1<<20))}, time.Now()) // six bytes each in JSON
	require.Len(t, b.failed, 1)
	var d topics.DeadLetter
	require.NoError(t, json.Unmarshal(b.failed[0].Value, &d))
	require.Equal(t, ReasonTooLarge, d.Reason)
	require.Len(t, d.Raw, 1<<20)
	require.Less(t, len(b.failed[0].Value), bus.DefaultMaxMessage)
}
