package search

import (
	"context"
	"errors"
	"strings"
	"time"

	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// Part is one part of a query's meaning, which the interface puts into words.
type Part struct {
	Slug   string
	Field  string
	Values []string
	Parts  []Part
}

// Explanation is the meaning of a query, or what is wrong with it.
type Explanation struct {
	Root         *Part
	Error        *kql.SyntaxError // positions in UTF-16 units
	PersonFields []string
}

// Explain reads no events, so it needs no purpose.
func (s *Service) Explain(ctx context.Context, text string) (Explanation, error) {
	if _, err := s.caller(ctx); err != nil {
		return Explanation{}, err
	}
	q, err := s.parse(text)
	var syntax *kql.SyntaxError
	if errors.As(err, &syntax) {
		e := *syntax
		e.Start, e.End = utf16Offset(text, e.Start), utf16Offset(text, e.End)
		return Explanation{Error: &e, PersonFields: []string{}}, nil
	}
	if err != nil {
		return Explanation{}, err
	}
	root := part(q.Root)
	return Explanation{Root: &root, PersonFields: personFields(q)}, nil
}

func part(n kql.Node) Part {
	switch n := n.(type) {
	case kql.And:
		return Part{Slug: "all", Parts: parts(n)}
	case kql.Or:
		return either(n)
	case kql.Not:
		return Part{Slug: "not", Parts: []Part{part(n.Node)}}
	case kql.Equal:
		return Part{Slug: "equals", Field: n.Field, Values: []string{n.Value}}
	case kql.Pattern:
		return Part{Slug: "pattern", Field: n.Field, Values: []string{strings.Join(n.Parts, "*")}}
	case kql.Exists:
		return Part{Slug: "exists", Field: n.Field}
	case kql.Network:
		return Part{Slug: "network", Field: n.Field, Values: []string{n.Prefix}}
	case kql.Compare:
		return Part{Slug: bounds[n.Op], Field: n.Field, Values: []string{bound(n)}}
	case kql.Words:
		slug := "text"
		if len(n.Tokens) > 1 {
			slug = "text-phrase"
		}
		return Part{Slug: slug, Field: n.Field, Values: []string{strings.Join(n.Tokens, " ")}}
	case kql.Token:
		return Part{Slug: "text-pattern", Field: n.Field, Values: []string{strings.Join(n.Parts, "*")}}
	}
	return Part{Slug: "everything"}
}

func parts(nodes []kql.Node) []Part {
	out := make([]Part, len(nodes))
	for i, n := range nodes {
		out[i] = part(n)
	}
	return out
}

// either writes "field is a or b" as one part.
func either(n kql.Or) Part {
	var values []string
	field := kql.FieldOf(n[0])
	for _, c := range n {
		eq, ok := c.(kql.Equal)
		if !ok || eq.Field != field {
			return Part{Slug: "any", Parts: parts(n)}
		}
		values = append(values, eq.Value)
	}
	return Part{Slug: "equals", Field: field, Values: values}
}

var bounds = map[kql.Op]string{kql.Greater: "greater", kql.AtLeast: "at-least", kql.Less: "less", kql.AtMost: "at-most"}

func bound(n kql.Compare) string {
	if f, ok := ecs.Lookup(n.Field); ok && f.Type == ecs.Date {
		return time.Unix(0, n.Number).UTC().Format(time.RFC3339Nano)
	}
	text := kql.Format(n)
	return text[strings.LastIndexByte(text, ' ')+1:]
}
