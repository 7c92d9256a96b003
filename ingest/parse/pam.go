package parse

import (
	"slices"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// pamProgram reads what PAM's modules write in the name of any program:
// "pam_unix(SERVICE:PHASE): TEXT", and the old "SERVICE(pam_unix)[PID]: TEXT"
// and "(pam_unix) TEXT". For services that log through PAM alone these lines
// decide; sshd decides for itself, sudo and su are no logins.
var pamProgram = program{
	name: "pam",
	knows: func(m *message) bool {
		return strings.HasPrefix(m.module, "pam_") || strings.HasPrefix(m.text, "pam_") && strings.Contains(m.text, "): ") ||
			strings.HasPrefix(m.text, "(pam_") || strings.HasPrefix(m.text, "PAM ") && pamCount(m.text[4:]) > 0
	},
	read: readPAM,
}

// Services by what a PAM session of theirs is. All others log people in.
var (
	pamPrivilege = set("sudo", "sudo-i", "su", "su-l", "runuser", "runuser-l", "polkit-1", "pkexec", "doas", "kdesu", "newgrp", "sg")
	pamNoLogin   = set("sshd", "cron", "crond", "atd", "at", "anacron", "fcron", "systemd-user", "gdm-launch-environment", "lightdm-greeter",
		"passwd", "chpasswd", "newusers", "chsh", "chfn", "chage", "useradd", "usermod", "userdel", "groupadd", "groupmod", "groupdel",
		"xscreensaver", "gnome-screensaver", "kscreensaver", "i3lock", "swaylock", "vlock", "xlock", "samba-session",
		"openvpn", "openvpnas", "radiusd", "freeradius")
	// pamDecidedBeside write a line of their own about each refusal.
	pamDecidedBeside = set("sudo", "sudo-i", "su", "su-l")
	// pamNamesClient are services that set ruser to the name the client gave.
	pamNamesClient = set("vsftpd", "dovecot", "proftpd", "pure-ftpd", "ftp", "ftpd")
)

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// pamLine is a line taken apart.
type pamLine struct {
	module, service, phase, text string
	from                         *message
}

func pamOf(m *message) pamLine {
	if m.module != "" {
		return pamLine{module: m.module, service: m.program, text: m.text, from: m}
	}
	if in, ok := strings.CutPrefix(m.text, "(pam_"); ok {
		module, text, _ := strings.Cut(in, ") ")
		return pamLine{module: "pam_" + module, service: m.program, text: text, from: m}
	}
	if text, ok := strings.CutPrefix(m.text, "PAM "); ok {
		return pamLine{module: "pam_unix", service: m.program, text: text, from: m}
	}
	head, text, _ := strings.Cut(m.text, "): ")
	module, where, _ := strings.Cut(head, "(")
	service, phase, _ := strings.Cut(where, ":")
	return pamLine{module, service, phase, text, m}
}

func readPAM(m *message, ev *ecs.Event) {
	l := pamOf(m)
	ev.Service = &ecs.Service{Name: l.service, Type: "pam"}
	label(ev, "pam_module", l.module)
	label(ev, "pam_phase", l.phase)
	text := l.text
	switch {
	case strings.HasPrefix(text, "authentication failure; "):
		l.failed(text[len("authentication failure; "):], 0, ev)
	case pamCount(text) > 0:
		_, rest, _ := strings.Cut(text, "; ")
		l.failed(rest, pamCount(text), ev)
	case strings.HasPrefix(text, "session opened for user "):
		l.opened(text[len("session opened for user "):], ev)
	case strings.HasPrefix(text, "session closed for user "):
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
		l.who(ev, text[len("session closed for user "):], "")
	case strings.HasPrefix(text, "password changed for "):
		classify(ev, kindChange, ecs.ActionPasswordChange, ecs.OutcomeSuccess)
		setTarget(ev, unescape(text[len("password changed for "):]), "")
	case strings.HasPrefix(text, "authentication success; "):
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
		l.fields(text[len("authentication success; "):], ev)
	case strings.HasPrefix(text, "check pass; user unknown"):
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
		ev.Event.Reason = reasonInvalidUser
	default:
		locked(l, ev)
	}
}

// failed reads pam_unix's line about a wrong password. times is how many more
// it stands for, 0 where it stands for itself.
func (l pamLine) failed(fields string, times int, ev *ecs.Event) {
	classify(ev, kindLogin, ecs.ActionLogin, ecs.OutcomeFailure)
	l.fields(fields, ev)
	switch {
	case pamPrivilege[l.service] && !pamDecidedBeside[l.service]:
		classify(ev, kindDenied, ecs.ActionPrivilege, ecs.OutcomeFailure)
	case pamPrivilege[l.service] || pamNoLogin[l.service] || l.from.stream.refusedBefore(l, ev):
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	default:
		ev.Varde.Attempt, ev.Varde.Method = true, "password"
		if times > 0 {
			ev.Varde.Repeat = times
		}
		if l.service == "dovecot" {
			l.from.stream.counted(l.from, ev, max(times, 1))
		}
	}
}

// refusal is a password that one of PAM's modules refused.
type refusal struct {
	host, program, user, module string
	pid                         int
	at                          time.Time
	said                        []string // the modules that refused it
}

// sameTry is how long after one module the next looks at the same password.
const sameTry = 3 * time.Second

// refusedBefore notes a refusal and says whether it is another module's opinion
// of a password that was refused already: pam_unix and then pam_sss.
func (s *Stream) refusedBefore(l pamLine, ev *ecs.Event) bool {
	r := refusal{host: l.from.host, program: l.from.program, module: l.module, pid: l.from.pid, at: l.from.at}
	if ev.User != nil {
		r.user = ev.User.Name
	}
	return s.refusedAgain(r)
}

// refusedAgain notes a refusal, unless another module has just said the same.
func (s *Stream) refusedAgain(r refusal) bool {
	for i := range s.refused {
		o := &s.refused[i]
		if o.host != r.host || o.program != r.program || o.pid != r.pid || o.user != r.user || r.at.Sub(o.at).Abs() > sameTry {
			continue
		}
		if !slices.Contains(o.said, r.module) {
			o.said = append(o.said, r.module)
			return true
		}
		s.refused = slices.Delete(s.refused, i, i+1) // the next password
		break
	}
	if len(s.refused) >= 32 {
		s.refused = slices.Delete(s.refused, 0, 1)
	}
	r.said = []string{r.module}
	s.refused = append(s.refused, r)
	return false
}

// pamCount reads "3 more authentication failures; "; 0 where there is no such.
func pamCount(text string) int {
	n, rest := number(text, 4)
	if n > 0 && (strings.HasPrefix(rest, " more authentication failures; ") || strings.HasPrefix(rest, " more authentication failure; ")) {
		return n
	}
	return 0
}

// fields reads "logname=L uid=0 euid=0 tty=T ruser=R rhost=H  user=U". R and U
// are what the client calls itself and may hold " rhost=" again. Most services
// leave R empty: then H is the first. Some set it to U: then H stands where both
// agree, or at the end where the machine has no such account and U is left out.
func (l pamLine) fields(s string, ev *ecs.Event) {
	if tty := between(s, " tty=", " ruser="); tty != "" {
		if ev.Process == nil {
			ev.Process = &ecs.Process{}
		}
		ev.Process.TTY = tty
	}
	i := strings.Index(s, " ruser=")
	if i < 0 {
		return
	}
	ruser, rhost, user := remote(s[i+len(" ruser="):], pamNamesClient[l.service])
	ruser, user = unescape(ruser), unescape(user)
	if rhost != "" {
		ev.Source = endpoint(rhost, 0)
	}
	switch {
	case pamPrivilege[l.service]:
		setUser(ev, ruser)
		setTarget(ev, user, "")
	case user != "":
		setUser(ev, user)
	default: // an account that the machine does not have is not named as user
		setUser(ev, ruser)
		ev.Event.Reason = reasonInvalidUser
	}
}

func remote(s string, named bool) (ruser, rhost, user string) {
	const mark = " rhost="
	first, last := -1, -1
	for i := strings.Index(s, mark); i >= 0; {
		rhost, user = hostAndUser(s[i+len(mark):])
		if named && user != "" && user == s[:i] {
			return user, rhost, user
		}
		if first < 0 {
			first = i
		}
		last = i
		next := strings.Index(s[i+1:], mark)
		if next < 0 {
			break
		}
		i += 1 + next
	}
	if last < 0 {
		return strings.TrimSpace(s), "", ""
	}
	at := first
	if named && !strings.Contains(s[last:], " user=") {
		at = last
	}
	rhost, user = hostAndUser(s[at+len(mark):])
	return s[:at], rhost, user
}

func hostAndUser(s string) (rhost, user string) {
	rhost, rest, _ := strings.Cut(s, " ")
	user, _ = strings.CutPrefix(strings.TrimPrefix(rest, " "), "user=")
	if !strings.HasPrefix(strings.TrimPrefix(rest, " "), "user=") {
		user = ""
	}
	return rhost, user
}

// opened reads "USER[(uid=N)] by [ACTOR](uid=N)".
func (l pamLine) opened(s string, ev *ecs.Event) {
	user, by := s, ""
	if i := strings.LastIndex(s, " by "); i >= 0 {
		user, by = s[:i], s[i+len(" by "):]
	}
	switch {
	case pamPrivilege[l.service]:
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
	case pamNoLogin[l.service]:
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
	default:
		classify(ev, kindLogin, ecs.ActionLogin, ecs.OutcomeSuccess)
		ev.Varde.Attempt = true
	}
	l.who(ev, user, by)
	if ev.Varde.Attempt && ev.User != nil {
		// The service may say, or have said, the same in a line of its own.
		r := refusal{host: l.from.host, program: l.from.program + " opened", user: ev.User.Name, pid: l.from.pid, module: l.module, at: l.from.at}
		if l.from.stream.refusedAgain(r) {
			ev.Varde.Attempt = false
			classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
		}
	}
}

// who sets the user of a session: of sudo and su the one who asked, and the
// one who was become beside.
func (l pamLine) who(ev *ecs.Event, user, by string) {
	name, id := nameAndID(user)
	if pamPrivilege[l.service] {
		actor, _ := nameAndID(by)
		setUser(ev, actor)
		setTarget(ev, name, id)
		return
	}
	setUser(ev, name)
	if ev.User != nil {
		ev.User.ID = id
	}
}

// nameAndID splits "kari(uid=1000)".
func nameAndID(s string) (name, id string) {
	if i := strings.LastIndex(s, "(uid="); i >= 0 && strings.HasSuffix(s, ")") {
		return unescape(s[:i]), s[i+len("(uid=") : len(s)-1]
	}
	return unescape(s), ""
}

// locked reads the lines that say that an account was locked for its failures:
// the control of C1 worked. All others are kept as PAM's.
func locked(l pamLine, ev *ecs.Event) {
	user := ""
	switch l.module {
	case "pam_faillock":
		rest, begins := strings.CutPrefix(l.text, "Consecutive login failures for user ")
		name, ends := strings.CutSuffix(rest, " account temporarily locked")
		if begins && ends {
			user = name
		}
	case "pam_tally2", "pam_tally":
		rest, begins := strings.CutPrefix(l.text, "user ")
		i := strings.LastIndex(rest, " tally ")
		if begins && i > 0 && strings.Contains(rest[i:], ", deny ") {
			user, _, _ = strings.Cut(rest[:i], " (")
		}
	}
	if user == "" {
		return
	}
	setUser(ev, unescape(user))
	classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeSuccess)
}

// between returns what stands between two marks, "" where one is missing.
func between(s, begin, end string) string {
	i := strings.Index(s, begin)
	if i < 0 {
		return ""
	}
	s = s[i+len(begin):]
	j := strings.Index(s, end)
	if j < 0 {
		return ""
	}
	return s[:j]
}
