package http_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/httpx"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/problem"
	"varde.internal/platform/run"
	"varde.internal/platform/run/runtest"
	"varde.internal/schemas/gen/identityapi"
	"varde.internal/schemas/gen/webapi"
	"varde.internal/services/web"
)

// identityStub keeps identity's side of its contract with the tests' key: this
// service may not import that one. The contract checks what is sent to it.
type identityStub struct {
	t *testing.T

	mu       sync.Mutex
	sessions map[string]auth.Principal
	tokens   int
	down     bool
}

func (s *identityStub) app(t *testing.T) *fiber.App {
	app, err := httpx.New(httpx.Config{Name: "identity", Verifier: authtest.Verifier("identity")})
	require.NoError(t, err)
	app.Post("/v1/sessions", func(c *fiber.Ctx) error {
		in, err := httpx.Body[identityapi.SignIn](c)
		if err != nil {
			return err
		}
		if in.Password != "right" {
			return problem.New(problem.KindUnauthenticated, "wrong-credentials", "No.")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		session := "granvik." + in.Name + "." + strings.Repeat("0", len(s.sessions)+1)
		s.sessions[session] = authtest.Person("granvik", auth.Role(in.Name))
		return httpx.JSON(c, 201, identityapi.OpenedSession{Session: session, Expires: time.Now().Add(time.Hour), IdleSeconds: 1800})
	})
	app.Post("/v1/sessions/close", func(c *fiber.Ctx) error {
		in, err := httpx.Body[identityapi.SessionSecret](c)
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.sessions, in.Session)
		return httpx.NoContent(c)
	})
	app.Post("/v1/tokens", func(c *fiber.Ctx) error {
		in, err := httpx.Body[identityapi.TokenRequest](c)
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.down {
			return problem.Unavailable("down", nil)
		}
		p, ok := s.sessions[in.Session]
		if !ok {
			return problem.New(problem.KindUnauthenticated, "session-ended", "Gone.")
		}
		s.tokens++
		token, expires, err := authtest.Signer(s.t).Issue(p, in.Audience)
		if err != nil {
			return err
		}
		return httpx.JSON(c, 200, identityapi.Token{Token: token, Expires: expires})
	})
	app.Post("/v1/me/step-up", func(c *fiber.Ctx) error { return httpx.JSON(c, 200, map[string]string{}) })
	return app
}

func (s *identityStub) exchanged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens
}

// echo is a service behind the door that tells what reached it.
type echo struct {
	mu      sync.Mutex
	headers []http.Header
	refuse  int // so many requests are answered token-revoked
}

type seen struct {
	Subject string `json:"subject"`
	Path    string `json:"path"`
	Query   string `json:"query"`
	Size    int64  `json:"size"`
	Body    string `json:"body"`
}

func (e *echo) app(t *testing.T, name string) *fiber.App {
	app, err := httpx.New(httpx.Config{Name: name, Contract: httpx.NoContract})
	require.NoError(t, err)
	verifier := authtest.Verifier(name)
	app.Get("/v1/stream", func(c *fiber.Ctx) error {
		c.Context().SetBodyStream(io.LimitReader(zeros{}, 5_000_000), -1)
		return nil
	})
	app.Post("/v1/early", func(c *fiber.Ctx) error {
		c.Context().SetConnectionClose()
		return problem.New(problem.KindTooLarge, "too-large", "No.")
	})
	app.All("/v1/*", func(c *fiber.Ctx) error {
		h := http.Header{}
		c.Request().Header.VisitAll(func(k, v []byte) { h.Add(string(k), string(v)) })
		e.mu.Lock()
		e.headers = append(e.headers, h)
		refuse := e.refuse > 0
		if refuse {
			e.refuse--
		}
		e.mu.Unlock()
		if refuse {
			return auth.ErrRevokedToken
		}
		out := seen{Path: c.Path(), Query: string(c.Request().URI().QueryString())}
		if bearer := strings.TrimPrefix(c.Get("Authorization"), "Bearer "); bearer != "" {
			p, err := verifier.Verify(c.UserContext(), bearer)
			if err != nil {
				return err
			}
			out.Subject = p.Subject
		}
		if in := c.Context().RequestBodyStream(); in != nil {
			b, err := io.ReadAll(in)
			if err != nil {
				return err
			}
			if out.Size = int64(len(b)); len(b) < 100 {
				out.Body = string(b)
			}
		}
		return httpx.JSON(c, 200, out)
	})
	return app
}

func (e *echo) last() http.Header {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.headers[len(e.headers)-1]
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func listen(t *testing.T, app *fiber.App) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = app.Listener(ln) }()
	t.Cleanup(func() { _ = app.ShutdownWithTimeout(time.Second) })
	return "http://" + ln.Addr().String()
}

type door struct {
	t        *testing.T
	app      *fiber.App
	base     string
	identity *identityStub
	echo     *echo
	log      *runtest.Log
}

func open(t *testing.T, change func(*web.Config)) *door {
	t.Helper()
	d := &door{t: t, identity: &identityStub{t: t, sessions: map[string]auth.Principal{}}, echo: &echo{}, log: &runtest.Log{}}
	at := map[string]string{"identity": listen(t, d.identity.app(t)), "deviation": listen(t, d.echo.app(t, "deviation")), "search": listen(t, d.echo.app(t, "search")), "cases": "http://127.0.0.1:1"}
	cfg := web.Default()
	cfg.Parts = []string{"identity", "deviation", "cases"}
	cfg.UI = fstest.MapFS{
		"index.html":               {Data: []byte("<!doctype html><title>Varde</title>")},
		"favicon.svg":              {Data: []byte("<svg/>")},
		"assets/app-abc123.js":     {Data: []byte("console.log(1)")},
		"assets/app-abc123.js.br":  {Data: []byte("br-bytes")},
		"assets/app-abc123.js.gz":  {Data: []byte("gz-bytes")},
		".vite/manifest.json":      {Data: []byte("{}")},
		"assets/plain-def456.css":  {Data: []byte("a{}")},
		"assets/ordner/x-1.woff2":  {Data: []byte("font")},
		"assets/ordner/.gitignore": {Data: []byte("x")},
	}
	if change != nil {
		change(&cfg)
	}
	m, err := web.New(run.Deps{
		Log: slog.New(slog.NewJSONHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Clock: time.Now,
		Verifier: authtest.Verifier("web"), Tokens: authtest.Tokens(t, "web"),
		Secret:   func(use string) []byte { sum := sha256.Sum256([]byte(use)); return sum[:] },
		Endpoint: func(service string) string { return at[service] },
	}, cfg)
	require.NoError(t, err)
	d.app = m.App()
	d.base = listen(t, d.app)
	return d
}

func (d *door) logged() string { return d.log.String() }

// browser keeps cookies and sends what a page of ours sends.
type browser struct {
	d       *door
	cookies map[string]string
	csrf    string
	origin  string
}

func (d *door) browser() *browser {
	return &browser{d: d, cookies: map[string]string{}, origin: d.base}
}

func (b *browser) send(method, path string, body io.Reader, headers ...string) (*http.Response, []byte) {
	b.d.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, b.d.base+path, body)
	require.NoError(b.d.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if method != "GET" {
		req.Header.Set("Varde-Csrf", b.csrf)
		req.Header.Set("Origin", b.origin)
	}
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}).Do(req)
	require.NoError(b.d.t, err)
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(b.d.t, err)
	for _, c := range resp.Cookies() {
		if c.Expires.Before(time.Now()) && !c.Expires.IsZero() {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return resp, answer
}

func (b *browser) signIn(role auth.Role) webapi.Session {
	b.d.t.Helper()
	resp, body := b.send("POST", "/api/web/v1/session", strings.NewReader(`{"name":"`+string(role)+`","password":"right"}`))
	require.Equal(b.d.t, 200, resp.StatusCode, "%s", body)
	var s webapi.Session
	require.NoError(b.d.t, json.Unmarshal(body, &s))
	b.csrf = s.Csrf
	return s
}

func (b *browser) echo(method, path string, body io.Reader, headers ...string) seen {
	b.d.t.Helper()
	resp, answer := b.send(method, path, body, headers...)
	require.Equal(b.d.t, 200, resp.StatusCode, "%s", answer)
	var s seen
	require.NoError(b.d.t, json.Unmarshal(answer, &s))
	return s
}

func slug(body []byte) string {
	var p struct{ Type string }
	_ = json.Unmarshal(body, &p)
	return p.Type[strings.LastIndexByte(p.Type, '/')+1:]
}

func TestRoutesMatchTheContract(t *testing.T) {
	t.Parallel()
	httpxtest.RoutesMatchContract(t, open(t, nil).app, httpxtest.Contract(t, "web"), "/api/web")
}

func TestSigningInSetsCookiesThatScriptsAndOtherSitesCannotUse(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	b := d.browser()
	resp, body := b.send("POST", "/api/web/v1/session", strings.NewReader(`{"name":"employee","password":"wrong"}`))
	require.Equal(t, 401, resp.StatusCode)
	require.Equal(t, "wrong-credentials", slug(body))
	require.Empty(t, resp.Cookies())

	resp, body = b.send("POST", "/api/web/v1/session", strings.NewReader(`{"name":"employee","password":"right"}`))
	require.NotContains(t, string(body), "granvik.employee", "the secret is in the cookie only")
	byName := map[string]*http.Cookie{}
	for _, c := range resp.Cookies() {
		byName[c.Name] = c
	}
	session := byName["varde"]
	require.True(t, session.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, session.SameSite)
	require.Equal(t, "/", session.Path)
	require.Empty(t, session.Domain)
	require.False(t, byName["varde-csrf"].HttpOnly)

	_, body = b.send("GET", "/api/web/v1/session", nil)
	require.Contains(t, string(body), `"signedIn":true`)
	require.Contains(t, string(body), byName["varde-csrf"].Value)
}

func TestOverHTTPSTheCookieIsBoundToTheHost(t *testing.T) {
	t.Parallel()
	d := open(t, func(c *web.Config) { c.Public = "https://varde.granvik.example" })
	req, err := http.NewRequest("POST", "https://varde.granvik.example/api/web/v1/session", strings.NewReader(`{"name":"employee","password":"right"}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", "https://varde.granvik.example")
	r := httpxtest.Send(t, d.app, req)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	cookies := strings.Join(r.Header.Values("Set-Cookie"), "\n")
	require.Regexp(t, `(?i)__Host-varde=[^;]+;.*path=/;.*HttpOnly;.*secure;.*SameSite=Lax`, cookies)
	require.NotEmpty(t, r.Header.Get("Strict-Transport-Security"))

	req, err = http.NewRequest("GET", "http://127.0.0.1/api/web/v1/session", nil)
	require.NoError(t, err)
	require.Equal(t, "wrong-host", httpxtest.Send(t, d.app, req).Slug())
}

func TestAnotherSiteCannotActForTheBrowser(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	b := d.browser()
	b.signIn(auth.RoleEmployee)
	good := b.csrf
	for name, c := range map[string]struct{ want, csrf, origin, site string }{
		"no token":             {"csrf", "", b.origin, ""},
		"a made-up token":      {"csrf", "AAAA", b.origin, ""},
		"another site":         {"wrong-origin", good, "https://evil.example", ""},
		"no origin":            {"wrong-origin", good, "", "cross-site"},
		"another port of ours": {"wrong-origin", good, "http://127.0.0.1:1", ""},
		"null":                 {"wrong-origin", good, "null", ""},
	} {
		for _, target := range [][2]string{{"POST", "/api/deviation/v1/reports"}, {"DELETE", "/api/web/v1/session"}} {
			b.csrf, b.origin = c.csrf, c.origin
			var headers []string
			if c.origin == "" {
				headers = []string{"Origin", "", "Sec-Fetch-Site", c.site}
			}
			resp, body := b.send(target[0], target[1], nil, headers...)
			require.Equal(t, 403, resp.StatusCode, "%s %s", name, target)
			require.Equal(t, c.want, slug(body), "%s %s", name, target)
		}
	}
	other := d.browser()
	other.signIn(auth.RoleAuditor)
	b.csrf, b.origin = other.csrf, d.base
	_, body := b.send("POST", "/api/deviation/v1/reports", nil)
	require.Equal(t, "csrf", slug(body), "another session's token")
	b.csrf = good
	require.Equal(t, "person-employee", b.echo("POST", "/api/deviation/v1/reports", nil).Subject)
	b.origin = "https://evil.example"
	_, body = d.browserAt("https://evil.example").send("POST", "/api/web/v1/session", strings.NewReader(`{"name":"employee","password":"right"}`))
	require.Equal(t, "wrong-origin", slug(body), "nobody is signed in by another site")
}

func (d *door) browserAt(origin string) *browser {
	b := d.browser()
	b.origin = origin
	return b
}

func TestARequestIsPassedOnWithItsTokenAndNothingElse(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	b := d.browser()
	b.signIn(auth.RoleEmployee)
	got := b.echo("POST", "/api/search/v1/views?limit=5", strings.NewReader(`{"a":1}`),
		"Authorization", "Bearer forged", "Varde-Tenant", "fjellbygd", "X-Forwarded-For", "10.9.9.9", "Forwarded", "for=10.9.9.9",
		"User-Agent", "marked-agent", "Accept-Language", "nb", "Varde-File-Name", "bilde.jpg", "Referer", "marked-page", "Connection", "keep-alive")
	require.Equal(t, seen{Subject: "person-employee", Path: "/v1/views", Query: "limit=5", Size: 7, Body: `{"a":1}`}, got)
	h := d.echo.last()
	for _, gone := range []string{"Varde-Tenant", "X-Forwarded-For", "Forwarded", "Cookie", "Referer", "Varde-Csrf", "Origin"} {
		require.Empty(t, h.Get(gone), gone)
	}
	require.Equal(t, "nb", h.Get("Accept-Language"))
	require.Equal(t, "bilde.jpg", h.Get("Varde-File-Name"))
	require.NotContains(t, h.Get("User-Agent"), "marked")
	require.NotEmpty(t, h.Get("X-Request-Id"))
}

func TestWhatAReporterDoesLeavesNoTrace(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	b := d.browser()
	b.signIn(auth.RoleEmployee)
	marked := []string{"X-Forwarded-For", "10.9.9.9", "X-Request-Id", "marked-request", "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	b.echo("GET", "/api/search/v1/views", nil, marked...)
	require.Contains(t, d.logged(), "marked-request", "the log of this test sees what is logged")
	for _, c := range []struct{ name, method, path, subject string }{
		{"anonymously", "POST", "/api/deviation/v1/public/reports", ""},
		{"with a file", "POST", "/api/deviation/v1/public/attachments", ""},
		{"with a receipt", "POST", "/api/deviation/v1/public/follow-up", ""},
		{"signed in", "POST", "/api/deviation/v1/reports", "person-employee"},
		{"signed in, looking at it", "GET", "/api/deviation/v1/reports/00000000000000000000000001", "person-employee"},
		{"signed in, writing more", "POST", "/api/deviation/v1/reports/00000000000000000000000001/messages", "person-employee"},
	} {
		before, asked := d.logged(), d.identity.exchanged()
		var body io.Reader
		if c.method == "POST" {
			body = strings.NewReader(`{}`)
		}
		got := b.echo(c.method, c.path, body, append(marked, "Authorization", "Bearer x")...)
		require.Equal(t, c.subject, got.Subject, c.name)
		h := d.echo.last()
		for _, gone := range []string{"Cookie", "X-Forwarded-For", "X-Request-Id", "Traceparent", "Referer", "Origin"} {
			require.Empty(t, h.Get(gone), "%s: %s", c.name, gone)
		}
		require.Equal(t, before, d.logged(), c.name)
		if c.subject == "" {
			require.Empty(t, h.Get("Authorization"), c.name)
			require.Equal(t, asked, d.identity.exchanged(), "%s: identity does not hear of it", c.name)
		}
	}
}

func TestOnlyWhoIsNotSignedInNamesATenant(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	b := d.browser()
	b.signIn(auth.RoleEmployee)
	b.echo("POST", "/api/deviation/v1/public/attachments", strings.NewReader("x"), "Varde-Tenant", "fjellbygd", "Varde-Draft", "token")
	require.Equal(t, "fjellbygd", d.echo.last().Get("Varde-Tenant"))
	require.Equal(t, "token", d.echo.last().Get("Varde-Draft"))
	b.echo("POST", "/api/deviation/v1/reports", strings.NewReader("{}"), "Varde-Tenant", "fjellbygd")
	require.Empty(t, d.echo.last().Get("Varde-Tenant"))
}

func TestATokenIsKeptDroppedAndRenewed(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	b := d.browser()
	b.signIn(auth.RoleEmployee)
	for range 5 {
		b.echo("GET", "/api/deviation/v1/reports", nil)
	}
	require.Equal(t, 1, d.identity.exchanged())

	d.echo.mu.Lock()
	d.echo.refuse = 1
	d.echo.mu.Unlock()
	require.Equal(t, `{"a":1}`, b.echo("POST", "/api/deviation/v1/reports", strings.NewReader(`{"a":1}`)).Body, "a withdrawn token is replaced and the request sent again")
	require.Equal(t, 2, d.identity.exchanged())

	resp, _ := b.send("POST", "/api/identity/v1/me/step-up", strings.NewReader(`{"action":"report.reveal","password":"x"}`))
	require.Equal(t, 200, resp.StatusCode)
	b.echo("GET", "/api/deviation/v1/reports", nil)
	require.Equal(t, 4, d.identity.exchanged(), "what a step-up gave is in the next token")

	cookie := b.cookies["varde"]
	resp, _ = b.send("DELETE", "/api/web/v1/session", nil)
	require.Equal(t, 204, resp.StatusCode)
	require.NotContains(t, b.cookies, "varde")
	b.cookies["varde"] = cookie
	resp, body := b.send("GET", "/api/deviation/v1/reports", nil)
	require.Equal(t, 401, resp.StatusCode)
	require.Equal(t, "session-ended", slug(body))
	require.NotContains(t, b.cookies, "varde", "an ended session's cookie goes")
}

func TestWithoutASessionNoTokenGoes(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	require.Empty(t, d.browser().echo("GET", "/api/deviation/v1/reports", nil).Subject)
	d.identity.mu.Lock()
	d.identity.down = true
	d.identity.mu.Unlock()
	b := d.browser()
	b.signIn(auth.RoleEmployee)
	resp, body := b.send("GET", "/api/deviation/v1/reports", nil)
	require.Equal(t, 503, resp.StatusCode, "%s", body)
	require.Contains(t, b.cookies, "varde", "identity's absence signs nobody out")
}

func TestOnlyTheServicesInterfacesAreReached(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	for _, path := range []string{
		"/api/deviation/metrics", "/api/deviation/readyz", "/api/collector/v1/x", "/api/web/v1/nothing", "/api/", "/api", "/api/nobody/v1/x",
		"/api/deviation/v1/../readyz", "/api/deviation/v1/%2e%2e/readyz", "/api/deviation/v1//x", "/api/deviation/v1/public/..%2freports", "/api/identity/v1/service-tokens",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(d.base, "http://"))
		require.NoError(t, err)
		_, err = io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
		require.NoError(t, err)
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(answer), "HTTP/1.1 404"), "%s: %s", path, answer)
		_ = conn.Close()
	}
	require.Empty(t, d.echo.headers)
}

func TestAForeignHostNameIsRefused(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	for _, path := range []string{"/", "/api/deviation/v1/reports"} {
		req, err := http.NewRequest("GET", "http://rebound.example"+path, nil)
		require.NoError(t, err)
		require.Equal(t, "wrong-host", httpxtest.Send(t, d.app, req).Slug())
	}
	bad := web.Default()
	bad.Public = "http://varde.granvik.example"
	require.ErrorContains(t, bad.Validate(), "https")
}

func TestLargeBodiesStreamBothWays(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	b := d.browser()
	b.signIn(auth.RoleEmployee)
	const size = 8_000_000
	require.EqualValues(t, size, b.echo("POST", "/api/deviation/v1/attachments", bytes.NewReader(make([]byte, size))).Size)
	require.EqualValues(t, size, b.echo("POST", "/api/deviation/v1/attachments", io.MultiReader(bytes.NewReader(make([]byte, size)))).Size, "chunked")
	resp, body := b.send("GET", "/api/deviation/v1/stream", nil)
	require.Equal(t, 200, resp.StatusCode)
	require.Len(t, body, 5_000_000)
}

func TestAServiceMayAnswerBeforeItHasReadAll(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	b := d.browser()
	b.signIn(auth.RoleEmployee)
	refused := 0
	for range 10 {
		req, err := http.NewRequest("POST", d.base+"/api/deviation/v1/early", bytes.NewReader(make([]byte, 3_000_000)))
		require.NoError(t, err)
		req.Header.Set("Varde-Csrf", b.csrf)
		req.Header.Set("Origin", d.base)
		req.AddCookie(&http.Cookie{Name: "varde", Value: b.cookies["varde"]})
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // the connection was closed while the rest was being sent
		}
		require.Contains(t, []int{413, 503}, resp.StatusCode)
		if resp.StatusCode == 413 {
			refused++
		}
		_ = resp.Body.Close()
	}
	t.Logf("%d of 10 answers arrived", refused)
	require.Equal(t, "person-employee", b.echo("GET", "/api/deviation/v1/reports", nil).Subject, "the door is well")
}

func TestAServiceThatIsAwayIsAProblemWithoutItsAddress(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	resp, body := d.browser().send("GET", "/api/cases/v1/cases", nil)
	require.Equal(t, 503, resp.StatusCode)
	require.Equal(t, "unavailable", slug(body))
	require.NotContains(t, string(body), "127.0.0.1")
}

func TestHealthTellsOfEveryPart(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	b := d.browser()
	resp, _ := b.send("GET", "/api/web/v1/health", nil)
	require.Equal(t, 401, resp.StatusCode)
	b.signIn(auth.RoleEmployee)
	_, body := b.send("GET", "/api/web/v1/health", nil)
	require.Equal(t, "not-allowed", slug(body))
	b.signIn(auth.RoleAdministrator)
	_, body = b.send("GET", "/api/web/v1/health", nil)
	var h webapi.Health
	require.NoError(t, json.Unmarshal(body, &h))
	require.False(t, h.Ready)
	require.Equal(t, []webapi.PartHealth{{Name: "identity", Ready: true, Reachable: true}, {Name: "deviation", Ready: true, Reachable: true}, {Name: "cases", Detail: "The part does not answer."}}, h.Parts)
}

func TestTheInterfaceIsServed(t *testing.T) {
	t.Parallel()
	d := open(t, nil)
	b := d.browser()
	for _, path := range []string{"/", "/meld", "/saker/abc"} {
		resp, body := b.send("GET", path, nil)
		require.Equal(t, 200, resp.StatusCode)
		require.Contains(t, string(body), "<title>Varde</title>")
		require.Equal(t, "no-cache", resp.Header.Get("Cache-Control"))
		csp := resp.Header.Get("Content-Security-Policy")
		require.Contains(t, csp, "script-src 'self';")
		require.NotContains(t, strings.Split(csp, "style-src")[0], "unsafe")
		require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	}
	resp, body := b.send("GET", "/assets/app-abc123.js", nil, "Accept-Encoding", "gzip, br")
	require.Equal(t, "br-bytes", string(body))
	require.Equal(t, "br", resp.Header.Get("Content-Encoding"))
	require.Contains(t, resp.Header.Get("Cache-Control"), "immutable")
	require.Contains(t, resp.Header.Get("Content-Type"), "text/javascript")
	etag := resp.Header.Get("ETag")
	resp, _ = b.send("GET", "/assets/app-abc123.js", nil, "Accept-Encoding", "br", "If-None-Match", etag)
	require.Equal(t, 304, resp.StatusCode)
	_, body = b.send("GET", "/assets/app-abc123.js", nil, "Accept-Encoding", "br;q=0, gzip")
	require.Equal(t, "gz-bytes", string(body))
	_, body = b.send("GET", "/assets/app-abc123.js", nil, "Accept-Encoding", "identity")
	require.Equal(t, "console.log(1)", string(body))
	for _, path := range []string{"/assets/gone-1.js", "/robots.txt", "/.vite/manifest.json", "/assets/app-abc123.js.br"} {
		resp, _ = b.send("GET", path, nil)
		require.Equal(t, 404, resp.StatusCode, path)
	}
	resp, _ = b.send("POST", "/meld", nil)
	require.Equal(t, 404, resp.StatusCode)
}

func TestADemoOffersItsAccounts(t *testing.T) {
	t.Parallel()
	_, body := open(t, nil).browser().send("GET", "/api/web/v1/session", nil)
	require.JSONEq(t, `{"signedIn":false}`, string(body))
	d := open(t, func(c *web.Config) {
		c.DemoAccounts = []web.DemoAccount{{Name: "a@b", Password: "p", Role: "employee"}}
	})
	_, body = d.browser().send("GET", "/api/web/v1/session", nil)
	require.Contains(t, string(body), `"role":"employee"`)
}

func TestAnInterfaceWithoutItsFirstPageDoesNotStart(t *testing.T) {
	t.Parallel()
	cfg := web.Default()
	cfg.UI = fstest.MapFS{"x.js": {Data: []byte("1")}}
	_, err := web.New(run.Deps{Secret: func(string) []byte { return nil }, Endpoint: func(string) string { return "" }}, cfg)
	require.ErrorContains(t, err, "index.html")
}

// Through the door: one address floods, another sends its report, and neither
// is in the log or passed on.
func TestAFloodEndsAtItsOwnAddress_N7(t *testing.T) {
	t.Parallel()
	d := open(t, func(c *web.Config) {
		c.TrustedProxies = []string{"127.0.0.0/8"}
		c.Anonymous = web.AddressBounds{WordsPerMinute: 1, WordsBurst: 3, FilesPerMinute: 1, FilesBurst: 3}
	})
	b := d.browser()
	send := func(address string) (*http.Response, []byte) {
		return b.send("POST", "/api/deviation/v1/public/reports", strings.NewReader("{}"), "X-Forwarded-For", "198.51.100.3, "+address)
	}
	for i := range 10 {
		resp, body := send("203.0.113.77")
		if i < 3 {
			require.Equal(t, 200, resp.StatusCode, "%s", body)
			continue
		}
		require.Equal(t, 429, resp.StatusCode)
		require.Equal(t, "too-many-from-here", slug(body))
		require.NotContains(t, string(body), "203.0.113")
	}
	resp, _ := send("203.0.113.78")
	require.Equal(t, 200, resp.StatusCode)
	require.NotContains(t, d.logged(), "203.0.113")
	require.NotContains(t, d.logged(), "198.51.100")
	for _, h := range d.echo.headers {
		require.NotContains(t, fmt.Sprint(h), "203.0.113")
	}
}
