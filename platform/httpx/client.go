package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"varde.internal/platform/auth"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/commonapi"
)

// Client calls one other service as this service: its token, the tenant of
// the context, the trace, a deadline, retries where a repeat is harmless, and
// the other's problem as *problem.Error. Safe for concurrent use.
type Client struct {
	Service  string // the called service: the token's audience
	BaseURL  string // run.Deps.Endpoint(Service)
	Tokens   auth.TokenSource
	HTTP     *http.Client  // nil: one with sensible timeouts
	Deadline time.Duration // of a whole call with its retries; 0: 10 s
	Attempts int           // 0: 3
}

// transport is shared: connections to the other parts are few and lasting.
var transport = func() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // the standard library's own
	t.Proxy = nil
	t.MaxIdleConnsPerHost = 32
	return t
}()

// Do sends in as JSON (nil: no body) and decodes the answer into out (nil:
// ignored). Path begins with /v1/. GET, PUT and DELETE are repeated on 503 and
// broken connections; POST only where repeatable is true, that is, where the
// other side makes a repeat harmless by an id.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, repeatable bool) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("httpx: request to %s: %w", c.Service, err)
		}
	}
	deadline, attempts := c.Deadline, c.Attempts
	if deadline == 0 {
		deadline = 10 * time.Second
	}
	if attempts == 0 {
		attempts = 3
	}
	if method == http.MethodPost && !repeatable {
		attempts = 1
	}
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	var err error
	for attempt := range attempts {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return err
			case <-time.After(time.Duration(100<<attempt) * time.Millisecond):
			}
		}
		err = c.once(ctx, method, path, body, out)
		var p *problem.Error
		if err == nil || !errors.As(err, &p) || p.Kind != problem.KindUnavailable {
			return err
		}
	}
	return err
}

// Get is Do with GET.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	return c.Do(ctx, http.MethodGet, path, nil, out, true)
}

// Post is Do with POST, without repeats.
func (c *Client) Post(ctx context.Context, path string, in, out any) error {
	return c.Do(ctx, http.MethodPost, path, in, out, false)
}

func (c *Client) once(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.BaseURL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("httpx: request to %s: %w", c.Service, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Tokens != nil {
		token, err := c.Tokens.Token(ctx, c.Service)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if id, err := tenant.From(ctx); err == nil {
		req.Header.Set(HeaderTenant, string(id))
	}
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(req.Header))
	client := c.HTTP
	if client == nil {
		client = &http.Client{Transport: transport}
	}
	resp, err := client.Do(req)
	if err != nil {
		return problem.Unavailable("A part of the system does not answer. Try again.", fmt.Errorf("%s %s %s: %w", method, c.Service, path, err))
	}
	defer func() {
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
		_ = resp.Body.Close()
	}()
	if resp.StatusCode >= http.StatusBadRequest {
		return c.problem(resp)
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<20)).Decode(out); err != nil {
		return problem.Unavailable("A part of the system gave no whole answer. Try again.", fmt.Errorf("%s: %w", c.Service, err))
	}
	return nil
}

// problem reads the other's problem. That this service's own token or role was
// refused there is our failure, not our caller's: it becomes internal.
func (c *Client) problem(resp *http.Response) error {
	var in commonapi.Problem
	err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&in)
	slug := strings.TrimPrefix(in.Type, problemBase)
	if err != nil || slug == "" {
		in.Detail, slug = "A part of the system gave an unexpected answer.", "upstream"
	}
	p := &problem.Error{Kind: kindOf(resp.StatusCode, slug), Slug: slug, Detail: in.Detail, Params: in.Params}
	for _, f := range in.Errors {
		p.Fields = append(p.Fields, problem.Field{Pointer: f.Pointer, Slug: f.Slug, Detail: f.Detail})
	}
	if c.Tokens != nil {
		switch slug {
		case auth.ErrNoToken.Slug, auth.ErrBadToken.Slug, auth.ErrRevokedToken.Slug, ErrNotAllowed.Slug:
			return problem.From(fmt.Errorf("%s refused this service: %s", c.Service, slug))
		}
	}
	return p.Because(fmt.Errorf("%s answered %d", c.Service, resp.StatusCode))
}
