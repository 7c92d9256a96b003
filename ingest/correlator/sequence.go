package correlator

import (
	"cmp"
	"slices"
	"time"
)

// state of a trigger.
type state int

const (
	waiting   state = iota // for what may prevent it
	prevented              // by something in time
	standing               // a finding was raised
)

// trigger is an attempt at which a sequence rule fires.
type trigger struct {
	rule    SequenceRule
	at      *Attempt
	seg     *segment
	state   state
	arrived time.Time // on the wall clock
	warm    bool      // decided before a restart: said nothing about again
	// evidence is kept here because the attempts before may be let go while it waits.
	evidence []*Attempt
	held     held
}

// segment is a stretch of attempts on one account in which each can bear on the
// next. Stretches further apart than any rule reaches do not touch, so a replay
// of old days beside today's lines is not "late".
type segment struct {
	key      string
	list     []*Attempt
	ids      map[string]*Attempt
	warm     map[string]bool
	dropped  time.Time // event time of the last attempt let go; zero: none
	touched  time.Time // on the wall clock
	mixed    bool      // some are the directory's view
	triggers map[string]*trigger
}

// Bounds of the memory of sequences: attempts of one stretch, and of all. Beyond
// them the oldest are let go, which shortens the allowed lateness of that
// account (or of the longest untouched ones) and nothing else.
const (
	maxSegment  = 2048
	maxSequence = 200_000
	idleSegment = 30 * time.Minute
)

// sequences is the state of one sequence rule for one tenant.
type sequences struct {
	rule  SequenceRule
	byKey map[string][]*segment // in time order
	count int
	limit int // of count
	swept int // count that the last sweep left
	// waiting triggers by source, for the moment its event time passes their end.
	waiting map[string]map[*trigger]struct{}
}

func newSequences(r SequenceRule) *sequences {
	return &sequences{rule: r, limit: maxSequence, byKey: map[string][]*segment{}, waiting: map[string]map[*trigger]struct{}{}}
}

// reach is how far apart two attempts can be and still bear on each other.
func (s *sequences) reach(p Params) time.Duration {
	return s.rule.Reach(p) + s.rule.Wait(p) + p.Lateness
}

// segmentOf finds or makes the stretch that a belongs to, and joins two that a
// lies between.
func (s *sequences) segmentOf(key string, a *Attempt, p Params) *segment {
	reach := s.reach(p)
	var home *segment
	var rest []*segment
	for _, g := range s.byKey[key] {
		near := !a.Time.Before(g.list[0].Time.Add(-reach)) && !a.Time.After(g.list[len(g.list)-1].Time.Add(reach))
		switch {
		case !near:
			rest = append(rest, g)
		case home == nil:
			home = g
		default:
			home.join(g)
		}
	}
	if home == nil {
		home = &segment{key: key, ids: map[string]*Attempt{}, warm: map[string]bool{}, triggers: map[string]*trigger{}}
	}
	rest = append(rest, home)
	s.byKey[key] = rest
	return home
}

func (g *segment) join(o *segment) {
	for _, a := range o.list {
		g.list, _ = place(g.list, a)
		g.ids[a.EventID] = a
	}
	for id := range o.warm {
		g.warm[id] = true
	}
	for id, t := range o.triggers {
		t.seg = g
		g.triggers[id] = t
	}
	g.mixed = g.mixed || o.mixed
	g.dropped, g.touched = maxTime(g.dropped, o.dropped), maxTime(g.touched, o.touched)
}

// add takes an attempt in and re-evaluates what it can bear on.
func (s *sequences) add(c *Core, t *tenantState, key string, a *Attempt, warm bool, now time.Time) {
	p := c.params(a.Tenant)
	g := s.segmentOf(key, a, p)
	if old := g.ids[a.EventID]; old != nil {
		if a.Generation <= old.Generation {
			return
		}
		g.list = slices.DeleteFunc(g.list, func(x *Attempt) bool { return x == old })
		s.count--
	}
	before := len(g.list)
	g.mixed = g.mixed || a.Directory
	list, at := place(g.list, a)
	g.list, g.touched = list, now
	s.count += len(list) - before
	if at < 0 {
		if len(g.list) == 0 {
			s.forget(g)
		}
		return
	}
	g.ids[a.EventID] = a
	if warm {
		g.warm[a.EventID] = true
	}
	// A lock can bear on triggers before it; everything else on later ones only.
	for a.Lock && at > 0 && a.Time.Sub(g.list[at-1].Time) <= s.rule.Wait(p) {
		at--
	}
	s.evaluate(c, t, g, at, p, now)
	s.trim(g, p)
	// A storm does not wait for the next round; where much has to stay, not
	// every attempt sweeps.
	if s.count > max(s.limit, s.swept+s.limit/10) {
		s.sweep(now)
	}
}

// evaluate decides anew what triggers from the at-th attempt on.
func (s *sequences) evaluate(c *Core, t *tenantState, g *segment, at int, p Params, now time.Time) {
	from := g.list[at]
	gone := map[string]*trigger{}
	for id, tr := range g.triggers {
		if compare(tr.at, from) >= 0 {
			gone[id] = tr
		}
	}
	for i := at; i < len(g.list); i++ {
		a := g.list[i]
		if s.frozen(g, i, p) {
			delete(gone, a.EventID)
			continue
		}
		evidence, fires := s.rule.Triggers(g, i, p)
		if !fires {
			continue
		}
		tr := g.triggers[a.EventID]
		if tr == nil {
			tr = &trigger{rule: s.rule, at: a, seg: g, arrived: now, warm: g.warm[a.EventID]}
			g.triggers[a.EventID] = tr
			s.wait(tr)
		}
		delete(gone, a.EventID)
		tr.evidence = evidence
		by, stopped := s.rule.Prevented(g, i, p)
		switch {
		case stopped && tr.state == waiting:
			tr.state = prevented
			s.unwait(tr)
		case stopped && tr.state == standing:
			tr.state = prevented
			c.withdraw(&tr.held, reason("account-locked", "lockedAt", stamp(by.Time)))
		case tr.state == waiting && t.watermarks[a.Source].After(a.Time.Add(s.rule.Wait(p))):
			s.raise(c, t, tr)
		}
	}
	for id, tr := range gone {
		delete(g.triggers, id)
		s.unwait(tr)
		if tr.state == standing {
			c.withdraw(&tr.held, reason("late-event"))
		}
	}
}

// reconcile compares, once what was read before a restart has been read again,
// what had been said with what triggers now. Of what lies further back nothing
// is known, and it stays.
func (s *sequences) reconcile(c *Core, said map[string]*held) {
	for _, list := range s.byKey {
		for _, g := range list {
			for id := range g.ids {
				h := said[id]
				if h == nil || h.finding.Rule != s.rule.Meta().ID || g.warm[id] {
					continue
				}
				switch tr := g.triggers[id]; {
				case tr == nil:
					c.withdraw(h, reason("late-event"))
				case tr.state == prevented:
					c.withdraw(h, reason("account-locked"))
				case tr.state == waiting:
					tr.state, tr.held = standing, *h
					s.unwait(tr)
				}
			}
		}
	}
}

// frozen reports whether too much before the i-th was let go to judge it again;
// what was decided stays.
func (s *sequences) frozen(g *segment, i int, p Params) bool {
	if g.dropped.IsZero() || g.list[i].Time.Sub(g.dropped) > s.rule.Reach(p) {
		return false
	}
	return i < 4*p.FailedLogons
}

func (s *sequences) wait(tr *trigger) {
	m := s.waiting[tr.at.Source]
	if m == nil {
		m = map[*trigger]struct{}{}
		s.waiting[tr.at.Source] = m
	}
	m[tr] = struct{}{}
}

func (s *sequences) unwait(tr *trigger) {
	m := s.waiting[tr.at.Source]
	delete(m, tr)
	if len(m) == 0 {
		delete(s.waiting, tr.at.Source)
	}
}

// raise makes the finding of a trigger whose wait is over.
func (s *sequences) raise(c *Core, t *tenantState, tr *trigger) {
	tr.state = standing
	s.unwait(tr)
	verdict := s.rule.Verdict(t.view.resolve(tr.at), tr.evidence, t.view)
	tr.held = held{finding: c.finding(t, verdict), trigger: verdict.Trigger, withdrawn: true}
	c.raise(&tr.held, tr.at.trace, tr.warm)
}

// passed ends the waits of a source whose event time has gone past them.
func (s *sequences) passed(c *Core, t *tenantState, source string, p Params) {
	mark := t.watermarks[source]
	s.end(c, t, source, func(tr *trigger) bool { return mark.After(tr.at.Time.Add(s.rule.Wait(p))) })
}

// clock ends waits by the clock on the wall. A trigger in replayed or delayed
// lines has its 60 s long behind it: it still waits for a moment after its
// arrival, so that a lock further on in the same stream can prevent it. One of
// a source whose clock is ahead waits from its arrival.
func (s *sequences) clock(c *Core, t *tenantState, p Params, now time.Time, behind bool) {
	for source := range s.waiting {
		s.end(c, t, source, func(tr *trigger) bool {
			grace := settle
			if behind {
				grace = max(grace, s.rule.Wait(p))
			}
			return now.After(minTime(tr.at.Time, tr.arrived).Add(s.rule.Wait(p))) && now.After(tr.arrived.Add(grace))
		})
	}
}

func (s *sequences) end(c *Core, t *tenantState, source string, over func(*trigger) bool) {
	var due []*trigger
	for tr := range s.waiting[source] {
		if over(tr) {
			due = append(due, tr)
		}
	}
	slices.SortFunc(due, func(a, b *trigger) int { return compare(a.at, b.at) })
	for _, tr := range due {
		s.raise(c, t, tr)
	}
}

// trim lets go of what no late attempt can need.
func (s *sequences) trim(g *segment, p Params) {
	n := max(0, len(g.list)-maxSegment)
	horizon := g.list[len(g.list)-1].Time.Add(-s.reach(p))
	for n < len(g.list) && g.list[n].Time.Before(horizon) {
		n++
	}
	// In steps, so that a long stretch is not moved for each attempt.
	if n == 0 || (n < 64 && n < len(g.list)/4) {
		return
	}
	for _, a := range g.list[:n] {
		if tr := g.triggers[a.EventID]; tr != nil && tr.state == waiting {
			return // its wait is not over
		}
	}
	for _, a := range g.list[:n] {
		delete(g.ids, a.EventID)
		delete(g.warm, a.EventID)
		delete(g.triggers, a.EventID)
	}
	g.dropped = g.list[n-1].Time
	g.list = slices.Clone(g.list[n:])
	s.count -= n
}

func (g *segment) waits() bool {
	for _, tr := range g.triggers {
		if tr.state == waiting {
			return true
		}
	}
	return false
}

func (s *sequences) forget(g *segment) {
	for _, tr := range g.triggers {
		s.unwait(tr)
	}
	s.byKey[g.key] = slices.DeleteFunc(s.byKey[g.key], func(x *segment) bool { return x == g })
	if len(s.byKey[g.key]) == 0 {
		delete(s.byKey, g.key)
	}
	s.count -= len(g.list)
}

// sweep lets go of stretches nobody added to for a while, and of the longest
// untouched ones beyond the bound, but of none in which something waits to be
// raised.
func (s *sequences) sweep(now time.Time) {
	var idle []*segment
	for _, list := range s.byKey {
		idle = append(idle, list...)
	}
	slices.SortFunc(idle, func(a, b *segment) int { return cmp.Or(a.touched.Compare(b.touched), cmp.Compare(a.key, b.key)) })
	for _, g := range idle {
		if now.Sub(g.touched) < idleSegment {
			if s.count <= s.limit*4/5 {
				break
			}
			if g.waits() {
				continue
			}
		}
		s.forget(g)
	}
	s.swept = s.count
}
