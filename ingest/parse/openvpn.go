package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// openvpnProgram reads OpenVPN's server log, in syslog or in a file of its own,
// and that of the Access Server.
//
// A login is decided by "Username/Password authentication succeeded|failed",
// where there is a password; by "Peer Connection Initiated" where a certificate
// is all there is; by PUSH_REPLY or AUTH_FAILED where the answer was deferred.
// Everything else about the same peer is an echo. With a common name before the
// address the peer is one that has logged in: what succeeds then is the hourly
// renewal of keys, no login.
var openvpnProgram = program{
	name:   "openvpn",
	module: "openvpn",
	knows: func(m *message) bool {
		return m.module == "" && (m.program == "openvpn" || m.program == "openvpnas" || strings.HasPrefix(m.program, "ovpn-") ||
			strings.HasPrefix(m.program, "openvpn-") || strings.HasPrefix(m.program, "openvpn@"))
	},
	read:  readOpenVPN,
	alone: openvpnAlone,
}

// openvpnAlone knows the beginning of a message in a log file: a peer before
// the message, or one of the messages that has none.
func openvpnAlone(text string) bool {
	text = strings.TrimPrefix(text, " ")
	if text == "" {
		return false
	}
	if text = afterMicros(text); text == "" {
		return false
	}
	if text[0] == '[' {
		return strings.HasPrefix(text, "[stdout#info] [OVPN ") || strings.HasPrefix(text, "[-] OVPN ") || strings.HasPrefix(text, "[-] AUTH ") ||
			strings.HasPrefix(text, "[OVPN ")
	}
	for _, p := range openvpnBegins {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	// A host's name, which stands here in syslog, has no colon.
	if word, _, _ := strings.Cut(text, " "); strings.IndexByte(word, ':') < 0 {
		return false
	}
	p, rest := openvpnPeer(text)
	if p.addr == nil {
		return false
	}
	if strings.HasPrefix(rest, "[") {
		return strings.Contains(rest, "] Peer Connection Initiated with ") || strings.Contains(rest, "] Inactivity timeout")
	}
	for _, b := range openvpnAfterPeer {
		if strings.HasPrefix(rest, b) {
			return true
		}
	}
	return false
}

var openvpnBegins = []string{"TLS Error: ", "TLS: Username/Password ", "TLS Auth Error: ", "MULTI: ", "PLUGIN AUTH-PAM: ", "VERIFY OK: ", "VERIFY ERROR: ", "OpenVPN 2."}

var openvpnAfterPeer = []string{
	"TLS", "VERIFY", "MULTI", "PUSH", "SENT CONTROL", "SIG", "PLUGIN", "AUTH", "Control Channel", "Data Channel", "Outgoing Data",
	"Incoming Data", "Connection reset", "Delayed exit", "WARNING", "OPTIONS", "Options", "peer info", "Re-using", "CRL", "Authenticate/",
	"LZO", "Local Options", "Expected Remote", "NOTE", "write ", "read ", "TCP", "UDP", "CC-EEN", "Timeout", "Fatal", "Bad LZO", "Restart",
}

// afterMicros passes over the "us=123456" of verbosity 4 and above.
func afterMicros(text string) string {
	if rest, ok := strings.CutPrefix(text, "us="); ok {
		if n, after := number(rest, 6); n >= 0 && strings.HasPrefix(after, " ") {
			return after[1:]
		}
	}
	return text
}

// vpnPeer is "[NAME/]ADDRESS[:PORT]" before a message.
type vpnPeer struct {
	name string // common name, of one that has logged in
	addr *ecs.Endpoint
	key  string // as written, without the name
}

// openvpnPeer reads it. A common name may hold anything but OpenVPN makes it
// one word without blanks (it replaces what is not printable or is a blank).
func openvpnPeer(text string) (p vpnPeer, rest string) {
	word, rest, ok := strings.Cut(text, " ")
	if !ok {
		return vpnPeer{}, text
	}
	address := word
	if i := strings.LastIndexByte(word, '/'); i > 0 {
		p.name, address = word[:i], word[i+1:]
	}
	addr := openvpnAddress(address)
	if addr == nil || addr.IP == "" {
		return vpnPeer{}, text
	}
	p.addr, p.key = addr, address
	return p, rest
}

// openvpnAddress reads 192.0.2.7:51234, [AF_INET]192.0.2.7:51234,
// [AF_INET6]2001:db8::7:51234 (the port follows the last colon), udp4:… and
// tcp6-server:…, and a bare IPv6 address.
func openvpnAddress(s string) *ecs.Endpoint {
	family := ""
	for _, f := range [...]string{"[AF_INET6]", "[AF_INET]", "udp4:", "udp6:", "tcp4:", "tcp6:", "tcp4-server:", "tcp6-server:", "udp:", "tcp:"} {
		if rest, ok := strings.CutPrefix(s, f); ok {
			s, family = rest, f
			break
		}
	}
	s = strings.TrimRight(s, ",")
	six := strings.Contains(family, "6")
	if i := strings.LastIndexByte(s, ':'); i > 0 && (six || strings.Count(s, ":") == 1) && !strings.HasSuffix(s[:i], ":") && s[0] != '[' {
		if ip, ok := address(s[:i]); ok && allDigits(s[i+1:]) && len(s)-i <= 6 {
			return partyPort(ip, s[i+1:])
		}
	}
	if e := party(s); e != nil && e.IP != "" {
		return e
	}
	return nil
}

func readOpenVPN(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "openvpn", Type: "vpn"}
	ev.Network = &ecs.Network{Protocol: "openvpn"}
	text := afterMicros(strings.TrimPrefix(m.text, " "))
	if inner, ok := accessServer(text); ok {
		if readAccessServer(inner, m, ev) {
			return
		}
		text = inner
	}
	if readPfsenseOpenVPN(text, m, ev) {
		return
	}
	p, rest := openvpnPeer(text)
	ev.Source = p.addr
	transport(ev, text)
	v := vpnLine{message: m, peer: p}
	if p.name != "" {
		setLogin(ev, p.name)
	}
	for _, f := range openvpnPhrases {
		if after, ok := strings.CutPrefix(rest, f.begins); ok {
			f.read(v, after, ev)
			break
		}
	}
	if strings.HasPrefix(rest, "[") {
		v.named(rest, ev)
	}
}

// transport says what a udp4: or tcp4-server: in the peer means.
func transport(ev *ecs.Event, text string) {
	word, _, _ := strings.Cut(text, " ")
	if i := strings.LastIndexByte(word, '/'); i > 0 {
		word = word[i+1:]
	}
	switch {
	case strings.HasPrefix(word, "udp"):
		ev.Network.Transport = "udp"
	case strings.HasPrefix(word, "tcp"):
		ev.Network.Transport = "tcp"
	}
}

// vpnLine is a message with the peer before it.
type vpnLine struct {
	message *message
	peer    vpnPeer
}

// id is the key of a note about the peer, or about the daemon.
func (v vpnLine) id(about string) string {
	return "openvpn\x00" + v.message.host + "\x00" + about
}

// What is known of a peer's login.
const (
	vpnPassed   = "passed"
	vpnFailed   = "failed " // and by which line
	vpnDeferred = "deferred"
	vpnWithin   = 5 * time.Minute
)

func (v vpnLine) known() string {
	s, _ := v.message.stream.notes.get(v.id(v.peer.key), v.message.at, vpnWithin)
	return s
}

func (v vpnLine) note(what string) {
	if v.peer.key != "" {
		v.message.stream.notes.put(v.id(v.peer.key), what, v.message.at)
	}
}

var openvpnPhrases = []struct {
	begins string
	read   func(v vpnLine, rest string, ev *ecs.Event)
}{
	{"TLS: Username/Password authentication succeeded for username '", func(v vpnLine, rest string, ev *ecs.Event) {
		setLogin(ev, quotedName(rest))
		if v.peer.name != "" {
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeSuccess)
			return
		}
		attempt(ev, ecs.OutcomeSuccess, "password")
		v.note(vpnPassed)
	}},
	{"TLS: Username/Password authentication failed", func(v vpnLine, rest string, ev *ecs.Event) {
		if after, ok := strings.CutPrefix(rest, " for username '"); ok {
			setLogin(ev, quotedName(after))
		}
		v.failed(ev, "said")
	}},
	{"TLS: Username/Password authentication deferred for username '", func(v vpnLine, rest string, ev *ecs.Event) {
		setLogin(ev, quotedName(rest))
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
		if v.peer.name == "" {
			v.note(vpnDeferred + " " + quotedName(rest))
		}
	}},
	{"TLS Auth Error: ", func(v vpnLine, rest string, ev *ecs.Event) {
		if strings.HasPrefix(rest, "Auth Username/Password verification failed") || strings.Contains(rest, "verification failed for peer") ||
			strings.HasPrefix(rest, "username attempted to change") {
			v.failed(ev, "tls")
			return
		}
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeFailure)
	}},
	{"PLUGIN AUTH-PAM: BACKGROUND: user '", func(v vpnLine, rest string, ev *ecs.Event) {
		if i := strings.LastIndex(rest, "' failed to authenticate: "); i >= 0 {
			setLogin(ev, rest[:i])
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeFailure)
			// The daemon says next which peer that was: it waits for the answer.
			v.message.stream.notes.put(v.id("pam"), rest[:i], v.message.at)
		}
	}},
	{"VERIFY ERROR: depth=0, error=", verifyError},
	{"VERIFY ERROR: ", func(_ vpnLine, _ string, ev *ecs.Event) { classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeFailure) }},
	{"VERIFY OK: depth=0, ", func(v vpnLine, rest string, ev *ecs.Event) {
		if v.peer.name == "" {
			setLogin(ev, commonName(rest))
		}
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	}},
	{"SENT CONTROL [", sentControl},
	{"TLS Error: ", tlsError},
	{"TLS: Initial packet from ", func(v vpnLine, rest string, ev *ecs.Event) {
		addr, _, _ := strings.Cut(rest, " ")
		v.from(addr, ev)
		classify(ev, kindConnect, actionConnectionOpened, "")
		v.message.stream.notes.drop(v.id(v.peer.key)) // the next try from the same port
	}},
	{"TCP connection established with ", func(v vpnLine, rest string, ev *ecs.Event) {
		v.from(rest, ev)
		classify(ev, kindConnect, actionConnectionOpened, "")
	}},
	{"SIG", signalled},
	{"MULTI_sva: pool returned IPv4=", func(_ vpnLine, rest string, ev *ecs.Event) {
		ip, _, _ := strings.Cut(rest, ",")
		innerAddress(ev, ip)
		classify(ev, kindInfoSession, "address-assigned", "")
	}},
	{"MULTI: Learn: ", learned},
	{"MULTI: primary virtual IP for ", func(v vpnLine, rest string, ev *ecs.Event) {
		if i := strings.LastIndex(rest, ": "); i >= 0 {
			innerAddress(ev, rest[i+2:])
		}
		classify(ev, kindInfoSession, "address-assigned", "")
	}},
}

var kindInfoSession = kind{[]string{"session"}, []string{"info"}}

// quotedName reads "NAME' [CN SET]" or "NAME'": the quote is the last one, a
// name may hold others.
func quotedName(s string) string {
	if i := strings.LastIndexByte(s, '\''); i >= 0 {
		return s[:i]
	}
	return s
}

// commonName finds CN=… in "C=NO, O=Kommune, CN=kari" and "/C=NO/CN=kari".
func commonName(dn string) string {
	for _, sep := range [...]string{", ", "/"} {
		for part := range strings.SplitSeq(dn, sep) {
			if cn, ok := strings.CutPrefix(part, "CN="); ok {
				return cn
			}
			if cn, ok := strings.CutPrefix(part, "CN = "); ok {
				return cn
			}
		}
	}
	return ""
}

// from takes the address at the end of a message where none stood before it.
func (v vpnLine) from(addr string, ev *ecs.Event) {
	if e := openvpnAddress(addr); e != nil && ev.Source == nil {
		ev.Source = e
	}
}

// failed decides a refused password, once per peer and try: the line that tells
// it, and the AUTH_FAILED that the client is sent, are one.
func (v vpnLine) failed(ev *ecs.Event, code string) {
	attempt(ev, ecs.OutcomeFailure, "password")
	if name, ok := v.message.stream.notes.get(v.id("pam"), v.message.at, 5*time.Second); ok {
		if ev.User == nil {
			setLogin(ev, name)
		}
		v.message.stream.notes.drop(v.id("pam"))
	}
	if known := v.known(); strings.HasPrefix(known, vpnFailed) && known != vpnFailed+code {
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeFailure)
		ev.Varde.Attempt, ev.Varde.Method = false, ""
		return
	}
	v.note(vpnFailed + code)
}

// verifyError: "certificate has expired: CN=kari, serial=…" or, older, without
// the serial. A certificate that is refused is a failed login of its name.
func verifyError(v vpnLine, rest string, ev *ecs.Event) {
	reason, dn, _ := strings.Cut(rest, ": ")
	if i := strings.LastIndex(dn, ", serial="); i >= 0 {
		dn = dn[:i]
	}
	if v.peer.name == "" {
		setLogin(ev, commonName(dn))
	}
	attempt(ev, ecs.OutcomeFailure, "certificate")
	ev.Event.Reason = reason
	v.note(vpnFailed + "sent")
}

// named reads "[NAME] Peer Connection Initiated with ADDRESS" and what else
// begins with a name in brackets. The name is the client's, so the words behind
// it are found from the end.
func (v vpnLine) named(rest string, ev *ecs.Event) {
	const initiated, inactive = "] Peer Connection Initiated with ", "] Inactivity timeout (--ping-"
	if i := strings.LastIndex(rest, inactive); i > 0 {
		if v.peer.name == "" {
			setLogin(ev, undef(rest[1:i]))
		}
		classify(ev, kindInfoSession, "inactivity-timeout", "")
		return
	}
	i := strings.LastIndex(rest, initiated)
	if i < 1 {
		return
	}
	addr, _, _ := strings.Cut(rest[i+len(initiated):], " ")
	name := undef(rest[1:i])
	if v.peer.addr == nil {
		// A client's own log, or a tunnel between two sites.
		ev.Destination = openvpnAddress(addr)
		classify(ev, kindConnect, actionConnectionOpened, ecs.OutcomeSuccess)
		return
	}
	switch known := v.known(); {
	case strings.HasPrefix(known, vpnFailed):
		setLogin(ev, name)
		classify(ev, kindConnect, actionConnectionOpened, "")
	case strings.HasPrefix(known, vpnDeferred):
		setLogin(ev, name)
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	case known == vpnPassed:
		setLogin(ev, name)
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
	default:
		setLogin(ev, name)
		// The Access Server has told of the password already.
		v.message.attemptOnce(ev, name, "peer", ecs.OutcomeSuccess, "certificate")
		if !ev.Varde.Attempt {
			classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
		}
		v.note(vpnPassed)
	}
}

func undef(name string) string {
	if name == "UNDEF" {
		return ""
	}
	return name
}

// sentControl: "NAME]: 'AUTH_FAILED[,reason]' (status=1)" or "NAME]: 'PUSH_REPLY,…".
func sentControl(v vpnLine, rest string, ev *ecs.Event) {
	i := strings.Index(rest, "]: '")
	if i < 0 {
		return
	}
	name, what := undef(rest[:i]), rest[i+len("]: '"):]
	known := v.known()
	if pending, ok := strings.CutPrefix(known, vpnDeferred+" "); ok && pending != "" {
		name = pending
	}
	switch {
	case strings.HasPrefix(what, "AUTH_FAILED"):
		if v.peer.name == "" || strings.HasPrefix(known, vpnDeferred) {
			setLogin(ev, name)
		}
		if strings.HasPrefix(known, vpnFailed) {
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeFailure)
			return
		}
		attempt(ev, ecs.OutcomeFailure, "password")
		v.note(vpnFailed + "sent")
	case strings.HasPrefix(what, "PUSH_REPLY") && strings.HasPrefix(known, vpnDeferred):
		setLogin(ev, name)
		attempt(ev, ecs.OutcomeSuccess, "password")
		v.note(vpnPassed)
	case strings.HasPrefix(what, "PUSH_REPLY"):
		classify(ev, kindInfoSession, "options-pushed", "")
		if _, after, ok := strings.Cut(what, ",ifconfig "); ok {
			ip, _, _ := strings.Cut(after, " ")
			innerAddress(ev, ip)
		}
	}
}

// tlsError: a handshake that came to nothing is no login, nobody was named.
func tlsError(v vpnLine, rest string, ev *ecs.Event) {
	if i := strings.LastIndex(rest, " from "); i >= 0 {
		addr, _, _ := strings.Cut(rest[i+len(" from "):], " ")
		v.from(addr, ev)
	}
	classify(ev, kindFlowDenied, actionConnectionDenied, ecs.OutcomeFailure)
	ev.Event.Reason, _, _ = strings.Cut(rest, " from [AF_INET")
	ev.Event.Reason, _, _ = strings.Cut(ev.Event.Reason, " (check your network")
}

// signalled: "TERM[soft,remote-exit] received, client-instance exiting".
func signalled(v vpnLine, rest string, ev *ecs.Event) {
	_, reason, ok := strings.Cut(rest, "[soft,")
	reason, after, done := strings.Cut(reason, "] received")
	if !ok || !done || !strings.HasPrefix(after, ", client-instance") {
		return
	}
	ev.Event.Reason = reason
	known := v.known()
	v.message.stream.notes.drop(v.id(v.peer.key))
	if v.peer.name == "" || strings.HasPrefix(known, vpnFailed) {
		classify(ev, kindConnect, actionConnectionClosed, "")
		return
	}
	classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
}

// learned: "10.8.0.6 -> kari/192.0.2.7:51234".
func learned(v vpnLine, rest string, ev *ecs.Event) {
	inner, to, ok := strings.Cut(rest, " -> ")
	if !ok {
		return
	}
	if p, _ := openvpnPeer(to + " "); p.addr != nil && ev.Source == nil {
		ev.Source = p.addr
		setLogin(ev, p.name)
	}
	innerAddress(ev, strings.TrimSuffix(inner, "/32"))
	classify(ev, kindInfoSession, "address-assigned", "")
}
