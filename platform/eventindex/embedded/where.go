package embedded

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"modernc.org/sqlite"

	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// condition is an SQL expression over the table event that is true or not
// true; parts of it that are unknown (NULL) count as not true, which is why a
// negation is written at each leaf.
type condition struct {
	text string
	args []any
}

func (c *condition) add(text string, args ...any) {
	c.text += text
	c.args = append(c.args, args...)
}

// translating turns a tree into SQL for one partition; it reads the partition's
// dictionary on the way.
type translating struct {
	ctx  context.Context
	db   *sql.Conn
	cols *columns
	out  condition
	err  error
}

// where translates q; empty text for a query that matches all.
func where(ctx context.Context, db *sql.Conn, cols *columns, q kql.Query) (condition, error) {
	t := translating{ctx: ctx, db: db, cols: cols}
	if q.MatchesAll() {
		return condition{}, nil
	}
	t.node(q.Root, false)
	return t.out, t.err
}

func (t *translating) node(n kql.Node, negated bool) {
	switch n := n.(type) {
	case kql.All:
		t.constant(!negated)
	case kql.Not:
		t.node(n.Node, !negated)
	case kql.And:
		t.all(n, negated, " AND ", " OR ")
	case kql.Or:
		t.all(n, negated, " OR ", " AND ")
	default:
		t.leaf(n, negated)
	}
}

func (t *translating) all(nodes []kql.Node, negated bool, word, negatedWord string) {
	if negated {
		word = negatedWord
	}
	t.out.add("(")
	for i, n := range nodes {
		if i > 0 {
			t.out.add(word)
		}
		t.node(n, negated)
	}
	t.out.add(")")
}

func (t *translating) constant(b bool) {
	if b {
		t.out.add("1")
	} else {
		t.out.add("0")
	}
}

func (t *translating) leaf(n kql.Node, negated bool) {
	if t.err != nil {
		t.constant(false)
		return
	}
	name := kql.FieldOf(n)
	key := ""
	if label, ok := strings.CutPrefix(name, ecs.LabelPrefix); ok {
		name, key = labelsField, label
	}
	col, ok := t.cols.byName[name]
	if !ok {
		t.constant(negated)
		return
	}
	switch col.store {
	case inCode, inSet:
		t.coded(col, n, key, negated)
	case inWords:
		t.words(col, n, negated)
	case inText, inID:
		t.text(col, n, negated)
	default:
		t.number(col, n, negated)
	}
}

// unless writes a test of a column, or its negation where a row without a
// value is true.
func (t *translating) unless(col *column, negated bool, test string, args ...any) {
	if negated {
		t.out.add("("+col.name+" IS NULL OR NOT ("+test+"))", args...)
		return
	}
	t.out.add(test, args...)
}

func (t *translating) exists(col *column, negated bool) {
	if negated {
		t.out.add(col.name + " IS NULL")
	} else {
		t.out.add(col.name + " IS NOT NULL")
	}
}

func (t *translating) number(col *column, n kql.Node, negated bool) {
	switch n := n.(type) {
	case kql.Exists:
		t.exists(col, negated)
	case kql.Compare:
		t.unless(col, negated, col.name+" "+string(n.Op)+" ?", n.Number)
	case kql.Equal:
		if col.ecs.Type == ecs.Boolean {
			t.exists(col, negated != (n.Value != "true"))
			return
		}
		v, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			t.constant(negated)
			return
		}
		t.unless(col, negated, col.name+" = ?", v)
	default:
		t.constant(negated)
	}
}

func (t *translating) text(col *column, n kql.Node, negated bool) {
	switch n := n.(type) {
	case kql.Exists:
		t.exists(col, negated)
	case kql.Equal:
		t.unless(col, negated, col.name+" = ?", n.Value)
	case kql.Pattern:
		parts, _ := json.Marshal(n.Parts)
		t.unless(col, negated, "varde_wild(?, "+col.name+")", string(parts))
	default:
		t.constant(negated)
	}
}

// coded finds the numbers of the values that match in the dictionary.
func (t *translating) coded(col *column, n kql.Node, label string, negated bool) {
	if _, ok := n.(kql.Exists); ok && label == "" {
		t.exists(col, negated)
		return
	}
	codes, err := t.codes(col, n, label)
	if err != nil {
		t.err = err
	}
	switch {
	case len(codes) == 0:
		t.constant(negated)
	case len(codes) == 1:
		t.unless(col, negated, col.name+" = "+strconv.FormatInt(codes[0], 10))
	case len(codes) <= 200:
		list := make([]string, len(codes))
		for i, c := range codes {
			list[i] = strconv.FormatInt(c, 10)
		}
		t.unless(col, negated, col.name+" IN ("+strings.Join(list, ",")+")")
	default:
		list, _ := json.Marshal(codes)
		t.unless(col, negated, col.name+" IN (SELECT value FROM json_each(?))", string(list))
	}
}

func (t *translating) codes(col *column, n kql.Node, label string) ([]int64, error) {
	table := "dict"
	if col.store == inSet {
		table = "member"
	}
	begin := ""
	if label != "" {
		begin = label + labelMark
	}
	query := "SELECT code, value FROM " + table + " WHERE field = ?"
	args := []any{col.field}
	keep := func(string) bool { return true }
	switch n := n.(type) {
	case kql.Equal:
		query += " AND value = ?"
		args = append(args, stored(col, begin+n.Value))
	case kql.Exists:
		query += " AND value >= ? AND value < ?"
		args = append(args, begin, begin+"\U0010FFFF")
	case kql.Pattern:
		if lead := begin + n.Parts[0]; lead != "" {
			query += " AND value >= ? AND value < ?"
			args = append(args, lead, lead+"\U0010FFFF")
		}
		keep = func(v string) bool { return strings.HasPrefix(v, begin) && kql.Wild(n.Parts, v[len(begin):]) }
	case kql.Network:
		text, more, err := network(n.Prefix)
		if err != nil {
			return nil, err
		}
		query += text
		args = append(args, more...)
	default:
		return nil, nil
	}
	rows, err := t.db.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []int64
	for rows.Next() {
		var code int64
		var value any
		if err := rows.Scan(&code, &value); err != nil {
			return nil, err
		}
		if keep(shown(value)) {
			out = append(out, code)
		}
	}
	return out, rows.Err()
}

// network gives the range of 16-byte addresses of a CIDR range. IPv4 addresses
// lie inside IPv6 there, but an IPv6 range never means them.
func network(prefix string) (string, []any, error) {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return "", nil, fmt.Errorf("eventindex: %w", err)
	}
	first := p.Masked().Addr().As16()
	last := first
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	for i := bits; i < 128; i++ {
		last[i/8] |= 1 << (7 - i%8)
	}
	text, args := " AND value BETWEEN ? AND ?", []any{first[:], last[:]}
	if !p.Addr().Is4() {
		low, high := netip.MustParseAddr("::ffff:0.0.0.0").As16(), netip.MustParseAddr("::ffff:255.255.255.255").As16()
		text += " AND NOT value BETWEEN ? AND ?"
		args = append(args, low[:], high[:])
	}
	return text, args, nil
}

func (t *translating) words(col *column, n kql.Node, negated bool) {
	var match string
	switch n := n.(type) {
	case kql.Exists:
		t.exists(col, negated)
		return
	case kql.Words:
		match = `"` + strings.Join(n.Tokens, " ") + `"`
	case kql.Token:
		found, err := t.vocabulary(n.Parts)
		if err != nil {
			t.err = err
		}
		match = found
	}
	if match == "" {
		t.constant(negated)
		return
	}
	not := ""
	if negated {
		not = "NOT "
	}
	t.out.add("seq "+not+"IN (SELECT rowid FROM words WHERE words MATCH ?)", match)
}

// vocabulary gives the full-text query for the words that a pattern means: a
// prefix as it is, another pattern by the words of the partition.
func (t *translating) vocabulary(parts []string) (string, error) {
	if len(parts) == 2 && parts[1] == "" {
		return `"` + parts[0] + `" *`, nil
	}
	query, args := "SELECT term FROM vocabulary", []any{}
	if parts[0] != "" {
		query += " WHERE term >= ? AND term < ?"
		args = append(args, parts[0], parts[0]+"\U0010FFFF")
	}
	rows, err := t.db.QueryContext(t.ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	var found []string
	for rows.Next() {
		var term string
		if err := rows.Scan(&term); err != nil {
			return "", err
		}
		if kql.Wild(parts, term) {
			found = append(found, `"`+term+`"`)
		}
	}
	return either(found), rows.Err()
}

// either joins words with OR as a balanced tree: the full-text parser's depth
// is limited.
func either(found []string) string {
	if len(found) <= 1 {
		return strings.Join(found, "")
	}
	half := len(found) / 2
	return "(" + either(found[:half]) + " OR " + either(found[half:]) + ")"
}

// varde_wild compares text columns that have no dictionary with a pattern.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("varde_wild", 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		pattern, _ := args[0].(string)
		value, ok := args[1].(string)
		if !ok {
			return nil, nil
		}
		var parts []string
		if err := json.Unmarshal([]byte(pattern), &parts); err != nil || len(parts) == 0 {
			return nil, err
		}
		return kql.Wild(parts, value), nil
	})
}
