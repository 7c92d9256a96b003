package parse

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Years fixes the years of a file whose times have none, from the order of its
// lines: times step back where a year ends, 29 February is only in leap years,
// a line with a whole time fixes everything, and the last line is not after
// the reading.
type Years struct {
	base  int
	limit time.Time
}

// newYear is how far a time must step back for a year to have ended in between;
// a smaller step is a clock that was set, or lines out of order.
const newYear = 90 * 24 * time.Hour

// lateLine is how late a line of the old year may come in the new one.
const lateLine = time.Hour

// yearTracker counts the ends of years along a file.
type yearTracker struct {
	prev  time.Time // in the leap year 2000
	count int
}

// step takes the next time and returns how many years ended before it. A line
// of the old year that comes just after the first of the new one is of the old.
func (y *yearTracker) step(t time.Time) int {
	at := time.Date(2000, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	if y.prev.IsZero() {
		y.prev = at
		return y.count
	}
	switch back := y.prev.Sub(at); {
	case back > newYear:
		y.count++
	case back < lateLine-366*24*time.Hour:
		return y.count - 1
	}
	y.prev = at
	return y.count
}

// Scan reads a whole file and returns its Years as seen at now. The reader's
// error, if any, is returned.
func Scan(r io.Reader, zone *time.Location, now time.Time) (*Years, error) {
	if zone == nil {
		zone = time.UTC
	}
	s := scan{zone: zone, limit: now.Add(ahead)}
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := in.ReadSlice('\n')
		s.line(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if errors.Is(err, io.EOF) {
			return s.years(now), nil
		}
		if err != nil {
			return nil, fmt.Errorf("parse: scan for years: %w", err)
		}
	}
}

type scan struct {
	zone   *time.Location
	limit  time.Time // no honest time is later
	track  yearTracker
	last   stamp
	lastK  int
	leaps  []int // years after the first in which 29 February stood
	anchor int   // first year of the file, known from a whole time
	any    bool
}

func (s *scan) line(line []byte) {
	st, ok := stampOf(line)
	if !ok {
		return
	}
	if !st.full.IsZero() || st.year != 0 {
		t := st.full.In(s.zone)
		if st.full.IsZero() {
			t = st.wall()
		}
		// A clock far in the future says nothing about the other lines.
		if t.Before(s.limit) {
			if k := s.track.step(t); s.anchor == 0 {
				s.anchor = t.Year() - k
			}
		}
		return
	}
	k := s.track.step(st.inLeapYear())
	if st.month == 2 && st.day == 29 && (len(s.leaps) == 0 || s.leaps[len(s.leaps)-1] != k) {
		s.leaps = append(s.leaps, k)
	}
	s.last, s.lastK, s.any = st, k, true
}

// stampOf reads a line's time past its priority.
func stampOf(line []byte) (stamp, bool) {
	text := strings.TrimPrefix(string(line[:min(len(line), 64)]), "\ufeff")
	if strings.HasPrefix(text, "<") {
		_, after, ok := strings.Cut(text, ">")
		if !ok {
			return stamp{}, false
		}
		text = strings.TrimPrefix(after, "1 ")
	}
	st, _, found, err := readStamp(text)
	return st, found && err == nil
}

// years picks the latest first year with which everything fits.
func (s *scan) years(now time.Time) *Years {
	if !s.any {
		return &Years{base: now.In(s.zone).Year(), limit: s.limit}
	}
	if s.anchor != 0 {
		return &Years{base: s.anchor, limit: s.limit}
	}
	c := clock{zone: s.zone}
	first := now.In(s.zone).Year() + 1 - s.lastK
	for base := first; base > first-12; base-- {
		last := s.last
		last.year = base + s.lastK
		if last.check() == nil && !c.instant(last, now).After(s.limit) && s.leapsFit(base) {
			return &Years{base: base, limit: s.limit}
		}
	}
	return &Years{base: first - 1, limit: s.limit}
}

func (s *scan) leapsFit(base int) bool {
	for _, k := range s.leaps {
		if daysIn(base+k, 2) != 29 {
			return false
		}
	}
	return true
}
