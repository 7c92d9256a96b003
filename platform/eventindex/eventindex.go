// Package eventindex stores and searches events: one crash-safe file per
// partition when embedded (platform/eventindex/embedded), Elasticsearch in
// production (platform/eventindex/elastic).
//
// Every call needs a tenant in its context and sees only that tenant's events;
// Append takes events of any tenant in system scope. Queries are a parsed KQL
// tree; nobody concatenates query text.
package eventindex

import (
	"context"
	"errors"
	"time"

	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// Errors of every adapter.
var (
	ErrNotFound = errors.New("eventindex: no such event")
	ErrCursor   = errors.New("eventindex: cursor is not valid for this query")
)

// Range of event time, half-open: From <= t < To. A zero end is open.
type Range struct{ From, To time.Time }

// Status says what Append did with one event.
type Status int

// An event is stored once under its id: the same id and content again is
// Duplicate; the same id with other content is Conflicting and not stored,
// unless its generation (ecs.Varde.Generation) is higher: then it replaces
// (Replaced), and an older reading of the same line is Duplicate from then on.
const (
	Stored Status = iota
	Duplicate
	Replaced
	Conflicting
	Rejected // cannot be stored (see Result.Reason): dead-letter it
)

// Result of one appended event, in the order given.
type Result struct {
	ID     string
	Status Status
	Reason string
}

// Page asks for Limit events (0 = 100, at most 1000) after the cursor of the
// page before. Newest first unless Ascending.
type Page struct {
	After     string
	Limit     int
	Ascending bool
}

// Hits is a page of events, in order of (time, id). Total counts all matches
// up to TotalLimit; Exact is false where there are more. Next is empty at the
// end. Pages are stable while new events arrive: paging never skips or repeats
// an event that was there at the first page.
type Hits struct {
	Events []ecs.Event
	Total  int
	Exact  bool
	Next   string
}

// TotalLimit is how far Hits.Total is counted.
const TotalLimit = 1_000_000

// Bucket of a histogram: [Start, Start+interval).
type Bucket struct {
	Start time.Time
	Count int
	// Outcome splits Count by event.outcome ("success", "failure", "unknown").
	Outcome map[string]int
}

// TermCount is a value of a field with how many events have it.
type TermCount struct {
	Value string
	Count int
}

// Partition is tenant + retention class + period; its name is in
// ecs.Event.Varde.Partition. First and Last are the earliest and latest event
// times in it, which may lie outside the period.
type Partition struct {
	Name        string
	Tenant      string
	First, Last time.Time
	Events      int
	Bytes       int64
	// SetAside is when a damaged file of it was last set aside, and what was in
	// it left the index; zero: never, or its operator has removed that file.
	SetAside time.Time
}

// Gap is a partition of which something is missing now: a damaged file of it
// was set aside, and what was in it has not been put back yet. Searches answer
// with what there is.
type Gap struct {
	Partition string
	Since     time.Time // when the file was set aside
}

// Index is the port. All methods are safe for concurrent use; readers never
// wait for a writer. Append returns after the events are durable.
type Index interface {
	Append(ctx context.Context, events []ecs.Event) ([]Result, error)
	Search(ctx context.Context, q kql.Query, r Range, p Page) (Hits, error)
	// Histogram counts matches per interval (at most 2,000 buckets, empty ones
	// included), aligned to location's wall clock for intervals of a day and up.
	Histogram(ctx context.Context, q kql.Query, r Range, interval time.Duration, loc *time.Location) ([]Bucket, error)
	// Terms counts the n most frequent values of a keyword, ip or number field.
	Terms(ctx context.Context, q kql.Query, r Range, field string, n int) ([]TermCount, error)
	Get(ctx context.Context, id string) (ecs.Event, error)
	// Around returns up to before events preceding id and after following it in
	// (time, id) order, of the same host where the event has one, oldest first,
	// the event itself included.
	Around(ctx context.Context, id string, before, after int) ([]ecs.Event, error)
	// Scan streams matches oldest first until fn fails or ctx is done.
	Scan(ctx context.Context, q kql.Query, r Range, fn func(ecs.Event) error) error
	Partitions(ctx context.Context) ([]Partition, error)
	// Gaps lists what is missing of the context's tenant, by partition. An
	// adapter whose engine refuses to answer in part has none.
	Gaps(ctx context.Context) ([]Gap, error)
	// Mended notes that what was set aside of a partition of the context's
	// tenant by a time is whole in the index again.
	Mended(ctx context.Context, partition string, by time.Time) error
	// Drop removes a whole partition of the context's tenant, with what was set
	// aside of it.
	Drop(ctx context.Context, partition string) error
	Ready(ctx context.Context) error
	Close() error
}
