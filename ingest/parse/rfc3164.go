package parse

import (
	"path"
	"strconv"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// rfc3164 reads BSD syslog and what has grown from it: with or without the
// priority, the host (BSD's own daemons leave it out), the year, the zone. The
// traditional file format, rsyslog's and journald's RFC 3339 files are of it.
var rfc3164 = Format{
	Name: "rfc3164",
	Detect: func(line string) bool {
		if strings.HasPrefix(line, "<") {
			_, _, ok, _ := priority(line)
			return ok
		}
		_, _, found, _ := readStamp(line)
		return found
	},
	Read: readBSD,
}

func readBSD(s *Stream, line string, now time.Time, ev *ecs.Event) error {
	pri, rest, hasPri, err := priority(line)
	if err != nil {
		return err
	}
	if hasPri {
		setPriority(ev, pri, s.room)
	}
	// Cisco and others put a counter or blanks before the time.
	st, after, found, err := readStamp(strings.TrimLeft(rest, " "))
	if err != nil {
		return err
	}
	if !found && !hasPri {
		return &Error{ReasonFormat, "the line begins with neither a priority nor a time"}
	}
	if found {
		st.header = true
		t, assumed, err := s.clock.resolve(st, now)
		if err != nil {
			return err
		}
		ev.Timestamp = t
		if assumed {
			ev.Event.Timezone = s.clock.zone.String()
		}
		rest = strings.TrimPrefix(strings.TrimPrefix(after, ":"), " ")
	}
	ev.Varde.Parser = "rfc3164"
	// A priority is of syslog, never of a file that a program writes itself.
	if found && !hasPri {
		if p := s.writerOf(rest); p != "" {
			return s.meaning(&message{program: p, text: rest}, ev)
		}
	}
	host, tag := hostAndTag(rest, found)
	setHostIn(&s.room.host, ev, host)
	m := s.room.hold(splitTag(tag))
	if m.program != "" {
		ev.Process = &s.room.process
		ev.Process.Name, ev.Process.PID = m.program, m.pid
	}
	m.text = solaris(m.text)
	return s.meaning(m, ev)
}

// priority reads "<PRI>". ok is false where there is none; a number above 191
// has no facility and is an error.
func priority(line string) (pri int, rest string, ok bool, err error) {
	if !strings.HasPrefix(line, "<") {
		return 0, line, false, nil
	}
	end := strings.IndexByte(line[:min(len(line), 6)], '>')
	if end < 2 || !allDigits(line[1:end]) {
		return 0, line, false, nil
	}
	pri = atoi(line[1:end])
	if pri > 191 {
		return 0, line, true, &Error{ReasonPriority, "the priority is above 191"}
	}
	return pri, line[end+1:], true, nil
}

// hostAndTag splits "host tag: text"; the host is left out where the first
// word is a tag already, or where the line has no time and so no header.
func hostAndTag(s string, header bool) (host, rest string) {
	word, after, ok := strings.Cut(s, " ")
	isTag := isCEF(word) || isLEEF(word) || strings.HasSuffix(word, ":") && !strings.HasSuffix(word, "::") || strings.HasSuffix(word, "]") && strings.Contains(word, "[")
	if !header || !ok || isTag {
		return "", s
	}
	return word, after
}

// splitTag splits "program[pid]: text". Without a tag everything is text.
func splitTag(s string) message {
	end := strings.IndexByte(s, ':')
	bracket := strings.IndexByte(s, ']')
	text := ""
	switch {
	case end > 0 && (end+1 == len(s) || s[end+1] == ' ' || bracket == end-1) && !strings.ContainsAny(s[:end], " \t"):
		s, text = s[:end], strings.TrimPrefix(s[end+1:], " ")
	case bracket > 0 && bracket+1 < len(s) && s[bracket+1] == ' ' && !strings.ContainsAny(s[:bracket], " \t"):
		s, text = s[:bracket+1], s[bracket+2:]
	default:
		return message{text: s}
	}
	if s == "CEF" || s == "LEEF" {
		return message{text: s + ":" + strings.TrimLeft(text, " ")}
	}
	m := message{text: text}
	if name, pid, ok := strings.Cut(s, "["); ok {
		s = strings.TrimSuffix(name, "]") // gdm-password][1234]
		pid, _, _ = strings.Cut(pid, "]") // krb5kdc[7](info)
		m.pid = pidOf(pid)
	}
	m.program, m.module = programOf(s)
	return m
}

func pidOf(s string) int {
	pid, err := strconv.ParseInt(s, 10, 32)
	if err != nil || pid < 0 {
		return 0
	}
	return int(pid)
}

// programOf takes the path and old PAM's module away: sshd(pam_unix).
func programOf(s string) (program, module string) {
	if name, in, ok := strings.Cut(s, "("); ok && strings.HasSuffix(in, ")") {
		s, module = name, strings.TrimSuffix(in, ")")
	}
	if strings.HasPrefix(s, "/") {
		s = path.Base(s)
	}
	return s, module
}

// solaris takes away "[ID 800047 auth.info] ", which that system puts first.
func solaris(text string) string {
	if rest, ok := strings.CutPrefix(text, "[ID "); ok {
		if number, after, ok := strings.Cut(rest, " "); ok && allDigits(number) {
			if _, after, ok := strings.Cut(after, "] "); ok {
				return after
			}
		}
	}
	return text
}

func setHost(ev *ecs.Event, host string) { setHostIn(&ecs.Host{}, ev, host) }

// setHostIn is setHost in a place that is there already, and zero.
func setHostIn(h *ecs.Host, ev *ecs.Event, host string) {
	if host == "" || host == "-" {
		return
	}
	h.Name = host
	ev.Host = h
	if ip, ok := address(host); ok {
		ev.Host.IP = []string{ip}
	}
}

func setPriority(ev *ecs.Event, pri int, parts *room) {
	parts.facility = ecs.Coded{Code: pri / 8, Name: facilities[pri/8]}
	parts.severity = ecs.Coded{Code: pri % 8, Name: severities[pri%8]}
	parts.syslog.Priority, parts.syslog.Facility, parts.syslog.Severity = pri, &parts.facility, &parts.severity
	parts.log.Level, parts.log.Syslog = severities[pri%8], &parts.syslog
	ev.Log = &parts.log
}

// RFC 5424, section 6.2.1.
var (
	severities = [8]string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"}
	facilities = [24]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "clock", "authpriv", "ftp",
		"ntp", "audit", "alert", "clock2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}
)
