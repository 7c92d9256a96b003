package sources

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"varde.internal/platform/docstore"
	"varde.internal/platform/problem"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
)

// Service keeps and tells the account of the sources.
type Service struct {
	days      docstore.Collection[Day]
	standings docstore.Collection[Standing]
	register  *registered
	clock     func() time.Time
	zone      *time.Location
	keep      int // days

	watch       *watch
	silentAfter time.Duration // what is expected where the register names nothing
	secret      []byte        // of the keys of messages

	judging sync.Mutex
	judged  time.Time            // when sources were judged last
	seen    map[string]time.Time // when each was last heard, as that pass knew it
}

// Unregistered is the source of lines from senders that nobody registered; the
// tenant that runs the IT host owns it.
const Unregistered = "unregistered"

var errNoSource = problem.New(problem.KindNotFound, "no-such-source", "There is no such source.")

// Count adds arrivals of one partition of a topic, which are in order, to the
// accounts of their owners. What was counted before is not counted again.
func (s *Service) Count(ctx context.Context, place string, arrivals []Arrival) error {
	type page struct{ tenant, date string }
	oldest := dates(s.clock(), s.zone, s.keep)[0]
	pages := map[page][]Arrival{}
	for _, a := range arrivals {
		if owner, ok := s.register.owner(a.Source); ok {
			a.Tenant = owner
		}
		date := a.Received.In(s.zone).Format(time.DateOnly)
		if !tenant.ID(a.Tenant).Valid() || a.Source == "" || date < oldest {
			continue
		}
		at := page{a.Tenant, date}
		pages[at] = append(pages[at], a)
	}
	for at, list := range pages {
		if err := s.count(tenant.With(ctx, tenant.ID(at.tenant)), at.date, place, list); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) count(ctx context.Context, date, place string, arrivals []Arrival) error {
	update := func() error {
		_, err := s.days.Update(ctx, date, func(d *Day, _ *docstore.Outbox) error {
			d.add(place, arrivals, s.zone)
			return nil
		})
		return err
	}
	err := update()
	if !errors.Is(err, docstore.ErrNotFound) {
		return err
	}
	first := Day{Date: date}
	first.add(place, arrivals, s.zone)
	if _, err = s.days.Insert(ctx, date, first); errors.Is(err, docstore.ErrExists) {
		return update() // another partition was first
	}
	return err
}

// kept reads the last days of the caller's tenant, by their dates.
func (s *Service) kept(ctx context.Context, days int) (map[string]Day, error) {
	out := map[string]Day{}
	oldest := dates(s.clock(), s.zone, days)[0]
	for after := ""; ; {
		page, err := s.days.Find(ctx, docstore.Range{Field: "date", Gte: oldest}, docstore.FindOptions{After: after, Limit: 100})
		if err != nil {
			return nil, err
		}
		for _, d := range page.Docs {
			out[d.Value.Date] = d.Value
		}
		if after = page.Next; after == "" {
			return out, nil
		}
	}
}

// Activities tells what each of the tenant's sources did in the last days, by
// id: those of the register, and what came from senders nobody registered.
// next is the id to go on after; empty at the end.
func (s *Service) Activities(ctx context.Context, days, limit int, after string) (list []Activity, next string, err error) {
	kept, err := s.kept(ctx, s.keep)
	if err != nil {
		return nil, "", err
	}
	tid, err := tenant.From(ctx)
	if err != nil {
		return nil, "", err
	}
	var ids []string
	for _, src := range s.register.of(string(tid)) {
		ids = append(ids, src.ID)
	}
	for _, d := range kept {
		if _, ok := d.Sources[Unregistered]; ok {
			ids = append(ids, Unregistered)
			break
		}
	}
	slices.Sort(ids)
	ids = slices.DeleteFunc(ids, func(id string) bool { return id <= after })
	if len(ids) > limit {
		ids, next = ids[:limit], ids[limit-1]
	}
	asked := dates(s.clock(), s.zone, days)
	for _, id := range ids {
		standing, err := s.standing(ctx, id)
		if err != nil {
			return nil, "", err
		}
		list = append(list, s.describe(activityOf(id, asked, kept, standing), kept))
	}
	return list, next, nil
}

// Activity tells what one source of the tenant did.
func (s *Service) Activity(ctx context.Context, source string, days int) (Activity, error) {
	kept, err := s.kept(ctx, s.keep)
	if err != nil {
		return Activity{}, err
	}
	tid, err := tenant.From(ctx)
	if err != nil {
		return Activity{}, err
	}
	owner, ok := s.register.owner(source)
	if source == Unregistered {
		owner, ok = string(tid), true
	}
	if !ok || owner != string(tid) {
		return Activity{}, errNoSource
	}
	standing, err := s.standing(ctx, source)
	if err != nil {
		return Activity{}, err
	}
	return s.describe(activityOf(source, dates(s.clock(), s.zone, days), kept, standing), kept), nil
}

// describe adds what is expected of the source.
func (s *Service) describe(a Activity, kept map[string]Day) Activity {
	now := s.clock()
	if src, ok := s.register.one(a.Source); ok {
		a.Expected, a.Standards = expectation(src, s.silentAfter)
	}
	var recent []Tally
	for _, date := range dates(now, s.zone, suggestFrom) {
		recent = append(recent, kept[date].Sources[a.Source])
	}
	a.Suggested = suggest(recent)
	for _, t := range recent[len(recent)-2:] {
		a.SlowedNow = a.SlowedNow || !t.LastSlowed.IsZero() && now.Sub(t.LastSlowed) < slowedNow
	}
	return a
}

func (s *Service) standing(ctx context.Context, source string) (Standing, error) {
	doc, err := s.standings.Get(ctx, source)
	if errors.Is(err, docstore.ErrNotFound) {
		return Standing{}, nil
	}
	return doc.Value, err
}

// Sweep deletes the days that are no longer kept, and keeps of them when each
// source was last heard.
func (s *Service) Sweep(ctx context.Context) error {
	oldest := dates(s.clock(), s.zone, s.keep)[0]
	wide := systemscope.Enter(ctx, "the account of sources ends for every tenant")
	for {
		page, err := s.days.Find(wide, docstore.Range{Field: "date", Lt: oldest}, docstore.FindOptions{Limit: 20})
		if err != nil || len(page.Docs) == 0 {
			return err
		}
		for _, d := range page.Docs {
			ctx := tenant.With(ctx, tenant.ID(d.Tenant))
			for id, t := range d.Value.Sources {
				if err := s.carry(ctx, id, t); err != nil {
					return err
				}
			}
			if err := s.days.Delete(ctx, d.ID); err != nil && !errors.Is(err, docstore.ErrNotFound) {
				return err
			}
		}
	}
}

// carry remembers when a source was last heard by a day that ends.
func (s *Service) carry(ctx context.Context, source string, t Tally) error {
	if t.LastReceived.IsZero() {
		return nil
	}
	return s.stand(ctx, source, func(v *Standing, _ *docstore.Outbox) error {
		v.LastReceived, v.LastEvent = latest(v.LastReceived, t.LastReceived), latest(v.LastEvent, t.LastEvent)
		return nil
	})
}

// stand changes what is known of a source, of which perhaps nothing is yet.
func (s *Service) stand(ctx context.Context, source string, fn func(*Standing, *docstore.Outbox) error) error {
	_, err := s.standings.Update(ctx, source, fn)
	if !errors.Is(err, docstore.ErrNotFound) {
		return err
	}
	if _, err = s.standings.Insert(ctx, source, Standing{}); err != nil && !errors.Is(err, docstore.ErrExists) {
		return err
	}
	_, err = s.standings.Update(ctx, source, fn)
	return err
}
