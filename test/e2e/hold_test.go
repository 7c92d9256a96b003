package e2e

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/auditapi"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/test/running"
)

// Logs are held by one person and let go by another, with reasons that the
// audit log keeps.
func TestLogsAreHeldAndReleasedByTwoPeople_R39_R63(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		officer, admin, auditor := w.stack.SignIn(t, "sikkerhet"), w.stack.SignIn(t, "admin"), w.stack.SignIn(t, "revisor")
		reason, over := "Tilsyn varslet "+uuid.NewString(), "Tilsynet er avsluttet "+uuid.NewString()
		a := auditor.Call("POST", "/api/search/v1/holds", searchapi.NewHold{From: time.Now(), Reason: reason}, nil)
		require.Equal(t, http.StatusForbidden, a.Status)
		var h searchapi.Hold
		officer.Post("/api/search/v1/holds", searchapi.NewHold{From: time.Now().AddDate(0, 0, -7), To: time.Now(), Reason: reason}, &h)
		require.True(t, h.InForce)
		a = officer.Call("POST", "/api/search/v1/holds/"+h.Id+"/release", searchapi.ReleaseHold{Reason: over}, nil)
		require.Equal(t, http.StatusForbidden, a.Status, "%s", a.Body)
		of := func() searchapi.Hold {
			var list searchapi.HoldList
			auditor.Get("/api/search/v1/holds?limit=200", &list)
			i := slices.IndexFunc(list.Items, func(one searchapi.Hold) bool { return one.Id == h.Id })
			require.GreaterOrEqual(t, i, 0)
			return list.Items[i]
		}
		require.True(t, of().InForce)
		admin.Post("/api/search/v1/holds/"+h.Id+"/release", searchapi.ReleaseHold{Reason: over}, &h)
		require.False(t, of().InForce)
		require.Equal(t, over, of().ReleaseReason)
		running.Eventually(t, 20*time.Second, func() error {
			var list auditapi.RecordList
			auditor.Post("/api/audit/v1/records/search", auditapi.RecordSearch{Action: "hold.", Limit: 100}, &list)
			for _, action := range []string{"hold.place", "hold.release"} {
				if !slices.ContainsFunc(list.Items, func(r auditapi.Record) bool { return r.Action == action && r.Object == "hold:"+h.Id }) {
					return errors.New(action + " is not in the audit log")
				}
			}
			return nil
		})
	})
}
