package parse

import (
	"strconv"
	"strings"
	"time"

	"varde.internal/schemas/ecs"
)

// iis reads the W3C extended log format, whose columns a "#Fields:" line names
// and the stream remembers. Times are UTC.
var iis = Format{
	Name:   "iis",
	Begins: "#",
	Detect: func(line string) bool {
		return strings.HasPrefix(line, "#Fields: ") || strings.HasPrefix(line, "#Software: Microsoft Internet Information Services") ||
			strings.HasPrefix(line, "#Version: 1.0") || strings.HasPrefix(line, "#Date: ")
	},
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		ev.Message = line
		ev.Varde.Parser = "iis"
		ev.Event.Dataset, ev.Event.Module = "iis", "web"
		if strings.HasPrefix(line, "#") {
			if names, ok := strings.CutPrefix(line, "#Fields: "); ok {
				s.columns = strings.Fields(names)
			}
			classify(ev, kindInfo, "log-header", "")
			return nil
		}
		if len(s.columns) == 0 {
			s.columns = strings.Fields(defaultColumns)
		}
		return s.readIIS(line, s.columns, now, ev)
	},
}

// defaultColumns are those of IIS 8.5 and later, for lines before any header.
const defaultColumns = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"

// iisBare reads a line of IIS that came without its header, as Filebeat and
// NXLog send them: the columns are found by what stands in them.
var iisBare = Format{
	Name:   "iis-bare",
	Begins: "2",
	Detect: func(line string) bool { return len(bareColumns(line)) > 0 },
	Read: func(s *Stream, line string, now time.Time, ev *ecs.Event) error {
		ev.Message = line
		ev.Varde.Parser = "iis"
		ev.Event.Dataset, ev.Event.Module = "iis", "web"
		columns := bareColumns(line)
		if columns == nil {
			return &Error{ReasonFormat, "the columns are not those of IIS"}
		}
		return s.readIIS(line, columns, now, ev)
	},
}

// bareColumns names the columns of a line of IIS without a header, or nil. The
// order is always the same and any may be left out: date, time, site, computer,
// address, method, stem, query, port, user, client, version, agent, cookie,
// referrer, host, the three statuses, what was sent, received and how long it took.
func bareColumns(line string) []string {
	if len(line) < 40 || line[0] != '2' || line[4] != '-' || line[7] != '-' || line[10] != ' ' || line[13] != ':' || line[16] != ':' || line[19] != ' ' {
		return nil
	}
	v := strings.Split(line, " ")
	method := 2
	// method stem query port user client
	for method+5 < len(v) && (!isMethod(v[method]) || !allDigits(v[method+3]) || !isAddress(v[method+5]) && v[method+5] != "-") {
		method++
	}
	if method+5 >= len(v) || method > 5 {
		return nil
	}
	names := []string{"date", "time"}
	for _, value := range v[2:method] {
		switch {
		case isAddress(value):
			names = append(names, "s-ip")
		case strings.HasPrefix(value, "W3SVC"):
			names = append(names, "s-sitename")
		case strings.ContainsAny(value, ":[]()/"): // the tag of a syslog line
			return nil
		default:
			names = append(names, "s-computername")
		}
	}
	names = append(names, "cs-method", "cs-uri-stem", "cs-uri-query", "s-port", "cs-username", "c-ip")
	at := method + 6
	if at < len(v) && strings.HasPrefix(v[at], "HTTP/") {
		names, at = append(names, "cs-version"), at+1
	}
	status := at
	for status+2 < len(v) && (len(v[status]) != 3 || !allDigits(v[status]) || !allDigits(v[status+1]) || !allDigits(v[status+2])) {
		status++
	}
	between, ok := bareTexts[status-at]
	if !ok || status+2 >= len(v) {
		return nil
	}
	names = append(append(names, between...), "sc-status", "sc-substatus", "sc-win32-status")
	switch rest := v[status+3:]; {
	case len(rest) >= 3 && allDigits(rest[1]):
		names = append(names, "sc-bytes", "cs-bytes", "time-taken")
	case len(rest) > 0:
		names = append(names, "time-taken")
	}
	if len(names) == len(v)-1 {
		names = append(names, "X-Forwarded-For") // what sites add
	}
	if len(names) != len(v) {
		return nil
	}
	return names
}

// bareTexts are the columns between the client and the status, by their number.
var bareTexts = map[int][]string{
	1: {"cs(User-Agent)"},
	2: {"cs(User-Agent)", "cs(Referer)"},
	3: {"cs(User-Agent)", "cs(Referer)", "cs-host"},
	4: {"cs(User-Agent)", "cs(Cookie)", "cs(Referer)", "cs-host"},
}

// isW3C says whether a line fits the columns that the stream was told of: as
// many values, a date first.
func (s *Stream) isW3C(line string) bool {
	if len(line) < 12 || line[4] != '-' || line[7] != '-' || line[10] != ' ' || len(s.columns) < 4 || s.columns[0] != "date" {
		return false
	}
	return strings.Count(line, " ") == len(s.columns)-1
}

func (s *Stream) readIIS(line string, columns []string, now time.Time, ev *ecs.Event) error {
	r := request{}
	var day, clock, substatus, win32, forwarded, stem, query string
	port := ""
	rest, value := line, ""
	for _, name := range columns {
		if rest == "" {
			return &Error{ReasonFormat, "the line has fewer values than its header has columns"}
		}
		value, rest, _ = strings.Cut(rest, " ")
		if value == "-" {
			continue
		}
		switch name {
		case "date":
			day = value
		case "time":
			clock = value
		case "s-ip":
			ev.Destination = party(value)
		case "s-port":
			port = value
		case "s-computername":
			setHost(ev, value)
		case "cs-method":
			r.method = value
		case "cs-uri-stem":
			stem = value
		case "cs-uri-query":
			query = value
		case "cs-username":
			r.user = strings.ReplaceAll(value, "+", " ")
		case "c-ip":
			r.peer = value
		case "cs-version":
			r.version = strings.TrimPrefix(value, "HTTP/")
		case "cs(User-Agent)":
			r.agent = strings.ReplaceAll(value, "+", " ")
		case "cs(Referer)":
			r.referrer = value
		case "cs-host":
			r.vhost = value
		case "X-Forwarded-For", "x-forwarded-for", "cs(X-Forwarded-For)":
			forwarded = strings.ReplaceAll(value, "+", " ")
		case "sc-status":
			r.status = statusOf(value)
		case "sc-substatus":
			substatus = value
		case "sc-win32-status":
			win32 = value
		case "sc-bytes":
			r.bytes, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	if rest != "" {
		return &Error{ReasonFormat, "the line has more values than its header has columns"}
	}
	if day != "" && clock != "" {
		st, _, found, err := readYearFirst(day + "T" + clock + "Z")
		if err != nil || !found {
			return &Error{ReasonTimestamp, "there is no such day or time"}
		}
		if ev.Timestamp, _, err = s.clock.resolve(st, now); err != nil {
			return err
		}
	}
	if r.method == "PASS" { // the site is one of FTP
		s.iisFTP(&r, ev)
		return nil
	}
	if addresses(forwarded) {
		r.forwarded = forwarded
	}
	r.uri = stem
	if query != "" {
		r.uri += "?" + query
	}
	s.iisRequest(&r, ev, substatus, win32)
	if n, more := number(port, 5); n > 0 && more == "" && ev.Destination != nil {
		ev.Destination.Port = n
	}
	return nil
}

// iisFTP: a password that was sent, and the reply to it (RFC 959).
func (s *Stream) iisFTP(r *request, ev *ecs.Event) {
	ev.Source = party(r.peer)
	setLogin(ev, r.user)
	ev.Service = &ecs.Service{Name: "iis", Type: "ftp"}
	switch r.status {
	case 230:
		attempt(ev, ecs.OutcomeSuccess, "password")
	case 530:
		attempt(ev, ecs.OutcomeFailure, "password")
	default:
		classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
	}
}

// iisRequest sets the event. The 401s of a handshake that goes on (NTLM,
// Negotiate) are none that decide: IIS says in the Windows status whether the
// password was refused.
func (s *Stream) iisRequest(r *request, ev *ecs.Event, substatus, win32 string) {
	refused, reason := windowsRefusal(win32)
	status := r.status
	if status == 401 && !refused && win32 != "" && win32 != "0" {
		r.status = 0
	}
	r.set(s, ev, "access")
	if r.status = status; status == 401 {
		ev.HTTP.Response = &ecs.HTTPResponse{Status: status}
		if substatus != "" {
			ev.Event.Code = "401." + substatus
		}
		if ev.Event.Outcome == ecs.OutcomeUnknown {
			ev.Event.Outcome = ecs.OutcomeFailure
		}
	}
	if ev.User != nil {
		splitLogin(ev.User)
	}
	if status != 401 || !refused {
		return
	}
	ev.Event.Reason = reason
	if r.user == "" {
		s.webRefused(ev, "access")
	}
}

// windowsRefusal says whether a Windows status, as Win32 or as SSPI code, means
// that a password or account was refused.
func windowsRefusal(status string) (refused bool, reason string) {
	switch status {
	case "1326", "2148074252": // ERROR_LOGON_FAILURE, SEC_E_LOGON_DENIED
		return true, "incorrect-password"
	case "1317":
		return true, reasonInvalidUser
	case "1327", "1328", "1329":
		return true, "not-allowed"
	case "1330", "1907":
		return true, "password-expired"
	case "1331":
		return true, "account-disabled"
	case "1793":
		return true, "account-expired"
	case "1909":
		return true, "account-locked"
	}
	return false, ""
}
