package reparse

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"golang.org/x/sync/errgroup"

	"varde.internal/ingest/collector"
	"varde.internal/ingest/indexer"
	reparsehttp "varde.internal/ingest/reparse/http"
	"varde.internal/platform/auth"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/httpx"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/casesapi"
)

// Name of the part, and of its consumer group.
const Name = "reparse"

// Config of the part.
type Config struct {
	// Keep is how long a dead letter is kept after its line was received.
	Keep time.Duration
	// PerGroup and PerTenant bound how many letters are kept, Largest their
	// size in bytes: what is beyond is counted and not kept.
	PerGroup, PerTenant, Largest int
	// Step is how many lines a job reads between two notes of how far it came.
	Step int
	// StoreWait is how long a job waits for the index to have a step.
	StoreWait time.Duration
	// Look is how often other processes' jobs are looked for; AtOnce how many
	// tenants' jobs this process does at once.
	Look   time.Duration
	AtOnce int
	// Collector is what lines are read with: zone and periods of partitions.
	Collector collector.Config
}

// Default is what runs where nothing is set.
func Default() Config {
	return Config{Keep: 30 * 24 * time.Hour, PerGroup: 2_000, PerTenant: 20_000, Largest: 256 << 10,
		Step: 1000, StoreWait: 5 * time.Minute, Look: 2 * time.Second, AtOnce: 2, Collector: collector.Default()}
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	if c.Keep <= 0 || c.PerGroup < 1 || c.PerTenant < c.PerGroup || c.Largest < 1 || c.Step < 1 || c.Step > 1000 || c.StoreWait <= 0 || c.Look <= 0 || c.AtOnce < 1 {
		return errors.New("reparse: numbers and times must be above zero, a tenant keeps at least as much as a group, and a step has at most 1,000 lines")
	}
	return c.Collector.Validate()
}

// Collections.
const (
	collectionLetters = "dead_letters"
	collectionGroups  = "dead_letter_groups"
	collectionJobs    = "reparse_jobs"
)

// Module is the part.
type Module struct {
	deps    run.Deps
	cfg     Config
	app     *fiber.App
	reader  *collector.Rereader
	letters *prometheus.CounterVec
	service run.Opened[Service]
}

var _ run.Part = (*Module)(nil)

// New wires the part. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	reader, err := collector.NewRereader(deps, cfg.Collector)
	if err != nil {
		return nil, err
	}
	m := &Module{deps: deps, cfg: cfg, reader: reader,
		letters: promauto.With(deps.Metrics).NewCounterVec(prometheus.CounterOpts{Name: "varde_reparse_dead_letters_total", Help: "Lines that could not become events, by whether they were kept for a replay."}, []string{"result"})}
	app, err := httpx.New(httpx.Config{
		Name: Name, Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics, Ready: m.Ready,
	})
	if err != nil {
		return nil, err
	}
	reparsehttp.Routes(app, func() (reparsehttp.Reparse, error) {
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

// Ready implements run.Part.
func (m *Module) Ready(ctx context.Context) error {
	if err := m.service.Ready(); err != nil {
		return err
	}
	return m.deps.Ready(ctx, run.Documents, run.Kafka, run.Events)
}

// open declares the collections and makes the use cases.
func (m *Module) open(ctx context.Context) (*Service, error) {
	all, err := docstore.Open[Letter](ctx, m.deps.Docs, docstore.Definition{Name: collectionLetters, Version: 1, Clock: m.deps.Clock,
		Indexes: []docstore.Index{{Fields: []string{"group", "received"}}, {Fields: []string{"source"}}, {Fields: []string{"received"}}}})
	if err != nil {
		return nil, err
	}
	groups, err := docstore.Open[Group](ctx, m.deps.Docs, docstore.Definition{Name: collectionGroups, Version: 1, Clock: m.deps.Clock})
	if err != nil {
		return nil, err
	}
	jobs, err := docstore.Open[Job](ctx, m.deps.Docs, docstore.Definition{Name: collectionJobs, Version: 1, Clock: m.deps.Clock,
		Indexes: []docstore.Index{{Fields: []string{"active"}, Unique: true, Where: docstore.Eq{Field: "active", Value: true}}, {Fields: []string{"created"}}}})
	if err != nil {
		return nil, err
	}
	seal, err := newSealer(m.deps.Secret("dead-letters"))
	if err != nil {
		return nil, err
	}
	store := &letters{cfg: m.cfg, log: m.deps.Log, audit: m.deps.Audit, clock: m.deps.Clock, seal: seal, all: all, groups: groups,
		kept:  func(result string) { m.letters.WithLabelValues(result).Inc() },
		holds: func(ctx context.Context) ([]eventindex.Range, error) { return indexer.Held(ctx, m.deps) }}
	r := &runner{cfg: m.cfg, log: m.deps.Log, clock: m.deps.Clock, docs: m.deps.Docs, jobs: jobs, letters: store, reader: m.reader, events: m.deps.Events,
		bus: m.deps.Bus, holder: id.New(), wake: make(chan struct{}, 1), busy: map[string]bool{}}
	return &Service{runner: r, audit: m.deps.Audit, cases: casesClient{m.deps}}, nil
}

const sweepEvery = time.Hour

// Run implements run.Part: it opens the collections as soon as they can be
// reached, takes dead letters in, does jobs and deletes what is old.
func (m *Module) Run(ctx context.Context) error {
	s := m.service.Open(ctx, m.deps.Log, Name, m.open)
	if s == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return docstore.Relay(ctx, m.deps.Docs, collectionJobs, m.deps.Bus, docstore.RelayOptions{Log: m.deps.Log})
	})
	g.Go(func() error { return m.reader.Run(ctx) })
	g.Go(func() error {
		return m.deps.Bus.Consume(ctx, bus.TopicEventsFailed, Name, bus.ConsumeOptions{}, s.letters.receive)
	})
	g.Go(func() error {
		s.run(ctx)
		return nil
	})
	g.Go(func() error {
		m.sweep(ctx, s)
		return nil
	})
	return g.Wait()
}

func (m *Module) sweep(ctx context.Context, s *Service) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.letters.expire(ctx); err != nil && ctx.Err() == nil {
			m.deps.Log.WarnContext(ctx, "old dead letters stay a while longer", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// casesClient asks the cases service.
type casesClient struct{ deps run.Deps }

// Access implements Cases.
func (c casesClient) Access(ctx context.Context, caseID string) (CaseAccess, error) {
	tid, err := tenant.From(ctx)
	if err != nil {
		return CaseAccess{}, err
	}
	client := httpx.Client{Service: "cases", BaseURL: c.deps.Endpoint("cases"), Tokens: c.deps.Tokens, Deadline: 5 * time.Second}
	var found casesapi.CaseAccess
	if err := client.Get(ctx, "/v1/internal/cases/"+url.PathEscape(caseID), &found); err != nil {
		return CaseAccess{}, fmt.Errorf("reparse: %w", err)
	}
	return CaseAccess{Open: found.Open, Object: auth.Object{Tenant: tid, Unit: found.Unit, Owners: found.Owners}}, nil
}
