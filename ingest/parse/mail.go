package parse

import (
	"slices"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// dovecotProgram reads Dovecot's login processes. "(auth failed, 3 attempts in
// 9 secs)" stands for three; where PAM or Dovecot's password check has said some
// of them already in lines of their own, for the rest.
var dovecotProgram = program{
	name: "dovecot",
	knows: func(m *message) bool {
		return m.program == "dovecot" || strings.HasSuffix(m.program, "-login") && dovecotLogin[m.program]
	},
	read: readDovecot,
}

var dovecotLogin = set("imap-login", "pop3-login", "submission-login", "managesieve-login", "lmtp-login")

func readDovecot(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "dovecot"}
	process, text, ok := strings.Cut(m.text, ": ")
	if dovecotLogin[m.program] {
		process, text, ok = m.program, m.text, true
	}
	if !ok || !dovecotLogin[process] {
		return
	}
	ev.Service.Type = strings.TrimSuffix(process, "-login")
	text = strings.TrimPrefix(text, "Info: ")
	// The name is in <>, and what follows it is Dovecot's.
	head, rest, ok := strings.Cut(text, "user=<")
	if !ok {
		_, rest, _ = strings.Cut(text, "rip=")
		rest = ">, rip=" + rest
	}
	end := strings.LastIndex(rest, ">, ")
	for e := end; e >= 0; e = strings.LastIndex(rest[:e], ">, ") {
		if strings.HasPrefix(rest[e:], ">, method=") || strings.HasPrefix(rest[e:], ">, rip=") {
			end = e
			break
		}
	}
	if end < 0 {
		return
	}
	setUser(ev, readable(rest[:end]))
	for field := range strings.SplitSeq(rest[end:], ", ") {
		if ip, ok := strings.CutPrefix(field, "rip="); ok && ev.Source == nil {
			ev.Source = party(ip)
		} else if ip, ok := strings.CutPrefix(field, "lip="); ok {
			ev.Destination = party(ip)
		} else if id, ok := strings.CutPrefix(field, "session=<"); ok {
			ev.Varde.Session = strings.TrimSuffix(id, ">")
		}
	}
	switch {
	case strings.HasPrefix(head, "Login: "):
		attempt(ev, ecs.OutcomeSuccess, "password")
	case strings.Contains(head, "auth failed, "):
		n, _ := number(head[strings.Index(head, "auth failed, ")+len("auth failed, "):], 5)
		m.stream.dovecotFailed(m, ev, max(n, 1))
	default:
		classify(ev, kindConnect, actionConnectionClosed, "")
	}
}

// tally counts what was said of one sender's passwords before the line that
// sums them up.
type tally struct {
	host, user, ip string
	n              int
	at             time.Time
}

// tallied is how long before the sum its parts may stand: Dovecot closes a
// connection that does not log in after three minutes.
const tallied = 5 * time.Minute

func (s *Stream) dovecotFailed(m *message, ev *ecs.Event, n int) {
	t := tallyOf(m, ev)
	for i, o := range s.tallies {
		if o.host == t.host && o.user == t.user && o.ip == t.ip && t.at.Sub(o.at).Abs() <= tallied {
			n -= o.n
			s.tallies = slices.Delete(s.tallies, i, i+1)
			break
		}
	}
	if n <= 0 {
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
		return
	}
	attempt(ev, ecs.OutcomeFailure, "password")
	if n > 1 {
		ev.Varde.Repeat = n
	}
}

// counted notes a refusal by PAM that Dovecot will sum up.
func (s *Stream) counted(m *message, ev *ecs.Event, n int) {
	t := tallyOf(m, ev)
	for i := range s.tallies {
		if o := &s.tallies[i]; o.host == t.host && o.user == t.user && o.ip == t.ip {
			if t.at.Sub(o.at).Abs() > tallied {
				o.n = 0
			}
			o.n, o.at = o.n+n, t.at
			return
		}
	}
	if len(s.tallies) >= 64 {
		s.tallies = slices.Delete(s.tallies, 0, 1)
	}
	t.n = n
	s.tallies = append(s.tallies, t)
}

func tallyOf(m *message, ev *ecs.Event) tally {
	t := tally{host: m.host, at: m.at}
	if ev.User != nil {
		t.user = ev.User.Name
	}
	if ev.Source != nil {
		t.ip = ev.Source.IP
	}
	return t
}

// postfixProgram reads sign-ins at Postfix' SMTP server (SASL).
var postfixProgram = program{
	name: "postfix",
	knows: func(m *message) bool {
		return strings.HasPrefix(m.program, "postfix/") && strings.HasSuffix(m.program, "smtpd")
	},
	read: readPostfix,
}

func readPostfix(m *message, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "postfix", Type: "smtp"}
	if rest, ok := strings.CutPrefix(m.text, "warning: "); ok {
		// NAME[ADDRESS]: SASL METHOD authentication failed: REASON[, sasl_username=kari]
		client, rest, ok := strings.Cut(rest, "]: SASL ")
		if !ok {
			return
		}
		method, why, ok := strings.Cut(rest, " authentication failed: ")
		if !ok || strings.Contains(method, " ") {
			return
		}
		postfixClient(ev, client)
		why, user, _ := strings.Cut(why, ", sasl_username=")
		setUser(ev, readable(user))
		for _, broken := range [...]string{"Connection lost", "no mechanism", "Temporary", "nvalid authentication mechanism", "internal error", "generic failure"} {
			if strings.Contains(why, broken) {
				classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
				ev.Event.Reason = "server-error"
				return
			}
		}
		attempt(ev, ecs.OutcomeFailure, "password")
		label(ev, "sasl_method", method)
		return
	}
	if client, ok := strings.CutPrefix(m.text, "connect from "); ok {
		postfixClient(ev, strings.TrimSuffix(client, "]"))
		classify(ev, kindConnect, actionConnectionOpened, "")
		return
	}
	if client, ok := strings.CutPrefix(m.text, "disconnect from "); ok {
		client, _, _ = strings.Cut(client, "]")
		postfixClient(ev, client)
		classify(ev, kindConnect, actionConnectionClosed, "")
		return
	}
	_, rest, ok := strings.Cut(m.text, ": client=")
	if !ok {
		return
	}
	client, rest, _ := strings.Cut(rest, "], sasl_method=")
	method, user, ok := strings.Cut(rest, ", sasl_username=")
	if !ok {
		return
	}
	postfixClient(ev, client)
	user, _, _ = strings.Cut(user, ", sasl_sender=")
	setUser(ev, readable(user))
	attempt(ev, ecs.OutcomeSuccess, "password")
	label(ev, "sasl_method", method)
}

// postfixClient reads "host.example[192.0.2.7"; the closing bracket is cut off.
func postfixClient(ev *ecs.Event, s string) {
	name, ip, ok := cutLast(s, "[")
	if !ok {
		return
	}
	ip = strings.TrimPrefix(ip, "IPv6:")
	if ev.Source = party(ip); ev.Source != nil && !absent(name) {
		ev.Source.Domain = name
	}
}
