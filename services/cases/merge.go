package cases

import (
	"context"
	"errors"
	"slices"

	"varde.internal/platform/docstore"
)

// bringAlong takes what people did in an absorbed case over into the one that
// lives on, each once, and links the two. The absorbed case is merged already:
// nobody changes it any more. Done again after a stop anywhere it ends alike.
func (s *Service) bringAlong(ctx context.Context, absorbed, into string) error {
	from, err := s.cases.Get(ctx, absorbed)
	if err != nil {
		return err
	}
	for {
		living, err := s.cases.Get(ctx, into)
		if err != nil {
			return err
		}
		if living.Value.MergedInto != "" {
			into = living.Value.MergedInto
			continue
		}
		pins, err := s.copyPins(ctx, absorbed, into)
		if err != nil {
			return err
		}
		if pins == 0 && !from.Value.worked() {
			return nil
		}
		_, err = s.change(ctx, into, systemActor, func(c *Case, w *change) error {
			if c.MergedInto != "" {
				return errAgain // it was merged on in the meantime
			}
			if slices.Contains(c.Absorbed, absorbed) {
				return nil
			}
			c.Absorbed = append(c.Absorbed, absorbed)
			c.inherit(&from.Value)
			c.setLink(absorbed, LinkHasDuplicate)
			w.did("absorbed", "", "case", absorbed, "number", from.Value.Number)
			return nil
		})
		if errors.Is(err, errAgain) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = s.change(ctx, absorbed, systemActor, func(c *Case, w *change) error {
			if c.setLink(into, LinkDuplicateOf) {
				w.did("linked", "", "case", into, "kind", LinkDuplicateOf)
			}
			return nil
		})
		return err
	}
}

// copyPins puts the lines that people pinned to the one case to the other as
// well, and says how many there are.
func (s *Service) copyPins(ctx context.Context, from, to string) (int, error) {
	n, after := 0, ""
	of := docstore.And{docstore.Eq{Field: "caseId", Value: from}, docstore.Eq{Field: "source", Value: EvidencePinned}}
	for {
		page, err := s.evidence.Find(ctx, of, docstore.FindOptions{Limit: 100, After: after, Sort: []docstore.Sort{{Field: "line.time"}}})
		if err != nil {
			return n, err
		}
		for _, d := range page.Docs {
			n++
			v := d.Value
			v.CaseID = to
			if _, err := s.evidence.Insert(ctx, EvidenceID(to, v.Line.EventID), v); err != nil && !errors.Is(err, docstore.ErrExists) {
				return n, err
			}
		}
		if after = page.Next; after == "" {
			return n, nil
		}
	}
}

// worked says whether people did anything in the case.
func (c *Case) worked() bool {
	met := slices.ContainsFunc(c.Deadlines, func(d Deadline) bool { return !d.MetAt.IsZero() })
	return met || c.begun() || !c.AcknowledgedAt.IsZero() || c.EffectChecker != "" || c.SeverityGiven ||
		!c.RestoredAt.IsZero() || len(c.Named) > 0 || len(c.linked()) > 0
}

// begun says whether anything was decided or is to be done.
func (c *Case) begun() bool {
	return len(c.Decisions) > 0 || len(c.Measures) > 0 || c.NoMeasures != "" || c.Effect != nil
}

// inherit takes over what people did in an absorbed case. Where both were
// worked on, both stand side by side, and what was said of the one alone (that
// the measures work, that none are needed) has to be said again.
func (c *Case) inherit(from *Case) {
	if !c.begun() {
		c.NoMeasures, c.Effect = from.NoMeasures, from.Effect
	} else if from.begun() {
		c.Effect = nil
		if len(from.Measures) > 0 {
			c.NoMeasures = ""
		}
	}
	for _, d := range from.Decisions {
		if !slices.ContainsFunc(c.Decisions, func(own Decision) bool { return own.ID == d.ID }) {
			c.Decisions = append(c.Decisions, d)
		}
	}
	slices.SortStableFunc(c.Decisions, func(a, b Decision) int { return a.At.Compare(b.At) })
	for _, m := range from.Measures {
		if _, ok := c.Measure(m.ID); !ok {
			c.Measures = append(c.Measures, m)
		}
	}
	if c.EffectChecker == "" {
		c.EffectChecker = from.EffectChecker
	}
	for _, person := range from.Named {
		if !slices.Contains(c.Named, person) {
			c.Named = append(c.Named, person)
		}
	}
	if c.RestoredAt.IsZero() {
		c.RestoredAt = from.RestoredAt
	}
	c.inheritNature(from)
	if !c.Seen() && from.Seen() && from.HandlerID != "" && !(Involved{}).Is(c, from.HandlerID) {
		c.giveTo(from.HandlerID)
		c.AcknowledgedAt, c.AcknowledgedBy = from.AcknowledgedAt, from.AcknowledgedBy
		c.meet(RegimeAcknowledge, from.AcknowledgedAt)
	}
	for _, l := range from.linked() {
		known := slices.ContainsFunc(c.linked(), func(own Link) bool { return own.CaseID == l.CaseID })
		if !known && !slices.Contains(c.Absorbed, l.CaseID) {
			c.setLink(l.CaseID, l.Kind)
		}
	}
}

// certainty orders what is known of personal data: doubt stays until it is
// ruled out in the case that lives on.
var certainty = []string{PersonalDataUnknown, PersonalDataNo, PersonalDataPossible, PersonalDataYes}

// inheritNature takes over the graver judgement, and the clocks of the law: the
// earlier start, and that an authority was notified.
func (c *Case) inheritNature(from *Case) {
	if slices.Index(certainty, from.PersonalData) > slices.Index(certainty, c.PersonalData) {
		c.PersonalData = from.PersonalData
	}
	if from.SeverityGiven && from.Rank >= c.Rank {
		c.SeverityGiven = true
		c.SetSeverity(from.Severity)
	}
	for _, d := range from.Deadlines {
		if d.Regime != RegimeGDPR && d.Regime != RegimeDigitalSecurity && d.Regime != RegimeEmergency {
			continue
		}
		own, ok := c.Deadline(d.Regime)
		if !ok {
			c.Deadlines = append(c.Deadlines, d)
			continue
		}
		if d.StartsAt.Before(own.StartsAt) {
			own.StartsAt, own.DueAt, own.Basis = d.StartsAt, d.DueAt, d.Basis
		}
		if own.MetAt.IsZero() {
			own.MetAt, own.Result, own.Note = d.MetAt, d.Result, d.Note
		}
	}
}
