package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"varde.internal/platform/config"
	"varde.internal/platform/docstore"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Seed is what an installation starts with: a demo region, or the first tenant
// and administrator. Keys are the seed's own names; UnitID and PersonID turn
// them into ids.
type Seed struct {
	// ValidFrom is since when all of it holds; zero: a year before the import.
	ValidFrom time.Time
	Tenants   []SeedTenant
}

// SeedTenant is one municipality with its organisation.
type SeedTenant struct {
	ID      tenant.ID
	Domain  string // of sign-in names
	Tenant  topics.Tenant
	Units   []SeedUnit // parents before children
	Persons []SeedPerson
}

// SeedUnit is a unit; Parent and Manager are keys. Its level follows from its
// parent.
type SeedUnit struct{ Key, Name, Parent, Manager string }

// SeedPerson is a person. UnitID, Delegate and the roles' UnitID in Person are
// keys of the seed.
type SeedPerson struct {
	Key     string
	Person  topics.Person
	Account *SeedAccount
}

// SeedAccount is a local account; Name is the part before the @. One that is
// Demo keeps its assigned password; another must change it at the first
// sign-in (R32).
type SeedAccount struct {
	Name     string
	Password config.Secret
	Demo     bool
}

// Import creates what does not exist yet and leaves the rest alone: what
// people changed since stays. It says how many entities it created.
func (s *Service) Import(ctx context.Context, seed Seed) (created int, err error) {
	if err := s.ready(); err != nil {
		return 0, err
	}
	if seed.ValidFrom.IsZero() {
		seed.ValidFrom = s.clock().AddDate(-1, 0, 0)
	}
	for _, t := range seed.Tenants {
		n, err := s.importTenant(tenant.With(ctx, t.ID), t, seed.ValidFrom.UTC())
		created += n
		if err != nil {
			return created, fmt.Errorf("identity: import of %s: %w", t.ID, err)
		}
	}
	return created, nil
}

func (s *Service) importTenant(ctx context.Context, t SeedTenant, from time.Time) (created int, err error) {
	if !t.ID.Valid() || t.Domain == "" || t.ID == nowhere {
		return 0, errors.New("a tenant needs a valid id and a domain")
	}
	if owner, taken, err := s.tenantOf(ctx, t.Domain); err != nil {
		return 0, err
	} else if taken && owner != t.ID {
		return 0, fmt.Errorf("the domain belongs to %s", owner)
	}
	count := func(done bool, err error) error {
		if done {
			created++
		}
		return err
	}
	e := Entry[topics.Tenant]{Domain: t.Domain}
	if _, err := e.Set(t.Tenant, from, s.clock().UTC(), ""); err != nil {
		return 0, err
	}
	if err := count(insertEntry(ctx, s, s.tenants, topics.KindTenant, t.ID, string(t.ID), e)); err != nil {
		return created, err
	}
	levels := map[string]int{"": 0}
	for _, u := range t.Units {
		above, ok := levels[u.Parent]
		if !ok {
			return created, fmt.Errorf("unit %q comes before its parent %q", u.Key, u.Parent)
		}
		levels[u.Key] = above + 1
		v := topics.Unit{Name: u.Name, Level: above + 1, Parent: key(UnitID, t.ID, u.Parent), Manager: key(PersonID, t.ID, u.Manager)}
		if err := count(s.insertUnit(ctx, t.ID, UnitID(t.ID, u.Key), v, from, "")); err != nil {
			return created, err
		}
	}
	for _, p := range t.Persons {
		if err := count(s.importPerson(ctx, t, p, levels, from)); err != nil {
			return created, fmt.Errorf("person %q: %w", p.Key, err)
		}
	}
	return created, nil
}

func (s *Service) importPerson(ctx context.Context, t SeedTenant, p SeedPerson, units map[string]int, from time.Time) (created bool, err error) {
	v := p.Person
	if _, ok := units[v.UnitID]; !ok {
		return false, fmt.Errorf("there is no unit %q", v.UnitID)
	}
	v.UnitID, v.Delegate = key(UnitID, t.ID, v.UnitID), key(PersonID, t.ID, v.Delegate)
	v.Roles = nil
	for _, r := range p.Person.Roles {
		if _, ok := units[r.UnitID]; !ok {
			return false, fmt.Errorf("there is no unit %q", r.UnitID)
		}
		v.Roles = append(v.Roles, topics.RoleGrant{Role: r.Role, UnitID: key(UnitID, t.ID, r.UnitID)})
	}
	var e Entry[topics.Person]
	if _, err := e.Set(tidy(v), from, s.clock().UTC(), ""); err != nil {
		return false, err
	}
	person := PersonID(t.ID, p.Key)
	if created, err = insertEntry(ctx, s, s.persons, topics.KindPerson, t.ID, person, e); err != nil || p.Account == nil {
		return created, err
	}
	name := p.Account.Name + "@" + t.Domain
	normal, _, ok := NormalName(name)
	if !ok {
		return created, errName
	}
	if _, err := s.accounts.Get(ctx, accountID(normal)); !errors.Is(err, docstore.ErrNotFound) {
		return created, err // it is there, or that cannot be known
	}
	return created, s.createAccount(ctx, t.ID, person, name, p.Account.Password.Reveal(), !p.Account.Demo)
}

func key(of func(tenant.ID, string) string, t tenant.ID, k string) string {
	if k == "" {
		return ""
	}
	return of(t, k)
}
