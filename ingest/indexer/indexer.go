// Package indexer stores the events of the topic in the event index.
package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	// Batch is how many events are stored at once: each batch is one wait for
	// the disk.
	Batch int
	// Gather is how long a batch may wait to fill.
	Gather time.Duration
}

// Default is right for both indexes.
func Default() Config { return Config{Batch: 2000, Gather: 20 * time.Millisecond} }

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	if c.Batch < 1 || c.Gather < 0 {
		return errors.New("indexer: batch must be positive and gather not negative")
	}
	return nil
}

// Module is the part.
type Module struct {
	deps    run.Deps
	cfg     Config
	app     *fiber.App
	results *prometheus.CounterVec
	lag     *prometheus.GaugeVec
}

var _ run.Part = (*Module)(nil)

// New wires the part. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Module{deps: deps, cfg: cfg,
		results: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "varde_indexer_events_total", Help: "Events by what became of them."}, []string{"result"}),
		lag:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "varde_indexer_lag_events", Help: "Events on the topic that are not stored yet."}, []string{"partition"}),
	}
	if deps.Metrics != nil {
		deps.Metrics.MustRegister(m.results, m.lag)
	}
	app, err := httpx.New(httpx.Config{Name: Name, Contract: httpx.NoContract, Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics, Ready: m.Ready})
	if err != nil {
		return nil, err
	}
	m.app = app
	return m, nil
}

// Name implements run.Part.
func (m *Module) Name() string { return Name }

// App has no routes beside health and metrics.
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

// Run consumes until ctx is done. A batch is committed after its events are
// durable; while the index is down the same batch is tried again, so nothing
// is lost and, ids being deterministic, nothing is stored twice.
func (m *Module) Run(ctx context.Context) error {
	return m.deps.Bus.Consume(ctx, bus.TopicEvents, Name, bus.ConsumeOptions{
		BatchSize: m.cfg.Batch, MaxWait: m.cfg.Gather,
		Lag: func(partition int, behind int64) {
			m.lag.WithLabelValues(fmt.Sprint(partition)).Set(float64(behind))
		},
	}, m.store)
}

func (m *Module) store(ctx context.Context, batch []bus.Message) error {
	events := make([]ecs.Event, 0, len(batch))
	var dead []bus.Message
	for _, msg := range batch {
		var ev ecs.Event
		if err := json.Unmarshal(msg.Value, &ev); err != nil {
			dead = append(dead, m.letter(msg, "", "not-an-event", "The message is not an event."))
			continue
		}
		events = append(events, ev)
	}
	results, err := m.deps.Events.Append(systemscope.Enter(ctx, "the indexer stores the events of every tenant"), events)
	if err != nil {
		return fmt.Errorf("indexer: %w", err)
	}
	if len(results) != len(events) {
		return fmt.Errorf("indexer: %d results for %d events", len(results), len(events))
	}
	counts := map[eventindex.Status]int{}
	for i, r := range results {
		counts[r.Status]++
		switch r.Status {
		case eventindex.Conflicting:
			dead = append(dead, m.deadEvent(events[i], "conflicting-id", "Another event has the same id and another content."))
		case eventindex.Rejected:
			dead = append(dead, m.deadEvent(events[i], "rejected", r.Reason))
		case eventindex.Stored, eventindex.Duplicate, eventindex.Replaced:
		}
	}
	if len(dead) > 0 {
		if err := m.deps.Bus.Publish(ctx, bus.TopicEventsFailed, dead...); err != nil {
			return fmt.Errorf("indexer: dead letters: %w", err)
		}
	}
	for status, name := range map[eventindex.Status]string{
		eventindex.Stored: "stored", eventindex.Duplicate: "duplicate", eventindex.Replaced: "replaced",
		eventindex.Conflicting: "conflicting", eventindex.Rejected: "rejected",
	} {
		m.results.WithLabelValues(name).Add(float64(counts[status]))
	}
	return nil
}

// deadEvent keeps the line as it was received: a replay parses it again.
func (m *Module) deadEvent(ev ecs.Event, reason, detail string) bus.Message {
	return m.message(topics.DeadLetter{
		ID: id.Of("dead-letter", ev.Varde.Tenant, ev.Event.ID, reason, ev.Event.Original), Tenant: ev.Varde.Tenant, Source: ev.Varde.Source,
		Stage: "index", Reason: reason, Detail: detail, Received: ev.Event.Created, Raw: []byte(ev.Event.Original),
	})
}

func (m *Module) letter(msg bus.Message, source, reason, detail string) bus.Message {
	return m.message(topics.DeadLetter{
		ID: id.Of("dead-letter", msg.Tenant, msg.ID, reason), Tenant: msg.Tenant, Source: source,
		Stage: "index", Reason: reason, Detail: detail, Received: msg.Time, Raw: msg.Value,
	})
}

func (m *Module) message(letter topics.DeadLetter) bus.Message {
	value, _ := json.Marshal(letter) // strings, bytes and times always encode
	return bus.Message{
		Tenant: letter.Tenant, ID: letter.ID, Type: topics.TypeDeadLetter, Version: 1, Value: value,
		Key: bus.Key(m.deps.Secret("topic-keys"), letter.Tenant, letter.Source),
	}
}
