package reparse

import (
	"context"
	"strings"

	"varde.internal/ingest/collector"
	"varde.internal/platform/docstore"
	"varde.internal/schemas/gen/reparseapi"
)

// api is the use cases in the types of the contract.
type api struct{ s *Service }

func (a api) Groups(ctx context.Context, limit int, after string) (reparseapi.GroupList, error) {
	groups, next, err := a.s.Groups(ctx, limit, after)
	out := reparseapi.GroupList{Items: make([]reparseapi.Group, len(groups)), Next: next}
	for i, g := range groups {
		out.Items[i] = reparseapi.Group{Id: g.ID, Source: g.Source, Stage: reparseapi.GroupStage(g.Stage), Reason: g.Reason, Count: g.Count, Kept: g.Kept,
			Dropped: g.Lost, First: g.First, Last: g.Last, Replayable: collector.Replayable(g.Reason), Sample: g.Shape}
	}
	return out, err
}

func (a api) Letters(ctx context.Context, group string, in reparseapi.LettersRequest) (reparseapi.LetterPage, error) {
	letters, next, hidden, err := a.s.Letters(ctx, group, in.CaseId, in.Limit, in.After)
	out := reparseapi.LetterPage{Items: make([]reparseapi.Letter, len(letters)), Next: next, Names: hidden == "", NamesReason: reparseapi.LetterPageNamesReason(hidden)}
	for i, l := range letters {
		out.Items[i] = reparseapi.Letter{Id: l.ID, Received: l.Received, Size: l.Size, Detail: l.Detail, Shape: l.Shape,
			Raw: strings.ToValidUTF8(string(l.Raw), "�"), Tried: l.Tried}
	}
	return out, err
}

func jobOf(d docstore.Doc[Job]) reparseapi.Job {
	j := d.Value
	return reparseapi.Job{Id: d.ID, Kind: reparseapi.JobKind(j.Kind), State: reparseapi.JobState(j.State), DryRun: j.DryRun, Unparsed: j.Unparsed,
		Group: j.Group, Letter: j.Letter, Source: j.Source, From: j.From, To: j.To, Created: j.Created, Started: j.Started, Ended: j.Ended,
		Total: j.Total, Done: j.Done, Changed: j.Changed, Unchanged: j.Unchanged, Failed: j.Failed, Reasons: j.Reasons,
		Cancelling: j.Cancel && j.Active, Problem: j.Problem}
}

func (a api) Start(ctx context.Context, in reparseapi.NewJob) (reparseapi.Job, error) {
	d, err := a.s.Start(ctx, Asked{Kind: string(in.Kind), Group: in.Group, Letter: in.Letter, Source: in.Source, From: in.From.UTC(), To: in.To.UTC(),
		Unparsed: in.Unparsed, DryRun: in.DryRun})
	return jobOf(d), err
}

func (a api) Jobs(ctx context.Context, limit int, after string) (reparseapi.JobList, error) {
	page, err := a.s.Jobs(ctx, limit, after)
	out := reparseapi.JobList{Items: make([]reparseapi.Job, len(page.Docs)), Next: page.Next}
	for i, d := range page.Docs {
		out.Items[i] = jobOf(d)
	}
	return out, err
}

func (a api) Job(ctx context.Context, id string) (reparseapi.Job, error) {
	d, err := a.s.Job(ctx, id)
	return jobOf(d), err
}

func (a api) Cancel(ctx context.Context, id string) (reparseapi.Job, error) {
	d, err := a.s.Cancel(ctx, id)
	return jobOf(d), err
}

func (a api) Examples(ctx context.Context, id string, in reparseapi.Ground) (reparseapi.ExampleList, error) {
	examples, hidden, err := a.s.Examples(ctx, id, in.CaseId)
	out := reparseapi.ExampleList{Items: make([]reparseapi.Example, len(examples)), Names: hidden == "", NamesReason: reparseapi.ExampleListNamesReason(hidden)}
	for i, e := range examples {
		one := reparseapi.Example{Id: e.ID, Time: e.Time, Raw: e.Raw, Changes: make([]reparseapi.Change, len(e.Changes))}
		for n, c := range e.Changes {
			one.Changes[n] = reparseapi.Change{Field: c.Field, Before: c.Before, After: c.After}
			if c.Person && hidden != "" {
				one.Changes[n] = reparseapi.Change{Field: c.Field, Hidden: true}
			}
		}
		out.Items[i] = one
	}
	return out, err
}
