package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// logindProgram reads systemd-logind's sessions: they begin and end, but who
// logged in has been decided by the service before.
var logindProgram = program{
	name:  "systemd-logind",
	knows: func(m *message) bool { return m.program == "systemd-logind" },
	read: func(m *message, ev *ecs.Event) {
		if rest, ok := strings.CutPrefix(m.text, "New session "); ok {
			id, rest, ok := strings.Cut(rest, " of user ")
			if !ok {
				return
			}
			user, _, _ := strings.Cut(rest, " with class ")
			setUser(ev, strings.Trim(strings.TrimSuffix(user, "."), "'"))
			ev.Varde.Session = strings.Trim(id, "'")
			classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
			return
		}
		id, ok := strings.CutPrefix(m.text, "Removed session ")
		if !ok {
			rest, begins := strings.CutPrefix(m.text, "Session ")
			id, _, ok = strings.Cut(rest, " logged out")
			ok = ok && begins
		}
		if ok {
			ev.Varde.Session = strings.Trim(strings.TrimSuffix(id, "."), "'")
			classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
		}
	},
}
