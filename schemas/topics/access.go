package topics

import (
	"slices"
	"time"
)

// What a vendor may do is judged in two places: the register refuses to approve
// what must not be opened, and the correlator says what was. Both use this file,
// so that they cannot disagree.

// AgreementState says how an agreement stands for a vendor and a system at a moment.
type AgreementState string

// The states. Valid and MissingAnnexes are valid; the latter is shown as a
// weakness (R61, C6).
const (
	AgreementValid          AgreementState = "valid"
	AgreementMissingAnnexes AgreementState = "missing-annexes"
	AgreementUnsigned       AgreementState = "unsigned"
	AgreementExpired        AgreementState = "expired"
	AgreementNotYetValid    AgreementState = "not-yet-valid"
	AgreementMissing        AgreementState = "missing"
)

// Valid reports whether the state lets a window be opened.
func (s AgreementState) Valid() bool { return s == AgreementValid || s == AgreementMissingAnnexes }

// rank orders the states by how much they say, best first.
func (s AgreementState) rank() int {
	return slices.Index([]AgreementState{AgreementValid, AgreementMissingAnnexes, AgreementUnsigned, AgreementExpired, AgreementNotYetValid, AgreementMissing}, s)
}

// Annexes are the four of R61, in their order.
var Annexes = []string{AnnexSecurityDescription, AnnexVulnerabilityAnalysis, AnnexPersonalData, AnnexConfigurationMap}

// ChecklistPoints are what R29 asks of an agreement, in its order.
var ChecklistPoints = []string{
	"deviation-handling", "access-control", "logging", "confidentiality",
	"audits", "physical-measures", "routine-documentation", "personnel-lists",
}

// AgreementVerdict is the agreement that says most about a vendor and a system.
type AgreementVerdict struct {
	State AgreementState
	ID    string
	Value Agreement
	// Ended is when an expired one ended, Begins when a coming one begins.
	Ended, Begins time.Time
}

// Missing returns the members of all that have lacks.
func Missing(all, have []string) []string {
	var missing []string
	for _, a := range all {
		if !slices.Contains(have, a) {
			missing = append(missing, a)
		}
	}
	return missing
}

// Covers reports whether the agreement is with the vendor and about the system.
// An empty list of systems covers all; an empty systemID (a system that the
// register does not know) only by such a list.
func (a Agreement) Covers(vendorID, systemID string) bool {
	return a.VendorID == vendorID && (len(a.Systems) == 0 || slices.Contains(a.Systems, systemID))
}

// JudgeAgreements finds how the vendor's agreement for the system stands at the
// moment: of several the best one counts.
func JudgeAgreements(all []History[Agreement], vendorID, systemID string, at time.Time) AgreementVerdict {
	best := AgreementVerdict{State: AgreementMissing}
	for _, h := range all {
		v, ok := judgeAgreement(h, vendorID, systemID, at)
		if !ok {
			continue
		}
		better := v.State.rank() - best.State.rank()
		if better < 0 || (better == 0 && (v.Ended.After(best.Ended) || (v.Ended.Equal(best.Ended) && v.ID < best.ID))) {
			best = v
		}
	}
	return best
}

func judgeAgreement(h History[Agreement], vendorID, systemID string, at time.Time) (AgreementVerdict, bool) {
	if v, ok := h.At(at); ok {
		verdict := AgreementVerdict{State: AgreementValid, ID: h.ID, Value: v.Value}
		switch {
		case !v.Value.Signed:
			verdict.State = AgreementUnsigned
		case len(Missing(Annexes, v.Value.Annexes)) > 0:
			verdict.State = AgreementMissingAnnexes
		}
		return verdict, v.Value.Covers(vendorID, systemID)
	}
	if v, end, ok := h.Ended(at); ok && v.Value.Covers(vendorID, systemID) {
		return AgreementVerdict{State: AgreementExpired, ID: h.ID, Value: v.Value, Ended: end}, true
	}
	if v, start, ok := h.Begins(at); ok && v.Value.Covers(vendorID, systemID) {
		return AgreementVerdict{State: AgreementNotYetValid, ID: h.ID, Value: v.Value, Begins: start}, true
	}
	return AgreementVerdict{}, false
}

// Opens is the first moment at which the window can be used: the start of its
// slot, or its approval where that came later. ok is false where it never can
// (not approved, or revoked before).
func (w AccessWindow) Opens() (at time.Time, ok bool) {
	at = w.From
	if w.ApprovedAt.After(at) {
		at = w.ApprovedAt
	}
	if w.ApprovedAt.IsZero() || !at.Before(w.To) || (!w.RevokedAt.IsZero() && !at.Before(w.RevokedAt)) {
		return time.Time{}, false
	}
	return at, true
}

// Ends is when the window ends, exclusive: the end of the slot, or with a
// Duration that long after first use (the end of the slot while it is not
// used), or its revocation where that came earlier.
func (w AccessWindow) Ends(firstUse time.Time) time.Time {
	end := w.To
	if w.Duration > 0 && !firstUse.IsZero() {
		end = firstUse.Add(w.Duration)
	}
	if !w.RevokedAt.IsZero() && w.RevokedAt.Before(end) {
		end = w.RevokedAt
	}
	return end
}

// InSlot reports whether moment lies in From–To, half-open, whatever was approved.
func (w AccessWindow) InSlot(moment time.Time) bool {
	return !moment.Before(w.From) && moment.Before(w.To)
}

// On reports whether the window is for the vendor and the system.
func (w AccessWindow) On(vendorID, systemID string) bool {
	return w.VendorID == vendorID && slices.Contains(w.Systems, systemID)
}

// Admits reports whether the window is for the person: an empty list is for all
// on the access list.
func (w AccessWindow) Admits(personID string) bool {
	return len(w.Persons) == 0 || slices.Contains(w.Persons, personID)
}

// Counts reports whether moment lies in the time the window may be used, given
// its first use (zero: none before moment). It looks at this version alone.
func (w AccessWindow) Counts(moment, firstUse time.Time) bool {
	opens, ok := w.Opens()
	if !ok || moment.Before(opens) {
		return false
	}
	if w.Duration > 0 && firstUse.IsZero() {
		firstUse = moment // this would be the first use, if it lies in the slot
		if !w.InSlot(moment) {
			return false
		}
	}
	return moment.Before(w.Ends(firstUse))
}
