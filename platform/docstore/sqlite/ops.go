package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"modernc.org/sqlite"

	"varde.internal/platform/docstore"
)

// SQLite's extended result codes, https://www.sqlite.org/rescode.html.
const (
	codePrimaryKey = 1555
	codeUnique     = 2067
)

func mapError(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && (e.Code() == codePrimaryKey || e.Code() == codeUnique) {
		return docstore.ErrExists
	}
	return err
}

// Insert implements docstore.Backend.
func (s *Store) Insert(ctx context.Context, collection string, r docstore.Record) error {
	pending, err := encodePending(nil, r.Pending)
	if err != nil {
		return err
	}
	return s.write.do(ctx, func(tx execer) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO `+table(collection)+
			` (tenant, id, version, schema, updated, doc, pending, waiting) VALUES (?,?,?,?,?,?,?,?)`,
			r.Tenant, r.ID, r.Version, r.Schema, r.Updated, string(r.Doc), pending, waiting(pending, r.Updated))
		return mapError(err)
	})
}

func encodePending(old []docstore.PendingMessage, more []docstore.PendingMessage) (any, error) {
	all := append(old, more...)
	if len(all) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(all)
	return string(raw), err
}

func waiting(pending any, since string) any {
	if pending == nil {
		return nil
	}
	return since
}

const columns = `tenant, id, version, schema, updated, doc`

func scan(rows *sql.Rows) (docstore.Record, error) {
	var r docstore.Record
	err := rows.Scan(&r.Tenant, &r.ID, &r.Version, &r.Schema, &r.Updated, &r.Doc)
	return r, err
}

// Get implements docstore.Backend.
func (s *Store) Get(ctx context.Context, collection string, scope docstore.Scope, id string) (docstore.Record, error) {
	query, args := `SELECT `+columns+` FROM `+table(collection)+` WHERE tenant = ? AND id = ?`, []any{scope.Tenant, id}
	if scope.System {
		query, args = `SELECT `+columns+` FROM `+table(collection)+` WHERE id = ? LIMIT 2`, []any{id}
	}
	found, err := s.records(ctx, query, args...)
	switch {
	case err != nil:
		return docstore.Record{}, err
	case len(found) == 0:
		return docstore.Record{}, docstore.ErrNotFound
	case len(found) > 1:
		return docstore.Record{}, docstore.ErrAmbiguous
	default:
		return found[0], nil
	}
}

func (s *Store) records(ctx context.Context, query string, args ...any) ([]docstore.Record, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []docstore.Record
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Replace implements docstore.Backend.
func (s *Store) Replace(ctx context.Context, collection string, r docstore.Record) error {
	t := table(collection)
	return s.write.do(ctx, func(tx execer) error {
		version, old, since, err := outbox(ctx, tx, t, r.Tenant, r.ID)
		if err != nil {
			return err
		}
		if version != r.Version-1 {
			return docstore.ErrConflict
		}
		pending, err := encodePending(old, r.Pending)
		if err != nil {
			return err
		}
		if len(old) == 0 {
			since = r.Updated
		}
		_, err = tx.ExecContext(ctx, `UPDATE `+t+` SET version=?, schema=?, updated=?, doc=?, pending=?, waiting=? WHERE tenant=? AND id=?`,
			r.Version, r.Schema, r.Updated, string(r.Doc), pending, waiting(pending, since), r.Tenant, r.ID)
		return mapError(err)
	})
}

// outbox reads, inside a write, what a document has pending.
func outbox(ctx context.Context, tx execer, t, tenant, id string) (version int64, pending []docstore.PendingMessage, since string, err error) {
	var raw, at sql.NullString
	err = tx.QueryRowContext(ctx, `SELECT version, pending, waiting FROM `+t+` WHERE tenant=? AND id=?`, tenant, id).Scan(&version, &raw, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil, "", docstore.ErrNotFound
	}
	if err == nil && raw.Valid {
		err = json.Unmarshal([]byte(raw.String), &pending)
	}
	return version, pending, at.String, err
}

// Delete implements docstore.Backend.
func (s *Store) Delete(ctx context.Context, collection, tenant, id string) error {
	t := table(collection)
	return s.write.do(ctx, func(tx execer) error {
		_, pending, _, err := outbox(ctx, tx, t, tenant, id)
		switch {
		case err != nil:
			return err
		case len(pending) > 0:
			return docstore.ErrPending
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM `+t+` WHERE tenant=? AND id=?`, tenant, id)
		return err
	})
}

// Find implements docstore.Backend.
func (s *Store) Find(ctx context.Context, collection string, q docstore.Query) ([]docstore.Record, error) {
	cond, args := where(q)
	return s.records(ctx, `SELECT `+columns+` FROM `+table(collection)+` WHERE `+cond+
		` ORDER BY `+orderBy(q)+` LIMIT ?`, append(args, q.Limit)...)
}

// Count implements docstore.Backend.
func (s *Store) Count(ctx context.Context, collection string, q docstore.Query) (int, error) {
	cond, args := where(q)
	var n int
	err := s.read.QueryRowContext(ctx, `SELECT count(*) FROM `+table(collection)+` WHERE `+cond, args...).Scan(&n)
	return n, err
}

// GroupCount implements docstore.Backend.
func (s *Store) GroupCount(ctx context.Context, collection string, q docstore.Query, path docstore.Path) ([]docstore.Group, error) {
	cond, args := where(q)
	query := `SELECT ` + value(path) + ` AS v, count(*) FROM ` + table(collection) + ` WHERE ` + cond + ` GROUP BY v`
	if path.ThroughArray() {
		from, val := unwind(`(SELECT doc FROM `+table(collection)+` WHERE `+cond+`) AS d`, path)
		query = `SELECT ` + val + ` AS v, count(*) FROM ` + from + ` GROUP BY v`
	}
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []docstore.Group
	for rows.Next() {
		var g docstore.Group
		if err := rows.Scan(&g.Value, &g.Count); err != nil {
			return nil, err
		}
		if n, ok := g.Value.(int64); ok && path.Kind == docstore.KindBool {
			g.Value = n != 0
		}
		out = append(out, g)
	}
	return out, rows.Err()
}

// unwind joins the elements of each array on the path.
func unwind(from string, path docstore.Path) (tables, val string) {
	src, start := "d.doc", 0
	for i, s := range path.Steps {
		if !s.Each {
			continue
		}
		u := fmt.Sprintf("u%d", i)
		from += fmt.Sprintf(" JOIN json_each(%s,%s) AS %s ON typeof(%s.key)='integer'", src, jsonPath(path.Steps[start:i+1]), u, u)
		if i < len(path.Steps)-1 {
			from += " AND " + u + ".type='object'"
		}
		src, start = u+".value", i+1
		val = u + ".atom"
	}
	if start < len(path.Steps) {
		val = "json_extract(" + src + "," + jsonPath(path.Steps[start:]) + ")"
	}
	return from, val
}

// Pending implements docstore.Backend.
func (s *Store) Pending(ctx context.Context, collection string, limit int) ([]docstore.PendingDoc, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT tenant, id, pending FROM `+table(collection)+
		` WHERE pending IS NOT NULL ORDER BY waiting LIMIT ?`, limit)
	if err != nil {
		if strings.Contains(err.Error(), "no such table") {
			return nil, nil // nothing was declared yet
		}
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []docstore.PendingDoc
	for rows.Next() {
		var d docstore.PendingDoc
		var raw []byte
		if err := rows.Scan(&d.Tenant, &d.ID, &raw); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &d.Messages); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// ClearPending implements docstore.Backend.
func (s *Store) ClearPending(ctx context.Context, collection, tenant, id string, seq int64) error {
	t := table(collection)
	return s.write.do(ctx, func(tx execer) error {
		_, old, since, err := outbox(ctx, tx, t, tenant, id)
		if errors.Is(err, docstore.ErrNotFound) {
			return nil // another relay cleared it and it was deleted
		}
		if err != nil {
			return err
		}
		var left []docstore.PendingMessage
		for _, m := range old {
			if m.Seq > seq {
				left = append(left, m)
			}
		}
		pending, err := encodePending(nil, left)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE `+t+` SET pending=?, waiting=? WHERE tenant=? AND id=?`, pending, waiting(pending, since), tenant, id)
		return err
	})
}

// Lease implements docstore.Backend.
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	got := false
	err := s.write.do(ctx, func(tx execer) error {
		now := time.Now()
		res, err := tx.ExecContext(ctx, `INSERT INTO docstore_leases (name, holder, expires) VALUES (?,?,?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires = excluded.expires
			WHERE docstore_leases.holder = excluded.holder OR docstore_leases.expires < ?`,
			name, holder, now.Add(ttl).UnixMilli(), now.UnixMilli())
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		got = n > 0
		return err
	})
	if err != nil {
		return false, err // fn may still run
	}
	return got, nil
}

// Release implements docstore.Backend.
func (s *Store) Release(ctx context.Context, name, holder string) error {
	return s.write.do(ctx, func(tx execer) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM docstore_leases WHERE name=? AND holder=?`, name, holder)
		return err
	})
}
