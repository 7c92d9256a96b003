// Package tenant names the municipality (or IT host) on whose behalf a call
// is made. Each tenant is its own controller (R74): every store call needs one
// in its context and fails without it.
package tenant

import (
	"context"
	"errors"
	"regexp"

	"varde.internal/platform/internal/scope"
)

// ID is a tenant's short name: 2 to 32 characters of a-z, 0-9 and '-',
// beginning with a letter. It appears in partition names and metrics, so it
// never names a person.
type ID string

var valid = regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`)

// ErrMissing is returned by a store called without a tenant in its context.
var ErrMissing = errors.New("tenant: no tenant in context")

// Valid reports whether id has the form of a tenant's name.
func (id ID) Valid() bool { return valid.MatchString(string(id)) }

// With returns a context whose store calls touch only the data of id.
func With(ctx context.Context, id ID) context.Context {
	return scope.With(ctx, scope.Scope{Tenant: string(id)})
}

// From returns the tenant of ctx, or ErrMissing. A context in system scope has
// no tenant.
func From(ctx context.Context) (ID, error) {
	s, ok := scope.From(ctx)
	if !ok || s.System || s.Tenant == "" {
		return "", ErrMissing
	}
	return ID(s.Tenant), nil
}
