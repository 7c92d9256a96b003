package docstore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// compile checks a filter against the type and normalises its values.
func (s *shape) compile(f Filter) (Node, error) {
	switch f := f.(type) {
	case nil:
		return Node{Op: OpAnd}, nil
	case And:
		return s.compileAll(OpAnd, f)
	case Or:
		return s.compileAll(OpOr, f)
	case Not:
		if f.Filter == nil {
			return Node{}, fmt.Errorf("%w: Not of nothing", ErrField)
		}
		kid, err := s.compile(f.Filter)
		return Node{Op: OpNot, Kids: []Node{kid}}, err
	case Eq:
		return s.compileIn(f.Field, []any{f.Value})
	case In:
		return s.compileIn(f.Field, f.Values)
	case Range:
		return s.compileRange(f)
	case Prefix:
		return s.compilePrefix(f)
	case Exists:
		p, err := s.path(f.Field)
		return Node{Op: OpExists, Path: p}, err
	default:
		return Node{}, fmt.Errorf("%w: unknown filter %T", ErrField, f)
	}
}

func (s *shape) compileAll(op Op, filters []Filter) (Node, error) {
	n := Node{Op: op}
	for _, f := range filters {
		kid, err := s.compile(f)
		if err != nil {
			return Node{}, err
		}
		n.Kids = append(n.Kids, kid)
	}
	return n, nil
}

// compileIn handles Eq too. Null means "absent or null", as in MongoDB.
func (s *shape) compileIn(field string, values []any) (Node, error) {
	p, err := s.path(field)
	if err != nil {
		return Node{}, err
	}
	in := Node{Op: OpIn, Path: p}
	null := false
	for _, v := range values {
		x, err := p.value(v)
		if err != nil {
			return Node{}, err
		}
		if x == nil {
			null = true
			continue
		}
		in.Values = append(in.Values, x)
	}
	or := Node{Op: OpOr}
	if len(in.Values) > 0 {
		if !null {
			return in, nil
		}
		or.Kids = append(or.Kids, in)
	}
	if null {
		or.Kids = append(or.Kids, Node{Op: OpNot, Kids: []Node{{Op: OpExists, Path: p}}})
	}
	return or, nil
}

func (s *shape) compileRange(f Range) (Node, error) {
	p, err := s.path(f.Field)
	if err != nil {
		return Node{}, err
	}
	n := Node{Op: OpRange, Path: p}
	open := true
	kind := KindUnknown
	for _, end := range []struct {
		in  any
		out *any
	}{{f.Gte, &n.Bounds.Gte}, {f.Gt, &n.Bounds.Gt}, {f.Lte, &n.Bounds.Lte}, {f.Lt, &n.Bounds.Lt}} {
		if end.in == nil {
			continue
		}
		if *end.out, err = p.value(end.in); err != nil {
			return Node{}, err
		}
		k := kindOf(*end.out)
		if k == KindBool || k == KindUnknown || (!open && k != kind) {
			return Node{}, fmt.Errorf("%w %q: a range is over strings, numbers or times, of one kind", ErrField, f.Field)
		}
		open, kind = false, k
	}
	if open {
		return Node{}, fmt.Errorf("%w %q: a range without ends", ErrField, f.Field)
	}
	return n, nil
}

func (s *shape) compilePrefix(f Prefix) (Node, error) {
	p, err := s.path(f.Field)
	if err != nil {
		return Node{}, err
	}
	if p.Kind != KindString && p.Kind != KindUnknown {
		return Node{}, fmt.Errorf("%w %q: a prefix needs a string", ErrField, f.Field)
	}
	v, err := normaliseValue(f.Value)
	return Node{Op: OpPrefix, Path: p, Values: []any{v}}, err
}

// value brings a filter's value to string, int64, float64, bool or nil and
// checks that the field can have it.
func (p Path) value(v any) (any, error) {
	if t, ok := v.(*time.Time); ok {
		if t == nil {
			return nil, nil
		}
		v = *t
	}
	if t, ok := v.(time.Time); ok {
		if p.Kind != KindTime && p.Kind != KindUnknown {
			return nil, fmt.Errorf("%w %q is not a time", ErrField, p)
		}
		return FormatTime(t), nil
	}
	x, err := normaliseValue(v)
	if err != nil || x == nil {
		return nil, err
	}
	if k := kindOf(x); p.Kind != KindUnknown && k != p.Kind {
		return nil, fmt.Errorf("%w %q cannot be compared with %T", ErrField, p, v)
	}
	return x, nil
}

func normaliseValue(v any) (any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: value: %w", ErrField, err)
	}
	tree, err := decodeTree(raw)
	if err != nil {
		return nil, err
	}
	switch x := tree.(type) {
	case json.Number:
		return number(x)
	case string:
		if strings.ContainsRune(x, 0) {
			return nil, fmt.Errorf("%w: a value with a NUL cannot be searched", ErrField)
		}
		return x, nil
	case bool, nil:
		return x, nil
	default:
		return nil, fmt.Errorf("%w: only strings, numbers, booleans, null and times can be compared, not %T", ErrField, v)
	}
}

func kindOf(v any) Kind {
	switch v.(type) {
	case string:
		return KindString
	case bool:
		return KindBool
	case int64, float64:
		return KindNumber
	default:
		return KindUnknown
	}
}

// AfterPrefix returns the first string after all that begin with p, and false
// where there is none. Code point order is byte order in UTF-8.
func AfterPrefix(p string) (string, bool) {
	for p != "" {
		r, n := utf8.DecodeLastRuneInString(p)
		p = p[:len(p)-n]
		if r < utf8.MaxRune {
			r++
			if r == 0xD800 { // surrogates are no characters
				r = 0xE000
			}
			return p + string(r), true
		}
	}
	return "", false
}

// order resolves the sort keys.
func (s *shape) order(keys []Sort) ([]SortKey, error) {
	out := make([]SortKey, 0, len(keys))
	for _, k := range keys {
		p, err := s.path(k.Field)
		if err != nil {
			return nil, err
		}
		if p.ThroughArray() || p.Kind == KindObject || p.Kind == KindUnknown {
			return nil, fmt.Errorf("%w %q cannot be sorted by: it is no plain value", ErrField, k.Field)
		}
		out = append(out, SortKey{Path: p, Desc: k.Desc})
	}
	return out, nil
}

// cursor is where a page ended: the sort values of its last document.
type cursor struct {
	Order  string `json:"o"`
	Values []any  `json:"v"`
	Tenant string `json:"t"`
	ID     string `json:"i"`
}

func orderName(keys []SortKey) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s:%t;", k.Path, k.Desc)
	}
	return b.String()
}

func (s *shape) cursorAt(keys []SortKey, r Record) (string, error) {
	c := cursor{Order: orderName(keys), Tenant: r.Tenant, ID: r.ID}
	tree, err := decodeTree(r.Doc)
	if err != nil {
		return "", err
	}
	for _, k := range keys {
		c.Values = append(c.Values, valueAt(tree, k.Path, r))
	}
	raw, err := json.Marshal(c)
	return base64.RawURLEncoding.EncodeToString(raw), err
}

func valueAt(tree any, p Path, r Record) any {
	switch p.Meta {
	case MetaID:
		return r.ID
	case MetaTenant:
		return r.Tenant
	case MetaUpdated:
		return r.Updated
	case MetaSchema:
		return int64(r.Schema)
	}
	for _, step := range p.Steps {
		m, ok := tree.(map[string]any)
		if !ok {
			return nil
		}
		tree = m[step.Name]
	}
	return tree
}

// after gives the condition "comes after the cursor": for some key the value
// lies beyond the cursor's while all earlier keys are equal, ties by tenant
// and id.
func after(token string, keys []SortKey) (Node, error) {
	bad := func() (Node, error) { return Node{}, fmt.Errorf("%w is not of this list", ErrCursor) }
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return bad()
	}
	var c cursor
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	if dec.Decode(&c) != nil || c.Order != orderName(keys) || len(c.Values) != len(keys) {
		return bad()
	}
	all := append(append([]SortKey{}, keys...),
		SortKey{Path: Path{Meta: MetaTenant, Kind: KindString}}, SortKey{Path: Path{Meta: MetaID, Kind: KindString}})
	values := append(append([]any{}, c.Values...), c.Tenant, c.ID)
	or := Node{Op: OpOr}
	var equal []Node
	for i, k := range all {
		v := values[i]
		if n, ok := v.(json.Number); ok {
			if v, err = number(n); err != nil {
				return bad()
			}
		}
		if v != nil && kindOf(v) != k.Path.Kind && (k.Path.Kind != KindTime || kindOf(v) != KindString) {
			return bad()
		}
		if beyond, possible := beyondValue(k, v); possible {
			or.Kids = append(or.Kids, Node{Op: OpAnd, Kids: append(append([]Node{}, equal...), beyond)})
		}
		equal = append(equal, equalTo(k.Path, v))
	}
	return or, nil
}

func equalTo(p Path, v any) Node {
	if v == nil {
		return Node{Op: OpNot, Kids: []Node{{Op: OpExists, Path: p}}}
	}
	return Node{Op: OpIn, Path: p, Values: []any{v}}
}

func beyondValue(k SortKey, v any) (Node, bool) {
	switch {
	case v == nil && k.Desc:
		return Node{}, false // null is the last when descending
	case v == nil:
		return Node{Op: OpExists, Path: k.Path}, true
	case k.Desc:
		return Node{Op: OpOr, Kids: []Node{
			{Op: OpRange, Path: k.Path, Bounds: Bounds{Lt: v}},
			{Op: OpNot, Kids: []Node{{Op: OpExists, Path: k.Path}}},
		}}, true
	default:
		return Node{Op: OpRange, Path: k.Path, Bounds: Bounds{Gt: v}}, true
	}
}
