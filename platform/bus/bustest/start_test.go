package bustest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
)

func TestStartGivesABusThatCarriesMessages(t *testing.T) {
	t.Parallel()
	b := bustest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, b.Ready(ctx))
	require.NoError(t, b.EnsureTopics(ctx, bus.TopicConfig{Name: "a.topic", Partitions: 3, Retention: time.Hour}))
	require.NoError(t, b.EnsureTopics(ctx, bus.TopicConfig{Name: "a.topic", Partitions: 3, Retention: 2 * time.Hour}))
	got := make(chan bus.Message, 10)
	consuming, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- b.Consume(consuming, "a.topic", "g", bus.ConsumeOptions{}, func(_ context.Context, batch []bus.Message) error {
			for _, m := range batch {
				got <- m
			}
			return nil
		})
	}()
	for i := range 5 {
		begun := time.Now()
		require.NoError(t, b.Publish(ctx, "a.topic", bus.Message{Tenant: "bo", Key: "k", ID: "1", Type: "t", Version: 2, Value: []byte(`{}`)}))
		acked := time.Since(begun)
		m := <-got
		t.Log(i, "acknowledged", acked, "handled", time.Since(begun))
		require.Equal(t, "bo", m.Tenant)
		require.Equal(t, 2, m.Version)
	}
	stop()
	begun := time.Now()
	require.NoError(t, <-done)
	t.Log("stopped in", time.Since(begun))
}
