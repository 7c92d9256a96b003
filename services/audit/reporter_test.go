package audit

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit"
	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/docstore"
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
	hour := clock.Truncate(time.Hour)
	var batch []pendingEntry
	for _, c := range []struct {
		kind     string
		at, want time.Time
	}{
		{"reporter", hour, hour},
		{"service", hour, hour}, // because a reporter did something
		{"person", clock, clock},
		{"reporter", clock, hour},
	} {
		r := topics.AuditRecord{
			ID: id.New(), Tenant: "bo", Time: c.at, Service: "deviation", Actor: topics.Actor{Type: c.kind, ID: "p"},
			Action: "report.follow", Phase: audit.PhaseIntent,
		}
		require.NoError(t, s.Record(in("bo"), r))
		doc, err := s.stores.records.Get(in("bo"), r.ID)
		require.NoError(t, err)
		require.Equal(t, c.want, doc.Value.Received.UTC(), c.kind)
		require.Zero(t, doc.Updated.Sub(doc.Updated.Truncate(time.Hour)))
		batch = append(batch, pendingEntry{id: doc.ID, entry: doc.Value})
	}
	// In the log too, where all lie in one order.
	moment := clock
	l := newTenantLog("bo", stores, func() time.Time { return moment })
	require.NoError(t, l.append(in("bo"), batch[:2]))
	moment = moment.Add(time.Minute)
	require.NoError(t, l.append(in("bo"), batch[2:3]))
	moment = moment.Add(time.Minute)
	require.NoError(t, l.append(in("bo"), batch[3:]))
	for i, want := range []time.Time{hour, hour, clock.Add(time.Minute), hour} {
		doc, err := stores.records.Get(in("bo"), batch[i].id)
		require.NoError(t, err)
		require.Equal(t, want, doc.Value.Logged.UTC(), i)
	}
	chunks, err := stores.chunks.Find(in("bo"), nil, docstore.FindOptions{})
	require.NoError(t, err)
	require.Len(t, chunks.Docs, 3)
	for _, c := range chunks.Docs {
		require.Zero(t, c.Updated.Sub(c.Updated.Truncate(time.Hour)))
	}
}
