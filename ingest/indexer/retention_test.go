package indexer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/ingest/archive"
	"varde.internal/ingest/indexer"
	"varde.internal/platform/audit"
	"varde.internal/platform/audit/audittest"
	"varde.internal/platform/await"
	"varde.internal/platform/blob"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/gen/searchapi"
)

// aged is an index and an archive with partitions of some age, and what deletes them.
type aged struct {
	t     *testing.T
	blobs blob.Bucket
	index eventindex.Index
	docs  docstore.Store
	audit audittest.Recorder
	now   time.Time
	n     int

	mu    sync.Mutex
	holds map[string][]searchapi.HeldTime // by tenant
	away  bool                            // the service that knows of holds
}

// ServeHTTP answers as the search service does, which has tests of its own.
func (a *aged) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := r.Header.Get(httpx.HeaderTenant)
	if a.away || r.URL.Path != "/v1/internal/holds" || r.URL.Query().Get("tenant") != of {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(searchapi.Held{Items: a.holds[of]})
}

type tokens struct{}

func (tokens) Token(context.Context, string) (string, error) { return "token", nil }

func newAged(t *testing.T) *aged {
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	blobs, err := blob.Open(t.Context(), "mem://", key)
	require.NoError(t, err)
	return &aged{t: t, blobs: blobs, index: embedded.OpenTemp(t), docs: sqlite.OpenTemp(t), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
}

// put stores two events in a partition of the tenant, dated at.
func (a *aged) put(tenantID, class, period string, at time.Time) {
	a.t.Helper()
	var events []ecs.Event
	for range 2 {
		a.n++
		events = append(events, ecs.Event{Timestamp: at, Message: "x", Event: ecs.Meta{ID: fmt.Sprint("e", a.n)},
			Varde: ecs.Varde{Tenant: tenantID, Partition: tenantID + "." + class + "." + period}})
	}
	// The archive first: retention, when it is running, goes by the index.
	require.NoError(a.t, archive.NewFiles(a.blobs).Write(in(tenantID), events[0].Varde.Partition, fmt.Sprintf("%08d", a.n), [][]byte{[]byte(`{}`)}))
	results, err := a.index.Append(systemscope.Enter(context.Background(), "test"), events)
	require.NoError(a.t, err)
	for _, r := range results {
		require.Equal(a.t, eventindex.Stored, r.Status)
	}
}

func in(tenantID string) context.Context {
	return tenant.With(context.Background(), tenant.ID(tenantID))
}

func (a *aged) left() (names []string) {
	a.t.Helper()
	all, err := a.index.Partitions(systemscope.Enter(context.Background(), "test"))
	require.NoError(a.t, err)
	for _, p := range all {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	archived := a.archived()
	require.Subset(a.t, names, archived, "the archive has what the index has")
	return names
}

// archived names the partitions of which the archive still has pieces.
func (a *aged) archived() (names []string) {
	a.t.Helper()
	for _, t := range []string{"bo", "nes"} {
		files, err := a.blobs.List(in(t), "archive/")
		require.NoError(a.t, err)
		for _, f := range files {
			names = append(names, strings.Split(f.Key, "/")[1])
		}
	}
	return names
}

func (a *aged) retention(metrics prometheus.Registerer, set func(*indexer.RetentionConfig)) *indexer.Retention {
	a.t.Helper()
	cfg := indexer.DefaultRetention()
	if set != nil {
		set(&cfg)
	}
	search := httptest.NewServer(a)
	a.t.Cleanup(search.Close)
	r, err := indexer.NewRetention(run.Deps{Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return a.now },
		Endpoint: func(string) string { return search.URL }, Tokens: tokens{}, Metrics: metrics, Docs: a.docs, Events: a.index, Blobs: a.blobs, Audit: &a.audit}, cfg)
	require.NoError(a.t, err)
	return r
}

func pass(t *testing.T, r *indexer.Retention) {
	t.Helper()
	done, err := r.Pass(t.Context())
	require.NoError(t, err)
	require.True(t, done)
}

func TestEventsAreDeletedWhenTheirTimeIsOver_R39(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	// 2026-11-22 less 90 days is 2026-08-24: that day's last moment was 89 and a
	// half days ago.
	a.put("bo", "standard", "2026-08-23", a.now.AddDate(0, 0, -91))
	a.put("bo", "standard", "2026-08-24", a.now.AddDate(0, 0, -90))
	a.put("bo", "standard", "2026-07", a.now.AddDate(0, 0, -120))
	a.put("bo", "standard", "2026-08", a.now.AddDate(0, 0, -85))
	a.put("bo", "long", "2025-11-20", a.now.AddDate(-1, 0, -2))
	a.put("bo", "long", "2025-12-20", a.now.AddDate(-1, 1, -2))
	a.put("bo", "kept", "2020-01-01", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	a.put("bo", "unnamed", "2020-01-01", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	a.put("nes", "standard", "2026-08-20", a.now.AddDate(0, 0, -94))
	a.put("nes", "short", "2026-08-25", a.now.AddDate(0, 0, -89))
	a.put("vik", "standard", "2026-11-10", a.now.AddDate(0, 0, -12))
	a.put("vik", "standard", "2026-11-20", a.now)
	// A wrong clock's event lies where it was received: its own time says nothing.
	a.put("vik", "standard", "2026-11-21", time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC))

	metrics := prometheus.NewRegistry()
	pass(t, a.retention(metrics, func(c *indexer.RetentionConfig) {
		c.Days["long"], c.Days["kept"], c.Days["short"] = 365, 0, 10
		c.Tenants = map[string]indexer.Periods{
			"nes": {Floor: 92},                            // lengthens standard and short
			"vik": {Days: map[string]int{"standard": 10}}, // its own
		}
	}))
	require.Equal(t, []string{
		"bo.kept.2020-01-01", "bo.long.2025-12-20", "bo.standard.2026-08", "bo.standard.2026-08-24", "bo.unnamed.2020-01-01",
		"nes.short.2026-08-25",
		"vik.standard.2026-11-20", "vik.standard.2026-11-21",
	}, a.left())

	require.Equal(t, map[string]float64{
		`varde_retention_partitions_deleted_total bo`: 3, `varde_retention_partitions_deleted_total nes`: 1, `varde_retention_partitions_deleted_total vik`: 1,
		`varde_retention_events_deleted_total bo`: 6, `varde_retention_events_deleted_total nes`: 2, `varde_retention_events_deleted_total vik`: 2,
		`varde_retention_partitions_without_rule `: 1, `varde_retention_partitions_held `: 0, `varde_retention_failures_total `: 0,
	}, readings(t, metrics))
}

// readings are the metrics of retention by name and tenant.
func readings(t *testing.T, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	require.NoError(t, err)
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			label := ""
			if len(m.Label) > 0 {
				label = m.Label[0].GetValue()
			}
			if f.GetName() != "varde_retention_last_success_timestamp_seconds" {
				out[f.GetName()+" "+label] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return out
}

func TestADeletionIsInTheAuditLogBeforeItHappens_R63(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	a.put("bo", "standard", "2026-01-01", a.now.AddDate(0, -11, 0))
	a.put("bo", "standard", "2026-11-22", a.now)
	r := a.retention(nil, nil)

	a.audit.Fail(true)
	_, err := r.Pass(t.Context())
	require.Error(t, err)
	require.Len(t, a.left(), 2, "what cannot be recorded is not deleted")
	require.Empty(t, a.audit.Records())

	a.audit.Fail(false)
	pass(t, r)
	require.Equal(t, []string{"bo.standard.2026-11-22"}, a.left())
	records := a.audit.Records()
	require.Len(t, records, 2)
	require.Equal(t, audit.PhaseIntent, records[0].Phase)
	require.Equal(t, "bo", records[0].Tenant)
	require.Equal(t, "event.expire", records[0].Action)
	require.Equal(t, "partition:bo.standard.2026-01-01", records[0].Object)
	require.Equal(t, map[string]string{"class": "standard", "days": "90", "until": "2026-04-02T00:00:00Z",
		"first": "2025-12-22T12:00:00Z", "last": "2025-12-22T12:00:00Z"}, records[0].Details)
	require.Equal(t, map[string]int{"events": 2}, records[0].Counts)
	require.Equal(t, audit.PhaseOutcome, records[1].Phase)
	require.Equal(t, records[0].ID, records[1].Intent)
	require.Equal(t, audit.ResultOK, records[1].Result)

	pass(t, r)
	require.Len(t, a.audit.Records(), 2, "once")
}

func TestOneProcessDeletesAtATime(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	a.put("bo", "standard", "2026-01-01", a.now.AddDate(0, -11, 0))
	a.put("bo", "standard", "2026-11-22", a.now)
	ok, err := a.docs.Lease(t.Context(), "retention/events", "another process", time.Hour)
	require.NoError(t, err)
	require.True(t, ok)
	r := a.retention(nil, nil)
	done, err := r.Pass(t.Context())
	require.NoError(t, err)
	require.False(t, done)
	require.Len(t, a.left(), 2)
	require.NoError(t, a.docs.Release(t.Context(), "retention/events", "another process"))
	pass(t, r)
	pass(t, a.retention(nil, nil)) // the lease is free again at once
	require.Len(t, a.left(), 1)
}

// A machine that starts with its clock years ahead must not delete everything
// before the clock is set; one that was off for long may, a little later.
func TestAClockInDoubtDeletesNothingAtFirst(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	a.put("bo", "standard", "2026-11-22", a.now)
	r := a.retention(nil, func(c *indexer.RetentionConfig) { c.Settle = 50 * time.Millisecond })
	right := a.now
	a.now = right.AddDate(3, 0, 0)
	done, err := r.Pass(t.Context())
	require.NoError(t, err)
	require.False(t, done)
	require.Len(t, a.left(), 1)

	a.now = right
	pass(t, r)
	require.Len(t, a.left(), 1)

	a.now = right.AddDate(3, 0, 0)
	await.True(t, func() bool {
		done, err := r.Pass(t.Context())
		require.NoError(t, err)
		return done
	})
	require.Empty(t, a.left())
}

func TestRetentionRunsAtTheStartAndThenAgain(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	a.put("bo", "standard", "2026-11-22", a.now)
	a.put("bo", "standard", "2026-01-01", a.now.AddDate(0, -11, 0))
	a.audit.Fail(true) // as while the audit service is starting
	r := a.retention(nil, func(c *indexer.RetentionConfig) { c.Every, c.Retry = 20*time.Millisecond, 10*time.Millisecond })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	time.Sleep(50 * time.Millisecond)
	require.Len(t, a.left(), 2)
	a.audit.Fail(false)
	await.True(t, func() bool { return len(a.left()) == 1 })
	a.put("bo", "standard", "2026-01-02", a.now.AddDate(0, -11, 0))
	await.True(t, func() bool { return len(a.left()) == 1 })
	stop()
	require.NoError(t, <-ended)
}

func TestWhatIsWrongWithAPeriodIsNamed(t *testing.T) {
	t.Parallel()
	require.NoError(t, indexer.DefaultRetention().Validate())
	for key, spoil := range map[string]func(*indexer.RetentionConfig){
		"events.standard": func(c *indexer.RetentionConfig) { delete(c.Days, "standard") },
		"events.long":     func(c *indexer.RetentionConfig) { c.Days["long"] = -1 },
		`events: "Lang"`:  func(c *indexer.RetentionConfig) { c.Days["Lang"] = 1 },
		"floor":           func(c *indexer.RetentionConfig) { c.Floor = -1 },
		"tenants.bo.events.standard": func(c *indexer.RetentionConfig) {
			c.Tenants = map[string]indexer.Periods{"bo": {Days: map[string]int{"standard": 1e6}}}
		},
		"tenants.bo.floor": func(c *indexer.RetentionConfig) { c.Tenants = map[string]indexer.Periods{"bo": {Floor: 1e6}} },
		`tenants: "Bø"`:    func(c *indexer.RetentionConfig) { c.Tenants = map[string]indexer.Periods{"Bø": {}} },
		"must be positive": func(c *indexer.RetentionConfig) { c.Every = 0 },
	} {
		c := indexer.DefaultRetention()
		spoil(&c)
		require.ErrorContains(t, c.Validate(), key)
	}
}

// A hold keeps what it touches in the index and in the archive, until it is
// released; while nobody can say what is held nothing is deleted.
func TestALegalHoldKeepsWhatItTouches_R39_R63(t *testing.T) {
	t.Parallel()
	a := newAged(t)
	day := func(s string) time.Time {
		at, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return at
	}
	for _, name := range []string{"2026-08-01", "2026-08-02", "2026-08-03", "2026-08-04"} {
		a.put("bo", "standard", name, day(name).Add(time.Hour))
	}
	a.put("bo", "standard", "2026-07", day("2026-07-05"))
	a.put("bo", "standard", "2026-11-22", a.now) // something comes in: the clock is right
	a.put("nes", "standard", "2026-08-02", day("2026-08-02"))
	// A wrong clock's events lie where they were received, and are held by either time.
	a.put("bo", "standard", "2026-06-01", day("2026-08-02").Add(time.Hour))
	r := a.retention(nil, nil)

	a.away = true
	_, err := r.Pass(t.Context())
	require.Error(t, err)
	require.Len(t, a.left(), 8)
	a.away = false

	set := func(tenant string, held ...searchapi.HeldTime) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.holds = map[string][]searchapi.HeldTime{tenant: held}
	}
	set("bo", searchapi.HeldTime{Id: "h", From: day("2026-08-02"), To: day("2026-08-03")}, searchapi.HeldTime{Id: "i", From: day("2026-08-04").Add(23 * time.Hour), To: day("2026-08-20")})
	for range 2 {
		pass(t, r)
		require.Equal(t, []string{"bo.standard.2026-06-01", "bo.standard.2026-08-02", "bo.standard.2026-08-04", "bo.standard.2026-11-22"}, a.left())
	}
	require.ElementsMatch(t, a.left(), slices.Compact(a.archived()))
	set("bo")
	pass(t, r)
	require.Equal(t, []string{"bo.standard.2026-11-22"}, a.left())
	require.Equal(t, a.left(), a.archived())
}
