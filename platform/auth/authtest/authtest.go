// Package authtest issues real, signed tokens for the tests of services. The
// key is fixed, so Token and Verifier belong together without set-up.
package authtest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/tenant"
)

// seed is public on purpose: it signs for tests only.
var seed = []byte("varde-tests-only-varde-tests-onl")

// Signer signs with the tests' key and the clock on the wall.
func Signer(t testing.TB) *auth.Signer {
	t.Helper()
	s, err := auth.NewSigner(seed, time.Now)
	require.NoError(t, err)
	return s
}

// Verifier accepts what Token issues for the audience (the service's name).
func Verifier(audience string) auth.Verifier {
	s, err := auth.NewSigner(seed, time.Now)
	if err != nil {
		panic(err) // the seed above has the right length
	}
	return auth.NewVerifier(auth.VerifierConfig{Audience: audience, Keys: auth.KeySet{s.Public()}})
}

// Token issues a token of p for the audience.
func Token(t testing.TB, audience string, p auth.Principal) string {
	t.Helper()
	token, _, err := Signer(t).Issue(p, audience)
	require.NoError(t, err)
	return token
}

// Person is a principal of a tenant with roles over the whole tenant, the
// employee role among them as services/identity gives it (the administrator
// does not have it). The subject is the first role's name.
func Person(id tenant.ID, roles ...auth.Role) auth.Principal {
	p := auth.Principal{Subject: "person", Tenant: id, Session: "session"}
	if len(roles) > 0 {
		p.Subject = "person-" + string(roles[0])
	}
	employee := true
	for _, r := range roles {
		p.Grants = append(p.Grants, auth.Grant{Role: r})
		if r == auth.RoleAdministrator || r == auth.RoleEmployee {
			employee = false
		}
	}
	if employee {
		p.Grants = append(p.Grants, auth.Grant{Role: auth.RoleEmployee})
	}
	return p
}

// Service is the principal of a part of Varde.
func Service(name string) auth.Principal {
	return auth.Principal{Subject: name, Service: true, Grants: []auth.Grant{{Role: auth.RoleService}}}
}

// Tokens is a TokenSource for a service under test, signed with the tests' key.
func Tokens(t testing.TB, service string) auth.TokenSource {
	t.Helper()
	return auth.LocalTokenSource(Signer(t), service)
}
