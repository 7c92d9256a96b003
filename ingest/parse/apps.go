package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// nextcloud reads nextcloud.log: "Login failed: kari (Remote IP: 192.0.2.7)".
var nextcloud = jsonKind{
	name:   "nextcloud",
	module: "nextcloud",
	knows:  func(o object) bool { return o.has("reqId") && o.has("remoteAddr") && o.has("app") && o.has("message") },
	read: func(s *Stream, o object, now time.Time, ev *ecs.Event) error {
		if err := s.setTime(ev, o.str("time"), now); err != nil {
			return err
		}
		ev.Message = o.str("message")
		ev.Source = party(o.str("remoteAddr"))
		if u := o.str("url"); u != "" {
			ev.URL = &ecs.URL{Original: u}
		}
		if ua := word(o.str("userAgent")); ua != "" {
			ev.UserAgent = &ecs.UserAgent{Original: ua}
		}
		setMail(ev, word(o.str("user")))
		nextcloudMeaning(ev)
		return nil
	},
}

func nextcloudMeaning(ev *ecs.Event) {
	msg := ev.Message
	switch {
	case strings.HasPrefix(msg, "Login failed: "):
		name, ip, ok := lastCut(strings.TrimPrefix(msg, "Login failed: "), " (Remote IP: ")
		setMail(ev, strings.Trim(name, `'"`))
		if ok && ev.Source == nil {
			ev.Source = party(strings.TrimSuffix(ip, ")"))
		}
		attempt(ev, ecs.OutcomeFailure, "password")
	case strings.HasPrefix(msg, "Login successful: "):
		setMail(ev, strings.Trim(strings.TrimPrefix(msg, "Login successful: "), `'"`))
		attempt(ev, ecs.OutcomeSuccess, "password")
	case strings.HasPrefix(msg, "Login attempt: "):
		setMail(ev, strings.Trim(strings.TrimPrefix(msg, "Login attempt: "), `'"`))
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	case strings.HasPrefix(msg, "Logout occurred"):
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	case strings.HasPrefix(msg, "Two-factor challenge failed: "):
		_, rest, _ := strings.Cut(msg, "Two-factor challenge failed: ")
		name, _, _ := strings.Cut(rest, " (Remote IP: ")
		setMail(ev, strings.Trim(name, `'"`))
		attempt(ev, ecs.OutcomeFailure, "second-factor")
	case strings.HasPrefix(msg, "User created: "):
		setTarget(ev, strings.Trim(strings.TrimPrefix(msg, "User created: "), `'"`), "")
		classify(ev, kindAdd, ecs.ActionAccountCreated, ecs.OutcomeSuccess)
	case strings.HasPrefix(msg, "User deleted: "):
		setTarget(ev, strings.Trim(strings.TrimPrefix(msg, "User deleted: "), `'"`), "")
		classify(ev, kindDelete, ecs.ActionAccountDeleted, ecs.OutcomeSuccess)
	case strings.HasPrefix(msg, `User "`) && strings.Contains(msg, `" added to group "`):
		name, group, _ := strings.Cut(strings.TrimPrefix(msg, `User "`), `" added to group "`)
		setTarget(ev, name, "")
		ev.Group = &ecs.Group{Name: strings.TrimSuffix(group, `"`)}
		classify(ev, kindGroup, ecs.ActionGroupMember, ecs.OutcomeSuccess)
	case strings.HasPrefix(msg, "Password of user "):
		setTarget(ev, strings.Trim(strings.TrimSuffix(strings.TrimPrefix(msg, "Password of user "), " has been changed"), `'"`), "")
		classify(ev, kindChange, ecs.ActionPasswordChange, ecs.OutcomeSuccess)
	default:
		classify(ev, kindInfo, "", "")
	}
}

// gitlab reads auth.json, application_json.log and audit_json.log of GitLab,
// and its production_json.log where a login was refused.
var gitlab = jsonKind{
	name:   "gitlab",
	module: "gitlab",
	knows: func(o object) bool {
		if o.has("severity") && o.has("time") && (o.has("correlation_id") || o.has("meta.caller_id")) {
			return o.has("message") || o.has("author_id") || o.has("env")
		}
		return o.is("SessionsController", "controller") && o.has("action") && o.has("remote_ip")
	},
	read: func(s *Stream, o object, now time.Time, ev *ecs.Event) error {
		if err := s.setTime(ev, o.str("time"), now); err != nil {
			return err
		}
		ev.Message = either(o.str("message"), o.str("custom_message"))
		ev.Source = party(o.first("meta.remote_ip", "remote_ip", "ip_address"))
		setMail(ev, o.first("meta.user", "username", "author_name"))
		if id := o.first("meta.user_id", "user_id", "author_id"); id != "" && id != "-1" {
			isUser(ev).ID = id
		}
		if path := o.first("path", "meta.path"); path != "" {
			ev.URL = &ecs.URL{Path: path}
		}
		gitlabMeaning(o, ev)
		return nil
	},
}

// gitlabMeaning: messages are "Failed Login: username=kari ip=192.0.2.7",
// "Successful Login: …", "User Logout: …"; a refused form stands in
// production_json.log with status 401 or 422.
func gitlabMeaning(o object, ev *ecs.Event) {
	verb, rest, ok := strings.Cut(ev.Message, ": username=")
	if ok {
		name, ip, found := lastCut(rest, " ip=")
		setMail(ev, name)
		if found {
			ev.Source = party(ip)
		}
	}
	switch {
	case ok && verb == "Failed Login":
		attempt(ev, ecs.OutcomeFailure, "password")
	case ok && verb == "Successful Login":
		attempt(ev, ecs.OutcomeSuccess, "password")
	case ok && verb == "User Logout":
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	case o.has("with") && o.has("author_id"), o.is("authentication_event", "event_name"):
		attempt(ev, ecs.OutcomeSuccess, gitlabMethod(o.str("with")))
	case o.has("failed_login"):
		attempt(ev, ecs.OutcomeFailure, gitlabMethod(strings.ToLower(o.str("failed_login"))))
	case o.is("SessionsController", "controller") && o.is("create", "action"):
		if n, _ := o.num("status"); n == 401 || n == 422 {
			attempt(ev, ecs.OutcomeFailure, "password")
			return
		}
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	default:
		classify(ev, kindInfo, "", "")
	}
}

func gitlabMethod(with string) string {
	if with == "standard" || with == "" {
		return "password"
	}
	return with
}

// vaultwarden reads "[2026-11-22 10:00:00.123][vaultwarden::api::identity][ERROR]
// Username or password is incorrect. Try again. IP: 192.0.2.7. Username: kari@bo.example."
var vaultwarden = Format{
	Name:   "vaultwarden",
	Begins: "[",
	Detect: func(line string) bool {
		return strings.HasPrefix(line, "[20") && strings.Contains(line[:min(len(line), 60)], "][vaultwarden::")
	},
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		st, rest, found, err := readStamp(strings.TrimPrefix(line, "["))
		if err != nil || !found {
			return &Error{ReasonTimestamp, "there is no time in brackets"}
		}
		at, assumed, err := s.clock.resolve(st, now)
		if err != nil {
			return err
		}
		ev.Timestamp = at
		if assumed {
			ev.Event.Timezone = s.clock.zone.String()
		}
		ev.Event.Dataset, ev.Event.Module, ev.Varde.Parser = "vaultwarden", "vaultwarden", "vaultwarden"
		parts := strings.SplitN(strings.TrimPrefix(rest, "]"), "]", 3)
		if len(parts) < 3 {
			return nil
		}
		ev.Log = &ecs.Log{Level: strings.ToLower(strings.TrimPrefix(parts[1], "["))}
		ev.Message = strings.TrimPrefix(parts[2], " ")
		vaultwardenMeaning(ev)
		return nil
	},
}

// vaultwardenMeaning: the address stands before the name, which may hold anything.
func vaultwardenMeaning(ev *ecs.Event) {
	head, rest, ok := strings.Cut(ev.Message, " IP: ")
	ip, name, named := strings.Cut(rest, ". Username: ")
	switch {
	case strings.HasPrefix(ev.Message, "User ") && strings.Contains(ev.Message, " logged in successfully. IP: "):
		name, ip, _ = lastCut(strings.TrimPrefix(ev.Message, "User "), " logged in successfully. IP: ")
		attempt(ev, ecs.OutcomeSuccess, "password")
	case ok && strings.HasPrefix(head, "Username or password is incorrect"), ok && strings.Contains(head, "Invalid TOTP code"), ok && strings.HasPrefix(head, "This user has been disabled"):
		attempt(ev, ecs.OutcomeFailure, "password")
		if strings.Contains(head, "TOTP") {
			ev.Varde.Method = "totp"
		}
	case ok && strings.HasPrefix(head, "Invalid admin token"):
		attempt(ev, ecs.OutcomeFailure, "token")
		ev.Event.Reason = "invalid-admin-token"
	default:
		classify(ev, kindInfo, "", "")
		return
	}
	if !named && name == "" {
		ip, _, _ = strings.Cut(rest, " ")
	}
	ev.Source = party(strings.TrimSuffix(ip, "."))
	setMail(ev, strings.TrimSuffix(name, "."))
}

// gitea reads Gitea's and Forgejo's "2026/11/22 10:00:00 …auth.go:90:SignInPost()
// [I] Failed authentication attempt for kari from 192.0.2.7:51234: reason".
var gitea = Format{
	Name:   "gitea",
	Begins: "0123456789",
	Detect: func(line string) bool {
		return len(line) > 24 && line[4] == '/' && line[7] == '/' && line[10] == ' ' && allDigits(line[:4]) && strings.HasPrefix(line[20:], "...") ||
			len(line) > 24 && line[4] == '/' && line[7] == '/' && allDigits(line[:4]) && strings.Contains(line, "Failed authentication attempt for ") && strings.Contains(line[:min(len(line), 90)], "SignIn")
	},
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		st, rest, found, err := readStamp(strings.Replace(line[:min(len(line), 10)], "/", "-", 2) + line[min(len(line), 10):])
		if err != nil || !found {
			return &Error{ReasonTimestamp, "the time is not YYYY/MM/DD hh:mm:ss"}
		}
		at, assumed, err := s.clock.resolve(st, now)
		if err != nil {
			return err
		}
		ev.Timestamp = at
		if assumed {
			ev.Event.Timezone = s.clock.zone.String()
		}
		ev.Event.Dataset, ev.Event.Module, ev.Varde.Parser = "gitea", "gitea", "gitea"
		if i := strings.Index(rest, "] "); i >= 0 {
			rest = rest[i+2:]
		}
		ev.Message = rest
		head, from, ok := lastCut(rest, " from ")
		name, isFailure := strings.CutPrefix(head, "Failed authentication attempt for ")
		if !ok || !isFailure {
			classify(ev, kindInfo, "", "")
			return nil
		}
		setMail(ev, name)
		addr, reason, _ := strings.Cut(from, ": ")
		ev.Source = party(addr)
		if ev.Source != nil && ev.Source.Port == 0 && strings.HasSuffix(addr, ":0") {
			ev.Source = party(strings.TrimSuffix(addr, ":0"))
		}
		ev.Event.Reason = reason
		attempt(ev, ecs.OutcomeFailure, "password")
		return nil
	},
}

// grafana reads its logfmt: msg="Invalid username or password" and the request
// that was refused, with remote_addr and error.
var grafana = Format{
	Name:   "grafana",
	Begins: "l",
	Detect: func(line string) bool {
		return strings.HasPrefix(line, "logger=") && strings.Contains(line, " t=") && strings.Contains(line, " level=")
	},
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		var room [32]pair
		p := readPairs(room[:0], line, '=')
		if err := s.setTime(ev, p.get("t"), now); err != nil {
			return err
		}
		ev.Event.Dataset, ev.Event.Module, ev.Varde.Parser = "grafana", "grafana", "grafana"
		ev.Message = p.get("msg")
		ev.Source = party(p.get("remote_addr"))
		setMail(ev, p.any("uname", "username", "user"))
		if path := p.get("path"); path != "" {
			ev.URL = &ecs.URL{Path: path}
		}
		ev.Event.Reason = p.get("error")
		grafanaMeaning(p, s, ev)
		return nil
	},
}

// grafanaMeaning: the request that was refused has the address, and decides;
// old versions tell of it in a line of its own before.
func grafanaMeaning(p pairs, s *Stream, ev *ecs.Event) {
	msg := strings.ToLower(ev.Message)
	refused := p.get("path") == "/login" && p.get("status") == "401"
	switch {
	case msg == "successful login":
		attempt(ev, ecs.OutcomeSuccess, "password")
	case p.get("logger") == "context" && (msg == "invalid username or password" || refused):
		m := message{stream: s, at: ev.Timestamp}
		key := "grafana"
		if ev.Source != nil {
			key += ev.Source.IP
		}
		code := "said"
		if refused {
			code = "request"
		}
		m.attemptOnce(ev, key, code, ecs.OutcomeFailure, "password")
	case strings.Contains(ev.Event.Reason, "[password-auth."):
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeFailure)
	default:
		classify(ev, kindInfo, "", "")
	}
}
