package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/platform/audit"
	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/auditapi"
	"varde.internal/schemas/topics"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, // the HTTP server's own, which live as long as the process
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

// failing is a store whose writes fail now and then, before or after they
// happened: as a process that dies, or a connection that breaks.
type failing struct {
	docstore.Store
	mu    sync.Mutex
	share float64 // of writes that fail
	rnd   *rand.Rand
}

var errBroken = errors.New("broken on purpose")

func (f *failing) roll() (before, after bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rnd == nil || f.rnd.Float64() >= f.share {
		return false, false
	}
	before = f.rnd.IntN(2) == 0
	return before, !before
}

func (f *failing) set(share float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.share = share
	if f.rnd == nil {
		f.rnd = rand.New(rand.NewPCG(1, 2))
	}
}

func (f *failing) Insert(ctx context.Context, c string, r docstore.Record) error {
	before, after := f.roll()
	if before {
		return errBroken
	}
	if err := f.Store.Insert(ctx, c, r); err != nil {
		return err
	}
	if after {
		return errBroken
	}
	return nil
}

func (f *failing) Replace(ctx context.Context, c string, r docstore.Record) error {
	before, after := f.roll()
	if before {
		return errBroken
	}
	if err := f.Store.Replace(ctx, c, r); err != nil {
		return err
	}
	if after {
		return errBroken
	}
	return nil
}

type world struct {
	*testing.T
	docs *failing
	bus  bus.Bus
	cfg  Config
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cfg := Default()
	cfg.SweepEvery = 50 * time.Millisecond
	return &world{T: t, docs: &failing{Store: sqlite.OpenTemp(t)}, bus: bustest.Start(t), cfg: cfg}
}

// start runs the module until stop (or the test's end).
func (w *world) start(log ...*slog.Logger) (m *Module, stop func()) {
	w.Helper()
	logger := slog.New(slog.DiscardHandler)
	if len(log) > 0 {
		logger = log[0]
	}
	m, err := New(run.Deps{
		Log: logger, Bus: w.bus, Docs: w.docs, Verifier: authtest.Verifier("audit"),
		Secret: func(use string) []byte {
			require.Equal(w, "audit-checkpoint", use)
			return bytes.Repeat([]byte{1}, 32)
		},
	}, w.cfg)
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	require.Eventually(w, func() bool { return m.Ready(ctx) == nil }, 10*time.Second, 5*time.Millisecond)
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(w, <-done)
	})
	w.Cleanup(stop)
	return m, stop
}

func in(tid tenant.ID) context.Context { return tenant.With(context.Background(), tid) }

// officer is the caller of a use case.
func officer(tid tenant.ID) context.Context {
	p := authtest.Person(tid, auth.RoleSecurityOfficer)
	p.StepUp, p.StepUpOf = time.Now(), string(auth.ActionAuditExport)
	return auth.With(in(tid), p)
}

func record(tid tenant.ID, n int) topics.AuditRecord {
	return topics.AuditRecord{
		ID: id.Of("test", string(tid), fmt.Sprint(n)), Tenant: string(tid), Time: time.Now().UTC(), Service: "search",
		Actor: topics.Actor{Type: "person", ID: fmt.Sprintf("p%d", n%3)}, Action: "event.search", Object: "context:1",
		Phase: audit.PhaseIntent, Purpose: "why",
	}
}

func (w *world) service(m *Module) *Service {
	w.Helper()
	s, err := m.Service()
	require.NoError(w, err)
	return s
}

// whole exports the whole log, checks it as `varde verify` does, and returns
// the ids in their order.
func (w *world) whole(m *Module, tid tenant.ID, kept ...string) ([]string, bundle.Bundle) {
	w.Helper()
	b, err := w.service(m).Export(officer(tid), 0, 0, "control")
	require.NoError(w, err)
	text, err := json.Marshal(b)
	require.NoError(w, err)
	read, err := bundle.Read(bytes.NewReader(text))
	require.NoError(w, err)
	report := bundle.Verify(read, bundle.Options{Key: m.PublicKey(), Earlier: kept})
	require.Empty(w, report.Problems)
	require.Equal(w, report.Size, report.To, "the whole log")
	var ids []string
	for _, e := range read.Entries {
		ids = append(ids, e.ID)
	}
	return ids, read
}

func (w *world) untilLogged(m *Module, tid tenant.ID, n int64) {
	w.Helper()
	require.Eventually(w, func() bool {
		c, err := w.service(m).Checkpoint(officer(tid))
		return err == nil && c.Size >= n
	}, 20*time.Second, 10*time.Millisecond)
}

func TestManyRecordsAtOnceAreEachInTheLogOnce_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, stop := w.start()
	s := w.service(m)
	const n = 240
	begun := time.Now()
	var wg sync.WaitGroup
	for worker := range 30 {
		wg.Go(func() {
			for i := range n / 30 {
				for _, tid := range []tenant.ID{"bo", "li"} {
					r := record(tid, worker*n/30+i)
					for range 2 { // a sender that repeats
						if err := s.Record(in(tid), r); err != nil {
							t.Error(err)
						}
					}
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begun)
	t.Logf("%.0f records a second", 2*n/took.Seconds())
	w.untilLogged(m, "bo", n)
	w.untilLogged(m, "li", n)
	for _, tid := range []tenant.ID{"bo", "li"} {
		ids, _ := w.whole(m, tid)
		seen := map[string]bool{}
		for _, one := range ids {
			require.False(t, seen[one], "twice in the log")
			seen[one] = true
		}
		for i := range n {
			require.True(t, seen[record(tid, i).ID])
		}
	}
	stop()
	m, _ = w.start()
	ids, _ := w.whole(m, "bo")
	require.GreaterOrEqual(t, len(ids), n)
}

func TestABrokenStoreLosesNothingAndDoublesNothing_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, stop := w.start()
	s := w.service(m)
	w.docs.set(0.1)
	stored := map[string]bool{}
	for i := range 150 {
		r := record("bo", i)
		if err := s.Record(in("bo"), r); err == nil {
			stored[r.ID] = true
		}
		if i%30 == 29 { // and the process ends in the middle of it
			stop()
			m, stop = w.start()
			s = w.service(m)
		}
	}
	require.Greater(t, len(stored), 100)
	w.docs.set(0)
	w.untilLogged(m, "bo", int64(len(stored)))
	ids, _ := w.whole(m, "bo")
	count := map[string]int{}
	for _, one := range ids {
		count[one]++
		require.Equal(t, 1, count[one], "twice in the log")
	}
	for one := range stored {
		require.Equal(t, 1, count[one], "an acknowledged record is missing")
	}
}

func TestTwoProcessesExtendOneLog_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, _ := w.start()
	two, _ := w.start()
	var wg sync.WaitGroup
	for p, m := range []*Module{one, two} {
		s := w.service(m)
		wg.Go(func() {
			for i := range 60 {
				if err := s.Record(in("bo"), record("bo", p*1000+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	w.untilLogged(one, "bo", 120)
	require.Eventually(t, func() bool {
		n, err := w.service(one).stores.records.Count(in("bo"), docstore.Eq{Field: "pending", Value: true})
		return err == nil && n == 0
	}, 10*time.Second, 10*time.Millisecond)
	ids, _ := w.whole(one, "bo")
	count := map[string]int{}
	for _, one := range ids {
		count[one]++
		require.Equal(t, 1, count[one])
	}
	for p := range 2 {
		for i := range 60 {
			require.Equal(t, 1, count[record("bo", p*1000+i).ID])
		}
	}
}

func TestAStoreThatWasTamperedWithDoesNotVerify_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	s := w.service(m)
	for i := range 20 {
		require.NoError(t, s.Record(in("bo"), record("bo", i)))
	}
	w.untilLogged(m, "bo", 20)
	_, b := w.whole(m, "bo")
	victim := b.Entries[7].ID

	_, err := s.stores.records.Update(in("bo"), victim, func(e *entry, _ *docstore.Outbox) error {
		r, err := e.record()
		r.Actor.ID = "somebody-else"
		body, _ := json.Marshal(r)
		e.Body = string(body)
		return err
	})
	require.NoError(t, err)
	changed, err := s.Export(officer("bo"), 0, 0, "")
	require.NoError(t, err)
	report := bundle.Verify(changed, bundle.Options{})
	require.False(t, report.OK)
	require.Equal(t, bundle.KindChanged, report.Problems[0].Kind)
	require.EqualValues(t, 7, report.Problems[0].Index)

	require.NoError(t, s.stores.records.Delete(in("bo"), victim))
	removed, err := s.Export(officer("bo"), 0, 0, "")
	require.NoError(t, err)
	report = bundle.Verify(removed, bundle.Options{})
	require.False(t, report.OK)
	require.Equal(t, bundle.KindRemoved, report.Problems[0].Kind)
}

func TestPartsOfALogAreProvedByThemselves_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	s := w.service(m)
	var kept []string
	for i := range 90 {
		require.NoError(t, s.Record(in("bo"), record("bo", i)))
		if i%30 == 29 {
			w.untilLogged(m, "bo", int64(i+1))
			c, err := s.Checkpoint(officer("bo"))
			require.NoError(t, err)
			kept = append(kept, c.Note)
		}
	}
	for _, r := range [][2]int64{{0, 10}, {17, 40}, {80, 10}} {
		b, err := s.Export(officer("bo"), r[0], int(r[1]), "")
		require.NoError(t, err)
		require.Equal(t, r[0]+r[1], b.To)
		report := bundle.Verify(b, bundle.Options{Key: m.PublicKey(), Earlier: kept})
		require.Empty(t, report.Problems)
		require.EqualValues(t, r[1], report.Records)
	}
	proof, err := s.Consistency(officer("bo"), 30, 60)
	require.NoError(t, err)
	require.NotEmpty(t, proof)
	_, err = s.Consistency(officer("bo"), 30, 100_000)
	require.Error(t, err)
	p, err := s.Prove(officer("bo"), record("bo", 33).ID)
	require.NoError(t, err)
	require.NotEmpty(t, p.Hashes)
}

func TestErasedContentIsGoneAndTheLogStillProves_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	s := w.service(m)
	for i := range 10 {
		require.NoError(t, s.Record(in("bo"), record("bo", i)))
	}
	w.untilLogged(m, "bo", 10)
	boundary := time.Now()
	for i := range 5 {
		require.NoError(t, s.Record(in("bo"), record("bo", 10+i)))
	}
	w.untilLogged(m, "bo", 15)
	n, err := s.Erase(in("bo"), boundary, "retention")
	require.NoError(t, err)
	require.Equal(t, 10, n)
	n, err = s.Erase(in("bo"), boundary, "retention")
	require.NoError(t, err)
	require.Zero(t, n)
	_, b := w.whole(m, "bo")
	report := bundle.Verify(b, bundle.Options{})
	require.Equal(t, 10, report.Erased)
	d, err := s.stores.records.Get(in("bo"), record("bo", 3).ID)
	require.NoError(t, err)
	require.Equal(t, entry{Received: d.Value.Received, Index: d.Value.Index, Logged: d.Value.Logged, Leaf: d.Value.Leaf, Erased: true}, d.Value)
	require.NoError(t, s.Record(in("bo"), record("bo", 3)), "one that comes again stays erased")
	found, _, err := s.Search(officer("bo"), Query{Actor: "p0", Limit: 200}, "")
	require.NoError(t, err)
	for _, f := range found {
		require.False(t, f.Erased, "nobody finds an erased record by a person")
	}
}

func TestARestoredBackupShowsAsRestored_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, stop := w.start()
	s := w.service(m)
	for i := range 20 {
		require.NoError(t, s.Record(in("bo"), record("bo", i)))
	}
	w.untilLogged(m, "bo", 20)
	stop()
	// The backup holds the first 20; what is logged afterwards is lost with the
	// store, but somebody kept its checkpoint.
	lost := newWorld(t)
	lostModule, _ := lost.start()
	for i := range 30 {
		require.NoError(t, lost.service(lostModule).Record(in("bo"), record("bo", 100+i)))
	}
	lost.untilLogged(lostModule, "bo", 30)
	later, err := lost.service(lostModule).Checkpoint(officer("bo"))
	require.NoError(t, err)

	w.cfg.Restored = "2026-11-22"
	for range 2 { // named again at a second start, it is marked once
		m, stop = w.start()
		_, b := w.whole(m, "bo", later.Note)
		require.Equal(t, []int64{20}, bundle.Verify(b, bundle.Options{Earlier: []string{later.Note}}).Restored)
		stop()
	}
}

func TestChangesComeByTheBusWithTheirTenant_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	out := audit.Change(topics.Actor{Type: "person", ID: "p1"}, "case.close", "case:1", map[string]string{"decision": "d"})
	out.Message.Tenant = "bo" // as docstore fills it
	require.Eventually(t, func() bool {
		return w.bus.Publish(t.Context(), out.Topic, out.Message, bus.Message{Tenant: "bo", Type: topics.TypeAuditRecord, Value: []byte("{")},
			bus.Message{Tenant: "Not one", Type: topics.TypeAuditRecord, Value: []byte("{}")}, out.Message) == nil
	}, 10*time.Second, 50*time.Millisecond)
	w.untilLogged(m, "bo", 1)
	var found []Found
	require.Eventually(t, func() bool {
		var err error
		found, _, err = w.service(m).Search(officer("bo"), Query{Action: "case."}, "")
		return err == nil && len(found) == 1
	}, 10*time.Second, 20*time.Millisecond)
	require.Equal(t, "bo", found[0].Record.Tenant)
	require.Equal(t, "cases", found[0].Record.Service)
	require.Equal(t, "d", found[0].Record.Details["decision"])
}

// The client of platform/audit against the service, over HTTP.
func TestTheClientRecordsAReadAndItsOutcome_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- m.App().Listener(listener) }()
	t.Cleanup(func() {
		require.NoError(t, m.App().Shutdown())
		require.NoError(t, <-served)
	})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c := audit.NewClient(audit.ClientConfig{
		Service: "search", Tokens: authtest.Tokens(t, "search"), Bus: w.bus,
		Endpoint: func(string) string { return "http://" + listener.Addr().String() }, HTTP: &http.Client{Transport: transport},
	})
	intent, err := c.Intent(in("bo"), topics.AuditRecord{Actor: topics.Actor{Type: "person", ID: "p1", Roles: []string{"security-officer"}}, Action: "event.search", CaseID: "c1", Purpose: "incident"})
	require.NoError(t, err)
	c.Outcome(in("bo"), intent, audit.ResultOK, map[string]int{"events": 7})
	found, _, err := w.service(m).Search(officer("bo"), Query{CaseID: "c1"}, "")
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Equal(t, audit.PhaseOutcome, found[0].Record.Phase)
	require.Equal(t, intent, found[0].Record.Intent)
	require.Equal(t, "p1", found[0].Record.Actor.ID, "an outcome is found by whom it was about")
	require.Equal(t, map[string]int{"events": 7}, found[0].Record.Counts)
	require.Equal(t, "search", found[1].Record.Service)
}

func TestReadingTheLogIsItselfInTheLog_R41(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	s := w.service(m)
	for i := range 7 {
		require.NoError(t, s.Record(in("bo"), record("bo", i)))
	}
	page, next, err := s.Search(officer("bo"), Query{Limit: 5, Actor: "p0"}, "spot check")
	require.NoError(t, err)
	require.Len(t, page, 3)
	require.Empty(t, next)
	var all []string
	for after := ""; ; {
		page, after, err = s.Search(officer("bo"), Query{Limit: 3, After: after}, "spot check")
		require.NoError(t, err)
		for _, f := range page {
			all = append(all, f.Record.Action)
		}
		if after == "" {
			break
		}
	}
	require.Len(t, all, 9)
	require.Equal(t, []string{"audit.read", "audit.read", "event.search"}, all[:3])
	_, _, err = s.Search(officer("bo"), Query{After: "nonsense"}, "")
	require.Error(t, err)
	other, _, err := s.Search(officer("li"), Query{}, "")
	require.NoError(t, err)
	require.Len(t, other, 1, "another tenant sees its own search and nothing else")
}

func TestExportsNeedAStepUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	ctx := auth.With(in("bo"), authtest.Person("bo", auth.RoleSecurityOfficer))
	_, err := w.service(m).Export(ctx, 0, 0, "")
	require.ErrorIs(t, err, auth.ErrStepUp)
	_, err = w.service(m).Export(auth.With(in("bo"), authtest.Person("bo", auth.RoleEmployee)), 0, 0, "")
	require.Error(t, err)
}

func TestRoutesRolesAndContractAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	s := w.service(m)
	mark := "marked-person"
	r := record("bo", 1)
	r.Actor.ID = mark
	require.NoError(t, s.Record(in("bo"), r))
	w.untilLogged(m, "bo", 1)
	contract := httpxtest.Contract(t, "audit")
	httpxtest.RoutesMatchContract(t, m.App(), contract)
	issue := func(tid tenant.ID) func(auth.Role) string {
		return func(role auth.Role) string { return authtest.Token(t, "audit", authtest.Person(tid, role)) }
	}
	httpxtest.RoleMatrix(t, m.App(), contract, issue("bo"),
		httpxtest.WithSample("proveRecord", httpxtest.Sample{Path: "/v1/records/" + r.ID + "/proof"}),
		httpxtest.WithSample("searchRecords", httpxtest.Sample{Body: map[string]any{}}),
		httpxtest.WithSample("proveConsistency", httpxtest.Sample{Path: "/v1/consistency?from=1&to=1"}),
		httpxtest.WithForeign(issue("li"), mark))
}

func TestOnlyServicesRecordAndInTheirOwnName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.start()
	r := record("bo", 1)
	r.Service = "somebody"
	token := authtest.Token(t, "audit", authtest.Service("search"))
	got := httpxtest.Call(t, m.App(), http.MethodPost, "/v1/intents", token, r, "Varde-Tenant", "bo")
	require.Equal(t, http.StatusCreated, got.Status, "%s", got.Body)
	require.Equal(t, r.ID, httpxtest.Decode[auditapi.Recorded](t, got).Id)
	d, err := w.service(m).stores.records.Get(in("bo"), r.ID)
	require.NoError(t, err)
	require.Equal(t, "search", d.Value.Service)

	got = httpxtest.Call(t, m.App(), http.MethodPost, "/v1/intents", token, r, "Varde-Tenant", "li")
	require.Equal(t, http.StatusBadRequest, got.Status, "another tenant's record")
	changed := r
	changed.Purpose = "other"
	got = httpxtest.Call(t, m.App(), http.MethodPost, "/v1/intents", token, changed, "Varde-Tenant", "bo")
	require.Equal(t, http.StatusConflict, got.Status)
	person := authtest.Token(t, "audit", authtest.Person("bo", auth.RoleSecurityOfficer))
	got = httpxtest.Call(t, m.App(), http.MethodPost, "/v1/intents", person, r)
	require.Equal(t, http.StatusForbidden, got.Status)

	page := httpxtest.Call(t, m.App(), http.MethodPost, "/v1/records/search", person, map[string]any{"action": "event.search"})
	list := httpxtest.Decode[auditapi.RecordList](t, page)
	require.Len(t, list.Items, 1)
	require.Equal(t, "why", list.Items[0].Purpose)
	cp := httpxtest.Decode[auditapi.Checkpoint](t, httpxtest.Call(t, m.App(), http.MethodGet, "/v1/checkpoint", person, nil))
	require.Equal(t, m.PublicKey(), cp.PublicKey)
}
