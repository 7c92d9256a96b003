package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"varde.internal/platform/problem"
)

// renewBefore is how long before its end a cached token is replaced.
const renewBefore = 2 * time.Minute

// NewTokenSource returns the TokenSource of a service that shows its client
// secret to identity (POST identityURL/v1/service-tokens). Safe for concurrent use.
func NewTokenSource(identityURL, service, secret string, client *http.Client, clock func() time.Time) TokenSource {
	if client == nil {
		client = http.DefaultClient
	}
	return &tokenCache{clock: clock, cached: map[string]cachedToken{}, fetch: func(ctx context.Context, audience string) (string, time.Time, error) {
		return fetchToken(ctx, client, identityURL+"/v1/service-tokens", map[string]string{"service": service, "secret": secret, "audience": audience})
	}}
}

// LocalTokenSource issues a service's tokens in the process that has the
// signer: identity itself, and tests.
func LocalTokenSource(s *Signer, service string) TokenSource {
	return &tokenCache{clock: s.clock, cached: map[string]cachedToken{}, fetch: func(_ context.Context, audience string) (string, time.Time, error) {
		return s.Issue(Principal{Subject: service, Service: true}, audience)
	}}
}

type cachedToken struct {
	token   string
	expires time.Time
}

type tokenCache struct {
	clock func() time.Time
	fetch func(ctx context.Context, audience string) (string, time.Time, error)

	mu     sync.Mutex
	cached map[string]cachedToken
}

// Token implements TokenSource.
func (c *tokenCache) Token(ctx context.Context, audience string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.cached[audience]; t.token != "" && c.clock().Before(t.expires.Add(-renewBefore)) {
		return t.token, nil
	}
	token, expires, err := c.fetch(ctx, audience)
	if err != nil {
		// The old one may hold a little longer than identity is away.
		if t := c.cached[audience]; t.token != "" && c.clock().Before(t.expires) {
			return t.token, nil
		}
		return "", problem.Unavailable("A part of the system does not answer. Try again.", err)
	}
	c.cached[audience] = cachedToken{token, expires}
	return token, nil
}

func fetchToken(ctx context.Context, client *http.Client, url string, in any) (string, time.Time, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return "", time.Time{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", time.Time{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("auth: service token: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return "", time.Time{}, fmt.Errorf("auth: service token: status %d", resp.StatusCode)
	}
	var out struct {
		Token   string    `json:"token"`
		Expires time.Time `json:"expires"`
	}
	err = json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&out)
	return out.Token, out.Expires, err
}
