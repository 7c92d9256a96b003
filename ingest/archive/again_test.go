package archive_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/ingest/archive"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/run"
	"varde.internal/schemas/topics"
)

// given is a bus that brings certain batches.
type given struct {
	bus.Bus
	batches [][]bus.Message
	over    context.CancelFunc
}

func (g given) Consume(ctx context.Context, _, _ string, _ bus.ConsumeOptions, h bus.Handler) error {
	defer g.over()
	for _, b := range g.batches {
		if err := h(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// A batch that comes again can end elsewhere: what came with it before stays.
func TestABatchThatComesAgainWithOtherBordersReplacesNothing(t *testing.T) {
	t.Parallel()
	var batch []bus.Message
	for n := range 10 {
		e := event("bo", n)
		batch = append(batch, bus.Message{Tenant: "bo", ID: e.Event.ID, Type: topics.TypeEvent, Value: encoded(t, e), Offset: int64(n)})
	}
	ctx, cancel := context.WithCancel(t.Context())
	b, _ := bucket(t)
	m, err := archive.New(run.Deps{
		Log: slog.New(slog.DiscardHandler), Clock: time.Now, Metrics: prometheus.NewRegistry(), Docs: sqlite.OpenTemp(t), Blobs: b,
		Bus: given{batches: [][]bus.Message{batch, batch[:4]}, over: cancel},
	}, archive.Default())
	require.NoError(t, err)
	require.NoError(t, m.Run(ctx))
	require.Len(t, ids(t, archive.NewFiles(b), bo(t), "bo.2026-11"), 10)
}
