// Package bustest gives tests an embedded bus and holds the contract that
// every bus has to keep (Run).
package bustest

import (
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/bus/kafka"
)

// Start returns a bus on an embedded broker in memory that ends with the test.
// Topics are not made by themselves: call EnsureTopics.
func Start(t testing.TB) bus.Bus {
	t.Helper()
	b, err := embedded.Start(embedded.Options{Log: quiet()})
	require.NoError(t, err)
	c, err := kafka.Open(b.URL(), kafka.Options{Log: quiet()})
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = b.Close() // first: a reader in its long poll ends at once
		_ = c.Close()
	})
	return c
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
