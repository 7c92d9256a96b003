package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/commonapi"
	"varde.internal/schemas/gen/identityapi"
	"varde.internal/schemas/gen/webapi"
	webhttp "varde.internal/services/web/http"
)

// Session tokens are kept for cacheFor at most, and renewed renewBefore they
// expire. The first bounds how long identity does not hear of a session that
// is in use (its idle time).
const (
	cacheFor    = 4 * time.Minute
	renewBefore = time.Minute
	maxSessions = 20_000
)

// Service is the front door's use cases. Safe for concurrent use.
type Service struct {
	identity httpx.Client
	endpoint func(service string) string
	health   *http.Client
	parts    []string
	clock    func() time.Time

	mu     sync.Mutex
	tokens map[[32]byte]map[string]cached // by hash of the session's secret, then audience
}

type cached struct {
	token string
	until time.Time
}

func newService(tokens auth.TokenSource, endpoint func(string) string, parts []string, clock func() time.Time) *Service {
	return &Service{
		identity: httpx.Client{Service: "identity", BaseURL: endpoint("identity"), Tokens: tokens},
		endpoint: endpoint, parts: parts, clock: clock,
		health: &http.Client{Timeout: 4 * time.Second},
		tokens: map[[32]byte]map[string]cached{},
	}
}

// SignIn opens a session; its secret goes into the cookie.
func (s *Service) SignIn(ctx context.Context, in webapi.SignIn) (identityapi.OpenedSession, error) {
	var out identityapi.OpenedSession
	err := s.identity.Post(ctx, "/v1/sessions", identityapi.SignIn{Name: in.Name, Password: in.Password, Code: in.Code}, &out)
	return out, err
}

// SignOut closes a session everywhere.
func (s *Service) SignOut(ctx context.Context, session string) error {
	s.Drop(session)
	return s.identity.Do(ctx, http.MethodPost, "/v1/sessions/close", identityapi.SessionSecret{Session: session}, nil, true)
}

// Token gives the session's token for a service.
func (s *Service) Token(ctx context.Context, session, audience string) (string, error) {
	key, now := sha256.Sum256([]byte(session)), s.clock()
	s.mu.Lock()
	have := s.tokens[key][audience]
	s.mu.Unlock()
	if now.Before(have.until) {
		return have.token, nil
	}
	var out identityapi.Token
	err := s.identity.Do(ctx, http.MethodPost, "/v1/tokens", identityapi.TokenRequest{Session: session, Audience: audience}, &out, true)
	if err != nil {
		if errors.Is(err, webhttp.ErrSession) {
			s.Drop(session)
		}
		return "", err
	}
	until := out.Expires.Add(-renewBefore)
	if latest := now.Add(cacheFor); latest.Before(until) {
		until = latest
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens[key] == nil {
		s.makeRoom(now)
		s.tokens[key] = map[string]cached{}
	}
	s.tokens[key][audience] = cached{out.Token, until}
	return out.Token, nil
}

// makeRoom forgets sessions whose tokens have all run out; called with the lock.
func (s *Service) makeRoom(now time.Time) {
	if len(s.tokens) < maxSessions {
		return
	}
	for key, all := range s.tokens {
		alive := false
		for _, t := range all {
			alive = alive || now.Before(t.until)
		}
		if !alive {
			delete(s.tokens, key)
		}
	}
	if len(s.tokens) >= maxSessions {
		clear(s.tokens) // they are made again when needed
	}
}

// Drop forgets a session's tokens: signed out, refused by a service, or what
// they say has changed.
func (s *Service) Drop(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, sha256.Sum256([]byte(session)))
}

// Health asks every part whether it is ready.
func (s *Service) Health(ctx context.Context) webapi.Health {
	out := webapi.Health{Ready: true, Parts: make([]webapi.PartHealth, len(s.parts))}
	var wg sync.WaitGroup
	for i, name := range s.parts {
		wg.Go(func() { out.Parts[i] = s.partHealth(ctx, name) })
	}
	wg.Wait()
	for _, p := range out.Parts {
		out.Ready = out.Ready && p.Ready
	}
	return out
}

func (s *Service) partHealth(ctx context.Context, name string) webapi.PartHealth {
	out := webapi.PartHealth{Name: name}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.endpoint(name)+"/readyz", nil)
	if err != nil {
		return out
	}
	resp, err := s.health.Do(req)
	if err != nil {
		out.Detail = "The part does not answer."
		return out
	}
	defer func() { _ = resp.Body.Close() }()
	out.Reachable, out.Ready = true, resp.StatusCode == http.StatusOK
	// One that is ready can have something to tell too.
	var p commonapi.Problem
	if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&p) == nil {
		out.Engine, out.Detail = p.Params["engine"], p.Detail
	}
	return out
}
