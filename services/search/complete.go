package search

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf16"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// Proposal is what can be written at a place of a query.
type Proposal struct {
	Text  string
	Kind  string // field, operator, value, word
	Type  string
	Count int
}

// Completion replaces [Start, End) of the query, in UTF-16 units.
type Completion struct {
	Start, End int
	Items      []Proposal
	Hidden     string
}

const proposals = 20

// Complete proposes what can stand at a position (UTF-16 units). Values of
// person fields are proposed only where names are shown, and then the read is
// recorded.
func (s *Service) Complete(ctx context.Context, contextID, text string, position int, r eventindex.Range) (Completion, error) {
	if _, err := s.caller(ctx); err != nil {
		return Completion{}, err
	}
	place := kql.At(text, byteOffset(text, position))
	out := Completion{Start: utf16Offset(text, place.Start), End: utf16Offset(text, place.End)}
	switch place.Kind {
	case kql.PlaceField:
		out.Items = proposeFields(place.Prefix)
	case kql.PlaceOperator:
		out.Items = operators(place.Field)
	case kql.PlaceWord:
		out.Items = startingWith(place.Prefix, "word", "and", "or")
	case kql.PlaceValue:
		return s.completeValue(ctx, contextID, place, r, out)
	}
	return out, nil
}

func proposeFields(prefix string) []Proposal {
	type scored struct {
		Proposal
		score int
	}
	var found []scored
	prefix = strings.ToLower(prefix)
	for _, f := range ecs.Fields() {
		if f.Stored {
			continue
		}
		score := -1
		switch {
		case strings.HasPrefix(f.Name, prefix):
			score = 0
		case slices.ContainsFunc(f.Aliases, func(a string) bool { return strings.HasPrefix(a, prefix) }):
			score = 1
		case strings.Contains(f.Name, prefix):
			score = 2
		}
		if score >= 0 {
			found = append(found, scored{Proposal{Text: f.Name, Kind: "field", Type: string(f.Type)}, score})
		}
	}
	slices.SortStableFunc(found, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	var out []Proposal
	for _, f := range found[:min(len(found), proposals)] {
		out = append(out, f.Proposal)
	}
	if prefix != "" {
		out = append(out, startingWith(prefix, "word", "not")...)
	}
	return out
}

func operators(f ecs.Field) []Proposal {
	out := []Proposal{{Text: ":", Kind: "operator"}}
	if f.Type == ecs.Long || f.Type == ecs.Date {
		for _, op := range []string{">", ">=", "<", "<="} {
			out = append(out, Proposal{Text: op, Kind: "operator"})
		}
	}
	return out
}

func startingWith(prefix, kind string, words ...string) []Proposal {
	var out []Proposal
	for _, w := range words {
		if strings.HasPrefix(strings.ToLower(w), strings.ToLower(prefix)) {
			out = append(out, Proposal{Text: w, Kind: kind})
		}
	}
	return out
}

func (s *Service) completeValue(ctx context.Context, contextID string, place kql.Place, r eventindex.Range, out Completion) (Completion, error) {
	f := place.Field
	switch {
	case f.Type == ecs.Date:
		out.Items = startingWith(place.Prefix, "value", "now-15m", "now-1h", "now-1d", "now-7d", "now-30d", "now/d")
		return out, nil
	case f.Choices != nil:
		out.Items = startingWith(place.Prefix, "value", f.Choices...)
		return out, nil
	case f.Name == "" || contextID == "" || !eventindex.Countable(f) || f.Type == ecs.Boolean:
		return out, nil
	}
	c, err := s.use(ctx, contextID)
	if err != nil {
		return out, err
	}
	if f.Person && !c.names.Shown {
		out.Hidden = HiddenNames
		return out, nil
	}
	done := func(map[string]int) {}
	if f.Person {
		if done, err = s.reading(ctx, c, "event.complete", "field:"+f.Name, nil); err != nil {
			return out, err
		}
	}
	values, err := s.values(ctx, f, place.Prefix, r)
	if err != nil {
		done(nil)
		return out, err
	}
	facet := Facet{Values: values}
	if !c.names.Shown {
		facet = facet.withoutSmall()
	}
	for _, v := range facet.Values[:min(len(facet.Values), proposals)] {
		p := Proposal{Text: kql.Quote(v.Value), Kind: "value"}
		if c.names.Shown {
			p.Count = v.Count
		}
		out.Items = append(out.Items, p)
	}
	done(map[string]int{"values": len(out.Items)})
	return out, nil
}

// values counts those that begin with the prefix.
func (s *Service) values(ctx context.Context, f ecs.Field, prefix string, r eventindex.Range) ([]eventindex.TermCount, error) {
	var q kql.Query
	n := proposals
	if prefix != "" && f.Type == ecs.Keyword {
		q.Root = kql.Pattern{Field: f.Name, Parts: []string{prefix, ""}}
	} else if prefix != "" {
		n = 1000
	}
	if f.Many {
		n = 1000
	}
	values, err := s.events.Terms(ctx, q, r, f.Name, n)
	if err != nil {
		return nil, indexProblem(err)
	}
	return slices.DeleteFunc(values, func(v eventindex.TermCount) bool { return !strings.HasPrefix(v.Value, prefix) }), nil
}

// byteOffset gives the byte of a position in UTF-16 units.
func byteOffset(text string, units int) int {
	for i, r := range text {
		if units <= 0 {
			return i
		}
		units -= utf16.RuneLen(r)
	}
	return len(text)
}

// utf16Offset gives the UTF-16 units before a byte.
func utf16Offset(text string, offset int) int {
	n := 0
	for i, r := range text {
		if i >= offset {
			break
		}
		n += max(1, utf16.RuneLen(r))
	}
	return n
}
