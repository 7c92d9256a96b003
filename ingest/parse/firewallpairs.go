package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// sonicwallProgram reads SonicOS' key=value log: id=firewall sn=… time="…" fw=…
// pri=… m=… msg="…" usr="…" src=IP:PORT:INTERFACE.
var sonicwallProgram = program{
	name:   "sonicwall",
	module: "sonicwall",
	knows:  func(m *message) bool { return sonicwallAlone(m.text) },
	read:   readSonicwall,
	alone:  sonicwallAlone,
}

func sonicwallAlone(text string) bool {
	head := text[:min(len(text), 200)]
	return strings.HasPrefix(strings.TrimLeft(head, " "), "id=") && strings.Contains(head, " sn=") && strings.Contains(head, " fw=")
}

func readSonicwall(m *message, ev *ecs.Event) {
	var room [48]pair
	p := readPairs(room[:0], m.text, '=')
	m.setWall(p.get("time"), ev)
	ev.Event.Code = p.get("m")
	ev.Observer = &ecs.Observer{Vendor: "SonicWall", Product: "SonicOS", Type: "firewall", Serial: p.get("sn")}
	if ip, ok := address(p.get("fw")); ok {
		ev.Observer.IP = []string{ip}
	}
	src, srcIf := sonicEnd(p.get("src"))
	dst, dstIf := sonicEnd(p.get("dst"))
	ev.Source, ev.Destination = src, dst
	ev.Observer.Ingress, ev.Observer.Egress = boundary(srcIf, ""), boundary(dstIf, "")
	setLogin(ev, word(p.any("usr", "user")))
	msg := p.get("msg")
	ev.Message = either(msg, ev.Message)
	ev.Event.Reason = ""
	lower := strings.ToLower(msg)
	switch {
	case strings.Contains(lower, "login denied"), strings.Contains(lower, "login failed"), strings.Contains(lower, "authentication failed"), strings.Contains(lower, "login failure"):
		attempt(ev, ecs.OutcomeFailure, "password")
		if _, why, ok := strings.Cut(lower, " due to "); ok {
			ev.Event.Reason = why
		}
	case strings.Contains(lower, "login allowed"), strings.Contains(lower, "login successful"):
		attempt(ev, ecs.OutcomeSuccess, "password")
	case strings.Contains(lower, "logged out"), strings.Contains(lower, "logout"):
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	case strings.Contains(lower, "locked out"):
		classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeSuccess)
	case p.get("c") == "262144" || strings.Contains(lower, "connection opened"):
		classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
	case strings.Contains(lower, "connection closed"):
		classify(ev, kindFlowEnd, actionConnectionClosed, ecs.OutcomeSuccess)
	case strings.Contains(lower, "dropped"), strings.Contains(lower, "denied"):
		classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
	default:
		classify(ev, kindInfo, "", "")
	}
}

// sonicEnd reads IP:PORT:INTERFACE[:NAME].
func sonicEnd(s string) (*ecs.Endpoint, string) {
	parts := strings.SplitN(s, ":", 4)
	if len(parts) < 3 {
		return party(s), ""
	}
	return partyPort(parts[0], parts[1]), parts[2]
}

// sophosProgram reads Sophos Firewall (SFOS): device="SFW" date=… log_type="Event"
// log_component="SSL VPN Authentication" status="Failed" user_name="…" src_ip=….
var sophosProgram = program{
	name:   "sophos",
	module: "sophos",
	knows:  func(m *message) bool { return sophosAlone(m.text) },
	read:   readSophos,
	alone:  sophosAlone,
}

func sophosAlone(text string) bool {
	head := text[:min(len(text), 400)]
	return (strings.HasPrefix(head, "device=") || strings.HasPrefix(head, "device_name=") || strings.HasPrefix(head, "timestamp=")) &&
		strings.Contains(head, " log_id=") && strings.Contains(head, "log_type=")
}

func readSophos(m *message, ev *ecs.Event) {
	var room [64]pair
	p := readPairs(room[:0], m.text, '=')
	if t := p.get("timestamp"); t != "" {
		m.setWall(t, ev)
	} else if d, c := p.get("date"), p.get("time"); d != "" && c != "" {
		m.setWall(d+"T"+c+zoneOf(p.get("timezone")), ev)
	}
	ev.Event.Code = p.get("log_id")
	ev.Observer = &ecs.Observer{Vendor: "Sophos", Product: "SFOS", Type: "firewall", Name: p.get("device_name"), Serial: p.any("device_id", "device_serial_id")}
	ev.Source = partyPort(p.get("src_ip"), p.get("src_port"))
	ev.Destination = partyPort(p.get("dst_ip"), p.get("dst_port"))
	setLogin(ev, word(p.any("user_name", "username", "user")))
	ev.Event.Reason = word(p.get("reason"))
	if g := word(p.any("usergroupname", "user_gp", "user_group")); g != "" {
		ev.Group = &ecs.Group{Name: g}
	}
	if msg := p.get("message"); msg != "" {
		ev.Message = msg
	}
	component, status := p.get("log_component"), p.any("status", "log_subtype")
	if p.get("log_type") == "Firewall" {
		ev.Network = &ecs.Network{Transport: strings.ToLower(p.get("protocol"))}
		if p.get("log_subtype") == "Denied" {
			classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
			return
		}
		classify(ev, kindFlowEnd, actionConnectionClosed, ecs.OutcomeSuccess)
		return
	}
	switch {
	case strings.Contains(component, "Authentication"), component == "GUI" && strings.Contains(p.get("message"), "log"), component == "CLI" && strings.Contains(p.get("message"), "log"):
		switch {
		case strings.Contains(p.get("message"), "logged out"):
			classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
		case strings.HasPrefix(status, "Success"):
			attempt(ev, ecs.OutcomeSuccess, "password")
		case strings.HasPrefix(status, "Fail"), status == "Denied":
			attempt(ev, ecs.OutcomeFailure, "password")
		default:
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
		}
	case component == "SSL VPN" || component == "IPSec" || component == "L2TP":
		switch {
		case strings.Contains(status, "Established"), strings.Contains(status, "Connected"), strings.HasPrefix(status, "Success"):
			classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
		case strings.Contains(status, "Terminated"), strings.Contains(status, "Disconnected"):
			classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
		default:
			classify(ev, kindInfoSession, "", decides(!strings.HasPrefix(status, "Fail")))
		}
	default:
		classify(ev, kindInfo, "", "")
	}
}

// checkpointProgram reads Check Point's Log Exporter in its syslog form, whose
// fields stand where structured data belongs: [action:"Log In"; user:"…"; src:"…"].
var checkpointProgram = program{
	name:   "checkpoint",
	module: "checkpoint",
	knows: func(m *message) bool {
		return m.program == "CheckPoint" && (strings.HasPrefix(m.text, "[") || strings.Contains(m.text[:min(len(m.text), 40)], `:"`))
	},
	read: readCheckpoint,
}

func readCheckpoint(m *message, ev *ecs.Event) {
	var room [64]pair
	p := readColons(room[:0], strings.TrimSuffix(strings.TrimPrefix(m.text, "["), "]"))
	if t, ok := epochOf(p.get("time")); ok && p.get("time") != "" {
		m.setFull(t, ev)
	}
	action := p.get("action")
	ev.Event.Code = action
	ev.Observer = &ecs.Observer{Vendor: "Check Point", Type: "firewall", Product: p.get("product")}
	if ip, ok := address(p.get("origin")); ok {
		ev.Observer.IP = []string{ip}
	}
	ev.Source = partyPort(p.get("src"), p.any("s_port", "source_port"))
	ev.Destination = partyPort(p.get("dst"), p.any("service", "d_port"))
	setLogin(ev, word(p.any("user", "administrator", "src_user_name")))
	innerAddress(ev, p.any("office_mode_ip", "om_ip"))
	ev.Event.Reason = word(p.any("reason", "auth_status_reason"))
	if proto := p.get("proto"); proto != "" {
		ev.Network = &ecs.Network{Transport: transportOf(proto)}
	}
	if rule := p.any("rule_name", "rule"); rule != "" {
		ev.Rule = &ecs.Rule{Name: rule}
	}
	status := strings.ToLower(p.any("auth_status", "status", "operation_status"))
	switch action {
	case "Log In", "login":
		attempt(ev, decides(!strings.Contains(status, "fail")), "password")
	case "Failed Log In", "Failed Login", "Authentication Failure", "authfail":
		attempt(ev, ecs.OutcomeFailure, "password")
	case "Log Out", "logout":
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	case "Drop", "Reject", "Block":
		classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
	case "Accept":
		classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
	case "Modify Object", "Create Object", "Delete Object", "Install Policy", "Publish":
		classify(ev, kindConfig, actionConfigChanged, ecs.OutcomeSuccess)
	default:
		classify(ev, kindInfo, strings.ToLower(action), "")
	}
}

// readColons reads KEY:"VALUE" separated by semicolons, with \" in values.
func readColons(into pairs, text string) pairs {
	for {
		text = strings.TrimLeft(text, " ;")
		key, rest, ok := strings.Cut(text, `:"`)
		if !ok {
			return into
		}
		end := 0
		for end < len(rest) && rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(rest))
		into = append(into, pair{key, unquote.Replace(rest[:end])})
		text = rest[min(end+1, len(rest)):]
	}
}
