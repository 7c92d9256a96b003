package parse

import (
	"net/netip"
	"strings"

	"varde.internal/schemas/ecs"
)

// absent says that a word stands where there is no value. It is for addresses,
// machines and ids; a person may well be called None.
func absent(s string) bool {
	switch len(s) {
	case 0:
		return true
	case 1:
		return s == "-" || s == "?" || s == "*"
	}
	if len(s) > 11 {
		return false
	}
	switch strings.ToLower(s) {
	case "--", "n/a", "na", "null", "(null)", "<null>", "nil", "none", "(none)", "unknown", "(unknown)", "undefined",
		"(empty)", "not set", "unavailable", "0.0.0.0", "::":
		return true
	}
	return false
}

// party makes an endpoint of what stands where an address belongs: an address,
// ADDRESS:PORT, [ADDRESS]:PORT or a host name with or without a port. Words for
// nothing, and addresses that stand for none, are nil.
func party(s string) *ecs.Endpoint {
	s = strings.TrimSpace(s)
	if absent(s) {
		return nil
	}
	if strings.IndexByte(s, ',') > 0 {
		return lastOutside(s)
	}
	e := &ecs.Endpoint{}
	if a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		if a.IsUnspecified() {
			return nil
		}
		e.IP = a.Unmap().String()
		return e
	}
	host, port, ok := splitPort(s)
	if !ok {
		host, port = s, 0
	} else if a, err := netip.ParseAddr(host); err == nil {
		if a.IsUnspecified() {
			return nil
		}
		e.IP, e.Port = a.Unmap().String(), port
		return e
	}
	if strings.ContainsAny(host, " \t\"'<>,;:/@") || absent(host) {
		return nil
	}
	e.Domain, e.Port = host, port
	return e
}

// lastOutside picks from a list of proxies (X-Forwarded-For) the last address
// that is not of a private network: what stands before it the client can have
// written. A list of private ones only is its first.
func lastOutside(list string) *ecs.Endpoint {
	var first *ecs.Endpoint
	parts := strings.Split(list, ",")
	for i := len(parts) - 1; i >= 0; i-- {
		e := party(strings.ReplaceAll(parts[i], ",", ""))
		if e == nil || e.IP == "" {
			continue
		}
		if a, err := netip.ParseAddr(e.IP); err == nil && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() {
			return e
		}
		first = e
	}
	return first
}

// partyPort is party with the port apart; a port of 0 is none.
func partyPort(s, port string) *ecs.Endpoint {
	e := party(s)
	if e == nil {
		return nil
	}
	if n, rest := number(port, 5); n > 0 && rest == "" && n <= 65535 {
		e.Port = n
	}
	return e
}

// innerAddress is the address that a gateway gave to a client: source.nat.ip.
func innerAddress(ev *ecs.Event, s string) {
	e := party(s)
	if e == nil || e.IP == "" {
		return
	}
	if ev.Source == nil {
		ev.Source = &ecs.Endpoint{}
	}
	ev.Source.NAT = &ecs.NAT{IP: e.IP}
}

// setLogin sets who an event is about from a login name of a directory:
// REALM\name becomes domain and name; name@realm stays the name that it is,
// with the realm as domain. varde.account has both folded.
func setLogin(ev *ecs.Event, name string) {
	if name == "" {
		return
	}
	setUser(ev, name)
	splitLogin(ev.User)
}

func splitLogin(u *ecs.User) {
	if realm, rest, ok := strings.Cut(u.Name, `\`); ok && realm != "" && rest != "" && !strings.Contains(rest, `\`) {
		u.Domain, u.Name = realm, rest
		return
	}
	if i := strings.LastIndexByte(u.Name, '@'); i > 0 && isDomain(u.Name[i+1:]) {
		u.Domain = u.Name[i+1:]
	}
}

// setMail is setLogin for services where the login name is a mail address.
func setMail(ev *ecs.Event, name string) {
	setLogin(ev, name)
	if ev.User != nil && isMail(name) {
		ev.User.Email = name
	}
}

func isMail(s string) bool {
	i := strings.LastIndexByte(s, '@')
	return i > 0 && isDomain(s[i+1:]) && strings.Contains(s[i:], ".") && !strings.ContainsAny(s, " \t\\\"<>")
}

func isDomain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, r := range s {
		if r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r < 0x80 {
			return false
		}
	}
	return true
}

// isUser makes sure that there is a user to add to.
func isUser(ev *ecs.Event) *ecs.User {
	if ev.User == nil {
		ev.User = &ecs.User{}
	}
	return ev.User
}

// isTarget makes sure that there is a target of a change to add to.
func isTarget(ev *ecs.Event) *ecs.User {
	u := isUser(ev)
	if u.Target == nil {
		u.Target = &ecs.User{}
	}
	return u.Target
}

// attempt marks the one event that decides a login.
func attempt(ev *ecs.Event, outcome, method string) {
	classify(ev, kindLogin, ecs.ActionLogin, outcome)
	ev.Varde.Attempt = true
	ev.Varde.Method = method
}

// decides turns a yes or no into an outcome.
func decides(ok bool) string {
	if ok {
		return ecs.OutcomeSuccess
	}
	return ecs.OutcomeFailure
}

// mac writes a hardware address as ECS has it: capitals with hyphens. What is
// none stays out.
func mac(s string) string {
	var hex []byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'F':
			hex = append(hex, c)
		case c >= 'a' && c <= 'f':
			hex = append(hex, c-'a'+'A')
		case c == ':' || c == '-' || c == '.':
		default:
			return ""
		}
	}
	if len(hex) != 12 {
		return ""
	}
	out := make([]byte, 0, 17)
	for i := 0; i < 12; i += 2 {
		if i > 0 {
			out = append(out, '-')
		}
		out = append(out, hex[i], hex[i+1])
	}
	return string(out)
}

// Kinds of events of network equipment and sign-in services.
var (
	kindFlowStart  = kind{[]string{"network"}, []string{"connection", "start"}}
	kindFlowEnd    = kind{[]string{"network"}, []string{"connection", "end"}}
	kindFlowDenied = kind{[]string{"network"}, []string{"connection", "denied"}}
	kindConfig     = kind{[]string{"configuration"}, []string{"change"}}
	kindInfo       = kind{nil, []string{"info"}}
	kindIAM        = kind{[]string{"iam"}, []string{"info"}}
	kindIAMChange  = kind{[]string{"iam"}, []string{"change"}}
)

// Actions beside those of package ecs.
const (
	actionConnectionOpened = "connection-opened"
	actionConnectionClosed = "connection-closed"
	actionConnectionDenied = "connection-denied"
	actionConfigChanged    = "configuration-changed"
)
