package run_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/problem"
	"varde.internal/platform/run"
)

var errAway = errors.New("the store is away")

func TestAPartWaitsForItsStoreAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var opened run.Opened[string]
		_, err := opened.Get()
		var p *problem.Error
		require.ErrorAs(t, err, &p)
		require.Equal(t, problem.KindUnavailable, p.Kind)

		require.Error(t, opened.Ready())
		began, tries := time.Now(), 0
		got := opened.Open(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), "cases", func(context.Context) (*string, error) {
			if tries++; tries <= 8 {
				return nil, errAway
			}
			v := "open"
			return &v, nil
		})
		require.Equal(t, "open", *got)
		// 0.1 + 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 5 + 5: never more than five seconds apart.
		require.Equal(t, 16300*time.Millisecond, time.Since(began))
		require.Equal(t, 8, bytes.Count(log.Bytes(), []byte("part=cases")))
		again, err := opened.Get()
		require.NoError(t, err)
		require.Same(t, got, again)
		require.NoError(t, opened.Ready())
	})
}

func TestWaitingForAStoreEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for name, canceled := range map[string]func(cancel func()){
		"during the pause":   func(cancel func()) { time.AfterFunc(time.Minute, cancel) },
		"during the attempt": func(cancel func()) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				tries := 0
				ok := run.Open(ctx, slog.New(slog.DiscardHandler), "cases", func(context.Context) error {
					if tries++; tries == 3 {
						canceled(cancel)
					}
					return errAway
				})
				require.False(t, ok)
				require.Error(t, ctx.Err())
				require.GreaterOrEqual(t, tries, 3)
			})
		})
	}
	var opened run.Opened[int]
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.Nil(t, opened.Open(ended, slog.New(slog.DiscardHandler), "cases", func(context.Context) (*int, error) { return nil, errAway }))
}

// These answer Ready; nothing else of them is called.
type (
	documents struct{ docstore.Store }
	broker    struct {
		bus.Bus
		err error
	}
)

func (documents) Ready(context.Context) error { return nil }
func (b broker) Ready(context.Context) error  { return b.err }

func TestTheFirstMissingEngineIsNamed(t *testing.T) {
	t.Parallel()
	deps := run.Deps{Docs: documents{}, Bus: broker{err: errAway}}
	require.NoError(t, deps.Ready(t.Context(), run.Documents))
	err := deps.Ready(t.Context(), run.Documents, run.Kafka)
	var p *problem.Error
	require.ErrorAs(t, err, &p)
	require.Equal(t, "kafka", p.Params["engine"])
	require.ErrorIs(t, err, errAway)
}
