package register

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"varde.internal/platform/bus"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// People is what the register knows of the directory: who is employed, and who
// acts for whom. It follows the topic directory and keeps histories, so that a
// leaving date, an absence or a new delegate counts from its own day and not
// from the day the register heard of it. Safe for concurrent use.
type People struct {
	mu      sync.RWMutex
	persons map[personKey]topics.History[topics.Person]
	caught  atomic.Bool // the directory was read to its end
	log     *slog.Logger
}

type personKey struct {
	tenant tenant.ID
	id     string
}

func newPeople(log *slog.Logger) *People {
	return &People{persons: map[personKey]topics.History[topics.Person]{}, log: log}
}

// caughtUp notes that the directory was read to its end: who is not known now
// is nobody.
func (p *People) caughtUp() { p.caught.Store(true) }

// handle takes facts of the directory. One that cannot be read is passed over:
// it must not stop the ones behind it.
func (p *People) handle(ctx context.Context, batch []bus.Message) error {
	for _, m := range batch {
		var f topics.Fact
		if len(m.Value) == 0 || json.Unmarshal(m.Value, &f) != nil {
			continue
		}
		if f.Kind != topics.KindPerson {
			continue
		}
		h, err := topics.HistoryOf[topics.Person](f)
		if err != nil {
			p.log.WarnContext(ctx, "a person of the directory cannot be read", "error", err)
			continue
		}
		p.mu.Lock()
		p.persons[personKey{tenant.ID(f.Tenant), f.ID}] = h
		p.mu.Unlock()
	}
	return nil
}

// get gives the person at the moment. known says whether the directory has
// heard of them at all; one who is not there at the moment has left, or not
// begun.
func (p *People) get(t tenant.ID, id string, m Moment) (person topics.Person, known bool) {
	p.mu.RLock()
	h, known := p.persons[personKey{t, id}]
	p.mu.RUnlock()
	if !known {
		return topics.Person{}, false
	}
	v, ok := h.AsKnownAt(m.At, m.Known)
	if !ok {
		return topics.Person{Left: true}, true
	}
	return v.Value, true
}

// left says whether the directory knows that the person is not here.
func (p *People) left(t tenant.ID, id string, m Moment) bool {
	person, known := p.get(t, id, m)
	return known && person.Left
}

// employed says whether the person is one of the tenant's at the moment. Until
// the directory was read to its end, who is not known yet may be.
func (p *People) employed(t tenant.ID, id string, m Moment) bool {
	person, known := p.get(t, id, m)
	if !known {
		return !p.caught.Load()
	}
	return !person.Left
}

// delegate is who acts for the person at the moment: whom they named, while
// they are away. It is the same rule that gives a delegate the person's roles
// and their cases. Empty where nobody does.
func (p *People) delegate(t tenant.ID, id string, m Moment) string {
	person, _ := p.get(t, id, m)
	away := slices.ContainsFunc(person.Absences, func(a topics.Period) bool {
		return !m.At.Before(a.From) && (a.To.IsZero() || m.At.Before(a.To))
	})
	if !away {
		return ""
	}
	return person.Delegate
}
