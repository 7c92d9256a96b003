package parse

import (
	"encoding/hex"
	"path"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// audit reads the records of Linux' audit daemon, raw or enriched:
//
//	[node=HOST ]type=USER_LOGIN msg=audit(1795341600.123:456): pid=1 … msg='op=login acct="kari" … res=success'
//
// Who logs in is decided by USER_LOGIN, a refused password by USER_AUTH, which
// stands before it; what only opens a session (FTP, mail) by USER_START. Values
// that a person can choose are in quotes or, where they hold a blank or a quote,
// in hex: nothing in them can end anything.
var audit = Format{
	Name:   "auditd",
	Detect: isAudit,
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		ev.Message = line
		ev.Varde.Parser = "auditd"
		return s.readAudit(line, now, ev)
	},
	Inner: true,
}

func (s *Stream) readAudit(line string, now time.Time, ev *ecs.Event) error {
	rest := line
	if node, after, ok := strings.Cut(rest, " "); ok && strings.HasPrefix(node, "node=") {
		setHost(ev, node[len("node="):])
		rest = after
	}
	if !isAudit(rest) {
		return &Error{ReasonFormat, "the line is not a record of the audit daemon"}
	}
	kind, rest, _ := strings.Cut(rest[len("type="):], " ")
	when, body, ok := strings.Cut(rest, "):")
	when, _, serial := strings.Cut(when[strings.IndexByte(when, '(')+1:], ":")
	t, known := instantOf(when)
	if !ok || !serial || !known {
		return &Error{ReasonTimestamp, "the record has no time"}
	}
	var err error
	if ev.Timestamp, _, err = s.clock.resolve(stamp{full: t}, now); err != nil {
		return err
	}
	ev.Event.Dataset, ev.Event.Module = "auditd", "auditd"
	s.auditRecord(kind, body, ev)
	return nil
}

func isAudit(line string) bool {
	if strings.HasPrefix(line, "node=") {
		_, line, _ = strings.Cut(line[:min(len(line), 300)], " ")
	}
	if !strings.HasPrefix(line, "type=") {
		return false
	}
	_, rest, ok := strings.Cut(line[:min(len(line), 64)], " ")
	return ok && (strings.HasPrefix(rest, "msg=audit(") || strings.HasPrefix(rest, "audit("))
}

// auditProgram reads records that came through syslog or the journal under the
// names of the audit daemon or the kernel, with the type as a name or a number.
var auditProgram = program{
	name:   "auditd",
	module: "auditd",
	knows: func(m *message) bool {
		switch m.program {
		case "audit", "audispd", "audisp-syslog", "auditd":
			return true
		case "kernel":
			text := kernelText(m.text)
			return strings.HasPrefix(text, "audit: type=") || strings.HasPrefix(text, "type=") && isAudit(text)
		}
		return false
	},
	read: func(m *message, ev *ecs.Event) {
		s, text := m.stream, strings.TrimPrefix(kernelText(m.text), "audit: ")
		if isAudit(text) {
			host, at := ev.Host, ev.Timestamp
			if s.readAudit(text, s.now, ev) != nil {
				ev.Timestamp = at
			}
			if host != nil {
				ev.Host = host
			}
			return
		}
		// The journal: "USER_AUTH pid=1 …"
		kind, body, ok := strings.Cut(text, " ")
		if ok && isAuditType(kind) && strings.Contains(body, "=") {
			s.auditRecord(kind, body, ev)
		}
	},
}

// kernelText takes "[12.345] " away, which the kernel puts first.
func kernelText(s string) string {
	if strings.HasPrefix(s, "[") {
		if _, rest, ok := strings.Cut(s[:min(len(s), 40)], "] "); ok {
			return s[len(s[:min(len(s), 40)])-len(rest):]
		}
	}
	return s
}

func isAuditType(s string) bool {
	if len(s) < 3 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'A' || c > 'Z') && c != '_' && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// Numbers of the kernel's header audit.h and of libaudit.
var auditTypes = map[string]string{
	"1006": "LOGIN", "1100": "USER_AUTH", "1101": "USER_ACCT", "1102": "USER_MGMT", "1103": "CRED_ACQ", "1104": "CRED_DISP", "1105": "USER_START",
	"1106": "USER_END", "1108": "USER_CHAUTHTOK", "1109": "USER_ERR", "1110": "CRED_REFR", "1112": "USER_LOGIN", "1113": "USER_LOGOUT",
	"1114": "ADD_USER", "1115": "DEL_USER", "1116": "ADD_GROUP", "1117": "DEL_GROUP", "1123": "USER_CMD", "1132": "GRP_MGMT", "1133": "GRP_CHAUTHTOK",
	"1134": "ACCT_LOCK", "1135": "ACCT_UNLOCK", "2100": "ANOM_LOGIN_FAILURES", "2207": "RESP_ACCT_LOCK",
}

// auditFields are those of a record that matter here.
type auditFields struct {
	pid, uid, auid, ses         string
	op, acct, id, exe, grp, cmd string
	hostname, addr, tty, res    string
	uidName, auidName, idName   string
	acctGiven                   bool
}

func auditFieldsOf(body string) auditFields {
	var f auditFields
	rest := body
	for rest != "" {
		rest = strings.TrimLeft(rest, " \x1d'")
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			break
		}
		if i := strings.LastIndexAny(name, " ,'\x1d"); i >= 0 {
			name = name[i+1:]
		}
		if name == "msg" && strings.HasPrefix(after, "'") {
			rest = after[1:]
			continue
		}
		value := ""
		quoted := strings.HasPrefix(after, `"`)
		if quoted {
			value, rest, _ = strings.Cut(after[1:], `"`)
		} else {
			end := strings.IndexAny(after, " '\x1d")
			if end < 0 {
				end = len(after)
			}
			value, rest = after[:end], after[end:]
		}
		f.set(name, value, quoted)
	}
	return f
}

func (f *auditFields) set(name, value string, quoted bool) {
	if !quoted && (value == "?" || value == "(none)") {
		return
	}
	switch name {
	case "pid":
		f.pid = value
	case "uid":
		f.uid = auditID(value)
	case "auid", "loginuid":
		f.auid = auditID(value)
	case "ses":
		f.ses = auditID(value)
	case "op":
		f.op = value
	case "acct":
		f.acctGiven = true
		if f.acct = value; !quoted {
			f.acct = unhexAudit(value)
		}
	case "id":
		f.id = auditID(value)
	case "exe":
		if f.exe = value; !quoted {
			f.exe = unhexAudit(value)
		}
	case "grp":
		if f.grp = value; !quoted {
			f.grp = unhexAudit(value)
		}
	case "cmd":
		if f.cmd = value; !quoted {
			f.cmd = unhexAudit(value)
		}
	case "hostname":
		f.hostname = value
	case "addr":
		f.addr = value
	case "terminal", "tty":
		f.tty = value
	case "res", "result":
		f.res = value
	case "UID":
		f.uidName = value
	case "AUID":
		f.auidName = value
	case "ID":
		f.idName = value
	}
}

// auditID keeps an id out that is none: -1 as the kernel prints it.
func auditID(s string) string {
	if s == "4294967295" || s == "-1" || s == "unset" {
		return ""
	}
	return s
}

// unhexAudit decodes a value that audit wrote in hex because of what it holds;
// old daemons leave plain names without quotes.
func unhexAudit(s string) string {
	raw, err := hex.DecodeString(s)
	if err != nil || len(s) < 2 || strings.ToUpper(s) != s || len(s) < 4 && raw[0] > ' ' && raw[0] != '"' && raw[0] < 0x7f {
		return s
	}
	return readable(strings.TrimRight(string(raw), "\x00"))
}

// named leaves out the names that audit enriches with where it knows none.
func named(s string) string {
	if s == "unset" || s == "unknown" || strings.HasPrefix(s, "unknown(") {
		return ""
	}
	return s
}

// auditRecord fills the event from the type and the fields of a record.
func (s *Stream) auditRecord(kind, body string, ev *ecs.Event) {
	if name, ok := auditTypes[kind]; ok {
		kind = name
	}
	f := auditFieldsOf(body)
	ev.Event.Code = kind
	if !strings.HasPrefix(kind, "USER_") && !auditSpoken[kind] {
		classify(ev, kindInfo, strings.ToLower(strings.ReplaceAll(kind, "_", "-")), "")
		if f.exe != "" {
			ev.Process = &ecs.Process{Name: path.Base(f.exe), PID: pidOf(f.pid)}
		}
		setAuditActor(ev, &f)
		return
	}
	service := path.Base(f.exe)
	if f.exe == "" {
		service = ""
	}
	ev.Process = &ecs.Process{Name: service, PID: pidOf(f.pid)}
	if f.tty != "" && f.tty != "ssh" && f.tty != "cron" {
		ev.Process.TTY = strings.TrimPrefix(f.tty, "/dev/")
	}
	if service != "" {
		ev.Service = &ecs.Service{Name: service}
	}
	if ev.Source = party(f.addr); ev.Source == nil {
		ev.Source = party(f.hostname)
	}
	ev.Varde.Session = f.ses
	label(ev, "op", f.op)
	s.auditMeaning(kind, service, &f, ev)
}

var auditSpoken = set("LOGIN", "CRED_ACQ", "CRED_DISP", "CRED_REFR", "ADD_USER", "DEL_USER", "ADD_GROUP", "DEL_GROUP", "GRP_MGMT", "GRP_CHAUTHTOK",
	"ACCT_LOCK", "ACCT_UNLOCK", "RESP_ACCT_LOCK", "RESP_ACCT_UNLOCK_TIMED", "ANOM_LOGIN_FAILURES")
