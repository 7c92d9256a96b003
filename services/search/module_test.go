package search_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit/audittest"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/httpx"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/kql"
	"varde.internal/platform/run"
	"varde.internal/platform/run/runtest"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/services/search"
)

type query = kql.Query

// mark is in everything that names a person in the tests' events.
const mark = "Marked"

var begin = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

type world struct {
	t     *testing.T
	m     *search.Module
	app   *fiber.App
	audit *audittest.Recorder
	index *failing
	bus   bus.Bus

	mu    sync.Mutex
	now   time.Time
	cases map[string]casesapi.CaseAccess
}

// failing is a real index whose reads a test can see and stop.
type failing struct {
	eventindex.Index
	before func()
}

func (f *failing) call() {
	if f.before != nil {
		f.before()
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) setCase(id string, c casesapi.CaseAccess) {
	w.mu.Lock()
	c.Id = id
	w.cases[id] = c
	w.mu.Unlock()
	w.pass(time.Minute) // what was remembered of it is over
}

type tokens struct{ t testing.TB }

func (s tokens) Token(_ context.Context, audience string) (string, error) {
	return authtest.Token(s.t, audience, auth.Principal{Subject: "search", Service: true}), nil
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, audit: &audittest.Recorder{}, now: time.Now().UTC(), cases: map[string]casesapi.CaseAccess{
		"case-1": {Id: "case-1", Number: "GR-2026-0001", Open: true, Unit: "school", Owners: []string{"leader"}},
	}}
	// The cases service as the search service sees it: over HTTP, in a tenant.
	cases := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		c, ok := w.cases[strings.TrimPrefix(r.URL.Path, "/v1/internal/cases/")]
		w.mu.Unlock()
		if !ok || r.Header.Get(httpx.HeaderTenant) != "granvik" {
			rw.Header().Set("Content-Type", httpx.MediaProblem)
			rw.WriteHeader(http.StatusNotFound)
			_, _ = rw.Write([]byte(`{"type":"https://varde.internal/problems/case-not-found","title":"x","status":404}`))
			return
		}
		_, _ = fmt.Fprintf(rw, `{"id":%q,"number":%q,"open":%v,"unit":%q,"owners":["leader"],"involved":[]}`, c.Id, c.Number, c.Open, c.Unit)
	}))
	t.Cleanup(cases.Close)
	w.index, w.bus = &failing{Index: embedded.OpenTemp(t)}, bustest.Start(t)
	require.NoError(t, w.bus.EnsureTopics(t.Context(), bus.TopicConfig{Name: bus.TopicAudit, Partitions: 1, Retention: time.Hour}))
	m, err := search.New(run.Deps{
		Log: slog.New(slog.DiscardHandler), Clock: w.clock, Docs: sqlite.OpenTemp(t), Events: w.index, Audit: w.audit, Bus: w.bus,
		Verifier: authtest.Verifier("search"), Tokens: tokens{t}, Endpoint: func(string) string { return cases.URL },
		Secret: func(use string) []byte { s := sha256.Sum256([]byte(use)); return s[:] },
	}, search.Default())
	require.NoError(t, err)
	runtest.Start(t, m)
	w.m, w.app = m, m.App()
	w.load()
	return w
}

func line(n int) ecs.Event {
	return ecs.Event{Timestamp: begin.Add(time.Duration(n) * time.Minute), Message: fmt.Sprintf("Failed password for kari%s from 10.6.6.6", mark),
		Event: ecs.Meta{ID: fmt.Sprintf("event-%03d", n), Kind: "event", Action: "login", Outcome: "failure", Original: "<86>raw kari" + mark, Hash: strings.Repeat("ab", 32), Created: begin},
		User:  &ecs.User{Name: "kari" + mark, Target: &ecs.User{Email: mark + "@granvik.example"}}, Source: &ecs.Endpoint{IP: "10.6.6.6", Port: 51000},
		Host: &ecs.Host{Name: []string{"srv-1", "srv-2"}[n%12/11]}, Labels: map[string]string{"note": mark},
		Log:   &ecs.Log{Syslog: &ecs.LogSyslog{StructuredData: map[string]map[string]string{"x": {"y": mark}}}},
		Varde: ecs.Varde{Tenant: "granvik", Partition: "std-2026-11", Provenance: "tcp", System: "ehr", Account: &ecs.Account{Name: "kari" + mark}}}
}

func (w *world) load() {
	var events []ecs.Event
	for n := range 30 {
		events = append(events, line(n))
	}
	foreign := line(99)
	foreign.Event.ID, foreign.Varde.Tenant = "foreign", "fjellbygd"
	_, err := w.index.Append(systemscope.Enter(context.Background(), "test"), append(events, foreign))
	require.NoError(w.t, err)
}

func token(t testing.TB, tid tenant.ID, role auth.Role) string {
	return authtest.Token(t, "search", auth.Principal{Subject: string(role), Tenant: tid, Grants: []auth.Grant{{Role: role}}})
}

func (w *world) call(role auth.Role, method, path string, body any) httpxtest.Response {
	w.t.Helper()
	return httpxtest.Call(w.t, w.app, method, path, token(w.t, "granvik", role), body)
}

func (w *world) start(role auth.Role, caseID string) searchapi.Context {
	w.t.Helper()
	return httpxtest.Decode[searchapi.Context](w.t, w.call(role, "POST", "/v1/contexts", searchapi.NewContext{Purpose: "Follow up a report", CaseId: caseID}))
}

func (w *world) search(role auth.Role, contextID, query string) httpxtest.Response {
	w.t.Helper()
	return w.call(role, "POST", "/v1/search", searchapi.SearchRequest{Context: contextID, Query: query})
}

const officer = auth.RoleSecurityOfficer

func TestRoutesAreTheContracts(t *testing.T) {
	t.Parallel()
	httpxtest.RoutesMatchContract(t, start(t).app, httpxtest.Contract(t, "search"))
}

func TestRolesAndTenants_R41_R74(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.start(officer, "case-1")
	saved := httpxtest.Decode[searchapi.View](t, w.call(officer, "POST", "/v1/views", searchapi.NewView{Query: "user:kari" + mark, Name: "mine"}))
	issue := func(r auth.Role) string { return token(t, "granvik", r) }
	foreign := func(r auth.Role) string { return token(t, "fjellbygd", r) }
	range7 := func(q string) searchapi.HistogramRequest {
		return searchapi.HistogramRequest{Context: c.Id, Query: q, From: begin, To: begin.Add(time.Hour)}
	}
	httpxtest.RoleMatrix(t, w.app, httpxtest.Contract(t, "search"), issue,
		httpxtest.WithForeign(foreign, mark, saved.Id, "event-001"),
		httpxtest.WithSample("getContext", httpxtest.Sample{Path: "/v1/contexts/" + c.Id}),
		httpxtest.WithSample("getEvent", httpxtest.Sample{Path: "/v1/contexts/" + c.Id + "/events/event-001"}),
		httpxtest.WithSample("searchEvents", httpxtest.Sample{Path: "/v1/search", Body: searchapi.SearchRequest{Context: c.Id}}),
		httpxtest.WithSample("histogramEvents", httpxtest.Sample{Path: "/v1/histogram", Body: range7("")}),
		httpxtest.WithSample("termsOfEvents", httpxtest.Sample{Path: "/v1/terms", Body: searchapi.TermsRequest{Context: c.Id, Fields: []string{"user.name"}}}),
		httpxtest.WithSample("eventsAround", httpxtest.Sample{Path: "/v1/around", Body: searchapi.AroundRequest{Context: c.Id, Id: "event-001"}}),
		httpxtest.WithSample("completeQuery", httpxtest.Sample{Path: "/v1/complete", Body: searchapi.CompleteRequest{Context: c.Id, Query: "user:", Position: 5}}),
		httpxtest.WithSample("getView", httpxtest.Sample{Path: "/v1/views/" + saved.Id}),
		httpxtest.WithSample("placeHold", httpxtest.Sample{Path: "/v1/holds", Body: searchapi.NewHold{From: begin, Reason: "An inspection was announced"}}),
		httpxtest.WithSample("releaseHold", httpxtest.Sample{Path: "/v1/holds/00000000000000000000000000/release", Body: searchapi.ReleaseHold{Reason: "The inspection is over"}}),
		httpxtest.WithSample("internalHolds", httpxtest.Sample{Path: "/v1/internal/holds?tenant=granvik"}),
		httpxtest.WithSample("internalEvent", httpxtest.Sample{Path: "/v1/internal/events/event-001?tenant=granvik"}),
	)
	// Another person of the same tenant does not search in my name.
	require.Equal(t, http.StatusNotFound, w.search(auth.RoleAuditor, c.Id, "").Status)
	// A context with the same case in another tenant is none.
	r := httpxtest.Call(t, w.app, "POST", "/v1/contexts", foreign(officer), searchapi.NewContext{Purpose: "Follow up a report", CaseId: "case-1"})
	require.Equal(t, http.StatusNotFound, r.Status)
}

func TestASearchNeedsAPurpose_R38(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, purpose := range []string{"", "x"} {
		r := w.call(officer, "POST", "/v1/contexts", searchapi.NewContext{Purpose: purpose})
		require.Equal(t, http.StatusBadRequest, r.Status, "%s", r.Body)
		require.Equal(t, "/purpose", r.Problem(t).Errors[0].Pointer)
	}
	require.Equal(t, http.StatusNotFound, w.search(officer, "no-such-context", "").Status)
	require.Equal(t, http.StatusBadRequest, w.call(officer, "POST", "/v1/search", map[string]any{"query": "x"}).Status)
	require.Equal(t, http.StatusNotFound, w.call(officer, "POST", "/v1/contexts", searchapi.NewContext{Purpose: "Follow up", CaseId: "no-such-case"}).Status)

	c := w.start(officer, "")
	require.Equal(t, http.StatusOK, w.search(officer, c.Id, "").Status)
	w.pass(13 * time.Hour)
	require.Equal(t, "context-expired", w.search(officer, c.Id, "").Slug())
}

func TestNamesNeedACaseAndARole_R41(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.setCase("closed", casesapi.CaseAccess{Number: "GR-2026-0002", Open: false})
	for _, c := range []struct {
		role   auth.Role
		caseID string
		reason searchapi.ContextNamesReason
	}{
		{officer, "case-1", ""},
		{auth.RoleAuditor, "case-1", ""},
		{officer, "", "no-case"},
		{officer, "closed", "case-closed"},
	} {
		got := w.start(c.role, c.caseID)
		require.Equal(t, c.reason, got.NamesReason, "%s %s", c.role, c.caseID)
		require.Equal(t, c.reason == "", got.Names)
		result := w.search(c.role, got.Id, "")
		require.Equal(t, got.Names, strings.Contains(string(result.Body), mark), "%s %s: %s", c.role, c.caseID, result.Body)
	}
	// The responsible of the case's unit may read the case, but that role does not see names.
	leader := authtest.Token(t, "search", auth.Principal{Subject: "leader", Tenant: "granvik", Grants: []auth.Grant{{Role: auth.RoleResponsible, Unit: "school"}}})
	got := httpxtest.Decode[searchapi.Context](t, httpxtest.Call(t, w.app, "POST", "/v1/contexts", leader, searchapi.NewContext{Purpose: "Follow up", CaseId: "case-1"}))
	require.Equal(t, searchapi.ContextNamesReason("role"), got.NamesReason)
	// One who may not read the case cannot search in its name.
	require.Equal(t, http.StatusNotFound, w.call(auth.RoleOperationsManager, "POST", "/v1/contexts", searchapi.NewContext{Purpose: "Follow up", CaseId: "case-1"}).Status)
}

func TestNamesAreHiddenWhenTheCaseCloses(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.start(officer, "case-1")
	require.Contains(t, string(w.search(officer, c.Id, "").Body), mark)
	w.setCase("case-1", casesapi.CaseAccess{Number: "GR-2026-0001", Open: false})
	require.NotContains(t, string(w.search(officer, c.Id, "").Body), mark)
	require.Equal(t, "names-hidden", w.search(officer, c.Id, "user:x").Slug())
}

// TestWithoutNamesTheSearchRevealsNone_R41 asks for a name in every way there is.
func TestWithoutNamesTheSearchRevealsNone_R41(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.start(officer, "")
	page := httpxtest.Decode[searchapi.SearchResult](t, w.search(officer, c.Id, "host.name:srv-1"))
	require.Equal(t, 28, page.Total)
	require.False(t, page.Names)
	require.Equal(t, "srv-1", page.Items[0].Fields["host.name"])
	require.Equal(t, []string{"event.original", "labels.note", "log.syslog.structured_data.x.y", "message", "source.ip", "user.name", "user.target.email", "varde.account.name"}, page.Items[0].Hidden)

	requests := map[string]any{
		"/v1/search":    searchapi.SearchRequest{Context: c.Id},
		"/v1/around":    searchapi.AroundRequest{Context: c.Id, Id: "event-003"},
		"/v1/terms":     searchapi.TermsRequest{Context: c.Id, Fields: []string{"user.name", "source.ip", "related.user", "varde.account.name", "labels.note", "error.message"}},
		"/v1/complete":  searchapi.CompleteRequest{Context: c.Id, Query: "user:k", Position: 6},
		"/v1/histogram": searchapi.HistogramRequest{Context: c.Id, From: begin, To: begin.Add(time.Hour)},
	}
	for path, body := range requests {
		r := w.call(officer, "POST", path, body)
		require.Equal(t, http.StatusOK, r.Status, "%s: %s", path, r.Body)
		require.NotContains(t, string(r.Body), mark, path)
		require.NotContains(t, string(r.Body), "10.6.6.6", path)
	}
	detail := w.call(officer, "GET", "/v1/contexts/"+c.Id+"/events/event-003", nil)
	require.NotContains(t, string(detail.Body), mark)
	require.Equal(t, strings.Repeat("ab", 32), httpxtest.Decode[searchapi.EventDetail](t, detail).Sha256)

	for _, query := range []string{"user.name:k*", "kari" + mark, "not user:x", "host:srv-1 and (ip:10.0.0.0/8 or pid:1)", "message:*", "account:*", "labels.note:x", "error.message:x", "station:x", "varde.key.cert_id:x", "related.ip:10.6.6.6"} {
		for path, body := range map[string]any{
			"/v1/search":    searchapi.SearchRequest{Context: c.Id, Query: query},
			"/v1/histogram": searchapi.HistogramRequest{Context: c.Id, Query: query, From: begin, To: begin.Add(time.Hour)},
			"/v1/terms":     searchapi.TermsRequest{Context: c.Id, Query: query, Fields: []string{"host.name"}},
		} {
			r := w.call(officer, "POST", path, body)
			require.Equal(t, http.StatusForbidden, r.Status, "%s %s: %s", path, query, r.Body)
			require.Equal(t, "names-hidden", r.Slug())
		}
	}
	facets := httpxtest.Decode[searchapi.Terms](t, w.call(officer, "POST", "/v1/terms", searchapi.TermsRequest{Context: c.Id, Fields: []string{"host.name", "user.name"}}))
	require.Equal(t, []searchapi.TermCount{{Value: "srv-1", Count: 28}}, facets.Items[0].Values)
	require.Equal(t, searchapi.FacetHidden("small-counts"), facets.Items[0].Hidden)
	require.Equal(t, searchapi.FacetHidden("names"), facets.Items[1].Hidden)
}

func TestWithNamesTheSearchShowsAll(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.start(officer, "case-1")
	require.Equal(t, "GR-2026-0001", c.CaseNumber)
	page := httpxtest.Decode[searchapi.SearchResult](t, w.search(officer, c.Id, "failed and user:kari"+mark))
	require.Equal(t, 30, page.Total)
	require.Equal(t, "kari"+mark, page.Items[0].Fields["user.name"])
	require.Empty(t, page.Items[0].Hidden)
	require.Equal(t, "event-029", page.Items[0].Id, "newest first")
	facets := httpxtest.Decode[searchapi.Terms](t, w.call(officer, "POST", "/v1/terms", searchapi.TermsRequest{Context: c.Id, Fields: []string{"user.name", "host.name"}}))
	require.Equal(t, []searchapi.TermCount{{Value: "kari" + mark, Count: 30}}, facets.Items[0].Values)
	require.Len(t, facets.Items[1].Values, 2)
	detail := httpxtest.Decode[searchapi.EventDetail](t, w.call(officer, "GET", "/v1/contexts/"+c.Id+"/events/event-003", nil))
	require.Equal(t, "<86>raw kari"+mark, detail.Original)
	require.Equal(t, "tcp", detail.Provenance)
	done := httpxtest.Decode[searchapi.Completion](t, w.call(officer, "POST", "/v1/complete", searchapi.CompleteRequest{Context: c.Id, Query: "user:k", Position: 6}))
	require.Equal(t, []searchapi.Proposal{{Text: "kari" + mark, Kind: "value", Count: 30}}, done.Items)
	require.Equal(t, []int{5, 6}, []int{done.Start, done.End})
}

func TestPagingAndTime(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.start(officer, "")
	var ids []string
	req := searchapi.SearchRequest{Context: c.Id, Limit: 7, Ascending: true, From: begin.Add(time.Minute), To: begin.Add(28 * time.Minute)}
	for {
		page := httpxtest.Decode[searchapi.SearchResult](t, w.call(officer, "POST", "/v1/search", req))
		for _, e := range page.Items {
			ids = append(ids, e.Id)
		}
		if page.Next == "" {
			break
		}
		req.After = page.Next
	}
	require.Len(t, ids, 27)
	require.Equal(t, "event-001", ids[0])
	req.Query = "host:srv-1"
	require.Equal(t, "/after", w.call(officer, "POST", "/v1/search", req).Problem(t).Errors[0].Pointer)
	req = searchapi.SearchRequest{Context: c.Id, From: begin, To: begin}
	require.Equal(t, "/to", w.call(officer, "POST", "/v1/search", req).Problem(t).Errors[0].Pointer)

	h := httpxtest.Decode[searchapi.Histogram](t, w.call(officer, "POST", "/v1/histogram", searchapi.HistogramRequest{Context: c.Id, From: begin, To: begin.Add(30 * time.Minute)}))
	require.Equal(t, 30, h.IntervalSeconds)
	total := 0
	for _, b := range h.Buckets {
		total += b.Failure
	}
	require.Equal(t, 30, total)
	r := w.call(officer, "POST", "/v1/histogram", searchapi.HistogramRequest{Context: c.Id, From: begin, To: begin.AddDate(0, 1, 0), IntervalSeconds: 1})
	require.Equal(t, "/intervalSeconds", r.Problem(t).Errors[0].Pointer)
	around := httpxtest.Decode[searchapi.Around](t, w.call(officer, "POST", "/v1/around", map[string]any{"context": c.Id, "id": "event-003", "before": 0, "after": 2}))
	require.Len(t, around.Items, 3)
	require.Equal(t, "event-003", around.Items[0].Id)
}

func TestAQueryErrorPointsAtTheWord(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.start(officer, "")
	p := w.search(officer, c.Id, `host:"🙂" and usr.name:x`).Problem(t)
	require.Equal(t, 400, p.Status)
	require.True(t, strings.HasSuffix(p.Type, "/query-syntax"))
	require.Equal(t, map[string]string{"slug": "unknown-field", "start": "14", "end": "22", "near": p.Params["near"]}, p.Params)
	require.Contains(t, p.Params["near"], "user.name")

	e := httpxtest.Decode[searchapi.Explanation](t, w.call(officer, "POST", "/v1/explain", searchapi.ExplainRequest{Query: "outcome:(failure or success) and not user:a*"}))
	require.True(t, e.Valid)
	require.Equal(t, searchapi.Part{Slug: "all", Parts: []searchapi.Part{
		{Slug: "equals", Field: "event.outcome", Values: []string{"failure", "success"}},
		{Slug: "not", Parts: []searchapi.Part{{Slug: "pattern", Field: "user.name", Values: []string{"a*"}}}}}}, e.Root)
	require.Equal(t, []string{"user.name"}, e.PersonFields)
	e = httpxtest.Decode[searchapi.Explanation](t, w.call(officer, "POST", "/v1/explain", searchapi.ExplainRequest{Query: "(a"}))
	require.False(t, e.Valid)
	require.Equal(t, searchapi.QueryError{Slug: "unclosed-group", Detail: e.Error.Detail, Start: 0, End: 1}, e.Error)
}

func TestCompletionOfFieldsAndWords(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.start(officer, "")
	complete := func(query string) searchapi.Completion {
		return httpxtest.Decode[searchapi.Completion](t, w.call(officer, "POST", "/v1/complete", searchapi.CompleteRequest{Context: c.Id, Query: query, Position: len(query)}))
	}
	require.Equal(t, searchapi.Proposal{Text: "host.name", Kind: "field", Type: "keyword"}, complete("host.n").Items[0])
	require.Equal(t, "varde.vendor", complete("leve").Items[0].Text)
	require.Equal(t, "srv-1", complete("host:s").Items[0].Text)
	require.Len(t, complete("host:s").Items, 1, "small counts are hidden")
	require.Equal(t, "failure", complete("outcome:f").Items[0].Text)
	require.Equal(t, "and", complete("host:x ").Items[0].Text)
	require.Equal(t, searchapi.CompletionHidden("names"), complete("user:").Hidden)
	fields := httpxtest.Decode[searchapi.FieldList](t, w.call(officer, "GET", "/v1/fields", nil))
	require.Greater(t, len(fields.Items), 50)
}

// TestAReadIsRecordedBeforeItIsShown_R41: with the audit service away nothing
// is read, and what is read leaves purpose, case, query and counts.
func TestAReadIsRecordedBeforeItIsShown_R41(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.start(officer, "case-1")
	calls := map[string]func() httpxtest.Response{
		"event.search": func() httpxtest.Response { return w.search(officer, c.Id, "user:kari"+mark) },
		"event.histogram": func() httpxtest.Response {
			return w.call(officer, "POST", "/v1/histogram", searchapi.HistogramRequest{Context: c.Id, From: begin, To: begin.Add(time.Hour)})
		},
		"event.terms": func() httpxtest.Response {
			return w.call(officer, "POST", "/v1/terms", searchapi.TermsRequest{Context: c.Id, Fields: []string{"user.name"}})
		},
		"event.around": func() httpxtest.Response {
			return w.call(officer, "POST", "/v1/around", searchapi.AroundRequest{Context: c.Id, Id: "event-003"})
		},
		"event.read": func() httpxtest.Response {
			return w.call(officer, "GET", "/v1/contexts/"+c.Id+"/events/event-003", nil)
		},
		"event.complete": func() httpxtest.Response {
			return w.call(officer, "POST", "/v1/complete", searchapi.CompleteRequest{Context: c.Id, Query: "user:", Position: 5})
		},
	}
	for action, call := range calls {
		w.audit.Fail(true)
		before := len(w.audit.Records())
		r := call()
		require.Equal(t, http.StatusServiceUnavailable, r.Status, "%s: %s", action, r.Body)
		require.NotContains(t, string(r.Body), mark)
		require.Len(t, w.audit.Records(), before)

		w.audit.Fail(false)
		recorded := 0
		w.index.before = func() { recorded = len(w.audit.Records()) - before }
		require.Equal(t, http.StatusOK, call().Status, action)
		w.index.before = nil
		require.Equal(t, 1, recorded, "%s: the intent is there when the index is read", action)
		records := w.audit.Records()[before:]
		require.Len(t, records, 2, action)
		intent, outcome := records[0], records[1]
		require.Equal(t, action, intent.Action)
		require.Equal(t, "intent", intent.Phase)
		require.Equal(t, "Follow up a report", intent.Purpose)
		require.Equal(t, "case-1", intent.CaseID)
		require.Equal(t, "shown", intent.Details["names"])
		require.Equal(t, "security-officer", intent.Actor.ID)
		require.Equal(t, intent.ID, outcome.Intent)
		require.Equal(t, "ok", outcome.Result)
		require.NotEmpty(t, outcome.Counts)
	}
}

func (f *failing) Search(ctx context.Context, q query, r eventindex.Range, p eventindex.Page) (eventindex.Hits, error) {
	f.call()
	return f.Index.Search(ctx, q, r, p)
}

func (f *failing) Histogram(ctx context.Context, q query, r eventindex.Range, i time.Duration, l *time.Location) ([]eventindex.Bucket, error) {
	f.call()
	return f.Index.Histogram(ctx, q, r, i, l)
}

func (f *failing) Terms(ctx context.Context, q query, r eventindex.Range, field string, n int) ([]eventindex.TermCount, error) {
	f.call()
	return f.Index.Terms(ctx, q, r, field, n)
}

func (f *failing) Around(ctx context.Context, id string, before, after int) ([]ecs.Event, error) {
	f.call()
	return f.Index.Around(ctx, id, before, after)
}

func (f *failing) Get(ctx context.Context, id string) (ecs.Event, error) {
	f.call()
	return f.Index.Get(ctx, id)
}

func TestViewsHaveOpaqueIds(t *testing.T) {
	t.Parallel()
	w := start(t)
	save := func(role auth.Role, v searchapi.NewView) searchapi.View {
		return httpxtest.Decode[searchapi.View](t, w.call(role, "POST", "/v1/views", v))
	}
	v := save(officer, searchapi.NewView{Query: "user:kari" + mark, Last: "24h", Columns: []string{"host.name"}})
	require.Len(t, v.Id, 26)
	require.Equal(t, v.Id, save(officer, searchapi.NewView{Query: "user:kari" + mark, Last: "24h", Columns: []string{"host.name"}}).Id)
	require.NotEqual(t, v.Id, save(auth.RoleAuditor, searchapi.NewView{Query: "user:kari" + mark, Last: "24h", Columns: []string{"host.name"}}).Id)
	require.Equal(t, "query-syntax", w.call(officer, "POST", "/v1/views", searchapi.NewView{Query: "("}).Slug())

	get := func(role auth.Role, id string) int {
		return w.call(role, "GET", "/v1/views/"+url.PathEscape(id), nil).Status
	}
	require.Equal(t, http.StatusOK, get(officer, v.Id))
	require.Equal(t, http.StatusOK, get(auth.RoleAuditor, v.Id))
	require.Equal(t, http.StatusNotFound, get(auth.RoleOperationsManager, v.Id), "its query names a person")
	plain := save(officer, searchapi.NewView{Query: "host:srv-1", Name: "Servers", From: begin, To: begin.Add(time.Hour)})
	require.Equal(t, http.StatusOK, get(auth.RoleOperationsManager, plain.Id))
	list := httpxtest.Decode[searchapi.ViewList](t, w.call(officer, "GET", "/v1/views", nil))
	require.Len(t, list.Items, 1)
	require.Equal(t, plain, list.Items[0])
	require.Empty(t, httpxtest.Decode[searchapi.ViewList](t, w.call(auth.RoleAuditor, "GET", "/v1/views", nil)).Items)
}

func TestEvidenceIsForServices(t *testing.T) {
	t.Parallel()
	w := start(t)
	service := authtest.Token(t, "search", auth.Principal{Subject: "cases", Service: true})
	path := "/v1/internal/events/event-003?tenant=granvik"
	r := httpxtest.Call(t, w.app, "GET", path, service, nil, httpx.HeaderTenant, "granvik")
	got := httpxtest.Decode[searchapi.EventEvidence](t, r)
	require.Equal(t, "<86>raw kari"+mark, got.Evidence.Original)
	require.Equal(t, "kari"+mark, got.Evidence.Account)
	require.Equal(t, "10.6.6.6", got.Evidence.Address)
	require.Equal(t, "ehr", got.SystemId)
	require.Equal(t, http.StatusForbidden, w.call(officer, "GET", path, nil).Status)
	require.Equal(t, http.StatusForbidden, httpxtest.Call(t, w.app, "GET", path, service, nil, httpx.HeaderTenant, "fjellbygd").Status)
	require.Equal(t, http.StatusNotFound, httpxtest.Call(t, w.app, "GET", "/v1/internal/events/foreign?tenant=granvik", service, nil, httpx.HeaderTenant, "granvik").Status)
}

func TestOldContextsAndViewsAreDeleted_R39(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.start(officer, "")
	v := httpxtest.Decode[searchapi.View](t, w.call(officer, "POST", "/v1/views", searchapi.NewView{Query: "host:a"}))
	named := httpxtest.Decode[searchapi.View](t, w.call(officer, "POST", "/v1/views", searchapi.NewView{Query: "host:a", Name: "Kept"}))
	w.pass(91 * 24 * time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.m.Run(ctx) }()
	await.True(t, func() bool { return w.call(officer, "GET", "/v1/views/"+v.Id, nil).Status == http.StatusNotFound })
	cancel()
	require.NoError(t, <-done)
	require.Equal(t, http.StatusNotFound, w.call(officer, "GET", "/v1/contexts/"+c.Id, nil).Status)
	require.Equal(t, http.StatusOK, w.call(officer, "GET", "/v1/views/"+named.Id, nil).Status)
	require.NoError(t, w.m.Ready(context.Background()))
}

// What a damaged file keeps from a search is said with what was found.
func TestASearchSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := start(t)
	dir := t.TempDir()
	x, err := embedded.Open(t.Context(), dir, embedded.Options{Unsafe: true})
	require.NoError(t, err)
	whole, lost := line(1), line(2)
	whole.Varde.Partition, lost.Varde.Partition = "granvik.standard.2026-11-20", "granvik.standard.2026-11-21"
	lost.Timestamp = lost.Timestamp.AddDate(0, 0, 1)
	_, err = x.Append(systemscope.Enter(t.Context(), "test"), []ecs.Event{whole, lost})
	require.NoError(t, err)
	require.NoError(t, x.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "granvik", lost.Varde.Partition+".events"), make([]byte, 8192), 0o600))
	x, err = embedded.Open(t.Context(), dir, embedded.Options{Unsafe: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, x.Close()) })
	w.index.Index = x
	c := w.start(officer, "")

	found := httpxtest.Decode[searchapi.SearchResult](t, w.search(officer, c.Id, ""))
	require.Len(t, found.Items, 1)
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	missing := []searchapi.Gap{{From: day, To: day.AddDate(0, 0, 1)}}
	require.Equal(t, missing, found.Gaps, "by the search that meets the damage too")
	of := func(from, to time.Time) (searchapi.SearchResult, searchapi.Histogram) {
		return httpxtest.Decode[searchapi.SearchResult](t, w.call(officer, "POST", "/v1/search", searchapi.SearchRequest{Context: c.Id, From: from, To: to})),
			httpxtest.Decode[searchapi.Histogram](t, w.call(officer, "POST", "/v1/histogram", searchapi.HistogramRequest{Context: c.Id, From: from, To: to}))
	}
	search, bars := of(begin, begin.AddDate(0, 0, 2))
	require.Equal(t, missing, search.Gaps)
	require.Equal(t, missing, bars.Gaps)
	search, bars = of(begin, begin.Add(time.Hour))
	require.Empty(t, search.Gaps, "it lies outside what was asked for")
	require.Empty(t, bars.Gaps)
}
