package parse

import (
	"strconv"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// cef reads ArcSight's Common Event Format, alone or behind a syslog header:
//
//	CEF:0|Vendor|Product|Version|ID|Name|Severity|src=192.0.2.7 suser=kari …
var cef = Format{
	Name:   "cef",
	Detect: isCEF,
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		ev.Message = line
		ev.Varde.Parser = "cef"
		return s.readCEF(line, now, ev)
	},
	Inner: true,
}

func isCEF(s string) bool {
	return strings.HasPrefix(s, "CEF:") && len(s) > 6 && (s[4] >= '0' && s[4] <= '9' || s[4] == ' ')
}

// leef reads IBM's Log Event Extended Format 1.0 and 2.0.
//
//	LEEF:1.0|Vendor|Product|Version|ID|src=192.0.2.7<tab>usrName=kari
//	LEEF:2.0|Vendor|Product|Version|ID|^|src=192.0.2.7^usrName=kari
var leef = Format{
	Name:   "leef",
	Detect: isLEEF,
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		ev.Message = line
		ev.Varde.Parser = "leef"
		return s.readLEEF(line, now, ev)
	},
	Inner: true,
}

func isLEEF(s string) bool {
	return strings.HasPrefix(s, "LEEF:") && len(s) > 7 && (s[5] >= '0' && s[5] <= '9' || s[5] == ' ')
}

// cefHeader cuts n fields that end with a bar; \| and \\ are escapes.
func cefHeader(s string, n int) (fields []string, rest string, ok bool) {
	fields = make([]string, 0, n)
	start, escaped := 0, false
	for i := 0; i < len(s) && len(fields) < n; i++ {
		switch s[i] {
		case '\\':
			escaped = true
			i++
		case '|':
			f := s[start:i]
			if escaped {
				f = strings.NewReplacer(`\|`, "|", `\\`, `\`).Replace(f)
			}
			fields, start, escaped = append(fields, strings.TrimSpace(f)), i+1, false
		}
	}
	return fields, s[start:], len(fields) == n
}

func (s *Stream) readCEF(line string, now time.Time, ev *ecs.Event) error {
	if !isCEF(line) {
		return &Error{ReasonFormat, "the line is not of the Common Event Format"}
	}
	head, rest, ok := cefHeader(line[4:], 7)
	if !ok {
		return &Error{ReasonHeader, "the header has fewer than its seven fields"}
	}
	ev.Event.Dataset, ev.Event.Module = "cef", "cef"
	ev.Observer = &ecs.Observer{Vendor: head[1], Product: head[2], Version: head[3]}
	ev.Event.Code = head[4]
	ev.Event.Severity = cefSeverity(head[6])
	g := general{}
	eachCEF(rest, g.add)
	return s.readGeneral(&g, head[5], now, ev)
}

// cefSeverity: 0 to 10, or its words.
func cefSeverity(s string) int {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 && n <= 10 {
		return n
	}
	switch strings.ToLower(s) {
	case "low":
		return 3
	case "medium":
		return 6
	case "high":
		return 8
	case "very-high", "very high", "critical":
		return 10
	}
	return 0
}

// eachCEF calls add for each pair of an extension. A value goes on to the word
// before the next '=' that is not escaped.
func eachCEF(s string, add func(key, value string)) {
	s = strings.TrimLeft(s, " ")
	for s != "" {
		eq := strings.IndexByte(s, '=')
		if eq < 0 {
			return
		}
		key := strings.TrimSpace(s[:eq])
		s = s[eq+1:]
		end, next := len(s), len(s)
		for i := 0; i < len(s); i++ {
			if s[i] == '\\' {
				i++
				continue
			}
			if s[i] != '=' {
				continue
			}
			space := strings.LastIndexByte(s[:i], ' ')
			if space < 0 || !isCEFKey(s[space+1:i]) {
				continue // a '=' that the writer did not escape
			}
			end, next = space, space+1
			break
		}
		value := strings.TrimRight(s[:end], " ")
		if strings.IndexByte(value, '\\') >= 0 {
			value = strings.NewReplacer(`\\`, `\`, `\=`, "=", `\n`, "\n", `\r`, "\r", `\|`, "|").Replace(value)
		}
		add(key, value)
		s = s[next:]
	}
}

func isCEFKey(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '.' && c != '-' && c != '[' && c != ']' {
			return false
		}
	}
	return s != ""
}

func (s *Stream) readLEEF(line string, now time.Time, ev *ecs.Event) error {
	if !isLEEF(line) {
		return &Error{ReasonFormat, "the line is not of the Log Event Extended Format"}
	}
	n := 5
	head, rest, ok := cefHeader(line[5:], n)
	if !ok {
		return &Error{ReasonHeader, "the header has fewer than its five fields"}
	}
	delimiter := "\t"
	if strings.HasPrefix(head[0], "2") {
		if d, after, more := strings.Cut(rest, "|"); more && leefDelimiter(d) != "" {
			delimiter, rest = leefDelimiter(d), after
		} else if more && d == "" {
			rest = after
		}
	}
	if delimiter == "\t" && strings.IndexByte(rest, '\t') < 0 {
		switch {
		case strings.Contains(rest, "#011"): // rsyslog's writing of a tab
			delimiter = "#011"
		case strings.Contains(rest, `\t`):
			delimiter = `\t`
		}
	}
	ev.Event.Dataset, ev.Event.Module = "leef", "leef"
	ev.Observer = &ecs.Observer{Vendor: head[1], Product: head[2], Version: head[3]}
	ev.Event.Code = head[4]
	g := general{}
	for pair := range strings.SplitSeq(rest, delimiter) {
		if key, value, ok := strings.Cut(pair, "="); ok {
			g.add(strings.TrimSpace(key), value)
		}
	}
	return s.readGeneral(&g, head[4], now, ev)
}

// leefDelimiter reads a character, or its number as x09, 0x09; "" is none.
func leefDelimiter(s string) string {
	if len([]rune(s)) == 1 {
		return s
	}
	for _, prefix := range [...]string{"0x", "x", `\x`} {
		if digits, ok := strings.CutPrefix(strings.ToLower(s), prefix); ok {
			if n, err := strconv.ParseUint(digits, 16, 16); err == nil && n > 0 {
				return string(rune(n))
			}
		}
	}
	return ""
}
