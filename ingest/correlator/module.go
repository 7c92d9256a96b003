package correlator

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
)

// group is the consumer group on the topic of events.
const group = "correlator"

// Config of the correlator.
type Config struct {
	Params   Params            `json:"params" yaml:"params"`
	Tenants  map[string]Params `json:"tenants" yaml:"tenants"`   // own numbers; zero fields take Params
	LookBack time.Duration     `json:"lookBack" yaml:"lookBack"` // how far back a change of the register reaches
	Limit    int               `json:"limit" yaml:"limit"`       // logons kept per tenant; the oldest go first
	Rewind   time.Duration     `json:"rewind" yaml:"rewind"`     // what is read again after a restart
}

// Default is the configuration where nothing is set. The look-back of a week
// covers an approval within the emergency limit and a leaving that is recorded
// some days late; the rewind covers every window of a sequence rule.
func Default() Config {
	return Config{Params: DefaultParams(), LookBack: 7 * 24 * time.Hour, Limit: 50_000, Rewind: time.Hour}
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	errs := []error{c.Params.Validate()}
	longest := longestReach(c.Params)
	for name, p := range c.Tenants {
		p = p.or(c.Params)
		if err := p.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("tenant %s: %w", name, err))
		}
		longest = max(longest, longestReach(p))
	}
	if c.LookBack < c.Params.EmergencyLimit {
		errs = append(errs, errors.New("lookBack must cover the emergency limit"))
	}
	if c.Limit < 100 {
		errs = append(errs, errors.New("limit must be at least 100"))
	}
	if c.Rewind < longest {
		errs = append(errs, fmt.Errorf("rewind must be at least %s, the longest window of a rule with its lateness", longest))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("correlator: %w", err)
	}
	return nil
}

// longestReach is how far back any sequence rule needs events.
func longestReach(p Params) (d time.Duration) {
	for _, r := range Rules() {
		if s, ok := r.(SequenceRule); ok {
			d = max(d, s.Reach(p)+s.Wait(p)+p.Lateness)
		}
	}
	return d
}

// Module is the correlator as a part of Varde.
type Module struct {
	cfg    Config
	deps   run.Deps
	app    *fiber.App
	runner *runner
	ready  atomic.Bool // the register is known and everything kept was judged by it
}

var _ run.Part = (*Module)(nil)

// New wires the correlator; it does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Module{cfg: cfg, deps: deps, runner: newRunner(deps, cfg)}
	app, err := httpx.New(httpx.Config{
		Name: m.Name(), Contract: httpx.NoContract, Log: deps.Log, Clock: deps.Clock, Metrics: deps.Metrics, Ready: m.Ready,
	})
	if err != nil {
		return nil, fmt.Errorf("correlator: %w", err)
	}
	m.app = app
	return m, nil
}

// Name is "correlator".
func (m *Module) Name() string { return "correlator" }

// App answers health questions only.
func (m *Module) App() *fiber.App { return m.app }

// Ready says whether events are judged by the whole register.
func (m *Module) Ready(ctx context.Context) error {
	if !m.ready.Load() {
		return httpx.NotReady("kafka", errors.New("register and directory are not read to their end yet"))
	}
	return errors.Join(m.deps.Docs.Ready(ctx), m.deps.Bus.Ready(ctx))
}

// Run follows register and directory to their end, judges what was kept from
// before, and then takes events until ctx is done.
func (m *Module) Run(ctx context.Context) error {
	if !m.runner.open(ctx) {
		return nil // ctx is done before the store answered
	}
	known := make(chan struct{}, 2)
	g, ctx := errgroup.WithContext(ctx)
	for _, topic := range []string{bus.TopicRegister, bus.TopicDirectory} {
		g.Go(func() error {
			return m.deps.Bus.Follow(ctx, topic, m.runner.facts, func() { known <- struct{}{} })
		})
	}
	g.Go(func() error {
		return docstore.Relay(ctx, m.deps.Docs, findingsCollection, m.deps.Bus, docstore.RelayOptions{Log: m.deps.Log})
	})
	g.Go(func() error {
		for range 2 {
			select {
			case <-ctx.Done():
				return nil
			case <-known:
			}
		}
		m.runner.start(ctx)
		m.ready.Store(true)
		g.Go(func() error {
			return m.deps.Bus.Consume(ctx, bus.TopicEvents, group, bus.ConsumeOptions{
				Rewind: m.cfg.Rewind, Assigned: m.runner.assigned, Lag: m.runner.lag,
			}, m.runner.events)
		})
		g.Go(func() error { m.runner.tidy(ctx); return nil })
		m.runner.tick(ctx)
		return nil
	})
	return g.Wait()
}
