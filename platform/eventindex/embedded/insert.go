package embedded

import (
	"context"
	"database/sql"
	"strings"
)

// inserter gathers rows of a table and puts many in with one statement: what a
// statement costs is mostly its beginning and its end.
type inserter struct {
	a    *appending
	into string // table and columns
	cols int
	args []any
}

func (a *appending) into(table string, cols int) *inserter {
	return &inserter{a: a, into: table, cols: cols}
}

// Rows of one statement: the most, one in between, and one.
var together = [...]int{32, 8, 1}

// row adds a row; its values are those of all columns in order.
func (i *inserter) row(ctx context.Context, values ...any) error {
	i.args = append(i.args, values...)
	return i.full(ctx)
}

// full writes when there are enough rows for the largest statement.
func (i *inserter) full(ctx context.Context) error {
	if len(i.args) < together[0]*i.cols {
		return nil
	}
	return i.flush(ctx)
}

// flush writes what was gathered.
func (i *inserter) flush(ctx context.Context) error {
	args := i.args
	for _, n := range together {
		for len(args) >= n*i.cols {
			if err := i.write(ctx, n, args[:n*i.cols]); err != nil {
				return err
			}
			args = args[n*i.cols:]
		}
	}
	clear(i.args)
	i.args = i.args[:0]
	return nil
}

func (i *inserter) write(ctx context.Context, rows int, args []any) error {
	one := "(?" + strings.Repeat(",?", i.cols-1) + ")"
	stmt, err := i.a.prepared(ctx, "INSERT INTO "+i.into+" VALUES "+one+strings.Repeat(","+one, rows-1)) //nolint:sqlclosecheck // the partition keeps it
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx, args...)
	return err
}

// prepared gives a statement, which the writer's connection keeps.
func (a *appending) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if s := a.p.statements[text]; s != nil {
		return s, nil
	}
	s, err := a.conn.PrepareContext(ctx, text)
	if err == nil {
		a.p.statements[text] = s
	}
	return s, err
}

// query calls fn for every row of an answer.
func (a *appending) query(ctx context.Context, text string, args []any, fn func(*sql.Rows) error) error {
	stmt, err := a.prepared(ctx, text) //nolint:sqlclosecheck // the partition keeps it
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
