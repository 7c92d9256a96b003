// Package embedded keeps events in one SQLite file per partition: the default
// without Elasticsearch. An append is on disk when it returns, one fsync for
// all events of a partition that came together; kill -9 loses nothing that was
// acknowledged. Readers work on a snapshot beside the writer (WAL) and never
// wait for it.
//
// A partition holds its events as rows of small integers: every field of the
// registry (package ecs) is a column of the event's row or of one of the tables
// of combinations that it refers to (see home), words are numbers from the
// partition's dictionary, whole events lie compressed in blocks, the words of
// messages in a full-text index, and counts per minute beside it answer
// histograms without a condition. docs/adr/0005 has the reasons and the
// measurements.
//
// One process has the folder open; a second one is refused.
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
	"sync"
	"syscall"
	"time"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/internal/scope"
	"varde.internal/platform/tenant"
)

// Options of Open. The zero value is right.
type Options struct {
	// OpenPartitions is how many partitions are kept open at once, about 1 MiB each; 0 = 64.
	OpenPartitions int
	// Unsafe skips the wait for the disk. Only for tests.
	Unsafe bool
	// SetAside is told of a partition whose file was found damaged and has been
	// set aside under the name file; nil: nobody is. It must not call the index.
	SetAside func(tenant, partition, file string, cause error)
}

// Index implements eventindex.Index.
type Index struct {
	dir  string
	opt  Options
	lock *os.File

	mu      sync.Mutex
	closed  bool
	tenants map[tenant.ID]map[string]*partition
	open    []*partition        // least recently used first
	aside   map[place]time.Time // when a damaged file of a partition was last set aside
	mended  map[place]time.Time // until when what was set aside was put back
}

// place names a partition.
type place struct {
	tenant tenant.ID
	name   string
}

var _ eventindex.Index = (*Index)(nil)

const suffix = ".events"

// Open opens the folder, and makes it if need be. Partitions are opened when
// they are first used. Of options at most one is given.
func Open(ctx context.Context, dir string, options ...Options) (*Index, error) {
	var opt Options
	if len(options) > 0 {
		opt = options[0]
	}
	if opt.OpenPartitions == 0 {
		opt.OpenPartitions = 64
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("eventindex: %w", err)
	}
	lock, err := lockFolder(ctx, dir)
	if err != nil {
		return nil, err
	}
	return &Index{dir: dir, opt: opt, lock: lock, tenants: map[tenant.ID]map[string]*partition{}, aside: map[place]time.Time{}, mended: map[place]time.Time{}}, nil
}

// lockFolder waits some seconds for a process that is about to end.
func lockFolder(ctx context.Context, dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("eventindex: %w", err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if time.Now().After(deadline) {
			_ = f.Close()
			return nil, fmt.Errorf("eventindex: another process has the folder open: %w", err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// TB is what OpenTemp needs of *testing.T.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// OpenTemp gives a test its own empty index, closed and removed at its end. It
// does not wait for the disk.
func OpenTemp(t TB) *Index {
	t.Helper()
	i, err := Open(context.Background(), t.TempDir(), Options{Unsafe: true})
	if err != nil {
		t.Fatalf("eventindex: %v", err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Fatalf("eventindex: close: %v", err)
		}
	})
	return i
}

var errClosed = errors.New("eventindex: closed")

// Ready says whether the folder can be written.
func (x *Index) Ready(context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return errClosed
	}
	f, err := os.CreateTemp(x.dir, ".ready-*")
	if err != nil {
		return fmt.Errorf("eventindex: %w", err)
	}
	_ = f.Close()
	return os.Remove(f.Name())
}

// Close waits for calls that run and closes every partition.
func (x *Index) Close() error {
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		return nil
	}
	x.closed = true
	var opening []*opening
	for _, known := range x.tenants {
		for _, p := range known {
			if p.opening != nil {
				opening = append(opening, p.opening)
			}
		}
	}
	x.mu.Unlock()
	for _, o := range opening {
		o.stop() // a file that is being written anew is begun again the next time
		<-o.done
	}
	x.mu.Lock()
	all := slices.Clone(x.open)
	x.mu.Unlock()
	var errs []error
	for _, p := range all {
		p.using.Lock()
		errs = append(errs, p.closeFiles())
		p.using.Unlock()
	}
	return errors.Join(append(errs, x.lock.Close())...)
}

// partitionsOf lists the partitions of a tenant that exist; the folder is read
// once, then kept up to date.
func (x *Index) partitionsOf(t tenant.ID) ([]*partition, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	known, err := x.load(t)
	if err != nil {
		return nil, err
	}
	out := make([]*partition, 0, len(known))
	for _, p := range known {
		if !p.dropped {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b *partition) int { return cmp.Compare(a.name, b.name) })
	return out, nil
}

func (x *Index) load(t tenant.ID) (map[string]*partition, error) {
	if x.closed {
		return nil, errClosed
	}
	if known, ok := x.tenants[t]; ok {
		return known, nil
	}
	files, err := os.ReadDir(filepath.Join(x.dir, string(t)))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("eventindex: %w", err)
	}
	known := map[string]*partition{}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), suffix); ok && eventindex.ValidPartition(name) {
			known[name] = x.newPartition(t, name)
		}
		x.noteAside(t, f.Name())
	}
	x.tenants[t] = known
	return known, nil
}

func (x *Index) newPartition(t tenant.ID, name string) *partition {
	return &partition{name: name, tenant: t, path: filepath.Join(x.dir, string(t), name+suffix), unsafe: x.opt.Unsafe}
}

// named gives the partition of a name, which need not exist yet.
func (x *Index) named(t tenant.ID, name string) (*partition, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	known, err := x.load(t)
	if err != nil {
		return nil, err
	}
	p, ok := known[name]
	if !ok {
		p = x.newPartition(t, name)
		known[name] = p
	}
	return p, nil
}

// Partitions lists the partitions of the context's tenant, in system scope of all.
func (x *Index) Partitions(ctx context.Context) ([]eventindex.Partition, error) {
	var tenants []tenant.ID
	if s, ok := scope.From(ctx); ok && s.System {
		folders, err := os.ReadDir(x.dir)
		if err != nil {
			return nil, fmt.Errorf("eventindex: %w", err)
		}
		for _, f := range folders {
			if t := tenant.ID(f.Name()); f.IsDir() && t.Valid() {
				tenants = append(tenants, t)
			}
		}
	} else {
		t, err := tenant.From(ctx)
		if err != nil {
			return nil, err
		}
		tenants = append(tenants, t)
	}
	var out []eventindex.Partition
	for _, t := range tenants {
		all, err := x.partitionsOf(t)
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			b, err := x.bounds(ctx, p)
			if errors.Is(err, errDropped) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if b.events > 0 {
				d := p.describe(b)
				d.SetAside = x.setAsideAt(p)
				out = append(out, d)
			}
		}
	}
	return out, nil
}

// Drop removes a partition with its files, damaged ones too: what is in them
// has no longer a life than the rest.
func (x *Index) Drop(ctx context.Context, name string) error {
	t, err := tenant.From(ctx)
	if err != nil {
		return err
	}
	if err := x.dropAside(t, name); err != nil {
		return err
	}
	x.mu.Lock()
	known, err := x.load(t)
	if err != nil {
		x.mu.Unlock()
		return err
	}
	p, ok := known[name]
	if !ok {
		x.mu.Unlock()
		return nil
	}
	if p.dropped { // by another call
		x.mu.Unlock()
		return x.awaitGone(ctx, p)
	}
	x.retire(p)
	x.mu.Unlock()

	return x.release(p, func() error { return remove(p.path, files...) })
}
