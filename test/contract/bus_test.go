// Package contract runs the contract suites of the ports against real engines.
// The embedded adapters run them beside their code, in platform.
package contract_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/bus/kafka"
	"varde.internal/test/engines"
)

func TestKafkaKeepsTheBusContract(t *testing.T) {
	t.Parallel()
	url := engines.Kafka(t)
	bustest.Run(t, func(t *testing.T) bus.Bus {
		b, err := kafka.Open(url, kafka.Options{})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, b.Close()) })
		return b
	}, bustest.Caps{SlowGroups: true})
}
