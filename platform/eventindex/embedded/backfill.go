package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"varde.internal/schemas/ecs"
)

// backfill fills the columns that were added to an older file from the events
// themselves (N6), in the transaction that added them.
func backfill(ctx context.Context, tx *sql.Tx, missing []*column) error {
	var sets []string
	for _, col := range missing {
		sets = append(sets, col.name+" = ?")
	}
	update, err := tx.PrepareContext(ctx, "UPDATE event SET "+strings.Join(sets, ", ")+" WHERE block = ? AND slot = ?")
	if err != nil {
		return err
	}
	defer update.Close()
	a := &appending{p: &partition{codes: map[codeKey]int64{}}, tx: tx}
	for n := int64(0); ; {
		var data []byte
		err := tx.QueryRowContext(ctx, `SELECT n, data FROM block WHERE n > ? ORDER BY n LIMIT 1`, n).Scan(&n, &data)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		docs, err := unpack(data)
		if err != nil {
			return err
		}
		for slot, doc := range docs {
			var e ecs.Event
			if err := json.Unmarshal(doc, &e); err != nil {
				return fmt.Errorf("eventindex: stored event: %w", err)
			}
			args := make([]any, 0, len(missing)+2)
			for _, col := range missing {
				v, err := a.value(ctx, col, &e)
				if err != nil {
					return err
				}
				args = append(args, v)
			}
			if _, err := update.ExecContext(ctx, append(args, n, slot)...); err != nil {
				return err
			}
		}
	}
}
