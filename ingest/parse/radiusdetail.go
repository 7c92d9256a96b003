package parse

import (
	"bytes"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// radiusDetail reads a record of a FreeRADIUS detail file: a time, and an
// attribute a line. Answers decide a login (auth_detail and reply_detail),
// accounting tells of sessions.
var radiusDetail = Format{
	Name: "radius-detail",
	Detect: func(text string) bool {
		return strings.IndexByte(text[:min(len(text), 32)], '\n') > 0 && isDetail([]byte(text[:min(len(text), 128)]))
	},
	Read: func(s *Stream, text string, now time.Time, ev *ecs.Event) error {
		head, rest, _ := strings.Cut(text, "\n")
		st, after, found, err := readStamp(head)
		if err != nil {
			return err
		}
		if !found || strings.TrimRight(after, "\r ") != "" {
			return &Error{ReasonFormat, "the record does not begin with a time of its own"}
		}
		at, assumed, err := s.clock.resolve(st, now)
		if err != nil {
			return err
		}
		ev.Timestamp = at
		if assumed {
			ev.Event.Timezone = s.clock.zone.String()
		}
		ev.Message = text
		ev.Event.Dataset, ev.Event.Module, ev.Varde.Parser = radiusProgram.name, radiusProgram.module, "radius-detail"
		fillDetail(detailAttributes(rest), ev)
		return nil
	},
}

// isDetail: "Sun Nov 22 10:00:00 2026\n\tUser-Name = …".
func isDetail(begin []byte) bool {
	line, rest, ok := bytes.Cut(begin, []byte("\n"))
	line = bytes.TrimRight(line, "\r ")
	if !ok || len(line) != 24 || len(rest) < 2 || rest[0] != '\t' {
		return false
	}
	_, after, found, err := readStamp(string(line))
	return found && err == nil && after == "" && bytes.Contains(rest, []byte(" = "))
}

// nextDetail finds the next record: it ends at an empty line.
func nextDetail(data []byte, atEOF bool) (begin, end int) {
	i := 0
	for i < len(data) && (data[i] == '\n' || data[i] == '\r') {
		i++
	}
	if i > 0 {
		return -1, i
	}
	if n := bytes.Index(data, []byte("\n\n")); n >= 0 {
		return 0, n
	}
	if n := bytes.Index(data, []byte("\n\r\n")); n >= 0 {
		return 0, n
	}
	if atEOF && len(data) > 0 {
		return 0, len(bytes.TrimRight(data, "\r\n"))
	}
	return 0, -1
}

// detailAttributes reads `NAME = VALUE` lines; of a name that stands twice the
// first holds.
func detailAttributes(text string) map[string]string {
	a := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok {
			continue
		}
		if strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) && len(value) > 1 {
			value = unvis(unquote.Replace(value[1 : len(value)-1]))
		}
		if _, twice := a[name]; !twice {
			a[name] = value
		}
	}
	return a
}

func fillDetail(a map[string]string, ev *ecs.Event) {
	ev.Service = &ecs.Service{Name: "radius", Type: "radius"}
	setLogin(ev, a["User-Name"])
	nas := either(a["NAS-Identifier"], either(a["NAS-IP-Address"], a["NAS-IPv6-Address"]))
	ev.Observer = &ecs.Observer{Name: nas, Type: "nas"}
	if ip, ok := address(either(a["NAS-IP-Address"], a["NAS-IPv6-Address"])); ok {
		ev.Observer.IP = []string{ip}
	}
	label(ev, "nas", nas)
	label(ev, "nas_port", a["NAS-Port"])
	station(ev, a["Calling-Station-Id"])
	innerAddress(ev, either(a["Framed-IP-Address"], a["Framed-IPv6-Address"]))
	ev.Varde.Session = a["Acct-Session-Id"]
	ev.Event.Reason = a["Acct-Terminate-Cause"]
	ev.Event.Code = either(a["Acct-Status-Type"], a["Packet-Type"])
	switch a["Acct-Status-Type"] {
	case "Start":
		classify(ev, kindSession, ecs.ActionSessionStart, ecs.OutcomeSuccess)
		return
	case "Stop":
		classify(ev, kindEnd, ecs.ActionSessionEnd, ecs.OutcomeSuccess)
		ev.Event.Duration = int64Of(a["Acct-Session-Time"]) * int64(time.Second)
		addBytes(ev, int64Of(a["Acct-Input-Octets"])+int64Of(a["Acct-Output-Octets"]))
		return
	case "":
	default:
		classify(ev, kindInfoSession, "accounting", "")
		return
	}
	switch a["Packet-Type"] {
	case "Access-Accept":
		attempt(ev, ecs.OutcomeSuccess, "")
	case "Access-Reject":
		attempt(ev, ecs.OutcomeFailure, "")
		ev.Event.Reason = a["Reply-Message"]
	default:
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	}
}
