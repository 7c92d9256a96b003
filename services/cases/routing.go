package cases

import (
	"slices"
	"strconv"
	"time"

	"varde.internal/schemas/topics"
)

// Roles that routing looks for (the names of platform/auth).
const (
	roleSecurityOfficer = "security-officer"
	roleController      = "controller"
)

// Question asks who shall handle a case.
type Question struct {
	Tenant   string
	SystemID string
	UnitID   string // of the reporter, or chosen; used where no system is named
	SourceID string // of a silent feed (C20): its responsible person
	PassLine bool   // about the manager: past the line of command (N1)
	// Involved tells who is passed over: who acted in the case and who reported
	// it (N3). Tried are those who had the case.
	Involved func(person string) bool
	Tried    []string
	// Quiet is for a case with a reporter: why somebody was passed over is not
	// told of anyone, since a reason for all but one would name that one (N3).
	Quiet bool
	Now   time.Time
}

// Answer is who handles the case and the steps that led there, as reasons the
// interface has sentences for. Handler is empty where nobody is left.
type Answer struct {
	Handler string
	UnitID  string // where the case belongs
	Steps   []topics.Reason
}

type router struct {
	org *Org
	q   Question
	a   Answer
}

// Route finds the responsible person: the system's day-to-day responsible, the
// delegate, the unit's manager at level 3, 2, 1, the security officer, at last
// the controller. Never a vendor (only persons of the municipality's directory
// count; the system's owner is not asked at all, trap 1), never somebody
// involved, never the same one twice.
func Route(org *Org, q Question) Answer {
	r := &router{org: org, q: q, a: Answer{UnitID: q.UnitID}}
	if r.run() {
		return r.a
	}
	r.step("nobody-found")
	return r.a
}

func (r *router) run() bool {
	if system, ok := r.org.System(r.q.Tenant, r.q.SystemID, r.q.Now); ok {
		r.a.UnitID = system.UnitID
	}
	if r.q.PassLine {
		r.step("past-line")
		return r.officers()
	}
	if r.q.SourceID != "" {
		if source, ok := r.org.Source(r.q.Tenant, r.q.SourceID, r.q.Now); ok &&
			r.candidate(source.Responsible, "source-responsible", map[string]string{"source": source.Name}) {
			return true
		}
	}
	if r.q.SystemID != "" && r.bySystem() {
		return true
	}
	return r.line(r.a.UnitID) || r.officers()
}

func (r *router) bySystem() bool {
	system, ok := r.org.System(r.q.Tenant, r.q.SystemID, r.q.Now)
	if !ok {
		r.step("system-unknown")
		return false
	}
	return r.candidate(system.Responsible, "system-responsible", map[string]string{"system": system.Name})
}

// line walks up the organisation from the unit. Units below level 3 have no
// signing manager (R22).
func (r *router) line(unitID string) bool {
	seen := map[string]bool{}
	for unitID != "" && !seen[unitID] {
		seen[unitID] = true
		unit, ok := r.org.Unit(r.q.Tenant, unitID, r.q.Now)
		if !ok {
			r.step("unit-unknown")
			return false
		}
		if unit.Level >= 1 && unit.Level <= 3 {
			params := map[string]string{"unit": unit.Name, "level": strconv.Itoa(unit.Level)}
			if r.candidate(unit.Manager, "unit-manager", params) {
				return true
			}
		}
		unitID = unit.Parent
	}
	return false
}

// officers are the security officers of the whole tenant, then the controller.
func (r *router) officers() bool {
	persons := r.org.Persons(r.q.Tenant, r.q.Now)
	for _, role := range []string{roleSecurityOfficer, roleController} {
		found := false
		for _, p := range persons {
			if slices.ContainsFunc(p.Value.Roles, func(g topics.RoleGrant) bool { return g.Role == role && g.UnitID == "" }) {
				found = true
				if r.candidate(p.ID, role, nil) {
					return true
				}
			}
		}
		if !found {
			r.step(role + "-vacant")
		}
	}
	return false
}

// candidate takes the person, or their delegate while they are absent, and
// writes the step; false where neither can.
func (r *router) candidate(person, role string, params map[string]string) bool {
	if person == "" {
		r.stepWith(role+"-vacant", params)
		return false
	}
	who, why := r.fit(person)
	switch why {
	case "":
		r.a.Handler = person
		r.stepWith(role, params)
		return true
	case "absent":
		if _, bad := r.fit(who.Delegate); who.Delegate != "" && bad == "" {
			r.a.Handler = who.Delegate
			r.stepWith(role+"-delegate", params)
			return true
		}
	}
	if r.q.Quiet {
		why = passedOver
	}
	r.stepWith(role+"-"+why, params)
	return false
}

// passedOver is the end of the step of who is involved, and in a case with a
// reporter of everybody who was passed over.
const passedOver = "passed-over"

// fit says why the person cannot handle the case: not-employee (a vendor
// entered by mistake, or nobody known), left, passed-over (involved),
// not-acknowledged, absent.
func (r *router) fit(person string) (topics.Person, string) {
	p, ok := r.org.Person(r.q.Tenant, person, r.q.Now)
	switch {
	case !ok:
		return p, "not-employee"
	case p.Left:
		return p, "left"
	case r.q.Involved != nil && r.q.Involved(person):
		return p, passedOver
	case slices.Contains(r.q.Tried, person):
		return p, "not-acknowledged"
	case absent(p, r.q.Now):
		return p, "absent"
	default:
		return p, ""
	}
}

func absent(p topics.Person, now time.Time) bool {
	return slices.ContainsFunc(p.Absences, func(a topics.Period) bool {
		return !now.Before(a.From) && (a.To.IsZero() || now.Before(a.To))
	})
}

// CanHandle reports whether a person who has a case can keep it: still
// employed and known.
func (o *Org) CanHandle(tenant, person string, now time.Time) bool {
	p, ok := o.Person(tenant, person, now)
	return ok && !p.Left
}

func (r *router) step(slug string) { r.stepWith(slug, nil) }

func (r *router) stepWith(slug string, params map[string]string) {
	r.a.Steps = append(r.a.Steps, topics.Reason{Slug: slug, Params: params})
}
