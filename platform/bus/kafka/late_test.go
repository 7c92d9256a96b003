package kafka

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
)

// A group that is formed before its topic has no partitions, and could keep
// none for good where the topic came in the moment before kafka-go's first look
// at its partitions. That moment cannot be hit at will; so what is held is that
// no group is formed before.
func TestNoGroupIsFormedBeforeItsTopic(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Start(embedded.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(t, err)
	b, err := Open(broker.URL(), Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = broker.Close()
		_ = b.Close()
	})
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	topic := func(name string) bus.TopicConfig {
		return bus.TopicConfig{Name: name, Partitions: 3, Retention: time.Hour}
	}
	require.NoError(t, b.EnsureTopics(ctx, topic("there")))
	ended := make(chan error, 2)
	got := make(chan string, 10)
	for _, name := range []string{"later", "there"} {
		go func() {
			ended <- b.Consume(ctx, name, "group-"+name, bus.ConsumeOptions{}, func(_ context.Context, batch []bus.Message) error {
				for _, m := range batch {
					got <- m.ID
				}
				return nil
			})
		}()
	}
	next := func() string {
		select {
		case id := <-got:
			return id
		case <-ctx.Done():
			return "nothing comes"
		}
	}
	// The other group tells how long it takes to form one.
	for _, id := range []string{"a", "b", "c"} {
		require.NoError(t, b.Publish(ctx, "there", bus.Message{ID: id, Key: "k"}))
		require.Equal(t, id, next())
	}
	time.Sleep(time.Second)
	groups, err := b.client.ListGroups(ctx, &kafkago.ListGroupsRequest{})
	require.NoError(t, err)
	formed := []string{}
	for _, g := range groups.Groups {
		formed = append(formed, g.GroupID)
	}
	require.Equal(t, []string{"group-there"}, formed)

	require.NoError(t, b.EnsureTopics(ctx, topic("later")))
	require.NoError(t, b.Publish(ctx, "later", bus.Message{ID: "d", Key: "k"}))
	require.Equal(t, "d", next())
	stop()
	require.NoError(t, <-ended)
	require.NoError(t, <-ended)
}
