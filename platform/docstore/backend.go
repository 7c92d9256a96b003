package docstore

import (
	"context"
	"sync"
	"time"

	"varde.internal/platform/bus"
)

// Backend is what an adapter does: it keeps JSON documents and translates
// queries. Everything that is the same for all of them (types, tenants,
// upgrades, retries, cursors, the relay) lies above it, in this package.
// Implementations are safe for concurrent use.
type Backend interface {
	// Declare makes the collection and its indexes exist and removes indexes
	// of earlier declarations. It may be called again at any time.
	Declare(ctx context.Context, s Schema) error
	// Insert stores a new record, ErrExists if id or a unique index forbids it.
	Insert(ctx context.Context, collection string, r Record) error
	// Get returns the record id that scope may see, ErrNotFound without one and
	// ErrAmbiguous if system scope finds several.
	Get(ctx context.Context, collection string, scope Scope, id string) (Record, error)
	// Replace writes r over the record of r.Tenant and r.ID whose version is
	// r.Version-1 and appends r.Pending to what is pending already, in one
	// atomic write. It is ErrConflict where the version is another, ErrNotFound
	// where there is none, ErrExists where a unique index forbids it.
	Replace(ctx context.Context, collection string, r Record) error
	// Delete removes a record, ErrPending while it has pending messages.
	Delete(ctx context.Context, collection string, tenant, id string) error
	// Find returns at most q.Limit records in the order of q.Sort, then by
	// tenant and id.
	Find(ctx context.Context, collection string, q Query) ([]Record, error)
	Count(ctx context.Context, collection string, q Query) (int, error)
	// GroupCount counts by the value at path, in any order.
	GroupCount(ctx context.Context, collection string, q Query, path Path) ([]Group, error)

	// Pending returns up to limit documents of all tenants that have messages
	// pending, those that wait longest first. A collection that does not exist
	// has none.
	Pending(ctx context.Context, collection string, limit int) ([]PendingDoc, error)
	// ClearPending removes the messages with Seq up to and including seq and
	// leaves the version as it is.
	ClearPending(ctx context.Context, collection, tenant, id string, seq int64) error
	// Lease takes or renews the named lease for holder until ttl from now, and
	// says whether holder has it.
	Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error)
	// Release gives the lease up if holder has it.
	Release(ctx context.Context, name, holder string) error
	// Signals tells this process's relays of this process's writes.
	Signals() *Signals
}

// Scope says whose documents a call sees: one tenant's, or with System all.
type Scope struct {
	Tenant string
	System bool
}

// Schema is a Definition with its paths resolved against the type.
type Schema struct {
	Name    string
	Indexes []SchemaIndex
}

// SchemaIndex is an Index with its paths resolved. Where is empty or holds
// equality conditions that all must hold.
type SchemaIndex struct {
	Paths  []Path
	Unique bool
	Where  []Equal
}

// Equal is one condition of a partial index.
type Equal struct {
	Path  Path
	Value any // string, int64, float64 or bool
}

// Record is a document as adapters see it.
type Record struct {
	Tenant  string
	ID      string
	Version int64
	Schema  int    // Definition.Version it was written with
	Updated string // stored form of a time, see FormatTime
	Doc     []byte // JSON object
	// Pending are messages to add with this write; reads leave it empty.
	Pending []PendingMessage
}

// PendingMessage is an outgoing message with its place in the document's
// order: Seq grows over the life of the document.
type PendingMessage struct {
	Seq     int64       `json:"n"`
	Topic   string      `json:"topic"`
	Message bus.Message `json:"message"`
}

// PendingDoc is a document's outbox, in order.
type PendingDoc struct {
	Tenant   string
	ID       string
	Messages []PendingMessage
}

// Kind is what a path leads to, as the collection's type tells.
type Kind int

// The kinds. Unknown is an interface, json.RawMessage or a type that marshals
// itself: any JSON value.
const (
	KindUnknown Kind = iota
	KindString
	KindNumber
	KindBool
	KindTime // a string in the form of FormatTime
	KindObject
)

// Meta names what the store knows of a document beside its value.
type Meta string

// The fields that every document has.
const (
	MetaNone    Meta = ""
	MetaID      Meta = "_id"
	MetaTenant  Meta = "_tenant"
	MetaUpdated Meta = "_updated"
	MetaSchema  Meta = "_schema" // Definition.Version the document was stored with
)

// Path leads to a field: of the store (Meta) or of the value (Steps). Step
// names have only letters, digits, '_', '-' and '@', and never digits alone.
type Path struct {
	Meta  Meta
	Steps []Step
	Kind  Kind // of an array: of its elements
}

// Step is one name on a path; Each says that an array is there, of which any
// element is meant.
type Step struct {
	Name string
	Each bool
}

// ThroughArray reports whether an array lies on the path or at its end.
func (p Path) ThroughArray() bool {
	for _, s := range p.Steps {
		if s.Each {
			return true
		}
	}
	return false
}

// String gives the path as it was written in the filter.
func (p Path) String() string {
	if p.Meta != MetaNone {
		return string(p.Meta)
	}
	out := ""
	for i, s := range p.Steps {
		if i > 0 {
			out += "."
		}
		out += s.Name
	}
	return out
}

// Op is the operation of a Node.
type Op int

// The operations. Logic is two-valued: a document either matches or does not.
const (
	OpAnd    Op = iota // all of Kids; none: matches all
	OpOr               // any of Kids; none: matches none
	OpNot              // not Kids[0]
	OpIn               // Path equals one of Values (not empty, no null)
	OpRange            // Path within Bounds, same kind of value only
	OpPrefix           // Path is a string that begins with Values[0]
	OpExists           // Path is present and not null (an empty array is)
)

// Node is a filter, checked and with its values normalised to string, int64,
// float64 or bool.
type Node struct {
	Op     Op
	Path   Path
	Values []any
	Bounds Bounds
	Kids   []Node
}

// Bounds of a range; nil ends are open, at least one is not.
type Bounds struct{ Gte, Gt, Lte, Lt any }

// Query is a checked search.
type Query struct {
	Scope Scope
	Where Node
	Sort  []SortKey
	Limit int
}

// SortKey is one key of the order; Path leads through no array. Missing and
// null come first ascending and last descending.
type SortKey struct {
	Path Path
	Desc bool
}

// Signals wakes the relays of this process after a local write, so that a
// message leaves at once and not at the next poll. The zero value is ready.
type Signals struct {
	mu   sync.Mutex
	subs map[string][]chan struct{}
}

// Notify wakes whoever listens for the collection.
func (s *Signals) Notify(collection string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.subs[collection] {
		select {
		case c <- struct{}{}:
		default: // it is awake already
		}
	}
}

// Listen returns a channel that is readable after a write, and its end.
func (s *Signals) Listen(collection string) (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs == nil {
		s.subs = make(map[string][]chan struct{})
	}
	s.subs[collection] = append(s.subs[collection], c)
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		kept := s.subs[collection][:0]
		for _, o := range s.subs[collection] {
			if o != c {
				kept = append(kept, o)
			}
		}
		s.subs[collection] = kept
	}
}
