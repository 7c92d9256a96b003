package collector

import (
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"varde.internal/schemas/topics"
)

// Quota is how many lines a source may send: as many a second, and Burst at
// once. Zero lines a second bind nobody.
type Quota struct {
	PerSecond int
	Burst     int // 0: those of ten seconds
}

// of is the quota of a source: the register's, else the installation's.
func (q Quota) of(s Source) Quota {
	if s.MaxPerSecond > 0 {
		q = Quota{PerSecond: s.MaxPerSecond, Burst: s.MaxBurst}
	}
	if q.Burst <= 0 {
		q.Burst = 10 * q.PerSecond
	}
	return q
}

// quotas holds sources that come faster than they may: all connections of one
// together. What is followed in files and what people import is read at our
// own pace, and is not bound. Safe for concurrent use.
type quotas struct {
	standard Quota
	metrics  *metrics

	mu      sync.Mutex
	buckets map[string]*bucket // by tenant and source
	slowed  map[string]topics.SourceIntake
}

type bucket struct {
	quota Quota
	*rate.Limiter
}

func newQuotas(standard Quota, m *metrics) *quotas {
	return &quotas{standard: standard, metrics: m, buckets: map[string]*bucket{}, slowed: map[string]topics.SourceIntake{}}
}

// bucket is the source's, nil where nothing binds it.
func (q *quotas) bucket(s Source) *bucket {
	quota := q.standard.of(s)
	if quota.PerSecond <= 0 {
		return nil
	}
	name := s.Tenant + "/" + s.ID
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.buckets[name]
	if b == nil || b.quota != quota {
		b = &bucket{quota, rate.NewLimiter(rate.Limit(quota.PerSecond), quota.Burst)}
		q.buckets[name] = b
	}
	return b
}

// charge takes lines that came from what the source has left, which may become
// less than nothing, and says how long it must wait until it has some again.
func (b *bucket) charge(now time.Time, lines int) (wait time.Duration) {
	for lines > 0 {
		n := min(lines, b.quota.Burst)
		wait = b.ReserveN(now, n).DelayFrom(now)
		lines -= n
	}
	return wait
}

// hold charges lines that were read from a connection, and waits for as long as
// nothing more is to be read from it. The sender is held back by TCP.
func (q *quotas) hold(ctx context.Context, s Source, lines int) {
	b := q.bucket(s)
	if b == nil || lines == 0 {
		return
	}
	wait := b.charge(time.Now(), lines)
	if wait <= 0 {
		return
	}
	q.note(s, "slowed", func(i *topics.SourceIntake) { i.Slowed += max(wait.Milliseconds(), 1) })
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// owes says after how long a source that took more than it had may come again
// with a request; 0 is now. One that has anything left is let in with all it
// brings, so that no request is too large to be taken at all: it pays with its
// next.
func (q *quotas) owes(s Source) (again time.Duration) {
	b := q.bucket(s)
	if b == nil {
		return 0
	}
	left := b.TokensAt(time.Now())
	if left >= 1 {
		return 0
	}
	q.note(s, "refused", func(i *topics.SourceIntake) { i.Refused++ })
	return time.Duration(math.Ceil((1-left)/float64(b.quota.PerSecond))) * time.Second
}

// pay charges the lines of a request that was let in.
func (q *quotas) pay(s Source, lines int) {
	if b := q.bucket(s); b != nil {
		b.charge(time.Now(), lines)
	}
}

// drop says whether a datagram is one too many: UDP cannot hold its sender back.
func (q *quotas) drop(s Source) bool {
	b := q.bucket(s)
	if b == nil || b.AllowN(time.Now(), 1) {
		return false
	}
	q.note(s, "dropped", func(i *topics.SourceIntake) { i.Dropped++ })
	return true
}

func (q *quotas) note(s Source, how string, fn func(*topics.SourceIntake)) {
	q.metrics.quota.WithLabelValues(s.ID, how).Inc()
	q.mu.Lock()
	defer q.mu.Unlock()
	name := s.Tenant + "/" + s.ID
	i := q.slowed[name]
	i.Tenant, i.Source = s.Tenant, s.ID
	fn(&i)
	q.slowed[name] = i
}

// take gives what was slowed since it was taken last.
func (q *quotas) take() []topics.SourceIntake {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken := slices.SortedFunc(maps.Values(q.slowed), func(a, b topics.SourceIntake) int {
		return strings.Compare(a.Tenant+"/"+a.Source, b.Tenant+"/"+b.Source)
	})
	clear(q.slowed)
	return taken
}

// untake puts back what could not be said.
func (q *quotas) untake(list []topics.SourceIntake) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, i := range list {
		name := i.Tenant + "/" + i.Source
		now := q.slowed[name]
		i.Slowed, i.Refused, i.Dropped = i.Slowed+now.Slowed, i.Refused+now.Refused, i.Dropped+now.Dropped
		q.slowed[name] = i
	}
}
