package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// googleWorkspace reads activities of the Reports API: login and admin.
var googleWorkspace = jsonKind{
	name:   "google_workspace",
	module: "google_workspace",
	knows: func(o object) bool {
		return o.has("id", "applicationName") && o.has("id", "time") && o.has("events")
	},
	read: readGoogle,
}

func readGoogle(s *Stream, o object, now time.Time, ev *ecs.Event) error {
	if err := s.setTime(ev, o.str("id", "time"), now); err != nil {
		return err
	}
	ev.Event.Provider = o.str("id", "applicationName")
	ev.Event.Dataset = "google_workspace." + ev.Event.Provider
	ev.Observer = &ecs.Observer{Vendor: "Google", Product: "Workspace", Type: "idp"}
	ev.Org = organization(o.str("id", "customerId"))
	label(ev, "record_id", o.str("id", "uniqueQualifier"))
	setMail(ev, o.str("actor", "email"))
	if id := o.str("actor", "profileId"); id != "" {
		isUser(ev).ID = id
	}
	ev.Source = party(o.str("ipAddress"))
	var names []string
	events := o.list("events")
	for _, e := range events {
		names = append(names, e.str("name"))
	}
	ev.Message = strings.Join(names, " ")
	for _, e := range events {
		googleMeaning(e, ev)
	}
	return nil
}

func googleParam(e object, name string) object {
	for _, p := range e.list("parameters") {
		if p.is(name, "name") {
			return p
		}
	}
	return object{}
}

// googleMeaning: of several events of one activity the one that decides a login
// holds.
func googleMeaning(e object, ev *ecs.Event) {
	if ev.Varde.Attempt {
		return
	}
	name := e.str("name")
	ev.Event.Code = name
	kindOf := googleParam(e, "login_type").str("value")
	label(ev, "login_type", kindOf)
	method := ""
	if kindOf == "google_password" {
		method = "password"
	}
	if changed := googleParam(e, "USER_EMAIL").str("value"); changed != "" {
		u := isTarget(ev)
		u.Name, u.Email = changed, changed
		splitLogin(u)
	}
	switch name {
	case "login_success":
		attempt(ev, ecs.OutcomeSuccess, method)
	case "login_failure":
		attempt(ev, ecs.OutcomeFailure, either(method, "password"))
		ev.Event.Reason = googleParam(e, "login_failure_type").str("value")
	case "login_challenge", "login_verification":
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	case "logout":
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	case "account_disabled_password_leak", "account_disabled_hijacked", "account_disabled_generic", "account_disabled_spamming", "account_disabled_spamming_through_relay":
		classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeSuccess)
	case "password_edit", "CHANGE_PASSWORD":
		classify(ev, kindChange, ecs.ActionPasswordChange, ecs.OutcomeSuccess)
	case "CREATE_USER":
		classify(ev, kindAdd, ecs.ActionAccountCreated, ecs.OutcomeSuccess)
	case "DELETE_USER":
		classify(ev, kindDelete, ecs.ActionAccountDeleted, ecs.OutcomeSuccess)
	case "SUSPEND_USER", "UNSUSPEND_USER", "recovery_email_edit", "recovery_phone_edit", "2sv_disable", "2sv_enroll":
		classify(ev, kindChange, ecs.ActionAccountChanged, ecs.OutcomeSuccess)
	case "ADD_GROUP_MEMBER", "GRANT_ADMIN_PRIVILEGE", "ASSIGN_ROLE":
		classify(ev, kindGroup, ecs.ActionGroupMember, ecs.OutcomeSuccess)
		googleGroup(e, ev)
	case "REMOVE_GROUP_MEMBER", "REVOKE_ADMIN_PRIVILEGE", "UNASSIGN_ROLE":
		classify(ev, kindGroup, ecs.ActionGroupRemoved, ecs.OutcomeSuccess)
		googleGroup(e, ev)
	default:
		classify(ev, kindInfo, name, "")
	}
}

func googleGroup(e object, ev *ecs.Event) {
	name := either(googleParam(e, "GROUP_EMAIL").str("value"), googleParam(e, "ROLE_NAME").str("value"))
	if name != "" {
		ev.Group = &ecs.Group{Name: name}
		label(ev, "group", name)
	}
}
