package eventindex

import (
	"errors"
	"sort"
	"time"
)

// MaxBuckets is how many a histogram may have.
const MaxBuckets = 2000

// ErrBuckets is returned where an interval would give more than MaxBuckets.
var ErrBuckets = errors.New("eventindex: the interval is too short for the range")

const day = 24 * time.Hour

// Buckets lays out the empty buckets of a histogram that covers r, which has
// both ends. Intervals under a day are counted from 1970 in UTC; of a day and
// more they are whole days that begin at midnight in loc.
func Buckets(r Range, interval time.Duration, loc *time.Location) ([]Bucket, error) {
	if interval <= 0 || r.From.IsZero() || r.To.IsZero() {
		return nil, errors.New("eventindex: a histogram needs an interval and a range")
	}
	if !r.From.Before(r.To) {
		return nil, nil
	}
	if r.To.Sub(r.From)/interval > MaxBuckets+1 {
		return nil, ErrBuckets
	}
	if loc == nil {
		loc = time.UTC
	}
	start, next := first(r.From, interval, loc)
	var out []Bucket
	for start.Before(r.To) {
		if len(out) == MaxBuckets {
			return nil, ErrBuckets
		}
		out = append(out, Bucket{Start: start.UTC(), Outcome: map[string]int{}})
		start = next(start)
	}
	return out, nil
}

func first(from time.Time, interval time.Duration, loc *time.Location) (time.Time, func(time.Time) time.Time) {
	if interval < day {
		n := from.UnixNano()
		start := time.Unix(0, n-mod(n, int64(interval)))
		return start, func(t time.Time) time.Time { return t.Add(interval) }
	}
	days := int(interval / day)
	y, m, d := from.In(loc).Date()
	civil := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	start := time.Date(y, m, d-int(mod(int64(civil), int64(days))), 0, 0, 0, 0, loc)
	return start, func(t time.Time) time.Time {
		y, m, d := t.In(loc).Date()
		return time.Date(y, m, d+days, 0, 0, 0, 0, loc)
	}
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }

// Grain is the longest step whose multiples since 1970 (UTC) are boundaries of
// every bucket, so that an engine counts by it and the counts are put together
// with Add: the interval itself under a day, else a quarter of an hour, which
// divides the offset of every time zone since 1972.
func Grain(interval time.Duration) time.Duration {
	if interval < day {
		return interval
	}
	return 15 * time.Minute
}

// Add counts n events of an outcome at a time into its bucket; a time outside
// all buckets is an error of the caller and is left out.
func Add(buckets []Bucket, at time.Time, outcome string, n int) {
	i := sort.Search(len(buckets), func(i int) bool { return buckets[i].Start.After(at) }) - 1
	if i < 0 {
		return
	}
	buckets[i].Count += n
	if outcome != "" {
		buckets[i].Outcome[outcome] += n
	}
}
