package installation

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"varde.internal/platform/auth"
)

// Where identity is in this process is known only after the parts were built,
// because it may listen on a free port; these two ask at first use.

// lateKeys are the public keys that tokens are signed with.
type lateKeys struct {
	endpoint func() string
	client   *http.Client
	once     sync.Once
	remote   *auth.RemoteKeys
}

// Key implements auth.Keys.
func (k *lateKeys) Key(ctx context.Context, id string) (ed25519.PublicKey, error) {
	k.once.Do(func() { k.remote = &auth.RemoteKeys{URL: k.endpoint() + "/v1/jwks.json", HTTP: k.client} })
	return k.remote.Key(ctx, id)
}

// lateTokens are this part's tokens for calling others.
type lateTokens struct {
	endpoint        func() string
	service, secret string
	client          *http.Client
	once            sync.Once
	source          auth.TokenSource
}

// Token implements auth.TokenSource.
func (s *lateTokens) Token(ctx context.Context, audience string) (string, error) {
	s.once.Do(func() { s.source = auth.NewTokenSource(s.endpoint(), s.service, s.secret, s.client, time.Now) })
	return s.source.Token(ctx, audience)
}

// serviceSecret is what a part proves itself to identity with.
func (in *Installation) serviceSecret(part string) string {
	return base64.RawURLEncoding.EncodeToString(in.keys.Secret("service-token/" + part))
}
