package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// walk visits a folder in the order of names; a folder that is not there has
// nothing, and what vanishes on the way is passed over.
func walk(root string, visit func(path string, isDir bool) error) error {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if !d.IsDir() && !d.Type().IsRegular() {
			return nil // sockets, links: nothing of ours
		}
		return visit(path, d.IsDir())
	})
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// copyFile copies one file, for the owner only. It is on the disk after flush.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// mirror copies a folder of plain files in passes: each copies what is new or
// other than before. What vanished at the source stays in the copy.
type mirror struct {
	from, to string
	skip     func(rel string) bool
	less     func(a, b string) int // the order of copying; nil: as walked
	seen     map[string]stamp
}

type stamp struct {
	size int64
	mod  time.Time
}

// pass copies what changed. A file is copied again also when it was changed so
// lately that the clock of the file system may not show a further change.
func (m *mirror) pass(ctx context.Context) error {
	if m.seen == nil {
		m.seen = map[string]stamp{}
	}
	var todo []string
	err := walk(m.from, func(path string, isDir bool) error {
		rel, err := filepath.Rel(m.from, path)
		if err == nil && !isDir && !leftOut(rel) && (m.skip == nil || !m.skip(rel)) {
			todo = append(todo, rel)
		}
		return err
	})
	if err != nil {
		return err
	}
	if m.less != nil {
		slices.SortStableFunc(todo, m.less)
	}
	for _, rel := range todo {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.one(rel); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("backup: %w", err)
		}
	}
	return nil
}

// one copies a file unless it is as it was; fs.ErrNotExist if it vanished.
func (m *mirror) one(rel string) error {
	path := filepath.Join(m.from, rel)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	now := stamp{info.Size(), info.ModTime()}
	if m.seen[rel] == now {
		return nil
	}
	if err := copyFile(path, filepath.Join(m.to, rel)); err != nil {
		return err
	}
	if time.Since(now.mod) > time.Second {
		m.seen[rel] = now
	}
	return nil
}

// blobMirrors copy a bucket's folder: entries first, then the bytes they name
// (see package blob). An entry is stored after its bytes, so those of every
// copied entry are there to be copied.
func blobMirrors(from, to string) []*mirror {
	isEntry := func(rel string) bool {
		parts := strings.SplitN(filepath.ToSlash(rel), "/", 3)
		return len(parts) == 3 && parts[1] == "k"
	}
	return []*mirror{
		{from: from, to: to, skip: func(rel string) bool { return !isEntry(rel) }},
		{from: from, to: to, skip: isEntry},
	}
}

// busSkip leaves out the bus's password, which an installation makes for
// itself, and the port that was free on this machine.
func busSkip(rel string) bool {
	switch filepath.Base(rel) {
	case "secret", "sasl.json", "port":
		return true
	default:
		return false
	}
}

// busOrder puts the groups' offsets first, then everything else, then messages
// by the number of their segment: offsets never point beyond the messages, and
// no segment is missing between two.
func busOrder(a, b string) int {
	ra, na := busRank(a)
	rb, nb := busRank(b)
	if ra != rb {
		return ra - rb
	}
	if d := strings.Compare(filepath.Dir(a), filepath.Dir(b)); ra == 2 && d != 0 {
		return d
	}
	switch {
	case na < nb:
		return -1
	case na > nb:
		return 1
	default:
		return 0
	}
}

func busRank(rel string) (rank int, segment int64) {
	base := filepath.Base(rel)
	if base == "groups.log" {
		return 0, 0
	}
	name, ext, _ := strings.Cut(base, ".")
	if n, err := strconv.ParseInt(name, 10, 64); err == nil && (ext == "dat" || ext == "idx") {
		return 2, n
	}
	return 1, 0
}

// flush puts everything that was written on the disk. One call for thousands of
// files: on Linux it returns when they are there, and an fsync for each would
// take longer than the installation takes to write new ones.
func flush() { syscall.Sync() }
