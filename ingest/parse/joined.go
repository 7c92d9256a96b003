package parse

import (
	"bytes"
	"strings"
)

// Document is one that spans lines and is read line by line: a pretty-printed
// JSON object, or a Windows event as XML.
type Document struct {
	xml   bool
	depth int // of braces and brackets
}

// OpensDocument says whether a line begins a document that goes on in the next
// one. A JSON object goes on where the line ends as a pretty printer ends one:
// what merely breaks off is a line by itself.
func OpensDocument(line []byte) (Document, bool) {
	text := bytes.Trim(line, " \t\r")
	if len(text) == 0 {
		return Document{}, false
	}
	switch text[0] {
	case '<':
		opens := bytes.HasPrefix(text, []byte("<Event ")) || bytes.HasPrefix(text, []byte("<Event>"))
		return Document{xml: true}, opens && !bytes.Contains(text, []byte("</Event>"))
	case '{':
		if last := text[len(text)-1]; last != '{' && last != '[' && last != ',' {
			return Document{}, false
		}
		depth, ok := depthOf(text)
		return Document{depth: depth}, ok && depth > 0
	}
	return Document{}, false
}

// Next takes the line after. ended says that it is the document's last one,
// broken that it cannot belong to it.
func (d *Document) Next(line []byte) (ended, broken bool) {
	if d.xml {
		text := bytes.TrimLeft(line, " \t")
		return bytes.Contains(text, []byte("</Event>")), bytes.HasPrefix(text, []byte("<Event ")) || bytes.HasPrefix(text, []byte("<Event>"))
	}
	if !ofJSON(line) {
		return false, true
	}
	depth, ok := depthOf(line)
	d.depth += depth
	whole := depth == 0 && len(line) > 2 && line[0] == '{' // an object by itself, where one is indented
	text := bytes.TrimRight(line, " \t\r,")
	if d.depth <= 0 && ok && !whole {
		return d.depth == 0 && bytes.HasSuffix(text, []byte("}")), d.depth < 0 || !bytes.HasSuffix(text, []byte("}"))
	}
	return false, !ok || whole
}

// ofJSON says whether a line can stand inside a pretty-printed object.
func ofJSON(line []byte) bool {
	text := bytes.Trim(line, " \t\r")
	if len(text) == 0 || bytes.IndexByte([]byte(`"{}[],`), text[0]) >= 0 {
		return true
	}
	for part := range bytes.SplitSeq(text, []byte{','}) {
		switch word := string(bytes.Trim(part, " ]}")); word {
		case "true", "false", "null":
		default:
			if strings.Trim(word, "0123456789+-.eE") != "" {
				return false
			}
		}
	}
	return true
}

// depthOf is how many more braces and brackets a line opens than it closes; ok
// is false where a string does not end, which none of JSON does over lines.
func depthOf(line []byte) (depth int, ok bool) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			n := stringEnd(line[i:])
			if n < 0 {
				return depth, false
			}
			i += n - 1
		}
	}
	return depth, true
}
