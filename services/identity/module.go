package identity

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/docstore"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
	identityhttp "varde.internal/services/identity/http"
)

// Name of the part.
const Name = "identity"

// Module is the part.
type Module struct {
	*Service
	deps run.Deps
	app  *fiber.App
}

var _ run.Part = (*Module)(nil)

// New wires the service. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	s, err := NewService(Deps{Log: deps.Log, Clock: deps.Clock, Docs: deps.Docs, Audit: deps.Audit, Secret: deps.Secret}, cfg)
	if err != nil {
		return nil, err
	}
	m := &Module{Service: s, deps: deps}
	m.app, err = httpx.New(httpx.Config{Name: Name, Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics, Ready: m.Ready})
	if err != nil {
		return nil, err
	}
	// Keys and service tokens need no store: what does says so itself.
	identityhttp.Routes(m.app, func() (identityhttp.Identity, error) { return api{s}, nil })
	return m, nil
}

// Name implements run.Part.
func (m *Module) Name() string { return Name }

// App implements run.Part.
func (m *Module) App() *fiber.App { return m.app }

// Ready implements run.Part.
func (m *Module) Ready(ctx context.Context) error {
	if err := m.deps.Ready(ctx, run.Documents, run.Kafka); err != nil {
		return err
	}
	return m.ready()
}

// sweepEvery is how often expired sessions and attempts are deleted.
const sweepEvery = 10 * time.Minute

// Run implements run.Part: it opens the collections as soon as the documents
// can be reached, relays the outboxes and sweeps.
func (m *Module) Run(ctx context.Context) error {
	if !run.Open(ctx, m.deps.Log, Name, m.Open) {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, name := range Outboxes() {
		g.Go(func() error {
			return docstore.Relay(ctx, m.deps.Docs, name, m.deps.Bus, docstore.RelayOptions{Log: m.deps.Log})
		})
	}
	g.Go(func() error {
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
				if err := m.Sweep(ctx); err != nil && !errors.Is(err, context.Canceled) {
					m.deps.Log.WarnContext(ctx, "old sessions stay a while longer", "error", err)
				}
			}
		}
	})
	return g.Wait()
}
