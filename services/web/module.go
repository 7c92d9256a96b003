package web

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/auth"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
	webhttp "varde.internal/services/web/http"
)

// Name of the part.
const Name = "web"

// Config of the front door.
type Config struct {
	// Public is the address people use. Empty: this machine's own, over http.
	Public string `yaml:"public" env:"PUBLIC"`
	// Upload is how long passing on a request may take, a large file included.
	Upload time.Duration `yaml:"upload" env:"UPLOAD"`
	// TrustedProxies are networks whose X-Forwarded-For is believed.
	TrustedProxies []string `yaml:"trustedProxies" env:"TRUSTED_PROXIES"`
	// Anonymous bounds what each address sends without sign-in.
	Anonymous AddressBounds `yaml:"anonymous" envPrefix:"ANONYMOUS_"`

	// UI is the built interface (index.html at its root); nil: none is served.
	UI fs.FS `yaml:"-"`
	// Services are passed on to under /api/NAME; Parts are asked for the
	// health page. Set by cmd.
	Services []string `yaml:"-"`
	Parts    []string `yaml:"-"`
	// DemoAccounts are offered on the sign-in page of a demo installation.
	DemoAccounts []DemoAccount `yaml:"-"`
}

// DemoAccount is an account of the demo region.
type DemoAccount struct{ Name, Password, Role string }

// Default passes on to every service that has an interface for people.
func Default() Config {
	return Config{
		Upload:   2 * time.Minute,
		Services: []string{"identity", "register", "deviation", "cases", "search", "audit", "sources", "reparse"},
		Parts:    []string{"audit", "identity", "register", "deviation", "cases", "search", "collector", "indexer", "archive", "correlator", "sources", "reparse", "web"},
		// A town hall behind one address sends far less; ten times of it from one
		// is a flood.
		Anonymous: AddressBounds{WordsPerMinute: 30, WordsBurst: 120, FilesPerMinute: 60, FilesBurst: 300},
	}
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	var errs []error
	if _, err := NewOrigin(c.Public); err != nil {
		errs = append(errs, err)
	}
	for _, text := range c.TrustedProxies {
		if _, err := readPrefix(text); err != nil {
			errs = append(errs, err)
		}
	}
	if b := c.Anonymous; b.WordsPerMinute > 0 && b.WordsBurst < 1 || b.FilesPerMinute > 0 && b.FilesBurst < 1 {
		errs = append(errs, errors.New("web.anonymous: a rate needs a burst of at least 1"))
	}
	if c.Upload < 10*time.Second {
		errs = append(errs, errors.New("web.upload: at least 10s"))
	}
	for _, s := range c.Services {
		if !slices.Contains(auth.Services(), s) || s == Name {
			errs = append(errs, fmt.Errorf("web: there is no service %q to pass on to", s))
		}
	}
	return errors.Join(errs...)
}

// Module is the part.
type Module struct {
	app   *fiber.App
	ready func(ctx context.Context) error
}

var _ run.Part = (*Module)(nil)

// New wires the front door. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	origin, err := NewOrigin(cfg.Public)
	if err != nil {
		return nil, err
	}
	s := newService(deps.Tokens, deps.Endpoint, cfg.Parts, deps.Clock)
	from, err := newAddresses(cfg.Anonymous, cfg.TrustedProxies, deps.Clock, func() {
		// Neither address is named: it may be a reporter's.
		deps.Log.Warn("requests are forwarded by a proxy that web.trustedProxies does not name: no bound per address holds") //nolint:noctx // belongs to no request
	})
	if err != nil {
		return nil, err
	}
	front, err := webhttp.New(api{s, cfg, origin, deps.Secret("csrf"), from}, webhttp.Config{Name: Name, UI: cfg.UI, Upload: cfg.Upload})
	if err != nil {
		return nil, err
	}
	m := &Module{ready: func(ctx context.Context) error {
		// Without identity nobody can sign in; with it the page can tell of the rest.
		if p := s.partHealth(ctx, "identity"); !p.Reachable {
			return httpx.NotReady("identity", errors.New(p.Detail))
		}
		return nil
	}}
	m.app, err = httpx.New(httpx.Config{
		Name: Name, Prefix: "/api/web", Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics,
		Ready: m.Ready, Authenticate: front.Authenticate, Anonymous: front.Silent, Deadline: cfg.Upload, MaxRunning: 2048,
	})
	if err != nil {
		return nil, err
	}
	front.Routes(m.app)
	return m, nil
}

// Name implements run.Part.
func (m *Module) Name() string { return Name }

// App implements run.Part.
func (m *Module) App() *fiber.App { return m.app }

// Ready implements run.Part.
func (m *Module) Ready(ctx context.Context) error { return m.ready(ctx) }

// Run implements run.Part; the front door has no background work.
func (m *Module) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
