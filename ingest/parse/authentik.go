package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// authentikLog reads authentik: events in its container's log, and as its API
// and notification transports give them. login and login_failed decide; the
// stage's own lines about a name that is not known (invalid_login) do where no
// event is made of them.
var authentikLog = jsonKind{
	name:   "authentik",
	module: "authentik",
	knows: func(o object) bool {
		if l := o.str("logger"); l != "" {
			return strings.HasPrefix(l, "authentik.")
		}
		a := o.str("app")
		return o.has("action") && o.has("client_ip") && (strings.HasPrefix(a, "authentik") || o.has("brand") || o.has("tenant"))
	},
	read: readAuthentik,
}

func readAuthentik(s *Stream, o object, now time.Time, ev *ecs.Event) error {
	if err := s.setTime(ev, either(o.str("timestamp"), o.str("created")), now); err != nil {
		return err
	}
	action := o.str("action")
	ev.Event.Provider, ev.Event.Code = "authentik", action
	ev.Message = either(o.str("event"), action)
	ev.Observer = &ecs.Observer{Vendor: "authentik", Product: "authentik", Type: "idp"}
	ev.Source = party(either(o.str("client_ip"), o.str("remote")))
	if d := word(o.str("host")); d != "" {
		ev.URL = &ecs.URL{Domain: d}
	}
	label(ev, "request_id", o.str("request_id"))
	who := o.obj("user")
	name := who.str("username")
	context := o.obj("context")
	if action == "login_failed" || name == "AnonymousUser" {
		name, who = context.str("username"), object{}
	}
	if id := o.str("identifier"); name == "" {
		name = id
	}
	setMail(ev, name)
	if id := who.str("pk"); id != "" {
		isUser(ev).ID = id
	}
	if mail := who.str("email"); mail != "" {
		isUser(ev).Email = mail
	}
	authentikMeaning(o, action, context, ev)
	return nil
}

func authentikMeaning(o object, action string, context object, ev *ecs.Event) {
	switch action {
	case "login":
		method := either(context.str("auth_method"), "password")
		attempt(ev, ecs.OutcomeSuccess, strings.ReplaceAll(method, "_", "-"))
	case "login_failed":
		attempt(ev, ecs.OutcomeFailure, "password")
		label(ev, "stage", context.str("stage", "name"))
	case "invalid_identifier":
		attempt(ev, ecs.OutcomeFailure, "password")
		ev.Event.Reason = reasonInvalidUser
		label(ev, "stage", o.str("stage"))
	case "logout":
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	case "password_set":
		classify(ev, kindChange, ecs.ActionPasswordChange, ecs.OutcomeSuccess)
	case "user_write":
		classify(ev, kindChange, ecs.ActionAccountChanged, ecs.OutcomeSuccess)
		if context.yes("created") {
			classify(ev, kindAdd, ecs.ActionAccountCreated, ecs.OutcomeSuccess)
		}
	case "impersonation_started", "impersonation_ended":
		classify(ev, kindPrivilege, ecs.ActionPrivilege, ecs.OutcomeSuccess)
	case "authorize_application":
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
		if app := context.str("authorized_application", "name"); app != "" {
			ev.Service = &ecs.Service{Name: app}
		}
	case "model_created", "model_updated", "model_deleted":
		authentikModel(action, context.obj("model"), ev)
	case "suspicious_request", "policy_execution", "policy_exception", "configuration_error", "flow_execution", "":
		classify(ev, kindInfo, action, "")
	default:
		classify(ev, kindInfo, action, "")
	}
}

func authentikModel(action string, model object, ev *ecs.Event) {
	classify(ev, kindConfig, actionConfigChanged, ecs.OutcomeSuccess)
	switch model.str("model_name") {
	case "user":
		setTarget(ev, model.str("name"), model.str("pk"))
		switch action {
		case "model_created":
			classify(ev, kindAdd, ecs.ActionAccountCreated, ecs.OutcomeSuccess)
		case "model_deleted":
			classify(ev, kindDelete, ecs.ActionAccountDeleted, ecs.OutcomeSuccess)
		default:
			classify(ev, kindChange, ecs.ActionAccountChanged, ecs.OutcomeSuccess)
		}
	case "group":
		ev.Group = &ecs.Group{Name: model.str("name"), ID: model.str("pk")}
		classify(ev, kindGroup, "group-changed", ecs.OutcomeSuccess)
	}
}
