// Package audit keeps, per tenant, one append-only log of every read of
// personal data and every change. The log is a Merkle tree over salted
// commitments; what the records say lies apart and can be erased under a
// retention rule, while the tree goes on proving that nothing was changed,
// removed, reordered or slipped in (R41; "Audit" in docs/architecture.md).
package audit

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/docstore"
	"varde.internal/schemas/topics"
)

// entry is a stored record: its content (Body, Salt and the fields it is
// searched by) until it is erased, and its place in the log once it has one.
type entry struct {
	Body     string    `json:"body,omitempty"` // compact JSON of the record, as committed to
	Salt     string    `json:"salt,omitempty"` // base64
	Received time.Time `json:"received"`
	Pending  bool      `json:"pending"` // not in the log yet
	Index    int64     `json:"index"`   // -1 while pending
	Logged   time.Time `json:"logged"`
	Leaf     string    `json:"leaf,omitempty"` // base64 of the leaf's hash
	Erased   bool      `json:"erased,omitempty"`

	Actor   string `json:"actor,omitempty"`
	Action  string `json:"action,omitempty"`
	Object  string `json:"object,omitempty"`
	CaseID  string `json:"caseId,omitempty"`
	Service string `json:"service,omitempty"`
	Phase   string `json:"phase,omitempty"`
	Intent  string `json:"intent,omitempty"`
}

// chunk is what one append added to the log: immutable, one document, so that
// an append is there whole or not at all. Its id is First, so that two
// appenders cannot both extend the same log.
type chunk struct {
	Tenant    string    `json:"tenant"` // to list the tenants that have a log
	First     int64     `json:"first"`
	Logged    time.Time `json:"logged"`
	IDs       []string  `json:"ids"`
	Leaves    string    `json:"leaves"`    // hashes, base64, one after the other
	HashStart int64     `json:"hashStart"` // place of the first of Hashes in the tree's storage (tlog.StoredHashIndex)
	Hashes    string    `json:"hashes"`    // base64, one after the other
}

// signed is a checkpoint that was given out. Its id is the size.
type signed struct {
	Size int64     `json:"size"`
	Time time.Time `json:"time"`
	Note string    `json:"note"`
}

func place(n int64) string { return fmt.Sprintf("%016d", n) }

const (
	collectionRecords     = "audit_records"
	collectionChunks      = "audit_log"
	collectionCheckpoints = "audit_checkpoints"
)

var (
	recordsDefinition = docstore.Definition{
		Name: collectionRecords, Version: 1,
		// The store notes when a document was written. Of reporters that must be
		// the hour only, and nothing here needs it of anyone.
		Clock: func() time.Time { return time.Now().UTC().Truncate(time.Hour) },
		Indexes: []docstore.Index{
			{Fields: []string{"received"}},
			{Fields: []string{"index"}},
			{Fields: []string{"actor", "received"}},
			{Fields: []string{"action", "received"}},
			{Fields: []string{"object", "received"}},
			{Fields: []string{"caseId", "received"}},
			{Fields: []string{"intent"}},
			{Fields: []string{"pending", "received"}, Where: docstore.Eq{Field: "pending", Value: true}},
		},
	}
	chunksDefinition = docstore.Definition{
		Name: collectionChunks, Version: 1,
		Clock:   recordsDefinition.Clock,
		Indexes: []docstore.Index{{Fields: []string{"tenant"}}, {Fields: []string{"first"}}, {Fields: []string{"hashStart"}}},
	}
	checkpointsDefinition = docstore.Definition{
		Name: collectionCheckpoints, Version: 1,
		Indexes: []docstore.Index{{Fields: []string{"size"}}},
	}
)

// actorReporter is the kind of an actor that is the pseudonym of a report.
const actorReporter = "reporter"

// receivedAt is the time of reception that is kept: of what a reporter does,
// the hour ("Anonymity" in docs/architecture.md), and so of every record whose
// own time is an hour: what another service did because a reporter did
// something tells no closer time either.
func receivedAt(r topics.AuditRecord, now time.Time) time.Time {
	if r.Actor.Type == actorReporter || onTheHour(r.Time) {
		return now.UTC().Truncate(time.Hour)
	}
	return now.UTC()
}

// onTheHour reports whether a time is kept by the hour.
func onTheHour(at time.Time) bool { return !at.IsZero() && at.Equal(at.Truncate(time.Hour)) }

// newEntry makes the stored form of a record that has its id and tenant.
func newEntry(r topics.AuditRecord, received time.Time) (entry, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return entry{}, err
	}
	var salt [32]byte
	_, _ = rand.Read(salt[:])
	return entry{
		Body: string(body), Salt: base64.StdEncoding.EncodeToString(salt[:]),
		Received: receivedAt(r, received), Pending: true, Index: -1,
		Actor: r.Actor.ID, Action: r.Action, Object: r.Object, CaseID: r.CaseID,
		Service: r.Service, Phase: r.Phase, Intent: r.Intent,
	}, nil
}

func (e entry) record() (r topics.AuditRecord, err error) {
	err = json.Unmarshal([]byte(e.Body), &r)
	return r, err
}

// erase removes the content and leaves what the log needs.
func (e *entry) erase() {
	*e = entry{Received: e.Received, Index: e.Index, Logged: e.Logged, Leaf: e.Leaf, Erased: true}
}

// Query selects records; empty fields select all.
type Query struct {
	From, To time.Time // of reception; To is exclusive
	Actor    string
	Action   string // ends in '.' for all actions of a noun
	Object   string
	CaseID   string
	Service  string
	Phase    string
	Intent   string
	Limit    int
	After    string
}

func (q Query) filter() docstore.Filter {
	f := docstore.And{}
	eq := func(field, value string) {
		if value != "" {
			f = append(f, docstore.Eq{Field: field, Value: value})
		}
	}
	eq("actor", q.Actor)
	eq("object", q.Object)
	eq("caseId", q.CaseID)
	eq("service", q.Service)
	eq("phase", q.Phase)
	eq("intent", q.Intent)
	if strings.HasSuffix(q.Action, ".") {
		f = append(f, docstore.Prefix{Field: "action", Value: q.Action})
	} else {
		eq("action", q.Action)
	}
	r := docstore.Range{Field: "received"}
	if !q.From.IsZero() {
		r.Gte = q.From
	}
	if !q.To.IsZero() {
		r.Lt = q.To
	}
	if r.Gte != nil || r.Lt != nil {
		f = append(f, r)
	}
	if len(f) == 0 {
		return nil
	}
	return f
}

// valid says what a record lacks; empty where it lacks nothing.
func valid(r topics.AuditRecord) string {
	switch {
	case r.ID == "":
		return "id"
	case r.Tenant == "":
		return "tenant"
	case r.Time.IsZero():
		return "time"
	case r.Action == "" && r.Phase != audit.PhaseOutcome:
		return "action"
	}
	switch r.Phase {
	case audit.PhaseIntent, audit.PhaseOutcome, audit.PhaseChange:
		return ""
	}
	return "phase"
}
