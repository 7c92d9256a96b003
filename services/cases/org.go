package cases

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/schemas/topics"
)

// Org is what routing knows of every tenant: systems, accounts and sources from
// the register, units and persons from the directory. It follows their topics
// and is a table in memory. Safe for concurrent use.
type Org struct {
	mu      sync.RWMutex
	facts   map[string]map[string]topics.Fact // tenant → kind/id
	changed chan struct{}
}

// NewOrg returns an empty table.
func NewOrg() *Org {
	return &Org{facts: map[string]map[string]topics.Fact{}, changed: make(chan struct{}, 1)}
}

// Changed receives after facts arrived, for work that depends on them.
func (o *Org) Changed() <-chan struct{} { return o.changed }

// Handle takes a batch of the register or directory topic; see bus.Follow.
// A fact that cannot be read is left out: it must not stop routing of the rest.
func (o *Org) Handle(_ context.Context, batch []bus.Message) error {
	for _, m := range batch {
		if len(m.Value) == 0 {
			continue // a tombstone follows a deletion that the history already says
		}
		var f topics.Fact
		if err := json.Unmarshal(m.Value, &f); err != nil || f.Tenant == "" {
			continue
		}
		o.Apply(f)
	}
	return nil
}

// Apply stores a fact.
func (o *Org) Apply(f topics.Fact) {
	o.mu.Lock()
	table := o.facts[f.Tenant]
	if table == nil {
		table = map[string]topics.Fact{}
		o.facts[f.Tenant] = table
	}
	table[f.Kind+"/"+f.ID] = f
	o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
}

// Tenants lists the tenants known.
func (o *Org) Tenants() []string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	all := make([]string, 0, len(o.facts))
	for t := range o.facts {
		all = append(all, t)
	}
	slices.Sort(all)
	return all
}

func lookup[T any](o *Org, tenant, kind, id string, at time.Time) (T, bool) {
	var zero T
	o.mu.RLock()
	f, ok := o.facts[tenant][kind+"/"+id]
	o.mu.RUnlock()
	if !ok {
		return zero, false
	}
	v, ok := f.At(at)
	if !ok {
		return zero, false
	}
	t, err := topics.Decode[T](v)
	return t, err == nil
}

// Tenant gives the tenant's own fact; its id is the tenant's short name.
func (o *Org) Tenant(tenant string, at time.Time) (topics.Tenant, bool) {
	return lookup[topics.Tenant](o, tenant, topics.KindTenant, tenant, at)
}

// System gives a system as it is at the moment.
func (o *Org) System(tenant, id string, at time.Time) (topics.System, bool) {
	return lookup[topics.System](o, tenant, topics.KindSystem, id, at)
}

// Unit gives a unit as it is at the moment.
func (o *Org) Unit(tenant, id string, at time.Time) (topics.Unit, bool) {
	return lookup[topics.Unit](o, tenant, topics.KindUnit, id, at)
}

// Person gives a person of the municipality as they are at the moment.
func (o *Org) Person(tenant, id string, at time.Time) (topics.Person, bool) {
	return lookup[topics.Person](o, tenant, topics.KindPerson, id, at)
}

// Source gives a log source as it is at the moment.
func (o *Org) Source(tenant, id string, at time.Time) (topics.Source, bool) {
	return lookup[topics.Source](o, tenant, topics.KindSource, id, at)
}

// NameOf gives the name of an entity of the register.
func (o *Org) NameOf(tenant, kind, id string, at time.Time) string {
	var named struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	}
	named, _ = lookup[struct {
		Name  string `json:"name"`
		Title string `json:"title"`
	}](o, tenant, kind, id, at)
	if named.Name != "" {
		return named.Name
	}
	return named.Title
}

// Listed is an entity with its id.
type Listed[T any] struct {
	ID    string
	Value T
}

func list[T any](o *Org, tenant, kind string, at time.Time) []Listed[T] {
	o.mu.RLock()
	var facts []topics.Fact
	for key, f := range o.facts[tenant] {
		if strings.HasPrefix(key, kind+"/") {
			facts = append(facts, f)
		}
	}
	o.mu.RUnlock()
	slices.SortFunc(facts, func(a, b topics.Fact) int { return strings.Compare(a.ID, b.ID) })
	var all []Listed[T]
	for _, f := range facts {
		v, ok := f.At(at)
		if !ok {
			continue
		}
		if t, err := topics.Decode[T](v); err == nil {
			all = append(all, Listed[T]{f.ID, t})
		}
	}
	return all
}

// Persons lists the tenant's persons by id.
func (o *Org) Persons(tenant string, at time.Time) []Listed[topics.Person] {
	return list[topics.Person](o, tenant, topics.KindPerson, at)
}

// AccountHolders gives the persons behind accounts that are named by id, name
// or alias.
func (o *Org) AccountHolders(tenant string, accounts []string, at time.Time) []string {
	if len(accounts) == 0 {
		return nil
	}
	var holders []string
	for _, a := range list[topics.Account](o, tenant, topics.KindAccount, at) {
		if a.Value.PersonID == "" {
			continue
		}
		for _, s := range spellings(a) {
			if slices.ContainsFunc(accounts, func(name string) bool { return strings.EqualFold(name, s) }) {
				holders = append(holders, a.Value.PersonID)
				break
			}
		}
	}
	slices.Sort(holders)
	return slices.Compact(holders)
}

// spellings are the names an account goes by, its id among them.
func spellings(a Listed[topics.Account]) []string {
	return append([]string{a.ID, a.Value.Name, a.Value.Realm + `\` + a.Value.Name, a.Value.Name + "@" + a.Value.Realm}, a.Value.Aliases...)
}

// folded is an account's name for comparing.
func folded(account string) string { return strings.ToLower(account) }

// AccountSpellings are the accounts' names as given and in every spelling that
// the register has for them, folded.
func (o *Org) AccountSpellings(tenant string, accounts []string, at time.Time) map[string]bool {
	all := map[string]bool{}
	for _, a := range accounts {
		if a != "" {
			all[folded(a)] = true
		}
	}
	if len(all) == 0 {
		return all
	}
	given := maps.Clone(all)
	for _, a := range list[topics.Account](o, tenant, topics.KindAccount, at) {
		names := spellings(a)
		if slices.ContainsFunc(names, func(s string) bool { return given[folded(s)] }) {
			for _, s := range names {
				if s != "" {
					all[folded(s)] = true
				}
			}
		}
	}
	return all
}

// String says how much is known, for logs.
func (o *Org) String() string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	n := 0
	for _, t := range o.facts {
		n += len(t)
	}
	return fmt.Sprintf("%d tenants, %d facts", len(o.facts), n)
}
