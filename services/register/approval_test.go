package register_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/schemas/topics"
)

func (r *rig) approve(window, token string, body object) (status int, answer object) {
	r.t.Helper()
	res := r.call("POST", "/v1/windows/"+window+"/approve", token, body)
	require.NoError(r.t, json.Unmarshal(res.Body, &answer))
	return res.Status, answer
}

// follow gives the audit log's changes as they come.
func (r *rig) follow() <-chan topics.AuditRecord {
	got := make(chan topics.AuditRecord, 100)
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = r.bus.Follow(ctx, bus.TopicAudit, func(_ context.Context, batch []bus.Message) error {
			for _, m := range batch {
				var a topics.AuditRecord
				if json.Unmarshal(m.Value, &a) == nil {
					got <- a
				}
			}
			return nil
		}, func() {})
	}()
	r.t.Cleanup(func() { cancel(); <-done })
	return got
}

func TestAnApprovalDatedBackNeedsAReason_R25(t *testing.T) {
	t.Parallel()
	r := start(t)
	vendor, system := r.agreed(object{"validFrom": "2026-01-01T00:00:00Z"})
	ask := func() string { return r.request(vendor, system, r.now.Add(-time.Hour), r.now.Add(time.Hour)) }
	owner := r.token("owner", auth.RoleSystemOwner)

	status, _ := r.approve(ask(), owner, object{"approvedAt": r.now.Add(-5 * time.Minute)})
	require.Equal(t, http.StatusOK, status, "the time it takes to fill in the form")

	late, given := ask(), r.now.Add(-5*time.Minute-time.Second)
	for _, reason := range []string{"", "   "} {
		status, answer := r.approve(late, owner, object{"approvedAt": given, "reason": reason})
		require.Equal(t, http.StatusBadRequest, status)
		require.Equal(t, "/reason", answer["errors"].([]any)[0].(object)["pointer"])
	}
	log := r.follow()
	status, answer := r.approve(late, owner, object{"approvedAt": given, "reason": "Agreed by telephone"})
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, given.Format(time.RFC3339), answer["data"].(object)["approvedAt"])
	require.Equal(t, r.now.Format(time.RFC3339), answer["recordedAt"], "when it was recorded is not a matter of saying so")
	for a := range log {
		if a.Object == topics.KindAccessWindow+":"+late && a.Action == "register.approve" {
			require.Equal(t, map[string]string{"reason": "Agreed by telephone", "approvedAt": given.Format(time.RFC3339)}, a.Details)
			break
		}
	}
}

func TestAVendorsPersonNamedAsOwnerApprovesNothing_Trap1(t *testing.T) {
	t.Parallel()
	r := start(t)
	vendor := r.make("vendors", object{"name": "Havbris"})
	consultant := r.make("vendor-persons", object{"vendorId": vendor, "name": "Ola"})
	formerly := r.make("vendor-persons", object{"vendorId": vendor, "name": "Siv"})
	require.Equal(t, http.StatusOK, r.call("POST", "/v1/vendor-persons/"+formerly+"/end", r.officer(), object{}).Status)
	for what, named := range map[string]string{"on the access list": consultant, "formerly on the access list": formerly, "in no directory": "stranger"} {
		system := r.make("systems", object{"name": "FDV", "unitId": "u1", "owner": named, "responsible": named, "vendors": []string{vendor}})
		r.make("agreements", object{"vendorId": vendor, "title": "Avtale", "signed": true, "systems": []string{system}}, object{"validFrom": "2026-01-01T00:00:00Z"})
		w := r.request(vendor, system, r.now.Add(-time.Hour), r.now.Add(2*time.Hour))
		token := r.token(named, auth.RoleSystemOwner, auth.RoleResponsible)
		for _, body := range []object{{}, {"afterTheFact": true, "reason": "Opened already"}} {
			status, answer := r.approve(w, token, body)
			require.Equal(t, http.StatusForbidden, status, "%s: %v", what, answer)
		}
		for verb, body := range map[string]object{"revoke": {}, "extend": {"to": r.now.Add(3 * time.Hour)}} {
			require.Equal(t, http.StatusForbidden, r.call("POST", "/v1/windows/"+w+"/"+verb, token, body).Status, "%s: %s", what, verb)
		}
		calendar := r.call("GET", "/v1/calendar?from="+r.now.Add(-2*time.Hour).Format(time.RFC3339)+"&to="+r.now.Add(time.Hour).Format(time.RFC3339)+"&systemId="+system, token, nil)
		require.Contains(t, string(calendar.Body), `"mayApprove":false`, what)
		if named != "stranger" {
			require.Contains(t, string(r.call("GET", "/v1/systems/"+system, r.officer(), nil).Body), "owner-is-vendor", what)
		}
	}
}

// What the directory knows of a day to come counts from that day, whenever the
// register heard of it.
func TestLeavingAndAbsenceCountFromTheirOwnDay_R24(t *testing.T) {
	t.Parallel()
	r := start(t)
	vendor, _ := r.agreed(object{"validFrom": "2026-01-01T00:00:00Z"})
	hour := func(n int) time.Time { return r.now.Add(time.Duration(n) * time.Hour) }
	// One leaves in an hour. One is away from the second to the fourth, and
	// names somebody else from the third.
	away := []topics.Period{{From: hour(2), To: hour(4)}}
	long := r.now.AddDate(-1, 0, 0)
	r.history("leaves", r.known(topics.Person{}, long), r.known(topics.Person{Left: true}, hour(1)))
	r.history("travels", r.known(topics.Person{Delegate: "first", Absences: away}, long), r.known(topics.Person{Delegate: "second", Absences: away}, hour(3)))
	for _, name := range []string{"first", "second"} {
		r.person(name, topics.Person{})
	}
	system := r.make("systems", object{"name": "Lønn", "unitId": "u1", "owner": "leaves", "responsible": "travels", "vendors": []string{vendor}})
	windows := map[string]string{}
	may := func(who string) bool {
		if windows[who] == "" {
			windows[who] = r.request(vendor, system, hour(0), hour(48))
		}
		// A revision that is not there: whoever may approve hears of that instead.
		status, _ := r.approve(windows[who], r.token(who, auth.RoleSystemOwner, auth.RoleResponsible), object{"revision": 99})
		require.Contains(t, []int{http.StatusConflict, http.StatusForbidden}, status)
		return status == http.StatusConflict
	}
	await.True(t, func() bool { return may("travels") })
	for n, want := range [][]string{0: {"leaves", "travels"}, 1: {"travels"}, 2: {"travels", "first"}, 3: {"travels", "second"}, 4: {"travels"}} {
		var got []string
		for _, who := range []string{"leaves", "travels", "first", "second"} {
			if may(who) {
				got = append(got, who)
			}
		}
		require.Equal(t, want, got, "after %d h", n)
		r.now = r.now.Add(time.Hour)
	}
}
