package cases

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit/audittest"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/id"
	"varde.internal/platform/run/runtest"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

var testKeys = Keys{Topic: []byte("topic-keys-topic-keys-topic-keys"), Exclusion: []byte("exclusion-exclusion-exclusion-ex")}

// newService is the use cases on a real store, without a bus.
func newService(t testing.TB, store docstore.Store, c *runtest.Clock, org *Org) *Service {
	t.Helper()
	st, err := openStores(context.Background(), store, c.Now)
	require.NoError(t, err)
	return &Service{
		stores: st, org: org, audit: &audittest.Recorder{}, log: slog.New(slog.DiscardHandler), clock: c.Now,
		zone: time.UTC, settings: DefaultSettings(), keys: testKeys,
	}
}

func tempService(t testing.TB, org *Org) (*Service, *runtest.Clock) {
	t.Helper()
	store, c := openTemp(t)
	return newService(t, store, c, org), c
}

func openTemp(t testing.TB) (docstore.Store, *runtest.Clock) {
	t.Helper()
	return sqlite.OpenTemp(t), runtest.NewClock(t0)
}

func in(tid string) context.Context { return tenant.With(context.Background(), tenant.ID(tid)) }

func finding(tid, key string, at time.Time, severity string) topics.Finding {
	return topics.Finding{
		ID: id.Of("finding", tid, key), Tenant: tid, Rule: "C4", Family: topics.FamilyVendorAccess,
		Group: map[string]string{"vendor": "vendor-1", "system": "ehr"}, Severity: severity, Time: at, First: at, Last: at, Decided: at.Add(time.Second),
		Reason: topics.Reason{Slug: "outside-window"}, SystemID: "ehr", VendorID: "vendor-1", Persons: []string{"vendor-person"},
		Evidence: []topics.Evidence{{EventID: "event-" + key, Time: at, Original: "line " + key, SHA256: "h", Account: "vendor-account", Address: "10.0.0.9"}},
	}
}

func report(tid, key string) topics.Report {
	reportID := id.Of("report", tid, key)
	return topics.Report{
		ID: reportID, Tenant: tid, FormType: "general", FormVersion: 1, Kind: KindEvent, Category: "vendor-access", Severity: topics.SeverityMedium,
		Summary: "Screen left unlocked in the hallway", Answers: json.RawMessage(`{"what":"x"}`), SystemID: "ehr", Reporter: "pseudonym",
		ReporterExclusion: topics.ExclusionOf(testKeys.Exclusion, tid, reportID, "nurse"), Submitted: t0,
	}
}
