package bustest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/bus/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheEmbeddedBusKeepsTheContract(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = broker.Close() })
	bustest.Run(t, func(t *testing.T) bus.Bus {
		b, err := kafka.Open(broker.URL(), kafka.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, b.Close()) })
		return b
	}, bustest.Caps{})
}
