// Package sqlite keeps docstore collections in one SQLite file: the embedded
// default. Many readers work beside one writer (WAL); writes that arrive
// together share one transaction and one fsync, and a write is on disk when
// its call returns (synchronous=FULL). Other processes may have the same file
// open, on the same machine.
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"varde.internal/platform/docstore"
)

// Store is an open file. It implements docstore.Store.
type Store struct {
	write   *writer
	read    *sql.DB
	signals docstore.Signals

	mu       sync.Mutex
	declared map[string]docstore.Schema
}

var _ docstore.Store = (*Store)(nil)

// Open opens, and makes if need be, the file of a URL like
// sqlite:///var/lib/varde/docs.db. The folder is made readable by the owner only.
func Open(ctx context.Context, rawURL string) (*Store, error) {
	return open(ctx, rawURL, "FULL")
}

// TB is what OpenTemp needs of *testing.T.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// OpenTemp gives a test its own empty store, closed and removed at its end. It
// does not wait for the disk.
func OpenTemp(t TB) *Store {
	t.Helper()
	s, err := open(context.Background(), "sqlite://"+filepath.Join(t.TempDir(), "docs.db"), "OFF")
	if err != nil {
		t.Fatalf("docstore: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Fatalf("docstore: close: %v", err)
		}
	})
	return s
}

func open(ctx context.Context, rawURL, synchronous string) (*Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "sqlite" || u.Host != "" || u.Path == "" {
		return nil, fmt.Errorf("docstore: %q is no address like sqlite:///folder/docs.db", rawURL)
	}
	if err := os.MkdirAll(filepath.Dir(u.Path), 0o700); err != nil {
		return nil, fmt.Errorf("docstore: %w", err)
	}
	// SQLite would make it readable by all; its -wal and -shm take this mode.
	f, err := os.OpenFile(u.Path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("docstore: %w", err)
	}
	_ = f.Close()

	w, err := sql.Open("sqlite", dsn(u.Path, synchronous, "immediate"))
	if err != nil {
		return nil, fmt.Errorf("docstore: %w", err)
	}
	w.SetMaxOpenConns(1)
	r, err := sql.Open("sqlite", dsn(u.Path, synchronous, "deferred")+"&_pragma=query_only(1)")
	if err != nil {
		return nil, fmt.Errorf("docstore: %w", err)
	}
	r.SetMaxOpenConns(max(4, runtime.NumCPU()))
	r.SetMaxIdleConns(4)
	s := &Store{write: newWriter(w), read: r, declared: map[string]docstore.Schema{}}
	if err := s.prepare(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func dsn(path, synchronous, lock string) string {
	q := url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(" + synchronous + ")",
		"foreign_keys(0)", "temp_store(MEMORY)", "journal_size_limit(67108864)",
		// What is deleted or replaced is written over with zeros: a free page
		// would keep it until it is used again, which may be never (R63). FAST
		// would leave whole pages that become free.
		"secure_delete(ON)",
	}, "_txlock": {lock}}
	return (&url.URL{Scheme: "file", Path: path}).String() + "?" + q.Encode()
}

func (s *Store) prepare(ctx context.Context) error {
	return s.write.do(ctx, func(tx execer) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS docstore_leases (
			name TEXT PRIMARY KEY, holder TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID`)
		if err != nil {
			return fmt.Errorf("docstore: %w", err)
		}
		return nil
	})
}

// Ready says whether the file can be read.
func (s *Store) Ready(ctx context.Context) error {
	var n int
	if err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM docstore_leases`).Scan(&n); err != nil {
		return fmt.Errorf("docstore: %w", err)
	}
	return nil
}

// Close waits for writes that run and closes the file.
func (s *Store) Close() error {
	rerr := s.read.Close()
	if err := s.write.close(); err != nil {
		return fmt.Errorf("docstore: %w", err)
	}
	return rerr
}

// Signals tells this process's relays of its writes.
func (s *Store) Signals() *docstore.Signals { return &s.signals }
