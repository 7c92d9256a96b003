// Package audittest records what a service under test asks the audit log to
// keep. It has the semantics of the real client, and can be told to fail.
package audittest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Recorder is an audit.Client for unit tests; the zero value is ready. Safe
// for concurrent use.
type Recorder struct {
	mu      sync.Mutex
	records []topics.AuditRecord
	failing bool
}

var _ audit.Client = (*Recorder)(nil)

// Fail makes Intent fail, as while the audit service is away.
func (r *Recorder) Fail(failing bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = failing
}

// Intent implements audit.Client.
func (r *Recorder) Intent(ctx context.Context, record topics.AuditRecord) (string, error) {
	tid, err := tenant.From(ctx)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failing {
		return "", problem.Unavailable("What is read is recorded first, and the record cannot be written now. Try again in a moment.", nil)
	}
	if record.ID == "" {
		record.ID = id.New()
	}
	record.Tenant, record.Phase = string(tid), audit.PhaseIntent
	r.add(record)
	return record.ID, nil
}

// Outcome implements audit.Client. It is recorded even while Intent fails: the
// real client sends it by the bus.
func (r *Recorder) Outcome(ctx context.Context, intent, result string, counts map[string]int) {
	tid, err := tenant.From(ctx)
	if err != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(topics.AuditRecord{
		ID: id.Of("audit-outcome", string(tid), intent), Tenant: string(tid), Phase: audit.PhaseOutcome,
		Intent: intent, Result: result, Counts: maps.Clone(counts),
	})
}

func (r *Recorder) add(record topics.AuditRecord) {
	if record.Time.IsZero() {
		record.Time = time.Now().UTC()
	}
	r.records = append(r.records, record)
}

// Records returns everything recorded, in order.
func (r *Recorder) Records() []topics.AuditRecord {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}

// Actions returns the actions of the recorded intents, in order.
func (r *Recorder) Actions() []string {
	var out []string
	for _, rec := range r.Records() {
		if rec.Phase == audit.PhaseIntent {
			out = append(out, rec.Action)
		}
	}
	return out
}

// Count is how often an action on an object was intended.
func (r *Recorder) Count(action, object string) int {
	n := 0
	for _, rec := range r.Records() {
		if rec.Phase == audit.PhaseIntent && rec.Action == action && rec.Object == object {
			n++
		}
	}
	return n
}
