package embedded

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"varde.internal/platform/eventindex"
	"varde.internal/schemas/ecs"
)

// current makes the file one of the present format with a column for every
// field of the registry, whatever it was (N6). It is called with the reader
// open and nobody using p.
func (p *partition) current(ctx context.Context) error {
	p.cols = newColumns()
	s, err := p.cols.inspect(ctx, p.read)
	switch {
	case err != nil:
		return err
	case s.format > format:
		return fmt.Errorf("the file has format %d, this program reads up to %d", s.format, format)
	case s.format == 0:
		if err := p.openWriter(); err != nil {
			return err
		}
		return p.cols.create(ctx, p.write)
	case s.format == format && len(s.missing) == 0:
		return nil
	case s.format == format:
		has, err := p.mentions(ctx, s.missing)
		if err != nil {
			return err
		}
		if !has {
			return p.addColumns(ctx, s.missing)
		}
	}
	return p.rewrite(ctx, s.format)
}

// mentions says whether an event in the file can have a value for one of the
// columns: whether the last part of its name stands in the JSON of any.
func (p *partition) mentions(ctx context.Context, missing []*column) (bool, error) {
	var keys [][]byte
	for _, col := range missing {
		name := col.ecs.Name
		keys = append(keys, []byte(`"`+name[strings.LastIndexByte(name, '.')+1:]+`":`))
	}
	for first := int64(0); ; {
		var data []byte
		err := p.read.QueryRowContext(ctx, "SELECT first, data FROM block WHERE first > ? ORDER BY first LIMIT 1", first).Scan(&first, &data)
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		docs, err := unpack(data)
		if err != nil {
			return false, err
		}
		for _, doc := range docs {
			for _, key := range keys {
				if bytes.Contains(doc, key) {
					return true, nil
				}
			}
		}
	}
}

func (p *partition) addColumns(ctx context.Context, missing []*column) error {
	if err := p.openWriter(); err != nil {
		return err
	}
	tx, err := p.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, col := range missing {
		if _, err := tx.ExecContext(ctx, "ALTER TABLE "+tables[col.home]+" ADD COLUMN "+col.name+" "+affinity(col.store)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// rewrite puts the events of the file into a new one beside it, which then
// takes its place. What a crash left of an earlier try is removed.
func (p *partition) rewrite(ctx context.Context, from int) (err error) {
	fresh := &partition{name: p.name, tenant: p.tenant, path: p.path + ".new", unsafe: true}
	if err := remove(fresh.path, files...); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("bring to format %d: %w", format, err), fresh.closeFiles(), remove(fresh.path, files...))
		}
	}()
	if err := fresh.openFiles(ctx); err != nil {
		return err
	}
	each := p.eachEvent
	if from == 1 {
		each = p.eachOfFirst
	}
	var batch []incoming
	flush := func() error {
		err := fresh.append(ctx, batch)
		batch = batch[:0]
		return err
	}
	err = each(ctx, func(e ecs.Event) error {
		in, reason := prepare(&e, "")
		if reason != "" {
			return fmt.Errorf("a stored event cannot be stored: %s", reason)
		}
		in.result = &eventindex.Result{}
		if batch = append(batch, in); len(batch) < 1000 {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	if err := p.replaceBy(ctx, fresh); err != nil {
		return err
	}
	p.cols = newColumns()
	return p.openReader()
}

// replaceBy puts the file of another partition, which nothing has waited for
// the disk with yet, in the place of p's.
func (p *partition) replaceBy(ctx context.Context, fresh *partition) error {
	if err := fresh.fold(ctx); err != nil {
		return err
	}
	if err := syncFile(fresh.path); err != nil {
		return err
	}
	if err := p.fold(ctx); err != nil {
		return err
	}
	if err := os.Rename(fresh.path, p.path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(p.path))
}

// fold puts the log into the file, and closes it: a log left beside a file that
// is replaced would be taken for the new one's.
func (p *partition) fold(ctx context.Context) error {
	if err := p.openWriter(); err != nil {
		return err
	}
	var busy, pages, moved int
	var on rower = p.write
	if p.conn != nil {
		on = p.conn
	}
	if err := on.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
		return err
	}
	if err := p.closeFiles(); err != nil {
		return err
	}
	if info, err := os.Stat(p.path + "-wal"); busy != 0 || err == nil && info.Size() > 0 {
		return errors.New("another program has the file open")
	}
	return remove(p.path, "-wal", "-shm")
}

var files = []string{"", "-wal", "-shm"}

func remove(path string, ends ...string) error {
	var errs []error
	for _, end := range ends {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("eventindex: %w", err))
		}
	}
	return errors.Join(errs...)
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// eachEvent reads the events of a file of the present format.
func (p *partition) eachEvent(ctx context.Context, fn func(ecs.Event) error) error {
	rows, err := p.read.QueryContext(ctx, "SELECT "+placeColumns+" FROM event ORDER BY seq")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var first int64
	var docs [][]byte
	for rows.Next() {
		f, err := scanPlace(rows)
		if err != nil {
			return err
		}
		if docs == nil || f.seq-first >= int64(len(docs)) {
			if first, docs, err = readBlock(ctx, p.read, f.seq); err != nil {
				return err
			}
		}
		e, err := restore(docs[f.seq-first], f)
		if err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

// eachOfFirst reads the events of a file of format 1: whole documents, 64 in
// each block, and rows that name their block and slot.
func (p *partition) eachOfFirst(ctx context.Context, fn func(ecs.Event) error) error {
	rows, err := p.read.QueryContext(ctx, "SELECT block, slot FROM event ORDER BY block, slot")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var at int64
	var docs [][]byte
	for rows.Next() {
		var block, slot int64
		if err := rows.Scan(&block, &slot); err != nil {
			return err
		}
		if block != at {
			if docs, err = blockOfFirst(ctx, p.read, block); err != nil {
				return err
			}
			at = block
		}
		if slot >= int64(len(docs)) {
			return errBlock
		}
		var e ecs.Event
		if err := json.Unmarshal(docs[slot], &e); err != nil {
			return fmt.Errorf("stored event: %w", err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return rows.Err()
}

func blockOfFirst(ctx context.Context, db *sql.DB, n int64) ([][]byte, error) {
	var data []byte
	if err := db.QueryRowContext(ctx, `SELECT data FROM block WHERE n = ?`, n).Scan(&data); err != nil {
		return nil, err
	}
	return unpack(data)
}
