package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// Authelia writes logfmt or JSON with the same fields. A refused password is a
// failed login; a password that is right is one where no second factor is
// asked for, and Authelia does not say which: "Successful 1FA" decides, and a
// refused second factor is a failure of its own.
var autheliaText = Format{
	Name:   "authelia",
	Begins: "t",
	Detect: func(line string) bool {
		return strings.HasPrefix(line, `time="`) && strings.Contains(line, " level=") && strings.Contains(line, ` msg="`) &&
			(strings.Contains(line, "remote_ip=") || strings.Contains(line, "1FA") || strings.Contains(line, "2FA"))
	},
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		var room [16]pair
		p := readPairs(room[:0], line, '=')
		if err := s.setTime(ev, p.get("time"), now); err != nil {
			return err
		}
		ev.Event.Dataset, ev.Event.Module, ev.Varde.Parser = "authelia", "authelia", "authelia"
		ev.Message = p.get("msg")
		autheliaFields(p.get, ev)
		return nil
	},
}

var autheliaJSON = jsonKind{
	name:   "authelia",
	module: "authelia",
	knows: func(o object) bool {
		return o.has("remote_ip") && o.has("level") && o.has("msg") && o.has("time")
	},
	read: func(s *Stream, o object, now time.Time, ev *ecs.Event) error {
		if err := s.setTime(ev, o.str("time"), now); err != nil {
			return err
		}
		ev.Message = o.str("msg")
		autheliaFields(func(key string) string { return o.str(key) }, ev)
		return nil
	},
}

func autheliaFields(get func(string) string, ev *ecs.Event) {
	ev.Observer = &ecs.Observer{Vendor: "Authelia", Product: "Authelia", Type: "idp"}
	ev.Log = &ecs.Log{Level: get("level")}
	ev.Source = party(get("remote_ip"))
	if path := get("path"); path != "" {
		ev.URL = &ecs.URL{Path: path}
	}
	if method := get("method"); method != "" {
		ev.HTTP = &ecs.HTTP{Request: &ecs.HTTPRequest{Method: method}}
	}
	msg := ev.Message
	verb, rest, _ := strings.Cut(msg, " ")
	factor, rest, _ := strings.Cut(rest, " ")
	switch {
	case (verb == "Successful" || verb == "Unsuccessful") && (factor == "1FA" || factor == "2FA" || strings.HasPrefix(factor, "TOTP") || strings.HasPrefix(factor, "Duo") || strings.HasPrefix(factor, "WebAuthn")):
		autheliaAttempt(verb == "Successful", factor, rest, ev)
	case strings.Contains(msg, "user is banned"), strings.Contains(msg, "too many failed"):
		setLogin(ev, autheliaUser(msg))
		classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeSuccess)
	default:
		classify(ev, kindInfo, "", "")
	}
}

// autheliaAttempt: "authentication attempt made by user 'kari'[: reason]" and
// "… by user 'kari' and they are banned until …". What follows the name is the
// server's, so the quote that ends it is the last before its words.
func autheliaAttempt(ok bool, factor, rest string, ev *ecs.Event) {
	setMail(ev, autheliaUser(rest))
	if strings.Contains(rest, "and they are banned until") {
		classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeFailure)
		return
	}
	if factor == "1FA" {
		attempt(ev, decides(ok), "password")
		return
	}
	if ok {
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeSuccess)
		return
	}
	attempt(ev, ecs.OutcomeFailure, strings.ToLower(factor))
}

func autheliaUser(s string) string {
	_, rest, ok := strings.Cut(s, "user '")
	if !ok {
		return ""
	}
	for _, end := range [...]string{"' and they are banned until", "': ", "' and the "} {
		if i := strings.LastIndex(rest, end); i >= 0 {
			return rest[:i]
		}
	}
	return quotedName(rest)
}
