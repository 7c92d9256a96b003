package collector

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// beside is an earlier generation of a path under another name. It is open,
// because the next rotation gives that name to another file.
type beside struct {
	file     *os.File
	info     os.FileInfo
	first    string // hash of its first line
	rotation bool   // its name is one that rotation gives
}

// catchUp reads what was not read of the path's earlier generations, which lie
// beside it under other names: it was rotated while nobody looked. The current
// one begins with the line of that hash, and was written to at the time given;
// "" where there is none yet.
//
// Of a generation that was begun the rest is read; all of one that was not
// where it is younger than one that was, or than the first look at the path: the
// log was rotated more than once. Logs older than the collector are for an
// import to bring in.
func (t *tail) catchUp(ctx context.Context, current string, at time.Time) error {
	if t.pos.First == current && current != "" {
		return nil
	}
	all := t.openBeside(current)
	defer func() {
		for _, b := range all {
			_ = b.file.Close()
		}
	}()
	first, err := t.store.since(ctx, t.source, t.path, t.m.deps.Clock().Add(-tick).UTC())
	if err != nil {
		return err
	}
	var begun time.Time // when the youngest was written to of which something was read
	for _, b := range all {
		pos, _, err := t.store.load(ctx, t.source, t.path, b.first)
		if err != nil {
			return err
		}
		if pos.Offset > 0 && b.info.ModTime().After(begun) {
			begun = b.info.ModTime()
		}
	}
	for _, b := range all {
		// One that is younger than the current comes after it: that was renamed
		// since it was opened.
		written := b.info.ModTime()
		whole := b.rotation && (!written.Before(first) || !begun.IsZero() && !written.Before(begun)) && (at.IsZero() || !written.After(at))
		if err := t.catchUpFile(ctx, b, whole); err != nil {
			return err
		}
	}
	return nil
}

// tick is how much earlier than the clock the time of a file may be.
const tick = 100 * time.Millisecond

// rotatedName is what rotation puts behind a name.
var rotatedName = regexp.MustCompile(`^([-._]\d[-_.:T\d]*|\.old)(\.gz)?$`)

// openBeside opens the earlier generations, oldest first. It looks until it
// meets no new one: while it looks, a rotation can move one to a name that was
// looked at already.
func (t *tail) openBeside(current string) (all []beside) {
	met := map[string]os.FileInfo{}
	for again := true; again; {
		again = false
		paths, err := filepath.Glob(globQuote(t.path) + "?*")
		if err != nil {
			return nil // a path that cannot be a pattern has nothing beside it
		}
		for _, path := range paths {
			info, err := os.Stat(path)
			if err != nil || slices.ContainsFunc(all, func(b beside) bool { return os.SameFile(b.info, info) }) {
				continue
			}
			if before, ok := met[path]; ok && os.SameFile(before, info) {
				continue // it is none
			}
			met[path], again = info, true
			if b, ok := openOne(path); ok && b.first != current {
				b.rotation = rotatedName.MatchString(strings.TrimPrefix(path, t.path))
				all = append(all, b)
			} else if ok {
				_ = b.file.Close()
			}
		}
	}
	slices.SortStableFunc(all, func(a, b beside) int { return a.info.ModTime().Compare(b.info.ModTime()) })
	return all
}

// openOne opens a file and reads its first line; ok is false where it has none.
func openOne(path string) (b beside, ok bool) {
	f, err := os.Open(path)
	if err != nil {
		return b, false
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		b = beside{file: f, info: info}
		b.first, err = firstOf(unpacked(f))
	}
	if err != nil || b.first == "" {
		_ = f.Close()
		return b, false
	}
	return b, true
}

func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// catchUpFile reads the rest of a generation, or all of it.
func (t *tail) catchUpFile(ctx context.Context, b beside, whole bool) error {
	pos, known, err := t.store.load(ctx, t.source, t.path, b.first)
	if err != nil || pos.Offset == 0 && !whole {
		return err
	}
	if !known {
		if pos, err = t.newGeneration(ctx, pos); err != nil {
			return err
		}
	}
	if _, err := b.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if shorter := t.begin(b.file, unpacked(b.file), pos); shorter != nil {
		return nil //nolint:nilerr // than what was read: another file with that first line
	}
	defer t.close()
	if err := t.drain(ctx); err != nil {
		return err
	}
	return t.finish(ctx)
}

// unpacked reads gzip where it is.
func unpacked(f *os.File) io.Reader {
	in := bufio.NewReader(f)
	if magic, _ := in.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		_, _ = f.Seek(0, io.SeekStart)
		return f
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return bytes.NewReader(nil)
	}
	return z
}
