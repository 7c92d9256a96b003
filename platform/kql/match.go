package kql

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"varde.internal/schemas/ecs"
)

// Match reports whether q matches e. It is the definition that the adapters of
// the event index are compared with.
func Match(q Query, e *ecs.Event) bool { return q.Root == nil || matches(q.Root, e) }

func matches(n Node, e *ecs.Event) bool {
	switch n := n.(type) {
	case All:
		return true
	case And:
		for _, c := range n {
			if !matches(c, e) {
				return false
			}
		}
		return true
	case Or:
		for _, c := range n {
			if matches(c, e) {
				return true
			}
		}
		return false
	case Not:
		return !matches(n.Node, e)
	}
	return matchesLeaf(n, e)
}

func matchesLeaf(n Node, e *ecs.Event) bool {
	f, ok := ecs.Lookup(FieldOf(n))
	if !ok {
		return false
	}
	values := f.Values(e)
	if eq, ok := n.(Equal); ok && f.Type == ecs.Boolean {
		return (len(values) > 0) == (eq.Value == "true")
	}
	for _, v := range values {
		if matchesValue(n, f, v) {
			return true
		}
	}
	return false
}

func matchesValue(n Node, f ecs.Field, v ecs.Value) bool {
	switch n := n.(type) {
	case Exists:
		return true
	case Equal:
		if f.Type == ecs.Long || f.Type == ecs.Date {
			return strconv.FormatInt(v.Number, 10) == n.Value
		}
		return v.Text == n.Value
	case Pattern:
		return Wild(n.Parts, v.Text)
	case Compare:
		return compare(n.Op, v.Number, n.Number)
	case Network:
		prefix, err := netip.ParsePrefix(n.Prefix)
		addr, err2 := netip.ParseAddr(v.Text)
		return err == nil && err2 == nil && prefix.Contains(addr)
	case Words:
		return hasWords(Tokens(v.Text), n.Tokens)
	case Token:
		for _, t := range Tokens(v.Text) {
			if Wild(n.Parts, t) {
				return true
			}
		}
	}
	return false
}

func compare(op Op, a, b int64) bool {
	switch op {
	case Greater:
		return a > b
	case AtLeast:
		return a >= b
	case Less:
		return a < b
	case AtMost:
		return a <= b
	}
	return false
}

// Wild reports whether value is parts with anything in between.
func Wild(parts []string, value string) bool {
	if len(parts) == 1 {
		return value == parts[0]
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(value) < len(first)+len(last) || !strings.HasPrefix(value, first) || !strings.HasSuffix(value, last) {
		return false
	}
	value = value[len(first) : len(value)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(value, p)
		if i < 0 {
			return false
		}
		value = value[i+len(p):]
	}
	return true
}

func hasWords(have, want []string) bool {
	for i := 0; i+len(want) <= len(have); i++ {
		if slices.Equal(have[i:i+len(want)], want) {
			return true
		}
	}
	return false
}
