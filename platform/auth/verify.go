package auth

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"varde.internal/platform/problem"
)

// Problems of verification.
var (
	ErrNoToken      = problem.New(problem.KindUnauthenticated, "sign-in-required", "Sign in to do this.")
	ErrBadToken     = problem.New(problem.KindUnauthenticated, "token-invalid", "The token is not valid here, or has expired.")
	ErrRevokedToken = problem.New(problem.KindUnauthenticated, "token-revoked", "The token has been withdrawn. Sign in again.")
)

// Keys finds the public key of a key id.
type Keys interface {
	// Key returns nil and no error where there is no such key, and an error
	// where that cannot be known now.
	Key(ctx context.Context, id string) (ed25519.PublicKey, error)
}

// Key implements Keys.
func (s KeySet) Key(_ context.Context, id string) (ed25519.PublicKey, error) {
	for _, k := range s {
		if k.ID == id {
			return k.Key, nil
		}
	}
	return nil, nil
}

// VerifierConfig is what verification stands on. Revocations may be nil where
// there is no bus (tests).
type VerifierConfig struct {
	Audience    string // the service's name
	Keys        Keys
	Revocations *Revocations
	Clock       func() time.Time
}

// NewVerifier returns the Verifier of one service.
func NewVerifier(c VerifierConfig) Verifier {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &verifier{c: c, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithIssuer(issuer), jwt.WithAudience(c.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway), jwt.WithTimeFunc(c.Clock),
	)}
}

type verifier struct {
	c      VerifierConfig
	parser *jwt.Parser
}

// Verify implements Verifier. While the revocations have not been read to
// their end, or an unknown key cannot be looked up, it answers unavailable:
// a withdrawn token is never taken because a part has just started.
func (v *verifier) Verify(ctx context.Context, bearer string) (Principal, error) {
	if bearer == "" {
		return Principal{}, ErrNoToken
	}
	var c claims
	var lookup error
	_, err := v.parser.ParseWithClaims(bearer, &c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		key, err := v.c.Keys.Key(ctx, id)
		if err != nil {
			lookup = err
			return nil, err
		}
		if key == nil {
			return nil, errors.New("unknown key")
		}
		return key, nil
	})
	if lookup != nil {
		return Principal{}, problem.Unavailable("Tokens cannot be checked at the moment. Try again.", lookup)
	}
	if err != nil || c.Subject == "" || len(c.Limits) > 0 || (!c.Service && c.Tenant == "") {
		return Principal{}, ErrBadToken.Because(err)
	}
	if r := v.c.Revocations; r != nil {
		if !r.CaughtUp() {
			return Principal{}, problem.Unavailable("Tokens cannot be checked yet. Try again.", errors.New("revocations not read to their end"))
		}
		if r.Revoked(c.Subject, c.Session, c.issued()) {
			return Principal{}, ErrRevokedToken
		}
	}
	return c.principal(), nil
}

// RemoteKeys reads the key set from identity over HTTP. It keeps it for
// MaxAge, asks again for a key id it does not know (at most every 2 s), and
// keeps what it has while identity is away. Safe for concurrent use.
type RemoteKeys struct {
	URL    string // …/v1/jwks.json
	HTTP   *http.Client
	MaxAge time.Duration // 0: 10 minutes
	Clock  func() time.Time

	mu      sync.Mutex
	set     KeySet
	fetched time.Time // last success
	tried   time.Time // last attempt
	failed  error     // of the last attempt
}

// Key implements Keys.
func (r *RemoteKeys) Key(ctx context.Context, id string) (ed25519.PublicKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, maxAge := time.Now(), r.MaxAge
	if r.Clock != nil {
		now = r.Clock()
	}
	if maxAge == 0 {
		maxAge = 10 * time.Minute
	}
	key, _ := r.set.Key(ctx, id)
	fresh := now.Sub(r.fetched) < maxAge
	if key != nil && fresh {
		return key, nil
	}
	if now.Sub(r.tried) >= 2*time.Second || r.tried.IsZero() {
		r.tried = now
		r.failed = r.fetch(ctx)
		if r.failed == nil {
			r.fetched = now
		}
		key, _ = r.set.Key(ctx, id)
	}
	if key == nil && r.failed != nil {
		return nil, r.failed
	}
	return key, nil
}

func (r *RemoteKeys) fetch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return err
	}
	client := r.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("auth: key set: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("auth: key set: status %d", resp.StatusCode)
	}
	var set KeySet
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&set); err != nil {
		return fmt.Errorf("auth: key set: %w", err)
	}
	if len(set) == 0 {
		return errors.New("auth: the key set is empty")
	}
	r.set = set
	return nil
}
