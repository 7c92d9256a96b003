// Package backup copies an all-in-one installation while it runs, and restores
// the copy (N5). It needs only the files: the running process takes no part,
// apart from SQLite's own locks.
//
// # Why the copy is consistent
//
// The parts of an installation are written at different times, so a copy taken
// file by file would mix states. Delivery between the parts is at least once,
// and every consumer makes a repeat harmless; so the copy needs not be of one
// instant, it only must not hold an effect's acknowledgement without the
// effect. There are three such pairs, and the order of copying keeps each:
//
//   - a consumer writes a document, then commits its offset to the bus: offsets
//     are copied after writes to the documents were stopped, and the documents
//     as they were then are what is copied
//   - a relay publishes a message, then clears it from its document's outbox
//     (and the collector publishes, then stores its position): messages are
//     copied while the documents stand still, so what was cleared before is in
//     the bus's copy, and what is published meanwhile is still in the outbox
//   - the indexer writes events, then commits its offset: event partitions are
//     copied after the offsets
//
// Documents stand still because the backup holds SQLite's write lock on them
// (their writers wait, readers do not) while it copies what changed in the bus
// and the files since a first copy taken before. That takes milliseconds, and
// about a second where there are hundreds of thousands of files;
// Manifest.Frozen tells. The documents
// themselves are copied afterwards from a read transaction begun before the
// lock was released. Within the bus, offsets are copied before messages, and
// segments oldest first; a message that was just being written is cut off
// there, as after a crash, and comes again from the outbox or the source.
//
// Files (blobs) are copied before, and what is new once more while the documents
// stand still: a file is stored before a document names it and removed after
// none does, so every file that a copied document names is there.
//
// # What is not in a backup
//
// The keys: see keyring.Export. Without them a backup's files and identities
// cannot be read, and with them beside it they could be read by anyone who
// finds it. Documents and events are as readable in the backup as in the data
// folder: keep it on encrypted storage. Also left out are the bus's password
// (made anew) and lock files.
package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"varde.internal/platform/id"
)

// The folders of an all-in-one installation's data. Everything beside them is
// copied as plain files.
const (
	foldDocuments = "documents"
	foldBus       = "bus"
	foldFiles     = "files"
)

// Source is what is copied.
type Source struct {
	// Data is the installation's data folder.
	Data string
	// Keys is the folder of its keys, left out if it lies inside Data; empty
	// means Data/keys.
	Keys string
	// Config is its configuration file, empty if there is none.
	Config string
}

// ErrNotEmpty is returned for a destination that has something in it.
var ErrNotEmpty = errors.New("backup: the folder is not empty")

// Create copies src into the folder dir, which must be empty or absent, and
// leaves it so when it fails. The backup is complete when its manifest is
// there, which is written last: a copy without one is of a process that was
// killed. The installation may be running or stopped.
func Create(ctx context.Context, src Source, dir string) (m Manifest, err error) {
	began := time.Now()
	if info, err := os.Stat(src.Data); err != nil || !info.IsDir() {
		return Manifest{}, fmt.Errorf("backup: %s is no data folder", src.Data)
	}
	if inside(dir, src.Data) {
		return Manifest{}, errors.New("backup: the backup must not lie inside the data folder")
	}
	_, absent := os.Stat(dir)
	if err := emptyFolder(dir); err != nil {
		return Manifest{}, err
	}
	defer func() {
		if err != nil {
			m, err = Manifest{}, errors.Join(err, takeBack(dir, errors.Is(absent, os.ErrNotExist)))
		}
	}()
	if src.Keys == "" {
		src.Keys = filepath.Join(src.Data, "keys")
	}
	c := &creator{src: src, dst: filepath.Join(dir, dataFolder), kinds: map[string]string{}}
	if err := c.copyAll(ctx); err != nil {
		return Manifest{}, err
	}
	if src.Config != "" {
		if err := copyFile(src.Config, filepath.Join(dir, configFile)); err != nil {
			return Manifest{}, fmt.Errorf("backup: configuration: %w", err)
		}
	}
	m = Manifest{Format: format, ID: id.New(), Created: began.UTC(), Frozen: c.frozen.Round(time.Millisecond).String(), Keys: "apart"}
	if err = m.describe(ctx, dir, c.kinds); err == nil {
		m.Took = time.Since(began).Round(time.Millisecond).String()
		err = m.write(dir)
	}
	return m, err
}

// takeBack removes what was copied, and the folder too where it was made for it:
// half a backup could be taken for one, and holds personal data.
func takeBack(dir string, made bool) error {
	if made {
		return os.RemoveAll(dir)
	}
	entries, err := os.ReadDir(dir)
	errs := []error{err}
	for _, e := range entries {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return errors.Join(errs...)
}

type creator struct {
	src    Source
	dst    string
	frozen time.Duration
	kinds  map[string]string // by path in the backup
}

func (c *creator) copyAll(ctx context.Context) error {
	if err := os.MkdirAll(c.dst, 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	moving := blobMirrors(filepath.Join(c.src.Data, foldFiles), filepath.Join(c.dst, foldFiles))
	moving = append(moving, &mirror{from: filepath.Join(c.src.Data, foldBus), to: filepath.Join(c.dst, foldBus), skip: busSkip, less: busOrder})
	for range 2 { // most of it, then what came meanwhile, so that the rest is short
		if err := passes(ctx, moving); err != nil {
			return err
		}
	}
	if err := c.documents(ctx, moving); err != nil {
		return err
	}
	return c.rest(ctx)
}

func passes(ctx context.Context, mirrors []*mirror) error {
	for _, m := range mirrors {
		if err := m.pass(ctx); err != nil {
			return err
		}
	}
	return nil
}

// documents copies the documents as they are at one moment, in which the bus
// and the files are copied too.
func (c *creator) documents(ctx context.Context, moving []*mirror) error {
	found, err := databases(filepath.Join(c.src.Data, foldDocuments))
	if err != nil {
		return err
	}
	var pins []*pinned
	defer func() {
		for _, p := range pins {
			p.close()
		}
	}()
	err = frozen(ctx, found, func() error {
		began := time.Now()
		defer func() { c.frozen = time.Since(began) }()
		if err := passes(ctx, moving); err != nil {
			return err
		}
		for _, path := range found {
			p, err := pin(ctx, path)
			if err != nil {
				return err
			}
			pins = append(pins, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, p := range pins {
		if err := c.database(ctx, p, found[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *creator) database(ctx context.Context, p *pinned, path string) error {
	rel, err := filepath.Rel(c.src.Data, path)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	to := filepath.Join(c.dst, rel)
	if err := p.copyTo(ctx, to); err != nil {
		return fmt.Errorf("backup: %s: %w", rel, err)
	}
	c.kinds[filepath.ToSlash(filepath.Join(dataFolder, rel))] = kindDatabase
	return nil
}

// rest copies what is in the data folder beside documents, bus, files and keys:
// event partitions and small files.
func (c *creator) rest(ctx context.Context) error {
	done := []string{filepath.Join(c.src.Data, foldBus), filepath.Join(c.src.Data, foldFiles), c.src.Keys}
	return walk(c.src.Data, func(path string, isDir bool) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if isDir {
			for _, d := range done {
				if filepath.Clean(path) == filepath.Clean(d) {
					return filepath.SkipDir
				}
			}
			return nil
		}
		rel, err := filepath.Rel(c.src.Data, path)
		if err != nil || leftOut(rel) {
			return err
		}
		if _, copied := c.kinds[filepath.ToSlash(filepath.Join(dataFolder, rel))]; copied {
			return nil
		}
		return c.one(ctx, path, rel)
	})
}

func (c *creator) one(ctx context.Context, path, rel string) error {
	if !isDatabase(path) {
		to := filepath.Join(c.dst, rel)
		err := copyFile(path, to)
		if errors.Is(err, os.ErrNotExist) {
			return nil // removed meanwhile, like a partition past its retention
		}
		if err != nil || !hasDatabaseHeader(to) {
			return err
		}
		if err := os.Remove(to); err != nil { // one under a name we do not know
			return fmt.Errorf("backup: %w", err)
		}
	}
	p, err := pin(ctx, path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer p.close()
	return c.database(ctx, p, path)
}

// leftOut names what no restore needs: locks, halves of atomic writes, SQLite's
// side files (their content is in the copy of the database).
func leftOut(rel string) bool {
	base := filepath.Base(rel)
	if base == "lock" || strings.HasPrefix(base, ".ready-") || strings.HasPrefix(base, ".new-") {
		return true
	}
	for _, end := range []string{"-wal", "-shm", "-journal", ".tmp", ".new"} {
		if strings.HasSuffix(base, end) {
			return true
		}
	}
	return false
}

func inside(path, folder string) bool {
	p, err1 := filepath.Abs(path)
	f, err2 := filepath.Abs(folder)
	if err1 != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(f, p)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// emptyFolder makes a folder for the owner, or takes an empty one.
func emptyFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return fmt.Errorf("backup: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("%w: %s", ErrNotEmpty, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}
