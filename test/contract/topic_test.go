package contract_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/ingest/collector"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/bus/kafka"
	"varde.internal/platform/config"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
	"varde.internal/test/engines"
)

// A topic of a real Kafka is a source: two collectors share its partitions, one
// of them ends in the middle, and every message is an event once.
func TestATopicOfARealKafkaIsTakenOnce_R36(t *testing.T) {
	t.Parallel()
	url := engines.Kafka(t)
	from, err := kafka.Open(url, kafka.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, from.Close()) })
	topic := "lines-" + strings.ToLower(uuid.NewString()[:8])
	require.NoError(t, from.EnsureTopics(t.Context(), bus.TopicConfig{Name: topic, Partitions: 3, Retention: time.Hour}))

	ours := bustest.Start(t)
	require.NoError(t, ours.EnsureTopics(t.Context(),
		bus.TopicConfig{Name: bus.TopicEvents, Partitions: 2, Retention: time.Hour}, bus.TopicConfig{Name: bus.TopicEventsFailed, Partitions: 1, Retention: time.Hour},
		bus.TopicConfig{Name: bus.TopicRegister, Partitions: 1, Compacted: true}, bus.TopicConfig{Name: bus.TopicDirectory, Partitions: 1, Compacted: true}))
	for _, f := range []topics.Fact{fact(t, topics.KindTenant, "bo", topics.Tenant{Name: "Bø"}), fact(t, topics.KindSource, "src", topics.Source{Name: "s", Kind: "bulk"})} {
		value, err := json.Marshal(f)
		require.NoError(t, err)
		to := bus.TopicRegister
		if f.Kind == topics.KindTenant {
			to = bus.TopicDirectory
		}
		require.NoError(t, ours.Publish(t.Context(), to, bus.Message{Tenant: "bo", Key: f.ID, ID: f.ID, Type: topics.TypeFact, Value: value}))
	}
	seen := follow(t, ours)
	cfg := collector.Default()
	cfg.Topics = []collector.Topic{{Brokers: config.Secret(url), Topic: topic, Group: topic, Source: "src", Format: collector.FormatLine}}
	one := collect(t, ours, cfg)
	collect(t, ours, cfg)
	const lines = 3000
	for n := range lines {
		if n == lines/2 {
			one() // while the other half is being sent
		}
		if n%100 == 0 {
			var batch []bus.Message
			for i := range 100 {
				batch = append(batch, bus.Message{Key: fmt.Sprint(i % 7), Value: fmt.Appendf(nil, "Nov 22 10:00:00 arkiv01 app[1]: number %d", n+i)})
			}
			require.NoError(t, from.Publish(t.Context(), topic, batch...))
		}
	}
	await.True(t, func() bool { return seen() >= lines }, "%d of %d", seen(), lines)
	require.Equal(t, lines, seen())
}

func fact(t *testing.T, kind, id string, data any) topics.Fact {
	t.Helper()
	raw, err := json.Marshal(data)
	require.NoError(t, err)
	return topics.Fact{Kind: kind, ID: id, Tenant: "bo", Versions: []topics.Version{{ValidFrom: time.Unix(0, 0), RecordedAt: time.Unix(0, 0), Data: raw}}}
}

// follow counts the distinct events; two events with the same message or one
// message with two ids fail the test.
func follow(t *testing.T, b bus.Bus) (seen func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	ids := map[string]string{}
	var ended sync.WaitGroup
	ended.Go(func() {
		_ = b.Follow(ctx, bus.TopicEvents, func(_ context.Context, batch []bus.Message) error {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range batch {
				var e ecs.Event
				if json.Unmarshal(m.Value, &e) != nil || (ids[e.Message] != "" && ids[e.Message] != e.Event.ID) {
					t.Error("an event cannot be read, or a message has two ids")
				}
				ids[e.Message] = e.Event.ID
			}
			return nil
		}, func() {})
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
	return func() int { mu.Lock(); defer mu.Unlock(); return len(ids) }
}

// collect runs a collector until stop is called or the test ends.
func collect(t *testing.T, b bus.Bus, cfg collector.Config) (stop func()) {
	t.Helper()
	m, err := collector.New(run.Deps{Log: slog.New(slog.DiscardHandler), Clock: time.Now, Metrics: prometheus.NewRegistry(), Bus: b, Docs: sqlite.OpenTemp(t),
		Secret: func(string) []byte { return []byte("0123456789abcdef0123456789abcdef") }}, cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	await.True(t, func() bool { return m.Ready(ctx) == nil })
	return stop
}
