package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// okta reads Okta's System Log. user.session.start decides a login; a second
// factor that is refused ends one before it gets there.
var okta = jsonKind{
	name:   "okta.system",
	module: "okta",
	knows: func(o object) bool {
		return o.has("eventType") && o.has("published") && o.has("outcome") && (o.has("actor") || o.has("legacyEventType") || o.has("uuid"))
	},
	read: readOkta,
}

func readOkta(s *Stream, o object, now time.Time, ev *ecs.Event) error {
	if err := s.setTime(ev, o.str("published"), now); err != nil {
		return err
	}
	kindOf := o.str("eventType")
	ev.Event.Provider, ev.Event.Code = "okta", kindOf
	ev.Message = either(o.str("displayMessage"), kindOf)
	ev.Observer = &ecs.Observer{Vendor: "Okta", Product: "Okta", Type: "idp"}
	label(ev, "record_id", o.str("uuid"))
	if who := o.obj("actor"); who.ok() && !who.is("SystemPrincipal", "type") {
		setMail(ev, notUnknown(who.str("alternateId")))
		if id := notUnknown(who.str("id")); id != "" {
			isUser(ev).ID = id
		}
		if n := notUnknown(who.str("displayName")); n != "" {
			isUser(ev).FullName = n
		}
	}
	ev.Source = party(o.str("client", "ipAddress"))
	if ev.Source == nil {
		for _, hop := range o.list("request", "ipChain") {
			if ev.Source = party(hop.str("ip")); ev.Source != nil {
				break
			}
		}
	}
	oktaPlace(o, ev)
	if ua := o.str("client", "userAgent", "rawUserAgent"); word(ua) != "" {
		ev.UserAgent = &ecs.UserAgent{Original: ua}
	}
	ev.Varde.Session = notUnknown(o.str("authenticationContext", "externalSessionId"))
	ev.Event.Reason = o.str("outcome", "reason")
	result := o.str("outcome", "result")
	oktaTargets(o.list("target"), ev)
	oktaMeaning(o, kindOf, oktaOutcome(result), ev)
	return nil
}

func notUnknown(s string) string {
	if strings.EqualFold(s, "unknown") {
		return ""
	}
	return s
}

func oktaOutcome(result string) string {
	switch result {
	case "SUCCESS", "ALLOW":
		return ecs.OutcomeSuccess
	case "FAILURE", "DENY", "ABANDONED", "RATE_LIMIT":
		return ecs.OutcomeFailure
	}
	return ecs.OutcomeUnknown
}

func oktaPlace(o object, ev *ecs.Event) {
	if ev.Source == nil {
		return
	}
	g := o.obj("client", "geographicalContext")
	geo := ecs.Geo{City: g.str("city"), Region: g.str("state"), CountryName: g.str("country")}
	if geo != (ecs.Geo{}) {
		ev.Source.Geo = &geo
	}
}

func oktaTargets(targets []object, ev *ecs.Event) {
	for _, t := range targets {
		switch t.str("type") {
		case "User", "AppUser":
			if ev.User != nil && ev.User.ID != "" && ev.User.ID == t.str("id") || ev.User != nil && ev.User.Target != nil {
				continue
			}
			u := isTarget(ev)
			u.Name, u.ID, u.FullName = notUnknown(t.str("alternateId")), t.str("id"), t.str("displayName")
			splitLogin(u)
			if isMail(u.Name) {
				u.Email = u.Name
			}
		case "UserGroup", "ROLE":
			ev.Group = &ecs.Group{ID: t.str("id"), Name: t.str("displayName")}
			label(ev, "group", ev.Group.Name)
		case "AppInstance":
			ev.Service = &ecs.Service{Name: t.str("displayName")}
		}
	}
}

func oktaMeaning(o object, kindOf, outcome string, ev *ecs.Event) {
	switch kindOf {
	case "user.session.start":
		attempt(ev, outcome, oktaMethod(o))
		if outcome == ecs.OutcomeUnknown {
			classify(ev, kindProbe, ecs.ActionProbe, outcome)
			ev.Varde.Attempt = false
		}
	case "user.authentication.auth_via_mfa", "user.authentication.verify":
		if outcome == ecs.OutcomeFailure {
			attempt(ev, outcome, oktaMethod(o))
			label(ev, "second_factor", strings.ToLower(o.str("debugContext", "debugData", "factor")))
			return
		}
		classify(ev, kindProbe, ecs.ActionProbe, outcome)
	case "user.authentication.auth_via_radius":
		attempt(ev, outcome, "password")
	case "user.session.end":
		classify(ev, kindEnd, ecs.ActionLogoff, outcome)
	case "user.authentication.sso":
		classify(ev, kindSession, ecs.ActionSessionStart, outcome)
	case "user.account.lock", "user.account.lock.limit":
		classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeSuccess)
		aboutActor(ev)
	case "user.account.unlock", "user.account.unlock_by_admin", "user.account.unlock_token":
		classify(ev, kindChange, "account-unlocked", outcome)
	case "user.lifecycle.create":
		classify(ev, kindAdd, ecs.ActionAccountCreated, outcome)
	case "user.lifecycle.delete.initiated", "user.lifecycle.delete.completed", "user.lifecycle.delete":
		classify(ev, kindDelete, ecs.ActionAccountDeleted, outcome)
	case "user.lifecycle.activate", "user.lifecycle.deactivate", "user.lifecycle.suspend", "user.lifecycle.unsuspend", "user.lifecycle.reactivate",
		"user.account.update_profile", "user.mfa.factor.activate", "user.mfa.factor.deactivate", "user.mfa.factor.reset_all", "user.mfa.factor.update":
		classify(ev, kindChange, ecs.ActionAccountChanged, outcome)
	case "user.account.reset_password", "user.account.update_password":
		classify(ev, kindChange, ecs.ActionPasswordChange, outcome)
	case "group.user_membership.add", "user.account.privilege.grant", "iam.resourceset.bindings.add":
		classify(ev, kindGroup, ecs.ActionGroupMember, outcome)
	case "group.user_membership.remove", "user.account.privilege.revoke":
		classify(ev, kindGroup, ecs.ActionGroupRemoved, outcome)
	default:
		switch {
		case strings.HasPrefix(kindOf, "user.authentication."), strings.HasPrefix(kindOf, "policy.evaluate_sign_on"):
			classify(ev, kindProbe, ecs.ActionProbe, outcome)
		case strings.HasPrefix(kindOf, "policy."), strings.HasPrefix(kindOf, "application.lifecycle"), strings.HasPrefix(kindOf, "system.api_token"), strings.HasPrefix(kindOf, "zone."):
			classify(ev, kindConfig, kindOf, outcome)
		default:
			classify(ev, kindInfo, kindOf, outcome)
		}
	}
}

// aboutActor: a lock is about the one who tried, whom some records name as the
// target only.
func aboutActor(ev *ecs.Event) {
	if u := ev.User; u != nil && u.Target != nil && u.Target.Name != "" {
		target := u.Target
		setMail(ev, target.Name)
		ev.User.ID, ev.User.FullName, ev.User.Target = target.ID, target.FullName, nil
	}
}

func oktaMethod(o object) string {
	switch kind := o.str("authenticationContext", "credentialType"); kind {
	case "", "PASSWORD", "UNKNOWN", "EMAIL":
		if f := o.str("debugContext", "debugData", "factor"); f != "" && f != "PASSWORD_AS_FACTOR" {
			return strings.ReplaceAll(strings.ToLower(f), "_", "-")
		}
		if kind == "UNKNOWN" || kind == "EMAIL" {
			return ""
		}
		return "password"
	case "CERTIFICATE":
		return "certificate"
	default:
		return strings.ReplaceAll(strings.ToLower(kind), "_", "-")
	}
}
