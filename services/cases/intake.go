package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// ReportCaseID is the id of the case of a report: one each, however often the
// report arrives.
func ReportCaseID(tid, reportID string) string { return id.Of("case", "report", tid, reportID) }

// TakeReport makes the case of a report.
func (s *Service) TakeReport(ctx context.Context, r topics.Report) error {
	_, err := s.ensure(ctx, ReportCaseID(r.Tenant, r.ID), func(c *Case, now time.Time) {
		c.Source = SourceReport
		c.Kind, c.Category = r.Kind, r.Category
		c.SetSeverity(r.Severity)
		c.Title = topics.Reason{Slug: "report", Params: map[string]string{"category": r.Category, "kind": r.Kind}}
		c.Summary = r.Summary
		c.Words = wordsOf(r.Summary)
		c.SystemID, c.UnitID, c.PassLine = r.SystemID, r.UnitID, r.PassLine
		c.Report = &Report{
			ID: r.ID, FormType: r.FormType, FormVersion: r.FormVersion, Answers: r.Answers, Anonymous: r.Anonymous,
			Exclusion: r.ReporterExclusion, Ongoing: r.Ongoing, Occurred: r.Occurred, Submitted: r.Submitted, Attachments: r.Attachments,
		}
		c.PersonalData = personalDataOf(r.Answers)
	})
	return err
}

// personalDataOf reads what the reporter said of personal data; forms use the
// property personalData with no, unsure or yes for it.
func personalDataOf(answers json.RawMessage) string {
	var a struct {
		PersonalData string `json:"personalData"`
	}
	if json.Unmarshal(answers, &a) != nil {
		return PersonalDataUnknown
	}
	switch a.PersonalData {
	case "yes", "unsure":
		// What a reporter thinks is a reason to look, not an assessment.
		return PersonalDataPossible
	case "no":
		return PersonalDataNo
	}
	return PersonalDataUnknown
}

// TakeReportMessage adds what the reporter wrote to the dialogue. Its place
// there is given with the change of the case, so that a repeat finds the same.
func (s *Service) TakeReportMessage(ctx context.Context, m topics.ReportMessage) error {
	caseID := ReportCaseID(m.Tenant, m.ReportID)
	kind := MessagePlain
	if m.Kind == MessageProposal {
		kind = MessageProposal
	}
	// Of an anonymous reporter no closer time than the hour is kept; where there
	// is no case yet that says so, of none.
	sequence, received := 0, theHour(s.clock())
	_, err := s.change(ctx, caseID, systemActor, func(c *Case, w *change) error {
		w.anonymous = c.anonymous()
		received = w.kept()
		sequence = c.place(m.ID)
		if !c.hear(m.ID) {
			return nil
		}
		c.Asked = false
		w.did("reporter-wrote", "", "message", m.ID, "kind", kind)
		s.answeredAfter(c, w)
		return nil
	})
	if err != nil && !errors.Is(err, ErrNotFound) { // then the message waits in the dialogue for its case
		return err
	}
	_, err = s.messages.Insert(ctx, id.Of("message", m.Tenant, m.ReportID, m.ID),
		Message{CaseID: caseID, Sequence: sequence, From: FromReporter, Kind: kind, Text: m.Text, Sent: m.Sent, Received: received})
	if errors.Is(err, docstore.ErrExists) {
		return nil
	}
	return err
}

// answeredAfter puts a closed or rejected case that the reporter wrote to into
// its handler's queue (R14), or into that of whoever is responsible now where
// the handler has left. To open it again is for people to decide.
func (s *Service) answeredAfter(c *Case, w *change) {
	if c.Open {
		return
	}
	c.AnsweredAfter = theHour(w.now) // of an anonymous reporter no closer time is kept
	if c.HandlerID == "" || !s.org.CanHandle(w.tenant, c.HandlerID, w.now) {
		s.route(w.tenant, c, w)
	}
}

// TakeFinding files a raised or withdrawn finding with the incident it belongs
// to. The finding's document is written first, then its place in the group,
// then the case is brought up to what the documents say: after a crash
// anywhere, the same message brings all of it about again.
func (s *Service) TakeFinding(ctx context.Context, f topics.Finding, withdrawn bool) error {
	groupID := GroupID(f)
	stored, err := s.storeFinding(ctx, groupID, f, withdrawn)
	if err != nil {
		return err
	}
	span, err := s.place(ctx, groupID, f, stored)
	if err != nil {
		return err
	}
	return s.attach(ctx, span, f)
}

func (s *Service) storeFinding(ctx context.Context, groupID string, f topics.Finding, withdrawn bool) (StoredFinding, error) {
	fresh := StoredFinding{GroupID: groupID}
	fresh.Take(f, withdrawn)
	doc, err := s.findings.Insert(ctx, f.ID, fresh)
	if errors.Is(err, docstore.ErrExists) {
		doc, err = s.findings.Update(ctx, f.ID, func(v *StoredFinding, _ *docstore.Outbox) error {
			v.Take(f, withdrawn)
			return nil
		})
	}
	if err != nil {
		return StoredFinding{}, fmt.Errorf("cases: finding: %w", err)
	}
	return doc.Value, nil
}

// place puts the finding into its group's spans.
func (s *Service) place(ctx context.Context, groupID string, f topics.Finding, stored StoredFinding) (Span, error) {
	_, err := s.groups.Insert(ctx, groupID, IncidentGroup{Family: f.Family, Group: f.Group, Spans: []Span{}})
	if err != nil && !errors.Is(err, docstore.ErrExists) {
		return Span{}, fmt.Errorf("cases: incident group: %w", err)
	}
	var span Span
	_, err = s.groups.Update(ctx, groupID, func(g *IncidentGroup, _ *docstore.Outbox) error {
		span = g.Place(groupID, f.ID, stored.First, stored.Last, s.settings.QuietPeriod)
		return nil
	})
	if err != nil {
		return Span{}, fmt.Errorf("cases: incident group: %w", err)
	}
	return span, nil
}

// attach makes the finding part of the span's living case, and moves over what
// lies with cases that were merged into it.
func (s *Service) attach(ctx context.Context, span Span, f topics.Finding) error {
	if err := s.moveFinding(ctx, f.ID, span.CaseID()); err != nil {
		return err
	}
	for _, absorbed := range span.Cases[1:] {
		if err := s.absorb(ctx, absorbed, span.CaseID(), f); err != nil {
			return err
		}
	}
	return s.recompute(ctx, span.CaseID())
}

// moveFinding files a finding and its evidence under a case.
func (s *Service) moveFinding(ctx context.Context, findingID, caseID string) error {
	doc, err := s.findings.Get(ctx, findingID)
	if err != nil {
		return err
	}
	if err := s.ensureIncident(ctx, caseID, doc.Value.Finding); err != nil {
		return err
	}
	if doc.Value.CaseID != caseID {
		if doc, err = s.findings.Update(ctx, findingID, func(v *StoredFinding, _ *docstore.Outbox) error {
			v.CaseID = caseID
			return nil
		}); err != nil {
			return err
		}
	}
	return s.keepEvidence(ctx, caseID, doc.Value.Finding)
}

// absorb merges a case into another: it is marked first, so that whoever files
// a finding with it at this moment is seen by the move that follows. What
// people did in it comes along (see bringAlong).
func (s *Service) absorb(ctx context.Context, absorbed, into string, like topics.Finding) error {
	// Another process may be about to make the absorbed case: it must find it
	// merged, so it is made here where it is missing.
	if err := s.ensureIncident(ctx, absorbed, like); err != nil {
		return err
	}
	_, err := s.change(ctx, absorbed, systemActor, func(c *Case, w *change) error {
		if c.MergedInto != "" {
			return nil
		}
		c.MergedInto = into
		w.did("merged", "", "into", into)
		return nil
	})
	if err != nil {
		return err
	}
	for {
		page, err := s.findings.Find(ctx, docstore.Eq{Field: "caseId", Value: absorbed}, docstore.FindOptions{Limit: 100})
		if err != nil {
			return err
		}
		if len(page.Docs) == 0 {
			return s.bringAlong(ctx, absorbed, into)
		}
		for _, d := range page.Docs {
			if err := s.moveFinding(ctx, d.ID, into); err != nil {
				return err
			}
		}
	}
}

// ensureIncident makes the case of an incident from one of its findings.
func (s *Service) ensureIncident(ctx context.Context, caseID string, f topics.Finding) error {
	_, err := s.ensure(ctx, caseID, func(c *Case, now time.Time) {
		c.Source, c.Kind = SourceFinding, KindEvent // R5, R27: a security event, whoever registers it
		c.Family, c.Group, c.GroupID = f.Family, f.Group, GroupID(f)
		c.Category = categoryOf(f.Family)
		c.SetSeverity(f.Severity)
		c.SystemID, c.VendorID = f.SystemID, f.VendorID
		c.First, c.Last = Extent(f)
		c.PersonalData = PersonalDataUnknown
		if system, ok := s.org.System(f.Tenant, f.SystemID, now); ok && system.PersonalData {
			c.PersonalData = PersonalDataPossible
		}
		c.Title = topics.Reason{Slug: f.Family, Params: map[string]string{"rule": f.Rule}}
		for name, value := range map[string]string{
			"system": s.org.NameOf(f.Tenant, topics.KindSystem, f.SystemID, now),
			"vendor": s.org.NameOf(f.Tenant, topics.KindVendor, f.VendorID, now),
			"source": s.org.NameOf(f.Tenant, topics.KindSource, f.Group["source"], now),
		} {
			if value != "" {
				c.Title.Params[name] = value
				c.Words = append(c.Words, wordsOf(value)...)
			}
		}
		c.Words = append(c.Words, strings.ToLower(f.Rule))
		c.Subjects = s.subjectsOf(f, now)
	})
	return err
}

func categoryOf(family string) string {
	switch family {
	case topics.FamilyVendorAccess, topics.FamilyForeignAccount:
		return "vendor-access"
	case topics.FamilyRights, topics.FamilyLifeCycle:
		return "wrong-rights"
	case topics.FamilyGuessing, topics.FamilyAccountUse:
		return "account-misuse"
	default:
		return "other"
	}
}

// subjectsOf are the persons who acted: named by the finding, or behind its accounts.
func (s *Service) subjectsOf(f topics.Finding, now time.Time) []string {
	subjects := append(slices.Clone(f.Persons), s.org.AccountHolders(f.Tenant, f.Accounts, now)...)
	slices.Sort(subjects)
	return slices.Compact(subjects)
}

// ensure makes a case unless it exists, with number, clocks and routing.
func (s *Service) ensure(ctx context.Context, caseID string, fill func(c *Case, now time.Time)) (docstore.Doc[Case], error) {
	return s.ensureBy(ctx, caseID, systemActor, fill)
}

func (s *Service) ensureBy(ctx context.Context, caseID string, actor topics.Actor, fill func(c *Case, now time.Time)) (docstore.Doc[Case], error) {
	doc, err := s.cases.Get(ctx, caseID)
	if err == nil || !errors.Is(err, docstore.ErrNotFound) {
		return doc, err
	}
	tid, err := tenant.From(ctx)
	if err != nil {
		return doc, err
	}
	now := s.clock().UTC()
	number, err := s.number(ctx, string(tid), caseID, now)
	if err != nil {
		return doc, err
	}
	c := Case{Number: number, Deadlines: []Deadline{}, Routing: Routing{Steps: []topics.Reason{}}}
	fill(&c, now)
	exact := now
	if c.anonymous() {
		now = theHour(now)
	}
	c.Created = now
	c.Words = append(c.Words, strings.ToLower(number))
	c.startDeadlines(s.settings, now)
	c.startEmergency(s.settings)
	w := &change{tenant: string(tid), caseID: caseID, now: now, exact: exact, actor: actor, anonymous: c.anonymous()}
	if actor.Type == "person" {
		w.by = actor.ID
	}
	w.did("created", "", "source", c.Source)
	s.route(w.tenant, &c, w)
	var out docstore.Outbox
	s.record(&c, w, &out)
	doc, err = s.cases.Insert(ctx, caseID, c, out.Messages...)
	if errors.Is(err, docstore.ErrExists) {
		return s.cases.Get(ctx, caseID)
	}
	if err == nil {
		s.flushLater(ctx, doc)
	}
	return doc, err
}

// number gives the case its readable number: PREFIX-YEAR-NNNN, in the year of
// the municipality's clock.
func (s *Service) number(ctx context.Context, tid, caseID string, now time.Time) (string, error) {
	year := now.In(s.zone).Year()
	counter := id.Of("case-number", tid, fmt.Sprint(year))
	if _, err := s.counters.Insert(ctx, counter, Counter{Recent: []Issued{}}); err != nil && !errors.Is(err, docstore.ErrExists) {
		return "", err
	}
	n := 0
	if _, err := s.counters.Update(ctx, counter, func(c *Counter, _ *docstore.Outbox) error {
		n = c.Next(caseID)
		return nil
	}); err != nil {
		return "", fmt.Errorf("cases: number: %w", err)
	}
	prefix := ""
	if t, ok := s.org.Tenant(tid, now); ok {
		prefix = t.CasePrefix
	}
	if prefix == "" {
		prefix = strings.ToUpper(tid[:2])
	}
	return fmt.Sprintf("%s-%d-%04d", prefix, year, n), nil
}

// wordsOf are the folded words of a text, for search by their beginnings.
func wordsOf(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	slices.Sort(words)
	words = slices.Compact(words)
	if len(words) > 200 {
		words = words[:200]
	}
	return words
}
