package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/tenant"
)

// asideMark and a time follow the name of a damaged file that was set aside. It
// is kept until a person removes it: it may hold what is nowhere else.
const (
	asideMark = ".damaged-"
	asideTime = "20060102T150405.000Z"
)

// mendedMark follows the name of a file whose events were put back; its time is
// that until which. Without it a partition that was set aside is incomplete.
const mendedMark = ".mended"

// damaged says whether an error tells of a file that is broken for good: SQLite
// finds its pages wrong, or that they are none, or a block cannot be read. What
// may pass by itself (no answer from the disk, a lock, a full disk, no more
// descriptors, a call that was given up) is not.
func damaged(err error) bool {
	if errors.Is(err, errBlock) {
		return true
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	primary := e.Code() & 0xff
	return primary == sqlite3.SQLITE_CORRUPT || primary == sqlite3.SQLITE_NOTADB
}

// setAside renames the file of a damaged partition, so that the others go on
// and a new one takes its place, which the archive fills again.
func (x *Index) setAside(p *partition, cause error) error {
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		return errClosed
	}
	if p.dropped { // by another call that met the same
		x.mu.Unlock()
		return nil
	}
	x.retire(p)
	at := time.Now().UTC().Truncate(time.Millisecond)
	x.mu.Unlock()
	to := p.path + asideMark + at.Format(asideTime)
	moved := false
	// What closing a damaged file says is of no interest: it is moved whatever it says.
	err := x.release(p, func() error {
		err := rename(p.path, to)
		if moved = err == nil; moved {
			_ = syncFile(filepath.Dir(p.path)) // without it a crash finds the damage a second time
			x.mu.Lock()
			x.aside[place{p.tenant, p.name}] = at
			x.mu.Unlock()
		}
		return err
	})
	if !moved {
		return fmt.Errorf("eventindex: set %s aside: %w", p.name, err)
	}
	if x.opt.SetAside != nil {
		x.opt.SetAside(string(p.tenant), p.name, filepath.Base(to), cause)
	}
	return nil
}

// rename moves a file with its log. The file itself comes last: a log that is
// left beside a new file would be taken for the new one's.
func rename(from, to string) error {
	for _, end := range []string{"-shm", "-wal", ""} {
		if err := os.Rename(from+end, to+end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// noteAside remembers when a file was set aside that lies in a tenant's folder.
// It is called under Index.mu.
func (x *Index) noteAside(t tenant.ID, file string) {
	if name, ok := strings.CutSuffix(file, suffix+mendedMark); ok {
		if info, err := os.Stat(filepath.Join(x.dir, string(t), file)); err == nil {
			x.mended[place{t, name}] = info.ModTime().UTC()
		}
		return
	}
	name, stamp, ok := strings.Cut(file, suffix+asideMark)
	if !ok {
		return
	}
	at, err := time.Parse(asideTime, stamp)
	if err == nil && at.After(x.aside[place{t, name}]) {
		x.aside[place{t, name}] = at
	}
}

func (x *Index) setAsideAt(p *partition) time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.aside[place{p.tenant, p.name}]
}

// Gaps lists the partitions of which a file was set aside that was not mended since.
func (x *Index) Gaps(ctx context.Context) ([]eventindex.Gap, error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, err := x.load(t); err != nil {
		return nil, err
	}
	var out []eventindex.Gap
	for at, since := range x.aside {
		if at.tenant == t && since.After(x.mended[at]) {
			out = append(out, eventindex.Gap{Partition: at.name, Since: since})
		}
	}
	slices.SortFunc(out, func(a, b eventindex.Gap) int { return cmp.Compare(a.Partition, b.Partition) })
	return out, nil
}

// Mended keeps the note beside the partition's file.
func (x *Index) Mended(ctx context.Context, name string, by time.Time) error {
	t, err := tenant.From(ctx)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, err := x.load(t); err != nil {
		return err
	}
	at := place{t, name}
	if x.aside[at].IsZero() || !by.After(x.mended[at]) {
		return nil
	}
	path := filepath.Join(x.dir, string(t), name+suffix+mendedMark)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("eventindex: %w", err)
	}
	if err := errors.Join(f.Close(), os.Chtimes(path, by, by)); err != nil {
		return fmt.Errorf("eventindex: %w", err)
	}
	x.mended[at] = by
	return nil
}

// dropAside removes what was set aside of a partition.
func (x *Index) dropAside(t tenant.ID, name string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, err := x.load(t); err != nil {
		return err
	}
	folder := filepath.Join(x.dir, string(t))
	files, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("eventindex: %w", err)
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), name+suffix+asideMark) || f.Name() == name+suffix+mendedMark {
			if err := remove(filepath.Join(folder, f.Name()), ""); err != nil {
				return err
			}
		}
	}
	delete(x.aside, place{t, name})
	delete(x.mended, place{t, name})
	return nil
}
