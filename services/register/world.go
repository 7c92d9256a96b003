package register

import (
	"context"
	"slices"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// world is the tenant's register at one moment, as far as a request asks for
// it: what entities are judged against each other by. A kind is read from the
// store when it is first needed. For one request, so not for concurrent use.
//
// A read that fails is kept in err, which whoever made the world looks at
// before the answer leaves; until then nobody is let through.
type world struct {
	ctx    context.Context // of the request that the world is made for
	s      *Service
	tenant tenant.ID
	moment Moment
	people *People
	err    error

	facts      map[string][]topics.Fact
	vendorName map[string]string
	system     map[string]view[topics.System]
	outsider   map[string]bool
	agreement  []topics.History[topics.Agreement]
	window     map[string][]view[topics.AccessWindow] // by vendor
}

func (s *Service) world(ctx context.Context, m Moment) (*world, error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return nil, err
	}
	return &world{ctx: ctx, s: s, tenant: t, moment: m, people: s.people, facts: map[string][]topics.Fact{}}, nil
}

// of gives the facts of a kind.
func (w *world) of(kind string) []topics.Fact {
	if all, ok := w.facts[kind]; ok || w.err != nil {
		return all
	}
	all, err := w.s.facts(w.ctx, kind)
	if err != nil {
		w.err = err
		return nil
	}
	w.facts[kind] = all
	return all
}

// see gives the entities of a kind as they are at the world's moment.
func see[T any](w *world, kind string, ended bool, each func(id string, v view[T])) {
	for _, f := range w.of(kind) {
		v, ok, err := viewOf[T](f, w.moment, ended)
		if err != nil {
			w.err = err
			return
		}
		if ok {
			each(f.ID, v)
		}
	}
}

// vendors are the names of the vendors by id, also of those that ended.
func (w *world) vendors() map[string]string {
	if w.vendorName == nil {
		w.vendorName = map[string]string{}
		see(w, topics.KindVendor, true, func(id string, v view[topics.Vendor]) { w.vendorName[id] = v.version.Value.Name })
	}
	return w.vendorName
}

// systems are the systems by id, also those that ended.
func (w *world) systems() map[string]view[topics.System] {
	if w.system == nil {
		w.system = map[string]view[topics.System]{}
		see(w, topics.KindSystem, true, func(id string, v view[topics.System]) { w.system[id] = v })
	}
	return w.system
}

func (w *world) agreements() []topics.History[topics.Agreement] {
	if w.agreement == nil {
		all := w.of(topics.KindAgreement)
		w.agreement = make([]topics.History[topics.Agreement], 0, len(all))
		for _, f := range all {
			h, err := topics.HistoryOf[topics.Agreement](f)
			if err != nil {
				w.err = err
				break
			}
			w.agreement = append(w.agreement, h)
		}
	}
	return w.agreement
}

// windowsOf are the vendor's access windows.
func (w *world) windowsOf(vendorID string) []view[topics.AccessWindow] {
	if w.window == nil {
		w.window = map[string][]view[topics.AccessWindow]{}
		see(w, topics.KindAccessWindow, false, func(_ string, v view[topics.AccessWindow]) {
			vendor := v.version.Value.VendorID
			w.window[vendor] = append(w.window[vendor], v)
		})
	}
	return w.window[vendorID]
}

// isVendor says whether the id is a vendor's or that of somebody who is, or
// ever was, on an access list (trap 1).
func (w *world) isVendor(id string) bool {
	if w.outsider == nil {
		w.outsider = map[string]bool{}
		for _, kind := range []string{topics.KindVendor, topics.KindVendorPerson} {
			for _, f := range w.of(kind) {
				w.outsider[f.ID] = true
			}
		}
	}
	return w.outsider[id]
}

// vendorState is how the vendor stands with agreements at all: of several the
// best counts.
func (w *world) vendorState(vendorID string) string {
	best, rank := string(topics.AgreementMissing), len(stateOrder)
	for _, h := range w.agreements() {
		v, ok := h.Last()
		if !ok || v.Value.VendorID != vendorID {
			continue
		}
		state := agreementState(h, w.moment.At)
		if r := slices.Index(stateOrder, state); r >= 0 && r < rank {
			best, rank = state, r
		}
	}
	return best
}

// stateOrder is from the best state to the worst.
var stateOrder = []string{"valid", "expiring", "missing-annexes", "unsigned", "not-yet-valid", "expired", "missing"}

// worstAgreement is the state of the agreement for the system of the window
// that is covered worst, at a moment.
func (w *world) worstAgreement(v topics.AccessWindow, at time.Time) string {
	worst, rank := string(topics.AgreementValid), 0
	for _, system := range v.Systems {
		state := string(topics.JudgeAgreements(w.agreements(), v.VendorID, system, at).State)
		if r := slices.Index(stateOrder, state); r > rank {
			worst, rank = state, r
		}
	}
	return worst
}

// answers says whether the id is somebody who can answer for a system: one of
// the municipality's people, and no vendor's.
func (w *world) answers(id string) bool {
	return id != "" && w.people.employed(w.tenant, id, w.moment) && !w.isVendor(id) && w.err == nil
}

// answerable are the people who decide about a system: its owner, the
// day-to-day responsible, and whoever acts for them. A vendor, or one of its
// people, is never one of them, even where it is named as owner (trap 1).
func (w *world) answerable(v topics.System) []string {
	var all []string
	for _, who := range []string{v.Owner, v.Responsible} {
		if !w.answers(who) {
			continue
		}
		all = append(all, who)
		if d := w.people.delegate(w.tenant, who, w.moment); w.answers(d) {
			all = append(all, d)
		}
	}
	return all
}

// mayApprove says whether p answers for every system of the window.
func (w *world) mayApprove(p auth.Principal, v topics.AccessWindow) bool {
	if p.Service || len(v.Systems) == 0 || !auth.MayEver(p, auth.ActionWindowApprove) {
		return false
	}
	for _, id := range v.Systems {
		system, ok := w.systems()[id]
		if !ok || !slices.Contains(w.answerable(system.version.Value), p.Subject) {
			return false
		}
	}
	return w.err == nil
}
