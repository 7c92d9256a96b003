package embedded

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strings"
)

// loadWriter reads what the one that appends needs to know of the file.
func (p *partition) loadWriter(ctx context.Context) error {
	if p.conn == nil {
		var err error
		if p.conn, err = p.write.Conn(ctx); err != nil {
			return err
		}
		p.statements = map[string]*sql.Stmt{}
	}
	w := &writer{words: newMemory[word](rememberedWords), sets: newMemory[string](rememberedCombinations)}
	n := &w.next
	err := p.conn.QueryRowContext(ctx, `SELECT coalesce((SELECT max(seq) FROM event), 0) + 1,
		coalesce((SELECT max(code) FROM dict), 0) + 1, 1 - coalesce((SELECT min(code) FROM member), 0)`).Scan(&n.seq, &n.word, &n.set)
	if err != nil {
		return err
	}
	if n.seq > 1 {
		first, docs, err := readBlock(ctx, p.conn, n.seq-1)
		if err != nil {
			return err
		}
		w.tail = tail{first: first}
		for _, d := range docs {
			w.tail.add(d)
		}
	}
	for h := ofWhat; h < homes; h++ {
		w.combinations[h] = newMemory[string](rememberedCombinations)
		if n.combination[h], err = p.loadCombinations(ctx, h, w.combinations[h]); err != nil {
			return err
		}
	}
	if err := p.loadSets(ctx, w.sets); err != nil {
		return err
	}
	p.writer = w
	return nil
}

// How many of the newest combinations are read when a writer begins.
const reread = 4096

// loadCombinations remembers the newest combinations of a home; it gives the next number.
func (p *partition) loadCombinations(ctx context.Context, h home, into *memory[string]) (next int64, err error) {
	names := p.cols.names(h)
	rows, err := p.conn.QueryContext(ctx, fmt.Sprintf("SELECT n, %s FROM %s ORDER BY n DESC LIMIT %d", strings.Join(names, ", "), tables[h], reread))
	if err != nil {
		return 0, err
	}
	defer func() { _ = rows.Close() }()
	var n int64
	values := make([]any, len(names))
	targets := []any{&n}
	for i := range values {
		targets = append(targets, &values[i])
	}
	next = 1
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return 0, err
		}
		next = max(next, n+1)
		into.put(string(combinationKey(nil, values)), n)
	}
	return next, rows.Err()
}

// loadSets remembers the newest sets.
func (p *partition) loadSets(ctx context.Context, into *memory[string]) error {
	rows, err := p.conn.QueryContext(ctx, "SELECT code, value FROM member ORDER BY code, value LIMIT ?", reread)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	return eachSet(rows, func(code int64, key []byte) { into.put(string(key), code) })
}

// eachSet calls fn for each set but the last, of which members may be missing.
func eachSet(rows *sql.Rows, fn func(code int64, key []byte)) error {
	var at int64
	var key []byte
	for rows.Next() {
		var code, value int64
		if err := rows.Scan(&code, &value); err != nil {
			return err
		}
		if code != at && at != 0 {
			fn(at, key)
			key = key[:0]
		}
		at = code
		key = binary.AppendVarint(key, value)
	}
	return rows.Err()
}
