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
// true; parts of it that are unknown (NULL) count as not true.
type condition struct {
	text string
	args []any
	// match is the question for the full-text index where that is all there is
	// in the condition, but for the time.
	match string
	// whole: the condition leaves out the time, because all events are within.
	whole bool
}

// choice stands before a column whose index can be used or not.
const choice = "\x01"

func (c *condition) add(text string, args ...any) {
	c.text += text
	c.args = append(c.args, args...)
}

func (c *condition) indexed() bool { return strings.Contains(c.text, choice) }

// byValue lets SQLite use the indexes of values, byTime does not.
func (c *condition) byValue() string { return strings.ReplaceAll(c.text, choice, "") }
func (c *condition) byTime() string  { return strings.ReplaceAll(c.text, choice, "+") }

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
	if !wordsOnly(q.Root) {
		t.node(q.Root, false)
		return t.out, t.err
	}
	match := t.text(q.Root)
	t.matching(match, false)
	t.out.match = match
	return t.out, t.err
}

func (t *translating) node(n kql.Node, negated bool) {
	switch n := n.(type) {
	case kql.All:
		t.constant(!negated)
	case kql.Not:
		t.node(n.Node, !negated)
	case kql.And:
		t.all(n, negated, negated)
	case kql.Or:
		t.all(n, negated, !negated)
	default:
		t.leaf(n, negated)
	}
}

func (t *translating) all(nodes []kql.Node, negated, alternatives bool) {
	word := " AND "
	if alternatives {
		word = " OR "
	}
	nodes, match, texts := t.texts(nodes, alternatives != negated)
	t.out.add("(")
	for i, n := range nodes {
		if i > 0 {
			t.out.add(word)
		}
		t.node(n, negated)
	}
	if texts {
		if len(nodes) > 0 {
			t.out.add(word)
		}
		t.matching(match, negated)
	}
	t.out.add(")")
}

// test is an SQL expression over the table of a column; empty where nothing
// can pass it.
type test struct {
	text string
	args []any
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
	if e, ok := n.(kql.Equal); ok && col.ecs.Type == ecs.Boolean {
		// A false boolean is one that is not there.
		n, negated = kql.Exists{Field: e.Field}, negated != (e.Value != "true")
	}
	var of test
	switch _, exists := n.(kql.Exists); {
	case exists && key == "":
		of = test{text: col.name + " IS NOT NULL"}
	case col.store == inCode || col.store == inSet:
		of, t.err = t.coded(col, n, key)
	case col.store == inWords:
		t.matching(t.text(n), negated)
		return
	case col.store == inDigest:
		of, t.err = t.digested(col, n)
	case col.store == inID:
		of = ided(n)
	case col.store == inText:
		of = texted(col, n)
	default:
		of = numbered(col, n)
	}
	if t.err == nil && of.text != "" && col.home == ofWhat && negated {
		// Every event has one: those that do not pass have one of the others.
		of, negated = test{"(" + of.text + ") IS NOT TRUE", of.args}, false
	}
	if t.err == nil && of.text != "" && col.home != ofEvent {
		of, t.err = t.through(col.home, of)
	}
	switch {
	case of.text == "" || t.err != nil:
		t.constant(negated)
	case negated:
		t.out.add("("+strings.ReplaceAll(of.text, choice, "")+") IS NOT TRUE", of.args...)
	default:
		t.out.add(of.text, of.args...)
	}
}

// named is up to how many numbers are written into a query.
const named = 500

// through makes a test of a home one of the events that have its combinations.
func (t *translating) through(h home, of test) (test, error) {
	table, column := tables[h], tables[h]
	if h != ofRest { // which has no index
		column = choice + column
	}
	all := "SELECT n FROM " + table + " WHERE " + of.text
	numbers, err := t.numbers(all+" LIMIT "+strconv.Itoa(named+1), of.args...)
	switch {
	case err != nil || len(numbers) == 0:
		return test{}, err
	case len(numbers) > named:
		return test{column + " IN (" + all + ")", of.args}, nil
	}
	return test{text: column + " IN " + written(numbers)}, nil
}

func (t *translating) numbers(query string, args ...any) ([]int64, error) {
	rows, err := t.db.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

func written(numbers []int64) string {
	list := make([]string, len(numbers))
	for i, n := range numbers {
		list[i] = strconv.FormatInt(n, 10)
	}
	return "(" + strings.Join(list, ",") + ")"
}

func numbered(col *column, n kql.Node) test {
	switch n := n.(type) {
	case kql.Compare:
		return test{col.value() + " " + string(n.Op) + " ?", []any{n.Number}}
	case kql.Equal:
		if v, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return test{col.value() + " = ?", []any{v}}
		}
	}
	return test{}
}

func texted(col *column, n kql.Node) test {
	switch n := n.(type) {
	case kql.Equal:
		return test{col.name + " = ?", []any{n.Value}}
	case kql.Pattern:
		parts, _ := json.Marshal(n.Parts)
		return test{"varde_wild(?, " + col.name + ")", []any{string(parts)}}
	}
	return test{}
}

func ided(n kql.Node) test {
	switch n := n.(type) {
	case kql.Equal:
		return test{"(substr(id, 1, 8) = substr(?, 1, 8) AND id = ?)", []any{packID(n.Value), packID(n.Value)}}
	case kql.Pattern:
		parts, _ := json.Marshal(n.Parts)
		return test{"varde_wild(?, varde_id(id))", []any{string(parts)}}
	}
	return test{}
}

// coded finds the numbers of the values that match in the dictionary.
func (t *translating) coded(col *column, n kql.Node, label string) (test, error) {
	codes, err := t.codes(col, n, label)
	if err != nil || len(codes) == 0 {
		return test{}, err
	}
	in := " IN " + written(codes)
	var args []any
	if len(codes) > named {
		list, _ := json.Marshal(codes)
		in, args = " IN (SELECT value FROM json_each(?))", []any{string(list)}
	}
	if col.store == inSet {
		return test{"(" + col.name + in + " OR " + col.name + " IN (SELECT code FROM member WHERE value" + in + "))", append(args, args...)}, nil
	}
	return test{col.name + in, args}, nil
}

func (t *translating) codes(col *column, n kql.Node, label string) ([]int64, error) {
	begin := ""
	if label != "" {
		begin = label + labelMark
	}
	query := "SELECT code, value FROM dict WHERE "
	var args []any
	keep := func(string) bool { return true }
	switch n := n.(type) {
	case kql.Equal:
		query += "value = ?"
		args = append(args, wordOf(col, begin+n.Value).stored())
	case kql.Exists:
		query += "value >= ? AND value < ?"
		args = append(args, begin, begin+"\U0010FFFF")
	case kql.Pattern:
		lead := begin + n.Parts[0]
		query += "value >= ? AND value < ?"
		args = append(args, lead, lead+"\U0010FFFF")
		if lead == "" && col.store == inCode && col.home == ofWhat {
			// Few of all words are in this column.
			query += " AND code IN (SELECT " + col.name + " FROM what)"
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

// digested reads the events that can have a value: of one value hardly another
// one has the digest; for a pattern they are all read.
func (t *translating) digested(col *column, n kql.Node) (test, error) {
	query, args := "SELECT "+placeColumns+" FROM event WHERE "+col.name+" IS NOT NULL ORDER BY seq", []any(nil)
	var keep func(string) bool
	switch n := n.(type) {
	case kql.Equal:
		query, args = "SELECT "+placeColumns+" FROM event WHERE "+col.name+" = ?", []any{digest(n.Value)}
		keep = func(v string) bool { return v == n.Value }
	case kql.Pattern:
		keep = func(v string) bool { return kql.Wild(n.Parts, v) }
	default:
		return test{}, nil
	}
	var places []found
	rows, err := t.db.QueryContext(t.ctx, query, args...)
	if err != nil {
		return test{}, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		f, err := scanPlace(rows)
		if err != nil {
			return test{}, err
		}
		places = append(places, f)
	}
	if err := rows.Err(); err != nil {
		return test{}, err
	}
	var numbers []int64
	var first int64
	var docs [][]byte
	for _, f := range places {
		if docs == nil || f.seq < first || f.seq-first >= int64(len(docs)) {
			if first, docs, err = readBlock(t.ctx, t.db, f.seq); err != nil {
				return test{}, err
			}
		}
		e, err := restore(docs[f.seq-first], f)
		if err != nil {
			return test{}, err
		}
		for _, v := range col.ecs.Values(&e) {
			if keep(v.Text) {
				numbers = append(numbers, f.seq)
			}
		}
	}
	if len(numbers) == 0 {
		return test{}, nil
	}
	list, _ := json.Marshal(numbers)
	return test{"seq IN (SELECT value FROM json_each(?))", []any{string(list)}}, nil
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
	text, args := "value BETWEEN ? AND ?", []any{first[:], last[:]}
	if !p.Addr().Is4() {
		low, high := netip.MustParseAddr("::ffff:0.0.0.0").As16(), netip.MustParseAddr("::ffff:255.255.255.255").As16()
		text += " AND NOT value BETWEEN ? AND ?"
		args = append(args, low[:], high[:])
	}
	return text, args, nil
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
