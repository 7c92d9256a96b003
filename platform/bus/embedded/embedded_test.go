package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/bus/kafka"
)

const childDir = "VARDE_TEST_BROKER_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		publishForever(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// publishForever is the child of the kill test: it prints each number after
// it was acknowledged.
func publishForever(dir string) {
	broker, err := embedded.Start(embedded.Options{Dir: dir})
	if err != nil {
		panic(err)
	}
	b, err := kafka.Open(broker.URL(), kafka.Options{})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := b.EnsureTopics(ctx, topic("numbers"), topic("read")); err != nil {
		panic(err)
	}
	go func() {
		_ = b.Consume(ctx, "numbers", "g", bus.ConsumeOptions{}, func(ctx context.Context, batch []bus.Message) error {
			return b.Publish(ctx, "read", batch...)
		})
	}()
	from, _ := strconv.Atoi(os.Getenv("VARDE_TEST_BROKER_FROM"))
	for i := from; ; i += 5 {
		batch := make([]bus.Message, 5)
		for j := range batch {
			batch[j] = bus.Message{Key: "k", ID: strconv.Itoa(i + j), Value: []byte(strings.Repeat("x", 300))}
		}
		if err := b.Publish(ctx, "numbers", batch...); err != nil {
			panic(err)
		}
		fmt.Println(i + 4)
	}
}

func topic(name string) bus.TopicConfig {
	return bus.TopicConfig{Name: name, Partitions: 1, Retention: 24 * time.Hour}
}

func start(t *testing.T, opt embedded.Options) *embedded.Broker {
	t.Helper()
	opt.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	b, err := embedded.Start(opt)
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func open(t *testing.T, broker *embedded.Broker) bus.Bus {
	t.Helper()
	b, err := kafka.Open(broker.URL(), kafka.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// read returns all that a topic holds.
func read(t *testing.T, b bus.Bus, topic string) []bus.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all []bus.Message
	caught := false
	require.NoError(t, b.Follow(ctx, topic, func(_ context.Context, batch []bus.Message) error {
		all = append(all, batch...)
		return nil
	}, func() { caught = true; cancel() }))
	require.True(t, caught)
	return all
}

func TestNothingAcknowledgedIsLostByKilling(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acked := -1
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		child := exec.CommandContext(ctx, os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir, "VARDE_TEST_BROKER_FROM="+strconv.Itoa(acked+1))
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, child.Start())
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acked, err = strconv.Atoi(lines.Text())
			require.NoError(t, err)
			if n == 60 {
				require.NoError(t, child.Process.Kill())
			}
		}
		_ = child.Wait()
		cancel()
	}
	require.Greater(t, acked, 500)
	begun := time.Now()
	broker := start(t, embedded.Options{Dir: dir})
	t.Log("opened again in", time.Since(begun))
	b := open(t, broker)
	have := map[string]bool{}
	for _, m := range read(t, b, "numbers") {
		have[m.ID] = true
	}
	for i := range acked + 1 {
		require.True(t, have[strconv.Itoa(i)], "message %d of %d was acknowledged", i, acked)
	}

	// The group goes on where it was: all numbers are read, once or more.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	rest := map[string]bool{}
	for _, m := range read(t, b, "read") {
		rest[m.ID] = true
	}
	before := len(rest)
	require.NoError(t, b.Consume(ctx, "numbers", "g", bus.ConsumeOptions{}, func(_ context.Context, batch []bus.Message) error {
		for _, m := range batch {
			rest[m.ID] = true
			if m.ID == strconv.Itoa(acked) {
				cancel()
			}
		}
		return nil
	}))
	t.Logf("acknowledged %d, read before the last kill %d, together %d", acked+1, before, len(rest))
	for i := range acked + 1 {
		require.True(t, rest[strconv.Itoa(i)], "message %d was committed without being read", i)
	}
}

func TestTheFolderIsPrivateAndHasAPassword(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "bus")
	broker := start(t, embedded.Options{Dir: dir})
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.EqualValues(t, 0o700, info.Mode().Perm())
	info, err = os.Stat(filepath.Join(dir, "secret"))
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())

	u, err := url.Parse(broker.URL())
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", u.Hostname())
	require.NoError(t, open(t, broker).Ready(t.Context()))
	for _, address := range []string{
		"kafka://" + u.Host, "kafka://varde:wrong@" + u.Host, "kafka://admin:admin@" + u.Host,
	} {
		b, err := kafka.Open(address, kafka.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		require.Error(t, b.EnsureTopics(ctx, topic("stolen")), "no access without the installation's secret")
		cancel()
		require.NoError(t, b.Close())
	}
}

func TestARestartKeepsThePortThePasswordAndTheMessages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker := start(t, embedded.Options{Dir: dir})
	_, err := embedded.Start(embedded.Options{Dir: dir})
	require.ErrorIs(t, err, embedded.ErrInUse)

	b := open(t, broker)
	require.NoError(t, b.EnsureTopics(t.Context(), topic("a")))
	require.NoError(t, b.Publish(t.Context(), "a", bus.Message{ID: "1"}))
	address := broker.URL()
	require.NoError(t, broker.Close())
	again := start(t, embedded.Options{Dir: dir})
	require.Equal(t, address, again.URL())
	require.Len(t, read(t, b, "a"), 1, "the same connection goes on with the new broker")
}

func TestConsumersAndPublishersSurviveTheBroker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker := start(t, embedded.Options{Dir: dir})
	b := open(t, broker)
	require.NoError(t, b.EnsureTopics(t.Context(), topic("a")))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	got := make(chan string, 1000)
	keep := func(_ context.Context, batch []bus.Message) error {
		for _, m := range batch {
			got <- m.ID
		}
		return nil
	}
	consumed, followed := make(chan error, 1), make(chan error, 1)
	go func() { consumed <- b.Consume(ctx, "a", "g", bus.ConsumeOptions{}, keep) }()
	go func() { followed <- b.Follow(ctx, "a", keep, nil) }()
	want := func(id string) {
		t.Helper()
		for n := 0; n < 2; { // by both
			select {
			case g := <-got:
				if g == id {
					n++
				}
			case <-ctx.Done():
				t.Fatalf("message %s did not arrive", id)
			}
		}
	}
	require.NoError(t, b.Publish(ctx, "a", bus.Message{ID: "before"}))
	want("before")
	require.NoError(t, broker.Close())
	require.Error(t, b.Ready(ctx))
	published := make(chan error, 1)
	go func() { published <- b.Publish(ctx, "a", bus.Message{ID: "during"}) }()
	time.Sleep(2 * time.Second)
	start(t, embedded.Options{Dir: dir})
	require.NoError(t, <-published, "publishing waits for the broker")
	want("during")
	require.NoError(t, b.Publish(ctx, "a", bus.Message{ID: "after"}))
	want("after")
	cancel()
	require.NoError(t, <-consumed)
	require.NoError(t, <-followed)
}

func TestRetentionDeletesButOffsetsGoOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker := start(t, embedded.Options{Dir: dir, Retention: 50 * time.Millisecond})
	b := open(t, broker)
	require.NoError(t, b.EnsureTopics(t.Context(), bus.TopicConfig{Name: "short", Partitions: 1, Retention: time.Hour}))
	for i := range 10 {
		require.NoError(t, b.Publish(t.Context(), "short", bus.Message{ID: strconv.Itoa(i), Time: time.Now().Add(-2 * time.Hour)}))
	}
	await.True(t, func() bool { return len(read(t, b, "short")) == 1 },
		"expired messages are deleted, but for the last")
	require.NoError(t, b.Publish(t.Context(), "short", bus.Message{ID: "fresh"}))
	require.NoError(t, broker.Close())

	start(t, embedded.Options{Dir: dir, Retention: 50 * time.Millisecond})
	got := read(t, b, "short")
	require.Equal(t, "fresh", got[len(got)-1].ID)
	require.EqualValues(t, 10, got[len(got)-1].Offset, "offsets are never given twice")
	require.NoError(t, b.Publish(t.Context(), "short", bus.Message{ID: "next"}))
	got = read(t, b, "short")
	require.EqualValues(t, 11, got[len(got)-1].Offset)
}

func TestCompactionKeepsTheLastValueOfEachKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broker := start(t, embedded.Options{Dir: dir})
	b := open(t, broker)
	require.NoError(t, b.EnsureTopics(t.Context(), bus.TopicConfig{Name: "table", Partitions: 2, Compacted: true}, topic("other")))
	old := time.Now().Add(-30 * 24 * time.Hour) // a fact may be older than any retention
	want := map[string]string{}
	for round := range 30 {
		for _, key := range []string{"a", "b", "c", "d"} {
			value := fmt.Sprintf("%s%d %s", key, round, strings.Repeat("-", 500))
			want[key] = value
			require.NoError(t, b.Publish(t.Context(), "table", bus.Message{Key: key, Value: []byte(value), Time: old}))
		}
	}
	require.NoError(t, b.Publish(t.Context(), "table", bus.Message{Key: "d", Time: time.Now()}))
	delete(want, "d")
	require.NoError(t, b.Publish(t.Context(), "other", bus.Message{ID: "1", Time: old}))
	require.NoError(t, broker.Close())

	table := func() (map[string]string, int) {
		all := read(t, b, "table")
		got := map[string]string{}
		for _, m := range all {
			if len(m.Value) == 0 {
				delete(got, m.Key)
			} else {
				got[m.Key] = string(m.Value)
			}
		}
		return got, len(all)
	}
	broker = start(t, embedded.Options{Dir: dir, CompactAbove: 4096})
	got, n := table()
	require.Equal(t, want, got)
	require.Less(t, n, 10, "superseded values are gone")
	require.Len(t, read(t, b, "other"), 1, "other topics are left alone")
	require.NoError(t, b.Publish(t.Context(), "table", bus.Message{Key: "e", Value: []byte("new")}))
	require.NoError(t, broker.Close())

	// A crash between the two renames: the old folder is away, the new one not in place.
	live := filepath.Join(dir, "kafka", "partitions", "table-0")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "replaced"), 0o700))
	require.NoError(t, os.Rename(live, filepath.Join(dir, "replaced", "table-0")))
	start(t, embedded.Options{Dir: dir})
	want["e"] = "new"
	got, _ = table()
	require.Equal(t, want, got)
}
