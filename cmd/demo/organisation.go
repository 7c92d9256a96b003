package demo

import (
	"time"

	"varde.internal/platform/config"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
	"varde.internal/services/identity"
)

// Password of every demo account. It is printed, and an installation with the
// demo region says on its sign-in page that it is one.
const Password = "fyr-paa-varden-2026"

// Account is one to try, as printed after the line ready.
// Who is for the terminal; the sign-in page has a word for the Role.
type Account struct{ Name, Who, Role string }

// Accounts are the demo's, in the order they are shown.
var Accounts = []Account{
	{"ansatt", "an employee: reports, follows up", "employee"},
	{"leder", "a manager: the queue, the cases", "responsible"},
	{"sikkerhet", "the security officer: search, register, all cases", "security-officer"},
	{"admin", "the administrator: people, health; sees no case", "administrator"},
	{"revisor", "the auditor: reads, changes nothing", "auditor"},
}

// Organisation returns what identity starts with.
func (r Region) Organisation(plan Plan) identity.Seed {
	seed := identity.Seed{ValidFrom: plan.Base.Add(longAgo)}
	for _, m := range r.Tenants {
		t := identity.SeedTenant{ID: tenant.ID(m.ID), Domain: m.Domain, Tenant: topics.Tenant{
			Name: m.Name, OrgNumber: m.OrgNumber, CasePrefix: m.CasePrefix, Host: m.Host,
			HostedBy: m.HostedBy, Neighbour: m.Neighbour, Titles: m.Titles,
		}}
		for _, u := range m.Units {
			t.Units = append(t.Units, identity.SeedUnit{Key: u.ID, Name: u.Name, Parent: u.Parent, Manager: u.Manager})
		}
		for _, p := range m.Persons {
			t.Persons = append(t.Persons, seedPerson(p, plan.Base))
		}
		seed.Tenants = append(seed.Tenants, t)
	}
	return seed
}

// wholeTenant are the roles that reach over the municipality, not one unit.
var wholeTenant = map[string]bool{
	"controller": true, "security-officer": true, "administrator": true, "auditor": true,
	"operations-manager": true, "host-operator": true, "regional-coordinator": true,
}

func seedPerson(p person, base time.Time) identity.SeedPerson {
	v := topics.Person{Name: p.Name, UnitID: p.Unit, Title: p.Title, Delegate: p.Delegate}
	for _, role := range append([]string{"employee"}, p.Roles...) {
		g := topics.RoleGrant{Role: role}
		if !wholeTenant[role] {
			g.UnitID = p.Unit
		}
		v.Roles = append(v.Roles, g)
	}
	if a := p.AbsentDays; a != nil {
		v.Absences = []topics.Period{{From: base.AddDate(0, 0, a.From).UTC(), To: base.AddDate(0, 0, a.To).UTC()}}
	}
	s := identity.SeedPerson{Key: p.ID, Person: v}
	if p.Account != "" {
		s.Account = &identity.SeedAccount{Name: p.Account, Password: config.Secret(Password), Demo: true}
	}
	return s
}
