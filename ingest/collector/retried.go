package collector

import (
	"crypto/rand"
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

// retried remembers requests that failed after some of their lines may have
// been taken: the same body again is the same lines, with the same ids and the
// same time of receipt, and doubles nothing. A request that was answered with
// success is not remembered, so equal lines that come again are lines of their
// own. Safe for concurrent use; the zero value is empty.
type retried struct {
	mu     sync.Mutex
	failed map[[sha256.Size]byte]attempt
}

// attempt is what the ids of a request's lines are made from.
type attempt struct {
	received time.Time
	seed     [16]byte
}

// begin gives the attempt that a request repeats, which only one may, or a new one.
func (r *retried) begin(s Source, request string, body []byte, now time.Time) attempt {
	r.mu.Lock()
	some := len(r.failed) > 0
	r.mu.Unlock()
	if some {
		key := requestKey(s, request, body)
		r.mu.Lock()
		before, ok := r.failed[key]
		delete(r.failed, key)
		r.mu.Unlock()
		if age := now.Sub(before.received); ok && age >= 0 && age < retryWithin {
			return before
		}
	}
	a := attempt{received: now}
	_, _ = rand.Read(a.seed[:]) // never fails (Go 1.24)
	return a
}

// fail remembers an attempt.
func (r *retried) fail(s Source, request string, body []byte, a attempt) {
	key := requestKey(s, request, body)
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
		r.failed[key] = a
	}
}

func requestKey(s Source, request string, body []byte) (key [sha256.Size]byte) {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q %q %q ", s.Tenant, s.ID, request)
	_, _ = h.Write(body)
	h.Sum(key[:0])
	return key
}

// id is that of the line at a place of the request, in the form of lineID.
func (a attempt) id(number int) string {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(a.seed[:], uint64(number)))
	return timedID(a.received, [10]byte(sum[:10]))
}
