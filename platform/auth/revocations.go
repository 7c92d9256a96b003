package auth

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/schemas/topics"
)

// keepRevocation is how long a revocation matters: until every token issued
// before it has expired, with clocks apart.
const keepRevocation = TokenLife + 5*time.Minute

// Revocations is the table of withdrawn tokens, followed from the topic
// revocations from its beginning at every start. It stays small: what is older
// than a token's life is dropped. Safe for concurrent use.
type Revocations struct {
	log    *slog.Logger
	clock  func() time.Time
	caught atomic.Bool

	mu        sync.RWMutex
	notBefore map[string]time.Time // "s:"+session or "p:"+subject
	pruned    time.Time
}

// NewRevocations returns an empty table that has not caught up.
func NewRevocations(log *slog.Logger, clock func() time.Time) *Revocations {
	return &Revocations{log: log, clock: clock, notBefore: map[string]time.Time{}}
}

// Run follows the topic until ctx is done.
func (r *Revocations) Run(ctx context.Context, b bus.Bus) error {
	return b.Follow(ctx, bus.TopicRevocations, r.handle, func() { r.caught.Store(true) })
}

func (r *Revocations) handle(_ context.Context, batch []bus.Message) error {
	for _, m := range batch {
		if len(m.Value) == 0 {
			continue
		}
		var v topics.Revocation
		if err := json.Unmarshal(m.Value, &v); err != nil {
			// Nobody else can mend it and the following ones matter.
			r.log.Error("revocation cannot be read", "id", m.ID, "error", err)
			continue
		}
		r.Apply(v)
	}
	return nil
}

// Apply adds one revocation.
func (r *Revocations) Apply(v topics.Revocation) {
	now := r.clock()
	if now.Sub(v.NotBefore) > keepRevocation {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for prefix, name := range map[string]string{"p:": v.Subject, "s:": v.Session} {
		if key := prefix + name; name != "" && v.NotBefore.After(r.notBefore[key]) {
			r.notBefore[key] = v.NotBefore
		}
	}
	if now.Sub(r.pruned) > time.Minute {
		r.pruned = now
		for k, t := range r.notBefore {
			if now.Sub(t) > keepRevocation {
				delete(r.notBefore, k)
			}
		}
	}
}

// CaughtUp says whether the topic has been read to where it ended at the start.
func (r *Revocations) CaughtUp() bool { return r.caught.Load() }

// Revoked says whether a token of subject and session, issued then, is withdrawn.
func (r *Revocations) Revoked(subject, session string, issued time.Time) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t, ok := r.notBefore["p:"+subject]; ok && issued.Before(t) {
		return true
	}
	t, ok := r.notBefore["s:"+session]
	return ok && session != "" && issued.Before(t)
}
