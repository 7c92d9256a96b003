package parse

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"varde.internal/schemas/ecs"
)

// winEvent is a Windows event before it has a meaning, whichever form it came
// in: XML, or one of the many shapes of JSON. Texts are as they were written.
type winEvent struct {
	provider, guid, channel, computer string
	code, version, record             string
	level, task, opcode, keywords     string
	levelName, taskName, opcodeName   string
	keywordNames                      []string
	time                              string // of SystemTime: UTC where it says no zone
	local                             string // a wall clock of the source's zone
	near                              string // an instant beside it, perhaps of the shipper
	pid, thread, activity, related    string
	sid, userName, userDomain, kind   string // who wrote the event
	message, outcome                  string
	data, user                        []winField // EventData, UserData
	extra                             []winField // what a shipper moved out of the event's fields
	title                             string     // what the event is, in words
}

type winField struct{ name, value string }

// winEvent is empty, with the room of the one before.
func (s *Stream) winEvent() *winEvent {
	if s.win == nil {
		s.win = &winEvent{}
	}
	*s.win = winEvent{data: s.win.data[:0], user: s.win.user[:0], extra: s.win.extra[:0]}
	return s.win
}

// Providers whose events have a meaning. The number of an event alone says
// nothing: 4625 of EventSystem is no failed logon.
const (
	winSecurity   = "Microsoft-Windows-Security-Auditing"
	winEventlog   = "Microsoft-Windows-Eventlog"
	winSysmon     = "Microsoft-Windows-Sysmon"
	winSessions   = "Microsoft-Windows-TerminalServices-LocalSessionManager"
	winRemote     = "Microsoft-Windows-TerminalServices-RemoteConnectionManager"
	winServices   = "Service Control Manager"
	winPowerShell = "Microsoft-Windows-PowerShell"
	winOpenSSH    = "OpenSSH"
)

// raw returns a field of the event as it was written, "" where there is none.
func (w *winEvent) raw(name string) string {
	for i := range w.data {
		if w.data[i].name == name {
			return w.data[i].value
		}
	}
	for i := range w.user {
		if w.user[i].name == name {
			return w.user[i].value
		}
	}
	for i := range w.extra {
		if w.extra[i].name == name {
			return w.extra[i].value
		}
	}
	return ""
}

// val returns a field without what Windows writes where there is nothing.
func (w *winEvent) val(names ...string) string {
	for _, name := range names {
		switch v := strings.TrimSpace(w.raw(name)); v {
		case "", "-", "N/A", "null", "(null)", "NULL SID":
		default:
			return v
		}
	}
	return ""
}

// windows gives a Windows event its meaning.
func (s *Stream) windows(w *winEvent, now time.Time, ev *ecs.Event) error {
	if err := s.winTime(w, now, ev); err != nil {
		return err
	}
	w.base(ev)
	switch {
	case w.isSecurity():
		ev.Event.Dataset, ev.Event.Module = "windows-security", "security"
		if name := winTasks[ev.Winlog.Task]; name != "" {
			ev.Winlog.Task = name
		}
		w.security(ev)
		s.twin(w, ev)
	case strings.EqualFold(w.provider, winEventlog):
		ev.Event.Dataset, ev.Event.Module = "windows-security", "security"
		if w.channel != "Security" {
			ev.Event.Dataset, ev.Event.Module = "windows-system", "system"
		}
		w.eventlog(ev)
	case w.provider == winSysmon || w.provider == "Linux-Sysmon":
		ev.Event.Dataset, ev.Event.Module = "windows-sysmon", "sysmon"
		w.sysmon(ev)
	case w.provider == winSessions || w.provider == winRemote:
		ev.Event.Dataset, ev.Event.Module = "windows-terminalservices", "windows"
		w.terminal(ev)
	case w.provider == winServices:
		ev.Event.Dataset, ev.Event.Module = "windows-system", "system"
		w.service(ev)
	case w.provider == winPowerShell || w.provider == "PowerShellCore":
		ev.Event.Dataset, ev.Event.Module = "windows-powershell", "powershell"
		w.powershell(ev)
	case w.provider == winOpenSSH && w.val("payload") != "":
		return s.winSSH(w, ev)
	}
	if ev.Message == "" {
		ev.Message = w.text(w.title)
	}
	return nil
}

// isSecurity says whether the auditing of Windows wrote the event. Exports that
// name no provider are believed where they name the channel, or its fields.
func (w *winEvent) isSecurity() bool {
	if w.provider != "" {
		return strings.EqualFold(w.provider, winSecurity)
	}
	if w.channel != "" {
		return w.channel == "Security"
	}
	return w.raw("SubjectUserSid") != "" || w.raw("TargetUserSid") != "" || w.raw("TargetUserName") != ""
}

// base sets what every Windows event has.
func (w *winEvent) base(ev *ecs.Event) {
	ev.Event.Dataset, ev.Event.Module, ev.Varde.Parser = "windows", "windows", "windows"
	ev.Event.Code, ev.Event.Provider = w.code, w.provider
	ev.Message = strings.TrimSpace(w.message)
	setHost(ev, strings.TrimSuffix(w.computer, "."))
	if level := w.levelWord(); level != "" {
		ev.Log = &ecs.Log{Level: level}
	}
	ev.Event.Outcome = w.audit()
	l := &ecs.Winlog{
		Channel: w.channel, Provider: w.provider, ProviderGUID: w.guid, EventID: w.code, Version: int(winNumber(w.version)),
		RecordID: w.record, Computer: w.computer, Task: firstOf(w.taskName, w.task), Opcode: firstOf(w.opcodeName, w.opcode),
		ActivityID: w.activity, RelatedActivity: w.related, EventData: winMap(w.data), UserData: winMap(w.user),
	}
	if l.Opcode == "0" {
		l.Opcode = "Info" // its name where the provider gives none
	}
	l.Keywords = w.keywordNames
	if len(l.Keywords) == 0 {
		l.Keywords = winKeywords(w.keywords)
	}
	if pid := int(winNumber(w.pid)); pid > 0 {
		l.Process = &ecs.WinlogProcess{PID: pid}
		if tid := int(winNumber(w.thread)); tid > 0 {
			l.Process.Thread = &ecs.WinlogThread{ID: tid}
		}
	}
	if w.sid != "" || w.userName != "" {
		l.User = &ecs.WinlogUser{ID: w.sid, Name: w.userName, Domain: w.userDomain, Type: w.kind}
	}
	ev.Winlog = l
}

func winMap(fields []winField) map[string]string {
	if len(fields) == 0 {
		return nil
	}
	m := make(map[string]string, len(fields))
	for i := range fields {
		// The first of two fields with one name is the one that is read.
		if _, twice := m[fields[i].name]; !twice && fields[i].value != "" {
			m[fields[i].name] = fields[i].value
		}
	}
	return m
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// levelWord is log.level. The auditing writes level 0, which counts as information.
func (w *winEvent) levelWord() string {
	switch w.level {
	case "1":
		return "critical"
	case "2":
		return "error"
	case "3":
		return "warning"
	case "0", "4":
		return "information"
	case "5":
		return "verbose"
	}
	return strings.ToLower(w.levelName)
}

// Bits of Keywords that the auditing sets.
const (
	winAuditFailure = 0x0010_0000_0000_0000
	winAuditSuccess = 0x0020_0000_0000_0000
)

func winKeywords(text string) []string {
	bits := winNumber(text)
	switch {
	case text == "":
		return nil
	case bits&winAuditFailure != 0:
		return []string{"Audit Failure"}
	case bits&winAuditSuccess != 0:
		return []string{"Audit Success"}
	}
	return []string{"0x" + strconv.FormatUint(uint64(bits), 16)}
}

// audit is what the keywords, or a shipper, say of the outcome.
func (w *winEvent) audit() string {
	bits := winNumber(w.keywords)
	switch {
	case bits&winAuditFailure != 0:
		return ecs.OutcomeFailure
	case bits&winAuditSuccess != 0:
		return ecs.OutcomeSuccess
	}
	for _, k := range append([]string{w.outcome}, w.keywordNames...) {
		switch strings.ToLower(strings.ReplaceAll(k, "_", " ")) {
		case "audit failure", "failure audit", "failure", "8":
			return ecs.OutcomeFailure
		case "audit success", "success audit", "success", "4":
			return ecs.OutcomeSuccess
		}
	}
	return ""
}

// winNumber reads 0x1f, 31 and -9214364837600034816; what is no number is 0.
func winNumber(text string) int64 {
	text = strings.TrimSpace(text)
	if text == "" || (text[0] != '-' || len(text) == 1) && (text[0] < '0' || text[0] > '9') {
		return 0
	}
	if len(text) > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') {
		n, _ := strconv.ParseUint(text[2:], 16, 64)
		return int64(n)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	n, _ := strconv.ParseUint(text, 10, 64)
	return int64(n)
}

// winTime sets the time. A wall clock (NXLog's EventTime) beside an instant of
// the shipper tells its own offset from UTC, a multiple of a quarter; without
// one it is of the source's zone.
func (s *Stream) winTime(w *winEvent, now time.Time, ev *ecs.Event) error {
	if w.time != "" {
		return s.setTime(ev, w.time, now)
	}
	if w.local == "" {
		return s.setTime(ev, w.near, now)
	}
	st, rest, found, err := readStamp(w.local)
	if err != nil || !found || strings.TrimSpace(rest) != "" {
		return &Error{ReasonTimestamp, "the time of the event cannot be read"}
	}
	if near, ok := instantOf(w.near); ok && st.full.IsZero() && w.near != "" {
		apart := near.Sub(st.wall())
		offset := apart.Round(15 * time.Minute)
		if late := apart - offset; offset.Abs() <= 14*time.Hour && late.Abs() <= 5*time.Minute {
			st.full = st.wall().Add(offset)
		}
	}
	at, _, err := s.clock.resolve(st, now)
	if err != nil {
		return err
	}
	ev.Timestamp = at
	return nil
}

// text is the message of an event that came without its rendering: what it is
// about in words, and its fields, so that a search for any of them finds it.
func (w *winEvent) text(title string) string {
	var b strings.Builder
	b.Grow(768)
	b.WriteString(firstOf(title, strings.TrimSpace(w.provider+" "+w.code)))
	separator := ": "
	for _, fields := range [][]winField{w.data, w.user} {
		for _, f := range fields {
			if f.value == "" || f.value == "-" || b.Len() > 2000 {
				continue
			}
			b.WriteString(separator)
			b.WriteString(f.name)
			b.WriteByte('=')
			b.WriteString(f.value)
			separator = ", "
		}
	}
	return b.String()
}

// winUser makes a user of a name, its domain and SID; a name may hold its own
// domain. nil where there is nothing.
func winUser(name, domain, sid string) *ecs.User {
	if domain == "" {
		if d, n, ok := strings.Cut(name, `\`); ok && d != "" && n != "" && d != "." {
			domain, name = d, n
		}
	}
	if n, d, ok := cutRealm(name); ok {
		name = n
		if domain == "" {
			domain = d
		}
	}
	if name == "" && sid == "" {
		return nil
	}
	return &ecs.User{Name: name, Domain: domain, ID: sid}
}

// cutRealm splits user@REALM at its last at sign.
func cutRealm(name string) (user, realm string, ok bool) {
	i := strings.LastIndexByte(name, '@')
	if i < 1 || i+1 == len(name) || strings.ContainsAny(name[i:], " \t") {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

// winAccount is varde.account: the realm of user@REALM is said by the client
// and comes before the domain field, which then often names the computer.
func winAccount(name, domain, computer string) *ecs.Account {
	a := account(name)
	if a == nil || a.Realm != "" {
		return a
	}
	if domain == "." {
		domain, _, _ = strings.Cut(computer, ".")
	}
	a.Realm = strings.TrimSuffix(strings.ToLower(norm.NFC.String(domain)), ".")
	return a
}

// subject sets who did it.
func (w *winEvent) subject(ev *ecs.Event) {
	name, domain := w.val("SubjectUserName"), w.val("SubjectDomainName")
	ev.User = winUser(name, domain, w.val("SubjectUserSid"))
	ev.Varde.Account = winAccount(name, domain, w.computer)
}

// target returns whom it was done to, or who logs in.
func (w *winEvent) target() *ecs.User {
	return winUser(w.val("TargetUserName"), w.val("TargetDomainName"), w.val("TargetUserSid", "TargetSid"))
}

// targetIsUser sets who logs in.
func (w *winEvent) targetIsUser(ev *ecs.Event) {
	ev.User = w.target()
	ev.Varde.Account = winAccount(w.val("TargetUserName"), w.val("TargetDomainName"), w.computer)
	if name := w.val("SubjectUserName"); name != "" {
		alsoUser(ev, name)
	}
}

// alsoUser names a user in related.user who has no other place in the event.
func alsoUser(ev *ecs.Event, name string) {
	if ev.Related == nil {
		ev.Related = &ecs.Related{}
	}
	ev.Related.User = append(ev.Related.User, name)
}

// from sets source.* of the fields in which the events name it.
func (w *winEvent) from(ev *ecs.Event) {
	e := ecs.Endpoint{Domain: w.val("WorkstationName", "Workstation", "ClientName")}
	if at := party(w.val("IpAddress", "ClientAddress", "Address")); at != nil && at.IP != "" {
		e.IP, e.Port = at.IP, at.Port
	}
	if port := winNumber(w.val("IpPort")); port > 0 && port < 1<<16 {
		e.Port = int(port)
	}
	if e.Domain = strings.TrimPrefix(e.Domain, `\\`); absent(e.Domain) {
		e.Domain = ""
	}
	if e != (ecs.Endpoint{}) {
		ev.Source = &e
	}
	ev.Varde.Station = e.Domain
}

// by sets the process that asked, of ProcessId and ProcessName.
func (w *winEvent) by(ev *ecs.Event) {
	path := w.val("ProcessName", "CallerProcessName")
	pid := int(winNumber(w.val("ProcessId", "CallerProcessId", "ClientProcessId")))
	if path == "" && pid == 0 {
		return
	}
	ev.Process = &ecs.Process{Name: winBase(path), Executable: path, PID: pid}
}

// winBase is the last part of a path.
func winBase(path string) string {
	if i := strings.LastIndexAny(path, `\/`); i >= 0 {
		return path[i+1:]
	}
	return path
}
