package embedded_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// Retention drops a partition while a late line comes for it: what is stored
// after that is in the new one, not in the file that is being removed.
func TestWhatIsStoredWhileAPartitionIsDroppedIsNotInTheRemovedFile(t *testing.T) {
	t.Parallel()
	ctx := tenant.With(t.Context(), "bo")
	dir := t.TempDir()
	x, err := embedded.Open(ctx, dir, embedded.Options{Unsafe: true})
	require.NoError(t, err)
	store := func(name string, n int) {
		results, err := x.Append(ctx, []ecs.Event{{Timestamp: time.Now(), Message: "x", Event: ecs.Meta{ID: fmt.Sprint(name, "-", n)},
			Varde: ecs.Varde{Tenant: "bo", Partition: name}}})
		if err != nil || results[0].Status != eventindex.Stored {
			t.Errorf("%s %d: %v %v", name, n, results, err)
		}
	}
	const rounds = 40
	for i := range rounds {
		name := fmt.Sprint("bo.standard.", i)
		store(name, 0)
		var both sync.WaitGroup
		both.Go(func() {
			if err := x.Drop(ctx, name); err != nil {
				t.Errorf("drop: %v", err)
			}
		})
		both.Go(func() { store(name, 1) })
		both.Wait()
		store(name, 2)
	}
	require.NoError(t, x.Close())
	x, err = embedded.Open(ctx, dir, embedded.Options{Unsafe: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, x.Close()) }()
	for i := range rounds {
		_, err := x.Get(ctx, fmt.Sprint("bo.standard.", i, "-", 2))
		require.NoError(t, err, "%d", i)
		_, err = x.Get(ctx, fmt.Sprint("bo.standard.", i, "-", 0))
		require.ErrorIs(t, err, eventindex.ErrNotFound)
	}
}
