package archive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/ingest/archive"
	"varde.internal/platform/blob"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/kql"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"

	"varde.internal/platform/await"
	"varde.internal/platform/eventindex"
)

func bo(t *testing.T) context.Context { return tenant.With(t.Context(), "bo") }

func event(tid string, n int) ecs.Event {
	e := ecs.Event{Timestamp: time.Date(2026, 11, 22, 10, 0, n, 0, time.UTC), Message: fmt.Sprintf("line number %d\nand its second", n)}
	e.Event.ID = fmt.Sprintf("%s-%04d", tid, n)
	e.Varde.Tenant, e.Varde.Partition = tid, tid+".2026-11"
	return e
}

func encoded(t *testing.T, e ecs.Event) []byte {
	t.Helper()
	value, err := json.Marshal(e)
	require.NoError(t, err)
	return value
}

func bucket(t *testing.T) (blob.Bucket, string) {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	dir := t.TempDir()
	b, err := blob.Open(t.Context(), "file://"+filepath.ToSlash(dir), key)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b, dir
}

// ids reads which events lie in a partition, and how often.
func ids(t *testing.T, f archive.Files, ctx context.Context, partition string) map[string]int {
	t.Helper()
	out := map[string]int{}
	require.NoError(t, f.Read(ctx, partition, func(e ecs.Event) error {
		out[e.Event.ID]++
		return nil
	}))
	return out
}

func TestPiecesAreReadMergedAndDropped(t *testing.T) {
	b, dir := bucket(t)
	f, ctx := archive.NewFiles(b), bo(t)
	const p = "bo.2026-11"
	want := map[string]int{}
	for piece := range 5 {
		var lines [][]byte
		for i := range 10 {
			e := event("bo", piece*10+i)
			want[e.Event.ID]++
			lines = append(lines, encoded(t, e))
		}
		require.NoError(t, f.Write(ctx, p, fmt.Sprintf("000-%016d.ndjson.zst", piece*10), lines))
		if piece == 2 { // a batch that comes again after a crash
			require.NoError(t, f.Write(ctx, p, fmt.Sprintf("000-%016d.ndjson.zst", piece*10), lines))
		}
	}
	require.Equal(t, want, ids(t, f, ctx, p))
	require.Empty(t, ids(t, f, tenant.With(ctx, "sorvik"), p), "another tenant's")

	pieces, err := f.Merge(ctx, p)
	require.NoError(t, err)
	require.Equal(t, 5, pieces)
	require.Equal(t, want, ids(t, f, ctx, p))
	list, err := b.List(ctx, "archive/")
	require.NoError(t, err)
	require.Len(t, list, 1)
	pieces, err = f.Merge(ctx, p)
	require.NoError(t, err)
	require.Equal(t, 1, pieces, "nothing to do")

	// One more piece arrives late, and is merged too.
	late := event("bo", 99)
	want[late.Event.ID]++
	require.NoError(t, f.Write(ctx, p, "001-0000000000000000.ndjson.zst", [][]byte{encoded(t, late)}))
	_, err = f.Merge(ctx, p)
	require.NoError(t, err)
	require.Equal(t, want, ids(t, f, ctx, p))

	require.NoError(t, f.Drop(ctx, p))
	require.Empty(t, ids(t, f, ctx, p))
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		require.True(t, err != nil || d.IsDir() || filepath.Base(path)[0] == '.', "left behind: %s", path)
		return err
	}))
}

// What can be read of a damaged archive is read, and the damage is told.
func TestADamagedPieceHidesNoOther(t *testing.T) {
	b, dir := bucket(t)
	f, ctx := archive.NewFiles(b), bo(t)
	for i := range 3 {
		require.NoError(t, f.Write(ctx, "bo.2026-11", fmt.Sprintf("000-%016d.ndjson.zst", i), [][]byte{encoded(t, event("bo", i))}))
	}
	files, err := filepath.Glob(filepath.Join(dir, "bo", "d", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	require.NoError(t, os.WriteFile(files[0], []byte("damaged"), 0o600))
	seen := 0
	err = f.Read(ctx, "bo.2026-11", func(ecs.Event) error { seen++; return nil })
	require.Error(t, err)
	require.Equal(t, 2, seen)
}

type world struct {
	deps  run.Deps
	index eventindex.Index
	files archive.Files
}

func start(t *testing.T, cfg archive.Config) *world {
	t.Helper()
	return startWith(t, cfg, embedded.OpenTemp(t))
}

func startWith(t *testing.T, cfg archive.Config, index eventindex.Index) *world {
	t.Helper()
	b, _ := bucket(t)
	w := &world{index: index, files: archive.NewFiles(b)}
	w.deps = run.Deps{
		Log: slog.New(slog.DiscardHandler), Clock: time.Now, Metrics: prometheus.NewRegistry(),
		Bus: bustest.Start(t), Docs: sqlite.OpenTemp(t), Events: w.index, Blobs: b,
	}
	require.NoError(t, w.deps.Bus.EnsureTopics(t.Context(), bus.TopicConfig{Name: bus.TopicEvents, Partitions: 2, Retention: time.Hour}))
	m, err := archive.New(w.deps, cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := m.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return w
}

func (w *world) publish(t *testing.T, list ...ecs.Event) {
	t.Helper()
	var batch []bus.Message
	for _, e := range list {
		batch = append(batch, bus.Message{Tenant: e.Varde.Tenant, Key: e.Event.ID, ID: e.Event.ID, Type: topics.TypeEvent, Version: 1, Value: encoded(t, e)})
	}
	require.NoError(t, w.deps.Bus.Publish(t.Context(), bus.TopicEvents, batch...))
}

func (w *world) indexed(t *testing.T, ctx context.Context) int {
	t.Helper()
	q, err := kql.Parse("", kql.Options{})
	require.NoError(t, err)
	hits, err := w.index.Search(ctx, q, eventindex.Range{}, eventindex.Page{Limit: 10})
	require.NoError(t, err)
	return hits.Total
}

// What the topic brings lies in the archive; a partition that the index does
// not have comes back from it, each event once, and a stranger's message harms
// nothing.
func TestALostPartitionIsRebuilt(t *testing.T) {
	cfg := archive.Default()
	cfg.MaxWait, cfg.Settle, cfg.Quiet, cfg.Every = 50*time.Millisecond, time.Second, 2*time.Second, 100*time.Millisecond
	w := start(t, cfg)
	require.NoError(t, w.deps.Bus.Publish(t.Context(), bus.TopicEvents,
		bus.Message{Tenant: "bo", ID: "x", Type: topics.TypeEvent, Value: []byte("{")},
		bus.Message{Tenant: "bo", ID: "y", Type: topics.TypeEvent, Value: encoded(t, event("sorvik", 1))}))
	for n := range 40 {
		w.publish(t, event("bo", n), event("sorvik", n))
	}
	sorvik := tenant.With(t.Context(), "sorvik")
	for _, ctx := range []context.Context{bo(t), sorvik} {
		name, err := tenant.From(ctx)
		require.NoError(t, err)
		await.True(t, func() bool { return len(ids(t, w.files, ctx, string(name)+".2026-11")) == 40 })
		await.True(t, func() bool { return w.indexed(t, ctx) == 40 })
		await.True(t, func() bool {
			list, err := w.deps.Blobs.List(ctx, "archive/")
			return err == nil && len(list) == 1
		}, "merged")
	}
	require.Len(t, ids(t, w.files, bo(t), "bo.2026-11"), 40)
}
