package parse

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// documents joins the lines of a text, as a follower of files does.
func documentsOf(text string) (joined []string, lines int) {
	var d Document
	var held []byte
	for line := range bytes.Lines([]byte(text)) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if held != nil {
			ended, broken := d.Next(line)
			switch {
			case broken:
				lines += 1 + bytes.Count(held, []byte("\n"))
				held = nil
			case ended:
				joined = append(joined, string(held)+"\n"+string(line))
				held = nil
				continue
			default:
				held = append(append(held, '\n'), line...)
				continue
			}
		}
		var opens bool
		if d, opens = OpensDocument(line); opens {
			held = bytes.Clone(line)
		} else {
			lines++
		}
	}
	if held != nil {
		lines += 1 + bytes.Count(held, []byte("\n"))
	}
	return joined, lines
}

func TestDocumentsOverLinesAreFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text          string
		joined, lines int
	}{
		"pretty":            {"{\n  \"a\": {\n    \"b\": [1,\n 2, true,\n null]\n  }\n}\nx\n", 1, 1},
		"tabs, no blanks":   {"{\n\t\"a\": \"}{ \\\" \"\n}\n", 1, 0},
		"of an array":       {"[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  }\n]\n", 2, 2},
		"opened in a line":  {"{\"a\": {\n\"b\": 1\n}}\n", 1, 0},
		"empty lines in it": {"{\n\n\"a\": 1\n\n}\n", 1, 0},
		"one line":          {"{\"a\":1}\n{\"a\":2}\n", 0, 2},
		"cut off":           {"{\"a\":\"never end\n{\"a\":2}\n", 0, 2},
		"cut at a comma":    {"{\"a\":1,\n{\"a\":2}\n", 0, 2},
		"a line between":    {"{\n\"a\": 1,\nNov 22 10:00:00 host app[1]: x\n{\n\"a\": 1\n}\n", 1, 3},
		"a day between":     {"{\n\"a\": 1,\n2026-11-22 10:00:00 x\n", 0, 3},
		"too many braces":   {"{\n\"a\": 1\n}}\nx\n", 0, 4},
		"event":             {"<Event xmlns='x'>\n<System/>\n</Event>\n<Event><System/></Event>\n", 1, 1},
		"event in event":    {"<Event xmlns='x'>\n<System/>\n<Event>\n</Event>\n", 1, 2},
		"other markup":      {"<html>\n<Events>\n</html>\n", 0, 3},
	} {
		joined, lines := documentsOf(c.text)
		require.Len(t, joined, c.joined, name)
		require.Equal(t, c.lines, lines, name)
	}
}

// Whatever the lines are, none is lost, and none is in two documents.
func FuzzDocumentsOverLines(f *testing.F) {
	f.Add("{\n  \"a\": 1\n}\nx\n<Event>\n</Event>\n")
	f.Fuzz(func(t *testing.T, text string) {
		joined, lines := documentsOf(text)
		for _, j := range joined {
			lines += 1 + bytes.Count([]byte(j), []byte("\n"))
		}
		want := bytes.Count([]byte(text), []byte("\n"))
		if text != "" && text[len(text)-1] != '\n' {
			want++
		}
		require.Equal(t, want, lines)
	})
}
