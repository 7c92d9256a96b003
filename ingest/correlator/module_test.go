package correlator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/ingest/correlator"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
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
	)
}

// installation is a correlator on an embedded bus and store.
type installation struct {
	t    testing.TB
	bus  bus.Bus
	docs docstore.Store
	stop func()

	mu    sync.Mutex
	said  []bus.Message
	found map[string]time.Time // finding id + type → when it arrived
}

func install(t testing.TB) *installation {
	in := &installation{t: t, bus: bustest.Start(t), docs: sqlite.OpenTemp(t), found: map[string]time.Time{}}
	day := 24 * time.Hour
	require.NoError(t, in.bus.EnsureTopics(t.Context(),
		bus.TopicConfig{Name: bus.TopicEvents, Partitions: 3, Retention: day}, bus.TopicConfig{Name: bus.TopicFindings, Partitions: 2, Retention: day},
		bus.TopicConfig{Name: bus.TopicRegister, Partitions: 1, Compacted: true}, bus.TopicConfig{Name: bus.TopicDirectory, Partitions: 1, Compacted: true}))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = in.bus.Follow(ctx, bus.TopicFindings, func(_ context.Context, batch []bus.Message) error {
			in.mu.Lock()
			defer in.mu.Unlock()
			for _, m := range batch {
				var f topics.Finding
				if json.Unmarshal(m.Value, &f) == nil {
					in.found[f.ID+m.Type] = time.Now()
				}
				// A relay that is stopped between publishing and clearing says the
				// very same again (at least once); another decision has other bytes.
				if !slices.ContainsFunc(in.said, func(o bus.Message) bool { return o.Type == m.Type && bytes.Equal(o.Value, m.Value) }) {
					in.said = append(in.said, m)
				}
			}
			return nil
		}, nil)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return in
}

// start runs a correlator until stop, or the test's end.
func (in *installation) start() {
	m, err := correlator.New(run.Deps{
		Log: slog.New(slog.DiscardHandler), Clock: time.Now, Metrics: prometheus.NewRegistry(), Bus: in.bus, Docs: in.docs,
		Secret: func(use string) []byte { return []byte("secret of " + use) },
	}, correlator.Default())
	require.NoError(in.t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(in.t.Context()))
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	once := sync.OnceFunc(func() {
		cancel()
		require.NoError(in.t, <-done)
	})
	in.stop = once
	in.t.Cleanup(once)
	await.True(in.t, func() bool { return m.Ready(in.t.Context()) == nil })
}

func (in *installation) publish(topic, kind, key string, v any) {
	raw, err := json.Marshal(v)
	require.NoError(in.t, err)
	require.NoError(in.t, in.bus.Publish(in.t.Context(), topic, bus.Message{Tenant: "boe", Key: key, ID: id.New(), Type: kind, Version: 1, Value: raw}))
}

func (in *installation) fact(kind, name string, data any) {
	raw, err := json.Marshal(data)
	require.NoError(in.t, err)
	old := time.Now().AddDate(-1, 0, 0)
	in.publish(bus.TopicRegister, topics.TypeFact, kind+name, topics.Fact{Kind: kind, ID: name, Tenant: "boe",
		Versions: []topics.Version{{ValidFrom: old, RecordedAt: old, Data: raw}}})
}

func (in *installation) register() {
	in.fact(topics.KindVendor, "v", topics.Vendor{Name: "Nordlys Fagsystemer AS"})
	in.fact(topics.KindSystem, "s", topics.System{Name: "Arkivum", Hosts: []string{"ark01"}})
	in.fact(topics.KindAgreement, "g", topics.Agreement{VendorID: "v", Title: "DBA", Signed: true})
	in.fact(topics.KindAccount, "a", topics.Account{Name: "nf", VendorID: "v"})
	in.fact(topics.KindVendorPerson, "p", topics.VendorPerson{VendorID: "v", Name: "P", Accounts: []string{"a"}})
}

func login(n int, when time.Time, user, outcome string) ecs.Event {
	return ecs.Event{
		Timestamp: when.UTC(), Event: ecs.Meta{ID: id.Of("e", fmt.Sprint(n)), Action: ecs.ActionLogin, Outcome: outcome, Original: fmt.Sprint("line ", n), Created: when.UTC()},
		User: &ecs.User{Name: user}, Host: &ecs.Host{Name: "ark01"}, Source: &ecs.Endpoint{IP: "192.0.2.1"},
		Varde: ecs.Varde{Tenant: "boe", Source: "src", Attempt: true, Method: "password", Provenance: ecs.ProvenanceFile},
	}
}

func (in *installation) event(e ecs.Event) {
	in.publish(bus.TopicEvents, topics.TypeEvent, e.Varde.Source+e.User.Name, e)
}

// findings gives rule, kind and message count per finding id.
func (in *installation) findings(kind string) (list []topics.Finding) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, m := range in.said {
		if m.Type == kind {
			var f topics.Finding
			require.NoError(in.t, json.Unmarshal(m.Value, &f))
			list = append(list, f)
		}
	}
	return list
}

func (in *installation) waitFor(kind string, n int) []topics.Finding {
	in.t.Helper()
	await.True(in.t, func() bool { return len(in.findings(kind)) >= n }, "%s: %d of %d", kind, len(in.findings(kind)), n)
	return in.findings(kind)
}

func TestFromEventToFindingToWithdrawal_C4(t *testing.T) {
	in := install(t)
	in.register()
	in.start()
	when := time.Now().Add(-time.Hour).Truncate(time.Second)
	in.event(login(1, when, "nf", ecs.OutcomeSuccess))
	f := in.waitFor(topics.TypeFindingRaised, 1)[0]
	require.Equal(t, "C4", f.Rule)
	require.Equal(t, "line 1", f.Evidence[0].Original)

	// The owner approves afterwards: it is taken back soon.
	asked := time.Now()
	in.fact(topics.KindAccessWindow, "w", topics.AccessWindow{
		VendorID: "v", Systems: []string{"s"}, From: when.Add(-time.Minute), To: when.Add(time.Hour), ApprovedBy: "o", ApprovedAt: time.Now(),
	})
	gone := in.waitFor(topics.TypeFindingWithdrawn, 1)[0]
	require.Equal(t, f.ID, gone.ID)
	require.Equal(t, "approved-afterwards", gone.Explained.Slug)
	in.mu.Lock()
	took := in.found[f.ID+topics.TypeFindingWithdrawn].Sub(asked)
	keys := map[string]bool{in.said[0].Key: true, in.said[1].Key: true}
	in.mu.Unlock()
	require.Less(t, took, 10*time.Second)
	require.Len(t, keys, 1, "both lie in one partition, in order")
}

// How fast is measured in a quiet place (docs/performance.md); here a busy
// machine must not fail it, only something that waits for a timeout.
func TestFindingsArriveSoon(t *testing.T) {
	in := install(t)
	in.register()
	in.start()
	in.event(login(0, time.Now(), "nf", ecs.OutcomeSuccess)) // the group is joined by then
	in.waitFor(topics.TypeFindingRaised, 1)
	sent := map[string]time.Time{}
	const n = 100
	for i := 1; i <= n; i++ {
		e := login(i, time.Now(), "nf", ecs.OutcomeSuccess)
		sent[e.Event.ID] = time.Now()
		in.event(e)
		time.Sleep(5 * time.Millisecond)
	}
	in.waitFor(topics.TypeFindingRaised, n+1)
	var took []time.Duration
	for _, f := range in.findings(topics.TypeFindingRaised) {
		if at, ok := sent[f.Evidence[0].EventID]; ok {
			in.mu.Lock()
			took = append(took, in.found[f.ID+topics.TypeFindingRaised].Sub(at))
			in.mu.Unlock()
		}
	}
	slices.Sort(took)
	require.Len(t, took, n)
	p95 := took[len(took)*95/100]
	t.Logf("median %s, p95 %s", took[len(took)/2], p95)
	require.Less(t, p95, 10*time.Second)
}

func TestARestartSaysNothingTwiceAndForgetsNothing(t *testing.T) {
	in := install(t)
	in.register()
	in.start()
	when := time.Now().Add(-time.Hour).Truncate(time.Second)
	in.event(login(1, when, "nf", ecs.OutcomeSuccess))
	for i := range 4 { // four of five failures, and the fifth after the restart
		in.event(login(10+i, when.Add(time.Duration(i)*time.Second), "kari", ecs.OutcomeFailure))
	}
	in.waitFor(topics.TypeFindingRaised, 1)
	time.Sleep(300 * time.Millisecond) // the failures are read by then
	in.stop()

	in.event(login(20, when.Add(9*time.Second), "kari", ecs.OutcomeFailure))
	in.event(login(2, when.Add(time.Minute), "nf", ecs.OutcomeSuccess))
	in.start()
	raised := in.waitFor(topics.TypeFindingRaised, 3)
	rules := map[string]int{}
	for _, f := range raised {
		rules[f.Rule]++
	}
	require.Equal(t, map[string]int{"C1": 1, "C4": 2}, rules)

	// What was kept from before is judged again by what the register learns now,
	// also while nobody was there to hear it.
	in.stop()
	in.fact(topics.KindAccessWindow, "w", topics.AccessWindow{
		VendorID: "v", Systems: []string{"s"}, From: when.Add(-time.Minute), To: when.Add(30 * time.Second), ApprovedBy: "o", ApprovedAt: when.Add(-2 * time.Minute),
	})
	in.start()
	gone := in.waitFor(topics.TypeFindingWithdrawn, 1)
	require.Equal(t, when.UTC(), gone[0].Time)
	time.Sleep(700 * time.Millisecond)
	require.Len(t, in.findings(topics.TypeFindingRaised), 3)
	require.Len(t, in.findings(topics.TypeFindingWithdrawn), 1)
}

func TestWhatCannotBeReadIsLeftAndTheRestGoesOn(t *testing.T) {
	in := install(t)
	in.register()
	in.start()
	require.NoError(t, in.bus.Publish(t.Context(), bus.TopicEvents,
		bus.Message{Tenant: "boe", Key: "x", ID: id.New(), Type: topics.TypeEvent, Value: []byte(`{"varde":{"attempt":`)},
		bus.Message{Tenant: "", Key: "x", ID: id.New(), Type: topics.TypeEvent, Value: []byte(`{"varde":{"attempt":true}}`)},
		bus.Message{Tenant: "vik", Key: "x", ID: id.New(), Type: topics.TypeEvent, Value: []byte(`{"varde":{"tenant":"boe","attempt":true}}`)}))
	require.NoError(t, in.bus.Publish(t.Context(), bus.TopicRegister, bus.Message{Tenant: "boe", Key: "x", ID: id.New(), Type: topics.TypeFact,
		Value: []byte(`{"kind":"vendor","id":"bad","tenant":"boe","versions":[{"validFrom":"2026-01-01T00:00:00Z","recordedAt":"2026-01-01T00:00:00Z","data":7}]}`)}))
	in.event(login(1, time.Now(), "nf", ecs.OutcomeSuccess))
	require.Equal(t, "C4", in.waitFor(topics.TypeFindingRaised, 1)[0].Rule)
}

func TestTheConfigurationIsChecked(t *testing.T) {
	require.NoError(t, correlator.Default().Validate())
	c := correlator.Default()
	c.Rewind = time.Minute
	require.ErrorContains(t, c.Validate(), "rewind")
	c = correlator.Default()
	c.LookBack, c.Limit = time.Hour, 1
	require.ErrorContains(t, c.Validate(), "lookBack")
}
