package register

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/registerapi"
	"varde.internal/schemas/topics"
)

func create[D, T any](ctx context.Context, s *Service, k kindOf[D, T], in edit[D]) (Item[D], error) {
	v := k.toStored(in.Data, nil)
	return insert(ctx, s, k, v, in.ValidFrom, in.ValidTo)
}

func insert[D, T any](ctx context.Context, s *Service, k kindOf[D, T], v T, from, to time.Time) (Item[D], error) {
	t, p, err := caller(ctx)
	if err != nil {
		return Item[D]{}, err
	}
	if err := allowed(ctx, s, k, "", v); err != nil {
		return Item[D]{}, err
	}
	if err := k.check(ctx, s, v); err != nil {
		return Item[D]{}, err
	}
	now := s.clock()
	if from.IsZero() {
		from = now
	}
	if k.unique != nil {
		s.unique.Lock()
		defer s.unique.Unlock()
		if err := k.unique(s, ctx, "", v, from, to); err != nil {
			return Item[D]{}, err
		}
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
		if err := allowed(ctx, s, k, entity, v); err != nil {
			return Item[D]{}, err
		}
	}
	if k.handover != nil {
		if err := k.handover(s, ctx, before.version.Value, after); err != nil {
			return Item[D]{}, err
		}
	}
	if err := k.check(ctx, s, after); err != nil {
		return Item[D]{}, err
	}
	if k.unique != nil {
		s.unique.Lock()
		defer s.unique.Unlock()
		from, to := in.validity(f, s.clock())
		if err := k.unique(s, ctx, entity, after, from, to); err != nil {
			return Item[D]{}, err
		}
	}
	return revise(ctx, s, k, entity, in.Revision, "change", nil, func(f topics.Fact, before T, now time.Time) (any, time.Time, time.Time, error) {
		from, to := in.validity(f, now)
		return k.toStored(in.Data, &before), from, to, nil
	})
}

// validity is from when to when the change holds: from now where it does not
// say, and until what was recorded about later times takes over.
func (in edit[D]) validity(f topics.Fact, now time.Time) (from, to time.Time) {
	from, to = in.ValidFrom, in.ValidTo
	if from.IsZero() {
		from = now
	}
	if to.IsZero() && !in.OpenEnded {
		to = takesOver(f, from)
	}
	return from, to
}

func end[D, T any](ctx context.Context, s *Service, k kindOf[D, T], entity string, in registerapi.EndRequest) (Item[D], error) {
	f, err := s.fact(ctx, k.kind, entity)
	if err != nil {
		return Item[D]{}, err
	}
	if v, ok, err := viewOf[T](f, Moment{At: s.clock()}, true); err != nil || !ok {
		return Item[D]{}, errors.Join(err, errNotFound)
	} else if err := allowed(ctx, s, k, entity, v.version.Value); err != nil {
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

// changed is the audit record of a change; it rides in the document's outbox.
func (s *Service) changed(ctx context.Context, kind, entity, verb string, details map[string]string) docstore.Outgoing {
	who := topics.Actor{Type: "service", ID: Name}
	if p, ok := auth.From(ctx); ok {
		who = audit.ActorOf(p)
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
// they bring; what people changed since stays. It says how many were new. An
// id that something of another kind has is an error: the fact would be missing
// and nobody told.
func (s *Service) Import(ctx context.Context, facts []topics.Fact) (created int, err error) {
	for _, f := range facts {
		tctx := tenant.With(ctx, tenant.ID(f.Tenant))
		_, err := s.entries.Insert(tctx, f.ID, Entry{Kind: f.Kind, Fact: f}, s.published(f), s.changed(tctx, f.Kind, f.ID, "import", nil))
		switch {
		case err == nil:
			created++
		case !errors.Is(err, docstore.ErrExists):
			return created, fmt.Errorf("register: import of a %s: %w", f.Kind, err)
		default:
			there, err := s.entries.Get(tctx, f.ID)
			if err != nil {
				return created, fmt.Errorf("register: import of a %s: %w", f.Kind, err)
			}
			if there.Value.Kind != f.Kind {
				return created, fmt.Errorf("register: import of a %s: the id %s is that of a %s", f.Kind, f.ID, there.Value.Kind)
			}
		}
	}
	return created, nil
}
