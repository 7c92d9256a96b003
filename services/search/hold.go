package search

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

// Hold keeps the events of a time beyond the end of their period (R39), until
// it is released. It holds whole storage partitions: everybody's lines of the
// days it touches, and so it has a reason that is read again.
type Hold struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to,omitzero"` // exclusive; zero: also what comes
	Reason   string    `json:"reason"`
	CaseID   string    `json:"caseId,omitempty"`
	PlacedBy string    `json:"placedBy"`
	Placed   time.Time `json:"placed"`
	// Active is false once it was released.
	Active        bool      `json:"active"`
	ReleasedBy    string    `json:"releasedBy,omitempty"`
	Released      time.Time `json:"released,omitzero"`
	ReleaseReason string    `json:"releaseReason,omitempty"`
}

// Placed is a hold with its id.
type Placed struct {
	ID string
	Hold
}

var (
	// errOwnHold: what a hold keeps is gone for good with it, so a second person looks.
	errOwnHold      = problem.Forbidden("hold-own", "Another person must release what you have held.")
	errHoldReleased = problem.Conflict("hold-released", "This hold was released already.")
)

func (s *Service) holder(ctx context.Context, a auth.Action) (auth.Principal, tenant.ID, error) {
	p, ok := auth.From(ctx)
	if !ok {
		return p, "", auth.ErrNoToken
	}
	tid, err := tenant.From(ctx)
	if err != nil {
		return p, "", err
	}
	if !auth.Allow(p, a, auth.Object{Tenant: tid}) {
		return p, "", errForbidden
	}
	return p, tid, nil
}

// PlaceHold begins a hold at once.
func (s *Service) PlaceHold(ctx context.Context, h Hold) (Placed, error) {
	p, tid, err := s.holder(ctx, auth.ActionHoldWrite)
	if err != nil {
		return Placed{}, err
	}
	if h.From.IsZero() {
		return Placed{}, problem.Invalid("The hold has no beginning.", problem.Field{Pointer: "/from", Slug: "missing", Detail: "This is needed."})
	}
	if !h.To.IsZero() && !h.From.Before(h.To) {
		return Placed{}, problem.Invalid("The range ends before it begins.", problem.Field{Pointer: "/to", Slug: "before-from", Detail: "This must be later than from."})
	}
	h.From, h.To, h.Active = h.From.UTC(), h.To.UTC(), true
	h.PlacedBy, h.Placed = p.Subject, s.clock().UTC()
	key := id.New()
	doc, err := s.holds.Insert(ctx, key, h, s.holdChange(p, tid, "hold.place", key, h, h.Reason))
	return Placed{doc.ID, doc.Value}, err
}

func (s *Service) holdChange(p auth.Principal, tid tenant.ID, action, key string, h Hold, reason string) docstore.Outgoing {
	details := map[string]string{"from": h.From.Format(time.RFC3339), "reason": reason}
	if !h.To.IsZero() {
		details["to"] = h.To.Format(time.RFC3339)
	}
	return audit.ChangeRecord(topics.AuditRecord{
		ID: id.Of("audit-hold", action, key), Tenant: string(tid), Time: s.clock().UTC(), Service: Name, Actor: audit.ActorOf(p),
		Action: action, Object: "hold:" + key, CaseID: h.CaseID, Details: details,
	})
}

// ReleaseHold ends a hold with a reason.
func (s *Service) ReleaseHold(ctx context.Context, key, reason string) (Placed, error) {
	p, tid, err := s.holder(ctx, auth.ActionHoldWrite)
	if err != nil {
		return Placed{}, err
	}
	now := s.clock().UTC()
	doc, err := s.holds.Update(ctx, key, func(h *Hold, out *docstore.Outbox) error {
		switch {
		case !h.Active:
			return errHoldReleased
		case h.PlacedBy == p.Subject:
			return errOwnHold
		}
		h.Active, h.ReleasedBy, h.Released, h.ReleaseReason = false, p.Subject, now, reason
		out.Messages = append(out.Messages, s.holdChange(p, tid, "hold.release", key, *h, reason))
		return nil
	})
	if errors.Is(err, docstore.ErrNotFound) {
		return Placed{}, problem.NotFound("hold")
	}
	return Placed{doc.ID, doc.Value}, err
}

// Holds lists all holds there were, those in force first.
func (s *Service) Holds(ctx context.Context, limit int, after string) ([]Placed, string, error) {
	if _, _, err := s.holder(ctx, auth.ActionHoldRead); err != nil {
		return nil, "", err
	}
	page, err := s.holds.Find(ctx, nil, docstore.FindOptions{Limit: limit, After: after,
		Sort: []docstore.Sort{{Field: "active", Desc: true}, {Field: "placed", Desc: true}}})
	if errors.Is(err, docstore.ErrCursor) {
		return nil, "", problem.Invalid("The page does not belong to this list.", problem.Field{Pointer: "/after", Slug: "wrong-form", Detail: "This is not the next of a page of this list."})
	}
	if err != nil {
		return nil, "", err
	}
	var out []Placed
	for _, d := range page.Docs {
		out = append(out, Placed{d.ID, d.Value})
	}
	return out, page.Next, nil
}

// Held is a time that may not be deleted.
type Held struct {
	ID string
	eventindex.Range
}

// Held gives what is held now to the part that deletes events.
func (s *Service) Held(ctx context.Context, named string) ([]Held, error) {
	p, tid, err := s.holder(ctx, auth.ActionHoldRead)
	if err != nil {
		return nil, err
	}
	if !p.Service || named != string(tid) {
		return nil, errForbidden
	}
	var out []Held
	for after := ""; ; {
		page, err := s.holds.Find(ctx, docstore.Eq{Field: "active", Value: true}, docstore.FindOptions{Limit: 1000, After: after})
		if err != nil {
			return nil, err
		}
		for _, d := range page.Docs {
			out = append(out, Held{d.ID, eventindex.Range{From: d.Value.From, To: d.Value.To}})
		}
		if after = page.Next; after == "" {
			return out, nil
		}
	}
}
