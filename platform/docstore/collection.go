package docstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel/propagation"

	"varde.internal/platform/internal/scope"
	"varde.internal/platform/tenant"
)

const (
	updateTries  = 20
	defaultLimit = 50
	maxLimit     = 1000
	maxID        = 512
	// messagesPerWrite bounds the messages of one write, so that Seq (version
	// and place) stays an int64 that grows.
	messagesPerWrite = 1 << 16
)

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,47}$`)

// Open declares the collection in the store (table, indexes) and gives its
// typed view. It does I/O: call it where the part starts to run.
//
// T is a struct (or map) that encoding/json writes as an object. Fields of
// type time.Time, also in nested structs, slices, maps and behind pointers, are
// stored in the form of FormatTime, so they compare and sort as times and come
// back in UTC with their nanoseconds. A time inside an interface, a
// json.RawMessage or a type with its own MarshalJSON stays as that wrote it:
// declare a field that is searched or sorted by as a time.Time. Integers must
// fit int64.
func Open[T any](ctx context.Context, store Backend, def Definition) (Collection[T], error) {
	if !nameForm.MatchString(def.Name) {
		return nil, fmt.Errorf("docstore: %q is no collection name", def.Name)
	}
	if def.Version == 0 {
		def.Version = 1
	}
	if def.Clock == nil {
		def.Clock = time.Now
	}
	c := &collection[T]{
		store: store,
		def:   def,
		shape: shapeOf(reflect.TypeFor[T](), map[reflect.Type]*shape{}),
	}
	schema, err := c.schema()
	if err != nil {
		return nil, err
	}
	if err := store.Declare(ctx, schema); err != nil {
		return nil, fmt.Errorf("docstore: declare %s: %w", def.Name, err)
	}
	return c, nil
}

type collection[T any] struct {
	store Backend
	def   Definition
	shape *shape
}

func (c *collection[T]) schema() (Schema, error) {
	s := Schema{Name: c.def.Name}
	for _, ix := range c.def.Indexes {
		out := SchemaIndex{Unique: ix.Unique}
		for _, f := range ix.Fields {
			p, err := c.shape.path(f)
			if err != nil {
				return Schema{}, err
			}
			if ix.Unique && (p.ThroughArray() || p.Kind == KindObject || p.Kind == KindUnknown) {
				return Schema{}, fmt.Errorf("%w %q cannot be unique: it is no plain value", ErrField, f)
			}
			out.Paths = append(out.Paths, p)
		}
		if len(out.Paths) == 0 {
			return Schema{}, fmt.Errorf("%w: an index of %s has no fields", ErrField, c.def.Name)
		}
		where, err := c.shape.compile(ix.Where)
		if err != nil {
			return Schema{}, err
		}
		if out.Where, err = equalities(where); err != nil {
			return Schema{}, err
		}
		s.Indexes = append(s.Indexes, out)
	}
	return s, nil
}

func equalities(n Node) ([]Equal, error) {
	switch {
	case n.Op == OpAnd:
		var out []Equal
		for _, k := range n.Kids {
			e, err := equalities(k)
			if err != nil {
				return nil, err
			}
			out = append(out, e...)
		}
		return out, nil
	case n.Op == OpIn && len(n.Values) == 1 && !n.Path.ThroughArray() && n.Path.Meta == MetaNone:
		return []Equal{{Path: n.Path, Value: n.Values[0]}}, nil
	default:
		return nil, fmt.Errorf("%w: a partial index takes only Eq and And of Eq on plain values", ErrField)
	}
}

// scopeOf tells whose documents a call sees; without a tenant it is
// tenant.ErrMissing.
func scopeOf(ctx context.Context) (Scope, error) {
	if err := ctx.Err(); err != nil {
		return Scope{}, err
	}
	s, ok := scope.From(ctx)
	switch {
	case !ok:
		return Scope{}, tenant.ErrMissing
	case s.System:
		return Scope{System: true}, nil
	case !tenant.ID(s.Tenant).Valid():
		return Scope{}, tenant.ErrMissing
	default:
		return Scope{Tenant: s.Tenant}, nil
	}
}

func checkID(id string) error {
	if id == "" || len(id) > maxID || !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		return fmt.Errorf("docstore: an id is 1 to %d bytes of UTF-8 without NUL", maxID)
	}
	return nil
}

// Insert stores v. It needs a tenant: in system scope nobody would own it.
func (c *collection[T]) Insert(ctx context.Context, id string, v T, out ...Outgoing) (Doc[T], error) {
	tid, err := tenant.From(ctx)
	if err != nil {
		return Doc[T]{}, err
	}
	if _, err := scopeOf(ctx); err != nil {
		return Doc[T]{}, err
	}
	if err := checkID(id); err != nil {
		return Doc[T]{}, err
	}
	r, err := c.record(ctx, Record{Tenant: string(tid), ID: id, Version: 1}, v, out)
	if err != nil {
		return Doc[T]{}, err
	}
	if err := c.store.Insert(ctx, c.def.Name, r); err != nil {
		return Doc[T]{}, c.wrap("insert", err)
	}
	return c.written(r)
}

// written reads back what was stored, so that a caller sees times as every
// later reader will.
func (c *collection[T]) written(r Record) (Doc[T], error) {
	if len(r.Pending) > 0 {
		c.store.Signals().Notify(c.def.Name)
	}
	return c.decode(r)
}

func (c *collection[T]) record(ctx context.Context, r Record, v T, out []Outgoing) (Record, error) {
	var err error
	if r.Doc, err = c.shape.encode(v); err != nil {
		return Record{}, err
	}
	if len(out) > messagesPerWrite {
		return Record{}, fmt.Errorf("%w: %d messages in one write", ErrTooLarge, len(out))
	}
	r.Schema = c.def.Version
	r.Updated = FormatTime(c.def.Clock())
	r.Pending = nil
	size := len(r.Doc)
	for i, o := range out {
		m := o.Message
		if m.Tenant == "" {
			m.Tenant = r.Tenant
		}
		if m.Trace == nil {
			m.Trace = map[string]string{}
			propagation.TraceContext{}.Inject(ctx, propagation.MapCarrier(m.Trace))
		}
		size += len(m.Value)
		r.Pending = append(r.Pending, PendingMessage{Seq: r.Version*messagesPerWrite + int64(i), Topic: o.Topic, Message: m})
	}
	if size > MaxDocument {
		return Record{}, fmt.Errorf("%w: %d bytes with its messages", ErrTooLarge, size)
	}
	return r, nil
}

func (c *collection[T]) Get(ctx context.Context, id string) (Doc[T], error) {
	s, err := scopeOf(ctx)
	if err != nil {
		return Doc[T]{}, err
	}
	r, err := c.store.Get(ctx, c.def.Name, s, id)
	if err != nil {
		return Doc[T]{}, c.wrap("get", err)
	}
	return c.decode(r)
}

func (c *collection[T]) Update(ctx context.Context, id string, fn func(v *T, out *Outbox) error) (Doc[T], error) {
	s, err := scopeOf(ctx)
	if err != nil {
		return Doc[T]{}, err
	}
	for try := 0; ; try++ {
		doc, again, err := c.tryUpdate(ctx, s, id, fn)
		if !again || try+1 >= updateTries {
			return doc, err
		}
		if err := pause(ctx, backoff(try)); err != nil {
			return Doc[T]{}, err
		}
	}
}

// tryUpdate is one round of Update; again says that another writer was first.
func (c *collection[T]) tryUpdate(ctx context.Context, s Scope, id string, fn func(v *T, out *Outbox) error) (_ Doc[T], again bool, _ error) {
	r, err := c.store.Get(ctx, c.def.Name, s, id)
	if err != nil {
		return Doc[T]{}, false, c.wrap("update", err)
	}
	doc, err := c.decode(r)
	if err != nil {
		return Doc[T]{}, false, err
	}
	var out Outbox
	if err := fn(&doc.Value, &out); err != nil {
		return Doc[T]{}, false, err
	}
	r.Version++
	if r, err = c.record(ctx, r, doc.Value, out.Messages); err != nil {
		return Doc[T]{}, false, err
	}
	if err := c.store.Replace(ctx, c.def.Name, r); err != nil {
		return Doc[T]{}, errors.Is(err, ErrConflict), c.wrap("update", err)
	}
	doc, err = c.written(r)
	return doc, false, err
}

// backoff spreads concurrent writers of one document: up to 1 ms after the
// first conflict, doubling to 64 ms.
func backoff(try int) time.Duration {
	return time.Duration(rand.Int64N(int64(time.Millisecond) << min(try, 6)))
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func (c *collection[T]) Delete(ctx context.Context, id string) error {
	s, err := scopeOf(ctx)
	if err != nil {
		return err
	}
	if s.System { // which tenant's, and that it is one's only
		r, err := c.store.Get(ctx, c.def.Name, s, id)
		if err != nil {
			return c.wrap("delete", err)
		}
		s.Tenant = r.Tenant
	}
	return c.wrap("delete", c.store.Delete(ctx, c.def.Name, s.Tenant, id))
}

func (c *collection[T]) query(ctx context.Context, f Filter) (Query, error) {
	s, err := scopeOf(ctx)
	if err != nil {
		return Query{}, err
	}
	where, err := c.shape.compile(f)
	return Query{Scope: s, Where: where}, err
}

func (c *collection[T]) Find(ctx context.Context, f Filter, opt FindOptions) (Page[T], error) {
	q, err := c.query(ctx, f)
	if err != nil {
		return Page[T]{}, err
	}
	if q.Sort, err = c.shape.order(opt.Sort); err != nil {
		return Page[T]{}, err
	}
	if opt.After != "" {
		more, err := after(opt.After, q.Sort)
		if err != nil {
			return Page[T]{}, err
		}
		q.Where = Node{Op: OpAnd, Kids: []Node{q.Where, more}}
	}
	limit := opt.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	limit = min(limit, maxLimit)
	q.Limit = limit + 1 // one more tells whether there is a next page
	records, err := c.store.Find(ctx, c.def.Name, q)
	if err != nil {
		return Page[T]{}, c.wrap("find", err)
	}
	var page Page[T]
	if len(records) > limit {
		records = records[:limit]
		if page.Next, err = c.shape.cursorAt(q.Sort, records[limit-1]); err != nil {
			return Page[T]{}, err
		}
	}
	page.Docs = make([]Doc[T], 0, len(records))
	for _, r := range records {
		d, err := c.decode(r)
		if err != nil {
			return Page[T]{}, err
		}
		page.Docs = append(page.Docs, d)
	}
	return page, nil
}

func (c *collection[T]) Count(ctx context.Context, f Filter) (int, error) {
	q, err := c.query(ctx, f)
	if err != nil {
		return 0, err
	}
	n, err := c.store.Count(ctx, c.def.Name, q)
	return n, c.wrap("count", err)
}

func (c *collection[T]) GroupCount(ctx context.Context, f Filter, field string) ([]Group, error) {
	q, err := c.query(ctx, f)
	if err != nil {
		return nil, err
	}
	p, err := c.shape.path(field)
	if err != nil {
		return nil, err
	}
	if p.Kind == KindObject || p.Kind == KindUnknown {
		return nil, fmt.Errorf("%w %q cannot be grouped by: it is no plain value", ErrField, field)
	}
	groups, err := c.store.GroupCount(ctx, c.def.Name, q, p)
	if err != nil {
		return nil, c.wrap("group", err)
	}
	sortGroups(groups)
	return groups, nil
}

// decode brings a record to the newest schema and to its type.
func (c *collection[T]) decode(r Record) (Doc[T], error) {
	d := Doc[T]{ID: r.ID, Tenant: r.Tenant, Version: r.Version}
	var err error
	if d.Updated, err = time.Parse(time.RFC3339Nano, r.Updated); err != nil {
		return d, fmt.Errorf("docstore: %s: stored time: %w", c.def.Name, err)
	}
	raw, err := upgrade(c.def, r.Schema, r.Doc)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(raw, &d.Value); err != nil {
		return d, fmt.Errorf("docstore: %s: decode: %w", c.def.Name, err)
	}
	return d, nil
}

func upgrade(def Definition, stored int, doc []byte) ([]byte, error) {
	if stored > def.Version {
		return nil, fmt.Errorf("%w: %s has schema %d, this program knows %d", ErrNewer, def.Name, stored, def.Version)
	}
	for v := stored; v < def.Version; v++ {
		step, ok := def.Upgrades[v]
		if !ok {
			return nil, fmt.Errorf("docstore: %s: no upgrade from schema %d", def.Name, v)
		}
		next, err := step(doc)
		if err != nil {
			return nil, fmt.Errorf("docstore: %s: upgrade from schema %d: %w", def.Name, v, err)
		}
		doc = next
	}
	return doc, nil
}

// UpgradeAll stores every document that ctx's scope sees and that has an older
// schema in its newest form, so that filters and indexes see it so. It is an
// Update of each, so versions grow by one. It may run while others write, and
// again. It returns how many it changed.
func UpgradeAll[T any](ctx context.Context, c Collection[T]) (int, error) {
	own, ok := c.(*collection[T])
	if !ok {
		return 0, fmt.Errorf("docstore: %T was not opened here", c)
	}
	changed := 0
	for {
		page, err := c.Find(ctx, Range{Field: string(MetaSchema), Lt: own.def.Version}, FindOptions{Limit: maxLimit})
		if err != nil || len(page.Docs) == 0 {
			return changed, err
		}
		for _, d := range page.Docs {
			one := tenant.With(ctx, tenant.ID(d.Tenant))
			_, err := c.Update(one, d.ID, func(*T, *Outbox) error { return nil })
			if errors.Is(err, ErrNotFound) {
				continue // deleted meanwhile
			}
			if err != nil {
				return changed, err
			}
			changed++
		}
	}
}

func (c *collection[T]) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("docstore: %s %s: %w", what, c.def.Name, err)
}
