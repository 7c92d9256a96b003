// Package indexer writes the events of the topic "events" into the event
// index. A batch is committed only when every event of it is stored, was
// stored before, or lies whole on events.failed; while the index is down it
// waits and nothing is lost.
package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"varde.internal/platform/bus"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/httpx"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
	"varde.internal/platform/systemscope"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// Name of the part, and of its consumer group.
const Name = "indexer"

// Config of the indexer.
type Config struct {
	BatchSize int           // events per append
	MaxWait   time.Duration // longest wait for a batch to fill: how late an event is searchable
}

// Default is what runs where nothing is set.
func Default() Config { return Config{BatchSize: 2000, MaxWait: 500 * time.Millisecond} }

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	if c.BatchSize < 1 || c.BatchSize > 10_000 || c.MaxWait <= 0 {
		return errors.New("indexer: a batch has 1 to 10,000 events and a time to fill")
	}
	return nil
}

// Stage and reasons of the dead letters; those of the index are in eventindex.
const (
	stage            = "index"
	reasonUnreadable = "unreadable"
	reasonMismatch   = "tenant-mismatch"
)

// Module is the part.
type Module struct {
	deps    run.Deps
	cfg     Config
	app     *fiber.App
	metrics metrics
}

var _ run.Part = (*Module)(nil)

type metrics struct {
	events *prometheus.CounterVec
	lag    *prometheus.GaugeVec
	took   prometheus.Histogram
	delay  prometheus.Histogram
}

// New wires the part. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Module{deps: deps, cfg: cfg, metrics: metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "varde_indexer_events_total", Help: "Events taken from the topic, by what became of them."}, []string{"result"}),
		lag:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "varde_indexer_lag", Help: "Messages behind the end of a partition."}, []string{"partition"}),
		took:   prometheus.NewHistogram(prometheus.HistogramOpts{Name: "varde_indexer_append_seconds", Help: "Time to store a batch.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 12)}),
		delay:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "varde_indexer_delay_seconds", Help: "From the receipt of the last event of a batch to its storage.", Buckets: prometheus.ExponentialBuckets(0.05, 2, 14)}),
	}}
	if deps.Metrics != nil {
		for _, c := range []prometheus.Collector{m.metrics.events, m.metrics.lag, m.metrics.took, m.metrics.delay} {
			if err := deps.Metrics.Register(c); err != nil {
				return nil, fmt.Errorf("indexer: %w", err)
			}
		}
	}
	app, err := httpx.New(httpx.Config{Name: Name, Contract: httpx.NoContract, Log: deps.Log, Clock: deps.Clock, Metrics: deps.Metrics, Ready: m.Ready})
	if err != nil {
		return nil, err
	}
	m.app = app
	return m, nil
}

// Name implements run.Part.
func (m *Module) Name() string { return Name }

// App implements run.Part: health and metrics.
func (m *Module) App() *fiber.App { return m.app }

// Ready implements run.Part.
func (m *Module) Ready(ctx context.Context) error {
	if err := m.deps.Events.Ready(ctx); err != nil {
		return httpx.NotReady("events", err)
	}
	if err := m.deps.Bus.Ready(ctx); err != nil {
		return httpx.NotReady("kafka", err)
	}
	return nil
}

// Run consumes until ctx is done. A batch that could not be stored comes again.
func (m *Module) Run(ctx context.Context) error {
	return m.deps.Bus.Consume(ctx, bus.TopicEvents, Name, bus.ConsumeOptions{
		BatchSize: m.cfg.BatchSize, MaxWait: m.cfg.MaxWait,
		Lag: func(partition int, behind int64) {
			m.metrics.lag.WithLabelValues(strconv.Itoa(partition)).Set(float64(behind))
		},
	}, m.handle)
}

// handle stores a batch. What the index refuses goes to events.failed first,
// so that after the commit each message lies in one place or the other.
func (m *Module) handle(ctx context.Context, batch []bus.Message) error {
	ctx = systemscope.Enter(ctx, "events of every tenant on their way into the index")
	events := make([]ecs.Event, 0, len(batch))
	from := make([]int, 0, len(batch)) // the message of each event
	var failed []bus.Message
	for i, msg := range batch {
		if msg.Type != topics.TypeEvent {
			continue
		}
		e, err := eventindex.Decode(msg.Value)
		switch {
		case err != nil:
			failed = append(failed, m.deadLetter(msg, ecs.Event{}, reasonUnreadable))
		case e.Varde.Tenant != msg.Tenant:
			failed = append(failed, m.deadLetter(msg, e, reasonMismatch))
		default:
			e.Event.Ingested = m.deps.Clock().UTC().Truncate(time.Millisecond)
			events = append(events, e)
			from = append(from, i)
		}
	}
	begin := time.Now()
	results, err := m.deps.Events.Append(ctx, events)
	if err != nil {
		return fmt.Errorf("indexer: the index did not take a batch: %w", err)
	}
	for i, r := range results {
		if r.Status == eventindex.Conflicting || r.Status == eventindex.Rejected {
			failed = append(failed, m.deadLetter(batch[from[i]], events[i], r.Reason))
		}
	}
	if len(failed) > 0 {
		m.deps.Log.WarnContext(ctx, "events the index refused", "count", len(failed))
		if err := m.deps.Bus.Publish(ctx, bus.TopicEventsFailed, failed...); err != nil {
			return fmt.Errorf("indexer: dead letters: %w", err)
		}
	}
	m.observe(begin, results, len(failed), events)
	return nil
}

var outcomes = map[eventindex.Status]string{
	eventindex.Stored: "stored", eventindex.Duplicate: "duplicate", eventindex.Replaced: "replaced",
	eventindex.Conflicting: "conflicting", eventindex.Rejected: "rejected",
}

func (m *Module) observe(begin time.Time, results []eventindex.Result, failed int, events []ecs.Event) {
	for _, r := range results {
		m.metrics.events.WithLabelValues(outcomes[r.Status]).Inc()
	}
	m.metrics.events.WithLabelValues("dead-letter").Add(float64(failed))
	m.metrics.took.Observe(time.Since(begin).Seconds())
	if len(events) > 0 {
		if created := events[len(events)-1].Event.Created; !created.IsZero() {
			m.metrics.delay.Observe(m.deps.Clock().Sub(created).Seconds())
		}
	}
}

// deadLetter keeps a message whole. Its id is that of the message's place, so
// that a batch that comes again makes the same letters.
func (m *Module) deadLetter(msg bus.Message, e ecs.Event, reason string) bus.Message {
	letter := topics.DeadLetter{
		ID:     id.Of("dead-letter", stage, msg.Topic, strconv.Itoa(msg.Partition), strconv.FormatInt(msg.Offset, 10)),
		Tenant: msg.Tenant, Source: e.Varde.Source, Stage: stage, Reason: reason, Received: msg.Time.UTC(), Raw: msg.Value,
	}
	value, err := json.Marshal(letter)
	if err != nil { // strings, a time and bytes: it cannot fail
		m.deps.Log.Error("dead letter", slog.Any("err", err))
	}
	return bus.Message{Tenant: msg.Tenant, Key: msg.Key, ID: letter.ID, Type: topics.TypeDeadLetter, Version: 1, Value: value}
}
