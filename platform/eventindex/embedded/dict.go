package embedded

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"

	"varde.internal/schemas/ecs"
)

// codeKey is a value of a field in the writer's memory of the dictionary.
type codeKey struct {
	field int64
	value string
}

// cachedCodes bounds that memory; over it, it begins anew.
const cachedCodes = 50_000

// stored is the form in which a value lies in the dictionary: the 16 bytes of
// an address, so that a network is a range, and other text as it is.
func stored(col *column, text string) any {
	if col.ecs.Type == ecs.IP {
		if addr, err := netip.ParseAddr(text); err == nil {
			b := addr.As16()
			return b[:]
		}
	}
	return text
}

// shown is the reverse of stored.
func shown(v any) string {
	switch v := v.(type) {
	case []byte:
		if addr, ok := netip.AddrFromSlice(v); ok {
			return addr.Unmap().String()
		}
		return string(v)
	case string:
		return v
	}
	return ""
}

func bytesOf(v any) string {
	if b, ok := v.([]byte); ok {
		return string(b)
	}
	return v.(string)
}

// code gives the number of a value, a new one where it has none.
func (p *partition) code(ctx context.Context, tx *sql.Tx, col *column, v any) (int64, error) {
	key := codeKey{col.field, bytesOf(v)}
	if n, ok := p.codes[key]; ok {
		return n, nil
	}
	n, _, err := p.lookup(ctx, tx, col.field, v)
	if err == nil {
		p.remember(key, n)
	}
	return n, err
}

func (p *partition) remember(key codeKey, n int64) {
	if len(p.codes) >= cachedCodes {
		clear(p.codes)
	}
	p.codes[key] = n
}

func (p *partition) lookup(ctx context.Context, tx *sql.Tx, field int64, v any) (n int64, made bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT code FROM dict WHERE field = ? AND value = ?`, field, v).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		made = true
		err = tx.QueryRowContext(ctx, `INSERT INTO dict (field, value) VALUES (?, ?) RETURNING code`, field, v).Scan(&n)
	}
	return n, made, err
}

// set gives the number of a set of values and notes its members.
func (p *partition) set(ctx context.Context, tx *sql.Tx, col *column, values []any) (any, error) {
	if len(values) == 0 {
		return nil, nil
	}
	slices.SortFunc(values, func(a, b any) int { return slices.Compare([]byte(bytesOf(a)), []byte(bytesOf(b))) })
	values = slices.CompactFunc(values, func(a, b any) bool { return bytesOf(a) == bytesOf(b) })
	var joined []byte
	for _, v := range values {
		b := bytesOf(v)
		joined = binary.AppendUvarint(joined, uint64(len(b)))
		joined = append(joined, b...)
	}
	key := codeKey{col.field, string(joined)}
	if n, ok := p.codes[key]; ok {
		return n, nil
	}
	n, made, err := p.lookup(ctx, tx, col.field, joined)
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		if !made {
			break
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO member (field, value, code) VALUES (?, ?, ?)`, col.field, v, n); err != nil {
			return nil, err
		}
	}
	p.remember(key, n)
	return n, nil
}

// labelMark stands between the key and the value of a label.
const labelMark = "\x00"

// labels gives the labels of an event as key and value in one, each value as long as a keyword may be.
func labels(e *ecs.Event) []any {
	var out []any
	for key := range e.Labels {
		f, ok := ecs.Lookup(ecs.LabelPrefix + key)
		if !ok {
			continue
		}
		for _, v := range f.Values(e) {
			out = append(out, key+labelMark+v.Text)
		}
	}
	return out
}
