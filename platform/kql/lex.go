package kql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	kindEnd kind = iota
	kindWord
	kindQuoted
	kindOpen
	kindClose
	kindColon
	kindOp
	kindBad
)

// token of a query: bytes [start, end). A word's parts are its text split at
// the '*' that are not escaped; a word with one part has none.
type token struct {
	kind       kind
	start, end int
	text       string   // of a word or a quoted string, unescaped; of an operator
	parts      []string // of a word
	escaped    bool     // a word with an escape is no and, or, not
	bad        *SyntaxError
}

func (t token) is(word string) bool {
	return t.kind == kindWord && !t.escaped && len(t.parts) == 1 && strings.EqualFold(t.text, word)
}

func (t token) keyword() bool { return t.is("and") || t.is("or") || t.is("not") }

// What ends a word, unless escaped. A '*' is part of a word.
func special(r rune) bool { return strings.ContainsRune(`():<>"{}`, r) }

// lex reads the token at or after pos. In the place of a value a colon is part
// of a word, so that addresses and times need no quotes.
func lex(text string, pos int, value bool) token {
	for pos < len(text) {
		r, n := utf8.DecodeRuneInString(text[pos:])
		if !unicode.IsSpace(r) {
			break
		}
		pos += n
	}
	if pos == len(text) {
		return token{kind: kindEnd, start: pos, end: pos}
	}
	one := func(k kind, n int) token {
		return token{kind: k, start: pos, end: pos + n, text: text[pos : pos+n]}
	}
	switch c := text[pos]; c {
	case '(':
		return one(kindOpen, 1)
	case ')':
		return one(kindClose, 1)
	case ':':
		if value && strings.HasPrefix(text[pos:], "::") { // an IPv6 address
			break
		}
		return one(kindColon, 1)
	case '<', '>':
		if strings.HasPrefix(text[pos+1:], "=") {
			return one(kindOp, 2)
		}
		return one(kindOp, 1)
	case '"':
		return lexQuoted(text, pos)
	case '{', '}':
		t := one(kindBad, 1)
		t.bad = &SyntaxError{Start: t.start, End: t.end, Slug: "unexpected-character", Detail: "Braces have no meaning in a query. Put text that holds them in quotes."}
		return t
	}
	return lexWord(text, pos, value)
}

func lexQuoted(text string, pos int) token {
	var b strings.Builder
	for i := pos + 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case c == '"':
			return token{kind: kindQuoted, start: pos, end: i + 1, text: b.String()}
		default:
			b.WriteByte(c)
		}
	}
	return token{kind: kindBad, start: pos, end: len(text), text: b.String(), bad: &SyntaxError{
		Start: pos, End: len(text), Slug: "unclosed-quote", Detail: "The quotation mark is not closed."}}
}

func lexWord(text string, pos int, value bool) token {
	t := token{kind: kindWord, start: pos}
	var b, part strings.Builder
	i := pos
	for i < len(text) {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == '\\' && i+1 < len(text) {
			// A backslash escapes what has a meaning; elsewhere it is itself,
			// so that REALM\name needs no quotes.
			next, m := utf8.DecodeRuneInString(text[i+1:])
			if special(next) || next == '\\' || next == '*' || unicode.IsSpace(next) {
				t.escaped = true
				b.WriteRune(next)
				part.WriteRune(next)
				i += 1 + m
				continue
			}
			if rest := text[i+1:]; i == pos && keywordAt(rest) {
				t.escaped = true
				i++
				continue
			}
		}
		if unicode.IsSpace(r) || special(r) && !(value && r == ':') {
			break
		}
		b.WriteString(text[i : i+n])
		if r == '*' {
			t.parts = append(t.parts, part.String())
			part.Reset()
		} else {
			part.WriteString(text[i : i+n])
		}
		i += n
	}
	t.end, t.text = i, b.String()
	t.parts = append(t.parts, part.String())
	return t
}

// keywordAt: an escaped keyword, \and, is the word.
func keywordAt(rest string) bool {
	end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || special(r) })
	if end < 0 {
		end = len(rest)
	}
	w := rest[:end]
	return strings.EqualFold(w, "and") || strings.EqualFold(w, "or") || strings.EqualFold(w, "not")
}
