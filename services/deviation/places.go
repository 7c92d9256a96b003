package deviation

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/schemas/topics"
)

// Choice is something to choose in a form.
type Choice struct{ ID, Name, Parent string }

// Places are the tenants, units and systems that forms offer. They follow the
// register and the directory and are a table in memory; nothing about persons
// is kept. Safe for concurrent use.
type Places struct {
	mu    sync.RWMutex
	facts map[string]map[string]topics.Fact // tenant → kind/id
}

// NewPlaces returns an empty table.
func NewPlaces() *Places { return &Places{facts: map[string]map[string]topics.Fact{}} }

// Handle takes a batch of the register or directory topic; see bus.Follow.
func (p *Places) Handle(_ context.Context, batch []bus.Message) error {
	for _, m := range batch {
		var f topics.Fact
		if len(m.Value) == 0 || json.Unmarshal(m.Value, &f) != nil || f.Tenant == "" {
			continue
		}
		if f.Kind == topics.KindTenant || f.Kind == topics.KindUnit || f.Kind == topics.KindSystem {
			p.mu.Lock()
			if p.facts[f.Tenant] == nil {
				p.facts[f.Tenant] = map[string]topics.Fact{}
			}
			p.facts[f.Tenant][f.Kind+"/"+f.ID] = f
			p.mu.Unlock()
		}
	}
	return nil
}

// Tenants lists the municipalities one can report to, by name.
func (p *Places) Tenants(now time.Time) []Choice {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var all []Choice
	for t, table := range p.facts {
		f, ok := table[topics.KindTenant+"/"+t]
		if !ok {
			continue
		}
		if v, ok := f.At(now); ok {
			if d, err := topics.Decode[topics.Tenant](v); err == nil {
				all = append(all, Choice{ID: t, Name: d.Name})
			}
		}
	}
	return byName(all)
}

// Known reports whether the tenant exists.
func (p *Places) Known(tenant string, now time.Time) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	f, ok := p.facts[tenant][topics.KindTenant+"/"+tenant]
	if ok {
		_, ok = f.At(now)
	}
	return ok
}

// Units lists the tenant's units by name.
func (p *Places) Units(tenant string, now time.Time) []Choice {
	return p.choices(tenant, topics.KindUnit, now)
}

// Systems lists the tenant's systems by name.
func (p *Places) Systems(tenant string, now time.Time) []Choice {
	return p.choices(tenant, topics.KindSystem, now)
}

// PublicSystems lists those that everybody may see by name (topics.System.InPublicForm).
func (p *Places) PublicSystems(tenant string, now time.Time) []Choice {
	p.mu.RLock()
	hidden := map[string]bool{}
	for _, f := range p.facts[tenant] {
		if v, ok := f.At(now); ok && f.Kind == topics.KindSystem {
			system, err := topics.Decode[topics.System](v)
			hidden[f.ID] = err != nil || !system.InPublicForm()
		}
	}
	p.mu.RUnlock()
	return slices.DeleteFunc(p.Systems(tenant, now), func(c Choice) bool { return hidden[c.ID] })
}

func (p *Places) choices(tenant, kind string, now time.Time) []Choice {
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := []Choice{}
	for key, f := range p.facts[tenant] {
		if !strings.HasPrefix(key, kind+"/") {
			continue
		}
		v, ok := f.At(now)
		if !ok {
			continue
		}
		var named struct {
			Name   string `json:"name"`
			Parent string `json:"parent"`
		}
		if json.Unmarshal(v.Data, &named) == nil {
			all = append(all, Choice{f.ID, named.Name, named.Parent})
		}
	}
	return byName(all)
}

func byName(all []Choice) []Choice {
	slices.SortFunc(all, func(a, b Choice) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	return all
}

func has(all []Choice, id string) bool {
	return slices.ContainsFunc(all, func(c Choice) bool { return c.ID == id })
}
