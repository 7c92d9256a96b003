package indexer_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/ingest/indexer"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/kql"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// shaky is the real index behind a door that can be shut, as when its engine is away.
type shaky struct {
	eventindex.Index
	away atomic.Bool
}

var errAway = errors.New("the index is away")

func (s *shaky) Append(ctx context.Context, events []ecs.Event) ([]eventindex.Result, error) {
	if s.away.Load() {
		return nil, errAway
	}
	return s.Index.Append(ctx, events)
}

func start(t *testing.T) (bus.Bus, *shaky) {
	b := bustest.Start(t)
	index := &shaky{Index: embedded.OpenTemp(t)}
	require.NoError(t, b.EnsureTopics(t.Context(),
		bus.TopicConfig{Name: bus.TopicEvents, Partitions: 2, Retention: time.Hour},
		bus.TopicConfig{Name: bus.TopicEventsFailed, Partitions: 1, Retention: time.Hour}))
	m, err := indexer.New(run.Deps{
		Log: slog.New(slog.DiscardHandler), Clock: time.Now, Metrics: prometheus.NewRegistry(), Bus: b, Events: index,
		Secret: func(string) []byte { return make([]byte, 32) },
	}, indexer.Default())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-done) })
	return b, index
}

func event(id, line string) ecs.Event {
	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	return ecs.Event{
		Timestamp: at, Message: line,
		Event: ecs.Meta{ID: id, Kind: "event", Original: line, Created: at},
		Varde: ecs.Varde{Tenant: "bjorkvag", Source: "s1", Partition: "bjorkvag.standard.2026.11.20"},
	}
}

func publish(t *testing.T, b bus.Bus, events ...ecs.Event) {
	var msgs []bus.Message
	for _, ev := range events {
		value, err := json.Marshal(ev)
		require.NoError(t, err)
		msgs = append(msgs, bus.Message{Tenant: ev.Varde.Tenant, Key: ev.Event.ID, ID: ev.Event.ID, Type: topics.TypeEvent, Version: 1, Value: value})
	}
	require.NoError(t, b.Publish(t.Context(), bus.TopicEvents, msgs...))
}

func count(t *testing.T, index eventindex.Index) int {
	hits, err := index.Search(tenant.With(t.Context(), "bjorkvag"), kql.Query{}, eventindex.Range{}, eventindex.Page{})
	require.NoError(t, err)
	return hits.Total
}

func TestEveryEventIsStoredOnceAcrossAnOutageOfTheIndex(t *testing.T) {
	t.Parallel()
	b, index := start(t)
	index.away.Store(true)
	publish(t, b, event("e1", "one"), event("e2", "two"))
	publish(t, b, event("e2", "two"), event("e3", "three"))
	time.Sleep(300 * time.Millisecond)
	require.Zero(t, count(t, index))
	index.away.Store(false)
	require.Eventually(t, func() bool { return count(t, index) == 3 }, 20*time.Second, 20*time.Millisecond)
}

func TestWhatCannotBeStoredIsADeadLetterWithItsLine(t *testing.T) {
	t.Parallel()
	b, index := start(t)
	publish(t, b, event("e1", "one"))
	require.Eventually(t, func() bool { return count(t, index) == 1 }, 20*time.Second, 20*time.Millisecond)
	publish(t, b, event("e1", "another content"))
	require.NoError(t, b.Publish(t.Context(), bus.TopicEvents, bus.Message{Tenant: "bjorkvag", Key: "e1", ID: "x", Type: topics.TypeEvent, Value: []byte("{not json")}))

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	letters := map[string]topics.DeadLetter{}
	require.NoError(t, b.Follow(ctx, bus.TopicEventsFailed, func(_ context.Context, batch []bus.Message) error {
		for _, m := range batch {
			var l topics.DeadLetter
			require.NoError(t, json.Unmarshal(m.Value, &l))
			letters[l.Reason] = l
		}
		if len(letters) == 2 {
			cancel()
		}
		return nil
	}, func() {}))
	require.Equal(t, "another content", string(letters["conflicting-id"].Raw))
	require.Equal(t, "{not json", string(letters["not-an-event"].Raw))
	require.Equal(t, "bjorkvag", letters["conflicting-id"].Tenant)
	require.Equal(t, 1, count(t, index))
}
