package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"

	"varde.internal/platform/docstore"
)

// A collection is a table: doc is the JSON, pending its outbox (a JSON array,
// NULL when empty), waiting the time of the oldest pending message.
const tableSQL = `CREATE TABLE IF NOT EXISTS %s (
	tenant  TEXT NOT NULL,
	id      TEXT NOT NULL,
	version INTEGER NOT NULL,
	schema  INTEGER NOT NULL,
	updated TEXT NOT NULL,
	doc     TEXT NOT NULL,
	pending TEXT,
	waiting TEXT,
	PRIMARY KEY (tenant, id))`

// table is the name of a collection's table. Collection names are letters,
// digits and '_', checked by docstore.Open.
func table(collection string) string { return `"c_` + strings.ReplaceAll(collection, `"`, ``) + `"` }

// Declare implements docstore.Backend. Indexes are named by what they are, so a
// changed declaration makes a new one and drops the old.
func (s *Store) Declare(ctx context.Context, schema docstore.Schema) error {
	s.mu.Lock()
	known, ok := s.declared[schema.Name]
	s.mu.Unlock()
	if ok && reflect.DeepEqual(known, schema) {
		return nil
	}
	err := s.write.do(ctx, func(tx execer) error {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(tableSQL, table(schema.Name))); err != nil {
			return err
		}
		wanted := indexes(schema)
		old, err := existing(ctx, tx, schema.Name)
		if err != nil {
			return err
		}
		for _, name := range old {
			if _, keep := wanted[name]; keep {
				delete(wanted, name)
				continue
			}
			if _, err := tx.ExecContext(ctx, `DROP INDEX "`+name+`"`); err != nil {
				return err
			}
		}
		for _, create := range wanted {
			if _, err := tx.ExecContext(ctx, create); err != nil {
				return mapError(err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.declared[schema.Name] = schema
	s.mu.Unlock()
	return nil
}

func existing(ctx context.Context, tx execer, collection string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT name FROM sqlite_schema WHERE type='index' AND tbl_name = ? AND name LIKE 'x!_%' ESCAPE '!'`,
		strings.Trim(table(collection), `"`))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	return out, rows.Err()
}

// indexes gives the CREATE statements by index name.
func indexes(schema docstore.Schema) map[string]string {
	out := map[string]string{}
	add := func(unique bool, body string) {
		kind := "INDEX"
		if unique {
			kind = "UNIQUE INDEX"
		}
		sum := sha256.Sum256([]byte(kind + " " + schema.Name + " " + body))
		name := "x_" + schema.Name + "_" + hex.EncodeToString(sum[:6])
		out[name] = "CREATE " + kind + ` "` + name + `" ON ` + table(schema.Name) + " " + body
	}
	add(false, "(waiting) WHERE pending IS NOT NULL")
	for _, ix := range schema.Indexes {
		if body, ok := indexBody(ix); ok {
			add(ix.Unique, body)
		}
	}
	return out
}

// indexBody leaves out paths from the first array on: SQLite cannot index the
// elements, and a query on them walks the documents that the rest of the
// filter leaves. A partial index that is not unique is made whole, because
// SQLite cannot prove a condition with bound values.
func indexBody(ix docstore.SchemaIndex) (string, bool) {
	cols := []string{"tenant"}
	for _, p := range ix.Paths {
		if p.ThroughArray() {
			break
		}
		cols = append(cols, value(p))
	}
	if len(cols) == 1 {
		return "", false
	}
	if !ix.Unique {
		return "(" + strings.Join(append(cols, "id"), ", ") + ")", true
	}
	var where []string
	for _, p := range ix.Paths {
		where = append(where, value(p)+" IS NOT NULL")
	}
	for _, e := range ix.Where {
		where = append(where, value(e.Path)+" = "+literal(e.Value))
	}
	return "(" + strings.Join(cols, ", ") + ") WHERE " + strings.Join(where, " AND "), true
}

// literal writes a value of a partial index's condition, where SQLite takes no
// bound ones. It comes from the program's own declarations.
func literal(v any) string {
	switch x := bound(v).(type) {
	case string:
		return "'" + strings.ReplaceAll(x, "'", "''") + "'"
	default:
		return fmt.Sprint(x)
	}
}
