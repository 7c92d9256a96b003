package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// outcome of a record; "" where it says none.
func (f *auditFields) outcome() string {
	switch f.res {
	case "success", "1", "yes":
		return ecs.OutcomeSuccess
	case "failed", "0", "no":
		return ecs.OutcomeFailure
	}
	return ""
}

// who is the account that a record is about: its name, or the name that the
// enriched form has for its number.
func (f *auditFields) who() (name, id string) {
	if f.acctGiven && f.acct != "" {
		if strings.HasPrefix(f.acct, "(") && strings.HasSuffix(f.acct, ")") {
			return "", "" // (unknown user), (invalid user)
		}
		return f.acct, f.id
	}
	return named(f.idName), f.id
}

// setAuditActor sets who did something: who logged in at first, else as whom
// the program runs.
func setAuditActor(ev *ecs.Event, f *auditFields) {
	id, name := f.auid, named(f.auidName)
	if id == "" && name == "" {
		id, name = f.uid, named(f.uidName)
	}
	if id == "" && name == "" {
		return
	}
	setUser(ev, name)
	isUser(ev).ID = id
}

func setAuditUser(ev *ecs.Event, f *auditFields) {
	name, id := f.who()
	if name == "" && f.acctGiven && strings.HasPrefix(f.acct, "(") {
		ev.Event.Reason = reasonInvalidUser
	}
	if name == "" && !f.acctGiven && id != "" && id == f.auid {
		name = named(f.auidName)
	}
	setUser(ev, name)
	if id != "" {
		isUser(ev).ID = id
	}
}

// Programs whose successful logins USER_LOGIN says.
var auditSaysLogin = set("sshd", "sshd-session", "sshd-auth", "login", "remote", "telnetd", "in.telnetd", "gdm", "gdm-session-worker", "gdm-binary",
	"lightdm", "sddm", "sddm-helper", "xdm", "kdm", "lxdm-session")

func (s *Stream) auditMeaning(kind, service string, f *auditFields, ev *ecs.Event) {
	outcome := f.outcome()
	if changed(kind, f, ev, outcome) {
		return
	}
	privilege := pamPrivilege[service]
	if privilege {
		setAuditActor(ev, f)
		name, id := f.who()
		setTarget(ev, name, id)
	} else {
		setAuditUser(ev, f)
	}
	switch kind {
	case "USER_LOGIN":
		classify(ev, kindLogin, ecs.ActionLogin, outcome)
		if outcome == ecs.OutcomeFailure && s.auditRefused(service, "USER_LOGIN", f, ev) {
			break
		}
		ev.Varde.Attempt = outcome != ""
	case "USER_AUTH":
		s.auditAuth(service, outcome, f, ev, privilege)
	case "USER_START":
		classify(ev, kindSession, ecs.ActionSessionStart, outcome)
		if outcome == ecs.OutcomeSuccess && !privilege && !pamNoLogin[service] && !auditSaysLogin[service] && !auditHelper[service] && strings.HasSuffix(f.op, "session_open") {
			classify(ev, kindLogin, ecs.ActionLogin, outcome)
			ev.Varde.Attempt = true
		}
	case "USER_END":
		classify(ev, kindEnd, ecs.ActionSessionEnd, outcome)
	case "USER_LOGOUT":
		classify(ev, kindEnd, ecs.ActionLogoff, outcome)
	case "USER_CMD":
		command(f, ev, outcome)
	case "LOGIN":
		classify(ev, kindSession, "session-assigned", outcome)
		setAuditActor(ev, f)
	case "USER_ACCT":
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
		if outcome == ecs.OutcomeFailure {
			ev.Event.Reason = "not-allowed"
		}
	case "ANOM_LOGIN_FAILURES", "RESP_ACCT_LOCK", "RESP_ACCT_UNLOCK_TIMED":
		if kind == "RESP_ACCT_LOCK" {
			classify(ev, kindChange, ecs.ActionAccountLocked, outcome)
			break
		}
		classify(ev, kindInfo, strings.ToLower(strings.ReplaceAll(kind, "_", "-")), outcome)
	default:
		classify(ev, kindInfo, strings.ToLower(strings.ReplaceAll(kind, "_", "-")), outcome)
	}
}

// Programs whose sessions are no logins, beside those of PAM's list.
var auditHelper = set("systemd", "polkit-agent-helper-1", "crontab", "atd", "unix_chkpwd", "fprintd", "ansible", "systemd-executor")

// auditAuth reads USER_AUTH: the opinion of PAM, or of sshd on a key.
func (s *Stream) auditAuth(service, outcome string, f *auditFields, ev *ecs.Event, privilege bool) {
	switch {
	case privilege && outcome == ecs.OutcomeFailure:
		classify(ev, kindDenied, ecs.ActionPrivilege, outcome)
		ev.Event.Reason = "incorrect-password"
	case privilege || outcome != ecs.OutcomeFailure || service != "sshd" && pamNoLogin[service] || auditHelper[service] || f.op == "destroy":
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	default:
		classify(ev, kindLogin, ecs.ActionLogin, outcome)
		ev.Varde.Method = auditMethod(f.op)
		if s.auditRefused(service, "USER_AUTH "+f.op, f, ev) {
			return
		}
		ev.Varde.Attempt = true
	}
}

func auditMethod(op string) string {
	switch {
	case op == "pubkey" || op == "pubkey_auth" || strings.HasSuffix(op, "key"):
		return "publickey"
	case strings.HasPrefix(op, "gssapi"):
		return "gssapi"
	case op == "hostbased":
		return "hostbased"
	case op == "challenge-response" || strings.HasPrefix(op, "keyboard"):
		return "keyboard-interactive"
	}
	return "password"
}

// auditRefused says whether another record has just said the same refusal, and
// makes the event a probe then.
func (s *Stream) auditRefused(service, record string, f *auditFields, ev *ecs.Event) bool {
	host := ""
	if ev.Host != nil {
		host = ev.Host.Name
	}
	at := ev.Timestamp
	if at.IsZero() {
		at = s.now
	}
	// The account is left out: one record has its name, the next its number.
	if !s.refusedAgain(refusal{host: host, program: "audit " + service, pid: pidOf(f.pid), module: record, at: at}) {
		return false
	}
	classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	return true
}

// command reads USER_CMD: what sudo ran, or would have.
func command(f *auditFields, ev *ecs.Event, outcome string) {
	k := kindPrivilege
	if outcome == ecs.OutcomeFailure {
		k = kindDenied
	}
	classify(ev, k, ecs.ActionPrivilege, outcome)
	setAuditActor(ev, f)
	process(ev).CommandLine = f.cmd
}

// changed reads the records about accounts and groups.
func changed(kind string, f *auditFields, ev *ecs.Event, outcome string) bool {
	k, action := kindChange, ecs.ActionAccountChanged
	switch kind {
	case "ADD_USER":
		k, action = kindAdd, ecs.ActionAccountCreated
	case "DEL_USER":
		k, action = kindDelete, ecs.ActionAccountDeleted
	case "USER_MGMT":
		k, action = memberChange(f, k, action)
	case "USER_CHAUTHTOK":
		action = ecs.ActionPasswordChange
		if strings.Contains(f.op, "lock") || strings.Contains(f.op, "aging") || strings.Contains(f.op, "expir") {
			action = ecs.ActionAccountChanged
		}
	case "GRP_MGMT", "GRP_CHAUTHTOK":
		k, action = memberChange(f, kindGroup, "group-changed")
	case "ADD_GROUP":
		k, action = kindGroupAdd, "group-created"
	case "DEL_GROUP":
		k, action = kindGroupDel, "group-deleted"
	case "ACCT_LOCK":
		ev.Event.Reason = "locked-by-administrator"
	case "ACCT_UNLOCK":
		ev.Event.Reason = "unlocked-by-administrator"
	default:
		return false
	}
	classify(ev, k, action, outcome)
	setAuditActor(ev, f)
	name, id := f.who()
	if kind == "ADD_GROUP" || kind == "DEL_GROUP" || strings.HasPrefix(action, "group-c") || strings.HasPrefix(action, "group-d") {
		if f.grp == "" {
			f.grp = name
		}
	} else {
		setTarget(ev, name, id)
	}
	if f.grp != "" {
		label(ev, "group", f.grp)
		ev.Group = &ecs.Group{Name: f.grp}
	}
	return true
}

func memberChange(f *auditFields, k kind, action string) (kind, string) {
	switch {
	case strings.Contains(f.op, "add-user-to") || strings.Contains(f.op, "add-member") || strings.Contains(f.op, "adding user to group") || strings.Contains(f.op, "add-to"):
		return kindGroup, ecs.ActionGroupMember
	case strings.Contains(f.op, "delete-user-from") || strings.Contains(f.op, "remove-member") || strings.Contains(f.op, "removing user from group") || strings.Contains(f.op, "deleting user from group") || strings.Contains(f.op, "delete-from"):
		return kindGroup, ecs.ActionGroupRemoved
	}
	return k, action
}
