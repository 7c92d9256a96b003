package parse

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"varde.internal/schemas/ecs"
)

// actionHeader is of a table's header.
const actionHeader = "log-header"

// sampledAt is when samples are said to come: later than any of their times.
var sampledAt = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// row is one line taken apart: an object, or names with values.
type row struct {
	object        object
	names, values []string
}

// get returns the value of a field: by its whole name, else of a JSON object by
// its path with dots.
func (r *row) get(name string) string {
	if r.object.v == nil {
		for i, n := range r.names {
			if n == name && i < len(r.values) {
				return r.values[i]
			}
		}
		return ""
	}
	if v := r.object.at(name); v != nil {
		return joined(v)
	}
	if strings.Contains(name, ".") {
		return joined(r.object.at(strings.Split(name, ".")...))
	}
	return ""
}

func joined(v *fastjson.Value) string {
	if v == nil || v.Type() != fastjson.TypeArray {
		return textOf(v)
	}
	list, _ := v.Array()
	if len(list) == 0 {
		return ""
	}
	return textOf(list[0])
}

// mapped returns the format that reads lines by a mapping.
func (m *Mapping) mapped() Format {
	return Format{Name: m.Name, Detect: func(string) bool { return true }, Read: m.read}
}

// read maps a line, and where it has a header of syslog the text after it.
func (m *Mapping) read(s *Stream, line string, now time.Time, ev *ecs.Event) error {
	if strings.HasPrefix(line, "<") {
		for _, f := range []Format{rfc5424, rfc3164} {
			if f.Detect(line) {
				return f.Read(s, line, now, ev) // and from there by meaning
			}
		}
	}
	return m.text(s, line, now, ev)
}

// text maps a line, or the text behind a header that was read.
func (m *Mapping) text(s *Stream, line string, now time.Time, ev *ecs.Event) error {
	ev.Message = line
	ev.Varde.Parser = "mapping"
	ev.Event.Dataset, ev.Event.Module = m.Name, m.Name
	if m.Dataset != "" {
		ev.Event.Dataset = m.Dataset
	}
	r, header, err := m.row(s, line)
	if err != nil {
		return err
	}
	if header {
		classify(ev, kindInfo, actionHeader, "")
		return nil
	}
	if err := m.time(s, r, now, ev); err != nil {
		return err
	}
	for i := range m.rules {
		m.rules[i].apply(r, ev)
	}
	m.decide(r, ev)
	return nil
}

// row takes a line apart. header says that it names the columns instead.
func (m *Mapping) row(s *Stream, line string) (r *row, header bool, err error) {
	switch m.Format {
	case "json":
		if s.json == nil {
			s.json = &fastjson.Parser{}
		}
		v, err := s.json.Parse(line)
		if err != nil || v.Type() != fastjson.TypeObject {
			return nil, false, &Error{ReasonFormat, "the line is not a JSON object"}
		}
		return &row{object: object{v}}, false, nil
	case "key-value":
		r = &row{}
		for rest := line; ; {
			key, value, after, ok := nextPair(rest)
			if !ok {
				break
			}
			r.names, r.values, rest = append(r.names, key), append(r.values, value), after
		}
		if len(r.names) == 0 {
			return nil, false, &Error{ReasonFormat, "the line holds no key=value"}
		}
		return r, false, nil
	}
	delimiter, columns := ",", []string(nil)
	if m.CSV != nil {
		columns = m.CSV.Columns
		if m.CSV.Delimiter != "" {
			delimiter = m.CSV.Delimiter
		}
	}
	values, ok := splitCSV(line, delimiter)
	if !ok {
		return nil, false, &Error{ReasonFormat, "a quote in the line does not end"}
	}
	if len(columns) == 0 {
		if columns = s.columns; columns == nil {
			s.columns = values
			return nil, true, nil
		}
	}
	if slices.Equal(values, columns) {
		return nil, true, nil
	}
	if len(values) != len(columns) {
		return nil, false, &Error{ReasonFormat, "the line has another number of values than there are columns"}
	}
	return &row{names: columns, values: values}, false, nil
}

// splitCSV cuts a line at its delimiter; a value in quotes can hold it, and a
// doubled quote is one.
func splitCSV(line, delimiter string) (values []string, ok bool) {
	for {
		if !strings.HasPrefix(line, `"`) {
			value, rest, more := strings.Cut(line, delimiter)
			values = append(values, value)
			if !more {
				return values, true
			}
			line = rest
			continue
		}
		var value strings.Builder
		line = line[1:]
		for {
			part, rest, closed := strings.Cut(line, `"`)
			if !closed {
				return nil, false
			}
			value.WriteString(part)
			line = rest
			if !strings.HasPrefix(line, `"`) {
				break
			}
			value.WriteByte('"')
			line = line[1:]
		}
		// What stands between a closing quote and the delimiter is kept as it is.
		tail, rest, more := strings.Cut(line, delimiter)
		value.WriteString(tail)
		values = append(values, value.String())
		if !more {
			return values, true
		}
		line = rest
	}
}

func (m *Mapping) time(s *Stream, r *row, now time.Time, ev *ecs.Event) error {
	text := ""
	for _, name := range m.Time.Fields {
		if v := strings.TrimSpace(r.get(name)); v != "" && v != "-" {
			text += " " + v
		}
	}
	if text = strings.TrimPrefix(text, " "); text == "" {
		return nil
	}
	for _, form := range m.forms {
		st, ok := form.read(text)
		if !ok {
			continue
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
	return &Error{ReasonTimestamp, "the time is of none of the mapping's forms"}
}

// Kinds of the actions that rules and searches rely on.
var actionKinds = map[string]kind{
	ecs.ActionLogin: kindLogin, ecs.ActionLogoff: kindEnd, ecs.ActionSessionStart: kindSession, ecs.ActionSessionEnd: kindEnd,
	ecs.ActionAccountLocked: kindChange, ecs.ActionAccountCreated: kindAdd, ecs.ActionAccountChanged: kindChange, ecs.ActionAccountDeleted: kindDelete,
	ecs.ActionGroupMember: kindGroup, ecs.ActionGroupRemoved: kindGroup, ecs.ActionPasswordChange: kindChange, ecs.ActionPrivilege: kindPrivilege, ecs.ActionProbe: kindProbe,
}

// decide gives the event its kind, and makes it an attempt where the rule says so.
func (m *Mapping) decide(r *row, ev *ecs.Event) {
	action, outcome := ev.Event.Action, ev.Event.Outcome
	if m.Attempt != nil && m.Attempt.holds(r) {
		if outcome == ecs.OutcomeSuccess || outcome == ecs.OutcomeFailure {
			method := firstOf(ev.Varde.Method, m.Attempt.Method)
			attempt(ev, outcome, method)
		} else {
			classify(ev, kindProbe, ecs.ActionProbe, ecs.OutcomeUnknown)
		}
		return
	}
	if k, ok := actionKinds[action]; ok {
		classify(ev, k, action, outcome)
		return
	}
	classify(ev, kindInfo, slug(action), outcome)
}

func (a *AttemptRule) holds(r *row) bool {
	for _, c := range a.When {
		value := strings.TrimSpace(r.get(c.Field))
		if !slices.ContainsFunc(c.In, func(in string) bool { return strings.EqualFold(strings.TrimSpace(in), value) }) {
			return false
		}
	}
	return true
}

// Check runs the samples and says of each what is not as it should be. A
// table's samples begin with its header where the mapping names no columns.
func (m *Mapping) Check() error {
	s, err := NewStream(Options{Mapping: m})
	if err != nil {
		return err
	}
	var wrong []error
	for i, sample := range m.Samples {
		at := "samples/" + strconv.Itoa(i)
		ev, err := s.Parse([]byte(sample.Line), sampledAt)
		var broken *Error
		switch {
		case errors.As(err, &broken) && broken.Reason == sample.Error:
			continue
		case err != nil:
			wrong = append(wrong, faultAt(at, "sample %d: %w", i+1, err))
			continue
		case sample.Error != "":
			wrong = append(wrong, faultAt(at+"/error", "sample %d becomes an event, and should break with %s", i+1, sample.Error))
			continue
		}
		flat := Flat(ev)
		for _, name := range sortedKeys(sample.Event) {
			if want, got := sample.Event[name], flat[name]; want != got {
				wrong = append(wrong, faultAt(at+"/event/"+name, "sample %d: %s is %q, and should be %q", i+1, name, got, want))
			}
		}
	}
	return errors.Join(wrong...)
}

// Flat returns the fields of an event by their ECS names, as text; several
// values are joined with a comma.
func Flat(ev ecs.Event) map[string]string {
	out := map[string]string{}
	raw, err := json.Marshal(ev)
	if err != nil {
		return out
	}
	v, err := fastjson.ParseBytes(raw)
	if err != nil {
		return out
	}
	flatten(v, "", out)
	return out
}

func flatten(v *fastjson.Value, name string, out map[string]string) {
	switch v.Type() {
	case fastjson.TypeObject:
		o, _ := v.Object()
		o.Visit(func(key []byte, inner *fastjson.Value) {
			full := string(key)
			if name != "" {
				full = name + "." + full
			}
			flatten(inner, full, out)
		})
	case fastjson.TypeArray:
		list, _ := v.Array()
		texts := make([]string, len(list))
		for i := range list {
			texts[i] = textOf(list[i])
		}
		out[name] = strings.Join(texts, ",")
	default:
		out[name] = textOf(v)
	}
}
