package parse

import (
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"varde.internal/schemas/ecs"
)

// journalKind reads journald's export as JSON (journalctl -o json, Fluent Bit's
// and Vector's journal inputs): the entry's fields are the header, MESSAGE goes
// to the parser of the program.
var journalKind = jsonKind{
	name: "journald",
	knows: func(o object) bool {
		return o.has("__REALTIME_TIMESTAMP") || o.has("__CURSOR") || o.has("MESSAGE") && (o.has("_COMM") || o.has("SYSLOG_IDENTIFIER") || o.has("_BOOT_ID") || o.has("_MACHINE_ID"))
	},
	read: func(s *Stream, o object, now time.Time, ev *ecs.Event) error {
		ev.Event.Dataset, ev.Event.Module = DatasetUnparsed, ""
		at := journalText(o, "__REALTIME_TIMESTAMP")
		if at == "" {
			at = firstOf(journalText(o, "_SOURCE_REALTIME_TIMESTAMP"), o.str("@timestamp"), o.str("timestamp"), o.str("time"))
		}
		if err := s.setTime(ev, at, now); err != nil {
			return err
		}
		setHost(ev, firstOf(journalText(o, "_HOSTNAME"), journalText(o, "host")))
		if pri := journalText(o, "PRIORITY"); len(pri) == 1 && pri[0] <= '7' && pri[0] >= '0' {
			setLevel(ev, severities[pri[0]-'0'])
		}
		m := message{text: journalText(o, "MESSAGE")}
		m.program, m.module = programOf(firstOf(journalText(o, "SYSLOG_IDENTIFIER"), journalText(o, "_COMM")))
		if journalText(o, "_TRANSPORT") == "audit" {
			m.program = "audit"
			if kind := journalText(o, "_AUDIT_TYPE_NAME"); kind != "" && !strings.HasPrefix(m.text, kind) {
				m.text = kind + " " + m.text
			}
		}
		m.pid = pidOf(firstOf(journalText(o, "SYSLOG_PID"), journalText(o, "_PID")))
		if m.program != "" {
			ev.Process = &ecs.Process{Name: m.program, PID: m.pid}
		}
		unit := journalText(o, "_SYSTEMD_UNIT")
		// What was read so far is a copy: a message that is JSON itself may now
		// take the parser.
		if err := s.meaning(&m, ev); err != nil {
			return err
		}
		label(ev, "unit", unit)
		return nil
	},
}

// journalText returns a field: a text, an array of bytes (where it is not UTF-8
// or holds control characters), or the first of several values.
func journalText(o object, name string) string {
	v := o.at(name)
	if v == nil {
		return ""
	}
	if v.Type() != fastjson.TypeArray {
		return textOf(v)
	}
	list, _ := v.Array()
	if len(list) == 0 {
		return ""
	}
	if list[0].Type() != fastjson.TypeNumber {
		if list[0].Type() == fastjson.TypeArray {
			return bytesOf(list[0])
		}
		return textOf(list[0])
	}
	return bytesOf(v)
}

func bytesOf(v *fastjson.Value) string {
	list, _ := v.Array()
	out := make([]byte, 0, len(list))
	for _, b := range list {
		n, err := b.Int()
		if err != nil || n < 0 || n > 255 {
			return ""
		}
		out = append(out, byte(n))
	}
	return readable(string(out))
}

// caddyKind reads Caddy's access log.
var caddyKind = jsonKind{
	name:   "caddy",
	module: "web",
	knows: func(o object) bool {
		return o.obj("request").ok() && o.has("request", "method") && o.has("request", "uri") && (o.has("status") || strings.HasPrefix(o.str("logger"), "http.log"))
	},
	read: func(s *Stream, o object, now time.Time, ev *ecs.Event) error {
		if err := s.setTime(ev, firstOf(o.str("ts"), o.str("time")), now); err != nil {
			return err
		}
		setLevel(ev, o.str("level"))
		in := o.obj("request")
		status, _ := o.num("status")
		size, _ := o.num("size")
		r := request{
			peer: in.str("remote_ip"), method: in.str("method"), uri: in.str("uri"), vhost: in.str("host"),
			version: strings.TrimPrefix(in.str("proto"), "HTTP/"), user: o.str("user_id"), status: int(status), bytes: size,
			agent: headerOf(in, "User-Agent"), referrer: headerOf(in, "Referer"),
		}
		if r.peer == "" {
			r.peer = in.str("remote_addr")
		}
		port := in.str("remote_port")
		// client_ip is what Caddy made of X-Forwarded-For from proxies that it trusts.
		if client := in.str("client_ip"); client != "" && client != r.peer {
			label(ev, "proxy", r.peer)
			r.peer, port = client, ""
		} else if list := headerOf(in, "X-Forwarded-For"); addresses(list) {
			r.forwarded = list
		}
		r.set(s, ev, "access")
		if e := partyPort(r.peer, port); e != nil && ev.Source != nil && e.IP == ev.Source.IP {
			ev.Source.Port = e.Port
		}
		return nil
	},
}

func headerOf(request object, name string) string {
	if list := request.texts("headers", name); len(list) > 0 {
		return list[0]
	}
	return ""
}

// traefikKind reads Traefik's access log as JSON.
var traefikKind = jsonKind{
	name:   "traefik",
	module: "web",
	knows: func(o object) bool {
		return o.has("DownstreamStatus") && (o.has("ClientHost") || o.has("ClientAddr"))
	},
	read: func(s *Stream, o object, now time.Time, ev *ecs.Event) error {
		if err := s.setTime(ev, o.first("StartUTC", "StartLocal", "time"), now); err != nil {
			return err
		}
		setLevel(ev, o.str("level"))
		status, _ := o.num("DownstreamStatus")
		size, _ := o.num("DownstreamContentSize")
		r := request{
			peer: o.str("ClientHost"), method: o.str("RequestMethod"), uri: o.str("RequestPath"), vhost: firstOf(o.str("RequestAddr"), o.str("RequestHost")),
			version: strings.TrimPrefix(o.str("RequestProtocol"), "HTTP/"), status: int(status), bytes: size,
			agent: firstOf(o.str("request_User-Agent"), o.str("RequestUserAgent")), referrer: firstOf(o.str("request_Referer"), o.str("RequestRefererHeader")),
		}
		if user := o.str("ClientUsername"); user != "-" {
			r.user = user
		}
		port := o.str("ClientPort")
		if r.peer == "" {
			r.peer = o.str("ClientAddr")
		} else if list := o.str("request_X-Forwarded-For"); addresses(list) {
			r.forwarded = list
		}
		r.set(s, ev, "access")
		if e := partyPort(r.peer, port); e != nil && ev.Source != nil && e.IP == ev.Source.IP {
			ev.Source.Port = e.Port
		}
		return nil
	},
}

// shippedKind reads what shippers wrap around a line: Filebeat, Fluent Bit,
// Vector, Logstash, Docker. It is the last kind, and only says what is inside:
// where nothing in it is known the object stays unparsed.
var shippedKind = jsonKind{
	name: "shipped",
	knows: func(o object) bool {
		return shippedText(o) != ""
	},
	read: func(s *Stream, o object, now time.Time, ev *ecs.Event) error {
		ev.Event.Dataset, ev.Event.Module = DatasetUnparsed, ""
		text := strings.TrimRight(shippedText(o), "\r\n")
		whole := o.has("rawmsg") || o.has("event", "original")
		at := o.first("timereported", "@timestamp", "timestamp", "time", "ts", "date")
		host := shippedHost(o)
		m := message{text: strings.TrimPrefix(text, " ")}
		tag := o.str("syslogtag")
		m.program, m.module = programOf(firstOf(o.str("programname"), o.str("app-name"), o.str("appname"), o.str("ident"), o.str("program"), o.str("process", "name"), o.str("log", "syslog", "appname"), o.str("syslog", "identifier"), splitTag(tag+" ").program))
		m.pid = pidOf(firstOf(o.str("procid"), o.str("pid"), o.str("process", "pid"), o.str("log", "syslog", "procid")))
		if m.pid == 0 && tag != "" {
			m.pid = splitTag(tag + " ").pid
		}
		told := func() error { // the wrapping's time, where the text has none
			if t, ok := instantOf(at); ok && at != "" && ev.Timestamp.IsZero() {
				resolved, _, err := s.clock.resolve(stamp{full: t}, now)
				if err != nil {
					return err
				}
				ev.Timestamp = resolved
			}
			return nil
		}
		if f := detect(text); f.Name != plain.Name && f.Name != rfc3164.Name || whole || f.Name == rfc3164.Name && m.program == "" {
			if f.Name == jsonFormat.Name && m.program == "" && host == "" {
				return s.readInside(text, now, ev)
			}
			message := ev.Message
			if err := f.Read(s, text, now, ev); err != nil {
				return err
			}
			if f.Name == plain.Name {
				ev.Message = message
			}
			if ev.Host == nil {
				setHost(ev, host)
			}
			return told()
		}
		if err := told(); err != nil {
			return err
		}
		setHost(ev, host)
		if m.program != "" {
			ev.Process = &ecs.Process{Name: m.program, PID: m.pid}
		}
		return s.meaning(&m, ev)
	},
}

// readInside reads an object that lies as text in another. Once: what lies in
// that one again is not looked at.
func (s *Stream) readInside(text string, now time.Time, ev *ecs.Event) error {
	if s.inside {
		return nil
	}
	s.inside = true
	defer func() { s.inside = false }()
	return s.readJSON(text, now, ev)
}

func shippedText(o object) string {
	for _, name := range [...]string{"rawmsg", "message", "log", "msg"} {
		if v := o.at(name); v != nil && v.Type() == fastjson.TypeString {
			if name == "msg" && !o.has("programname") && !o.has("syslogtag") && !o.has("app-name") {
				continue
			}
			if text := o.str(name); text != "" {
				if name == "message" {
					if original := o.str("event", "original"); original != "" {
						return original
					}
				}
				return text
			}
		}
	}
	return o.str("event", "original")
}

func shippedHost(o object) string {
	return firstOf(o.str("host", "name"), o.str("host", "hostname"), o.str("host"), o.str("hostname"), o.str("host.name"), o.str("host.hostname"), o.str("fromhost"), o.str("_HOSTNAME"), o.str("agent", "hostname"))
}
