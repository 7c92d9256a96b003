package search

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/problem"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
)

// Saved is a view with its id.
type Saved struct {
	ID   string
	Mine bool
	View
}

// SaveView keeps a view under an id that tells nothing of it: an HMAC of its
// content and owner, so that the same view has one id however often it is saved.
func (s *Service) SaveView(ctx context.Context, name string, content ViewContent) (Saved, error) {
	p, err := s.caller(ctx)
	if err != nil {
		return Saved{}, err
	}
	tid, err := tenant.From(ctx)
	if err != nil {
		return Saved{}, err
	}
	if _, err := s.parse(content.Query); err != nil {
		return Saved{}, syntaxProblem(content.Query, err)
	}
	body, err := json.Marshal(content)
	if err != nil {
		return Saved{}, err
	}
	v := View{Subject: p.Subject, Name: name, Named: name != "", ViewContent: content, Created: s.clock().UTC()}
	key := bus.Key(s.viewKey, string(tid), p.Subject, name, string(body))
	doc, err := s.views.Insert(ctx, key, v)
	if errors.Is(err, docstore.ErrExists) {
		doc, err = s.views.Get(ctx, key)
	}
	if err != nil {
		return Saved{}, err
	}
	return Saved{ID: doc.ID, Mine: true, View: doc.Value}, nil
}

// View gives a view of the tenant. The text of a query can itself name a
// person: another's view that asks about persons is found only by those who may
// see names.
func (s *Service) View(ctx context.Context, viewID string) (Saved, error) {
	p, err := s.caller(ctx)
	if err != nil {
		return Saved{}, err
	}
	doc, err := s.views.Get(ctx, viewID)
	if errors.Is(err, docstore.ErrNotFound) {
		return Saved{}, problem.NotFound("view")
	}
	if err != nil {
		return Saved{}, err
	}
	saved := Saved{ID: doc.ID, Mine: doc.Value.Subject == p.Subject, View: doc.Value}
	if saved.Mine || auth.Allow(p, auth.ActionEventNames, auth.Object{Tenant: tenant.ID(doc.Tenant)}) {
		return saved, nil
	}
	if q, err := s.parse(doc.Value.Query); err != nil || len(personFields(q)) > 0 {
		return Saved{}, problem.NotFound("view")
	}
	return saved, nil
}

// Views lists one's own views that have a name.
func (s *Service) Views(ctx context.Context, limit int, after string) ([]Saved, string, error) {
	p, err := s.caller(ctx)
	if err != nil {
		return nil, "", err
	}
	page, err := s.views.Find(ctx, docstore.And{docstore.Eq{Field: "subject", Value: p.Subject}, docstore.Eq{Field: "named", Value: true}},
		docstore.FindOptions{Sort: []docstore.Sort{{Field: "name"}}, Limit: limit, After: after})
	if err != nil {
		return nil, "", err
	}
	out := make([]Saved, len(page.Docs))
	for i, d := range page.Docs {
		out[i] = Saved{ID: d.ID, Mine: true, View: d.Value}
	}
	return out, page.Next, nil
}

// How long what nobody named is kept: queries can name people (R39).
const (
	keepContexts = 24 * time.Hour // after their end; the audit log has the purpose
	keepViews    = 90 * 24 * time.Hour
)

// Sweep deletes old contexts, and views without a name, of every tenant.
func (s *Service) Sweep(ctx context.Context) error {
	all := systemscope.Enter(ctx, "old search contexts and views of every tenant")
	now := s.clock().UTC()
	if err := sweep(ctx, all, s.contexts, docstore.Range{Field: "expires", Lt: now.Add(-keepContexts)}); err != nil {
		return err
	}
	return sweep(ctx, all, s.views, docstore.And{docstore.Eq{Field: "named", Value: false}, docstore.Range{Field: "created", Lt: now.Add(-keepViews)}})
}

func sweep[T any](ctx, all context.Context, c docstore.Collection[T], old docstore.Filter) error {
	for {
		page, err := c.Find(all, old, docstore.FindOptions{Limit: 500})
		if err != nil || len(page.Docs) == 0 {
			return err
		}
		for _, d := range page.Docs {
			if err := c.Delete(tenant.With(ctx, tenant.ID(d.Tenant)), d.ID); err != nil && !errors.Is(err, docstore.ErrNotFound) {
				return err
			}
		}
	}
}
