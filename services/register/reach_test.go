package register_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
)

// in is somebody with a role over one unit.
func (r *rig) in(unit, subject string, role auth.Role) string {
	return authtest.Token(r.t, "register", auth.Principal{
		Subject: subject, Tenant: here, Session: "session",
		Grants: []auth.Grant{{Role: role, Unit: unit, Reach: []string{unit}}, {Role: auth.RoleEmployee, Unit: unit}},
	})
}

// own and foreign are two systems, each with a vendor, that two people have
// something to do with: adm administers own, leader has its unit.
type twoSystems struct{ own, foreign, vendor, stranger string }

func (r *rig) two() twoSystems {
	var two twoSystems
	two.vendor, two.stranger = r.make("vendors", object{"name": "Nordlys"}), r.make("vendors", object{"name": "Fjellrev"})
	two.own = r.make("systems", object{"name": "Arkivum", "unitId": "u1", "owner": "owner", "administrator": "adm", "vendors": []string{two.vendor}})
	two.foreign = r.make("systems", object{"name": "Omsorg", "unitId": "u2", "owner": "somebody", "vendors": []string{two.stranger}})
	return two
}

func TestWhoAdministersASystemWritesWhatConcernsIt_R18(t *testing.T) {
	t.Parallel()
	r := start(t)
	two := r.two()
	for who, token := range map[string]string{
		"its administrator": r.in("u9", "adm", auth.RoleSystemAdministrator),
		"its owner":         r.in("u9", "owner", auth.RoleSystemOwner),
		"its unit's leader": r.in("u1", "leader", auth.RoleResponsible),
	} {
		for _, c := range []struct {
			what, kind string
			data       object
			status     int
		}{
			{"an agreement about it", "agreements", object{"vendorId": two.vendor, "title": "A", "signed": true, "systems": []string{two.own}}, http.StatusCreated},
			{"an agreement about another too", "agreements", object{"vendorId": two.vendor, "title": "A", "signed": true, "systems": []string{two.own, two.foreign}}, http.StatusForbidden},
			{"an agreement about all", "agreements", object{"vendorId": two.vendor, "title": "A", "signed": true}, http.StatusForbidden},
			{"an account on it", "accounts", object{"name": "on it " + who, "systems": []string{two.own}}, http.StatusCreated},
			{"an account on another too", "accounts", object{"name": "on both", "systems": []string{two.own, two.foreign}}, http.StatusForbidden},
			{"an account on all", "accounts", object{"name": "on all"}, http.StatusForbidden},
			{"a person of its vendor", "vendor-persons", object{"vendorId": two.vendor, "name": "Ola"}, http.StatusCreated},
			{"a person of another vendor", "vendor-persons", object{"vendorId": two.stranger, "name": "Ola"}, http.StatusForbidden},
		} {
			res := r.call("POST", "/v1/"+c.kind, token, object{"data": c.data})
			require.Equal(t, c.status, res.Status, "%s, %s: %s", who, c.what, res.Body)
		}
		for vendor, status := range map[string]int{two.vendor: http.StatusOK, two.stranger: http.StatusForbidden} {
			require.Equal(t, status, r.call("PUT", "/v1/vendors/"+vendor, token, object{"data": object{"name": "Renamed"}}).Status, who)
		}
		require.Equal(t, http.StatusForbidden, r.call("POST", "/v1/vendors/"+two.stranger+"/end", token, object{}).Status, who)
	}
}

func TestWhatConcernsOtherSystemsIsNeitherTakenNorGivenAway_R18(t *testing.T) {
	t.Parallel()
	r := start(t)
	two := r.two()
	adm := r.in("u9", "adm", auth.RoleSystemAdministrator)
	about := func(systems ...string) object {
		return object{"data": object{"vendorId": two.vendor, "title": "A", "signed": true, "systems": append([]string{}, systems...)}}
	}
	theirs := r.make("agreements", about(two.foreign)["data"].(object))
	require.Equal(t, http.StatusForbidden, r.call("PUT", "/v1/agreements/"+theirs, adm, about(two.own)).Status)
	ours := r.make("agreements", about(two.own)["data"].(object))
	require.Equal(t, http.StatusForbidden, r.call("PUT", "/v1/agreements/"+ours, adm, about()).Status)
	require.Equal(t, http.StatusOK, r.call("PUT", "/v1/agreements/"+ours, adm, about(two.own)).Status)
	require.Equal(t, http.StatusOK, r.call("POST", "/v1/agreements/"+ours+"/end", adm, object{}).Status)

	// A system that has ended gives no say over the vendors it had.
	require.Equal(t, http.StatusOK, r.call("POST", "/v1/systems/"+two.own+"/end", r.officer(), object{}).Status)
	require.Equal(t, http.StatusForbidden, r.call("PUT", "/v1/vendors/"+two.vendor, adm, object{"data": object{"name": "Renamed"}}).Status)
}

func TestANewVendorIsAddedByAUnitNotByOneSystem_R16(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.two()
	vendor := object{"data": object{"name": "Granitt"}}
	require.Equal(t, http.StatusForbidden, r.call("POST", "/v1/vendors", r.in("u9", "adm", auth.RoleSystemAdministrator), vendor).Status)
	require.Equal(t, http.StatusForbidden, r.call("POST", "/v1/vendors", r.in("u9", "owner", auth.RoleSystemOwner), vendor).Status)
	leader := r.in("u1", "leader", auth.RoleResponsible)
	res := r.call("POST", "/v1/vendors", leader, vendor)
	require.Equal(t, http.StatusCreated, res.Status, "%s", res.Body)
}

func TestTheAdministratorEditsTheSystemAndDecidesNothing_R17_R18(t *testing.T) {
	t.Parallel()
	r := start(t)
	two := r.two()
	r.make("agreements", object{"vendorId": two.vendor, "title": "A", "signed": true, "systems": []string{two.own}}, object{"validFrom": "2026-01-01T00:00:00Z"})
	adm := r.in("u9", "adm", auth.RoleSystemAdministrator)
	system := func(owner, administrator string) object {
		return object{"data": object{"name": "Arkivum", "unitId": "u1", "owner": owner, "administrator": administrator, "hosts": []string{"ark01"}, "vendors": []string{two.vendor}}}
	}
	res := r.call("PUT", "/v1/systems/"+two.own, adm, system("owner", "adm"))
	require.Equal(t, http.StatusOK, res.Status, "%s", res.Body)
	require.Equal(t, http.StatusForbidden, r.call("PUT", "/v1/systems/"+two.own, adm, system("adm", "adm")).Status, "nobody makes themselves the owner")
	require.Equal(t, http.StatusForbidden, r.call("PUT", "/v1/systems/"+two.foreign, adm, system("owner", "adm")).Status)
	require.Equal(t, http.StatusOK, r.call("PUT", "/v1/systems/"+two.own, r.in("u9", "owner", auth.RoleSystemOwner), system("owner", "adm")).Status)

	w := r.request(two.vendor, two.own, r.now, r.now.Add(time.Hour))
	status, answer := r.approve(w, r.token("adm", auth.RoleSystemAdministrator, auth.RoleResponsible, auth.RoleSystemOwner), object{})
	require.Equal(t, http.StatusForbidden, status, "%v", answer)
	status, answer = r.approve(w, r.token("owner", auth.RoleSystemOwner), object{})
	require.Equal(t, http.StatusOK, status, "%v", answer)
}
