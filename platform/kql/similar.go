package kql

import (
	"cmp"
	"slices"
	"strings"

	"varde.internal/schemas/ecs"
)

// similar names up to three fields that were perhaps meant: of a near spelling,
// or with the word as a part of their name.
func similar(name string) []string {
	type candidate struct {
		name  string
		score int
	}
	name = strings.ToLower(name)
	if len(name) > 64 {
		return nil
	}
	best := map[string]int{}
	note := func(field string, score int) {
		if old, ok := best[field]; !ok || score < old {
			best[field] = score
		}
	}
	for _, f := range ecs.Fields() {
		if f.Stored {
			continue
		}
		for _, spelling := range append([]string{f.Name}, f.Aliases...) {
			if d := distance(name, spelling); d <= 1+len(name)/4 {
				note(f.Name, d)
			}
		}
		if parts := strings.Split(f.Name, "."); len(parts) > 1 && distance(name, parts[len(parts)-1]) <= 1 || len(name) > 2 && strings.HasPrefix(f.Name, name) {
			note(f.Name, 3)
		}
	}
	var all []candidate
	for n, s := range best {
		all = append(all, candidate{n, s})
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.score, b.score), cmp.Compare(a.name, b.name))
	})
	var out []string
	for _, c := range all[:min(3, len(all))] {
		out = append(out, c.name)
	}
	return out
}

// distance is the number of letters to insert, delete or replace (Levenshtein).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			above := row[j+1]
			cost := diagonal
			if x[i] != y[j] {
				cost++
			}
			row[j+1] = min(above+1, row[j]+1, cost)
			diagonal = above
		}
	}
	return row[len(y)]
}
