package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// suProgram reads su's own lines in the forms of util-linux, shadow, coreutils
// and BSD: a change of privilege, never a login.
var suProgram = program{
	name:  "su",
	knows: func(m *message) bool { return m.program == "su" || m.program == "su-l" || m.program == "runuser" },
	read:  readSu,
}

func readSu(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "su"}
	s, failed := m.text, false
	for _, bad := range [...]string{"FAILED SU ", "FAILED su ", "BAD SU "} {
		if rest, ok := strings.CutPrefix(s, bad); ok {
			s, failed = rest, true
			break
		}
	}
	s = strings.TrimPrefix(s, "Successful su ")
	who, target, tty, failedToo, ok := suForms(s)
	if !ok {
		return
	}
	failed = failed || failedToo
	setUser(ev, unescape(who))
	setTarget(ev, unescape(target), "")
	if tty != "" && tty != "none" {
		process(ev).TTY = strings.TrimPrefix(tty, "/dev/")
	}
	if failed {
		classify(ev, kindDenied, ecs.ActionPrivilege, ecs.OutcomeFailure)
		return
	}
	classify(ev, kindPrivilege, ecs.ActionPrivilege, ecs.OutcomeSuccess)
	if ev.User != nil {
		ev.User.Effective = &ecs.User{Name: unescape(target)}
	}
}

func suForms(s string) (who, target, tty string, failed, ok bool) {
	switch {
	case strings.HasPrefix(s, "(to "): // (to root) kari on pts/0
		target, rest, found := strings.Cut(s[len("(to "):], ") ")
		i := strings.LastIndex(rest, " on ")
		if !found || i < 0 {
			return "", "", "", false, false
		}
		return rest[:i], target, rest[i+len(" on "):], false, true
	case strings.HasPrefix(s, "for "): // for root by kari
		i := strings.LastIndex(s, " by ")
		if i < 0 {
			return "", "", "", false, false
		}
		return s[i+len(" by "):], s[len("for "):i], "", false, true
	case strings.HasPrefix(s, "+ ") || strings.HasPrefix(s, "- "): // + pts/0 kari:root
		tty, pair, found := strings.Cut(s[2:], " ")
		who, target, both := cutSeparator(pair)
		return who, target, tty, s[0] == '-', found && both
	case strings.HasPrefix(s, "'su "): // 'su root' succeeded for kari on /dev/pts/0
		target, rest, found := strings.Cut(s[len("'su "):], "' ")
		verdict, rest, both := strings.Cut(rest, " for ")
		i := strings.LastIndex(rest, " on ")
		if !found || !both || i < 0 {
			return "", "", "", false, false
		}
		return rest[:i], target, rest[i+len(" on "):], verdict != "succeeded", true
	}
	// BSD: kari to root on /dev/pts/0
	who, rest, found := strings.Cut(s, " to ")
	i := strings.LastIndex(rest, " on ")
	if !found || i < 0 {
		return "", "", "", false, false
	}
	return who, rest[:i], rest[i+len(" on "):], false, true
}

// cutSeparator splits "kari:root", or the older "kari-root".
func cutSeparator(pair string) (who, target string, ok bool) {
	if who, target, ok = strings.Cut(pair, ":"); ok {
		return who, target, true
	}
	return strings.Cut(pair, "-")
}
