package embedded

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// found is an event's place, before it is read.
type found struct {
	eventindex.Position
	partition *partition
	seq       int64
	// Times that are in the row and not in the document, after the event's own.
	created, ingested sql.NullInt64
}

// placeColumns are what scanPlace reads.
const placeColumns = "t, id, seq, f_event_created, f_event_ingested"

func scanPlace(rows *sql.Rows) (found, error) {
	var f found
	var id any
	err := rows.Scan(&f.Time, &id, &f.seq, &f.created, &f.ingested)
	f.ID = unpackID(id)
	return f, err
}

// reading is what one call asks of every partition: a query over the times
// from <= t < to.
type reading struct {
	q         kql.Query
	from, to  int64
	ascending bool
	after     *eventindex.Position
	limit     int
}

// Search finds a page in each partition that can have events of it, nearest
// in time first, and stops where the rest cannot be on the page.
func (x *Index) Search(ctx context.Context, q kql.Query, r eventindex.Range, p eventindex.Page) (eventindex.Hits, error) {
	parts, err := x.ofTenant(ctx)
	if err != nil {
		return eventindex.Hits{}, err
	}
	rd := reading{q: q, ascending: p.Ascending, limit: p.Clamp() + 1}
	rd.from, rd.to = r.Nanos()
	if p.After != "" {
		at, err := eventindex.ReadCursor(q, p.Ascending, p.After)
		if err != nil {
			return eventindex.Hits{}, err
		}
		rd.after = &at
	}
	places, err := x.page(ctx, parts, rd)
	if err != nil {
		return eventindex.Hits{}, err
	}
	var hits eventindex.Hits
	if len(places) == rd.limit {
		places = places[:rd.limit-1]
		hits.Next = eventindex.Cursor(q, p.Ascending, places[len(places)-1].Position)
	}
	if hits.Events, err = x.fetch(ctx, places); err != nil {
		return eventindex.Hits{}, err
	}
	hits.Total, hits.Exact, err = x.count(ctx, parts, rd)
	return hits, err
}

// timed is a partition with its bounds.
type timed struct {
	*partition
	bounds
}

// ofTenant lists the partitions of the context's tenant that hold events.
func (x *Index) ofTenant(ctx context.Context) ([]timed, error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return nil, err
	}
	all, err := x.partitionsOf(t)
	if err != nil {
		return nil, err
	}
	var out []timed
	for _, p := range all {
		b, err := x.bounds(ctx, p)
		if errors.Is(err, errDropped) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if b.events > 0 {
			out = append(out, timed{p, b})
		}
	}
	return out, nil
}

// page gives the first places of a reading in its order.
func (x *Index) page(ctx context.Context, parts []timed, rd reading) ([]found, error) {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b timed) int {
		if rd.ascending {
			return cmp.Compare(a.first, b.first)
		}
		return cmp.Compare(b.last, a.last)
	})
	parts = slices.DeleteFunc(parts, func(p timed) bool { return p.last < rd.from || p.first >= rd.to })
	var best []found
	for next := 1; len(parts) > 0; next = atOnce {
		if len(best) == rd.limit {
			// The partitions are in order, so none of the rest can be on the page.
			if end := best[len(best)-1].Time; rd.ascending && parts[0].first > end || !rd.ascending && parts[0].last < end {
				break
			}
		}
		// The first alone: it mostly has the whole page.
		some, err := x.pages(ctx, parts[:min(next, len(parts))], rd)
		if err != nil {
			return nil, err
		}
		parts = parts[min(next, len(parts)):]
		best = append(best, some...)
		slices.SortFunc(best, func(a, b found) int {
			before := a.Before(b.Position)
			if before == rd.ascending {
				return -1
			}
			return 1
		})
		best = best[:min(len(best), rd.limit)]
	}
	return best, nil
}

// pages gives the first places of each of some partitions, in no order.
func (x *Index) pages(ctx context.Context, parts []timed, rd reading) ([]found, error) {
	var mu sync.Mutex
	var out []found
	err := x.each(ctx, parts, rd, func(ctx context.Context, p timed) error {
		return x.reader(ctx, p.partition, func(db *sql.Conn) error {
			some, err := p.page(ctx, db, rd)
			mu.Lock()
			defer mu.Unlock()
			out = append(out, some...)
			return err
		})
	})
	return out, err
}

// reader calls fn with a connection to p on which all is read from; a
// partition that was dropped has nothing.
func (x *Index) reader(ctx context.Context, p *partition, fn func(*sql.Conn) error) error {
	err := x.use(ctx, p, func() error {
		db, err := p.read.Conn(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		// One state of the file for all that is asked of it.
		if _, err := db.ExecContext(ctx, "BEGIN"); err != nil {
			return err
		}
		defer func() { _, _ = db.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") }()
		return fn(db)
	})
	if errors.Is(err, errDropped) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("eventindex: read %s: %w", p.name, err)
	}
	return nil
}

// condition gives the WHERE of a reading, without the part for its cursor.
func (p timed) condition(ctx context.Context, db *sql.Conn, rd reading) (condition, error) {
	c, err := where(ctx, db, p.cols, rd.q)
	if err != nil {
		return c, err
	}
	if c.text == "" {
		c.add("1")
	}
	// Where the range holds all there is, the time need not be asked for, and
	// an index alone may answer. The state of the file is settled first: what is
	// in it by then lies within the bounds.
	var any int
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM event LIMIT 1)").Scan(&any); err != nil {
		return c, err
	}
	if c.whole = p.covers(rd.from, rd.to); c.whole {
		return c, nil
	}
	if rd.from > 0 {
		c.add(" AND t >= ?", rd.from)
	}
	if rd.to < math.MaxInt64 {
		c.add(" AND t < ?", rd.to)
	}
	return c, nil
}

// few is how many events are rather sorted than looked for by time.
const few = 2000

// byValue says whether the events of a condition are so few that they are
// found by the index of their values; else one goes through them by time and
// meets enough of them soon.
func byValue(ctx context.Context, db *sql.Conn, c condition) (bool, error) {
	if !c.indexed() {
		return false, nil
	}
	var n int
	err := db.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM event WHERE "+c.byValue()+" LIMIT ?)", append(c.args, few)...).Scan(&n)
	return n < few, err
}

// ids gives how ids are compared in a partition, and the one of the cursor so.
// Packed ids are in the order of their text, but SQLite puts all text before them.
func (rd reading) ids(ctx context.Context, db *sql.Conn) (expression string, after any, err error) {
	if rd.after != nil {
		after = packID(rd.after.ID)
	}
	_, text := after.(string)
	if !text {
		err = db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM event WHERE substr(id, 1, 8) < x'')").Scan(&text)
	}
	if !text || err != nil {
		return "id", after, err
	}
	if rd.after != nil {
		after = rd.after.ID
	}
	return "varde_id(id)", after, nil
}

func (p timed) page(ctx context.Context, db *sql.Conn, rd reading) ([]found, error) {
	c, err := p.condition(ctx, db, rd)
	if err != nil {
		return nil, err
	}
	order, than := "DESC", "<"
	if rd.ascending {
		order, than = "ASC", ">"
	}
	id, after, err := rd.ids(ctx, db)
	if err != nil {
		return nil, err
	}
	if rd.after != nil {
		c.add(" AND t "+than+"= ? AND (t "+than+" ? OR "+id+" "+than+" ?)", rd.after.Time, rd.after.Time, after)
	}
	text := c.byTime()
	if sparse, err := byValue(ctx, db, c); err != nil {
		return nil, err
	} else if sparse {
		text = c.byValue()
	}
	rows, err := db.QueryContext(ctx, "SELECT "+placeColumns+" FROM event WHERE "+text+
		" ORDER BY t "+order+", "+id+" "+order+" LIMIT ?", append(c.args, rd.limit)...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []found
	for rows.Next() {
		f, err := scanPlace(rows)
		if err != nil {
			return nil, err
		}
		f.partition = p.partition
		out = append(out, f)
	}
	return out, rows.Err()
}

// fetch reads the events at places, in their order.
func (x *Index) fetch(ctx context.Context, places []found) ([]ecs.Event, error) {
	events := make([]*ecs.Event, len(places))
	byPartition := map[*partition][]int{}
	var order []*partition
	for i, f := range places {
		if byPartition[f.partition] == nil {
			order = append(order, f.partition)
		}
		byPartition[f.partition] = append(byPartition[f.partition], i)
	}
	for _, p := range order {
		err := x.reader(ctx, p, func(db *sql.Conn) error {
			for _, i := range byPartition[p] {
				doc, err := p.document(ctx, db, places[i].seq)
				if err != nil {
					return err
				}
				e, err := restore(doc, places[i])
				if err != nil {
					return err
				}
				events[i] = &e
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	out := make([]ecs.Event, 0, len(events))
	for _, e := range events {
		if e != nil { // else its partition was dropped meanwhile
			out = append(out, *e)
		}
	}
	return out, nil
}

func (p *partition) document(ctx context.Context, db *sql.Conn, seq int64) ([]byte, error) {
	if doc, ok := p.cache.get(seq); ok {
		return doc, nil
	}
	first, docs, err := readBlock(ctx, db, seq)
	if err != nil {
		return nil, err
	}
	p.cache.put(first, docs)
	return docs[seq-first], nil
}

// Get finds an event in whichever partition has it.
func (x *Index) Get(ctx context.Context, id string) (ecs.Event, error) {
	place, err := x.find(ctx, id)
	if err != nil {
		return ecs.Event{}, err
	}
	events, err := x.fetch(ctx, []found{place})
	if err != nil {
		return ecs.Event{}, err
	}
	if len(events) == 0 {
		return ecs.Event{}, eventindex.ErrNotFound
	}
	return events[0], nil
}

func (x *Index) find(ctx context.Context, id string) (found, error) {
	parts, err := x.ofTenant(ctx)
	if err != nil {
		return found{}, err
	}
	// The newest are asked for most.
	slices.SortFunc(parts, func(a, b timed) int { return cmp.Compare(b.last, a.last) })
	for _, p := range parts {
		var place *found
		err := x.reader(ctx, p.partition, func(db *sql.Conn) error {
			rows, err := db.QueryContext(ctx, "SELECT "+placeColumns+" FROM event WHERE "+withID, packID(id))
			if err != nil {
				return err
			}
			defer func() { _ = rows.Close() }()
			if rows.Next() {
				f, err := scanPlace(rows)
				if err != nil {
					return err
				}
				f.partition = p.partition
				place = &f
			}
			return rows.Err()
		})
		if err != nil {
			return found{}, err
		}
		if place != nil {
			return *place, nil
		}
	}
	return found{}, eventindex.ErrNotFound
}

// Around reads what lies on both sides of an event.
func (x *Index) Around(ctx context.Context, id string, before, after int) ([]ecs.Event, error) {
	parts, err := x.ofTenant(ctx)
	if err != nil {
		return nil, err
	}
	middle, err := x.find(ctx, id)
	if err != nil {
		return nil, err
	}
	events, err := x.fetch(ctx, []found{middle})
	if err != nil || len(events) == 0 {
		return nil, err
	}
	rd := reading{to: math.MaxInt64, after: &middle.Position}
	if host := events[0].Host; host != nil && host.Name != "" {
		rd.q.Root = kql.Equal{Field: "host.name", Value: host.Name}
	}
	var places []found
	if rd.limit = min(before, 1000); rd.limit > 0 {
		if places, err = x.page(ctx, parts, rd); err != nil {
			return nil, err
		}
		slices.Reverse(places)
	}
	places = append(places, middle)
	if rd.limit, rd.ascending = min(after, 1000), true; rd.limit > 0 {
		later, err := x.page(ctx, parts, rd)
		if err != nil {
			return nil, err
		}
		places = append(places, later...)
	}
	return x.fetch(ctx, places)
}

// Scan reads page by page, so that it holds no snapshot of the files.
func (x *Index) Scan(ctx context.Context, q kql.Query, r eventindex.Range, fn func(ecs.Event) error) error {
	rd := reading{q: q, ascending: true, limit: 1000}
	rd.from, rd.to = r.Nanos()
	for {
		parts, err := x.ofTenant(ctx)
		if err != nil {
			return err
		}
		places, err := x.page(ctx, parts, rd)
		if err != nil {
			return err
		}
		events, err := x.fetch(ctx, places)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := fn(e); err != nil {
				return err
			}
		}
		if len(places) < rd.limit {
			return ctx.Err()
		}
		last := places[len(places)-1].Position
		rd.after, rd.from = &last, max(rd.from, last.Time)
	}
}
