package cases

import (
	"time"

	"varde.internal/schemas/topics"
)

// Regimes that a deadline can belong to (trap 5).
const (
	RegimeAcknowledge     = "acknowledge"        // ours: somebody has seen it
	RegimeInternal        = "internal"           // ours: handled and closed
	RegimeGDPR            = "gdpr"               // Art. 33: 72 h from awareness
	RegimeDigitalSecurity = "digital-security"   // the digital-security act: 24 h
	RegimeEmergency       = "emergency-approval" // approval afterwards still explains a vendor login
)

// Deadline of a case under a regime, with the clock that runs.
type Deadline struct {
	Regime   string        `json:"regime"`
	StartsAt time.Time     `json:"startsAt"`
	DueAt    time.Time     `json:"dueAt"`
	Basis    topics.Reason `json:"basis"`
	MetAt    time.Time     `json:"metAt,omitzero"`
	Result   string        `json:"result,omitempty"` // notified, not-required
	Note     string        `json:"note,omitempty"`
}

// Overdue reports whether the deadline passed unmet, or was met too late.
func (d Deadline) Overdue(now time.Time) bool {
	if d.MetAt.IsZero() {
		return now.After(d.DueAt)
	}
	return d.MetAt.After(d.DueAt)
}

// Settings are the numbers of case handling. The sources name none of them
// (their pages on it are missing): these are ours, per severity where graver
// cases are faster.
type Settings struct {
	Acknowledge     map[string]time.Duration // severity → until it escalates
	Internal        map[string]time.Duration // severity → until closed
	GDPR            time.Duration
	DigitalSecurity time.Duration
	Emergency       time.Duration // from the first logon
	QuietPeriod     time.Duration // event time between two incidents
}

// DefaultSettings are what a tenant gets that sets nothing.
func DefaultSettings() Settings {
	day := 24 * time.Hour
	return Settings{
		Acknowledge: map[string]time.Duration{
			topics.SeverityCritical: time.Hour, topics.SeverityHigh: 4 * time.Hour,
			topics.SeverityMedium: day, topics.SeverityLow: 3 * day,
		},
		Internal: map[string]time.Duration{
			topics.SeverityCritical: 3 * day, topics.SeverityHigh: 7 * day,
			topics.SeverityMedium: 14 * day, topics.SeverityLow: 30 * day,
		},
		GDPR: 72 * time.Hour, DigitalSecurity: day, Emergency: day, QuietPeriod: 30 * time.Minute,
	}
}

// Deadline returns the case's deadline under the regime.
func (c *Case) Deadline(regime string) (*Deadline, bool) {
	for i := range c.Deadlines {
		if c.Deadlines[i].Regime == regime {
			return &c.Deadlines[i], true
		}
	}
	return nil, false
}

// SetDeadline sets or moves the deadline of a regime, unless it was met.
func (c *Case) SetDeadline(d Deadline) {
	if old, ok := c.Deadline(d.Regime); ok {
		if old.MetAt.IsZero() {
			*old = d
		}
		return
	}
	c.Deadlines = append(c.Deadlines, d)
}

// dropDeadline takes a deadline away that was not met, because its ground fell away.
func (c *Case) dropDeadline(regime string) {
	kept := c.Deadlines[:0]
	for _, d := range c.Deadlines {
		if d.Regime != regime || !d.MetAt.IsZero() {
			kept = append(kept, d)
		}
	}
	c.Deadlines = kept
}

// startDeadlines sets the clocks that follow from the case as it is received.
// A severity that rises later tightens them (tighten).
func (c *Case) startDeadlines(s Settings, received time.Time) {
	c.startOwn(s, received)
	c.startGDPR(s, received)
}

// startOwn starts the clocks that are ours and not a law's.
func (c *Case) startOwn(s Settings, received time.Time) {
	basis := func(slug string) topics.Reason {
		return topics.Reason{Slug: slug, Params: map[string]string{"severity": c.Severity}}
	}
	c.SetDeadline(Deadline{Regime: RegimeAcknowledge, StartsAt: received, DueAt: received.Add(s.Acknowledge[c.Severity]), Basis: basis("acknowledge-by-severity")})
	c.SetDeadline(Deadline{Regime: RegimeInternal, StartsAt: received, DueAt: received.Add(s.Internal[c.Severity]), Basis: basis("handling-by-severity")})
	c.EscalatesAt = received.Add(s.Acknowledge[c.Severity])
}

// startGDPR starts the 72 hours where personal data may be involved, counted
// from awareness, and takes them away where it is ruled out.
func (c *Case) startGDPR(s Settings, aware time.Time) {
	switch c.PersonalData {
	case PersonalDataPossible, PersonalDataYes:
		if old, ok := c.Deadline(RegimeGDPR); ok && old.StartsAt.Before(aware) {
			aware = old.StartsAt // an earlier awareness is not taken back
		}
		c.SetDeadline(Deadline{Regime: RegimeGDPR, StartsAt: aware, DueAt: aware.Add(s.GDPR),
			Basis: topics.Reason{Slug: "gdpr-art-33", Params: map[string]string{"personalData": c.PersonalData}}})
	default:
		c.dropDeadline(RegimeGDPR)
	}
}

// tighten shortens the clocks after the severity rose.
func (c *Case) tighten(s Settings) {
	for regime, length := range map[string]time.Duration{RegimeAcknowledge: s.Acknowledge[c.Severity], RegimeInternal: s.Internal[c.Severity]} {
		d, ok := c.Deadline(regime)
		if !ok || !d.MetAt.IsZero() {
			continue
		}
		if due := d.StartsAt.Add(length); due.Before(d.DueAt) {
			d.DueAt = due
			d.Basis.Params = map[string]string{"severity": c.Severity}
			if regime == RegimeAcknowledge && !c.Seen() && due.Before(c.EscalatesAt) {
				c.EscalatesAt = due
			}
		}
	}
}

// startEmergency sets the limit within which an approval afterwards explains a
// vendor's login: from the first logon, whenever the case was made.
func (c *Case) startEmergency(s Settings) {
	if c.Family != topics.FamilyVendorAccess || c.First.IsZero() {
		return
	}
	c.SetDeadline(Deadline{Regime: RegimeEmergency, StartsAt: c.First, DueAt: c.First.Add(s.Emergency), Basis: topics.Reason{Slug: "emergency-approval"}})
}

// meet marks a regime's deadline as met.
func (c *Case) meet(regime string, at time.Time) {
	if d, ok := c.Deadline(regime); ok && d.MetAt.IsZero() {
		d.MetAt = at
	}
}

// nextDue is the earliest deadline that still asks for work. The emergency
// limit is a chance, not a duty, so it is not among them.
func (c *Case) nextDue() (time.Time, string) {
	var due time.Time
	var regime string
	if !c.Open {
		return due, regime
	}
	consider := func(at time.Time, name string) {
		if due.IsZero() || at.Before(due) {
			due, regime = at, name
		}
	}
	for _, d := range c.Deadlines {
		if d.MetAt.IsZero() && d.Regime != RegimeEmergency {
			consider(d.DueAt, d.Regime)
		}
	}
	for _, m := range c.OpenMeasures() {
		consider(m.Due, "measure")
	}
	return due, regime
}

// Sections of the queue, in its order.
const (
	SectionNew      = "new"
	SectionOverdue  = "overdue"
	SectionWaiting  = "waiting"
	SectionThisWeek = "this-week"
	SectionLater    = "later"
)

// Sections in the order of the queue.
var Sections = []string{SectionNew, SectionOverdue, SectionWaiting, SectionThisWeek, SectionLater}

// undecided are the states in which the first thing to do is to look and decide.
var undecided = []State{StateReceived, StateAssigned, StateInProgress, StateReopened}

// Section says where in the queue an open case lies. What is overdue is shown
// as that, new or not; what waits for others is not new.
func (c *Case) Section(now time.Time) string {
	switch {
	case !c.DueAt.IsZero() && c.DueAt.Before(now):
		return SectionOverdue
	case c.WaitingFor != "":
		return SectionWaiting
	case c.State != StateMeasures && c.State != StateEffectCheck:
		return SectionNew
	case !c.DueAt.IsZero() && c.DueAt.Before(now.Add(7*24*time.Hour)):
		return SectionThisWeek
	default:
		return SectionLater
	}
}
