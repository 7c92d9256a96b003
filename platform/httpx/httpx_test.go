package httpx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/httpx"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/problem"
	"varde.internal/platform/run/runtest"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/openapi"
)

const contract = `
openapi: 3.0.3
info: { title: things, version: "1" }
paths:
  /v1/things:
    get:
      operationId: listThings
      x-varde-action: case.list
      parameters:
        - { name: limit, in: query, schema: { type: integer, minimum: 1, maximum: 100 } }
      responses: { "200": { description: ok } }
    post:
      operationId: createThing
      x-varde-action: case.handle
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties:
                name: { type: string, minLength: 2 }
                kind: { type: string, enum: [a, b] }
                when: { type: string, format: date-time }
                parts:
                  type: array
                  items:
                    type: object
                    required: [n]
                    properties: { n: { type: integer } }
      responses: { "201": { description: ok } }
  /v1/things/{thingId}:
    get:
      operationId: getThing
      x-varde-action: case.read
      parameters:
        - { name: thingId, in: path, required: true, schema: { type: string, pattern: "^[0-9a-z]{26}$" } }
      responses: { "200": { description: ok } }
  /v1/open:
    get:
      operationId: open
      x-varde-open: true
      responses: { "200": { description: ok } }
  /v1/public/reports:
    post:
      operationId: anonymous
      x-varde-open: true
      x-varde-anonymous: true
      x-varde-body-limit: 3000000
      requestBody:
        content:
          multipart/form-data: { schema: { type: object } }
      responses: { "200": { description: ok } }
  /v1/slow:
    get:
      operationId: slow
      x-varde-action: case.list
      x-varde-deadline: 50ms
      responses: { "200": { description: ok } }
  /v1/broken:
    get:
      operationId: broken
      x-varde-action: case.list
      responses: { "200": { description: ok } }
`

type fixture struct {
	app      *fiber.App
	contract *httpx.Contract
	log      *runtest.Log
}

type thing struct {
	Name  string     `json:"name"`
	Kind  string     `json:"kind"`
	When  *time.Time `json:"when"`
	Parts []struct {
		N int `json:"n"`
	} `json:"parts"`
}

func start(t *testing.T, change func(*httpx.Config)) fixture {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(contract))
	require.NoError(t, err)
	c, err := httpx.NewContract(doc)
	require.NoError(t, err)
	log := &runtest.Log{}
	cfg := httpx.Config{
		Name: "things", Loaded: c, Verifier: authtest.Verifier("things"), Metrics: prometheus.NewRegistry(),
		Log: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&cfg)
	}
	app, err := httpx.New(cfg)
	require.NoError(t, err)
	app.Get("/v1/things", func(c *fiber.Ctx) error {
		id, err := tenant.From(c.UserContext())
		if err != nil {
			return err
		}
		return httpx.JSON(c, 200, httpx.Page([]string{string(id)}, ""))
	})
	app.Post("/v1/things", func(c *fiber.Ctx) error {
		v, err := httpx.Body[thing](c)
		if err != nil {
			return err
		}
		return httpx.JSON(c, 201, v)
	})
	app.Get("/v1/things/:id", func(c *fiber.Ctx) error { return problem.NotFound("thing") })
	app.Get("/v1/open", func(c *fiber.Ctx) error { return httpx.JSON(c, 200, "open") })
	app.Post("/v1/public/reports", func(c *fiber.Ctx) error {
		if _, ok := auth.From(c.UserContext()); ok {
			return errors.New("somebody was identified")
		}
		parts, err := httpx.Parts(c)
		if err != nil {
			return err
		}
		total := int64(0)
		for {
			p, err := parts.NextPart()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			n, err := io.Copy(io.Discard, p)
			if err != nil {
				return err
			}
			total += n
		}
		return httpx.JSON(c, 200, total)
	})
	app.Get("/v1/slow", func(c *fiber.Ctx) error {
		<-c.UserContext().Done()
		return c.UserContext().Err()
	})
	app.Get("/v1/broken", func(c *fiber.Ctx) error {
		if c.Get("X-Panic") != "" {
			panic("cause-of-it")
		}
		return errors.New("cause-of-it")
	})
	return fixture{app, c, log}
}

func employee(t *testing.T) string {
	return authtest.Token(t, "things", authtest.Person("granvik", auth.RoleEmployee))
}

func TestRoutesMatchTheContract(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	httpxtest.RoutesMatchContract(t, f.app, f.contract)
}

func TestEveryContractOfTheProjectLoads(t *testing.T) {
	t.Parallel()
	files, err := openapi.Files.ReadDir(".")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		_, err := httpx.LoadContract(strings.TrimSuffix(file.Name(), ".yaml"))
		require.NoError(t, err, file.Name())
	}
}

func TestEveryOperationAnswersEveryRoleAsThePolicySays(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	doc, err := openapi3.NewLoader().LoadFromData([]byte(contract))
	require.NoError(t, err)
	for _, p := range []string{"/v1/slow", "/v1/broken"} {
		doc.Paths.Delete(p)
	}
	c, err := httpx.NewContract(doc)
	require.NoError(t, err)
	issue := func(r auth.Role) string {
		p := authtest.Person("granvik", r)
		p.Grants = []auth.Grant{{Role: r}}
		return authtest.Token(t, "things", p)
	}
	httpxtest.RoleMatrix(t, f.app, c, issue)
}

func TestEachWrongFieldIsNamed(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	for name, c := range map[string]struct {
		method, path, body string
		want               map[string]string
	}{
		"missing":           {"POST", "/v1/things", `{}`, map[string]string{"/name": "required"}},
		"no body":           {"POST", "/v1/things", ``, map[string]string{"": "required"}},
		"not JSON":          {"POST", "/v1/things", `{"name":`, map[string]string{"": "malformed"}},
		"unknown":           {"POST", "/v1/things", `{"name":"ab","extra":1}`, map[string]string{"/extra": "unknown-field"}},
		"nested unknown":    {"POST", "/v1/things", `{"name":"ab","parts":[{"n":1,"m":2}]}`, map[string]string{"/parts/0/m": "unknown-field"}},
		"several":           {"POST", "/v1/things", `{"name":"a","kind":"c","parts":[{"n":"x"}],"when":"yesterday"}`, map[string]string{"/name": "too-short", "/kind": "not-a-choice", "/parts/0/n": "wrong-type", "/when": "wrong-form"}},
		"parameter":         {"GET", "/v1/things?limit=1000", ``, map[string]string{"limit": "too-large"}},
		"parameter's type":  {"GET", "/v1/things?limit=many", ``, map[string]string{"limit": "malformed"}},
		"unknown parameter": {"GET", "/v1/things?name=x", ``, map[string]string{"name": "unknown-parameter"}},
		"path":              {"GET", "/v1/things/NOT-AN-ID", ``, map[string]string{"thingId": "wrong-form"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var body any
			if c.body != "" {
				body = []byte(c.body)
			}
			r := httpxtest.Call(t, f.app, c.method, c.path, employee(t), body)
			require.Equal(t, 400, r.Status, "%s", r.Body)
			got := map[string]string{}
			for _, e := range r.Problem(t).Errors {
				got[e.Pointer] = e.Slug
				require.NotEmpty(t, e.Detail)
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestAGoodRequestReachesTheHandlerAndItsAnswerIsSafe(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	r := httpxtest.Call(t, f.app, "POST", "/v1/things", employee(t), thing{Name: "søppel", Kind: "a", Parts: nil, When: nil}, "X-Request-Id", "abcdefgh-1")
	require.Equal(t, 400, r.Status, "null is not a time: %s", r.Body)
	r = httpxtest.Call(t, f.app, "POST", "/v1/things", employee(t), map[string]any{"name": "søppel", "when": time.Now()}, "X-Request-Id", "abcdefgh-1")
	require.Equal(t, "søppel", httpxtest.Decode[thing](t, r).Name)
	require.Equal(t, 201, r.Status)
	require.Equal(t, "abcdefgh-1", r.Header.Get("X-Request-Id"))
	require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
	require.Contains(t, r.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
	require.Equal(t, "no-referrer", r.Header.Get("Referrer-Policy"))
	r = httpxtest.Call(t, f.app, "HEAD", "/v1/things", employee(t), nil)
	require.Equal(t, 200, r.Status)
}

func TestTheCauseIsLoggedOnceAndNeverShown(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"", "X-Panic"} {
		f := start(t, nil)
		r := httpxtest.Call(t, f.app, "GET", "/v1/broken", employee(t), nil, header+"_", "1", header, "1")
		require.Equal(t, 500, r.Status)
		require.Equal(t, "internal", r.Slug())
		require.NotContains(t, string(r.Body), "cause-of-it")
		require.Equal(t, 1, strings.Count(f.log.String(), "cause-of-it"), f.log.String())
	}
}

func TestTheAccessLogHoldsNoQueryAddressOrUser(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	httpxtest.Call(t, f.app, "GET", "/v1/things?limit=998877&marked=marked-query", employee(t), nil, "User-Agent", "marked-agent", "X-Forwarded-For", "10.9.9.9")
	httpxtest.Call(t, f.app, "GET", "/v1/marked-path", employee(t), nil)
	log := f.log.String()
	require.Contains(t, log, `"route":"/v1/things"`)
	for _, mark := range []string{"998877", "marked", "10.9.9.9", "0.0.0.0", "person"} {
		require.NotContains(t, log, mark)
	}
}

func TestAnAnonymousRequestLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	body, kind := form(t, 100)
	req, err := http.NewRequest("POST", "/v1/public/reports", body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+employee(t))
	req.Header.Set("X-Request-Id", "marked-request")
	r := httpxtest.Send(t, f.app, req)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	require.Empty(t, r.Header.Get("X-Request-Id"))
	require.Empty(t, f.log.String())
}

func TestADeadlineAnswersTimeout(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	r := httpxtest.Call(t, f.app, "GET", "/v1/slow", employee(t), nil)
	require.Equal(t, 504, r.Status)
	require.Equal(t, "timeout", r.Slug())
}

func TestOnlyAServiceNamesItsTenant_R74(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *httpx.Config) { c.Verifier = authtest.Verifier("things") })
	r := httpxtest.Call(t, f.app, "GET", "/v1/things", employee(t), nil, httpx.HeaderTenant, "fjellbygd")
	require.Equal(t, "tenant-not-yours", r.Slug())
	service := authtest.Token(t, "things", authtest.Service("search"))
	r = httpxtest.Call(t, f.app, "GET", "/v1/things/00000000000000000000000000", service, nil, httpx.HeaderTenant, "Not A Name")
	require.Equal(t, 400, r.Status)
	r = httpxtest.Call(t, f.app, "GET", "/v1/things/00000000000000000000000000", service, nil, httpx.HeaderTenant, "granvik")
	require.Equal(t, "thing-not-found", r.Slug())
	r = httpxtest.Call(t, f.app, "GET", "/v1/things", service, nil, httpx.HeaderTenant, "granvik")
	require.Equal(t, "not-allowed", r.Slug(), "search may not list cases")
}

func TestATokenForAnotherServiceIsRefused(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	for _, token := range []string{authtest.Token(t, "others", authtest.Person("granvik", auth.RoleEmployee)), "not-a-token", employee(t) + "x"} {
		r := httpxtest.Call(t, f.app, "GET", "/v1/things", token, nil)
		require.Equal(t, 401, r.Status)
		require.Equal(t, "token-invalid", r.Slug())
		require.Contains(t, r.Header.Get("WWW-Authenticate"), "Bearer")
		require.Equal(t, 200, httpxtest.Call(t, f.app, "GET", "/v1/open", token, nil).Status)
	}
}

func TestWhatIsNotInTheContractDoesNotExist(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	f.app.Get("/v1/hidden", func(c *fiber.Ctx) error { return c.SendString("secret") })
	require.Equal(t, "no-such-address", httpxtest.Call(t, f.app, "GET", "/v1/hidden", employee(t), nil).Slug())
	require.Equal(t, "no-such-method", httpxtest.Call(t, f.app, "DELETE", "/v1/things", employee(t), nil).Slug())
}

func TestABodyIsBounded(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *httpx.Config) { c.BodyLimit = 1000 })
	big := []byte(`{"name":"` + strings.Repeat("x", 2000) + `"}`)
	require.Equal(t, "too-large", httpxtest.Call(t, f.app, "POST", "/v1/things", employee(t), big).Slug())

	addr := listen(t, f.app)
	req, err := http.NewRequest("POST", "http://"+addr+"/v1/things", io.MultiReader(bytes.NewReader(big))) // chunked: no length ahead
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+employee(t))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, 413, resp.StatusCode)
	_ = resp.Body.Close()

	for size, want := range map[int]int{2_000_000: 200, 4_000_000: 413} {
		body, kind := form(t, size)
		resp, err := http.Post("http://"+addr+"/v1/public/reports", kind, io.MultiReader(body))
		require.NoError(t, err)
		require.Equal(t, want, resp.StatusCode)
		_ = resp.Body.Close()
	}
}

// What a handler leaves of a body must not be read as the next request of the
// same connection.
func TestAnUnreadBodyIsNotTheNextRequest(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	addr := listen(t, f.app)
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	smuggled := "GET /v1/open HTTP/1.1\r\nHost: x\r\n\r\n"
	body := strings.Repeat(" ", 20_000) + smuggled + strings.Repeat(" ", 600_000)
	_, _ = io.WriteString(conn, "POST /v1/public/reports HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: "+itoa(len(body))+"\r\n\r\n")
	go func() { _, _ = io.WriteString(conn, body) }()
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	answer, _ := io.ReadAll(conn)
	require.Equal(t, 1, strings.Count(string(answer), "HTTP/1.1 "), string(answer))
	require.NotContains(t, string(answer), `"open"`)
}

func TestOnePersonCannotTakeEverything(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *httpx.Config) { c.Rate, c.Burst = 0.001, 3 })
	for range 3 {
		require.Equal(t, 200, httpxtest.Call(t, f.app, "GET", "/v1/things", employee(t), nil).Status)
	}
	r := httpxtest.Call(t, f.app, "GET", "/v1/things", employee(t), nil)
	require.Equal(t, 429, r.Status)
	require.NotEmpty(t, r.Header.Get("Retry-After"))
	other := authtest.Token(t, "things", authtest.Person("granvik", auth.RoleResponsible))
	require.Equal(t, 200, httpxtest.Call(t, f.app, "GET", "/v1/things", other, nil).Status)
}

func TestReadinessNamesTheEngine(t *testing.T) {
	t.Parallel()
	var down error
	f := start(t, func(c *httpx.Config) { c.Ready = func(context.Context) error { return down } })
	require.Equal(t, 200, httpxtest.Call(t, f.app, "GET", "/readyz", "", nil).Status)
	require.Equal(t, 200, httpxtest.Call(t, f.app, "GET", "/livez", "", nil).Status)
	down = httpx.NotReady("kafka", errors.New("dial kafka://user:secret@10.0.0.1"))
	r := httpxtest.Call(t, f.app, "GET", "/readyz", "", nil)
	require.Equal(t, 503, r.Status)
	require.Equal(t, "kafka", r.Problem(t).Params["engine"])
	require.NotContains(t, string(r.Body), "secret")
	require.Equal(t, 200, httpxtest.Call(t, f.app, "GET", "/livez", "", nil).Status)
}

func TestMetricsAreForThisMachineAndServices(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	httpxtest.Call(t, f.app, "GET", "/v1/things", employee(t), nil)
	require.Equal(t, 404, httpxtest.Call(t, f.app, "GET", "/metrics", "", nil).Status, "app.Test has no loopback address")
	require.Equal(t, 404, httpxtest.Call(t, f.app, "GET", "/metrics", employee(t), nil).Status)
	r := httpxtest.Call(t, f.app, "GET", "/metrics", authtest.Token(t, "things", authtest.Service("web")), nil)
	require.Equal(t, 200, r.Status)
	require.Contains(t, string(r.Body), `varde_http_request_seconds_count{method="GET",route="/v1/things",service="things",status="200"} 1`)
	resp, err := http.Get("http://" + listen(t, f.app) + "/metrics")
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
	_ = resp.Body.Close()
}

func TestTheClientCarriesTenantAndProblem(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	client := httpx.Client{Service: "things", BaseURL: "http://" + listen(t, f.app), Tokens: authtest.Tokens(t, "search")}
	ctx := tenant.With(context.Background(), "granvik")
	err := client.Get(ctx, "/v1/things/00000000000000000000000000", nil)
	require.ErrorIs(t, err, problem.NotFound("thing"))
	require.Equal(t, problem.KindNotFound, problem.From(err).Kind)

	require.Equal(t, problem.KindInternal, problem.From(client.Get(ctx, "/v1/things", nil)).Kind, "that search may not list is our fault, not the caller's")

	client.Tokens = nil
	var answer string
	require.NoError(t, client.Get(ctx, "/v1/open", &answer))
	require.Equal(t, "open", answer)
}

func TestTheClientRepeatsOnlyWhatIsHarmless(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	calls := map[string]int{}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		calls[r.Method]++
		if calls[r.Method] < 3 {
			w.WriteHeader(503)
			return
		}
		_ = json.NewEncoder(w).Encode("done")
	})}
	go func() { _ = server.Serve(ln) }()
	t.Cleanup(func() { _ = server.Close() })
	client := httpx.Client{Service: "x", BaseURL: "http://" + ln.Addr().String()}
	var out string
	require.NoError(t, client.Get(context.Background(), "/", &out))
	require.Equal(t, "done", out)
	err = client.Post(context.Background(), "/", nil, nil)
	require.Equal(t, problem.KindUnavailable, problem.From(err).Kind)
	require.Equal(t, map[string]int{"GET": 3, "POST": 1}, calls)
}

func form(t *testing.T, size int) (io.Reader, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	p, err := w.CreateFormFile("file", "x.bin")
	require.NoError(t, err)
	_, _ = p.Write(bytes.Repeat([]byte("x"), size))
	require.NoError(t, w.Close())
	return &b, w.FormDataContentType()
}

func listen(t *testing.T, app *fiber.App) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = app.Listener(ln) }()
	t.Cleanup(func() { _ = app.ShutdownWithTimeout(time.Second) })
	return ln.Addr().String()
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestAnAnswerIsHeldAgainstTheContract(t *testing.T) {
	t.Parallel()
	c := httpxtest.Contract(t, "identity")
	header := func(kind string) http.Header { return http.Header{"Content-Type": {kind}} }
	require.NoError(t, c.CheckAnswer("GET", "/v1/units", 200, header("application/json"), []byte(`{"items":[]}`)))
	require.NoError(t, c.CheckAnswer("GET", "/v1/units", 404, header(httpx.MediaProblem), []byte(`{"type":"x","title":"x","status":404}`)))
	require.Error(t, c.CheckAnswer("GET", "/v1/units", 200, header("application/json"), []byte(`{"items":null}`)))
	require.Error(t, c.CheckAnswer("GET", "/v1/units", 200, header("application/json"), []byte(`{"items":[{"id":"x"}]}`)))
	require.Error(t, c.CheckAnswer("GET", "/v1/units", 201, header("application/json"), []byte(`{"items":[]}`)))
	require.Error(t, c.CheckAnswer("GET", "/v1/units", 404, header(httpx.MediaProblem), []byte(`{"status":"x"}`)))
}
