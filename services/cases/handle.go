package cases

import (
	"context"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/schemas/topics"
)

// Acknowledge says that the caller has seen the case and takes it on; of a
// closed case that the reporter wrote to, that they have seen the answer.
func (s *Service) Acknowledge(ctx context.Context, caseID string) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, false, func(c *Case, w *change) error {
		if !c.Open {
			if c.AnsweredAfter.IsZero() {
				return ErrNotOpen
			}
			c.AnsweredAfter = time.Time{}
			w.did("answer-seen", "")
			return nil
		}
		if c.Seen() {
			return nil
		}
		s.acknowledge(c, w)
		return nil
	})
}

// acknowledge makes whoever acts on an unseen case its handler: a manager up
// the line, or the security officer, who takes it on.
func (s *Service) acknowledge(c *Case, w *change) {
	if c.HandlerID != w.by {
		c.giveTo(w.by)
		c.Routing.Steps = append(c.Routing.Steps, topics.Reason{Slug: "taken-on"})
	}
	c.AcknowledgedAt, c.AcknowledgedBy = w.now, w.by
	c.meet(RegimeAcknowledge, w.now)
	w.did("acknowledged", "")
}

// Assign hands the case over to another person of the municipality.
func (s *Service) Assign(ctx context.Context, caseID, person, note string) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseAssign, true, func(c *Case, w *change) error {
		if err := s.fitFor(c, w, person); err != nil {
			return err
		}
		if c.HandlerID == person {
			return nil
		}
		c.giveTo(person)
		c.Routing.Steps = append(c.Routing.Steps, topics.Reason{Slug: "handed-over"})
		c.EscalatesAt = w.now.Add(s.settings.Acknowledge[c.Severity])
		w.did("assigned", note, "to", person)
		return nil
	})
}

// fitFor refuses persons who are not there, have left, or acted in the case.
// The reporter is not refused here: a refusal would tell who that is. They are
// told themselves when they try to decide.
func (s *Service) fitFor(c *Case, w *change, person string) error {
	switch {
	case !s.org.CanHandle(w.tenant, person, w.now):
		return problem.Refused("no-such-person", "Nobody who works here has this id.")
	case Involved{}.Is(c, person):
		return errPersonInvolved
	}
	return nil
}

// AskForEffectCheck asks a person to check whether the measures work.
func (s *Service) AskForEffectCheck(ctx context.Context, caseID, person, note string) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, true, func(c *Case, w *change) error {
		if err := s.fitFor(c, w, person); err != nil {
			return err
		}
		if c.OwnsMeasure(person) {
			return errOwnsMeasure
		}
		if c.EffectChecker == person {
			return nil
		}
		c.EffectChecker = person
		w.did("effect-check-asked", note, "of", person)
		return nil
	})
}

// Assessment is what the handler found out about the nature of a case; empty
// fields stay as they are.
type Assessment struct {
	Kind            string
	Severity        string
	PersonalData    string
	AwareAt         time.Time
	DigitalSecurity string // covered, not-covered
	Involved        []string
	Reason          string
}

// Assess records it, and starts or takes away the clocks that follow.
func (s *Service) Assess(ctx context.Context, caseID string, a Assessment) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, true, func(c *Case, w *change) error {
		if a.AwareAt.After(w.now) {
			return problem.Invalid("Awareness lies in the future.", problem.Field{Pointer: "/awareAt", Slug: "in-future", Detail: "This lies in the future."})
		}
		params := []string{}
		set := func(name string, field *string, value string) {
			if value != "" && value != *field {
				*field = value
				params = append(params, name, value)
			}
		}
		set("kind", &c.Kind, a.Kind)
		set("personalData", &c.PersonalData, a.PersonalData)
		// Also who confirms the severity as it is has set it.
		c.SeverityGiven = c.SeverityGiven || a.Severity != ""
		if a.Severity != "" && a.Severity != c.Severity {
			c.SetSeverity(a.Severity)
			c.tighten(s.settings)
			params = append(params, "severity", a.Severity)
		}
		aware := a.AwareAt
		if aware.IsZero() {
			aware = c.Created
		}
		if a.PersonalData != "" {
			c.startGDPR(s.settings, aware)
		}
		switch a.DigitalSecurity {
		case "covered":
			c.SetDeadline(Deadline{Regime: RegimeDigitalSecurity, StartsAt: aware, DueAt: aware.Add(s.settings.DigitalSecurity), Basis: topics.Reason{Slug: "digital-security-act"}})
			params = append(params, "digitalSecurity", a.DigitalSecurity)
		case "not-covered":
			c.dropDeadline(RegimeDigitalSecurity)
			params = append(params, "digitalSecurity", a.DigitalSecurity)
		}
		for _, person := range a.Involved {
			if !slices.Contains(c.Named, person) {
				c.Named = append(c.Named, person)
				params = append(params, "involved", person)
			}
		}
		w.did("assessed", a.Reason, params...)
		if (Involved{}).Is(c, c.HandlerID) {
			s.route(w.tenant, c, w)
		}
		return nil
	})
}

// MeetDeadline records that an authority was notified, or why it need not be.
func (s *Service) MeetDeadline(ctx context.Context, caseID, regime, result, note string, at time.Time) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, true, func(c *Case, w *change) error {
		d, ok := c.Deadline(regime)
		if !ok {
			return problem.Refused("no-such-deadline", "No clock runs under this regime.")
		}
		if at.IsZero() {
			at = w.now
		}
		if at.After(w.now) || at.Before(d.StartsAt) {
			return problem.Invalid("The time does not fit.", problem.Field{Pointer: "/at", Slug: "out-of-range", Detail: "This must lie between the start of the clock and now."})
		}
		d.MetAt, d.Result, d.Note = at, result, note
		w.did("deadline-met", note, "regime", regime, "result", result)
		return nil
	})
}

// Decide records the decision (R8). Deciding on an unseen case is seeing it.
func (s *Service) Decide(ctx context.Context, caseID, kind, reason string, consequences []string) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, true, func(c *Case, w *change) error {
		late := false
		switch kind {
		case DecideApproveAfterwards:
			if c.Family != topics.FamilyVendorAccess {
				return problem.Refused("decision-not-for-this", "Only a vendor's login can be approved afterwards.")
			}
			late = w.now.After(c.First.Add(s.settings.Emergency))
		case DecideMisuse, DecideRegisterError:
			if c.Source != SourceFinding {
				return problem.Refused("decision-not-for-this", "This decision is for what the logs showed.")
			}
		}
		if !c.Seen() {
			s.acknowledge(c, w)
		}
		d := Decision{
			ID: id.New(), Kind: kind, Reason: reason, Consequences: consequences, By: w.by, At: w.now, Late: late,
		}
		c.Decisions = append(c.Decisions, d)
		params := []string{"kind", kind}
		if len(consequences) > 0 {
			params = append(params, "consequences", strings.Join(consequences, ","))
		}
		if late {
			params = append(params, "late", "true")
		} else if kind == DecideApproveAfterwards {
			c.meet(RegimeEmergency, w.now)
		}
		w.did("decided", reason, params...)
		return nil
	})
}

// SetRestored records when normal activity was restored (R11).
func (s *Service) SetRestored(ctx context.Context, caseID string, at time.Time) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, true, func(c *Case, w *change) error {
		if at.After(w.now) {
			return problem.Invalid("The time lies in the future.", problem.Field{Pointer: "/at", Slug: "in-future", Detail: "This lies in the future."})
		}
		if c.RestoredAt.Equal(at) {
			return nil
		}
		c.RestoredAt = at.UTC()
		w.did("restored", "", "at", at.UTC().Format(time.RFC3339))
		return nil
	})
}

// SetOutcome writes what the reporter is told was done (R14).
func (s *Service) SetOutcome(ctx context.Context, caseID, text string) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, false, func(c *Case, w *change) error {
		if c.Report == nil {
			return problem.Refused("no-reporter", "Nobody reported this case.")
		}
		if c.Outcome != text {
			c.Outcome = text
			w.did("outcome-written", text)
		}
		return nil
	})
}

// Close closes the case, where nothing blocks it (R10, N3).
func (s *Service) Close(ctx context.Context, caseID, summary, outcome string) (View, error) {
	doc, p, err := s.load(ctx, caseID, auth.ActionCaseClose)
	if err != nil {
		return View{}, err
	}
	doc, err = s.change(ctx, caseID, audit.ActorOf(p), func(c *Case, w *change) error {
		if !c.Open {
			return ErrNotOpen
		}
		if err := blockedBy(c.Blockers(p.Subject, s.involved(doc.Tenant, c), outcome != "")); err != nil {
			return err
		}
		if outcome != "" && c.Report != nil {
			c.Outcome = outcome
		}
		c.Closed = &Closed{By: p.Subject, At: w.now, Summary: summary}
		c.meet(RegimeInternal, w.now)
		c.Asked = false
		w.did("closed", summary)
		return nil
	})
	if err != nil {
		return View{}, err
	}
	return s.view(ctx, doc, p)
}

// blockedBy refuses with the blockers' slugs; nil where there are none.
func blockedBy(blockers []topics.Reason) error {
	if len(blockers) == 0 {
		return nil
	}
	slugs := make([]string, len(blockers))
	for i, b := range blockers {
		slugs[i] = b.Slug
	}
	return ErrBlocked.With("blockers", strings.Join(slugs, ","))
}

// Reject ends a case that is no deviation; the reporter is told why. A clock of
// the law that binds the case is answered first.
func (s *Service) Reject(ctx context.Context, caseID, reason string) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseClose, true, func(c *Case, w *change) error {
		if err := blockedBy(c.RejectBlockers()); err != nil {
			return err
		}
		c.RejectedAt = w.now
		c.meet(RegimeAcknowledge, w.now)
		c.meet(RegimeInternal, w.now)
		if c.Report != nil {
			c.Outcome = reason
		}
		c.Asked = false
		w.did("rejected", reason)
		return nil
	})
}

// Reopen opens a closed or rejected case again.
func (s *Service) Reopen(ctx context.Context, caseID, reason string) (View, error) {
	return s.handle(ctx, caseID, auth.ActionCaseHandle, false, func(c *Case, w *change) error {
		if c.Open || c.MergedInto != "" {
			return problem.Conflict("case-open", "The case is open.")
		}
		c.reopen(s.settings, w.now)
		w.did("reopened", reason)
		return nil
	})
}
