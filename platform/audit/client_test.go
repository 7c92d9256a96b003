package audit_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// service is the far end of the client: it records requests and answers as told.
type service struct {
	mu       sync.Mutex
	statuses []int // of the next answers; then 201
	requests []received
}

type received struct {
	path, bearer, tenant string
	record               topics.AuditRecord
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var rec topics.AuditRecord
	_ = json.NewDecoder(r.Body).Decode(&rec)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, received{r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Varde-Tenant"), rec})
	status := http.StatusCreated
	if len(s.statuses) > 0 {
		status, s.statuses = s.statuses[0], s.statuses[1:]
	}
	w.WriteHeader(status)
}

func (s *service) seen() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.requests...)
}

func newClient(t *testing.T, s http.Handler, pub bus.Publisher) audit.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return audit.NewClient(audit.ClientConfig{
		Service: "search", Tokens: authtest.Tokens(t, "search"), Bus: pub,
		Endpoint: func(name string) string {
			require.Equal(t, "audit", name)
			return server.URL
		},
	})
}

func TestIntentIsSentForItsTenantBeforeAReadGoesOn_R41(t *testing.T) {
	t.Parallel()
	s := &service{}
	c := newClient(t, s, nil)
	ctx := tenant.With(t.Context(), "bo")
	id, err := c.Intent(ctx, topics.AuditRecord{Actor: topics.Actor{Type: "person", ID: "p1"}, Action: "event.search", Purpose: "incident"})
	require.NoError(t, err)
	got := s.seen()
	require.Len(t, got, 1)
	require.Equal(t, "/v1/intents", got[0].path)
	require.Equal(t, "bo", got[0].tenant)
	require.NotEmpty(t, got[0].bearer)
	require.Equal(t, id, got[0].record.ID)
	require.Equal(t, "search", got[0].record.Service)
	require.Equal(t, audit.PhaseIntent, got[0].record.Phase)
	require.WithinDuration(t, time.Now(), got[0].record.Time, time.Minute)
}

func TestIntentRetriesUnderTheSameID_R41(t *testing.T) {
	t.Parallel()
	s := &service{statuses: []int{http.StatusServiceUnavailable}}
	c := newClient(t, s, nil)
	id, err := c.Intent(tenant.With(t.Context(), "bo"), topics.AuditRecord{Action: "case.read"})
	require.NoError(t, err)
	got := s.seen()
	require.Len(t, got, 2)
	require.Equal(t, id, got[0].record.ID)
	require.Equal(t, id, got[1].record.ID)
}

func TestIntentFailsTheReadWhileTheServiceIsAway_R41(t *testing.T) {
	t.Parallel()
	s := &service{statuses: []int{503, 503}}
	c := newClient(t, s, nil)
	_, err := c.Intent(tenant.With(t.Context(), "bo"), topics.AuditRecord{Action: "case.read"})
	require.Error(t, err)
	require.Equal(t, problem.KindUnavailable, problem.From(err).Kind)
}

func TestIntentNeedsATenant(t *testing.T) {
	t.Parallel()
	s := &service{}
	c := newClient(t, s, nil)
	_, err := c.Intent(t.Context(), topics.AuditRecord{Action: "case.read"})
	require.ErrorIs(t, err, tenant.ErrMissing)
	_, err = c.Intent(tenant.With(t.Context(), "bo"), topics.AuditRecord{Tenant: "li", Action: "case.read"})
	require.Error(t, err)
	require.Empty(t, s.seen())
}

func TestOutcomeGoesByTheBusWhileTheServiceIsAway_R41(t *testing.T) {
	t.Parallel()
	b := bustest.Start(t)
	require.NoError(t, b.EnsureTopics(t.Context(), bus.TopicConfig{Name: bus.TopicAudit, Partitions: 1, Retention: time.Hour}))
	s := &service{statuses: []int{503}}
	c := newClient(t, s, b)
	ctx, cancel := context.WithCancel(tenant.With(t.Context(), "bo"))
	cancel() // the request it belongs to may be over
	c.Outcome(ctx, "intent-1", audit.ResultOK, map[string]int{"events": 3})

	got := make(chan bus.Message, 1)
	following, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	go func() {
		_ = b.Follow(following, bus.TopicAudit, func(_ context.Context, batch []bus.Message) error {
			got <- batch[0]
			return nil
		}, nil)
	}()
	select {
	case m := <-got:
		var r topics.AuditRecord
		require.NoError(t, json.Unmarshal(m.Value, &r))
		require.Equal(t, "bo", m.Tenant)
		require.Equal(t, "intent-1", r.Intent)
		require.Equal(t, map[string]int{"events": 3}, r.Counts)
		require.Equal(t, s.seen()[0].record.ID, r.ID, "the service and the bus carry one record")
	case <-following.Done():
		t.Fatal("the outcome did not arrive")
	}
}

func TestChangeIsOneMessageWithItsRecordsID(t *testing.T) {
	t.Parallel()
	out := audit.Change(topics.Actor{Type: "person", ID: "p1"}, "case.close", "case:c1", map[string]string{"decision": "d1"})
	require.Equal(t, bus.TopicAudit, out.Topic)
	var r topics.AuditRecord
	require.NoError(t, json.Unmarshal(out.Message.Value, &r))
	require.Equal(t, out.Message.ID, r.ID)
	require.Equal(t, topics.TypeAuditRecord, out.Message.Type)
	require.Equal(t, "cases", r.Service)
	require.Equal(t, audit.PhaseChange, r.Phase)
	require.Equal(t, "d1", r.Details["decision"])
}
