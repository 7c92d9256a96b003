package reparse_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/ingest/indexer"
	"varde.internal/ingest/reparse"
	"varde.internal/platform/audit/audittest"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore"
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
	"varde.internal/schemas/gen/reparseapi"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/schemas/topics"
)

// begin is when the lines of the tests were received.
var begin = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// world is the part on embedded engines, with an indexer beside it.
type world struct {
	t     testing.TB
	deps  run.Deps
	cfg   reparse.Config
	audit *audittest.Recorder
	index *counting
	m     *reparse.Module
	stop  func()
	now   *runtest.Clock
	told  *audited

	mu    sync.Mutex
	holds []searchapi.HeldTime
}

// hold puts what was received from a time on under a legal hold.
func (w *world) hold(from time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds = []searchapi.HeldTime{{From: from}}
}

// counting is a real index that counts what is replaced.
type counting struct {
	eventindex.Index
	mu       sync.Mutex
	statuses map[eventindex.Status]int
}

func (c *counting) Append(ctx context.Context, events []ecs.Event) ([]eventindex.Result, error) {
	results, err := c.Index.Append(ctx, events)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range results {
		c.statuses[r.Status]++
	}
	return results, err
}

func (c *counting) count(s eventindex.Status) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statuses[s]
}

// audited reads the changes that are recorded on the topic.
type audited struct {
	mu      sync.Mutex
	records []topics.AuditRecord
}

func (a *audited) handle(_ context.Context, batch []bus.Message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range batch {
		var r topics.AuditRecord
		if err := json.Unmarshal(m.Value, &r); err != nil {
			return err
		}
		a.records = append(a.records, r)
	}
	return nil
}

func (a *audited) of(action string) (out []topics.AuditRecord) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.records {
		if r.Action == action {
			out = append(out, r)
		}
	}
	return out
}

type tokens struct{ t testing.TB }

func (s tokens) Token(_ context.Context, audience string) (string, error) {
	return authtest.Token(s.t, audience, auth.Principal{Subject: "reparse", Service: true}), nil
}

func start(t testing.TB, change func(*reparse.Config)) *world {
	t.Helper()
	b := bustest.Start(t)
	require.NoError(t, b.EnsureTopics(t.Context(),
		bus.TopicConfig{Name: bus.TopicEvents, Partitions: 3, Retention: time.Hour}, bus.TopicConfig{Name: bus.TopicEventsFailed, Partitions: 1, Retention: time.Hour},
		bus.TopicConfig{Name: bus.TopicAudit, Partitions: 1, Retention: time.Hour},
		bus.TopicConfig{Name: bus.TopicRegister, Partitions: 1, Compacted: true}, bus.TopicConfig{Name: bus.TopicDirectory, Partitions: 1, Compacted: true}))
	w := &world{}
	// The services of cases and search as they are seen from here: over HTTP, in
	// a tenant.
	cases := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/internal/holds" {
			w.mu.Lock()
			defer w.mu.Unlock()
			_ = json.NewEncoder(rw).Encode(searchapi.Held{Items: w.holds})
			return
		}
		id := strings.TrimPrefix(r.URL.Path, "/v1/internal/cases/")
		if r.Header.Get(httpx.HeaderTenant) != "bo" || id != "open" && id != "closed" {
			rw.Header().Set("Content-Type", httpx.MediaProblem)
			rw.WriteHeader(http.StatusNotFound)
			_, _ = rw.Write([]byte(`{"type":"https://varde.internal/problems/case-not-found","title":"x","status":404}`))
			return
		}
		_, _ = fmt.Fprintf(rw, `{"id":%q,"number":"1","open":%v,"unit":"","owners":[],"involved":[]}`, id, id == "open")
	}))
	t.Cleanup(cases.Close)
	*w = world{t: t, audit: &audittest.Recorder{}, index: &counting{Index: embedded.OpenTemp(t), statuses: map[eventindex.Status]int{}},
		now: runtest.NewClock(begin.Add(time.Hour)), told: &audited{}, cfg: reparse.Default()}
	w.deps = run.Deps{
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Clock: w.now.Now, Bus: b, Docs: sqlite.OpenTemp(t), Events: w.index, Audit: w.audit,
		Verifier: authtest.Verifier("reparse"), Tokens: tokens{t}, Endpoint: func(string) string { return cases.URL },
		Secret: func(use string) []byte { s := sha256.Sum256([]byte(use)); return s[:] },
	}
	w.cfg.Look = 50 * time.Millisecond
	if change != nil {
		change(&w.cfg)
	}
	followed := sync.WaitGroup{}
	ctx, cancel := context.WithCancel(context.Background())
	followed.Go(func() { _ = b.Follow(ctx, bus.TopicAudit, w.told.handle, func() {}) })
	t.Cleanup(func() { cancel(); followed.Wait() })
	w.source("bo", "web", topics.Source{Name: "Web", Kind: "syslog", Format: "rfc5424"})
	w.source("bo", "other", topics.Source{Name: "Other", Kind: "syslog"})
	w.source("nes", "theirs", topics.Source{Name: "Theirs", Kind: "syslog", Format: "rfc5424"})
	icfg := indexer.Default()
	icfg.MaxWait = 20 * time.Millisecond
	deps := w.deps
	deps.Metrics = prometheus.NewRegistry()
	im, err := indexer.New(deps, icfg)
	require.NoError(t, err)
	runtest.Start(t, im)
	w.begin()
	return w
}

// begin starts the part, as a process does.
func (w *world) begin() {
	w.t.Helper()
	w.deps.Metrics = prometheus.NewRegistry()
	m, err := reparse.New(w.deps, w.cfg)
	require.NoError(w.t, err)
	w.m, w.stop = m, runtest.Start(w.t, m)
}

// source puts a source into the register as it stands from now on.
func (w *world) source(owner, id string, s topics.Source) {
	w.t.Helper()
	data, err := json.Marshal(s)
	require.NoError(w.t, err)
	value, err := json.Marshal(topics.Fact{Kind: topics.KindSource, ID: id, Tenant: owner, Versions: []topics.Version{{ValidFrom: time.Unix(0, 0), RecordedAt: time.Unix(0, 0), Data: data}}})
	require.NoError(w.t, err)
	require.NoError(w.t, w.deps.Bus.Publish(w.t.Context(), bus.TopicRegister, bus.Message{Tenant: owner, Key: owner + id, ID: id, Type: topics.TypeFact, Version: 1, Value: value}))
}

// mended is the source whose format was wrong, put right.
func (w *world) mended() { w.source("bo", "web", topics.Source{Name: "Web", Kind: "syslog"}) }

const marked = "karimarked"

func raw(n int) string {
	return fmt.Sprintf("Nov 20 10:%02d:%02d web01 sshd[7]: Failed password for %s from 192.0.2.7 port 22 ssh2", n/60%60, n%60, marked)
}

func letter(owner, source string, n int) topics.DeadLetter {
	return topics.DeadLetter{ID: fmt.Sprintf("%s-%s-%05d", owner, source, n), Tenant: owner, Source: source, Stage: "collect", Reason: "invalid-priority", Detail: "there is none",
		Received: begin.Add(time.Duration(n) * time.Second), Raw: []byte(raw(n)), Provenance: ecs.ProvenanceTCP, Live: true}
}

func (w *world) dead(letters ...topics.DeadLetter) {
	w.t.Helper()
	var msgs []bus.Message
	for _, l := range letters {
		value, err := json.Marshal(l)
		require.NoError(w.t, err)
		msgs = append(msgs, bus.Message{Tenant: l.Tenant, Key: l.Source, ID: l.ID, Type: topics.TypeDeadLetter, Version: 1, Value: value})
	}
	require.NoError(w.t, w.deps.Bus.Publish(w.t.Context(), bus.TopicEventsFailed, msgs...))
}

func many(n int) (out []topics.DeadLetter) {
	for i := range n {
		out = append(out, letter("bo", "web", i))
	}
	return out
}

func (w *world) call(p auth.Principal, method, path string, in any, out any) httpxtest.Response {
	w.t.Helper()
	r := httpxtest.Call(w.t, w.m.App(), method, path, authtest.Token(w.t, "reparse", p), in)
	if out != nil && r.Status < 300 {
		require.NoError(w.t, json.Unmarshal(r.Body, out), string(r.Body))
	}
	return r
}

var officer = authtest.Person("bo", auth.RoleSecurityOfficer)

func (w *world) groups(p auth.Principal) []reparseapi.Group {
	w.t.Helper()
	var list reparseapi.GroupList
	require.Equal(w.t, http.StatusOK, w.call(p, http.MethodGet, "/v1/dead-letters", nil, &list).Status)
	return list.Items
}

// letters waits until so many came.
func (w *world) letters(n int) []reparseapi.Group {
	w.t.Helper()
	var groups []reparseapi.Group
	await.True(w.t, func() bool {
		groups = w.groups(officer)
		came, here := 0, 0
		for _, g := range groups {
			came += g.Count
			here += g.Kept + g.Dropped
		}
		return came == n && here == n
	}, "%d letters are listed", n)
	return groups
}

func (w *world) start(in reparseapi.NewJob) reparseapi.Job {
	w.t.Helper()
	var job reparseapi.Job
	r := w.call(officer, http.MethodPost, "/v1/jobs", in, &job)
	require.Equal(w.t, http.StatusCreated, r.Status, string(r.Body))
	return job
}

func (w *world) job(id string) (job reparseapi.Job) {
	w.t.Helper()
	require.Equal(w.t, http.StatusOK, w.call(officer, http.MethodGet, "/v1/jobs/"+id, nil, &job).Status)
	return job
}

// do starts a job and waits for its end.
func (w *world) do(in reparseapi.NewJob) reparseapi.Job {
	w.t.Helper()
	return w.ended(w.start(in).Id)
}

func (w *world) ended(id string) (job reparseapi.Job) {
	w.t.Helper()
	await.True(w.t, func() bool {
		job = w.job(id)
		return !job.Ended.IsZero()
	}, "job %s ends", id)
	return job
}

// found counts the events of a tenant that match.
func (w *world) found(owner tenant.ID, query string) int {
	w.t.Helper()
	q, err := kql.Parse(query, kql.Options{})
	require.NoError(w.t, err)
	hits, err := w.index.Search(tenant.With(w.t.Context(), owner), q, eventindex.Range{}, eventindex.Page{Limit: 1})
	require.NoError(w.t, err)
	return hits.Total
}

// stored puts events as they were read under a wrong format into the index.
func (w *world) stored(n int) {
	w.t.Helper()
	events := make([]ecs.Event, n)
	for i := range events {
		events[i] = unread(i)
	}
	_, err := w.index.Index.Append(systemscope.Enter(w.t.Context(), "test"), events)
	require.NoError(w.t, err)
}

// unread is a line that was kept without being understood.
func unread(i int) ecs.Event {
	received := begin.Add(time.Duration(i) * time.Second)
	e := ecs.Event{Timestamp: received, Message: raw(i), Event: ecs.Meta{ID: fmt.Sprintf("kept-%05d", i), Kind: "event", Dataset: "unparsed", Original: raw(i), Created: received}}
	e.Varde = ecs.Varde{Tenant: "bo", Source: "web", Partition: "bo.standard.2026-11-20", Provenance: ecs.ProvenanceTCP, Generation: 1}
	return e
}

func theDay() reparseapi.NewJob {
	return reparseapi.NewJob{Kind: "reparse", From: begin.Truncate(24 * time.Hour), To: begin.Truncate(24*time.Hour).AddDate(0, 0, 1)}
}

// dump gives the documents of a collection as they are stored.
func (w *world) dump(collection string) (out []string) {
	w.t.Helper()
	all, err := docstore.Open[json.RawMessage](w.t.Context(), w.deps.Docs, docstore.Definition{Name: collection, Version: 1})
	require.NoError(w.t, err)
	page, err := all.Find(tenant.With(w.t.Context(), "bo"), nil, docstore.FindOptions{})
	require.NoError(w.t, err)
	for _, d := range page.Docs {
		out = append(out, string(d.Value))
	}
	return out
}
