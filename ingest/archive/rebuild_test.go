package archive_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/ingest/archive"
	"varde.internal/platform/await"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/schemas/ecs"
)

// counting counts what is appended to an index, and how often it was looked at.
type counting struct {
	eventindex.Index
	appended, looks atomic.Int64
}

func (c *counting) Append(ctx context.Context, events []ecs.Event) ([]eventindex.Result, error) {
	c.appended.Add(int64(len(events)))
	return c.Index.Append(ctx, events)
}

func (c *counting) Partitions(ctx context.Context) ([]eventindex.Partition, error) {
	c.looks.Add(1)
	return c.Index.Partitions(ctx)
}

// goesOn waits until the archive has looked at the index some times more.
func (c *counting) goesOn(t *testing.T) {
	t.Helper()
	begun := c.looks.Load()
	await.True(t, func() bool { return c.looks.Load() > begun+6 })
}

func quick() archive.Config {
	cfg := archive.Default()
	cfg.MaxWait, cfg.Settle, cfg.Quiet, cfg.Every = 50*time.Millisecond, 500*time.Millisecond, time.Hour, 50*time.Millisecond
	return cfg
}

// A partition whose file was lost, and that a later line began anew, gets back
// what it had; and it is not rebuilt again and again, though an event came twice.
func TestALostPartitionThatGotALaterLineIsRebuiltOnce(t *testing.T) {
	t.Parallel()
	index := &counting{Index: embedded.OpenTemp(t)}
	w := startWith(t, quick(), index)
	for n := range 40 {
		w.publish(t, event("bo", n))
	}
	w.publish(t, event("bo", 7))                               // again
	_, err := index.Append(bo(t), []ecs.Event{event("bo", 3)}) // all that the index has
	require.NoError(t, err)
	await.True(t, func() bool { return w.indexed(t, bo(t)) == 40 })
	await.True(t, func() bool { return ids(t, w.files, bo(t), "bo.2026-11")["bo-0007"] == 2 })
	left := false
	for range 20 { // what came last may cost one more
		done := index.appended.Load()
		index.goesOn(t)
		if left = done == index.appended.Load(); left {
			break
		}
	}
	require.True(t, left, "it is whole, and left alone")

	// It is lost once more, whole; and a line comes.
	require.NoError(t, index.Drop(bo(t), "bo.2026-11"))
	late := event("bo", 50)
	_, err = index.Append(bo(t), []ecs.Event{late})
	require.NoError(t, err)
	w.publish(t, late)
	await.True(t, func() bool { return w.indexed(t, bo(t)) == 41 })
}

// A damaged file that is set aside is made good from the archive, though lines
// go on coming for its partition.
func TestAPartitionThatWasSetAsideIsRebuiltWhileLinesCome(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x, err := embedded.Open(t.Context(), dir, embedded.Options{Unsafe: true})
	require.NoError(t, err)
	events := make([]ecs.Event, 0, 40)
	for n := range 40 {
		events = append(events, event("bo", n))
	}
	_, err = x.Append(bo(t), events)
	require.NoError(t, err)
	require.NoError(t, x.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bo", "bo.2026-11.events"), make([]byte, 8192), 0o600))
	x, err = embedded.Open(t.Context(), dir, embedded.Options{Unsafe: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })

	cfg := quick()
	cfg.Settle = time.Hour // it never comes to rest
	index := &counting{Index: x}
	w := startWith(t, cfg, index)
	w.publish(t, events...)
	await.True(t, func() bool { return len(ids(t, w.files, bo(t), "bo.2026-11")) == 40 })
	_, err = index.Append(bo(t), []ecs.Event{event("bo", 50)})
	require.NoError(t, err)
	await.True(t, func() bool { return w.indexed(t, bo(t)) == 41 })
}

// What a search said to be missing is so no longer once it was put back whole.
func TestARebuiltPartitionIsMissingNoLonger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x, err := embedded.Open(t.Context(), dir, embedded.Options{Unsafe: true})
	require.NoError(t, err)
	_, err = x.Append(bo(t), []ecs.Event{event("bo", 1)})
	require.NoError(t, err)
	require.NoError(t, x.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bo", "bo.2026-11.events"), make([]byte, 8192), 0o600))
	x, err = embedded.Open(t.Context(), dir, embedded.Options{Unsafe: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	_, err = x.Get(bo(t), "bo-0001")
	require.ErrorIs(t, err, eventindex.ErrNotFound)
	gaps, err := x.Gaps(bo(t))
	require.NoError(t, err)
	require.Len(t, gaps, 1)
	w := startWith(t, quick(), x)
	w.publish(t, event("bo", 1))
	await.True(t, func() bool {
		gaps, err := x.Gaps(bo(t))
		return err == nil && len(gaps) == 0
	})
	require.Equal(t, 1, w.indexed(t, bo(t)))
}
