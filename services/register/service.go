package register

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// collection of the entries, which is also the outbox of the topic register.
const collection = "register"

// Outboxes names the collections whose messages a relay publishes.
func Outboxes() []string { return []string{collection} }

// Service is the use cases. Every method takes a context with a tenant and,
// where a person asks, a principal. Safe for concurrent use.
type Service struct {
	entries docstore.Collection[Entry]
	people  *People
	audit   audit.Client
	log     *slog.Logger
	clock   func() time.Time
	key     []byte // of the topic's keys

	checkMapping func(text string) []MappingFault

	// unique is held while an entity that must be the only one of its kind is
	// looked for and written, so that two at once do not both find none. Two
	// processes could; the register runs as one.
	unique sync.Mutex
}

func openEntries(ctx context.Context, docs docstore.Store) (docstore.Collection[Entry], error) {
	return docstore.Open[Entry](ctx, docs, docstore.Definition{Name: collection, Version: 1, Indexes: []docstore.Index{{Fields: []string{"kind"}}}})
}

// caller is who asks, and for which tenant.
func caller(ctx context.Context) (tenant.ID, auth.Principal, error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return "", auth.Principal{}, err
	}
	p, ok := auth.From(ctx)
	if !ok {
		return "", auth.Principal{}, auth.ErrNoToken
	}
	return t, p, nil
}

// facts reads every entity of a kind: a register is some thousands at most, and
// what holds at a moment cannot be asked of an index over the latest version.
func (s *Service) facts(ctx context.Context, kind string) ([]topics.Fact, error) {
	var all []topics.Fact
	opt := docstore.FindOptions{Limit: 1000}
	for {
		page, err := s.entries.Find(ctx, docstore.Eq{Field: "kind", Value: kind}, opt)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Docs {
			all = append(all, d.Value.Fact)
		}
		if opt.After = page.Next; page.Next == "" {
			return all, nil
		}
	}
}

func (s *Service) fact(ctx context.Context, kind, entity string) (topics.Fact, error) {
	doc, err := s.entries.Get(ctx, entity)
	if errors.Is(err, docstore.ErrNotFound) || (err == nil && doc.Value.Kind != kind) {
		return topics.Fact{}, errNotFound
	}
	return doc.Value.Fact, err
}

// exist checks references: pairs of pointer, kind and ids.
func (s *Service) exist(ctx context.Context, groups ...any) error {
	for i := 0; i+2 < len(groups); i += 3 {
		pointer, _ := groups[i].(string)
		kind, _ := groups[i+1].(string)
		ids, _ := groups[i+2].([]string)
		for _, ref := range ids {
			if _, err := s.fact(ctx, kind, ref); errors.Is(err, errNotFound) {
				return problem.Invalid("Something this refers to is not in the register.",
					problem.Field{Pointer: pointer, Slug: "unknown-" + kind, Detail: "There is no such " + strings.ReplaceAll(kind, "-", " ") + "."})
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// ListQuery is what a list is asked for.
type ListQuery struct {
	Moment  Moment
	Ended   bool
	Limit   int
	After   string
	Filters map[string]string // by the names of the kind's query parameters
}

// position is a place in a list: after the entity with this label and id.
type position struct{ Label, ID string }

func (p position) encode() string {
	text, _ := json.Marshal(p)
	return base64.RawURLEncoding.EncodeToString(text)
}

var errCursor = problem.Invalid("The list cannot go on from there.", problem.Field{Pointer: "after", Slug: "bad-cursor", Detail: "Use the next of the page before."})

func decodePosition(s string) (p position, err error) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(text, &p) != nil {
		return p, errCursor
	}
	return p, nil
}

// row is an entity's place in a list, and what it is shown from.
type row[T any] struct {
	at   position
	fact topics.Fact
	view view[T]
}

func (s *Service) now(m Moment) Moment {
	if m.At.IsZero() {
		m.At = s.clock()
	}
	return m
}

func list[D, T any](ctx context.Context, s *Service, k kindOf[D, T], q ListQuery) (page ItemPage[D], err error) {
	done, err := read(ctx, s, k, "list")
	if err != nil {
		return page, err
	}
	defer func() { done(len(page.Items), err) }()
	q.Moment = s.now(q.Moment)
	w, err := s.world(ctx, q.Moment)
	if err != nil {
		return page, err
	}
	rows, err := rowsOf(k, w, q)
	if err != nil {
		return page, err
	}
	begin := 0
	if q.After != "" {
		after, err := decodePosition(q.After)
		if err != nil {
			return page, err
		}
		begin, _ = slices.BinarySearchFunc(rows, after, func(r row[T], p position) int {
			if compare(r.at, p) <= 0 {
				return -1
			}
			return 1
		})
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	end := min(begin+q.Limit, len(rows))
	page.Items = make([]Item[D], 0, end-begin)
	for _, r := range rows[begin:end] {
		page.Items = append(page.Items, itemOf(k, w, r.fact, r.view))
	}
	if end < len(rows) {
		page.Next = rows[end-1].at.encode()
	}
	return page, w.err
}

func compare(a, b position) int {
	if c := strings.Compare(a.Label, b.Label); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// rowsOf gives the matching entities in the list's order.
func rowsOf[D, T any](k kindOf[D, T], w *world, q ListQuery) ([]row[T], error) {
	var rows []row[T]
	for _, f := range w.of(k.kind) {
		v, ok, err := viewOf[T](f, q.Moment, q.Ended)
		if err != nil {
			return nil, err
		}
		if !ok || !k.matches(v.version.Value, q.Filters) {
			continue
		}
		if state := q.Filters["state"]; state != "" && (k.state == nil || k.state(w, f, v.version.Value) != state) {
			continue
		}
		rows = append(rows, row[T]{position{strings.ToLower(k.label(v.version.Value)), f.ID}, f, v})
	}
	slices.SortFunc(rows, func(a, b row[T]) int { return compare(a.at, b.at) })
	return rows, w.err
}

func itemOf[D, T any](k kindOf[D, T], w *world, f topics.Fact, v view[T]) Item[D] {
	item := Item[D]{ID: v.id, Revision: v.revision, ValidFrom: v.version.ValidFrom, ValidTo: v.version.ValidTo,
		RecordedAt: v.version.RecordedAt, RecordedBy: v.version.RecordedBy, Ended: v.ended, Data: k.toAPI(v.version.Value)}
	if k.state != nil {
		item.State = k.state(w, f, v.version.Value)
	}
	k.enrich(w, f, v.version.Value, &item)
	return item
}

func get[D, T any](ctx context.Context, s *Service, k kindOf[D, T], entity string, m Moment) (d ItemDetail[D], err error) {
	done, err := read(ctx, s, k, entity)
	if err != nil {
		return d, err
	}
	defer func() { done(1, err) }()
	f, err := s.fact(ctx, k.kind, entity)
	if err != nil {
		return d, err
	}
	if d.Item, err = itemNow(ctx, s, k, f, s.now(m)); err != nil {
		return d, err
	}
	h, err := topics.HistoryOf[T](f)
	if err != nil {
		return d, err
	}
	for i := len(h.Versions) - 1; i >= 0; i-- {
		v := h.Versions[i]
		one := ItemVersion[D]{ValidFrom: v.ValidFrom, ValidTo: v.ValidTo, RecordedAt: v.RecordedAt, RecordedBy: v.RecordedBy, Deleted: v.Deleted}
		if !v.Deleted {
			data := k.toAPI(v.Value)
			one.Data = &data
		}
		d.History = append(d.History, one)
	}
	return d, nil
}

// itemNow shows an entity at a moment, also where it does not exist then.
func itemNow[D, T any](ctx context.Context, s *Service, k kindOf[D, T], f topics.Fact, m Moment) (Item[D], error) {
	w, err := s.world(ctx, m)
	if err != nil {
		return Item[D]{}, err
	}
	v, ok, err := viewOf[T](f, m, true)
	if err != nil {
		return Item[D]{}, err
	}
	if !ok {
		return Item[D]{}, errNotFound
	}
	item := itemOf(k, w, f, v)
	return item, w.err
}

// read records the intent to read where the kind's data names people; done
// adds what became of it.
func read[D, T any](ctx context.Context, s *Service, k kindOf[D, T], object string) (done func(n int, err error), err error) {
	if !k.personal {
		return func(int, error) {}, nil
	}
	return s.intent(ctx, "register.read", k.kind+":"+object)
}

func (s *Service) intent(ctx context.Context, action, object string) (done func(n int, err error), err error) {
	t, p, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	intent, err := s.audit.Intent(ctx, topics.AuditRecord{Tenant: string(t), Actor: audit.ActorOf(p), Action: action, Object: object, Purpose: "register"})
	if err != nil {
		return nil, err
	}
	return func(n int, err error) {
		result := audit.ResultOK
		if err != nil {
			result = audit.ResultError
		}
		s.audit.Outcome(ctx, intent, result, map[string]int{"entities": n})
	}, nil
}
