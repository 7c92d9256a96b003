package parse

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// cutUp returns the records of a file as texts; a record without an event is
// its reason in brackets.
func cutUp(t testing.TB, file []byte, max int) (texts []string, numbers []int) {
	t.Helper()
	r, err := NewRecords(bytes.NewReader(file), max)
	require.NoError(t, err)
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return texts, numbers
		}
		require.NoError(t, err)
		numbers = append(numbers, rec.Number)
		if rec.Reason != "" {
			texts = append(texts, "["+rec.Reason+"]"+string(rec.Text))
			continue
		}
		texts = append(texts, string(rec.Text))
	}
}

func utf16Of(s string, big, mark bool) []byte {
	var b []byte
	if mark {
		s = "\ufeff" + s
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func TestAFileIsCutIntoItsEvents(t *testing.T) {
	t.Parallel()
	const one, two = "<Event xmlns='x'>\n <a>1</a>\n</Event>", "<Event><b>2</b></Event>"
	for name, c := range map[string]struct {
		file    string
		want    []string
		numbers []int
	}{
		"lines":                       {"a\n\nb\r\nc", []string{"a", "b\r", "c"}, []int{1, 3, 4}},
		"several objects in a line":   {"{\"a\":1}{\"b\":2}\n{\"c\":3}\n", []string{`{"a":1}`, `{"b":2}`, `{"c":3}`}, []int{1, 1, 2}},
		"an array in a line":          {`[{"a":1},{"b":2}]`, []string{`{"a":1}`, `{"b":2}`}, []int{1, 1}},
		"objects over several lines":  {"{\n \"a\": 1\n}\n{\n \"b\": \"}\"\n}\n", []string{"{\n \"a\": 1\n}", "{\n \"b\": \"}\"\n}"}, []int{1, 4}},
		"an array over several lines": {"[\n  {\n    \"a\": 1\n  },\n  {\"b\": 2}\n]\n", []string{"{\n    \"a\": 1\n  }", `{"b": 2}`}, []int{2, 5}},
		"a broken line among lines":   {"{\"a\":\n{\"b\":2}\n", []string{`{"a":`, `{"b":2}`}, []int{1, 2}},
		"an array that breaks off":    {"[\n{\"a\":1},\n{\"b\":", []string{`{"a":1}`, `{"b":`}, []int{2, 3}},
		"Apache's bracket":            {"[Thu Oct 13 12:24:49 2022] [error]\nx\n", []string{"[Thu Oct 13 12:24:49 2022] [error]", "x"}, []int{1, 2}},
		"an event":                    {two, []string{two}, []int{1}},
		"events over lines":           {one + "\n" + two + "\n" + one, []string{one, two, one}, []int{1, 4, 5}},
		"a list": {"<?xml version=\"1.0\"?>\n<Events>\n<!-- <Event> -->" + one + two + "</Events>\n",
			[]string{one, two}, []int{3, 5}},
		"the event viewer's hyphens":  {"- <Event>\n- <System/>\n</Event>\n- " + two, []string{"<Event>\n- <System/>\n</Event>", two}, []int{1, 4}},
		"something else between":      {two + "\nwhat\n" + two, []string{two, "what", two}, []int{1, 2, 3}},
		"an event that breaks off":    {two + "<Event><a>", []string{two, "<Event><a>"}, []int{1, 1}},
		"a mark of UTF-8":             {"\xef\xbb\xbf" + two, []string{two}, []int{1}},
		"UTF-16":                      {string(utf16Of("<Event>ø</Event>", false, true)), []string{"<Event>ø</Event>"}, []int{1}},
		"UTF-16, the other way round": {string(utf16Of("<Event>ø</Event>", true, true)), []string{"<Event>ø</Event>"}, []int{1}},
		"UTF-16 without a mark":       {string(utf16Of("{\"a\":\"ø\"}\n", false, false)), []string{`{"a":"ø"}`}, []int{1}},
		"nothing":                     {"", nil, nil},
	} {
		texts, numbers := cutUp(t, []byte(c.file), 1<<20)
		require.Equal(t, c.want, texts, name)
		require.Equal(t, c.numbers, numbers, name)
	}
}

func TestWhatIsTooLongComesInPieces(t *testing.T) {
	t.Parallel()
	long := "<Event>" + strings.Repeat("x", 300_000) + "</Event>"
	texts, _ := cutUp(t, []byte(long+"<Event><a/></Event>"), 200_000)
	require.Greater(t, len(texts), 1)
	require.True(t, strings.HasPrefix(texts[0], "[line-too-long]<Event>"))
	require.Equal(t, "<Event><a/></Event>", texts[len(texts)-1])
	texts, _ = cutUp(t, []byte("a\n"+strings.Repeat("x", 150)+"\nb"), 100)
	require.Equal(t, "a", texts[0])
	require.Equal(t, "b", texts[len(texts)-1])
	require.True(t, strings.HasPrefix(texts[1], "[line-too-long]"))
}

// A list of any length is read with the memory of one event.
func TestALongListIsAStream(t *testing.T) {
	t.Parallel()
	const n = 4_000
	event := winXML("4625", true, logonFields()...)
	in := io.MultiReader(strings.NewReader("<Events>"), &endless{text: event + "\n", left: n}, strings.NewReader("</Events>"))
	r, err := NewRecords(in, 1<<20)
	require.NoError(t, err)
	require.True(t, r.Whole())
	for i := range n {
		rec, err := r.Next()
		require.NoError(t, err)
		require.Len(t, rec.Text, len(event))
		require.Equal(t, i+1, rec.Number)
	}
	_, err = r.Next()
	require.ErrorIs(t, err, io.EOF)
}

// endless reads a text n times.
type endless struct {
	text string
	left int
	at   int
}

func (r *endless) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text[r.at:])
	if r.at += n; r.at == len(r.text) {
		r.at = 0
		r.left--
	}
	return n, nil
}

// Whatever the file: an end, no panic, and not more text than the file has.
func FuzzRecords(f *testing.F) {
	for _, s := range []string{"<Events><Event>a</Event></Events>", "[\n{\"a\":1}\n,{}]", "{\n}", "\xff\xfe<\x00E\x00", "ElfFile\x00", "<?xml", "<!--", "<Event", "a\nb"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		texts, _ := cutUp(t, file, 64)
		total := 0
		for _, text := range texts {
			total += len(text)
		}
		require.LessOrEqual(t, total, 3*len(file)+len(texts)*20)
	})
}
