// Package reparse keeps the lines that could not become events (dead letters),
// and reads lines again after a parser, a mapping or a source was mended: dead
// letters one by one, by group or source, and the kept raw lines of whole days.
//
// What is read again has the id it always had and goes the way of every event,
// over the topic "events": the index puts it in the old one's place, the
// archive keeps it too, the correlator judges it as a late line (ADR 0014).
// Whatever is killed in between, the same again changes nothing more.
package reparse

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"

	"varde.internal/ingest/parse"
)

// Letter is a dead letter as it is kept; its id is the letter's.
type Letter struct {
	Group    string    `json:"group"` // see groupID
	Source   string    `json:"source"`
	Stage    string    `json:"stage"`
	Reason   string    `json:"reason"`
	Detail   string    `json:"detail,omitempty"`
	Received time.Time `json:"received"`
	Size     int       `json:"size"`   // of the line, in bytes
	Sealed   []byte    `json:"sealed"` // the line, encrypted
	// Tried is when a replay failed last.
	Tried time.Time `json:"tried,omitzero"`
	// How the line came: see topics.DeadLetter.
	Provenance string    `json:"provenance,omitempty"`
	Live       bool      `json:"live,omitempty"`
	Path       string    `json:"path,omitempty"`
	Offset     int64     `json:"offset,omitempty"`
	Reference  time.Time `json:"reference,omitzero"`
	Document   bool      `json:"document,omitempty"`
}

func letterOf(l topics.DeadLetter, group string) Letter {
	return Letter{Group: group, Source: l.Source, Stage: l.Stage, Reason: l.Reason, Detail: l.Detail, Received: l.Received, Size: len(l.Raw),
		Provenance: l.Provenance, Live: l.Live, Path: l.Path, Offset: l.Offset, Reference: l.Reference, Document: l.Document}
}

// Group is the letters of one source with one reason.
type Group struct {
	Source string    `json:"source"`
	Stage  string    `json:"stage"`
	Reason string    `json:"reason"`
	Count  int       `json:"count"`   // how many came
	Lost   int       `json:"dropped"` // how many of them were not kept
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Shape  string    `json:"shape,omitempty"` // of the latest
	// Through has how far each partition of the topic was counted.
	Through map[string]int64 `json:"through,omitempty"`
}

func groupID(source, stage, reason string) string {
	return id.Of("dead-letters", source, stage, reason)
}

// take counts a letter of the topic once; kept says whether it lies here.
func (g *Group) take(l topics.DeadLetter, partition int, offset int64, kept bool) {
	at := strconv.Itoa(partition)
	if through, ok := g.Through[at]; ok && offset <= through {
		return
	}
	if g.Through == nil {
		g.Through = map[string]int64{}
	}
	g.Through[at] = offset
	g.add(l.Received, kept)
	g.Shape = shape(l.Raw)
}

func (g *Group) add(received time.Time, kept bool) {
	g.Count++
	if !kept {
		g.Lost++
	}
	if g.First.IsZero() || received.Before(g.First) {
		g.First = received
	}
	if received.After(g.Last) {
		g.Last = received
	}
}

// shapeRunes is how much of a line its shape shows.
const shapeRunes = 200

// shape is what a line looks like without what it says: letters become x,
// digits 9. It shows what is wrong with a line, and no name, address or number.
func shape(raw []byte) string {
	var b strings.Builder
	for n := 0; n < shapeRunes && len(raw) > 0; n++ {
		r, size := utf8.DecodeRune(raw)
		raw = raw[size:]
		switch {
		case r == utf8.RuneError && size < 2, unicode.IsControl(r):
			b.WriteRune('·')
		case unicode.IsDigit(r):
			b.WriteRune('9')
		case unicode.IsUpper(r):
			b.WriteRune('X')
		case unicode.IsLetter(r), unicode.IsMark(r):
			b.WriteRune('x')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Kinds of jobs.
const (
	KindReplay  = "replay"
	KindDiscard = "discard"
	KindReparse = "reparse"
)

// States of a job.
const (
	StateWaiting   = "waiting"
	StateRunning   = "running"
	StateDone      = "done"
	StateCancelled = "cancelled"
	StateFailed    = "failed"
)

// Asked is what a job is to do. Of Group, Letter and Source a replay and a
// discard have exactly one; the others are of reading again.
type Asked struct {
	Kind     string    `json:"kind"`
	Group    string    `json:"group,omitempty"`
	Letter   string    `json:"letter,omitempty"`
	Source   string    `json:"source,omitempty"`
	From     time.Time `json:"from,omitzero"` // of the events' times
	To       time.Time `json:"to,omitzero"`   // exclusive
	Unparsed bool      `json:"unparsed,omitempty"`
	DryRun   bool      `json:"dryRun,omitempty"`
}

// longest is how many days one job reads again.
const longest = 366 * 24 * time.Hour

func (a Asked) validate() error {
	if a.Kind == KindReparse {
		switch {
		case a.Group != "" || a.Letter != "":
			return problem.Invalid("Reading days again is of a source, or of all.", problem.Field{Pointer: "/group", Slug: "not-allowed", Detail: "This is for dead letters."})
		case a.From.IsZero() || !a.From.Before(a.To):
			return problem.Invalid("The range ends before it begins.", problem.Field{Pointer: "/to", Slug: "before-from", Detail: "This must be later than from."})
		case a.To.Sub(a.From) > longest:
			return problem.Invalid("The range is too long.", problem.Field{Pointer: "/to", Slug: "too-large", Detail: "At most 366 days can be read at once."})
		}
		return nil
	}
	named := 0
	for _, s := range []string{a.Group, a.Letter, a.Source} {
		if s != "" {
			named++
		}
	}
	if named != 1 || a.DryRun || a.Unparsed || !a.From.IsZero() || !a.To.IsZero() {
		return problem.Invalid("Say which letters: one, a group, or those of a source.", problem.Field{Pointer: "/group", Slug: "missing", Detail: "Exactly one of group, letter and source is needed."})
	}
	return nil
}

// Job is something that is asked for and done in steps. A job that is killed
// goes on where it noted that it was.
type Job struct {
	Asked
	Actor   topics.Actor `json:"actor"`
	State   string       `json:"state"`
	Active  bool         `json:"active,omitempty"` // waiting or running: one of a tenant is
	Cancel  bool         `json:"cancel,omitempty"` // is to stop after its step
	Created time.Time    `json:"created"`
	Started time.Time    `json:"started,omitzero"`
	Ended   time.Time    `json:"ended,omitzero"`
	Problem string       `json:"problem,omitempty"` // why it failed: a slug
	Total   int          `json:"total"`
	Progress
	// Examples are ids of events that a dry run would change.
	Examples []string `json:"examples,omitempty"`
}

// Progress is how far a job has come.
type Progress struct {
	Done      int            `json:"done"`
	Changed   int            `json:"changed"`
	Unchanged int            `json:"unchanged"`
	Failed    int            `json:"failed"`
	Reasons   map[string]int `json:"reasons,omitempty"` // why those failed
	// At is the last event that was read, ID with it; or the last letter.
	At   time.Time `json:"at,omitzero"`
	AtID string    `json:"atId,omitempty"`
}

// fail counts one that stays as it is.
func (p *Progress) fail(reason string) {
	p.Done++
	p.Failed++
	if p.Reasons == nil {
		p.Reasons = map[string]int{}
	}
	p.Reasons[reason]++
}

// past says whether an event lies at or before the place that was noted.
func (p *Progress) past(e *ecs.Event) bool {
	if p.At.IsZero() || e.Timestamp.After(p.At) {
		return false
	}
	return e.Timestamp.Before(p.At) || e.Event.ID <= p.AtID
}

// Reasons why a line that is read again changes nothing, besides those of
// parse, collector and eventindex.
const (
	// ReasonWorse: it was understood when it came and is not today.
	ReasonWorse = "understood-before"
	// ReasonHeld: a legal hold keeps it from being discarded.
	ReasonHeld = "held"
)

// better decides what a new reading of a stored event does: next is what is to
// be stored, with a generation above the stored one's; same says that nothing
// changes; reason that the stored one stays although it would.
func better(stored, read *ecs.Event) (next ecs.Event, same bool, reason string) {
	before, err := eventindex.ContentSum(*stored)
	if err != nil {
		return next, false, eventindex.ReasonUnreadable
	}
	after, err := eventindex.ContentSum(*read)
	switch {
	case err != nil:
		return next, false, eventindex.ReasonUnreadable
	case before == after:
		return next, true, ""
	case read.Event.Dataset == parse.DatasetUnparsed && stored.Event.Dataset != parse.DatasetUnparsed:
		return next, false, ReasonWorse
	}
	next = *read
	next.Varde.Generation = max(read.Varde.Generation, stored.Varde.Generation+1)
	return next, false, eventindex.Check(&next, "")
}

// Change is a field whose values differ between two readings.
type Change struct {
	Field, Before, After string
	Person               bool // whose values are about a person
}

// notShown are fields that differ with every reading, or hold the line itself.
var notShown = []string{"event.created", "event.ingested", "event.original", "event.hash", "varde.generation", "varde.skew_ms"}

// changes lists what differs, in the order of the registry of fields.
func changes(before, after *ecs.Event) []Change {
	var out []Change
	for _, f := range ecs.Fields() {
		if slices.Contains(notShown, f.Name) {
			continue
		}
		a, b := words(f, before), words(f, after)
		if a != b {
			out = append(out, Change{Field: f.Name, Before: a, After: b, Person: f.Person})
		}
	}
	return out
}

func words(f ecs.Field, e *ecs.Event) string {
	var all []string
	for _, v := range f.Values(e) {
		all = append(all, v.Text)
	}
	return strings.Join(all, ", ")
}
