package kql

import "varde.internal/schemas/ecs"

// Place says what can stand at a position of a query that is being written.
type Place struct {
	Kind PlaceKind
	// Start and End are the bytes that a proposal replaces; Prefix is what is
	// written there before the position, unescaped.
	Start, End int
	Prefix     string
	// Field is the field whose value or operator is asked for.
	Field ecs.Field
}

// PlaceKind is what can stand at a place.
type PlaceKind int

// The kinds of places.
const (
	PlaceField PlaceKind = iota // a field name, a word of text, not, (
	PlaceOperator
	PlaceValue
	PlaceWord // and, or
)

// At finds the place at byte pos of a query that need not be complete. It
// looks only at what is before pos, and at the rest of the word around it.
func At(text string, pos int) Place {
	pos = max(0, min(pos, len(text)))
	s := scan{place: Place{Kind: PlaceField, Start: pos, End: pos}}
	for at := 0; ; {
		t := lex(text, at, s.value)
		if t.kind == kindEnd || t.start >= pos {
			return s.at(pos)
		}
		if t.end >= pos && (t.kind == kindWord || t.kind == kindQuoted || t.kind == kindBad) {
			return s.inside(text, t, pos)
		}
		s.step(t, lex(text, t.end, false))
		at = t.end
	}
}

// scan follows what is expected next; lists remembers, for each open
// parenthesis, the field whose values it lists.
type scan struct {
	place Place
	value bool // a value of place.Field is expected
	lists []ecs.Field
}

func (s *scan) expect(k PlaceKind, f ecs.Field) {
	s.place.Kind, s.place.Field, s.value = k, f, k == PlaceValue
}

func (s *scan) step(t, after token) {
	switch {
	case t.kind == kindOpen:
		field := ecs.Field{}
		if s.value {
			field = s.place.Field
		}
		s.lists = append(s.lists, field)
	case t.kind == kindClose:
		if len(s.lists) > 0 {
			s.lists = s.lists[:len(s.lists)-1]
		}
		s.expect(PlaceWord, ecs.Field{})
	case t.kind == kindColon || t.kind == kindOp:
		s.expect(PlaceValue, s.place.Field)
	case t.keyword():
		if n := len(s.lists); n > 0 && s.lists[n-1].Name != "" {
			s.expect(PlaceValue, s.lists[n-1])
		} else {
			s.expect(PlaceField, ecs.Field{})
		}
	case !s.value && t.kind == kindWord && (after.kind == kindColon || after.kind == kindOp):
		f, _ := ecs.Lookup(t.text)
		s.expect(PlaceOperator, f)
	default:
		s.expect(PlaceWord, ecs.Field{})
	}
}

func (s *scan) at(pos int) Place {
	s.place.Start, s.place.End = pos, pos
	return s.place
}

// inside: the position is in or at the end of a word.
func (s *scan) inside(text string, t token, pos int) Place {
	if s.place.Kind == PlaceWord && t.kind == kindWord {
		// A second word: and, or, or more text.
		return Place{Kind: PlaceWord, Start: t.start, End: t.end, Prefix: text[t.start:pos]}
	}
	p := s.place
	p.Start, p.End = t.start, t.end
	if head := lex(text[:pos], t.start, s.value); head.end > t.start {
		p.Prefix = head.text
	}
	if t.kind == kindBad && t.bad.Slug == "unclosed-quote" {
		p.End = pos
	}
	if p.Kind == PlaceField && t.kind != kindWord {
		p.Kind = PlaceWord
	}
	return p
}
