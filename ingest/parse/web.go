package parse

import (
	"strconv"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// Web servers. One failed sign-in is one attempt: a request with a user name
// that was answered 401 or 407, or the error log's line about it; where a stream
// holds both, the first of them. A request that was answered with a page and a
// user name is use of a login, not a login: browsers send the password along
// with every request.

var (
	kindAccess   = kind{[]string{"web"}, []string{"access"}}
	kindWebError = kind{[]string{"web"}, []string{"error"}}
	kindWebLogin = kind{[]string{"authentication", "web"}, []string{"start", "access"}}
)

const actionRequest = "http-request"

// request is what every web server says of one.
type request struct {
	peer, forwarded            string // who connected; X-Forwarded-For as it came
	user, vhost                string
	line                       string // "GET / HTTP/1.1"
	method, uri, version       string // where they come apart
	status                     int
	bytes                      int64
	referrer, agent, requestID string
}

// set fills the event; log names the log that the request stands in.
func (r *request) set(s *Stream, ev *ecs.Event, log string) {
	if r.line != "" {
		r.splitLine()
	}
	r.address(ev)
	ev.HTTP = &ecs.HTTP{Version: r.version}
	if r.method != "" || !absent(r.referrer) || r.requestID != "" {
		ev.HTTP.Request = &ecs.HTTPRequest{Method: r.method, ID: r.requestID}
		if !absent(r.referrer) {
			ev.HTTP.Request.Referrer = r.referrer
		}
	}
	if r.status > 0 {
		ev.HTTP.Response = &ecs.HTTPResponse{Status: r.status}
		if r.bytes > 0 {
			ev.HTTP.Response.Body = &ecs.HTTPBody{Bytes: r.bytes}
		}
	}
	setURL(ev, r.uri, r.vhost)
	if !absent(r.agent) {
		ev.UserAgent = &ecs.UserAgent{Original: r.agent}
	}
	ev.Network = &ecs.Network{Protocol: "http", Transport: "tcp"}
	setUser(ev, r.user)
	if (r.status == 401 || r.status == 407) && r.user != "" {
		s.webRefused(ev, log)
		return
	}
	outcome := ecs.OutcomeUnknown
	switch {
	case r.status >= 400:
		outcome = ecs.OutcomeFailure
	case r.status >= 100:
		outcome = ecs.OutcomeSuccess
	}
	classify(ev, kindAccess, actionRequest, outcome)
}

// webRefused makes the event a failed sign-in, or a probe where another log of
// the same stream has just said so.
func (s *Stream) webRefused(ev *ecs.Event, log string) {
	ip := ""
	if ev.Source != nil {
		ip = ev.Source.IP
	}
	user := ""
	if ev.User != nil {
		user = ev.User.Name
	}
	at := ev.Timestamp
	if at.IsZero() {
		at = s.now
	}
	if s.refusedAgain(refusal{program: "web", host: ip, user: user, module: log, at: at}) {
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
		return
	}
	classify(ev, kindWebLogin, ecs.ActionLogin, ecs.OutcomeFailure)
	ev.Varde.Attempt, ev.Varde.Method = true, "password"
}

// splitLine takes "GET /x HTTP/1.1" apart. What a client sent may be anything.
func (r *request) splitLine() {
	method, rest, ok := strings.Cut(r.line, " ")
	if !ok || !isMethod(method) {
		r.uri = ""
		return
	}
	r.method = method
	if i := strings.LastIndex(rest, " HTTP/"); i >= 0 {
		r.version = rest[i+len(" HTTP/"):]
		rest = rest[:i]
	}
	r.uri = rest
}

func isMethod(s string) bool {
	if len(s) < 3 || len(s) > 20 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if (s[i] < 'A' || s[i] > 'Z') && s[i] != '_' && s[i] != '-' {
			return false
		}
	}
	return true
}

// address sets source.*: the peer, or behind a proxy of the house (the peer is
// a private or loopback address) the last address of X-Forwarded-For that is
// not private. What stands before it a client can have made up: it is kept in
// labels alone.
func (r *request) address(ev *ecs.Event) {
	ev.Source = party(r.peer)
	if absent(r.forwarded) {
		return
	}
	label(ev, "forwarded_for", r.forwarded)
	if ev.Source != nil && ev.Source.IP != "" && !private(ev.Source.IP) {
		return
	}
	list := strings.Split(r.forwarded, ",")
	var found *ecs.Endpoint
	for i := len(list) - 1; i >= 0; i-- {
		e := party(list[i])
		if e == nil || e.IP == "" {
			break
		}
		found = e
		if !private(e.IP) {
			break
		}
	}
	if found == nil {
		return
	}
	if ev.Source != nil {
		label(ev, "proxy", ev.Source.IP)
	}
	ev.Source = found
}

// setURL sets url.* of what a request line holds.
func setURL(ev *ecs.Event, uri, vhost string) {
	vhost = strings.TrimSuffix(vhost, ".")
	if absent(vhost) || vhost == "_" || vhost == "default" {
		vhost = ""
	}
	if uri == "" && vhost == "" {
		return
	}
	u := &ecs.URL{Original: uri}
	if host, port, ok := splitPort(vhost); ok {
		vhost, u.Port = host, port
	}
	u.Domain = vhost
	rest := uri
	if scheme, after, ok := strings.Cut(uri, "://"); ok && !strings.ContainsAny(scheme, "/?") {
		u.Full, u.Scheme = uri, strings.ToLower(scheme)
		end := strings.IndexAny(after, "/?")
		if end < 0 {
			end = len(after)
		}
		authority := after[:end]
		rest = after[end:]
		if host, port, ok := splitPort(authority); ok {
			authority, u.Port = host, port
		}
		u.Domain = authority
	}
	u.Path, u.Query, _ = strings.Cut(rest, "?")
	ev.URL = u
}

// access reads the common log format and what has grown from it: combined, with
// the virtual host first, with X-Forwarded-For last or in place of the address,
// Traefik's.
var access = Format{
	Name:   "web-access",
	Detect: func(line string) bool { return accessQuote(line) > 0 },
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		ev.Message = line
		ev.Varde.Parser = "web-access"
		ev.Event.Dataset, ev.Event.Module = "web-access", "web"
		return s.readAccess(line, now, ev)
	},
}

// stampLen is the length of "22/Nov/2026:10:00:00 +0100".
const stampLen = 26

// accessQuote returns where the request's opening quote stands: after a time in
// brackets. No user name can hold that, because servers write a quote in it as
// \x22 or \". 0 where there is none.
func accessQuote(line string) int {
	for i := strings.IndexByte(line, '"'); i >= 0; {
		if i > stampLen+3 && line[i-1] == ' ' && line[i-2] == ']' && line[i-stampLen-3] == '[' {
			t := line[i-stampLen-2 : i-2]
			if t[2] == '/' && t[6] == '/' && t[11] == ':' && monthOf(t[3:]) > 0 {
				return i
			}
		}
		if !strings.HasPrefix(line[i:], `""`) && line[i-min(i, 1)] != '\\' {
			return 0
		}
		next := strings.IndexByte(line[i+1:], '"')
		if next < 0 {
			return 0
		}
		if strings.HasPrefix(line[i:], `""`) && next == 0 { // Apache's empty user
			if next = strings.IndexByte(line[i+2:], '"'); next < 0 {
				return 0
			}
			next++
		}
		i += 1 + next
	}
	return 0
}

// accessTime reads "22/Nov/2026:10:00:00 +0100".
func accessTime(t string) (stamp, error) {
	st := stamp{month: monthOf(t[3:])}
	if !allDigits(t[:2]) || !allDigits(t[7:11]) {
		return st, &Error{ReasonTimestamp, "there is no such day or time"}
	}
	st.day, st.year = atoi(t[:2]), atoi(t[7:11])
	rest, ok := st.clock(t[12:])
	if !ok {
		return st, &Error{ReasonTimestamp, "there is no such day or time"}
	}
	if err := st.check(); err != nil {
		return st, err
	}
	if offset, _, ok := offsetOf(rest); ok {
		st.full = st.wall().Add(-offset)
	}
	return st, nil
}

func (s *Stream) readAccess(line string, now time.Time, ev *ecs.Event) error {
	quote := accessQuote(line)
	if quote == 0 {
		return &Error{ReasonFormat, "the line is not of an access log"}
	}
	st, err := accessTime(line[quote-stampLen-2 : quote-2])
	if err != nil {
		return err
	}
	t, assumed, err := s.clock.resolve(st, now)
	if err != nil {
		return err
	}
	ev.Timestamp = t
	if assumed {
		ev.Event.Timezone = s.clock.zone.String()
	}
	r := request{}
	r.readWho(strings.TrimRight(line[:quote-stampLen-3], " "))
	rest := line[quote+1:]
	end := closingQuote(rest)
	r.line, rest = rest[:end], strings.TrimPrefix(rest[end:], `"`)
	r.readAnswer(rest, ev)
	r.set(s, ev, "access")
	return nil
}

// readWho reads "[vhost[:port] ]ADDRESS[, ADDRESS…] IDENT USER".
func (r *request) readWho(s string) {
	first, rest, _ := strings.Cut(s, " ")
	if list, isList := strings.CutSuffix(first, ","); isList {
		// X-Forwarded-For in place of the address: its proxies follow.
		for {
			next, after, _ := strings.Cut(rest, " ")
			list += "," + strings.TrimSuffix(next, ",")
			rest = after
			if !strings.HasSuffix(next, ",") {
				break
			}
		}
		r.forwarded = list
		first = list[strings.LastIndexByte(list, ',')+1:]
	} else if _, ok := address(first); !ok {
		if second, after, more := strings.Cut(rest, " "); more {
			if _, ok := address(second); ok {
				r.vhost, first, rest = first, second, after
			}
		}
	}
	r.peer = first
	_, user, _ := strings.Cut(rest, " ")
	if user != "-" && user != `""` {
		r.user = unhex(user)
	}
}

// readAnswer reads ` 200 1234 "referrer" "agent" "x-forwarded-for"`.
func (r *request) readAnswer(s string, ev *ecs.Event) {
	status, rest, _ := strings.Cut(strings.TrimLeft(s, " "), " ")
	r.status = statusOf(status)
	size, rest, _ := strings.Cut(rest, " ")
	r.bytes, _ = strconv.ParseInt(size, 10, 64)
	for i := 0; strings.HasPrefix(rest, `"`); i++ {
		end := closingQuote(rest[1:])
		value := rest[1 : 1+end]
		rest = strings.TrimLeft(strings.TrimPrefix(rest[1+end:], `"`), " ")
		switch i {
		case 0:
			r.referrer = unhex(value)
		case 1:
			r.agent = unhex(value)
		case 2:
			if r.forwarded == "" && addresses(value) {
				r.forwarded = value
			}
		}
	}
	// Traefik adds: 123 "router" "server" 12ms
	if n, after := number(rest, 12); n >= 0 && strings.HasPrefix(after, ` "`) && strings.HasSuffix(rest, "ms") {
		ev.Event.Dataset = "traefik"
	}
}

// addresses says whether s is a list as X-Forwarded-For is one.
func addresses(s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		if e := party(part); e == nil || e.IP == "" {
			return false
		}
	}
	return true
}

func statusOf(s string) int {
	if len(s) != 3 || !allDigits(s) {
		return 0
	}
	return atoi(s)
}

// closingQuote returns where the quote that is not escaped stands, or the end.
func closingQuote(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(s)
}

// unhex undoes how web servers write bytes in their logs: \xC3, \", \\, \n, \t.
func unhex(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		if s[i+1] == 'x' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+2:i+4], 16, 8); err == nil {
				out = append(out, byte(n))
				i += 3
				continue
			}
		}
		switch s[i+1] {
		case '"', '\\':
			out = append(out, s[i+1])
			i++
		case 'n':
			out = append(out, '\n')
			i++
		case 't':
			out = append(out, '\t')
			i++
		default:
			out = append(out, '\\')
		}
	}
	return readable(string(out))
}
