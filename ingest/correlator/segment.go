package correlator

import (
	"maps"
	"slices"
	"time"
)

// segment is a stretch of attempts on one account in which each can bear on the
// next. Stretches further apart than any rule reaches do not touch, so a replay
// of old days beside today's lines is not "late".
type segment struct {
	key      string
	next     *segment // of the same account, in no order
	list     []*packed
	ids      map[uint64]struct{}  // hashes of the ids in list, once it is long
	triggers map[*packed]*trigger // nil: none
	dropped  instant              // event time of the last attempt let go; zero: none
	touched  int64                // on the wall clock, Unix nanoseconds
	mixed    bool                 // some are the directory's view, or of a web server's error log

	older, newer *segment // by touched, over all accounts
}

// instant is a moment in less space than a time.Time; zero is none.
type instant struct {
	sec  int64
	nsec uint32
	set  bool
}

func (p *packed) instant() instant { return instant{p.sec, p.nsec, true} }

func (t instant) time() time.Time { return time.Unix(t.sec, int64(t.nsec)) }

func (t instant) later(u instant) instant {
	if !t.set || (u.set && u.time().After(t.time())) {
		return u
	}
	return t
}

// Bounds of the memory of sequences: attempts of one stretch, and of all. Beyond
// them the oldest are let go, which shortens the allowed lateness of that
// account (or of the longest untouched ones) and nothing else.
const (
	maxSegment  = 2048
	maxSequence = 200_000
	// longList is from where a stretch has a table of its ids.
	longList = 32
	// roomy is from where a table that was emptied is made anew: Go's never shrink.
	roomy = 4096
)

// segmentOf finds or makes the stretch that a belongs to, and joins two that a
// lies between.
func (s *sequences) segmentOf(key string, a *packed, reach time.Duration) *segment {
	var home, apart *segment
	for g := s.byKey[key]; g != nil; {
		next := g.next
		near := g.list[0].since(a) <= reach && a.since(g.list[len(g.list)-1]) <= reach
		switch {
		case !near:
			g.next, apart = apart, g
		case home == nil:
			home = g
		default:
			home.join(g)
			s.unlink(g)
		}
		g = next
	}
	if home == nil {
		home = &segment{key: key}
		s.link(home)
	}
	home.next = apart
	s.byKey[key] = home
	s.most = max(s.most, len(s.byKey))
	return home
}

func (g *segment) join(o *segment) {
	for _, a := range o.list {
		i, _ := slices.BinarySearchFunc(g.list, a, comparePacked) // none is there: their times differ by more than a wait
		g.list = slices.Insert(g.list, i, a)
	}
	for at, t := range o.triggers {
		t.seg = g
		g.note(at, t)
	}
	g.ids = nil
	g.mixed = g.mixed || o.mixed
	g.dropped, g.touched = g.dropped.later(o.dropped), max(g.touched, o.touched)
}

func (g *segment) note(at *packed, t *trigger) {
	if g.triggers == nil {
		g.triggers = map[*packed]*trigger{}
	}
	g.triggers[at] = t
}

// find gives the attempt with the id of a.
func (g *segment) find(a *packed) *packed {
	if len(g.list) > longList {
		if g.ids == nil {
			g.ids = make(map[uint64]struct{}, len(g.list)+1)
			for _, x := range g.list {
				g.ids[x.id] = struct{}{}
			}
		}
		if _, ok := g.ids[a.id]; !ok {
			return nil
		}
	}
	for _, x := range g.list {
		if x.id == a.id && x.eventID() == a.eventID() {
			return x
		}
	}
	return nil
}

// took notes that a came into the list, and gone, where it is one, left it.
func (g *segment) took(a, gone *packed) {
	if g.ids == nil {
		return
	}
	if gone != nil {
		delete(g.ids, gone.id)
	}
	if a != nil {
		g.ids[a.id] = struct{}{}
	}
}

func (g *segment) waits() bool {
	for _, tr := range g.triggers {
		if tr.state == waiting {
			return true
		}
	}
	return false
}

// trim lets go of what no late attempt can need.
func (s *sequences) trim(g *segment, reach time.Duration) {
	n, latest := max(0, len(g.list)-maxSegment), g.list[len(g.list)-1]
	for n < len(g.list) && latest.since(g.list[n]) > reach {
		n++
	}
	// In steps, so that a long stretch is not moved for each attempt.
	if n == 0 || (n < 64 && n < len(g.list)/4) {
		return
	}
	for _, a := range g.list[:n] {
		if tr := g.triggers[a]; tr != nil && tr.state == waiting {
			return // its wait is not over
		}
	}
	for _, a := range g.list[:n] {
		delete(g.triggers, a)
		g.took(nil, a)
		s.count -= a.weight()
	}
	if len(g.triggers) == 0 {
		g.triggers = nil
	}
	g.dropped = g.list[n-1].instant()
	g.list = slices.Clone(g.list[n:])
}

// link makes g the one touched last.
func (s *sequences) link(g *segment) {
	g.older, g.newer = s.newest, nil
	if s.newest != nil {
		s.newest.newer = g
	}
	if s.newest = g; s.oldest == nil {
		s.oldest = g
	}
}

func (s *sequences) unlink(g *segment) {
	if g.older != nil {
		g.older.newer = g.newer
	} else {
		s.oldest = g.newer
	}
	if g.newer != nil {
		g.newer.older = g.older
	} else {
		s.newest = g.older
	}
	g.older, g.newer = nil, nil
}

func (s *sequences) touch(g *segment, now time.Time) {
	g.touched = max(g.touched, now.UnixNano()) // a clock that is set back keeps the order
	if s.newest != g {
		s.unlink(g)
		s.link(g)
	}
}

// forget lets go of a stretch, except of what was said about it.
func (s *sequences) forget(g *segment) {
	for _, tr := range g.triggers {
		s.unwait(tr)
	}
	s.unlink(g)
	var rest *segment
	for x := s.byKey[g.key]; x != nil; {
		next := x.next
		if x != g {
			x.next, rest = rest, x
		}
		x = next
	}
	if s.byKey[g.key] = rest; rest == nil {
		delete(s.byKey, g.key)
	}
	for _, a := range g.list {
		s.count -= a.weight()
	}
}

// sweep lets go of stretches that nobody added to for so long that no attempt
// in time bears on them, and of the longest untouched ones beyond the bound, but
// of none in which something waits to be raised.
func (s *sequences) sweep(now time.Time, idle time.Duration) {
	for g := s.oldest; g != nil; {
		next := g.newer
		old := now.UnixNano()-g.touched > int64(idle)
		if !old && s.count <= s.limit*4/5 {
			break
		}
		if !g.waits() {
			s.forget(g)
		}
		g = next
	}
	s.swept = s.count
	if s.most > roomy && len(s.byKey) < s.most/4 {
		small := make(map[string]*segment, len(s.byKey))
		maps.Copy(small, s.byKey)
		s.byKey, s.most = small, len(small)
	}
}
