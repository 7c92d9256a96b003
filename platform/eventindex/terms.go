package eventindex

import (
	"cmp"
	"errors"
	"slices"

	"varde.internal/schemas/ecs"
)

// ErrField is returned where the values of a field cannot be counted.
var ErrField = errors.New("eventindex: the values of this field cannot be counted")

// Countable reports whether Terms takes the field: keywords, addresses,
// numbers and booleans, except those that differ in every event.
func Countable(f ecs.Field) bool {
	return f.Type != ecs.Text && f.Type != ecs.Date && f.Name != "event.id" && f.Name != "event.hash"
}

// Top gives the n most frequent values, those with equal counts by value.
func Top(counts map[string]int, n int) []TermCount {
	out := make([]TermCount, 0, len(counts))
	for v, c := range counts {
		out = append(out, TermCount{Value: v, Count: c})
	}
	slices.SortFunc(out, func(a, b TermCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return out[:min(max(n, 0), len(out))]
}
