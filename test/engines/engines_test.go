package engines_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/bus/kafka"
	"varde.internal/test/engines"
)

func TestKafkaRuns(t *testing.T) {
	t.Parallel()
	b, err := kafka.Open(engines.Kafka(t), kafka.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	require.NoError(t, b.Ready(t.Context()))
}

func TestElasticsearchRuns(t *testing.T) {
	t.Parallel()
	resp, err := http.Get(engines.Elasticsearch(t) + "/_cluster/health")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestMongoRuns(t *testing.T) {
	t.Parallel()
	require.Contains(t, engines.Mongo(t), "mongodb://")
}

func TestAKilledBrokerComesBackWithItsMessages(t *testing.T) {
	t.Parallel()
	e := engines.Own(t, engines.KindKafka)
	b, err := kafka.Open(e.URL, kafka.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	require.NoError(t, b.EnsureTopics(ctx, bus.TopicConfig{Name: "a", Partitions: 1, Retention: time.Hour}))
	got := make(chan string, 100)
	done := make(chan error, 1)
	go func() {
		done <- b.Consume(ctx, "a", "g", bus.ConsumeOptions{}, func(_ context.Context, batch []bus.Message) error {
			for _, m := range batch {
				got <- m.ID
			}
			return nil
		})
	}()
	require.NoError(t, b.Publish(ctx, "a", bus.Message{ID: "before"}))
	require.Equal(t, "before", <-got)
	e.Kill()
	published := make(chan error, 1)
	go func() { published <- b.Publish(ctx, "a", bus.Message{ID: "during"}) }()
	time.Sleep(time.Second)
	require.NoError(t, e.Start(ctx))
	require.NoError(t, <-published)
	for {
		select {
		case id := <-got:
			if id == "during" {
				cancel()
				require.NoError(t, <-done)
				return
			}
		case <-ctx.Done():
			t.Fatal("the consumer did not go on")
		}
	}
}
