package kql_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"varde.internal/platform/eventindex/eventindextest"
	"varde.internal/platform/kql"
)

func TestEveryTreeCanBeWrittenAndReadAgain(t *testing.T) {
	t.Parallel()
	events := eventindextest.Events(4, "bo", []string{"p"}, 60)
	rapid.Check(t, func(rt *rapid.T) {
		written := kql.Query{Root: eventindextest.Tree(rt)}
		read, err := kql.Parse(written.String(), kql.Options{})
		require.NoError(rt, err, written.String())
		require.Empty(rt, cmp.Diff(written.Root, read.Root, cmpopts.EquateEmpty()), written.String())
		for i := range events {
			require.Equal(rt, kql.Match(written, &events[i]), kql.Match(read, &events[i]))
		}
	})
}
