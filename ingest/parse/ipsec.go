package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// ipsecProgram reads strongSwan (charon). "IKE_SA … established between" is a
// login that came through; what fails is told by the method that refused. Whom
// EAP or XAUTH found may differ from the identity of the IKE_SA, so it is
// remembered for the moment.
var ipsecProgram = program{
	name:   "strongswan",
	module: "strongswan",
	knows: func(m *message) bool {
		return m.program == "charon" || m.program == "charon-systemd" || m.program == "strongswan" || m.program == "ipsec"
	},
	read:  readIPsec,
	alone: func(text string) bool { _, ok := charonText(text); return ok },
}

// charonText passes over "12[IKE] " and "<vpn|3> ".
func charonText(text string) (rest string, ok bool) {
	n, after := number(text, 3)
	if n < 0 || !strings.HasPrefix(after, "[") {
		return text, false
	}
	group, after, found := strings.Cut(after[1:], "] ")
	if !found || len(group) != 3 || strings.Trim(group, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return text, false
	}
	return after, true
}

// charonLine is a message with the connection that it is about, "" where the
// log does not say.
type charonLine struct {
	m  *message
	sa string
}

func (c charonLine) key() string { return "ike\x00" + c.m.host + "\x00" + c.sa }

const ikeWithin = 30 * time.Second

func readIPsec(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "ipsec", Type: "vpn"}
	ev.Network = &ecs.Network{Protocol: "ike", Transport: "udp"}
	text, _ := charonText(m.text)
	c := charonLine{m: m}
	if strings.HasPrefix(text, "<") {
		if sa, rest, ok := strings.Cut(text[1:], "> "); ok {
			// "<3>" until the connection has a name, "<vpn|3>" then.
			c.sa, text = sa[strings.LastIndexByte(sa, '|')+1:], rest
		}
	}
	if from, ok := strings.CutSuffix(text, " is initiating an IKE_SA"); ok && isAddress(from) {
		ev.Source = party(from)
		c.m.stream.notes.put(c.key()+" from", from, m.at)
		classify(ev, kindConnect, actionConnectionOpened, "")
		return
	}
	for _, p := range ipsecPhrases {
		if rest, ok := strings.CutPrefix(text, p.begins); ok {
			p.read(c, rest, ev)
			return
		}
	}
}

var ipsecPhrases = []struct {
	begins string
	read   func(c charonLine, rest string, ev *ecs.Event)
}{
	{"IKE_SA ", ikeSA},
	{"deleting IKE_SA ", func(_ charonLine, rest string, ev *ecs.Event) {
		ikeBetween(rest, ev)
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
	}},
	{"received EAP identity '", func(c charonLine, rest string, ev *ecs.Event) {
		setLogin(ev, quotedName(rest))
		c.m.stream.notes.put(c.key(), quotedName(rest), c.m.at)
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	}},
	{"XAuth authentication of '", ikeVerdict},
	{"RADIUS authentication of '", ikeVerdict},
	{"PAM authentication of '", ikeVerdict},
	{"EAP method ", func(c charonLine, rest string, ev *ecs.Event) {
		method, after, failed := strings.Cut(rest, " failed for peer ")
		if !failed {
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeSuccess)
			return
		}
		if name, ok := c.m.stream.notes.get(c.key(), c.m.at, ikeWithin); ok {
			after = name // whom EAP asked for, not what the IKE_SA calls itself
		}
		ikeFailed(c, after, strings.ToLower(strings.TrimPrefix(method, "EAP_")), "eap", ev)
	}},
	{"tried ", func(c charonLine, rest string, ev *ecs.Event) {
		if _, ids, ok := strings.Cut(rest, " for '"); ok && strings.Contains(rest, "MAC mismatched") {
			_, remote, _ := strings.Cut(ids, "' - '")
			remote, _, _ = lastCut(remote, "', but MAC mismatched")
			ikeFailed(c, remote, "psk", "psk", ev)
		}
	}},
	{"no shared key found for ", func(c charonLine, rest string, ev *ecs.Event) {
		_, remote, _ := strings.Cut(rest, "' - '")
		remote, _, _ = strings.Cut(remote, "'[")
		ikeFailed(c, strings.TrimSuffix(remote, "'"), "psk", "psk", ev)
	}},
	{"no trusted ", func(c charonLine, rest string, ev *ecs.Event) {
		if _, id, ok := strings.Cut(rest, " public key found for '"); ok {
			ikeFailed(c, quotedName(id), "certificate", "cert", ev)
		}
	}},
	{"authentication of '", func(c charonLine, rest string, ev *ecs.Event) {
		id, with, ok := lastCut(rest, "' with ")
		if !ok || strings.Contains(rest, "(myself)") {
			return
		}
		setLogin(ev, ikeID(id))
		switch {
		case strings.HasSuffix(with, " successful"):
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeSuccess)
		case strings.HasSuffix(with, " failed"):
			ikeFailed(c, id, "", "auth", ev)
		}
	}},
	{"assigning virtual IP ", func(_ charonLine, rest string, ev *ecs.Event) {
		ip, peer, _ := strings.Cut(rest, " to peer '")
		innerAddress(ev, ip)
		setLogin(ev, quotedName(peer))
		classify(ev, kindInfoSession, "address-assigned", "")
	}},
}

// ikeSA: "NAME[N] established between LOCAL[ID]...REMOTE[ID]".
func ikeSA(c charonLine, rest string, ev *ecs.Event) {
	_, between, ok := strings.Cut(rest, " established between ")
	if !ok {
		classify(ev, kindInfoSession, "", "")
		return
	}
	ikeBetween(" between "+between, ev)
	if name, ok := c.m.stream.notes.get(c.key(), c.m.at, ikeWithin); ok && (c.sa != "" || ev.User == nil || ev.User.Name == name) {
		// Without the connection's name only an identity that says nobody is replaced.
		ev.User = nil
		setLogin(ev, name)
		c.m.stream.notes.drop(c.key())
	}
	attempt(ev, ecs.OutcomeSuccess, "")
}

// ikeBetween reads both ends; the identity of the peer is in the last brackets.
func ikeBetween(text string, ev *ecs.Event) {
	_, ends, ok := strings.Cut(text, " between ")
	local, remote, both := strings.Cut(ends, "...")
	if !ok || !both {
		return
	}
	to, _, _ := strings.Cut(local, "[")
	from, id, _ := strings.Cut(remote, "[")
	ev.Source, ev.Destination = party(from), party(to)
	if i := strings.LastIndexByte(id, ']'); i >= 0 {
		id = id[:i]
	}
	setLogin(ev, ikeID(id))
}

// ikeID takes the name out of a distinguished name.
func ikeID(id string) string {
	if cn := commonName(id); cn != "" {
		return cn
	}
	if absent(id) || id == "%any" || isAddress(id) {
		return ""
	}
	return id
}

// ikeVerdict: "USER' successful" or "USER' failed".
func ikeVerdict(c charonLine, rest string, ev *ecs.Event) {
	name, verdict, ok := lastCut(rest, "' ")
	if !ok {
		return
	}
	setLogin(ev, name)
	if strings.HasPrefix(verdict, "successful") {
		c.m.stream.notes.put(c.key(), name, c.m.at)
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeSuccess)
		return
	}
	ikeFailed(c, name, "password", "verdict", ev)
}

// ikeFailed is a refused peer; what another message says of the same one is an
// echo.
func ikeFailed(c charonLine, id, method, code string, ev *ecs.Event) {
	if method == "mschapv2" || method == "radius" || method == "gtc" || method == "md5" {
		method = "password"
	}
	if id != "" {
		// An identity that looks like an address is what the peer says of itself.
		setLogin(ev, ikeID(id))
	} else if name, ok := c.m.stream.notes.get(c.key(), c.m.at, ikeWithin); ok {
		setLogin(ev, name)
	}
	if from, ok := c.m.stream.notes.get(c.key()+" from", c.m.at, ikeWithin); ok && c.sa != "" {
		ev.Source = party(from)
	}
	key := "ike" + c.sa
	if c.sa == "" && ev.User != nil {
		key += ev.User.Name
	}
	c.m.attemptOnce(ev, key, code, ecs.OutcomeFailure, method)
}
