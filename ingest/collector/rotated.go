package collector

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// catchUp reads what was not read of the path's earlier generations, which lie
// beside it under other names: it was rotated while nobody looked.
func (t *tail) catchUp(ctx context.Context, current string) error {
	if t.pos.First == current && current != "" {
		return nil
	}
	beside, err := filepath.Glob(globQuote(t.path) + "?*")
	if err != nil {
		return nil //nolint:nilerr // a path that cannot be a pattern has nothing beside it
	}
	slices.SortFunc(beside, func(a, b string) int { return modified(a).Compare(modified(b)) })
	for _, path := range beside {
		if err := t.catchUpFile(ctx, path, current); err != nil {
			return err
		}
	}
	return nil
}

func globQuote(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func modified(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// catchUpFile reads the rest of a rotated file, but only of one that was begun:
// logs older than the collector are for an import to bring in.
func (t *tail) catchUpFile(ctx context.Context, path, current string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	first, unread := firstOf(unpacked(f))
	if unread != nil || first == "" || first == current {
		return f.Close()
	}
	pos, err := t.store.load(ctx, t.source, t.path, first)
	if err != nil || pos.Offset == 0 {
		return errors.Join(err, f.Close())
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return errors.Join(err, f.Close())
	}
	if shorter := t.begin(f, unpacked(f), pos); shorter != nil {
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
