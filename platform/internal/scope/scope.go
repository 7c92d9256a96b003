// Package scope carries, in a context, on whose behalf stored data is touched.
//
// It is internal so that only platform/tenant (one tenant) and
// platform/systemscope (across tenants, linted) can set it.
package scope

import "context"

type key struct{}

// Scope says whose data a call may touch: one tenant, or with System all of
// them, for the reason given.
type Scope struct {
	Tenant string
	System bool
	Reason string
}

// With returns a context that carries s.
func With(ctx context.Context, s Scope) context.Context {
	return context.WithValue(ctx, key{}, s)
}

// From returns the scope of ctx; ok is false where none was set.
func From(ctx context.Context) (s Scope, ok bool) {
	s, ok = ctx.Value(key{}).(Scope)
	return s, ok
}
