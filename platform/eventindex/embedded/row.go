package embedded

import (
	"context"
	"encoding/binary"
	"time"

	"varde.internal/schemas/ecs"
)

// cell is a value of an event before words have their numbers. A field with
// several values has several, one after the other.
type cell struct {
	col    int
	number int64
	word   word
}

// cells gives what the columns of an event hold.
func (c *columns) cells(e *ecs.Event, out []cell) []cell {
	t := e.Timestamp.UnixNano()
	for i := range c.list {
		col := &c.list[i]
		var values []ecs.Value
		if col.ecs.Name == labelsField {
			values = labels(e)
		} else {
			values = col.ecs.Values(e)
		}
		for _, v := range values {
			one := cell{col: i, number: v.Number}
			switch col.store {
			case inCode, inSet:
				one.word = wordOf(col, v.Text)
			case inText:
				one.word.text = v.Text
			case inSince:
				one.number -= t
			case inDigest:
				one.number = digest(v.Text)
			case inWords:
				one.number = 1
			}
			out = append(out, one)
			if col.store != inSet {
				break
			}
		}
	}
	return out
}

// row puts an event into its tables under a number; it gives the code of its
// outcome, 0 for none.
func (a *appending) row(ctx context.Context, seq int64, in incoming) (outcome int64, err error) {
	for h := range a.values {
		clear(a.values[h])
	}
	cells := a.cells[in.from:in.to]
	for len(cells) > 0 {
		at := cells[0].col
		col := &a.cols.list[at]
		n := 1
		for n < len(cells) && cells[n].col == at {
			n++
		}
		v, err := a.value(ctx, col, cells[:n])
		if err != nil {
			return 0, err
		}
		a.values[col.home][a.place[at]] = v
		if at == a.outcome {
			outcome = v.(int64)
		}
		cells = cells[n:]
	}
	e := in.event
	a.events.args = append(a.events.args, seq, e.Timestamp.UnixNano(), packID(e.Event.ID))
	for h := ofWhat; h < homes; h++ {
		n, err := a.combination(ctx, h)
		if err != nil {
			return 0, err
		}
		a.events.args = append(a.events.args, n)
	}
	a.events.args = append(a.events.args, a.values[ofEvent]...)
	return outcome, a.events.full(ctx)
}

func (a *appending) value(ctx context.Context, col *column, cells []cell) (any, error) {
	switch col.store {
	case inCode:
		return a.codes[cells[0].word], nil
	case inSet:
		codes := make([]int64, len(cells))
		for i, c := range cells {
			codes[i] = a.codes[c.word]
		}
		return a.set(ctx, codes)
	case inText:
		return cells[0].word.text, nil
	}
	return cells[0].number, nil
}

// combination gives the number of the values of a home, nil where there are
// none; what has happened always has one.
func (a *appending) combination(ctx context.Context, h home) (any, error) {
	a.key = combinationKey(a.key[:0], a.values[h])
	if len(a.key) == 0 && h != ofWhat {
		return nil, nil
	}
	known := a.p.combinations[h]
	if n, ok := known.get(string(a.key)); ok {
		return n, nil
	}
	n := a.next.combination[h]
	a.next.combination[h]++
	known.put(string(a.key), n)
	into := a.homes[h]
	into.args = append(append(into.args, n), a.values[h]...)
	return n, into.full(ctx)
}

// combinationKey tells combinations of numbers apart.
func combinationKey(key []byte, values []any) []byte {
	for i, v := range values {
		if n, ok := v.(int64); ok {
			key = binary.AppendUvarint(key, uint64(i))
			key = binary.AppendVarint(key, n)
		}
	}
	return key
}

const minute = int64(time.Minute)
