package cases

import (
	"context"
	"io"
	"slices"

	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/topics"
	caseshttp "varde.internal/services/cases/http"
)

// api gives the use cases in the contract's types, for package http.
type api struct{ s *Service }

var _ caseshttp.Cases = api{}

func (a api) Queue(ctx context.Context, section string, limit int, after string) (casesapi.Queue, error) {
	page, err := a.s.Queue(ctx, section, limit, after)
	if err != nil {
		return casesapi.Queue{}, err
	}
	return casesapi.Queue{Items: a.s.encoder("", false).summaries(page.Rows), Next: page.Next, Counts: page.Counts}, nil
}

func (a api) Search(ctx context.Context, in casesapi.CaseSearch) (casesapi.CaseList, error) {
	rows, next, err := a.s.Search(ctx, Search{
		Text: in.Text, States: texts(in.States), Severities: texts(in.Severities), Sources: texts(in.Sources), Families: in.Families,
		Categories: in.Categories, Open: in.Open, SystemID: in.SystemId, UnitID: in.UnitId, VendorID: in.VendorId, HandlerID: in.HandlerId,
		From: in.From, To: in.To, Sort: string(in.Sort), Limit: in.Limit, After: in.After,
	})
	if err != nil {
		return casesapi.CaseList{}, err
	}
	return casesapi.CaseList{Items: a.s.encoder("", false).summaries(rows), Next: next}, nil
}

func (a api) Get(ctx context.Context, caseID string) (casesapi.Case, error) {
	return a.s.answer(a.s.Get(ctx, caseID))
}

func (a api) Create(ctx context.Context, in casesapi.NewCase) (casesapi.CreatedCase, error) {
	c, err := a.s.Create(ctx, NewCase{
		Ref: in.CaseRef, Title: in.Title, What: in.What, Channel: string(in.Channel), Kind: string(in.Kind), Severity: string(in.Severity),
		SystemID: in.SystemId, UnitID: in.UnitId, Occurred: in.Occurred, PassLine: in.PassLine,
	})
	return casesapi.CreatedCase{Id: c.ID, Number: c.Number, Readable: c.Readable}, err
}

func (a api) Attach(ctx context.Context, caseID, name string, body io.Reader) (casesapi.Attachment, error) {
	f, err := a.s.Attach(ctx, caseID, name, body)
	return attachmentOf(f), err
}

func attachmentOf(f topics.Attachment) casesapi.Attachment {
	return casesapi.Attachment{Id: f.ID, Name: f.Name, MediaType: f.MediaType, Size: f.Size, Sha256: f.SHA256}
}

func (a api) History(ctx context.Context, caseID string, limit int, after string) (casesapi.HistoryList, error) {
	page, err := a.s.History(ctx, caseID, limit, after)
	if err != nil {
		return casesapi.HistoryList{}, err
	}
	out := casesapi.HistoryList{Items: []casesapi.HistoryEntry{}, Next: page.Next}
	e := a.s.encoder(tenantOf(ctx), false)
	for _, d := range page.Docs {
		v := d.Value
		for _, name := range []string{"to", "from", "owner", "of", "involved"} {
			if p := e.person(v.Params[name]); p.Name != "" {
				v.Params[name+"Name"] = p.Name
			}
		}
		out.Items = append(out.Items, casesapi.HistoryEntry{Id: d.ID, At: v.At, By: e.person(v.By), Action: v.Action, Params: v.Params, Text: v.Text})
	}
	return out, nil
}

func (a api) Candidates(ctx context.Context, caseID string) (casesapi.PersonList, error) {
	list, err := a.s.Candidates(ctx, caseID)
	out := casesapi.PersonList{Items: []casesapi.Person{}}
	for _, c := range list {
		out.Items = append(out.Items, casesapi.Person{Id: c.ID, Name: c.Name, Title: c.Title, Unit: c.Unit})
	}
	return out, err
}

func (a api) Acknowledge(ctx context.Context, caseID string) (casesapi.Case, error) {
	return a.s.answer(a.s.Acknowledge(ctx, caseID))
}

func (a api) Assign(ctx context.Context, caseID string, in casesapi.Assign) (casesapi.Case, error) {
	return a.s.answer(a.s.Assign(ctx, caseID, in.Person, in.Note))
}

func (a api) Assess(ctx context.Context, caseID string, in casesapi.Assessment) (casesapi.Case, error) {
	return a.s.answer(a.s.Assess(ctx, caseID, Assessment{
		Kind: string(in.Kind), Severity: string(in.Severity), PersonalData: string(in.PersonalData), AwareAt: in.AwareAt,
		DigitalSecurity: string(in.DigitalSecurity), Involved: in.Involved, Reason: in.Reason,
	}))
}

func (a api) MeetDeadline(ctx context.Context, caseID, regime string, in casesapi.MeetDeadline) (casesapi.Case, error) {
	return a.s.answer(a.s.MeetDeadline(ctx, caseID, regime, string(in.Result), in.Note, in.At))
}

func (a api) Decide(ctx context.Context, caseID string, in casesapi.NewDecision) (casesapi.Case, error) {
	return a.s.answer(a.s.Decide(ctx, caseID, string(in.Kind), in.Reason, texts(in.Consequences)))
}

func (a api) AddMeasure(ctx context.Context, caseID string, in casesapi.NewMeasure) (casesapi.Case, error) {
	return a.s.answer(a.s.AddMeasure(ctx, caseID, NewMeasure{Kind: string(in.Kind), Text: in.Text, Owner: in.Owner, Proposal: in.Proposal, Due: in.Due}))
}

func (a api) UpdateMeasure(ctx context.Context, caseID, measureID string, in casesapi.MeasureChange) (casesapi.Case, error) {
	return a.s.answer(a.s.UpdateMeasure(ctx, caseID, measureID, MeasureChange{Kind: string(in.Kind), Text: in.Text, Owner: in.Owner, Due: in.Due}))
}

func (a api) SettleMeasure(ctx context.Context, caseID, measureID string, in casesapi.SettleMeasure) (casesapi.Case, error) {
	return a.s.answer(a.s.SettleMeasure(ctx, caseID, measureID, string(in.Result), in.Reason))
}

func (a api) SetNoMeasures(ctx context.Context, caseID string, in casesapi.WithReason) (casesapi.Case, error) {
	return a.s.answer(a.s.SetNoMeasures(ctx, caseID, in.Reason))
}

func (a api) CheckEffect(ctx context.Context, caseID string, in casesapi.NewEffectCheck) (casesapi.Case, error) {
	return a.s.answer(a.s.CheckEffect(ctx, caseID, in.Effective, in.Note))
}

func (a api) AskForEffectCheck(ctx context.Context, caseID string, in casesapi.Assign) (casesapi.Case, error) {
	return a.s.answer(a.s.AskForEffectCheck(ctx, caseID, in.Person, in.Note))
}

func (a api) SetRestored(ctx context.Context, caseID string, in casesapi.Restored) (casesapi.Case, error) {
	return a.s.answer(a.s.SetRestored(ctx, caseID, in.At))
}

func (a api) SetOutcome(ctx context.Context, caseID string, in casesapi.Outcome) (casesapi.Case, error) {
	return a.s.answer(a.s.SetOutcome(ctx, caseID, in.Text))
}

func (a api) Close(ctx context.Context, caseID string, in casesapi.Close) (casesapi.Case, error) {
	return a.s.answer(a.s.Close(ctx, caseID, in.Summary, in.Outcome))
}

func (a api) Reopen(ctx context.Context, caseID string, in casesapi.WithReason) (casesapi.Case, error) {
	return a.s.answer(a.s.Reopen(ctx, caseID, in.Reason))
}

func (a api) Reject(ctx context.Context, caseID string, in casesapi.WithReason) (casesapi.Case, error) {
	return a.s.answer(a.s.Reject(ctx, caseID, in.Reason))
}

func (a api) Link(ctx context.Context, caseID string, in casesapi.NewLink) (casesapi.Case, error) {
	return a.s.answer(a.s.Link(ctx, caseID, in.CaseId, string(in.Kind)))
}

func (a api) Unlink(ctx context.Context, caseID, other string) (casesapi.Case, error) {
	return a.s.answer(a.s.Unlink(ctx, caseID, other))
}

func (a api) Messages(ctx context.Context, caseID string, limit int, after string) (casesapi.MessageList, error) {
	page, err := a.s.Messages(ctx, caseID, limit, after)
	out := casesapi.MessageList{Items: []casesapi.Message{}, Next: page.Next}
	e := a.s.encoder(tenantOf(ctx), false)
	for _, d := range page.Docs {
		out.Items = append(out.Items, e.message(d))
	}
	return out, err
}

func (a api) Write(ctx context.Context, caseID string, in casesapi.NewMessage) (casesapi.Message, error) {
	d, err := a.s.Write(ctx, caseID, in.MessageId, in.Text, in.Question)
	if err != nil {
		return casesapi.Message{}, err
	}
	return a.s.encoder(d.Tenant, false).message(d), nil
}

func (a api) Evidence(ctx context.Context, caseID string, limit int, after string) (casesapi.EvidenceList, error) {
	page, err := a.s.ListEvidence(ctx, caseID, limit, after)
	out := casesapi.EvidenceList{Items: []casesapi.CaseEvidence{}, Next: page.Next, Raw: page.Raw}
	e := a.s.encoder(tenantOf(ctx), page.Raw)
	for _, d := range page.Items {
		out.Items = append(out.Items, e.evidence(d))
	}
	return out, err
}

func (a api) Pin(ctx context.Context, caseID string, in casesapi.Pin) (casesapi.CaseEvidence, error) {
	var search *SearchContext
	if in.Search.Query != "" || in.Search.SearchId != "" || !in.Search.From.IsZero() {
		search = &SearchContext{Query: in.Search.Query, From: in.Search.From, To: in.Search.To, SearchID: in.Search.SearchId}
	}
	d, raw, err := a.s.Pin(ctx, caseID, in.EventId, in.Note, search)
	if err != nil {
		return casesapi.CaseEvidence{}, err
	}
	return a.s.encoder(d.Tenant, raw).evidence(d), nil
}

func (a api) Attachment(ctx context.Context, caseID, attachmentID string) (caseshttp.File, error) {
	r, at, err := a.s.OpenAttachment(ctx, caseID, attachmentID)
	if err != nil {
		return caseshttp.File{}, err
	}
	return caseshttp.File{Name: at.Name, Size: at.Size, Content: r}, nil
}

func (a api) Access(ctx context.Context, caseID string) (casesapi.CaseAccess, error) {
	row, err := a.s.Access(ctx, caseID)
	if err != nil {
		return casesapi.CaseAccess{}, err
	}
	c := row.Case
	out := casesapi.CaseAccess{Id: row.ID, Number: c.Number, Open: c.Open, Unit: c.ReachUnit, Owners: c.handlers(), Involved: slices.Concat(c.Subjects, c.Named)}
	if out.Involved == nil {
		out.Involved = []string{}
	}
	return out, nil
}
