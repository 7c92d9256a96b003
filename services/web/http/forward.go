package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"varde.internal/platform/auth"
	"varde.internal/platform/httpx"
	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/commonapi"
)

// smallBody is held in memory, so that the request can be sent again with a
// new token; a larger one is streamed.
const smallBody = 1 << 20

// passedOn are the request headers a service sees. Nothing that says who or
// where the browser is, no authorisation and no choice of a tenant gets through.
var passedOn = []string{
	httpx.HeaderDraft, httpx.HeaderFileName,
	fiber.HeaderAccept, fiber.HeaderAcceptLanguage, fiber.HeaderContentType, fiber.HeaderContentEncoding,
	fiber.HeaderIfMatch, fiber.HeaderIfNoneMatch, fiber.HeaderIfModifiedSince, fiber.HeaderRange, "Idempotency-Key",
}

// keptBack are the response headers that end here.
var keptBack = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Transfer-Encoding": true, "Trailer": true, "Upgrade": true, "Server": true, "Date": true,
	"Set-Cookie": true, "Content-Length": true, "Www-Authenticate": true,
}

func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 64, IdleConnTimeout: 60 * time.Second,
			DisableCompression: true, // what the service sends is passed on as it is
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// forward passes a request on to its service.
func (f *Front) forward(c *fiber.Ctx) error {
	t, err := f.web.Target(string(c.Request().URI().PathOriginal()))
	if err != nil {
		return err
	}
	httpx.SetRoute(c, "/api/"+t.Service)
	session := c.Cookies(f.sessionCookie)
	if t.Public {
		session = "" // nobody is known there, signed in or not
	} else if err := f.guard(c, session); err != nil {
		return err
	}
	peer, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	if err := f.web.Admit(c.Method(), t, peer, strings.Join(c.GetReqHeaders()[fiber.HeaderXForwardedFor], ",")); err != nil {
		return err
	}
	body, err := readBody(c)
	if err != nil {
		return err
	}
	defer body.end(c)
	for again := false; ; again = true {
		resp, err := f.send(c, t, session, body)
		if errors.Is(err, ErrSession) {
			f.clearCookies(c)
		}
		if err != nil {
			return err
		}
		if session != "" && resp.StatusCode == http.StatusUnauthorized && !again {
			refused, answer := f.refused(resp)
			if refused {
				f.web.Drop(session)
				if body.rewind() {
					continue
				}
			}
			resp.Body = answer
		}
		if session != "" && t.Service == "identity" && c.Method() != fiber.MethodGet && resp.StatusCode < http.StatusBadRequest {
			f.web.Drop(session) // a step-up, a new password, other roles: the next token says so
		}
		return answer(c, resp)
	}
}

// refused reads a 401 and says whether the token was the reason, while the
// session may well be right.
func (f *Front) refused(resp *http.Response) (bool, io.ReadCloser) {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
	var p commonapi.Problem
	_ = json.Unmarshal(b, &p)
	slug := slugOf(p.Type)
	return slug == auth.ErrRevokedToken.Slug || slug == auth.ErrBadToken.Slug, io.NopCloser(bytes.NewReader(b))
}

// send makes one request. Its context outlives the handler, because the answer
// is streamed after it; closing the answer's body ends it.
func (f *Front) send(c *fiber.Ctx, t Target, session string, body *body) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.UserContext()), f.cfg.Upload)
	url := t.Base + t.Path
	if q := c.Request().URI().QueryString(); len(q) > 0 {
		url += "?" + string(q)
	}
	req, err := http.NewRequestWithContext(ctx, c.Method(), url, body.reader())
	if err != nil {
		cancel()
		return nil, httpx.ErrNoAddress
	}
	req.ContentLength = body.length
	for _, name := range passedOn {
		if v := c.Get(name); v != "" {
			req.Header.Set(name, v)
		}
	}
	if tenant := c.Get(httpx.HeaderTenant); t.Public && tenant != "" {
		req.Header.Set(httpx.HeaderTenant, tenant) // nobody is signed in there who has one
	}
	req.Header.Set("User-Agent", "varde")
	if !t.Silent {
		req.Header.Set(httpx.HeaderRequestID, httpx.RequestID(c))
		otel.GetTextMapPropagator().Inject(c.UserContext(), propagation.HeaderCarrier(req.Header))
	}
	if session != "" {
		token, err := f.web.Token(c.UserContext(), session, t.Service)
		if err != nil {
			cancel()
			return nil, err
		}
		req.Header.Set(fiber.HeaderAuthorization, "Bearer "+token)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, problem.New(problem.KindTimeout, "timeout", "This took too long. Try again.").Because(err)
		}
		return nil, errUpstream.Because(errors.New(t.Service + " does not answer"))
	}
	resp.Body = &answerBody{resp.Body, cancel}
	return resp, nil
}

// answerBody ends the request's context with the answer.
type answerBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *answerBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

// answer streams a service's answer to the browser.
func answer(c *fiber.Ctx, resp *http.Response) error {
	for name, values := range resp.Header {
		if keptBack[name] {
			continue
		}
		for i, v := range values {
			if i == 0 {
				c.Response().Header.Set(name, v)
			} else {
				c.Response().Header.Add(name, v)
			}
		}
	}
	c.Status(resp.StatusCode)
	if c.Method() == fiber.MethodHead || resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified {
		return resp.Body.Close()
	}
	c.Context().SetBodyStream(resp.Body, int(resp.ContentLength))
	return nil
}

// body is the request's body: small ones whole, large ones as a stream.
type body struct {
	whole  []byte
	stream *stream
	length int64 // -1: not known ahead
}

func readBody(c *fiber.Ctx) (*body, error) {
	in := c.Context().RequestBodyStream()
	declared := int64(c.Request().Header.ContentLength())
	if in == nil || declared == 0 {
		return &body{}, nil
	}
	if declared > smallBody {
		return &body{stream: &stream{in: in}, length: declared}, nil
	}
	head, err := io.ReadAll(io.LimitReader(in, smallBody+1))
	if err != nil {
		c.Context().SetConnectionClose()
		return nil, problem.Invalid("The body ended before it was whole.").Because(err)
	}
	if len(head) <= smallBody {
		return &body{whole: head, length: int64(len(head))}, nil
	}
	return &body{stream: &stream{in: io.MultiReader(bytes.NewReader(head), in)}, length: -1}, nil
}

func (b *body) reader() io.Reader {
	if b.stream != nil {
		return b.stream
	}
	if len(b.whole) == 0 {
		return http.NoBody
	}
	return bytes.NewReader(b.whole)
}

// rewind says whether the body can be sent again.
func (b *body) rewind() bool { return b.stream == nil }

// end makes sure nobody reads the connection's stream after the handler: the
// HTTP client can still be sending when the service has answered.
func (b *body) end(c *fiber.Ctx) {
	if b.stream != nil && !b.stream.close() {
		c.Context().SetConnectionClose()
	}
}

// stream is a body that can be taken away from its reader.
type stream struct {
	mu     sync.Mutex
	in     io.Reader
	closed bool
	whole  bool
}

func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	n, err := s.in.Read(p)
	if errors.Is(err, io.EOF) {
		s.whole = true
	}
	return n, err
}

// close waits for a read under way and ends the stream; it says whether the
// stream had been read to its end.
func (s *stream) close() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return s.whole
}
