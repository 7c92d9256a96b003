package kql

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxToken is how many characters of a word in a message count; it stays under
// the 255 UTF-16 units at which Elasticsearch's tokeniser cuts words.
const maxToken = 100

// Tokens splits text into the words that free text is compared by: runs of
// letters, marks and digits, lower case, in Unicode normal form C. Every
// adapter indexes what this returns, so that they agree.
func Tokens(text string) []string {
	var out []string
	split(text, func(r rune) bool { return !wordRune(r) }, func(w string) { out = append(out, w) })
	return out
}

// TokenText is the words of text with a space between each.
func TokenText(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	split(text, func(r rune) bool { return !wordRune(r) }, func(w string) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	})
	return b.String()
}

func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

func split(text string, between func(rune) bool, emit func(string)) {
	text = fold(text)
	for text != "" {
		start := strings.IndexFunc(text, func(r rune) bool { return !between(r) })
		if start < 0 {
			return
		}
		text = text[start:]
		end := strings.IndexFunc(text, between)
		if end < 0 {
			end = len(text)
		}
		emit(cut(text[:end]))
		text = text[end:]
	}
}

// fold gives lower case in normal form C; lower case can undo the form, so it
// comes first.
func fold(text string) string {
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			return norm.NFC.String(strings.ToLower(validUTF8(text)))
		}
	}
	return strings.ToLower(text)
}

func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

func cut(word string) string {
	if len(word) <= maxToken {
		return word
	}
	n := 0
	for i := range word {
		if n == maxToken {
			return word[:i]
		}
		n++
	}
	return word
}
