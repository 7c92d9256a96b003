package ecs

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Type is how the values of a field are compared.
type Type string

// The types. Keyword is compared whole and by case; Text by its words.
const (
	Keyword Type = "keyword"
	IP      Type = "ip"
	Date    Type = "date"
	Long    Type = "long"
	Boolean Type = "boolean"
	Text    Type = "text"
)

// MaxKeyword is how many UTF-16 units a keyword value may have to be
// searchable. A longer one is kept in the event and found by nothing; the unit
// is the one that Elasticsearch's ignore_above counts.
const MaxKeyword = 1024

// Field is an entry of the registry: what a query, a facet or a column may
// name. Fields that are not in it are kept in the event and shown with it.
type Field struct {
	Name string
	Type Type
	// Person says that a value can point to a person (user.*, source
	// addresses, keys, message text). Such fields are hidden in a search without a case.
	Person bool
	// Raw says that the field is the line or text as written.
	Raw bool
	// Many says that an event can have several values.
	Many bool
	// Stored says that the field is shown but cannot be searched.
	Stored  bool
	Aliases []string
	Choices []string // the possible values, where there are few

	get func(*Event) []Value
}

// Value is one value of a field: Text for Keyword, IP (canonical) and Text
// fields, Number for Long, Date (nanoseconds since 1970) and Boolean (1).
type Value struct {
	Text   string
	Number int64
}

// LabelPrefix begins the names of the fields under labels, which are not
// listed: any labels.KEY is a keyword field.
const LabelPrefix = "labels."

// maxLabelKey bounds the key of a label that can be searched, in bytes.
const maxLabelKey = 256

// Fields lists the registry by name. The caller does not change it.
func Fields() []Field { return registry }

// Lookup finds a field by its name or an alias; labels.KEY is always found.
func Lookup(name string) (Field, bool) {
	if i, ok := byName[name]; ok {
		return registry[i], true
	}
	if key, ok := strings.CutPrefix(name, LabelPrefix); ok && key != "" && len(key) <= maxLabelKey {
		return Field{Name: name, Type: Keyword, Person: true, get: func(e *Event) []Value { return text(e.Labels[key]) }}, true
	}
	return Field{}, false
}

// Values of the field in e as they are searched: invalid UTF-8 replaced as
// JSON does, keywords that are too long left out, addresses canonical and only
// where they are addresses. Nil where the event has none.
func (f Field) Values(e *Event) []Value {
	values := f.get(e)
	switch f.Type {
	case Keyword:
		for i := range values {
			values[i].Text = validUTF8(values[i].Text)
		}
		return slices.DeleteFunc(values, func(v Value) bool { return v.Text == "" || tooLong(v.Text) })
	case IP:
		kept := values[:0]
		for _, v := range values {
			if addr, err := netip.ParseAddr(v.Text); err == nil && addr.Zone() == "" {
				kept = append(kept, Value{Text: addr.Unmap().String()})
			}
		}
		return kept
	case Text:
		for i := range values {
			values[i].Text = validUTF8(values[i].Text)
		}
	}
	return values
}

func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

func tooLong(s string) bool {
	if len(s) <= MaxKeyword {
		return false
	}
	units := 0
	for _, r := range s {
		units++
		if r > 0xFFFF {
			units++
		}
	}
	return units > MaxKeyword
}

func text(s string) []Value {
	if s == "" {
		return nil
	}
	return []Value{{Text: s}}
}

func texts(s []string) []Value {
	if len(s) == 0 {
		return nil
	}
	out := make([]Value, len(s))
	for i := range s {
		out[i].Text = s[i]
	}
	return out
}

func number(n int64) []Value {
	if n == 0 {
		return nil
	}
	return []Value{{Number: n}}
}

// Times are nanoseconds in 64 bits: what lies outside is not searchable.
var earliest, latest = time.Unix(0, 0), time.Unix(0, 1<<63-1)

// Storable says whether a time can be that of an event in the index.
func Storable(t time.Time) bool { return !t.Before(earliest) && !t.After(latest) }

func date(t time.Time) []Value {
	if t.IsZero() || !Storable(t) {
		return nil
	}
	return []Value{{Number: t.UnixNano()}}
}

// flag: a false boolean is absent, as in JSON; a query for false asks for the
// events where it is not true.
func flag(b bool) []Value {
	if !b {
		return nil
	}
	return []Value{{Number: 1}}
}
