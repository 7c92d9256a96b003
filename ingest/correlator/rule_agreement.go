package correlator

import (
	"slices"
	"time"

	"varde.internal/schemas/topics"
)

// vendorAgreement is C6: a window opened, or used, without a valid agreement.
// One finding per window; opening and uses are joined in it.
type vendorAgreement struct{}

func (vendorAgreement) Meta() Meta {
	return Meta{ID: "C6", Family: topics.FamilyVendorAccess, Severity: topics.SeverityHigh}
}

// breach is one moment at which the window stood open without an agreement.
type breach struct {
	at      time.Time
	system  string
	verdict topics.AgreementVerdict
	use     *windowUse // nil: the opening
}

func (r vendorAgreement) JudgeWindow(v *view, h topics.History[topics.AccessWindow], uses []windowUse, now time.Time, p Params) (Verdict, bool) {
	var found []breach
	if opens, w, ok := v.opening(h); ok && !opens.After(now) {
		for _, s := range slices.Sorted(slices.Values(w.Systems)) {
			if a := v.agreement(w.VendorID, s, opens); !a.State.Valid() {
				found = append(found, breach{at: opens, system: s, verdict: a})
			}
		}
	}
	var evidence []*Attempt
	for i, u := range uses {
		a := v.agreement(u.acting(), u.system, u.Time)
		if a.State.Valid() {
			continue
		}
		found = append(found, breach{at: u.Time, system: u.system, verdict: a, use: &uses[i]})
		if len(evidence) < maxEvidence {
			evidence = append(evidence, u.Attempt)
		}
	}
	if len(found) == 0 {
		return Verdict{}, false
	}
	slices.SortStableFunc(found, func(a, b breach) int { return a.at.Compare(b.at) })
	return r.verdict(v, h, found, evidence, p), true
}

func (r vendorAgreement) verdict(v *view, h topics.History[topics.AccessWindow], found []breach, evidence []*Attempt, p Params) Verdict {
	b := found[0]
	t, _ := h.Last()
	params := map[string]string{
		"vendor": v.vendorName(t.Value.VendorID, b.at), "vendorId": t.Value.VendorID,
		"system": v.systemName(b.system, b.at), "systemId": b.system,
		"time": stamp(b.at), "windowId": h.ID, "how": "opened",
	}
	if b.use != nil {
		params["how"] = "used"
	}
	if !b.verdict.Ended.IsZero() {
		params["agreementEnded"] = stamp(b.verdict.Ended)
	}
	if !b.verdict.Begins.IsZero() {
		params["agreementBegins"] = stamp(b.verdict.Begins)
	}
	verdict := Verdict{
		Rule: r.Meta(), Group: vendorGroup(t.Value.VendorID, b.system), Trigger: windowTrigger + h.ID, Time: b.at,
		Reason:   topics.Reason{Slug: "agreement-" + string(b.verdict.State), Params: params},
		Evidence: evidence, Vendor: t.Value.VendorID, System: b.system, WindowID: h.ID, Agreement: b.verdict.ID,
	}
	for _, f := range found {
		if f.use != nil {
			verdict.Logon = f.use.logon
			// A session that the agreement still let in, and that goes on: said with
			// the logon, because of itself it makes no finding (session.go).
			if since, ok := v.outlivedBy(f.use.logon, f.use.system, f.use.past, p); ok {
				params["why"], params["sessionSince"] = verdict.Reason.Slug, stamp(since)
				verdict.Reason.Slug = "agreement-outlived"
			}
			break
		}
	}
	return verdict
}

// opening is when a window with a fixed slot opened: the start of its slot, or
// its approval. One with a duration opens with its first use.
func (v *view) opening(h topics.History[topics.AccessWindow]) (time.Time, topics.AccessWindow, bool) {
	for _, t := range h.Versions {
		w := v.genuine(t.Value)
		opens, ok := w.Opens()
		if t.Deleted || !ok || w.Duration > 0 {
			continue
		}
		if holds, ok := h.At(maxTime(opens, t.ValidFrom)); ok && holds.RecordedAt.Equal(t.RecordedAt) {
			return opens, w, true
		}
	}
	return time.Time{}, topics.AccessWindow{}, false
}
