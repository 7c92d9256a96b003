package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strconv"
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
	for _, p := range parts {
		if p.last < rd.from || p.first >= rd.to {
			continue
		}
		err := x.reader(ctx, p.partition, func(db *sql.Conn) error {
			return p.histogram(ctx, db, rd, buckets, eventindex.Grain(interval))
		})
		if err != nil {
			return nil, err
		}
	}
	return buckets, nil
}

// histogram counts in one partition, by the counts per minute where there is
// no condition and the minutes fit.
func (p timed) histogram(ctx context.Context, db *sql.Conn, rd reading, buckets []eventindex.Bucket, grain time.Duration) error {
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
	return addCounts(ctx, db, buckets, `SELECT minute * 60000000000, dict.value, sum(n) FROM rollup LEFT JOIN dict ON dict.code = outcome
		WHERE minute >= ? AND minute < ? GROUP BY minute / ?, outcome`, whole, end, int64(grain/time.Minute))
}

func (p timed) countEvents(ctx context.Context, db *sql.Conn, rd reading, buckets []eventindex.Bucket, grain time.Duration) error {
	c, err := p.condition(ctx, db, rd)
	if err != nil {
		return err
	}
	return addCounts(ctx, db, buckets, `SELECT at, dict.value, events FROM (
		SELECT min(t) AS at, what AS w, count(*) AS events FROM event
		WHERE `+c.byValue()+` GROUP BY t / `+strconv.FormatInt(int64(grain), 10)+`, what)
		JOIN what ON what.n = w LEFT JOIN dict ON dict.code = f_event_outcome`, c.args...)
}

func addCounts(ctx context.Context, db *sql.Conn, buckets []eventindex.Bucket, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var at int64
		var outcome sql.NullString
		var n int
		if err := rows.Scan(&at, &outcome, &n); err != nil {
			return err
		}
		eventindex.Add(buckets, time.Unix(0, at), outcome.String, n)
	}
	return rows.Err()
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
	counts := map[string]int{}
	for _, p := range parts {
		if p.last < rd.from || p.first >= rd.to {
			continue
		}
		err := x.reader(ctx, p.partition, func(db *sql.Conn) error { return p.terms(ctx, db, rd, f, counts) })
		if err != nil {
			return nil, err
		}
	}
	return eventindex.Top(counts, n), nil
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
