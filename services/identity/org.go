package identity

import (
	"slices"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/schemas/topics"
)

// Org is an organisation chart: units by id.
type Org map[string]topics.Unit

// Below lists every unit under root, not root itself, sorted. A chart with a
// loop, which cannot be stored, would still end.
func (o Org) Below(root string) []string {
	children := map[string][]string{}
	for unit, u := range o {
		if u.Parent != "" {
			children[u.Parent] = append(children[u.Parent], unit)
		}
	}
	var all []string
	seen, queue := map[string]bool{root: true}, []string{root}
	for len(queue) > 0 {
		for _, c := range children[queue[0]] {
			if !seen[c] {
				seen[c] = true
				all = append(all, c)
				queue = append(queue, c)
			}
		}
		queue = queue[1:]
	}
	slices.Sort(all)
	return all
}

// Level is what the level of a unit under parent is: 1 at the top.
func (o Org) Level(parent string) int {
	if parent == "" {
		return 1
	}
	return o[parent].Level + 1
}

// Absent says whether p is away at the moment.
func Absent(p topics.Person, now time.Time) bool {
	for _, a := range p.Absences {
		if !now.Before(a.From) && (a.To.IsZero() || now.Before(a.To)) {
			return true
		}
	}
	return false
}

// Member is a person with their id.
type Member struct {
	ID     string
	Person topics.Person
}

// Grants are what somebody may act as now: their roles; the day-to-day
// responsibility over each unit they manage (R16: cases are routed to the
// unit's manager); the same of those who are away and named them as delegate;
// and that of an employee. The administrator's account is nobody's everyday
// account and gets no employee role, because it sees no case content.
func Grants(m Member, covered []Member, org Org, now time.Time) []auth.Grant {
	var out []auth.Grant
	add := func(role auth.Role, unit string) {
		g := auth.Grant{Role: role, Unit: unit}
		if unit != "" {
			if _, ok := org[unit]; !ok {
				return // the unit has ended
			}
			g.Reach = org.Below(unit)
		}
		if !slices.ContainsFunc(out, func(h auth.Grant) bool { return h.Role == g.Role && h.Unit == g.Unit }) {
			out = append(out, g)
		}
	}
	own := func(p Member) {
		for _, r := range p.Person.Roles {
			add(auth.Role(r.Role), r.UnitID)
		}
		for _, unit := range org.managedBy(p.ID) {
			add(auth.RoleResponsible, unit)
		}
	}
	own(m)
	administrator := slices.ContainsFunc(out, func(g auth.Grant) bool { return g.Role == auth.RoleAdministrator })
	if administrator {
		return out
	}
	for _, c := range covered {
		if c.ID != m.ID && c.Person.Delegate == m.ID && !c.Person.Left && Absent(c.Person, now) {
			own(c)
		}
	}
	// An administrator's delegate would join both kinds of account in one.
	out = slices.DeleteFunc(out, func(g auth.Grant) bool { return g.Role == auth.RoleAdministrator })
	add(auth.RoleEmployee, m.Person.UnitID)
	return out
}

func (o Org) managedBy(person string) []string {
	var all []string
	for unit, u := range o {
		if u.Manager == person {
			all = append(all, unit)
		}
	}
	slices.Sort(all)
	return all
}
