package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// tried makes the event an attempt of a service whose PAM modules may have said
// the same in a line of theirs: then the first line counts and this is a probe.
// service is PAM's name of it, module who speaks.
func (m *message) tried(ev *ecs.Event, service, module, outcome string) {
	user := ""
	if ev.User != nil {
		user = ev.User.Name
	}
	r := refusal{host: m.host, program: service, user: user, pid: m.pid, module: module, at: m.at}
	if outcome == ecs.OutcomeSuccess {
		r.program += " opened"
	}
	if m.stream.refusedAgain(r) {
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
		return
	}
	attempt(ev, outcome, "password")
}

// loginProgram reads login(1) of util-linux and of shadow, on consoles and
// serial lines.
var loginProgram = program{
	name:  "login",
	knows: func(m *message) bool { return m.program == "login" },
	read:  readLogin,
}

func readLogin(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "login"}
	text := m.text
	for _, begins := range [...]string{"FAILED LOGIN SESSION FROM ", "FAILED LOGIN ", "TOO MANY LOGIN TRIES "} {
		if rest, ok := strings.CutPrefix(text, begins); ok {
			refusedLogin(m, rest, ev)
			return
		}
	}
	user, place, ok := "", "", false
	if rest, is := strings.CutPrefix(text, "ROOT LOGIN"); is { // ROOT LOGIN ON tty1 FROM a; ROOT LOGIN  on '/dev/tty1'
		user, place, ok = "root", rest, true
	} else if rest, is := strings.CutPrefix(text, "LOGIN ON "); is { // LOGIN ON tty1 BY kari FROM a
		if tty, who, by := strings.Cut(rest, " BY "); by {
			who, from, _ := strings.Cut(who, " FROM ")
			user, place, ok = who, " ON "+tty+" FROM "+from, true
		}
	}
	if !ok {
		return
	}
	setUser(ev, unescape(user))
	readPlace(ev, place)
	m.tried(ev, "login", "login", ecs.OutcomeSuccess)
}

// refusedLogin reads "(1) on '/dev/tty1' FOR 'kari', Authentication failure" of
// shadow and "1 FROM tty1 FOR kari, Authentication failure" of util-linux.
func refusedLogin(m *message, rest string, ev *ecs.Event) {
	i := strings.Index(rest, " FOR ")
	if i < 0 {
		if !strings.HasPrefix(rest, "FOR ") {
			return
		}
		rest, i = " "+rest, 0
	}
	place, who := rest[:i], rest[i+len(" FOR "):]
	who, why, _ := cutLast(who, ", ")
	who = strings.Trim(who, "'")
	if who != "UNKNOWN" && who != "(unknown)" {
		setUser(ev, unescape(who))
	}
	if strings.Contains(why, "not known") || ev.User == nil {
		ev.Event.Reason = reasonInvalidUser
	}
	readPlace(ev, " FROM "+strings.TrimPrefix(strings.TrimLeft(place, "()0123456789 "), "FROM "))
	reason := ev.Event.Reason
	m.tried(ev, "login", "login", ecs.OutcomeFailure)
	ev.Event.Reason = reason
}

// readPlace takes a terminal and an address out of " ON tty1 FROM host".
func readPlace(ev *ecs.Event, s string) {
	s = strings.NewReplacer("'", "", " on ", " ON ", " from ", " FROM ").Replace(s)
	words := strings.Fields(s)
	for i, w := range words {
		if (w != "ON" && w != "FROM") || i+1 >= len(words) {
			continue
		}
		where := strings.TrimPrefix(words[i+1], "/dev/")
		if strings.HasPrefix(where, "tty") || strings.HasPrefix(where, "pts/") || strings.HasPrefix(where, "console") || strings.HasPrefix(where, "hvc") {
			process(ev).TTY = where
		} else if where != "ON" && where != "FROM" {
			ev.Source = party(where)
		}
	}
}

// cronProgram reads what cron runs and who changes a table of it: uses of an
// account, never logins.
var cronProgram = program{
	name: "cron",
	knows: func(m *message) bool {
		switch m.program {
		case "CRON", "cron", "crond", "CROND", "crontab", "anacron", "atd", "fcron":
			return true
		}
		return false
	},
	read: func(m *message, ev *ecs.Event) {
		ev.Service = &ecs.Service{Name: "cron"}
		who, rest, ok := strings.Cut(m.text, ") ")
		who, inBrackets := strings.CutPrefix(who, "(")
		if !ok || !inBrackets {
			return
		}
		setUser(ev, unescape(who))
		verb, rest, _ := strings.Cut(rest, " ")
		inner := strings.TrimSuffix(strings.TrimPrefix(rest, "("), ")")
		switch verb {
		case "CMD", "CMDEND":
			classify(ev, kind{[]string{"process"}, []string{"start"}}, "cron-command", ecs.OutcomeSuccess)
			setCommand(ev, strings.TrimSpace(inner))
		case "REPLACE", "DELETE", "RELOAD":
			classify(ev, kindConfig, "crontab-changed", ecs.OutcomeSuccess)
		case "FAILED", "AUTH", "WRONG", "NOT":
			classify(ev, kindDenied, ecs.ActionPrivilege, ecs.OutcomeFailure)
			ev.Event.Reason = "not-allowed"
		}
	},
}

// polkitProgram reads polkit and its pkexec: uses of privilege.
var polkitProgram = program{
	name:  "polkit",
	knows: func(m *message) bool { return m.program == "polkitd" || m.program == "pkexec" },
	read:  readPolkit,
}

func readPolkit(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: m.program}
	if m.program == "pkexec" {
		who, rest, ok := strings.Cut(m.text, ": ")
		if !ok {
			return
		}
		setUser(ev, who)
		setTarget(ev, between(rest, "[USER=", "]"), "")
		process(ev).WorkingDir = between(rest, "[CWD=", "]")
		if _, command, ok := strings.Cut(rest, "[COMMAND="); ok {
			setCommand(ev, strings.TrimSuffix(command, "]"))
		}
		if strings.HasPrefix(rest, "Executing command ") {
			classify(ev, kindPrivilege, ecs.ActionPrivilege, ecs.OutcomeSuccess)
		} else {
			classify(ev, kindDenied, ecs.ActionPrivilege, ecs.OutcomeFailure)
			ev.Event.Reason = "not-authorized"
		}
		return
	}
	// Operator of unix-session:1 [FAILED to authenticate|successfully authenticated as unix-user:root] to gain …
	// authorization for action A for … (owned by unix-user:kari)
	rest, ok := strings.CutPrefix(m.text, "Operator of ")
	if !ok {
		return
	}
	subject, verdict, _ := strings.Cut(rest, " ")
	if id, ok := strings.CutPrefix(subject, "unix-session:"); ok {
		ev.Varde.Session = id
	}
	if i := strings.LastIndex(verdict, "(owned by unix-user:"); i >= 0 {
		setUser(ev, strings.TrimSuffix(verdict[i+len("(owned by unix-user:"):], ")"))
	}
	label(ev, "polkit_action", between(verdict, " for action ", " for "))
	if as, ok := strings.CutPrefix(verdict, "successfully authenticated as unix-user:"); ok {
		as, _, _ = strings.Cut(as, " ")
		setTarget(ev, as, "")
		classify(ev, kindPrivilege, ecs.ActionPrivilege, ecs.OutcomeSuccess)
	} else if strings.HasPrefix(verdict, "FAILED to authenticate") {
		classify(ev, kindDenied, ecs.ActionPrivilege, ecs.OutcomeFailure)
		ev.Event.Reason = "incorrect-password"
	}
}

// dropbearProgram reads the small SSH server of routers and appliances. It
// cuts names short and writes them between quotes; the address is last.
var dropbearProgram = program{
	name:  "dropbear",
	knows: func(m *message) bool { return m.program == "dropbear" },
	read:  readDropbear,
}

func readDropbear(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "dropbear", Type: "ssh"}
	ev.Network = &ecs.Network{Protocol: "ssh", Transport: "tcp"}
	text, from, ok := cutLast(m.text, " from ")
	if ok {
		ev.Source = party(strings.Trim(strings.TrimSuffix(from, "."), "<>"))
	}
	for _, p := range dropbearPhrases {
		rest, begins := strings.CutPrefix(text, p.begins)
		if !begins {
			continue
		}
		name, extra := rest, ""
		if p.key {
			name, extra, _ = cutLast(rest, "' with ")
		}
		name = strings.TrimSuffix(strings.TrimPrefix(strings.TrimLeft(name, " "), "'"), "'")
		setUser(ev, readable(name))
		if p.outcome == "" {
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
			return
		}
		m.tried(ev, "dropbear", "dropbear", p.outcome)
		ev.Varde.Method = p.method
		if p.begins == noSuchUser {
			ev.Event.Reason = reasonInvalidUser
		}
		if i := strings.Index(extra, "SHA256:"); i >= 0 {
			ev.Varde.Key = &ecs.Key{Fingerprint: extra[i:]}
		} else if fields := strings.Fields(extra); len(fields) > 0 {
			ev.Varde.Key = &ecs.Key{Fingerprint: fields[len(fields)-1]}
		}
		return
	}
	switch {
	case strings.HasPrefix(m.text, "Child connection from "):
		classify(ev, kindConnect, actionConnectionOpened, "")
	case strings.HasPrefix(m.text, "Exit before auth"):
		classify(ev, kindConnect, actionConnectionClosed, "")
	case strings.HasPrefix(m.text, "Exit ("):
		name, _, _ := strings.Cut(m.text[len("Exit ("):], ")")
		setUser(ev, name)
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	}
}

const noSuchUser = "Login attempt for nonexistent user"

var dropbearPhrases = []struct {
	begins, outcome, method string
	key                     bool
}{
	{"Password auth succeeded for ", ecs.OutcomeSuccess, "password", false},
	{"PAM password auth succeeded for ", ecs.OutcomeSuccess, "password", false},
	{"Pubkey auth succeeded for ", ecs.OutcomeSuccess, "publickey", true},
	{"Auth succeeded with blank password for ", ecs.OutcomeSuccess, "password", false},
	{"Bad password attempt for ", ecs.OutcomeFailure, "password", false},
	{"Bad PAM password attempt for ", ecs.OutcomeFailure, "password", false},
	{noSuchUser, ecs.OutcomeFailure, "", false},
	{"Max auth tries reached - user ", "", "", false},
	{"Login attempt with wrong user ", "", "", false},
}
