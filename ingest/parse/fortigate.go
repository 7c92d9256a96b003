package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// fortigateProgram reads FortiOS' key=value log (FortiOS Log Message
// Reference): events of VPN, users, administrators and configuration, and
// traffic. A VPN login tells of itself twice (portal, tunnel); the first counts.
var fortigateProgram = program{
	name:   "fortigate",
	module: "fortinet",
	knows:  func(m *message) bool { return m.program == "fortigate" || fortigateAlone(m.text) },
	read:   readFortigate,
	alone:  fortigateAlone,
}

func fortigateAlone(text string) bool {
	if !strings.HasPrefix(text, "date=") && !strings.HasPrefix(text, "logver=") && !strings.HasPrefix(text, "timestamp=") && !strings.HasPrefix(text, "devname=") {
		return false
	}
	head := text[:min(len(text), 400)]
	return strings.Contains(head, " logid=") || strings.Contains(head, ",logid=") || strings.Contains(head, " devid=") || strings.Contains(head, " log_id=") && strings.Contains(head, " subtype=")
}

func readFortigate(m *message, ev *ecs.Event) {
	var room [64]pair
	ends := " \t"
	if i := strings.IndexAny(m.text, " ,"); i > 0 && m.text[i] == ',' {
		ends = "," // config log syslogd setting, set format csv
	}
	f := pairsUntil(room[:0], m.text, '=', ends)
	fortigateTime(f, m, ev)
	ev.Event.Code = f.any("logid", "log_id")
	ev.Observer = &ecs.Observer{Vendor: "Fortinet", Product: "Fortigate", Type: "firewall", Name: f.get("devname"), Serial: f.any("devid", "device_id")}
	if ev.Host == nil && f.get("devname") != "" {
		setHost(ev, f.get("devname"))
	}
	if level := f.get("level"); level != "" {
		if ev.Log == nil {
			ev.Log = &ecs.Log{}
		}
		ev.Log.Level = level
	}
	label(ev, "subtype", f.get("subtype"))
	label(ev, "vdom", f.get("vd"))
	switch f.get("type") {
	case "traffic", "utm":
		fortigateTraffic(f, ev)
		return
	}
	ev.Event.Reason = word(f.get("reason"))
	setLogin(ev, word(f.any("user", "xauthuser", "eapuser")))
	ev.Source = party(f.any("remip", "remote_ip", "srcip"))
	ev.Destination = party(f.any("locip", "dstip"))
	if ev.Source != nil {
		ev.Source.Port = portOf(f.any("remport", "srcport"))
	}
	if ev.Destination != nil {
		ev.Destination.Port = portOf(f.any("locport", "dstport"))
	}
	if g := word(f.any("group", "xauthgroup")); g != "" {
		ev.Group = &ecs.Group{Name: g}
	}
	switch f.get("subtype") {
	case "vpn":
		fortigateVPN(f, m, ev)
	case "user":
		fortigateUser(f, ev)
	default:
		fortigateSystem(f, ev)
	}
}

// word is a value, or "" where a word for nothing stands.
func word(s string) string {
	if absent(s) {
		return ""
	}
	return s
}

func portOf(s string) int {
	n, rest := number(s, 5)
	if n < 0 || n > 65535 || rest != "" {
		return 0
	}
	return n
}

// fortigateTime takes eventtime, which is UTC in seconds (6.0), nanoseconds
// (from 6.2) or micro- and milliseconds, by its length; else date, time and tz.
func fortigateTime(f pairs, m *message, ev *ecs.Event) {
	if t, ok := epochOf(f.get("eventtime")); ok && allDigits(f.get("eventtime")) {
		m.setFull(t, ev)
	} else if d, c := f.get("date"), f.get("time"); d != "" && c != "" {
		m.setWall(d+"T"+c+zoneOf(f.any("tz", "timezone")), ev)
	}
	ev.Event.Timezone = f.get("tz")
}

// zoneOf is an offset as it can stand behind a time, else "".
func zoneOf(tz string) string {
	if _, rest, ok := offsetOf(tz); ok && rest == "" {
		return tz
	}
	return ""
}

// setFull sets the time that a message itself states, where it is one that can be.
func (m *message) setFull(t time.Time, ev *ecs.Event) {
	if at, _, err := m.stream.clock.resolve(stamp{full: t}, m.stream.now); err == nil {
		ev.Timestamp, m.at = at, at
	}
}

// setWall sets the time that a message itself states in one of readStamp's
// forms, in the zone of the source where it names none.
func (m *message) setWall(text string, ev *ecs.Event) {
	st, _, found, err := readStamp(text)
	if !found || err != nil {
		return
	}
	at, assumed, err := m.stream.clock.resolve(st, m.stream.now)
	if err != nil {
		return
	}
	ev.Timestamp, m.at = at, at
	if assumed {
		ev.Event.Timezone = m.stream.clock.zone.String()
	}
}

func fortigateVPN(f pairs, m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "vpn", Type: "vpn"}
	innerAddress(ev, f.any("tunnelip", "tunnel_ip", "assignip"))
	label(ev, "tunnel", word(f.any("vpntunnel", "tunneltype")))
	tunnel := f.get("tunneltype")
	if id := f.get("tunnelid"); id != "0" {
		ev.Varde.Session = word(id)
	}
	key := ""
	if ev.User != nil {
		key = ev.User.Name
	}
	if ev.Source != nil {
		key += " " + ev.Source.IP
	}
	switch action := f.get("action"); action {
	case "ssl-login-fail":
		attempt(ev, ecs.OutcomeFailure, "password")
	case "tunnel-up":
		if ev.User == nil { // a tunnel between two sites
			classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
			return
		}
		m.attemptOnce(ev, key, tunnel+"/"+ev.Event.Code, ecs.OutcomeSuccess, "password")
		if !ev.Varde.Attempt {
			classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
		}
	case "tunnel-down":
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
		fortigateTotals(f, ev)
	case "ssl-new-con":
		classify(ev, kindConnect, actionConnectionOpened, "")
	case "negotiate":
		fortigateIKE(f, m, key, ev)
	case "tunnel-stats":
		classify(ev, kindInfoSession, action, "")
		fortigateTotals(f, ev)
	case "phase2-up", "phase2-down", "install_sa", "delete_ipsec_sa", "delete_phase1_sa":
		classify(ev, kindInfoSession, action, "")
	case "auth-timeout", "ssl-exit-fail", "ssl-alert":
		classify(ev, kindProbe, action, ecs.OutcomeFailure)
	default:
		classify(ev, kindInfo, action, "")
	}
}

// fortigateIKE: only an exchange about a user's password (XAUTH, EAP) is a
// login; a peer whose proposal or key does not fit is a refused connection.
func fortigateIKE(f pairs, m *message, key string, ev *ecs.Event) {
	user := word(f.any("xauthuser", "eapuser")) != ""
	failed := f.get("status") == "failure" || f.get("status") == "negotiate_error" || f.get("result") == "ERROR"
	switch {
	case user && failed:
		m.attemptOnce(ev, key, ev.Event.Code, ecs.OutcomeFailure, "password")
	case failed:
		classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
	default:
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeSuccess)
	}
}

func fortigateTotals(f pairs, ev *ecs.Event) {
	ev.Event.Duration = int64Of(f.get("duration")) * int64(time.Second)
	sent, got := int64Of(f.get("sentbyte")), int64Of(f.get("rcvdbyte"))
	if n := sent + got; n > 0 {
		if ev.Network == nil {
			ev.Network = &ecs.Network{}
		}
		ev.Network.Bytes = n
	}
	if ev.Source != nil {
		ev.Source.Bytes = sent
	}
	if ev.Destination != nil {
		ev.Destination.Bytes = got
	}
}

func int64Of(s string) int64 {
	if len(s) > 18 || !allDigits(s) {
		return 0
	}
	return int64(atoi(s))
}

func fortigateUser(f pairs, ev *ecs.Event) {
	status := f.get("status")
	switch action := f.get("action"); {
	case strings.HasPrefix(action, "FSSO-"), strings.HasPrefix(action, "RSSO-"):
		// What a domain controller saw, told again.
		if strings.HasSuffix(action, "logoff") {
			classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
			return
		}
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
	case action == "auth-logon":
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
	case action == "auth-logout", action == "auth-timeout":
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
	case status == "success":
		attempt(ev, ecs.OutcomeSuccess, "password")
	case status == "failure", status == "failed", status == "timed_out", status == "timeout":
		attempt(ev, ecs.OutcomeFailure, "password")
	case strings.Contains(action, "lock"):
		classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeSuccess)
	default:
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	}
}

// fortigateSystem: administrators, and what they change.
func fortigateSystem(f pairs, ev *ecs.Event) {
	// ui is "https(192.0.2.7)", "ssh(192.0.2.7)", "jsconsole(…)", "console".
	ui, from, inUI := strings.Cut(f.get("ui"), "(")
	if inUI && ev.Source == nil {
		ev.Source = party(strings.TrimSuffix(from, ")"))
	}
	if method := f.any("method"); method != "" {
		ui = method
	}
	failed := f.get("status") == "failed" || f.get("status") == "failure"
	switch code := lastDigits(ev.Event.Code); {
	case f.get("action") == "login":
		attempt(ev, decides(!failed), "password")
		ev.Service = &ecs.Service{Name: ui, Type: "admin"}
	case f.get("action") == "logout":
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
		ev.Event.Duration = int64Of(f.get("duration")) * int64(time.Second)
	case code == "32021": // the source is kept out after too many tries
		classify(ev, kindFlowDenied, "login-disabled", ecs.OutcomeSuccess)
	case f.get("cfgpath") != "":
		fortigateConfig(f, ev)
	default:
		classify(ev, kindInfo, f.get("action"), "")
	}
}

func lastDigits(code string) string {
	if len(code) == 10 {
		return strings.TrimLeft(code[5:], "0")
	}
	return strings.TrimLeft(code, "0")
}

// fortigateConfig: "cfgpath=system.admin cfgobj=NAME action=Add".
func fortigateConfig(f pairs, ev *ecs.Event) {
	action := f.get("action")
	path := f.get("cfgpath")
	classify(ev, kindConfig, actionConfigChanged, ecs.OutcomeSuccess)
	label(ev, "path", path)
	label(ev, "object", f.get("cfgobj"))
	if path != "system.admin" && path != "user.local" {
		return
	}
	setTarget(ev, f.get("cfgobj"), "")
	switch action {
	case "Add":
		classify(ev, kindAdd, ecs.ActionAccountCreated, ecs.OutcomeSuccess)
	case "Delete":
		classify(ev, kindDelete, ecs.ActionAccountDeleted, ecs.OutcomeSuccess)
	default:
		classify(ev, kindChange, ecs.ActionAccountChanged, ecs.OutcomeSuccess)
	}
}

func fortigateTraffic(f pairs, ev *ecs.Event) {
	ev.Source = partyPort(f.get("srcip"), f.get("srcport"))
	ev.Destination = partyPort(f.get("dstip"), f.get("dstport"))
	ev.Network = &ecs.Network{Transport: transportOf(f.get("proto")), Application: word(strings.ToLower(f.get("app")))}
	ev.Observer.Ingress = boundary(f.get("srcintf"), "")
	ev.Observer.Egress = boundary(f.get("dstintf"), "")
	if id, name := f.get("policyid"), f.get("policyname"); id != "" || name != "" {
		ev.Rule = &ecs.Rule{ID: id, Name: name}
	}
	if ev.Source != nil {
		innerAddress(ev, f.get("transip"))
		ev.Source.MAC = mac(f.get("srcmac"))
	}
	setLogin(ev, word(f.any("user", "unauthuser")))
	fortigateTotals(f, ev)
	switch f.get("action") {
	case "deny", "blocked", "block", "dropped":
		classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
	case "start":
		classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
	default:
		classify(ev, kindFlowEnd, actionConnectionClosed, ecs.OutcomeSuccess)
	}
}

// transportOf names a protocol number, or writes a name in small letters.
func transportOf(proto string) string {
	switch proto {
	case "1":
		return "icmp"
	case "6":
		return "tcp"
	case "17":
		return "udp"
	case "47":
		return "gre"
	case "50":
		return "esp"
	case "58":
		return "ipv6-icmp"
	}
	if allDigits(proto) {
		return ""
	}
	return strings.ToLower(word(proto))
}

func boundary(iface, zone string) *ecs.Boundary {
	iface, zone = word(iface), word(zone)
	if iface == "" && zone == "" {
		return nil
	}
	b := &ecs.Boundary{Zone: zone}
	if iface != "" {
		b.Interface = &ecs.Interface{Name: iface}
	}
	return b
}
