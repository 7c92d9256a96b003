package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// asaCut: cut-through proxy. "Authentication failed for user 'U' from A/P to
// B/Q on interface I".
func asaCut(l asaLine, text string, ev *ecs.Event) {
	head, tail, ok := lastCut(text, "' from ")
	if !ok {
		head, tail, _ = lastCut(text, " from ")
	}
	if _, user, ok := strings.Cut(head, "user '"); ok {
		asaUser(ev, user)
	} else if _, user, ok := strings.Cut(head, "user "); ok {
		asaUser(ev, strings.Trim(user, "'"))
	}
	from, to, _ := strings.Cut(tail, " to ")
	to, _, _ = strings.Cut(to, " on interface ")
	ev.Source, ev.Destination = asaParty(from), asaParty(to)
	switch l.id {
	case "109005":
		l.decide(ev, ecs.OutcomeSuccess, "password")
	case "109006", "109034":
		l.decide(ev, ecs.OutcomeFailure, "password")
	case "109007":
		classify(ev, kindProbe, "authorization", ecs.OutcomeSuccess)
	case "109008":
		classify(ev, kindProbe, "authorization", ecs.OutcomeFailure)
	default:
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	}
}

// asaGuest: "NT Domain Authentication Failed: rejecting guest login for USER."
func asaGuest(l asaLine, text string, ev *ecs.Event) {
	if _, user, ok := strings.Cut(text, "guest login for "); ok {
		asaUser(ev, strings.TrimSuffix(strings.TrimPrefix(user, "username "), "."))
	}
	l.decide(ev, ecs.OutcomeFailure, "password")
}

// asaConsole: "console enable password incorrect for 3 tries (from 192.0.2.7)":
// a change of privilege, no login.
func asaConsole(_ asaLine, text string, ev *ecs.Event) {
	if _, from, ok := strings.Cut(text, "(from "); ok {
		ev.Source = party(strings.TrimRight(from, ")"))
	}
	classify(ev, kindDenied, ecs.ActionPrivilege, ecs.OutcomeFailure)
}

// asaAccount: "New user added to local dbase: Uname: U Priv: 1 …".
func asaAccount(l asaLine, text string, ev *ecs.Event) {
	_, rest, _ := strings.Cut(text, "Uname: ")
	user, _, _ := strings.Cut(rest, " ")
	setTarget(ev, user, "")
	switch l.id {
	case "502101":
		classify(ev, kindAdd, ecs.ActionAccountCreated, ecs.OutcomeSuccess)
	case "502102":
		classify(ev, kindDelete, ecs.ActionAccountDeleted, ecs.OutcomeSuccess)
	default:
		classify(ev, kindChange, ecs.ActionAccountChanged, ecs.OutcomeSuccess)
	}
}

// asaCommand: "User 'U' executed the 'C' command." and "User 'U', running 'CLI'
// from IP I, executed 'C'".
func asaCommand(_ asaLine, text string, ev *ecs.Event) {
	rest := strings.TrimPrefix(text, "User '")
	user, rest, ok := strings.Cut(rest, "'")
	if !ok {
		return
	}
	setLogin(ev, user)
	if _, from, ok := strings.Cut(rest, " from IP "); ok {
		from, _, _ = strings.Cut(from, ",")
		ev.Source = party(from)
	}
	command, found := "", false
	if _, command, found = strings.Cut(rest, "executed the '"); !found {
		_, command, found = strings.Cut(rest, "executed '")
	}
	if !found {
		_, command, _ = strings.Cut(rest, "executed cmd: ")
	}
	command = strings.TrimSuffix(strings.TrimSuffix(command, "."), " command")
	if c := strings.TrimSuffix(command, "'"); c != "" {
		ev.Process = &ecs.Process{CommandLine: c}
	}
	classify(ev, kindConfig, actionConfigChanged, ecs.OutcomeSuccess)
	if strings.HasPrefix(text, "User '"+user+"' executed cmd:") {
		classify(ev, kindInfo, "command", ecs.OutcomeSuccess)
	}
}

// asaBuilt: "Built inbound TCP connection N for IF:A/P (MA/MP)[(IDFW)] to
// IF:B/Q (MB/MQ) [(user)]". The first is the lower-security side of an inbound
// connection and so its source; of an outbound one it is the destination.
func asaBuilt(l asaLine, text string, ev *ecs.Event) {
	rest := strings.TrimPrefix(text, "Built ")
	direction, rest, _ := strings.Cut(rest, " ")
	transport, rest, _ := strings.Cut(rest, " ")
	_, rest, ok := strings.Cut(rest, " for ")
	first, second, both := strings.Cut(rest, " to ")
	if !ok || !both {
		return
	}
	asaFlow(direction == "outbound", first, second, ev)
	ev.Network = &ecs.Network{Transport: strings.ToLower(transport), Direction: direction}
	classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
}

// asaFlow sets both ends with the addresses that they are translated to.
func asaFlow(outbound bool, first, second string, ev *ecs.Event) {
	ev.Source, ev.Observer.Ingress = asaEnd(first)
	ev.Destination, ev.Observer.Egress = asaEnd(second)
	if outbound {
		ev.Source, ev.Destination = ev.Destination, ev.Source
		ev.Observer.Ingress, ev.Observer.Egress = ev.Observer.Egress, ev.Observer.Ingress
	}
}

func asaEnd(s string) (*ecs.Endpoint, *ecs.Boundary) {
	s = strings.TrimSpace(s)
	word, rest, _ := strings.Cut(s, " ")
	e := asaParty(word)
	iface, _ := asaInterface(word)
	if mapped, ok := strings.CutPrefix(rest, "("); ok && e != nil {
		mapped, _, _ = strings.Cut(mapped, ")")
		if n := asaParty(mapped); n != nil && (n.IP != e.IP || n.Port != e.Port) {
			e.NAT = &ecs.NAT{IP: n.IP, Port: n.Port}
		}
	}
	return e, boundary(iface, "")
}

// asaTeardown: "Teardown TCP connection N for IF:A/P to IF:B/Q duration D bytes
// B REASON [(user)]".
func asaTeardown(_ asaLine, text string, ev *ecs.Event) {
	rest := strings.TrimPrefix(text, "Teardown ")
	transport, rest, _ := strings.Cut(rest, " ")
	_, rest, ok := strings.Cut(rest, " for ")
	ends, tail, done := strings.Cut(rest, " duration ")
	first, second, both := strings.Cut(ends, " to ")
	if !ok || !done || !both {
		return
	}
	asaFlow(false, first, second, ev)
	ev.Network = &ecs.Network{Transport: strings.ToLower(transport)}
	duration, tail, _ := strings.Cut(tail, " bytes ")
	ev.Event.Duration = int64(asaDuration(duration))
	bytes, reason, _ := strings.Cut(tail, " ")
	ev.Network.Bytes = int64Of(bytes)
	if i := strings.Index(reason, " ("); i >= 0 {
		reason = reason[:i]
	}
	if !strings.HasPrefix(reason, "(") {
		ev.Event.Reason = strings.TrimSpace(reason)
	}
	classify(ev, kindFlowEnd, actionConnectionClosed, ecs.OutcomeSuccess)
}

// asaICMP: "Built inbound ICMP connection for faddr A/0 gaddr G/0 laddr L/0 …".
func asaICMP(l asaLine, text string, ev *ecs.Event) {
	ev.Network = &ecs.Network{Transport: "icmp"}
	for _, part := range []struct {
		word string
		to   **ecs.Endpoint
	}{{" faddr ", &ev.Source}, {" laddr ", &ev.Destination}} {
		if _, rest, ok := strings.Cut(text, part.word); ok {
			if *part.to = asaParty(rest); *part.to != nil {
				(*part.to).Port = 0
			}
		}
	}
	if strings.HasPrefix(text, "Built outbound") {
		ev.Source, ev.Destination = ev.Destination, ev.Source
	}
	if l.id == "302020" {
		classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
		return
	}
	classify(ev, kindFlowEnd, actionConnectionClosed, ecs.OutcomeSuccess)
}

// asaDenied reads the refusals: "… src IF:A/P dst IF:B/Q by access-group "N"" or
// "… from A/P to B/Q flags F on interface I".
func asaDenied(l asaLine, text string, ev *ecs.Event) {
	classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
	if l.id == "710002" {
		classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
	}
	ev.Network = &ecs.Network{}
	for w := range strings.FieldsSeq(text[:min(len(text), 60)]) {
		switch strings.ToLower(w) {
		case "tcp", "udp", "icmp":
			ev.Network.Transport = strings.ToLower(w)
		}
	}
	from, to := " from ", " to "
	if strings.Contains(text, " src ") {
		from, to = " src ", " dst "
	}
	_, rest, ok := strings.Cut(text, from)
	first, second, both := strings.Cut(rest, to)
	if !ok || !both {
		return
	}
	asaFlow(false, first, second, ev)
	if _, rule, ok := strings.Cut(second, `by access-group "`); ok {
		rule, _, _ = strings.Cut(rule, `"`)
		ev.Rule = &ecs.Rule{Name: rule}
	}
	if _, iface, ok := strings.Cut(second, " on interface "); ok && ev.Observer.Ingress == nil {
		iface, _, _ = strings.Cut(iface, " ")
		ev.Observer.Ingress = boundary(iface, "")
	}
}

// asaACL: "access-list N permitted tcp IF/A(P) -> IF/B(Q) hit-cnt …".
func asaACL(_ asaLine, text string, ev *ecs.Event) {
	w := strings.Fields(strings.TrimPrefix(text, "access-list "))
	if len(w) < 6 {
		return
	}
	ev.Rule = &ecs.Rule{Name: w[0]}
	ev.Network = &ecs.Network{Transport: w[2]}
	at := 3
	ev.Source, ev.Observer.Ingress = aclEnd(w[at])
	for at < len(w) && w[at] != "->" {
		at++
	}
	if at+1 < len(w) {
		ev.Destination, ev.Observer.Egress = aclEnd(w[at+1])
	}
	if w[1] == "permitted" {
		classify(ev, kindFlowStart, actionConnectionOpened, ecs.OutcomeSuccess)
		return
	}
	classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
}

func aclEnd(s string) (*ecs.Endpoint, *ecs.Boundary) {
	iface, rest, ok := strings.Cut(s, "/")
	if !ok {
		iface, rest = "", s
	}
	ip, port, _ := strings.Cut(strings.TrimSuffix(rest, ")"), "(")
	return partyPort(ip, port), boundary(iface, "")
}

// asaIKE: "Group = G, Username = U, IP = I, WHAT".
func asaIKE(l asaLine, text string, ev *ecs.Event) {
	what := text
	for part := range strings.SplitSeq(text, ", ") {
		key, value, ok := strings.Cut(part, " = ")
		if !ok {
			what = part
			break
		}
		switch key {
		case "Group":
			asaGroupName(ev, value)
		case "Username":
			asaUser(ev, value)
		case "IP":
			ev.Source = party(value)
		}
	}
	classify(ev, kindInfoSession, "", "")
	if l.id == "713228" {
		if _, ip, ok := strings.Cut(what, "private IP address "); ok {
			ip, _, _ = strings.Cut(ip, " ")
			innerAddress(ev, ip)
		}
		ev.Event.Action = "address-assigned"
	}
}

// asaDAP: "DAP: User U, Addr I, Connection C: The following DAP records …".
func asaDAP(_ asaLine, text string, ev *ecs.Event) {
	user, rest, ok := strings.Cut(strings.TrimPrefix(text, "DAP: User "), ", Addr ")
	if ok {
		asaUser(ev, user)
		ip, _, _ := strings.Cut(rest, ",")
		ev.Source = party(strings.TrimSuffix(ip, ":"))
	}
	classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
}
