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
	found := false
	for _, c := range f.Versions {
		if !known.IsZero() && c.RecordedAt.After(known) {
			continue
		}
		if c.covers(moment) && (!found || !c.RecordedAt.Before(v.RecordedAt)) {
			v, found = c, true
		}
	}
	return v, found && !v.Deleted
}

func (v Version) covers(moment time.Time) bool {
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
