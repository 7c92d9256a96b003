package identity

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"varde.internal/platform/audit"
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

// person reads a person who exists.
func (s *Service) person(ctx context.Context, person string) (topics.Person, error) {
	doc, err := s.persons.Get(ctx, person)
	if errors.Is(err, docstore.ErrNotFound) || (err == nil && doc.Value.Deleted) {
		return topics.Person{}, errPerson
	}
	return doc.Value.Current, err
}

// Person gives one person the caller may see. Another's record is read with an
// entry in the audit log.
func (s *Service) Person(ctx context.Context, person string) (Member, error) {
	if err := s.ready(); err != nil {
		return Member{}, err
	}
	p, _ := auth.From(ctx)
	t, err := tenant.From(ctx)
	if err != nil {
		return Member{}, err
	}
	if !auth.Allow(p, auth.ActionDirectoryRead, auth.Object{Tenant: t, Owners: []string{person}}) {
		return Member{}, errPerson
	}
	intent := ""
	if person != p.Subject {
		if intent, err = s.intent(ctx, "person:"+person, nil); err != nil {
			return Member{}, err
		}
	}
	v, err := s.person(ctx, person)
	if intent != "" {
		s.outcome(ctx, intent, err, 1)
	}
	return Member{person, v}, err
}

func (s *Service) intent(ctx context.Context, object string, details map[string]string) (string, error) {
	return s.deps.Audit.Intent(ctx, topics.AuditRecord{Time: s.clock(), Actor: actor(ctx), Action: string(auth.ActionDirectoryRead), Object: object, Details: details})
}

func (s *Service) outcome(ctx context.Context, intent string, err error, n int) {
	result := audit.ResultOK
	if err != nil {
		result, n = audit.ResultError, 0
	}
	s.deps.Audit.Outcome(ctx, intent, result, map[string]int{"persons": n})
}

// PersonQuery selects persons; empty fields select all.
type PersonQuery struct {
	Text, UnitID, Role string
	IDs                []string
	IncludeLeft        bool
	Limit              int
	After              string
}

// SearchPersons lists persons by name. Who may not see others finds themselves.
func (s *Service) SearchPersons(ctx context.Context, q PersonQuery) ([]Member, string, error) {
	if err := s.ready(); err != nil {
		return nil, "", err
	}
	p, _ := auth.From(ctx)
	reach, ok := auth.Reach(p, auth.ActionDirectoryRead)
	if !ok {
		return nil, "", errForbidden
	}
	if !reach.Tenant {
		q = PersonQuery{IDs: []string{p.Subject}, Limit: 1}
	}
	intent, err := s.intent(ctx, "persons", nil)
	if err != nil {
		return nil, "", err
	}
	found, next, err := s.searchPersons(ctx, q)
	s.outcome(ctx, intent, err, len(found))
	return found, next, err
}

// searchPersons reads pages in the order of names until enough match: text is
// looked for inside names, which the store's filters do not do, and a
// municipality has some thousand persons at most.
func (s *Service) searchPersons(ctx context.Context, q PersonQuery) ([]Member, string, error) {
	f := docstore.And{docstore.Eq{Field: "deleted", Value: false}}
	if q.UnitID != "" {
		f = append(f, docstore.Eq{Field: "current.unitId", Value: q.UnitID})
	}
	if q.Role != "" {
		f = append(f, docstore.Eq{Field: "current.roles.role", Value: q.Role})
	}
	if !q.IncludeLeft && len(q.IDs) == 0 {
		f = append(f, docstore.Not{Filter: docstore.Eq{Field: "current.left", Value: true}})
	}
	if len(q.IDs) > 0 {
		return s.personsByID(ctx, q.IDs)
	}
	if q.Limit == 0 {
		q.Limit = 50
	}
	text := strings.ToLower(strings.TrimSpace(q.Text))
	size := q.Limit
	if text != "" {
		size = 1000
	}
	var found []Member
	opt := docstore.FindOptions{Sort: []docstore.Sort{{Field: "current.name"}}, Limit: size, After: q.After}
	for {
		page, err := s.persons.Find(ctx, f, opt)
		if err != nil {
			return nil, "", err
		}
		for _, d := range page.Docs {
			v := d.Value.Current
			if text == "" || strings.Contains(strings.ToLower(v.Name+"\n"+v.Title), text) {
				found = append(found, Member{d.ID, v})
			}
		}
		if text == "" {
			return found, page.Next, nil
		}
		if len(found) >= q.Limit {
			return found[:q.Limit], "", nil // a picker narrows the text instead of paging
		}
		if opt.After = page.Next; page.Next == "" {
			return found, "", nil
		}
	}
}

func (s *Service) personsByID(ctx context.Context, ids []string) ([]Member, string, error) {
	var found []Member
	for _, one := range ids {
		v, err := s.person(ctx, one)
		if errors.Is(err, errPerson) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		found = append(found, Member{one, v})
	}
	return found, "", nil
}

// SavePerson creates a person (person empty) or changes one.
func (s *Service) SavePerson(ctx context.Context, person string, v topics.Person) (Member, error) {
	t, p, err := s.admin(ctx, auth.ActionDirectoryWrite)
	if err != nil {
		return Member{}, err
	}
	v = tidy(v)
	if err := s.checkPerson(ctx, person, v); err != nil {
		return Member{}, err
	}
	now := s.clock().UTC()
	if person == "" {
		var e Entry[topics.Person]
		if _, err := e.Set(v, now, now, p.Subject); err != nil {
			return Member{}, err
		}
		person = id.New()
		_, err := insertEntry(ctx, s, s.persons, topics.KindPerson, t, person, e)
		return Member{person, v}, err
	}
	return Member{person, v}, s.updatePerson(ctx, t, person, v)
}

func (s *Service) updatePerson(ctx context.Context, t tenant.ID, person string, v topics.Person) error {
	if _, err := s.person(ctx, person); err != nil {
		return err
	}
	now := s.clock().UTC()
	before := topics.Person{}
	if _, err := change(ctx, s, s.persons, topics.KindPerson, t, person, func(e *Entry[topics.Person]) (bool, error) {
		before = e.Current
		return e.Set(v, now, now, subject(ctx))
	}, s.revocation(t, person, "")); err != nil {
		return err
	}
	if v.Left {
		if err := s.closeSessions(ctx, t, person, ""); err != nil {
			return err
		}
	}
	// The delegate's tokens carry this person's roles while they are away.
	return s.reissue(ctx, t, before.Delegate, v.Delegate)
}

// SetAbsence sets the caller's own absences and delegate.
func (s *Service) SetAbsence(ctx context.Context, absences []topics.Period, delegate string) error {
	p, _, _, err := s.own(ctx)
	if err != nil {
		return err
	}
	v, err := s.person(ctx, p.Subject)
	if err != nil {
		return err
	}
	v.Absences, v.Delegate = absences, delegate
	v = tidy(v)
	if err := s.checkPerson(ctx, p.Subject, v); err != nil {
		return err
	}
	return s.updatePerson(ctx, p.Tenant, p.Subject, v)
}

// tidy gives a person the form it has when it is read back.
func tidy(v topics.Person) topics.Person {
	v.Name, v.Title, v.Email = strings.TrimSpace(v.Name), strings.TrimSpace(v.Title), strings.TrimSpace(v.Email)
	for i, a := range v.Absences {
		v.Absences[i] = topics.Period{From: a.From.UTC().Round(0), To: a.To.UTC().Round(0)}
	}
	if len(v.Absences) == 0 {
		v.Absences = nil
	}
	if len(v.Roles) == 0 {
		v.Roles = nil
	}
	return v
}

func (s *Service) checkPerson(ctx context.Context, person string, v topics.Person) error {
	if err := checkPeriods(v.Absences); err != nil {
		return err
	}
	org, err := s.org(ctx)
	if err != nil {
		return err
	}
	units := []string{v.UnitID}
	for _, r := range v.Roles {
		units = append(units, r.UnitID)
	}
	for _, u := range units {
		if _, ok := org[u]; u != "" && !ok {
			return errUnit
		}
	}
	if v.Delegate == "" {
		return nil
	}
	if v.Delegate == person {
		return errOwnDelegate
	}
	_, err = s.person(ctx, v.Delegate)
	return err
}

// Me is the caller, and what they may do.
type Me struct {
	Member
	Tenant      TenantView
	Unit        *UnitView
	Grants      []auth.Grant
	Permissions []auth.Permission
	MustChange  bool
	Factor      bool
	StepUpAt    time.Time
	StepUpOf    string
	StepUpUntil time.Time
}

// Me tells who the caller is.
func (s *Service) Me(ctx context.Context) (Me, error) {
	p, session, account, err := s.own(ctx)
	if err != nil {
		return Me{}, err
	}
	v, err := s.person(ctx, p.Subject)
	if err != nil {
		return Me{}, err
	}
	t, err := s.Tenant(ctx)
	if err != nil {
		return Me{}, err
	}
	me := Me{Member: Member{p.Subject, v}, Tenant: t, Grants: p.Grants, Permissions: auth.Permissions(p), MustChange: account.Value.MustChange, Factor: account.Value.HasFactor()}
	if v.UnitID != "" {
		unit, err := s.units.Get(ctx, v.UnitID)
		if err != nil && !errors.Is(err, docstore.ErrNotFound) {
			return Me{}, err
		}
		if err == nil {
			me.Unit = &UnitView{ID: unit.ID, Unit: unit.Value.Current}
		}
	}
	if until := session.Value.StepUpAt.Add(s.cfg.StepUpFor); s.clock().Before(until) {
		me.StepUpAt, me.StepUpOf, me.StepUpUntil = session.Value.StepUpAt, session.Value.StepUpOf, until
	}
	return me, nil
}
