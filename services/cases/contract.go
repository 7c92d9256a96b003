package cases

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"varde.internal/platform/docstore"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/commonapi"
	"varde.internal/schemas/topics"
)

// encoder turns what the use cases answer into the contract's types, with the
// names that the register and the directory have for ids now.
type encoder struct {
	s   *Service
	tid string
	now time.Time
	raw bool // person fields and raw lines may be shown
}

func (s *Service) encoder(tid string, raw bool) encoder {
	return encoder{s: s, tid: tid, now: s.clock(), raw: raw}
}

func reasonOf(r topics.Reason) commonapi.Reason {
	return commonapi.Reason{Slug: r.Slug, Params: r.Params}
}

func reasonsOf(list []topics.Reason) []commonapi.Reason {
	out := make([]commonapi.Reason, 0, len(list))
	for _, r := range list {
		out = append(out, reasonOf(r))
	}
	return out
}

// personal are the parameters of reasons that name people; they are shown only
// where person fields are.
var personal = []string{"account", "accounts", "person", "persons", "user", "address", "addresses", "station"}

func (e encoder) reason(r topics.Reason) commonapi.Reason {
	if e.raw || len(r.Params) == 0 {
		return reasonOf(r)
	}
	out := commonapi.Reason{Slug: r.Slug, Params: map[string]string{}}
	for k, v := range r.Params {
		if !slices.Contains(personal, k) {
			out.Params[k] = v
		}
	}
	return out
}

func (e encoder) person(id string) casesapi.Person {
	if id == "" {
		return casesapi.Person{}
	}
	c := e.s.Person(e.tid, id, e.now)
	return casesapi.Person{Id: c.ID, Name: c.Name, Title: c.Title, Unit: c.Unit}
}

func (e encoder) named(kind, id string) casesapi.Named {
	if id == "" {
		return casesapi.Named{}
	}
	return casesapi.Named{Id: id, Name: e.s.org.NameOf(e.tid, kind, id, e.now)}
}

// actor names somebody who acted: of the municipality or of a vendor.
func (e encoder) actor(id string) casesapi.Named {
	if n := e.named(topics.KindPerson, id); n.Name != "" {
		return n
	}
	return e.named(topics.KindVendorPerson, id)
}

func (e encoder) summary(id string, c *Case) casesapi.CaseSummary {
	out := casesapi.CaseSummary{
		Id: id, Number: c.Number, State: casesapi.State(c.State), Source: casesapi.Source(c.Source), Kind: casesapi.Kind(c.Kind),
		Category: c.Category, Family: c.Family, Severity: commonapi.Severity(c.Severity), Title: reasonOf(c.Title), Summary: c.Summary,
		System: e.named(topics.KindSystem, c.SystemID), Unit: e.named(topics.KindUnit, c.UnitID), Vendor: e.named(topics.KindVendor, c.VendorID),
		Handler: e.person(c.HandlerID), DueAt: c.DueAt, DueFor: c.DueFor, WaitingFor: casesapi.CaseSummaryWaitingFor(c.WaitingFor),
		Acknowledged: c.Seen(), Explained: c.Explained(), Findings: c.FindingCount, Created: c.Created, Changed: c.Changed,
	}
	if !c.AnsweredAfter.IsZero() {
		out.WaitingFor = casesapi.CaseSummaryWaitingForAnswerAfterClosing
	}
	if c.Open || !c.AnsweredAfter.IsZero() {
		out.Section = casesapi.Section(c.Section(e.now))
	}
	return out
}

func (e encoder) summaries(rows []Row) []casesapi.CaseSummary {
	out := make([]casesapi.CaseSummary, 0, len(rows))
	for _, r := range rows {
		e.tid = r.Tenant
		out = append(out, e.summary(r.ID, &r.Case))
	}
	return out
}

func (e encoder) view(v View) casesapi.Case {
	c := &v.Case
	out := casesapi.Case{
		Summary: e.summary(v.ID, c), Version: v.Version, Blockers: reasonsOf(v.Blockers), Allowed: v.Allowed, Involved: v.Involved,
		NextStep: casesapi.CaseNextStep(c.NextStep()), First: c.First, Last: c.Last, PersonalData: casesapi.PersonalData(c.PersonalData),
		NoMeasures: c.NoMeasures, EffectChecker: e.person(c.EffectChecker), RestoredAt: c.RestoredAt, Outcome: c.Outcome, MergedInto: c.MergedInto,
		Routing: casesapi.Routing{
			Sentence: reasonOf(c.Routing.Sentence()), Steps: reasonsOf(c.Routing.Steps),
			Escalations: c.Routing.Escalations, EscalatesAt: c.EscalatesAt,
		},
		Deadlines: []casesapi.Deadline{}, Decisions: []casesapi.Decision{}, Measures: []casesapi.Measure{}, Findings: []casesapi.Finding{}, Links: []casesapi.Link{},
	}
	for _, d := range c.Deadlines {
		out.Deadlines = append(out.Deadlines, casesapi.Deadline{
			Regime: casesapi.DeadlineRegime(d.Regime), StartsAt: d.StartsAt, DueAt: d.DueAt, Basis: reasonOf(d.Basis),
			MetAt: d.MetAt, Overdue: d.Overdue(v.Now), Note: d.Note,
		})
	}
	for _, d := range c.Decisions {
		out.Decisions = append(out.Decisions, casesapi.Decision{
			Id: d.ID, Kind: casesapi.DecisionKind(d.Kind), Reason: d.Reason, Consequences: d.Consequences, By: e.person(d.By), At: d.At, Late: d.Late,
		})
	}
	for _, m := range c.Measures {
		out.Measures = append(out.Measures, casesapi.Measure{
			Id: m.ID, Kind: casesapi.MeasureKind(m.Kind), Text: m.Text, Owner: e.person(m.Owner), Due: m.Due, State: casesapi.MeasureState(m.State),
			Reason: m.Reason, SettledAt: m.SettledAt, SettledBy: e.person(m.SettledBy), Proposal: m.Proposal,
		})
	}
	if c.Effect != nil {
		out.EffectCheck = casesapi.EffectCheck{Effective: c.Effect.Effective, Note: c.Effect.Note, By: e.person(c.Effect.By), At: c.Effect.At}
	}
	if c.Closed != nil {
		out.Closed = casesapi.Closed{By: e.person(c.Closed.By), At: c.Closed.At, Summary: c.Closed.Summary}
	}
	for _, f := range v.Findings {
		out.Findings = append(out.Findings, e.finding(f))
	}
	for _, l := range v.Links {
		out.Links = append(out.Links, casesapi.Link{CaseId: l.CaseID, Number: l.Number, Kind: casesapi.LinkKind(l.Kind)})
	}
	if c.Report != nil {
		out.Report = e.report(c)
	}
	if m := c.Manual; m != nil {
		out.Manual = casesapi.Manual{What: m.What, Channel: casesapi.Channel(m.Channel), By: e.person(m.By), Occurred: m.Occurred}
	}
	for _, f := range c.Files {
		out.Files = append(out.Files, attachmentOf(f.Attachment))
	}
	return out
}

func (e encoder) report(c *Case) casesapi.Report {
	r := c.Report
	out := casesapi.Report{
		Id: r.ID, FormType: r.FormType, FormVersion: r.FormVersion, Anonymous: r.Anonymous, Ongoing: r.Ongoing, PassLine: c.PassLine,
		Occurred: r.Occurred, Submitted: r.Submitted, Answers: map[string]any{}, Attachments: []casesapi.Attachment{},
	}
	_ = json.Unmarshal(r.Answers, &out.Answers) // answers that are no object stay empty
	for _, a := range r.Attachments {
		out.Attachments = append(out.Attachments, attachmentOf(a))
	}
	return out
}

func (e encoder) finding(s StoredFinding) casesapi.Finding {
	f := s.Finding
	out := casesapi.Finding{
		Id: f.ID, Rule: f.Rule, Reason: e.reason(f.Reason), Severity: commonapi.Severity(f.Severity), Time: f.Time,
		First: f.First, Last: f.Last, Withdrawn: s.Withdrawn, Hosts: f.Hosts,
		Window: e.named(topics.KindAccessWindow, f.WindowID), Agreement: e.named(topics.KindAgreement, f.AgreementID),
	}
	if f.Explained != nil {
		out.Explained = e.reason(*f.Explained)
	}
	for _, line := range f.Evidence {
		out.Evidence = append(out.Evidence, line.EventID)
	}
	if e.raw {
		out.Addresses = f.Addresses
		for _, a := range f.Accounts {
			if name := e.named(topics.KindAccount, a).Name; name != "" {
				a = name // a finding names accounts of the register by id
			}
			out.Accounts = append(out.Accounts, a)
		}
		for _, p := range f.Persons {
			out.Persons = append(out.Persons, e.actor(p))
		}
	}
	return out
}

func (e encoder) message(d docstore.Doc[Message]) casesapi.Message {
	m := d.Value
	return casesapi.Message{
		Id: d.ID, From: casesapi.MessageFrom(m.From), By: e.person(m.By), Kind: casesapi.MessageKind(m.Kind), Text: m.Text, Sent: m.Sent,
	}
}

func (e encoder) evidence(d docstore.Doc[Evidence]) casesapi.CaseEvidence {
	v := d.Value
	out := casesapi.CaseEvidence{
		Id: d.ID, Source: casesapi.CaseEvidenceSource(v.Source), Findings: v.Findings, Note: v.Note, By: e.person(v.By), Added: v.Added,
		Evidence: commonapi.Evidence{
			EventId: v.Line.EventID, Time: v.Line.Time, Original: v.Line.Original, Sha256: v.Line.SHA256, Host: v.Line.Host,
			Account: v.Line.Account, Address: v.Line.Address, Outcome: v.Line.Outcome, Provenance: v.Line.Provenance,
		},
	}
	if v.Search != nil {
		out.Search = casesapi.SearchContext{Query: v.Search.Query, From: v.Search.From, To: v.Search.To, SearchId: v.Search.SearchID}
	}
	return out
}

// answer encodes what most use cases give.
func (s *Service) answer(v View, err error) (casesapi.Case, error) {
	if err != nil {
		return casesapi.Case{}, err
	}
	return s.encoder(v.Tenant, v.Raw).view(v), nil
}

func texts[T ~string](list []T) []string {
	out := make([]string, 0, len(list))
	for _, v := range list {
		out = append(out, string(v))
	}
	return out
}

func tenantOf(ctx context.Context) string {
	p, err := caller(ctx)
	if err != nil {
		return ""
	}
	return string(p.Tenant)
}
