package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"sync"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
)

// appending is one transaction.
type appending struct {
	p       *partition
	conn    *sql.Conn
	cols    *columns
	next    counters
	tail    tail
	unsaved bool // the tail is not in the file as it is

	cells   []cell
	codes   map[word]int64
	place   []int // of each column in its home
	outcome int   // the column event.outcome
	values  [homes][]any
	key     []byte

	events, words, members *inserter
	homes                  [homes]*inserter

	rollup map[[2]int64]int
	first  int64
	last   int64
	stored int
}

func (p *partition) append(ctx context.Context, in []incoming) (err error) {
	if _, err := p.loadBounds(ctx); err != nil {
		return err
	}
	if err := p.openWriter(); err != nil {
		return err
	}
	if p.writer == nil {
		if err := p.loadWriter(ctx); err != nil {
			return fmt.Errorf("eventindex: %w", err)
		}
	}
	if _, err := p.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("eventindex: append: %w", err)
	}
	defer func() {
		if err != nil {
			_, _ = p.conn.ExecContext(ctx, "ROLLBACK")
			p.writer = nil // holds numbers that were rolled back
			err = fmt.Errorf("eventindex: append to %s: %w", p.name, err)
		}
	}()
	a := p.appending()
	defer a.release()
	if err = a.all(ctx, in); err != nil {
		return err
	}
	if a.last >= 0 {
		p.widen(a.first, a.last)
	}
	if _, err = p.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return err
	}
	p.next, p.tail = a.next, a.tail
	if a.last >= 0 {
		p.grow(a.stored)
	}
	return nil
}

func (p *partition) appending() *appending {
	a := &appending{p: p, conn: p.conn, cols: p.cols, next: p.next, tail: p.tail,
		cells: scratch.Get().([]cell),
		codes: map[word]int64{}, place: make([]int, len(p.cols.list)), rollup: map[[2]int64]int{}, first: math.MaxInt64, last: -1}
	for h := range homes {
		for i, at := range p.cols.of[h] {
			a.place[at] = i
			if p.cols.list[at].ecs.Name == "event.outcome" {
				a.outcome = at
			}
		}
		a.values[h] = make([]any, len(p.cols.of[h]))
		if h != ofEvent {
			a.homes[h] = a.into(tables[h]+" "+list("n", p.cols.names(h)...), 1+len(p.cols.of[h]))
		}
	}
	a.events = a.into("event "+list("seq", append([]string{"t", "id", "what", "who", "origin", "rest"}, p.cols.names(ofEvent)...)...), 7+len(p.cols.of[ofEvent]))
	a.words = a.into("words (rowid, text)", 2)
	a.members = a.into("member (code, value)", 2)
	return a
}

// scratch is for the cells of a batch.
var scratch = sync.Pool{New: func() any { return []cell(nil) }}

func (a *appending) release() {
	clear(a.cells)
	scratch.Put(a.cells[:0]) //nolint:staticcheck // a slice's header is small beside what it keeps
}

func list(first string, more ...string) string {
	text := "(" + first
	for _, m := range more {
		text += ", " + m
	}
	return text + ")"
}

func (a *appending) all(ctx context.Context, in []incoming) error {
	known, err := a.known(ctx, in)
	if err != nil {
		return err
	}
	for i := range in {
		in[i].from = len(a.cells)
		a.cells = a.cols.cells(in[i].event, a.cells)
		in[i].to = len(a.cells)
	}
	for _, c := range a.cells {
		if s := a.cols.list[c.col].store; s == inCode || s == inSet {
			a.codes[c.word] = 0
		}
	}
	if err := a.learn(ctx, a.codes); err != nil {
		return err
	}
	for _, one := range in {
		r := one.result
		if known[one.event.Event.ID] {
			if r.Status, err = a.collide(ctx, one); err != nil {
				return err
			}
			if r.Status == eventindex.Conflicting {
				r.Reason = eventindex.ReasonConflict
			}
			if r.Status != eventindex.Replaced {
				continue
			}
		} else {
			r.Status = eventindex.Stored
			a.stored++
		}
		if err := a.add(ctx, one); err != nil {
			return err
		}
		known[one.event.Event.ID] = true
	}
	return a.finish(ctx)
}

// known gives those ids of a batch that are in the file.
func (a *appending) known(ctx context.Context, in []incoming) (map[string]bool, error) {
	const at = 64
	out := make(map[string]bool, len(in))
	for len(in) > 0 && a.next.seq > 1 {
		n := min(at, len(in))
		args := make([]any, at)
		for i := range args {
			args[i] = packID(in[min(i, n-1)].event.Event.ID)
		}
		in = in[n:]
		err := a.query(ctx, knownQuery, args, func(rows *sql.Rows) error {
			var found any
			if err := rows.Scan(&found); err != nil {
				return err
			}
			out[unpackID(found)] = true
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *appending) add(ctx context.Context, in incoming) error {
	seq := a.next.seq
	a.next.seq++
	outcome, err := a.row(ctx, seq, in)
	if err != nil {
		return err
	}
	if text := kql.TokenText(in.event.Message); text != "" {
		if err := a.words.row(ctx, seq, text); err != nil {
			return err
		}
	}
	t := in.event.Timestamp.UnixNano()
	a.first, a.last = min(a.first, t), max(a.last, t)
	a.rollup[[2]int64{t / minute, outcome}]++
	if a.tail.full() {
		if err := a.save(ctx); err != nil {
			return err
		}
		a.tail = tail{first: seq}
	}
	if len(a.tail.docs) == 0 {
		a.tail = tail{first: seq, docs: make([][]byte, 0, blockEvents)}
	}
	a.tail.add(in.doc)
	a.unsaved = true
	return nil
}

// save writes the last block, over what was there of it.
func (a *appending) save(ctx context.Context) error {
	if !a.unsaved {
		return nil
	}
	stmt, err := a.prepared(ctx, `INSERT INTO block (first, data) VALUES (?, ?) ON CONFLICT (first) DO UPDATE SET data = excluded.data`) //nolint:sqlclosecheck // the partition keeps it
	if err != nil {
		return err
	}
	a.unsaved = false
	_, err = stmt.ExecContext(ctx, a.tail.first, pack(a.tail.docs))
	return err
}

// flush writes every row that was gathered.
func (a *appending) flush(ctx context.Context) error {
	for _, i := range append(a.homes[ofWhat:], a.members, a.events, a.words) {
		if err := i.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

const addMinute = `INSERT INTO rollup (minute, outcome, n) VALUES (?, ?, ?) ON CONFLICT (minute, outcome) DO UPDATE SET n = n + excluded.n`

func (a *appending) finish(ctx context.Context) error {
	if err := errors.Join(a.flush(ctx), a.save(ctx)); err != nil {
		return err
	}
	stmt, err := a.prepared(ctx, addMinute) //nolint:sqlclosecheck // the partition keeps it
	if err != nil {
		return err
	}
	for k, n := range a.rollup {
		if n == 0 {
			continue
		}
		if _, err := stmt.ExecContext(ctx, k[0], k[1], n); err != nil {
			return err
		}
	}
	return nil
}
