package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// ftpProgram reads vsftpd, ProFTPD and Pure-FTPd.
var ftpProgram = program{
	name: "ftp",
	knows: func(m *message) bool {
		switch m.program {
		case "vsftpd", "proftpd", "pure-ftpd":
			return true
		}
		return false
	},
	read: func(m *message, ev *ecs.Event) {
		ev.Event.Dataset = m.program
		ev.Service = &ecs.Service{Name: m.program, Type: "ftp"}
		ev.Network = &ecs.Network{Protocol: "ftp", Transport: "tcp"}
		switch m.program {
		case "vsftpd":
			readVSFTPD(m, ev)
		case "proftpd":
			readProFTPD(m, ev)
		default:
			readPureFTPD(m, ev)
		}
	},
}

// vsftpdLine is vsftpd's own file: "Sun Nov 22 10:00:00 2026 [pid 7] [kari] OK
// LOGIN: Client "192.0.2.7"".
var vsftpdLine = Format{
	Name: "vsftpd-line",
	Detect: func(line string) bool {
		return len(line) > 35 && isDay(line) && monthOf(line[4:]) > 0 && strings.HasPrefix(line[24:], " [pid ")
	},
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		ev.Message = line
		ev.Varde.Parser = "vsftpd"
		if len(line) < 30 {
			return &Error{ReasonFormat, "the line is not of vsftpd's log"}
		}
		if err := s.apacheTime(line[:24], now, ev); err != nil {
			return err
		}
		pid, rest, _ := strings.Cut(line[30:], "] ")
		m := message{program: "vsftpd", pid: pidOf(pid), text: rest}
		ev.Process = &ecs.Process{Name: "vsftpd", PID: m.pid}
		return s.meaning(&m, ev)
	},
}

// readVSFTPD reads `[kari] OK LOGIN: Client "192.0.2.7"`; the name can hold
// anything, the end is vsftpd's.
func readVSFTPD(m *message, ev *ecs.Event) {
	head, client, ok := cutLast(m.text, `: Client "`)
	if !ok {
		return
	}
	ip, after, _ := strings.Cut(client, `"`)
	ev.Source = party(ip)
	for _, verdict := range [...]struct{ ends, outcome string }{{"] OK LOGIN", ecs.OutcomeSuccess}, {"] FAIL LOGIN", ecs.OutcomeFailure}} {
		if name, ends := strings.CutSuffix(head, verdict.ends); ends && strings.HasPrefix(name, "[") {
			setUser(ev, readable(name[1:]))
			m.tried(ev, "vsftpd", "vsftpd", verdict.outcome)
			return
		}
	}
	switch {
	case head == "CONNECT":
		classify(ev, kindConnect, actionConnectionOpened, "")
	case after != "" && strings.HasPrefix(head, "["):
		name, _, _ := strings.Cut(head[1:], "] ")
		setUser(ev, readable(name))
		classify(ev, kind{[]string{"file"}, []string{"access"}}, "ftp-command", "")
	}
}

// readProFTPD reads "SERVER (CLIENT[ADDRESS]) - USER kari (Login failed): …".
func readProFTPD(m *message, ev *ecs.Event) {
	where, text, ok := strings.Cut(m.text, ") - ")
	if !ok {
		where, text, ok = strings.Cut(m.text, "]): ")
	}
	if !ok {
		return
	}
	if i := strings.LastIndexByte(where, '['); i >= 0 {
		ip, _, _ := strings.Cut(where[i+1:], "]")
		ev.Source = party(strings.TrimPrefix(ip, "::ffff:"))
	}
	switch text {
	case "FTP session opened.":
		classify(ev, kindConnect, actionConnectionOpened, "")
		return
	case "FTP session closed.":
		classify(ev, kindConnect, actionConnectionClosed, "")
		return
	}
	who, isUser := strings.CutPrefix(text, "USER ")
	if !isUser {
		return
	}
	// The name stands first and can hold anything: the verdict is what ends the line.
	for _, v := range [...]struct{ mark, outcome, reason string }{
		{": Login successful", ecs.OutcomeSuccess, ""},
		{": no such user found from ", ecs.OutcomeFailure, reasonInvalidUser},
		{" (Login failed): No such user found", ecs.OutcomeFailure, reasonInvalidUser},
		{" (Login failed): Incorrect password", ecs.OutcomeFailure, "incorrect-password"},
		{" (Login failed): ", ecs.OutcomeFailure, "not-allowed"},
	} {
		i := strings.LastIndex(who, v.mark)
		whole := !strings.HasSuffix(v.mark, " ")
		if i >= 0 && (!whole || strings.Trim(who[i+len(v.mark):], ".") == "") {
			setUser(ev, readable(who[:i]))
			m.tried(ev, "proftpd", "proftpd", v.outcome)
			ev.Event.Reason = v.reason
			return
		}
	}
}

// readPureFTPD reads "(kari@192.0.2.7) [INFO] kari is now logged in".
func readPureFTPD(m *message, ev *ecs.Event) {
	where, text, ok := strings.Cut(m.text, ") [")
	if !ok {
		return
	}
	if _, from, ok := cutLast(where, "@"); ok {
		ev.Source = party(from)
	}
	_, text, _ = strings.Cut(text, "] ")
	if name, ok := strings.CutPrefix(text, "Authentication failed for user ["); ok {
		setUser(ev, readable(strings.TrimSuffix(name, "]")))
		m.tried(ev, "pure-ftpd", "pure-ftpd", ecs.OutcomeFailure)
	} else if name, ok := strings.CutSuffix(text, " is now logged in"); ok {
		setUser(ev, readable(name))
		m.tried(ev, "pure-ftpd", "pure-ftpd", ecs.OutcomeSuccess)
	} else if strings.HasPrefix(text, "New connection from ") {
		classify(ev, kindConnect, actionConnectionOpened, "")
	} else if text == "Logout." {
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	}
}
