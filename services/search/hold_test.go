package search_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/httpx"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/schemas/topics"
)

const administrator = auth.RoleAdministrator

func (w *world) hold(role auth.Role, in searchapi.NewHold) searchapi.Hold {
	w.t.Helper()
	return httpxtest.Decode[searchapi.Hold](w.t, w.call(role, "POST", "/v1/holds", in))
}

func (w *world) release(role auth.Role, id, reason string) httpxtest.Response {
	w.t.Helper()
	return w.call(role, "POST", "/v1/holds/"+id+"/release", searchapi.ReleaseHold{Reason: reason})
}

// held asks as the part that deletes events does.
func (w *world) held(of tenant.ID) []searchapi.HeldTime {
	w.t.Helper()
	as := authtest.Token(w.t, "search", auth.Principal{Subject: "indexer", Service: true})
	return httpxtest.Decode[searchapi.Held](w.t, httpxtest.Call(w.t, w.app, "GET", "/v1/internal/holds?tenant="+string(of), as, nil, httpx.HeaderTenant, string(of))).Items
}

func TestAHoldHoldsUntilAnotherReleasesIt_R39_R63(t *testing.T) {
	t.Parallel()
	w := start(t)
	require.Empty(t, w.held("granvik"))
	h := w.hold(officer, searchapi.NewHold{From: begin, To: begin.AddDate(0, 0, 2), Reason: "An inspection was announced", CaseId: "case-1"})
	require.True(t, h.InForce)
	require.Equal(t, string(officer), h.PlacedBy)
	open := w.hold(administrator, searchapi.NewHold{From: begin, Reason: "The police asked for it"})
	require.ElementsMatch(t, []searchapi.HeldTime{{Id: h.Id, From: begin, To: begin.AddDate(0, 0, 2)}, {Id: open.Id, From: begin}}, w.held("granvik"))
	require.Empty(t, w.held("fjellbygd"), "another tenant's")

	require.Equal(t, "hold-own", w.release(officer, h.Id, "No longer needed").Slug(), "what it keeps cannot be had back: a second person looks")
	require.Len(t, w.held("granvik"), 2)
	w.pass(time.Hour)
	gone := httpxtest.Decode[searchapi.Hold](t, w.release(administrator, h.Id, "The inspection is over"))
	require.False(t, gone.InForce)
	require.Equal(t, "The inspection is over", gone.ReleaseReason)
	require.Equal(t, string(administrator), gone.ReleasedBy)
	require.Equal(t, "hold-released", w.release(administrator, h.Id, "Once more, to be sure").Slug())
	require.Equal(t, []searchapi.HeldTime{{Id: open.Id, From: begin}}, w.held("granvik"))

	list := httpxtest.Decode[searchapi.HoldList](t, w.call(auth.RoleAuditor, "GET", "/v1/holds?limit=1", nil))
	require.Equal(t, open.Id, list.Items[0].Id, "those in force first")
	list = httpxtest.Decode[searchapi.HoldList](t, w.call(auth.RoleAuditor, "GET", "/v1/holds?limit=1&after="+list.Next, nil))
	require.Equal(t, h.Id, list.Items[0].Id)
	require.Empty(t, list.Next)
}

// changes gives what has come on the topic of the audit log so far.
func (w *world) changes() func() []topics.AuditRecord {
	var mu sync.Mutex
	var seen []topics.AuditRecord
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.bus.Consume(ctx, bus.TopicAudit, "test", bus.ConsumeOptions{}, func(_ context.Context, batch []bus.Message) error {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range batch {
				var r topics.AuditRecord
				if err := json.Unmarshal(m.Value, &r); err != nil {
					return err
				}
				seen = append(seen, r)
			}
			return nil
		})
	}()
	w.t.Cleanup(func() { stop(); <-done })
	return func() []topics.AuditRecord {
		mu.Lock()
		defer mu.Unlock()
		return append([]topics.AuditRecord(nil), seen...)
	}
}

func TestHoldsAreInTheAuditLogWithTheirReasons(t *testing.T) {
	t.Parallel()
	w := start(t)
	h := w.hold(officer, searchapi.NewHold{From: begin, To: begin.AddDate(0, 0, 2), Reason: "An inspection was announced", CaseId: "case-1"})
	require.Equal(t, http.StatusOK, w.release(administrator, h.Id, "The inspection is over").Status)
	seen := w.changes()
	var actions, reasons, actors []string
	await.True(t, func() bool {
		actions, reasons, actors = nil, nil, nil
		for _, r := range seen() {
			if r.Object == "hold:"+h.Id {
				actions, reasons, actors = append(actions, r.Action), append(reasons, r.Details["reason"]), append(actors, r.Actor.ID)
				require.Equal(t, "granvik", r.Tenant)
				require.Equal(t, audit.PhaseChange, r.Phase)
				require.Equal(t, "case-1", r.CaseID)
				require.Equal(t, begin.Format(time.RFC3339), r.Details["from"])
			}
		}
		return len(actions) == 2
	})
	require.Equal(t, []string{"hold.place", "hold.release"}, actions)
	require.Equal(t, []string{"An inspection was announced", "The inspection is over"}, reasons)
	require.Equal(t, []string{string(officer), string(administrator)}, actors)
}

func TestWhoMayHoldAndWhatIsNoHold(t *testing.T) {
	t.Parallel()
	w := start(t)
	good := searchapi.NewHold{From: begin, Reason: "An inspection was announced"}
	for _, role := range []auth.Role{auth.RoleAuditor, auth.RoleController, auth.RoleResponsible, auth.RoleOperationsManager, auth.RoleEmployee} {
		require.Equal(t, http.StatusForbidden, w.call(role, "POST", "/v1/holds", good).Status, role)
	}
	for pointer, in := range map[string]searchapi.NewHold{
		"/reason": {From: begin, Reason: "short"},
		"/to":     {From: begin, To: begin, Reason: good.Reason},
		"/from":   {Reason: good.Reason},
	} {
		r := w.call(officer, "POST", "/v1/holds", in)
		require.Equal(t, http.StatusBadRequest, r.Status, pointer)
		require.Equal(t, pointer, r.Problem(t).Errors[0].Pointer)
	}
	h := w.hold(officer, good)
	foreign := token(t, "fjellbygd", administrator)
	require.Equal(t, http.StatusNotFound, httpxtest.Call(t, w.app, "POST", "/v1/holds/"+h.Id+"/release", foreign, searchapi.ReleaseHold{Reason: "Not mine to end"}).Status)
	require.Equal(t, http.StatusForbidden, w.call(officer, "GET", "/v1/internal/holds?tenant=granvik", nil).Status, "a person")
	as := authtest.Token(t, "search", auth.Principal{Subject: "indexer", Service: true})
	require.Equal(t, http.StatusForbidden, httpxtest.Call(t, w.app, "GET", "/v1/internal/holds?tenant=fjellbygd", as, nil, httpx.HeaderTenant, "granvik").Status, "a tenant it does not act in")
}
