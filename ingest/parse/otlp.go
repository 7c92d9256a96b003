package parse

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"varde.internal/schemas/ecs"
)

// otlpKind reads a log record of OpenTelemetry: JSON of OTLP that holds one
// record with its resource and scope, as package otlp cuts a request and as the
// file exporter of OpenTelemetry's collector writes records that come alone. The
// body goes to the parser of its format or program; what the attributes say
// fills what that one has not found, by the names that OpenTelemetry's semantic
// conventions and ECS map to each other (ECS reference, "ECS & OpenTelemetry").
var otlpKind = jsonKind{
	name:   "otlp",
	module: "otlp",
	knows:  func(o object) bool { return otlpRecord(o).record.ok() },
	read:   readOTLP,
}

// otlpParts of a document that holds one record.
type otlpParts struct{ resource, scope, record object }

func otlpRecord(o object) (p otlpParts) {
	if o.at("resourceLogs") == nil {
		return p
	}
	one := func(in object, name string) object {
		if list := in.list(name); len(list) == 1 {
			return list[0]
		}
		return object{}
	}
	of := one(o, "resourceLogs")
	in := one(of, "scopeLogs")
	return otlpParts{resource: of.obj("resource"), scope: in.obj("scope"), record: one(in, "logRecords")}
}

func readOTLP(s *Stream, o object, now time.Time, ev *ecs.Event) error {
	p := otlpRecord(o)
	if !p.record.ok() { // the source's format is this one, and the line another
		return &Error{ReasonFormat, "the line is no single log record of OTLP"}
	}
	// A body that is JSON itself takes the parser: everything else is copied before.
	r := otlpTexts{attributes: attributes{}}
	r.attributes.gather("", p.resource.at("attributes"), 0)
	r.attributes.gather("", p.scope.at("attributes"), 0)
	r.attributes.gather("", p.record.at("attributes"), 0)
	r.scope, r.event = p.scope.str("name"), firstOf(p.record.str("eventName"), r.attributes["event.name"])
	r.trace, r.span = otlpID(p.record.str("traceId"), 16), otlpID(p.record.str("spanId"), 8)
	r.level, r.number = p.record.str("severityText"), atoi(p.record.str("severityNumber"))
	body := p.record.at("body")
	text, structured := "", false
	if body != nil {
		if text = textOf(body.Get("stringValue")); text == "" && body.Get("stringValue") == nil {
			plain := otlpPlain(nil, body, 0)
			text, structured = string(plain), len(plain) > 0 && plain[0] == '{'
		}
	}
	if err := s.otlpTime(ev, p.record.str("timeUnixNano"), now); err != nil {
		return err
	}
	exact, observed := ev.Timestamp, p.record.str("observedTimeUnixNano")
	if err := s.otlpBody(text, structured, r.attributes, now, ev); err != nil {
		return err
	}
	switch {
	case !exact.IsZero():
		ev.Timestamp, ev.Event.Timezone = exact, ""
	case ev.Timestamp.IsZero():
		if err := s.otlpTime(ev, observed, now); err != nil {
			return err
		}
	}
	r.fill(ev)
	return nil
}

// otlpTime reads nanoseconds since 1970; 0 and nothing are no time.
func (s *Stream) otlpTime(ev *ecs.Event, nanoseconds string, now time.Time) error {
	n, err := strconv.ParseUint(nanoseconds, 10, 63)
	if nanoseconds == "" || (err == nil && n == 0) {
		return nil
	}
	if err != nil {
		return &Error{ReasonTimestamp, "the time of the record is no count of nanoseconds"}
	}
	t, _, err := s.clock.resolve(stamp{full: time.Unix(0, int64(n)).UTC()}, now)
	if err != nil {
		return err
	}
	ev.Timestamp = t
	return nil
}

// otlpBody reads the text of a record: a line with its header, a JSON object
// (also one that the body holds as a map), or the message of a program that the
// attributes name.
func (s *Stream) otlpBody(text string, structured bool, a attributes, now time.Time, ev *ecs.Event) error {
	at := ev.Timestamp
	ev.Event.Dataset, ev.Event.Module = DatasetUnparsed, ""
	ev.Message = text
	text = strings.TrimRight(text, "\r\n\x00")
	m := message{text: text, pid: pidOf(a.take("process.pid", "proc_id", "syslog.procid"))}
	m.program, m.module = programOf(a.first("appname", "syslog.appname", "log.syslog.appname", "process.executable.name", "process.name", "service.name"))
	switch f := detect(text); {
	case structured || f.Name == jsonFormat.Name:
		if err := s.readInside(text, now, ev); err != nil {
			return err
		}
	case text == "":
	case f.Name != plain.Name && (f.Name != keyValue.Name || m.program == ""):
		if err := f.Read(s, text, now, ev); err != nil {
			return err
		}
	default:
		setHost(ev, a.first("host.name", "hostname", "host"))
		if m.program != "" {
			ev.Process = &ecs.Process{Name: m.program, PID: m.pid}
		}
		if err := s.meaning(&m, ev); err != nil {
			return err
		}
	}
	if ev.Timestamp.IsZero() {
		ev.Timestamp = at
	}
	if ev.Event.Dataset == DatasetUnparsed || ev.Event.Dataset == "key-value" {
		ev.Event.Dataset, ev.Event.Module, ev.Varde.Parser = "otlp", "otlp", "otlp"
	}
	return nil
}

// otlpTexts are the copies of what stands beside the body.
type otlpTexts struct {
	attributes                       attributes
	scope, event, trace, span, level string
	number                           int
}

// fill sets what the body's parser has left open.
func (r *otlpTexts) fill(ev *ecs.Event) {
	a := r.attributes
	if ev.Log == nil || ev.Log.Level == "" {
		setLevel(ev, firstOf(strings.ToLower(r.level), otlpLevel(r.number)))
	}
	if ev.Event.Severity == 0 {
		ev.Event.Severity = r.number
	}
	if ev.Host == nil {
		setHost(ev, a.first("host.name", "hostname", "host"))
	}
	a.take("host.name", "hostname", "host", "appname", "syslog.appname", "log.syslog.appname", "process.executable.name", "process.name")
	if name := a.take("service.name"); name != "" && ev.Service == nil {
		ev.Service = &ecs.Service{Name: name}
	}
	if ev.Event.Dataset == "otlp" {
		a.event(ev, r.event)
	}
	a.around(ev)
	label(ev, "trace_id", r.trace)
	label(ev, "span_id", r.span)
	label(ev, "scope", r.scope)
	a.rest(ev)
}

// otlpLevel is the short name of a severity number (Logs Data Model, "Severity Fields").
func otlpLevel(number int) string {
	if number < 1 || number > 24 {
		return ""
	}
	return [...]string{"trace", "debug", "info", "warn", "error", "fatal"}[(number-1)/4]
}

// otlpID keeps an id of so many bytes that is not zero.
func otlpID(digits string, size int) string {
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != size || strings.Trim(digits, "0") == "" {
		return ""
	}
	return strings.ToLower(digits)
}

// otlpDeep bounds how deep values lie in each other; deeper ones are left out.
const otlpDeep = 16

// otlpPlain writes an AnyValue as plain JSON.
func otlpPlain(out []byte, v *fastjson.Value, depth int) []byte {
	if v == nil || depth > otlpDeep {
		return append(out, "null"...)
	}
	if list := v.Get("arrayValue"); list != nil {
		out = append(out, '[')
		for i, one := range list.GetArray("values") {
			if i > 0 {
				out = append(out, ',')
			}
			out = otlpPlain(out, one, depth+1)
		}
		return append(out, ']')
	}
	if list := v.Get("kvlistValue"); list != nil {
		out = append(out, '{')
		for i, pair := range list.GetArray("values") {
			if i > 0 {
				out = append(out, ',')
			}
			if key := pair.Get("key"); key != nil && key.Type() == fastjson.TypeString {
				out = key.MarshalTo(out)
			} else {
				out = append(out, `""`...)
			}
			out = otlpPlain(append(out, ':'), pair.Get("value"), depth+1)
		}
		return append(out, '}')
	}
	for _, name := range [...]string{"stringValue", "boolValue", "bytesValue"} {
		if one := v.Get(name); one != nil {
			return one.MarshalTo(out)
		}
	}
	for _, name := range [...]string{"intValue", "doubleValue"} {
		if one := v.Get(name); one != nil { // numbers of 64 bits are texts in JSON of protobuf
			text := textOf(one)
			if _, err := strconv.ParseFloat(text, 64); err == nil && !strings.ContainsAny(text, "nNiIxX_") {
				return append(out, text...)
			}
			return one.MarshalTo(out)
		}
	}
	return append(out, "null"...)
}
