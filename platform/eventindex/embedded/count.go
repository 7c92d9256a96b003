package embedded

import (
	"context"
	"database/sql"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"varde.internal/platform/eventindex"
)

// count counts the events of a reading, up to the limit of totals.
func (x *Index) count(ctx context.Context, parts []timed, rd reading) (total int, exact bool, err error) {
	var sum atomic.Int64
	err = x.each(ctx, parts, rd, func(ctx context.Context, p timed) error {
		if sum.Load() > eventindex.TotalLimit {
			return nil
		}
		if rd.q.MatchesAll() && rd.from <= p.first && rd.to > p.last {
			sum.Add(int64(p.events))
			return nil
		}
		return x.reader(ctx, p.partition, func(db *sql.Conn) error {
			n, err := p.count(ctx, db, rd)
			sum.Add(n)
			return err
		})
	})
	if err != nil {
		return 0, false, err
	}
	if total = int(sum.Load()); total > eventindex.TotalLimit {
		return eventindex.TotalLimit, false, nil
	}
	return total, true, nil
}

func (p timed) count(ctx context.Context, db *sql.Conn, rd reading) (n int64, err error) {
	c, err := p.condition(ctx, db, rd)
	if err != nil {
		return 0, err
	}
	query, args := "SELECT count(*) FROM (SELECT 1 FROM event WHERE "+c.byValue()+" LIMIT ?)", c.args
	if c.whole && c.match != "" {
		// The full-text index knows of replaced events too; where there are none
		// it counts by itself.
		var replaced bool
		if err := db.QueryRowContext(ctx, "SELECT coalesce((SELECT max(seq) FROM event), 0) <> coalesce((SELECT sum(n) FROM rollup), 0)").Scan(&replaced); err != nil {
			return 0, err
		}
		if !replaced {
			query, args = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", []any{c.match}
		}
	}
	err = db.QueryRowContext(ctx, query, append(args, eventindex.TotalLimit+1)...).Scan(&n)
	return n, err
}

// atOnce is how many partitions one call reads at the same time.
var atOnce = min(4, runtime.GOMAXPROCS(0))

// each calls fn for those partitions that can have events of a reading, some
// at the same time, until one fails.
func (x *Index) each(ctx context.Context, parts []timed, rd reading, fn func(context.Context, timed) error) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	for _, p := range parts {
		if p.last < rd.from || p.first >= rd.to {
			continue
		}
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return fn(ctx, p)
		})
	}
	return work.Wait()
}
