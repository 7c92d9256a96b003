package parse

import (
	"net/netip"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// private says whether an address is of an inner network or the machine itself.
func private(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return err == nil && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast())
}

// nginxError reads nginx's error log:
//
//	2021/09/30 09:23:53 [error] 19258#19258: *17 user "x": password mismatch, client: A, server: S, request: "R", host: "H"
var nginxError = Format{
	Name:   "nginx-error",
	Detect: isNginxError,
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		ev.Message = line
		ev.Varde.Parser = "nginx-error"
		return s.readNginxError(line, now, ev)
	},
}

func isNginxError(line string) bool {
	return len(line) > 22 && line[4] == '/' && line[7] == '/' && line[10] == ' ' && line[20] == '[' && allDigits(line[:4])
}

func (s *Stream) readNginxError(line string, now time.Time, ev *ecs.Event) error {
	if !isNginxError(line) {
		return &Error{ReasonFormat, "the line is not of nginx's error log"}
	}
	ev.Event.Dataset, ev.Event.Module = "nginx", "web"
	if ev.Timestamp.IsZero() {
		if err := s.slashTime(line[:19], now, ev); err != nil {
			return err
		}
	}
	level, rest, _ := strings.Cut(line[21:], "] ")
	setLevel(ev, level)
	pid, rest, _ := strings.Cut(rest, ": ")
	pid, _, _ = strings.Cut(pid, "#")
	process(ev).Name, process(ev).PID = "nginx", pidOf(pid)
	if strings.HasPrefix(rest, "*") {
		_, rest, _ = strings.Cut(rest, " ")
	}
	classify(ev, kindWebError, "http-error", "")
	s.nginxMessage(rest, ev)
	return nil
}

// slashTime reads "2021/09/30 09:23:53".
func (s *Stream) slashTime(text string, now time.Time, ev *ecs.Event) error {
	st, _, found, err := readYearFirst(text[:4] + "-" + text[5:7] + "-" + text[8:])
	if err != nil || !found {
		return &Error{ReasonTimestamp, "there is no such day or time"}
	}
	t, assumed, err := s.clock.resolve(st, now)
	if err != nil {
		return err
	}
	ev.Timestamp = t
	if assumed {
		ev.Event.Timezone = s.clock.zone.String()
	}
	return nil
}

// nginxMessage reads the message. Its user stands first and can hold anything;
// so can, at the end, the referrer.
func (s *Stream) nginxMessage(text string, ev *ecs.Event) {
	client, tail := nginxClient(text)
	if client != "" {
		ev.Source = party(client)
	}
	r := request{line: between(tail, `request: "`, `"`), vhost: between(tail, `host: "`, `"`)}
	if server := between(tail, "server: ", ","); r.vhost == "" {
		r.vhost = server
	}
	if r.line != "" {
		r.splitLine()
		ev.HTTP = &ecs.HTTP{Version: r.version, Request: &ecs.HTTPRequest{Method: r.method}}
	}
	setURL(ev, r.uri, r.vhost)
	quoted, ok := strings.CutPrefix(text, `user "`)
	if !ok {
		return
	}
	for _, mark := range [...]string{`": password mismatch, client: `, `" was not found in "`} {
		if i := strings.LastIndex(head(quoted, tail), mark); i >= 0 {
			setUser(ev, readable(quoted[:i]))
			if mark[1] == ' ' {
				ev.Event.Reason = reasonInvalidUser
			} else {
				ev.Event.Reason = "incorrect-password"
			}
			s.webRefused(ev, "error")
			return
		}
	}
}

// head is the part of quoted in which the name can end: what stands before the
// request. The mark's own ", client: " is kept.
func head(quoted, tail string) string {
	if tail == "" {
		return quoted
	}
	return quoted[:max(0, min(len(quoted), len(quoted)-len(tail)))]
}

// nginxClient finds ", client: ADDRESS, server: " as nginx wrote it, and what
// follows. A name before it and a referrer behind it can hold the same words:
// the last one counts, unless a referrer lies between two that differ; then
// nobody can say, and there is none.
func nginxClient(text string) (client, tail string) {
	const mark = ", client: "
	first, last := strings.Index(text, mark), strings.LastIndex(text, mark)
	if first < 0 {
		return "", ""
	}
	at := func(i int) (string, string) {
		rest := text[i+len(mark):]
		c, tail, ok := strings.Cut(rest, ", ")
		if !ok {
			return rest, ""
		}
		return c, tail
	}
	client, tail = at(last)
	if first == last {
		return client, tail
	}
	if r := strings.Index(text[first:], `, referrer: "`); r >= 0 && first+r < last {
		early, earlyTail := at(first)
		if early != client {
			return "", ""
		}
		return early, earlyTail
	}
	return client, tail
}

func setLevel(ev *ecs.Event, level string) {
	if level == "" {
		return
	}
	if ev.Log == nil {
		ev.Log = &ecs.Log{}
	}
	ev.Log.Level = level
}

// apacheError reads Apache's error log, of 2.2 and of 2.4:
//
//	[Thu Oct 13 12:24:49.880562 2022] [auth_basic:error] [pid 10:tid 14] [client 192.0.2.7:50229] AH01618: user x not found: /
var apacheError = Format{
	Name:   "apache-error",
	Detect: isApacheError,
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		ev.Message = line
		ev.Varde.Parser = "apache-error"
		return s.readApacheError(line, now, ev)
	},
}

func isApacheError(line string) bool {
	return len(line) > 25 && line[0] == '[' && isDay(line[1:]) && monthOf(line[5:]) > 0
}

func (s *Stream) readApacheError(line string, now time.Time, ev *ecs.Event) error {
	rest := line
	if isApacheError(line) {
		inside, after, ok := strings.Cut(line[1:], "] ")
		if !ok {
			return &Error{ReasonFormat, "the line is not of Apache's error log"}
		}
		if err := s.apacheTime(inside, now, ev); err != nil {
			return err
		}
		rest = after
	}
	ev.Event.Dataset, ev.Event.Module = "apache", "web"
	classify(ev, kindWebError, "http-error", "")
	process(ev).Name = "apache"
	for {
		rest = strings.TrimLeft(rest, " ")
		if !strings.HasPrefix(rest, "[") {
			break
		}
		inside, after, ok := strings.Cut(rest[1:], "]")
		if ok && strings.HasPrefix(inside, "client [") { // an address of IPv6 in brackets
			tail := ""
			tail, after, ok = strings.Cut(after, "]")
			inside += "]" + tail
		}
		if !ok || !apacheBracket(inside, ev) {
			break
		}
		rest = after
	}
	s.apacheMessage(rest, ev)
	return nil
}

// apacheBracket reads one "[…]" of a line's head.
func apacheBracket(in string, ev *ecs.Event) bool {
	if client, ok := strings.CutPrefix(in, "client "); ok {
		ev.Source = apacheClient(client)
		return true
	}
	if client, ok := strings.CutPrefix(in, "remote "); ok {
		ev.Source = apacheClient(client)
		return true
	}
	if pid, ok := strings.CutPrefix(in, "pid "); ok {
		pid, _, _ = strings.Cut(pid, ":")
		process(ev).PID = pidOf(pid)
		return true
	}
	module, level, ok := strings.Cut(in, ":")
	if !ok {
		module, level = "", in
	}
	if strings.ContainsAny(in, " /") || level == "" {
		return false
	}
	setLevel(ev, level)
	label(ev, "module", module)
	return true
}

// apacheClient reads an address whose port hangs on it, also of IPv6 without
// brackets: 2001:db8::7:50229, as Apache writes it.
func apacheClient(s string) *ecs.Endpoint {
	if i := strings.LastIndexByte(s, ':'); i > 0 && strings.Count(s, ":") > 1 && s[0] != '[' && allDigits(s[i+1:]) && len(s)-i <= 6 {
		if ip, ok := address(s[:i]); ok && atoi(s[i+1:]) > 0 {
			return &ecs.Endpoint{IP: ip, Port: atoi(s[i+1:])}
		}
	}
	return party(s)
}

// apacheTime reads "Thu Oct 13 12:24:49.880562 2022".
func (s *Stream) apacheTime(text string, now time.Time, ev *ecs.Event) error {
	clockAndDay, year, ok := cutLast(text[4:], " ")
	st, rest, found, err := readMonthFirst(clockAndDay, monthOf(clockAndDay))
	if err != nil || !ok || !found || rest != "" || len(year) != 4 || !allDigits(year) {
		return &Error{ReasonTimestamp, "there is no such day or time"}
	}
	if st.year = atoi(year); st.check() != nil {
		return &Error{ReasonTimestamp, "there is no such day or time"}
	}
	t, assumed, err := s.clock.resolve(st, now)
	if err != nil {
		return err
	}
	ev.Timestamp = t
	if assumed {
		ev.Event.Timezone = s.clock.zone.String()
	}
	return nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// apacheMessage reads "(70014)End of file found: [client A:P] AH02006: TEXT".
func (s *Stream) apacheMessage(text string, ev *ecs.Event) {
	if strings.HasPrefix(text, "(") && ev.Source == nil {
		if before, rest, ok := strings.Cut(text, ": [client "); ok && !strings.Contains(before, "AH") {
			if client, after, ok := strings.Cut(rest, "] "); ok {
				ev.Source = apacheClient(client)
				text = after
			}
		}
	}
	if code, rest, ok := strings.Cut(text, ": "); ok && len(code) == 7 && strings.HasPrefix(code, "AH") && allDigits(code[2:]) {
		ev.Event.Code, text = code, rest
	}
	if i := strings.LastIndex(text, ", referer: "); i >= 0 {
		ev.HTTP = &ecs.HTTP{Request: &ecs.HTTPRequest{Referrer: unhex(text[i+len(", referer: "):])}}
		text = text[:i]
	}
	user, uri, reason, ok := apacheRefusal(text)
	if !ok {
		return
	}
	setUser(ev, unhex(user))
	setURL(ev, uri, "")
	ev.Event.Reason = reason
	s.webRefused(ev, "error")
}

// apacheRefusal reads what the modules that check passwords write. A path
// begins with '/', so the last mark before one is the server's own.
func apacheRefusal(text string) (user, uri, reason string, ok bool) {
	if rest, is := strings.CutPrefix(text, "user `"); is { // digest: user `x' in realm `y' not found: /
		if i := strings.LastIndex(rest, "' in realm `"); i >= 0 {
			_, uri, _ := strings.Cut(rest[i:], "' not found: ")
			return rest[:i], uri, reasonInvalidUser, true
		}
		return "", "", "", false
	}
	if rest, is := strings.CutPrefix(text, "user "); is {
		if i := strings.LastIndex(rest, `: authentication failure for "/`); i >= 0 {
			return rest[:i], strings.TrimSuffix(strings.TrimSuffix(rest[i+len(`: authentication failure for "`):], ": Password Mismatch"), `"`), "incorrect-password", true
		}
		if i := strings.LastIndex(rest, ": password mismatch: /"); i >= 0 {
			return rest[:i], rest[i+len(": password mismatch: "):], "incorrect-password", true
		}
		if i := strings.LastIndex(rest, " not found: /"); i >= 0 {
			return rest[:i], rest[i+len(" not found: "):], reasonInvalidUser, true
		}
		if i := strings.LastIndex(rest, " not found"); i >= 0 && i+len(" not found") == len(rest) {
			return rest[:i], "", reasonInvalidUser, true
		}
		return "", "", "", false
	}
	if i := strings.Index(text, "auth_ldap authenticate: user "); i >= 0 && i < 8 {
		rest := text[i+len("auth_ldap authenticate: user "):]
		if j := strings.LastIndex(rest, " authentication failed; URI "); j >= 0 {
			uri, _, _ := strings.Cut(rest[j+len(" authentication failed; URI "):], " [")
			reason = "incorrect-password"
			if strings.Contains(rest[j:], "No such object") || strings.Contains(rest[j:], "User not found") {
				reason = reasonInvalidUser
			}
			return rest[:j], uri, reason, true
		}
	}
	if strings.HasPrefix(text, "AuthExtern ") {
		if _, rest, is := strings.Cut(text, ": Failed ("); is {
			if _, who, is := strings.Cut(rest, " for user "); is {
				return who, "", "incorrect-password", true
			}
		}
	}
	return "", "", "", false
}
