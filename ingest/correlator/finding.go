package correlator

import (
	"slices"
	"strings"

	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

const windowTrigger = "window:"

// finding makes the message of a verdict.
func (c *Core) finding(t *tenantState, v Verdict) topics.Finding {
	f := topics.Finding{
		ID: findingID(t.id, v), Tenant: t.id, Rule: v.Rule.ID, Family: v.Rule.Family, Group: v.Group,
		Severity: severity(v), Time: v.Time.UTC(), First: v.Time.UTC(), Last: v.Time.UTC(), Decided: c.now.UTC(),
		Reason: v.Reason, VendorID: v.Vendor, WindowID: v.WindowID, AgreementID: v.Agreement, Evidence: []topics.Evidence{},
	}
	if !strings.HasPrefix(v.System, hostGroup) {
		f.SystemID = v.System
	}
	if l := v.Logon; l != nil {
		if f.VendorID == "" {
			f.VendorID = l.acting()
		}
		f.Persons = slices.Clone(l.persons)
		if len(f.Persons) == 0 && l.account.PersonID != "" {
			f.Persons = []string{l.account.PersonID}
		}
		f.Accounts = []string{l.key}
	}
	for _, a := range last(v.Evidence, maxEvidence) {
		f.Evidence = append(f.Evidence, evidenceOf(a))
		f.First, f.Last = minTime(f.First, a.Time), maxTime(f.Last, a.Time)
		f.Addresses = with(f.Addresses, a.Address)
		f.Hosts = with(f.Hosts, a.Host)
	}
	return f
}

func last(list []*Attempt, n int) []*Attempt { return list[max(0, len(list)-n):] }

func with(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// severity is the rule's, or medium at most where every line came by plain UDP,
// which anyone can forge.
func severity(v Verdict) string {
	forged := len(v.Evidence) > 0
	for _, a := range v.Evidence {
		forged = forged && a.Provenance == ecs.ProvenanceUDP
	}
	if forged && (v.Rule.Severity == topics.SeverityHigh || v.Rule.Severity == topics.SeverityCritical) {
		return topics.SeverityMedium
	}
	return v.Rule.Severity
}
