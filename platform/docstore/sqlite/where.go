package sqlite

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"varde.internal/platform/docstore"
)

// builder writes one SQL condition and collects its arguments. Values are
// always bound; only field names, whose form docstore has checked, are text.
type builder struct {
	sql  strings.Builder
	args []any
	n    int // for the names of nested json_each
}

// where gives the condition of a query, tenant first.
func where(q docstore.Query) (string, []any) {
	b := &builder{}
	if q.Scope.System {
		b.sql.WriteString("1")
	} else {
		b.sql.WriteString("tenant = ?")
		b.args = append(b.args, q.Scope.Tenant)
	}
	if q.Where.Op != docstore.OpAnd || len(q.Where.Kids) > 0 {
		b.sql.WriteString(" AND ")
		b.node(q.Where)
	}
	return b.sql.String(), b.args
}

func (b *builder) node(n docstore.Node) {
	switch n.Op {
	case docstore.OpAnd:
		b.join(n.Kids, " AND ", "1")
	case docstore.OpOr:
		b.join(n.Kids, " OR ", "0")
	case docstore.OpNot:
		// SQL's NULL must count as "no match", so that Not is its opposite.
		b.sql.WriteString("NOT ifnull((")
		b.node(n.Kids[0])
		b.sql.WriteString("),0)")
	default:
		b.leaf(n)
	}
}

func (b *builder) join(kids []docstore.Node, word, none string) {
	if len(kids) == 0 {
		b.sql.WriteString(none)
		return
	}
	b.sql.WriteString("(")
	for i, k := range kids {
		if i > 0 {
			b.sql.WriteString(word)
		}
		b.node(k)
	}
	b.sql.WriteString(")")
}

// jsonPath gives the text of a path for SQLite's JSON functions, quoted for SQL.
func jsonPath(steps []docstore.Step) string {
	var b strings.Builder
	b.WriteString("'$")
	for _, s := range steps {
		fmt.Fprintf(&b, `."%s"`, s.Name)
	}
	b.WriteString("'")
	return b.String()
}

// value is the SQL expression of a path without arrays; declared indexes use
// the same text, which is how SQLite recognises them.
func value(p docstore.Path) string {
	switch p.Meta {
	case docstore.MetaID:
		return "id"
	case docstore.MetaTenant:
		return "tenant"
	case docstore.MetaUpdated:
		return "updated"
	case docstore.MetaSchema:
		return "schema"
	default:
		return "json_extract(doc," + jsonPath(p.Steps) + ")"
	}
}

func (b *builder) leaf(n docstore.Node) {
	p := n.Path
	if p.Meta != docstore.MetaNone {
		b.test(n, value(p), "'text'")
		return
	}
	steps := p.Steps
	if last := len(steps) - 1; n.Op == docstore.OpExists && steps[last].Each {
		steps = append(append([]docstore.Step{}, steps[:last]...), docstore.Step{Name: steps[last].Name})
	}
	b.at(n, "doc", steps)
}

// at writes the test of n below src, with one EXISTS per array on the way.
func (b *builder) at(n docstore.Node, src string, steps []docstore.Step) {
	for i, s := range steps {
		if !s.Each {
			continue
		}
		b.n++
		e := fmt.Sprintf("e%d", b.n)
		fmt.Fprintf(&b.sql, "EXISTS (SELECT 1 FROM json_each(%s,%s) AS %s WHERE typeof(%s.key)='integer' AND ", src, jsonPath(steps[:i+1]), e, e)
		if i == len(steps)-1 {
			b.test(n, e+".atom", e+".type")
		} else {
			fmt.Fprintf(&b.sql, "CASE WHEN %s.type='object' THEN ", e)
			b.at(n, e+".value", steps[i+1:])
			b.sql.WriteString(" END")
		}
		b.sql.WriteString(")")
		return
	}
	path := jsonPath(steps)
	val, typ := "json_extract("+src+","+path+")", "json_type("+src+","+path+")"
	if n.Path.Kind != docstore.KindUnknown || n.Op == docstore.OpExists {
		b.test(n, val, typ)
		return
	}
	// The type says nothing: it may be an array, any element of which is meant.
	b.n++
	e := fmt.Sprintf("e%d", b.n)
	fmt.Fprintf(&b.sql, "CASE WHEN %s='array' THEN EXISTS (SELECT 1 FROM json_each(%s,%s) AS %s WHERE ", typ, src, path, e)
	b.test(n, e+".atom", e+".type")
	b.sql.WriteString(") ELSE ")
	b.test(n, val, typ)
	b.sql.WriteString(" END")
}

// test writes the comparison of one value; typ is its JSON type.
func (b *builder) test(n docstore.Node, val, typ string) {
	loose := n.Path.Kind == docstore.KindUnknown
	switch n.Op {
	case docstore.OpExists:
		fmt.Fprintf(&b.sql, "%s IS NOT NULL", val)
	case docstore.OpIn:
		if loose {
			b.looseIn(n.Values, val, typ)
			return
		}
		b.in(n.Values, val)
	case docstore.OpPrefix:
		prefix, _ := n.Values[0].(string)
		b.sql.WriteString("(")
		if loose {
			fmt.Fprintf(&b.sql, "%s='text' AND ", typ)
		}
		b.compare(val, ">=", prefix)
		if end, ok := docstore.AfterPrefix(prefix); ok {
			b.sql.WriteString(" AND ")
			b.compare(val, "<", end)
		}
		b.sql.WriteString(")")
	case docstore.OpRange:
		b.bounds(n.Bounds, val, typ, loose)
	default:
		b.sql.WriteString("0")
	}
}

func (b *builder) compare(val, op string, arg any) {
	fmt.Fprintf(&b.sql, "%s %s ?", val, op)
	b.args = append(b.args, bound(arg))
}

// bound gives the SQL value of a JSON value: SQLite reads true and false as 1 and 0.
func bound(v any) any {
	if t, ok := v.(bool); ok {
		if t {
			return int64(1)
		}
		return int64(0)
	}
	return v
}

func (b *builder) in(values []any, val string) {
	if len(values) == 1 {
		b.compare(val, "=", values[0])
		return
	}
	list, err := json.Marshal(values)
	if err != nil { // strings, numbers and booleans always can
		list = []byte("[]")
	}
	fmt.Fprintf(&b.sql, "%s IN (SELECT value FROM json_each(?))", val)
	b.args = append(b.args, string(list))
}

func (b *builder) looseIn(values []any, val, typ string) {
	b.sql.WriteString("(")
	for i, v := range values {
		if i > 0 {
			b.sql.WriteString(" OR ")
		}
		fmt.Fprintf(&b.sql, "%s IN (%s) AND ", typ, types(v))
		b.compare(val, "=", v)
	}
	b.sql.WriteString(")")
}

// types names the JSON types that a value can equal.
func types(v any) string {
	switch x := v.(type) {
	case string:
		return "'text'"
	case bool:
		return fmt.Sprintf("'%t'", x)
	default:
		return "'integer','real'"
	}
}

func (b *builder) bounds(r docstore.Bounds, val, typ string, loose bool) {
	word := "("
	for _, end := range []struct {
		op string
		v  any
	}{{">=", r.Gte}, {">", r.Gt}, {"<=", r.Lte}, {"<", r.Lt}} {
		if end.v == nil {
			continue
		}
		b.sql.WriteString(word)
		if loose {
			fmt.Fprintf(&b.sql, "%s IN (%s) AND ", typ, types(end.v))
		}
		b.compare(val, end.op, end.v)
		word = " AND "
	}
	b.sql.WriteString(")")
}

// orderBy gives the order of a query, ending in tenant and id. Without sort
// keys but with a condition on the value, the '+' keeps SQLite from walking all
// of the tenant's documents by their key to save a sort: the index that the
// condition can use reads fewer.
func orderBy(q docstore.Query) string {
	if len(q.Sort) == 0 && namesField(q.Where) {
		return "+tenant, +id"
	}
	var b strings.Builder
	for _, k := range q.Sort {
		b.WriteString(value(k.Path))
		if k.Desc {
			b.WriteString(" DESC")
		}
		b.WriteString(", ")
	}
	b.WriteString("tenant, id")
	return b.String()
}

func namesField(n docstore.Node) bool {
	if len(n.Path.Steps) > 0 {
		return true
	}
	return slices.ContainsFunc(n.Kids, namesField)
}
