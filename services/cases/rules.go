package cases

import (
	"slices"
	"strconv"
	"time"

	"varde.internal/schemas/topics"
)

// Blockers are why a case cannot be closed yet, as slugs the interface has
// sentences for.
const (
	BlockDecision       = "decision-missing"      // R8, R10
	BlockMeasures       = "measures-missing"      // none, and no reason why none
	BlockMeasureOpen    = "measure-unsettled"     // R10; count
	BlockEffect         = "effect-check-missing"  // R10
	BlockEffectFailed   = "effect-check-failed"   // the check said that they do not work
	BlockEffectOwner    = "effect-check-by-owner" // N3
	BlockOutcome        = "outcome-missing"       // the reporter is told what was done (R14)
	BlockRestored       = "restored-missing"      // R11, where the report said it still went on
	BlockNotification   = "notification-open"     // a regime's duty to notify is neither met nor ruled out
	BlockInvolved       = "closer-involved"       // N3
	BlockNotOpen        = "case-not-open"
	BlockEffectInvolved = "effect-checker-involved" // the check was made by someone who acted
)

// CurrentDecision is the newest decision since the case was last opened again.
func (c *Case) CurrentDecision() *Decision {
	for i := range slices.Backward(c.Decisions) {
		if c.sinceReopened(c.Decisions[i].At) {
			return &c.Decisions[i]
		}
	}
	return nil
}

// sinceReopened says whether something happened after the case was last opened
// again; always where it never was.
func (c *Case) sinceReopened(at time.Time) bool {
	return c.ReopenedAt.IsZero() || at.After(c.ReopenedAt)
}

// Seen says whether somebody acknowledged the case as it now is open.
func (c *Case) Seen() bool {
	return !c.AcknowledgedAt.IsZero() && c.sinceReopened(c.AcknowledgedAt)
}

// OpenMeasures are those neither done nor moved.
func (c *Case) OpenMeasures() []Measure {
	var open []Measure
	for _, m := range c.Measures {
		if m.State == MeasureOpen {
			open = append(open, m)
		}
	}
	return open
}

// effectStands says whether the check covers the measures as they now are: one
// that was changed or settled after it was not looked at.
func (c *Case) effectStands() bool {
	if c.Effect == nil {
		return false
	}
	return !slices.ContainsFunc(c.Measures, func(m Measure) bool { return m.Changed.After(c.Effect.At) })
}

// OwnsMeasure reports whether the person owns any measure of the case.
func (c *Case) OwnsMeasure(person string) bool {
	return slices.ContainsFunc(c.Measures, func(m Measure) bool { return m.Owner == person })
}

// Involved tells who may neither decide nor close (N3): the reporter and the
// persons that acted in the case. Exclusion is topics.ExclusionOf for a person
// and this case's report; nil where the case has no report.
type Involved struct {
	Exclusion func(person string) string
}

// Is reports whether the person is involved in c.
func (i Involved) Is(c *Case, person string) bool {
	if slices.Contains(c.Subjects, person) || slices.Contains(c.Named, person) {
		return true
	}
	return c.Report != nil && c.Report.Exclusion != "" && i.Exclusion != nil && i.Exclusion(person) == c.Report.Exclusion
}

// Blockers lists what stands between the case and its closing by the person.
// withOutcome is true where the closing brings an outcome text with it.
func (c *Case) Blockers(closer string, involved Involved, withOutcome bool) []topics.Reason {
	if !c.Open {
		return []topics.Reason{{Slug: BlockNotOpen}}
	}
	var found []topics.Reason
	add := func(slug string, params ...string) {
		r := topics.Reason{Slug: slug}
		for i := 0; i+1 < len(params); i += 2 {
			if r.Params == nil {
				r.Params = map[string]string{}
			}
			r.Params[params[i]] = params[i+1]
		}
		found = append(found, r)
	}
	if c.CurrentDecision() == nil {
		add(BlockDecision)
	}
	if len(c.Measures) == 0 && c.NoMeasures == "" {
		add(BlockMeasures)
	}
	if n := len(c.OpenMeasures()); n > 0 {
		add(BlockMeasureOpen, "count", strconv.Itoa(n))
	}
	switch {
	case !c.effectStands():
		add(BlockEffect)
	case !c.Effect.Effective:
		add(BlockEffectFailed)
	case c.OwnsMeasure(c.Effect.By):
		add(BlockEffectOwner)
	case Involved{}.Is(c, c.Effect.By):
		// Only who acted: that somebody reported is told to themselves alone.
		add(BlockEffectInvolved)
	}
	if c.Report != nil && c.Outcome == "" && !withOutcome {
		add(BlockOutcome)
	}
	if c.Report != nil && c.Report.Ongoing && c.RestoredAt.IsZero() {
		add(BlockRestored)
	}
	found = append(found, c.notificationsOpen()...)
	if involved.Is(c, closer) {
		add(BlockInvolved)
	}
	return found
}

// notificationsOpen are the duties to notify that bind the case and are neither
// met nor ruled out.
func (c *Case) notificationsOpen() []topics.Reason {
	var open []topics.Reason
	for _, d := range c.Deadlines {
		binding := d.Regime == RegimeDigitalSecurity || (d.Regime == RegimeGDPR && c.PersonalData == PersonalDataYes)
		if binding && d.MetAt.IsZero() {
			open = append(open, topics.Reason{Slug: BlockNotification, Params: map[string]string{"regime": d.Regime}})
		}
	}
	return open
}

// RejectBlockers lists what stands between the case and its rejection: to call
// it no deviation does not end a clock of the law that runs. One first says
// that the authority was told or need not be (MeetDeadline), or that no
// personal data was involved (Assess).
func (c *Case) RejectBlockers() []topics.Reason { return c.notificationsOpen() }

// Steps that the page offers as its one button.
const (
	StepAcknowledge = "acknowledge"
	StepDecide      = "decide"
	StepAddMeasures = "add-measures"
	StepSettle      = "settle-measures"
	StepCheckEffect = "check-effect"
	StepClose       = "close"
	StepNone        = "none"
)

// NextStep is what is to be done next with the case, whoever looks.
func (c *Case) NextStep() string {
	switch {
	case !c.Open && !c.AnsweredAfter.IsZero():
		return StepAcknowledge // of the answer
	case !c.Open:
		return StepNone
	case !c.Seen():
		return StepAcknowledge
	case c.CurrentDecision() == nil:
		return StepDecide
	case len(c.Measures) == 0 && c.NoMeasures == "":
		return StepAddMeasures
	case len(c.OpenMeasures()) > 0:
		return StepSettle
	case c.effectStands() && !c.Effect.Effective:
		return StepAddMeasures
	case !c.effectStands():
		return StepCheckEffect
	default:
		return StepClose
	}
}

// currentState follows from what was done.
func (c *Case) currentState() State {
	switch {
	case c.MergedInto != "":
		return StateMerged
	case c.Closed != nil:
		return StateClosed
	case !c.RejectedAt.IsZero():
		return StateRejected
	case c.CurrentDecision() != nil:
		if len(c.OpenMeasures()) > 0 || (len(c.Measures) == 0 && c.NoMeasures == "") || (c.effectStands() && !c.Effect.Effective) {
			return StateMeasures
		}
		return StateEffectCheck
	case c.Seen():
		return StateInProgress
	case !c.ReopenedAt.IsZero():
		return StateReopened
	case c.HandlerID != "":
		return StateAssigned
	default:
		return StateReceived
	}
}

// Whom a case waits for.
const (
	WaitReporter      = "reporter"
	WaitMeasureOwner  = "measure-owner"
	WaitEffectChecker = "effect-checker"
)

// waiting says whom the handler waits for; empty where it is the handler's turn.
func (c *Case) waiting() string {
	switch {
	case !c.Open:
		return ""
	case c.Asked:
		return WaitReporter
	case c.State == StateMeasures && len(c.OpenMeasures()) > 0 &&
		!slices.ContainsFunc(c.OpenMeasures(), func(m Measure) bool { return m.Owner == c.HandlerID }):
		return WaitMeasureOwner
	case c.State == StateEffectCheck && c.EffectChecker != "" && c.EffectChecker != c.HandlerID && !c.effectStands():
		return WaitEffectChecker
	default:
		return ""
	}
}

// Refresh recomputes what follows from the rest; every change ends with it.
func (c *Case) Refresh() {
	c.State = c.currentState()
	c.Open = c.State.Open()
	c.WaitingFor = c.waiting()
	c.DueAt, c.DueFor = c.nextDue()
	if !c.Open || c.Seen() {
		c.EscalatesAt = time.Time{}
	}
	c.Owners = c.participants()
	c.ReachUnit = c.UnitID
	if c.PassLine {
		// About the manager: no one in the line of command reaches it (N1).
		c.ReachUnit = ""
	}
}

// reopen makes a closed or rejected case open again. What was decided, checked
// and left without measures before no longer counts, and our own clocks start
// anew; those of the law go on as they were.
func (c *Case) reopen(s Settings, now time.Time) {
	c.Closed, c.RejectedAt = nil, time.Time{}
	c.ReopenedAt, c.AnsweredAfter = now, time.Time{}
	c.Effect, c.NoMeasures = nil, ""
	c.Deadlines = slices.DeleteFunc(c.Deadlines, func(d Deadline) bool {
		return d.Regime == RegimeAcknowledge || d.Regime == RegimeInternal
	})
	c.startOwn(s, now)
}
