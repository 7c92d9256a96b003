package http_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit/audittest"
	"varde.internal/platform/auth"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/config"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/httpx"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/identityapi"
	"varde.internal/schemas/topics"
	"varde.internal/services/identity"
)

const (
	password = "fjellrev-om-natten"
	domain   = "@granvik.example"
)

// late looks keys up in a module that is made after its verifier.
type late struct{ m *identity.Module }

func (l *late) Key(ctx context.Context, id string) (ed25519.PublicKey, error) {
	return l.m.Keys().Key(ctx, id)
}

type world struct {
	t     *testing.T
	m     *identity.Module
	app   *fiber.App
	audit *audittest.Recorder
	bus   bus.Bus
	web   string // web's service token
	docs  docstore.Store

	contract *httpx.Contract

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	w.now = w.now.Add(d)
	w.mu.Unlock()
	w.web = w.service("web", "identity")
}

func secret(use string) []byte {
	sum := sha256.Sum256([]byte(use))
	return sum[:]
}

func seed() identity.Seed {
	account := func(name string, demo bool) *identity.SeedAccount {
		return &identity.SeedAccount{Name: name, Password: password, Demo: demo}
	}
	one := identity.SeedTenant{
		ID: "granvik", Domain: "granvik.example", Tenant: topics.Tenant{Name: "Granvik", CasePrefix: "GR", Titles: map[int]string{1: "Rådmann"}},
		Units: []identity.SeedUnit{
			{Key: "top", Name: "Granvik kommune", Manager: "chief"},
			{Key: "school", Name: "Skole", Parent: "top", Manager: "leader"},
			{Key: "class", Name: "Klasse", Parent: "school"},
			{Key: "library", Name: "Bibliotek", Parent: "top"},
		},
		Persons: []identity.SeedPerson{
			{Key: "chief", Person: topics.Person{Name: "Chief Marked", UnitID: "top", Roles: []topics.RoleGrant{{Role: "controller"}}}},
			{Key: "leader", Person: topics.Person{Name: "Leader Marked", UnitID: "school", Delegate: "worker"}, Account: account("leder", true)},
			{Key: "worker", Person: topics.Person{Name: "Worker Marked", UnitID: "library"}, Account: account("ansatt", true)},
			{Key: "officer", Person: topics.Person{Name: "Officer Marked", UnitID: "top", Roles: []topics.RoleGrant{{Role: "security-officer"}}}, Account: account("sikkerhet", true)},
			{Key: "admin", Person: topics.Person{Name: "Admin Marked", UnitID: "top", Roles: []topics.RoleGrant{{Role: "administrator"}}}, Account: account("admin", true)},
			{Key: "new", Person: topics.Person{Name: "New Marked", UnitID: "library"}, Account: account("ny", false)},
		},
	}
	two := identity.SeedTenant{
		ID: "fjellbygd", Domain: "fjellbygd.example", Tenant: topics.Tenant{Name: "Fjellbygd", CasePrefix: "FJ"},
		Units: []identity.SeedUnit{{Key: "top", Name: "Fjellbygd kommune"}},
		Persons: []identity.SeedPerson{
			{Key: "admin", Person: topics.Person{Name: "Other", UnitID: "top", Roles: []topics.RoleGrant{{Role: "administrator"}}}, Account: account("admin", true)},
		},
	}
	return identity.Seed{Tenants: []identity.SeedTenant{one, two}}
}

func start(t *testing.T, b bus.Bus) *world {
	t.Helper()
	w := &world{t: t, audit: &audittest.Recorder{}, bus: b, now: time.Now().UTC(), docs: sqlite.OpenTemp(t), contract: httpxtest.Contract(t, "identity")}
	cfg := identity.Default()
	cfg.Argon = identity.Argon{MemoryKiB: 7 << 10, Passes: 1, Lanes: 1}
	cfg.ClientSecret = func(service string) config.Secret { return config.Secret("secret of " + service) }
	keys := &late{}
	m, err := identity.New(run.Deps{
		Log: slog.New(slog.DiscardHandler), Clock: w.clock, Docs: w.docs, Bus: b, Audit: w.audit, Secret: secret,
		Verifier: auth.NewVerifier(auth.VerifierConfig{Audience: "identity", Keys: keys, Clock: w.clock}),
	}, cfg)
	require.NoError(t, err)
	keys.m, w.m, w.app = m, m, m.App()
	require.NoError(t, m.Open(context.Background()))
	created, err := m.Import(context.Background(), seed())
	require.NoError(t, err)
	require.Equal(t, 2+5+7, created)
	w.web = w.service("web", "identity")
	return w
}

func (w *world) call(method, path, token string, body any) httpxtest.Response {
	w.t.Helper()
	r := httpxtest.Call(w.t, w.app, method, path, token, body)
	httpxtest.Conforms(w.t, w.contract, method, path, r)
	return r
}

func (w *world) service(name, audience string) string {
	w.t.Helper()
	r := w.call("POST", "/v1/service-tokens", "", identityapi.ServiceTokenRequest{Service: name, Secret: "secret of " + name, Audience: audience})
	return httpxtest.Decode[identityapi.Token](w.t, r).Token
}

func (w *world) trySignIn(name, pass, code string) httpxtest.Response {
	w.t.Helper()
	return w.call("POST", "/v1/sessions", w.web, identityapi.SignIn{Name: name, Password: pass, Code: code})
}

func (w *world) signIn(name string) string {
	w.t.Helper()
	return httpxtest.Decode[identityapi.OpenedSession](w.t, w.trySignIn(name+domain, password, "")).Session
}

func (w *world) tryToken(session, audience string) httpxtest.Response {
	w.t.Helper()
	return w.call("POST", "/v1/tokens", w.web, identityapi.TokenRequest{Session: session, Audience: audience})
}

func (w *world) token(session string) string {
	w.t.Helper()
	return httpxtest.Decode[identityapi.Token](w.t, w.tryToken(session, "identity")).Token
}

func (w *world) me(session string) identityapi.Me {
	w.t.Helper()
	return httpxtest.Decode[identityapi.Me](w.t, w.call("GET", "/v1/me", w.token(session), nil))
}

func scope(me identityapi.Me, action auth.Action) string {
	for _, p := range me.Allowed {
		if p.Action == string(action) {
			return string(p.Scope)
		}
	}
	return ""
}

func person(key string) string { return identity.PersonID("granvik", key) }
func unit(key string) string   { return identity.UnitID("granvik", key) }

func TestRoutesMatchTheContract(t *testing.T) {
	t.Parallel()
	httpxtest.RoutesMatchContract(t, start(t, nil).app, httpxtest.Contract(t, "identity"))
}

func TestEveryRoleMeetsThePolicyAndTenantsAreApart_R74(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	signer, err := auth.NewSigner(secret("token-signing/1"), w.clock)
	require.NoError(t, err)
	issue := func(in tenant.ID, role auth.Role) string {
		token, _, err := signer.Issue(auth.Principal{Subject: "nobody", Tenant: in, Session: "none", Grants: []auth.Grant{{Role: role}}}, "identity")
		require.NoError(t, err)
		return token
	}
	// "nobody" has no session: what needs one answers session-ended, which the
	// matrix does not take for a refusal by role; so it walks the rest.
	contract := httpxtest.Contract(t, "identity")
	for path := range contract.Doc.Paths.Map() {
		if strings.HasPrefix(path, "/v1/me") {
			contract.Doc.Paths.Delete(path)
		}
	}
	sample := func(path string, body any) httpxtest.Sample { return httpxtest.Sample{Path: path, Body: body} }
	options := []httpxtest.MatrixOption{
		httpxtest.WithForeign(func(r auth.Role) string { return issue("fjellbygd", r) }, "Marked", person("leader"), unit("school")),
		httpxtest.WithSample("listUnits", sample("/v1/units", nil)),
		httpxtest.WithSample("searchPersons", sample("/v1/persons/search", identityapi.PersonSearch{Ids: []string{person("leader")}})),
		httpxtest.WithSample("updateUnit", sample("/v1/units/"+unit("school"), identityapi.UnitEdit{Name: "Taken"})),
		httpxtest.WithSample("deleteUnit", sample("/v1/units/"+unit("class"), nil)),
		httpxtest.WithSample("getPerson", sample("/v1/persons/"+person("leader"), nil)),
		httpxtest.WithSample("updatePerson", sample("/v1/persons/"+person("leader"), identityapi.PersonEdit{Name: "Taken"})),
		httpxtest.WithSample("getAccount", sample("/v1/persons/"+person("leader")+"/account", nil)),
		httpxtest.WithSample("assignAccount", sample("/v1/persons/"+person("leader")+"/account", identityapi.AccountEdit{Password: "taken-over-by-another"})),
		httpxtest.WithSample("unlockAccount", sample("/v1/persons/"+person("leader")+"/account/unlock", nil)),
		httpxtest.WithSample("signOutAccount", sample("/v1/persons/"+person("leader")+"/account/sign-out", nil)),
	}
	rest, err := httpxtest.Reload(contract)
	require.NoError(t, err)
	httpxtest.RoleMatrix(t, w.app, rest, func(r auth.Role) string { return issue("granvik", r) }, options...)
	w.signIn("leder") // neither taken over nor locked
}

func TestOnlyTheFrontDoorHandlesSessions(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for _, token := range []string{w.service("search", "identity"), w.token(w.signIn("sikkerhet"))} {
		r := w.call("POST", "/v1/sessions", token, identityapi.SignIn{Name: "leder" + domain, Password: password})
		require.Equal(t, "not-allowed", r.Slug())
	}
	for _, wrong := range []identityapi.ServiceTokenRequest{
		{Service: "web", Secret: "secret of search", Audience: "cases"}, {Service: "nobody", Secret: "secret of nobody", Audience: "cases"},
		{Service: "web", Secret: "", Audience: "cases"}, {Service: "web", Secret: "secret of web", Audience: "nothing"},
	} {
		require.Equal(t, "wrong-credentials", w.call("POST", "/v1/service-tokens", "", wrong).Slug())
	}
}

func TestSigningInGivesTheRolesOfTheChart_R16(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	me := w.me(w.signIn("leder"))
	require.Equal(t, person("leader"), me.Id)
	require.Equal(t, "Granvik", me.Tenant.Name)
	require.Equal(t, "Rådmann", me.Tenant.Titles["1"])
	require.Equal(t, "Skole", me.Unit.Name)
	require.Contains(t, me.Roles, identityapi.RoleGrant{Role: "responsible", UnitId: unit("school")}, "the manager of a unit")
	require.Equal(t, "unit", scope(me, auth.ActionCaseClose))
	require.Equal(t, "own", scope(w.me(w.signIn("ansatt")), auth.ActionCaseClose))
	require.Equal(t, "tenant", scope(w.me(w.signIn("sikkerhet")), auth.ActionEventNames))
	admin := w.me(w.signIn("admin"))
	require.Empty(t, scope(admin, auth.ActionCaseRead))
	require.Equal(t, "tenant", scope(admin, auth.ActionAccountAdmin))

	p, err := auth.NewVerifier(auth.VerifierConfig{Audience: "cases", Keys: w.m.Keys(), Clock: w.clock}).Verify(context.Background(),
		httpxtest.Decode[identityapi.Token](t, w.tryToken(w.signIn("leder"), "cases")).Token)
	require.NoError(t, err)
	require.True(t, auth.Allow(p, auth.ActionCaseClose, auth.Object{Tenant: "granvik", Unit: unit("class")}), "units below count")
	require.False(t, auth.Allow(p, auth.ActionCaseClose, auth.Object{Tenant: "granvik", Unit: unit("library")}))
}

func TestWrongNameAndWrongPasswordLookTheSame(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	var bodies []string
	for _, name := range []string{"leder" + domain, "ukjent" + domain, "leder@ukjent.example", "no-domain", "LEDER" + domain} {
		r := w.trySignIn(name, "not-the-password", "")
		require.Equal(t, 401, r.Status)
		p := r.Problem(t)
		p.Instance, p.TraceId = "", ""
		b, _ := json.Marshal(p)
		bodies = append(bodies, string(b))
	}
	for _, b := range bodies {
		require.Equal(t, bodies[0], b)
	}
	require.Equal(t, 201, w.trySignIn("  LEDER"+strings.ToUpper(domain)+" ", password, "").Status, "any case")
}

func TestTheFifthWrongPasswordLocks_C1(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"leder" + domain, "ukjent" + domain} {
		w := start(t, nil)
		for range 5 {
			require.Equal(t, "wrong-credentials", w.trySignIn(name, "not-the-password", "").Slug())
		}
		r := w.trySignIn(name, password, "")
		require.Equal(t, 429, r.Status, "also with the right one")
		require.Equal(t, "sign-in-locked", r.Slug())
		require.NotEmpty(t, r.Problem(t).Params["seconds"])
		w.pass(15*time.Minute + time.Second)
		want := 401
		if strings.HasPrefix(name, "leder") {
			want = 201
		}
		require.Equal(t, want, w.trySignIn(name, password, "").Status, "it opens by itself")
	}
}

func TestTriesSideBySideAreNotMoreThanTheLockAllows(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for range 20 {
		wg.Go(func() {
			r := w.trySignIn("leder"+domain, "not-the-password", "")
			mu.Lock()
			defer mu.Unlock()
			got[r.Slug()]++
		})
	}
	wg.Wait()
	require.Equal(t, map[string]int{"wrong-credentials": 5, "sign-in-locked": 15}, got)
}

func TestAnAdministratorUnlocks(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for range 5 {
		w.trySignIn("leder"+domain, "not-the-password", "")
	}
	admin := w.token(w.signIn("admin"))
	account := "/v1/persons/" + person("leader") + "/account"
	require.True(t, httpxtest.Decode[identityapi.Account](t, w.call("GET", account, admin, nil)).Locked)
	require.Equal(t, 204, w.call("POST", account+"/unlock", admin, nil).Status)
	require.False(t, httpxtest.Decode[identityapi.Account](t, w.call("GET", account, admin, nil)).Locked)
	w.signIn("leder")
}

func TestASessionEnds(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	idle := w.signIn("leder")
	w.pass(31 * time.Minute)
	require.Equal(t, "session-ended", w.tryToken(idle, "cases").Slug(), "unused for half an hour")

	busy := w.signIn("leder")
	for range 24 {
		w.pass(29 * time.Minute)
		require.Equal(t, 200, w.tryToken(busy, "cases").Status)
	}
	w.pass(29 * time.Minute)
	require.Equal(t, "session-ended", w.tryToken(busy, "cases").Slug(), "twelve hours at most")

	closed := w.signIn("leder")
	for range 2 {
		require.Equal(t, 204, w.call("POST", "/v1/sessions/close", w.web, identityapi.SessionSecret{Session: closed}).Status)
	}
	require.Equal(t, "session-ended", w.tryToken(closed, "cases").Slug())
	for _, forged := range []string{"x", closed + "0", "granvik." + strings.Split(closed, ".")[1] + ".00", strings.Replace(w.signIn("leder"), "granvik", "fjellbygd", 1)} {
		require.Equal(t, "session-ended", w.tryToken(forged, "cases").Slug())
	}
}

func TestAnAssignedPasswordMustBeChanged_R32(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	opened := httpxtest.Decode[identityapi.OpenedSession](t, w.trySignIn("ny"+domain, password, ""))
	require.True(t, opened.MustChangePassword)
	me := w.me(opened.Session)
	require.Equal(t, []identityapi.Permission{{Action: "account.self", Scope: "own"}}, me.Allowed, "nothing else until then")
	require.Equal(t, "not-allowed", w.call("GET", "/v1/units", w.token(opened.Session), nil).Slug())
	other := httpxtest.Decode[identityapi.OpenedSession](t, w.trySignIn("ny"+domain, password, "")).Session

	change := func(current, next string) string {
		return w.call("POST", "/v1/me/password", w.token(opened.Session), identityapi.PasswordChange{Current: current, New: next}).Slug()
	}
	require.Equal(t, "password-too-short", change(password, "elleve-tegn"))
	require.Equal(t, "password-unchanged", change(password, password))
	require.Equal(t, "wrong-credentials", change("not-the-password", "et helt nytt passord"))
	require.Empty(t, change(password, "æøå æøå æøå æ"), "characters are counted, not bytes")
	require.Equal(t, "report.submit", func() string {
		for _, p := range w.me(opened.Session).Allowed {
			if p.Action == "report.submit" {
				return p.Action
			}
		}
		return ""
	}())
	require.Equal(t, "session-ended", w.tryToken(other, "cases").Slug(), "other sessions end")
	require.Equal(t, 401, w.trySignIn("ny"+domain, password, "").Status)
	require.Equal(t, 201, w.trySignIn("ny"+domain, "æøå æøå æøå æ", "").Status)
}

func TestASecondFactorIsAskedForAndEachCodeCountsOnce(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	session := w.signIn("sikkerhet")
	setup := httpxtest.Decode[identityapi.SecondFactorSetup](t, w.call("POST", "/v1/me/second-factor", w.token(session), identityapi.PasswordProof{Password: password}))
	require.True(t, strings.HasPrefix(setup.Uri, "otpauth://totp/"))
	w.signIn("sikkerhet") // it does not count before it is confirmed
	code := func() string {
		c, err := totp.GenerateCode(setup.Secret, w.clock())
		require.NoError(t, err)
		return c
	}
	require.Equal(t, "wrong-credentials", w.call("POST", "/v1/me/second-factor/confirm", w.token(session), identityapi.CodeProof{Code: "000000"}).Slug())
	require.Equal(t, 204, w.call("POST", "/v1/me/second-factor/confirm", w.token(session), identityapi.CodeProof{Code: code()}).Status)

	name := "sikkerhet" + domain
	require.Equal(t, "second-factor-required", w.trySignIn(name, password, "").Slug())
	require.Equal(t, "wrong-credentials", w.trySignIn(name, "not-the-password", "").Slug(), "the factor does not show without the password")
	require.Equal(t, "wrong-credentials", w.trySignIn(name, password, code()).Slug(), "the confirming code counted already")
	w.pass(30 * time.Second)
	used := code()
	require.Equal(t, 201, w.trySignIn(name, password, used).Status)
	require.Equal(t, "wrong-credentials", w.trySignIn(name, password, used).Slug())
	for range 10 {
		require.Equal(t, "second-factor-required", w.trySignIn(name, password, "").Slug(), "asking for the code is no failure")
	}
	w.pass(30 * time.Second)
	require.Equal(t, 204, w.call("POST", "/v1/me/second-factor/remove", w.token(session), identityapi.FullProof{Password: password, Code: code()}).Status)
	w.signIn("sikkerhet")
}

func TestStepUpIsBoundToSessionAndAction(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	session := w.signIn("sikkerhet")
	principal := func(session string) auth.Principal {
		p, err := auth.NewVerifier(auth.VerifierConfig{Audience: "deviation", Keys: w.m.Keys(), Clock: w.clock}).Verify(context.Background(),
			httpxtest.Decode[identityapi.Token](t, w.tryToken(session, "deviation")).Token)
		require.NoError(t, err)
		return p
	}
	check := func(session string, a auth.Action) error {
		return auth.RequireStepUp(w.clock(), principal(session), a, 5*time.Minute)
	}
	require.ErrorIs(t, check(session, auth.ActionReportReveal), auth.ErrStepUp)
	require.Equal(t, "wrong-credentials", w.call("POST", "/v1/me/step-up", w.token(session), identityapi.StepUpRequest{Action: "report.reveal", Password: "not-the-password"}).Slug())
	require.Equal(t, 200, w.call("POST", "/v1/me/step-up", w.token(session), identityapi.StepUpRequest{Action: "report.reveal", Password: password}).Status)
	require.NoError(t, check(session, auth.ActionReportReveal))
	require.ErrorIs(t, check(session, auth.ActionAuditExport), auth.ErrStepUp)
	require.ErrorIs(t, check(w.signIn("sikkerhet"), auth.ActionReportReveal), auth.ErrStepUp, "another session")
	require.Equal(t, "report.reveal", w.me(session).StepUp.Action)
	w.pass(6 * time.Minute)
	require.ErrorIs(t, check(session, auth.ActionReportReveal), auth.ErrStepUp)
}

func TestADelegateActsWhileTheManagerIsAway_R23b(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	worker := w.signIn("ansatt")
	require.Equal(t, "own", scope(w.me(worker), auth.ActionCaseClose))
	leader := w.signIn("leder")
	away := identityapi.Absence{Delegate: person("worker"), Absences: []identityapi.Period{{From: w.clock().Add(-time.Hour), To: w.clock().Add(time.Hour)}}}
	require.Equal(t, 204, w.call("PUT", "/v1/me/absence", w.token(leader), away).Status)
	require.Equal(t, "unit", scope(w.me(worker), auth.ActionCaseClose))
	w.pass(2 * time.Hour)
	require.Equal(t, "own", scope(w.me(w.signIn("ansatt")), auth.ActionCaseClose))
	away.Delegate = person("leader")
	require.Equal(t, "own-delegate", w.call("PUT", "/v1/me/absence", w.token(w.signIn("leder")), away).Slug())
}

func TestTheLanguageFollowsTheAccount(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	session := w.signIn("ansatt")
	require.Empty(t, w.me(session).Language)
	require.Equal(t, 204, w.call("PUT", "/v1/me/language", w.token(session), identityapi.LanguageChoice{Language: "nn"}).Status)
	require.EqualValues(t, "nn", w.me(session).Language)
	require.EqualValues(t, "nn", w.me(w.signIn("ansatt")).Language, "another device")
	require.Empty(t, w.me(w.signIn("leder")).Language, "another person")
	require.Equal(t, "invalid-input", w.call("PUT", "/v1/me/language", w.token(session), identityapi.LanguageChoice{Language: "xx"}).Slug())
	require.Equal(t, 401, w.call("PUT", "/v1/me/language", "", identityapi.LanguageChoice{Language: "en"}).Status)
	require.EqualValues(t, "nn", w.me(session).Language)
}

func TestTheOrganisationIsEdited_R22(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	admin := w.token(w.signIn("admin"))
	made := httpxtest.Decode[identityapi.Unit](t, w.call("POST", "/v1/units", admin, identityapi.UnitEdit{Name: "Svømmehall", Parent: unit("school"), Manager: person("worker")}))
	require.Equal(t, 3, made.Level)
	require.Equal(t, "Worker Marked", made.ManagerName)
	require.Equal(t, "unit-cycle", w.call("PUT", "/v1/units/"+unit("school"), admin, identityapi.UnitEdit{Name: "Skole", Parent: made.Id}).Slug())
	require.Equal(t, "unit-not-empty", w.call("DELETE", "/v1/units/"+unit("school"), admin, nil).Slug())
	require.Equal(t, "unit-not-found", w.call("PUT", "/v1/units/"+unit("none"), admin, identityapi.UnitEdit{Name: "x"}).Slug())
	require.Equal(t, "person-not-found", w.call("PUT", "/v1/units/"+made.Id, admin, identityapi.UnitEdit{Name: "x", Manager: person("none")}).Slug())
	// Moved to the top, the levels below follow.
	require.Equal(t, 200, w.call("PUT", "/v1/units/"+unit("school"), admin, identityapi.UnitEdit{Name: "Skole"}).Status)
	levels := map[string]int{}
	for _, u := range httpxtest.Decode[identityapi.UnitList](t, w.call("GET", "/v1/units", admin, nil)).Items {
		levels[u.Id] = u.Level
	}
	require.Equal(t, map[string]int{unit("top"): 1, unit("library"): 2, unit("school"): 1, unit("class"): 2, made.Id: 2}, levels)
	require.Equal(t, 204, w.call("DELETE", "/v1/units/"+made.Id, admin, nil).Status)
	require.Equal(t, "unit-not-found", w.call("DELETE", "/v1/units/"+made.Id, admin, nil).Slug())
}

func TestPersonsAreFoundAsFarAsTheRoleReaches_R41(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	search := func(session string, q identityapi.PersonSearch) (names []string) {
		for _, p := range httpxtest.Decode[identityapi.PersonList](t, w.call("POST", "/v1/persons/search", w.token(session), q)).Items {
			names = append(names, p.Name)
		}
		return names
	}
	officer, worker := w.signIn("sikkerhet"), w.signIn("ansatt")
	require.Equal(t, []string{"Leader Marked"}, search(officer, identityapi.PersonSearch{Text: "leader"}))
	require.Equal(t, []string{"New Marked", "Worker Marked"}, search(officer, identityapi.PersonSearch{UnitId: unit("library")}))
	require.Equal(t, []string{"Chief Marked"}, search(officer, identityapi.PersonSearch{Role: "controller"}))
	require.Equal(t, []string{"Worker Marked"}, search(worker, identityapi.PersonSearch{Text: "leader"}), "an employee finds themselves")
	require.Equal(t, 404, w.call("GET", "/v1/persons/"+person("leader"), w.token(worker), nil).Status)
	require.Contains(t, w.audit.Actions(), "directory.read")

	first := httpxtest.Decode[identityapi.PersonList](t, w.call("POST", "/v1/persons/search", w.token(officer), identityapi.PersonSearch{Limit: 4}))
	require.Len(t, first.Items, 4)
	second := httpxtest.Decode[identityapi.PersonList](t, w.call("POST", "/v1/persons/search", w.token(officer), identityapi.PersonSearch{Limit: 4, After: first.Next}))
	require.Len(t, second.Items, 2)
	require.Empty(t, second.Next)

	w.audit.Fail(true)
	require.Equal(t, 503, w.call("POST", "/v1/persons/search", w.token(officer), identityapi.PersonSearch{}).Status, "no read without its record")
}

func TestOneWhoLeftIsOut_C8(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	leader, admin := w.signIn("leder"), w.token(w.signIn("admin"))
	edit := identityapi.PersonEdit{Name: "Leader Marked", UnitId: unit("school"), Left: true}
	require.Equal(t, 200, w.call("PUT", "/v1/persons/"+person("leader"), admin, edit).Status)
	require.Equal(t, "session-ended", w.tryToken(leader, "cases").Slug())
	require.Equal(t, "wrong-credentials", w.trySignIn("leder"+domain, password, "").Slug())
}

func TestAccountsAreAssigned_R31(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	admin := w.token(w.signIn("admin"))
	put := func(key string, e map[string]any) httpxtest.Response {
		return w.call("PUT", "/v1/persons/"+person(key)+"/account", admin, e)
	}
	require.Equal(t, "sign-in-name-taken", put("chief", map[string]any{"name": "leder" + domain, "password": password}).Slug())
	require.Equal(t, "sign-in-name-invalid", put("chief", map[string]any{"name": "sjef@fjellbygd.example", "password": password}).Slug(), "another tenant's domain")
	require.Equal(t, "password-contains-name", put("chief", map[string]any{"name": "sjefen" + domain, "password": "Sjefen-er-best-2026"}).Slug())
	a := httpxtest.Decode[identityapi.Account](t, put("chief", map[string]any{"name": "Sjef" + domain, "password": password}))
	require.True(t, a.MustChangePassword)
	require.Equal(t, "sjef"+domain, a.Name)
	require.NotContains(t, string(put("chief", map[string]any{}).Body), "argon2")

	leader := w.signIn("leder")
	require.Equal(t, 200, put("leader", map[string]any{"disabled": true}).Status)
	require.Equal(t, "session-ended", w.tryToken(leader, "cases").Slug())
	require.Equal(t, "wrong-credentials", w.trySignIn("leder"+domain, password, "").Slug())
	require.Equal(t, 200, put("leader", map[string]any{"disabled": false}).Status)
	again := w.signIn("leder")
	require.Equal(t, 204, w.call("POST", "/v1/persons/"+person("leader")+"/account/sign-out", admin, nil).Status)
	require.Equal(t, "session-ended", w.tryToken(again, "cases").Slug())
}

func TestASecondImportLeavesWhatPeopleChanged(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	admin := w.token(w.signIn("admin"))
	require.Equal(t, 200, w.call("PUT", "/v1/units/"+unit("library"), admin, identityapi.UnitEdit{Name: "Kulturhus", Parent: unit("top")}).Status)
	created, err := w.m.Import(context.Background(), seed())
	require.NoError(t, err)
	require.Zero(t, created)
	require.Contains(t, string(w.call("GET", "/v1/units", admin, nil).Body), "Kulturhus")
}

func TestTheDirectoryAndRevocationsReachTheOthers(t *testing.T) {
	t.Parallel()
	b := bustest.Start(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	require.NoError(t, b.EnsureTopics(ctx, bus.TopicConfig{Name: bus.TopicDirectory, Partitions: 1, Compacted: true},
		bus.TopicConfig{Name: bus.TopicRevocations, Partitions: 1, Compacted: true}, bus.TopicConfig{Name: bus.TopicAudit, Partitions: 1, Retention: time.Hour}))
	w := start(t, b)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { _ = w.m.Run(ctx) })

	var mu sync.Mutex
	facts, keys := map[string]topics.Fact{}, ""
	wg.Go(func() {
		_ = b.Follow(ctx, bus.TopicDirectory, func(_ context.Context, batch []bus.Message) error {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range batch {
				var f topics.Fact
				if err := json.Unmarshal(m.Value, &f); err != nil {
					return err
				}
				facts[f.Tenant+"/"+f.Kind+"/"+f.ID] = f
				keys += m.Key + " " + m.ID + " "
			}
			return nil
		}, func() {})
	})
	get := func(key string) topics.Fact {
		mu.Lock()
		defer mu.Unlock()
		return facts["granvik/"+key]
	}
	revocations := auth.NewRevocations(slog.New(slog.DiscardHandler), w.clock)
	wg.Go(func() { _ = revocations.Run(ctx, b) })

	await.True(t, func() bool {
		return get("person/"+person("leader")).ID != "" && get("tenant/granvik").ID != "" && get("unit/"+unit("school")).ID != "" && revocations.CaughtUp()
	})
	admin := w.signIn("admin")
	verifier := auth.NewVerifier(auth.VerifierConfig{Audience: "cases", Keys: w.m.Keys(), Revocations: revocations, Clock: w.clock})
	token := httpxtest.Decode[identityapi.Token](t, w.tryToken(w.signIn("leder"), "cases")).Token
	_, err := verifier.Verify(ctx, token)
	require.NoError(t, err)

	w.pass(time.Second)
	edit := identityapi.PersonEdit{Name: "Leader Renamed", UnitId: unit("library")}
	require.Equal(t, 200, w.call("PUT", "/v1/persons/"+person("leader"), w.token(admin), edit).Status)
	changed := time.Now()
	await.True(t, func() bool { _, err := verifier.Verify(ctx, token); return err != nil })
	t.Log("the old roles are refused after", time.Since(changed))

	await.True(t, func() bool { return len(get("person/"+person("leader")).Versions) == 2 })
	f := get("person/" + person("leader"))
	before, ok := f.At(w.clock().Add(-time.Hour))
	require.True(t, ok)
	was, err := topics.Decode[topics.Person](before)
	require.NoError(t, err)
	require.Equal(t, unit("school"), was.UnitID, "the history is whole")
	now, _ := f.At(w.clock())
	is, err := topics.Decode[topics.Person](now)
	require.NoError(t, err)
	require.Equal(t, "Leader Renamed", is.Name)
	mu.Lock()
	defer mu.Unlock()
	require.NotContains(t, keys, person("leader"), "keys name nobody")

	sessions, err := docstore.Open[identity.Session](ctx, w.docs, docstore.Definition{Name: "identity_sessions", Indexes: []docstore.Index{{Fields: []string{"personId"}}, {Fields: []string{"expires"}}}})
	require.NoError(t, err)
	inGranvik := tenant.With(ctx, "granvik")
	count := func() int {
		n, err := sessions.Count(inGranvik, nil)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 2, count())
	w.pass(14 * time.Hour)
	await.True(t, func() bool { return w.m.Sweep(ctx) == nil && count() == 0 }, "nothing is kept of old sessions (R63)")
}

func TestAWrongProofIsInTheAuditLog_R36(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	refused := func() (records []topics.AuditRecord) {
		docs, err := w.docs.Pending(context.Background(), "identity_attempts", 50)
		require.NoError(t, err)
		for _, d := range docs {
			for _, m := range d.Messages {
				var r topics.AuditRecord
				require.NoError(t, json.Unmarshal(m.Message.Value, &r))
				require.NotContains(t, string(m.Message.Value), "leder", "ids, no names")
				records = append(records, r)
			}
		}
		return records
	}
	w.trySignIn("ukjent"+domain, "not-the-password", "")
	require.Empty(t, refused(), "what was typed as a name that is nobody's is not kept")
	w.trySignIn("leder"+domain, "not-the-password", "")
	records := refused()
	require.Len(t, records, 1)
	require.Equal(t, "session.refuse", records[0].Action)
	require.Equal(t, "denied", records[0].Result)
	require.Equal(t, person("leader"), records[0].Details["person"])
}
