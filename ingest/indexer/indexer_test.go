package indexer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/ingest/indexer"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/kql"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// weak is a real index that can be away.
type weak struct {
	eventindex.Index
	away  atomic.Bool
	asked atomic.Int64
}

var errAway = errors.New("away")

func (w *weak) Append(ctx context.Context, events []ecs.Event) ([]eventindex.Result, error) {
	w.asked.Add(1)
	if w.away.Load() {
		return nil, errAway
	}
	return w.Index.Append(ctx, events)
}

func (w *weak) Ready(ctx context.Context) error {
	if w.away.Load() {
		return errAway
	}
	return w.Index.Ready(ctx)
}

type world struct {
	t       *testing.T
	bus     bus.Bus
	index   *weak
	m       *indexer.Module
	metrics *prometheus.Registry

	mu     sync.Mutex
	failed []topics.DeadLetter
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, bus: bustest.Start(t), index: &weak{Index: embedded.OpenTemp(t)}, metrics: prometheus.NewRegistry()}
	require.NoError(t, w.bus.EnsureTopics(context.Background(),
		bus.TopicConfig{Name: bus.TopicEvents, Partitions: 2, Retention: time.Hour},
		bus.TopicConfig{Name: bus.TopicEventsFailed, Partitions: 1, Retention: time.Hour}))
	cfg := indexer.Default()
	cfg.MaxWait = 20 * time.Millisecond
	var err error
	w.m, err = indexer.New(run.Deps{Log: slog.New(slog.DiscardHandler), Clock: time.Now, Metrics: w.metrics, Bus: w.bus, Events: w.index}, cfg)
	require.NoError(t, err)
	return w
}

// run runs the indexer, and a reader of the dead letters, until the function it gives is called.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.m.Run(ctx); err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
	wg.Go(func() {
		_ = w.bus.Follow(ctx, bus.TopicEventsFailed, func(_ context.Context, batch []bus.Message) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, m := range batch {
				var d topics.DeadLetter
				if err := json.Unmarshal(m.Value, &d); err != nil {
					return err
				}
				w.failed = append(w.failed, d)
			}
			return nil
		}, func() {})
	})
	return func() {
		cancel()
		wg.Wait()
	}
}

func (w *world) letters() []topics.DeadLetter {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]topics.DeadLetter{}, w.failed...)
}

func line(n int) ecs.Event {
	return ecs.Event{Timestamp: time.Date(2026, 11, 22, 10, 0, n, 0, time.UTC), Message: fmt.Sprintf("line %d", n),
		Event: ecs.Meta{ID: fmt.Sprintf("e%05d", n), Created: time.Now().UTC()}, Varde: ecs.Varde{Tenant: "bo", Partition: "std-2026-11", Source: "source-1"}}
}

func message(t *testing.T, e ecs.Event) bus.Message {
	value, err := json.Marshal(e)
	require.NoError(t, err)
	return bus.Message{Tenant: e.Varde.Tenant, Key: e.Event.ID, ID: e.Event.ID, Type: topics.TypeEvent, Version: 1, Value: value}
}

func (w *world) publish(msgs ...bus.Message) {
	w.t.Helper()
	require.NoError(w.t, w.bus.Publish(context.Background(), bus.TopicEvents, msgs...))
}

func (w *world) stored() int {
	hits, err := w.index.Search(tenant.With(context.Background(), "bo"), kql.Query{}, eventindex.Range{}, eventindex.Page{Limit: 1})
	require.NoError(w.t, err)
	return hits.Total
}

func (w *world) eventually(what string, cond func() bool) {
	w.t.Helper()
	await.True(w.t, cond, what)
}

func TestEveryEventIsIndexedOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	for n := range 500 {
		w.publish(message(t, line(n)))
		if n%10 == 0 { // at least once: the collector repeats
			w.publish(message(t, line(n)))
		}
		if n == 0 {
			defer w.run()()
		}
	}
	w.eventually("all are there", func() bool { return w.stored() == 500 })
	require.Empty(t, w.letters())
	require.NoError(t, w.m.Ready(context.Background()))
	gathered, err := w.metrics.Gather()
	require.NoError(t, err)
	counted := map[string]float64{}
	for _, family := range gathered {
		for _, m := range family.Metric {
			for _, l := range m.Label {
				counted[family.GetName()+" "+l.GetValue()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	require.InDelta(t, 500, counted["varde_indexer_events_total stored"], 0)
	require.InDelta(t, 50, counted["varde_indexer_events_total duplicate"], 0)
	require.Contains(t, counted, "varde_indexer_lag 0")
}

func TestWhatTheIndexRefusesIsKeptWhole(t *testing.T) {
	t.Parallel()
	w := start(t)
	changed := line(1)
	changed.Message = "other words under the same id"
	noPartition := line(2)
	noPartition.Varde.Partition = ""
	future := line(3)
	future.Timestamp = time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)
	foreign := message(t, line(4))
	foreign.Tenant = "nes"
	broken := message(t, line(5))
	broken.Value = []byte("{no event")
	w.publish(message(t, line(1)))
	stop := w.run()
	w.eventually("the first is there", func() bool { return w.stored() == 1 })
	w.publish(message(t, changed), message(t, noPartition), message(t, future), foreign, broken, message(t, line(6)))
	w.eventually("five letters and two events", func() bool { return len(w.letters()) == 5 && w.stored() == 2 })
	stop()
	reasons := map[string]topics.DeadLetter{}
	for _, d := range w.letters() {
		require.Equal(t, "index", d.Stage)
		require.Len(t, d.ID, 26)
		reasons[d.Reason] = d
	}
	require.Len(t, reasons, 5)
	require.Contains(t, string(reasons[eventindex.ReasonConflict].Raw), "other words under the same id")
	require.Equal(t, "source-1", reasons[eventindex.ReasonConflict].Source)
	require.Contains(t, reasons, eventindex.ReasonPartition)
	require.Contains(t, reasons, eventindex.ReasonTime)
	require.Equal(t, "nes", reasons["tenant-mismatch"].Tenant)
	require.Equal(t, "{no event", string(reasons["unreadable"].Raw))
}

func TestNothingIsLostWhileTheIndexIsDown(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.index.away.Store(true)
	stop := w.run()
	for n := range 50 {
		w.publish(message(t, line(n)))
	}
	w.eventually("it tries again", func() bool { return w.index.asked.Load() > 2 })
	require.Error(t, w.m.Ready(context.Background()))
	stop() // it also stops while it waits
	require.Zero(t, w.stored())

	w.index.away.Store(false)
	defer w.run()()
	w.eventually("all are there", func() bool { return w.stored() == 50 })
	require.Empty(t, w.letters())
}

func TestConfigurationIsChecked(t *testing.T) {
	t.Parallel()
	_, err := indexer.New(run.Deps{}, indexer.Config{})
	require.Error(t, err)
	require.True(t, strings.HasPrefix(err.Error(), "indexer:"))
}
