package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/eventindex/eventindextest"
	"varde.internal/platform/kql"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// writerFolder makes this test program a process that appends until it is killed.
const writerFolder = "VARDE_TEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerFolder); dir != "" {
		appendForever(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func system() context.Context { return systemscope.Enter(context.Background(), "test") }
func bo() context.Context     { return tenant.With(context.Background(), "bo") }

func TestContract(t *testing.T) {
	t.Parallel()
	eventindextest.Run(t, func(t testing.TB) eventindex.Index { return embedded.OpenTemp(t) }, eventindextest.Caps{})
}

func TestContractWithFewOpenPartitions(t *testing.T) {
	t.Parallel()
	eventindextest.Run(t, func(t testing.TB) eventindex.Index {
		x, err := embedded.Open(context.Background(), t.TempDir(), embedded.Options{OpenPartitions: 1, Unsafe: true})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, x.Close()) })
		return x
	}, eventindextest.Caps{})
}

func open(t *testing.T, dir string) *embedded.Index {
	x, err := embedded.Open(context.Background(), dir, embedded.Options{})
	require.NoError(t, err)
	return x
}

func plain(n int) ecs.Event {
	return ecs.Event{Timestamp: eventindextest.Epoch.Add(time.Duration(n) * time.Second), Message: fmt.Sprintf("line %d", n),
		Event: ecs.Meta{ID: fmt.Sprintf("e%08d", n), Outcome: "success"}, User: &ecs.User{Name: fmt.Sprintf("u%d", n%50)},
		Varde: ecs.Varde{Tenant: "bo", Partition: fmt.Sprintf("p%d", n%3)}}
}

func appendForever(dir string) {
	x, err := embedded.Open(context.Background(), dir, embedded.Options{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	for n := 0; ; n += 50 {
		batch := make([]ecs.Event, 50)
		for i := range batch {
			batch[i] = plain(n + i)
		}
		if _, err := x.Append(system(), batch); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(n + len(batch)) // acknowledged
	}
}

// TestNothingAcknowledgedIsLostByKill9 kills a writer in the middle, four times
// on the same folder; the next begins from the first event again.
func TestNothingAcknowledgedIsLostByKill9(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	for round := range 4 {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), writerFolder+"="+dir)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		acknowledged := 0
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			_, err := fmt.Sscan(lines.Text(), &acknowledged)
			require.NoError(t, err, lines.Text())
			if acknowledged >= 1000+round*777 {
				require.NoError(t, cmd.Process.Kill())
				break
			}
		}
		for lines.Scan() { // what was acknowledged before the signal came
			if _, err := fmt.Sscan(lines.Text(), &acknowledged); err != nil {
				break
			}
		}
		_ = cmd.Wait()

		x := open(t, dir)
		seen := map[string]bool{}
		require.NoError(t, x.Scan(bo(), kql.Query{}, eventindex.Range{}, func(e ecs.Event) error {
			require.False(t, seen[e.Event.ID], "twice: %s", e.Event.ID)
			seen[e.Event.ID] = true
			return nil
		}))
		for n := range acknowledged {
			require.True(t, seen[plain(n).Event.ID], "lost: %d of %d", n, acknowledged)
		}
		hits, err := x.Search(bo(), query(t, "line"), eventindex.Range{}, eventindex.Page{})
		require.NoError(t, err)
		require.Equal(t, len(seen), hits.Total, "the full-text index has them all")
		buckets, err := x.Histogram(bo(), kql.Query{}, eventindex.Range{}, time.Hour, time.UTC)
		require.NoError(t, err)
		total := 0
		for _, b := range buckets {
			total += b.Count
		}
		require.Equal(t, len(seen), total, "the counts per minute have them all")
		require.NoError(t, x.Close())
	}
}

func query(t *testing.T, text string) kql.Query {
	q, err := kql.Parse(text, kql.Options{})
	require.NoError(t, err)
	return q
}

func TestAReaderDoesNotWaitForTheWriter(t *testing.T) {
	t.Parallel()
	x := embedded.OpenTemp(t)
	_, err := x.Append(system(), []ecs.Event{plain(0)})
	require.NoError(t, err)
	const each = 3000
	stored := 1
	for range 20 { // a machine that stalls may let no search through beside one append
		batch := make([]ecs.Event, 0, each)
		for n := range each {
			batch = append(batch, plain(3*(stored+n)))
		}
		done := make(chan error, 1)
		go func() {
			_, err := x.Append(system(), batch)
			done <- err
		}()
		time.Sleep(20 * time.Millisecond) // the writer is in its transaction
		beside := 0
		for writing := true; writing; {
			hits, err := x.Search(bo(), query(t, "line"), eventindex.Range{}, eventindex.Page{Limit: 10})
			require.NoError(t, err)
			select {
			case err := <-done:
				require.NoError(t, err)
				writing = false
			default:
				if hits.Total == stored {
					beside++
					continue
				}
				// Stored whole, and Append is about to say so.
				require.Equal(t, stored+each, hits.Total, "nothing of an append is seen before all of it")
			}
		}
		if beside >= 3 {
			return
		}
		stored += each
	}
	t.Fatal("searches wait for the writer")
}

func TestAnIndexFindsItsEventsAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := open(t, dir)
	_, err := x.Append(system(), []ecs.Event{plain(1), plain(2), plain(3)})
	require.NoError(t, err)
	require.NoError(t, x.Close())
	require.NoError(t, x.Close(), "closing twice is no error")
	_, err = x.Get(bo(), plain(1).Event.ID)
	require.Error(t, err)

	x = open(t, dir)
	results, err := x.Append(system(), []ecs.Event{plain(2), plain(4)})
	require.NoError(t, err)
	require.Equal(t, eventindex.Duplicate, results[0].Status)
	require.Equal(t, eventindex.Stored, results[1].Status)
	hits, err := x.Search(bo(), query(t, "line"), eventindex.Range{}, eventindex.Page{})
	require.NoError(t, err)
	require.Equal(t, 4, hits.Total)
	require.NoError(t, x.Close())
}

func TestASecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := open(t, dir)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := embedded.Open(ctx, dir, embedded.Options{})
	require.Error(t, err)
	require.NoError(t, x.Close())
	x = open(t, dir)
	require.NoError(t, x.Close())
}

func TestManyPartitionsShareFewHandles(t *testing.T) {
	t.Parallel()
	x, err := embedded.Open(context.Background(), t.TempDir(), embedded.Options{OpenPartitions: 2, Unsafe: true})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 30 {
				e := plain(worker*30 + i)
				e.Varde.Partition = fmt.Sprintf("p%d", i%12)
				if _, err := x.Append(system(), []ecs.Event{e}); err != nil {
					t.Errorf("append: %v", err)
				}
				if _, err := x.Get(bo(), e.Event.ID); err != nil {
					t.Errorf("get: %v", err)
				}
			}
		})
	}
	wg.Wait()
	hits, err := x.Search(bo(), kql.Query{}, eventindex.Range{}, eventindex.Page{})
	require.NoError(t, err)
	require.Equal(t, 120, hits.Total)
	require.NoError(t, x.Close())
}
