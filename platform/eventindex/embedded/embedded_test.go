package embedded_test

import (
	"testing"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/eventindex/eventindextest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	eventindextest.Run(t, func(t testing.TB) eventindex.Index { return embedded.OpenTemp(t) }, eventindextest.Caps{})
}
