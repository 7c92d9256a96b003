// Package search lets people search log events within a stated purpose (R38).
// Names are shown only where the search belongs to an open case that the
// person may read and the role allows it (R41): otherwise person fields and
// raw text are hidden, and so is what would reveal them: queries, facets and
// completion on them, and facet counts of less than five.
package search

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// Context is the purpose that a person searches for, and the case it belongs to.
type Context struct {
	Subject    string    `json:"subject"`
	Purpose    string    `json:"purpose"`
	CaseID     string    `json:"caseId,omitempty"`
	CaseNumber string    `json:"caseNumber,omitempty"`
	Created    time.Time `json:"created"`
	Expires    time.Time `json:"expires"`
}

// View is a search that an address leads to.
type View struct {
	Subject string `json:"subject"`
	Name    string `json:"name,omitempty"`
	Named   bool   `json:"named"` // kept until its owner deletes it
	ViewContent
	Created time.Time `json:"created"`
}

// ViewContent is what a view shows.
type ViewContent struct {
	Query     string    `json:"query"`
	From      time.Time `json:"from,omitzero"`
	To        time.Time `json:"to,omitzero"`
	Last      string    `json:"last,omitempty"`
	Columns   []string  `json:"columns,omitempty"`
	CaseID    string    `json:"caseId,omitempty"`
	Event     string    `json:"event,omitempty"`
	Ascending bool      `json:"ascending,omitempty"`
}

// Names says whether person fields and raw lines are shown, and if not, why.
type Names struct {
	Shown  bool
	Reason string // no-case, case-closed, role
}

// Reasons why names are hidden.
const (
	ReasonNoCase     = "no-case"
	ReasonCaseClosed = "case-closed"
	ReasonRole       = "role"
)

// smallCount is what a facet's value must have to be shown without names: a
// value with fewer events can point to a person.
const smallCount = 5

// personFields lists what a query asks about that can point to a person.
func personFields(q kql.Query) []string {
	out := []string{}
	for _, name := range q.Fields() {
		if f, ok := ecs.Lookup(name); !ok || f.Person {
			out = append(out, name)
		}
	}
	return out
}

// Row is an event as it is shown: its fields by name with dots, and the names
// of those that are hidden.
type Row struct {
	ID     string
	Time   time.Time
	Fields map[string]any
	Hidden []string
}

// longText is how many characters of a text a list shows.
const longText = 1000

// row lays an event out. The raw line is not in it: only the detail of one
// event shows that. Whole gives texts at their full length.
func row(e *ecs.Event, names Names, whole bool) (Row, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return Row{}, fmt.Errorf("search: event: %w", err)
	}
	var nested map[string]any
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if err := d.Decode(&nested); err != nil {
		return Row{}, fmt.Errorf("search: event: %w", err)
	}
	r := Row{ID: e.Event.ID, Time: e.Timestamp.UTC(), Fields: map[string]any{}, Hidden: []string{}}
	r.flatten("", nested, names, whole)
	slices.Sort(r.Hidden)
	return r, nil
}

func (r *Row) flatten(prefix string, nested map[string]any, names Names, whole bool) {
	for key, value := range nested {
		name := prefix + key
		if inner, ok := value.(map[string]any); ok {
			r.flatten(name+".", inner, names, whole)
			continue
		}
		f, known := ecs.Lookup(name)
		// What the registry does not know may hold anything.
		if !names.Shown && (!known || f.Person) {
			r.Hidden = append(r.Hidden, name)
			continue
		}
		if name == "event.original" {
			continue
		}
		if text, ok := value.(string); ok && !whole {
			value = shorten(text)
		}
		r.Fields[name] = value
	}
}

func shorten(text string) string {
	n := 0
	for i := range text {
		if n == longText {
			return text[:i] + "…"
		}
		n++
	}
	return text
}

// Facet is the most frequent values of a field. Hidden says what is left out:
// names, or values with small counts.
type Facet struct {
	Field  string
	Values []eventindex.TermCount
	Hidden string
}

// What a facet leaves out.
const (
	HiddenNames       = "names"
	HiddenSmallCounts = "small-counts"
)

// withoutSmall leaves out the values that too few events have.
func (f Facet) withoutSmall() Facet {
	kept := slices.DeleteFunc(slices.Clone(f.Values), func(v eventindex.TermCount) bool { return v.Count < smallCount })
	if len(kept) < len(f.Values) {
		f.Hidden = HiddenSmallCounts
	}
	f.Values = kept
	return f
}

// Intervals a histogram may choose from.
var intervals = []time.Duration{
	time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 365 * 24 * time.Hour,
}

// wantedBuckets is how many a histogram has at most when it may choose.
const wantedBuckets = 60

// interval chooses the shortest that gives no more than wantedBuckets.
func interval(r eventindex.Range) time.Duration {
	for _, i := range intervals {
		if r.To.Sub(r.From) <= wantedBuckets*i {
			return i
		}
	}
	return intervals[len(intervals)-1]
}
