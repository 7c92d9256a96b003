// Package kql parses the Kibana Query Language subset documented in
// docs/search.md into a tree that both event-index adapters translate and that
// Match evaluates on one event. What a query means is decided here, once: the
// adapters are tested against Match.
package kql

import (
	"fmt"
	"time"
)

// Query is a parsed query. The zero value matches every event.
type Query struct {
	Text string // as written
	Root Node   // nil matches all
}

// Options of Parse. Now is what "now" in a date means; Location is the time
// zone of dates without one. The zero value takes UTC and refuses "now".
type Options struct {
	Now      time.Time
	Location *time.Location
}

// SyntaxError says what is wrong with a query and where: bytes [Start, End) of
// its text. Near holds similar field names where the field is unknown.
type SyntaxError struct {
	Start, End int
	Slug       string
	Detail     string
	Near       []string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("kql: %s at %d–%d: %s", e.Slug, e.Start, e.End, e.Detail)
}

// Node is a part of a query tree. Trees from Parse are normal: And and Or have
// two or more children, none of them of their own kind.
type Node interface{ node() }

// The inner nodes.
type (
	// All matches every event.
	All struct{}
	// And matches where every child does.
	And []Node
	// Or matches where any child does.
	Or []Node
	// Not matches where its child does not.
	Not struct{ Node Node }
)

// The leaves. Field is a registry name (ecs.Lookup), never an alias. On a
// field with several values a leaf matches where any of them does; on one
// without a value it does not match.
type (
	// Equal compares with the whole value: a keyword as written, an address in
	// canonical form, a whole number in decimal, "true" or "false". False
	// matches where the field is not true.
	Equal struct{ Field, Value string }
	// Pattern matches keywords that consist of Parts with anything in between.
	Pattern struct {
		Field string
		Parts []string
	}
	// Exists matches where the field has a value.
	Exists struct{ Field string }
	// Compare is a bound on a number, or on a time in nanoseconds since 1970.
	Compare struct {
		Field  string
		Op     Op
		Number int64
	}
	// Network matches addresses in a CIDR range (canonical text, masked).
	Network struct{ Field, Prefix string }
	// Words matches messages that have Tokens one after the other.
	Words struct {
		Field  string
		Tokens []string
	}
	// Token matches messages with a word that consists of Parts with anything
	// in between.
	Token struct {
		Field string
		Parts []string
	}
)

// Op of a Compare. Bounds on times are always AtLeast or Less.
type Op string

// The operators.
const (
	Greater Op = ">"
	AtLeast Op = ">="
	Less    Op = "<"
	AtMost  Op = "<="
)

func (All) node()     {}
func (And) node()     {}
func (Or) node()      {}
func (Not) node()     {}
func (Equal) node()   {}
func (Pattern) node() {}
func (Exists) node()  {}
func (Compare) node() {}
func (Network) node() {}
func (Words) node()   {}
func (Token) node()   {}

// Join gives the normal And of nodes: flattened, All for none, the node itself for one.
func Join(nodes ...Node) Node {
	var out And
	for _, n := range nodes {
		switch n := n.(type) {
		case And:
			out = append(out, n...)
		default:
			out = append(out, n)
		}
	}
	switch len(out) {
	case 0:
		return All{}
	case 1:
		return out[0]
	}
	return out
}

// Either gives the normal Or of one or more nodes.
func Either(nodes ...Node) Node {
	var out Or
	for _, n := range nodes {
		switch n := n.(type) {
		case Or:
			out = append(out, n...)
		default:
			out = append(out, n)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

// Walk calls fn for n and every node below it.
func Walk(n Node, fn func(Node)) {
	if n == nil {
		return
	}
	fn(n)
	switch n := n.(type) {
	case And:
		for _, c := range n {
			Walk(c, fn)
		}
	case Or:
		for _, c := range n {
			Walk(c, fn)
		}
	case Not:
		Walk(n.Node, fn)
	}
}

// FieldOf returns the field that a leaf asks about; empty for an inner node.
func FieldOf(n Node) string {
	switch n := n.(type) {
	case Equal:
		return n.Field
	case Pattern:
		return n.Field
	case Exists:
		return n.Field
	case Compare:
		return n.Field
	case Network:
		return n.Field
	case Words:
		return n.Field
	case Token:
		return n.Field
	}
	return ""
}

// Fields lists the fields that q asks about, each once, in order of appearance.
func (q Query) Fields() []string {
	var out []string
	seen := map[string]bool{}
	Walk(q.Root, func(n Node) {
		if f := FieldOf(n); f != "" && !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	})
	return out
}

// MatchesAll reports whether q has no condition.
func (q Query) MatchesAll() bool {
	if q.Root == nil {
		return true
	}
	_, all := q.Root.(All)
	return all
}
