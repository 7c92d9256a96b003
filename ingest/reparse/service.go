package reparse

import (
	"context"
	"errors"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// CaseAccess is what the cases service says of a case: whether it is open and
// who may read it.
type CaseAccess struct {
	Open   bool
	Object auth.Object
}

// Cases looks cases up. A case that is not there is a problem of kind not found.
type Cases interface {
	Access(ctx context.Context, caseID string) (CaseAccess, error)
}

// Service is the use cases. Every method takes a context with a tenant and a caller.
type Service struct {
	*runner
	audit audit.Client
	cases Cases
}

// Problems.
var (
	errForbidden = problem.Forbidden("not-allowed", "Your role does not allow this.")
	errRunning   = problem.Conflict("job-running", "Another job runs. Wait for it, or stop it.")
)

func caller(ctx context.Context, a auth.Action) (auth.Principal, tenant.ID, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return p, "", auth.ErrNoToken
	}
	tid, err := tenant.From(ctx)
	if err == nil && !auth.Allow(p, a, auth.Object{Tenant: tid}) {
		err = errForbidden
	}
	return p, tid, err
}

// Why raw lines and names are not shown, as search says it.
const (
	reasonNoCase     = "no-case"
	reasonRole       = "role"
	reasonCaseClosed = "case-closed"
)

// names says whether the caller may see raw lines and names: with an open case
// that they may read, and a role that sees names (R41); else why not.
func (s *Service) names(ctx context.Context, p auth.Principal, tid tenant.ID, caseID string) (why string, err error) {
	if caseID == "" {
		return reasonNoCase, nil
	}
	if !auth.Allow(p, auth.ActionEventNames, auth.Object{Tenant: tid}) {
		return reasonRole, nil
	}
	access, err := s.cases.Access(ctx, caseID)
	var missing *problem.Error
	switch {
	case errors.As(err, &missing) && missing.Kind == problem.KindNotFound:
		return reasonRole, nil
	case err != nil:
		return "", err
	case !auth.Allow(p, auth.ActionCaseRead, access.Object):
		return reasonRole, nil
	case !access.Open:
		return reasonCaseClosed, nil
	}
	return "", nil
}

// reading records the intent to read; nothing may be returned before it. The
// function it gives records the outcome, nil after a failure.
func (s *Service) reading(ctx context.Context, p auth.Principal, action, object, caseID, hidden string) (func(map[string]int), error) {
	shown := "shown"
	if hidden != "" {
		shown = "hidden"
	}
	intent, err := s.audit.Intent(ctx, topics.AuditRecord{
		Time: s.clock().UTC(), Service: Name, Actor: audit.ActorOf(p), Action: action, Object: object, CaseID: caseID,
		Purpose: "dead-letters", Details: map[string]string{"names": shown},
	})
	if err != nil {
		return nil, err
	}
	return func(counts map[string]int) {
		result := audit.ResultOK
		if counts == nil {
			result = audit.ResultError
		}
		s.audit.Outcome(ctx, intent, result, counts)
	}, nil
}

// Listed is a group with how many of its letters lie here.
type Listed struct {
	ID string
	Group
	Kept int
}

// Groups lists the groups of letters, the latest first.
func (s *Service) Groups(ctx context.Context, limit int, after string) ([]Listed, string, error) {
	if _, _, err := caller(ctx, auth.ActionDeadLetterRead); err != nil {
		return nil, "", err
	}
	kept, err := s.letters.perGroup(ctx)
	if err != nil {
		return nil, "", err
	}
	page, err := s.letters.groups.Find(ctx, nil, docstore.FindOptions{Limit: limit, After: after, Sort: []docstore.Sort{{Field: "last", Desc: true}}})
	out := make([]Listed, len(page.Docs))
	for i, d := range page.Docs {
		out[i] = Listed{ID: d.ID, Group: d.Value, Kept: kept[d.ID]}
	}
	return out, page.Next, pageProblem(err)
}

// Shown is a letter as far as the caller may see it.
type Shown struct {
	ID string
	Letter
	Shape string
	Raw   []byte // nil where it is hidden
}

// Letters reads letters of a group, the latest first; hidden says why raw
// lines are not shown, empty where they are.
func (s *Service) Letters(ctx context.Context, group, caseID string, limit int, after string) (out []Shown, next, hidden string, err error) {
	p, tid, err := caller(ctx, auth.ActionDeadLetterRead)
	if err != nil {
		return nil, "", "", err
	}
	if hidden, err = s.names(ctx, p, tid, caseID); err != nil {
		return nil, "", "", err
	}
	if _, err := s.letters.groups.Get(ctx, group); err != nil {
		return nil, "", "", missing(err, "group")
	}
	done, err := s.reading(ctx, p, string(auth.ActionDeadLetterRead), "dead-letters:"+group, caseID, hidden)
	if err != nil {
		return nil, "", "", err
	}
	page, err := s.letters.all.Find(ctx, docstore.Eq{Field: "group", Value: group}, docstore.FindOptions{Limit: limit, After: after, Sort: []docstore.Sort{{Field: "received", Desc: true}}})
	if err != nil {
		done(nil)
		return nil, "", "", pageProblem(err)
	}
	for _, d := range page.Docs {
		raw, err := s.letters.seal.open(d.Tenant, d.ID, d.Value.Sealed)
		if err != nil {
			done(nil)
			return nil, "", "", err
		}
		one := Shown{ID: d.ID, Letter: d.Value, Shape: shape(raw)}
		if hidden == "" {
			one.Raw = raw
		}
		out = append(out, one)
	}
	done(map[string]int{"letters": len(out)})
	return out, page.Next, hidden, nil
}

// Start begins a job; one of a tenant runs at a time.
func (s *Service) Start(ctx context.Context, a Asked) (docstore.Doc[Job], error) {
	p, tid, err := caller(ctx, auth.ActionReparse)
	if err != nil {
		return docstore.Doc[Job]{}, err
	}
	if err := a.validate(); err != nil {
		return docstore.Doc[Job]{}, err
	}
	if a.Kind == KindReparse {
		if _, err := ofSource(a.Source); err != nil {
			return docstore.Doc[Job]{}, problem.NotFound("source")
		}
	}
	jobID, actor := id.New(), audit.ActorOf(p)
	details := map[string]string{"kind": a.Kind}
	for key, value := range map[string]string{"group": a.Group, "letter": a.Letter, "source": a.Source} {
		if value != "" {
			details[key] = value
		}
	}
	if a.Kind == KindReparse {
		details["from"], details["to"] = a.From.UTC().Format(time.RFC3339), a.To.UTC().Format(time.RFC3339)
	}
	if a.DryRun {
		details["dryRun"] = "true"
	}
	doc, err := s.jobs.Insert(ctx, jobID, Job{Asked: a, Actor: actor, State: StateWaiting, Active: true, Created: s.clock().UTC()},
		audit.ChangeRecord(topics.AuditRecord{Tenant: string(tid), Service: Name, Actor: actor, Action: "reparse.start", Object: "job:" + jobID, Details: details}))
	if errors.Is(err, docstore.ErrExists) {
		return doc, errRunning
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return doc, err
}

// Jobs lists jobs, the latest first.
func (s *Service) Jobs(ctx context.Context, limit int, after string) (docstore.Page[Job], error) {
	if _, _, err := caller(ctx, auth.ActionDeadLetterRead); err != nil {
		return docstore.Page[Job]{}, err
	}
	page, err := s.jobs.Find(ctx, nil, docstore.FindOptions{Limit: limit, After: after, Sort: []docstore.Sort{{Field: "created", Desc: true}}})
	return page, pageProblem(err)
}

// Job gives one job.
func (s *Service) Job(ctx context.Context, jobID string) (docstore.Doc[Job], error) {
	if _, _, err := caller(ctx, auth.ActionDeadLetterRead); err != nil {
		return docstore.Doc[Job]{}, err
	}
	doc, err := s.jobs.Get(ctx, jobID)
	return doc, missing(err, "job")
}

// Cancel stops a job after its present step. One that has ended stays as it is.
func (s *Service) Cancel(ctx context.Context, jobID string) (docstore.Doc[Job], error) {
	p, tid, err := caller(ctx, auth.ActionReparse)
	if err != nil {
		return docstore.Doc[Job]{}, err
	}
	doc, err := s.jobs.Update(ctx, jobID, func(j *Job, out *docstore.Outbox) error {
		if !j.Active || j.Cancel {
			return nil
		}
		j.Cancel = true
		o := audit.ChangeRecord(topics.AuditRecord{Tenant: string(tid), Service: Name, Actor: audit.ActorOf(p), Action: "reparse.cancel", Object: "job:" + jobID})
		out.Publish(o.Topic, o.Message)
		return nil
	})
	return doc, missing(err, "job")
}

// Example is an event of a preview: what would change in it.
type Example struct {
	ID      string
	Time    time.Time
	Raw     string // empty where it is hidden
	Changes []Change
}

// Examples reads some events of a preview and what they would be today; hidden
// says why raw lines and names are not shown, empty where they are.
func (s *Service) Examples(ctx context.Context, jobID, caseID string) (out []Example, hidden string, err error) {
	p, tid, err := caller(ctx, auth.ActionDeadLetterRead)
	if err != nil {
		return nil, "", err
	}
	doc, err := s.jobs.Get(ctx, jobID)
	if err != nil {
		return nil, "", missing(err, "job")
	}
	if hidden, err = s.names(ctx, p, tid, caseID); err != nil {
		return nil, "", err
	}
	done, err := s.reading(ctx, p, "reparse.examples", "job:"+jobID, caseID, hidden)
	if err != nil {
		return nil, "", err
	}
	readings := s.newReadings()
	for _, one := range doc.Value.Examples {
		stored, err := s.events.Get(ctx, one)
		if errors.Is(err, eventindex.ErrNotFound) {
			continue // its time was over
		}
		if err != nil {
			done(nil)
			return nil, "", err
		}
		reading, ok := readings.open(cameOf(&stored))
		if !ok {
			continue
		}
		read, err := reading.Again(&stored)
		if err != nil {
			continue
		}
		e := Example{ID: one, Time: stored.Timestamp, Changes: changes(&stored, &read)}
		if hidden == "" {
			e.Raw = stored.Event.Original
		}
		out = append(out, e)
	}
	done(map[string]int{"events": len(out)})
	return out, hidden, nil
}

func missing(err error, what string) error {
	if errors.Is(err, docstore.ErrNotFound) {
		return problem.NotFound(what)
	}
	return err
}

func pageProblem(err error) error {
	if errors.Is(err, docstore.ErrCursor) {
		return problem.Invalid("The page is not of this list.", problem.Field{Pointer: "after", Slug: "not-allowed", Detail: "This is the next of another list."})
	}
	return err
}
