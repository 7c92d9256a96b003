package bustest_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/bus/kafka"
)

// BenchmarkEmbedded sends and handles events of 600 bytes over the embedded
// broker, synced to disk, in batches of 200; one operation is one event.
func BenchmarkEmbedded(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	broker, err := embedded.Start(embedded.Options{Dir: b.TempDir(), Log: log})
	require.NoError(b, err)
	b.Cleanup(func() { _ = broker.Close() })
	c, err := kafka.Open(broker.URL(), kafka.Options{Log: log})
	require.NoError(b, err)
	b.Cleanup(func() { _ = c.Close() })
	require.NoError(b, c.EnsureTopics(b.Context(), bus.TopicConfig{Name: "events", Partitions: 6, Retention: time.Hour}))
	handled := make(chan int, 100)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() {
		done <- c.Consume(ctx, "events", "g", bus.ConsumeOptions{}, func(_ context.Context, batch []bus.Message) error {
			handled <- len(batch)
			return nil
		})
	}()
	value := []byte(`{"event":{"original":"` + strings.Repeat("Nov 22 08:00:00 host sshd[1]: ", 19) + `"}}`)
	b.ResetTimer()
	go func() {
		for sent := 0; sent < b.N; {
			batch := make([]bus.Message, min(200, b.N-sent))
			for i := range batch {
				batch[i] = bus.Message{Tenant: "bo", Key: fmt.Sprint((sent + i) % 50), ID: fmt.Sprint(sent + i), Value: value}
			}
			if err := c.Publish(b.Context(), "events", batch...); err != nil {
				b.Error(err)
				return
			}
			sent += len(batch)
		}
	}()
	for n := 0; n < b.N; n += <-handled {
	}
	b.StopTimer()
	cancel()
	require.NoError(b, <-done)
}
