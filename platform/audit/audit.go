// Package audit is how the parts record reads and changes. A read of personal
// data writes its intent before data is returned; where that fails, the read
// fails (R41). A change's record rides in the outbox of the changed document
// (see Change), so reporting goes on while the audit service is down.
package audit

import (
	"context"

	"varde.internal/schemas/topics"
)

// Client records reads. Safe for concurrent use.
type Client interface {
	// Intent stores the record durably in the tenant's log and returns its id,
	// or fails: then nothing may be shown.
	Intent(ctx context.Context, r topics.AuditRecord) (id string, err error)
	// Outcome adds what became of an intent: result and counts. It does not
	// fail the caller: what cannot be sent now is sent by the bus.
	Outcome(ctx context.Context, intent string, result string, counts map[string]int)
}
