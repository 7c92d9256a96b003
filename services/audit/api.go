package audit

import (
	"context"

	"varde.internal/platform/audit"
	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/auth"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/auditapi"
	"varde.internal/schemas/topics"
)

// api gives the use cases in the contract's types.
type api struct{ s *Service }

// Intent implements http.Audit.
func (a api) Intent(ctx context.Context, in auditapi.NewRecord) (auditapi.Recorded, error) {
	return a.record(ctx, in, audit.PhaseIntent)
}

// Outcome implements http.Audit.
func (a api) Outcome(ctx context.Context, in auditapi.NewRecord) (auditapi.Recorded, error) {
	return a.record(ctx, in, audit.PhaseOutcome)
}

func (a api) record(ctx context.Context, in auditapi.NewRecord, phase string) (auditapi.Recorded, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return auditapi.Recorded{}, auth.ErrNoToken
	}
	if tid, err := tenant.From(ctx); err != nil || !auth.Allow(p, auth.ActionAuditAppend, auth.Object{Tenant: tid}) {
		return auditapi.Recorded{}, problem.Forbidden("not-allowed", "Only a service records, for the tenant it names.")
	}
	if string(in.Phase) != phase {
		return auditapi.Recorded{}, problem.Invalid("The record is of another phase.", problem.Field{Pointer: "/phase", Slug: "not-a-choice", Detail: "This must be " + phase + " here."})
	}
	r := topics.AuditRecord{
		ID: in.Id, Tenant: in.Tenant, Time: in.Time.UTC(),
		Service: p.Subject, // what the token says, whatever the record does
		Actor:   topics.Actor{Type: string(in.Actor.Type), ID: in.Actor.Id, Roles: in.Actor.Roles},
		Action:  in.Action, Object: in.Object, Purpose: in.Purpose, CaseID: in.CaseId,
		Phase: string(in.Phase), Intent: in.Intent, Result: string(in.Result), Counts: in.Counts, Details: in.Details,
	}
	return auditapi.Recorded{Id: in.Id}, a.s.Record(ctx, r)
}

// Search implements http.Audit.
func (a api) Search(ctx context.Context, in auditapi.RecordSearch) (auditapi.RecordList, error) {
	limit := in.Limit
	if limit == 0 {
		limit = 50
	}
	list, next, err := a.s.Search(ctx, Query{
		From: in.From, To: in.To, Actor: in.ActorId, Action: in.Action, Object: in.Object, CaseID: in.CaseId,
		Service: in.Service, Phase: string(in.Phase), Intent: in.Intent, Limit: limit, After: in.After,
	}, in.Purpose)
	out := auditapi.RecordList{Items: []auditapi.Record{}, Next: next}
	for _, f := range list {
		out.Items = append(out.Items, encodeRecord(f))
	}
	return out, err
}

func encodeRecord(f Found) auditapi.Record {
	out := auditapi.Record{Id: f.ID, Received: f.Received, Erased: f.Erased}
	if f.Index >= 0 {
		out.Index = &f.Index
	}
	if f.Erased {
		return out
	}
	r := f.Record
	out.Time, out.Service, out.Action, out.Object, out.Purpose, out.CaseId = r.Time, r.Service, r.Action, r.Object, r.Purpose, r.CaseID
	out.Actor = auditapi.Actor{Type: auditapi.ActorType(r.Actor.Type), Id: r.Actor.ID, Roles: r.Actor.Roles}
	out.Phase, out.Intent, out.Result = auditapi.RecordPhase(r.Phase), r.Intent, r.Result
	out.Counts, out.Details = r.Counts, r.Details
	return out
}

// Prove implements http.Audit.
func (a api) Prove(ctx context.Context, recordID string) (auditapi.InclusionProof, error) {
	p, err := a.s.Prove(ctx, recordID)
	return auditapi.InclusionProof{Id: p.ID, Index: p.Index, Leaf: p.Leaf, Proof: p.Hashes, Checkpoint: encodeCheckpoint(p.Checkpoint)}, err
}

// Checkpoint implements http.Audit.
func (a api) Checkpoint(ctx context.Context) (auditapi.Checkpoint, error) {
	c, err := a.s.Checkpoint(ctx)
	return encodeCheckpoint(c), err
}

func encodeCheckpoint(c Signed) auditapi.Checkpoint {
	return auditapi.Checkpoint{Size: c.Size, Root: bundle.EncodeHash(c.Root), Time: c.Time, Checkpoint: c.Note, PublicKey: c.PublicKey}
}

// Consistency implements http.Audit.
func (a api) Consistency(ctx context.Context, from, to int64) (auditapi.ConsistencyProof, error) {
	proof, err := a.s.Consistency(ctx, from, to)
	return auditapi.ConsistencyProof{From: from, To: to, Proof: proof}, err
}

// Export implements http.Audit.
func (a api) Export(ctx context.Context, in auditapi.NewExport) (bundle.Bundle, error) {
	return a.s.Export(ctx, in.From, in.Limit, in.Purpose)
}
