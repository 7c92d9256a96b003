package embedded

import (
	"context"
	"database/sql"
	"strings"

	"varde.internal/platform/eventindex"
)

var knownQuery = "SELECT id FROM event WHERE substr(id, 1, 8) IN (substr(?, 1, 8)" + strings.Repeat(", substr(?, 1, 8)", 63) + ")"

// collide decides about an id that is there already. Where the event replaces
// it, the old row is removed; what the full-text index has under its number is
// never looked at again, because numbers are not reused.
func (a *appending) collide(ctx context.Context, in incoming) (eventindex.Status, error) {
	if err := a.flush(ctx); err != nil { // it may have come in this very batch
		return 0, err
	}
	f := found{Position: eventindex.Position{ID: in.event.Event.ID}}
	var what int64
	var outcome sql.NullInt64
	err := a.conn.QueryRowContext(ctx, `SELECT seq, t, what, f_event_created, f_event_ingested FROM event WHERE `+withID, packID(f.ID)).
		Scan(&f.seq, &f.Time, &what, &f.created, &f.ingested)
	if err != nil {
		return 0, err
	}
	doc, err := a.document(ctx, f.seq)
	if err != nil {
		return 0, err
	}
	stored, err := restore(doc, f)
	if err != nil {
		return 0, err
	}
	equal, err := same(stored, in.event)
	if err != nil {
		return 0, err
	}
	status := eventindex.Compare(stored.Varde.Generation, in.event.Varde.Generation, equal, eventindex.SameLine(&stored, in.event))
	if status != eventindex.Replaced {
		return status, nil
	}
	if err := a.conn.QueryRowContext(ctx, `SELECT f_event_outcome FROM what WHERE n = ?`, what).Scan(&outcome); err != nil {
		return 0, err
	}
	if _, err := a.conn.ExecContext(ctx, `DELETE FROM event WHERE seq = ?`, f.seq); err != nil {
		return 0, err
	}
	a.rollup[[2]int64{f.Time / minute, outcome.Int64}]--
	return status, nil
}

// document gives that of a number, which may not be in the file yet.
func (a *appending) document(ctx context.Context, seq int64) ([]byte, error) {
	if at := seq - a.tail.first; at >= 0 && at < int64(len(a.tail.docs)) {
		return a.tail.docs[at], nil
	}
	first, docs, err := readBlock(ctx, a.conn, seq)
	if err != nil {
		return nil, err
	}
	return docs[seq-first], nil
}
