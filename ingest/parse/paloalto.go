package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// paloaltoProgram reads PAN-OS' logs as CSV over syslog (PAN-OS Administrator's
// Guide, Syslog Field Descriptions): GLOBALPROTECT, AUTHENTICATION, SYSTEM,
// USERID, CONFIG, TRAFFIC and THREAT. One login of GlobalProtect is told by the
// portal, by the gateway and by SYSTEM; the first counts.
var paloaltoProgram = program{
	name:   "panw",
	module: "panw",
	knows:  func(m *message) bool { return paloaltoAlone(m.text) },
	read:   readPaloAlto,
	alone:  paloaltoAlone,
}

// paloaltoAlone: "1,2026/11/22 10:00:00,SERIAL,TYPE,", and with the times of
// Cortex Data Lake "931201168,2026-11-22T10:00:00.000000Z,no-serial,TYPE,".
func paloaltoAlone(text string) bool {
	i := strings.IndexByte(text[:min(len(text), 12)], ',')
	if i < 0 || i > 0 && !allDigits(text[:i]) || len(text) < i+40 {
		return false
	}
	at, rest, _ := strings.Cut(text[i+1:], ",")
	if len(at) < 19 || !allDigits(at[:4]) || at[4] != at[7] || at[4] != '/' && at[4] != '-' || at[10] != ' ' && at[10] != 'T' {
		return false
	}
	_, rest, _ = strings.Cut(rest, ",")
	kindOf, _, ok := strings.Cut(rest, ",")
	if !ok {
		return false
	}
	switch kindOf {
	case "GLOBALPROTECT", "AUTHENTICATION", "SYSTEM", "USERID", "CONFIG", "TRAFFIC", "THREAT", "HIPMATCH", "IPTAG", "DECRYPTION", "AUDIT":
		return true
	}
	return false
}

// fields of a line of CSV.
type fields []string

func (f fields) at(i int) string {
	if i < 0 || i >= len(f) {
		return ""
	}
	return f[i]
}

// readCSV splits a line of comma-separated values (RFC 4180: quotes doubled).
func readCSV(into fields, line string) fields {
	for {
		if len(line) == 0 || line[0] != '"' {
			value, rest, more := strings.Cut(line, ",")
			into = append(into, value)
			if !more {
				return into
			}
			line = rest
			continue
		}
		end, doubled := 1, false
		for end < len(line) {
			if line[end] == '"' {
				if end+1 < len(line) && line[end+1] == '"' {
					doubled = true
					end += 2
					continue
				}
				break
			}
			end++
		}
		value := line[1:min(end, len(line))]
		if doubled {
			value = strings.ReplaceAll(value, `""`, `"`)
		}
		into = append(into, value)
		line = line[min(end+1, len(line)):]
		if !strings.HasPrefix(line, ",") {
			return into
		}
		line = line[1:]
	}
}

func readPaloAlto(m *message, ev *ecs.Event) {
	var room [128]string
	f := readCSV(room[:0], m.text)
	at := f.at(6)
	if at == "" {
		at = f.at(1)
	}
	if len(at) >= 19 {
		m.setWall(strings.Replace(at[:10], "/", "-", 2)+at[10:], ev)
	}
	kindOf := f.at(3)
	ev.Event.Dataset = "panw." + strings.ToLower(kindOf)
	ev.Observer = &ecs.Observer{Vendor: "Palo Alto Networks", Product: "PAN-OS", Type: "firewall", Serial: f.at(2)}
	if ev.Host != nil {
		ev.Observer.Hostname = ev.Host.Name
	}
	switch kindOf {
	case "GLOBALPROTECT":
		panGlobalProtect(f, m, ev)
	case "AUTHENTICATION":
		panAuthentication(f, m, ev)
	case "SYSTEM":
		panSystem(f, m, ev)
	case "USERID":
		ev.Source = party(f.at(8))
		setLogin(ev, f.at(9))
		label(ev, "mapped_by", f.at(17))
		if f.at(4) == "logout" {
			classify(ev, kindInfoSession, "user-unmapped", "")
			return
		}
		classify(ev, kindInfoSession, "user-mapped", "")
	case "CONFIG":
		ev.Source = party(f.at(7))
		setLogin(ev, f.at(10))
		ev.Event.Code = f.at(9)
		label(ev, "path", f.at(13))
		classify(ev, kindConfig, actionConfigChanged, decides(f.at(12) == "Succeeded" || f.at(12) == "Submitted"))
	case "TRAFFIC", "THREAT":
		panTraffic(f, kindOf, ev)
	default:
		classify(ev, kindInfo, strings.ToLower(kindOf), "")
	}
}

func panGlobalProtect(f fields, m *message, ev *ecs.Event) {
	id, status := f.at(8), f.at(28)
	ev.Event.Code = id
	ev.Service = &ecs.Service{Name: "globalprotect", Type: "vpn"}
	setLogin(ev, strings.ReplaceAll(f.at(12), `\\`, `\`)) // as Cortex Data Lake writes it
	ev.Source = party(f.at(15))
	if ev.Source == nil {
		ev.Source = party(f.at(16))
	}
	innerAddress(ev, f.at(17))
	if ev.Source != nil && len(f.at(13)) == 2 {
		ev.Source.Geo = &ecs.Geo{Country: f.at(13)}
	}
	ev.Varde.Station = f.at(14)
	ev.Event.Reason = either(f.at(26), f.at(25))
	label(ev, "client_version", f.at(21))
	label(ev, "client_os", f.at(22))
	label(ev, "stage", f.at(9))
	outcome := decides(status == "success")
	switch id {
	case "portal-auth", "gateway-auth":
		m.panDecide(ev, id, outcome, panMethod(f.at(10)))
	case "gateway-connected":
		classify(ev, kindSession, ecs.ActionSessionStart, outcome)
	case "gateway-logout":
		classify(ev, kindEnd, ecs.ActionSessionEnd, outcome)
		if n := int64Of(f.at(30)); n > 0 {
			ev.Event.Duration = n * int64(time.Second)
		}
	case "gateway-inactivity-timeout":
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
	case "portal-prelogin", "gateway-prelogin":
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	default:
		classify(ev, kindInfoSession, id, outcome)
	}
}

func panMethod(auth string) string {
	switch lower := strings.ToLower(auth); lower {
	case "", "other":
		return ""
	case "cookie", "saml", "kerberos":
		return lower
	case "client certificate", "certificate":
		return "certificate"
	default:
		return "password"
	}
}

// panDecide: the portal and the gateway ask for the same password.
func (m *message) panDecide(ev *ecs.Event, code, outcome, method string) {
	key := "panw "
	if ev.User != nil {
		key += strings.ToLower(ev.User.Name)
	}
	m.attemptOnce(ev, key, code, outcome, method)
}

func panAuthentication(f fields, m *message, ev *ecs.Event) {
	ev.Source = party(f.at(8))
	setLogin(ev, either(f.at(9), f.at(10)))
	label(ev, "policy", f.at(12))
	words := strings.ToLower(f.at(20) + " " + f.at(18) + " " + f.at(16) + " " + f.at(4))
	ev.Event.Code = f.at(20)
	ev.Event.Reason = f.at(18)
	switch {
	case strings.Contains(words, "fail"), strings.Contains(words, "denied"), strings.Contains(words, "reject"), strings.Contains(words, "invalid"), strings.Contains(words, "timeout"):
		m.panDecide(ev, "authentication "+f.at(21), ecs.OutcomeFailure, "password")
	case strings.Contains(words, "success"), strings.Contains(words, "authenticated"):
		m.panDecide(ev, "authentication", ecs.OutcomeSuccess, "password")
	default:
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	}
}

// panSystem: "failed authentication for user 'U'. Reason: … From: A." and
// "authenticated for user 'U'. … From: A.", the sentences of GlobalProtect, and
// an administrator's "User U logged in via Web from A using https".
func panSystem(f fields, m *message, ev *ecs.Event) {
	id, text := f.at(8), f.at(14)
	ev.Event.Code = id
	ev.Message = text
	ev.Event.Reason = ""
	switch {
	case strings.HasPrefix(text, "failed authentication for user '"):
		panNamed(strings.TrimPrefix(text, "failed authentication for user '"), ev)
		m.panDecide(ev, "system", ecs.OutcomeFailure, "password")
	case strings.HasPrefix(text, "authenticated for user '"):
		panNamed(strings.TrimPrefix(text, "authenticated for user '"), ev)
		m.panDecide(ev, "system", ecs.OutcomeSuccess, "password")
	case strings.HasPrefix(text, "GlobalProtect "):
		panSentence(id, text, m, ev)
	case strings.HasPrefix(text, "User "):
		user, rest, ok := lastCut(strings.TrimPrefix(text, "User "), " logged in via ")
		out := false
		if !ok {
			user, rest, out = lastCut(strings.TrimPrefix(text, "User "), " logged out via ")
		}
		if !ok && !out {
			classify(ev, kindInfo, id, "")
			return
		}
		setLogin(ev, user)
		if _, from, found := lastCut(rest, " from "); found {
			from, _, _ = strings.Cut(from, " ")
			ev.Source = party(from)
		}
		if out {
			classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
			return
		}
		m.panDecide(ev, "general", ecs.OutcomeSuccess, "password")
	default:
		classify(ev, kindInfo, id, "")
	}
}

// panNamed reads "U'. Reason: R. auth profile 'P', …, From: A."
func panNamed(rest string, ev *ecs.Event) {
	tail := ""
	for _, mark := range [...]string{"'. Reason: ", "'.   Reason: ", "'.  Reason: ", "'. auth profile ", "'.   auth profile ", "'.  auth profile "} {
		if user, after, ok := lastCut(rest, mark); ok {
			rest, tail = user, after
			if strings.Contains(mark, "Reason") {
				ev.Event.Reason, _, _ = strings.Cut(tail, ".")
				ev.Event.Reason, _, _ = strings.Cut(ev.Event.Reason, " auth profile")
			}
			break
		}
	}
	setLogin(ev, strings.TrimSuffix(strings.TrimSuffix(rest, "."), "'"))
	if _, from, ok := lastCut(tail, "From: "); ok {
		ev.Source = party(strings.TrimRight(from, ". "))
	}
}

// panSentence reads "GlobalProtect gateway user authentication failed. Login
// from: A, Source region: NO, User name: U, Reason: R, Auth type: profile."
func panSentence(id, text string, m *message, ev *ecs.Event) {
	head, rest, _ := strings.Cut(text, ". ")
	for part := range strings.SplitSeq(strings.TrimSuffix(rest, "."), ", ") {
		key, value, ok := strings.Cut(part, ": ")
		if !ok {
			continue
		}
		switch key {
		case "Login from":
			ev.Source = party(value)
		case "User name":
			if ev.User == nil {
				setLogin(ev, value)
			}
		case "Reason":
			ev.Event.Reason = value
		case "Private IP":
			innerAddress(ev, value)
		}
	}
	switch {
	case strings.Contains(head, "authentication succeeded"):
		m.panDecide(ev, id, ecs.OutcomeSuccess, "password")
	case strings.Contains(head, "authentication failed"), strings.Contains(head, "login failed"):
		m.panDecide(ev, id, ecs.OutcomeFailure, "password")
	case strings.Contains(head, "logout succeeded"):
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
	case strings.Contains(head, "client configuration generated"), strings.Contains(head, "switched"):
		classify(ev, kindInfoSession, id, "")
	case strings.Contains(head, "login succeeded"):
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
	default:
		classify(ev, kindInfo, id, "")
	}
}

func panTraffic(f fields, kindOf string, ev *ecs.Event) {
	ev.Source, ev.Destination = partyPort(f.at(7), f.at(24)), partyPort(f.at(8), f.at(25))
	if ev.Source != nil {
		if f.at(9) != f.at(7) {
			innerAddress(ev, f.at(9))
		}
		if ev.Source.NAT != nil {
			ev.Source.NAT.Port = portOf(f.at(26))
		}
	}
	if ev.Destination != nil {
		if n := party(f.at(10)); n != nil && n.IP != ev.Destination.IP {
			ev.Destination.NAT = &ecs.NAT{IP: n.IP, Port: portOf(f.at(27))}
		}
	}
	if f.at(11) != "" {
		ev.Rule = &ecs.Rule{Name: f.at(11)}
	}
	setLogin(ev, f.at(12))
	ev.Network = &ecs.Network{Application: f.at(14), Transport: strings.ToLower(f.at(29))}
	ev.Observer.Ingress, ev.Observer.Egress = boundary(f.at(18), f.at(16)), boundary(f.at(19), f.at(17))
	ev.Varde.Session = f.at(22)
	if kindOf == "THREAT" {
		classify(ev, kindInfo, f.at(30), "")
		return
	}
	ev.Network.Bytes = int64Of(f.at(31))
	ev.Event.Duration = int64Of(f.at(36)) * int64(time.Second)
	switch f.at(4) {
	case "start":
		classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
	case "drop", "deny":
		classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
	default:
		classify(ev, kindFlowEnd, actionConnectionClosed, decides(f.at(30) == "allow"))
	}
}
