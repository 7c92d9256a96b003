package parse

import (
	"strconv"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// webProgram reads the messages of web servers that log through syslog or the
// journal: access lines and error lines, as in their files.
var webProgram = program{
	name:   "web",
	module: "web",
	knows: func(m *message) bool {
		switch m.program {
		case "nginx", "httpd", "apache", "apache2", "apache_access", "apache_error", "httpd_access", "httpd_error", "nginx_access", "nginx_error", "traefik", "lighttpd", "angie", "openresty":
			return true
		}
		return false
	},
	read: readWeb,
}

func readWeb(m *message, ev *ecs.Event) {
	s := m.stream
	var err error
	at, label := ev.Timestamp, ev.Event.Timezone
	ev.Event.Timezone = ""
	switch {
	case isNginxError(m.text):
		err = s.readNginxError(m.text, s.now, ev)
	case isApacheError(m.text), strings.HasPrefix(m.program, "apache") && strings.HasPrefix(m.text, "["), m.program == "httpd" && strings.HasPrefix(m.text, "["):
		err = s.readApacheError(m.text, s.now, ev)
	case accessQuote(m.text) > 0:
		ev.Event.Dataset = datasetOfWeb(m.program)
		err = s.readAccess(m.text, s.now, ev)
	default:
		ev.Event.Dataset, ev.Event.Timezone = datasetOfWeb(m.program), label
		return
	}
	// The header's time holds, unless only the server's own says its zone.
	zoned := ev.Event.Timezone == "" && !ev.Timestamp.Equal(at)
	if !at.IsZero() && (label == "" || !zoned || err != nil) {
		ev.Timestamp, ev.Event.Timezone = at, label
	}
	if err != nil {
		ev.Event.Dataset = datasetOfWeb(m.program)
	}
}

func datasetOfWeb(program string) string {
	switch {
	case strings.HasPrefix(program, "nginx"), program == "angie", program == "openresty":
		return "nginx"
	case strings.HasPrefix(program, "apache"), strings.HasPrefix(program, "httpd"):
		return "apache"
	}
	return program
}

// haproxyProgram reads HAProxy's HTTP and TCP logs and its connection errors:
//
//	ADDRESS:PORT [22/Nov/2026:10:00:00.123] FRONT BACK/SERVER TIMERS STATUS BYTES - - STATE CONNS QUEUES {…} "REQUEST"
var haproxyProgram = program{
	name:   "haproxy",
	module: "web",
	knows:  func(m *message) bool { return m.program == "haproxy" },
	read:   func(m *message, ev *ecs.Event) { m.stream.readHAProxy(m.text, ev) },
}

// haproxyLine is the same without a header, as HAProxy writes to its standard output.
var haproxyLine = Format{
	Name:   "haproxy-line",
	Detect: isHAProxy,
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		ev.Message = line
		ev.Varde.Parser = "haproxy"
		ev.Event.Dataset, ev.Event.Module = "haproxy", "web"
		if !isHAProxy(line) {
			return &Error{ReasonFormat, "the line is not of HAProxy's log"}
		}
		_, rest, _ := strings.Cut(line, "[")
		st, err := accessTime(rest[:20] + rest[strings.IndexByte(rest, ']'):])
		if err != nil {
			return err
		}
		fraction, _, _ := strings.Cut(rest[21:], "]")
		if allDigits(fraction) {
			st.nanos = nanos(fraction)
		}
		t, assumed, err := s.clock.resolve(st, now)
		if err != nil {
			return err
		}
		ev.Timestamp = t
		if assumed {
			ev.Event.Timezone = s.clock.zone.String()
		}
		s.readHAProxy(line, ev)
		return nil
	},
}

// isHAProxy: "ADDRESS:PORT [22/Nov/2026:10:00:00.123] ".
func isHAProxy(line string) bool {
	i := strings.IndexByte(line[:min(len(line), 64)], ' ')
	if i < 4 || len(line) < i+28 || line[i+1] != '[' {
		return false
	}
	t := line[i+2:]
	if t[2] != '/' || t[6] != '/' || t[11] != ':' || t[20] != '.' || monthOf(t[3:]) == 0 {
		return false
	}
	_, _, ok := splitPort(line[:i])
	return ok || strings.Count(line[:i], ":") > 1
}

func (s *Stream) readHAProxy(text string, ev *ecs.Event) {
	if !isHAProxy(text) {
		return
	}
	peer, rest, _ := strings.Cut(text, " ")
	_, rest, _ = strings.Cut(rest, "] ")
	r := request{}
	frontend, rest, _ := strings.Cut(rest, " ")
	label(ev, "frontend", strings.TrimSuffix(frontend, "~"))
	backend, rest, _ := strings.Cut(rest, " ")
	if front, server, ok := strings.Cut(strings.TrimSuffix(frontend, ":"), "/"); ok && strings.HasSuffix(frontend, ":") && server != "" {
		// ADDRESS:PORT [TIME] FRONT/BIND: SSL handshake failure
		label(ev, "frontend", front)
		ev.Source = apacheClient(peer)
		classify(ev, kindConnect, "connection-error", "")
		return
	}
	label(ev, "backend", backend)
	timers, rest, _ := strings.Cut(rest, " ")
	if strings.Count(timers, "/") < 4 {
		ev.Source = apacheClient(peer)
		ev.Network = &ecs.Network{Transport: "tcp"}
		classify(ev, kindConnect, actionConnectionClosed, "")
		return
	}
	status, rest, _ := strings.Cut(rest, " ")
	r.status = statusOf(status)
	size, rest, _ := strings.Cut(rest, " ")
	r.bytes, _ = strconv.ParseInt(strings.TrimPrefix(size, "+"), 10, 64)
	// The request is the last thing in quotes; captured headers stand before it
	// in braces and can hold a quote, the request cannot.
	if end := strings.TrimRight(rest, " "); strings.HasSuffix(end, `"`) {
		end = end[:len(end)-1]
		if i := strings.LastIndex(end, ` "`); i >= 0 {
			r.line = end[i+2:]
		}
	}
	r.set(s, ev, "access")
	if e := apacheClient(peer); e != nil {
		ev.Source = e
	}
}
