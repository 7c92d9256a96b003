package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// asaGroupUser takes "Group <G> User <U> IP <I> WHAT" apart, which some versions
// and messages write without the brackets.
func asaGroupUser(text string) (group, user, ip, what string, ok bool) {
	if rest, found := strings.CutPrefix(text, "Group <"); found { // without a user
		if g, tail, found := strings.Cut(rest, "> User IP <"); found {
			ip, what, _ = strings.Cut(tail, ">")
			return g, "", ip, strings.TrimPrefix(what, " "), true
		}
	}
	if head, tail, found := lastCut(text, "> IP <"); found {
		ip, what, _ = strings.Cut(tail, ">")
		group, user, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(head, "Tunnel"), "Group <"), "> User <")
		group, _, _ = strings.Cut(group, "> GroupPolicy <")
		return group, user, ip, strings.TrimPrefix(what, " "), true
	}
	rest, found := strings.CutPrefix(text, "Group ")
	if !found {
		return "", "", "", "", false
	}
	group, rest, found = strings.Cut(rest, " User ")
	for from := 0; found; { // a name may hold " IP " too: an address follows the right one
		at := strings.Index(rest[from:], " IP ")
		if at < 0 {
			return "", "", "", "", false
		}
		user, tail := rest[:from+at], rest[from+at+len(" IP "):]
		if ip, what, _ = strings.Cut(tail, " "); isAddress(ip) {
			return group, user, ip, what, true
		}
		from += at + len(" IP ")
	}
	return "", "", "", "", false
}

// asaRefused: a session that was refused to one who has proved who he is, or
// whose setting is wrong. The login is told by another message.
func asaRefused(l asaLine, text string, ev *ecs.Event) {
	asaGroup(l, text, ev)
	classify(ev, kindInfoSession, "session-refused", ecs.OutcomeFailure)
	if _, _, _, what, ok := asaGroupUser(text); ok {
		ev.Event.Reason = strings.TrimSuffix(what, ".")
	}
}

// asaWebVPN reads the old form of 716038 and 716039: "Authentication: rejected,
// group = G user = U , Session Type: T".
func asaWebVPN(l asaLine, text string, ev *ecs.Event) {
	head, kind, _ := lastCut(text, ", Session Type: ")
	head, user, _ := strings.Cut(head, " user = ")
	_, group, _ := strings.Cut(head, "group = ")
	asaUser(ev, strings.TrimSpace(user))
	asaGroupName(ev, group)
	label(ev, "session_type", strings.TrimSuffix(kind, "."))
	l.decide(ev, decides(l.id == "716038"), "password")
}

// asaConsoleRight: "Attempted console login failed. User U did NOT have
// appropriate Admin Rights."
func asaConsoleRight(l asaLine, text string, ev *ecs.Event) {
	if _, user, ok := strings.Cut(text, " User "); ok {
		if i := strings.LastIndex(user, " did NOT have"); i >= 0 {
			asaUser(ev, user[:i])
		}
	}
	ev.Service = &ecs.Service{Name: "console", Type: "admin"}
	ev.Event.Reason = "no-admin-right"
	l.decide(ev, ecs.OutcomeFailure, "password")
}

// asaSSHEnd: `SSH session from IP on interface IF for user "U" terminated normally`,
// or "… disconnected by SSH server, reason: R".
func asaSSHEnd(_ asaLine, text string, ev *ecs.Event) {
	classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
	ev.Service = &ecs.Service{Name: "ssh", Type: "admin"}
	head, tail, ok := strings.Cut(text, " for user ")
	if !ok {
		return
	}
	ip, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(head, "SSH session from "), "on "), " ")
	if isAddress(ip) {
		ev.Source = party(ip)
	}
	user, reason := tail, ""
	for _, end := range []string{" terminated normally", " disconnected by SSH server, reason: "} {
		if u, after, found := lastCut(tail, end); found {
			user, reason = u, after
			break
		}
	}
	asaUser(ev, strings.Trim(user, `"`))
	ev.Event.Reason = strings.Trim(reason, `".`)
}

// asaStandby: "(WebVPN-Primary) WebVPN session for client user U, IP I has been
// created." What the other half of a pair knows of a session.
func asaStandby(_ asaLine, text string, ev *ecs.Event) {
	classify(ev, kindInfoSession, "session-replicated", "")
	_, rest, _ := strings.Cut(text, " client user ")
	head, _, _ := lastCut(rest, " has been ")
	user, ip, ok := lastCut(head, ", ")
	if !ok {
		return
	}
	_, ip, _ = strings.Cut(ip, " ")
	asaUser(ev, user)
	ev.Source = party(ip)
	ev.Service = &ecs.Service{Name: "anyconnect", Type: "vpn"}
}

// asaIKEv2: "Local:A:PORT Remote:B:PORT Username:U TEXT", with Group and the
// addresses that the client was given in 751025.
func asaIKEv2(l asaLine, text string, ev *ecs.Event) {
	classify(ev, kindInfoSession, "", "")
	ev.Service = &ecs.Service{Name: "ikev2", Type: "vpn"}
	for part := range strings.SplitSeq(text, " ") {
		key, value, ok := strings.Cut(part, ":")
		if !ok {
			break // free text begins
		}
		switch key {
		case "Local":
			ev.Destination = endpoint(value, 0)
		case "Remote":
			ev.Source = endpoint(value, 0)
		case "Username":
			asaUser(ev, value)
		}
	}
	if _, group, ok := strings.Cut(text, " Group:"); ok {
		group, _, _ = strings.Cut(group, " IPv4 Address=")
		asaGroupName(ev, group)
	}
	if l.id != "751025" {
		return
	}
	ev.Event.Action = "address-assigned"
	for _, key := range []string{" IPv4 Address=", " IPv6 address="} {
		if _, ip, ok := strings.Cut(text, key); ok && (ev.Source == nil || ev.Source.NAT == nil) {
			ip, _, _ = strings.Cut(ip, " ")
			innerAddress(ev, ip)
		}
	}
}

// asaFTP: "FTP connection from IF:A/PORT to IF:B/PORT, user U Stored file F".
func asaFTP(_ asaLine, text string, ev *ecs.Event) {
	classify(ev, kindConnect, "ftp-transfer", "")
	addresses, rest, ok := strings.Cut(strings.TrimPrefix(text, "FTP connection from "), ", user ")
	from, to, _ := strings.Cut(addresses, " to ")
	ev.Source, ev.Destination = asaParty(from), asaParty(to)
	ev.Service = &ecs.Service{Name: "ftp"}
	if !ok {
		return
	}
	for _, verb := range []string{" Stored file ", " Retrieved file "} {
		if user, name, found := strings.Cut(rest, verb); found {
			asaUser(ev, user)
			ev.File = &ecs.File{Path: name}
			return
		}
	}
}
