package deviation

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"varde.internal/platform/problem"
)

// Problems of a flood.
var (
	ErrProofNeeded = problem.New(problem.KindTooMany, "proof-of-work-needed", "Many anonymous reports come in. Get a challenge, solve it, and send the report with the proof.")
	errBadProof    = problem.New(problem.KindTooMany, "proof-of-work-needed", "The proof of work is not right, was used, or came too late. Get a new challenge.")
)

// quotas bound what comes in, in memory (N7): without sign-in per tenant,
// because addresses of callers are not known here, on purpose (services/web
// bounds those); of those who are signed in per person, by a keyed hash that is
// forgotten when it bounds nothing.
type quotas struct {
	mu      sync.Mutex
	reports map[string]*rate.Limiter
	proven  map[string]*rate.Limiter
	misses  map[string]*rate.Limiter
	persons map[string]*rate.Limiter
}

func newQuotas() *quotas {
	return &quotas{
		reports: map[string]*rate.Limiter{}, proven: map[string]*rate.Limiter{},
		misses: map[string]*rate.Limiter{}, persons: map[string]*rate.Limiter{},
	}
}

// maxLimiters is how many there are before those that are full again go.
const maxLimiters = 4096

func (q *quotas) take(table map[string]*rate.Limiter, tid string, perMinute float64, burst int, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.limiter(table, tid, perMinute, burst, now).AllowN(now, 1)
}

// takeAbove takes one where more than the share of the burst is left.
func (q *quotas) takeAbove(share float64, table map[string]*rate.Limiter, tid string, perMinute float64, burst int, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.limiter(table, tid, perMinute, burst, now)
	return l.TokensAt(now) > share*float64(burst) && l.AllowN(now, 1)
}

// left is the share of the burst that is left.
func (q *quotas) left(table map[string]*rate.Limiter, tid string, perMinute float64, burst int, now time.Time) float64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.limiter(table, tid, perMinute, burst, now).TokensAt(now) / float64(burst)
}

// limiter is called with the lock.
func (q *quotas) limiter(table map[string]*rate.Limiter, tid string, perMinute float64, burst int, now time.Time) *rate.Limiter {
	l := table[tid]
	if l == nil {
		if len(table) >= maxLimiters {
			maps.DeleteFunc(table, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= float64(l.Burst()) })
		}
		l = rate.NewLimiter(rate.Limit(perMinute/60), burst)
		table[tid] = l
	}
	return l
}

// freeShare is the share of the burst of anonymous reports below which a proof
// of work is asked for.
const freeShare = 0.5

// bound holds a new report to its quota: a person's own, or that of all
// anonymous ones of the tenant.
func (s *Service) bound(in Submission) error {
	now := s.clock()
	if in.Reporter != nil {
		if !s.quotas.take(s.quotas.persons, "report/"+s.ownerOf(in.Tenant, in.Reporter.Subject), s.cfg.PersonPerMinute, s.cfg.PersonBurst, now) {
			return ErrTooManyOwn
		}
		return nil
	}
	if in.Proof == nil {
		if !s.quotas.takeAbove(freeShare, s.quotas.reports, in.Tenant, s.cfg.AnonymousPerMinute, s.cfg.AnonymousBurst, now) {
			return ErrProofNeeded
		}
		return nil
	}
	ends, ok := in.Proof.Check(s.keys.Challenge, in.Tenant, now)
	if !ok || !s.spent.spend(in.Proof.Nonce, ends, now) {
		return errBadProof
	}
	if !s.quotas.take(s.quotas.proven, in.Tenant, s.cfg.ProvenPerMinute, s.cfg.ProvenBurst, now) {
		return ErrTooMany
	}
	return nil
}

// Challenge gives the work that an anonymous report of the tenant can be sent
// with. It becomes more the nearer what comes with proofs is to its own bound.
func (s *Service) Challenge(tid string) (Challenge, error) {
	now := s.clock()
	if !s.places.Known(tid, now) {
		return Challenge{}, ErrNoTenant
	}
	times := 1
	for left := s.quotas.left(s.quotas.proven, tid, s.cfg.ProvenPerMinute, s.cfg.ProvenBurst, now); left < freeShare && times < maxTimes; left *= 2 {
		times *= 2
	}
	return NewChallenge(s.keys.Challenge, tid, s.cfg.Work.times(times), now)
}

// maxTimes bounds how much more work a challenge becomes.
const maxTimes = 8

// spentProofs are the proofs that were used, in this process, until they end.
type spentProofs struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// maxSpent is how many there are before those that have ended go.
const maxSpent = 10_000

func (p *spentProofs) spend(nonce string, ends, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, used := p.until[nonce]; used {
		return false
	}
	if len(p.until) >= maxSpent {
		maps.DeleteFunc(p.until, func(_ string, ends time.Time) bool { return !now.Before(ends) })
	}
	p.until[nonce] = ends
	return true
}
