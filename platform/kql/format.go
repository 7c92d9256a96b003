package kql

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"varde.internal/schemas/ecs"
)

// String writes the query in normal form: canonical field names, values in
// quotes where they need them, absolute times. Parsing it gives the same tree.
func (q Query) String() string {
	if q.Root == nil {
		return ""
	}
	return Format(q.Root)
}

// Format writes a tree as Query.String does.
func Format(n Node) string {
	var b strings.Builder
	write(&b, n, 0)
	return b.String()
}

// Binding strengths, weakest first.
const (
	bindOr = iota + 1
	bindAnd
	bindNot
)

func write(b *strings.Builder, n Node, outer int) {
	switch n := n.(type) {
	case And:
		writeAll(b, n, " and ", bindAnd, outer)
	case Or:
		writeAll(b, n, " or ", bindOr, outer)
	case Not:
		b.WriteString("not ")
		write(b, n.Node, bindNot)
	case All, nil:
		b.WriteString("*")
	default:
		writeLeaf(b, n)
	}
}

func writeAll(b *strings.Builder, nodes []Node, word string, own, outer int) {
	if own < outer {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	for i, c := range nodes {
		if i > 0 {
			b.WriteString(word)
		}
		write(b, c, own)
	}
}

func writeLeaf(b *strings.Builder, n Node) {
	b.WriteString(FieldOf(n))
	switch n := n.(type) {
	case Equal:
		b.WriteString(": " + Quote(n.Value))
	case Pattern:
		b.WriteString(": " + pattern(n.Parts))
	case Exists:
		b.WriteString(": *")
	case Compare:
		b.WriteString(" " + string(n.Op) + " " + number(n))
	case Network:
		b.WriteString(": " + n.Prefix)
	case Words:
		b.WriteString(": " + `"` + strings.Join(n.Tokens, " ") + `"`)
	case Token:
		b.WriteString(": " + pattern(n.Parts))
	}
}

var plain = regexp.MustCompile(`^[\pL\pN_./@:%+-]+$`)

// Quote writes a value so that it is read back as it is, in quotes where it
// needs them.
func Quote(value string) string {
	if plain.MatchString(value) && !keywordAt(value) {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

func pattern(parts []string) string {
	var b strings.Builder
	for i, part := range parts {
		if i > 0 {
			b.WriteByte('*')
		}
		for _, r := range part {
			if special(r) || r == '\\' || r == '*' || unicode.IsSpace(r) {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}

func number(n Compare) string {
	if f, ok := ecs.Lookup(n.Field); ok && f.Type == ecs.Date {
		return time.Unix(0, n.Number).UTC().Format(time.RFC3339Nano)
	}
	return strconv.FormatInt(n.Number, 10)
}
