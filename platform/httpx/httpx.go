// Package httpx is the ground every HTTP interface stands on: one Fiber
// application per part, with the order request id → tracing → access log →
// recover → deadline → authentication and authorisation → limits → contract,
// and one place that turns an error into application/problem+json (RFC 9457).
//
// A part's OpenAPI document (schemas/openapi/NAME.yaml) decides what reaches a
// handler. Extensions per operation:
//
//	x-varde-action: case.read   the action of platform/auth that is needed
//	x-varde-open: true          needs no sign-in (a token is read if there is one)
//	x-varde-anonymous: true     with x-varde-open: nobody is identified, the trace
//	                            ends here, and no access-log line is written
//	x-varde-body-limit: 26214400  bytes, instead of Config.BodyLimit
//	x-varde-deadline: 60s       instead of Config.Deadline
package httpx

import (
	"context"
	"log/slog"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"varde.internal/platform/auth"
)

// NoContract as Config.Contract makes an application without a contract:
// nothing is checked and nothing authorised before its handlers.
const NoContract = "-"

// Config of one part's application. Name, Log and (with a contract) Verifier
// are needed; the zero value of the rest is right for most.
type Config struct {
	Name     string    // of the part: the audience of its tokens, and in metrics
	Contract string    // file in schemas/openapi without .yaml; empty: Name
	Loaded   *Contract // instead of Contract, where it is loaded already
	// Prefix is where the contract's paths begin on this address, where it is
	// not at the root (the front door: /api/web). Requests elsewhere go to the
	// application's own handlers, unchecked.
	Prefix string
	// Anonymous names further requests, outside the contract, that must leave
	// no trace, as x-varde-anonymous does.
	Anonymous func(path string) bool
	Log       *slog.Logger
	Clock     func() time.Time
	Verifier  auth.Verifier
	// Metrics takes the request metrics; where it is a Gatherer too
	// (*prometheus.Registry), or Gatherer is set, /metrics shows them.
	Metrics  prometheus.Registerer
	Gatherer prometheus.Gatherer
	// Ready answers /readyz; nil is always ready.
	Ready func(ctx context.Context) error
	// Authenticate gives the bearer token of a request where it is not in the
	// Authorization header (the front door's cookie). Empty is no token.
	Authenticate func(c *fiber.Ctx) (string, error)

	Deadline   time.Duration // of a request; 0: 15 s
	BodyLimit  int64         // bytes; 0: 1 MiB
	MaxRunning int           // requests at once before 503; 0: 512
	Rate       float64       // requests per second and person; 0: 50
	Burst      int           // 0: 200
}

func (c *Config) defaults() {
	if c.Contract == "" {
		c.Contract = c.Name
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Deadline == 0 {
		c.Deadline = 15 * time.Second
	}
	if c.BodyLimit == 0 {
		c.BodyLimit = 1 << 20
	}
	if c.MaxRunning == 0 {
		c.MaxRunning = 512
	}
	if c.Rate == 0 {
		c.Rate = 50
	}
	if c.Burst == 0 {
		c.Burst = 200
	}
	if g, ok := c.Metrics.(prometheus.Gatherer); ok && c.Gatherer == nil {
		c.Gatherer = g
	}
}

// New returns the application with everything before the handlers, /livez,
// /readyz and /metrics. The caller adds its routes with the contract's paths
// (:name for {name}). It fails where the contract cannot be read.
func New(cfg Config) (*fiber.App, error) {
	cfg.defaults()
	s := &server{cfg: cfg, limits: newLimiter(cfg), metrics: newMetrics(cfg)}
	s.contract = cfg.Loaded
	if cfg.Contract != NoContract && cfg.Loaded == nil {
		contract, err := LoadContract(cfg.Contract)
		if err != nil {
			return nil, err
		}
		s.contract = contract
	}
	app := fiber.New(fiber.Config{
		AppName:               cfg.Name,
		Immutable:             true, // strings of a request outlive its handler in ours
		DisableStartupMessage: true,
		ErrorHandler:          s.fail,
		StreamRequestBody:     true,     // bodies are read by limits.go, up to the operation's limit
		ReadBufferSize:        64 << 10, // request line and headers; tokens list the units a role reaches
		ReadTimeout:           60 * time.Second,
		IdleTimeout:           90 * time.Second,
		BodyLimit:             -1,
	})
	closeUnused(app)
	app.Use(s.outer)
	s.health(app)
	if s.contract != nil {
		app.Use(s.guard)
	}
	return app, nil
}

// server is what the middleware of one application shares.
type server struct {
	cfg      Config
	contract *Contract
	limits   *limiter
	metrics  *metrics
}
