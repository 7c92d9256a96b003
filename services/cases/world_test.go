package cases

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit/audittest"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/blob"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/run"
	"varde.internal/platform/run/runtest"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/commonapi"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/schemas/topics"
)

// world is the module on embedded engines, running.
type world struct {
	t     *testing.T
	m     *Module
	bus   bus.Bus
	blobs blob.Bucket
	audit *audittest.Recorder
	clock *runtest.Clock
	log   *runtest.Log
	calls []string // what the search service was asked
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, bus: bustest.Start(t), audit: &audittest.Recorder{}, clock: runtest.NewClock(t0), log: &runtest.Log{}}
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	w.blobs, err = blob.Open(t.Context(), "file://"+t.TempDir(), key)
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.blobs.Close() })
	day := 24 * time.Hour
	require.NoError(t, w.bus.EnsureTopics(t.Context(),
		bus.TopicConfig{Name: bus.TopicRegister, Partitions: 2, Compacted: true}, bus.TopicConfig{Name: bus.TopicDirectory, Partitions: 2, Compacted: true},
		bus.TopicConfig{Name: bus.TopicReports, Partitions: 2, Retention: day}, bus.TopicConfig{Name: bus.TopicFindings, Partitions: 2, Retention: day},
		bus.TopicConfig{Name: bus.TopicCases, Partitions: 2, Retention: day}, bus.TopicConfig{Name: bus.TopicAudit, Partitions: 2, Retention: day}))
	search := httptest.NewServer(http.HandlerFunc(w.search))
	t.Cleanup(search.Close)
	deps := run.Deps{
		Log: slog.New(slog.NewTextHandler(w.log, nil)), Clock: w.clock.Now, Metrics: prometheus.NewRegistry(),
		Bus: w.bus, Docs: sqlite.OpenTemp(t), Blobs: w.blobs, Verifier: authtest.Verifier("cases"), Tokens: authtest.Tokens(t, "cases"), Audit: w.audit,
		Secret: func(use string) []byte {
			if use == "reporter-exclusion" {
				return testKeys.Exclusion
			}
			return testKeys.Topic
		},
		Endpoint: func(string) string { return search.URL },
	}
	cfg := Default()
	cfg.JobInterval = 50 * time.Millisecond
	w.m, err = New(deps, cfg)
	require.NoError(t, err)
	w.publishFacts("bo", facts("bo"))
	w.publishFacts("lia", facts("lia"))
	runtest.Start(t, w.m)
	return w
}

// search answers as the search service's contract says.
func (w *world) search(out http.ResponseWriter, r *http.Request) {
	w.calls = append(w.calls, r.URL.Path+" for "+r.Header.Get("Varde-Tenant"))
	p, err := authtest.Verifier("search").Verify(r.Context(), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil || !auth.MayEver(p, auth.ActionEvidencePin) {
		out.WriteHeader(http.StatusForbidden)
		return
	}
	line := commonapi.Evidence{EventId: path.Base(r.URL.Path), Time: t0, Original: "a raw line", Sha256: "theirs", Account: "someone"}
	switch line.EventId { // of the account that finding() is about
	case "event-of-the-case":
		line.Account = "Vendor-Account"
	case "event-long-after":
		line.Account, line.Time = "vendor-account", t0.AddDate(0, 0, 1)
	case "event-of-nobody":
		line.Account = ""
	}
	_ = json.NewEncoder(out).Encode(searchapi.EventEvidence{Tenant: r.Header.Get("Varde-Tenant"), Fields: map[string]any{}, Evidence: line})
}

func (w *world) publishFacts(tid string, list []topics.Fact) {
	w.t.Helper()
	for _, f := range list {
		value, err := json.Marshal(f)
		require.NoError(w.t, err)
		topic := bus.TopicRegister
		if f.Kind == topics.KindTenant || f.Kind == topics.KindUnit || f.Kind == topics.KindPerson {
			topic = bus.TopicDirectory
		}
		require.NoError(w.t, w.bus.Publish(w.t.Context(), topic, bus.Message{Tenant: tid, Key: f.Kind + f.ID, ID: f.ID, Type: topics.TypeFact, Version: 1, Value: value}))
	}
}

func (w *world) publish(topic, kind, tid, id string, v any) {
	w.t.Helper()
	value, err := json.Marshal(v)
	require.NoError(w.t, err)
	require.NoError(w.t, w.bus.Publish(w.t.Context(), topic, bus.Message{Tenant: tid, Key: id, ID: id, Type: kind, Version: 1, Value: value}))
}

// token of a person with grants; the employee role is always among them.
func (w *world) token(person string, grants ...auth.Grant) string {
	return w.tokenOf("bo", person, grants...)
}

func (w *world) tokenOf(tid, person string, grants ...auth.Grant) string {
	grants = append(grants, auth.Grant{Role: auth.RoleEmployee})
	return authtest.Token(w.t, "cases", auth.Principal{Subject: person, Tenant: tenant.ID(tid), Session: "s", Grants: grants})
}

func (w *world) call(method, path, token string, body any) httpxtest.Response {
	w.t.Helper()
	return httpxtest.Call(w.t, w.m.App(), method, path, token, body)
}

// reported gives the case of a new report, waiting for it to arrive.
func (w *world) reported(r topics.Report) string {
	w.t.Helper()
	w.publish(bus.TopicReports, topics.TypeReport, r.Tenant, r.ID, r)
	return w.arrived(r.Tenant, ReportCaseID(r.Tenant, r.ID))
}

func (w *world) arrived(tid, caseID string) string {
	w.t.Helper()
	s, err := w.m.Service()
	require.NoError(w.t, err)
	await.True(w.t, func() bool {
		_, err := s.cases.Get(in(tid), caseID)
		return err == nil
	})
	return caseID
}

func (w *world) found(f topics.Finding) string {
	w.t.Helper()
	w.publish(bus.TopicFindings, topics.TypeFindingRaised, f.Tenant, f.ID, f)
	s, err := w.m.Service()
	require.NoError(w.t, err)
	var caseID string
	await.True(w.t, func() bool {
		d, err := s.findings.Get(in(f.Tenant), f.ID)
		if err != nil || d.Value.CaseID == "" {
			return false
		}
		caseID = d.Value.CaseID
		c, err := s.cases.Get(in(f.Tenant), caseID)
		return err == nil && c.Value.FindingCount > 0
	})
	return caseID
}

// messages collects what the module published on a topic, by type.
func (w *world) messages(topic, kind string, want int) []bus.Message {
	w.t.Helper()
	var mu sync.Mutex
	var got []bus.Message
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- w.bus.Follow(ctx, topic, func(_ context.Context, batch []bus.Message) error {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range batch {
				if m.Type == kind {
					got = append(got, m)
				}
			}
			return nil
		}, func() {})
	}()
	await.True(w.t, func() bool { mu.Lock(); defer mu.Unlock(); return len(got) >= want })
	cancel()
	require.NoError(w.t, <-done)
	return got
}
