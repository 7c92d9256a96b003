package docstore

import (
	"cmp"
	"slices"
)

// sortGroups puts the largest first, equal ones in the order of their values:
// null, false, true, numbers, strings.
func sortGroups(groups []Group) {
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), compareValues(a.Value, b.Value))
	})
}

func compareValues(a, b any) int {
	if r := cmp.Compare(rank(a), rank(b)); r != 0 {
		return r
	}
	switch x := a.(type) {
	case string:
		return cmp.Compare(x, b.(string))
	case bool:
		return cmp.Compare(truth(x), truth(b.(bool)))
	case nil:
		return 0
	default:
		return cmp.Compare(asFloat(a), asFloat(b))
	}
}

func rank(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case string:
		return 3
	default:
		return 2
	}
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

func asFloat(v any) float64 {
	switch x := v.(type) {
	case int64:
		return float64(x)
	case float64:
		return x
	default:
		return 0
	}
}
