package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// ciscoFormat reads the header of ASA, FTD, IOS, IOS-XE and NX-OS. Before the
// "%FACILITY-SEVERITY-MNEMONIC:" stand, in changing order and each of them
// optional: priority, a counter, the time of the device, that of a relay, the
// name of the device.
var ciscoFormat = Format{
	Name:   "cisco",
	Detect: func(line string) bool { _, ok := ciscoHeader(line); return ok },
	Read:   readCisco,
}

// ciscoHead is what stands before the message.
type ciscoHead struct {
	pri      int
	hasPri   bool
	host     string
	tag      string // "CiscoASA[999]:", which a relay put before the code
	stamp    stamp
	stamped  bool
	timeErr  error
	facility string
	severity int
	mnemonic string
	text     string
}

// maxCiscoHeader is how far from the beginning the percent sign may stand.
const maxCiscoHeader = 160

// ciscoUntagged begins a message whose code a relay has taken away.
const ciscoUntagged = "AAA user authentication "

// ciscoHeader takes a header apart. Nothing but a header may stand before the
// percent sign: another program's message can hold one that a client wrote.
func ciscoHeader(line string) (h ciscoHead, ok bool) {
	head := line[:min(len(line), maxCiscoHeader)]
	at := strings.IndexByte(head, '%')
	if at < 0 {
		if at = strings.Index(head, ciscoUntagged); at < 0 {
			return h, false
		}
		h.facility, h.severity, h.mnemonic, h.text = "ASA", 6, "113004", line[at:]
		if strings.Contains(h.text[:min(len(h.text), 60)], " Rejected") {
			h.mnemonic = "113005"
		}
	} else if h.facility, h.severity, h.mnemonic, h.text, ok = ciscoTag(line[at:]); !ok {
		return h, false
	}
	rest := line[:at]
	var err error
	if h.pri, rest, h.hasPri, err = priority(rest); err != nil {
		return h, false
	}
	for stamps := 0; ; {
		rest = strings.TrimLeft(rest, " :*.")
		if rest == "" {
			return h, true
		}
		if rest[0] == '1' && strings.HasPrefix(rest, "1 ") && h.hasPri && stamps == 0 { // RFC 5424
			rest = rest[2:]
			continue
		}
		if st, after, found, err := readStamp(rest); found && stamps < 2 {
			// The device's own time, the last, is the one of the event.
			h.stamp, h.stamped, h.timeErr = st, true, err
			stamps++
			rest = ciscoZone(strings.TrimLeft(after, " "), &h.stamp)
			continue
		}
		word, after, _ := strings.Cut(rest, " ")
		if after == "" && h.stamped && isTag(word) {
			h.tag = word
			return h, true
		}
		name := strings.TrimSuffix(word, ":")
		if allDigits(name) || isUptime(name) || name == "-" {
			rest = after
			continue
		}
		if h.host != "" || strings.ContainsAny(name, `[]()"'<>%=,;`) || strings.Contains(name, ":") && !isAddress(name) {
			return h, false
		}
		h.host, rest = name, after
	}
}

// isTag: "CiscoASA[999]:", a tag of syslog with its process. Other programs'
// tags are none: what a client made them write is no message of a firewall.
func isTag(s string) bool {
	name, pid, ok := strings.Cut(strings.TrimSuffix(s, "]:"), "[")
	if !ok || !allDigits(pid) {
		return false
	}
	switch strings.ToLower(name) {
	case "ciscoasa", "ciscoftd", "ciscopix", "cisco", "asa", "ftd":
		return strings.HasSuffix(s, "]:")
	}
	return false
}

func isAddress(s string) bool { _, ok := address(s); return ok }

// isUptime: 2d03h, 3w1d, 00:12:45.
func isUptime(s string) bool {
	units := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
		case i > 0 && strings.IndexByte("ywdhms:", c) >= 0:
			units++
		default:
			return false
		}
	}
	return units > 0 && len(s) < 12 && s[0] >= '0' && s[0] <= '9'
}

// ciscoZone takes the zone behind a time, "CET:" or "UTC:"; only what is known
// for certain is applied.
func ciscoZone(rest string, st *stamp) string {
	word, after, _ := strings.Cut(rest, " ")
	zone := strings.TrimSuffix(word, ":")
	if len(zone) < 3 || len(zone) > 5 || strings.Trim(zone, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return rest
	}
	if !isAbbreviation(zone) && (!strings.HasSuffix(word, ":") || !strings.HasSuffix(zone, "T")) {
		return rest
	}
	st.zone = zone
	return after
}

// ciscoTag reads "%ASA-6-113004: text", "%SEC_LOGIN-5-LOGIN_SUCCESS: text",
// "%ASA-vpn-6-113004: text", "%AUTHPRIV-SW1-3-SYSTEM_MSG: text".
func ciscoTag(s string) (facility string, severity int, mnemonic, text string, ok bool) {
	end := strings.IndexByte(s[:min(len(s), 80)], ':')
	if end < 5 {
		return "", 0, "", "", false
	}
	tag := s[1:end]
	last := strings.LastIndexByte(tag, '-')
	if last < 3 || last+1 == len(tag) || tag[last-2] != '-' || tag[last-1] < '0' || tag[last-1] > '7' {
		return "", 0, "", "", false
	}
	facility, _, _ = strings.Cut(tag[:last-2], "-")
	if facility == "" || strings.Trim(facility, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || facility[0] < 'A' || facility[0] > 'Z' {
		return "", 0, "", "", false
	}
	mnemonic = tag[last+1:]
	if strings.Trim(mnemonic, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return "", 0, "", "", false
	}
	return facility, int(tag[last-1] - '0'), mnemonic, strings.TrimPrefix(s[end+1:], " "), true
}

func readCisco(s *Stream, line string, now time.Time, ev *ecs.Event) error {
	h, ok := ciscoHeader(line)
	if !ok {
		return &Error{ReasonFormat, "there is no message code of Cisco"}
	}
	if h.hasPri {
		if h.pri > 191 {
			return &Error{ReasonPriority, "the priority is above 191"}
		}
		setPriority(ev, h.pri, s.room)
	} else {
		ev.Log = &ecs.Log{Level: severities[h.severity]}
	}
	if h.timeErr != nil {
		return h.timeErr
	}
	m := message{text: h.text, stream: s}
	if h.stamped {
		if h.stamp.zone == "UTC" || h.stamp.zone == "GMT" {
			if h.stamp.year != 0 && h.stamp.full.IsZero() {
				h.stamp.full = h.stamp.wall()
			}
		}
		t, assumed, err := s.clock.resolve(h.stamp, now)
		if err != nil {
			return err
		}
		ev.Timestamp, m.at = t, t
		if assumed {
			ev.Event.Timezone = s.clock.zone.String()
		}
	} else {
		ev.Timestamp = s.standing(now)
		m.at = ev.Timestamp
	}
	setHost(ev, h.host)
	m.host = h.host
	if h.tag != "" {
		t := splitTag(h.tag + " ")
		ev.Process = &ecs.Process{Name: t.program, PID: t.pid}
	}
	ev.Message = h.text
	ev.Event.Code, ev.Event.Severity = h.mnemonic, h.severity
	ev.Event.Module, ev.Varde.Parser = "cisco", "cisco"
	ev.Event.Provider = h.facility
	ev.Observer = &ecs.Observer{Vendor: "Cisco", Hostname: h.host, Type: "firewall", Product: "asa"}
	switch h.facility {
	case "ASA", "FTD", "PIX", "FWSM":
		ev.Event.Dataset = "cisco.asa"
		ev.Observer.Product = strings.ToLower(h.facility)
		readASA(&m, h.mnemonic, ev)
	default:
		ev.Event.Dataset = "cisco.ios"
		ev.Observer.Product, ev.Observer.Type = "ios", "router"
		readIOS(&m, h.facility, h.mnemonic, ev)
	}
	return nil
}

// standing is where an event without a time stands.
func (s *Stream) standing(now time.Time) time.Time {
	if prev := s.clock.prev; !s.clock.live && !prev.IsZero() {
		return prev
	}
	return now.UTC()
}
