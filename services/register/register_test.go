package register_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit/audittest"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/httpx"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
	"varde.internal/platform/run/runtest"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
	"varde.internal/services/register"
)

const here = tenant.ID("bjorkvag")

// rig is the running service on real embedded engines, with a clock to turn.
type rig struct {
	t        *testing.T
	m        *register.Module
	bus      bus.Bus
	contract *httpx.Contract
	now      time.Time
}

func start(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, bus: bustest.Start(t), contract: httpxtest.Contract(t, "register"), now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	require.NoError(t, r.bus.EnsureTopics(t.Context(),
		bus.TopicConfig{Name: bus.TopicRegister, Partitions: 1, Compacted: true},
		bus.TopicConfig{Name: bus.TopicDirectory, Partitions: 1, Compacted: true},
		bus.TopicConfig{Name: bus.TopicAudit, Partitions: 1, Retention: time.Hour}))
	// The owner is away and named a delegate; the responsible has left.
	r.person("owner", topics.Person{Delegate: "delegate", Absences: []topics.Period{{From: r.now.AddDate(0, 0, -7), To: r.now.AddDate(0, 0, 7)}}})
	for _, name := range []string{"delegate", "adm", "leader", "somebody"} {
		r.person(name, topics.Person{})
	}
	r.person("gone", topics.Person{Left: true})
	deps := run.Deps{
		Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return r.now }, Metrics: prometheus.NewRegistry(),
		Bus: r.bus, Docs: sqlite.OpenTemp(t), Verifier: authtest.Verifier("register"), Audit: &audittest.Recorder{},
		Secret: func(string) []byte { return make([]byte, 32) },
	}
	m, err := register.New(deps, register.Config{CheckMapping: checked})
	require.NoError(t, err)
	r.m = m
	runtest.Start(t, m)
	return r
}

func (r *rig) person(name string, p topics.Person) {
	r.t.Helper()
	r.history(name, r.known(p, r.now.AddDate(-1, 0, 0)))
}

// known is what the directory recorded a year ago about a person from a day on.
func (r *rig) known(p topics.Person, from time.Time) topics.Version {
	r.t.Helper()
	data, err := json.Marshal(p)
	require.NoError(r.t, err)
	return topics.Version{ValidFrom: from, RecordedAt: r.now.AddDate(-1, 0, 0), Data: data}
}

func (r *rig) history(name string, versions ...topics.Version) {
	r.t.Helper()
	value, err := json.Marshal(topics.Fact{Kind: topics.KindPerson, ID: name, Tenant: string(here), Versions: versions})
	require.NoError(r.t, err)
	require.NoError(r.t, r.bus.Publish(r.t.Context(), bus.TopicDirectory, bus.Message{Tenant: string(here), Key: name, ID: name, Type: topics.TypeFact, Version: 1, Value: value}))
}

func (r *rig) token(subject string, roles ...auth.Role) string {
	p := authtest.Person(here, roles...)
	p.Subject = subject
	return authtest.Token(r.t, "register", p)
}

func (r *rig) call(method, path, token string, body any) httpxtest.Response {
	r.t.Helper()
	res := httpxtest.Call(r.t, r.m.App(), method, path, token, body)
	httpxtest.Conforms(r.t, r.contract, method, path, res)
	return res
}

type object = map[string]any

// make creates something and returns its id.
func (r *rig) make(kind string, data object, more ...object) string {
	r.t.Helper()
	body := object{"data": data}
	for _, m := range more {
		for k, v := range m {
			body[k] = v
		}
	}
	res := r.call("POST", "/v1/"+kind, r.officer(), body)
	require.Equal(r.t, http.StatusCreated, res.Status, "%s", res.Body)
	answer := httpxtest.Decode[object](r.t, res)
	if item, ok := answer["item"].(object); ok {
		answer = item
	}
	id, _ := answer["id"].(string)
	return id
}

func (r *rig) officer() string { return r.token("officer", auth.RoleSecurityOfficer) }

// agreed makes a vendor, a system it serves and, with annexes, an agreement.
func (r *rig) agreed(agreement object) (vendor, system string) {
	r.t.Helper()
	vendor = r.make("vendors", object{"name": "Nordlys"}, object{"validFrom": r.now.AddDate(-1, 0, 0)})
	system = r.make("systems", object{"name": "Arkivum", "unitId": "u1", "owner": "owner", "responsible": "gone", "vendors": []string{vendor}}, object{"validFrom": r.now.AddDate(-1, 0, 0)})
	if agreement != nil {
		data := object{"vendorId": vendor, "title": "Avtale", "signed": true, "annexes": topics.Annexes, "checked": topics.ChecklistPoints}
		r.make("agreements", data, agreement)
	}
	return vendor, system
}

func (r *rig) request(vendor, system string, from, to time.Time) string {
	r.t.Helper()
	return r.make("windows", object{"vendorId": vendor, "systems": []string{system}, "from": from, "to": to})
}

func slug(res httpxtest.Response) string {
	var p struct{ Type string }
	_ = json.Unmarshal(res.Body, &p)
	return p.Type[len("https://varde.internal/problems/"):]
}

func TestRoutesAreTheContract(t *testing.T) {
	t.Parallel()
	r := start(t)
	httpxtest.RoutesMatchContract(t, r.m.App(), r.contract)
}

func TestEveryRoleMeetsThePolicyAndTenantsAreApart_R74(t *testing.T) {
	t.Parallel()
	r := start(t)
	httpxtest.RoleMatrix(t, r.m.App(), r.contract, func(role auth.Role) string {
		return authtest.Token(t, "register", authtest.Person(here, role))
	})
	vendor, _ := r.agreed(nil)
	stranger := authtest.Token(t, "register", authtest.Person("solhaug", auth.RoleSecurityOfficer))
	require.Equal(t, http.StatusNotFound, r.call("GET", "/v1/vendors/"+vendor, stranger, nil).Status)
	require.NotContains(t, string(r.call("GET", "/v1/vendors", stranger, nil).Body), vendor)
}

func TestAWindowIsOpenedOnlyUnderAValidAgreement_R25_C6(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		agreement object
		status    int
	}{
		"valid":                       {object{"validFrom": "2026-01-01T00:00:00Z"}, http.StatusOK},
		"none":                        {nil, http.StatusUnprocessableEntity},
		"expired":                     {object{"validFrom": "2025-01-01T00:00:00Z", "validTo": "2026-01-01T00:00:00Z"}, http.StatusUnprocessableEntity},
		"ends before the slot begins": {object{"validFrom": "2025-01-01T00:00:00Z", "validTo": "2026-11-21T00:00:00Z"}, http.StatusUnprocessableEntity},
		"begins with the slot":        {object{"validFrom": "2026-11-21T12:00:00Z"}, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t)
			vendor, system := r.agreed(c.agreement)
			w := r.request(vendor, system, r.now.Add(24*time.Hour), r.now.Add(26*time.Hour))
			res := r.call("POST", "/v1/windows/"+w+"/approve", r.token("owner", auth.RoleSystemOwner), object{})
			require.Equal(t, c.status, res.Status, "%s", res.Body)
			if c.status != http.StatusOK {
				require.Equal(t, "no-valid-agreement", slug(res))
				// What was opened all the same can be recorded, with the reason.
				late := object{"afterTheFact": true}
				require.Equal(t, http.StatusBadRequest, r.call("POST", "/v1/windows/"+w+"/approve", r.token("owner", auth.RoleSystemOwner), late).Status)
				late["reason"] = "Opened by telephone"
				// … but only once its slot has begun: before that nothing was opened.
				res = r.call("POST", "/v1/windows/"+w+"/approve", r.token("owner", auth.RoleSystemOwner), late)
				require.Equal(t, http.StatusUnprocessableEntity, res.Status, "%s", res.Body)
				require.Equal(t, "window-not-begun", slug(res))
				r.now = r.now.Add(24 * time.Hour)
				require.Equal(t, http.StatusOK, r.call("POST", "/v1/windows/"+w+"/approve", r.token("owner", auth.RoleSystemOwner), late).Status)
			}
		})
	}
}

func TestOwnerDelegateOrResponsibleApproveNobodyElse_R24(t *testing.T) {
	t.Parallel()
	for who, status := range map[string]int{
		"owner": http.StatusOK, "delegate": http.StatusOK,
		"gone":     http.StatusForbidden, // the responsible, who has left
		"somebody": http.StatusForbidden,
	} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			r := start(t)
			vendor, system := r.agreed(object{"validFrom": "2026-01-01T00:00:00Z"})
			w := r.request(vendor, system, r.now.Add(time.Hour), r.now.Add(2*time.Hour))
			res := r.call("POST", "/v1/windows/"+w+"/approve", r.token(who, auth.RoleSystemOwner, auth.RoleResponsible), object{})
			require.Equal(t, status, res.Status, "%s", res.Body)
		})
	}
}

func TestAVendorNamedAsOwnerIsAWeaknessAndApprovesNothing_Trap1(t *testing.T) {
	t.Parallel()
	r := start(t)
	vendor := r.make("vendors", object{"name": "Havbris"})
	system := r.make("systems", object{"name": "FDV", "unitId": "u1", "owner": vendor})
	res := r.call("GET", "/v1/systems/"+system, r.officer(), nil)
	require.Contains(t, string(res.Body), "owner-is-vendor")
	require.Contains(t, string(res.Body), "no-responsible")
	w := r.request(vendor, system, r.now.Add(time.Hour), r.now.Add(2*time.Hour))
	require.Equal(t, http.StatusForbidden, r.call("POST", "/v1/windows/"+w+"/approve", r.token(vendor, auth.RoleSystemOwner), object{}).Status)
}

func TestWindowStates(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	to := from.Add(2 * time.Hour)
	approved := topics.AccessWindow{From: from, To: to, ApprovedAt: from.Add(-time.Hour)}
	revoked := approved
	revoked.RevokedAt = from.Add(time.Hour)
	floating := approved
	floating.Duration = 4 * time.Hour
	for _, c := range []struct {
		w    topics.AccessWindow
		at   time.Time
		want string
	}{
		{topics.AccessWindow{From: from, To: to}, from, "requested"},
		{topics.AccessWindow{From: from, To: to}, to, "lapsed"},
		{approved, from.Add(-time.Second), "approved"},
		{approved, from, "open"},
		{approved, to.Add(-time.Second), "open"},
		{approved, to, "ended"},
		{revoked, from.Add(time.Hour - time.Second), "open"},
		{revoked, from.Add(time.Hour), "revoked"},
		{floating, to.Add(time.Hour), "open"}, // it may have begun at the end of its slot
		{floating, to.Add(4 * time.Hour), "ended"},
	} {
		require.Equal(t, c.want, register.WindowState(c.w, c.at), "%+v at %s", c.w, c.at)
	}
}

func TestNothingIsOverwrittenAndEveryMomentCanBeRead(t *testing.T) {
	t.Parallel()
	r := start(t)
	begin := r.now
	vendor := r.make("vendors", object{"name": "First"}, object{"validFrom": begin.AddDate(0, 0, -30)})
	r.now = begin.Add(time.Hour)
	require.Equal(t, http.StatusOK, r.call("PUT", "/v1/vendors/"+vendor, r.officer(), object{"data": object{"name": "Second"}}).Status)
	// A correction of the past ends where the present begins by itself.
	r.now = begin.Add(2 * time.Hour)
	require.Equal(t, http.StatusOK, r.call("PUT", "/v1/vendors/"+vendor, r.officer(), object{"data": object{"name": "Corrected"}, "validFrom": begin.AddDate(0, 0, -10)}).Status)

	name := func(query string) string {
		res := r.call("GET", "/v1/vendors/"+vendor+query, r.officer(), nil)
		require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
		var d struct {
			Item struct{ Data struct{ Name string } }
		}
		require.NoError(t, json.Unmarshal(res.Body, &d))
		return d.Item.Data.Name
	}
	at := func(t time.Time) string { return t.Format(time.RFC3339) }
	require.Equal(t, "Second", name(""))
	require.Equal(t, "Corrected", name("?at="+at(begin.AddDate(0, 0, -5))))
	require.Equal(t, "First", name("?at="+at(begin.AddDate(0, 0, -20))))
	require.Equal(t, "First", name("?at="+at(begin.AddDate(0, 0, -5))+"&known="+at(begin)))

	history := httpxtest.Decode[struct{ History []object }](t, r.call("GET", "/v1/vendors/"+vendor, r.officer(), nil)).History
	require.Len(t, history, 3)

	res := r.call("PUT", "/v1/vendors/"+vendor, r.officer(), object{"data": object{"name": "Stale"}, "revision": 1})
	require.Equal(t, http.StatusConflict, res.Status)

	require.Equal(t, http.StatusOK, r.call("POST", "/v1/vendors/"+vendor+"/end", r.officer(), object{"reason": "Contract over"}).Status)
	require.NotContains(t, string(r.call("GET", "/v1/vendors", r.officer(), nil).Body), vendor)
	require.Contains(t, string(r.call("GET", "/v1/vendors?ended=true", r.officer(), nil).Body), vendor)
	require.Equal(t, "First", name("?at="+at(begin.AddDate(0, 0, -20))))
}

// A change is on its topic with the whole history within a second: one of some,
// because this machine can stall for longer.
func TestAChangeReachesTheTopicWithinASecond(t *testing.T) {
	t.Parallel()
	r := start(t)
	got := make(chan topics.Fact, 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_ = r.bus.Follow(ctx, bus.TopicRegister, func(_ context.Context, batch []bus.Message) error {
			for _, m := range batch {
				var f topics.Fact
				if json.Unmarshal(m.Value, &f) == nil {
					got <- f
				}
			}
			return nil
		}, func() {})
	}()
	vendor := r.make("vendors", object{"name": "Nordlys"})
	require.Equal(t, vendor, (<-got).ID)
	quickest := time.Hour
	for n := 2; n <= 20 && quickest > time.Second; n++ {
		began := time.Now()
		r.call("PUT", "/v1/vendors/"+vendor, r.officer(), object{"data": object{"name": fmt.Sprint("Nordlys ", n)}})
		f := <-got
		require.Len(t, f.Versions, n)
		quickest = min(quickest, time.Since(began))
	}
	require.LessOrEqual(t, quickest, time.Second)
}

func TestAKeyIsShownOnceAndOnlyItsHashIsKept(t *testing.T) {
	t.Parallel()
	r := start(t)
	res := r.call("POST", "/v1/sources", r.officer(), object{"data": object{"name": "Syslog", "kind": "syslog"}})
	if res.Status == http.StatusForbidden { // whoever may write sources
		res = r.call("POST", "/v1/sources", r.token("ops", auth.RoleOperationsManager), object{"data": object{"name": "Syslog", "kind": "syslog"}})
	}
	require.Equal(t, http.StatusCreated, res.Status, "%s", res.Body)
	made := httpxtest.Decode[struct {
		APIKey string `json:"apiKey"`
		Item   struct{ ID string }
	}](t, res)
	require.GreaterOrEqual(t, len(made.APIKey), 40)
	shown := r.call("GET", "/v1/sources/"+made.Item.ID, r.token("ops", auth.RoleOperationsManager), nil)
	require.NotContains(t, string(shown.Body), made.APIKey)
	require.NotContains(t, string(shown.Body), topics.HashAPIKey(made.APIKey))
	require.Contains(t, string(shown.Body), `"hasKey":true`)
	renewed := r.call("POST", "/v1/sources/"+made.Item.ID+"/key", r.token("ops", auth.RoleOperationsManager), nil)
	require.Equal(t, http.StatusOK, renewed.Status, "%s", renewed.Body)
	require.NotContains(t, string(renewed.Body), made.APIKey)
}

func TestTheOverviewShowsWhatIsWrong_R61(t *testing.T) {
	t.Parallel()
	r := start(t)
	vendor, system := r.agreed(nil)
	body := string(r.call("GET", "/v1/vendors/"+vendor+"/overview", r.officer(), nil).Body)
	require.Contains(t, body, `"agreementState":"missing"`)
	require.Contains(t, body, system)
	r.make("agreements", object{"vendorId": vendor, "title": "Avtale", "signed": true, "annexes": topics.Annexes[:2]}, object{"validFrom": r.now.AddDate(0, -1, 0)})
	body = string(r.call("GET", "/v1/vendors/"+vendor+"/overview", r.officer(), nil).Body)
	require.Contains(t, body, `"agreementState":"missing-annexes"`)
	require.Contains(t, body, "annex-missing")
}

func TestListsPageWithoutGapsAndWrongInputIsNamed(t *testing.T) {
	t.Parallel()
	r := start(t)
	var want []string
	for _, n := range []string{"b", "A", "c", "a", "D"} {
		want = append(want, r.make("vendors", object{"name": n}))
	}
	var got []string
	for after := ""; ; {
		page := httpxtest.Decode[struct {
			Items []struct{ ID string }
			Next  string
		}](t, r.call("GET", "/v1/vendors?limit=2&after="+after, r.officer(), nil))
		for _, i := range page.Items {
			got = append(got, i.ID)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	require.Len(t, got, 5)
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, got)

	for _, bad := range []struct {
		kind string
		data object
		at   string
	}{
		{"vendors", object{"name": "x", "networks": []string{"10.0.0.0/99"}}, "/data/networks"},
		{"agreements", object{"vendorId": id.New(), "title": "x", "signed": true}, "/data/vendorId"},
		{"sources", object{"name": "x", "kind": "syslog", "timeZone": "Mars/Olympus"}, "/data/timeZone"},
		{"windows", object{"vendorId": want[0], "systems": []string{"s"}, "from": r.now, "to": r.now}, "/data/to"},
		{"vendors", object{"name": "x", "colour": "red"}, "/data/colour"},
	} {
		res := r.call("POST", "/v1/"+bad.kind, r.token("ops", auth.RoleOperationsManager, auth.RoleSecurityOfficer), object{"data": bad.data})
		require.Equal(t, http.StatusBadRequest, res.Status, "%s", res.Body)
		require.Contains(t, string(res.Body), bad.at)
	}
}
