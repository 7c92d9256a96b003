package kql

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"varde.internal/schemas/ecs"
)

// What one query may hold; more is a mistake or an attack. The depth stays
// under what Elasticsearch allows (30 levels, up to two for each of ours).
const (
	maxDepth  = 12
	maxLeaves = 1000
	maxLength = 16 << 10
)

// MessageField is the field that free text is searched in.
const MessageField = "message"

// Parse reads a query. An empty text matches every event. The error is a
// *SyntaxError.
func Parse(text string, opt Options) (Query, error) {
	p := parser{text: text, opt: opt}
	if !utf8.ValidString(text) {
		return Query{}, &SyntaxError{End: len(text), Slug: "invalid-encoding", Detail: "The query is not valid UTF-8."}
	}
	if len(text) > maxLength {
		return Query{}, &SyntaxError{End: len(text), Slug: "too-complex", Detail: "The query is too long."}
	}
	p.next()
	if p.tok.kind == kindEnd {
		return Query{Text: text}, nil
	}
	root, err := p.or(p.clause)
	if err == nil && p.tok.kind != kindEnd {
		err = p.unexpected()
	}
	if err != nil {
		return Query{}, err
	}
	return Query{Text: text, Root: root}, nil
}

type parser struct {
	text   string
	opt    Options
	tok    token
	depth  int
	leaves int
}

func (p *parser) next()       { p.tok = lex(p.text, p.tok.end, false) }
func (p *parser) peek() token { return lex(p.text, p.tok.end, false) }

// asValue reads the current token again as one in the place of a value.
func (p *parser) asValue() { p.tok = lex(p.text, p.tok.start, true) }

func fail(t token, slug, detail string, args ...any) error {
	return &SyntaxError{Start: t.start, End: t.end, Slug: slug, Detail: fmt.Sprintf(detail, args...)}
}

func (p *parser) unexpected() error {
	switch t := p.tok; {
	case t.kind == kindBad:
		return t.bad
	case t.kind == kindEnd:
		return fail(t, "unexpected-end", "The query ends where more is needed.")
	case t.kind == kindClose:
		return fail(t, "unexpected-character", "This parenthesis closes nothing.")
	case t.kind == kindWord && (!t.keyword() || t.is("not")), t.kind == kindQuoted, t.kind == kindOpen:
		return fail(t, "missing-operator", "Put \"and\" or \"or\" between the two parts.")
	case t.keyword():
		return fail(t, "unexpected-character", "There is nothing for %q to join. Put the word in quotes to search for it.", strings.ToLower(t.text))
	default:
		return fail(t, "unexpected-character", "There is no field name before %q.", t.text)
	}
}

func (p *parser) enter() error {
	p.depth++
	if p.depth > maxDepth {
		return fail(p.tok, "too-complex", "The query has too many levels.")
	}
	return nil
}

// or and the levels below it read expressions whose smallest part is read by
// part: whole clauses, or the values of a list.
func (p *parser) or(part func() (Node, error)) (Node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var nodes []Node
	for {
		n, err := p.and(part)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		if !p.tok.is("or") {
			return Either(nodes...), nil
		}
		p.next()
	}
}

func (p *parser) and(part func() (Node, error)) (Node, error) {
	var nodes []Node
	for {
		n, err := p.not(part)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
		if !p.tok.is("and") {
			return Join(nodes...), nil
		}
		p.next()
	}
}

func (p *parser) not(part func() (Node, error)) (Node, error) {
	if !p.tok.is("not") {
		return part()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	p.next()
	n, err := p.not(part)
	if err != nil {
		return nil, err
	}
	return Not{n}, nil
}

// group reads ( … ).
func (p *parser) group(part func() (Node, error)) (Node, error) {
	open := p.tok
	p.next()
	if p.tok.kind == kindClose {
		return nil, fail(token{start: open.start, end: p.tok.end}, "missing-value", "There is nothing between the parentheses.")
	}
	n, err := p.or(part)
	if err != nil {
		return nil, err
	}
	if p.tok.kind == kindEnd {
		return nil, fail(open, "unclosed-group", "This parenthesis is not closed.")
	}
	if p.tok.kind != kindClose {
		return nil, p.unexpected()
	}
	p.next()
	return n, nil
}

// clause reads field:value, field>value, ( … ) or free text.
func (p *parser) clause() (Node, error) {
	if p.tok.kind == kindOpen {
		return p.group(p.clause)
	}
	if p.tok.kind == kindWord && !p.tok.keyword() && p.startsClause() {
		name := p.tok
		field, err := p.field(name)
		if err != nil {
			return nil, err
		}
		p.next()
		if p.tok.kind == kindOp {
			return p.compare(field)
		}
		p.next()
		p.asValue()
		return p.value(field)
	}
	if p.tok.kind == kindWord && !p.tok.keyword() || p.tok.kind == kindQuoted {
		field, _ := ecs.Lookup(MessageField)
		if p.tok.kind == kindWord && p.tok.text == "*" && !p.tok.escaped {
			p.next()
			return All{}, nil
		}
		return p.literals(field)
	}
	return nil, p.unexpected()
}

// startsClause: the current word is a field name.
func (p *parser) startsClause() bool {
	k := p.peek().kind
	return k == kindColon || k == kindOp
}

func (p *parser) field(name token) (ecs.Field, error) {
	if len(name.parts) > 1 {
		return ecs.Field{}, fail(name, "unexpected-character", "A field name cannot hold \"*\".")
	}
	f, ok := ecs.Lookup(name.text)
	if !ok {
		near := similar(name.text)
		detail := fmt.Sprintf("There is no field %q.", name.text)
		if len(near) > 0 {
			detail += " Similar fields: " + strings.Join(near, ", ") + "."
		}
		return f, &SyntaxError{Start: name.start, End: name.end, Slug: "unknown-field", Detail: detail, Near: near}
	}
	if f.Stored {
		return f, fail(name, "field-not-searchable", "The field %s is shown but cannot be searched. Search in message instead.", f.Name)
	}
	return f, nil
}

// value reads what follows the colon: a literal, or a list in parentheses.
func (p *parser) value(field ecs.Field) (Node, error) {
	switch {
	case p.tok.kind == kindOpen:
		return p.group(func() (Node, error) {
			p.asValue()
			return p.value(field)
		})
	case p.tok.kind == kindEnd || p.tok.kind == kindClose || p.tok.keyword():
		return nil, fail(token{start: p.tok.start, end: p.tok.start}, "missing-value", "A value for %s is missing. Put quotes around and, or and not to search for them.", field.Name)
	case p.tok.kind == kindWord || p.tok.kind == kindQuoted:
		return p.literals(field)
	}
	return nil, p.unexpected()
}

// literals reads the words up to the next operator. In text each is searched
// for; elsewhere they are one value with spaces.
func (p *parser) literals(field ecs.Field) (Node, error) {
	found := []token{p.tok}
	p.next()
	for (p.tok.kind == kindWord && !p.tok.keyword() || p.tok.kind == kindQuoted && field.Type == ecs.Text) && !p.startsClause() {
		found = append(found, p.tok)
		p.next()
	}
	if field.Type != ecs.Text {
		if len(found) > 1 && found[0].kind == kindQuoted {
			return nil, fail(found[1], "missing-operator", "Put \"and\" or \"or\" between the two parts.")
		}
		return p.leaf(field, joined(found))
	}
	var nodes []Node
	for _, t := range found {
		n, err := p.leaf(field, t)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return Join(nodes...), nil
}

func joined(words []token) token {
	t := words[0]
	for _, w := range words[1:] {
		t.end, t.text = w.end, t.text+" "+w.text
		last := len(t.parts) - 1
		parts := slices.Clone(t.parts)
		parts[last] += " " + w.parts[0]
		t.parts = append(parts, w.parts[1:]...)
	}
	return t
}

func (p *parser) compare(field ecs.Field) (Node, error) {
	op := p.tok
	p.next()
	p.asValue()
	t := p.tok
	if t.kind != kindWord && t.kind != kindQuoted || t.keyword() {
		if t.kind == kindBad {
			return nil, t.bad
		}
		return nil, fail(token{start: t.start, end: t.start}, "missing-value", "A value for %s is missing.", field.Name)
	}
	p.next()
	if err := p.count(t); err != nil {
		return nil, err
	}
	switch field.Type {
	case ecs.Long:
		n, err := parseLong(t)
		if err != nil {
			return nil, err
		}
		return Compare{Field: field.Name, Op: Op(op.text), Number: n}, nil
	case ecs.Date:
		w, err := p.date(t)
		if err != nil {
			return nil, err
		}
		return w.bound(field.Name, Op(op.text)), nil
	}
	return nil, fail(op, "range-not-possible", "%s holds no numbers or times, so it cannot be compared with %s.", field.Name, op.text)
}

func (p *parser) count(t token) error {
	p.leaves++
	if p.leaves > maxLeaves {
		return fail(t, "too-complex", "The query has too many parts.")
	}
	return nil
}
