package correlator

import (
	"cmp"
	"errors"
	"time"

	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// Meta is what a rule is called and how its findings are grouped.
type Meta struct {
	ID       string // C4; also the Rule of its findings
	Family   string // a Family constant of schemas/topics
	Severity string // least severity of its findings; plain UDP alone caps it
}

// Rule is one control. What else it implements says at which stage it judges:
// StatelessRule, SequenceRule, LogonRule or WindowRule. A rule does no I/O,
// reads no clock, and gives the same verdicts for the same events and register
// in whatever order they came.
type Rule interface {
	Meta() Meta
}

// StatelessRule judges every event alone.
type StatelessRule interface {
	Rule
	Match(e *ecs.Event, p Params) []Verdict
}

// SequenceRule judges the attempts on one account in their order (stateful
// stage). Only attempts at or before one may decide whether it triggers, so that
// a late one changes nothing before it.
type SequenceRule interface {
	Rule
	// Reach is how far back from an attempt Triggers looks.
	Reach(p Params) time.Duration
	// Triggers reports whether the i-th of the stretch triggers, and the evidence.
	Triggers(g *segment, i int, p Params) (evidence []*packed, ok bool)
	// Wait is how long a trigger waits for something that prevents it.
	Wait(p Params) time.Duration
	// Prevented reports whether something prevents the trigger at the i-th.
	Prevented(g *segment, i int, p Params) (by *packed, ok bool)
	// Verdict makes the finding of a trigger.
	Verdict(l *logon, evidence []*Attempt, v *view) Verdict
}

// LogonRule judges one logon by the register as it was valid at its time
// (register stage), and by the logons before it.
type LogonRule interface {
	Rule
	Judge(c *judgement) []Verdict
}

// WindowRule judges one access window: its opening and its uses.
type WindowRule interface {
	Rule
	JudgeWindow(v *view, h topics.History[topics.AccessWindow], uses []windowUse, now time.Time, p Params) (Verdict, bool)
}

// windowUse is a logon that a window let in, on one of its systems.
type windowUse struct {
	*logon
	system string
	past   *lookback // what came before and is kept
}

// Verdict is what a rule decided; the core makes a finding of it.
type Verdict struct {
	Rule    Meta
	Group   map[string]string
	Trigger string // event (or window) id that makes the finding's id
	Time    time.Time
	Reason  topics.Reason
	// Explained is set where it would be a finding, but for what came after: an
	// approval within the limit.
	Explained *topics.Reason
	Evidence  []*Attempt
	Logon     *logon // who, where
	Vendor    string // where it is not the logon's own
	System    string
	WindowID  string
	Agreement string
}

// judgement is one logon with all that rules ask about it.
type judgement struct {
	*logon
	view   *view
	past   *lookback
	params Params
	cover  coverage // of the vendor's windows; for a vendor's logon, or one in an ordinary account from a vendor
}

// acting is the vendor whose logon it is: by the account, or by who is behind
// it in an ordinary account.
func (l *logon) acting() string {
	if l.vendor != "" {
		return l.vendor
	}
	if l.ordinary {
		return l.behind
	}
	return ""
}

// Rules of this version, in the order of the requirements.
func Rules() []Rule {
	return []Rule{guessing{}, vendorWindow{}, foreignAccount{}, vendorAgreement{}, accessList{}, lifeCycle{}}
}

// Params are the numbers of "How the detections decide"; a tenant can have its own.
type Params struct {
	FailedLogons   int           `json:"failedLogons" yaml:"failedLogons"`     // C1, and failed logons of C4 and C8
	FailedWithin   time.Duration `json:"failedWithin" yaml:"failedWithin"`     // last minus first, inclusive
	LockWithin     time.Duration `json:"lockWithin" yaml:"lockWithin"`         // of the last of them, before or after
	SameAttempt    time.Duration `json:"sameAttempt" yaml:"sameAttempt"`       // endpoint and directory
	EmergencyLimit time.Duration `json:"emergencyLimit" yaml:"emergencyLimit"` // approval afterwards, from the first logon
	Lateness       time.Duration `json:"lateness" yaml:"lateness"`             // events out of order
	OutlivedAfter  time.Duration `json:"outlivedAfter" yaml:"outlivedAfter"`   // a session past the end of its window
}

// DefaultParams are the defaults of the requirements.
func DefaultParams() Params {
	return Params{
		FailedLogons: 5, FailedWithin: 10 * time.Minute, LockWithin: time.Minute, SameAttempt: 2 * time.Second,
		EmergencyLimit: 24 * time.Hour, Lateness: 5 * time.Minute, OutlivedAfter: 5 * time.Minute,
	}
}

// Validate reports numbers that make no sense.
func (p Params) Validate() error {
	var errs []error
	if p.FailedLogons < 2 || p.FailedLogons > 100 {
		errs = append(errs, errors.New("failedLogons must be 2 to 100"))
	}
	if p.FailedWithin <= 0 || p.FailedWithin > time.Hour || p.Lateness < 0 || p.Lateness > time.Hour {
		errs = append(errs, errors.New("failedWithin and lateness must be at most an hour, which is what is replayed after a restart"))
	}
	if p.LockWithin < 0 || p.LockWithin > 10*time.Minute || p.SameAttempt < 0 || p.SameAttempt > time.Minute || p.EmergencyLimit < 0 || p.OutlivedAfter < 0 {
		errs = append(errs, errors.New("lockWithin, sameAttempt, emergencyLimit or outlivedAfter is out of range"))
	}
	return errors.Join(errs...)
}

// or fills the zero fields of p from d.
func (p Params) or(d Params) Params {
	return Params{
		FailedLogons: cmp.Or(p.FailedLogons, d.FailedLogons), FailedWithin: cmp.Or(p.FailedWithin, d.FailedWithin),
		LockWithin: cmp.Or(p.LockWithin, d.LockWithin), SameAttempt: cmp.Or(p.SameAttempt, d.SameAttempt),
		EmergencyLimit: cmp.Or(p.EmergencyLimit, d.EmergencyLimit), Lateness: cmp.Or(p.Lateness, d.Lateness),
		OutlivedAfter: cmp.Or(p.OutlivedAfter, d.OutlivedAfter),
	}
}
