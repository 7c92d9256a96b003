package cases

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/schemas/topics"
)

// Write sends a message or a question to the reporter. The same messageID sent
// again is one message.
func (s *Service) Write(ctx context.Context, caseID, messageID, text string, question bool) (docstore.Doc[Message], error) {
	var none docstore.Doc[Message]
	of, p, err := s.load(ctx, caseID, auth.ActionCaseHandle)
	if err != nil {
		return none, err
	}
	switch {
	case of.Value.Report == nil:
		return none, problem.Refused("no-reporter", "Nobody reported this case.")
	case s.involved(of.Tenant, &of.Value).Is(&of.Value, p.Subject):
		return none, ErrInvolved
	}
	kind := MessagePlain
	if question {
		kind = MessageQuestion
	}
	key := id.Of("handler-message", of.Tenant, caseID, p.Subject, messageID)
	now := s.clock().UTC()
	value, err := json.Marshal(topics.CaseMessage{
		ID: key, CaseID: caseID, ReportID: of.Value.Report.ID, Tenant: of.Tenant, Text: text, Question: question, Sent: now,
	})
	if err != nil {
		return none, err
	}
	sequence := 0
	if _, err := s.cases.Update(ctx, caseID, func(c *Case, _ *docstore.Outbox) error {
		sequence = c.place(key)
		return nil
	}); err != nil {
		return none, err
	}
	doc, err := s.messages.Insert(ctx, key,
		Message{CaseID: caseID, Sequence: sequence, From: FromHandler, By: p.Subject, Kind: kind, Text: text, Sent: now, Received: now},
		docstore.Outgoing{Topic: bus.TopicCases, Message: bus.Message{
			Tenant: of.Tenant, Key: bus.Key(s.keys.Topic, of.Tenant, "case", caseID), ID: key,
			Type: topics.TypeCaseMessage, Version: 1, Value: value,
		}})
	if errors.Is(err, docstore.ErrExists) {
		doc, err = s.messages.Get(ctx, key)
	}
	if err != nil {
		return none, err
	}
	_, err = s.change(ctx, caseID, audit.ActorOf(p), func(c *Case, w *change) error {
		if !c.hear(key) {
			return nil
		}
		if question && c.Open {
			c.Asked = true
		}
		c.AnsweredAfter = time.Time{}
		w.did("wrote-to-reporter", "", "message", key, "kind", kind)
		return nil
	})
	return doc, err
}

// dialogueOrder is by place; see Message for those that have none.
var dialogueOrder = []docstore.Sort{{Field: "sequence"}, {Field: "received"}}

// Messages lists the dialogue, oldest first; the read is recorded first.
func (s *Service) Messages(ctx context.Context, caseID string, limit int, after string) (docstore.Page[Message], error) {
	_, p, err := s.load(ctx, caseID, auth.ActionCaseRead)
	if err != nil {
		return docstore.Page[Message]{}, err
	}
	done, err := s.reading(ctx, p, string(auth.ActionCaseRead), "dialogue:"+caseID, caseID)
	if err != nil {
		return docstore.Page[Message]{}, err
	}
	page, err := s.messages.Find(ctx, docstore.Eq{Field: "caseId", Value: caseID},
		docstore.FindOptions{Limit: limit, After: after, Sort: dialogueOrder})
	if err == nil {
		done(map[string]int{"messages": len(page.Docs)})
	}
	return page, err
}

// History lists who did what, oldest first; the read is recorded first. Who
// only has a task in the case sees what concerns decisions and measures.
func (s *Service) History(ctx context.Context, caseID string, limit int, after string) (docstore.Page[Entry], error) {
	doc, p, part, err := s.loadPart(ctx, caseID)
	if err != nil {
		return docstore.Page[Entry]{}, err
	}
	done, err := s.reading(ctx, p, string(auth.ActionCaseRead), "history:"+caseID, caseID)
	if err != nil {
		return docstore.Page[Entry]{}, err
	}
	if _, err := s.flushDoc(ctx, doc); err != nil {
		return docstore.Page[Entry]{}, err
	}
	page, err := s.history.Find(ctx, doc.Value.historyFor(caseID, part, p.Subject),
		docstore.FindOptions{Limit: limit, After: after, Sort: []docstore.Sort{{Field: "sequence"}}})
	if err == nil {
		done(map[string]int{"entries": len(page.Docs)})
	}
	return page, err
}

// Candidate is a person whom the case or a measure can be given to.
type Candidate struct{ ID, Name, Title, Unit string }

// maxCandidates bounds the list; those with a role or a unit come first.
const maxCandidates = 500

// Candidates lists whom the case can be given to. Those who acted in it are
// left out; the reporter is not, because the gap would tell who that is. The
// read is recorded first: it is a list of people by name (R41).
func (s *Service) Candidates(ctx context.Context, caseID string) ([]Candidate, error) {
	doc, p, err := s.load(ctx, caseID, auth.ActionCaseRead)
	if err != nil {
		return nil, err
	}
	done, err := s.reading(ctx, p, string(auth.ActionDirectoryRead), "candidates:"+caseID, caseID)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	var ranked, others []Candidate
	for _, p := range s.org.Persons(doc.Tenant, now) {
		if p.Value.Left || (Involved{}).Is(&doc.Value, p.ID) {
			continue
		}
		c := s.Person(doc.Tenant, p.ID, now)
		if slices.ContainsFunc(p.Value.Roles, func(g topics.RoleGrant) bool { return g.Role != string(auth.RoleEmployee) }) {
			ranked = append(ranked, c)
		} else {
			others = append(others, c)
		}
	}
	byName := func(a, b Candidate) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) }
	slices.SortFunc(others, byName)
	all := append(ranked, others...)
	if len(all) > maxCandidates {
		all = all[:maxCandidates]
	}
	slices.SortFunc(all, byName)
	done(map[string]int{"persons": len(all)})
	return all, nil
}

// Person gives the name and place of a person, as far as the directory knows them.
func (s *Service) Person(tid, person string, now time.Time) Candidate {
	c := Candidate{ID: person}
	if p, ok := s.org.Person(tid, person, now); ok {
		c.Name, c.Title = p.Name, p.Title
		if u, ok := s.org.Unit(tid, p.UnitID, now); ok {
			c.Unit = u.Name
		}
	}
	return c
}

// Org gives the table of register and directory, for names.
func (s *Service) Org() *Org { return s.org }
