package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// sudoProgram reads sudo's own lines, "USER : [REASON ; ]TTY=… ; PWD=… ;
// USER=… ; COMMAND=…". They are uses of privilege, never logins. The fields
// are read from the left: the command is last and may hold anything.
var sudoProgram = program{
	name:  "sudo",
	knows: func(m *message) bool { return m.program == "sudo" || m.program == "sudo-rs" },
	read:  readSudo,
}

func readSudo(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "sudo"}
	who, rest, ok := strings.Cut(strings.TrimLeft(m.text, " "), " : ")
	if !ok {
		return
	}
	setUser(ev, unescape(who))
	if command, ok := strings.CutPrefix(rest, "(command continued) "); ok {
		classify(ev, kind{[]string{"process"}, []string{"info"}}, "command-continued", "")
		setCommand(ev, command)
		return
	}
	reason := readSudoFields(rest, ev)
	if reason == "" {
		classify(ev, kindPrivilege, ecs.ActionPrivilege, ecs.OutcomeSuccess)
		if ev.User != nil && ev.User.Target != nil {
			ev.User.Effective = &ecs.User{Name: ev.User.Target.Name}
		}
		return
	}
	classify(ev, kindDenied, ecs.ActionPrivilege, ecs.OutcomeFailure)
	ev.Event.Reason = sudoReason(reason)
}

var sudoFields = [...]string{"HOST=", "TTY=", "CHROOT=", "PWD=", "CWD=", "USER=", "GROUP=", "TSID=", "ENV=", "COMMAND="}

// readSudoFields fills ev and returns the reason of a refusal, "" where there
// is none. A field ends where the next known one begins.
func readSudoFields(s string, ev *ecs.Event) (reason string) {
	for s != "" {
		name := sudoField(s)
		if name == "COMMAND=" {
			setCommand(ev, s[len(name):])
			return reason
		}
		part, rest := s, ""
		for i := strings.Index(s, " ; "); i >= 0; {
			if name == "" || sudoField(s[i+3:]) != "" {
				part, rest = s[:i], s[i+3:]
				break
			}
			next := strings.Index(s[i+3:], " ; ")
			if next < 0 {
				break
			}
			i += 3 + next
		}
		value := unescape(strings.TrimPrefix(part, name))
		switch name {
		case "":
			reason = part
		case "TTY=":
			process(ev).TTY = value
		case "PWD=":
			process(ev).WorkingDir = value
		case "USER=":
			setTarget(ev, value, "")
		case "GROUP=":
			label(ev, "group", value)
		}
		s = rest
	}
	return reason
}

func sudoField(s string) string {
	for _, f := range sudoFields {
		if strings.HasPrefix(s, f) {
			return f
		}
	}
	return ""
}

func process(ev *ecs.Event) *ecs.Process {
	if ev.Process == nil {
		ev.Process = &ecs.Process{}
	}
	return ev.Process
}

func setCommand(ev *ecs.Event, command string) { process(ev).CommandLine = unescape(command) }

// sudoReason is a slug for the refusals that sudo knows.
func sudoReason(s string) string {
	switch {
	case strings.HasSuffix(s, " incorrect password attempt") || strings.HasSuffix(s, " incorrect password attempts"):
		return "incorrect-password"
	case strings.EqualFold(s, "user NOT in sudoers"):
		return "not-in-sudoers"
	case strings.EqualFold(s, "user NOT authorized on host"):
		return "not-authorized-on-host"
	case s == "command not allowed":
		return "command-not-allowed"
	case s == "a password is required":
		return "password-required"
	}
	return unescape(s)
}
