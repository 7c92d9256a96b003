package audit

import (
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/auditapi"
	"varde.internal/schemas/topics"
)

func TestChangesComeByTheBusWithTheirTenant_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	out := audit.Change(topics.Actor{Type: "person", ID: "p1"}, "case.close", "case:1", map[string]string{"decision": "d"})
	out.Message.Tenant = "bo" // as docstore fills it
	await.True(t, func() bool {
		return w.bus.Publish(t.Context(), out.Topic, out.Message, bus.Message{Tenant: "bo", Type: topics.TypeAuditRecord, Value: []byte("{")},
			bus.Message{Tenant: "Not one", Type: topics.TypeAuditRecord, Value: []byte("{}")}, out.Message) == nil
	})
	w.untilLogged(m, "bo", 1)
	var found []Found
	await.True(t, func() bool {
		var err error
		found, _, err = w.service(m).Search(officer("bo"), Query{Action: "case."}, "")
		return err == nil && len(found) == 1
	})
	require.Equal(t, "bo", found[0].Record.Tenant)
	require.Equal(t, "cases", found[0].Record.Service)
	require.Equal(t, "d", found[0].Record.Details["decision"])
}

// The client of platform/audit against the service, over HTTP.
func TestTheClientRecordsAReadAndItsOutcome_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- m.App().Listener(listener) }()
	t.Cleanup(func() {
		require.NoError(t, m.App().Shutdown())
		require.NoError(t, <-served)
	})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c := audit.NewClient(audit.ClientConfig{
		Service: "search", Tokens: authtest.Tokens(t, "search"), Bus: w.bus,
		Endpoint: func(string) string { return "http://" + listener.Addr().String() }, HTTP: &http.Client{Transport: transport},
	})
	intent, err := c.Intent(in("bo"), topics.AuditRecord{Actor: topics.Actor{Type: "person", ID: "p1", Roles: []string{"security-officer"}}, Action: "event.search", CaseID: "c1", Purpose: "incident"})
	require.NoError(t, err)
	c.Outcome(in("bo"), intent, audit.ResultOK, map[string]int{"events": 7})
	found, _, err := w.service(m).Search(officer("bo"), Query{CaseID: "c1"}, "")
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, audit.PhaseOutcome, found[0].Record.Phase)
	require.Equal(t, intent, found[0].Record.Intent)
	require.Equal(t, "p1", found[0].Record.Actor.ID, "an outcome is found by whom it was about")
	require.Equal(t, map[string]int{"events": 7}, found[0].Record.Counts)
	require.Equal(t, "search", found[1].Record.Service)
}

func TestReadingTheLogIsItselfInTheLog_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	s := w.service(m)
	for i := range 7 {
		require.NoError(t, s.Record(in("bo"), record("bo", i)))
	}
	page, next, err := s.Search(officer("bo"), Query{Limit: 5, Actor: "p0"}, "spot check")
	require.NoError(t, err)
	require.Len(t, page, 3)
	require.Empty(t, next)
	var all []string
	for after := ""; ; {
		page, after, err = s.Search(officer("bo"), Query{Limit: 3, After: after}, "spot check")
		require.NoError(t, err)
		for _, f := range page {
			all = append(all, f.Record.Action)
		}
		if after == "" {
			break
		}
	}
	require.Len(t, all, 9)
	require.Equal(t, []string{"audit.read", "audit.read", "event.search"}, all[:3])
	_, _, err = s.Search(officer("bo"), Query{After: "nonsense"}, "")
	require.Error(t, err)
	other, _, err := s.Search(officer("li"), Query{}, "")
	require.NoError(t, err)
	require.Len(t, other, 1, "another tenant sees its own search and nothing else")
}

func TestExportsNeedAStepUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	ctx := auth.With(in("bo"), authtest.Person("bo", auth.RoleSecurityOfficer))
	_, err := w.service(m).Export(ctx, 0, 0, "")
	require.ErrorIs(t, err, auth.ErrStepUp)
	_, err = w.service(m).Export(auth.With(in("bo"), authtest.Person("bo", auth.RoleEmployee)), 0, 0, "")
	require.Error(t, err)
}

func TestRoutesRolesAndContractAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	s := w.service(m)
	mark := "marked-person"
	r := record("bo", 1)
	r.Actor.ID = mark
	require.NoError(t, s.Record(in("bo"), r))
	w.untilLogged(m, "bo", 1)
	contract := httpxtest.Contract(t, "audit")
	httpxtest.RoutesMatchContract(t, m.App(), contract)
	issue := func(tid tenant.ID) func(auth.Role) string {
		return func(role auth.Role) string { return authtest.Token(t, "audit", authtest.Person(tid, role)) }
	}
	httpxtest.RoleMatrix(t, m.App(), contract, issue("bo"),
		httpxtest.WithSample("proveRecord", httpxtest.Sample{Path: "/v1/records/" + r.ID + "/proof"}),
		httpxtest.WithSample("searchRecords", httpxtest.Sample{Body: map[string]any{}}),
		httpxtest.WithSample("proveConsistency", httpxtest.Sample{Path: "/v1/consistency?from=1&to=1"}),
		httpxtest.WithForeign(issue("li"), mark))
}

func TestOnlyServicesRecordAndInTheirOwnName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	r := record("bo", 1)
	r.Service = "somebody"
	token := authtest.Token(t, "audit", authtest.Service("search"))
	got := httpxtest.Call(t, m.App(), http.MethodPost, "/v1/intents", token, r, "Varde-Tenant", "bo")
	require.Equal(t, http.StatusCreated, got.Status, "%s", got.Body)
	require.Equal(t, r.ID, httpxtest.Decode[auditapi.Recorded](t, got).Id)
	d, err := w.service(m).stores.records.Get(in("bo"), r.ID)
	require.NoError(t, err)
	require.Equal(t, "search", d.Value.Service)

	got = httpxtest.Call(t, m.App(), http.MethodPost, "/v1/intents", token, r, "Varde-Tenant", "li")
	require.Equal(t, http.StatusBadRequest, got.Status, "another tenant's record")
	changed := r
	changed.Purpose = "other"
	got = httpxtest.Call(t, m.App(), http.MethodPost, "/v1/intents", token, changed, "Varde-Tenant", "bo")
	require.Equal(t, http.StatusConflict, got.Status)
	person := authtest.Token(t, "audit", authtest.Person("bo", auth.RoleSecurityOfficer))
	got = httpxtest.Call(t, m.App(), http.MethodPost, "/v1/intents", person, r)
	require.Equal(t, http.StatusForbidden, got.Status)

	page := httpxtest.Call(t, m.App(), http.MethodPost, "/v1/records/search", person, map[string]any{"action": "event.search"})
	list := httpxtest.Decode[auditapi.RecordList](t, page)
	require.Len(t, list.Items, 1)
	require.Equal(t, "why", list.Items[0].Purpose)
	cp := httpxtest.Decode[auditapi.Checkpoint](t, httpxtest.Call(t, m.App(), http.MethodGet, "/v1/checkpoint", person, nil))
	require.Equal(t, m.PublicKey(), cp.PublicKey)
}
