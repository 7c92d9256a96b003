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
func (g guessing) Triggers(seq []*Attempt, i int, p Params) ([]*Attempt, bool) {
	if !counts(seq, i, p) {
		return nil, false
	}
	evidence, total := g.run(seq, i, p)
	if total < p.FailedLogons {
		return nil, false
	}
	for j := i - 1; j >= 0 && !seq[j].Success; j-- {
		if !counts(seq, j, p) {
			continue
		}
		if _, before := g.run(seq, j, p); before >= p.FailedLogons {
			return nil, false
		}
		break
	}
	return evidence, true
}

// run sums the failed passwords in the window that ends with the i-th, back to
// the last success.
func (guessing) run(seq []*Attempt, i int, p Params) (evidence []*Attempt, total int) {
	for j := i; j >= 0 && total < p.FailedLogons; j-- {
		if seq[j].Success || seq[i].Time.Sub(seq[j].Time) > p.FailedWithin {
			break
		}
		if counts(seq, j, p) {
			total += seq[j].repeats()
			evidence = append(evidence, seq[j])
		}
	}
	slices.Reverse(evidence)
	return evidence, total
}

// counts reports whether the i-th is a failed password that is not the second
// view, by the directory or the endpoint, of one already there.
func counts(seq []*Attempt, i int, p Params) bool {
	a := seq[i]
	if !a.failure() || !a.password() {
		return false
	}
	start, other := i, false
	for j := i - 1; j >= 0 && seq[start].Time.Sub(seq[j].Time) <= p.SameAttempt; j-- {
		if !seq[j].failure() || !seq[j].password() {
			continue
		}
		other = other || (twins(seq[j], a) && a.Time.Sub(seq[j].Time) <= p.SameAttempt)
		if !other && a.Time.Sub(seq[j].Time) > p.SameAttempt {
			break
		}
		start = j
	}
	return !other || !absorbed(seq[start:i+1], p)
}

func twins(a, b *Attempt) bool { return a.Directory != b.Directory && a.Host != b.Host }

// absorbed pairs the two views of each attempt from the first on, and reports
// whether the last one found its twin: each attempt has one.
func absorbed(seq []*Attempt, p Params) bool {
	paired := make([]bool, len(seq))
	for i, a := range seq {
		if !a.failure() || !a.password() {
			continue
		}
		for j := range i {
			b := seq[j]
			if paired[j] || !b.failure() || !b.password() || !twins(a, b) || a.Time.Sub(b.Time) > p.SameAttempt {
				continue
			}
			paired[i], paired[j] = true, true
			break
		}
	}
	return paired[len(seq)-1]
}

// Prevented looks for a lock of the account dated close enough to the i-th.
func (guessing) Prevented(seq []*Attempt, i int, p Params) (*Attempt, bool) {
	for j := i; j >= 0 && seq[i].Time.Sub(seq[j].Time) <= p.LockWithin; j-- {
		if seq[j].Lock {
			return seq[j], true
		}
	}
	for j := i + 1; j < len(seq) && seq[j].Time.Sub(seq[i].Time) <= p.LockWithin; j++ {
		if seq[j].Lock {
			return seq[j], true
		}
	}
	return nil, false
}

func (g guessing) Verdict(l *logon, evidence []*Attempt, v *view, p Params) Verdict {
	failed := 0
	for _, a := range evidence {
		failed += a.repeats()
	}
	first, last := evidence[0].Time, evidence[len(evidence)-1].Time
	params := l.sentence(v, l.systems[0])
	params["failed"] = strconv.Itoa(failed)
	params["within"] = strconv.Itoa(int(last.Sub(first) / time.Second))
	return Verdict{
		Rule: g.Meta(), Group: map[string]string{"account": l.key}, Trigger: l.EventID, Time: last,
		Reason: topics.Reason{Slug: "failed-without-lock", Params: params}, Evidence: evidence, Logon: l, System: l.systems[0],
	}
}
