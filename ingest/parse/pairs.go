package parse

import "strings"

// pair is a key with its value.
type pair struct{ key, value string }

// pairs are the key=value pairs of a message, in order. Where a key stands
// twice the first holds: what a client may write comes after it.
type pairs []pair

// get returns the value of a key, "" where there is none.
func (p pairs) get(key string) string {
	for i := range p {
		if p[i].key == key {
			return p[i].value
		}
	}
	return ""
}

// any returns the first value that is not empty.
func (p pairs) any(keys ...string) string {
	for _, k := range keys {
		if v := p.get(k); v != "" {
			return v
		}
	}
	return ""
}

// readPairs reads KEY=VALUE or KEY="VALUE" separated by blanks, sep being the
// sign between key and value. In quotes \" and \\ are escapes; a quote that no
// blank follows is part of the value. What is no pair is passed over.
func readPairs(into pairs, text string, sep byte) pairs { return pairsUntil(into, text, sep, " \t") }

// pairsUntil is readPairs where a value without quotes ends at one of ends.
func pairsUntil(into pairs, text string, sep byte, ends string) pairs {
	for {
		text = strings.TrimLeft(text, " \t,;")
		if text == "" {
			return into
		}
		eq := strings.IndexByte(text, sep)
		if eq < 0 {
			return into
		}
		key := text[:eq]
		if i := strings.LastIndexAny(key, " \t,;"); i >= 0 {
			key = key[i+1:]
		}
		text = text[eq+1:]
		var value string
		if len(text) > 0 && text[0] == '"' {
			value, text = quotedValue(text)
		} else {
			end := strings.IndexAny(text, ends)
			if end < 0 {
				end = len(text)
			}
			value, text = text[:end], text[end:]
		}
		if key != "" {
			into = append(into, pair{key, value})
		}
	}
}

// quotedValue reads a value from its opening quote.
func quotedValue(text string) (value, rest string) {
	escaped := false
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\') {
				escaped = true
				i++
			}
		case '"':
			if i+1 == len(text) || strings.IndexByte(" \t,;]", text[i+1]) >= 0 {
				if value = text[1:i]; escaped {
					value = unquote.Replace(value)
				}
				return value, text[i+1:]
			}
		}
	}
	return text[1:], ""
}

var unquote = strings.NewReplacer(`\"`, `"`, `\\`, `\`)
