package cases

import (
	"context"
	"slices"
	"time"

	"varde.internal/platform/docstore"
	"varde.internal/platform/tenant"
)

// route finds the case's handler anew and writes the steps.
func (s *Service) route(tid string, c *Case, w *change) {
	involved, now := s.involved(tid, c), w.now
	if !w.exact.IsZero() {
		now = w.exact
	}
	answer := Route(s.org, Question{
		Tenant: tid, SystemID: c.SystemID, UnitID: c.UnitID, SourceID: c.Group["source"], PassLine: c.PassLine,
		Involved: func(person string) bool { return involved.Is(c, person) },
		Tried:    c.Routing.Tried, Quiet: c.Report != nil, Now: now,
	})
	c.Routing.Steps = append(c.Routing.Steps, answer.Steps...)
	if n := len(c.Routing.Steps); n > maxSteps {
		c.Routing.Steps = slices.Clone(c.Routing.Steps[n-maxSteps:])
	}
	if answer.UnitID != "" {
		c.UnitID = answer.UnitID
	}
	if answer.Handler == "" && c.HandlerID != "" && s.org.CanHandle(tid, c.HandlerID, now) && !involved.Is(c, c.HandlerID) {
		return // nobody else is left: it stays where it is
	}
	c.giveTo(answer.Handler)
	w.did("routed", "", "to", answer.Handler, "why", c.Routing.Sentence().Slug)
}

// maxSteps bounds the routing story of a case that escalated again and again.
const maxSteps = 40

// giveTo makes the person the handler, who has not acknowledged it yet.
func (c *Case) giveTo(person string) {
	if c.HandlerID == person {
		return
	}
	if c.HandlerID != "" && !slices.Contains(c.Routing.Tried, c.HandlerID) {
		c.Routing.Tried = append(c.Routing.Tried, c.HandlerID)
	}
	c.HandlerID = person
	c.AcknowledgedAt, c.AcknowledgedBy = time.Time{}, ""
}

// Escalate moves every case of the tenant on whose time to be acknowledged is
// over, the same way as it was routed (R23b). It may run in several processes.
func (s *Service) Escalate(ctx context.Context) error {
	now := s.clock().UTC()
	due := docstore.And{docstore.Eq{Field: "open", Value: true}, docstore.Range{Field: "escalatesAt", Lte: now}}
	page, err := s.cases.Find(ctx, due, docstore.FindOptions{Limit: 200, Sort: []docstore.Sort{{Field: "escalatesAt"}}})
	if err != nil {
		return err
	}
	for _, d := range page.Docs {
		if _, err := s.change(ctx, d.ID, systemActor, s.escalate); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) escalate(c *Case, w *change) error {
	if !c.Open || c.Seen() || c.EscalatesAt.IsZero() || c.EscalatesAt.After(w.now) {
		return nil
	}
	from := c.HandlerID
	if from != "" && !slices.Contains(c.Routing.Tried, from) {
		c.Routing.Tried = append(c.Routing.Tried, from)
	}
	s.route(w.tenant, c, w)
	if c.HandlerID == from {
		c.EscalatesAt = time.Time{} // the last in the line keeps it, overdue
		w.did("escalation-ended", "")
		return nil
	}
	c.Routing.Escalations++
	c.EscalatesAt = w.now.Add(s.settings.Acknowledge[c.Severity])
	w.did("escalated", "", "from", from, "to", c.HandlerID)
	return nil
}

// Reroute gives open cases of the tenant a new handler where theirs has left,
// or where none was found when they came.
func (s *Service) Reroute(ctx context.Context) error {
	tid, err := tenant.From(ctx)
	if err != nil {
		return err
	}
	isOpen := docstore.Eq{Field: "open", Value: true}
	groups, err := s.cases.GroupCount(ctx, isOpen, "handlerId")
	if err != nil {
		return err
	}
	now := s.clock().UTC()
	for _, g := range groups {
		handler, _ := g.Value.(string)
		if handler != "" && s.org.CanHandle(string(tid), handler, now) {
			continue
		}
		var with docstore.Filter = docstore.Eq{Field: "handlerId", Value: handler}
		if handler == "" {
			with = docstore.Not{Filter: docstore.Exists{Field: "handlerId"}}
		}
		page, err := s.cases.Find(ctx, docstore.And{isOpen, with}, docstore.FindOptions{Limit: 500})
		if err != nil {
			return err
		}
		for _, d := range page.Docs {
			if _, err := s.change(ctx, d.ID, systemActor, s.reroute); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) reroute(c *Case, w *change) error {
	if !c.Open || (c.HandlerID != "" && s.org.CanHandle(w.tenant, c.HandlerID, w.now)) {
		return nil
	}
	was := c.HandlerID
	answer := *c
	s.route(w.tenant, &answer, &change{tenant: w.tenant, caseID: w.caseID, now: w.now})
	if answer.HandlerID == was {
		return nil // still nobody: no new line in the history each time
	}
	s.route(w.tenant, c, w)
	c.EscalatesAt = w.now.Add(s.settings.Acknowledge[c.Severity])
	return nil
}
