package collector

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sync/errgroup"

	"varde.internal/ingest/parse"
	"varde.internal/schemas/ecs"
)

// followFiles follows every configured file, and those that a pattern matches
// later, until ctx is done.
func (m *Module) followFiles(ctx context.Context) error {
	var store *positions
	err := m.retry(ctx, "the positions of files", func() (err error) {
		store, err = openPositions(ctx, m.deps.Docs)
		return err
	})
	if err != nil {
		return nil // told to stop
	}
	g, ctx := errgroup.WithContext(ctx)
	started := map[string]bool{}
	tick := time.NewTicker(m.cfg.Poll)
	defer tick.Stop()
	for {
		var wrong error
		for _, f := range m.cfg.Files {
			src, ok := m.sources.byID(f.Source)
			if !ok {
				wrong = errors.Join(wrong, fmt.Errorf("files: the register has no source %s", f.Source))
				continue
			}
			for _, path := range matches(f.Path) {
				if started[path] {
					continue
				}
				started[path] = true
				t := &tail{m: m, store: store, source: src, path: path}
				g.Go(func() error { return t.run(ctx) })
			}
		}
		m.mu.Lock()
		m.files = wrong
		m.mu.Unlock()
		select {
		case <-ctx.Done():
			return g.Wait()
		case <-tick.C:
		}
	}
}

// matches are the files of a pattern; a plain path is itself, also before it is there.
func matches(pattern string) []string {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}
	}
	list, err := filepath.Glob(pattern)
	if err != nil {
		return nil
	}
	return list
}

// retry runs fn until it succeeds or ctx is done.
func (m *Module) retry(ctx context.Context, what string, fn func() error) error {
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := fn()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		m.deps.Log.Warn("waiting for "+what, "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// tail follows one path through its generations.
type tail struct {
	m      *Module
	store  *positions
	source Source
	path   string
	seen   uint64 // generation of the register that source is of
	known  bool   // the register has it

	file   *os.File
	lines  *bufio.Reader
	pos    position
	origin origin
	batch  batch
	part   []byte // of a line whose end is not there yet
	long   bool   // part of that line was dead-lettered already
	join   joining
	saved  int64
}

// run reads what there is, then waits for more: woken by the folder's
// notifications, and by the clock where those do not come (network drives).
func (t *tail) run(ctx context.Context) error {
	wake := t.watch(ctx)
	tick := time.NewTicker(t.m.cfg.Poll)
	defer tick.Stop()
	defer t.close()
	for {
		// While the register does not have its source, the file waits.
		if err := t.renew(); err != nil {
			t.close()
		} else if err := t.read(ctx); err != nil && ctx.Err() == nil {
			t.m.deps.Log.Warn("a log file could not be read; trying again", "source", t.source.ID, "err", reason(err))
			t.close()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		case <-tick.C:
		}
	}
}

// renew looks the source up again when the register has changed.
func (t *tail) renew() error {
	if now := t.m.sources.generation(); now != t.seen || !t.known {
		var src Source
		if src, t.known = t.m.sources.byID(t.source.ID); !t.known {
			return errWithdrawn
		}
		t.source, t.seen = src, now
		if t.file != nil {
			t.m.intake.renew(&t.origin, src)
		}
	}
	return nil
}

// reason is an error without the path in it, which can name a person.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Op + ": " + p.Err.Error()
	}
	return err.Error()
}

// watch tells of changes in the file's folder; nil where that is not possible.
func (t *tail) watch(ctx context.Context) <-chan struct{} {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil
	}
	if err := w.Add(filepath.Dir(t.path)); err != nil {
		w.Close()
		return nil
	}
	wake := make(chan struct{}, 1)
	go func() {
		defer w.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.Errors: //nolint:errcheck // the clock looks too
			case e, ok := <-w.Events:
				if !ok {
					return
				}
				if filepath.Clean(e.Name) != filepath.Clean(t.path) {
					continue
				}
				select {
				case wake <- struct{}{}:
				default:
				}
			}
		}
	}()
	return wake
}

// read reads to the end, through as many generations as there are.
func (t *tail) read(ctx context.Context) error {
	for ctx.Err() == nil {
		if t.file == nil {
			opened, err := t.open(ctx)
			if err != nil || !opened {
				return err
			}
		}
		replaced, err := t.replaced()
		if err != nil {
			return err
		}
		// Look first, read then: a file that was replaced grows no more, so what
		// is read now is its end.
		if err := t.drain(ctx); err != nil || !replaced {
			return err
		}
		if err := t.finish(ctx); err != nil {
			return err
		}
		t.close()
	}
	return nil
}

// open opens the path where its position says. ok is false while there is no
// file, or not yet its first line.
func (t *tail) open(ctx context.Context) (ok bool, err error) {
	f, err := os.Open(t.path)
	if errors.Is(err, os.ErrNotExist) {
		return false, t.catchUp(ctx, "", time.Time{})
	}
	if err != nil {
		return false, err
	}
	first, err := firstLine(f)
	if err != nil {
		f.Close()
		return false, err
	}
	if first == "" { // made by the rotation; its daemon may still write to the old one
		f.Close()
		return false, t.catchUp(ctx, "", time.Time{})
	}
	info, err := f.Stat()
	if err == nil {
		err = t.catchUp(ctx, first, info.ModTime())
	}
	if err != nil {
		f.Close()
		return false, err
	}
	pos, known, err := t.store.load(ctx, t.source, t.path, first)
	if err != nil {
		f.Close()
		return false, err
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return false, err
	}
	if info.Size() < pos.Offset { // truncated, and begun anew with the same line
		pos, known = fresh(t.source, t.path, first, pos.Counter+1), false
	}
	if !known {
		if pos, err = t.newGeneration(ctx, pos); err != nil {
			f.Close()
			return false, err
		}
	}
	return true, t.begin(f, f, pos)
}

// newGeneration notes a generation before its first line is published: where it
// comes in the order of the path's lines is part of their ids, and a reading
// after a crash must give the same.
func (t *tail) newGeneration(ctx context.Context, pos position) (position, error) {
	if t.pos.Path == pos.Path && t.pos.Source == pos.Source {
		pos.Before = t.pos.Before + t.pos.Offset
	}
	return pos, t.store.save(ctx, t.source, pos)
}

// begin reads on in a file at its position.
func (t *tail) begin(f *os.File, in io.Reader, pos position) error {
	before, err := readBefore(in, pos.Offset)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	t.file, t.pos, t.saved = f, pos, pos.Offset
	t.lines = bufio.NewReaderSize(in, 64<<10)
	t.part, t.long, t.join = t.part[:0], false, joining{}
	t.origin = t.m.intake.open(t.source, "file", ecs.ProvenanceFile, parse.Options{Resume: pos.State})
	t.origin.path = t.path
	t.origin.stream.Recall(before, int64(len(before)) == pos.Offset, t.m.deps.Clock())
	return nil
}

// readBefore goes to a position of a file, and returns what stands before it as
// far as a parser may want to know of it.
func readBefore(in io.Reader, offset int64) ([]byte, error) {
	before := make([]byte, min(offset, parse.Recalled))
	skip := offset - int64(len(before))
	if s, seeks := in.(io.Seeker); seeks {
		if _, err := s.Seek(skip, io.SeekStart); err != nil {
			return nil, err
		}
	} else if _, err := io.CopyN(io.Discard, in, skip); err != nil {
		return nil, err
	}
	_, err := io.ReadFull(in, before)
	return before, err
}

// maxFirst bounds what of a first line tells files apart.
const maxFirst = 4 << 10

// firstLine is the hash of a file's first line, "" while it is not whole.
func firstLine(r io.ReaderAt) (string, error) {
	return firstOf(io.NewSectionReader(r, 0, maxFirst))
}

func firstOf(r io.Reader) (string, error) {
	head, err := io.ReadAll(io.LimitReader(r, maxFirst))
	if err != nil {
		return "", err
	}
	end := bytes.IndexByte(head, '\n')
	if end >= 0 && end <= 2 && (head[0] == '{' || head[0] == '[') {
		// All pretty-printed JSON begins so: two more lines tell files apart.
		for range 2 {
			more := bytes.IndexByte(head[end+1:], '\n')
			if more < 0 {
				end = -1
				break
			}
			end += 1 + more
		}
	}
	if end < 0 && len(head) < maxFirst {
		return "", nil
	}
	if end < 0 {
		end = len(head)
	}
	sum := sha256.Sum256(head[:end])
	return hex.EncodeToString(sum[:16]), nil
}

// replaced says whether the path is another file by now (renamed), or the same
// one begun anew (truncated, also where it has grown past the position since).
func (t *tail) replaced() (bool, error) {
	now, err := os.Stat(t.path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil // renamed, and the new one is not there yet
	}
	if err != nil {
		return false, err
	}
	open, err := t.file.Stat()
	if err != nil {
		return false, err
	}
	if !os.SameFile(now, open) {
		return true, nil
	}
	first, err := firstLine(t.file)
	if err != nil {
		return false, err
	}
	if now.Size() < t.pos.Offset+int64(len(t.join.text)+len(t.part)) || (first != "" && first != t.pos.First) {
		t.lines.Reset(bytes.NewReader(nil)) // the rest of the old one is gone
		return true, nil
	}
	return false, nil
}

// drain publishes every whole line that there is. Positions are kept after the
// lines are durable; what is read twice has the same ids.
func (t *tail) drain(ctx context.Context) error {
	t.batch.spill = func(b *batch) error { return t.m.intake.persist(ctx, b) }
	for ctx.Err() == nil {
		if err := t.renew(); err != nil {
			return errors.Join(err, t.flush(ctx))
		}
		chunk, err := t.lines.ReadSlice('\n')
		t.part = append(t.part, chunk...)
		whole := bytes.HasSuffix(t.part, []byte{'\n'})
		switch {
		case whole && len(t.part)-1 <= t.m.cfg.MaxLine:
			t.whole()
		case len(t.part) > t.m.cfg.MaxLine:
			t.release()
			t.pieces(whole)
		}
		if t.batch.full(t.m.cfg.MaxBatch) {
			if err := t.flush(ctx); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			t.stalled()
			return t.flush(ctx)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return errors.Join(err, t.flush(ctx))
		}
	}
	return ctx.Err()
}

// pieces dead-letters what is longer than a line may be.
func (t *tail) pieces(whole bool) {
	for len(t.part) > t.m.cfg.MaxLine {
		t.long = true
		t.take(t.part[:t.m.cfg.MaxLine], t.m.cfg.MaxLine)
		t.part = append(t.part[:0], t.part[t.m.cfg.MaxLine:]...)
	}
	if whole {
		t.take(t.part[:len(t.part)-1], len(t.part))
		t.part = t.part[:0]
	}
}

// take adds one line (or piece) of size bytes with its newline.
func (t *tail) take(raw []byte, size int) {
	one := line{id: fileID(t.source, t.pos.Generation, t.pos.Before, t.pos.Offset, raw), raw: raw, offset: t.pos.Offset}
	if t.long {
		one.reason, one.detail = ReasonTooLong, "a piece of a line that is too long"
		t.long = size == t.m.cfg.MaxLine && len(raw) == size
	}
	if len(bytes.TrimRight(raw, "\r")) > 0 {
		t.m.intake.add(&t.batch, &t.origin, one, t.m.deps.Clock())
	}
	t.pos.Offset += int64(size)
}

// flush publishes, then keeps the position.
func (t *tail) flush(ctx context.Context) error {
	if err := t.m.intake.persist(ctx, &t.batch); err != nil {
		return err
	}
	if t.pos.Offset == t.saved {
		return nil
	}
	t.pos.State = t.origin.stream.State()
	if err := t.store.save(ctx, t.source, t.pos); err != nil {
		return fmt.Errorf("position: %w", err)
	}
	t.saved = t.pos.Offset
	return nil
}

// finish takes a last line that never got its newline: its file grows no more.
func (t *tail) finish(ctx context.Context) error {
	t.last()
	return t.flush(ctx)
}

func (t *tail) close() {
	if t.file != nil {
		t.file.Close()
	}
	t.file, t.batch, t.part, t.long, t.join = nil, batch{}, t.part[:0], false, joining{}
}
