package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"varde.internal/platform/tenant"
)

const (
	issuer = "varde"
	// TokenLife is how long a token holds. Shorter than a revocation is kept.
	TokenLife = 10 * time.Minute
	// leeway is the difference between machines' clocks that is tolerated.
	leeway = 30 * time.Second
)

// claims is the body of a token (RFC 7519 names where it has them).
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	Expires  int64    `json:"exp"`
	IssuedMS int64    `json:"iat_ms"` // milliseconds, so that a revocation and a new token within one second keep their order
	Tenant   string   `json:"tnt,omitempty"`
	Grants   []Grant  `json:"gra,omitempty"`
	Unit     string   `json:"unt,omitempty"`
	Session  string   `json:"sid,omitempty"`
	StepUp   int64    `json:"stu,omitempty"` // seconds
	StepUpOf string   `json:"sto,omitempty"`
	Service  bool     `json:"svc,omitempty"`
	Limits   []string `json:"lim,omitempty"` // reserved; a verifier that finds one it does not know refuses
}

// The methods of jwt.Claims. NotBefore is the time of issue.
func (c claims) GetExpirationTime() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(time.Unix(c.Expires, 0)), nil
}
func (c claims) GetIssuedAt() (*jwt.NumericDate, error) {
	return jwt.NewNumericDate(c.issued()), nil
}
func (c claims) GetNotBefore() (*jwt.NumericDate, error) { return c.GetIssuedAt() }
func (c claims) GetIssuer() (string, error)              { return c.Issuer, nil }
func (c claims) GetSubject() (string, error)             { return c.Subject, nil }
func (c claims) GetAudience() (jwt.ClaimStrings, error)  { return jwt.ClaimStrings{c.Audience}, nil }
func (c claims) issued() time.Time                       { return time.UnixMilli(c.IssuedMS) }

func (c claims) principal() Principal {
	p := Principal{
		Subject: c.Subject, Tenant: tenant.ID(c.Tenant), Grants: c.Grants, Unit: c.Unit,
		Session: c.Session, StepUpOf: c.StepUpOf, Service: c.Service,
	}
	if c.StepUp != 0 {
		p.StepUp = time.Unix(c.StepUp, 0)
	}
	seen := map[string]bool{}
	for _, g := range c.Grants {
		for _, u := range append([]string{g.Unit}, g.Reach...) {
			if u != "" && !seen[u] {
				seen[u] = true
				p.Units = append(p.Units, u)
			}
		}
	}
	return p
}

// Signer issues tokens with one Ed25519 key. Safe for concurrent use.
type Signer struct {
	key   ed25519.PrivateKey
	kid   string
	clock func() time.Time
}

// NewSigner makes the key from a 32-byte seed; the same seed gives the same key.
func NewSigner(seed []byte, clock func() time.Time) (*Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("auth: a signing seed has %d bytes, not %d", ed25519.SeedSize, len(seed))
	}
	key := ed25519.NewKeyFromSeed(seed)
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("auth: no public key")
	}
	return &Signer{key: key, kid: keyID(public), clock: clock}, nil
}

// Issue makes a token of p for one service (audience). It returns when it expires.
func (s *Signer) Issue(p Principal, audience string) (token string, expires time.Time, err error) {
	if p.Subject == "" || audience == "" {
		return "", time.Time{}, errors.New("auth: a token needs a subject and an audience")
	}
	now := s.clock()
	expires = now.Add(TokenLife).Truncate(time.Second)
	c := claims{
		Issuer: issuer, Subject: p.Subject, Audience: audience,
		Expires: expires.Unix(), IssuedMS: now.UnixMilli(),
		Tenant: string(p.Tenant), Grants: p.Grants, Unit: p.Unit, Session: p.Session,
		StepUpOf: p.StepUpOf, Service: p.Service,
	}
	if !p.StepUp.IsZero() {
		c.StepUp = p.StepUp.Unix()
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	t.Header["kid"] = s.kid
	token, err = t.SignedString(s.key)
	return token, expires, err
}

// Public is the key that verifies this signer's tokens.
func (s *Signer) Public() PublicKey {
	public, _ := s.key.Public().(ed25519.PublicKey)
	return PublicKey{ID: s.kid, Key: public}
}

// PublicKey is one key of a key set.
type PublicKey struct {
	ID  string
	Key ed25519.PublicKey
}

// keyID is the key's JWK thumbprint (RFC 7638).
func keyID(k ed25519.PublicKey) string {
	x := base64.RawURLEncoding.EncodeToString(k)
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

type jwk struct {
	Type  string `json:"kty"`
	Curve string `json:"crv"`
	X     string `json:"x"`
	ID    string `json:"kid"`
	Use   string `json:"use"`
	Alg   string `json:"alg"`
}

// KeySet is a JWK set of Ed25519 keys (RFC 7517, RFC 8037). It is itself a
// source of keys, for verification in the process that issues.
type KeySet []PublicKey

// MarshalJSON writes {"keys": […]}.
func (s KeySet) MarshalJSON() ([]byte, error) {
	keys := make([]jwk, 0, len(s))
	for _, k := range s {
		keys = append(keys, jwk{"OKP", "Ed25519", base64.RawURLEncoding.EncodeToString(k.Key), k.ID, "sig", "EdDSA"})
	}
	return json.Marshal(map[string]any{"keys": keys})
}

// UnmarshalJSON reads a set and leaves out keys of other kinds.
func (s *KeySet) UnmarshalJSON(b []byte) error {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(b, &set); err != nil {
		return err
	}
	*s = nil
	for _, k := range set.Keys {
		if k.Type != "OKP" || k.Curve != "Ed25519" {
			continue
		}
		x, err := base64.RawURLEncoding.DecodeString(k.X)
		if err != nil || len(x) != ed25519.PublicKeySize {
			return fmt.Errorf("auth: key %q of the set is not an Ed25519 key", k.ID)
		}
		*s = append(*s, PublicKey{ID: k.ID, Key: x})
	}
	return nil
}
