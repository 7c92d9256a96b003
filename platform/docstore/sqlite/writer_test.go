package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Writes that wait together share a transaction. One whose caller goes away in
// the middle of a statement must not take the others with it: SQLite would undo
// the whole transaction.
func TestAWriteWhoseCallerLeavesUndoesNoOther(t *testing.T) {
	t.Parallel()
	s := OpenTemp(t)
	ctx := t.Context()
	require.NoError(t, s.write.do(ctx, func(tx execer) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE x (n INTEGER)`)
		return err
	}))
	hold, held := make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		first <- s.write.do(ctx, func(execer) error { close(held); <-hold; return nil })
	}()
	<-held // what comes now waits for the next transaction
	insert := func(ctx context.Context, query string) chan error {
		done := make(chan error, 1)
		j := job{ctx: ctx, result: done, fn: func(tx execer) error {
			_, err := tx.ExecContext(ctx, query)
			return err
		}}
		require.NoError(t, s.write.enqueue(ctx, j))
		return done
	}
	leaving, leave := context.WithCancel(ctx)
	before := insert(ctx, `INSERT INTO x VALUES (1)`)
	slow := insert(leaving, `INSERT INTO x WITH RECURSIVE c(n) AS (SELECT 10 UNION ALL SELECT n+1 FROM c WHERE n < 50000) SELECT n FROM c`)
	after := insert(ctx, `INSERT INTO x VALUES (2)`)
	close(hold)
	time.AfterFunc(5*time.Millisecond, leave)
	require.NoError(t, <-first)
	require.NoError(t, <-before)
	require.NoError(t, <-after)
	<-slow // it has begun, so it runs to its end; or it never began
	var n int
	require.NoError(t, s.read.QueryRowContext(ctx, `SELECT count(*) FROM x WHERE n < 10`).Scan(&n))
	require.Equal(t, 2, n)
}
