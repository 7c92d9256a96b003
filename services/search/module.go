package search

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"
	_ "time/tzdata" // dates in queries are those of the municipality's clock

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/casesapi"
	searchhttp "varde.internal/services/search/http"
)

// Name of the part.
const Name = "search"

// Config of the search service.
type Config struct {
	ContextLife time.Duration // how long a stated purpose holds
	TimeZone    string        // of dates in queries, and of days in histograms
}

// Default is what runs where nothing is set.
func Default() Config { return Config{ContextLife: 12 * time.Hour, TimeZone: "Europe/Oslo"} }

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	if c.ContextLife <= 0 {
		return errors.New("search: contexts must last a while")
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return fmt.Errorf("search: %w", err)
	}
	return nil
}

// Module is the service as a part of Varde.
type Module struct {
	deps    run.Deps
	cfg     Config
	app     *fiber.App
	service run.Opened[Service]
}

var _ run.Part = (*Module)(nil)

// New wires the service. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Module{deps: deps, cfg: cfg}
	app, err := httpx.New(httpx.Config{
		Name: Name, Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics, Ready: m.Ready,
	})
	if err != nil {
		return nil, err
	}
	searchhttp.Routes(app, func() (searchhttp.Search, error) {
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
	return m.deps.Ready(ctx, run.Documents, run.Events)
}

// open declares the collections and makes the use cases.
func (m *Module) open(ctx context.Context) (*Service, error) {
	contexts, err := docstore.Open[Context](ctx, m.deps.Docs, docstore.Definition{Name: "search_contexts", Version: 1,
		Indexes: []docstore.Index{{Fields: []string{"expires"}}}})
	if err != nil {
		return nil, err
	}
	views, err := docstore.Open[View](ctx, m.deps.Docs, docstore.Definition{Name: "search_views", Version: 1,
		Indexes: []docstore.Index{{Fields: []string{"subject", "named", "name"}}, {Fields: []string{"named", "created"}}}})
	if err != nil {
		return nil, err
	}
	holds, err := docstore.Open[Hold](ctx, m.deps.Docs, docstore.Definition{Name: holdsName, Version: 1,
		Indexes: []docstore.Index{{Fields: []string{"active", "placed"}}}})
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(m.cfg.TimeZone)
	if err != nil {
		return nil, err
	}
	return &Service{
		contexts: contexts, views: views, holds: holds, events: m.deps.Events, audit: m.deps.Audit, log: m.deps.Log, clock: m.deps.Clock,
		zone: zone, life: m.cfg.ContextLife, viewKey: m.deps.Secret("search-views"),
		cases: &casesClient{deps: m.deps, known: map[string]knownCase{}},
	}, nil
}

const (
	sweepEvery = time.Hour
	holdsName  = "search_holds"
)

// Run implements run.Part: it opens the collections as soon as they can be
// reached, then deletes what is old, and publishes what was held and released.
func (m *Module) Run(ctx context.Context) error {
	s := m.service.Open(ctx, m.deps.Log, Name, m.open)
	if s == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return docstore.Relay(ctx, m.deps.Docs, holdsName, m.deps.Bus, docstore.RelayOptions{Log: m.deps.Log})
	})
	g.Go(func() error { return m.sweep(ctx, s) })
	return g.Wait()
}

func (m *Module) sweep(ctx context.Context, s *Service) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			m.deps.Log.WarnContext(ctx, "old searches stay a while longer", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// casesClient asks the cases service, and remembers the answer for a few
// seconds: one view asks for rows, bars and facets at once.
type casesClient struct {
	deps run.Deps

	mu    sync.Mutex
	known map[string]knownCase
}

type knownCase struct {
	CaseAccess
	until time.Time
}

const rememberCase = 3 * time.Second

// Access implements Cases.
func (c *casesClient) Access(ctx context.Context, caseID string) (CaseAccess, error) {
	tid, err := tenant.From(ctx)
	if err != nil {
		return CaseAccess{}, err
	}
	key, now := string(tid)+"/"+caseID, c.deps.Clock()
	c.mu.Lock()
	k, ok := c.known[key]
	c.mu.Unlock()
	if ok && now.Before(k.until) {
		return k.CaseAccess, nil
	}
	client := httpx.Client{Service: "cases", BaseURL: c.deps.Endpoint("cases"), Tokens: c.deps.Tokens, Deadline: 5 * time.Second}
	var found casesapi.CaseAccess
	if err := client.Get(ctx, "/v1/internal/cases/"+url.PathEscape(caseID), &found); err != nil {
		return CaseAccess{}, err
	}
	access := CaseAccess{Number: found.Number, Open: found.Open, Object: auth.Object{Tenant: tid, Unit: found.Unit, Owners: found.Owners}}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) > 1000 {
		clear(c.known)
	}
	c.known[key] = knownCase{access, now.Add(rememberCase)}
	return access, nil
}
