package correlator

import (
	"maps"
	"slices"
	"time"

	"varde.internal/schemas/topics"
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
	at      *packed
	seg     *segment
	state   state
	arrived time.Time         // on the wall clock
	trace   map[string]string // of the message that made it fire
	// evidence is kept here because the attempts before may be let go while it waits.
	evidence []*packed
	said     string // the finding's id, where it stands; what it says is in the ledger
}

// sequences is the state of one sequence rule for one tenant.
type sequences struct {
	rule           SequenceRule
	byKey          map[string]*segment
	most           int      // entries byKey has had
	oldest, newest *segment // of all, by when they were touched
	count          int      // weight of all attempts
	limit          int      // of count
	swept          int      // count that the last sweep left
	// waiting triggers by source, in the order of their times, for the moment its
	// event time passes their end.
	waiting map[string][]*trigger
}

func newSequences(r SequenceRule) *sequences {
	return &sequences{rule: r, limit: maxSequence, byKey: map[string]*segment{}, waiting: map[string][]*trigger{}}
}

// reach is how far apart two attempts can be and still bear on each other.
func (s *sequences) reach(p Params) time.Duration {
	return s.rule.Reach(p) + s.rule.Wait(p) + p.Lateness
}

// arrival is an attempt on its way in, and into what.
type arrival struct {
	*packed
	core   *Core
	tenant *tenantState
	params Params
	trace  map[string]string
}

// add takes an attempt in and re-evaluates what it can bear on.
func (s *sequences) add(c *Core, t *tenantState, key string, full *Attempt, warm bool) {
	a := arrival{packed: pack(full), core: c, tenant: t, params: c.params(t.id), trace: full.trace}
	a.set(flagWarm, warm)
	reach := s.reach(a.params)
	g := s.segmentOf(key, a.packed, reach)
	old := g.find(a.packed)
	if old != nil && a.generation <= old.generation {
		return
	}
	at := s.put(a, g, old)
	s.touch(g, c.now)
	if len(g.list) == 0 {
		s.forget(g)
		return
	}
	if at < 0 {
		return
	}
	// A lock can bear on triggers before it; everything else on later ones only.
	for a.lock() && at > 0 && a.since(g.list[at-1]) <= s.rule.Wait(a.params) {
		at--
	}
	s.evaluate(a, g, at)
	s.trim(g, reach)
	// A storm does not wait for the next round; where much has to stay, not
	// every attempt sweeps.
	if s.count > max(s.limit, s.swept+s.limit/10) {
		s.sweep(c.now, reach)
	}
}

// put places an attempt in its stretch, where it takes the place of an earlier
// reading of the same event, or of a repeat of its line. at is the first place
// that changed, -1 if none did.
func (s *sequences) put(a arrival, g *segment, old *packed) (at int) {
	was := -1
	if old != nil {
		was = slices.Index(g.list, old)
		g.list = slices.Delete(g.list, was, was+1)
		s.count -= old.weight()
		g.took(nil, old)
	}
	list, at, gone := place(g.list, a.packed)
	g.list = list
	if at >= 0 {
		s.count += a.weight()
		g.took(a.packed, gone)
		g.mixed = g.mixed || a.directory() || a.is(flagError)
	}
	if gone != nil {
		s.count -= gone.weight()
		s.retract(a, g, gone)
	}
	if old == nil {
		return at
	}
	if tr := g.triggers[old]; tr != nil && at >= 0 { // said of the same event; evaluate tells whether it holds
		delete(g.triggers, old)
		s.unwait(tr)
		tr.at = a.packed
		g.note(a.packed, tr)
		if tr.state == waiting {
			s.wait(tr)
		}
	} else {
		s.retract(a, g, old)
	}
	if at < 0 || was < at {
		at = was
	}
	if at == len(g.list) {
		return -1
	}
	return at
}

// evaluate decides anew what triggers from the at-th attempt on.
func (s *sequences) evaluate(in arrival, g *segment, at int) {
	c, t, p := in.core, in.tenant, in.params
	from := g.list[at]
	gone := map[*packed]bool{}
	for a := range g.triggers {
		if comparePacked(a, from) >= 0 {
			gone[a] = true
		}
	}
	for i := at; i < len(g.list); i++ {
		a := g.list[i]
		if s.frozen(g, i, p) {
			delete(gone, a)
			continue
		}
		evidence, fires := s.rule.Triggers(g, i, p)
		if !fires {
			continue
		}
		tr := g.triggers[a]
		if tr == nil {
			tr = &trigger{rule: s.rule, at: a, seg: g, arrived: c.now}
			if a == in.packed {
				tr.trace = in.trace
			}
			g.note(a, tr)
			s.wait(tr)
		}
		delete(gone, a)
		if tr.state == waiting {
			tr.evidence = evidence
		}
		by, stopped := s.rule.Prevented(g, i, p)
		switch {
		case stopped && tr.state == waiting:
			tr.state = prevented
			s.unwait(tr)
		case stopped && tr.state == standing:
			tr.state = prevented
			s.takeBack(c, t.id, tr, reason("account-locked", "lockedAt", stamp(by.time())))
		case tr.state == waiting && t.watermarks[a.source()].After(a.time().Add(s.rule.Wait(p))):
			s.unwait(tr)
			s.raise(c, t, tr)
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(gone), comparePacked) {
		s.retract(in, g, a)
	}
}

// retract takes back what was triggered at an attempt that triggers no longer.
func (s *sequences) retract(in arrival, g *segment, a *packed) {
	tr := g.triggers[a]
	if tr == nil {
		return
	}
	delete(g.triggers, a)
	s.unwait(tr)
	if tr.state == standing {
		s.takeBack(in.core, in.tenant.id, tr, reason("late-event"))
	}
}

// takeBack withdraws what was said at a trigger. The ledger has the rest of it.
func (s *sequences) takeBack(c *Core, tenant string, tr *trigger, why *topics.Reason) {
	meta, when := s.rule.Meta(), tr.at.time()
	c.withdraw(&held{trigger: tr.at.eventID(), finding: topics.Finding{
		ID: tr.said, Tenant: tenant, Rule: meta.ID, Family: meta.Family, Severity: meta.Severity,
		Time: when, First: when, Last: when, Evidence: []topics.Evidence{},
	}}, why)
}

// reconcile compares, once what was read before a restart has been read again,
// what had been said with what triggers now. Of what lies further back nothing
// is known, and it stays.
func (s *sequences) reconcile(c *Core, said map[string]*held) {
	for g := s.oldest; g != nil; g = g.newer {
		for _, a := range g.list {
			h := said[a.eventID()]
			if h == nil || h.finding.Rule != s.rule.Meta().ID || a.is(flagWarm) {
				continue
			}
			switch tr := g.triggers[a]; {
			case tr == nil:
				c.withdraw(h, reason("late-event"))
			case tr.state == prevented:
				c.withdraw(h, reason("account-locked"))
			case tr.state == waiting:
				tr.state, tr.said, tr.evidence, tr.trace = standing, h.finding.ID, nil, nil
				s.unwait(tr)
			}
		}
	}
}

// frozen reports whether too much before the i-th was let go to judge it again;
// what was decided stays.
func (s *sequences) frozen(g *segment, i int, p Params) bool {
	if !g.dropped.set || g.list[i].time().Sub(g.dropped.time()) > s.rule.Reach(p) {
		return false
	}
	return i < 4*p.FailedLogons
}

func byTime(a, b *trigger) int { return comparePacked(a.at, b.at) }

func (s *sequences) wait(tr *trigger) {
	source := tr.at.source()
	list := s.waiting[source]
	i, _ := slices.BinarySearchFunc(list, tr, byTime)
	s.waiting[source] = slices.Insert(list, i, tr)
}

func (s *sequences) unwait(tr *trigger) {
	source := tr.at.source()
	list := s.waiting[source]
	i, found := slices.BinarySearchFunc(list, tr, byTime)
	if !found {
		return
	}
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(s.waiting, source)
	} else {
		s.waiting[source] = list
	}
}

// raise makes the finding of a trigger whose wait is over.
func (s *sequences) raise(c *Core, t *tenantState, tr *trigger) {
	tr.state = standing
	var evidence []*Attempt
	for _, a := range tr.evidence {
		evidence = append(evidence, a.unpack())
	}
	at := tr.at.unpack()
	at.Tenant = t.id
	verdict := s.rule.Verdict(t.view.resolve(at), evidence, t.view)
	h := held{finding: c.finding(t, verdict), trigger: verdict.Trigger, withdrawn: true}
	c.raise(&h, tr.trace, tr.at.is(flagWarm))
	tr.said, tr.trace, tr.evidence = h.finding.ID, nil, nil
}

// passed ends the waits of a source whose event time has gone past them.
func (s *sequences) passed(c *Core, t *tenantState, source string, p Params) {
	mark, list := t.watermarks[source], s.waiting[source]
	n := 0
	for n < len(list) && mark.After(list[n].at.time().Add(s.rule.Wait(p))) {
		n++
	}
	if n == 0 {
		return
	}
	due := slices.Clone(list[:n])
	clear(list[:n])
	if s.waiting[source] = list[n:]; n == len(list) {
		delete(s.waiting, source)
	}
	for _, tr := range due {
		s.raise(c, t, tr)
	}
}

// clock ends waits by the clock on the wall. A trigger in replayed or delayed
// lines has its 60 s long behind it: it still waits for a moment after its
// arrival, so that a lock further on in the same stream can prevent it. One of
// a source whose clock is ahead waits from its arrival.
func (s *sequences) clock(c *Core, t *tenantState, p Params, now time.Time, behind bool) {
	grace, wait := settle, s.rule.Wait(p)
	if behind {
		grace = max(grace, wait)
	}
	for _, source := range slices.Sorted(maps.Keys(s.waiting)) {
		var due, left []*trigger
		for _, tr := range s.waiting[source] {
			if now.After(minTime(tr.at.time(), tr.arrived).Add(wait)) && now.After(tr.arrived.Add(grace)) {
				due = append(due, tr)
			} else {
				left = append(left, tr)
			}
		}
		if s.waiting[source] = left; len(left) == 0 {
			delete(s.waiting, source)
		}
		for _, tr := range due {
			s.raise(c, t, tr)
		}
	}
}
