package parse

import (
	"strconv"
	"strings"
	"time"
)

// stamp is a time as a line wrote it: a whole one (full), or a wall clock that
// lacks its zone, and perhaps its year (0).
type stamp struct {
	full               time.Time
	year, month, day   int
	hour, minute, secs int // secs 60 is a leap second
	nanos              int
	zone               string // abbreviation, where one was written
	header             bool   // it begins the line: what Scan sees too
}

// readStamp reads the time at the beginning of s and returns what follows it.
// found is false where s begins with no time; err says that it begins with one
// that cannot be. The forms:
//
//	Nov  2 10:00:00[.fraction]       RFC 3164, journald's short and short-precise
//	Nov  2 2026 10:00:00[.fraction]  network devices
//	2026-11-02T10:00:00[.fraction][zone]  RFC 3339, rsyslog, journald's short-iso
//	2026-11-02 10:00:00[,fraction][ zone]
//	Sun 2026-11-02 10:00:00 CET      journald's short-full
//	Sun Nov  2 10:00:00[.fraction] 2026   ctime(3): OpenVPN, FreeRADIUS
//	1793612400.123456                journald's short-unix
func readStamp(s string) (st stamp, rest string, found bool, err error) {
	if len(s) < 15 {
		return stamp{}, s, false, nil
	}
	if month := monthOf(s); month > 0 && s[3] == ' ' {
		return readMonthFirst(s, month)
	}
	if isDay(s) {
		if st, rest, found, err = readYearFirst(s[4:]); found {
			return st, rest, found, err
		}
		if month := monthOf(s[4:]); month > 0 && s[7] == ' ' {
			return readYearLast(s, month)
		}
		return stamp{}, s, false, nil
	}
	if st, rest, found, err = readYearFirst(s); found {
		return st, rest, found, err
	}
	return readEpoch(s)
}

var months = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

func monthOf(s string) int {
	for i, m := range months {
		if strings.HasPrefix(s, m) {
			return i + 1
		}
	}
	return 0
}

func isDay(s string) bool {
	return s[3] == ' ' && strings.Contains("Mon Tue Wed Thu Fri Sat Sun ", s[:4])
}

// readMonthFirst reads from "Nov  2 10:00:00"; the month is known already.
func readMonthFirst(s string, month int) (stamp, string, bool, error) {
	st := stamp{month: month}
	rest := strings.TrimLeft(s[4:], " ")
	var n int
	if n, rest = number(rest, 2); n < 0 || !strings.HasPrefix(rest, " ") {
		return stamp{}, s, false, nil
	}
	st.day, rest = n, rest[1:]
	if len(rest) > 5 && rest[4] == ' ' && allDigits(rest[:4]) {
		st.year, rest = atoi(rest[:4]), rest[5:]
	}
	rest, ok := st.clock(rest)
	if !ok {
		return stamp{}, s, false, nil
	}
	return st, rest, true, st.check()
}

// readYearLast reads from "Sun Nov  2 10:00:00 2026"; the month is known already.
func readYearLast(s string, month int) (stamp, string, bool, error) {
	st, rest, found, err := readMonthFirst(s[4:], month)
	if !found || st.year != 0 || len(rest) < 5 || rest[0] != ' ' || !allDigits(rest[1:5]) {
		return stamp{}, s, false, nil
	}
	st.year, rest = atoi(rest[1:5]), rest[5:]
	if rest != "" && rest[0] != ' ' && rest[0] != ':' {
		return stamp{}, s, false, nil
	}
	if err == nil {
		err = st.check()
	}
	return st, rest, true, err
}

// readYearFirst reads ISO 8601 times, with a zone or without.
func readYearFirst(s string) (stamp, string, bool, error) {
	if len(s) < 19 || s[4] != '-' || s[7] != '-' || (s[10] != 'T' && s[10] != 't' && s[10] != ' ') ||
		!allDigits(s[:4]) || !allDigits(s[5:7]) || !allDigits(s[8:10]) {
		return stamp{}, s, false, nil
	}
	st := stamp{year: atoi(s[:4]), month: atoi(s[5:7]), day: atoi(s[8:10])}
	rest, ok := st.clock(s[11:])
	if !ok {
		return stamp{}, s, false, nil
	}
	if err := st.check(); err != nil {
		return st, rest, true, err
	}
	if st.year == 0 {
		return st, rest, true, &Error{ReasonTimeRange, "the year is 0"}
	}
	offset, rest, ok := offsetOf(rest)
	if ok {
		st.full = st.wall().Add(-offset)
		return st, rest, true, nil
	}
	if z, after, ok := strings.Cut(strings.TrimPrefix(rest, " "), " "); ok && isAbbreviation(z) {
		st.zone, rest = z, " "+after
		if z == "UTC" || z == "GMT" {
			st.full = st.wall()
		}
	}
	return st, rest, true, nil
}

// isAbbreviation allows only those that a Norwegian or a UTC machine writes: any
// other word in capitals may be a host name.
func isAbbreviation(z string) bool {
	return z == "UTC" || z == "GMT" || z == "CET" || z == "CEST"
}

func readEpoch(s string) (stamp, string, bool, error) {
	digits, rest, ok := strings.Cut(s, " ")
	secs, fraction, dot := strings.Cut(digits, ".")
	if !ok || !dot || len(secs) != 10 || !allDigits(secs) || !allDigits(fraction) || len(fraction) > 9 {
		return stamp{}, s, false, nil
	}
	return stamp{full: time.Unix(int64(atoi(secs)), int64(nanos(fraction))).UTC()}, " " + rest, true, nil
}

// clock reads "10:00:00[.fraction]".
func (st *stamp) clock(s string) (rest string, ok bool) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' || !allDigits(s[:2]) || !allDigits(s[3:5]) || !allDigits(s[6:8]) {
		return s, false
	}
	st.hour, st.minute, st.secs = atoi(s[:2]), atoi(s[3:5]), atoi(s[6:8])
	s = s[8:]
	if len(s) > 1 && (s[0] == '.' || s[0] == ',') {
		end := 1
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if end > 1 {
			st.nanos, s = nanos(s[1:end]), s[end:]
		}
	}
	return s, true
}

// offsetOf reads Z, +01:00, +0100 or +01, also after one space.
func offsetOf(s string) (offset time.Duration, rest string, ok bool) {
	t := strings.TrimPrefix(s, " ")
	if t == "" {
		return 0, s, false
	}
	if (t[0] == 'Z' || t[0] == 'z') && len(t) == len(s) {
		return 0, t[1:], true
	}
	if t[0] != '+' && t[0] != '-' {
		return 0, s, false
	}
	var n, m int
	n, rest = number(t[1:], 2)
	if n < 0 || n > 15 || len(t)-1-len(rest) != 2 {
		return 0, s, false
	}
	if r := strings.TrimPrefix(rest, ":"); len(r) >= 2 && allDigits(r[:2]) {
		m, rest = atoi(r[:2]), r[2:]
	}
	if m > 59 || (rest != "" && rest[0] != ' ' && rest[0] != ':') {
		return 0, s, false
	}
	offset = time.Duration(n)*time.Hour + time.Duration(m)*time.Minute
	if t[0] == '-' {
		offset = -offset
	}
	return offset, rest, true
}

// check says whether there is such a day and time at all; 29 February is one
// as long as the year is not known.
func (st *stamp) check() error {
	year := st.year
	if year == 0 {
		year = 2000
	}
	if st.month < 1 || st.month > 12 || st.day < 1 || st.day > daysIn(year, st.month) ||
		st.hour > 23 || st.minute > 59 || st.secs > 60 {
		return &Error{ReasonTimestamp, "there is no such day or time"}
	}
	return nil
}

// wall is the clock's reading as if it were UTC. A leap second is the first
// second of the next minute.
func (st *stamp) wall() time.Time {
	return time.Date(st.year, time.Month(st.month), st.day, st.hour, st.minute, st.secs, st.nanos, time.UTC)
}

// daysIn is asked several times per line: the library's dates cost too much.
func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// number reads up to limit digits; -1 where there is none.
func number(s string, limit int) (n int, rest string) {
	end := 0
	for end < len(s) && end < limit && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	if end == 0 {
		return -1, s
	}
	return atoi(s[:end]), s[end:]
}

// atoi is for digits that were checked.
func atoi(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

func nanos(fraction string) int {
	if len(fraction) > 9 {
		fraction = fraction[:9]
	}
	n := atoi(fraction)
	for i := len(fraction); i < 9; i++ {
		n *= 10
	}
	return n
}
