package kql

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// leaf gives the condition that a literal is on a field, by the field's type.
func (p *parser) leaf(field ecs.Field, t token) (Node, error) {
	if err := p.count(t); err != nil {
		return nil, err
	}
	if t.text == "" {
		return nil, fail(t, "missing-value", "The value is empty.")
	}
	if len(t.parts) > 1 && strings.Join(t.parts, "") == "" {
		return Exists{field.Name}, nil
	}
	if len(t.parts) > 1 && field.Type != ecs.Keyword && field.Type != ecs.Text {
		return nil, fail(t, "wildcard-not-possible", "\"*\" cannot stand for a part of %s.%s", field.Name, wildcardHint(field.Type))
	}
	switch field.Type {
	case ecs.IP:
		return address(field, t)
	case ecs.Long:
		n, err := parseLong(t)
		if err != nil {
			return nil, err
		}
		return Equal{field.Name, strconv.FormatInt(n, 10)}, nil
	case ecs.Boolean:
		if t.text != "true" && t.text != "false" {
			return nil, fail(t, "bad-boolean", "%s is true or false.", field.Name)
		}
		return Equal{field.Name, t.text}, nil
	case ecs.Date:
		w, err := p.date(t)
		if err != nil {
			return nil, err
		}
		return Join(
			Compare{field.Name, AtLeast, w.from.UnixNano()},
			Compare{field.Name, Less, w.to.UnixNano()}), nil
	case ecs.Text:
		return words(field, t)
	}
	if len(t.parts) > 1 {
		return Pattern{field.Name, squeeze(t.parts)}, nil
	}
	return Equal{field.Name, t.text}, nil
}

func wildcardHint(t ecs.Type) string {
	if t == ecs.IP {
		return " Write a network instead, such as 10.1.0.0/16."
	}
	return ""
}

// squeeze drops what several '*' in a row leave between them.
func squeeze(parts []string) []string {
	out := parts[:1:1]
	for i, p := range parts[1:] {
		if p != "" || i == len(parts)-2 {
			out = append(out, p)
		}
	}
	return out
}

func address(field ecs.Field, t token) (Node, error) {
	if prefix, err := netip.ParsePrefix(t.text); err == nil {
		if a := prefix.Addr(); a.Is4In6() && prefix.Bits() >= 96 {
			prefix = netip.PrefixFrom(a.Unmap(), prefix.Bits()-96)
		}
		return Network{field.Name, prefix.Masked().String()}, nil
	}
	addr, err := netip.ParseAddr(t.text)
	if err != nil || addr.Zone() != "" {
		return nil, fail(t, "bad-address", "%s holds IP addresses; write one, or a network such as 10.1.0.0/16.", field.Name)
	}
	return Equal{field.Name, addr.Unmap().String()}, nil
}

// maxLong keeps every bound and its neighbours within 64 bits.
const maxLong = 1 << 62

func parseLong(t token) (int64, error) {
	n, err := strconv.ParseInt(t.text, 10, 64)
	if err != nil || n > maxLong || n < -maxLong {
		return 0, fail(t, "bad-number", "Write a whole number here.")
	}
	return n, nil
}

func words(field ecs.Field, t token) (Node, error) {
	nothing := fail(t, "nothing-to-search", "There is no letter or digit to search for.")
	if len(t.parts) <= 1 {
		tokens := Tokens(t.text)
		if len(tokens) == 0 {
			return nil, nothing
		}
		return Words{field.Name, tokens}, nil
	}
	parts := squeeze(t.parts)
	for i, part := range parts {
		if part = fold(part); strings.ContainsFunc(part, func(r rune) bool { return !wordRune(r) }) {
			return nil, fail(t, "wildcard-not-possible", "In text \"*\" can stand for a part of one word only: letters and digits.")
		}
		parts[i] = part
	}
	return Token{field.Name, parts}, nil
}

// window is the time a date literal covers: a day, a minute, or an instant.
type window struct {
	from, to time.Time
	instant  bool // comparisons take from alone
}

func (w window) bound(field string, op Op) Node {
	n := Compare{Field: field}
	switch op {
	case Less:
		n.Op, n.Number = Less, w.from.UnixNano()
	case AtLeast:
		n.Op, n.Number = AtLeast, w.from.UnixNano()
	case AtMost:
		n.Op, n.Number = Less, w.end()
	case Greater:
		n.Op, n.Number = AtLeast, w.end()
	}
	return n
}

func (w window) end() int64 {
	if w.instant {
		return w.from.UnixNano() + 1
	}
	return w.to.UnixNano()
}

var layouts = []struct {
	layout string
	covers func(time.Time) time.Time
}{
	{"2006-01-02T15:04:05Z07:00", nil},
	{"2006-01-02T15:04:05", nil},
	{"2006-01-02 15:04:05", nil},
	{"2006-01-02T15:04Z07:00", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02 15:04", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
}

func (p *parser) date(t token) (window, error) {
	bad := fail(t, "bad-date", "Write a date such as 2026-11-22, a time such as 2026-11-22T14:30, or now-1d.")
	loc := p.opt.Location
	if loc == nil {
		loc = time.UTC
	}
	var w window
	if strings.HasPrefix(t.text, "now") && !p.opt.Now.IsZero() {
		var ok bool
		if w, ok = relative(t.text[len("now"):], p.opt.Now.In(loc)); !ok {
			return w, bad
		}
	} else if w = absolute(t.text, loc); w.from.IsZero() {
		return w, bad
	}
	if !ecs.Storable(w.from) || !ecs.Storable(w.to) {
		return w, bad
	}
	return w, nil
}

func absolute(text string, loc *time.Location) window {
	for _, l := range layouts {
		at, err := time.ParseInLocation(l.layout, text, loc)
		if err != nil {
			continue
		}
		if l.covers != nil {
			return window{from: at, to: l.covers(at)}
		}
		// Equality with a time to the second covers the second, with a
		// fraction what its last digit covers.
		unit := time.Second
		if i := strings.LastIndexByte(text, '.'); i >= 0 {
			for _, c := range text[i+1:] {
				if c < '0' || c > '9' || unit == 1 {
					break
				}
				unit /= 10
			}
		}
		return window{from: at, to: at.Add(unit), instant: true}
	}
	return window{}
}

// relative reads what follows "now": steps such as -1d or +2h, then perhaps /d
// for the beginning of the unit.
func relative(rest string, at time.Time) (window, bool) {
	for rest != "" && rest[0] != '/' {
		if rest[0] != '+' && rest[0] != '-' {
			return window{}, false
		}
		digits := 1
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.Atoi(rest[:digits])
		if err != nil || digits == len(rest) || n > 100_000 || n < -100_000 {
			return window{}, false
		}
		var ok bool
		if at, ok = step(at, n, rest[digits]); !ok {
			return window{}, false
		}
		rest = rest[digits+1:]
	}
	if rest == "" {
		return window{from: at, to: at.Add(time.Nanosecond), instant: true}, true
	}
	if len(rest) != 2 {
		return window{}, false
	}
	from, ok := floor(at, rest[1])
	if !ok {
		return window{}, false
	}
	to, _ := step(from, 1, rest[1])
	return window{from: from, to: to}, true
}

func step(at time.Time, n int, unit byte) (time.Time, bool) {
	switch unit {
	case 's':
		return at.Add(time.Duration(n) * time.Second), true
	case 'm':
		return at.Add(time.Duration(n) * time.Minute), true
	case 'h', 'H':
		return at.Add(time.Duration(n) * time.Hour), true
	case 'd':
		return at.AddDate(0, 0, n), true
	case 'w':
		return at.AddDate(0, 0, 7*n), true
	case 'M':
		return at.AddDate(0, n, 0), true
	case 'y':
		return at.AddDate(n, 0, 0), true
	}
	return at, false
}

func floor(at time.Time, unit byte) (time.Time, bool) {
	y, m, d := at.Date()
	switch unit {
	case 's':
		return at.Truncate(time.Second), true
	case 'm':
		return at.Truncate(time.Minute), true
	case 'h', 'H':
		return time.Date(y, m, d, at.Hour(), 0, 0, 0, at.Location()), true
	case 'd':
		return time.Date(y, m, d, 0, 0, 0, 0, at.Location()), true
	case 'w':
		return time.Date(y, m, d-(int(at.Weekday())+6)%7, 0, 0, 0, 0, at.Location()), true
	case 'M':
		return time.Date(y, m, 1, 0, 0, 0, 0, at.Location()), true
	case 'y':
		return time.Date(y, 1, 1, 0, 0, 0, 0, at.Location()), true
	}
	return at, false
}
