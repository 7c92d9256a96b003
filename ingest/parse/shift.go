package parse

import (
	"bytes"
	"fmt"
	"time"
)

// Shifter moves the times written in the lines of a file, in the form they
// have: a replay of a log on other days. It reads the lines in order, because
// that is what their years hang on. Not safe for concurrent use.
type Shifter struct {
	clock clock
	by    time.Duration
}

// NewShifter moves by the duration; Zone and Years are read as NewStream does.
func NewShifter(o Options, by time.Duration) *Shifter {
	return &Shifter{clock: newClock(o), by: by}
}

// Shift returns the line with its time moved; a line that begins with no time
// comes back as it is. Wall clocks stay those of the zone, also across its changes.
func (s *Shifter) Shift(line []byte, now time.Time) []byte {
	text := string(line)
	_, rest, _, _ := priority(text)
	head := len(text) - len(rest)
	if version := []byte("1 "); bytes.HasPrefix(line[head:], version) {
		head += len(version)
	}
	st, after, found, err := readStamp(text[head:])
	if !found || err != nil {
		return line
	}
	st.header = true
	t, _, err := s.clock.resolve(st, now)
	if err != nil {
		return line
	}
	written := text[head : len(text)-len(after)]
	out := append([]byte(text[:head]), restamp(written, t, t.Add(s.by), s.clock.zone)...)
	return append(out, after...)
}

// restamp writes a time as another is written.
func restamp(written string, was, t time.Time, zone *time.Location) string {
	fraction := ""
	if dot := bytes.IndexAny([]byte(written), ".,"); dot >= 0 {
		end := dot + 1
		for end < len(written) && written[end] >= '0' && written[end] <= '9' {
			end++
		}
		fraction = written[dot:dot+1] + fmt.Sprintf("%09d", t.Nanosecond())[:min(end-dot-1, 9)]
	}
	local := t.In(zone)
	switch {
	case monthOf(written) > 0:
		day := "_2"
		if len(written) > 4 && written[4] != ' ' && written[5] == ' ' {
			day = "2"
		}
		layout := "Jan " + day + " 15:04:05"
		if len(written) > 16 && allDigits(written[7:11]) {
			layout = "Jan " + day + " 2006 15:04:05"
		}
		return local.Format(layout) + fraction
	case isDay(written) && monthOf(written[4:]) > 0:
		return local.Format("Mon Jan _2 15:04:05") + fraction + local.Format(" 2006")
	case isDay(written):
		suffix := written[23+len(fraction):]
		if suffix == " UTC" || suffix == " GMT" {
			local = t.UTC()
		} else if suffix != "" {
			suffix = local.Format(" MST")
		}
		return local.Format("Mon 2006-01-02 15:04:05") + fraction + suffix
	case written[4] != '-':
		return fmt.Sprintf("%d", t.Unix()) + fraction
	}
	suffix := written[19+len(fraction):]
	if suffix == "" {
		return local.Format("2006-01-02"+written[10:11]+"15:04:05") + fraction
	}
	// An offset follows the zone where it was the zone's; else it is kept.
	offset, _, _ := offsetOf(suffix)
	if _, seconds := was.In(zone).Zone(); time.Duration(seconds)*time.Second == offset {
		_, now := local.Zone()
		offset = time.Duration(now) * time.Second
	}
	at := t.In(time.FixedZone("", int(offset/time.Second)))
	layout := "-07:00"
	switch {
	case suffix == "Z" || suffix == "z":
		return t.UTC().Format("2006-01-02"+written[10:11]+"15:04:05") + fraction + suffix
	case !bytes.ContainsRune([]byte(suffix), ':'):
		layout = "-0700"
	}
	if suffix[0] == ' ' {
		layout = " " + layout
	}
	return at.Format("2006-01-02"+written[10:11]+"15:04:05") + fraction + at.Format(layout)
}
