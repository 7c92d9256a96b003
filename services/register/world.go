package register

import (
	"context"
	"slices"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// world is the tenant's register at one moment: what entities are judged
// against each other by.
type world struct {
	tenant     tenant.ID
	moment     Moment
	facts      map[string][]topics.Fact
	people     *People
	vendors    map[string]string // id → name
	systems    map[string]topics.System
	agreements []topics.History[topics.Agreement]
	windows    []view[topics.AccessWindow]
}

func (s *Service) world(ctx context.Context, m Moment) (*world, error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return nil, err
	}
	w := &world{tenant: t, moment: m, people: s.people, facts: map[string][]topics.Fact{}, vendors: map[string]string{}, systems: map[string]topics.System{}}
	for _, kind := range []string{topics.KindVendor, topics.KindAgreement, topics.KindVendorPerson, topics.KindSystem, topics.KindAccount, topics.KindSource, topics.KindAccessWindow} {
		if w.facts[kind], err = s.facts(ctx, kind); err != nil {
			return nil, err
		}
	}
	for _, f := range w.facts[topics.KindVendor] {
		if v, ok, err := viewOf[topics.Vendor](f, m, true); err != nil {
			return nil, err
		} else if ok {
			w.vendors[f.ID] = v.version.Value.Name
		}
	}
	for _, f := range w.facts[topics.KindSystem] {
		if v, ok, err := viewOf[topics.System](f, m, true); err != nil {
			return nil, err
		} else if ok {
			w.systems[f.ID] = v.version.Value
		}
	}
	for _, f := range w.facts[topics.KindAgreement] {
		h, err := topics.HistoryOf[topics.Agreement](f)
		if err != nil {
			return nil, err
		}
		w.agreements = append(w.agreements, h)
	}
	for _, f := range w.facts[topics.KindAccessWindow] {
		if v, ok, err := viewOf[topics.AccessWindow](f, m, false); err != nil {
			return nil, err
		} else if ok {
			w.windows = append(w.windows, v)
		}
	}
	return w, nil
}

func (w *world) isVendor(id string) bool { _, ok := w.vendors[id]; return ok }

// vendorState is how the vendor stands with agreements at all: of several the
// best counts.
func (w *world) vendorState(vendorID string) string {
	best, rank := string(topics.AgreementMissing), len(stateOrder)
	for _, h := range w.agreements {
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
		state := string(topics.JudgeAgreements(w.agreements, v.VendorID, system, at).State)
		if r := slices.Index(stateOrder, state); r > rank {
			worst, rank = state, r
		}
	}
	return worst
}

// answerable are the people who decide about a system: its owner, the
// day-to-day responsible, and whoever they named as delegate. A vendor is
// never one of them, even where it is named as owner (trap 1).
func (w *world) answerable(v topics.System) []string {
	var all []string
	for _, who := range []string{v.Owner, v.Responsible} {
		if who == "" || w.isVendor(who) || w.people.left(w.tenant, who) {
			continue
		}
		all = append(all, who)
		if d := w.people.delegate(w.tenant, who); d != "" && !w.isVendor(d) {
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
		system, ok := w.systems[id]
		if !ok || !slices.Contains(w.answerable(system), p.Subject) {
			return false
		}
	}
	return true
}
