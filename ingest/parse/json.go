package parse

import (
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"varde.internal/schemas/ecs"
)

// jsonKind reads one kind of JSON object into an event. knows looks at the
// names of fields, or at a value that only the writing program sets, never at
// what a client can write. read leaves the time to the stream where the object
// has none; an *Error refuses the line.
type jsonKind struct {
	name   string
	module string // event.module: azure, o365, okta …
	knows  func(o object) bool
	read   func(s *Stream, o object, now time.Time, ev *ecs.Event) error
}

// jsonFormat reads a line that is one JSON object. One that is no JSON after
// all, or of no kind that is known, is kept as it is.
var jsonFormat = Format{
	Name:   "json",
	Begins: " \t{",
	Detect: func(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " \t"), "{") },
	Read:   func(s *Stream, line string, now time.Time, ev *ecs.Event) error { return s.readJSON(line, now, ev) },
	Inner:  true,
}

func (s *Stream) readJSON(line string, now time.Time, ev *ecs.Event) error {
	ev.Message = line
	ev.Varde.Parser = "json"
	if s.json == nil {
		s.json = &fastjson.Parser{}
	}
	v, err := s.json.Parse(line)
	if err != nil || v.Type() != fastjson.TypeObject {
		if s.kind != nil {
			return &Error{ReasonFormat, "the line is not a JSON object"}
		}
		ev.Varde.Parser = plain.Name
		return nil
	}
	o := object{v}
	kind := s.kind
	if kind == nil {
		for i := range jsonKinds {
			if jsonKinds[i].knows(o) {
				kind = &jsonKinds[i]
				break
			}
		}
	}
	if kind == nil {
		return nil
	}
	ev.Event.Dataset, ev.Event.Module, ev.Varde.Parser = kind.name, kind.module, kind.name
	return kind.read(s, o, now, ev)
}

// object is a JSON object of a line. It and everything taken from it as an
// object is valid until the stream reads its next line; texts are copies.
type object struct{ v *fastjson.Value }

// ok says whether there is such an object at all.
func (o object) ok() bool { return o.v != nil && o.v.Type() == fastjson.TypeObject }

// at returns what lies at a path of field names, or nil.
func (o object) at(path ...string) *fastjson.Value {
	if o.v == nil {
		return nil
	}
	return o.v.Get(path...)
}

// has says whether there is a value at the path that is not null.
func (o object) has(path ...string) bool {
	v := o.at(path...)
	return v != nil && v.Type() != fastjson.TypeNull
}

// str returns the text at the path, a number or a boolean in its digits or
// word, else "".
func (o object) str(path ...string) string { return textOf(o.at(path...)) }

func textOf(v *fastjson.Value) string {
	if v == nil {
		return ""
	}
	switch v.Type() {
	case fastjson.TypeString:
		b, _ := v.StringBytes()
		return readable(string(b))
	case fastjson.TypeNumber, fastjson.TypeTrue, fastjson.TypeFalse:
		return v.String()
	}
	return ""
}

// first returns the first text that is not empty of several fields of this object.
func (o object) first(names ...string) string {
	for _, n := range names {
		if s := o.str(n); s != "" {
			return s
		}
	}
	return ""
}

// is compares without a copy.
func (o object) is(value string, path ...string) bool {
	v := o.at(path...)
	if v == nil || v.Type() != fastjson.TypeString {
		return false
	}
	b, _ := v.StringBytes()
	return string(b) == value
}

// num returns the whole number at the path, also where it is written as text.
func (o object) num(path ...string) (n int64, ok bool) {
	v := o.at(path...)
	if v == nil {
		return 0, false
	}
	if v.Type() == fastjson.TypeNumber {
		if n, err := v.Int64(); err == nil {
			return n, true
		}
		f, err := v.Float64()
		return int64(f), err == nil
	}
	n, err := strconv.ParseInt(textOf(v), 10, 64)
	return n, err == nil
}

// yes says whether a true (or its word) lies at the path.
func (o object) yes(path ...string) bool {
	v := o.at(path...)
	return v != nil && (v.Type() == fastjson.TypeTrue || v.Type() == fastjson.TypeString && strings.EqualFold(textOf(v), "true"))
}

// obj returns the object at the path; ok() says whether there is one.
func (o object) obj(path ...string) object {
	v := o.at(path...)
	if v == nil || v.Type() != fastjson.TypeObject {
		return object{}
	}
	return object{v}
}

// inner is obj, also where the object is written as a text that holds JSON, as
// exports to tables do.
func (o object) inner(path ...string) object {
	v := o.at(path...)
	if v != nil && v.Type() == fastjson.TypeString {
		b, _ := v.StringBytes()
		if len(b) == 0 || (b[0] != '{' && b[0] != '[') {
			return object{}
		}
		in, err := fastjson.ParseBytes(b)
		if err != nil {
			return object{}
		}
		return object{in}
	}
	if v == nil || v.Type() == fastjson.TypeNull {
		return object{}
	}
	return object{v}
}

// list returns the objects of the array at the path.
func (o object) list(path ...string) []object {
	return o.inner(path...).items()
}

// items returns the objects of what is an array itself.
func (o object) items() []object {
	if o.v == nil || o.v.Type() != fastjson.TypeArray {
		return nil
	}
	values, _ := o.v.Array()
	out := make([]object, 0, len(values))
	for _, v := range values {
		if v.Type() == fastjson.TypeObject {
			out = append(out, object{v})
		}
	}
	return out
}

// texts returns the texts of the array at the path.
func (o object) texts(path ...string) []string {
	v := o.at(path...)
	if v == nil || v.Type() != fastjson.TypeArray {
		return nil
	}
	values, _ := v.Array()
	out := make([]string, 0, len(values))
	for _, v := range values {
		if s := textOf(v); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// setTime reads a time of an object: RFC 3339 with or without a zone (UTC is
// then meant: cloud services write no other), or seconds, milli-, micro- or
// nanoseconds since 1970. An empty text leaves the time open.
func (s *Stream) setTime(ev *ecs.Event, text string, now time.Time) error {
	if text == "" {
		return nil
	}
	t, ok := instantOf(text)
	if !ok {
		return &Error{ReasonTimestamp, "the time of the object is not of RFC 3339"}
	}
	at, _, err := s.clock.resolve(stamp{full: t}, now)
	if err != nil {
		return err
	}
	ev.Timestamp = at
	return nil
}

// instantOf reads a time that needs nothing but itself.
func instantOf(text string) (time.Time, bool) {
	if allDigits(text) {
		return epochOf(text)
	}
	if whole, fraction, ok := strings.Cut(text, "."); ok && len(whole) == 10 && allDigits(whole) && allDigits(fraction) {
		return time.Unix(int64(atoi(whole)), int64(nanos(fraction))).UTC(), true
	}
	st, rest, found, err := readStamp(text)
	if err != nil || !found || (rest != "" && rest != " UTC" && rest != " ") {
		return time.Time{}, false
	}
	if st.full.IsZero() {
		if st.year == 0 {
			return time.Time{}, false
		}
		return st.wall(), true
	}
	return st.full, true
}

// epochOf reads a count since 1970; its length tells the unit.
func epochOf(digits string) (time.Time, bool) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	switch l := len(digits); {
	case l <= 11:
		return time.Unix(n, 0).UTC(), true
	case l <= 14:
		return time.UnixMilli(n).UTC(), true
	case l <= 17:
		return time.UnixMicro(n).UTC(), true
	}
	return time.Unix(0, n).UTC(), true
}
