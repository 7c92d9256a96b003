package ecs

import (
	"encoding/binary"
	"slices"
	"time"
	"unicode/utf8"
	"unsafe"
)

// AppendJSON appends the event as JSON, byte for byte what encoding/json writes
// with SetEscapeHTML(false), without reflection: it is on the way of every line.
func (v *Event) AppendJSON(b []byte) []byte { return v.appendJSON(b) }

// trim takes the comma after an object's last member away.
func trim(b []byte, start int) []byte {
	if len(b) > start {
		return b[:len(b)-1]
	}
	return b
}

func appendTime(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

func keysOf[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func appendMap(b []byte, m map[string]string) []byte {
	if m == nil {
		return append(b, "null"...)
	}
	b = append(b, '{')
	start := len(b)
	for _, k := range keysOf(m) {
		b = append(appendString(b, k), ':')
		b = append(appendString(b, m[k]), ',')
	}
	return append(trim(b, start), '}')
}

func appendMaps(b []byte, m map[string]map[string]string) []byte {
	b = append(b, '{')
	start := len(b)
	for _, k := range keysOf(m) {
		b = append(appendString(b, k), ':')
		b = append(appendMap(b, m[k]), ',')
	}
	return append(trim(b, start), '}')
}

// plainByte says which bytes stand in a JSON text as they are.
var plainByte = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// plainEight says that eight bytes at once stand as they are. It may miss some
// that do: those are looked at one by one.
func plainEight(s string) bool {
	return oddOf(binary.LittleEndian.Uint64(unsafe.Slice(unsafe.StringData(s), 8))) == 0
}

const hexDigits = "0123456789abcdef"

// isPlain says that a string stands in a JSON text as it is. It may miss some
// that do.
func isPlain(s string) bool {
	if len(s) < 8 {
		for i := 0; i < len(s); i++ {
			if !plainByte[s[i]] {
				return false
			}
		}
		return true
	}
	b := unsafe.Slice(unsafe.StringData(s), len(s)) // read only
	odd := oddOf(binary.LittleEndian.Uint64(b[len(b)-8:]))
	for ; len(b) > 8; b = b[8:] {
		odd |= oddOf(binary.LittleEndian.Uint64(b))
	}
	return odd == 0
}

// oddOf has a bit set where one of eight bytes may not stand as it is.
func oddOf(x uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, slash := x^(ones*'"'), x^(ones*'\\')
	return (x | (x - ones*' ') | (quote - ones) | (slash - ones)) & high
}

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	if isPlain(s) {
		b = append(b, s...)
		return append(b, '"')
	}
	return appendEscaped(b, s)
}

// appendEscaped appends what follows the first quotation mark of a string.
func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		if len(s)-i >= 8 && plainEight(s[i:i+8]) {
			i += 8
			continue
		}
		c := s[i]
		if plainByte[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\b':
				b = append(b, '\\', 'b')
			case '\f':
				b = append(b, '\\', 'f')
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, hexDigits[r&15])
		default:
			i += n
			continue
		}
		i += n
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}
