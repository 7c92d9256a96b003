package sources

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/schemas/topics"
)

// Source as the register has it now.
type Source struct {
	ID     string
	Tenant string // that owns it
	topics.Source
	ended bool // it is no longer in the register; Source is what it was last
}

// registered is the register's sources as a table in memory. Safe for
// concurrent use.
type registered struct {
	log   *slog.Logger
	clock func() time.Time

	mu    sync.RWMutex
	facts map[string]topics.Fact // by id
	once  sync.Once
	ready chan struct{} // closed when the register was read to its end
}

func newRegistered(log *slog.Logger, clock func() time.Time) *registered {
	return &registered{log: log, clock: clock, facts: map[string]topics.Fact{}, ready: make(chan struct{})}
}

func (r *registered) caughtUp() { r.once.Do(func() { close(r.ready) }) }

// read says whether the register was read to its end.
func (r *registered) read() bool {
	select {
	case <-r.ready:
		return true
	default:
		return false
	}
}

// handle takes facts of the topic "register".
func (r *registered) handle(ctx context.Context, batch []bus.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range batch {
		if len(m.Value) == 0 {
			continue // deletion comes as a version, a tombstone only tidies up
		}
		var f topics.Fact
		if err := json.Unmarshal(m.Value, &f); err != nil {
			r.log.ErrorContext(ctx, "a fact could not be read", "topic", m.Topic, "offset", m.Offset)
			continue
		}
		if f.Kind == topics.KindSource {
			r.facts[f.ID] = f
		}
	}
	return nil
}

// owner is the tenant that a source belongs or belonged to: whom its account
// is kept for, also of lines that were mapped to others.
func (r *registered) owner(id string) (tenant string, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	f, ok := r.facts[id]
	return f.Tenant, ok
}

// one is a source as it is now.
func (r *registered) one(id string) (Source, bool) {
	r.mu.RLock()
	f, ok := r.facts[id]
	r.mu.RUnlock()
	v, holds := f.At(r.clock())
	if !ok || !holds {
		return Source{}, false
	}
	s, err := topics.Decode[topics.Source](v)
	return Source{ID: f.ID, Tenant: f.Tenant, Source: s}, err == nil
}

// known is every source that there is or was, by tenant and id.
func (r *registered) known() []Source {
	now := r.clock()
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]Source, 0, len(r.facts))
	for _, f := range r.facts {
		v, ok := f.At(now)
		if !ok && len(f.Versions) > 0 {
			v = f.Versions[len(f.Versions)-1]
		}
		s := Source{ID: f.ID, Tenant: f.Tenant, ended: !ok}
		if len(v.Data) > 0 {
			var err error
			if s.Source, err = topics.Decode[topics.Source](v); err != nil {
				r.log.Error("a source of the register could not be read", "source", f.ID)
				continue
			}
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Source) int { return cmp.Or(strings.Compare(a.Tenant, b.Tenant), strings.Compare(a.ID, b.ID)) })
	return out
}

// of is the sources that one tenant has now, by id.
func (r *registered) of(tenant string) []Source {
	return slices.DeleteFunc(r.known(), func(s Source) bool { return s.Tenant != tenant || s.ended })
}
