package sources

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
	_ "time/tzdata" // days are those of the municipality's clock

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/ingest/parse"
	sourceshttp "varde.internal/ingest/sources/http"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// Name of the part, and of its consumer group.
const Name = "sources"

// Config of the account of sources.
type Config struct {
	TimeZone string        // of its days
	Keep     int           // days that are kept, today included
	Batch    int           // messages that are counted at once
	MaxWait  time.Duration // for that many
	Every    time.Duration // how often days are swept
	// SilentAfter is the longest silence that is expected of sources for which
	// the register names none (C20).
	SilentAfter time.Duration
	Judge       time.Duration // how often sources are judged
	// Patience is how long no collector may say that it takes lines before that
	// time counts as one in which nobody listened.
	Patience time.Duration
}

// Default is what runs where nothing is set.
func Default() Config {
	return Config{TimeZone: "Europe/Oslo", Keep: 90, Batch: 2000, MaxWait: 5 * time.Second, Every: time.Hour,
		SilentAfter: 24 * time.Hour, Judge: 30 * time.Second, Patience: 3 * time.Minute}
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	if c.Keep < 1 || c.Batch < 1 || c.MaxWait <= 0 || c.Every <= 0 || c.SilentAfter <= 0 || c.Judge <= 0 || c.Patience <= 0 {
		return errors.New("sources: sizes and times must be above zero")
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return fmt.Errorf("sources: %w", err)
	}
	return nil
}

const standingsCollection = "source_standings"

// Module is the account of sources as a part of Varde.
type Module struct {
	cfg      Config
	deps     run.Deps
	app      *fiber.App
	register *registered
	watch    *watch
	watched  atomic.Bool // what the collectors said was read to its end
	behind   behind
	service  run.Opened[Service]
}

var _ run.Part = (*Module)(nil)

// New wires the part. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Module{cfg: cfg, deps: deps, register: newRegistered(deps.Log, deps.Clock),
		watch: &watch{patience: cfg.Patience}, behind: behind{most: map[int]int64{}}}
	app, err := httpx.New(httpx.Config{
		Name: Name, Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics, Ready: m.Ready,
	})
	if err != nil {
		return nil, err
	}
	sourceshttp.Routes(app, func() (sourceshttp.Sources, error) {
		s, err := m.service.Get()
		return api{s}, err
	})
	m.app = app
	return m, nil
}

// Name implements run.Part.
func (m *Module) Name() string { return Name }

// App implements run.Part.
func (m *Module) App() *fiber.App { return m.app }

// Ready implements run.Part. Whose a source is, is known only when the register
// was read.
func (m *Module) Ready(ctx context.Context) error {
	if err := m.service.Ready(); err != nil {
		return err
	}
	if err := m.deps.Ready(ctx, run.Documents, run.Kafka); err != nil {
		return err
	}
	if !m.register.read() {
		return httpx.NotReady(string(run.Kafka), errors.New("the register is being read"))
	}
	return nil
}

func (m *Module) open(ctx context.Context) (*Service, error) {
	zone, err := time.LoadLocation(m.cfg.TimeZone)
	if err != nil {
		return nil, err
	}
	days, err := docstore.Open[Day](ctx, m.deps.Docs, docstore.Definition{Name: "source_days", Version: 1, Clock: m.deps.Clock,
		Indexes: []docstore.Index{{Fields: []string{"date"}}}})
	if err != nil {
		return nil, err
	}
	standings, err := docstore.Open[Standing](ctx, m.deps.Docs, docstore.Definition{Name: standingsCollection, Version: 1, Clock: m.deps.Clock})
	if err != nil {
		return nil, err
	}
	return &Service{days: days, standings: standings, register: m.register, clock: m.deps.Clock, zone: zone, keep: m.cfg.Keep,
		watch: m.watch, silentAfter: m.cfg.SilentAfter, secret: m.deps.Secret("topic-keys")}, nil
}

// Run counts what the topics bring until ctx is done.
func (m *Module) Run(ctx context.Context) error {
	s := m.service.Open(ctx, m.deps.Log, Name, m.open)
	if s == nil {
		return nil // ctx is done before the store answered
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.deps.Bus.Follow(ctx, bus.TopicRegister, m.register.handle, m.register.caughtUp) })
	g.Go(func() error {
		return m.deps.Bus.Follow(ctx, bus.TopicIntake, m.reports, func() { m.watched.Store(true) })
	})
	g.Go(func() error {
		return docstore.Relay(ctx, m.deps.Docs, standingsCollection, m.deps.Bus, docstore.RelayOptions{Log: m.deps.Log})
	})
	g.Go(func() error { return m.consume(ctx, s, bus.TopicEvents, m.behind.set, ofEvent) })
	g.Go(func() error { return m.consume(ctx, s, bus.TopicEventsFailed, nil, ofDeadLetter) })
	g.Go(func() error { return m.consume(ctx, s, bus.TopicIntake, nil, ofReport) })
	g.Go(func() error {
		m.sweep(ctx, s)
		return nil
	})
	g.Go(func() error {
		m.judge(ctx, s)
		return nil
	})
	return g.Wait()
}

// consume counts what a topic brings. Whose it is, is in the register, which is
// waited for.
func (m *Module) consume(ctx context.Context, s *Service, topic string, lag func(int, int64), read func(bus.Message) []Arrival) error {
	select {
	case <-ctx.Done():
		return nil
	case <-m.register.ready:
	}
	return m.deps.Bus.Consume(ctx, topic, Name, bus.ConsumeOptions{BatchSize: m.cfg.Batch, MaxWait: m.cfg.MaxWait, Lag: lag},
		func(ctx context.Context, batch []bus.Message) error {
			arrivals := make([]Arrival, 0, len(batch))
			for _, msg := range batch {
				arrivals = append(arrivals, read(msg)...)
			}
			return s.Count(ctx, topic+"/"+strconv.Itoa(batch[0].Partition), arrivals)
		})
}

// reports takes from the topic "intake" when lines were taken at all.
func (m *Module) reports(_ context.Context, batch []bus.Message) error {
	for _, msg := range batch {
		var r topics.IntakeReport
		if msg.Type == topics.TypeIntakeReport && json.Unmarshal(msg.Value, &r) == nil {
			m.watch.heard(r.Time)
		}
	}
	return nil
}

// judge looks for silent sources, while all that came is counted: twice in a
// row, so that a line which waits to be counted accuses nobody.
func (m *Module) judge(ctx context.Context, s *Service) {
	tick := time.NewTicker(m.cfg.Judge)
	defer tick.Stop()
	before := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := m.register.read() && m.watched.Load() && m.behind.caughtUp(int64(m.cfg.Batch))
		if now && before {
			if err := s.Judge(ctx); err != nil && ctx.Err() == nil {
				m.deps.Log.WarnContext(ctx, "silent sources could not be looked for", "error", err)
			}
		}
		before = now
	}
}

func (m *Module) sweep(ctx context.Context, s *Service) {
	tick := time.NewTicker(m.cfg.Every)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			m.deps.Log.WarnContext(ctx, "old days of sources stay a while longer", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// readAgain is how long after its receipt an event is published that did not
// come now: lines of a day that are read again keep their receipt, and were
// counted when they came.
const readAgain = time.Hour

// ofEvent reads an arrival from the topic "events". What is no event of its
// tenant is the indexer's to dead-letter.
func ofEvent(msg bus.Message) []Arrival {
	if msg.Type != topics.TypeEvent {
		return nil
	}
	e, err := eventindex.SummaryOf(msg.Value)
	if err != nil || e.Tenant != msg.Tenant || msg.Time.Sub(e.Created) > readAgain {
		return nil
	}
	return []Arrival{{
		Tenant: e.Tenant, Source: e.Source, Received: e.Created, Event: e.Time, Size: e.Size, Offset: msg.Offset,
		Unparsed: e.Dataset == parse.DatasetUnparsed, Imported: e.Provenance == ecs.ProvenanceImport,
	}}
}

// ofDeadLetter reads an arrival from the topic "events.failed". What failed
// after it was an event was counted as one.
func ofDeadLetter(msg bus.Message) []Arrival {
	var d topics.DeadLetter
	if msg.Type != topics.TypeDeadLetter || json.Unmarshal(msg.Value, &d) != nil || d.Tenant != msg.Tenant {
		return nil
	}
	return []Arrival{{
		Tenant: d.Tenant, Source: d.Source, Received: d.Received, Size: len(d.Raw), Offset: msg.Offset,
		Failed: true, Again: d.Stage == "index",
	}}
}

// ofReport reads from the topic "intake" whose lines were slowed.
func ofReport(msg bus.Message) (list []Arrival) {
	var r topics.IntakeReport
	if msg.Type != topics.TypeIntakeReport || json.Unmarshal(msg.Value, &r) != nil {
		return nil
	}
	for _, s := range r.Sources {
		list = append(list, Arrival{
			Tenant: s.Tenant, Source: s.Source, Received: r.Time, Offset: msg.Offset,
			Slowed: &Slowed{Milliseconds: s.Slowed, Refused: s.Refused, Dropped: s.Dropped},
		})
	}
	return list
}
