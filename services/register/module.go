package register

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
	registerhttp "varde.internal/services/register/http"
)

// Name of the part.
const Name = "register"

// Module is the service as a part of Varde.
type Module struct {
	deps    run.Deps
	cfg     Config
	app     *fiber.App
	people  *People
	service run.Opened[Service]
}

var _ run.Part = (*Module)(nil)

// New wires the service. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if cfg.CheckMapping == nil {
		return nil, errors.New("register: nobody says what is wrong with a mapping")
	}
	m := &Module{deps: deps, cfg: cfg, people: newPeople(deps.Log)}
	app, err := httpx.New(httpx.Config{
		Name: Name, Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics, Ready: m.Ready,
	})
	if err != nil {
		return nil, err
	}
	registerhttp.Routes(app, func() (registerhttp.Register, error) {
		s, err := m.Service()
		return api{s}, err
	})
	m.app = app
	return m, nil
}

// Service gives the use cases, or a problem while the store is not open yet.
func (m *Module) Service() (*Service, error) { return m.service.Get() }

// NewService opens the register beside the running part, for an import.
func NewService(ctx context.Context, deps run.Deps) (*Service, error) {
	return openService(ctx, deps, newPeople(deps.Log))
}

func openService(ctx context.Context, deps run.Deps, people *People) (*Service, error) {
	entries, err := openEntries(ctx, deps.Docs)
	if err != nil {
		return nil, err
	}
	// Without a module facts are only brought in: no mapping is made here.
	return &Service{entries: entries, people: people, audit: deps.Audit, log: deps.Log, clock: deps.Clock, key: deps.Secret("topic-keys")}, nil
}

// Name implements run.Part.
func (m *Module) Name() string { return Name }

// App implements run.Part.
func (m *Module) App() *fiber.App { return m.app }

// Ready implements run.Part. Who may approve a window is known only when the
// directory was read.
func (m *Module) Ready(ctx context.Context) error {
	if err := m.service.Ready(); err != nil {
		return err
	}
	if err := m.deps.Ready(ctx, run.Documents, run.Kafka); err != nil {
		return err
	}
	if !m.people.caught.Load() {
		return httpx.NotReady("kafka", errors.New("the directory is being read"))
	}
	return nil
}

// Run implements run.Part: it opens the collection as soon as it can be
// reached, publishes what changed, and follows the directory.
func (m *Module) Run(ctx context.Context) error {
	s := m.service.Open(ctx, m.deps.Log, Name, func(ctx context.Context) (*Service, error) {
		s, err := openService(ctx, m.deps, m.people)
		if s != nil {
			s.checkMapping = m.cfg.CheckMapping
		}
		return s, err
	})
	if s == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return docstore.Relay(ctx, m.deps.Docs, collection, m.deps.Bus, docstore.RelayOptions{Log: m.deps.Log})
	})
	g.Go(func() error {
		return m.deps.Bus.Follow(ctx, bus.TopicDirectory, m.people.handle, m.people.caughtUp)
	})
	return g.Wait()
}
