package deviation

import (
	"context"
	"encoding/json"
	"io"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/deviationapi"
	deviationhttp "varde.internal/services/deviation/http"
)

// api gives the use cases in the contract's types, for package http.
type api struct{ s *Service }

var _ deviationhttp.Deviation = api{}

func (a api) Tenants(context.Context) (deviationapi.TenantList, error) {
	out := deviationapi.TenantList{Items: []deviationapi.TenantChoice{}}
	for _, t := range a.s.places.Tenants(a.s.clock()) {
		out.Items = append(out.Items, deviationapi.TenantChoice{Tenant: t.ID, Name: t.Name})
	}
	return out, nil
}

func (a api) Forms(_ context.Context, tid string) (deviationapi.FormList, error) {
	out := deviationapi.FormList{Items: []deviationapi.FormSummary{}}
	if !a.s.places.Known(tid, a.s.clock()) {
		return out, ErrNoTenant
	}
	for _, f := range a.s.forms.Newest() {
		texts := map[string]map[string]string{}
		for language, all := range f.Texts {
			texts[language] = map[string]string{f.Title: all[f.Title]}
		}
		out.Items = append(out.Items, deviationapi.FormSummary{
			FormType: f.FormType, Version: f.Version, Title: f.Title, SignIn: deviationapi.SignIn(f.SignIn), Texts: texts,
		})
	}
	return out, nil
}

func (a api) Form(_ context.Context, tid, formType string) (deviationapi.Form, error) {
	return a.form(tid, formType, a.s.places.PublicSystems)
}

func (a api) MyForm(ctx context.Context, formType string) (deviationapi.Form, error) {
	p, ok := auth.From(ctx)
	if !ok || p.Service {
		return deviationapi.Form{}, auth.ErrNoToken
	}
	return a.form(string(p.Tenant), formType, a.s.places.Systems)
}

func (a api) form(tid, formType string, systems func(string, time.Time) []Choice) (deviationapi.Form, error) {
	now := a.s.clock()
	if !a.s.places.Known(tid, now) {
		return deviationapi.Form{}, ErrNoTenant
	}
	f, ok := a.s.forms.Find(formType, 0)
	if !ok {
		return deviationapi.Form{}, ErrNoForm
	}
	out := deviationapi.Form{
		FormType: f.FormType, Version: f.Version, Title: f.Title, SignIn: deviationapi.SignIn(f.SignIn), Texts: f.Texts, Limits: a.limits(),
		Units: choices(a.s.places.Units(tid, now)), Systems: choices(systems(tid, now)), Steps: []deviationapi.FormStep{},
	}
	if err := json.Unmarshal(f.Schema, &out.Schema); err != nil {
		return deviationapi.Form{}, err
	}
	for _, step := range f.Steps {
		out.Steps = append(out.Steps, stepOf(step))
	}
	return out, nil
}

func stepOf(s Step) deviationapi.FormStep {
	out := deviationapi.FormStep{Id: s.ID, Title: s.Title, Help: s.Help, When: conditionOf(s.When), Fields: []deviationapi.FormField{}}
	for _, f := range s.Fields {
		field := deviationapi.FormField{
			Name: f.Name, Widget: deviationapi.FormFieldWidget(f.Widget), Label: f.Label, Help: f.Help, Required: f.Required, When: conditionOf(f.When),
		}
		for _, o := range f.Options {
			field.Options = append(field.Options, deviationapi.FormOption{Value: o.Value, Label: o.Label, Help: o.Help})
		}
		out.Fields = append(out.Fields, field)
	}
	return out
}

func conditionOf(c *Condition) deviationapi.Condition {
	if c == nil {
		return deviationapi.Condition{}
	}
	return deviationapi.Condition{Field: c.Field, In: c.In}
}

func choices(all []Choice) []deviationapi.Choice {
	out := make([]deviationapi.Choice, 0, len(all))
	for _, c := range all {
		out = append(out, deviationapi.Choice{Id: c.ID, Name: c.Name, Parent: c.Parent})
	}
	return out
}

func (a api) limits() deviationapi.Limits {
	l := a.s.cfg.Limits
	return deviationapi.Limits{Files: l.Files, FileBytes: l.FileBytes, DraftBytes: l.DraftBytes}
}

func (a api) NewDraft(ctx context.Context, in deviationapi.NewDraft) (deviationapi.Draft, error) {
	token, expires, err := a.s.NewDraft(ctx, in.Tenant, nil)
	return deviationapi.Draft{Token: token, Expires: expires, Limits: a.limits()}, err
}

func (a api) NewMyDraft(ctx context.Context) (deviationapi.Draft, error) {
	p, ok := auth.From(ctx)
	if !ok || p.Service {
		return deviationapi.Draft{}, auth.ErrNoToken
	}
	token, expires, err := a.s.NewDraft(ctx, string(p.Tenant), &p)
	return deviationapi.Draft{Token: token, Expires: expires, Limits: a.limits()}, err
}

func (a api) Upload(ctx context.Context, tid, token, name string, body io.Reader) (deviationapi.Attachment, error) {
	f, err := a.s.Upload(ctx, tid, token, name, body)
	return attachmentOf(f), err
}

func attachmentOf(f StoredFile) deviationapi.Attachment {
	return deviationapi.Attachment{
		Id: f.ID, Name: f.Name, MediaType: f.MediaType, Size: f.Size, Sha256: f.SHA256, OriginalSha256: f.OriginalSHA256, MetadataRemoved: f.MetadataRemoved,
	}
}

func (a api) RemoveFile(ctx context.Context, tid, token, fileID string) error {
	return a.s.RemoveFile(ctx, tid, token, fileID)
}

func (a api) SubmitAnonymously(ctx context.Context, in deviationapi.NewReport) (deviationapi.Receipt, error) {
	if in.Tenant == "" {
		return deviationapi.Receipt{}, problem.Invalid("The municipality is missing.", problem.Field{Pointer: "/tenant", Slug: "required", Detail: "This is needed."})
	}
	return a.submit(ctx, in, in.Tenant, nil)
}

func (a api) SubmitAsMe(ctx context.Context, in deviationapi.NewReport) (deviationapi.Receipt, error) {
	p, ok := auth.From(ctx)
	if !ok || p.Service {
		return deviationapi.Receipt{}, auth.ErrNoToken
	}
	return a.submit(ctx, in, string(p.Tenant), &p)
}

func (a api) submit(ctx context.Context, in deviationapi.NewReport, tid string, who *auth.Principal) (deviationapi.Receipt, error) {
	r, err := a.s.Submit(ctx, Submission{
		Tenant: tid, SubmissionID: in.SubmissionId, FormType: in.FormType, FormVersion: in.FormVersion,
		Answers: in.Answers, DraftToken: in.Draft, Reporter: who, Proof: proofOf(in.Proof),
	})
	return deviationapi.Receipt{ReportId: r.ReportID, Code: r.Code, Submitted: r.Submitted, Notice: deviationapi.ReceiptNotice(r.Notice)}, err
}

// proofOf is nil where none came.
func proofOf(p deviationapi.Proof) *Proof {
	if p.Nonce == "" {
		return nil
	}
	return &Proof{Challenge{p.Nonce, p.Rounds, p.Tries, p.Key, p.Signature}, p.Number}
}

func (a api) Challenge(_ context.Context, tid string) (deviationapi.Challenge, error) {
	c, err := a.s.Challenge(tid)
	return deviationapi.Challenge{Nonce: c.Nonce, Rounds: c.Rounds, Tries: c.Tries, Key: c.Key, Signature: c.Signature}, err
}

func (a api) FollowByCode(ctx context.Context, in deviationapi.FollowUpRequest) (deviationapi.FollowUp, error) {
	doc, err := a.s.ByCode(ctx, in.Tenant, in.Code)
	if err != nil {
		return deviationapi.FollowUp{}, err
	}
	return a.follow(ctx, doc)
}

func (a api) FollowMine(ctx context.Context, reportID string) (deviationapi.FollowUp, error) {
	doc, err := a.s.Mine(ctx, reportID)
	if err != nil {
		return deviationapi.FollowUp{}, err
	}
	return a.follow(ctx, doc)
}

func (a api) follow(ctx context.Context, doc docstore.Doc[Report]) (deviationapi.FollowUp, error) {
	v, err := a.s.Follow(ctx, doc)
	if err != nil {
		return deviationapi.FollowUp{}, err
	}
	r := v.Report
	out := deviationapi.FollowUp{
		ReportId: v.ID, CaseNumber: r.CaseNumber, FormType: r.FormType, FormVersion: r.FormVersion, State: stateOf(r.State),
		Submitted: r.Submitted, Changed: r.Changed, Summary: r.Outcome.Summary, Unanswered: r.Asked, Outcome: r.Told,
		Answers: map[string]any{}, Attachments: []deviationapi.Attachment{}, Messages: []deviationapi.Message{}, Measures: append([]string{}, r.Measures...),
	}
	if err := json.Unmarshal(r.Answers, &out.Answers); err != nil {
		return deviationapi.FollowUp{}, err
	}
	for _, f := range r.Attachments {
		out.Attachments = append(out.Attachments, attachmentOf(f))
	}
	for _, m := range v.Messages {
		out.Messages = append(out.Messages, messageOf(m))
	}
	return out, nil
}

// stateOf shows a merged case as the one it became part of: to the reporter it
// is in progress.
func stateOf(state string) deviationapi.ReportState {
	if s := deviationapi.ReportState(state); s.Valid() {
		return s
	}
	return "in-progress"
}

func messageOf(d docstore.Doc[Message]) deviationapi.Message {
	m := d.Value
	return deviationapi.Message{Id: d.ID, From: deviationapi.MessageFrom(m.From), Kind: deviationapi.MessageKind(m.Kind), Text: m.Text, Sent: m.Sent}
}

func (a api) WriteByCode(ctx context.Context, in deviationapi.MessageByCode) (deviationapi.Message, error) {
	doc, err := a.s.ByCode(ctx, in.Tenant, in.Code)
	if err != nil {
		return deviationapi.Message{}, err
	}
	m, err := a.s.Write(ctx, doc, in.MessageId, string(in.Kind), in.Text)
	return messageOf(m), err
}

func (a api) WriteAsMe(ctx context.Context, reportID string, in deviationapi.NewMessage) (deviationapi.Message, error) {
	doc, err := a.s.Mine(ctx, reportID)
	if err != nil {
		return deviationapi.Message{}, err
	}
	m, err := a.s.Write(ctx, doc, in.MessageId, string(in.Kind), in.Text)
	return messageOf(m), err
}

func (a api) MyReports(ctx context.Context, limit int, after string) (deviationapi.MyReportList, error) {
	page, err := a.s.MyReports(ctx, limit, after)
	out := deviationapi.MyReportList{Items: []deviationapi.MyReport{}, Next: page.Next}
	for _, d := range page.Docs {
		r := d.Value
		out.Items = append(out.Items, deviationapi.MyReport{
			ReportId: d.ID, CaseNumber: r.CaseNumber, Summary: r.Outcome.Summary, State: stateOf(r.State),
			Submitted: r.Submitted, Changed: r.Changed, Unanswered: r.Asked,
		})
	}
	return out, err
}
