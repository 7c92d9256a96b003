package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// oidcEvent reads the login events that OpenID Connect services in the public
// sector hand out: Feide's and Dataporten's, ID-porten's and those of software
// that logs the claims of a token. Known by a subject together with a client, an
// issuer or a login service, and a word for what happened.
var oidcEvent = jsonKind{
	name:   "oidc",
	module: "oidc",
	knows: func(o object) bool {
		if !(o.has("sub") || o.has("user_id") || o.has("userid") || o.has("feide_id") || o.has("principal") || o.has("eduPersonPrincipalName")) {
			return false
		}
		if !(o.has("iss") || o.has("client_id") || o.has("clientid") || o.has("service_provider") || o.has("sp") || o.has("issuer")) {
			return false
		}
		return o.has("event") || o.has("event_type") || o.has("action") || o.has("type") || o.has("acr") || o.has("amr") || o.has("status") || o.has("result")
	},
	read: readOIDC,
}

func readOIDC(s *Stream, o object, now time.Time, ev *ecs.Event) error {
	at := o.first("@timestamp", "timestamp", "time", "auth_time", "iat", "created", "ts")
	if err := s.setTime(ev, at, now); err != nil {
		return err
	}
	ev.Event.Provider = o.first("iss", "issuer", "idp", "login_service")
	what := strings.ToLower(o.first("event", "event_type", "action", "type"))
	ev.Event.Code = what
	ev.Message = what
	ev.Observer = &ecs.Observer{Type: "idp", Name: o.first("login_service", "idp", "iss", "issuer")}
	name := o.first("preferred_username", "eduPersonPrincipalName", "feide_id", "username", "principal", "email")
	sub := o.first("sub", "user_id", "userid")
	// Dataporten's secondary ids: feide:kari@kommune.no.
	for _, id := range o.texts("userid_sec") {
		if n, ok := strings.CutPrefix(id, "feide:"); ok && name == "" {
			name = n
		}
	}
	name = strings.TrimPrefix(name, "feide:")
	setMail(ev, either(name, sub))
	if sub != "" && name != "" {
		isUser(ev).ID = sub
	}
	if mail := o.str("email"); mail != "" && ev.User != nil {
		ev.User.Email = mail
	}
	if n := o.str("name"); n != "" && ev.User != nil {
		ev.User.FullName = n
	}
	ev.Source = party(o.first("ip", "ip_address", "client_ip", "remote_ip", "source_ip", "ipaddress", "remote_addr"))
	if c := o.first("client_id", "clientid", "service_provider", "sp", "aud"); c != "" {
		ev.Service = &ecs.Service{Name: c}
	}
	if ua := o.first("user_agent", "useragent", "userAgent"); ua != "" {
		ev.UserAgent = &ecs.UserAgent{Original: ua}
	}
	ev.Varde.Session = o.first("sid", "session_id", "session")
	label(ev, "acr", o.str("acr"))
	label(ev, "amr", strings.Join(o.texts("amr"), " "))
	if org := o.first("organization", "realm", "org", "schacHomeOrganization"); org != "" {
		ev.Org = &ecs.Organization{Name: org}
	}
	oidcMeaning(o, what, ev)
	return nil
}

// oidcMeaning: the word for what happened, then that for how it ended.
func oidcMeaning(o object, what string, ev *ecs.Event) {
	result := strings.ToLower(o.first("result", "outcome", "status"))
	ev.Event.Reason = o.first("error_description", "error", "reason")
	failed := strings.Contains(what, "fail") || strings.Contains(what, "error") || strings.Contains(what, "denied") ||
		strings.HasPrefix(result, "fail") || strings.HasPrefix(result, "err") || strings.HasPrefix(result, "denied") || result == "false" || o.has("error")
	switch {
	case strings.Contains(what, "logout"), strings.Contains(what, "end_session"):
		classify(ev, kindEnd, ecs.ActionLogoff, decides(!failed))
	case strings.Contains(what, "refresh"), strings.Contains(what, "token"), strings.Contains(what, "userinfo"), strings.Contains(what, "sso"):
		classify(ev, kindProbe, ecs.ActionProbe, decides(!failed))
	case strings.Contains(what, "login"), strings.Contains(what, "auth"), strings.Contains(what, "sign"), what == "":
		attempt(ev, decides(!failed), oidcMethod(o))
	default:
		classify(ev, kindInfo, what, decides(!failed))
	}
}

// oidcMethod names the first of amr (RFC 8176) as varde.method does.
func oidcMethod(o object) string {
	amr := o.texts("amr")
	if len(amr) == 0 {
		if a := o.str("amr"); a != "" {
			amr = []string{a}
		}
	}
	if len(amr) == 0 {
		return ""
	}
	switch first := strings.ToLower(amr[0]); first {
	case "pwd", "password", "pop":
		return "password"
	case "hwk", "swk", "fpt", "face":
		return "publickey"
	default:
		return first
	}
}
