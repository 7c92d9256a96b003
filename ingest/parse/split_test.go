package parse

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSeveralObjectsInOneLineAreSeveralEvents(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][]string{
		`{"a":1}`:                             {`{"a":1}`},
		`{"a":1}{"b":2}`:                      {`{"a":1}`, `{"b":2}`},
		`{"a":{"x":[1,{}]}} , {"b":"}{\"\\"}`: {`{"a":{"x":[1,{}]}}`, `{"b":"}{\"\\"}`},
		`[{"a":1},{"b":2}]`:                   {`{"a":1}`, `{"b":2}`},
		`[{"a":1}]`:                           {`{"a":1}`},
		`{"records":[{"a":1}, {"b":2}]}`:      {`{"a":1}`, `{"b":2}`},
		`{"@odata.context":"x","value":[{"a":1}],"@odata.nextLink":"y"}`: {`{"a":1}`},
		`{"records":[{"a":1}]}{"b":2}`:                                   {`{"a":1}`, `{"b":2}`},
		`{"id":{"x":1},"events":[{"a":1}]}`:                              {`{"id":{"x":1},"events":[{"a":1}]}`},
		`{"a":1,"events":[{"a":1}]}`:                                     {`{"a":1,"events":[{"a":1}]}`},
		`{"records":[1]}`:                                                {`{"records":[1]}`},
		`{"records":[]}`:                                                 {`{"records":[]}`},
		`[]`:                                                             {`[]`},
		`[1,2]`:                                                          {`[1,2]`},
		`{"a":1}{"b":`:                                                   {`{"a":1}{"b":`},
		`{"a":1} trailing`:                                               {`{"a":1} trailing`},
		`{"a":"x`:                                                        {`{"a":"x`},
		`[Thu Oct 13 12:24:49 2022] [error]`:                             {`[Thu Oct 13 12:24:49 2022] [error]`},
		"":                                                               {""},
		`<Events><Event>1</Event><Event>2</Event></Events>`: {`<Event>1</Event>`, `<Event>2</Event>`},
		`<Event>1</Event> <Event>2</Event><Event>`:          {`<Event>1</Event>`, `<Event>2</Event>`, `<Event>`},
		`<Event>1</Event>`:                     {`<Event>1</Event>`},
		`<134>1 - - - - - - x</Event></Event>`: {`<134>1 - - - - - - x</Event></Event>`},
		"{\"a\":1}\r":                          {"{\"a\":1}\r"},
	} {
		var got []string
		for _, part := range Split([]byte(line)) {
			got = append(got, string(part))
		}
		require.Equal(t, want, got, line)
	}
}

// Whatever the line: no panic, and of JSON values one after the other all.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{`{"a":1}{"b":"}"}`, `[{"a":"\\"},{}]`, `{"`, `[{`, `{}x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		parts := Split(line)
		require.NotEmpty(t, parts)
		if !json.Valid(line) || !bytes.HasPrefix(line, []byte("{")) {
			return
		}
		if unwrap(line) != nil {
			return
		}
		require.Len(t, parts, 1, "one object is one event")
		require.Equal(t, line, parts[0])
		double := append(append([]byte{}, line...), line...)
		require.Len(t, Split(double), 2)
	})
}
