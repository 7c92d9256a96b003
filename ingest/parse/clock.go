package parse

import (
	"time"
)

// The tolerances of time resolution.
const (
	// ahead is how far into the future a time without a year may lie before it
	// is taken to be of an earlier year.
	ahead = 24 * time.Hour
	// jitter is how far a line may lie before its predecessor without the clock
	// having been set back: several writers, one file.
	jitter = 5 * time.Second
)

// What an event's time may be; outside, indexes that count nanoseconds break.
var (
	earliest = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// clock turns stamps into instants, line by line.
type clock struct {
	zone  *time.Location
	live  bool
	years *Years
	track yearTracker
	prev  time.Time

	cachedWall time.Time // minute
	cached     [2]time.Duration
	cachedKind zoneKind
	last       lastMinute
}

// lastMinute is what the minute of the line before was resolved to: most lines
// are of the same one.
type lastMinute struct {
	month, day, hour, minute int
	begin                    time.Time // the instant; zero: nothing is kept
}

func newClock(o Options) clock {
	c := clock{zone: o.Zone, live: o.Live, years: o.Years, prev: o.Resume.Previous}
	if c.zone == nil {
		c.zone = time.UTC
	}
	return c
}

// resolve returns the instant of st; assumed is true where the zone was not in
// the line.
func (c *clock) resolve(st stamp, now time.Time) (t time.Time, assumed bool, err error) {
	t, assumed = st.full, st.full.IsZero()
	if assumed {
		if t, err = c.local(st, now); err != nil {
			return time.Time{}, true, err
		}
	}
	t = t.UTC()
	if t.Before(earliest) || !t.Before(latest) {
		return time.Time{}, assumed, &Error{ReasonTimeRange, "the time is before 1970 or after 2199"}
	}
	if c.years != nil && st.header && (st.year != 0 || !st.full.IsZero()) && t.Before(c.years.limit) {
		c.track.step(t.In(c.zone))
	}
	c.prev = t
	return t, assumed, nil
}

func (c *clock) local(st stamp, now time.Time) (time.Time, error) {
	if st.year != 0 {
		return c.instant(st, now), nil
	}
	if t, ok := c.sameMinute(st, now); ok {
		return t, nil
	}
	if c.years != nil {
		st.year = c.years.base + c.track.step(st.inLeapYear())
		if st.check() == nil {
			return c.instant(st, now), nil
		}
	}
	// 29 February comes every four years, save around 2100: nine suffice.
	limit := now.Add(ahead)
	for year, n := now.In(c.zone).Year()+1, 0; n < 10; year, n = year-1, n+1 {
		st.year = year
		if st.check() != nil {
			continue
		}
		if t := c.instant(st, now); !t.After(limit) {
			if c.last = (lastMinute{}); c.cachedKind == once && st.zone == "" && st.secs < 60 {
				c.last = lastMinute{st.month, st.day, st.hour, st.minute, t.Add(-st.inMinute())}
			}
			return t, nil
		}
	}
	return time.Time{}, &Error{ReasonTimestamp, "no year fits the day"}
}

// sameMinute resolves a stamp without a year by the line before, where nothing
// can have changed: a minute that the clock shows once, and no later year that
// could fit by now.
func (c *clock) sameMinute(st stamp, now time.Time) (time.Time, bool) {
	l := &c.last
	if l.begin.IsZero() || c.years != nil || st.zone != "" || st.secs > 59 ||
		st.minute != l.minute || st.hour != l.hour || st.day != l.day || st.month != l.month {
		return time.Time{}, false
	}
	t := l.begin.Add(st.inMinute())
	past := now.Sub(t)
	return t, past > -ahead && past < 360*24*time.Hour
}

// inMinute is how far into its minute a stamp lies.
func (st *stamp) inMinute() time.Duration {
	return time.Duration(st.secs)*time.Second + time.Duration(st.nanos)
}

// inLeapYear puts a stamp without a year into 2000, where every day exists.
func (st stamp) inLeapYear() time.Time {
	st.year = 2000
	return st.wall()
}

type zoneKind int

const (
	once  zoneKind = iota // the wall clock shows it once
	twice                 // autumn: the hour is doubled
	never                 // spring: it is skipped
)

// instant resolves a wall clock in the zone. In a doubled hour the first pass
// holds until times step back: the earlier instant, unless it lies before the
// line before. A live line is nearest to its receipt. In the skipped hour the
// clock had not been changed yet.
func (c *clock) instant(st stamp, now time.Time) time.Time {
	wall := st.wall()
	kind, offsets := c.offsets(wall)
	first, second := wall.Add(-offsets[0]), wall.Add(-offsets[1])
	if kind != twice {
		return first
	}
	switch {
	case st.zone == "CEST":
		return first
	case st.zone == "CET":
		return second
	case c.live && now.Sub(first).Abs() < 3*time.Hour:
		if now.Sub(second).Abs() < now.Sub(first).Abs() {
			return second
		}
		return first
	case !c.prev.IsZero() && first.Before(c.prev.Add(-jitter)) && c.prev.Before(second.Add(time.Hour)):
		return second
	}
	return first
}

// offsets says what the zone's offsets from UTC make of a wall clock: the
// instants of a doubled hour in order, else the same one twice.
func (c *clock) offsets(wall time.Time) (zoneKind, [2]time.Duration) {
	minute := wall.Truncate(time.Minute)
	if minute.Equal(c.cachedWall) && !c.cachedWall.IsZero() {
		return c.cachedKind, c.cached
	}
	before, after := c.offset(minute.Add(-26*time.Hour)), c.offset(minute.Add(26*time.Hour))
	okBefore := c.offset(minute.Add(-before)) == before
	okAfter := c.offset(minute.Add(-after)) == after
	kind, offsets := once, [2]time.Duration{before, before}
	switch {
	case before == after || (okBefore && !okAfter):
	case okAfter && !okBefore:
		offsets = [2]time.Duration{after, after}
	case okBefore:
		kind, offsets = twice, [2]time.Duration{max(before, after), min(before, after)}
	default:
		kind = never
	}
	c.cachedWall, c.cachedKind, c.cached = minute, kind, offsets
	return kind, offsets
}

func (c *clock) offset(t time.Time) time.Duration {
	_, seconds := t.In(c.zone).Zone()
	return time.Duration(seconds) * time.Second
}
