package register

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// People is what the register knows of the directory: who left, and who acts
// for whom. It follows the topic directory. Safe for concurrent use.
type People struct {
	mu      sync.RWMutex
	persons map[personKey]topics.Person
	clock   func() time.Time
	log     *slog.Logger
}

type personKey struct {
	tenant tenant.ID
	id     string
}

func newPeople(clock func() time.Time, log *slog.Logger) *People {
	return &People{persons: map[personKey]topics.Person{}, clock: clock, log: log}
}

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
		v, ok := f.At(p.clock())
		person := topics.Person{Left: true}
		if ok {
			var err error
			if person, err = topics.Decode[topics.Person](v); err != nil {
				p.log.WarnContext(ctx, "a person of the directory cannot be read", "err", err)
				continue
			}
		}
		p.mu.Lock()
		p.persons[personKey{tenant.ID(f.Tenant), f.ID}] = person
		p.mu.Unlock()
	}
	return nil
}

func (p *People) get(t tenant.ID, id string) (topics.Person, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	person, ok := p.persons[personKey{t, id}]
	return person, ok
}

// left says whether the directory knows that the person is no longer here.
func (p *People) left(t tenant.ID, id string) bool {
	person, ok := p.get(t, id)
	return ok && person.Left
}

// delegate is who the person named to act for them, empty where nobody is or
// the delegate left.
func (p *People) delegate(t tenant.ID, id string) string {
	person, ok := p.get(t, id)
	if !ok || p.left(t, person.Delegate) {
		return ""
	}
	return person.Delegate
}
