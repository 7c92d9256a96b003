package embedded_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/kql"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

func lia() context.Context { return tenant.With(context.Background(), "lia") }

func of(tenant, partition, id string) ecs.Event {
	e := plain(1)
	e.Event.ID, e.Varde.Tenant, e.Varde.Partition = id, tenant, partition
	return e
}

func total(t *testing.T, x *embedded.Index, ctx context.Context) int {
	t.Helper()
	hits, err := x.Search(ctx, kql.Query{}, eventindex.Range{}, eventindex.Page{Limit: 5})
	require.NoError(t, err)
	return hits.Total
}

func overwrite(t *testing.T, path string, from, n int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(make([]byte, n), from)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// A partition whose file is damaged harms no other, of its tenant or of
// another: it is set aside and kept, and a new one takes what comes.
func TestADamagedPartitionIsSetAsideAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	damages := map[string]func(t *testing.T, dir, path string){
		"its first page": func(t *testing.T, _, path string) { overwrite(t, path, 0, 4096) },
		"all but its first page": func(t *testing.T, _, path string) {
			info, err := os.Stat(path)
			require.NoError(t, err)
			overwrite(t, path, 8192, info.Size()-8192)
		},
		"a block":      func(t *testing.T, dir, _ string) { change(t, dir, "p0", "UPDATE block SET data = x'0000'") },
		"a lost block": func(t *testing.T, dir, _ string) { change(t, dir, "p0", "DELETE FROM block") },
	}
	touches := map[string]func(x *embedded.Index) error{
		"append": func(x *embedded.Index) error {
			results, err := x.Append(system(), []ecs.Event{of("bo", "p0", "late"), of("lia", "p0", "later")})
			if err == nil && (results[0].Status != eventindex.Stored || results[1].Status != eventindex.Stored) {
				return os.ErrInvalid
			}
			return err
		},
		"list": func(x *embedded.Index) error {
			_, err := x.Partitions(system())
			return err
		},
		"search": func(x *embedded.Index) error {
			_, err := x.Search(bo(), kql.Query{}, eventindex.Range{}, eventindex.Page{Limit: 5})
			return err
		},
	}
	for damage, make := range damages {
		for touch, fn := range touches {
			t.Run(damage+", "+touch, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				x := open(t, dir)
				_, err := x.Append(system(), []ecs.Event{of("bo", "p0", "a"), of("bo", "p1", "b"), of("lia", "p0", "c")})
				require.NoError(t, err)
				require.NoError(t, x.Close())
				make(t, dir, filepath.Join(dir, "bo", "p0.events"))

				var mu sync.Mutex
				var told []string
				options := embedded.Options{Unsafe: true, SetAside: func(tenant, partition, file string, cause error) {
					mu.Lock()
					defer mu.Unlock()
					told = append(told, tenant+" "+partition+" "+file)
					require.Error(t, cause)
				}}
				x, err = embedded.Open(t.Context(), dir, options)
				require.NoError(t, err)
				require.NoError(t, fn(x))
				_, err = x.Append(system(), []ecs.Event{of("bo", "p0", "new"), of("bo", "p1", "new too"), of("lia", "p0", "and one")})
				require.NoError(t, err)
				_, err = x.Get(bo(), "a")
				require.ErrorIs(t, err, eventindex.ErrNotFound)
				for id, ctx := range map[string]context.Context{"b": bo(), "new": bo(), "new too": bo(), "c": lia(), "and one": lia()} {
					_, err = x.Get(ctx, id)
					require.NoError(t, err, id)
				}
				kept, err := filepath.Glob(filepath.Join(dir, "*", "*.damaged-*Z"))
				require.NoError(t, err)
				require.Len(t, kept, 1)
				require.Equal(t, []string{"bo p0 " + filepath.Base(kept[0])}, told)
				for range 2 { // and when it is opened again
					parts, err := x.Partitions(system())
					require.NoError(t, err)
					require.Len(t, parts, 3)
					for _, p := range parts {
						require.Equal(t, p.Tenant == "bo" && p.Name == "p0", !p.SetAside.IsZero(), "%s %s", p.Tenant, p.Name)
					}
					require.NoError(t, x.Close())
					x, err = embedded.Open(t.Context(), dir, options)
					require.NoError(t, err)
				}
				require.NoError(t, x.Close())
				require.Len(t, told, 1)
			})
		}
	}
}

// What may pass by itself sets nothing aside: a file that cannot be opened now,
// a call that is given up.
func TestWhatMayPassSetsNothingAside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := open(t, dir)
	_, err := x.Append(system(), []ecs.Event{of("bo", "p0", "a")})
	require.NoError(t, err)
	require.NoError(t, x.Close())
	path := filepath.Join(dir, "bo", "p0.events")
	require.NoError(t, os.Rename(path, path+".away"))
	require.NoError(t, os.Mkdir(path, 0o700))

	x = open(t, dir)
	gone, cancel := context.WithCancel(bo())
	cancel()
	for range 3 {
		_, err = x.Search(bo(), kql.Query{}, eventindex.Range{}, eventindex.Page{})
		require.Error(t, err)
		_, err = x.Search(gone, kql.Query{}, eventindex.Range{}, eventindex.Page{})
		require.Error(t, err)
	}
	results, err := x.Append(system(), []ecs.Event{of("bo", "p0", "b"), of("lia", "p0", "c")})
	require.Error(t, err)
	require.Nil(t, results)
	require.Equal(t, 1, total(t, x, lia()), "what one partition does not take keeps nothing from the others")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Rename(path+".away", path))
	_, err = x.Search(gone, kql.Query{}, eventindex.Range{}, eventindex.Page{})
	require.Error(t, err)
	require.Equal(t, 1, total(t, x, bo()))
	require.NoError(t, x.Close())
	kept, err := filepath.Glob(filepath.Join(dir, "*", "*.damaged-*"))
	require.NoError(t, err)
	require.Empty(t, kept)
}

// Opening one partition may take long: its file is written anew, or something
// holds it. Nobody who wants another waits for that.
func TestAPartitionThatOpensSlowlyHoldsUpNoOther_N6(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ofFirstFormat(t, dir)
	// A lock keeps it from being opened, for as long as a busy disk might.
	db, err := sql.Open("sqlite", filepath.Join(dir, "bo", "p1.events"))
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	for _, s := range []string{"PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "CREATE TABLE held (n)"} {
		_, err = db.Exec(s)
		require.NoError(t, err)
	}
	x := open(t, dir)
	beside := false
	for n := 0; n < 4 && !beside; n++ { // a machine that stalls may let nothing through beside it
		ctx, giveUp := context.WithCancel(bo())
		slow := make(chan error, 1)
		go func() {
			_, err := x.Search(ctx, kql.Query{}, eventindex.Range{}, eventindex.Page{})
			slow <- err
		}()
		time.Sleep(100 * time.Millisecond) // it is at it
		_, err = x.Append(system(), []ecs.Event{of("lia", fmt.Sprint("p", n), fmt.Sprint("a", n)), of("bo", fmt.Sprint("q", n), fmt.Sprint("b", n))})
		require.NoError(t, err)
		require.Equal(t, n+1, total(t, x, lia()))
		select {
		case <-slow:
		default:
			beside = true
		}
		giveUp()
	}
	require.True(t, beside, "they wait for the slow one")
	_, err = db.Exec("ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	await.True(t, func() bool { // the one that waits may see the lock a last time
		hits, err := x.Search(bo(), kql.Query{}, eventindex.Range{}, eventindex.Page{})
		return err == nil && hits.Total > 200
	})
	require.NoError(t, x.Close())
}

// What was set aside is said to be missing until it was put back, also after a
// restart; it goes with its partition.
func TestWhatWasSetAsideIsMissingUntilItIsMended(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := open(t, dir)
	_, err := x.Append(system(), []ecs.Event{of("bo", "p0", "a"), of("bo", "p1", "b"), of("lia", "p0", "c")})
	require.NoError(t, err)
	gaps, err := x.Gaps(bo())
	require.NoError(t, err)
	require.Empty(t, gaps)
	require.NoError(t, x.Close())
	overwrite(t, filepath.Join(dir, "bo", "p0.events"), 0, 4096)
	x = open(t, dir)
	require.Equal(t, 1, total(t, x, bo()), "of two")
	var since time.Time
	for range 2 {
		gaps, err = x.Gaps(bo())
		require.NoError(t, err)
		require.Len(t, gaps, 1)
		require.Equal(t, "p0", gaps[0].Partition)
		since = gaps[0].Since
		require.WithinDuration(t, time.Now(), since, time.Hour)
		gaps, err = x.Gaps(lia())
		require.NoError(t, err)
		require.Empty(t, gaps, "not of another tenant")
		require.NoError(t, x.Mended(bo(), "p0", since.Add(-time.Second)), "not all that was in it")
		require.NoError(t, x.Mended(lia(), "p0", since.Add(time.Second)))
		require.NoError(t, x.Close())
		x = open(t, dir)
	}
	require.NoError(t, x.Mended(bo(), "p0", since.Add(time.Second)))
	for range 2 {
		gaps, err = x.Gaps(bo())
		require.NoError(t, err)
		require.Empty(t, gaps)
		require.NoError(t, x.Close())
		x = open(t, dir)
	}
	require.NoError(t, x.Drop(bo(), "p0"))
	left, err := filepath.Glob(filepath.Join(dir, "bo", "p0*"))
	require.NoError(t, err)
	require.Empty(t, left, "a damaged file lives no longer than its partition")
	require.NoError(t, x.Close())
	_, err = x.Gaps(bo())
	require.Error(t, err)
	_, err = x.Gaps(context.Background())
	require.ErrorIs(t, err, tenant.ErrMissing)
}
