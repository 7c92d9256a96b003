package identity

import (
	"context"
	"errors"
	"strings"
	"time"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

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
	Language    string
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
	me := Me{Member: Member{p.Subject, v}, Tenant: t, Grants: p.Grants, Permissions: auth.Permissions(p), MustChange: account.Value.MustChange, Factor: account.Value.HasFactor(), Language: account.Value.Language}
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
