package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/blob"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Problems of case handling.
var (
	ErrNotFound  = problem.NotFound("case")
	ErrForbidden = problem.Forbidden("not-allowed", "Your role does not allow this.")
	ErrInvolved  = problem.Forbidden("involved", "Somebody who is involved in a case can neither handle nor close it.")
	ErrNotOpen   = problem.Refused("case-not-open", "The case is closed. Open it again first.")
	ErrBlocked   = problem.Refused("closing-blocked", "Something is still missing before the case can be closed.")

	errPersonInvolved = problem.Refused("person-involved", "The person is involved in the case and can take no part in its handling.")
)

// Service is the use cases. Every method takes a context with a tenant and,
// for those that people call, a verified caller. Safe for concurrent use.
type Service struct {
	*stores
	org      *Org
	audit    audit.Client
	blobs    blob.Bucket
	events   Events
	log      *slog.Logger
	clock    func() time.Time
	zone     *time.Location
	settings Settings
	keys     Keys
}

// Keys are the secrets that the service needs: for topic keys, and the one it
// shares with the deviation service to tell a reporter by (N3).
type Keys struct{ Topic, Exclusion []byte }

// Events fetches a log event as evidence (services/search).
type Events interface {
	Evidence(ctx context.Context, eventID string) (topics.Evidence, error)
}

// change is one use case's effect on a case: what it writes into the history.
type change struct {
	tenant string
	caseID string
	by     string
	now    time.Time
	exact  time.Time // where now is coarse, for an anonymous reporter's sake: the moment that decides who is there
	// anonymous: the change is what an anonymous reporter did. Nothing of it is
	// kept or sent with a closer time than the hour.
	anonymous bool
	entries   []Entry
	actor     topics.Actor
}

// did records what was done; params are pairs of name and value.
func (w *change) did(action, text string, params ...string) {
	e := Entry{At: w.now, By: w.by, Action: action, Text: text, CaseID: w.caseID}
	for i := 0; i+1 < len(params); i += 2 {
		if e.Params == nil {
			e.Params = map[string]string{}
		}
		e.Params[params[i]] = params[i+1]
	}
	w.entries = append(w.entries, e)
}

// errUnchanged ends an update that found nothing to do.
var errUnchanged = errors.New("cases: nothing to change")

var systemActor = topics.Actor{Type: "service", ID: "cases"}

// change applies fn to the case. What fn records becomes history, audit
// records and one message to the others, all in the same write; where it
// records nothing, nothing is written.
func (s *Service) change(ctx context.Context, caseID string, actor topics.Actor, fn func(c *Case, w *change) error) (docstore.Doc[Case], error) {
	tid, err := tenant.From(ctx)
	if err != nil {
		return docstore.Doc[Case]{}, err
	}
	flushed, err := s.flush(ctx, caseID)
	if err != nil {
		return docstore.Doc[Case]{}, err
	}
	doc, err := s.cases.Update(ctx, caseID, func(c *Case, out *docstore.Outbox) error {
		w := &change{tenant: string(tid), caseID: caseID, now: s.clock().UTC(), actor: actor}
		if actor.Type == "person" {
			w.by = actor.ID
		}
		if err := fn(c, w); err != nil {
			return err
		}
		if len(w.entries) == 0 {
			return errUnchanged
		}
		c.Journal = slices.DeleteFunc(c.Journal, func(e Entry) bool { return flushed[e.ID] })
		s.record(c, w, out)
		return nil
	})
	switch {
	case errors.Is(err, errUnchanged):
		return s.cases.Get(ctx, caseID)
	case errors.Is(err, docstore.ErrNotFound):
		return doc, ErrNotFound
	case err != nil:
		return doc, err
	}
	s.flushLater(ctx, doc)
	return doc, nil
}

// record ends a change: history, audit records and the message to others.
func (s *Service) record(c *Case, w *change, out *docstore.Outbox) {
	at := w.kept()
	if at.After(c.Changed) {
		c.Changed = at // it never goes back: not to the hour, nor as clocks may
	}
	c.Refresh()
	for _, e := range w.entries {
		if w.anonymous {
			e.At = at
		}
		c.Sequence++
		e.Sequence = c.Sequence
		e.ID = id.Of("history", w.caseID, strconv.Itoa(c.Sequence))
		c.Journal = append(c.Journal, e)
		details := map[string]string{"number": c.Number, "state": string(c.State)}
		for k, v := range e.Params {
			details[k] = v
		}
		o := audit.ChangeRecord(topics.AuditRecord{
			ID: id.Of("audit", e.ID), Tenant: w.tenant, Time: e.At, Service: "cases", Actor: w.actor,
			Action: "case." + e.Action, Object: "case:" + w.caseID, CaseID: w.caseID, Details: details,
		})
		if w.anonymous {
			o.Message.Time = at
		}
		out.Messages = append(out.Messages, o)
	}
	out.Publish(bus.TopicCases, s.changedMessage(c, w))
}

// kept is the time that is kept of the change.
func (w *change) kept() time.Time {
	if w.anonymous {
		return theHour(w.now)
	}
	return w.now
}

// theHour is the time that is kept of what an anonymous reporter does: a closer
// one would tell who sat at a screen just then.
func theHour(at time.Time) time.Time { return at.UTC().Truncate(time.Hour) }

func (s *Service) changedMessage(c *Case, w *change) bus.Message {
	m := topics.CaseChanged{CaseID: w.caseID, Number: c.Number, Tenant: w.tenant, Sequence: c.Sequence, State: string(c.State), Outcome: c.Outcome, Changed: c.Changed}
	if c.Report != nil {
		m.ReportIDs = []string{c.Report.ID}
	}
	for _, measure := range c.Measures {
		if measure.State == MeasureDone {
			m.Measures = append(m.Measures, measure.Text)
		}
	}
	value, _ := json.Marshal(m) // strings and a time: cannot fail
	message := bus.Message{
		Tenant: w.tenant, Key: bus.Key(s.keys.Topic, w.tenant, "case", w.caseID), Type: topics.TypeCaseChanged,
		ID: id.Of("case-changed", w.caseID, strconv.Itoa(c.Sequence)), Version: 1, Value: value,
	}
	if w.anonymous {
		message.Time = w.kept()
	}
	return message
}

// flush writes the journal's entries as documents of their own and says which
// of them are. It is safe to repeat.
func (s *Service) flush(ctx context.Context, caseID string) (map[string]bool, error) {
	doc, err := s.cases.Get(ctx, caseID)
	if errors.Is(err, docstore.ErrNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return s.flushDoc(ctx, doc)
}

func (s *Service) flushDoc(ctx context.Context, doc docstore.Doc[Case]) (map[string]bool, error) {
	done := map[string]bool{}
	for _, e := range doc.Value.Journal {
		if _, err := s.history.Insert(ctx, e.ID, e); err != nil && !errors.Is(err, docstore.ErrExists) {
			return done, fmt.Errorf("cases: history: %w", err)
		}
		done[e.ID] = true
	}
	return done, nil
}

// flushLater moves what was just recorded; what fails is moved by the next
// change or the next reader.
func (s *Service) flushLater(ctx context.Context, doc docstore.Doc[Case]) {
	if _, err := s.flushDoc(ctx, doc); err != nil {
		s.log.WarnContext(ctx, "history waits in its case", "case", doc.ID, "error", err)
	}
}

// caller gives the person or service that asks, with its tenant.
func caller(ctx context.Context) (auth.Principal, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return p, auth.ErrNoToken
	}
	return p, nil
}

// Object is what platform/auth.Allow judges: own to who handles the case, not
// to who has a task in it (see Part).
func (c *Case) Object(id tenant.ID) auth.Object {
	return auth.Object{Tenant: id, Unit: c.ReachUnit, Owners: c.handlers()}
}

// load reads a case that the caller may see whole, and checks the action on
// it: what one may not see is not there, what one may see but not do is
// refused, and so is whoever only has a task in it.
func (s *Service) load(ctx context.Context, caseID string, action auth.Action) (docstore.Doc[Case], auth.Principal, error) {
	doc, p, part, err := s.loadPart(ctx, caseID)
	if err != nil {
		return docstore.Doc[Case]{}, p, err
	}
	if part != PartWhole || !auth.Allow(p, action, doc.Value.Object(tenant.ID(doc.Tenant))) {
		return docstore.Doc[Case]{}, p, ErrForbidden
	}
	return doc, p, nil
}

// involved answers N3 for a case of the tenant.
func (s *Service) involved(tid string, c *Case) Involved {
	if c.Report == nil {
		return Involved{}
	}
	report := c.Report.ID
	return Involved{Exclusion: func(person string) string {
		return topics.ExclusionOf(s.keys.Exclusion, tid, report, person)
	}}
}

// handle is a change by a person who must have the action on the case, must
// not be involved, and for most must find it open.
func (s *Service) handle(ctx context.Context, caseID string, action auth.Action, mustBeOpen bool, fn func(c *Case, w *change) error) (View, error) {
	doc, p, err := s.load(ctx, caseID, action)
	if err != nil {
		return View{}, err
	}
	doc, err = s.change(ctx, caseID, audit.ActorOf(p), func(c *Case, w *change) error {
		if s.involved(doc.Tenant, c).Is(c, p.Subject) {
			return ErrInvolved
		}
		if mustBeOpen && !c.Open {
			return ErrNotOpen
		}
		return fn(c, w)
	})
	if err != nil {
		return View{}, err
	}
	return s.view(ctx, doc, p)
}
