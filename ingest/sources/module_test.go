package sources_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/ingest/parse"
	"varde.internal/ingest/sources"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
	"varde.internal/platform/run/runtest"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/gen/sourcesapi"
	"varde.internal/schemas/topics"
)

// The embedded bus ends its connections a moment after its broker, so what
// belongs to it is left out.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("varde.internal/platform/bus/kafka.(*Bus).Close.func1"),
		goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*Writer).Close"),
		goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*partitionWriter).writeBatch"),
		goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*connPool).discover"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	)
}

// begin is a noon of the municipality's clock (11:00 in UTC).
var begin = time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)

// world is the part on an embedded bus and store.
type world struct {
	t     testing.TB
	bus   bus.Bus
	docs  docstore.Store
	clock *runtest.Clock
	m     *sources.Module
	stop  func()

	mu    sync.Mutex
	found []bus.Message
}

// follow keeps what is found.
func (w *world) follow() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	w.t.Cleanup(func() { cancel(); wg.Wait() })
	wg.Go(func() {
		_ = w.bus.Follow(ctx, bus.TopicFindings, func(_ context.Context, batch []bus.Message) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.found = append(w.found, batch...)
			return nil
		}, nil)
	})
}

// findings are the distinct ones of a type; a relay may say one twice.
func (w *world) findings(kind string) []topics.Finding {
	w.mu.Lock()
	defer w.mu.Unlock()
	byID := map[string]topics.Finding{}
	for _, m := range w.found {
		var f topics.Finding
		require.NoError(w.t, json.Unmarshal(m.Value, &f))
		if m.Type == kind {
			byID[f.ID] = f
		}
	}
	return slices.Collect(maps.Values(byID))
}

// report says that a collector takes lines now, and whose it slowed.
func (w *world) report(slowed ...topics.SourceIntake) {
	w.t.Helper()
	w.publish(bus.TopicIntake, topics.TypeIntakeReport, "", "c", topics.IntakeReport{Collector: "c", Time: w.clock.Now(), Sources: slowed})
}

func start(t testing.TB) *world {
	w := &world{t: t, bus: bustest.Start(t), docs: sqlite.OpenTemp(t), clock: runtest.NewClock(begin)}
	day := 100_000 * time.Hour // the messages have the clock of the test
	require.NoError(t, w.bus.EnsureTopics(t.Context(),
		bus.TopicConfig{Name: bus.TopicEvents, Partitions: 3, Retention: day}, bus.TopicConfig{Name: bus.TopicEventsFailed, Partitions: 1, Retention: day},
		bus.TopicConfig{Name: bus.TopicRegister, Partitions: 1, Compacted: true}, bus.TopicConfig{Name: bus.TopicIntake, Partitions: 1, Retention: day},
		bus.TopicConfig{Name: bus.TopicFindings, Partitions: 1, Retention: day}))
	w.follow()
	w.run()
	return w
}

// run starts the part, again where it was stopped.
func (w *world) run() {
	cfg := sources.Default()
	cfg.MaxWait, cfg.Judge, cfg.Patience = 10*time.Millisecond, 20*time.Millisecond, 2*time.Hour
	m, err := sources.New(run.Deps{
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: w.clock.Now, Metrics: prometheus.NewRegistry(), Bus: w.bus, Docs: w.docs,
		Verifier: authtest.Verifier(sources.Name), Secret: func(use string) []byte { return []byte("secret of " + use) },
	}, cfg)
	require.NoError(w.t, err)
	w.m, w.stop = m, runtest.Start(w.t, m)
}

func (w *world) publish(topic, kind, tenant, key string, values ...any) {
	w.t.Helper()
	w.publishAt(w.clock.Now(), topic, kind, tenant, key, values...)
}

func (w *world) publishAt(at time.Time, topic, kind, tenant, key string, values ...any) {
	w.t.Helper()
	var out []bus.Message
	for _, v := range values {
		raw, err := json.Marshal(v)
		require.NoError(w.t, err)
		out = append(out, bus.Message{Tenant: tenant, Key: key, ID: id.New(), Type: kind, Version: 1, Value: raw, Time: at})
	}
	require.NoError(w.t, w.bus.Publish(w.t.Context(), topic, out...))
}

// register says what a source is, and waits until the part knows it.
func (w *world) register(tid, name string, v topics.Source) {
	w.t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(w.t, err)
	at := begin.AddDate(0, -6, 0)
	w.publish(bus.TopicRegister, topics.TypeFact, tid, name, topics.Fact{Kind: topics.KindSource, ID: name, Tenant: tid,
		Versions: []topics.Version{{ValidFrom: at, RecordedAt: at, Data: raw}}})
	await.True(w.t, func() bool {
		return httpxtest.Call(w.t, w.m.App(), "GET", "/v1/activity/"+name, token(w.t, tid, auth.RoleSecurityOfficer), nil).Status == http.StatusOK
	}, "the source is known")
}

func event(tid, source string, received time.Time, dataset string) ecs.Event {
	return ecs.Event{Timestamp: received.Add(-time.Second), Message: "x", Event: ecs.Meta{ID: id.New(), Kind: "event", Dataset: dataset, Original: "0123456789", Created: received},
		Varde: ecs.Varde{Tenant: tid, Source: source, Partition: tid + ".standard.2026-11-22", Provenance: "tcp"}}
}

// hear publishes lines of a source that come now, from several hosts.
func (w *world) hear(tid, source string, lines int) {
	w.t.Helper()
	for i := range lines {
		w.publish(bus.TopicEvents, topics.TypeEvent, tid, fmt.Sprint(source, i%3), event(tid, source, w.clock.Now(), "sshd"))
	}
}

func token(t testing.TB, tid string, role auth.Role) string {
	return authtest.Token(t, sources.Name, auth.Principal{Subject: string(role), Tenant: tenant.ID(tid), Grants: []auth.Grant{{Role: role}}})
}

func (w *world) activity(tid, source string) sourcesapi.Activity {
	w.t.Helper()
	r := httpxtest.Call(w.t, w.m.App(), "GET", "/v1/activity/"+source, token(w.t, tid, auth.RoleSecurityOfficer), nil)
	require.Equal(w.t, http.StatusOK, r.Status, "%s", r.Body)
	httpxtest.Conforms(w.t, httpxtest.Contract(w.t, sources.Name), "GET", "/v1/activity/"+source, r)
	return httpxtest.Decode[sourcesapi.Activity](w.t, r)
}

func TestRoutesAreTheContracts(t *testing.T) {
	t.Parallel()
	httpxtest.RoutesMatchContract(t, start(t).m.App(), httpxtest.Contract(t, sources.Name))
}

func TestRolesAndTenants_R41_R74(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.register("granvik", "marked-source", topics.Source{Name: "VPN", Kind: "syslog"})
	httpxtest.RoleMatrix(t, w.m.App(), httpxtest.Contract(t, sources.Name),
		func(r auth.Role) string { return token(t, "granvik", r) },
		httpxtest.WithForeign(func(r auth.Role) string { return token(t, "fjellbygd", r) }, "marked-source"),
		httpxtest.WithSample("getActivity", httpxtest.Sample{Path: "/v1/activity/marked-source"}),
		httpxtest.WithSample("guessMapping", httpxtest.Sample{Body: map[string]any{"sample": doorSample}}),
		httpxtest.WithSample("previewMapping", httpxtest.Sample{Body: map[string]any{"sample": doorSample, "text": "version: 1"}}),
	)
}

// What comes is counted under its source's owner, by what became of it.
func TestWhatComesIsCountedPerSourceAndDay(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.register("granvik", "vpn", topics.Source{Name: "VPN", Kind: "syslog"})
	w.register("granvik", "shared", topics.Source{Name: "AD", Kind: "syslog", Shared: true, Realms: map[string]string{"BO": "fjellbygd"}})
	require.Equal(t, sourcesapi.Never, w.activity("granvik", "vpn").State)

	w.hear("granvik", "vpn", 7)
	yesterday := begin.Add(-26 * time.Hour)
	w.publishAt(yesterday, bus.TopicEvents, topics.TypeEvent, "granvik", "b", event("granvik", "vpn", yesterday, parse.DatasetUnparsed))
	// Read again today, with the receipt that it had.
	w.publish(bus.TopicEvents, topics.TypeEvent, "granvik", "b", event("granvik", "vpn", yesterday, "sshd"))
	imported := event("granvik", "vpn", begin.Add(time.Hour), "sshd")
	imported.Varde.Provenance = ecs.ProvenanceImport
	w.publish(bus.TopicEvents, topics.TypeEvent, "granvik", "b", imported)
	w.publish(bus.TopicEvents, topics.TypeEvent, "fjellbygd", "c", event("fjellbygd", "shared", begin, "windows"))
	for _, stage := range []string{"collect", "index"} {
		w.publish(bus.TopicEventsFailed, topics.TypeDeadLetter, "granvik", "c",
			topics.DeadLetter{ID: id.New(), Tenant: "granvik", Source: "vpn", Stage: stage, Reason: "x", Received: begin.Add(time.Second), Raw: []byte("01234")})
	}
	await.True(t, func() bool {
		total := w.activity("granvik", "vpn").Total
		return total.Received >= 10 && total.Failed >= 2 && w.activity("granvik", "shared").Total.Received >= 1
	}, "all is counted")
	got := w.activity("granvik", "vpn")
	require.Equal(t, sourcesapi.Counts{Received: 10, Unparsed: 1, Failed: 2, Bytes: 95}, got.Total, "what failed in the index was counted when it came")
	require.Equal(t, sourcesapi.Speaks, got.State)
	require.Len(t, got.Days, 30)
	require.Equal(t, sourcesapi.Day{Date: "2026-11-21", Received: 1, Unparsed: 1, Bytes: 10}, got.Days[28])
	require.Equal(t, "2026-11-22", got.Days[29].Date)
	require.Equal(t, begin.Add(time.Second), got.LastReceived, "a person's import does not make it speak")
	require.Equal(t, begin.Add(-time.Second), got.LastEvent)

	// What was delivered once is not counted twice when the part starts again.
	w.stop()
	w.run()
	w.hear("granvik", "vpn", 2)
	await.True(t, func() bool { return w.activity("granvik", "vpn").Total.Received == 12 })

	list := httpxtest.Decode[sourcesapi.ActivityPage](t, httpxtest.Call(t, w.m.App(), "GET", "/v1/activity?days=2&limit=1", token(t, "granvik", auth.RoleAuditor), nil))
	require.Len(t, list.Items, 1)
	require.Equal(t, "shared", list.Items[0].Source)
	require.Len(t, list.Items[0].Days, 2)
	list = httpxtest.Decode[sourcesapi.ActivityPage](t, httpxtest.Call(t, w.m.App(), "GET", "/v1/activity?after="+list.Next, token(t, "granvik", auth.RoleAuditor), nil))
	require.Equal(t, "vpn", list.Items[0].Source)
	require.Empty(t, list.Next)
	other := httpxtest.Decode[sourcesapi.ActivityPage](t, httpxtest.Call(t, w.m.App(), "GET", "/v1/activity", token(t, "fjellbygd", auth.RoleAuditor), nil))
	require.Empty(t, other.Items)
}

// A source that stops is found once a silence, through a restart too; when it
// is heard again the finding says so.
func TestASilentSourceIsFoundOnceASilence_C20(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.register("granvik", "vpn", topics.Source{Name: "VPN", Kind: "syslog", SilentAfter: 90 * time.Minute})
	w.register("granvik", "new", topics.Source{Name: "Never heard", Kind: "syslog", SilentAfter: time.Minute})
	w.report()
	w.hear("granvik", "vpn", 3)
	await.True(t, func() bool { return w.activity("granvik", "vpn").Total.Received == 3 })
	w.clock.Move(time.Hour)
	w.report()
	w.clock.Move(time.Hour)
	w.report()
	await.True(t, func() bool { return len(w.findings(topics.TypeFindingRaised)) == 1 }, "it is found")
	f := w.findings(topics.TypeFindingRaised)[0]
	require.Equal(t, "C20", f.Rule)
	require.Equal(t, topics.FamilyFeeds, f.Family)
	require.Equal(t, map[string]string{"source": "vpn"}, f.Group)
	require.Equal(t, map[string]string{"source": "VPN", "sourceId": "vpn", "since": "2026-11-22T11:00:00Z", "expectedSeconds": "5400"}, f.Reason.Params)
	got := w.activity("granvik", "vpn")
	require.Equal(t, sourcesapi.Silent, got.State)
	require.Equal(t, begin, got.Silence.Since)
	require.EqualValues(t, 5400, got.ExpectedSeconds)
	require.False(t, got.ExpectedDefault)
	require.Equal(t, sourcesapi.Never, w.activity("granvik", "new").State, "what never spoke is shown, and accuses nobody")

	w.stop()
	w.run()
	w.hear("granvik", "vpn", 1)
	await.True(t, func() bool { return len(w.findings(topics.TypeFindingWithdrawn)) == 1 }, "it is heard again")
	again := w.findings(topics.TypeFindingWithdrawn)[0]
	require.Equal(t, f.ID, again.ID)
	require.Equal(t, "source-spoke-again", again.Explained.Slug)
	require.Equal(t, "2026-11-22T13:00:00Z", again.Explained.Params["until"])
	require.True(t, again.Decided.After(f.Decided))
	require.Equal(t, sourcesapi.Speaks, w.activity("granvik", "vpn").State)
	require.Len(t, w.findings(topics.TypeFindingRaised), 1)
}

// What a collector did with a source that came too fast is shown with it.
func TestASlowedSourceIsShown(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.register("granvik", "vpn", topics.Source{Name: "VPN", Kind: "syslog", MaxPerSecond: 10})
	w.register("granvik", "other", topics.Source{Name: "Other", Kind: "syslog"})
	w.report(topics.SourceIntake{Tenant: "granvik", Source: "other", Refused: 1}, topics.SourceIntake{Tenant: "granvik", Source: "vpn", Slowed: 1500, Refused: 2, Dropped: 3})
	await.True(t, func() bool { return w.activity("granvik", "vpn").SlowedNow })
	got := w.activity("granvik", "vpn")
	require.Equal(t, sourcesapi.Counts{SlowedSeconds: 2, Refused: 2, Dropped: 3}, got.Total)
	require.Equal(t, begin, got.LastSlowed)
	require.EqualValues(t, 1, w.activity("granvik", "other").Total.Refused)
	require.Equal(t, sourcesapi.Never, got.State, "to be slowed is not to be heard")
	w.clock.Move(time.Hour)
	require.False(t, w.activity("granvik", "vpn").SlowedNow)
}
