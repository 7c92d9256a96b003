package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// radiusProgram reads FreeRADIUS, in syslog and in radius.log, and its detail
// files one attribute list at a time. "Login OK" and "Login incorrect" decide.
// With EAP there are two of them for one login, the one inside the tunnel and
// the one outside: the outer is the server's answer and counts, the inner tells
// who it was where the outer is anonymous.
var radiusProgram = program{
	name:   "freeradius",
	module: "freeradius",
	knows: func(m *message) bool {
		switch m.program {
		case "freeradius", "radiusd", "radius":
			return m.module == ""
		}
		return false
	},
	read:  readRADIUS,
	alone: radiusAlone,
}

// radiusAlone: radius.log has ": Auth: " and the like after its time.
func radiusAlone(text string) bool {
	rest, ok := strings.CutPrefix(strings.TrimLeft(text, " "), ": ")
	if !ok {
		rest, ok = text, strings.HasPrefix(text, "Auth: ")
	}
	if !ok {
		return false
	}
	for _, level := range [...]string{"Auth: ", "Info: ", "Error: ", "Warning: ", "Proxy: ", "Acct: ", "Debug: "} {
		if strings.HasPrefix(rest, level) {
			return level == "Auth: " || strings.HasPrefix(strings.TrimLeft(text, " "), ": ")
		}
	}
	return false
}

func readRADIUS(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "radius", Type: "radius"}
	text := strings.TrimPrefix(strings.TrimLeft(m.text, " "), ": ")
	for _, level := range [...]string{"Auth: ", "Info: ", "Error: ", "Warning: ", "Proxy: ", "Acct: ", "Debug: "} {
		if rest, ok := strings.CutPrefix(text, level); ok {
			text = rest
			break
		}
	}
	if rest, ok := strings.CutPrefix(text, "("); ok {
		if n, after := number(rest, 9); n >= 0 && strings.HasPrefix(after, ") ") {
			text = after[2:]
		}
	}
	text = strings.TrimPrefix(text, "Auth: ")
	verb, rest := radiusVerb(text)
	if verb == "" {
		return
	}
	r, ok := radiusFields(rest)
	if !ok {
		return
	}
	readRADIUSLogin(verb, r, m, ev)
}

// radiusVerb cuts "Login OK: [", "Login incorrect (reason): [", "Invalid user
// (reason): [" and "Multiple logins (max 1): [" off; rest begins after the
// bracket. The reason may hold brackets, and what the server wrote of a name.
func radiusVerb(text string) (verb, rest string) {
	for _, v := range [...]string{"Login OK", "Login incorrect", "Invalid user", "Multiple logins", "Rejected in post-auth"} {
		after, ok := strings.CutPrefix(text, v)
		if !ok {
			continue
		}
		if rest, ok = strings.CutPrefix(after, ": ["); ok {
			return v, rest
		}
		if i := strings.Index(after, "): ["); i >= 0 && strings.HasPrefix(after, " (") {
			return v + after[:i+1], after[i+len("): ["):]
		}
		if i := strings.Index(after, " [MPP]: ["); i >= 0 {
			return v, after[i+len(" [MPP]: ["):]
		}
	}
	return "", ""
}

type radiusLogin struct {
	user, authType, nas, port, cli string
	inner                          bool
}

// radiusFields reads "USER[/PASSWORD]] (from client NAS port N [cli STATION]
// [via TLS tunnel])", from its end: the user may be called anything.
func radiusFields(s string) (r radiusLogin, ok bool) {
	i := strings.LastIndex(s, "] (from client ")
	if i < 0 {
		return r, false
	}
	r.user = s[:i]
	tail := s[i+len("] (from client "):]
	if end := strings.LastIndexByte(tail, ')'); end >= 0 {
		tail = tail[:end]
	}
	if t, found := strings.CutSuffix(tail, " via TLS tunnel"); found {
		tail, r.inner = t, true
	}
	tail, _, _ = strings.Cut(tail, " via proxy to ")
	port := strings.LastIndex(tail, " port ")
	if port < 0 {
		return r, false
	}
	r.nas = tail[:port]
	rest := tail[port+len(" port "):]
	r.port, rest, _ = strings.Cut(rest, " ")
	r.cli, _ = strings.CutPrefix(rest, "cli ")
	r.user, r.authType = radiusUser(r.user)
	return r, true
}

// radiusUser takes the password, or the remark in its place, off "NAME/WHAT".
// Machines are called host/NAME.
func radiusUser(s string) (user, authType string) {
	if i := strings.LastIndex(s, "/<"); i >= 0 && strings.HasSuffix(s, ">") {
		remark := s[i+2 : len(s)-1]
		if t, ok := strings.CutPrefix(remark, "via Auth-Type = "); ok {
			authType = strings.ToLower(t)
		}
		return unvis(s[:i]), authType
	}
	from := 0
	if strings.HasPrefix(s, "host/") {
		from = len("host/")
	}
	if i := strings.IndexByte(s[from:], '/'); i >= 0 {
		return unvis(s[:from+i]), "pap"
	}
	return unvis(s), ""
}

func readRADIUSLogin(verb string, r radiusLogin, m *message, ev *ecs.Event) {
	setLogin(ev, r.user)
	ev.Observer = &ecs.Observer{Name: r.nas, Type: "nas"}
	if ip, ok := address(r.nas); ok {
		ev.Observer.IP = []string{ip}
	}
	label(ev, "nas", r.nas)
	label(ev, "nas_port", r.port)
	station(ev, r.cli)
	if r.authType != "" {
		label(ev, "auth_type", r.authType)
	}
	_, reason, hasReason := strings.Cut(verb, " (")
	if hasReason {
		ev.Event.Reason = strings.TrimSuffix(reason, ")")
	}
	outcome := decides(strings.HasPrefix(verb, "Login OK"))
	key := "radius\x00" + m.host + "\x00" + r.nas
	if r.inner {
		classify(ev, kindProbe, ecs.ActionProbe, outcome)
		m.stream.notes.put(key, r.user, m.at)
		return
	}
	attempt(ev, outcome, radiusMethod(r.authType))
	if isAnonymous(r.user) {
		if who, ok := m.stream.notes.get(key, m.at, 5*time.Second); ok {
			label(ev, "outer_identity", r.user)
			ev.User = nil
			setLogin(ev, who)
			m.stream.notes.drop(key)
		}
	}
	if strings.HasPrefix(verb, "Invalid user") {
		ev.Event.Reason = reasonInvalidUser
	}
}

// radiusMethod: EAP-TLS and its relatives cannot be told apart here, so only
// what is a password for certain is called one.
func radiusMethod(authType string) string {
	switch authType {
	case "pap", "chap", "mschap", "ms-chap", "ldap", "pam", "unix", "system", "local", "krb5":
		return "password"
	case "":
		return "password"
	}
	return authType
}

func isAnonymous(user string) bool {
	name, _, _ := strings.Cut(user, "@")
	switch strings.ToLower(name) {
	case "", "anonymous", "anon", "anonym", "eduroam":
		return true
	}
	return false
}

// station is Calling-Station-Id: a hardware address on wireless and cable, the
// client's address at a VPN gateway.
func station(ev *ecs.Event, cli string) {
	cli = word(cli)
	if cli == "" {
		return
	}
	if hw := mac(cli); hw != "" {
		ev.Source = &ecs.Endpoint{MAC: hw}
		return
	}
	if e := party(cli); e != nil && e.IP != "" {
		ev.Source = e
		return
	}
	label(ev, "calling_station", cli)
}
