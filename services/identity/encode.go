package identity

import (
	"strconv"

	"varde.internal/schemas/gen/identityapi"
	"varde.internal/schemas/topics"
)

func encodeMe(me Me) identityapi.Me {
	out := identityapi.Me{
		Id: me.ID, Name: me.Person.Name, Title: me.Person.Title, Tenant: encodeTenant(me.Tenant),
		Roles: []identityapi.RoleGrant{}, Allowed: []identityapi.Permission{},
		MustChangePassword: me.MustChange, SecondFactor: me.Factor,
		Delegate: me.Person.Delegate, Absences: encodePeriods(me.Person.Absences),
		Language: identityapi.Language(me.Language),
	}
	if me.Unit != nil {
		out.Unit = encodeUnit(*me.Unit)
	}
	for _, g := range me.Grants {
		out.Roles = append(out.Roles, identityapi.RoleGrant{Role: identityapi.Role(g.Role), UnitId: g.Unit})
	}
	for _, p := range me.Permissions {
		out.Allowed = append(out.Allowed, identityapi.Permission{Action: string(p.Action), Scope: identityapi.Scope(p.Scope.String())})
	}
	if !me.StepUpAt.IsZero() {
		out.StepUp = identityapi.StepUp{Action: me.StepUpOf, At: me.StepUpAt, Expires: me.StepUpUntil}
	}
	return out
}

func encodeTenant(t TenantView) identityapi.Tenant {
	out := identityapi.Tenant{
		Id: string(t.ID), Name: t.Tenant.Name, OrgNumber: t.Tenant.OrgNumber, CasePrefix: t.Tenant.CasePrefix, Domain: t.Domain,
		Host: t.Tenant.Host, HostedBy: t.Tenant.HostedBy, Neighbour: t.Tenant.Neighbour,
	}
	if len(t.Tenant.Titles) > 0 {
		out.Titles = map[string]string{}
		for level, title := range t.Tenant.Titles {
			out.Titles[strconv.Itoa(level)] = title
		}
	}
	return out
}

func encodeUnit(u UnitView) identityapi.Unit {
	return identityapi.Unit{Id: u.ID, Name: u.Unit.Name, Parent: u.Unit.Parent, Level: u.Unit.Level, Manager: u.Unit.Manager, ManagerName: u.ManagerName}
}

func encodePerson(m Member) identityapi.Person {
	p := m.Person
	out := identityapi.Person{
		Id: m.ID, Name: p.Name, Email: p.Email, UnitId: p.UnitID, Title: p.Title, Roles: []identityapi.RoleGrant{},
		Delegate: p.Delegate, Absences: encodePeriods(p.Absences), Left: p.Left,
	}
	for _, r := range p.Roles {
		out.Roles = append(out.Roles, identityapi.RoleGrant{Role: identityapi.Role(r.Role), UnitId: r.UnitID})
	}
	return out
}

func encodePeriods(in []topics.Period) []identityapi.Period {
	var out []identityapi.Period
	for _, p := range in {
		out = append(out, identityapi.Period{From: p.From, To: p.To})
	}
	return out
}

func encodeAccount(a AccountView) identityapi.Account {
	return identityapi.Account{
		Name: a.Name, Locked: !a.LockedUntil.IsZero(), LockedUntil: a.LockedUntil, Disabled: a.Disabled,
		SecondFactor: a.HasFactor(), MustChangePassword: a.MustChange, PasswordChanged: a.PasswordChanged,
	}
}

func decodePeriods(in []identityapi.Period) []topics.Period {
	var out []topics.Period
	for _, p := range in {
		out = append(out, topics.Period{From: p.From, To: p.To})
	}
	return out
}

func decodePerson(in identityapi.PersonEdit) topics.Person {
	p := topics.Person{Name: in.Name, Email: in.Email, UnitID: in.UnitId, Title: in.Title, Delegate: in.Delegate, Absences: decodePeriods(in.Absences), Left: in.Left}
	for _, r := range in.Roles {
		p.Roles = append(p.Roles, topics.RoleGrant{Role: string(r.Role), UnitID: r.UnitId})
	}
	return p
}

// each encodes a list; it is never null.
func each[In, Out any](in []In, encode func(In) Out) []Out {
	out := make([]Out, 0, len(in))
	for _, v := range in {
		out = append(out, encode(v))
	}
	return out
}
