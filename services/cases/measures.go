package cases

import (
	"context"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
)

var (
	errOwnMeasure  = problem.Forbidden("own-measure", "The effect is checked by somebody other than the owner of a measure.")
	errOwnsMeasure = problem.Refused("person-owns-measure", "The person owns a measure of the case, and cannot check its effect.")
	errNoMeasure   = problem.NotFound("measure")
	errSettled     = problem.Conflict("measure-settled", "The measure is settled already.")
)

// NewMeasure is a measure to be added.
type NewMeasure struct {
	Kind, Text, Owner, Proposal string
	Due                         time.Time
}

// AddMeasure gives somebody something to do.
func (s *Service) AddMeasure(ctx context.Context, caseID string, n NewMeasure) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, true, func(c *Case, w *change) error {
		if err := s.fitFor(c, w, n.Owner); err != nil {
			return err
		}
		m := Measure{
			ID: id.New(), Kind: n.Kind, Text: n.Text, Owner: n.Owner, Due: n.Due.UTC(),
			State: MeasureOpen, Proposal: n.Proposal, Changed: w.now,
		}
		c.Measures = append(c.Measures, m)
		c.NoMeasures = ""
		w.did("measure-added", n.Text, "measure", m.ID, "kind", n.Kind, "owner", n.Owner)
		return nil
	})
}

// MeasureChange is what changes in a measure; empty fields stay.
type MeasureChange struct {
	Kind, Text, Owner string
	Due               time.Time
}

// UpdateMeasure changes an open measure.
func (s *Service) UpdateMeasure(ctx context.Context, caseID, measureID string, n MeasureChange) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, true, func(c *Case, w *change) error {
		m, ok := c.Measure(measureID)
		if !ok {
			return errNoMeasure
		}
		if m.State != MeasureOpen {
			return errSettled
		}
		if n.Owner != "" && n.Owner != m.Owner {
			if err := s.fitFor(c, w, n.Owner); err != nil {
				return err
			}
			m.Owner = n.Owner
		}
		if n.Kind != "" {
			m.Kind = n.Kind
		}
		if n.Text != "" {
			m.Text = n.Text
		}
		if !n.Due.IsZero() {
			m.Due = n.Due.UTC()
		}
		m.Changed = w.now
		w.did("measure-changed", m.Text, "measure", m.ID, "owner", m.Owner)
		return nil
	})
}

// SettleMeasure marks a measure as done, or as moved with a reason. Its owner
// may, and whoever may handle the case.
func (s *Service) SettleMeasure(ctx context.Context, caseID, measureID, result, reason string) (View, error) {
	doc, p, _, err := s.loadPart(ctx, caseID)
	if err != nil {
		return View{}, err
	}
	if result == MeasureMoved && len(reason) < 3 {
		return View{}, problem.Invalid("A moved measure says where to and why.", problem.Field{Pointer: "/reason", Slug: "required", Detail: "This is needed."})
	}
	mayHandle := s.mayHandle(p, doc.Tenant, &doc.Value)
	doc, err = s.change(ctx, caseID, audit.ActorOf(p), func(c *Case, w *change) error {
		m, ok := c.Measure(measureID)
		switch {
		case !ok:
			return errNoMeasure
		case m.Owner != p.Subject && !mayHandle:
			return ErrForbidden
		case !c.Open:
			return ErrNotOpen
		case m.State != MeasureOpen:
			return errSettled
		}
		m.State, m.Reason = result, reason
		m.SettledAt, m.SettledBy, m.Changed = w.now, p.Subject, w.now
		w.did("measure-settled", reason, "measure", m.ID, "result", result)
		return nil
	})
	if err != nil {
		return View{}, err
	}
	return s.view(ctx, doc, p)
}

// SetNoMeasures says why no measure is needed.
func (s *Service) SetNoMeasures(ctx context.Context, caseID, reason string) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, true, func(c *Case, w *change) error {
		if len(c.Measures) > 0 {
			return problem.Refused("has-measures", "The case has measures.")
		}
		c.NoMeasures = reason
		w.did("no-measures", reason)
		return nil
	})
}

// CheckEffect records whether the measures work: by the one who was asked, or
// by whoever may handle the case, but not by the owner of a measure nor by
// somebody involved (R10, N3).
func (s *Service) CheckEffect(ctx context.Context, caseID string, effective bool, note string) (View, error) {
	doc, p, _, err := s.loadPart(ctx, caseID)
	if err != nil {
		return View{}, err
	}
	mayHandle := s.mayHandle(p, doc.Tenant, &doc.Value)
	doc, err = s.change(ctx, caseID, audit.ActorOf(p), func(c *Case, w *change) error {
		switch {
		case c.EffectChecker != p.Subject && !mayHandle:
			return ErrForbidden
		case s.involved(doc.Tenant, c).Is(c, p.Subject):
			return ErrInvolved
		case !c.Open:
			return ErrNotOpen
		case c.OwnsMeasure(p.Subject):
			return errOwnMeasure
		case c.State != StateEffectCheck:
			return problem.Refused("not-ready-for-effect-check", "Decide and settle the measures before the effect is checked.")
		}
		c.Effect = &EffectCheck{Effective: effective, Note: note, By: p.Subject, At: w.now}
		result := "effective"
		if !effective {
			result = "not-effective"
		}
		w.did("effect-checked", note, "result", result)
		return nil
	})
	if err != nil {
		return View{}, err
	}
	return s.view(ctx, doc, p)
}
