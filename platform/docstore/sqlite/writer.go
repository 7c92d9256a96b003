package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// execer is what a write may use: the transaction of its batch.
type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// writer runs all writes of this process on one connection. Writes that wait
// while another batch commits share the next transaction, each under its own
// savepoint, so one fsync serves many (group commit).
type writer struct {
	db    *sql.DB
	queue chan job
	done  chan struct{}

	mu     sync.RWMutex // guards queue against sends after close
	closed bool
}

type job struct {
	ctx    context.Context
	fn     func(execer) error
	result chan error
}

const maxBatch = 128

var errClosed = errors.New("store is closed")

func newWriter(db *sql.DB) *writer {
	w := &writer{db: db, queue: make(chan job, maxBatch), done: make(chan struct{})}
	go w.loop()
	return w
}

// do runs fn in a transaction and returns when it is committed. A write that
// has not begun when ctx ends is not done; one that has begun runs to its end,
// and its caller learns of ctx's end at once: then the write may have happened.
func (w *writer) do(ctx context.Context, fn func(execer) error) error {
	j := job{ctx: ctx, fn: fn, result: make(chan error, 1)}
	if err := w.enqueue(ctx, j); err != nil {
		return err
	}
	select {
	case err := <-j.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) enqueue(ctx context.Context, j job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return errClosed
	}
	select {
	case w.queue <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	<-w.done
	return w.db.Close()
}

func (w *writer) loop() {
	defer close(w.done)
	for j := range w.queue {
		batch := []job{j}
	fill:
		for len(batch) < maxBatch {
			select {
			case more, open := <-w.queue:
				if !open {
					break fill
				}
				batch = append(batch, more)
			default:
				break fill
			}
		}
		w.run(batch)
	}
}

// run answers every job of the batch. Errors of one job undo that job only; an
// error of the commit is everyone's.
func (w *writer) run(batch []job) {
	ctx := context.Background()
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		answer(batch, nil, fmt.Errorf("begin: %w", err))
		return
	}
	errs := make([]error, len(batch))
	for i, j := range batch {
		if errs[i] = j.ctx.Err(); errs[i] == nil {
			errs[i] = w.step(ctx, tx, j)
		}
	}
	if err := tx.Commit(); err != nil {
		_ = tx.Rollback()
		answer(batch, errs, fmt.Errorf("commit: %w", err))
		return
	}
	answer(batch, errs, nil)
}

func (w *writer) step(ctx context.Context, tx *sql.Tx, j job) error {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT job`); err != nil {
		return err
	}
	err := j.fn(steady{tx})
	if err != nil {
		if _, rerr := tx.ExecContext(ctx, `ROLLBACK TO job`); rerr != nil {
			return errors.Join(err, rerr)
		}
	}
	if _, rerr := tx.ExecContext(ctx, `RELEASE job`); rerr != nil {
		return errors.Join(err, rerr)
	}
	return err
}

// steady carries a statement to its end when its caller has gone: SQLite would
// undo the transaction, and with it the writes of everyone in the batch.
type steady struct{ tx *sql.Tx }

func (s steady) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return s.tx.ExecContext(context.WithoutCancel(ctx), query, args...)
}

func (s steady) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.tx.QueryContext(context.WithoutCancel(ctx), query, args...)
}

func (s steady) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return s.tx.QueryRowContext(context.WithoutCancel(ctx), query, args...)
}

func answer(batch []job, errs []error, all error) {
	for i, j := range batch {
		switch {
		case all != nil:
			j.result <- all
		default:
			j.result <- errs[i]
		}
	}
}
