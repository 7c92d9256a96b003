package deviation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/blob"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Problems of reporting.
var (
	ErrNoTenant   = problem.NotFound("tenant")
	ErrNoForm     = problem.NotFound("form")
	ErrNoReport   = problem.NotFound("report")
	ErrSignIn     = problem.Refused("sign-in-required", "This form is for those who are signed in.")
	ErrDifferent  = problem.Conflict("submission-differs", "Something else was sent under this id before.")
	ErrTooMany    = problem.New(problem.KindTooMany, "too-many-reports", "More anonymous reports come in than can be taken right now. What you wrote is not lost: try again in a few minutes, or sign in.")
	ErrTooManyOwn = problem.New(problem.KindTooMany, "too-many-reports", "You have sent many reports in a short time. What you wrote is not lost: try again in a few minutes.")
	ErrTooManyTry = problem.New(problem.KindTooMany, "too-many-tries", "Too many codes that do not exist were tried. Check the code and try again in a few minutes.")
)

// Secrets are the service's keys. Identity, Index and Challenge never leave it; Exclusion
// is shared with the cases service.
type Secrets struct{ Identity, Index, Receipt, Exclusion, Topic, Challenge []byte }

// Service is the use cases. Safe for concurrent use.
type Service struct {
	reports  docstore.Collection[Report]
	messages docstore.Collection[Message]
	drafts   docstore.Collection[Draft]
	usage    docstore.Collection[Usage]
	blobs    blob.Bucket
	audit    audit.Client
	log      *slog.Logger
	clock    func() time.Time
	places   *Places
	forms    *Catalog
	cfg      Config
	keys     Secrets
	quotas   *quotas
	spent    *spentProofs
	cleaning chan struct{} // files in memory at once
}

// untraced is a context of the same tenant and deadline that carries no trace:
// what a reporter does is not to be followed from the request to the case.
func untraced(ctx context.Context, tid string) (context.Context, context.CancelFunc) {
	clean := tenant.With(context.Background(), tenant.ID(tid))
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(clean, deadline)
	}
	return context.WithCancel(clean)
}

// Submission is a report on its way in.
type Submission struct {
	Tenant       string
	SubmissionID string
	FormType     string
	FormVersion  int
	Answers      Answers
	DraftToken   string
	// Proof of work; asked for where many anonymous reports come in.
	Proof *Proof
	// Reporter is the verified caller; nil for an anonymous report.
	Reporter *auth.Principal
}

// Receipt is what the reporter keeps.
type Receipt struct {
	ReportID, Code, Notice string
	Submitted              time.Time
}

// form finds the form of a submission and checks who may use it.
func (s *Service) form(in Submission) (*Form, error) {
	if !s.places.Known(in.Tenant, s.clock()) {
		return nil, ErrNoTenant
	}
	f, ok := s.forms.Find(in.FormType, in.FormVersion)
	if !ok || in.FormVersion == 0 {
		return nil, ErrNoForm
	}
	switch {
	case in.Reporter == nil && f.SignIn == SignInRequired:
		return nil, ErrSignIn
	case in.Reporter != nil && f.SignIn == SignInNone:
		return nil, problem.Refused("anonymous-only", "This form is sent without sign-in.")
	}
	return f, nil
}

// check judges the answers against the form and the register.
func (s *Service) check(f *Form, in Submission) (Answers, error) {
	answers := f.Visible(in.Answers)
	if err := f.Check(answers); err != nil {
		return nil, err
	}
	now := s.clock()
	var wrong []problem.Field
	choice := func(field string, of []Choice) {
		if v := answers.Text(field); v != "" && !has(of, v) {
			wrong = append(wrong, problem.Field{Pointer: "/answers/" + field, Slug: "not-a-choice", Detail: "This is not one of the choices."})
		}
	}
	// Also one that the public form does not name: who is signed in and sends
	// without a name has seen it.
	choice("systemId", s.places.Systems(in.Tenant, now))
	choice("unitId", s.places.Units(in.Tenant, now))
	if at, err := time.Parse(time.RFC3339, answers.Text("occurredAt")); err == nil && at.After(now.Add(time.Hour)) {
		wrong = append(wrong, problem.Field{Pointer: "/answers/occurredAt", Slug: "in-future", Detail: "This lies in the future."})
	}
	if len(wrong) > 0 {
		return nil, problem.Invalid("Some answers are not as they should be; see each field.", wrong...)
	}
	return answers, nil
}

// Submit takes a report once: the same submission again gives the same receipt.
func (s *Service) Submit(ctx context.Context, in Submission) (Receipt, error) {
	f, err := s.form(in)
	if err != nil {
		return Receipt{}, err
	}
	ctx, cancel := untraced(ctx, in.Tenant)
	defer cancel()
	anonymous := in.Reporter == nil
	who := ""
	if !anonymous {
		who = in.Reporter.Subject
	}
	// Who submits is part of the id: one person cannot meet another's report.
	reportID := bus.Key(s.keys.Index, in.Tenant, "report", who, in.SubmissionID)
	raw, err := json.Marshal(in.Answers)
	if err != nil {
		return Receipt{}, err
	}
	digest := keyedHex(s.keys.Index, "digest", reportID, in.FormType, fmt.Sprint(in.FormVersion), string(raw), in.DraftToken)
	code := Code(s.keys.Receipt, in.Tenant, who+"\x00"+in.SubmissionID)
	if old, err := s.reports.Get(ctx, reportID); err == nil {
		return s.receipt(old, code, digest)
	} else if !errors.Is(err, docstore.ErrNotFound) {
		return Receipt{}, err
	}
	answers, err := s.check(f, in)
	if err != nil {
		return Receipt{}, err
	}
	if err := s.bound(in); err != nil {
		return Receipt{}, err
	}
	r, err := s.fill(f, in, answers, reportID)
	if err != nil {
		return Receipt{}, err
	}
	plain, _ := ReadCode(code)
	r.Code, r.Digest = HashCode(s.keys.Receipt, in.Tenant, plain), digest
	if r.Attachments, err = s.claim(ctx, in.Tenant, in.DraftToken, reportID); err != nil {
		return Receipt{}, err
	}
	out, err := s.announce(in, r, reportID)
	if err != nil {
		return Receipt{}, err
	}
	doc, err := s.reports.Insert(ctx, reportID, r, out...)
	if errors.Is(err, docstore.ErrExists) {
		if doc, err = s.reports.Get(ctx, reportID); err != nil {
			return Receipt{}, err
		}
		return s.receipt(doc, code, digest)
	}
	if err != nil {
		return Receipt{}, err
	}
	return s.receipt(doc, code, digest)
}

func (s *Service) receipt(doc docstore.Doc[Report], code, digest string) (Receipt, error) {
	if doc.Value.Digest != digest {
		return Receipt{}, ErrDifferent
	}
	return Receipt{ReportID: doc.ID, Code: code, Notice: doc.Value.Outcome.Notice, Submitted: doc.Value.Submitted}, nil
}

// fill makes the report's document from what was submitted.
func (s *Service) fill(f *Form, in Submission, answers Answers, reportID string) (Report, error) {
	anonymous := in.Reporter == nil
	kept, err := json.Marshal(answers)
	if err != nil {
		return Report{}, err
	}
	r := Report{
		FormType: f.FormType, FormVersion: f.Version, Answers: kept, Outcome: f.Judge(answers), Anonymous: anonymous,
		SystemID: answers.Text("systemId"), UnitID: answers.Text("unitId"), State: StateSent,
		Pseudonym: bus.Key(s.keys.Index, in.Tenant, "pseudonym", reportID), Submitted: coarse(s.clock(), anonymous),
	}
	if at, err := time.Parse(time.RFC3339, answers.Text("occurredAt")); err == nil {
		r.Occurred = at.UTC()
	}
	if anonymous {
		return r, nil
	}
	// The reporter's unit decides the way of a report that names no system.
	r.UnitID = in.Reporter.Unit
	r.Owner = s.ownerOf(in.Tenant, in.Reporter.Subject)
	r.Identity, err = Seal(s.keys.Identity, in.Tenant, reportID, Identity{Person: in.Reporter.Subject})
	return r, err
}

func (s *Service) ownerOf(tid, person string) string {
	return keyedHex(s.keys.Index, "owner", tid, person)
}

// announce makes the messages that leave with a report. The reporter is a
// pseudonym in all of them.
func (s *Service) announce(in Submission, r Report, reportID string) ([]docstore.Outgoing, error) {
	m := topics.Report{
		ID: reportID, Tenant: in.Tenant, FormType: r.FormType, FormVersion: r.FormVersion, Kind: r.Outcome.Kind, Category: r.Outcome.Category,
		Severity: r.Outcome.Severity, Summary: r.Outcome.Summary, Answers: r.Answers, SystemID: r.SystemID, UnitID: r.UnitID, Anonymous: r.Anonymous,
		Reporter: r.Pseudonym, PassLine: r.Outcome.PassLine, Ongoing: r.Outcome.Ongoing, Occurred: r.Occurred, Submitted: r.Submitted,
	}
	for _, f := range r.Attachments {
		m.Attachments = append(m.Attachments, f.Attachment())
	}
	if in.Reporter != nil {
		m.ReporterExclusion = topics.ExclusionOf(s.keys.Exclusion, in.Tenant, reportID, in.Reporter.Subject)
	}
	out, err := s.outgoing(in.Tenant, reportID, reportID, topics.TypeReport, r, m)
	if err != nil {
		return nil, err
	}
	return []docstore.Outgoing{out, s.audited(in.Tenant, reportID, string(auth.ActionReportSubmit), r, map[string]string{
		"files": fmt.Sprint(len(r.Attachments)), "kind": m.Kind, "severity": m.Severity,
	})}, nil
}

// outgoing is a message on the reports topic. Of an anonymous report its time
// is coarse too.
func (s *Service) outgoing(tid, reportID, messageID, kind string, r Report, v any) (docstore.Outgoing, error) {
	value, err := json.Marshal(v)
	if err != nil {
		return docstore.Outgoing{}, err
	}
	m := bus.Message{Tenant: tid, Key: bus.Key(s.keys.Topic, tid, "report", reportID), ID: messageID, Type: kind, Version: 1, Value: value}
	if r.Anonymous {
		m.Time = coarse(s.clock(), true)
	}
	return docstore.Outgoing{Topic: bus.TopicReports, Message: m}, nil
}

// audited is the record of what the reporter did, under the report's pseudonym.
// Of an anonymous report its time on the topic is coarse too.
func (s *Service) audited(tid, reportID, action string, r Report, details map[string]string) docstore.Outgoing {
	out := audit.ChangeRecord(topics.AuditRecord{
		Tenant: tid, Time: coarse(s.clock(), r.Anonymous), Service: "deviation", Actor: topics.Actor{Type: "reporter", ID: r.Pseudonym},
		Action: action, Object: "report:" + reportID, Details: details,
	})
	if r.Anonymous {
		out.Message.Time = coarse(s.clock(), true)
	}
	return out
}

// claim gives the draft's files to the report. A draft that another report took
// is refused; the same report may ask again. One whose time is over is refused
// too: what it holds is about to be removed.
func (s *Service) claim(ctx context.Context, tid, token, reportID string) ([]StoredFile, error) {
	if token == "" {
		return nil, nil
	}
	doc, err := s.drafts.Update(ctx, s.draftID(tid, token), func(d *Draft, _ *docstore.Outbox) error {
		if (d.Report != "" && d.Report != reportID) || d.Expires.Before(s.clock()) {
			return errNoDraft
		}
		d.Report = reportID
		return nil
	})
	if errors.Is(err, docstore.ErrNotFound) {
		return nil, errNoDraft
	}
	return doc.Value.Files, err
}

// MyReports lists the caller's own reports, newest first. No read is recorded:
// it would tie the person to there being reports, and it is their own data.
func (s *Service) MyReports(ctx context.Context, limit int, after string) (docstore.Page[Report], error) {
	p, ok := auth.From(ctx)
	if !ok {
		return docstore.Page[Report]{}, auth.ErrNoToken
	}
	return s.reports.Find(ctx, docstore.Eq{Field: "owner", Value: s.ownerOf(string(p.Tenant), p.Subject)},
		docstore.FindOptions{Limit: limit, After: after, Sort: []docstore.Sort{{Field: "submitted", Desc: true}}})
}

// FollowUp is a report as its reporter sees it.
type FollowUp struct {
	ID       string
	Report   Report
	Messages []docstore.Doc[Message]
}

// maxDialogue is how many messages the follow-up shows, the newest.
const maxDialogue = 200

// Mine finds the caller's own report; another's is not there.
func (s *Service) Mine(ctx context.Context, reportID string) (docstore.Doc[Report], error) {
	p, ok := auth.From(ctx)
	if !ok {
		return docstore.Doc[Report]{}, auth.ErrNoToken
	}
	ctx, cancel := untraced(ctx, string(p.Tenant))
	defer cancel()
	doc, err := s.reports.Get(ctx, reportID)
	if errors.Is(err, docstore.ErrNotFound) || (err == nil && doc.Value.Owner != s.ownerOf(string(p.Tenant), p.Subject)) {
		return docstore.Doc[Report]{}, ErrNoReport
	}
	return doc, err
}

// ByCode finds the report of a receipt code. Codes are too long to be found by
// trying; that tries are bounded keeps it quiet. A right code is always
// answered, so that nobody who tries codes can shut a reporter out (N7).
func (s *Service) ByCode(ctx context.Context, tid, typed string) (docstore.Doc[Report], error) {
	none := docstore.Doc[Report]{}
	if !tenant.ID(tid).Valid() {
		return none, ErrNoReport
	}
	ctx, cancel := untraced(ctx, tid)
	defer cancel()
	if code, ok := ReadCode(typed); ok {
		page, err := s.reports.Find(ctx, docstore.Eq{Field: "code", Value: HashCode(s.keys.Receipt, tid, code)}, docstore.FindOptions{Limit: 1})
		if err != nil {
			return none, err
		}
		if len(page.Docs) == 1 {
			return page.Docs[0], nil
		}
	}
	if !s.quotas.take(s.quotas.misses, "any", s.cfg.MissesPerMinute, s.cfg.MissesBurst, s.clock()) {
		return none, ErrTooManyTry
	}
	return none, ErrNoReport
}

// Follow shows a report with its dialogue. The read is recorded first, under
// the report's pseudonym.
func (s *Service) Follow(ctx context.Context, doc docstore.Doc[Report]) (FollowUp, error) {
	ctx, cancel := untraced(ctx, doc.Tenant)
	defer cancel()
	r := doc.Value
	intent, err := s.audit.Intent(ctx, topics.AuditRecord{
		Tenant: doc.Tenant, Time: coarse(s.clock(), r.Anonymous), Actor: topics.Actor{Type: "reporter", ID: r.Pseudonym},
		Action: string(auth.ActionReportFollow), Object: "report:" + doc.ID, Purpose: "follow-up",
	})
	if err != nil {
		return FollowUp{}, err
	}
	page, err := s.messages.Find(ctx, docstore.Eq{Field: "reportId", Value: doc.ID},
		docstore.FindOptions{Limit: maxDialogue, Sort: []docstore.Sort{{Field: "sequence", Desc: true}}})
	if err != nil {
		return FollowUp{}, err
	}
	v := FollowUp{ID: doc.ID, Report: r, Messages: page.Docs}
	for i, j := 0, len(v.Messages)-1; i < j; i, j = i+1, j-1 {
		v.Messages[i], v.Messages[j] = v.Messages[j], v.Messages[i]
	}
	if !r.Anonymous {
		s.audit.Outcome(ctx, intent, audit.ResultOK, map[string]int{"messages": len(v.Messages)})
	}
	return v, nil
}

// Write adds a message of the reporter's to the dialogue; the same messageID
// again is the same message.
func (s *Service) Write(ctx context.Context, doc docstore.Doc[Report], messageID, kind, text string) (docstore.Doc[Message], error) {
	ctx, cancel := untraced(ctx, doc.Tenant)
	defer cancel()
	if kind != MessageProposal {
		kind = MessagePlain
	}
	key := id.Of("reporter-message", doc.Tenant, doc.ID, messageID)
	if old, err := s.messages.Get(ctx, key); err == nil {
		return old, nil
	}
	now := coarse(s.clock(), doc.Value.Anonymous)
	m := topics.ReportMessage{ID: key, ReportID: doc.ID, Tenant: doc.Tenant, Text: text, Sent: now}
	if kind == MessageProposal {
		m.Kind = MessageProposal
	}
	sequence := 0
	if _, err := s.reports.Update(ctx, doc.ID, func(r *Report, _ *docstore.Outbox) error {
		sequence, _ = r.place(key)
		r.Asked = false
		return nil
	}); err != nil {
		return docstore.Doc[Message]{}, err
	}
	out, err := s.outgoing(doc.Tenant, doc.ID, key, topics.TypeReportMessage, doc.Value, m)
	if err != nil {
		return docstore.Doc[Message]{}, err
	}
	stored, err := s.messages.Insert(ctx, key, Message{ReportID: doc.ID, Sequence: sequence, From: FromReporter, Kind: kind, Text: text, Sent: now},
		out, s.audited(doc.Tenant, doc.ID, "report.write", doc.Value, map[string]string{"kind": kind}))
	if errors.Is(err, docstore.ErrExists) {
		return s.messages.Get(ctx, key)
	}
	return stored, err
}
