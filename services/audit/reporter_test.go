package audit

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit"
	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/id"
	"varde.internal/schemas/topics"
)

// Of what a reporter does the record keeps the hour it came in, in the content
// and in what the store notes; of all others the time.
func TestOfAReporterTheHourIsKept_N7(t *testing.T) {
	t.Parallel()
	stores, err := openStores(t.Context(), sqlite.OpenTemp(t))
	require.NoError(t, err)
	clock := time.Date(2026, 3, 2, 9, 17, 5, 0, time.UTC)
	s := newService(stores, bundle.Key{}, slog.New(slog.DiscardHandler), func() time.Time { return clock }, Default())
	received := map[string]time.Time{}
	for _, kind := range []string{"reporter", "person"} {
		r := topics.AuditRecord{
			ID: id.New(), Tenant: "bo", Time: clock.Truncate(time.Hour), Service: "deviation", Actor: topics.Actor{Type: kind, ID: "p"},
			Action: "report.follow", Phase: audit.PhaseIntent,
		}
		require.NoError(t, s.Record(in("bo"), r))
		doc, err := s.stores.records.Get(in("bo"), r.ID)
		require.NoError(t, err)
		received[kind] = doc.Value.Received.UTC()
		require.Zero(t, doc.Updated.Sub(doc.Updated.Truncate(time.Hour)))
	}
	require.Equal(t, map[string]time.Time{"reporter": clock.Truncate(time.Hour), "person": clock}, received)
}
