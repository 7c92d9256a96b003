package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"varde.internal/platform/problem"
)

// readyTimeout bounds how long /readyz waits for engines.
const readyTimeout = 3 * time.Second

// NotReady is what a part's Ready returns where one engine (kafka, documents,
// events, files, disk, identity …) is missing; /readyz names it. A cause that
// names one itself stays as it is: it knows better what is missing.
func NotReady(engine string, cause error) error {
	var known *problem.Error
	if errors.As(cause, &known) && known.Params["engine"] != "" {
		return cause
	}
	return problem.Unavailable("Waiting for "+engine+".", cause).With("engine", engine)
}

func (s *server) health(app *fiber.App) {
	app.Get("/livez", func(c *fiber.Ctx) error { return c.SendStatus(fiber.StatusOK) })
	app.Get("/readyz", s.readyz)
	if s.cfg.Gatherer != nil {
		serve := adaptor.HTTPHandler(promhttp.HandlerFor(s.cfg.Gatherer, promhttp.HandlerOpts{}))
		app.Get("/metrics", func(c *fiber.Ctx) error {
			if !s.operator(c) {
				return ErrNoAddress
			}
			return serve(c)
		})
	}
}

// operator says whether the caller is on this machine or another part of Varde.
func (s *server) operator(c *fiber.Ctx) bool {
	if a, ok := c.Context().RemoteAddr().(*net.TCPAddr); ok && a.IP.IsLoopback() {
		return true
	}
	bearer, err := s.bearer(c)
	if err != nil || bearer == "" || s.cfg.Verifier == nil {
		return false
	}
	p, err := s.cfg.Verifier.Verify(c.UserContext(), bearer)
	return err == nil && p.Service
}

// credentials in a URL, which an engine's error can repeat.
var credentials = regexp.MustCompile(`//[^/\s@]*@`)

func (s *server) readyz(c *fiber.Ctx) error {
	if s.cfg.Ready == nil {
		return c.SendStatus(fiber.StatusOK)
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), readyTimeout)
	defer cancel()
	err := s.cfg.Ready(ctx)
	if err == nil {
		return c.SendStatus(fiber.StatusOK)
	}
	out := problem.New(problem.KindUnavailable, "not-ready", credentials.ReplaceAllString(err.Error(), "//"))
	var p *problem.Error
	if errors.As(err, &p) && p.Params["engine"] != "" {
		out = out.With("engine", p.Params["engine"])
	}
	// Asked every few seconds by a supervisor: answered, not logged as a failure.
	return WriteProblem(c, out)
}

type metrics struct {
	seconds *prometheus.HistogramVec
	service string
}

func newMetrics(c Config) *metrics {
	m := &metrics{service: c.Name, seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "varde_http_request_seconds", Help: "Time to answer HTTP requests.",
		Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15},
	}, []string{"service", "method", "route", "status"})}
	if c.Metrics == nil {
		return m
	}
	var registered prometheus.AlreadyRegisteredError
	if err := c.Metrics.Register(m.seconds); errors.As(err, &registered) {
		// Several parts in one process share the registry; the label tells them apart.
		if v, ok := registered.ExistingCollector.(*prometheus.HistogramVec); ok {
			m.seconds = v
		}
	}
	return m
}

func (m *metrics) observe(r *request, status int, took time.Duration) {
	method := r.http.Method
	if r.op == nil && method != http.MethodGet {
		method = "other" // a caller's invention must not make a series
	}
	m.seconds.WithLabelValues(m.service, method, r.pattern(), strconv.Itoa(status)).Observe(took.Seconds())
}
