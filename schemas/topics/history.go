package topics

import (
	"encoding/json"
	"fmt"
	"time"
)

// At returns the version that holds at the moment, as known today: of those
// whose validity covers it the one recorded last. ok is false where none does,
// or where that one is a deletion. Validity is half-open: a version holds in
// the very second it begins and no longer in the one it ends.
func (f Fact) At(moment time.Time) (v Version, ok bool) {
	return f.AsKnownAt(moment, time.Time{})
}

// AsKnownAt is At with only what was recorded at or before known; a zero known
// takes all.
func (f Fact) AsKnownAt(moment, known time.Time) (v Version, ok bool) {
	i := holding(len(f.Versions), func(i int) *Version { return &f.Versions[i] }, moment, known)
	if i < 0 {
		return Version{}, false
	}
	return f.Versions[i], !f.Versions[i].Deleted
}

// holding gives the index of the version that holds at moment, -1 for none. Of
// two recorded at the same time the later in the list holds.
func holding(n int, at func(int) *Version, moment, known time.Time) int {
	best := -1
	for i := range n {
		c := at(i)
		if !known.IsZero() && c.RecordedAt.After(known) {
			continue
		}
		if c.Covers(moment) && (best < 0 || !c.RecordedAt.Before(at(best).RecordedAt)) {
			best = i
		}
	}
	return best
}

// Covers reports whether moment lies in the version's validity, half-open.
func (v Version) Covers(moment time.Time) bool {
	return !moment.Before(v.ValidFrom) && (v.ValidTo.IsZero() || moment.Before(v.ValidTo))
}

// Decode reads the data of v as T, the Go type of the fact's Kind.
func Decode[T any](v Version) (T, error) {
	var t T
	if err := json.Unmarshal(v.Data, &t); err != nil {
		return t, fmt.Errorf("topics: data of a fact: %w", err)
	}
	return t, nil
}

// Timed is a version with its data decoded.
type Timed[T any] struct {
	Version
	Value T
}

// History is a Fact with its data decoded, for those who ask often. It is
// read only after HistoryOf.
type History[T any] struct {
	ID       string
	Tenant   string
	Versions []Timed[T]
}

// HistoryOf decodes every version of f. A version whose data cannot be read is
// an error, because a history with a hole would judge wrongly.
func HistoryOf[T any](f Fact) (History[T], error) {
	h := History[T]{ID: f.ID, Tenant: f.Tenant, Versions: make([]Timed[T], 0, len(f.Versions))}
	for _, v := range f.Versions {
		t := Timed[T]{Version: v}
		if len(v.Data) > 0 {
			value, err := Decode[T](v)
			if err != nil {
				return History[T]{}, err
			}
			t.Value = value
		} else if !v.Deleted {
			return History[T]{}, fmt.Errorf("topics: a %s without data", f.Kind)
		}
		h.Versions = append(h.Versions, t)
	}
	return h, nil
}

// At is Fact.At.
func (h History[T]) At(moment time.Time) (Timed[T], bool) {
	return h.AsKnownAt(moment, time.Time{})
}

// AsKnownAt is Fact.AsKnownAt.
func (h History[T]) AsKnownAt(moment, known time.Time) (Timed[T], bool) {
	i := holding(len(h.Versions), func(i int) *Version { return &h.Versions[i].Version }, moment, known)
	if i < 0 {
		return Timed[T]{}, false
	}
	return h.Versions[i], !h.Versions[i].Deleted
}

// Last returns the version recorded last that is not a deletion: what the
// entity is, or was before it ended.
func (h History[T]) Last() (Timed[T], bool) {
	best := -1
	for i := range h.Versions {
		if !h.Versions[i].Deleted && (best < 0 || !h.Versions[i].RecordedAt.Before(h.Versions[best].RecordedAt)) {
			best = i
		}
	}
	if best < 0 {
		return Timed[T]{}, false
	}
	return h.Versions[best], true
}

// Ended returns the version that held last before moment and when it ended, for
// an entity that existed once and does not exist at moment.
func (h History[T]) Ended(moment time.Time) (v Timed[T], end time.Time, ok bool) {
	if _, exists := h.At(moment); exists {
		return v, end, false
	}
	for _, b := range h.bounds() {
		if b.After(moment) || (ok && !b.After(end)) {
			continue
		}
		if before, existed := h.At(b.Add(-1)); existed {
			v, end, ok = before, b, true
		}
	}
	return v, end, ok
}

// Begins returns the version that holds first after moment and when, for an
// entity that does not exist at moment.
func (h History[T]) Begins(moment time.Time) (v Timed[T], start time.Time, ok bool) {
	if _, exists := h.At(moment); exists {
		return v, start, false
	}
	for _, b := range h.bounds() {
		if !b.After(moment) || (ok && !b.Before(start)) {
			continue
		}
		if after, exists := h.At(b); exists {
			v, start, ok = after, b, true
		}
	}
	return v, start, ok
}

// Holds gives the end of the time without a break in which the entity exists
// from moment on; zero where it has no end. ok is false where it does not exist
// at moment.
func (h History[T]) Holds(moment time.Time) (until time.Time, ok bool) {
	if _, exists := h.At(moment); !exists {
		return until, false
	}
	for _, b := range h.bounds() {
		if !b.After(moment) || (!until.IsZero() && !b.Before(until)) {
			continue
		}
		if _, exists := h.At(b); !exists {
			until = b
		}
	}
	return until, true
}

// bounds are the moments at which what holds can change.
func (h History[T]) bounds() []time.Time {
	b := make([]time.Time, 0, 2*len(h.Versions))
	for i := range h.Versions {
		b = append(b, h.Versions[i].ValidFrom)
		if !h.Versions[i].ValidTo.IsZero() {
			b = append(b, h.Versions[i].ValidTo)
		}
	}
	return b
}
