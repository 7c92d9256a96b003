package register

import (
	"context"
	"slices"

	"varde.internal/platform/auth"
	"varde.internal/platform/problem"
	"varde.internal/schemas/topics"
)

var errNotYours = problem.Forbidden("not-yours-to-change", "This part of the register belongs to others.")

// reach is how far a caller may write in a world's register. A system belongs
// to its unit and to those who answer for it; everything else belongs to the
// systems that it concerns.
type reach struct {
	w *world
	p auth.Principal
}

// everything says whether the caller may write the whole tenant's register.
func (r reach) everything() bool {
	return auth.Allow(r.p, auth.ActionRegisterWrite, auth.Object{Tenant: r.w.tenant})
}

// system says whether the caller may write the system. Its administrator edits
// it as an owner does (R18), but decides nothing: see answerable.
func (r reach) system(v topics.System, administrator bool) bool {
	if r.everything() {
		return true
	}
	owners := r.w.answerable(v)
	if administrator && r.w.answers(v.Administrator) {
		owners = append(owners, v.Administrator)
	}
	return auth.Allow(r.p, auth.ActionRegisterWrite, auth.Object{Tenant: r.w.tenant, Unit: v.UnitID, Owners: owners})
}

// systems says whether the caller may write what concerns all of these; none
// named is every system of the tenant.
func (r reach) systems(ids []string) bool {
	if r.everything() {
		return true
	}
	if len(ids) == 0 {
		return false
	}
	for _, id := range ids {
		v, ok := r.w.systems()[id]
		if !ok || !r.system(v.version.Value, true) {
			return false
		}
	}
	return true
}

// vendor says whether the caller may write what concerns the vendor: one of
// their systems lists it.
func (r reach) vendor(id string) bool {
	if r.everything() {
		return true
	}
	for _, v := range r.w.systems() {
		if !v.ended && slices.Contains(v.version.Value.Vendors, id) && r.system(v.version.Value, true) {
			return true
		}
	}
	return false
}

// newVendor says whether the caller may add a vendor, which no system lists
// yet: it takes the register of a unit at least, not only one's own systems.
func (r reach) newVendor() bool {
	units, ok := auth.Reach(r.p, auth.ActionRegisterWrite)
	return ok && (units.Tenant || len(units.Units) > 0)
}

// allowed checks that the caller may write this very entity; entity is empty
// for a new one. Windows are checked where they are approved.
func allowed[D, T any](ctx context.Context, s *Service, k kindOf[D, T], entity string, v T) error {
	t, p, err := caller(ctx)
	if err != nil {
		return err
	}
	may := false
	if k.mine == nil {
		may = auth.Allow(p, k.action, auth.Object{Tenant: t})
	} else {
		w, err := s.world(ctx, Moment{At: s.clock()})
		if err != nil {
			return err
		}
		if may = k.mine(reach{w, p}, entity, v); w.err != nil {
			return w.err
		}
	}
	if !may {
		return errNotYours
	}
	return nil
}

// handover checks a system whose owner or responsible changes: who only
// administers it cannot make anybody, themselves least of all, the one who
// decides about it.
func (s *Service) handover(ctx context.Context, before, after topics.System) error {
	if before.Owner == after.Owner && before.Responsible == after.Responsible {
		return nil
	}
	_, p, err := caller(ctx)
	if err != nil {
		return err
	}
	w, err := s.world(ctx, Moment{At: s.clock()})
	if err != nil {
		return err
	}
	may := reach{w, p}.system(before, false)
	if w.err != nil {
		return w.err
	}
	if !may {
		return errNotYours
	}
	return nil
}
