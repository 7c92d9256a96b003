package register

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/registerapi"
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

type row[D any] struct {
	at   position
	item Item[D]
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
		begin, _ = slices.BinarySearchFunc(rows, after, func(r row[D], p position) int {
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
		page.Items = append(page.Items, r.item)
	}
	if end < len(rows) {
		page.Next = rows[end-1].at.encode()
	}
	return page, nil
}

func compare(a, b position) int {
	if c := strings.Compare(a.Label, b.Label); c != 0 {
		return c
	}
	return strings.Compare(a.ID, b.ID)
}

// rowsOf gives the matching entities in the list's order.
func rowsOf[D, T any](k kindOf[D, T], w *world, q ListQuery) ([]row[D], error) {
	var rows []row[D]
	for _, f := range w.facts[k.kind] {
		v, ok, err := viewOf[T](f, q.Moment, q.Ended)
		if err != nil {
			return nil, err
		}
		if !ok || !k.matches(v.version.Value, q.Filters) {
			continue
		}
		item := itemOf(k, w, f, v)
		if state := q.Filters["state"]; state != "" && item.State != state {
			continue
		}
		rows = append(rows, row[D]{position{strings.ToLower(k.label(v.version.Value)), f.ID}, item})
	}
	slices.SortFunc(rows, func(a, b row[D]) int { return compare(a.at, b.at) })
	return rows, nil
}

func itemOf[D, T any](k kindOf[D, T], w *world, f topics.Fact, v view[T]) Item[D] {
	item := Item[D]{ID: v.id, Revision: v.revision, ValidFrom: v.version.ValidFrom, ValidTo: v.version.ValidTo,
		RecordedAt: v.version.RecordedAt, RecordedBy: v.version.RecordedBy, Ended: v.ended, Data: k.toAPI(v.version.Value)}
	if v.ended {
		item.Weaknesses = nil
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
	return itemOf(k, w, f, v), nil
}

func create[D, T any](ctx context.Context, s *Service, k kindOf[D, T], in edit[D]) (Item[D], error) {
	v := k.toStored(in.Data, nil)
	return insert(ctx, s, k, v, in.ValidFrom, in.ValidTo)
}

func insert[D, T any](ctx context.Context, s *Service, k kindOf[D, T], v T, from, to time.Time) (Item[D], error) {
	t, p, err := caller(ctx)
	if err != nil {
		return Item[D]{}, err
	}
	if err := allowed(ctx, s, k, v); err != nil {
		return Item[D]{}, err
	}
	if err := k.check(ctx, s, v); err != nil {
		return Item[D]{}, err
	}
	now := s.clock()
	if from.IsZero() {
		from = now
	}
	e := Entry{Kind: k.kind, Fact: topics.Fact{Kind: k.kind, ID: id.New(), Tenant: string(t)}}
	if err := e.append(v, from, to, now, p.Subject); err != nil {
		return Item[D]{}, err
	}
	if _, err := s.entries.Insert(ctx, e.Fact.ID, e, s.published(e.Fact), s.changed(ctx, k.kind, e.Fact.ID, "create", nil)); err != nil {
		return Item[D]{}, err
	}
	// One that begins later is shown as it will be.
	return itemNow(ctx, s, k, e.Fact, Moment{At: latest(from, now)})
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// revise appends what change makes of the entity's data at from. change gets
// the version that holds then, or the last one of an entity that has ended.
func revise[D, T any](ctx context.Context, s *Service, k kindOf[D, T], entity string, revision int, verb string, details map[string]string,
	change func(f topics.Fact, before T, now time.Time) (data any, from, to time.Time, err error)) (Item[D], error) {
	_, p, err := caller(ctx)
	if err != nil {
		return Item[D]{}, err
	}
	if _, err := s.fact(ctx, k.kind, entity); err != nil {
		return Item[D]{}, err
	}
	now := s.clock()
	doc, err := s.entries.Update(ctx, entity, func(e *Entry, out *docstore.Outbox) error {
		if revision != 0 && revision != len(e.Fact.Versions) {
			return errRevision
		}
		before, ok, err := viewOf[T](e.Fact, Moment{At: now}, true)
		if err != nil {
			return err
		}
		if !ok {
			return errNotFound
		}
		data, from, to, err := change(e.Fact, before.version.Value, now)
		if err != nil {
			return err
		}
		if err := e.append(data, from, to, now, p.Subject); err != nil {
			return err
		}
		out.Messages = append(out.Messages, s.published(e.Fact), s.changed(ctx, k.kind, entity, verb, details))
		return nil
	})
	if err != nil {
		return Item[D]{}, err
	}
	return itemNow(ctx, s, k, doc.Value.Fact, Moment{At: now})
}

func change[D, T any](ctx context.Context, s *Service, k kindOf[D, T], entity string, in edit[D]) (Item[D], error) {
	f, err := s.fact(ctx, k.kind, entity)
	if err != nil {
		return Item[D]{}, err
	}
	before, ok, err := viewOf[T](f, Moment{At: s.clock()}, true)
	if err != nil || !ok {
		return Item[D]{}, errors.Join(err, errNotFound)
	}
	after := k.toStored(in.Data, &before.version.Value)
	for _, v := range []T{before.version.Value, after} { // neither out of one's reach nor into it
		if err := allowed(ctx, s, k, v); err != nil {
			return Item[D]{}, err
		}
	}
	if err := k.check(ctx, s, after); err != nil {
		return Item[D]{}, err
	}
	return revise(ctx, s, k, entity, in.Revision, "change", nil, func(f topics.Fact, before T, now time.Time) (any, time.Time, time.Time, error) {
		from, to := in.ValidFrom, in.ValidTo
		if from.IsZero() {
			from = now
		}
		if to.IsZero() && !in.OpenEnded {
			to = takesOver(f, from)
		}
		return k.toStored(in.Data, &before), from, to, nil
	})
}

func end[D, T any](ctx context.Context, s *Service, k kindOf[D, T], entity string, in registerapi.EndRequest) (Item[D], error) {
	f, err := s.fact(ctx, k.kind, entity)
	if err != nil {
		return Item[D]{}, err
	}
	if v, ok, err := viewOf[T](f, Moment{At: s.clock()}, true); err != nil || !ok {
		return Item[D]{}, errors.Join(err, errNotFound)
	} else if err := allowed(ctx, s, k, v.version.Value); err != nil {
		return Item[D]{}, err
	}
	details := map[string]string{}
	if in.Reason != "" {
		details["reason"] = in.Reason
	}
	return revise(ctx, s, k, entity, in.Revision, "end", details, func(_ topics.Fact, _ T, now time.Time) (any, time.Time, time.Time, error) {
		at := in.At
		if at.IsZero() {
			at = now
		}
		return nil, at, time.Time{}, nil
	})
}

// allowed checks that the caller may write this very entity: sources have an
// action of their own, windows are checked where they are approved.
func allowed[D, T any](ctx context.Context, s *Service, k kindOf[D, T], v T) error {
	t, p, err := caller(ctx)
	if err != nil {
		return err
	}
	action, object := auth.ActionRegisterWrite, auth.Object{Tenant: t}
	switch k.kind {
	case topics.KindSource:
		action = auth.ActionSourceWrite
	case topics.KindAccessWindow:
		action = auth.ActionWindowRequest
	}
	if k.unit != nil {
		w, err := s.world(ctx, Moment{At: s.clock()})
		if err != nil {
			return err
		}
		object.Unit, object.Owners = k.unit(v), k.owners(w, v)
	} else if reach, ok := auth.Reach(p, action); ok && len(reach.Units) > 0 {
		// Vendors, agreements and accounts belong to no unit: whoever may write
		// the register of a unit may write these.
		object.Unit = reach.Units[0]
	}
	if k.unit == nil && auth.WidestScope(p, action) == auth.ScopeOwn {
		object.Owners = []string{p.Subject}
	}
	if !auth.Allow(p, action, object) {
		return problem.Forbidden("not-yours-to-change", "This part of the register belongs to others.")
	}
	return nil
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
	intent, err := s.audit.Intent(ctx, topics.AuditRecord{Tenant: string(t), Actor: actor(p), Action: action, Object: object, Purpose: "register"})
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

func actor(p auth.Principal) topics.Actor {
	a := topics.Actor{Type: "person", ID: p.Subject}
	if p.Service {
		a.Type = "service"
	}
	for _, g := range p.Grants {
		if !slices.Contains(a.Roles, string(g.Role)) {
			a.Roles = append(a.Roles, string(g.Role))
		}
	}
	return a
}

// changed is the audit record of a change; it rides in the document's outbox.
func (s *Service) changed(ctx context.Context, kind, entity, verb string, details map[string]string) docstore.Outgoing {
	who := topics.Actor{Type: "service", ID: Name}
	if p, ok := auth.From(ctx); ok {
		who = actor(p)
	}
	return audit.Change(who, "register."+verb, kind+":"+entity, details)
}

// published is the whole history for the topic.
func (s *Service) published(f topics.Fact) docstore.Outgoing {
	value, _ := json.Marshal(f) // its data was valid JSON before
	return docstore.Outgoing{Topic: bus.TopicRegister, Message: bus.Message{
		Tenant: f.Tenant, Key: bus.Key(s.key, f.Tenant, f.Kind, f.ID), ID: id.Of("fact", f.Tenant, f.Kind, f.ID, fmt.Sprint(len(f.Versions))),
		Type: topics.TypeFact, Version: 1, Value: value,
	}}
}

// Import puts facts into the register that are not there yet, with the history
// they bring; what people changed since stays. It says how many were new.
func (s *Service) Import(ctx context.Context, facts []topics.Fact) (created int, err error) {
	for _, f := range facts {
		tctx := tenant.With(ctx, tenant.ID(f.Tenant))
		_, err := s.entries.Insert(tctx, f.ID, Entry{Kind: f.Kind, Fact: f}, s.published(f), s.changed(tctx, f.Kind, f.ID, "import", nil))
		switch {
		case err == nil:
			created++
		case !errors.Is(err, docstore.ErrExists):
			return created, fmt.Errorf("register: import of a %s: %w", f.Kind, err)
		}
	}
	return created, nil
}
