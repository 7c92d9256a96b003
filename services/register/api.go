package register

import (
	"context"
	"encoding/json"
	"time"

	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/registerapi"
	"varde.internal/schemas/topics"
	registerhttp "varde.internal/services/register/http"
)

// api gives the use cases to the handlers.
type api struct{ *Service }

var _ registerhttp.Register = api{}

// Kind implements registerhttp.Register.
func (a api) Kind(name string) registerhttp.Kind {
	switch name {
	case "vendors":
		return entities[registerapi.Vendor, topics.Vendor]{a.Service, vendors}
	case "agreements":
		return entities[registerapi.Agreement, topics.Agreement]{a.Service, agreements}
	case "vendor-persons":
		return entities[registerapi.VendorPerson, topics.VendorPerson]{a.Service, vendorPersons}
	case "systems":
		return entities[registerapi.System, topics.System]{a.Service, systems}
	case "accounts":
		return entities[registerapi.Account, topics.Account]{a.Service, accounts}
	case "sources":
		return sourceEntities{entities[registerapi.Source, topics.Source]{a.Service, sources}}
	}
	return windowEntities{entities[registerapi.Window, topics.AccessWindow]{a.Service, windows}}
}

// entities is the use cases of one kind.
type entities[D, T any] struct {
	s *Service
	k kindOf[D, T]
}

func decode[V any](body []byte) (v V, err error) {
	if err := json.Unmarshal(body, &v); err != nil {
		return v, problem.Invalid("The body cannot be read.").Because(err)
	}
	return v, nil
}

func (e entities[D, T]) List(ctx context.Context, q registerhttp.List) (any, error) {
	return list(ctx, e.s, e.k, ListQuery{Moment: Moment{q.At, q.Known}, Ended: q.Ended, Limit: q.Limit, After: q.After, Filters: q.Filters})
}

func (e entities[D, T]) Get(ctx context.Context, id string, at, known time.Time) (any, error) {
	return get(ctx, e.s, e.k, id, Moment{at, known})
}

func (e entities[D, T]) Create(ctx context.Context, body []byte) (any, error) {
	in, err := decode[edit[D]](body)
	if err != nil {
		return nil, err
	}
	return create(ctx, e.s, e.k, in)
}

func (e entities[D, T]) Change(ctx context.Context, id string, body []byte) (any, error) {
	in, err := decode[edit[D]](body)
	if err != nil {
		return nil, err
	}
	return change(ctx, e.s, e.k, id, in)
}

func (e entities[D, T]) End(ctx context.Context, id string, in registerapi.EndRequest) (any, error) {
	return end(ctx, e.s, e.k, id, in)
}

// sourceEntities gives out an API key with a new source.
type sourceEntities struct {
	entities[registerapi.Source, topics.Source]
}

func (e sourceEntities) Create(ctx context.Context, body []byte) (any, error) {
	in, err := decode[edit[registerapi.Source]](body)
	if err != nil {
		return nil, err
	}
	if err := e.s.keepMapping(ctx, "", &in.Data); err != nil {
		return nil, err
	}
	return e.s.CreateSource(ctx, in)
}

func (e sourceEntities) Change(ctx context.Context, id string, body []byte) (any, error) {
	in, err := decode[edit[registerapi.Source]](body)
	if err != nil {
		return nil, err
	}
	if err := e.s.keepMapping(ctx, id, &in.Data); err != nil {
		return nil, err
	}
	return change(ctx, e.s, e.k, id, in)
}

// windowEntities are requested, and changed only until they are approved.
type windowEntities struct {
	entities[registerapi.Window, topics.AccessWindow]
}

func (e windowEntities) Create(ctx context.Context, body []byte) (any, error) {
	in, err := decode[registerapi.WindowRequest](body)
	if err != nil {
		return nil, err
	}
	return e.s.RequestWindow(ctx, in)
}

func (e windowEntities) Change(ctx context.Context, id string, body []byte) (any, error) {
	in, err := decode[edit[registerapi.Window]](body)
	if err != nil {
		return nil, err
	}
	return e.s.ChangeWindow(ctx, id, in)
}

func (a api) Overview(ctx context.Context, vendorID string, at time.Time) (any, error) {
	return a.Service.Overview(ctx, vendorID, at)
}

func (a api) RenewKey(ctx context.Context, sourceID string) (any, error) {
	return a.Service.RenewKey(ctx, sourceID)
}

func (a api) Mapping(ctx context.Context, id string) (registerapi.Mapping, error) {
	return a.Service.Mapping(ctx, id)
}

func (a api) Approve(ctx context.Context, windowID string, in registerapi.WindowApproval) (any, error) {
	return a.ApproveWindow(ctx, windowID, in)
}

func (a api) Revoke(ctx context.Context, windowID string, in registerapi.WindowRevocation) (any, error) {
	return a.RevokeWindow(ctx, windowID, in)
}

func (a api) Extend(ctx context.Context, windowID string, in registerapi.WindowExtension) (any, error) {
	return a.ExtendWindow(ctx, windowID, in)
}

func (a api) Calendar(ctx context.Context, from, to time.Time, vendorID, systemID string) (any, error) {
	return a.Service.Calendar(ctx, from, to, vendorID, systemID)
}

func (a api) Checklists() registerapi.Checklists {
	return registerapi.Checklists{Points: convert[string, registerapi.ChecklistPoint](topics.ChecklistPoints), Annexes: convert[string, registerapi.Annex](topics.Annexes)}
}
