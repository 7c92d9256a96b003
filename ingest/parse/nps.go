package parse

import (
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// npsXML, npsCSV and npsIAS read the log files of Microsoft's Network Policy
// Server: DTS Compliant, ODBC (Legacy) and IAS (Legacy). A request and its
// answer are two lines; the answer decides. Times are the server's local ones.
var npsXML = Format{
	Name:   "nps",
	Begins: "<",
	Detect: func(line string) bool { return strings.HasPrefix(line, "<Event><Timestamp data_type=") },
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		a := npsAttributes(line)
		return a.fill(s, now, ev, a["Timestamp"])
	},
}

type npsRecord map[string]string

// npsAttributes reads "<Name data_type="1">value</Name>" of one level.
func npsAttributes(line string) npsRecord {
	a := npsRecord{}
	rest := strings.TrimPrefix(line, "<Event>")
	for {
		_, tag, ok := strings.Cut(rest, "<")
		if !ok || strings.HasPrefix(tag, "/Event") {
			return a
		}
		head, after, ok := strings.Cut(tag, ">")
		if !ok {
			return a
		}
		name, _, _ := strings.Cut(head, " ")
		if strings.HasSuffix(head, "/") {
			rest = after
			continue
		}
		value, tail, ok := strings.Cut(after, "</"+name+">")
		if !ok {
			return a
		}
		if _, twice := a[name]; !twice {
			a[name] = xmlEntities.Replace(value)
		}
		rest = tail
	}
}

var xmlEntities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")

// npsCSV: "COMPUTER","IAS",11/22/2026,10:00:00,1,"USER",…
var npsCSV = Format{
	Name:   "nps-csv",
	Begins: `"`,
	Detect: func(line string) bool {
		if !strings.HasPrefix(line, `"`) {
			return false
		}
		_, rest, ok := strings.Cut(line, `","`)
		return ok && (strings.HasPrefix(rest, `IAS",`) || strings.HasPrefix(rest, `RAS",`))
	},
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		var room [80]string
		f := readCSV(room[:0], line)
		a := npsRecord{
			"Computer-Name": f.at(0), "Packet-Type": f.at(4), "User-Name": f.at(5), "Fully-Qualifed-User-Name": f.at(6), "Called-Station-Id": f.at(7),
			"Calling-Station-Id": f.at(8), "Framed-IP-Address": f.at(10), "NAS-Identifier": f.at(11), "NAS-IP-Address": f.at(12), "NAS-Port": f.at(13),
			"Client-IP-Address": f.at(15), "Client-Friendly-Name": f.at(16), "Authentication-Type": f.at(23), "NP-Policy-Name": f.at(24), "Reason-Code": f.at(25),
		}
		return a.fill(s, now, ev, f.at(2)+" "+f.at(3))
	},
}

// npsIAS: NAS-IP,USER,11/22/2026,10:00:00,IAS,COMPUTER and then pairs of an
// attribute's number and its value.
var npsIAS = Format{
	Name: "nps-ias",
	Detect: func(line string) bool {
		var f [5]string
		rest := line
		for i := range f {
			word, after, ok := strings.Cut(rest, ",")
			if !ok {
				return false
			}
			f[i], rest = word, after
		}
		return f[4] == "IAS" && isAddress(f[0]) && len(f[2]) == 10 && f[2][2] == '/' && len(f[3]) == 8
	},
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		var room [128]string
		f := readCSV(room[:0], line)
		a := npsRecord{"NAS-IP-Address": f.at(0), "User-Name": f.at(1), "Computer-Name": f.at(5)}
		for i := 6; i+1 < len(f); i += 2 {
			if name, ok := npsNumbers[f[i]]; ok {
				a[name] = f[i+1]
			}
		}
		return a.fill(s, now, ev, f.at(2)+" "+f.at(3))
	},
}

// npsNumbers are the attributes of the IAS format that are used.
var npsNumbers = map[string]string{
	"5": "NAS-Port", "8": "Framed-IP-Address", "30": "Called-Station-Id", "31": "Calling-Station-Id", "32": "NAS-Identifier",
	"4108": "Client-IP-Address", "4127": "Authentication-Type", "4128": "Client-Friendly-Name", "4129": "SAM-Account-Name", "4130": "Fully-Qualifed-User-Name",
	"4136": "Packet-Type", "4142": "Reason-Code", "4149": "NP-Policy-Name",
}

// npsTime reads 11/22/2026 10:00:00[.123], months first as NPS always writes it.
func npsTime(text string) (stamp, bool) {
	if len(text) < 19 || text[2] != '/' || text[5] != '/' {
		return stamp{}, false
	}
	st, rest, found, err := readStamp(text[6:10] + "-" + text[:2] + "-" + text[3:5] + text[10:])
	return st, found && err == nil && rest == ""
}

func (a npsRecord) fill(s *Stream, now time.Time, ev *ecs.Event, at string) error {
	st, ok := npsTime(at)
	if !ok {
		return &Error{ReasonTimestamp, "the time is not MM/DD/YYYY hh:mm:ss"}
	}
	t, _, err := s.clock.resolve(st, now)
	if err != nil {
		return err
	}
	ev.Timestamp, ev.Event.Timezone = t, s.clock.zone.String()
	ev.Event.Dataset, ev.Event.Module, ev.Varde.Parser = "nps", "microsoft", "nps"
	ev.Event.Provider = "nps"
	setHost(ev, a["Computer-Name"])
	ev.Service = &ecs.Service{Name: "nps", Type: "radius"}
	setLogin(ev, either(a["SAM-Account-Name"], either(a["User-Name"], a["Fully-Qualifed-User-Name"])))
	if ev.User != nil && ev.User.Domain == "" && strings.Contains(a["Fully-Qualifed-User-Name"], `\`) {
		ev.User.Domain, _, _ = strings.Cut(a["Fully-Qualifed-User-Name"], `\`)
	}
	ev.Observer = &ecs.Observer{Name: a["Client-Friendly-Name"], Type: "nas"}
	for _, name := range [...]string{"Client-IP-Address", "NAS-IP-Address"} {
		if ip, ok := address(a[name]); ok {
			ev.Observer.IP = []string{ip}
			break
		}
	}
	label(ev, "nas", either(a["Client-Friendly-Name"], a["NAS-Identifier"]))
	label(ev, "nas_port", a["NAS-Port"])
	station(ev, a["Calling-Station-Id"])
	innerAddress(ev, a["Framed-IP-Address"])
	if p := a["NP-Policy-Name"]; p != "" {
		ev.Rule = &ecs.Rule{Name: p}
	}
	ev.Event.Code = a["Packet-Type"]
	method := npsMethods[a["Authentication-Type"]]
	switch a["Packet-Type"] {
	case "2":
		attempt(ev, ecs.OutcomeSuccess, method)
	case "3":
		attempt(ev, ecs.OutcomeFailure, method)
		ev.Event.Reason = either(npsReasons[a["Reason-Code"]], a["Reason-Code"])
		label(ev, "reason_code", a["Reason-Code"])
		if a["Reason-Code"] == "36" {
			classify(ev, kindChange, ecs.ActionAccountLocked, ecs.OutcomeFailure)
			ev.Varde.Attempt = false
		}
	case "4":
		classify(ev, kindInfoSession, "accounting", "")
	default:
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	}
	ev.Message = npsMessage(a)
	return nil
}

func npsMessage(a npsRecord) string {
	text := map[string]string{"1": "Access-Request", "2": "Access-Accept", "3": "Access-Reject", "4": "Accounting-Request", "11": "Access-Challenge"}[a["Packet-Type"]]
	if r := npsReasons[a["Reason-Code"]]; r != "" && a["Packet-Type"] == "3" {
		text += ": " + r
	}
	return text
}

// npsMethods: Authentication-Type of NPS.
var npsMethods = map[string]string{
	"1": "password", "2": "password", "3": "password", "4": "password", "5": "eap", "7": "none", "8": "extension", "9": "password", "10": "password", "11": "peap",
}

// npsReasons: Reason-Code of NPS, in words.
var npsReasons = map[string]string{
	"0": "success", "1": "internal-error", "2": "access-denied", "3": "malformed-request", "4": "global-catalog-unavailable", "5": "domain-unavailable",
	"6": "server-unavailable", "7": "no-such-domain", "8": reasonInvalidUser, "16": "invalid-credentials", "17": "password-change-failed",
	"18": "unsupported-authentication", "19": "no-reversible-password", "20": "lan-manager-refused", "21": "rejected-by-extension", "22": "eap-negotiation-failed",
	"23": "eap-error", "32": "local-users-only", "33": "password-change-required", "34": "account-disabled", "35": "account-expired", "36": "account-locked",
	"37": "outside-hours", "38": "account-restriction", "48": "no-matching-policy", "49": "no-matching-connection-policy", "64": "dial-in-locked",
	"65": "dial-in-disabled", "66": "authentication-not-enabled", "67": "calling-station-refused", "68": "outside-policy-hours", "69": "called-station-refused",
	"70": "port-type-refused", "71": "identity-refused", "72": "password-change-not-enabled", "73": "certificate-not-allowed", "96": "timeout", "97": "unexpected-error",
	"112": "rejected-by-remote-server", "117": "no-answer-from-remote-server", "256": "certificate-revoked", "257": "revocation-library-missing",
	"258": "revocation-unknown", "259": "revocation-server-offline", "260": "message-altered", "261": "no-active-directory", "262": "incomplete-message",
	"265": "certificate-not-trusted", "266": "unexpected-message", "267": "certificate-not-for-client", "268": "certificate-expired", "269": "no-common-algorithm",
}
