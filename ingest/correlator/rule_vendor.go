package correlator

import (
	"cmp"
	"strconv"
	"time"

	"varde.internal/schemas/topics"
)

// vendorWindow is C4: a vendor logs in outside every approved access window.
type vendorWindow struct{}

func (vendorWindow) Meta() Meta {
	return Meta{ID: "C4", Family: topics.FamilyVendorAccess, Severity: topics.SeverityHigh}
}

func (r vendorWindow) Judge(c *judgement) []Verdict {
	if c.vendor == "" || c.cover.plain() || (c.cover.covered && !c.Success) {
		return nil
	}
	verdict := Verdict{
		Rule: r.Meta(), Group: vendorGroup(c.vendor, c.cover.system), Trigger: c.EventID, Time: c.Time,
		Evidence: []*Attempt{c.Attempt}, Logon: c.logon, System: c.cover.system,
		WindowID: cmp.Or(c.cover.windowID, c.cover.whyID),
		Reason:   topics.Reason{Slug: c.cover.why, Params: c.windowParams()},
	}
	if !c.Success {
		// Failed logons are observations until there are as many as C1 asks for.
		evidence, ok := c.past.failures(c, outsideList(c.vendor, c.cover.system))
		if !ok {
			return nil
		}
		verdict.Evidence = evidence
		verdict.Reason.Slug = "failed-outside-window"
		verdict.Reason.Params["failed"] = strconv.Itoa(sum(evidence))
		verdict.Reason.Params["why"] = c.cover.why
		return []Verdict{verdict}
	}
	if since, ok := c.outlivedBefore(); ok {
		verdict.Reason.Slug = "outlived-window"
		verdict.Reason.Params["why"], verdict.Reason.Params["sessionSince"] = c.cover.why, stamp(since)
	}
	verdict.Explained = c.cover.explanation(c.Time)
	return []Verdict{verdict}
}

// windowParams fill the sentence: who, where, when, and the windows around it.
func (c *judgement) windowParams() map[string]string {
	params := c.sentence(c.view, c.cover.system)
	if !c.cover.lastEnded.IsZero() {
		params["lastWindowEnded"] = stamp(c.cover.lastEnded)
	}
	if !c.cover.next.IsZero() {
		params["nextWindowBegins"] = stamp(c.cover.next)
	}
	if !c.cover.tooLate.IsZero() {
		params["approvedTooLate"] = stamp(c.cover.tooLate)
	}
	if c.cover.whyID != "" {
		params["windowId"] = c.cover.whyID
	}
	params["agreement"] = string(c.view.agreement(c.acting(), c.cover.system, c.Time).State)
	return params
}

// foreignAccount is C5: one of a vendor's people, or a vendor's source, in an
// ordinary user account without permission. An approved window that covers the
// logon, or an access list that names the account, is the permission.
type foreignAccount struct{}

func (foreignAccount) Meta() Meta {
	return Meta{ID: "C5", Family: topics.FamilyForeignAccount, Severity: topics.SeverityHigh}
}

func (r foreignAccount) Judge(c *judgement) []Verdict {
	if !c.ordinary || c.behind == "" || !c.Success || c.cover.plain() {
		return nil
	}
	slug := "vendor-source-in-user-account"
	if len(c.persons) > 0 && c.certain != "account" {
		slug = "vendor-person-in-user-account"
	}
	verdict := Verdict{
		Rule: r.Meta(), Group: map[string]string{"account": c.key}, Trigger: c.EventID, Time: c.Time,
		Evidence: []*Attempt{c.Attempt}, Logon: c.logon, Vendor: c.behind, System: c.cover.system, WindowID: c.cover.windowID,
		Reason: topics.Reason{Slug: slug, Params: c.windowParams()},
	}
	verdict.Reason.Params["shownBy"] = c.certain
	if slug == "vendor-source-in-user-account" {
		verdict.Reason.Params["shownBy"] = "address"
	}
	verdict.Explained = c.cover.explanation(c.Time)
	return []Verdict{verdict}
}

// accessList is C7: the person behind a vendor's logon is not on the vendor's
// access list, or certificate, address and account point to different people.
type accessList struct{}

func (accessList) Meta() Meta {
	return Meta{ID: "C7", Family: topics.FamilyVendorAccess, Severity: topics.SeverityHigh}
}

func (r accessList) Judge(c *judgement) []Verdict {
	if c.vendor == "" || !c.Success || (!c.conflict && !c.unlisted) {
		return nil
	}
	reason := topics.Reason{Slug: "not-on-access-list", Params: c.sentence(c.view, c.cover.system)}
	reason.Params["shownBy"] = c.evidence7
	if c.conflict {
		reason.Slug = "person-conflict"
		reason.Params["shownBy"] = c.certain
	}
	return []Verdict{{
		Rule: r.Meta(), Group: vendorGroup(c.vendor, c.cover.system), Trigger: c.EventID, Time: c.Time, Reason: reason,
		Evidence: []*Attempt{c.Attempt}, Logon: c.logon, System: c.cover.system, WindowID: c.cover.windowID,
	}}
}

func vendorGroup(vendor, system string) map[string]string {
	return map[string]string{"vendor": vendor, "system": system}
}

// sentence gives what every sentence about a logon needs. No person is named in them.
func (l *logon) sentence(v *view, system string) map[string]string {
	params := map[string]string{"time": stamp(l.Time), "system": v.systemName(system, l.Time), "systemId": system}
	if vendor := l.acting(); vendor != "" {
		params["vendor"], params["vendorId"] = v.vendorName(vendor, l.Time), vendor
	}
	return params
}

// stamp is a moment in a parameter: RFC 3339 in UTC, which the interface shows
// as a Norwegian time.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func sum(list []*Attempt) (n int) {
	for _, a := range list {
		n += a.repeats()
	}
	return n
}
