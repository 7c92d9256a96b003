package cases

import (
	"context"
	"time"

	"varde.internal/platform/docstore"
	"varde.internal/schemas/topics"
)

// Evidence is a log line that a case rests on, a document of its own with its
// hash: it stays as it was when the index has long dropped the event.
type Evidence struct {
	CaseID   string          `json:"caseId"`
	Line     topics.Evidence `json:"line"`
	Source   string          `json:"source"` // finding, pinned
	Findings []string        `json:"findings,omitempty"`
	Note     string          `json:"note,omitempty"`
	Search   *SearchContext  `json:"search,omitempty"`
	By       string          `json:"by,omitempty"`
	Added    time.Time       `json:"added"`
}

// Where evidence comes from.
const (
	EvidenceOfFinding = "finding"
	EvidencePinned    = "pinned"
)

// SearchContext is the search in which an event was found.
type SearchContext struct {
	Query    string    `json:"query,omitempty"`
	From     time.Time `json:"from,omitzero"`
	To       time.Time `json:"to,omitzero"`
	SearchID string    `json:"searchId,omitempty"`
}

// Message of the dialogue with the reporter. By is set on a handler's own.
// Sequence orders them; those stored before there was one come first, by
// Received, which of an anonymous reporter is the hour.
type Message struct {
	CaseID   string    `json:"caseId"`
	Sequence int       `json:"sequence"`
	From     string    `json:"from"` // reporter, handler
	By       string    `json:"by,omitempty"`
	Kind     string    `json:"kind"` // message, question, measure-proposal
	Text     string    `json:"text"`
	Sent     time.Time `json:"sent"`
	Received time.Time `json:"received"`
}

// Who writes in the dialogue, and what.
const (
	FromReporter = "reporter"
	FromHandler  = "handler"

	MessagePlain    = "message"
	MessageQuestion = "question"
	MessageProposal = "measure-proposal"
)

// Counter gives out case numbers of one tenant and year. Recent remembers who
// got which, so that a case created again after a crash keeps its number.
type Counter struct {
	Last   int      `json:"last"`
	Recent []Issued `json:"recent"`
}

// Issued is a number that a case was given.
type Issued struct {
	CaseID string `json:"caseId"`
	Number int    `json:"number"`
}

const recentNumbers = 500

// Next gives the case its number: the one it has, or the next.
func (c *Counter) Next(caseID string) int {
	for _, r := range c.Recent {
		if r.CaseID == caseID {
			return r.Number
		}
	}
	c.Last++
	c.Recent = append(c.Recent, Issued{caseID, c.Last})
	if len(c.Recent) > recentNumbers {
		c.Recent = c.Recent[len(c.Recent)-recentNumbers:]
	}
	return c.Last
}

// Names of the collections. Those in outboxes publish.
const (
	collCases    = "cases"
	collGroups   = "case_incident_groups"
	collFindings = "case_findings"
	collEvidence = "case_evidence"
	collMessages = "case_messages"
	collHistory  = "case_history"
	collCounters = "case_counters"
)

var outboxes = []string{collCases, collEvidence, collMessages}

type stores struct {
	cases    docstore.Collection[Case]
	groups   docstore.Collection[IncidentGroup]
	findings docstore.Collection[StoredFinding]
	evidence docstore.Collection[Evidence]
	messages docstore.Collection[Message]
	history  docstore.Collection[Entry]
	counters docstore.Collection[Counter]
}

// open declares a collection. The store notes when a document was written: of
// these the hour, because an anonymous reporter's acts write some of them.
func open[T any](ctx context.Context, store docstore.Store, clock func() time.Time, into *docstore.Collection[T], name string, indexes ...docstore.Index) error {
	c, err := docstore.Open[T](ctx, store, docstore.Definition{
		Name: name, Version: 1, Indexes: indexes, Clock: func() time.Time { return theHour(clock()) },
	})
	if err == nil {
		*into = c
	}
	return err
}

func on(fields ...string) docstore.Index { return docstore.Index{Fields: fields} }

// openStores declares the collections.
func openStores(ctx context.Context, store docstore.Store, clock func() time.Time) (*stores, error) {
	s := &stores{}
	steps := []func() error{
		func() error {
			return open(ctx, store, clock, &s.cases, collCases,
				docstore.Index{Fields: []string{"number"}, Unique: true},
				on("open", "handlerId"), on("owners"), on("reachUnit"), on("words"),
				docstore.Index{Fields: []string{"escalatesAt"}, Where: docstore.Eq{Field: "open", Value: true}},
				on("dueAt"), on("created"))
		},
		func() error { return open(ctx, store, clock, &s.groups, collGroups) },
		func() error { return open(ctx, store, clock, &s.findings, collFindings, on("caseId", "withdrawn")) },
		func() error { return open(ctx, store, clock, &s.evidence, collEvidence, on("caseId", "line.time")) },
		func() error {
			return open(ctx, store, clock, &s.messages, collMessages, on("caseId", "sequence", "received"))
		},
		func() error { return open(ctx, store, clock, &s.history, collHistory, on("caseId", "sequence")) },
		func() error { return open(ctx, store, clock, &s.counters, collCounters) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return s, nil
}
