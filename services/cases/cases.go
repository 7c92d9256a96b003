// Package cases handles deviations: what people report and what the correlator
// finds becomes one case each, goes to the one manager who is responsible, and
// is closed with proof (R8–R14). This file, rules.go, deadlines.go, incident.go
// and routing.go are the domain: pure, without clock, store or network.
package cases

import (
	"encoding/json"
	"slices"
	"time"

	"varde.internal/schemas/topics"
)

// State of a case; computed from what was done, never set by hand.
type State string

// The states. Merged is a case whose findings belong to an earlier one.
const (
	StateReceived    State = "received"
	StateAssigned    State = "assigned"
	StateInProgress  State = "in-progress"
	StateMeasures    State = "measures"
	StateEffectCheck State = "effect-check"
	StateClosed      State = "closed"
	StateRejected    State = "rejected"
	StateReopened    State = "reopened"
	StateMerged      State = "merged"
)

// Open reports whether a case in this state still asks for work.
func (s State) Open() bool {
	return s != StateClosed && s != StateRejected && s != StateMerged
}

// Where a case comes from.
const (
	SourceReport  = "report"
	SourceFinding = "finding"
	SourceManual  = "manual" // by hand
)

// Kinds of a case (R3).
const (
	KindEvent    = "event"
	KindBreach   = "breach"
	KindWeakness = "weakness"
)

// Whether personal data is involved; possible and yes start the clock of GDPR Art. 33.
const (
	PersonalDataUnknown  = "unknown"
	PersonalDataNo       = "no"
	PersonalDataPossible = "possible"
	PersonalDataYes      = "yes"
)

// Case is one deviation from receipt to closing. Lists in it are written by
// people and stay short; what grows (findings, evidence, dialogue, history) is
// documents of their own.
type Case struct {
	Number   string            `json:"number"`
	Source   string            `json:"source"`
	Kind     string            `json:"kind"`
	Category string            `json:"category,omitempty"`
	Family   string            `json:"family,omitempty"`
	Group    map[string]string `json:"group,omitempty"`
	GroupID  string            `json:"groupId,omitempty"` // of the incident group
	Title    topics.Reason     `json:"title"`
	Summary  string            `json:"summary,omitempty"`
	Words    []string          `json:"words,omitempty"` // folded, for search
	Severity string            `json:"severity"`
	Rank     int               `json:"rank"` // of Severity, to sort by
	// SeverityGiven: a person set the severity. FoundRank is what the findings
	// said last; nil in cases stored before it was kept, and before the first.
	SeverityGiven bool `json:"severityGiven,omitempty"`
	FoundRank     *int `json:"foundRank,omitempty"`

	SystemID string   `json:"systemId,omitempty"`
	UnitID   string   `json:"unitId,omitempty"`
	VendorID string   `json:"vendorId,omitempty"`
	PassLine bool     `json:"passLine,omitempty"`
	Subjects []string `json:"subjects,omitempty"` // persons who acted in it (N3)
	// Named are persons that a handler recorded as involved; kept apart from
	// Subjects, which is computed from the findings again and again.
	Named  []string `json:"named,omitempty"`
	Report *Report  `json:"report,omitempty"`
	Manual *Manual  `json:"manual,omitempty"`
	Files  []File   `json:"files,omitempty"` // attached by those who handle it

	HandlerID      string    `json:"handlerId,omitempty"`
	EffectChecker  string    `json:"effectChecker,omitempty"` // asked to check
	Routing        Routing   `json:"routing"`
	AcknowledgedAt time.Time `json:"acknowledgedAt,omitzero"`
	AcknowledgedBy string    `json:"acknowledgedBy,omitempty"`
	EscalatesAt    time.Time `json:"escalatesAt,omitzero"`

	PersonalData string       `json:"personalData"`
	Deadlines    []Deadline   `json:"deadlines"`
	Decisions    []Decision   `json:"decisions,omitempty"`
	Measures     []Measure    `json:"measures,omitempty"`
	NoMeasures   string       `json:"noMeasures,omitempty"`
	Effect       *EffectCheck `json:"effect,omitempty"`
	RestoredAt   time.Time    `json:"restoredAt,omitzero"`
	Outcome      string       `json:"outcome,omitempty"`
	Closed       *Closed      `json:"closed,omitempty"`
	RejectedAt   time.Time    `json:"rejectedAt,omitzero"`
	ReopenedAt   time.Time    `json:"reopenedAt,omitzero"`
	MergedInto   string       `json:"mergedInto,omitempty"`
	Absorbed     []string     `json:"absorbed,omitempty"` // cases whose work was taken over
	Related      []string     `json:"related,omitempty"`  // links of cases stored before links had a kind
	Links        []Link       `json:"links,omitempty"`    // made by hand, from this case to others
	Asked        bool         `json:"asked,omitempty"`    // a question to the reporter is open
	// AnsweredAfter is when the reporter wrote to a case that was closed or
	// rejected, until somebody takes it in: it lies in its handler's queue.
	AnsweredAfter time.Time `json:"answeredAfter,omitzero"`
	Heard         []string  `json:"heard,omitempty"` // ids of the last messages and pins that were taken in
	// Messages is how many places of the dialogue were given out; Places are the last ones.
	Messages int     `json:"messages,omitempty"`
	Places   []Place `json:"places,omitempty"`

	// Of the findings, recomputed whenever one of them changes (see attach.go).
	FindingCount int       `json:"findingCount,omitempty"`
	ActiveCount  int       `json:"activeCount,omitempty"` // not withdrawn
	First        time.Time `json:"first,omitzero"`
	Last         time.Time `json:"last,omitzero"`
	FindingsRev  int       `json:"findingsRev,omitempty"`

	Created time.Time `json:"created"`
	Changed time.Time `json:"changed"`

	// Kept for filters and lists; Refresh computes them.
	State      State     `json:"state"`
	Open       bool      `json:"open"`
	DueAt      time.Time `json:"dueAt,omitzero"`
	DueFor     string    `json:"dueFor,omitempty"`
	WaitingFor string    `json:"waitingFor,omitempty"`
	Owners     []string  `json:"owners,omitempty"`    // who takes part, for lists; who handles is handlers()
	ReachUnit  string    `json:"reachUnit,omitempty"` // unit whose managers reach the case

	// Sequence numbers the case's messages and history. Journal holds the
	// history entries that may not be documents of their own yet.
	Sequence int     `json:"sequence"`
	Journal  []Entry `json:"journal,omitempty"`
}

// Report is the reported side of a case. It never holds who reported.
type Report struct {
	ID          string              `json:"id"`
	FormType    string              `json:"formType"`
	FormVersion int                 `json:"formVersion"`
	Answers     json.RawMessage     `json:"answers"`
	Anonymous   bool                `json:"anonymous,omitempty"`
	Exclusion   string              `json:"exclusion,omitempty"` // topics.ExclusionOf
	Ongoing     bool                `json:"ongoing,omitempty"`
	Occurred    time.Time           `json:"occurred,omitzero"`
	Submitted   time.Time           `json:"submitted"`
	Attachments []topics.Attachment `json:"attachments,omitempty"`
}

// Manual is what a case by hand was made of. Who told of it is not kept: a
// caller is no reporter whose part in a case must be known (N3), and may have
// asked not to be named.
type Manual struct {
	What     string    `json:"what"`
	Channel  string    `json:"channel"`
	By       string    `json:"by"`
	Occurred time.Time `json:"occurred,omitzero"`
}

// File is evidence that a handler attached, kept as it came.
type File struct {
	topics.Attachment

	By    string    `json:"by"`
	Added time.Time `json:"added"`
}

// Routing explains why the case is where it is.
type Routing struct {
	Steps       []topics.Reason `json:"steps"`
	Tried       []string        `json:"tried,omitempty"` // persons it was with before
	Escalations int             `json:"escalations,omitempty"`
}

// Sentence is the step that decided, for the page's one sentence.
func (r Routing) Sentence() topics.Reason {
	if len(r.Steps) == 0 {
		return topics.Reason{}
	}
	return r.Steps[len(r.Steps)-1]
}

// Decision kinds. The last three are for findings about a vendor's or an
// account's login.
const (
	DecideMeasures          = "measures"
	DecideAcceptRisk        = "accept-risk"
	DecideNoAction          = "no-action"
	DecideApproveAfterwards = "approve-afterwards"
	DecideMisuse            = "misuse"
	DecideRegisterError     = "register-error"
)

// Decision is what the responsible manager decided, and why (R8, R12, R13).
type Decision struct {
	ID           string    `json:"id"`
	Kind         string    `json:"kind"`
	Reason       string    `json:"reason"`
	Consequences []string  `json:"consequences,omitempty"` // reaction, police-report, change-control
	By           string    `json:"by"`
	At           time.Time `json:"at"`
	Late         bool      `json:"late,omitempty"` // approved past the emergency limit
}

// Measure kinds (R9) and states.
const (
	MeasurePreventive = "preventive"
	MeasureCorrective = "corrective"

	MeasureOpen  = "open"
	MeasureDone  = "done"
	MeasureMoved = "moved"
)

// Measure is something to be done by somebody before a time.
type Measure struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Text      string    `json:"text"`
	Owner     string    `json:"owner"`
	Due       time.Time `json:"due"`
	State     string    `json:"state"`
	Reason    string    `json:"reason,omitempty"` // of a moved one: where to and why
	SettledAt time.Time `json:"settledAt,omitzero"`
	SettledBy string    `json:"settledBy,omitempty"`
	Proposal  string    `json:"proposal,omitempty"` // the reporter's message that proposed it (R14)
	Changed   time.Time `json:"changed"`
}

// EffectCheck says whether the measures work (R10).
type EffectCheck struct {
	Effective bool      `json:"effective"`
	Note      string    `json:"note"`
	By        string    `json:"by"`
	At        time.Time `json:"at"`
}

// Closed is who closed the case, when, and what it came to.
type Closed struct {
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Summary string    `json:"summary"`
}

// Entry of a case's history. By is a person id; empty for the system.
type Entry struct {
	ID       string            `json:"id"`
	CaseID   string            `json:"caseId"`
	Sequence int               `json:"sequence"`
	At       time.Time         `json:"at"`
	By       string            `json:"by,omitempty"`
	Action   string            `json:"action"`
	Params   map[string]string `json:"params,omitempty"`
	Text     string            `json:"text,omitempty"`
}

var severities = []string{topics.SeverityLow, topics.SeverityMedium, topics.SeverityHigh, topics.SeverityCritical}

// SeverityRank orders severities; an unknown one counts as low.
func SeverityRank(severity string) int {
	return max(0, slices.Index(severities, severity))
}

// HigherSeverity returns the graver of two (risk is the maximum, R50).
func HigherSeverity(a, b string) string {
	if SeverityRank(b) > SeverityRank(a) {
		return b
	}
	return severities[SeverityRank(a)]
}

// SetSeverity sets severity and its rank together.
func (c *Case) SetSeverity(severity string) {
	c.Rank = SeverityRank(severity)
	c.Severity = severities[c.Rank]
}

// found takes in how grave the findings are, and says whether the case became
// graver by it. What a person set stands (R8): only a finding graver than all
// that lay there when they set it raises it, and none lowers it.
func (c *Case) found(rank int) (rose bool) {
	graver := c.FoundRank != nil && rank > *c.FoundRank
	c.FoundRank = &rank
	if c.SeverityGiven && !(graver && rank > c.Rank) {
		return false
	}
	rose = rank > c.Rank
	c.SetSeverity(severities[rank])
	return rose
}

// Explained reports whether every finding of the case was withdrawn again.
func (c *Case) Explained() bool { return c.FindingCount > 0 && c.ActiveCount == 0 }

// Measure returns the measure with the id.
func (c *Case) Measure(id string) (*Measure, bool) {
	for i := range c.Measures {
		if c.Measures[i].ID == id {
			return &c.Measures[i], true
		}
	}
	return nil, false
}

// Place is a message's in the dialogue.
type Place struct {
	ID       string `json:"id"`
	Sequence int    `json:"sequence"`
}

// place gives a message its number in the dialogue: the one it has, or the next.
func (c *Case) place(messageID string) int {
	for _, p := range c.Places {
		if p.ID == messageID {
			return p.Sequence
		}
	}
	c.Messages++
	c.Places = append(c.Places, Place{messageID, c.Messages})
	if len(c.Places) > maxHeard {
		c.Places = slices.Clone(c.Places[len(c.Places)-maxHeard:])
	}
	return c.Messages
}

// anonymous reports whether somebody reported the case without saying who.
func (c *Case) anonymous() bool { return c.Report != nil && c.Report.Anonymous }

// maxHeard bounds the list that makes a repeated message or pin harmless.
const maxHeard = 100

// hear reports whether the case did not take in this id before, and notes it.
func (c *Case) hear(key string) bool {
	if slices.Contains(c.Heard, key) {
		return false
	}
	c.Heard = append(c.Heard, key)
	if len(c.Heard) > maxHeard {
		c.Heard = slices.Clone(c.Heard[len(c.Heard)-maxHeard:])
	}
	return true
}
