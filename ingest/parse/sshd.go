package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// sshdProgram reads OpenSSH's server under all the names of its processes.
//
// Only "Accepted METHOD for" and "Failed METHOD for" decide an attempt. Nothing
// in a message that a client can write is trusted to end anything: a user name
// may be `x from 10.6.6.6 port 6 ssh2`, so the address is the one at the end
// of the line, where only the server writes.
var sshdProgram = program{
	name: "sshd",
	knows: func(m *message) bool {
		switch m.program {
		case "sshd", "sshd-session", "sshd-auth":
			return m.module == ""
		}
		return false
	},
	read: readSSHD,
}

func readSSHD(m *message, ev *ecs.Event) {
	in := m.stream.room
	ev.Service = &in.service
	ev.Service.Name, ev.Service.Type = "sshd", "ssh"
	text, preauth := strings.CutSuffix(strings.TrimRight(m.text, " "), " [preauth]")
	if preauth {
		// The monitor encodes once more what its child has encoded already.
		text = unvis(text)
	}
	verb, rest, _ := strings.Cut(text, " ")
	switch verb {
	case "Accepted", "Failed", "Postponed", "Partial":
		if decided(verb, rest, ev, in) {
			return
		}
	}
	for _, p := range sshdPhrases {
		if after, ok := strings.CutPrefix(text, p.begins); ok && p.read(after, ev) {
			return
		}
	}
}

// decided reads "METHOD[/SUB] for [invalid user ]USER from ADDRESS port PORT
// ssh2[: what the method adds]".
func decided(verb, rest string, ev *ecs.Event, in *room) bool {
	method, rest, ok := strings.Cut(rest, " ")
	rest, isFor := strings.CutPrefix(rest, "for ")
	if !ok || !isFor || method == "key" || method == "certificate" {
		return false
	}
	method, _, _ = strings.Cut(method, "/")
	who, ok := fixedEnd(rest, verb, method)
	if !ok {
		return false
	}
	user, invalid := validity(who.user)
	if name := unvis(user); name != "" {
		ev.User, ev.Varde.Account = &in.user, accountIn(&in.account, name)
		ev.User.Name = name
	}
	ev.Source = endpointIn(&in.source, who.address, who.port)
	ev.Network = &in.network
	ev.Network.Protocol, ev.Network.Transport = "ssh", "tcp"
	ev.Varde.Method = methodName(method)
	if who.extra != "" {
		readExtra(who.extra, ev)
	}
	switch verb {
	case "Accepted":
		classify(ev, kindLogin, ecs.ActionLogin, ecs.OutcomeSuccess)
		ev.Varde.Attempt = true
	case "Failed":
		classify(ev, kindLogin, ecs.ActionLogin, ecs.OutcomeFailure)
		ev.Varde.Attempt = true
	default: // Postponed, Partial: the method goes on, or another must follow
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	}
	if invalid {
		ev.Event.Reason = reasonInvalidUser
	}
	return true
}

// event.reason of attempts for an account that the machine does not have.
const reasonInvalidUser = "invalid-user"

// validity takes "invalid user " away, once: the name itself may begin so.
func validity(s string) (user string, invalid bool) {
	for _, prefix := range [...]string{"invalid user", "illegal user"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok && (rest == "" || rest[0] == ' ') {
			return strings.TrimPrefix(rest, " "), true
		}
	}
	return s, false
}

// peer is the end of a message about a connection.
type peer struct {
	user    string
	address string
	port    int
	extra   string // what follows "ssh2: "
}

// fixedEnd finds the " from ADDRESS port PORT ssh2" that the server wrote. It is
// the last one, unless a key follows it: then what follows must be exactly a key
// or a certificate. A certificate's id can hold anything too; where both the
// user's name and the id could be meant, an accepted user is one that exists,
// and no account name holds a colon (passwd(5)).
func fixedEnd(s, verb, method string) (peer, bool) {
	if p, ok := peerAt(s, strings.LastIndex(s, " from "), method); ok && p.extra == "" {
		return p, true
	}
	var found peer
	ok := false
	for from := strings.LastIndex(s, " from "); from >= 0; from = strings.LastIndex(s[:from], " from ") {
		p, fits := peerAt(s, from, method)
		if !fits || (ok && (verb != "Accepted" || strings.Contains(p.user, ":"))) {
			continue
		}
		found, ok = p, true
	}
	return found, ok
}

func peerAt(s string, from int, method string) (peer, bool) {
	if from < 0 {
		// An empty user name whose blanks were folded together.
		if !strings.HasPrefix(s, "from ") {
			return peer{}, false
		}
		s, from = " "+s, 0
	}
	p := peer{user: s[:from]}
	addr, rest, ok := strings.Cut(s[from+len(" from "):], " port ")
	if !ok || addr == "" || strings.ContainsAny(addr, " \t") {
		return peer{}, false
	}
	port, rest := number(rest, 5)
	if port < 0 || port > 65535 {
		return peer{}, false
	}
	p.address, p.port = addr, port
	if rest == "" || rest == " ssh2" || rest == " ssh1" || rest == " ssh" {
		return p, true
	}
	extra, ok := strings.CutPrefix(rest, " ssh2: ")
	if !ok || !extraFits(extra, method) {
		return peer{}, false
	}
	p.extra = extra
	return p, true
}

// extraFits says whether s can be what the method adds.
func extraFits(s, method string) bool {
	switch method {
	case "publickey":
		_, ok := keyOf(s)
		return ok
	case "hostbased":
		key, _, ok := strings.Cut(s, `, client user "`)
		_, fits := keyOf(key)
		return ok && fits && strings.HasSuffix(s, `"`)
	case "password", "none", "keyboard-interactive":
		return false
	}
	return s != "" // gssapi: the principal
}

// keyOf reads "TYPE FINGERPRINT" and, of a certificate, "TYPE FINGERPRINT ID id
// (serial N) CA TYPE FINGERPRINT"; a trailing ", …" describes a security key.
func keyOf(s string) (*ecs.Key, bool) {
	kind, rest, ok := strings.Cut(s, " ")
	if !ok || !isKeyType(kind) {
		return nil, false
	}
	if !strings.HasSuffix(kind, "-CERT") && !strings.HasSuffix(kind, "-CERT-V00") {
		fp, more, _ := strings.Cut(rest, ", ")
		if !isFingerprint(fp) || strings.Contains(more, " from ") {
			return nil, false
		}
		return &ecs.Key{Type: kind, Fingerprint: fp}, true
	}
	k := &ecs.Key{Type: kind}
	fp, id, ok := strings.Cut(rest, " ")
	if isFingerprint(fp) && ok {
		k.Fingerprint, rest = fp, id
	}
	rest, ok = strings.CutPrefix(rest, "ID ")
	ca := strings.LastIndex(rest, ") CA ")
	if !ok || ca < 0 {
		return nil, false
	}
	serial := strings.LastIndex(rest[:ca], " (serial ")
	if serial < 0 || !allDigits(rest[serial+len(" (serial "):ca]) {
		return nil, false
	}
	caType, caFP, ok := strings.Cut(rest[ca+len(") CA "):], " ")
	caFP, _, _ = strings.Cut(caFP, ", ")
	if !ok || !isKeyType(caType) || !isFingerprint(caFP) {
		return nil, false
	}
	k.CertID = unvis(rest[:serial])
	k.CertSerial = rest[serial+len(" (serial ") : ca]
	k.CAType, k.CA = caType, caFP
	return k, true
}

// isKeyType: RSA, ED25519-SK, ECDSA-CERT …
func isKeyType(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c != '-' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// isFingerprint: SHA256:base64, or MD5 in hex pairs with or without its name.
// Its length is left open: logs are shared with fingerprints cut short.
func isFingerprint(s string) bool {
	return len(s) >= 4 && strings.Contains(s, ":") && !strings.ContainsAny(s, " \t\"()")
}

func readExtra(extra string, ev *ecs.Event) {
	switch ev.Varde.Method {
	case "publickey":
		ev.Varde.Key, _ = keyOf(extra)
		if ev.Varde.Key.CAType != "" {
			ev.Varde.Method = "certificate"
		}
	case "hostbased":
		key, _, _ := strings.Cut(extra, `, client user "`)
		ev.Varde.Key, _ = keyOf(key)
	case "gssapi":
		label(ev, "principal", unvis(extra))
	}
}

func methodName(s string) string {
	if strings.HasPrefix(s, "gssapi") {
		return "gssapi"
	}
	return strings.ToLower(s)
}

// setSSHUser decodes what OpenSSH encoded; a name that was not UTF-8 says so.
func setSSHUser(ev *ecs.Event, name string) { setUser(ev, unvis(name)) }

// phrase is a message that decides nothing, known by how it begins.
type phrase struct {
	begins string
	read   func(rest string, ev *ecs.Event) bool
}

var sshdPhrases = []phrase{
	{"Invalid user ", probeOf(true)},
	{"Illegal user ", probeOf(true)},
	{"input_userauth_request: invalid user ", func(rest string, ev *ecs.Event) bool {
		probe(ev, rest, true)
		return true
	}},
	{"error: maximum authentication attempts exceeded for ", probeOf(false)},
	{"maximum authentication attempts exceeded for ", probeOf(false)},
	{"error: PAM: Authentication failure for ", probeOf(false)},
	{"Connection closed by ", closed},
	{"Connection reset by ", closed},
	{"Disconnected from ", closed},
	{"Disconnecting ", func(rest string, ev *ecs.Event) bool {
		// Other reasons hold words of the client, so nothing in them has a fixed end.
		head, ok := strings.CutSuffix(rest, ": Too many authentication failures")
		return ok && closed(head, ev)
	}},
	{"Received disconnect from ", func(rest string, ev *ecs.Event) bool {
		addr, rest, _ := strings.Cut(rest, " ")
		port, _ := number(strings.TrimPrefix(rest, "port "), 5)
		ev.Source = endpoint(strings.TrimSuffix(addr, ":"), max(port, 0))
		classify(ev, kindConnect, "connection-closed", "")
		return true
	}},
	{"Connection from ", opened},
	{"banner exchange: Connection from ", opened},
	{"Unable to negotiate with ", opened},
	{"Did not receive identification string from ", opened},
	{"Timeout before authentication for connection from ", opened},
	{"Timeout before authentication for ", opened},
	{"refused connect from ", func(rest string, ev *ecs.Event) bool {
		if i := strings.LastIndex(rest, " ("); i >= 0 {
			rest = strings.TrimSuffix(rest[i+2:], ")")
		}
		ev.Source = endpoint(rest, 0)
		classify(ev, kindConnect, "connection-refused", "")
		return true
	}},
	{"User ", refused},
	{"Accepted certificate ID ", noted},
	{"Accepted key ", noted},
	{"Accepted ", noted},
	{"Starting session: ", func(_ string, ev *ecs.Event) bool {
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
		return true
	}},
	{"Close session: ", func(_ string, ev *ecs.Event) bool {
		classify(ev, kindEnd, ecs.ActionSessionEnd, "")
		return true
	}},
}

// opened reads "ADDRESS[ port PORT]…" of connections that never named a user.
func opened(rest string, ev *ecs.Event) bool {
	addr, rest, _ := strings.Cut(rest, " ")
	port, _ := number(strings.TrimPrefix(rest, "port "), 5)
	ev.Source = endpoint(addr, max(port, 0))
	classify(ev, kindConnect, "connection-opened", "")
	return true
}

func noted(_ string, ev *ecs.Event) bool {
	classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	return true
}

// probe is a line about an attempt that another line decides.
func probe(ev *ecs.Event, user string, invalid bool) {
	setSSHUser(ev, user)
	classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	if invalid {
		ev.Event.Reason = reasonInvalidUser
	}
}

// probeOf reads "[invalid user ]USER from ADDRESS[ port PORT][ ssh2]".
func probeOf(invalid bool) func(string, *ecs.Event) bool {
	return func(rest string, ev *ecs.Event) bool {
		rest = " " + rest // an empty name leaves " from" at the very beginning
		from := strings.LastIndex(rest, " from ")
		if from < 0 {
			return false
		}
		addr, after, _ := strings.Cut(rest[from+len(" from "):], " ")
		port, _ := number(strings.TrimPrefix(after, "port "), 5)
		user, flagged := strings.TrimPrefix(rest[:from], " "), invalid
		if !invalid {
			user, flagged = validity(user)
		}
		probe(ev, user, flagged)
		ev.Source = endpoint(addr, max(port, 0))
		return true
	}
}

// closed reads "[authenticating user U |invalid user U |user U ]ADDRESS[ port PORT]".
func closed(rest string, ev *ecs.Event) bool {
	classify(ev, kindConnect, "connection-closed", "")
	head, port := rest, -1
	if i := strings.LastIndex(rest, " port "); i >= 0 {
		var more string
		head = rest[:i]
		if port, more = number(rest[i+len(" port "):], 5); more != "" {
			return true // not the fixed end: a name that holds " port "
		}
	}
	for _, who := range [...]string{"authenticating user ", "invalid user ", "user "} {
		if named, ok := strings.CutPrefix(head, who); ok {
			i := strings.LastIndexByte(named, ' ')
			if i < 0 {
				return false
			}
			if who != "user " {
				probe(ev, named[:i], who == "invalid user ")
			} else {
				setSSHUser(ev, named[:i])
				classify(ev, kindEnd, ecs.ActionLogoff, ecs.OutcomeSuccess)
			}
			head = named[i+1:]
			break
		}
	}
	if strings.ContainsAny(head, " \t") {
		return true
	}
	ev.Source = endpoint(strings.TrimSuffix(head, ":"), max(port, 0))
	return true
}

// refused reads "User U from HOST not allowed because …": the attempt itself
// fails in a line of its own.
func refused(rest string, ev *ecs.Event) bool {
	i := strings.LastIndex(rest, " not allowed because ")
	if i < 0 {
		return false
	}
	from := strings.LastIndex(rest[:i], " from ")
	if from < 0 {
		probe(ev, rest[:i], false)
	} else {
		probe(ev, rest[:from], false)
		ev.Source = endpoint(rest[from+len(" from "):i], 0)
	}
	ev.Event.Reason = "not-allowed"
	return true
}
