package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// format of the files that are written. Those of another are written anew when
// they are opened, see upgrade.
const format = 2

// shape is what a file has.
type shape struct {
	format  int // 0: it is empty
	missing []*column
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// inspect compares a file with the columns that the registry asks for.
func (c *columns) inspect(ctx context.Context, db *sql.DB) (shape, error) {
	var s shape
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&s.format); err != nil {
		return s, err
	}
	if s.format != format {
		return s, nil
	}
	have, err := existing(ctx, db)
	if err != nil {
		return s, err
	}
	for i := range c.list {
		if col := &c.list[i]; !have[tables[col.home]+"."+col.name] {
			s.missing = append(s.missing, col)
		}
	}
	return s, nil
}

// existing gives table.column of every table that has columns of fields.
func existing(ctx context.Context, db querier) (map[string]bool, error) {
	out := map[string]bool{}
	for _, table := range tables {
		names, err := columnNames(ctx, db, table)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			out[table+"."+name] = true
		}
	}
	return out, nil
}

func columnNames(ctx context.Context, db querier, table string) ([]string, error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM pragma_table_info(?)", table)
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

func affinity(s storage) string {
	if s == inText {
		return "TEXT"
	}
	return "INTEGER"
}

func (c *columns) definition(h home) string {
	var cols strings.Builder
	for _, at := range c.of[h] {
		cols.WriteString(", " + c.list[at].name + " " + affinity(c.list[at].store))
	}
	return cols.String()
}

// create makes the tables of a new file.
func (c *columns) create(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	statements := []string{
		fmt.Sprintf("PRAGMA user_version = %d", format),
		`CREATE TABLE event (seq INTEGER PRIMARY KEY, t INTEGER NOT NULL, id NOT NULL, what INTEGER NOT NULL,
			who INTEGER, origin INTEGER, rest INTEGER` + c.definition(ofEvent) + `)`,
		// Half an id finds it, or few; the one that appends sees to it that none
		// is there twice.
		`CREATE INDEX event_id ON event (substr(id, 1, 8))`,
		`CREATE INDEX event_t ON event (t)`,
		`CREATE INDEX event_what ON event (what, t)`,
		`CREATE INDEX event_who ON event (who) WHERE who IS NOT NULL`,
		`CREATE INDEX event_origin ON event (origin) WHERE origin IS NOT NULL`,
		// The events of the numbers from first on, without gaps.
		`CREATE TABLE block (first INTEGER PRIMARY KEY, data BLOB NOT NULL)`,
		// value: text, or the 16 bytes of an address.
		`CREATE TABLE dict (code INTEGER PRIMARY KEY, value NOT NULL)`,
		`CREATE UNIQUE INDEX dict_value ON dict (value)`,
		// code: the negative number of a set; value: the code of a member.
		`CREATE TABLE member (code INTEGER NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (code, value)) WITHOUT ROWID`,
		`CREATE INDEX member_value ON member (value, code)`,
		`CREATE TABLE rollup (minute INTEGER NOT NULL, outcome INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (minute, outcome)) WITHOUT ROWID`,
		`CREATE VIRTUAL TABLE words USING fts5 (text, content='', columnsize=0, tokenize='ascii')`,
		// Every append is a segment of its own; merging eight at once instead of
		// four writes each word half as often.
		`INSERT INTO words (words, rank) VALUES ('automerge', 8)`,
		`INSERT INTO words (words, rank) VALUES ('crisismerge', 32)`,
		`CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row)`,
	}
	for h := ofWhat; h < homes; h++ {
		statements = append(statements, "CREATE TABLE "+tables[h]+" (n INTEGER PRIMARY KEY"+c.definition(h)+")")
	}
	for _, field := range []string{"user.name", "source.ip"} {
		col := c.byName[field]
		statements = append(statements, fmt.Sprintf("CREATE INDEX %[1]s_%[2]s ON %[1]s (%[2]s) WHERE %[2]s IS NOT NULL", tables[col.home], col.name))
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return tx.Commit()
}
