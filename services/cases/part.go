package cases

import (
	"context"
	"errors"
	"slices"

	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Part is how much of a case somebody was let in to.
type Part int

// The parts, least first. To handle a case is one thing, to have a task in it
// another (R41): a task opens what the task needs and nothing else.
const (
	PartNone    Part = iota
	PartMeasure      // owns a measure: reads it and what was decided, reports it done
	PartEffect       // was asked to check the effect: reads the decisions and the measures, records the check
	PartWhole        // reads the whole case, as far as the policy table goes
)

// tasksOf says what the person was given to do in the case. Who acted in it
// takes no part, whatever they were given before (N3).
func (c *Case) tasksOf(person string) Part {
	switch {
	case person == "" || (Involved{}).Is(c, person):
		return PartNone
	case c.EffectChecker == person:
		return PartEffect
	case c.OwnsMeasure(person):
		return PartMeasure
	default:
		return PartNone
	}
}

// handlers are the persons the case itself is "own" to: who handles it. It
// follows from the case and not from what is stored of it, so that cases
// stored when every task made one an owner are judged by the same rule (N6).
func (c *Case) handlers() []string {
	if c.HandlerID == "" || (Involved{}).Is(c, c.HandlerID) {
		return []string{}
	}
	return []string{c.HandlerID}
}

// participants are all who have something to do in the case, sorted: it is in
// their queues.
func (c *Case) participants() []string {
	all := c.handlers()
	if c.EffectChecker != "" {
		all = append(all, c.EffectChecker)
	}
	for _, m := range c.Measures {
		all = append(all, m.Owner)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(p string) bool { return p == "" || (Involved{}).Is(c, p) })
}

// partOf says how much of the case p may read.
func partOf(p auth.Principal, tid string, c *Case) Part {
	if auth.Allow(p, auth.ActionCaseRead, c.Object(tenant.ID(tid))) {
		return PartWhole
	}
	part := c.tasksOf(p.Subject)
	own := auth.Object{Tenant: tenant.ID(tid), Owners: []string{p.Subject}}
	if p.Service || part == PartNone || !auth.Allow(p, auth.ActionCaseRead, own) {
		return PartNone
	}
	return part
}

// loadPart reads a case that the caller handles, oversees or has a task in,
// and says how much of it they may see. What one has no part in is not there.
func (s *Service) loadPart(ctx context.Context, caseID string) (docstore.Doc[Case], auth.Principal, Part, error) {
	var none docstore.Doc[Case]
	p, err := caller(ctx)
	if err != nil {
		return none, p, PartNone, err
	}
	doc, err := s.cases.Get(ctx, caseID)
	if errors.Is(err, docstore.ErrNotFound) {
		return none, p, PartNone, ErrNotFound
	}
	if err != nil {
		return none, p, PartNone, err
	}
	part := partOf(p, doc.Tenant, &doc.Value)
	if part == PartNone {
		return none, p, part, ErrNotFound
	}
	return doc, p, part, nil
}

// only is the case as somebody with a task in it sees it: what it is called,
// whose it is, what was decided and the measures; of these a measure's owner
// sees their own. Nothing of the report's answers, the findings, the clocks or
// the persons involved. It is written field by field: what is added to a case
// later is not shown until somebody decides that it shall be.
func (c *Case) only(part Part, person string) Case {
	out := Case{
		Number: c.Number, Source: c.Source, Kind: c.Kind, Category: c.Category, Family: c.Family, Title: c.Title, Summary: c.Summary,
		Severity: c.Severity, Rank: c.Rank, SystemID: c.SystemID, UnitID: c.UnitID, VendorID: c.VendorID,
		HandlerID: c.HandlerID, EffectChecker: c.EffectChecker, AcknowledgedAt: c.AcknowledgedAt, Decisions: c.Decisions,
		Measures: slices.Clone(c.Measures), NoMeasures: c.NoMeasures, ReopenedAt: c.ReopenedAt, RejectedAt: c.RejectedAt,
		Created: c.Created, Changed: c.Changed, State: c.State, Open: c.Open, DueAt: c.DueAt, DueFor: c.DueFor, WaitingFor: c.WaitingFor, MergedInto: c.MergedInto,
		Deadlines: []Deadline{}, Routing: Routing{Steps: []topics.Reason{}},
	}
	if len(c.Routing.Steps) > 0 {
		out.Routing.Steps = []topics.Reason{c.Routing.Sentence()}
	}
	if part == PartEffect {
		out.Effect = c.Effect
		return out
	}
	out.Measures = slices.DeleteFunc(out.Measures, func(m Measure) bool { return m.Owner != person })
	return out
}

// historyFor is the history that a part of the case comes with.
func (c *Case) historyFor(caseID string, part Part, person string) docstore.Filter {
	all := docstore.Eq{Field: "caseId", Value: caseID}
	switch part {
	case PartWhole:
		return all
	case PartEffect:
		return docstore.And{all, docstore.In{Field: "action", Values: []any{
			"decided", "measure-added", "measure-changed", "measure-settled", "no-measures", "effect-check-asked", "effect-checked",
		}}}
	default:
		own := docstore.In{Field: "params.measure"}
		for _, m := range c.Measures {
			if m.Owner == person {
				own.Values = append(own.Values, m.ID)
			}
		}
		return docstore.And{all, docstore.Or{docstore.Eq{Field: "action", Value: "decided"}, own}}
	}
}
