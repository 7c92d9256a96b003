package parse

import (
	"strconv"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// readASA reads the messages of ASA and FTD about logins, sessions, accounts
// and connections (Cisco Secure Firewall ASA Series Syslog Messages). One login
// is told by several of them (the AAA server's answer, the service's, the
// session's); the first decides and the others are echoes.
func readASA(m *message, id string, ev *ecs.Event) {
	l := asaLine{m, id}
	switch read, ok := asaMessages[id]; {
	case ok:
		read(l, m.text, ev)
	case strings.HasPrefix(id, "713"):
		asaIKE(l, m.text, ev)
	case strings.HasPrefix(id, "750"), strings.HasPrefix(id, "751"):
		asaIKEv2(l, m.text, ev)
	default:
		classify(ev, kindInfo, "", "")
	}
}

type asaLine struct {
	m  *message
	id string
}

// asaMessages by number.
var asaMessages = map[string]func(l asaLine, text string, ev *ecs.Event){
	"113004": asaAAA, "113005": asaAAA, "113012": asaAAA, "113015": asaAAA, "113016": asaAAA, "113017": asaAAA,
	"113008": asaAAAEcho, "113009": asaAAAEcho, "113010": asaAAAEcho, "113011": asaAAAEcho, "113013": asaAAAEcho, "113014": asaAAAEcho, "113003": asaAAAEcho,
	"113029": asaRefused, "113030": asaRefused, "113033": asaRefused, "113035": asaRefused, "113038": asaRefused, "113031": asaGroup, "113032": asaGroup, "113034": asaGroup, "113036": asaGroup,
	"113006": asaLocked, "113007": asaUnlocked,
	"113019": asaDisconnected, "113039": asaGroup, "716001": asaGroup, "716002": asaGroup, "716003": asaGroup, "716038": asaGroup, "716039": asaGroup,
	"716058": asaGroup, "716059": asaGroup, "722022": asaGroup, "722023": asaGroup, "722033": asaGroup, "722034": asaGroup, "722037": asaGroup,
	"722041": asaGroup, "722051": asaGroup, "722055": asaGroup, "722028": asaGroup, "722032": asaGroup, "722012": asaGroup,
	"605004": asaAdmin, "605005": asaAdmin, "611101": asaUname, "611102": asaUname, "611103": asaUname,
	"109001": asaCut, "109005": asaCut, "109006": asaCut, "109007": asaCut, "109008": asaCut,
	"113021": asaConsoleRight, "315011": asaSSHEnd, "721016": asaStandby, "721018": asaStandby, "751025": asaIKEv2, "303002": asaFTP,
	"109031": asaGuest, "109034": asaCut, "308001": asaConsole, "502101": asaAccount, "502102": asaAccount, "502103": asaAccount,
	"111008": asaCommand, "111009": asaCommand, "111010": asaCommand,
	"302013": asaBuilt, "302015": asaBuilt, "302014": asaTeardown, "302016": asaTeardown, "302020": asaICMP, "302021": asaICMP,
	"106001": asaDenied, "106006": asaDenied, "106007": asaDenied, "106010": asaDenied, "106014": asaDenied, "106015": asaDenied, "106021": asaDenied,
	"106023": asaDenied, "106100": asaACL, "710002": asaDenied, "710003": asaDenied, "713228": asaIKE, "713119": asaIKE, "713120": asaIKE, "713050": asaIKE, "734001": asaDAP,
}

// decide is an attempt, or the echo of one.
func (l asaLine) decide(ev *ecs.Event, outcome, method string) {
	key := ""
	if ev.User != nil {
		key = strings.ToLower(ev.User.Name)
	}
	l.m.attemptOnce(ev, key, l.id, outcome, method)
}

// asaUser: names that nobody has are hidden as *****.
func asaUser(ev *ecs.Event, name string) {
	if strings.Trim(name, "*") == "" {
		if name != "" {
			ev.Event.Reason = reasonInvalidUser
		}
		return
	}
	if name == "N/A" || name == "unknown" {
		return
	}
	setLogin(ev, name)
}

// asaField finds "KEY = VALUE" after a colon or a comma, and cuts there: before
// is what stands before the separator. Versions differ in the blanks around it
// and in capitals.
func asaField(text, key string, last bool) (before, value string, ok bool) {
	find := strings.Index
	if last {
		find = strings.LastIndex
	}
	folded := strings.ToLower(text)
	if len(folded) != len(text) {
		folded = text // letters whose capitals take more bytes
	}
	for from, to := 0, len(folded); ; {
		i := find(folded[from:to], key+" =")
		if i < 0 {
			return text, "", false
		}
		i += from
		if head := strings.TrimRight(text[:i], " "); head != text[:i] && head != "" && strings.IndexByte(":,", head[len(head)-1]) >= 0 {
			return strings.TrimRight(head[:len(head)-1], " "), strings.TrimSpace(text[i+len(key)+2:]), true
		}
		if last {
			to = i
		} else {
			from = i + 1
		}
	}
}

// asaAAA reads "AAA user authentication Successful : server = A : user = U",
// "… Rejected : reason = R : server = A : user = U : user IP = I" and their
// forms with "local database" and "credentials rejected". A name can hold
// " : user IP = " itself: the last one counts. Authorization and accounting are
// no logins.
func asaAAA(l asaLine, text string, ev *ecs.Event) {
	head, ip, _ := asaField(text, "user ip", true)
	head, user, _ := asaField(head, "user", false)
	asaUser(ev, user)
	ev.Source = party(ip)
	if _, server, ok := asaField(head, "server", false); ok {
		server, _, _ = strings.Cut(server, " ")
		ev.Server = party(strings.TrimRight(server, ":,"))
	}
	if _, reason, ok := asaField(head, "reason", false); ok {
		reason, _, _ = strings.Cut(reason, ":")
		ev.Event.Reason = strings.TrimSpace(reason)
	}
	accepted := strings.Contains(head, "Successful")
	if strings.Contains(head, "authorization") || strings.Contains(head, "accounting") {
		classify(ev, kindProbe, ecs.ActionProbe, decides(accepted))
		return
	}
	l.decide(ev, decides(accepted), "password")
}

// asaAAAEcho: what AAA tells around a decision.
func asaAAAEcho(_ asaLine, text string, ev *ecs.Event) {
	_, user, ok := strings.Cut(text, "user = ")
	if !ok {
		_, user, _ = strings.Cut(text, " for user ")
		user, _, _ = strings.Cut(user, " from server")
	}
	asaUser(ev, strings.TrimSpace(user))
	outcome := ecs.OutcomeUnknown
	switch {
	case strings.Contains(text, "status ACCEPT"):
		outcome = ecs.OutcomeSuccess
	case strings.Contains(text, "status REJECT"), strings.Contains(text, "unable to complete"), strings.Contains(text, "not accessible"):
		outcome = ecs.OutcomeFailure
	}
	classify(ev, kindProbe, ecs.ActionProbe, outcome)
}

// asaLocked: "User kari locked out on exceeding 3 successive failed authentication attempts".
func asaLocked(_ asaLine, text string, ev *ecs.Event) {
	name := strings.TrimPrefix(text, "User ")
	if i := strings.LastIndex(name, " locked out on exceeding "); i >= 0 {
		asaUser(ev, strings.Trim(name[:i], "'"))
	}
	classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeSuccess)
}

func asaUnlocked(_ asaLine, text string, ev *ecs.Event) {
	name := strings.TrimPrefix(text, "User ")
	if i := strings.LastIndex(name, " unlocked by "); i >= 0 {
		setLogin(ev, strings.Trim(name[i+len(" unlocked by "):], "'."))
		setTarget(ev, strings.Trim(name[:i], "'"), "")
	}
	classify(ev, kindChange, "account-unlocked", ecs.OutcomeSuccess)
}

// asaDisconnected: "Group = G, Username = U, IP = I, Session disconnected.
// Session Type: T, Duration: 0h:15m:30s, Bytes xmt: N, Bytes rcv: N, Reason: R".
func asaDisconnected(_ asaLine, text string, ev *ecs.Event) {
	head, tail, ok := lastCut(text, ", Session disconnected.")
	classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
	if !ok {
		return
	}
	head, ip, _ := lastCut(head, ", IP = ")
	ev.Source = party(ip)
	group, user, _ := strings.Cut(strings.TrimPrefix(head, "Group = "), ", Username = ")
	asaUser(ev, user)
	asaGroupName(ev, group)
	for part := range strings.SplitSeq(tail, ", ") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), ": ")
		switch key {
		case "Session Type":
			label(ev, "session_type", value)
		case "Duration":
			ev.Event.Duration = int64(asaDuration(value))
		case "Bytes xmt":
			addBytes(ev, int64Of(value))
		case "Bytes rcv":
			addBytes(ev, int64Of(value))
			if ev.Source != nil {
				ev.Source.Bytes = int64Of(value)
			}
		case "Reason":
			ev.Event.Reason = value
		}
	}
}

func addBytes(ev *ecs.Event, n int64) {
	if n == 0 {
		return
	}
	if ev.Network == nil {
		ev.Network = &ecs.Network{}
	}
	ev.Network.Bytes += n
}

func lastCut(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func asaGroupName(ev *ecs.Event, name string) {
	if name = word(strings.TrimSpace(name)); name != "" {
		ev.Group = &ecs.Group{Name: name}
	}
}

// asaDuration reads 0h:15m:30s, 1d 0h:15m:30s and 0:00:30.
func asaDuration(s string) time.Duration {
	var total time.Duration
	if days, rest, ok := strings.Cut(s, "d "); ok && allDigits(days) {
		total, s = time.Duration(int64Of(days))*24*time.Hour, rest
	}
	parts := strings.Split(s, ":")
	if len(parts) != 3 {
		return 0
	}
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n := strings.TrimRight(parts[i], "hms")
		if !allDigits(n) || len(n) > 6 {
			return 0
		}
		total += time.Duration(int64Of(n)) * unit
	}
	return total
}

// asaGroup reads "Group <G> User <U> IP <I> WHAT". A user's name is between the
// first " User <" and the last "> IP <".
func asaGroup(l asaLine, text string, ev *ecs.Event) {
	group, user, ip, what, ok := asaGroupUser(text)
	if !ok {
		if l.id == "716038" || l.id == "716039" {
			asaWebVPN(l, text, ev)
			return
		}
		classify(ev, kindInfo, "", "")
		return
	}
	ev.Source = party(ip)
	asaUser(ev, user)
	asaGroupName(ev, group)
	ev.Service = &ecs.Service{Name: "anyconnect", Type: "vpn"}
	switch l.id {
	case "716038":
		l.decide(ev, ecs.OutcomeSuccess, "password")
	case "716039":
		l.decide(ev, ecs.OutcomeFailure, "password")
	case "113039":
		// A login by certificate alone has no other message.
		l.decide(ev, ecs.OutcomeSuccess, "")
		if !ev.Varde.Attempt {
			classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
		}
	case "716001":
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
	case "716002", "716003":
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
		if _, reason, ok := strings.Cut(what, "terminated: "); ok {
			ev.Event.Reason = strings.TrimSuffix(reason, ".")
		}
	case "722022":
		classify(ev, kindInfoSession, "tunnel-up", ecs.OutcomeSuccess)
	case "722023", "722037":
		classify(ev, kindInfoSession, "tunnel-down", "")
	case "722051":
		asaAssigned(what, ev)
	default:
		classify(ev, kindInfoSession, "", "")
	}
}

// asaAssigned: "IPv4 Address <10.8.0.6> IPv6 address <::> assigned to session".
func asaAssigned(what string, ev *ecs.Event) {
	for part := range strings.SplitSeq(what, "<") {
		if ip, _, ok := strings.Cut(part, ">"); ok {
			if ev.Source == nil || ev.Source.NAT == nil {
				innerAddress(ev, ip)
			}
		}
	}
	classify(ev, kindInfoSession, "address-assigned", "")
}

// asaAdmin: `Login denied from IP/PORT to IF:IP/SERVICE for user "U"`.
func asaAdmin(l asaLine, text string, ev *ecs.Event) {
	head, user, ok := strings.Cut(text, ` for user "`)
	if !ok {
		head, user, _ = strings.Cut(text, ` for user `)
	}
	asaUser(ev, strings.TrimSuffix(strings.TrimSuffix(user, " "), `"`))
	_, addresses, _ := strings.Cut(head, " from ")
	from, to, _ := strings.Cut(addresses, " to ")
	ev.Source = asaParty(from)
	to, service, _ := lastCut(to, "/")
	ev.Destination = asaParty(to)
	ev.Service = &ecs.Service{Name: service, Type: "admin"}
	l.decide(ev, decides(strings.HasPrefix(text, "Login permitted")), "password")
}

// asaParty reads "[IF:]ADDRESS[/PORT]".
func asaParty(s string) *ecs.Endpoint {
	s, _, _ = strings.Cut(strings.TrimSpace(s), " ")
	_, s = asaInterface(s)
	ip, port, _ := lastCut(s, "/")
	if n, err := strconv.Atoi(port); err != nil || n < 0 {
		port = ""
	}
	return partyPort(ip, port)
}

func asaInterface(s string) (name, rest string) {
	if i := strings.IndexByte(s, ':'); i > 0 {
		if ip, _, _ := strings.Cut(s, "/"); !isAddress(ip) {
			return s[:i], s[i+1:]
		}
	}
	return "", s
}

// asaUname: "User authentication failed: [IP address: I, ]Uname: U".
func asaUname(l asaLine, text string, ev *ecs.Event) {
	head, user, _ := strings.Cut(text, "Uname: ")
	asaUser(ev, strings.TrimSpace(user))
	if _, ip, ok := strings.Cut(head, "IP address: "); ok {
		ev.Source = party(strings.TrimRight(ip, ", "))
	}
	switch l.id {
	case "611101":
		l.decide(ev, ecs.OutcomeSuccess, "password")
	case "611102":
		l.decide(ev, ecs.OutcomeFailure, "password")
	default:
		classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
	}
}
