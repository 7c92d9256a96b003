// Package httpxtest checks an application against its contract and the policy
// table, and makes calls in tests short.
package httpxtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/commonapi"
)

// Contract loads schemas/openapi/NAME.yaml.
func Contract(t testing.TB, name string) *httpx.Contract {
	t.Helper()
	c, err := httpx.LoadContract(name)
	require.NoError(t, err)
	return c
}

// Reload prepares a contract again after its document was changed: tests walk
// a part of one.
func Reload(c *httpx.Contract) (*httpx.Contract, error) { return httpx.NewContract(c.Doc) }

var parameter = regexp.MustCompile(`\{[^/]+\}|:[^/]+`)

// RoutesMatchContract asserts that the application's routes and the contract's
// operations are the same set. With a prefix (httpx.Config.Prefix) only the
// routes below it count.
func RoutesMatchContract(t testing.TB, app *fiber.App, c *httpx.Contract, prefix ...string) {
	t.Helper()
	var want, got []string
	for _, o := range c.Operations() {
		want = append(want, o.Method+" "+parameter.ReplaceAllString(o.Path, "{}"))
	}
	for _, r := range app.GetRoutes(true) {
		if r.Method == http.MethodHead || r.Path == "/livez" || r.Path == "/readyz" || r.Path == "/metrics" {
			continue
		}
		if len(prefix) > 0 {
			var below bool
			if r.Path, below = strings.CutPrefix(r.Path, prefix[0]); !below {
				continue
			}
		}
		got = append(got, r.Method+" "+parameter.ReplaceAllString(r.Path, "{}"))
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, slices.Compact(got), "the contract's operations (expected) and the application's routes (actual)")
}

// Response is an answer, read whole.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Problem reads the answer as a problem.
func (r Response) Problem(t testing.TB) commonapi.Problem {
	t.Helper()
	require.Equal(t, httpx.MediaProblem, r.Header.Get("Content-Type"), "status %d: %s", r.Status, r.Body)
	var p commonapi.Problem
	require.NoError(t, json.Unmarshal(r.Body, &p))
	return p
}

// Slug is the slug of a problem, empty for another answer.
func (r Response) Slug() string {
	var p commonapi.Problem
	if r.Header.Get("Content-Type") != httpx.MediaProblem || json.Unmarshal(r.Body, &p) != nil {
		return ""
	}
	return p.Type[strings.LastIndexByte(p.Type, '/')+1:]
}

// Decode reads a 2xx answer into a T.
func Decode[T any](t testing.TB, r Response) T {
	t.Helper()
	require.Less(t, r.Status, 300, "%s", r.Body)
	var v T
	require.NoError(t, json.Unmarshal(r.Body, &v), "%s", r.Body)
	return v
}

// Conforms asserts that an answer is what the contract promises.
func Conforms(t testing.TB, c *httpx.Contract, method, path string, r Response) {
	t.Helper()
	require.NoError(t, c.CheckAnswer(method, path, r.Status, r.Header, r.Body), "%s %s answered %d %s", method, path, r.Status, r.Body)
}

// Call sends one request with an optional token and JSON body to the
// application. Headers are pairs of name and value.
func Call(t testing.TB, app *fiber.App, method, path, token string, body any, headers ...string) Response {
	t.Helper()
	var in io.Reader
	if raw, ok := body.([]byte); ok {
		in = bytes.NewReader(raw)
	} else if body != nil {
		b, err := json.Marshal(body)
		require.NoError(t, err)
		in = bytes.NewReader(b)
	}
	req := httptest.NewRequestWithContext(t.Context(), method, path, in)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return Send(t, app, req)
}

// Send sends a prepared request and reads the answer.
func Send(t testing.TB, app *fiber.App, req *http.Request) Response {
	t.Helper()
	resp, err := app.Test(req, 30_000)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return Response{Status: resp.StatusCode, Header: resp.Header, Body: b}
}

// Sample is a request that reaches a handler's own checks.
type Sample struct {
	Path string // with real ids; empty: the template with zeros
	Body any
}

// MatrixOption widens RoleMatrix.
type MatrixOption func(*matrix)

type matrix struct {
	samples map[string]Sample
	foreign func(auth.Role) string
	marks   []string
}

// WithSample gives the request for one operation (by operationId): an object
// that the first tenant owns.
func WithSample(operationID string, s Sample) MatrixOption {
	return func(m *matrix) { m.samples[operationID] = s }
}

// WithForeign also walks with another tenant's tokens: no operation with a
// sample path may succeed, and no answer may contain one of the marks, which
// are in the first tenant's data.
func WithForeign(issue func(auth.Role) string, marks ...string) MatrixOption {
	return func(m *matrix) { m.foreign, m.marks = issue, marks }
}

// RoleMatrix walks every operation with every role of the policy and without a
// token. The expectation comes from the policy table: a role that may never do
// the operation's action gets 403 not-allowed before anything else is looked
// at; another gets past it; no token is 401; nothing is a failure of ours.
func RoleMatrix(t *testing.T, app *fiber.App, c *httpx.Contract, issue func(auth.Role) string, options ...MatrixOption) {
	t.Helper()
	m := &matrix{samples: map[string]Sample{}}
	for _, o := range options {
		o(m)
	}
	for _, op := range c.Operations() {
		t.Run(op.ID, func(t *testing.T) {
			sample := m.samples[op.ID]
			named := sample.Path != "" && strings.Contains(op.Path, "{")
			nobody := parameter.ReplaceAllString(op.Path, strings.Repeat("0", 26))
			if sample.Path == "" {
				sample.Path = nobody
			}
			m.walk(t, app, op, nobody, sample, named, issue)
		})
	}
}

// walk takes nobody's object for the own tenant's roles, so that it changes
// nothing, and the sample's for the other tenant's.
func (m *matrix) walk(t *testing.T, app *fiber.App, op *httpx.Operation, nobody string, sample Sample, named bool, issue func(auth.Role) string) {
	none := Call(t, app, op.Method, sample.Path, "", nil)
	if op.Open {
		require.NotEqual(t, httpx.ErrNotAllowed.Slug, none.Slug())
		return
	}
	require.Equal(t, http.StatusUnauthorized, none.Status, "without a token")
	for _, role := range auth.Roles() {
		may := auth.MayEver(auth.Principal{Grants: []auth.Grant{{Role: role}}}, op.Action)
		own := Call(t, app, op.Method, nobody, issue(role), nil)
		require.Less(t, own.Status, http.StatusInternalServerError, "%s: %s", role, own.Body)
		require.NotEqual(t, http.StatusUnauthorized, own.Status, "%s", role)
		require.Equal(t, !may, own.Slug() == httpx.ErrNotAllowed.Slug, "%s may %s: %v, answer %d %s", role, op.Action, may, own.Status, own.Body)
		if m.foreign == nil {
			continue
		}
		other := Call(t, app, op.Method, sample.Path, m.foreign(role), sample.Body)
		require.Less(t, other.Status, http.StatusInternalServerError, "%s of another tenant: %s", role, other.Body)
		if named {
			require.GreaterOrEqual(t, other.Status, http.StatusBadRequest, "%s of another tenant reached %s", role, op.ID)
		}
		for _, mark := range m.marks {
			require.NotContains(t, string(other.Body), mark, "%s of another tenant", role)
		}
	}
}
