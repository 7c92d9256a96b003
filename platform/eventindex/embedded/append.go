package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/internal/scope"
	"varde.internal/platform/kql"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// incoming is an event on its way into a partition, with its place in the call.
type incoming struct {
	at    int
	event *ecs.Event
	doc   []byte
	sum   eventindex.Sum
}

// Append stores events, one transaction for each partition they go to. After
// an error any of those transactions may have been made; the same call again
// is harmless.
func (x *Index) Append(ctx context.Context, events []ecs.Event) ([]eventindex.Result, error) {
	s, ok := scope.From(ctx)
	if !ok || !s.System && s.Tenant == "" {
		return nil, tenant.ErrMissing
	}
	results := make([]eventindex.Result, len(events))
	type key struct{ tenant, partition string }
	var order []key
	groups := map[key][]incoming{}
	for i := range events {
		e := &events[i]
		results[i].ID = e.Event.ID
		in, reason := prepare(e, tenant.ID(s.Tenant))
		if reason != "" {
			results[i].Status, results[i].Reason = eventindex.Rejected, reason
			continue
		}
		in.at = i
		k := key{e.Varde.Tenant, e.Varde.Partition}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], in)
	}
	for _, k := range order {
		if err := x.appendTo(ctx, tenant.ID(k.tenant), k.partition, groups[k], results); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func prepare(e *ecs.Event, allowed tenant.ID) (incoming, string) {
	if reason := eventindex.Check(e, allowed); reason != "" {
		return incoming{}, reason
	}
	doc, err := json.Marshal(e)
	if err != nil {
		return incoming{}, eventindex.ReasonUnreadable
	}
	sum, err := eventindex.ContentSum(*e)
	if err != nil {
		return incoming{}, eventindex.ReasonUnreadable
	}
	return incoming{event: e, doc: doc, sum: sum}, ""
}

func (x *Index) appendTo(ctx context.Context, t tenant.ID, name string, in []incoming, results []eventindex.Result) error {
	for {
		p, err := x.named(t, name)
		if err != nil {
			return err
		}
		err = x.use(ctx, p, func() error {
			p.writing.Lock()
			defer p.writing.Unlock()
			return p.append(ctx, in, results)
		})
		if !errors.Is(err, errDropped) {
			return err
		}
	}
}

// appending is one transaction.
type appending struct {
	p       *partition
	tx      *sql.Tx
	insert  *sql.Stmt
	words   *sql.Stmt
	args    []any
	docs    [][]byte
	rollup  map[[2]int64]int
	first   int64
	last    int64
	stored  int
	nextSeq int64
	nextBlk int64
}

func (p *partition) append(ctx context.Context, in []incoming, results []eventindex.Result) (err error) {
	if _, err := p.loadBounds(ctx); err != nil {
		return err
	}
	if err := p.openWriter(); err != nil {
		return err
	}
	if p.codes == nil {
		if err := p.loadCounters(ctx); err != nil {
			return err
		}
	}
	tx, err := p.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("eventindex: append: %w", err)
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback()
			p.codes = nil // holds numbers that were rolled back
			err = fmt.Errorf("eventindex: append to %s: %w", p.name, err)
		}
	}()
	a := &appending{p: p, tx: tx, rollup: map[[2]int64]int{}, nextSeq: p.nextSeq, nextBlk: p.nextBlk,
		first: math.MaxInt64, last: -1}
	if a.insert, err = tx.PrepareContext(ctx, p.cols.insert); err != nil {
		return err
	}
	if a.words, err = tx.PrepareContext(ctx, "INSERT INTO words (rowid, text) VALUES (?, ?)"); err != nil {
		return err
	}
	for _, one := range in {
		if results[one.at].Status, err = a.add(ctx, one); err != nil {
			return err
		}
		if results[one.at].Status == eventindex.Conflicting {
			results[one.at].Reason = eventindex.ReasonConflict
		}
	}
	if err = a.finish(ctx); err != nil {
		return err
	}
	if err = tx.Commit(); err != nil {
		return err
	}
	p.nextSeq, p.nextBlk = a.nextSeq, a.nextBlk
	if a.last >= 0 {
		p.grow(a.first, a.last, a.stored)
	}
	return nil
}

func (p *partition) loadCounters(ctx context.Context) error {
	err := p.write.QueryRowContext(ctx, `SELECT coalesce((SELECT max(seq) FROM event), 0) + 1, coalesce((SELECT max(n) FROM block), 0) + 1`).
		Scan(&p.nextSeq, &p.nextBlk)
	if err != nil {
		return fmt.Errorf("eventindex: %w", err)
	}
	p.codes = map[codeKey]int64{}
	return nil
}

func (a *appending) add(ctx context.Context, in incoming) (eventindex.Status, error) {
	seq := a.nextSeq
	outcome, err := a.fill(ctx, seq, in)
	if err != nil {
		return 0, err
	}
	status := eventindex.Stored
	done, err := a.insert.ExecContext(ctx, a.args...)
	if err != nil {
		return 0, err
	}
	if n, _ := done.RowsAffected(); n == 0 {
		if status, err = a.collide(ctx, in); err != nil || status != eventindex.Replaced {
			return status, err
		}
		if _, err := a.insert.ExecContext(ctx, a.args...); err != nil {
			return 0, err
		}
	} else {
		a.stored++
	}
	if text := kql.TokenText(in.event.Message); text != "" {
		if _, err := a.words.ExecContext(ctx, seq, text); err != nil {
			return 0, err
		}
	}
	t := in.event.Timestamp.UnixNano()
	a.first, a.last = min(a.first, t), max(a.last, t)
	a.rollup[[2]int64{t / int64(time.Minute), outcome}]++
	a.nextSeq++
	a.docs = append(a.docs, in.doc)
	if len(a.docs) == blockEvents {
		return status, a.flush(ctx)
	}
	return status, nil
}

// collide decides about an id that is there already. Where the event replaces
// it, the old row is removed; what the full-text index has under its number is
// never looked at again, because numbers are not reused.
func (a *appending) collide(ctx context.Context, in incoming) (eventindex.Status, error) {
	var seq, t int64
	var outcome sql.NullInt64
	var generation int
	var sum []byte
	err := a.tx.QueryRowContext(ctx, `SELECT seq, t, f_event_outcome, generation, sum FROM event WHERE id = ?`, in.event.Event.ID).
		Scan(&seq, &t, &outcome, &generation, &sum)
	if err != nil {
		return 0, err
	}
	status := eventindex.Compare(generation, in.event.Varde.Generation, string(sum) == string(in.sum[:]))
	if status != eventindex.Replaced {
		return status, nil
	}
	if _, err := a.tx.ExecContext(ctx, `DELETE FROM event WHERE seq = ?`, seq); err != nil {
		return 0, err
	}
	a.rollup[[2]int64{t / int64(time.Minute), outcome.Int64}]--
	return status, nil
}

func (a *appending) flush(ctx context.Context) error {
	if len(a.docs) == 0 {
		return nil
	}
	_, err := a.tx.ExecContext(ctx, `INSERT INTO block (n, data) VALUES (?, ?)`, a.nextBlk, pack(a.docs))
	a.docs = a.docs[:0]
	a.nextBlk++
	return err
}

func (a *appending) finish(ctx context.Context) error {
	if err := a.flush(ctx); err != nil {
		return err
	}
	for k, n := range a.rollup {
		if n == 0 {
			continue
		}
		_, err := a.tx.ExecContext(ctx, `INSERT INTO rollup (minute, outcome, n) VALUES (?, ?, ?)
			ON CONFLICT (minute, outcome) DO UPDATE SET n = n + excluded.n`, k[0], k[1], n)
		if err != nil {
			return err
		}
	}
	return nil
}

// fill sets the arguments of the row; it gives the code of the outcome, 0 for none.
func (a *appending) fill(ctx context.Context, seq int64, in incoming) (outcome int64, err error) {
	e := in.event
	a.args = append(a.args[:0], seq, e.Timestamp.UnixNano(), e.Event.ID, e.Varde.Generation, in.sum[:], a.nextBlk, len(a.docs))
	for i := range a.p.cols.list {
		col := &a.p.cols.list[i]
		v, err := a.value(ctx, col, e)
		if err != nil {
			return 0, err
		}
		if code, ok := v.(int64); ok && col.ecs.Name == "event.outcome" {
			outcome = code
		}
		a.args = append(a.args, v)
	}
	return outcome, nil
}

func (a *appending) value(ctx context.Context, col *column, e *ecs.Event) (any, error) {
	if col.ecs.Name == labelsField {
		return a.p.set(ctx, a.tx, col, labels(e))
	}
	values := col.ecs.Values(e)
	if len(values) == 0 {
		return nil, nil
	}
	switch col.store {
	case inCode:
		return a.p.code(ctx, a.tx, col, stored(col, values[0].Text))
	case inSet:
		all := make([]any, len(values))
		for i, v := range values {
			all[i] = stored(col, v.Text)
		}
		return a.p.set(ctx, a.tx, col, all)
	case inText:
		return values[0].Text, nil
	case inWords:
		return int64(1), nil
	}
	return values[0].Number, nil
}
