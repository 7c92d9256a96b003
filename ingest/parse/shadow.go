package parse

import (
	"path"
	"strings"

	"varde.internal/schemas/ecs"
)

// shadowProgram reads the tools that keep /etc/passwd and /etc/group (the
// shadow suite, C10). user.target is who was changed, user who did it where the
// line says so, labels.group the group.
var shadowProgram = program{
	name: "shadow-utils",
	knows: func(m *message) bool {
		return shadowTools[m.program]
	},
	read: readShadow,
}

var shadowTools = set("useradd", "usermod", "userdel", "groupadd", "groupmod", "groupdel", "groupmems", "passwd", "chpasswd", "chgpasswd",
	"gpasswd", "chage", "chfn", "chsh", "newusers", "vipw", "vigr", "pwck", "grpck", "pwconv", "newgrp", "adduser", "deluser")

func readShadow(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: m.program}
	for _, p := range shadowPhrases {
		if rest, ok := strings.CutPrefix(m.text, p.begins); ok && p.read(rest, ev) {
			return
		}
	}
}

var shadowPhrases = []phrase{
	{"new user: name=", func(rest string, ev *ecs.Event) bool {
		name, more, _ := strings.Cut(rest, ", ")
		setTarget(ev, unescape(name), between(", "+more+",", "UID=", ","))
		classify(ev, kindAdd, ecs.ActionAccountCreated, ecs.OutcomeSuccess)
		return true
	}},
	{"failed adding user '", func(rest string, ev *ecs.Event) bool {
		name, _, ok := strings.Cut(rest, "'")
		setTarget(ev, unescape(name), "")
		classify(ev, kindAdd, ecs.ActionAccountCreated, ecs.OutcomeFailure)
		return ok
	}},
	{"delete user '", func(rest string, ev *ecs.Event) bool {
		return quotedUser(rest, ev, kindDelete, ecs.ActionAccountDeleted)
	}},
	{"add '", func(rest string, ev *ecs.Event) bool { return member(rest, " to ", ev, ecs.ActionGroupMember) }},
	{"delete '", func(rest string, ev *ecs.Event) bool { return member(rest, " from ", ev, ecs.ActionGroupRemoved) }},
	{"remove '", func(rest string, ev *ecs.Event) bool { return member(rest, " from ", ev, ecs.ActionGroupRemoved) }},
	{"user ", gpasswdMember},
	{"change user '", changedUser},
	{"changed user '", changedUser},
	{"change user name '", func(rest string, ev *ecs.Event) bool {
		old, rest, ok := strings.Cut(rest, "' to '")
		setTarget(ev, unescape(old), "")
		label(ev, "new_name", strings.TrimSuffix(rest, "'"))
		classify(ev, kindChange, ecs.ActionAccountChanged, ecs.OutcomeSuccess)
		return ok
	}},
	{"lock user '", func(rest string, ev *ecs.Event) bool {
		ev.Event.Reason = "locked-by-administrator"
		return quotedUser(rest, ev, kindChange, ecs.ActionAccountChanged)
	}},
	{"unlock user '", func(rest string, ev *ecs.Event) bool {
		ev.Event.Reason = "unlocked-by-administrator"
		return quotedUser(rest, ev, kindChange, ecs.ActionAccountChanged)
	}},
	{"password for '", passwordBy},
	{"password for ", passwordBy},
	{"changed password expiry for ", func(rest string, ev *ecs.Event) bool {
		setTarget(ev, unescape(rest), "")
		ev.Event.Reason = "password-expiry"
		classify(ev, kindChange, ecs.ActionAccountChanged, ecs.OutcomeSuccess)
		return true
	}},
	{"new group: name=", groupNamed(kindGroupAdd, "group-created")},
	{"group added to ", groupNamed(kindGroupAdd, "group-created")},
	{"group '", groupQuoted},
	{"removed group '", groupQuoted},
	{"removed shadow group '", groupQuoted},
	{"group changed in ", groupNamed(kindGroup, "group-changed")},
	{"members of group ", groupNamed(kindGroup, "group-changed")},
	{"administrators of group ", groupNamed(kindGroup, "group-changed")},
	{"change the password of group ", groupNamed(kindGroup, "group-changed")},
}

func quotedUser(rest string, ev *ecs.Event, k kind, action string) bool {
	name, _, ok := strings.Cut(rest, "'")
	setTarget(ev, unescape(name), "")
	classify(ev, k, action, ecs.OutcomeSuccess)
	return ok
}

// changedUser reads "kari' password", "kari' shell from …", "kari' information".
func changedUser(rest string, ev *ecs.Event) bool {
	name, what, ok := strings.Cut(rest, "' ")
	if !ok {
		return false
	}
	action := ecs.ActionAccountChanged
	if what == "password" {
		action = ecs.ActionPasswordChange
	}
	setTarget(ev, unescape(name), "")
	classify(ev, kindChange, action, ecs.OutcomeSuccess)
	ev.Event.Reason, _, _ = strings.Cut(what, " ")
	ev.Event.Reason = strings.ToLower(strings.TrimSuffix(ev.Event.Reason, ","))
	return true
}

// passwordBy reads "kari' changed by 'root'", or without the quotes.
func passwordBy(rest string, ev *ecs.Event) bool {
	i := strings.LastIndex(rest, " changed by ")
	if i < 0 {
		return false
	}
	setUser(ev, unescape(strings.Trim(rest[i+len(" changed by "):], "'")))
	setTarget(ev, unescape(strings.TrimSuffix(rest[:i], "'")), "")
	classify(ev, kindChange, ecs.ActionPasswordChange, ecs.OutcomeSuccess)
	return true
}

// member reads "kari' to group 'sudo'" and "… shadow group …".
func member(rest, way string, ev *ecs.Event, action string) bool {
	name, where, ok := strings.Cut(rest, "'"+way)
	where = strings.TrimPrefix(where, "shadow ")
	group, isGroup := strings.CutPrefix(where, "group '")
	if !ok || !isGroup {
		return false
	}
	setTarget(ev, unescape(name), "")
	group, _, _ = strings.Cut(group, "'")
	label(ev, "group", unescape(group))
	classify(ev, kindGroup, action, ecs.OutcomeSuccess)
	return true
}

// gpasswdMember reads "kari added by root to group sudo" and "… removed by root
// from group sudo".
func gpasswdMember(rest string, ev *ecs.Event) bool {
	for _, f := range [...]struct{ verb, way, action string }{
		{" added by ", " to group ", ecs.ActionGroupMember},
		{" removed by ", " from group ", ecs.ActionGroupRemoved},
	} {
		name, rest, ok := strings.Cut(rest, f.verb)
		by, group, both := strings.Cut(rest, f.way)
		if !ok || !both {
			continue
		}
		setUser(ev, unescape(by))
		setTarget(ev, unescape(name), "")
		label(ev, "group", unescape(group))
		classify(ev, kindGroup, f.action, ecs.OutcomeSuccess)
		return true
	}
	return false
}

func groupNamed(k kind, action string) func(string, *ecs.Event) bool {
	return func(rest string, ev *ecs.Event) bool {
		name := rest
		if _, after, ok := strings.Cut(rest, "name="); ok {
			name = after
		} else if _, after, ok := strings.Cut(rest, "(group "); ok {
			name, _, _ = strings.Cut(after, "/")
		}
		name, _, _ = strings.Cut(name, ",")
		name, _, _ = strings.Cut(name, " ")
		label(ev, "group", unescape(name))
		if _, by, ok := strings.Cut(rest, " set by "); ok {
			by, _, _ = strings.Cut(by, " ")
			setUser(ev, unescape(by))
		}
		classify(ev, k, action, ecs.OutcomeSuccess)
		return true
	}
}

// groupQuoted reads "sudo' removed from /etc/group", "sudo' owned by 'kari'".
func groupQuoted(rest string, ev *ecs.Event) bool {
	name, more, ok := strings.Cut(rest, "'")
	if !ok {
		return false
	}
	label(ev, "group", unescape(name))
	if file, ok := strings.CutPrefix(more, " removed from "); ok {
		label(ev, "file", path.Base(file))
	}
	classify(ev, kindGroupDel, "group-deleted", ecs.OutcomeSuccess)
	return true
}
