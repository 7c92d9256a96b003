package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// rfc5424 reads the syslog protocol of RFC 5424, with its priority or without
// (files). It is stricter in nothing than it must be: a login whose header has
// a host name in Norwegian letters is still a login. That is why the parser is
// ours: libraries give up at the first letter outside the grammar.
var rfc5424 = Format{
	Name: "rfc5424",
	Detect: func(line string) bool {
		_, rest, _, _ := priority(line)
		after, ok := strings.CutPrefix(rest, "1 ")
		if !ok {
			return false
		}
		stamp, after, ok := strings.Cut(after, " ")
		if !ok || strings.Count(after, " ") < 3 {
			return false
		}
		return stamp == "-" || len(stamp) > 10 && stamp[4] == '-' && allDigits(stamp[:4]) && stamp[10] == 'T'
	},
	Read: readProtocol,
}

func readProtocol(s *Stream, line string, now time.Time, ev *ecs.Event) error {
	pri, rest, hasPri, err := priority(line)
	if err != nil {
		return err
	}
	if hasPri {
		setPriority(ev, pri, s.room)
	} else {
		ev.Log = &ecs.Log{Syslog: &ecs.LogSyslog{}}
	}
	rest, ok := strings.CutPrefix(rest, "1 ")
	if !ok {
		return &Error{ReasonFormat, "the version after the priority is not 1"}
	}
	var field [5]string // time, host, app, procid, msgid
	for i := range field {
		if field[i], rest, ok = strings.Cut(rest, " "); !ok || field[i] == "" {
			return &Error{ReasonHeader, "the header has fewer than its seven fields"}
		}
	}
	if err := s.protocolTime(field[0], now, ev); err != nil {
		return err
	}
	if field[2] == "CheckPoint" && strings.HasPrefix(rest, "[") && strings.Contains(rest[:min(len(rest), 40)], `:"`) {
		rest = "- " + rest // its fields stand in the place of structured data
	}
	data, text, err := structured(rest)
	if err != nil {
		return err
	}
	setHost(ev, field[1])
	l := ev.Log.Syslog
	l.Version, l.Hostname, l.Appname, l.ProcID, l.MsgID = "1", nilValue(field[1]), nilValue(field[2]), nilValue(field[3]), nilValue(field[4])
	l.StructuredData = data
	m := message{text: strings.TrimPrefix(text, "\ufeff"), pid: pidOf(l.ProcID)}
	m.program, m.module = programOf(l.Appname)
	if m.program != "" {
		ev.Process = &ecs.Process{Name: m.program, PID: m.pid}
	}
	// RFC 3164 messages that rsyslog wraps keep the space after their tag.
	m.text = strings.TrimPrefix(m.text, " ")
	ev.Varde.Parser = "rfc5424"
	return s.meaning(&m, ev)
}

func (s *Stream) protocolTime(field string, now time.Time, ev *ecs.Event) error {
	if field == "-" {
		return nil
	}
	st, rest, found, err := readStamp(field)
	if err != nil {
		return err
	}
	if !found || rest != "" || st.full.IsZero() {
		return &Error{ReasonTimestamp, "the time is not of RFC 3339"}
	}
	st.header = true
	ev.Timestamp, _, err = s.clock.resolve(st, now)
	return err
}

func nilValue(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// structured reads STRUCTURED-DATA and returns the message behind it. In
// values \", \\ and \] are escapes, and any other backslash is itself
// (section 6.3.3).
func structured(s string) (data map[string]map[string]string, rest string, err error) {
	broken := &Error{ReasonStructured, "the structured data does not end as it should"}
	if s == "-" {
		return nil, "", nil
	}
	if after, ok := strings.CutPrefix(s, "- "); ok {
		return nil, after, nil
	}
	if !strings.HasPrefix(s, "[") {
		return nil, "", broken
	}
	for strings.HasPrefix(s, "[") {
		end := strings.IndexAny(s, " ]")
		if end < 2 {
			return nil, "", broken
		}
		id, params := s[1:end], map[string]string{}
		s = s[end:]
		for strings.HasPrefix(s, " ") {
			name, after, ok := strings.Cut(s[1:], `="`)
			if !ok || strings.ContainsAny(name, ` ]"`) {
				return nil, "", broken
			}
			value, after, ok := quoted(after)
			if !ok {
				return nil, "", broken
			}
			params[name], s = value, after
		}
		if !strings.HasPrefix(s, "]") {
			return nil, "", broken
		}
		if data == nil {
			data = map[string]map[string]string{}
		}
		data[id], s = params, s[1:]
	}
	if s != "" && s[0] != ' ' {
		return nil, "", broken
	}
	return data, strings.TrimPrefix(s, " "), nil
}

// quoted reads a parameter's value to its closing quote.
func quoted(s string) (value, rest string, ok bool) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return out.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`"\]`, s[i+1]) >= 0:
			i++
			out.WriteByte(s[i])
		default:
			out.WriteByte(s[i])
		}
	}
	return "", "", false
}
