package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// pfsenseProgram reads the web interface and the packet filter of pfSense and
// OPNsense.
var pfsenseProgram = program{
	name:   "pfsense",
	module: "pfsense",
	knows: func(m *message) bool {
		switch m.program {
		case "filterlog", "sshguard":
			return true
		case "php-fpm", "php", "audit", "opnsense", "api", "configd.py":
			_, text := pfsensePage(m.text)
			return strings.HasPrefix(text, "Successful login for user '") || strings.HasPrefix(text, "webConfigurator authentication error for ") ||
				strings.HasPrefix(text, "Web GUI authentication error for ") || strings.HasPrefix(text, "User logged out for user '") ||
				strings.HasPrefix(text, "Session timed out for user '") || strings.HasPrefix(text, "user ") && strings.Contains(text, "authenticated successfully for")
		}
		return false
	},
	read: readPfsense,
}

// pfsensePage passes over "/index.php: ".
func pfsensePage(text string) (page, rest string) {
	if strings.HasPrefix(text, "/") {
		if page, rest, ok := strings.Cut(text, ": "); ok && !strings.Contains(page, " ") {
			return page, rest
		}
	}
	return "", text
}

func readPfsense(m *message, ev *ecs.Event) {
	ev.Observer = &ecs.Observer{Type: "firewall", Product: "pfSense"}
	switch m.program {
	case "filterlog":
		readFilterlog(m, ev)
		return
	case "sshguard":
		readSSHGuard(m.text, ev)
		return
	}
	ev.Service = &ecs.Service{Name: "webConfigurator", Type: "admin"}
	page, text := pfsensePage(m.text)
	if page != "" {
		ev.URL = &ecs.URL{Path: page}
	}
	success := strings.HasPrefix(text, "Successful login for user '")
	_, rest, _ := strings.Cut(text, " for ")
	rest = strings.TrimPrefix(rest, "user ")
	user, from, ok := lastCut(rest, "' from: ")
	if !ok {
		user, from, ok = lastCut(rest, "' from ")
	}
	if ok {
		setLogin(ev, strings.TrimPrefix(user, "'"))
		from, _, _ = strings.Cut(from, " ")
		ev.Source = party(strings.TrimRight(from, ",."))
	}
	switch {
	case success:
		attempt(ev, ecs.OutcomeSuccess, "password")
	case strings.Contains(text[:min(len(text), 40)], "authentication error"):
		attempt(ev, ecs.OutcomeFailure, "password")
	case strings.HasPrefix(text, "User logged out"), strings.HasPrefix(text, "Session timed out"):
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	default:
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeSuccess)
	}
}

// readFilterlog reads pf's line of CSV (filterlog): rule, interface, action,
// direction, then what the version of IP has.
func readFilterlog(m *message, ev *ecs.Event) {
	var room [32]string
	f := readCSV(room[:0], m.text)
	ev.Rule = &ecs.Rule{ID: either(f.at(3), f.at(0))}
	ev.Observer.Ingress = boundary(f.at(4), "")
	ev.Network = &ecs.Network{Direction: map[string]string{"in": "inbound", "out": "outbound"}[f.at(7)]}
	src, transport := 18, 16
	if f.at(8) == "6" {
		src, transport = 15, 12
		ev.Network.Type = "ipv6"
	} else {
		ev.Network.Type = "ipv4"
	}
	ev.Network.Transport = strings.ToLower(f.at(transport))
	from, to := "", ""
	if t := ev.Network.Transport; t == "tcp" || t == "udp" {
		from, to = f.at(src+2), f.at(src+3)
	}
	ev.Source, ev.Destination = partyPort(f.at(src), from), partyPort(f.at(src+1), to)
	switch f.at(6) {
	case "block", "reject":
		classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
	default:
		classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
	}
}

// readSSHGuard: `Attack from "192.0.2.7" on service SSH with danger 10.` and
// `Blocking "192.0.2.7/32" for 120 secs (…)`. What it saw, sshd has logged.
func readSSHGuard(text string, ev *ecs.Event) {
	ev.Observer.Product = "sshguard"
	_, rest, ok := strings.Cut(text, `"`)
	ip, _, _ := strings.Cut(rest, `"`)
	if ok {
		ip, _, _ = strings.Cut(ip, "/")
		ev.Source = party(ip)
	}
	switch {
	case strings.HasPrefix(text, "Blocking "):
		classify(ev, kindFlowDenied, "address-blocked", ecs.OutcomeSuccess)
	case strings.HasPrefix(text, "Attack from "):
		classify(ev, kindConnect, "attack-noticed", "")
	default:
		classify(ev, kindInfo, "", "")
	}
}

// mikrotikProgram reads RouterOS: "user admin logged in from 192.0.2.7 via
// winbox", "login failure for user admin from 192.0.2.7 via ssh", and those of PPP.
var mikrotikProgram = program{
	name:   "mikrotik",
	module: "mikrotik",
	knows: func(m *message) bool {
		return strings.HasPrefix(m.program, "system,") || strings.Contains(m.program, ",ppp,") || strings.HasPrefix(m.program, "ppp,") ||
			mikrotikTopics(m.text)
	},
	read:  readMikrotik,
	alone: mikrotikTopics,
}

func mikrotikTopics(text string) bool {
	topics, rest, ok := strings.Cut(text, " ")
	return ok && strings.HasPrefix(topics, "system,") && strings.Contains(topics, "account") && strings.HasPrefix(rest, "user ") ||
		ok && topics == "system,error,critical" && strings.HasPrefix(rest, "login failure for user ")
}

func readMikrotik(m *message, ev *ecs.Event) {
	ev.Observer = &ecs.Observer{Vendor: "MikroTik", Product: "RouterOS", Type: "router"}
	text := m.text
	if mikrotikTopics(text) {
		_, text, _ = strings.Cut(text, " ")
	}
	if rest, ok := strings.CutPrefix(text, "login failure for user "); ok {
		mikrotikWho(rest, ev)
		attempt(ev, ecs.OutcomeFailure, "password")
		return
	}
	if rest, ok := strings.CutPrefix(text, "user "); ok {
		if user, from, found := lastCut(rest, " logged in from "); found {
			mikrotikWho(user+" from "+from, ev)
			attempt(ev, ecs.OutcomeSuccess, "password")
			return
		}
		if user, from, found := lastCut(rest, " logged out from "); found {
			mikrotikWho(user+" from "+from, ev)
			classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
			return
		}
		if user, found := strings.CutSuffix(rest, " authentication failed"); found {
			setLogin(ev, user)
			attempt(ev, ecs.OutcomeFailure, "password")
			return
		}
	}
	if user, rest, ok := lastCut(text, " logged in, "); ok && !strings.Contains(user, ": ") {
		setLogin(ev, user)
		inner, from, _ := strings.Cut(rest, " from ")
		ev.Source = party(from)
		innerAddress(ev, inner)
		attempt(ev, ecs.OutcomeSuccess, "password")
		return
	}
	if user, _, ok := lastCut(text, " logged out, "); ok {
		setLogin(ev, user)
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
		return
	}
	if _, user, ok := strings.Cut(text, ">: user "); ok && strings.HasSuffix(user, " authentication failed") {
		setLogin(ev, strings.TrimSuffix(user, " authentication failed"))
		attempt(ev, ecs.OutcomeFailure, "password")
		return
	}
	classify(ev, kindInfo, "", "")
}

func mikrotikWho(rest string, ev *ecs.Event) {
	user, from, ok := lastCut(rest, " from ")
	if !ok {
		user, from, _ = lastCut(rest, " via ")
		setLogin(ev, user)
		ev.Service = &ecs.Service{Name: from, Type: "admin"}
		return
	}
	setLogin(ev, user)
	ip, via, _ := strings.Cut(from, " via ")
	if hw := mac(ip); hw != "" {
		ev.Source = &ecs.Endpoint{MAC: hw}
	} else {
		ev.Source = party(ip)
	}
	if via != "" {
		ev.Service = &ecs.Service{Name: via, Type: "admin"}
	}
}

// juniperProgram reads Junos: SSHD_LOGIN_FAILED, UI_AUTH_EVENT, UI_LOGIN_EVENT,
// UI_LOGOUT_EVENT, LOGIN_FAILED, account locks, and flows of SRX.
var juniperProgram = program{
	name:   "juniper",
	module: "juniper",
	knows: func(m *message) bool {
		if i := strings.IndexByte(m.text[:min(len(m.text), 8)], '_'); i < 2 {
			return false
		}
		id, _, ok := strings.Cut(m.text[:min(len(m.text), 48)], ": ")
		if !ok {
			return false
		}
		switch id {
		case "SSHD_LOGIN_FAILED", "SSHD_LOGIN_ATTEMPTS_THRESHOLD", "UI_AUTH_EVENT", "UI_LOGIN_EVENT", "UI_LOGOUT_EVENT", "UI_COMMIT", "LOGIN_FAILED", "LOGIN_PAM_AUTHENTICATION_ERROR",
			"LIBJNX_LOGIN_ACCOUNT_LOCKED", "LIBJNX_LOGIN_ACCOUNT_UNLOCKED", "RT_FLOW_SESSION_CREATE", "RT_FLOW_SESSION_CLOSE", "RT_FLOW_SESSION_DENY", "LOGIN_INFORMATION", "LOGIN_ROOT":
			return true
		}
		return false
	},
	read: readJuniper,
}

func readJuniper(m *message, ev *ecs.Event) {
	id, text, _ := strings.Cut(m.text, ": ")
	ev.Event.Code = id
	ev.Observer = &ecs.Observer{Vendor: "Juniper", Product: "Junos", Type: "router"}
	user := func(after string) string {
		_, rest, _ := strings.Cut(text, after)
		name, _, _ := strings.Cut(rest, "'")
		return name
	}
	switch id {
	case "SSHD_LOGIN_FAILED", "LOGIN_FAILED":
		name, from, ok := lastCut(text, "' from host '")
		if !ok {
			name, from, _ = lastCut(text, "' from host ")
		}
		setLogin(ev, strings.TrimPrefix(strings.TrimPrefix(name, "Login failed for user '"), "Login failed for user "))
		ev.Source = party(strings.Trim(from, "'."))
		attempt(ev, ecs.OutcomeFailure, "password")
	case "UI_LOGIN_EVENT":
		setLogin(ev, user("User '"))
		if _, conn, ok := strings.Cut(text, "ssh-connection '"); ok {
			w := strings.Fields(strings.TrimSuffix(conn, "'"))
			if len(w) >= 2 {
				ev.Source = partyPort(w[0], w[1])
			}
		}
		attempt(ev, ecs.OutcomeSuccess, "")
	case "UI_AUTH_EVENT":
		setLogin(ev, user("user '"))
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeSuccess)
	case "UI_LOGOUT_EVENT":
		setLogin(ev, user("User '"))
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	case "UI_COMMIT":
		setLogin(ev, user("User '"))
		classify(ev, kindConfig, actionConfigChanged, ecs.OutcomeSuccess)
	case "LIBJNX_LOGIN_ACCOUNT_LOCKED":
		setLogin(ev, user("user '"))
		classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeSuccess)
	case "RT_FLOW_SESSION_CREATE", "RT_FLOW_SESSION_CLOSE", "RT_FLOW_SESSION_DENY":
		juniperFlow(id, text, ev)
	default:
		classify(ev, kindInfo, strings.ReplaceAll(strings.ToLower(id), "_", "-"), "")
	}
}

// juniperFlow: "session created A/P->B/Q …", "session closed REASON: A/P->B/Q …".
func juniperFlow(id, text string, ev *ecs.Event) {
	ev.Observer.Type = "firewall"
	for w := range strings.FieldsSeq(text) {
		from, to, ok := strings.Cut(w, "->")
		if !ok {
			continue
		}
		if ev.Source == nil {
			ev.Source, ev.Destination = asaParty(from), asaParty(to)
			continue
		}
		if n := asaParty(from); n != nil && ev.Source != nil && n.IP != ev.Source.IP {
			ev.Source.NAT = &ecs.NAT{IP: n.IP, Port: n.Port}
		}
		break
	}
	switch id {
	case "RT_FLOW_SESSION_CREATE":
		classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
	case "RT_FLOW_SESSION_CLOSE":
		classify(ev, kindFlowEnd, actionConnectionClosed, ecs.OutcomeSuccess)
	default:
		classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
	}
}
