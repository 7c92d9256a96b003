package parse

import (
	"fmt"
	"strings"
	"time"
)

// pattern is the form of a time in a column: letters as in Java and .NET
// ("dd.MM.yyyy HH:mm:ss"), or one of the names rfc3339, unix and unix_ms.
type pattern struct {
	text   string
	layout string // of Go
	zoned  bool   // the text has its zone
	year   bool
}

// patternLetters in the order in which they are tried: the longest first.
var patternLetters = []struct{ from, to string }{
	{"yyyy", "2006"}, {"uuuu", "2006"}, {"yy", "06"}, {"MMMM", "January"}, {"MMM", "Jan"}, {"MM", "01"}, {"M", "1"},
	{"EEEE", "Monday"}, {"EEE", "Mon"}, {"dd", "02"}, {"d", "_2"}, {"HH", "15"}, {"H", "15"}, {"hh", "03"}, {"h", "3"}, {"mm", "04"}, {"m", "4"},
	{"ss", "05"}, {"s", "5"}, {"XXX", "Z07:00"}, {"XX", "Z0700"}, {"X", "Z07"}, {"xxx", "-07:00"}, {"xx", "-0700"}, {"zzz", "MST"}, {"z", "MST"}, {"Z", "-0700"},
	{"tt", "PM"}, {"a", "PM"},
}

// newPattern reads a form; the error says what of it is not understood.
func newPattern(text string) (pattern, error) {
	p := pattern{text: text}
	switch text {
	case "rfc3339", "unix", "unix_ms", "auto":
		p.zoned, p.year = true, true
		return p, nil
	case "":
		return p, fmt.Errorf("parse: a time needs a form, such as dd.MM.yyyy HH:mm:ss")
	}
	var out strings.Builder
	for rest := text; rest != ""; {
		if rest[0] == '\'' {
			quoted, after, ok := strings.Cut(rest[1:], "'")
			if !ok {
				return p, fmt.Errorf("parse: a quote in the time %q does not end", text)
			}
			out.WriteString(quoted)
			rest = after
			continue
		}
		if c := rest[0]; c == 'S' || c == 'f' {
			n := len(rest) - len(strings.TrimLeft(rest, string(c)))
			out.WriteString(strings.Repeat("0", n))
			rest = rest[n:]
			continue
		}
		found := false
		for _, l := range patternLetters {
			if after, ok := strings.CutPrefix(rest, l.from); ok {
				out.WriteString(l.to)
				rest, found = after, true
				p.year = p.year || l.from[0] == 'y' || l.from[0] == 'u'
				p.zoned = p.zoned || strings.ContainsAny(l.from, "XxzZ")
				break
			}
		}
		if found {
			continue
		}
		if c := rest[0]; (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') {
			if c != 'T' {
				return p, fmt.Errorf("parse: the letter %q in the time %q is not understood", c, text)
			}
		}
		out.WriteByte(rest[0])
		rest = rest[1:]
	}
	p.layout = out.String()
	return p, nil
}

// read reads a time in the form.
func (p pattern) read(text string) (stamp, bool) {
	switch p.text {
	case "rfc3339", "auto":
		return generalStamp(text, "")
	case "unix", "unix_ms":
		t, ok := instantOf(text)
		return stamp{full: t}, ok
	}
	t, err := time.Parse(p.layout, text)
	if err != nil {
		// A leap second, which the library does not know, is the next minute's first.
		if i := strings.LastIndex(text, ":60"); i > 0 {
			if t, err = time.Parse(p.layout, text[:i]+":59"+text[i+3:]); err == nil {
				t = t.Add(time.Second)
			}
		}
		if err != nil {
			return stamp{}, false
		}
	}
	if p.zoned {
		return stamp{full: t}, p.year
	}
	st := stamp{month: int(t.Month()), day: t.Day(), hour: t.Hour(), minute: t.Minute(), secs: t.Second(), nanos: t.Nanosecond()}
	if p.year {
		st.year = t.Year()
	}
	return st, true
}
