// Package systemscope lets named parts of the system cross tenants: the outbox
// relay, migrations, sign-in, regional aggregates. Who may import it is a list
// in the linter's configuration (depguard), so that tenant isolation is a
// property of the stores and not of each query.
package systemscope

import (
	"context"

	"varde.internal/platform/internal/scope"
)

// Enter returns a context whose store calls see every tenant. The reason is
// for the reader and for traces.
func Enter(ctx context.Context, reason string) context.Context {
	return scope.With(ctx, scope.Scope{System: true, Reason: reason})
}
