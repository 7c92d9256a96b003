package parse

import (
	"strings"

	"varde.internal/schemas/ecs"
)

// accessServer takes the wrapping of OpenVPN Access Server away:
// "[-] OVPN 0 OUT: '2026-11-22 10:00:00 MESSAGE'", "[stdout#info] [OVPN 0] OUT:
// '…'", and its own "[-] AUTH SUCCESS {…}".
func accessServer(text string) (inner string, ok bool) {
	for _, p := range [...]string{"[-] ", "[stdout#info] ", "[OVPN"} {
		if rest, found := strings.CutPrefix(text, p); found {
			inner, ok = rest, true
			if p == "[OVPN" {
				inner = text
			}
			break
		}
	}
	if !ok {
		return "", false
	}
	if !strings.HasPrefix(inner, "OVPN ") && !strings.HasPrefix(inner, "[OVPN ") {
		return inner, true
	}
	_, out, found := strings.Cut(inner, "OUT: ")
	if !found {
		return inner, true
	}
	out = strings.Trim(out, `'"`)
	if _, rest, found, err := readStamp(out); found && err == nil {
		out = strings.TrimPrefix(rest, " ")
	}
	return afterMicros(out), true
}

// readAccessServer reads "AUTH SUCCESS|FAILED {'status': 0, 'user': 'kari', …}":
// a dictionary as Python writes it.
func readAccessServer(text string, m *message, ev *ecs.Event) bool {
	rest, ok := strings.CutPrefix(text, "AUTH ")
	if !ok {
		return false
	}
	word, dict, ok := strings.Cut(rest, " ")
	if !ok || !strings.HasPrefix(dict, "{") {
		return false
	}
	setLogin(ev, pythonValue(dict, "user"))
	ev.Event.Reason = pythonValue(dict, "reason")
	for _, name := range [...]string{"client_ip_addr", "clientIP", "real_ip", "ip_addr", "client_ip"} {
		if e := party(pythonValue(dict, name)); e != nil {
			ev.Source = e
			break
		}
	}
	key := ""
	if ev.User != nil {
		key = ev.User.Name
	}
	switch {
	case strings.HasPrefix(word, "SUCC"):
		m.attemptOnce(ev, key, "as", ecs.OutcomeSuccess, "password")
	case strings.HasPrefix(word, "FAIL"), strings.HasPrefix(word, "ERR"):
		m.attemptOnce(ev, key, "as", ecs.OutcomeFailure, "password")
	default:
		return false
	}
	return true
}

// pythonValue finds 'name': 'value' or 'name': "value" at the top of a
// dictionary: outside of quotes and inner dictionaries.
func pythonValue(dict, name string) string {
	depth, key := 0, ""
	for i := 0; i < len(dict); i++ {
		switch c := dict[i]; c {
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			depth--
		case ',':
			if depth == 1 {
				key = ""
			}
		case '\'', '"':
			value, n := pythonString(dict[i:])
			if n == 0 {
				return ""
			}
			i += n - 1
			if depth != 1 {
				continue
			}
			if key == name {
				return value
			}
			if strings.HasPrefix(dict[i+1:], ":") {
				key = value
			}
		}
	}
	return ""
}

// pythonString reads a quoted text and says how long it is, 0 where it does not end.
func pythonString(s string) (value string, n int) {
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			out.WriteByte(s[i])
		case s[i] == s[0]:
			return out.String(), i + 1
		default:
			out.WriteByte(s[i])
		}
	}
	return "", 0
}

// readPfsenseOpenVPN reads what the scripts of pfSense and OPNsense log as
// openvpn: "user 'kari' could not authenticate.", "user 'kari' authenticated",
// "openvpn server 'ovpns1' user 'kari' address '192.0.2.7' - connected".
func readPfsenseOpenVPN(text string, m *message, ev *ecs.Event) bool {
	if rest, ok := strings.CutPrefix(text, "user '"); ok {
		switch {
		case strings.HasSuffix(rest, "' could not authenticate."), strings.HasSuffix(rest, "' could not authenticate"):
			// The daemon says next from where, and decides.
			setLogin(ev, quotedName(rest))
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeFailure)
			m.stream.notes.put(vpnLine{message: m}.id("pam"), quotedName(rest), m.at)
		case strings.HasSuffix(rest, "' authenticated"):
			setLogin(ev, quotedName(rest))
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeSuccess)
		default:
			return false
		}
		return true
	}
	rest, ok := strings.CutPrefix(text, "openvpn server '")
	if !ok {
		return false
	}
	_, rest, ok = strings.Cut(rest, "' user '")
	i := strings.LastIndex(rest, "' address '")
	if !ok || i < 0 {
		return false
	}
	addr, what, ok := strings.Cut(rest[i+len("' address '"):], "' - ")
	if !ok {
		return false
	}
	setLogin(ev, undef(rest[:i]))
	ev.Source = party(addr)
	switch what {
	case "connected":
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
	case "disconnected":
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
	default:
		classify(ev, kindConnect, actionConnectionOpened, "")
	}
	return true
}
