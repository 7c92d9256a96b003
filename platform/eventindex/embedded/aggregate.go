package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// Histogram counts per interval. An open end of the range is where the events end.
func (x *Index) Histogram(ctx context.Context, q kql.Query, r eventindex.Range, interval time.Duration, loc *time.Location) ([]eventindex.Bucket, error) {
	parts, err := x.ofTenant(ctx)
	if err != nil {
		return nil, err
	}
	first, last := int64(math.MaxInt64), int64(-1)
	for _, p := range parts {
		first, last = min(first, p.first), max(last, p.last)
	}
	if last < 0 && (r.From.IsZero() || r.To.IsZero()) {
		return nil, nil
	}
	if r.From.IsZero() {
		r.From = time.Unix(0, first)
	}
	if r.To.IsZero() {
		r.To = time.Unix(0, last).Add(1)
	}
	buckets, err := eventindex.Buckets(r, interval, loc)
	if err != nil {
		return nil, err
	}
	rd := reading{q: q}
	rd.from, rd.to = r.Nanos()
	into := &bars{buckets: buckets}
	err = x.each(ctx, parts, rd, func(ctx context.Context, p timed) error {
		return x.bars(ctx, p, rd, into, eventindex.Grain(interval))
	})
	if err != nil {
		return nil, err
	}
	return buckets, nil
}

// bars are buckets that several partitions count into.
type bars struct {
	mu      sync.Mutex
	buckets []eventindex.Bucket
}

// histogram counts in one partition, by the counts per minute where there is
// no condition and the minutes fit.
func (p timed) histogram(ctx context.Context, db *sql.Conn, rd reading, buckets *bars, grain time.Duration) error {
	if !rd.q.MatchesAll() || grain%time.Minute != 0 {
		return p.countEvents(ctx, db, rd, buckets, grain)
	}
	from, to := max(rd.from, p.first), rd.to
	if to > p.last {
		to = p.last + 1
	}
	whole, end := (from+minute-1)/minute, to/minute
	if whole >= end {
		return p.countEvents(ctx, db, rd, buckets, grain)
	}
	// The minutes that are only partly in the range are counted by event.
	for _, edge := range [][2]int64{{from, whole * minute}, {end * minute, to}} {
		if edge[0] < edge[1] {
			part := reading{from: edge[0], to: edge[1]}
			if err := p.countEvents(ctx, db, part, buckets, grain); err != nil {
				return err
			}
		}
	}
	return addCounts(ctx, db, buckets, rollupQuery, whole, end, int64(grain/time.Minute))
}

const rollupQuery = `SELECT minute * 60000000000, dict.value, sum(n) FROM rollup LEFT JOIN dict ON dict.code = outcome
	WHERE minute >= ? AND minute < ? GROUP BY minute / ?, outcome`

// count is how many events of an outcome there are from a time on.
type count struct {
	at      int64
	outcome sql.NullString
	n       int
}

// coarse is the shortest step of which the counts of whole partitions are remembered.
const coarse = 15 * time.Minute

// bars counts the events of one partition. Those of a whole partition without a
// condition are remembered until more come.
func (x *Index) bars(ctx context.Context, p timed, rd reading, into *bars, grain time.Duration) error {
	all := rd.q.MatchesAll() && grain >= coarse && grain%time.Minute == 0
	if all && p.covers(rd.from, rd.to) {
		p.known.Lock()
		of, known := p.bars[grain]
		p.known.Unlock()
		if known {
			into.add(of)
			return nil
		}
	}
	return x.reader(ctx, p.partition, func(db *sql.Conn) error {
		if !all {
			return p.histogram(ctx, db, rd, into, grain)
		}
		growth := p.growth()
		of, err := counts(ctx, db, rollupQuery, 0, math.MaxInt64, int64(grain/time.Minute))
		if err != nil {
			return err
		}
		if !p.covers(rd.from, rd.to) { // also by what this state of the file may have got since
			return p.histogram(ctx, db, rd, into, grain)
		}
		into.add(of)
		p.known.Lock()
		defer p.known.Unlock()
		if p.grown == growth {
			if p.bars == nil {
				p.bars = map[time.Duration][]count{}
			}
			p.bars[grain] = of
		}
		return nil
	})
}

func (p timed) countEvents(ctx context.Context, db *sql.Conn, rd reading, buckets *bars, grain time.Duration) error {
	c, err := p.condition(ctx, db, rd)
	if err != nil {
		return err
	}
	from := "event WHERE " + c.byValue()
	if c.whole && c.match != "" { // the order of the full-text index is that of the table
		from = "(SELECT rowid AS found FROM words WHERE words MATCH ?) CROSS JOIN event ON event.seq = found"
	}
	return addCounts(ctx, db, buckets, `SELECT at, dict.value, events FROM (
		SELECT min(t) AS at, what AS w, count(*) AS events FROM `+from+` GROUP BY t / `+strconv.FormatInt(int64(grain), 10)+`, what)
		JOIN what ON what.n = w LEFT JOIN dict ON dict.code = f_event_outcome`, c.args...)
}

func (b *bars) add(counts []count) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range counts {
		eventindex.Add(b.buckets, time.Unix(0, c.at), c.outcome.String, c.n)
	}
}

func addCounts(ctx context.Context, db *sql.Conn, into *bars, query string, args ...any) error {
	of, err := counts(ctx, db, query, args...)
	if err == nil {
		into.add(of)
	}
	return err
}

func counts(ctx context.Context, db *sql.Conn, query string, args ...any) (out []count, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var c count
		if err := rows.Scan(&c.at, &c.outcome, &c.n); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Terms counts the values of a field in every partition and puts them together.
func (x *Index) Terms(ctx context.Context, q kql.Query, r eventindex.Range, field string, n int) ([]eventindex.TermCount, error) {
	f, ok := ecs.Lookup(field)
	if !ok || !eventindex.Countable(f) {
		return nil, fmt.Errorf("%w: %s", eventindex.ErrField, field)
	}
	parts, err := x.ofTenant(ctx)
	if err != nil {
		return nil, err
	}
	rd := reading{q: q}
	rd.from, rd.to = r.Nanos()
	var mu sync.Mutex
	counts := map[string]int{}
	err = x.each(ctx, parts, rd, func(ctx context.Context, p timed) error {
		of, err := x.termsOf(ctx, p, rd, f)
		mu.Lock()
		defer mu.Unlock()
		for _, c := range of {
			counts[c.Value] += c.Count
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return eventindex.Top(counts, n), nil
}

// termsOf counts the values of a field in one partition. What all its events
// have is remembered until more come: each first look at a day or a month asks
// for that, and most partitions get no more.
func (x *Index) termsOf(ctx context.Context, p timed, rd reading, f ecs.Field) ([]eventindex.TermCount, error) {
	if rd.q.MatchesAll() && p.covers(rd.from, rd.to) {
		p.known.Lock()
		of, known := p.totals[f.Name]
		p.known.Unlock()
		if known {
			return of, nil
		}
	}
	var out []eventindex.TermCount
	err := x.reader(ctx, p.partition, func(db *sql.Conn) error {
		before := p.growth()
		counts := map[string]int{}
		err := p.terms(ctx, db, rd, f, counts)
		for v, n := range counts {
			out = append(out, eventindex.TermCount{Value: v, Count: n})
		}
		if err == nil && rd.q.MatchesAll() && p.covers(rd.from, rd.to) {
			x.remember(p.partition, f.Name, out, before)
		}
		return err
	})
	return out, err
}

// growth changes with each append.
func (p *partition) growth() int {
	p.known.Lock()
	defer p.known.Unlock()
	return p.grown
}

// rememberedTotals is how many counts are remembered in all, some 40 bytes each.
const rememberedTotals = 500_000

// remember keeps the counts of a field over all events of a partition, unless
// more have come since, or there is no room.
func (x *Index) remember(p *partition, field string, counts []eventindex.TermCount, growth int) {
	x.mu.Lock()
	held := 0
	for _, other := range x.open {
		other.known.Lock()
		for _, t := range other.totals {
			held += len(t)
		}
		other.known.Unlock()
	}
	x.mu.Unlock()
	if held+len(counts) > rememberedTotals {
		return
	}
	p.known.Lock()
	defer p.known.Unlock()
	if p.grown != growth {
		return
	}
	if p.totals == nil {
		p.totals = map[string][]eventindex.TermCount{}
	}
	p.totals[field] = counts
}

// counted gives the values v of a column and the number of events of each.
func (c *column) counted(condition string) string {
	if c.home == ofEvent {
		return "SELECT " + c.name + " AS v, count(*) AS events FROM event WHERE " + condition + " AND " + c.name + " IS NOT NULL GROUP BY 1"
	}
	table := tables[c.home]
	return "SELECT " + c.name + " AS v, sum(number) AS events FROM (SELECT " + table + " AS at, count(*) AS number FROM event WHERE " +
		condition + " AND " + table + " IS NOT NULL GROUP BY 1) JOIN " + table + " ON " + table + ".n = at WHERE " + c.name + " IS NOT NULL GROUP BY 1"
}

func (p timed) terms(ctx context.Context, db *sql.Conn, rd reading, f ecs.Field, counts map[string]int) error {
	name, label := f.Name, ""
	if _, ok := p.cols.byName[name]; !ok {
		name, label = labelsField, f.Name[len(ecs.LabelPrefix):]+labelMark
	}
	col := p.cols.byName[name]
	c, err := p.condition(ctx, db, rd)
	if err != nil {
		return err
	}
	query := "WITH x AS MATERIALIZED (" + col.counted(c.byValue()) + ") "
	switch col.store {
	case inCode:
		query += "SELECT dict.value, events FROM x JOIN dict ON dict.code = v"
	case inSet:
		query += "SELECT dict.value, events FROM x JOIN dict ON dict.code = v WHERE v > 0 UNION ALL " +
			"SELECT dict.value, events FROM x JOIN member ON member.code = v JOIN dict ON dict.code = member.value WHERE v < 0"
	default:
		query += "SELECT v, events FROM x"
	}
	rows, err := db.QueryContext(ctx, query, c.args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var value any
		var n int
		if err := rows.Scan(&value, &n); err != nil {
			return err
		}
		text := ""
		switch v := value.(type) {
		case int64:
			text = strconv.FormatInt(v, 10)
			if f.Type == ecs.Boolean {
				text = "true"
			}
		default:
			text = shown(v)
		}
		if label != "" {
			if len(text) < len(label) || text[:len(label)] != label {
				continue
			}
			text = text[len(label):]
		}
		counts[text] += n
	}
	return rows.Err()
}
