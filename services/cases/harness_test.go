package cases

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// recorder is the audit client of tests: it keeps the records, and can be away.
type recorder struct {
	mu       sync.Mutex
	intents  []topics.AuditRecord
	outcomes map[string]map[string]int
	away     bool
}

var _ audit.Client = (*recorder)(nil)

func (r *recorder) Intent(_ context.Context, rec topics.AuditRecord) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		return "", errors.New("away")
	}
	r.intents = append(r.intents, rec)
	return id.New(), nil
}

func (r *recorder) Outcome(_ context.Context, intent, _ string, counts map[string]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outcomes == nil {
		r.outcomes = map[string]map[string]int{}
	}
	r.outcomes[intent] = counts
}

func (r *recorder) read(action, object string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, rec := range r.intents {
		if rec.Action == action && rec.Object == object {
			n++
		}
	}
	return n
}

// clock is a clock that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var testKeys = Keys{Topic: []byte("topic-keys-topic-keys-topic-keys"), Exclusion: []byte("exclusion-exclusion-exclusion-ex")}

// newService is the use cases on a real store, without a bus.
func newService(t testing.TB, store docstore.Store, c *clock, org *Org) *Service {
	t.Helper()
	st, err := openStores(context.Background(), store)
	require.NoError(t, err)
	return &Service{
		stores: st, org: org, audit: &recorder{}, log: slog.New(slog.DiscardHandler), clock: c.Now,
		zone: time.UTC, settings: DefaultSettings(), keys: testKeys,
	}
}

func tempService(t testing.TB, org *Org) (*Service, *clock) {
	t.Helper()
	c := &clock{now: t0}
	return newService(t, sqlite.OpenTemp(t), c, org), c
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
