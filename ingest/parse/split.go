package parse

import "bytes"

// Split returns the parts of a line that are events of their own, in order and
// as pieces of the line: several JSON objects written one after the other, with
// blanks or commas between, the objects of an array, or those of a page of
// events ({"records":[…]}, {"value":[…]}); or several Windows events as XML. Every other line, also one whose JSON does not end, is a single
// part.
func Split(line []byte) [][]byte {
	text := bytes.Trim(line, " \t\r")
	if len(text) == 0 {
		return [][]byte{line}
	}
	switch text[0] {
	case '<':
		return splitXML(line)
	case '{':
	case '[':
		inner, ok := bytes.CutSuffix(text[1:], []byte("]"))
		inner = bytes.Trim(inner, " \t\r\n")
		if !ok || len(inner) == 0 || inner[0] != '{' {
			return [][]byte{line}
		}
		text = inner
	default:
		return [][]byte{line}
	}
	var parts [][]byte
	rest := text
	for len(rest) > 0 {
		end := objectEnd(rest)
		if end < 0 {
			return [][]byte{line}
		}
		if end == len(rest) && parts == nil && text[0] == line[0] {
			if parts = unwrap(rest); parts != nil {
				return parts
			}
			return [][]byte{line} // the usual case: the line is one object
		}
		if page := unwrap(rest[:end]); page != nil {
			parts = append(parts, page...)
		} else {
			parts = append(parts, rest[:end:end])
		}
		rest = bytes.TrimLeft(rest[end:], " \t\r\n,")
	}
	return parts
}

// splitXML returns the Windows events of a line, or the line.
func splitXML(line []byte) [][]byte {
	if bytes.Count(line, []byte("</Event>")) < 2 || !isEventXML(string(line[:min(len(line), 1024)])) {
		return [][]byte{line}
	}
	var parts [][]byte
	for rest := line; len(rest) > 0; {
		begin, end := nextXML(rest, true)
		switch {
		case end < 0: // what breaks off is a part of its own
			return append(parts, rest)
		case begin >= 0:
			parts = append(parts, rest[begin:end:end])
		}
		rest = rest[end:]
	}
	return parts
}

// objectEnd returns where the JSON object at the beginning of s ends, -1 where
// it does not.
func objectEnd(s []byte) int {
	if len(s) == 0 || s[0] != '{' {
		return -1
	}
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			for i++; ; i++ {
				next := bytes.IndexByte(s[i:], '"')
				if next < 0 {
					return -1
				}
				i += next
				slashes := 0
				for s[i-1-slashes] == '\\' {
					slashes++
				}
				if slashes%2 == 0 {
					break
				}
			}
		}
	}
	return -1
}
