package collector

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"time"
)

// How long, and of how many requests at most, it is remembered that they failed.
const (
	retryWithin = 10 * time.Minute
	mostRetried = 1024
)

// retried remembers requests that were not answered with success after some of
// their lines may have been taken: the same body again is the same lines, with
// the same ids and the same time of receipt, and doubles nothing. A request
// that was answered with success is not remembered, so equal lines that come
// again are lines of their own. Safe for concurrent use; the zero value is empty.
//
// A collector that died cannot have remembered. What it published last lies on
// the topic, though, and the id of a line tells the body that it came in: the
// first request after the start with a body whose lines are there is its repeat.
type retried struct {
	mu     sync.Mutex
	failed map[[sha256.Size]byte]attempt
	// before are the lines that the topic had last when this process began, by
	// the end of their ids; until is when nobody sends them again any more.
	before map[uint64]found
	until  time.Time
}

// found is what the id of a line on the topic tells beside its body.
type found struct {
	received time.Time
	number   uint64
}

// attempt is what the ids of a request's lines are made from.
type attempt struct {
	received time.Time // whole milliseconds: that is what is kept of it
	first    uint64    // number of its first line
	key      [sha256.Size]byte
}

// recall takes the ids that the topic had last when this process began.
func (r *retried) recall(ids []string, now time.Time) {
	before := map[uint64]found{}
	for _, text := range ids {
		if received, number, unique, ok := readTimedID(text); ok && received.Before(now) && now.Sub(received) < retryWithin {
			before[unique] = found{received, number}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before, r.until = before, now.Add(retryWithin)
}

// begin gives the attempt that a request repeats, which only one may, or a new one.
func (r *retried) begin(s Source, request string, body []byte, now time.Time) attempt {
	now = rising(now).Truncate(time.Millisecond)
	// As many as it can have; an export of OTLP is not cut into lines.
	lines := uint64(max(bytes.Count(body, []byte{'\n'})+1, len(body)/64)) //nolint:gosec // never negative
	a := attempt{received: now, key: requestKey(s, request, body)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if before, ok := r.failed[a.key]; ok {
		delete(r.failed, a.key)
		if age := now.Sub(before.received); age >= 0 && age < retryWithin {
			return before
		}
	}
	if len(r.before) > 0 && now.After(r.until) {
		r.before = nil
	}
	if len(r.before) == 0 || !r.repeats(&a, lines) {
		a.first = lineNumbers.Add(lines) - lines
	}
	return a
}

// repeats finds the request of an earlier process that this one repeats.
func (r *retried) repeats(a *attempt, lines uint64) (ok bool) {
	for n := range lines {
		unique := a.unique(n + 1)
		was, here := r.before[unique]
		if !here {
			continue
		}
		if !ok {
			a.received, a.first, ok = was.received, was.number-(n+1), true
		}
		delete(r.before, unique) // another such request is one of its own
	}
	return ok
}

// fail remembers an attempt.
func (r *retried) fail(a attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = map[[sha256.Size]byte]attempt{}
	}
	for k, old := range r.failed {
		if a.received.Sub(old.received) >= retryWithin {
			delete(r.failed, k)
		}
	}
	if len(r.failed) < mostRetried {
		r.failed[a.key] = a
	}
}

func requestKey(s Source, request string, body []byte) (key [sha256.Size]byte) {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q %q %q ", s.Tenant, s.ID, request)
	_, _ = h.Write(body)
	h.Sum(key[:0])
	return key
}

// id is that of the line at a place of the request, counted from 1, in the form
// of lineID.
func (a attempt) id(number int) string {
	n := uint64(number) //nolint:gosec // never negative
	return timedID(a.received, a.first+n, a.unique(n))
}

// unique is the end of a line's id. It is made from the body alone.
func (a attempt) unique(number uint64) uint64 {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(a.key[:len(a.key):len(a.key)], number))
	return binary.BigEndian.Uint64(sum[:]) & (1<<(5*uniqueDigits) - 1)
}
