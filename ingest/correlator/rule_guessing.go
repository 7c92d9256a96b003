package correlator

import (
	"slices"
	"strconv"
	"time"

	"varde.internal/schemas/topics"
)

// guessing is C1: failed passwords on one account that did not lead to a lock.
type guessing struct{}

func (guessing) Meta() Meta {
	return Meta{ID: "C1", Family: topics.FamilyGuessing, Severity: topics.SeverityMedium}
}

// Reach covers the window of the attempt and the window of the failure before
// it, which decides whether the count was full already.
func (guessing) Reach(p Params) time.Duration { return 2*p.FailedWithin + p.SameAttempt }

func (guessing) Wait(p Params) time.Duration { return p.LockWithin }

// Triggers on the attempt that makes the count full. Those after it belong to
// the same run until the sliding window holds fewer again or a success ends it.
func (r guessing) Triggers(g *segment, i int, p Params) ([]*packed, bool) {
	if !counts(g, i, p) {
		return nil, false
	}
	evidence, total := r.run(g, i, p)
	if total < p.FailedLogons {
		return nil, false
	}
	for j := i - 1; j >= 0 && !g.list[j].success(); j-- {
		if !counts(g, j, p) {
			continue
		}
		if _, before := r.run(g, j, p); before >= p.FailedLogons {
			return nil, false
		}
		break
	}
	return evidence, true
}

// run sums the failed passwords in the window that ends with the i-th, back to
// the last success.
func (guessing) run(g *segment, i int, p Params) (evidence []*packed, total int) {
	for j := i; j >= 0 && total < p.FailedLogons; j-- {
		if g.list[j].success() || g.list[i].since(g.list[j]) > p.FailedWithin {
			break
		}
		if counts(g, j, p) {
			total += g.list[j].repeats()
			evidence = append(evidence, g.list[j])
		}
	}
	slices.Reverse(evidence)
	return evidence, total
}

// counts reports whether the i-th is a failed password that is not the second
// view of one already there (twins).
func counts(g *segment, i int, p Params) bool {
	a := g.list[i]
	if !a.failure() || !a.password() {
		return false
	}
	if !g.mixed {
		return true
	}
	start, other := i, false
	for j := i - 1; j >= 0 && g.list[start].since(g.list[j]) <= p.SameAttempt; j-- {
		if !g.list[j].failure() || !g.list[j].password() {
			continue
		}
		other = other || (twins(g.list[j], a) && a.since(g.list[j]) <= p.SameAttempt)
		if !other && a.since(g.list[j]) > p.SameAttempt {
			break
		}
		start = j
	}
	return !other || !absorbed(g.list[start:i+1], p)
}

// twins reports whether two failures can be two views of one attempt: the
// directory's and the endpoint's, or those of the two logs of a web server,
// which are files of their own and are read apart. Files name no host: there
// the source says that it is the same server.
func twins(a, b *packed) bool {
	x, y := a.from.Value(), b.from.Value()
	if a.directory() != b.directory() && x.host != y.host {
		return true
	}
	if !(a.is(flagAccess) && b.is(flagError)) && !(a.is(flagError) && b.is(flagAccess)) {
		return false
	}
	if x.host != y.host || (x.host == "" && x.source != y.source) {
		return false
	}
	from, of := a.address(), b.address()
	return from == of || from == "" || of == ""
}

// absorbed pairs the two views of each attempt from the first on, and reports
// whether the last one found its twin: each attempt has one.
func absorbed(seq []*packed, p Params) bool {
	paired := make([]bool, len(seq))
	for i, a := range seq {
		if !a.failure() || !a.password() {
			continue
		}
		for j := range i {
			b := seq[j]
			if paired[j] || !b.failure() || !b.password() || !twins(a, b) || a.since(b) > p.SameAttempt {
				continue
			}
			paired[i], paired[j] = true, true
			break
		}
	}
	return paired[len(seq)-1]
}

// Prevented looks for a lock of the account dated close enough to the i-th.
func (guessing) Prevented(g *segment, i int, p Params) (*packed, bool) {
	for j := i; j >= 0 && g.list[i].since(g.list[j]) <= p.LockWithin; j-- {
		if g.list[j].lock() {
			return g.list[j], true
		}
	}
	for j := i + 1; j < len(g.list) && g.list[j].since(g.list[i]) <= p.LockWithin; j++ {
		if g.list[j].lock() {
			return g.list[j], true
		}
	}
	return nil, false
}

func (r guessing) Verdict(l *logon, evidence []*Attempt, v *view) Verdict {
	failed := 0
	for _, a := range evidence {
		failed += a.repeats()
	}
	first, last := evidence[0].Time, evidence[len(evidence)-1].Time
	params := l.sentence(v, l.systems[0])
	params["failed"] = strconv.Itoa(failed)
	params["within"] = strconv.Itoa(int(last.Sub(first) / time.Second))
	return Verdict{
		Rule: r.Meta(), Group: map[string]string{"account": l.key}, Trigger: l.EventID, Time: last,
		Reason: topics.Reason{Slug: "failed-without-lock", Params: params}, Evidence: evidence, Logon: l, System: l.systems[0],
	}
}
