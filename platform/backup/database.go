package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"modernc.org/sqlite"
)

// databaseEnds are the names our SQLite files have. Others are recognised by
// their copy's first bytes: the file itself must not be opened beside SQLite
// in the same process, because closing it would drop SQLite's locks.
var databaseEnds = []string{".sqlite", ".db", ".events"}

func isDatabase(path string) bool {
	if slices.Contains(databaseEnds, filepath.Ext(path)) {
		return true
	}
	_, err := os.Stat(path + "-wal")
	return err == nil
}

func hasDatabaseHeader(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 16)
	n, _ := f.Read(head)
	return string(head[:n]) == "SQLite format 3\x00"
}

// databases lists the SQLite files of a folder.
func databases(dir string) ([]string, error) {
	var out []string
	err := walk(dir, func(path string, isDir bool) error {
		if !isDir && isDatabase(path) {
			out = append(out, path)
		}
		return nil
	})
	return out, err
}

func address(path, mode string) string {
	q := url.Values{"mode": {mode}, "_pragma": {"busy_timeout(30000)"}}
	return (&url.URL{Scheme: "file", Path: path}).String() + "?" + q.Encode()
}

// connect gives one connection to an existing database.
func connect(ctx context.Context, path string) (*sql.Conn, func(), error) {
	if _, err := os.Stat(path); err != nil {
		return nil, nil, err
	}
	db, err := sql.Open("sqlite", address(path, "rw"))
	if err != nil {
		return nil, nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return nil, nil, err
	}
	return conn, func() { _ = conn.Close(); _ = db.Close() }, nil
}

// frozen runs fn while no process can write the databases.
func frozen(ctx context.Context, paths []string, fn func() error) error {
	for _, path := range paths {
		conn, done, err := connect(ctx, path)
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		defer done()
		if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
			return fmt.Errorf("backup: stop writes: %w", err)
		}
		defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") }()
	}
	return fn()
}

// pinned is a database as it was when pin was called, whatever is written since.
type pinned struct {
	conn *sql.Conn
	done func()
}

func pin(ctx context.Context, path string) (*pinned, error) {
	conn, done, err := connect(ctx, path)
	if err != nil {
		return nil, err
	}
	p := &pinned{conn: conn, done: done}
	var n int
	if _, err = conn.ExecContext(ctx, "BEGIN"); err == nil {
		// A transaction begins with its first read.
		err = conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&n)
	}
	if err != nil {
		p.close()
		return nil, fmt.Errorf("backup: %s: %w", filepath.Base(path), err)
	}
	return p, nil
}

func (p *pinned) close() {
	_, _ = p.conn.ExecContext(context.Background(), "ROLLBACK")
	p.done()
}

// copyTo writes the database to a new file with SQLite's online backup. The
// backup reads through the pinned transaction, so writers neither wait for it
// nor make it begin again.
func (p *pinned) copyTo(ctx context.Context, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	err = p.conn.Raw(func(driver any) error {
		source, ok := driver.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		})
		if !ok {
			return fmt.Errorf("the driver %T has no online backup", driver)
		}
		b, err := source.NewBackup(address(to, "rw"))
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if err = ctx.Err(); err == nil {
				more, err = b.Step(1024)
			}
		}
		return errors.Join(err, b.Finish())
	})
	if err != nil {
		return err
	}
	return check(ctx, to)
}

// check makes the copy one file without side files, and looks for damage that
// the source may have had.
func check(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", address(path, "rw"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { _ = db.Close() }()
	var mode, result string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode=DELETE").Scan(&mode); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return err
	}
	if result != "ok" {
		return fmt.Errorf("the database is damaged: %s", result)
	}
	return nil
}
