package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"varde.internal/schemas/ecs"
)

// storage is how a field lies in the table event.
type storage int

const (
	inCode   storage = iota // a number from the dictionary
	inSet                   // a number for the set of the field's values
	inNumber                // the number itself
	inText                  // the text itself: values that hardly repeat
	inWords                 // the full-text index; the column says that there is a message
	inTime                  // the column t
	inID                    // the column id
)

// column of the table event. field is the number of the field in the dictionary.
type column struct {
	name  string
	store storage
	field int64
	ecs   ecs.Field
}

// columns of one partition, by field name and in the order of the table.
type columns struct {
	list   []column
	byName map[string]*column
	insert string // INSERT of a whole event
}

// labelsField is the name under which all labels lie, as one set.
const labelsField = "labels"

// What is asked for most stands first in the row.
var hot = []string{"event.outcome", "event.action", "host.name", "user.name", "source.ip", "varde.attempt", "varde.vendor",
	"varde.system", "varde.account.name", "event.dataset", "event.category", "event.kind", "process.name", "service.name", "varde.source"}

// Indexes by value and time: a question for one of these values reads only its events.
var indexed = []string{"user.name", "source.ip", "host.name", "varde.vendor", "varde.system"}

func storageOf(f ecs.Field) storage {
	switch {
	case f.Name == "@timestamp":
		return inTime
	case f.Name == "event.id":
		return inID
	case f.Name == "event.hash":
		return inText
	case f.Type == ecs.Text:
		return inWords
	case f.Type == ecs.Keyword || f.Type == ecs.IP:
		if f.Many {
			return inSet
		}
		return inCode
	}
	return inNumber
}

func newColumns() *columns {
	c := &columns{byName: map[string]*column{}}
	seen := map[string]bool{}
	add := func(name string, f ecs.Field, s storage) {
		if seen[name] {
			return
		}
		seen[name] = true
		c.list = append(c.list, column{name: "f_" + strings.ReplaceAll(name, ".", "_"), store: s, ecs: f})
		c.list[len(c.list)-1].ecs.Name = name
	}
	for _, name := range hot {
		f, _ := ecs.Lookup(name)
		add(name, f, storageOf(f))
	}
	for _, f := range ecs.Fields() {
		if s := storageOf(f); !f.Stored && s != inTime && s != inID {
			add(f.Name, f, s)
		}
	}
	add(labelsField, ecs.Field{Type: ecs.Keyword, Many: true}, inSet)
	for i := range c.list {
		c.byName[c.list[i].ecs.Name] = &c.list[i]
	}
	c.byName["@timestamp"] = &column{name: "t", store: inTime}
	c.byName["event.id"] = &column{name: "id", store: inID}
	names := make([]string, len(c.list))
	for i := range c.list {
		names[i] = c.list[i].name
	}
	c.insert = "INSERT INTO event (seq, t, id, generation, sum, block, slot, " + strings.Join(names, ", ") +
		") VALUES (?" + strings.Repeat(", ?", 6+len(names)) + ") ON CONFLICT (id) DO NOTHING"
	return c
}

const format = 1

// declared gives the columns of a file that is up to date, nil for one that
// declare has to be called for.
func declared(ctx context.Context, db *sql.DB) (*columns, error) {
	c := newColumns()
	have, err := existing(ctx, db)
	if err != nil {
		return nil, err
	}
	for i := range c.list {
		if !have[c.list[i].name] {
			return nil, nil
		}
	}
	var stored int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&stored); err != nil || stored != format {
		return nil, err
	}
	numbers := map[string]int64{}
	rows, err := db.QueryContext(ctx, "SELECT name, n FROM field")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, err
		}
		numbers[name] = n
	}
	for i := range c.list {
		col := &c.list[i]
		if col.store == inCode || col.store == inSet {
			if col.field = numbers[col.ecs.Name]; col.field == 0 {
				return nil, nil
			}
		}
	}
	return c, rows.Err()
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// declare makes the tables of a new file, and adds the columns that the
// registry has got since an older one was made.
func declare(ctx context.Context, db *sql.DB) (*columns, error) {
	c := newColumns()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	have, err := existing(ctx, tx)
	if err != nil {
		return nil, err
	}
	var missing []*column
	if len(have) == 0 {
		if err := c.create(ctx, tx); err != nil {
			return nil, err
		}
	} else {
		var stored int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&stored); err != nil {
			return nil, err
		}
		if stored > format {
			return nil, fmt.Errorf("the file has format %d, this program reads up to %d", stored, format)
		}
		for i := range c.list {
			if !have[c.list[i].name] {
				missing = append(missing, &c.list[i])
				if _, err := tx.ExecContext(ctx, "ALTER TABLE event ADD COLUMN "+c.list[i].name+" "+affinity(c.list[i].store)); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := c.number(ctx, tx); err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		if err := backfill(ctx, tx, missing); err != nil {
			return nil, err
		}
	}
	return c, tx.Commit()
}

func affinity(s storage) string {
	if s == inText {
		return "TEXT"
	}
	return "INTEGER"
}

func existing(ctx context.Context, db querier) (map[string]bool, error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM pragma_table_info('event')")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out[name] = true
	}
	return out, rows.Err()
}

func (c *columns) create(ctx context.Context, tx *sql.Tx) error {
	var cols strings.Builder
	for _, col := range c.list {
		cols.WriteString(", " + col.name + " " + affinity(col.store))
	}
	statements := []string{
		fmt.Sprintf("PRAGMA user_version = %d", format),
		`CREATE TABLE event (seq INTEGER PRIMARY KEY, t INTEGER NOT NULL, id TEXT NOT NULL, generation INTEGER NOT NULL,
			sum BLOB NOT NULL, block INTEGER NOT NULL, slot INTEGER NOT NULL` + cols.String() + `)`,
		`CREATE UNIQUE INDEX event_id ON event (id)`,
		`CREATE INDEX event_t ON event (t)`,
		`CREATE TABLE block (n INTEGER PRIMARY KEY, data BLOB NOT NULL)`,
		`CREATE TABLE field (n INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)`,
		// value: text; the 16 bytes of an address; the members of a set in one.
		`CREATE TABLE dict (code INTEGER PRIMARY KEY, field INTEGER NOT NULL, value NOT NULL, UNIQUE (field, value))`,
		`CREATE TABLE member (field INTEGER NOT NULL, value NOT NULL, code INTEGER NOT NULL, PRIMARY KEY (field, value, code)) WITHOUT ROWID`,
		`CREATE INDEX member_code ON member (code)`,
		`CREATE TABLE rollup (minute INTEGER NOT NULL, outcome INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (minute, outcome)) WITHOUT ROWID`,
		`CREATE VIRTUAL TABLE words USING fts5 (text, content='', columnsize=0, tokenize='ascii')`,
		`CREATE VIRTUAL TABLE vocabulary USING fts5vocab (words, row)`,
	}
	for _, name := range indexed {
		col := "f_" + strings.ReplaceAll(name, ".", "_")
		statements = append(statements, "CREATE INDEX event_"+col+" ON event ("+col+", t) WHERE "+col+" IS NOT NULL")
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// number gives each field its number in the dictionary, which stays the same
// whatever order the registry has later.
func (c *columns) number(ctx context.Context, tx *sql.Tx) error {
	for i := range c.list {
		col := &c.list[i]
		if col.store != inCode && col.store != inSet {
			continue
		}
		err := tx.QueryRowContext(ctx, "SELECT n FROM field WHERE name = ?", col.ecs.Name).Scan(&col.field)
		if errors.Is(err, sql.ErrNoRows) {
			err = tx.QueryRowContext(ctx, "INSERT INTO field (name) VALUES (?) RETURNING n", col.ecs.Name).Scan(&col.field)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
