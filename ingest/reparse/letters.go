package reparse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// letters is the store of dead letters. All calls need a tenant in their
// context, except receive and expire, which set it.
type letters struct {
	cfg    Config
	log    *slog.Logger
	audit  audit.Client
	clock  func() time.Time
	seal   sealer
	all    docstore.Collection[Letter]
	groups docstore.Collection[Group]
	kept   func(result string)
	// holds are the times of the context's tenant that are under a legal hold.
	holds func(ctx context.Context) ([]eventindex.Range, error)
}

// held says whether a letter is of a time that is under a legal hold: its line
// was received in it, and when it says that it was written is not known.
func held(holds []eventindex.Range, l *Letter) bool {
	return slices.ContainsFunc(holds, func(h eventindex.Range) bool {
		return h.Meets(eventindex.Range{From: l.Received, To: l.Received.Add(1)})
	})
}

// batchOf is the letters of a batch that belong to one group of one tenant.
type batchOf struct {
	tenant tenant.ID
	group  string
}

// numbered is a letter with its place in the topic.
type numbered struct {
	topics.DeadLetter
	partition int
	offset    int64
}

// receive takes a batch of the topic in: letters first, then their count, so
// that what is killed in between is done again and counted once.
func (s *letters) receive(ctx context.Context, batch []bus.Message) error {
	var order []batchOf
	of := map[batchOf][]numbered{}
	for _, m := range batch {
		if m.Type != topics.TypeDeadLetter {
			continue
		}
		var l topics.DeadLetter
		if err := json.Unmarshal(m.Value, &l); err != nil || l.Tenant != m.Tenant || !tenant.ID(l.Tenant).Valid() || l.ID == "" {
			s.log.ErrorContext(ctx, "a dead letter could not be read", "partition", m.Partition, "offset", m.Offset)
			continue
		}
		at := batchOf{tenant.ID(l.Tenant), groupID(l.Source, l.Stage, l.Reason)}
		if of[at] == nil {
			order = append(order, at)
		}
		of[at] = append(of[at], numbered{l, m.Partition, m.Offset})
	}
	for _, at := range order {
		if err := s.take(tenant.With(ctx, at.tenant), at, of[at]); err != nil {
			return fmt.Errorf("reparse: %w", err)
		}
	}
	return nil
}

func (s *letters) take(ctx context.Context, at batchOf, list []numbered) error {
	inGroup, err := s.all.Count(ctx, docstore.Eq{Field: "group", Value: at.group})
	if err != nil {
		return err
	}
	inTenant, err := s.all.Count(ctx, nil)
	if err != nil {
		return err
	}
	room := min(s.cfg.PerGroup-inGroup, s.cfg.PerTenant-inTenant)
	kept := make([]bool, len(list))
	for i, l := range list {
		if len(l.Raw) > s.cfg.Largest {
			continue
		}
		if room <= 0 {
			_, err := s.all.Get(ctx, l.ID) // it came before
			if kept[i] = err == nil; err != nil && !errors.Is(err, docstore.ErrNotFound) {
				return err
			}
			continue
		}
		one := letterOf(l.DeadLetter, at.group)
		one.Sealed = s.seal.seal(string(at.tenant), l.ID, l.Raw)
		switch _, err := s.all.Insert(ctx, l.ID, one); {
		case err == nil:
			room--
		case !errors.Is(err, docstore.ErrExists):
			return err
		}
		kept[i] = true
	}
	return s.count(ctx, at.group, list[0].DeadLetter, func(g *Group) {
		for i, l := range list {
			g.take(l.DeadLetter, l.partition, l.offset, kept[i])
		}
	}, kept)
}

// count changes a group, which is made where it is not there.
func (s *letters) count(ctx context.Context, group string, l topics.DeadLetter, change func(*Group), kept []bool) error {
	for {
		_, err := s.groups.Update(ctx, group, func(g *Group, _ *docstore.Outbox) error {
			change(g)
			return nil
		})
		if errors.Is(err, docstore.ErrNotFound) {
			fresh := Group{Source: l.Source, Stage: l.Stage, Reason: l.Reason}
			change(&fresh)
			_, err = s.groups.Insert(ctx, group, fresh)
		}
		if errors.Is(err, docstore.ErrExists) {
			continue // made meanwhile
		}
		for _, k := range kept {
			if k {
				s.kept("kept")
			} else {
				s.kept("dropped")
			}
		}
		return err
	}
}

// selected is the filter of what a job is to replay or discard.
func selected(a Asked) docstore.Filter {
	switch {
	case a.Letter != "":
		return docstore.Eq{Field: "_id", Value: a.Letter}
	case a.Group != "":
		return docstore.Eq{Field: "group", Value: a.Group}
	}
	return docstore.Eq{Field: "source", Value: a.Source}
}

// gone removes a letter that became an event or was discarded.
func (s *letters) gone(ctx context.Context, id string) error {
	err := s.all.Delete(ctx, id)
	if errors.Is(err, docstore.ErrNotFound) {
		return nil
	}
	return err
}

// again keeps a letter whose replay failed, with its new reason.
func (s *letters) again(ctx context.Context, id string, reason, detail string) error {
	now := s.clock().UTC()
	moved := false
	doc, err := s.all.Update(ctx, id, func(l *Letter, _ *docstore.Outbox) error {
		moved = l.Reason != reason
		l.Reason, l.Detail, l.Tried = reason, detail, now
		l.Group = groupID(l.Source, l.Stage, reason)
		return nil
	})
	if err != nil || !moved {
		if errors.Is(err, docstore.ErrNotFound) {
			return nil
		}
		return err
	}
	l := doc.Value
	return s.count(ctx, l.Group, topics.DeadLetter{Source: l.Source, Stage: l.Stage, Reason: reason}, func(g *Group) { g.add(l.Received, true) }, nil)
}

// tidy removes groups of which no letter is left. Of a group that lost letters
// the count stays until done says that it may go.
func (s *letters) tidy(ctx context.Context, done func(id string, g Group) bool) error {
	left, err := s.perGroup(ctx)
	if err != nil {
		return err
	}
	return s.eachGroup(ctx, func(d docstore.Doc[Group]) error {
		if left[d.ID] > 0 || d.Value.Lost > 0 && !done(d.ID, d.Value) {
			return nil
		}
		if err := s.groups.Delete(ctx, d.ID); !errors.Is(err, docstore.ErrNotFound) {
			return err
		}
		return nil
	})
}

func (s *letters) eachGroup(ctx context.Context, fn func(docstore.Doc[Group]) error) error {
	for after := ""; ; {
		page, err := s.groups.Find(ctx, nil, docstore.FindOptions{After: after, Limit: 500})
		if err != nil {
			return err
		}
		for _, d := range page.Docs {
			if err := fn(d); err != nil {
				return err
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}

// perGroup counts the letters that lie here.
func (s *letters) perGroup(ctx context.Context) (map[string]int, error) {
	counts, err := s.all.GroupCount(ctx, nil, "group")
	out := map[string]int{}
	for _, c := range counts {
		if name, ok := c.Value.(string); ok {
			out[name] = c.Count
		}
	}
	return out, err
}

// expire deletes letters that are older than they are kept; each tenant's
// audit log has it before it happens.
func (s *letters) expire(ctx context.Context) error {
	old := docstore.Range{Field: "received", Lt: s.clock().Add(-s.cfg.Keep)}
	wide := systemscope.Enter(ctx, "dead letters whose time is over, of every tenant")
	tenants, err := s.all.GroupCount(wide, old, "_tenant")
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range tenants {
		name, _ := t.Value.(string)
		errs = append(errs, s.expireOf(tenant.With(ctx, tenant.ID(name)), old, t.Count))
	}
	return errors.Join(errs...)
}

func (s *letters) expireOf(ctx context.Context, old docstore.Filter, count int) error {
	holds, err := s.holds(ctx)
	if err != nil {
		return fmt.Errorf("ask for legal holds: %w", err)
	}
	intent, err := s.audit.Intent(ctx, topics.AuditRecord{
		Actor: topics.Actor{Type: "service", ID: Name}, Action: "dead-letter.expire", Object: "dead-letters:expired", Purpose: "retention",
		Details: map[string]string{"days": fmt.Sprint(int(s.cfg.Keep.Hours() / 24))}, Counts: map[string]int{"letters": count},
	})
	if err != nil {
		return err
	}
	deleted, err := s.deleteOld(ctx, old, holds)
	if err != nil {
		s.audit.Outcome(ctx, intent, audit.ResultError, nil)
		return err
	}
	s.audit.Outcome(ctx, intent, audit.ResultOK, map[string]int{"letters": deleted})
	return s.tidy(ctx, func(_ string, g Group) bool { return g.Last.Before(s.clock().Add(-s.cfg.Keep)) })
}

// deleteOld deletes letters, save those under a legal hold.
func (s *letters) deleteOld(ctx context.Context, old docstore.Filter, holds []eventindex.Range) (deleted int, err error) {
	for after := ""; ; {
		page, err := s.all.Find(ctx, old, docstore.FindOptions{Limit: 500, After: after})
		if err != nil {
			return deleted, err
		}
		for _, d := range page.Docs {
			if held(holds, &d.Value) {
				continue
			}
			if err := s.gone(ctx, d.ID); err != nil {
				return deleted, err
			}
			deleted++
		}
		if after = page.Next; after == "" {
			return deleted, nil
		}
	}
}
