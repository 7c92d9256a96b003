package identity

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// orgLimit bounds an organisation chart; a municipality has some hundreds of units.
const orgLimit = 5000

// org reads the chart of the context's tenant.
func (s *Service) org(ctx context.Context) (Org, error) {
	out, opt := Org{}, docstore.FindOptions{Limit: 1000}
	for len(out) < orgLimit {
		page, err := s.units.Find(ctx, docstore.Eq{Field: "deleted", Value: false}, opt)
		if err != nil {
			return nil, err
		}
		for _, d := range page.Docs {
			out[d.ID] = d.Value.Current
		}
		if opt.After = page.Next; page.Next == "" {
			break
		}
	}
	return out, nil
}

// TenantView is the caller's tenant.
type TenantView struct {
	ID     tenant.ID
	Tenant topics.Tenant
	Domain string
}

// Tenant gives the context's tenant.
func (s *Service) Tenant(ctx context.Context) (TenantView, error) {
	if err := s.ready(); err != nil {
		return TenantView{}, err
	}
	t, err := tenant.From(ctx)
	if err != nil {
		return TenantView{}, err
	}
	doc, err := s.tenants.Get(ctx, string(t))
	if err != nil {
		return TenantView{}, err
	}
	return TenantView{t, doc.Value.Current, doc.Value.Domain}, nil
}

// UnitView is a unit with its manager's name. Who manages a unit is no secret:
// whoever reports must know where the report goes.
type UnitView struct {
	ID          string
	Unit        topics.Unit
	ManagerName string
}

// Units lists the chart, top first, then by name.
func (s *Service) Units(ctx context.Context) ([]UnitView, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	org, err := s.org(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	var managers []any
	for _, u := range org {
		if u.Manager != "" && names[u.Manager] == "" {
			names[u.Manager] = "?"
			managers = append(managers, u.Manager)
		}
	}
	for chunk := range slices.Chunk(managers, 500) {
		for _, m := range chunk {
			person, _ := m.(string)
			doc, err := s.persons.Get(ctx, person)
			if err != nil && !errors.Is(err, docstore.ErrNotFound) {
				return nil, err
			}
			names[person] = doc.Value.Current.Name
		}
	}
	all := make([]UnitView, 0, len(org))
	for unit, u := range org {
		all = append(all, UnitView{unit, u, names[u.Manager]})
	}
	slices.SortFunc(all, func(a, b UnitView) int {
		if a.Unit.Level != b.Unit.Level {
			return a.Unit.Level - b.Unit.Level
		}
		return strings.Compare(a.Unit.Name+a.ID, b.Unit.Name+b.ID)
	})
	return all, nil
}

// UnitEdit is what an administrator sets of a unit.
type UnitEdit struct{ Name, Parent, Manager string }

// SaveUnit creates a unit (unit empty) or changes one. Its level follows from
// its parent; the levels of the units below follow with it.
func (s *Service) SaveUnit(ctx context.Context, unit string, e UnitEdit) (UnitView, error) {
	t, p, err := s.admin(ctx, auth.ActionDirectoryWrite)
	if err != nil {
		return UnitView{}, err
	}
	org, err := s.org(ctx)
	if err != nil {
		return UnitView{}, err
	}
	if err := s.checkUnit(ctx, org, unit, e); err != nil {
		return UnitView{}, err
	}
	before := org[unit]
	v := topics.Unit{Name: strings.TrimSpace(e.Name), Parent: e.Parent, Level: org.Level(e.Parent), Manager: e.Manager}
	if unit == "" {
		unit = id.New()
		_, err = s.insertUnit(ctx, t, unit, v, s.clock().UTC(), p.Subject)
	} else {
		err = s.updateUnit(ctx, t, unit, v)
	}
	if err != nil {
		return UnitView{}, err
	}
	org[unit] = v
	for _, below := range org.Below(unit) {
		u := org[below]
		if level := org.Level(u.Parent); level != u.Level {
			u.Level = level
			org[below] = u
			if err := s.updateUnit(ctx, t, below, u); err != nil {
				return UnitView{}, err
			}
		}
	}
	if err := s.reissue(ctx, t, before.Manager, v.Manager); err != nil {
		return UnitView{}, err
	}
	view := UnitView{ID: unit, Unit: v}
	if v.Manager != "" {
		m, err := s.person(ctx, v.Manager)
		if err != nil {
			return UnitView{}, err
		}
		view.ManagerName = m.Name
	}
	return view, nil
}

func (s *Service) checkUnit(ctx context.Context, org Org, unit string, e UnitEdit) error {
	if _, ok := org[unit]; unit != "" && !ok {
		return errUnit
	}
	if _, ok := org[e.Parent]; e.Parent != "" && !ok {
		return errUnit
	}
	if unit != "" && (e.Parent == unit || slices.Contains(org.Below(unit), e.Parent)) {
		return errUnitCycle
	}
	if e.Manager != "" {
		if _, err := s.person(ctx, e.Manager); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) insertUnit(ctx context.Context, t tenant.ID, unit string, v topics.Unit, from time.Time, by string) (created bool, err error) {
	var e Entry[topics.Unit]
	if _, err := e.Set(v, from, s.clock().UTC(), by); err != nil {
		return false, err
	}
	return insertEntry(ctx, s, s.units, topics.KindUnit, t, unit, e)
}

func insertEntry[T any](ctx context.Context, s *Service, c docstore.Collection[Entry[T]], kind string, t tenant.ID, entity string, e Entry[T]) (created bool, err error) {
	message, err := fact(s, kind, entity, t, e)
	if err != nil {
		return false, err
	}
	_, err = c.Insert(ctx, entity, e, message, s.changed(ctx, auth.ActionDirectoryWrite, kind+":"+entity, nil))
	if errors.Is(err, docstore.ErrExists) {
		return false, nil
	}
	return err == nil, err
}

// change updates an entry and publishes it; nothing happens where nothing changed.
func change[T any](ctx context.Context, s *Service, c docstore.Collection[Entry[T]], kind string, t tenant.ID, entity string, fn func(e *Entry[T]) (bool, error), more ...docstore.Outgoing) (docstore.Doc[Entry[T]], error) {
	errSame := errors.New("same")
	doc, err := c.Update(ctx, entity, func(e *Entry[T], out *docstore.Outbox) error {
		if changed, err := fn(e); err != nil {
			return err
		} else if !changed {
			return errSame
		}
		message, err := fact(s, kind, entity, t, *e)
		if err != nil {
			return err
		}
		out.Messages = append(out.Messages, message, s.changed(ctx, auth.ActionDirectoryWrite, kind+":"+entity, nil))
		out.Messages = append(out.Messages, more...)
		return nil
	})
	if errors.Is(err, errSame) {
		return c.Get(ctx, entity)
	}
	return doc, err
}

func (s *Service) updateUnit(ctx context.Context, t tenant.ID, unit string, v topics.Unit) error {
	now := s.clock().UTC()
	_, err := change(ctx, s, s.units, topics.KindUnit, t, unit, func(e *Entry[topics.Unit]) (bool, error) {
		return e.Set(v, now, now, subject(ctx))
	})
	return err
}

// DeleteUnit ends a unit that nothing belongs to.
func (s *Service) DeleteUnit(ctx context.Context, unit string) error {
	t, p, err := s.admin(ctx, auth.ActionDirectoryWrite)
	if err != nil {
		return err
	}
	org, err := s.org(ctx)
	if err != nil {
		return err
	}
	u, ok := org[unit]
	if !ok {
		return errUnit
	}
	members, err := s.persons.Count(ctx, docstore.And{docstore.Eq{Field: "current.unitId", Value: unit}, docstore.Eq{Field: "deleted", Value: false}, docstore.Not{Filter: docstore.Eq{Field: "current.left", Value: true}}})
	if err != nil {
		return err
	}
	if members > 0 || len(org.Below(unit)) > 0 {
		return errUnitNotEmpty
	}
	now := s.clock().UTC()
	if _, err = change(ctx, s, s.units, topics.KindUnit, t, unit, func(e *Entry[topics.Unit]) (bool, error) {
		e.End(now, p.Subject)
		return true, nil
	}); err != nil {
		return err
	}
	return s.reissue(ctx, t, u.Manager)
}

// reissue withdraws the tokens of persons whose reach changed; their sessions
// stay, and the next token has the new roles.
func (s *Service) reissue(ctx context.Context, t tenant.ID, persons ...string) error {
	for _, person := range persons {
		if person == "" {
			continue
		}
		_, err := s.persons.Update(ctx, person, func(_ *Entry[topics.Person], out *docstore.Outbox) error {
			out.Messages = append(out.Messages, s.revocation(t, person, ""))
			return nil
		})
		if err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return err
		}
	}
	return nil
}
