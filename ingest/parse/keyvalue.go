package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// keyValue reads lines of key=value (logfmt): values bare or in quotes. Fields
// are known by the names that programs give them.
var keyValue = Format{
	Name:   "key-value",
	Detect: isKeyValue,
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		if s.format.Read == nil && ev.Timestamp.IsZero() && ev.Process == nil && s.writerOf(line) != "" {
			return plain.Read(s, line, now, ev) // a program's own file
		}
		ev.Message = line
		ev.Varde.Parser = "key-value"
		return s.readKeyValue(line, now, ev)
	},
	Inner: true,
}

// isKeyValue: three pairs at the beginning, and a name among the first ones
// that such logs have.
func isKeyValue(line string) bool {
	pairs, known := 0, false
	rest := line
	for pairs < 6 {
		key, _, after, ok := nextPair(rest)
		if !ok {
			break
		}
		pairs++
		switch key {
		case "time", "ts", "timestamp", "@timestamp", "t", "level", "lvl", "msg", "message", "event", "tid", "tidspunkt", "datetime":
			known = true
		}
		rest = after
	}
	return pairs >= 3 && known
}

// nextPair reads one key=value and the blanks before it.
func nextPair(s string) (key, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t,;")
	eq := strings.IndexByte(s, '=')
	if eq < 1 || eq > 64 || !isCEFKey(strings.TrimPrefix(s[:eq], "@")) {
		return "", "", s, false
	}
	key, s = s[:eq], s[eq+1:]
	if strings.HasPrefix(s, `"`) {
		end := closingQuote(s[1:])
		return key, unhex(s[1 : 1+end]), strings.TrimPrefix(s[1+end:], `"`), true
	}
	end := strings.IndexAny(s, " \t")
	if end < 0 {
		end = len(s)
	}
	return key, strings.TrimRight(s[:end], ",;"), s[end:], true
}

func (s *Stream) readKeyValue(line string, now time.Time, ev *ecs.Event) error {
	g := general{}
	rest, pairs := line, 0
	for {
		key, value, after, ok := nextPair(rest)
		if !ok {
			// A word that is no pair is passed over.
			i := strings.IndexByte(strings.TrimLeft(rest, " \t,;"), ' ')
			if i < 0 {
				break
			}
			rest = strings.TrimLeft(rest, " \t,;")[i:]
			continue
		}
		pairs++
		g.add(key, value)
		rest = after
	}
	if pairs == 0 {
		return &Error{ReasonFormat, "the line holds no key=value"}
	}
	ev.Event.Dataset, ev.Event.Module = "key-value", "key-value"
	if !ev.Timestamp.IsZero() {
		g.time, g.start, g.end = "", "", "" // the header's holds
	}
	name := g.name
	if name == "" || actionOf(name) == "" {
		for _, other := range [...]string{g.action, g.message, g.category} {
			if actionOf(other) != "" || name == "" {
				name = other
			}
			if actionOf(name) != "" {
				break
			}
		}
	}
	return s.readGeneral(&g, name, now, ev)
}
