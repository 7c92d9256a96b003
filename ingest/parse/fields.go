package parse

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"varde.internal/schemas/ecs"
)

// address returns the canonical text of an address: an IPv4 address in IPv6
// clothes becomes IPv4, a scope stays. ok is false for anything else.
func address(s string) (ip string, ok bool) {
	if !mayBeAddress(s) {
		return "", false
	}
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = s[1 : len(s)-1]
	}
	a, err := netip.ParseAddr(s)
	if err != nil || strings.ContainsAny(a.Zone(), "]:/ ") {
		return "", false
	}
	var text [64]byte
	canonical := a.Unmap().AppendTo(text[:0])
	if string(canonical) == s {
		return s, true
	}
	return string(canonical), true
}

// mayBeAddress tells most names from addresses without the cost of an error.
func mayBeAddress(s string) bool {
	if strings.IndexByte(s, ':') >= 0 {
		return true
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && c != '.' {
			return false
		}
	}
	return s != ""
}

// endpoint makes source.* of what stood where an address belongs: a host name
// is a domain, an empty word (OpenSSH's UNKNOWN) nothing. A port that stands
// with the address (ip:port, [v6]:port, name:port) is taken where none is given.
func endpoint(s string, port int) *ecs.Endpoint { return endpointIn(&ecs.Endpoint{}, s, port) }

// endpointIn is endpoint in a place that is there already, and zero.
func endpointIn(e *ecs.Endpoint, s string, port int) *ecs.Endpoint {
	e.Port = port
	if ip, ok := address(s); ok {
		e.IP = ip
	} else if host, with, ok := splitPort(s); ok && !absent(host) {
		if ip, ok := address(host); ok {
			e.IP = ip
		} else {
			e.Domain = host
		}
		if port == 0 {
			e.Port = with
		}
	} else if !absent(s) {
		e.Domain = s
	}
	if *e == (ecs.Endpoint{}) {
		return nil
	}
	return e
}

// splitPort splits "192.0.2.7:22", "[2001:db8::7]:22" and "name:22". An address
// of IPv6 without brackets is not split.
func splitPort(s string) (host string, port int, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 1 || !allDigits(s[i+1:]) || len(s)-i > 6 {
		return "", 0, false
	}
	host = s[:i]
	if host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	} else if strings.IndexByte(host, ':') >= 0 {
		return "", 0, false
	}
	if port = atoi(s[i+1:]); port > 65535 || host == "" {
		return "", 0, false
	}
	return host, port, true
}

// account splits a login name into realm and name, folded to lower case in
// composed form (NFC): BØ\kari and kari@bo.example. Which of them are the same
// person is for the register to say.
func account(name string) *ecs.Account { return accountIn(&ecs.Account{}, name) }

func accountIn(a *ecs.Account, name string) *ecs.Account {
	if name == "" {
		return nil
	}
	folded := strings.ToLower(name)
	if !ascii(name) {
		folded = strings.ToLower(norm.NFC.String(name))
	}
	if realm, rest, ok := strings.Cut(folded, `\`); ok && realm != "" && rest != "" {
		*a = ecs.Account{Realm: realm, Name: rest}
	} else if i := strings.LastIndexByte(folded, '@'); i > 0 && i+1 < len(folded) && !strings.ContainsAny(folded[i:], " \t") {
		*a = ecs.Account{Realm: folded[i+1:], Name: folded[:i]}
	} else {
		*a = ecs.Account{Name: folded}
	}
	return a
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// relate gathers the values that searches pivot on.
func relate(ev *ecs.Event, in *room) {
	r := &in.related
	r.IP, r.User, r.Hosts = in.ip[:0], in.users[:0], in.hosts[:0]
	if ev.Related != nil { // what a parser found that has no other place
		*r = *ev.Related
	}
	add := func(list *[]string, value string) {
		if value != "" && !slices.Contains(*list, value) {
			*list = append(*list, value)
		}
	}
	for _, e := range [...]*ecs.Endpoint{ev.Source, ev.Destination, ev.Client, ev.Server} {
		if e != nil {
			add(&r.IP, e.IP)
			add(&r.Hosts, e.Domain)
			if e.NAT != nil {
				add(&r.IP, e.NAT.IP)
			}
		}
	}
	if u := ev.User; u != nil {
		add(&r.User, u.Name)
		if u.Target != nil {
			add(&r.User, u.Target.Name)
		}
		if u.Effective != nil {
			add(&r.User, u.Effective.Name)
		}
		if u.Changes != nil {
			add(&r.User, u.Changes.Name)
		}
	}
	if ev.Host != nil {
		add(&r.Hosts, ev.Host.Name)
	}
	if k := ev.Varde.Key; k != nil {
		add(&r.Hash, k.Fingerprint)
		add(&r.Hash, k.CA)
	}
	if len(r.IP)+len(r.User)+len(r.Hosts)+len(r.Hash) > 0 {
		ev.Related = r
	}
}

// kind of an event: what ECS calls it. The slices are shared and never changed.
type kind struct{ category, types []string }

var (
	kindLogin     = kind{[]string{"authentication"}, []string{"start"}}
	kindProbe     = kind{[]string{"authentication"}, []string{"info"}}
	kindSession   = kind{[]string{"session"}, []string{"start"}}
	kindEnd       = kind{[]string{"session"}, []string{"end"}}
	kindConnect   = kind{[]string{"network"}, []string{"connection", "info"}}
	kindPrivilege = kind{[]string{"authentication", "process"}, []string{"start"}}
	kindDenied    = kind{[]string{"authentication", "process"}, []string{"start", "denied"}}
	kindAdd       = kind{[]string{"iam"}, []string{"user", "creation"}}
	kindChange    = kind{[]string{"iam"}, []string{"user", "change"}}
	kindDelete    = kind{[]string{"iam"}, []string{"user", "deletion"}}
	kindGroup     = kind{[]string{"iam"}, []string{"group", "change"}}
	kindGroupAdd  = kind{[]string{"iam"}, []string{"group", "creation"}}
	kindGroupDel  = kind{[]string{"iam"}, []string{"group", "deletion"}}
)

func classify(ev *ecs.Event, k kind, action, outcome string) {
	ev.Event.Category, ev.Event.Type = k.category, k.types
	ev.Event.Action, ev.Event.Outcome = action, outcome
}

// setUser sets who an event is about; an empty name is kept out of JSON but is
// still a user nobody has.
func setUser(ev *ecs.Event, name string) {
	if name == "" {
		return
	}
	if ev.User == nil {
		ev.User = &ecs.User{}
	}
	ev.User.Name = name
	ev.Varde.Account = account(name)
}

// setTarget sets whom an event changed, or switched to.
func setTarget(ev *ecs.Event, name, id string) {
	if name == "" && id == "" {
		return
	}
	if ev.User == nil {
		ev.User = &ecs.User{}
	}
	ev.User.Target = &ecs.User{Name: name, ID: id}
}

func label(ev *ecs.Event, name, value string) {
	if value == "" {
		return
	}
	if ev.Labels == nil {
		ev.Labels = map[string]string{}
	}
	ev.Labels[name] = value
}
