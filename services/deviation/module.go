package deviation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	deviationhttp "varde.internal/services/deviation/http"
)

// Config of the deviation service.
type Config struct {
	Limits    Limits
	DraftLife time.Duration
	// Files that may come in, per tenant and day: so many without sign-in, and
	// as many again of those who are signed in (N7). No report is held up by
	// them: one whose files are refused is sent without.
	UploadBytesPerDay int64
	DraftsPerDay      int
	// Anonymous reports, of all of a tenant's together: addresses of callers are
	// not known here, on purpose. When half of the burst is used up, a proof of
	// work is asked for, which the form makes by itself; what comes with one
	// counts on a bound of its own. Beyond that anonymous reporters wait (the
	// form keeps the report and tries again), signed-in ones never.
	AnonymousPerMinute float64
	AnonymousBurst     int
	ProvenPerMinute    float64
	ProvenBurst        int
	Work               Work
	// Reports, and places for files, of one signed-in person.
	PersonPerMinute float64
	PersonBurst     int
	// Tries of receipt codes that do not exist, of all together.
	MissesPerMinute float64
	MissesBurst     int
	// Uploads is how many files are in memory at once.
	Uploads       int
	SweepInterval time.Duration
}

// Default is what runs where nothing is set.
func Default() Config {
	return Config{
		Limits:    Limits{Files: 10, FileBytes: 25 << 20, DraftBytes: 100 << 20},
		DraftLife: 24 * time.Hour, UploadBytesPerDay: 5 << 30, DraftsPerDay: 5000,
		AnonymousPerMinute: 120, AnonymousBurst: 1000, ProvenPerMinute: 600, ProvenBurst: 2000, Work: DefaultWork(), PersonPerMinute: 2, PersonBurst: 40, MissesPerMinute: 30, MissesBurst: 60,
		Uploads: 3, SweepInterval: 10 * time.Minute,
	}
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	for name, n := range map[string]int64{
		"files": int64(c.Limits.Files), "file bytes": c.Limits.FileBytes, "draft bytes": c.Limits.DraftBytes, "draft life": int64(c.DraftLife),
		"upload bytes": c.UploadBytesPerDay, "drafts": int64(c.DraftsPerDay), "anonymous burst": int64(c.AnonymousBurst), "proven burst": int64(c.ProvenBurst), "work": int64(c.Work.Rounds) * int64(c.Work.Tries),
		"person burst": int64(c.PersonBurst), "misses burst": int64(c.MissesBurst), "uploads": int64(c.Uploads), "sweep interval": int64(c.SweepInterval),
	} {
		if n <= 0 {
			return fmt.Errorf("deviation: %s must be positive", name)
		}
	}
	if c.AnonymousPerMinute <= 0 || c.ProvenPerMinute <= 0 || c.PersonPerMinute <= 0 || c.MissesPerMinute <= 0 {
		return errors.New("deviation: rates must be positive")
	}
	return nil
}

// Module is the service as a part of Varde.
type Module struct {
	deps    run.Deps
	cfg     Config
	app     *fiber.App
	places  *Places
	forms   *Catalog
	service run.Opened[Service]
	// register and directory say whether these topics were read to their end.
	register, directory atomic.Bool
}

// New wires the service. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	forms, err := BuiltIn()
	if err != nil {
		return nil, err
	}
	m := &Module{deps: deps, cfg: cfg, places: NewPlaces(), forms: forms}
	m.app, err = httpx.New(httpx.Config{
		Name: m.Name(), Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics, Ready: m.Ready,
		// Signed in or not: what a reporter does leaves no log line and no trace,
		// because both would tie a person's request to a report by its time.
		Anonymous: func(path string) bool { return strings.HasPrefix(path, "/v1/") },
	})
	if err != nil {
		return nil, err
	}
	deviationhttp.Routes(m.app, func() (deviationhttp.Deviation, error) {
		s, err := m.Service()
		return api{s}, err
	})
	return m, nil
}

// Name is the part's name.
func (m *Module) Name() string { return "deviation" }

// App has the routes.
func (m *Module) App() *fiber.App { return m.app }

// Service gives the use cases, or a problem while the stores are not open yet.
func (m *Module) Service() (*Service, error) { return m.service.Get() }

// Ready says whether the forms know their choices, and the engines answer.
func (m *Module) Ready(ctx context.Context) error {
	if err := m.service.Ready(); err != nil {
		return err
	}
	if !m.register.Load() || !m.directory.Load() {
		return httpx.NotReady(string(run.Kafka), errors.New("register and directory are not read to their end yet"))
	}
	return m.deps.Ready(ctx, run.Documents, run.Kafka, run.Files)
}

const (
	collReports  = "deviation_reports"
	collMessages = "deviation_messages"
	collDrafts   = "deviation_drafts"
	collUsage    = "deviation_usage"
)

// Run opens the stores, follows register, directory and cases, publishes what
// was reported, and removes abandoned files, until ctx is done.
func (m *Module) Run(ctx context.Context) error {
	s := m.service.Open(ctx, m.deps.Log, m.Name(), func(ctx context.Context) (*Service, error) {
		return openService(ctx, m.deps, m.cfg, m.places, m.forms)
	})
	if s == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return m.deps.Bus.Follow(ctx, bus.TopicRegister, m.places.Handle, func() { m.register.Store(true) })
	})
	g.Go(func() error {
		return m.deps.Bus.Follow(ctx, bus.TopicDirectory, m.places.Handle, func() { m.directory.Store(true) })
	})
	g.Go(func() error {
		return m.deps.Bus.Consume(ctx, bus.TopicCases, "deviation", bus.ConsumeOptions{}, s.HandleCases)
	})
	for _, collection := range []string{collReports, collMessages} {
		g.Go(func() error {
			return docstore.Relay(ctx, m.deps.Docs, collection, m.deps.Bus, docstore.RelayOptions{Log: m.deps.Log})
		})
	}
	g.Go(func() error { m.sweep(ctx, s); return nil })
	return g.Wait()
}

func openService(ctx context.Context, deps run.Deps, cfg Config, places *Places, forms *Catalog) (*Service, error) {
	s := &Service{
		blobs: deps.Blobs, audit: deps.Audit, log: deps.Log, clock: deps.Clock, places: places, forms: forms, cfg: cfg,
		keys: Secrets{
			Identity: deps.Secret("reporter-identity"), Index: deps.Secret("reporter-index"), Receipt: deps.Secret("receipt-codes"),
			Exclusion: deps.Secret("reporter-exclusion"), Topic: deps.Secret("topic-keys"), Challenge: deps.Secret("report-challenges"),
		},
		quotas:   newQuotas(),
		spent:    &spentProofs{until: map[string]time.Time{}},
		cleaning: make(chan struct{}, cfg.Uploads),
	}
	// The store notes when a document was written: of these, the hour.
	def := func(name string, indexes ...docstore.Index) docstore.Definition {
		return docstore.Definition{Name: name, Version: 1, Indexes: indexes, Clock: func() time.Time { return coarse(deps.Clock(), true) }}
	}
	on := func(fields ...string) docstore.Index { return docstore.Index{Fields: fields} }
	var err error
	if s.reports, err = docstore.Open[Report](ctx, deps.Docs, def(collReports, docstore.Index{Fields: []string{"code"}, Unique: true}, on("owner", "submitted"))); err != nil {
		return nil, err
	}
	if s.messages, err = docstore.Open[Message](ctx, deps.Docs, def(collMessages, on("reportId", "sequence"))); err != nil {
		return nil, err
	}
	if s.drafts, err = docstore.Open[Draft](ctx, deps.Docs, def(collDrafts, on("expires"))); err != nil {
		return nil, err
	}
	s.usage, err = docstore.Open[Usage](ctx, deps.Docs, def(collUsage))
	return s, err
}

func (m *Module) sweep(ctx context.Context, s *Service) {
	tick := time.NewTicker(m.cfg.SweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, t := range m.places.Tenants(m.deps.Clock()) {
			if err := s.Sweep(tenant.With(ctx, tenant.ID(t.ID))); err != nil && ctx.Err() == nil {
				m.deps.Log.WarnContext(ctx, "abandoned files wait", "tenant", t.ID, "error", err)
			}
		}
	}
}
