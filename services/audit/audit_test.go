package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/platform/audit"
	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/auth"
	"varde.internal/platform/auth/authtest"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
	"varde.internal/platform/run/runtest"
	"varde.internal/platform/tenant"
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
	return m, runtest.Start(w, m)
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
	await.True(w, func() bool {
		c, err := w.service(m).Checkpoint(officer(tid))
		return err == nil && c.Size >= n
	})
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
	await.True(t, func() bool {
		n, err := w.service(one).stores.records.Count(in("bo"), docstore.Eq{Field: "pending", Value: true})
		return err == nil && n == 0
	})
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
