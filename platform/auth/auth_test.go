package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

var caseContent = []auth.Action{
	auth.ActionCaseList, auth.ActionCaseRead, auth.ActionCaseHandle, auth.ActionCaseAssign, auth.ActionCaseClose,
	auth.ActionCaseCreate, auth.ActionEvidenceRead, auth.ActionEvidencePin, auth.ActionReportReveal, auth.ActionEventSearch, auth.ActionEventNames,
}

// writes is every action that changes something of the municipality's.
var writes = []auth.Action{
	auth.ActionCaseHandle, auth.ActionCaseAssign, auth.ActionCaseClose, auth.ActionEvidencePin, auth.ActionSourceWrite,
	auth.ActionRegisterWrite, auth.ActionWindowRequest, auth.ActionWindowApprove, auth.ActionDirectoryWrite,
	auth.ActionAccountAdmin, auth.ActionReportSubmit, auth.ActionHoldWrite, auth.ActionReparse,
}

func alone(r auth.Role) auth.Principal {
	return auth.Principal{Subject: "p", Tenant: "granvik", Grants: []auth.Grant{{Role: r}}}
}

func TestTheAdministratorSeesNoCaseContent(t *testing.T) {
	t.Parallel()
	for _, a := range caseContent {
		require.False(t, auth.MayEver(authtest.Person("granvik", auth.RoleAdministrator), a), a)
	}
}

func TestTheAuditorReadsAllAndChangesNothing_R23(t *testing.T) {
	t.Parallel()
	for _, a := range auth.Actions() {
		may := auth.MayEver(alone(auth.RoleAuditor), a)
		if slices.Contains(writes, a) {
			require.False(t, may, a)
		}
		if strings.HasSuffix(string(a), ".read") || strings.HasSuffix(string(a), ".list") {
			require.True(t, may, a)
		}
	}
}

func TestTheRegionalCoordinatorSeesAggregatesOnly_R21(t *testing.T) {
	t.Parallel()
	require.Equal(t, []auth.Permission{{Action: auth.ActionAccountSelf, Scope: auth.ScopeOwn}, {Action: auth.ActionOverviewRead, Scope: auth.ScopeRegion}}, auth.Permissions(alone(auth.RoleRegionalCoordinator)))
	require.True(t, auth.Allow(alone(auth.RoleRegionalCoordinator), auth.ActionOverviewRead, auth.Object{Tenant: "fjellbygd"}))
}

func TestEveryoneCanReport_R1(t *testing.T) {
	t.Parallel()
	for _, r := range auth.Roles() {
		if r == auth.RoleAuditor || r == auth.RoleRegionalCoordinator {
			continue // held beside the employee role, or by somebody from outside
		}
		require.True(t, auth.MayEver(authtest.Person("granvik", r), auth.ActionReportSubmit), r)
	}
}

func TestEveryActionOfTheSystemIsInThePolicy(t *testing.T) {
	t.Parallel()
	all := auth.Actions()
	for _, a := range append(append([]auth.Action{
		auth.ActionReportFollow, auth.ActionFormRead, auth.ActionSourceRead, auth.ActionRegisterRead, auth.ActionDirectoryRead,
		auth.ActionAuditRead, auth.ActionAuditExport, auth.ActionAuditAppend, auth.ActionHealthRead, auth.ActionOverviewRead,
		auth.ActionSessionManage, auth.ActionAccountSelf,
	}, caseContent...), writes...) {
		require.Contains(t, all, a)
	}
}

func TestScopesReachAsFarAsTheySay(t *testing.T) {
	t.Parallel()
	manager := auth.Principal{Subject: "leader", Tenant: "granvik", Grants: []auth.Grant{
		{Role: auth.RoleResponsible, Unit: "school", Reach: []string{"class"}},
		{Role: auth.RoleSuperuser, Unit: "library", Reach: []string{"shelf"}},
		{Role: auth.RoleEmployee, Unit: "school"},
	}}
	obj := func(unit string, owners ...string) auth.Object {
		return auth.Object{Tenant: "granvik", Unit: unit, Owners: owners}
	}
	for name, c := range map[string]struct {
		action auth.Action
		object auth.Object
		want   bool
	}{
		"own unit":                       {auth.ActionCaseClose, obj("school"), true},
		"unit below":                     {auth.ActionCaseClose, obj("class"), true},
		"another role's unit":            {auth.ActionCaseClose, obj("library"), false},
		"another role, its own action":   {auth.ActionCaseHandle, obj("shelf"), true},
		"a unit of nobody":               {auth.ActionCaseClose, obj(""), false},
		"routed to the caller":           {auth.ActionCaseClose, obj("elsewhere", "leader"), true},
		"routed to another":              {auth.ActionCaseClose, obj("elsewhere", "other"), false},
		"another tenant":                 {auth.ActionCaseClose, auth.Object{Tenant: "fjellbygd", Unit: "school", Owners: []string{"leader"}}, false},
		"no tenant":                      {auth.ActionCaseClose, auth.Object{Unit: "school"}, false},
		"tenant-wide action, other unit": {auth.ActionEventSearch, obj("elsewhere"), true},
	} {
		require.Equal(t, c.want, auth.Allow(manager, c.action, c.object), name)
	}
	reach, ok := auth.Reach(manager, auth.ActionCaseList)
	require.True(t, ok)
	require.Equal(t, auth.ReachOf{Units: []string{"class", "library", "school", "shelf"}}, reach)
	reach, ok = auth.Reach(alone(auth.RoleEmployee), auth.ActionCaseList)
	require.True(t, ok)
	require.Equal(t, auth.ReachOf{}, reach)
	_, ok = auth.Reach(alone(auth.RoleEmployee), auth.ActionAuditRead)
	require.False(t, ok)
}

// Whatever grants somebody has: what Allow grants on an object, MayEver does
// not deny, and another tenant's object is reached by aggregates only.
func TestAllowNeverPassesTheCoarseCheckOrTheTenant(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		units := rapid.SampledFrom([]string{"", "a", "b", "c"})
		p := auth.Principal{Subject: "p", Tenant: "granvik"}
		for range rapid.IntRange(0, 3).Draw(t, "grants") {
			p.Grants = append(p.Grants, auth.Grant{Role: rapid.SampledFrom(auth.Roles()).Draw(t, "role"), Unit: units.Draw(t, "unit"), Reach: []string{units.Draw(t, "below")}})
		}
		a := rapid.SampledFrom(auth.Actions()).Draw(t, "action")
		o := auth.Object{Tenant: rapid.SampledFrom([]tenant.ID{"", "granvik", "fjellbygd"}).Draw(t, "tenant"), Unit: units.Draw(t, "of"), Owners: []string{rapid.SampledFrom([]string{"p", "q"}).Draw(t, "owner")}}
		if !auth.Allow(p, a, o) {
			return
		}
		if !auth.MayEver(p, a) {
			t.Fatalf("allowed, but never")
		}
		if o.Tenant != p.Tenant && auth.WidestScope(p, a) != auth.ScopeRegion {
			t.Fatalf("reached another tenant")
		}
	})
}

func TestAServiceActsOnlyInTheTenantItNames_R74(t *testing.T) {
	t.Parallel()
	p := authtest.Service("search")
	p.Tenant = "granvik"
	require.True(t, auth.Allow(p, auth.ActionEvidencePin, auth.Object{Tenant: "granvik"}))
	require.False(t, auth.Allow(p, auth.ActionEvidencePin, auth.Object{Tenant: "fjellbygd"}))
	require.False(t, auth.Allow(p, auth.ActionCaseClose, auth.Object{Tenant: "granvik"}))
	require.False(t, auth.MayEver(authtest.Service("unheard-of"), auth.ActionAuditAppend))
}

func TestStepUpIsBoundToActionSessionAndTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := auth.Principal{Subject: "p", Session: "s", StepUp: now.Add(-time.Minute), StepUpOf: "report.reveal"}
	require.NoError(t, auth.RequireStepUp(now, p, auth.ActionReportReveal, 5*time.Minute))
	for _, wrong := range []auth.Principal{
		{Subject: "p", Session: "s"},
		{Subject: "p", StepUp: p.StepUp, StepUpOf: p.StepUpOf},
		{Subject: "p", Session: "s", StepUp: now.Add(-6 * time.Minute), StepUpOf: p.StepUpOf},
		{Subject: "p", Session: "s", StepUp: now.Add(time.Hour), StepUpOf: p.StepUpOf},
		{Subject: "p", Session: "s", StepUp: p.StepUp, StepUpOf: "audit.export"},
	} {
		err := auth.RequireStepUp(now, wrong, auth.ActionReportReveal, 5*time.Minute)
		require.ErrorIs(t, err, auth.ErrStepUp)
		require.Equal(t, "report.reveal", problem.From(err).Params["action"])
	}
}

type world struct {
	now    time.Time
	signer *auth.Signer
}

func newWorld(t *testing.T) *world {
	w := &world{now: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)}
	s, err := auth.NewSigner([]byte(strings.Repeat("k", 32)), w.clock)
	require.NoError(t, err)
	w.signer = s
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) verifier(keys auth.Keys, r *auth.Revocations) auth.Verifier {
	return auth.NewVerifier(auth.VerifierConfig{Audience: "cases", Keys: keys, Revocations: r, Clock: w.clock})
}

func TestATokenCarriesTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := auth.Principal{Subject: "p", Tenant: "granvik", Unit: "u", Session: "s", StepUp: w.now, StepUpOf: "report.reveal",
		Grants: []auth.Grant{{Role: auth.RoleResponsible, Unit: "u", Reach: []string{"v"}}}}
	token, expires, err := w.signer.Issue(p, "cases")
	require.NoError(t, err)
	require.Equal(t, w.now.Add(10*time.Minute), expires)
	got, err := w.verifier(auth.KeySet{w.signer.Public()}, nil).Verify(context.Background(), token)
	require.NoError(t, err)
	require.True(t, got.StepUp.Equal(p.StepUp))
	p.Units, p.StepUp, got.StepUp = []string{"u", "v"}, time.Time{}, time.Time{}
	require.Equal(t, p, got)
}

func TestATokenIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier(auth.KeySet{w.signer.Public()}, nil)
	good := auth.Principal{Subject: "p", Tenant: "granvik"}
	issue := func(p auth.Principal, audience string) string {
		token, _, err := w.signer.Issue(p, audience)
		require.NoError(t, err)
		return token
	}
	other, err := auth.NewSigner([]byte(strings.Repeat("o", 32)), w.clock)
	require.NoError(t, err)
	foreign, _, err := other.Issue(good, "cases")
	require.NoError(t, err)
	token := issue(good, "cases")
	// A token "signed" with the public key as an HMAC secret, the classic confusion.
	confused := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "varde", "sub": "p", "tnt": "granvik", "aud": "cases", "exp": w.now.Add(time.Hour).Unix(), "iat_ms": w.now.UnixMilli()})
	confused.Header["kid"] = w.signer.Public().ID
	hs, err := confused.SignedString([]byte(w.signer.Public().Key))
	require.NoError(t, err)
	unsigned, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"iss": "varde", "sub": "p", "tnt": "granvik", "aud": "cases", "exp": w.now.Add(time.Hour).Unix()}).SignedString(jwt.UnsafeAllowNoneSignatureType)
	require.NoError(t, err)
	for name, bad := range map[string]string{
		"another audience": issue(good, "search"), "another key": foreign, "no tenant": issue(auth.Principal{Subject: "p"}, "cases"),
		"changed": token[:len(token)-4] + "AAAA", "HMAC with the public key": hs, "unsigned": unsigned, "garbage": "x.y.z",
	} {
		_, err := v.Verify(context.Background(), bad)
		require.Equal(t, problem.KindUnauthenticated, problem.From(err).Kind, name)
	}
	_, err = v.Verify(context.Background(), "")
	require.ErrorIs(t, err, auth.ErrNoToken)
	w.now = w.now.Add(10*time.Minute + 31*time.Second)
	_, err = v.Verify(context.Background(), token)
	require.ErrorIs(t, err, auth.ErrBadToken, "expired")
	w.now = w.now.Add(-12 * time.Minute)
	_, err = v.Verify(context.Background(), token)
	require.ErrorIs(t, err, auth.ErrBadToken, "from the future")
}

func TestARevokedTokenIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := auth.NewRevocations(slog.New(slog.DiscardHandler), w.clock)
	v := w.verifier(auth.KeySet{w.signer.Public()}, r)
	issue := func(session string) string {
		token, _, err := w.signer.Issue(auth.Principal{Subject: "p", Tenant: "granvik", Session: session}, "cases")
		require.NoError(t, err)
		return token
	}
	verify := func(token string) error {
		_, err := v.Verify(context.Background(), token)
		return err
	}
	one, two := issue("one"), issue("two")
	require.Equal(t, problem.KindUnavailable, problem.From(verify(one)).Kind, "not before the topic was read to its end")
	require.NoError(t, auth.CatchUp(r))
	require.NoError(t, verify(one))

	w.now = w.now.Add(300 * time.Millisecond)
	r.Apply(topics.Revocation{Session: "one", NotBefore: w.now})
	require.ErrorIs(t, verify(one), auth.ErrRevokedToken)
	require.NoError(t, verify(two))

	r.Apply(topics.Revocation{Subject: "p", NotBefore: w.now})
	require.ErrorIs(t, verify(two), auth.ErrRevokedToken)
	w.now = w.now.Add(5 * time.Millisecond)
	require.NoError(t, verify(issue("three")), "a new token within the same second holds")
	r.Apply(topics.Revocation{Subject: "p", NotBefore: w.now.Add(-time.Hour)})
	require.ErrorIs(t, verify(two), auth.ErrRevokedToken, "an older revocation does not lift a newer")
}

func TestKeysComeFromIdentityAndSurviveItsAbsence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	second, err := auth.NewSigner([]byte(strings.Repeat("n", 32)), w.clock)
	require.NoError(t, err)
	var set atomic.Value
	set.Store(auth.KeySet{w.signer.Public()})
	var calls atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		_ = json.NewEncoder(rw).Encode(set.Load())
	}))
	defer server.Close()
	keys := &auth.RemoteKeys{URL: server.URL, Clock: w.clock}
	v := w.verifier(keys, nil)
	verify := func(s *auth.Signer) error {
		token, _, err := s.Issue(auth.Principal{Subject: "p", Tenant: "granvik"}, "cases")
		require.NoError(t, err)
		_, err = v.Verify(context.Background(), token)
		return err
	}
	require.NoError(t, verify(w.signer))
	require.NoError(t, verify(w.signer))
	require.EqualValues(t, 1, calls.Load(), "kept")

	w.now = w.now.Add(3 * time.Second)
	require.ErrorIs(t, verify(second), auth.ErrBadToken)
	for range 20 {
		require.ErrorIs(t, verify(second), auth.ErrBadToken)
	}
	require.EqualValues(t, 2, calls.Load(), "unknown keys do not flood identity")
	set.Store(auth.KeySet{second.Public(), w.signer.Public()})
	w.now = w.now.Add(3 * time.Second)
	require.NoError(t, verify(second), "rotated in")

	server.Close()
	w.now = w.now.Add(time.Hour)
	require.NoError(t, verify(second), "identity is away: what is known holds")
	third, err := auth.NewSigner([]byte(strings.Repeat("t", 32)), w.clock)
	require.NoError(t, err)
	w.now = w.now.Add(time.Hour)
	require.Equal(t, problem.KindUnavailable, problem.From(verify(third)).Kind, "an unknown key cannot be judged")
}

func TestServiceTokensAreCachedAndRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	calls, down := 0, false
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var in map[string]string
		_ = json.NewDecoder(r.Body).Decode(&in)
		if down || in["secret"] != "right" {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		calls++
		token, expires, _ := w.signer.Issue(auth.Principal{Subject: in["service"], Service: true}, in["audience"])
		_ = json.NewEncoder(rw).Encode(map[string]any{"token": token, "expires": expires})
	}))
	defer server.Close()
	source := auth.NewTokenSource(server.URL, "search", "right", nil, w.clock)
	first, err := source.Token(context.Background(), "cases")
	require.NoError(t, err)
	p, err := w.verifier(auth.KeySet{w.signer.Public()}, nil).Verify(context.Background(), first)
	require.NoError(t, err)
	require.True(t, p.Service)
	require.Equal(t, "search", p.Subject)
	again, err := source.Token(context.Background(), "cases")
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, 1, calls)
	w.now = w.now.Add(9 * time.Minute)
	_, err = source.Token(context.Background(), "cases")
	require.NoError(t, err)
	require.Equal(t, 2, calls)
	down, w.now = true, w.now.Add(9*time.Minute)
	_, err = source.Token(context.Background(), "cases")
	require.NoError(t, err, "the old one holds another minute")
	w.now = w.now.Add(2 * time.Minute)
	_, err = source.Token(context.Background(), "cases")
	require.Equal(t, problem.KindUnavailable, problem.From(err).Kind)
	require.NotErrorIs(t, err, errors.ErrUnsupported)
}

// The part of the policy table that separates the demo's four accounts.
func Example() {
	roles := []auth.Role{auth.RoleEmployee, auth.RoleResponsible, auth.RoleSecurityOfficer, auth.RoleAdministrator}
	fmt.Printf("%-15s %v\n", "", roles)
	for _, a := range []auth.Action{auth.ActionReportSubmit, auth.ActionCaseRead, auth.ActionCaseClose, auth.ActionEventNames, auth.ActionWindowApprove, auth.ActionAccountAdmin} {
		fmt.Printf("%-15s", a)
		for _, r := range roles {
			fmt.Printf(" %s", auth.WidestScope(auth.Principal{Grants: []auth.Grant{{Role: r}}}, a))
		}
		fmt.Println()
	}
	// Output:
	//                 [employee responsible security-officer administrator]
	// report.submit   tenant none none tenant
	// case.read       own unit tenant none
	// case.close      own unit tenant none
	// event.names     none none tenant none
	// window.approve  none unit none none
	// account.admin   none none none tenant
}
