package register

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/httpx"
	"varde.internal/platform/problem"
	"varde.internal/platform/run"
	registerhttp "varde.internal/services/register/http"
)

// Name of the part.
const Name = "register"

// Module is the service as a part of Varde.
type Module struct {
	deps    run.Deps
	app     *fiber.App
	people  *People
	service atomic.Pointer[Service]
}

var _ run.Part = (*Module)(nil)

// New wires the service. It does no I/O.
func New(deps run.Deps) (*Module, error) {
	m := &Module{deps: deps, people: newPeople(deps.Log)}
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

var errStarting = problem.Unavailable("The register is starting. Try again in a moment.", nil)

// Service gives the use cases, or a problem while the store is not open yet.
func (m *Module) Service() (*Service, error) {
	if s := m.service.Load(); s != nil {
		return s, nil
	}
	return nil, errStarting
}

// NewService opens the register beside the running part, for an import.
func NewService(ctx context.Context, deps run.Deps) (*Service, error) {
	return openService(ctx, deps, newPeople(deps.Log))
}

func openService(ctx context.Context, deps run.Deps, people *People) (*Service, error) {
	entries, err := openEntries(ctx, deps.Docs)
	if err != nil {
		return nil, err
	}
	return &Service{entries: entries, people: people, audit: deps.Audit, log: deps.Log, clock: deps.Clock, key: deps.Secret("topic-keys")}, nil
}

// Name implements run.Part.
func (m *Module) Name() string { return Name }

// App implements run.Part.
func (m *Module) App() *fiber.App { return m.app }

// Ready implements run.Part. Who may approve a window is known only when the
// directory was read.
func (m *Module) Ready(ctx context.Context) error {
	if m.service.Load() == nil {
		return errors.New("register: the document store is not open yet")
	}
	if err := m.deps.Docs.Ready(ctx); err != nil {
		return httpx.NotReady("documents", err)
	}
	if err := m.deps.Bus.Ready(ctx); err != nil {
		return httpx.NotReady("kafka", err)
	}
	if !m.people.caught.Load() {
		return httpx.NotReady("kafka", errors.New("the directory is being read"))
	}
	return nil
}

// Run implements run.Part: it opens the collection as soon as it can be
// reached, publishes what changed, and follows the directory.
func (m *Module) Run(ctx context.Context) error {
	for {
		s, err := openService(ctx, m.deps, m.people)
		if err == nil {
			m.service.Store(s)
			break
		}
		m.deps.Log.WarnContext(ctx, "register waits for its documents", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
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
