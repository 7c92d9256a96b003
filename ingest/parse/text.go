package parse

import (
	"strings"
	"unicode/utf8"
)

// latin1 maps every byte to the character of the same number.
func latin1[T string | []byte](b T) string {
	var s strings.Builder
	s.Grow(len(b) + len(b)/4)
	for i := 0; i < len(b); i++ {
		s.WriteRune(rune(b[i]))
	}
	return s.String()
}

// readable keeps what is valid UTF-8 and takes stray bytes as ISO 8859-1, the
// other way in which Norwegian letters are written in old logs.
func readable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	out.Grow(len(s) + 8)
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			r = rune(s[i])
		}
		out.WriteRune(r)
		i += n
	}
	return out.String()
}

// unvis undoes vis(3) as OpenSSH applies it to everything it logs
// (VIS_CSTYLE|VIS_NL|VIS_TAB|VIS_OCTAL): bytes outside ASCII as \ooo, control
// characters as \n, \t …, a backslash doubled. A backslash that begins nothing
// of this stays: other daemons write domain\user raw.
func unvis(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			i++
			continue
		}
		if c, ok := octal(s[i+1:]); ok {
			out = append(out, c)
			i += 4
			continue
		}
		if c, ok := cstyle[s[i+1]]; ok {
			out = append(out, c)
			i += 2
			continue
		}
		out = append(out, '\\')
		i++
	}
	return readable(string(out))
}

var cstyle = map[byte]byte{
	'\\': '\\', 'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'a': '\a', 'v': '\v', 'f': '\f', '0': 0,
}

// octal reads three octal digits that make one byte.
func octal(s string) (byte, bool) {
	if len(s) < 3 || s[0] < '0' || s[0] > '3' || s[1] < '0' || s[1] > '7' || s[2] < '0' || s[2] > '7' {
		return 0, false
	}
	return (s[0]-'0')<<6 | (s[1]-'0')<<3 | (s[2] - '0'), true
}

// unescape undoes the #ooo that rsyslog makes of control characters on receipt
// (and of bytes outside ASCII where it is told to), and sudo of blanks. A '#'
// before a printable character's number is left: it was written so. OpenSSH
// needs none of this, its messages hold neither.
func unescape(s string) string {
	if strings.IndexByte(s, '#') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '#' {
			if c, ok := octal(s[i+1:]); ok && (c <= ' ' || c >= 0x7f) {
				out = append(out, c)
				i += 3
				continue
			}
		}
		out = append(out, s[i])
	}
	return readable(string(out))
}
