package httpx_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/httpx"
	"varde.internal/platform/problem"
)

// echo is a part's use cases: each gives what it was called with.
type echo struct{ fail error }

type said struct {
	Said string `json:"said"`
}

type told struct {
	Text string `json:"text"`
}

func (e echo) one(_ context.Context, id string) (said, error) { return said{"one " + id}, e.fail }
func (e echo) page(_ context.Context, of string, limit int, after string) (said, error) {
	return said{fmt.Sprintf("%s %d %s", of, limit, after)}, e.fail
}
func (e echo) take(_ context.Context, in told) (said, error) { return said{in.Text}, e.fail }
func (e echo) takeFor(_ context.Context, id string, in told) (said, error) {
	return said{id + " " + in.Text}, e.fail
}
func (e echo) takeForPart(_ context.Context, id, part string, in told) (said, error) {
	return said{id + " " + part + " " + in.Text}, e.fail
}
func (e echo) do(context.Context, string) error   { return e.fail }
func (e echo) doWith(context.Context, told) error { return e.fail }
func method(_ echo, c *fiber.Ctx) (said, error)   { return said{c.Method()}, nil }
func written(_ echo, c *fiber.Ctx) error          { return c.SendString("as it is") }
func serving(t *testing.T, e echo, down error) *fiber.App {
	t.Helper()
	app, err := httpx.New(httpx.Config{Name: "echo", Contract: httpx.NoContract})
	require.NoError(t, err)
	source := func() (echo, error) { return e, down }
	app.Get("/serve", httpx.Serve(source, written))
	app.Get("/answer", httpx.Answer(source, fiber.StatusAccepted, method))
	app.Get("/one/:id", httpx.AnswerOne(source, "id", echo.one))
	app.Get("/page/:id", httpx.AnswerPage(source, "id", echo.page))
	app.Post("/take", httpx.Take(source, fiber.StatusCreated, echo.take))
	app.Post("/for/:id", httpx.TakeFor(source, fiber.StatusOK, "id", echo.takeFor))
	app.Post("/for/:id/:part", httpx.TakeForPart(source, fiber.StatusOK, "id", "part", echo.takeForPart))
	app.Delete("/do/:id", httpx.DoOne(source, "id", echo.do))
	app.Post("/do", httpx.DoWith(source, echo.doWith))
	return app
}

var handlerCalls = []struct {
	method, path, body string
	status             int
	said               string
}{
	{"GET", "/answer", "", 202, "GET"},
	{"GET", "/one/a", "", 200, "one a"},
	{"GET", "/page/a", "", 200, "a 50 "},
	{"GET", "/page/a?limit=7&after=x", "", 200, "a 7 x"},
	{"POST", "/take", `{"text":"t"}`, 201, "t"},
	{"POST", "/for/a", `{"text":"t"}`, 200, "a t"},
	{"POST", "/for/a/b", `{"text":"t"}`, 200, "a b t"},
	{"DELETE", "/do/a", "", 204, ""},
	{"POST", "/do", `{"text":"t"}`, 204, ""},
}

func TestHandlersCallTheUseCaseWithWhatTheRequestSays(t *testing.T) {
	t.Parallel()
	app := serving(t, echo{}, nil)
	for _, call := range handlerCalls {
		resp := request(t, app, call.method, call.path, call.body)
		require.Equal(t, call.status, resp.StatusCode, call.path)
		var got said
		if call.said != "" {
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&got), call.path)
		}
		require.Equal(t, call.said, got.Said, call.path)
	}
	require.Equal(t, 200, request(t, app, "GET", "/serve", "").StatusCode)
	for _, path := range []string{"/take", "/for/a", "/for/a/b", "/do"} {
		require.Equal(t, 400, request(t, app, "POST", path, `{"other":1}`).StatusCode, path)
	}
}

func TestHandlersAnswerTheProblemOfAUseCaseAndOfAPartThatStarts(t *testing.T) {
	t.Parallel()
	refusing := serving(t, echo{fail: problem.Refused("no", "A rule says no.")}, nil)
	starting := serving(t, echo{}, problem.Unavailable("The service is starting.", errors.New("no store")))
	for _, call := range handlerCalls {
		if call.path != "/answer" {
			require.Equal(t, 422, request(t, refusing, call.method, call.path, call.body).StatusCode, call.path)
		}
		require.Equal(t, 503, request(t, starting, call.method, call.path, call.body).StatusCode, call.path)
	}
	require.Equal(t, 503, request(t, starting, "GET", "/serve", "").StatusCode)
}

func request(t *testing.T, app *fiber.App, method, path, body string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	resp, err := app.Test(r, -1)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}
