package auth

import (
	"slices"
	"time"

	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
)

// Object is what an action is done to. Tenant is always needed; an object of
// no tenant is nobody's. Unit is where it belongs; Owners are the persons it
// is "own" to: reporter, responsible, assignee, system owner and their
// delegates, as the service that has the object knows them.
type Object struct {
	Tenant tenant.ID
	Unit   string
	Owners []string
}

// Allow says whether p may do a to o: the policy table's scope for each of p's
// grants, and the object's tenant, unit and owners.
func Allow(p Principal, a Action, o Object) bool {
	if o.Tenant == "" {
		return false
	}
	if p.Service {
		return p.Tenant == o.Tenant && slices.Contains(servicePolicy[p.Subject], a)
	}
	if reaches(everyone[a], Grant{}, p, o) {
		return true
	}
	for _, g := range p.Grants {
		if reaches(policy[g.Role][a], g, p, o) {
			return true
		}
	}
	return false
}

// reaches says whether grant g of p, which has scope s for the action, covers o.
func reaches(s Scope, g Grant, p Principal, o Object) bool {
	if s == ScopeNone {
		return false
	}
	if s == ScopeRegion {
		return true
	}
	if p.Tenant == "" || p.Tenant != o.Tenant {
		return false
	}
	if slices.Contains(o.Owners, p.Subject) {
		return true
	}
	switch s {
	case ScopeTenant:
		return true
	case ScopeUnit:
		if g.Unit == "" {
			return true
		}
		return o.Unit != "" && (o.Unit == g.Unit || slices.Contains(g.Reach, o.Unit))
	default:
		return false
	}
}

// MayEver says whether p may do a to anything at all: the coarse check before
// a handler runs. Where it is true the use case still asks Allow.
func MayEver(p Principal, a Action) bool {
	return WidestScope(p, a) != ScopeNone
}

// WidestScope is how far p reaches with a at best; ScopeTenant for a service.
func WidestScope(p Principal, a Action) Scope {
	if p.Service {
		if slices.Contains(servicePolicy[p.Subject], a) {
			return ScopeTenant
		}
		return ScopeNone
	}
	widest := everyone[a]
	for _, g := range p.Grants {
		widest = max(widest, policy[g.Role][a])
	}
	return widest
}

// ReachOf is where p may do a, for the filter of a list: the whole tenant, or
// only these units, and own things in any case. ok is false where p may never.
type ReachOf struct {
	Tenant bool
	Units  []string
}

// Reach collects how far p's grants carry a, so that a list can be filtered in
// the store instead of afterwards. ok is false where p may never do a; with ok
// and neither Tenant nor Units, only p's own things are left.
func Reach(p Principal, a Action) (r ReachOf, ok bool) {
	if !MayEver(p, a) {
		return r, false
	}
	if p.Service {
		return ReachOf{Tenant: true}, true
	}
	for _, g := range p.Grants {
		switch policy[g.Role][a] {
		case ScopeTenant, ScopeRegion:
			r.Tenant = true
		case ScopeUnit:
			if g.Unit == "" {
				r.Tenant = true
				continue
			}
			r.Units = append(append(r.Units, g.Unit), g.Reach...)
		}
	}
	slices.Sort(r.Units)
	r.Units = slices.Compact(r.Units)
	return r, true
}

// Permission is an action one may do somewhere, with the widest scope.
type Permission struct {
	Action Action
	Scope  Scope
}

// Permissions lists all that p may do, ordered by action.
func Permissions(p Principal) []Permission {
	var all []Permission
	for _, a := range Actions() {
		if s := WidestScope(p, a); s != ScopeNone {
			all = append(all, Permission{a, s})
		}
	}
	return all
}

// String is the word for s in contracts: own, unit, tenant, region, none.
func (s Scope) String() string {
	switch s {
	case ScopeOwn:
		return "own"
	case ScopeUnit:
		return "unit"
	case ScopeTenant:
		return "tenant"
	case ScopeRegion:
		return "region"
	default:
		return "none"
	}
}

// Actions lists every action of the policy, sorted.
func Actions() []Action {
	seen := map[Action]bool{}
	for a := range everyone {
		seen[a] = true
	}
	for _, row := range policy {
		for a := range row {
			seen[a] = true
		}
	}
	for _, as := range servicePolicy {
		for _, a := range as {
			seen[a] = true
		}
	}
	all := make([]Action, 0, len(seen))
	for a := range seen {
		all = append(all, a)
	}
	slices.Sort(all)
	return all
}

// Roles lists the roles a person can have, sorted.
func Roles() []Role {
	all := make([]Role, 0, len(policy))
	for r := range policy {
		all = append(all, r)
	}
	slices.Sort(all)
	return all
}

// Services lists the parts of Varde that may hold a service token, sorted.
func Services() []string {
	all := make([]string, 0, len(servicePolicy))
	for s := range servicePolicy {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// ErrStepUp asks for the second factor (or the password) again; its parameter
// "action" names for what.
var ErrStepUp = problem.New(problem.KindStepUp, "step-up-required", "Prove who you are once more to do this.")

// RequireStepUp returns ErrStepUp unless p proved themselves again for exactly
// this action, in this session, at most maxAge before now.
func RequireStepUp(now time.Time, p Principal, a Action, maxAge time.Duration) error {
	if p.Service || p.Session == "" || p.StepUp.IsZero() || p.StepUpOf != string(a) ||
		now.Sub(p.StepUp) > maxAge || p.StepUp.After(now.Add(leeway)) {
		return ErrStepUp.With("action", string(a))
	}
	return nil
}
