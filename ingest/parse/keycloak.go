package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// keycloakProgram reads Keycloak's jboss-logging event listener in the server
// log: type=LOGIN_ERROR, realmId=… of old, type="LOGIN_ERROR", realmId="…" since 22.
var keycloakProgram = program{
	name:   "keycloak",
	module: "keycloak",
	knows: func(m *message) bool {
		switch m.program {
		case "keycloak", "kc.sh", "standalone.sh", "java":
			return keycloakEvent(afterStamp(m.text)) != ""
		}
		return false
	},
	read:  func(m *message, ev *ecs.Event) { readKeycloakText(keycloakEvent(afterStamp(m.text)), ev) },
	alone: func(text string) bool { return keycloakEvent(text) != "" },
}

// keycloakEvent finds the event in a line of the server log: level, category in
// brackets, thread in brackets. A bare event counts where type and realm stand
// first.
func keycloakEvent(text string) string {
	text = strings.TrimLeft(text, " ")
	if clock, rest, ok := strings.Cut(text, " "); ok && len(clock) == 12 && clock[2] == ':' && clock[8] == ',' {
		text = strings.TrimLeft(rest, " ")
	}
	for _, level := range [...]string{"WARN", "DEBUG", "INFO", "ERROR", "TRACE"} {
		rest, ok := strings.CutPrefix(text, level)
		if !ok {
			continue
		}
		rest = strings.TrimLeft(rest, " ")
		if !strings.HasPrefix(rest, "[org.keycloak.events]") && !strings.HasPrefix(rest, "[org.key.events]") {
			return ""
		}
		if _, rest, ok = strings.Cut(rest, ") "); !ok {
			return ""
		}
		text = strings.TrimLeft(rest, " ")
		return keycloakBegins(text)
	}
	return keycloakBegins(text)
}

// afterStamp passes over a time of the program's own.
func afterStamp(text string) string {
	if _, rest, found, _ := readStamp(text); found {
		return rest
	}
	return text
}

func keycloakBegins(text string) string {
	for _, b := range [...]string{`type=`, `operationType=`} {
		if strings.HasPrefix(text, b) && strings.Contains(text[:min(len(text), 120)], ", realmId=") {
			return text
		}
	}
	return ""
}

// keycloakPairs reads key=value or key="value" separated by ", ". Old versions
// quote nothing, so a value ends where ", KEY=" follows.
func keycloakPairs(into pairs, text string) pairs {
	for text != "" {
		key, rest, ok := strings.Cut(text, "=")
		if !ok {
			return into
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			end := strings.Index(rest[1:], `", `)
			if end < 0 {
				value, text = strings.TrimSuffix(rest[1:], `"`), ""
			} else {
				value, text = rest[1:1+end], rest[1+end+3:]
			}
		} else {
			value, text = unquotedUntilKey(rest)
		}
		into = append(into, pair{strings.TrimSpace(key), value})
	}
	return into
}

func unquotedUntilKey(s string) (value, rest string) {
	for from := 0; ; {
		i := strings.Index(s[from:], ", ")
		if i < 0 {
			return s, ""
		}
		i += from
		after := s[i+2:]
		if eq := strings.IndexByte(after, '='); eq > 0 && isIdentifier(after[:eq]) {
			return s[:i], after
		}
		from = i + 2
	}
}

func isIdentifier(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '_' && c != '.' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}

// keycloakFields is an event from any of the forms.
type keycloakFields struct {
	kind, realm, client, userID, user, session, ip, failure, method string
	operation, resource, path                                       string
}

func readKeycloakText(text string, ev *ecs.Event) {
	var room [32]pair
	p := keycloakPairs(room[:0], text)
	f := keycloakFields{
		kind: p.get("type"), realm: either(p.get("realmName"), p.get("realmId")), client: p.get("clientId"), userID: p.get("userId"),
		user: p.get("username"), session: p.get("sessionId"), ip: p.get("ipAddress"), failure: p.get("error"), method: p.get("auth_method"),
		operation: p.get("operationType"), resource: p.get("resourceType"), path: p.get("resourcePath"),
	}
	f.fill(ev)
}

// keycloakJSON reads an event as the admin API and webhooks give it, and the
// server log's JSON form with the same text in its message.
var keycloakJSON = jsonKind{
	name:   "keycloak",
	module: "keycloak",
	knows: func(o object) bool {
		if o.has("loggerName") {
			return o.is("org.keycloak.events", "loggerName") && o.has("message")
		}
		if o.is("org.keycloak.events", "log.logger") { // its ECS form
			return o.has("message")
		}
		if o.has("realmId") && (o.has("type") && (o.has("time") || o.has("ipAddress")) || o.has("operationType") && o.has("resourceType")) {
			return true
		}
		return false
	},
	read: func(s *Stream, o object, now time.Time, ev *ecs.Event) error {
		at := either(o.str("time"), o.str("timestamp"))
		if err := s.setTime(ev, either(at, o.str("@timestamp")), now); err != nil {
			return err
		}
		if o.has("loggerName") || o.has("log.logger") {
			setHost(ev, either(o.str("hostName"), o.str("host.hostname")))
			ev.Message = o.str("message")
			if text := keycloakBegins(ev.Message); text != "" {
				readKeycloakText(text, ev)
			}
			return nil
		}
		f := keycloakFields{
			kind: o.str("type"), realm: either(o.str("realmName"), o.str("realmId")), client: o.str("clientId"), userID: o.str("userId"),
			session: o.str("sessionId"), ip: o.str("ipAddress"), failure: o.str("error"), user: o.str("details", "username"), method: o.str("details", "auth_method"),
			operation: o.str("operationType"), resource: o.str("resourceType"), path: o.str("resourcePath"),
		}
		if a := o.obj("authDetails"); a.ok() {
			f.client, f.userID, f.ip = a.str("clientId"), a.str("userId"), a.str("ipAddress")
			f.user = a.str("username")
		}
		ev.Message = strings.TrimSpace(f.kind + f.operation + " " + f.resource)
		f.fill(ev)
		return nil
	},
}

func (f keycloakFields) fill(ev *ecs.Event) {
	ev.Event.Provider = "keycloak"
	ev.Event.Code = either(f.kind, f.operation)
	ev.Observer = &ecs.Observer{Product: "Keycloak", Vendor: "Keycloak", Type: "idp"}
	ev.Source = party(f.ip)
	setMail(ev, f.user)
	if id := word(f.userID); id != "" {
		isUser(ev).ID = id
	}
	label(ev, "realm", word(f.realm))
	if c := word(f.client); c != "" {
		ev.Service = &ecs.Service{Name: c}
	}
	ev.Varde.Session = word(f.session)
	ev.Event.Reason = word(f.failure)
	if f.operation != "" {
		f.admin(ev)
		return
	}
	f.meaning(ev)
}

func (f keycloakFields) meaning(ev *ecs.Event) {
	failed := strings.HasSuffix(f.kind, "_ERROR")
	outcome := decides(!failed)
	switch strings.TrimSuffix(f.kind, "_ERROR") {
	case "LOGIN":
		f.login(failed, ev)
	case "CLIENT_LOGIN":
		attempt(ev, outcome, "client-secret")
	case "LOGOUT":
		classify(ev, kindEnd, ecs.ActionLogoff, outcome)
	case "USER_DISABLED_BY_TEMPORARY_LOCKOUT", "USER_DISABLED_BY_PERMANENT_LOCKOUT":
		classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeSuccess)
	case "REGISTER":
		classify(ev, kindAdd, ecs.ActionAccountCreated, outcome)
		f.self(ev)
	case "UPDATE_PASSWORD", "RESET_PASSWORD", "UPDATE_CREDENTIAL":
		classify(ev, kindChange, ecs.ActionPasswordChange, outcome)
		f.self(ev)
	case "DELETE_ACCOUNT":
		classify(ev, kindDelete, ecs.ActionAccountDeleted, outcome)
		f.self(ev)
	case "UPDATE_PROFILE", "UPDATE_EMAIL", "UPDATE_TOTP", "REMOVE_TOTP", "REMOVE_CREDENTIAL", "VERIFY_EMAIL":
		classify(ev, kindChange, ecs.ActionAccountChanged, outcome)
		f.self(ev)
	case "IMPERSONATE":
		classify(ev, kindPrivilege, ecs.ActionPrivilege, outcome)
	default:
		classify(ev, kindProbe, strings.ReplaceAll(strings.ToLower(f.kind), "_", "-"), outcome)
	}
}

func (f keycloakFields) self(ev *ecs.Event) { setTarget(ev, f.user, word(f.userID)) }

// login: an error about the request is no try of a password.
func (f keycloakFields) login(failed bool, ev *ecs.Event) {
	method := "password"
	if f.method != "" && f.method != "openid-connect" && f.method != "saml" {
		method = f.method
	}
	if !failed {
		attempt(ev, ecs.OutcomeSuccess, method)
		return
	}
	switch f.failure {
	case "user_temporarily_disabled":
		classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeFailure)
	case "expired_code", "cookie_not_found", "invalid_redirect_uri", "client_not_found", "client_disabled", "session_expired", "user_session_not_found",
		"invalid_code", "different_user_authenticated", "already_logged_in", "invalid_request", "invalid_client", "not_allowed", "rejected_by_user", "access_denied",
		"ssl_required", "realm_disabled", "identity_provider_error", "identity_provider_login_failure", "invalid_saml_response", "temporarily_unavailable":
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeFailure)
	default:
		attempt(ev, ecs.OutcomeFailure, method)
	}
}

// admin: CREATE of USER at users/ID, of GROUP_MEMBERSHIP at users/ID/groups/ID.
func (f keycloakFields) admin(ev *ecs.Event) {
	outcome := decides(f.failure == "" || f.failure == "null")
	parts := strings.Split(f.path, "/")
	id := ""
	if len(parts) > 1 && parts[0] == "users" {
		id = parts[1]
		setTarget(ev, "", id)
	}
	label(ev, "resource", f.resource)
	create, remove := f.operation == "CREATE", f.operation == "DELETE"
	switch {
	case f.resource == "USER" && create:
		classify(ev, kindAdd, ecs.ActionAccountCreated, outcome)
	case f.resource == "USER" && remove:
		classify(ev, kindDelete, ecs.ActionAccountDeleted, outcome)
	case f.resource == "USER" && strings.HasSuffix(f.path, "/reset-password"):
		classify(ev, kindChange, ecs.ActionPasswordChange, outcome)
	case f.resource == "USER":
		classify(ev, kindChange, ecs.ActionAccountChanged, outcome)
	case (f.resource == "GROUP_MEMBERSHIP" || strings.HasSuffix(f.resource, "_ROLE_MAPPING")) && remove:
		classify(ev, kindGroup, ecs.ActionGroupRemoved, outcome)
	case f.resource == "GROUP_MEMBERSHIP" || strings.HasSuffix(f.resource, "_ROLE_MAPPING"):
		classify(ev, kindGroup, ecs.ActionGroupMember, outcome)
	case f.resource == "GROUP" && create:
		classify(ev, kindGroupAdd, "group-created", outcome)
	case f.resource == "GROUP" && remove:
		classify(ev, kindGroupDel, "group-deleted", outcome)
	default:
		classify(ev, kindConfig, actionConfigChanged, outcome)
	}
	if len(parts) > 3 && parts[2] == "groups" {
		ev.Group = &ecs.Group{ID: parts[3]}
	}
}
