package httpx

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/routers"
	"github.com/gofiber/fiber/v2"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"varde.internal/platform/id"
	"varde.internal/platform/problem"
)

// Headers of our own; none begins with X- (RFC 6648).
const (
	// HeaderTenant is the tenant a service acts for, refused from persons who are
	// signed in; on the open routes of deviation it is the one reported to.
	HeaderTenant   = "Varde-Tenant"
	HeaderDraft    = "Varde-Draft"     // the token of a report being written
	HeaderFileName = "Varde-File-Name" // of an upload, percent-encoded UTF-8
)

// HeaderRequestID names a request in answers and logs.
const HeaderRequestID = "X-Request-Id"

// request is what the middleware knows of one request.
type request struct {
	id      string
	traceID string
	subject string // only for rate limiting, never logged
	http    *http.Request
	op      *Operation // nil outside the contract
	route   *routers.Route
	params  map[string]string
	matched error
	label   string // of a request outside the contract, for metrics and log
	silent  bool   // leaves no trace
}

type requestKey struct{}

func requestOf(c *fiber.Ctx) *request {
	r, _ := c.Locals(requestKey{}).(*request)
	return r
}

var requestID = regexp.MustCompile(`^[A-Za-z0-9-]{8,64}$`)

// outer is request id → tracing → access log → recover → deadline, and turns
// whatever error comes back into the answer, so that the log knows the status.
func (s *server) outer(c *fiber.Ctx) error {
	r := s.newRequest(c)
	c.Locals(requestKey{}, r)
	SecurityHeaders(c)
	if r.silent {
		return s.anonymous(c)
	}
	c.Set(HeaderRequestID, r.id)

	parent := otel.GetTextMapPropagator().Extract(c.UserContext(), propagation.HeaderCarrier(r.http.Header))
	ctx, span := otel.Tracer("varde/httpx").Start(parent, r.http.Method+" "+r.pattern(), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.route", r.pattern()), attribute.String("varde.service", s.cfg.Name)))
	defer span.End()
	if sc := span.SpanContext(); sc.HasTraceID() {
		r.traceID = sc.TraceID().String()
	}
	c.SetUserContext(ctx)

	begun := time.Now()
	err := s.inner(c)
	status := s.answer(c, err)
	took := time.Since(begun)
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
	s.metrics.observe(r, status, took)
	s.accessLog(ctx, r, status, took, err)
	return nil
}

// anonymous serves an operation whose caller must not be traceable: no trace,
// no request id, no log line; only the count and duration in the metrics.
func (s *server) anonymous(c *fiber.Ctx) error {
	begun := time.Now()
	err := s.inner(c)
	status := s.answer(c, err)
	s.metrics.observe(requestOf(c), status, time.Since(begun))
	if status >= http.StatusInternalServerError {
		// The failure must be seen by operators; the cause can hold nothing of
		// the request that the stores' own errors do not.
		s.cfg.Log.Error("anonymous request failed", "service", s.cfg.Name, "route", requestOf(c).pattern(), "status", status, "cause", fmt.Sprintf("%T", problem.From(err).Unwrap()))
	}
	return nil
}

func (s *server) answer(c *fiber.Ctx, err error) int {
	if err != nil {
		if failed := s.fail(c, err); failed != nil {
			return http.StatusInternalServerError
		}
	}
	return c.Response().StatusCode()
}

// inner is recover → deadline → the rest.
func (s *server) inner(c *fiber.Ctx) (err error) {
	deadline := s.cfg.Deadline
	if r := requestOf(c); r.op != nil && r.op.Deadline > 0 {
		deadline = r.op.Deadline
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), deadline)
	defer cancel()
	c.SetUserContext(ctx)
	defer func() {
		if p := recover(); p != nil {
			s.cfg.Log.ErrorContext(ctx, "panic in a handler", "service", s.cfg.Name, "route", requestOf(c).pattern(), "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = problem.From(fmt.Errorf("panic: %v", p))
		}
	}()
	return c.Next()
}

func (s *server) newRequest(c *fiber.Ctx) *request {
	r := &request{http: &http.Request{Method: c.Method(), Header: http.Header{}, Host: "service", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}}
	c.Request().Header.VisitAll(func(k, v []byte) { r.http.Header.Add(string(k), string(v)) })
	u, err := url.ParseRequestURI(c.OriginalURL())
	if err != nil {
		u = &url.URL{Path: "/"}
	}
	r.http.URL = u
	own, inside := strings.CutPrefix(u.Path, s.cfg.Prefix)
	if s.contract != nil && inside {
		if s.cfg.Prefix != "" {
			below := *u
			below.Path, below.RawPath = own, ""
			r.http.URL = &below
		}
		r.op, r.params, r.route, r.matched = s.contract.match(r.http)
		if err != nil {
			r.op, r.matched = nil, ErrNoAddress
		}
	}
	if r.id = c.Get(HeaderRequestID); !requestID.MatchString(r.id) {
		r.id = id.New()
	}
	r.silent = (r.op != nil && r.op.Anonymous) || (s.cfg.Anonymous != nil && s.cfg.Anonymous(u.Path))
	if r.silent {
		r.id = ""
	}
	return r
}

// pattern is the route's template: never the path, which can hold anything.
func (r *request) pattern() string {
	if r.op != nil {
		return r.op.Path
	}
	switch r.http.URL.Path {
	case "/livez", "/readyz", "/metrics":
		return r.http.URL.Path
	}
	if r.label != "" {
		return r.label
	}
	return "other"
}

// SetRoute names the route of a request outside the contract in metrics and
// log. The label is one of a few words of the program's own, never a path.
func SetRoute(c *fiber.Ctx, label string) {
	if r := requestOf(c); r != nil {
		r.label = label
	}
}

// RequestID is the id of the request, empty for an anonymous one.
func RequestID(c *fiber.Ctx) string {
	if r := requestOf(c); r != nil {
		return r.id
	}
	return ""
}

// accessLog writes one line: no query, address, user agent or user. The cause
// of a failure of ours is in it once.
func (s *server) accessLog(ctx context.Context, r *request, status int, took time.Duration, err error) {
	level, attrs := slog.LevelInfo, []slog.Attr{
		slog.String("service", s.cfg.Name), slog.String("method", r.http.Method), slog.String("route", r.pattern()),
		slog.Int("status", status), slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("request", r.id),
	}
	if r.op == nil && r.label == "" && status < http.StatusBadRequest {
		level = slog.LevelDebug // probes
	}
	if err != nil {
		p := problemOf(err)
		attrs = append(attrs, slog.String("problem", p.Slug))
		if status >= http.StatusInternalServerError {
			level = slog.LevelError
			attrs = append(attrs, slog.String("cause", err.Error()))
		}
	}
	s.cfg.Log.LogAttrs(ctx, level, "request", attrs...)
}

// SecurityHeaders sets what every answer has. An interface's pages set their
// own Content-Security-Policy and Cache-Control over it.
func SecurityHeaders(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderCacheControl, "no-store")
}
