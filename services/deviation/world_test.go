package deviation

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/platform/audit/audittest"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/blob"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
	"varde.internal/platform/run/runtest"
	"varde.internal/schemas/gen/deviationapi"
	"varde.internal/schemas/topics"
)

// The embedded bus ends its connections a moment after its broker, and
// fasthttp keeps a clock, so what belongs to them is left out.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("varde.internal/platform/bus/kafka.(*Bus).Close.func1"),
		goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*Writer).Close"),
		goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*partitionWriter).writeBatch"),
		goleak.IgnoreAnyFunction("github.com/segmentio/kafka-go.(*connPool).discover"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	)
}

// findAll is a page that holds all that a test writes.
var findAll = docstore.FindOptions{Limit: 1000}

var t0 = time.Date(2026, 3, 2, 9, 17, 5, 0, time.UTC)

// world is the module on embedded engines, running.
type world struct {
	t     *testing.T
	m     *Module
	s     *Service
	bus   bus.Bus
	blobs blob.Bucket
	audit *audittest.Recorder
	clock *runtest.Clock
	log   *runtest.Log
	dir   string
}

var allTopics = []string{bus.TopicRegister, bus.TopicDirectory, bus.TopicReports, bus.TopicCases, bus.TopicAudit}

func start(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, bus: bustest.Start(t), audit: &audittest.Recorder{}, clock: runtest.NewClock(t0), log: &runtest.Log{}, dir: t.TempDir()}
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	w.blobs, err = blob.Open(t.Context(), "file://"+filepath.Join(w.dir, "blobs"), key)
	require.NoError(t, err)
	docs, err := sqlite.Open(t.Context(), "sqlite://"+filepath.Join(w.dir, "docs.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, docs.Close()); _ = w.blobs.Close() })
	for _, topic := range allTopics {
		require.NoError(t, w.bus.EnsureTopics(t.Context(), bus.TopicConfig{
			Name: topic, Partitions: 2, Retention: 24 * time.Hour, Compacted: topic == bus.TopicRegister || topic == bus.TopicDirectory,
		}))
	}
	cfg := Default()
	cfg.SweepInterval = time.Hour
	for _, c := range change {
		c(&cfg)
	}
	w.m, err = New(run.Deps{
		Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Clock: w.clock.Now, Metrics: prometheus.NewRegistry(),
		Bus: w.bus, Docs: docs, Blobs: w.blobs, Verifier: authtest.Verifier("deviation"), Audit: w.audit,
		Secret: func(use string) []byte { return []byte((use + strings.Repeat("-", 32))[:32]) },
	}, cfg)
	require.NoError(t, err)
	for _, tid := range []string{"bo", "lia"} {
		w.fact(tid, topics.KindTenant, tid, topics.Tenant{Name: strings.ToUpper(tid)})
		w.fact(tid, topics.KindUnit, "home", topics.Unit{Name: "Home care", Level: 3})
		w.fact(tid, topics.KindSystem, "ehr", topics.System{Name: "EHR", UnitID: "home"})
	}
	runtest.Start(t, w.m)
	w.s, err = w.m.Service()
	require.NoError(t, err)
	return w
}

func (w *world) fact(tid, kind, factID string, v any) {
	w.t.Helper()
	data, err := json.Marshal(v)
	require.NoError(w.t, err)
	value, err := json.Marshal(topics.Fact{Kind: kind, ID: factID, Tenant: tid, Versions: []topics.Version{{Data: data}}})
	require.NoError(w.t, err)
	topic := bus.TopicRegister
	if kind != topics.KindSystem {
		topic = bus.TopicDirectory
	}
	require.NoError(w.t, w.bus.Publish(w.t.Context(), topic, bus.Message{Tenant: tid, Key: tid + kind + factID, ID: factID, Type: topics.TypeFact, Version: 1, Value: value}))
}

func (w *world) publish(kind, tid string, v any) {
	w.t.Helper()
	value, err := json.Marshal(v)
	require.NoError(w.t, err)
	require.NoError(w.t, w.bus.Publish(w.t.Context(), bus.TopicCases, bus.Message{Tenant: tid, Key: "k", ID: id.New(), Type: kind, Version: 1, Value: value}))
}

func (w *world) token(person string) string {
	return authtest.Token(w.t, "deviation", auth.Principal{
		Subject: person, Tenant: "bo", Unit: "home", Session: "session", Grants: []auth.Grant{{Role: auth.RoleEmployee}},
	})
}

func (w *world) call(method, path, token string, body any, headers ...string) httpxtest.Response {
	w.t.Helper()
	return httpxtest.Call(w.t, w.m.App(), method, path, token, body, headers...)
}

func submission(key string, changes ...string) map[string]any {
	return map[string]any{
		"tenant": "bo", "submissionId": (key + strings.Repeat("x", 22))[:22], "formType": "general", "formVersion": 1,
		"answers": calm(append([]string{"systemId", "ehr"}, changes...)...),
	}
}

func (w *world) upload(token string, name string, content []byte) httpxtest.Response {
	w.t.Helper()
	return w.call("POST", "/v1/public/attachments", "", content, "Content-Type", "application/octet-stream",
		"Varde-Draft", token, "Varde-Tenant", "bo", "Varde-File-Name", name)
}

func (w *world) draft() string {
	w.t.Helper()
	return httpxtest.Decode[deviationapi.Draft](w.t, w.call("POST", "/v1/public/drafts", "", map[string]any{"tenant": "bo"})).Token
}

// topic reads all messages of a topic, when there are at least so many.
func (w *world) topic(name string, least int) []bus.Message {
	w.t.Helper()
	var mu sync.Mutex
	var got []bus.Message
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- w.bus.Follow(ctx, name, func(_ context.Context, batch []bus.Message) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, batch...)
			return nil
		}, func() {})
	}()
	await.True(w.t, func() bool { mu.Lock(); defer mu.Unlock(); return len(got) >= least })
	cancel()
	require.NoError(w.t, <-done)
	return got
}
