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
	Name: "iis",
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
		return s.readIIS(line, now, ev)
	},
}

// defaultColumns are those of IIS 8.5 and later, for lines before any header.
const defaultColumns = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"

// isW3C says whether a line fits the columns that the stream was told of: as
// many values, a date first.
func (s *Stream) isW3C(line string) bool {
	if len(line) < 12 || line[4] != '-' || line[7] != '-' || line[10] != ' ' || len(s.columns) < 4 || s.columns[0] != "date" {
		return false
	}
	return strings.Count(line, " ") == len(s.columns)-1
}

func (s *Stream) readIIS(line string, now time.Time, ev *ecs.Event) error {
	r := request{}
	var day, clock, substatus, win32, forwarded, stem, query string
	port := ""
	rest, value := line, ""
	for _, name := range s.columns {
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
