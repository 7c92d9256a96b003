// Package docstore keeps typed JSON documents: SQLite when embedded
// (platform/docstore/sqlite), MongoDB in production (platform/docstore/mongo).
//
// Every call needs a tenant in its context (platform/tenant) and touches only
// that tenant's documents; without one it fails with tenant.ErrMissing.
//
// The outbox travels inside the document: messages added by Insert or Update
// are part of the same atomic write, and the collection's relay publishes them
// in order afterwards. There are no transactions over several documents.
package docstore

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"varde.internal/platform/bus"
)

// Errors of every adapter; wrap-aware.
var (
	ErrNotFound = errors.New("docstore: not found")
	ErrExists   = errors.New("docstore: exists already")       // id or a unique index
	ErrConflict = errors.New("docstore: changed meanwhile")    // after the retries of Update
	ErrPending  = errors.New("docstore: unpublished messages") // Delete before the relay ran
	// ErrNewer: the document was written by a later version of the program.
	ErrNewer = errors.New("docstore: written by a newer version")
	// ErrAmbiguous: in system scope, several tenants have a document with the id.
	ErrAmbiguous = errors.New("docstore: several tenants have this id")
	// ErrTooLarge: the document's JSON is above MaxDocument.
	ErrTooLarge = errors.New("docstore: document too large")
	// ErrField: a filter, sort or index names a field the type does not have,
	// or compares it with a value of another kind. It is a programming error.
	ErrField = errors.New("docstore: field")
	// ErrCursor: After is not a Next of the same sort order.
	ErrCursor = errors.New("docstore: page cursor")
)

// MaxDocument is the most bytes of JSON a document may have: half of what
// MongoDB takes, so that the outbox has room beside it.
const MaxDocument = 8 << 20

// Definition declares a collection. Name is lower-case words with '_'.
type Definition struct {
	Name    string
	Indexes []Index
	// Version of the document's schema; documents stored with a lower one pass
	// through Upgrades[stored version] … on read, one step each, and are stored
	// in the new form with their next update.
	Version  int
	Upgrades map[int]func(json.RawMessage) (json.RawMessage, error)
	// Clock gives Doc.Updated; nil is time.Now.
	Clock func() time.Time
}

// Index over JSON paths ("state", "assignee.id"). Tenant is implied as the
// first key, for Unique too. Where restricts it to documents it matches
// (partial); only Eq and And of Eq are allowed there. A unique index binds the
// documents that have all of its fields (present and not null), and none of
// its fields may be an array.
type Index struct {
	Fields []string
	Unique bool
	Where  Filter
}

// Doc is a stored document with what the store knows of it.
type Doc[T any] struct {
	ID      string
	Tenant  string
	Version int64 // user-visible version, 1 after Insert, +1 per Update
	Updated time.Time
	Value   T
}

// Outgoing is a message for the outbox.
type Outgoing struct {
	Topic   string
	Message bus.Message
}

// Outbox collects the messages an Update publishes with its write.
type Outbox struct{ Messages []Outgoing }

// Publish adds a message.
func (o *Outbox) Publish(topic string, m bus.Message) {
	o.Messages = append(o.Messages, Outgoing{Topic: topic, Message: m})
}

// Filter selects documents; a nil Filter selects all. Values are compared as
// JSON: strings, numbers, booleans, null; time.Time is compared as RFC 3339 in
// UTC with nanoseconds, the form docstore stores times in. Field is checked
// against the collection's type: a field it does not have, or a value of
// another kind, is ErrField. Besides the type's own fields there are _id,
// _tenant, _updated and _schema.
//
// Filters see documents in the form they were stored in: one of an older
// Definition.Version does not match by what its upgrade would add (UpgradeAll
// rewrites them).
type Filter interface{ filter() }

// The filters. Field is a JSON path; on an array it matches any element.
type (
	// Eq is equal to Value.
	Eq struct {
		Field string
		Value any
	}
	// In is equal to one of Values.
	In struct {
		Field  string
		Values []any
	}
	// Range lies between; nil ends are open.
	Range struct {
		Field            string
		Gte, Gt, Lte, Lt any
	}
	// Prefix begins with Value.
	Prefix struct{ Field, Value string }
	// Exists is present and not null.
	Exists struct{ Field string }
	// And matches where all do, Or where any does, Not where its own does not.
	And []Filter
	// Or is said at And.
	Or []Filter
	// Not is said at And.
	Not struct{ Filter Filter }
)

func (Eq) filter()     {}
func (In) filter()     {}
func (Range) filter()  {}
func (Prefix) filter() {}
func (Exists) filter() {}
func (And) filter()    {}
func (Or) filter()     {}
func (Not) filter()    {}

// Sort orders by a JSON path that leads through no array; documents without it
// come first ascending. Ties are broken by id, so paging is stable: a document
// that stays where it is in the order comes exactly once, whatever is inserted
// or deleted meanwhile.
type Sort struct {
	Field string
	Desc  bool
}

// FindOptions of Find: After is the Next of the page before; Limit 0 means 50, at most 1000.
type FindOptions struct {
	Sort  []Sort
	After string
	Limit int
}

// Page of documents; Next is empty on the last.
type Page[T any] struct {
	Docs []Doc[T]
	Next string
}

// Group is one value of GroupCount with how many documents have it.
type Group struct {
	Value any
	Count int
}

// Collection is the typed view of one collection. Safe for concurrent use.
type Collection[T any] interface {
	// Insert stores v under id with version 1, and its outgoing messages.
	Insert(ctx context.Context, id string, v T, out ...Outgoing) (Doc[T], error)
	Get(ctx context.Context, id string) (Doc[T], error)
	// Update reads, calls fn and writes if nobody wrote in between, else it
	// begins again (at most 20 times). fn is pure: it may run several times. An
	// error from fn ends it unchanged and is returned as it is.
	Update(ctx context.Context, id string, fn func(v *T, out *Outbox) error) (Doc[T], error)
	// Delete removes a document whose outbox is empty.
	Delete(ctx context.Context, id string) error
	Find(ctx context.Context, f Filter, opt FindOptions) (Page[T], error)
	Count(ctx context.Context, f Filter) (int, error)
	// GroupCount counts by the value of a field, most first, equal counts by
	// value. Documents without the field are the group with Value nil; of an
	// array each element is counted, and none of an empty one. Value is a
	// string, bool, int64 or float64; times are in their stored form.
	GroupCount(ctx context.Context, f Filter, field string) ([]Group, error)
}

// Store is a connection to the documents; Open gives its collections. Adapters
// implement Backend.
type Store interface {
	Backend
	Ready(ctx context.Context) error
	Close() error
}
