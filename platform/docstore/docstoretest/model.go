package docstoretest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math/big"
	"strings"
	"time"

	"varde.internal/platform/docstore"
)

// What filters mean, written down once more and without any of the adapters'
// code: the model against which they are compared.

// tree is the document as JSON, with times as time.Time and numbers as they are.
func tree(v Sample) map[string]any {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // samples always can
	}
	out := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		panic(err)
	}
	if v.Due != nil {
		out["due"] = *v.Due
	}
	if tasks, ok := out["tasks"].([]any); ok {
		for i := range tasks {
			tasks[i].(map[string]any)["due"] = v.Tasks[i].Due
		}
	}
	return out
}

// resolve gives the values that a field means: none where it is absent or
// null, the elements where it is an array, and nil for an object in an array
// that lacks it.
func resolve(doc any, field string) []any {
	at := []any{doc}
	for name := range strings.SplitSeq(field, ".") {
		var next []any
		for _, v := range at {
			if m, ok := v.(map[string]any); ok && m[name] != nil {
				next = append(next, m[name])
			}
		}
		at = nil
		for _, v := range next {
			if list, ok := v.([]any); ok {
				at = append(at, list...)
			} else {
				at = append(at, v)
			}
		}
	}
	for i, v := range at {
		if n, ok := v.(json.Number); ok {
			f, _ := n.Float64()
			at[i] = f
			if i64, err := n.Int64(); err == nil && int64(f) != i64 {
				at[i] = i64 // beyond what a float holds
			}
		}
	}
	if strings.HasPrefix(field, "tasks.") {
		for range missing(doc, field) {
			at = append(at, nil)
		}
	}
	return at
}

func missing(doc any, field string) int {
	n := 0
	tasks, _ := doc.(map[string]any)["tasks"].([]any)
	for _, e := range tasks {
		if e.(map[string]any)[strings.TrimPrefix(field, "tasks.")] == nil {
			n++
		}
	}
	return n
}

func matches(f docstore.Filter, doc map[string]any) bool {
	switch f := f.(type) {
	case nil:
		return true
	case docstore.And:
		for _, k := range f {
			if !matches(k, doc) {
				return false
			}
		}
		return true
	case docstore.Or:
		for _, k := range f {
			if matches(k, doc) {
				return true
			}
		}
		return false
	case docstore.Not:
		return !matches(f.Filter, doc)
	case docstore.Eq:
		if f.Value == nil {
			return !matches(docstore.Exists{Field: f.Field}, doc)
		}
		return some(doc, f.Field, func(v any) bool { c, ok := compare(v, f.Value); return ok && c == 0 })
	case docstore.In:
		for _, v := range f.Values {
			if matches(docstore.Eq{Field: f.Field, Value: v}, doc) {
				return true
			}
		}
		return false
	case docstore.Range:
		return some(doc, f.Field, func(v any) bool { return within(v, f) })
	case docstore.Prefix:
		return some(doc, f.Field, func(v any) bool { s, ok := v.(string); return ok && strings.HasPrefix(s, f.Value) })
	case docstore.Exists:
		parent, last, nested := strings.Cut(f.Field, ".")
		if list, ok := doc[parent].([]any); ok && nested {
			for _, e := range list {
				if e.(map[string]any)[last] != nil {
					return true
				}
			}
			return false
		}
		if m, ok := doc[parent].(map[string]any); ok && nested {
			return m[last] != nil
		}
		return !nested && doc[parent] != nil
	default:
		panic("unknown filter")
	}
}

func some(doc map[string]any, field string, test func(any) bool) bool {
	values := resolve(doc, field)
	for _, v := range values {
		if v != nil && test(v) {
			return true
		}
	}
	return false
}

func within(v any, r docstore.Range) bool {
	for _, end := range []struct {
		bound any
		ok    func(int) bool
	}{
		{r.Gte, func(c int) bool { return c >= 0 }}, {r.Gt, func(c int) bool { return c > 0 }},
		{r.Lte, func(c int) bool { return c <= 0 }}, {r.Lt, func(c int) bool { return c < 0 }},
	} {
		if end.bound == nil {
			continue
		}
		if c, ok := compare(v, end.bound); !ok || !end.ok(c) {
			return false
		}
	}
	return true
}

// compare orders two values of one kind.
func compare(a, b any) (int, bool) {
	switch x := a.(type) {
	case string:
		y, ok := b.(string)
		return strings.Compare(x, y), ok
	case bool:
		y, ok := b.(bool)
		return cmp.Compare(boolInt(x), boolInt(y)), ok
	case time.Time:
		y, ok := b.(time.Time)
		return x.Compare(y), ok
	default:
		x1, ok1 := exact(a)
		y1, ok2 := exact(b)
		if !ok1 || !ok2 {
			return 0, false
		}
		return x1.Cmp(y1), true
	}
}

func exact(v any) (*big.Float, bool) {
	switch n := v.(type) {
	case int64:
		return new(big.Float).SetInt64(n), true
	case float64:
		return big.NewFloat(n), true
	default:
		return nil, false
	}
}
