package correlator

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// halting is a store whose inserts do not answer while it halts.
type halting struct {
	docstore.Store
	halts atomic.Bool
}

func (h *halting) Insert(ctx context.Context, collection string, r docstore.Record) error {
	if h.halts.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Store.Insert(ctx, collection, r)
}

// bench is a runner without its topics: its methods are called by hand, and the
// messages it would send are read from the outboxes.
type bench struct {
	*runner
	t    *testing.T
	docs *halting
	now  time.Time
}

func newBench(t *testing.T, facts ...topics.Fact) *bench {
	b := &bench{t: t, docs: &halting{Store: sqlite.OpenTemp(t)}, now: days(1)}
	b.runner = newRunner(run.Deps{
		Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return b.now }, Metrics: prometheus.NewRegistry(), Docs: b.docs,
		Secret: func(string) []byte { return []byte("secret") },
	}, Default())
	require.True(t, b.open(t.Context()))
	_, errs := b.core.Facts(facts, b.now)
	require.Empty(t, errs)
	b.start(t.Context())
	return b
}

func (b *bench) batch(partition int, replayed bool, events ...*ecs.Event) []bus.Message {
	var list []bus.Message
	for _, e := range events {
		raw, err := json.Marshal(e)
		require.NoError(b.t, err)
		list = append(list, bus.Message{Tenant: boe, Type: topics.TypeEvent, Value: raw, Partition: partition, Time: b.now, Replayed: replayed})
	}
	return list
}

// sent are the messages of all findings, each finding's in order.
func (b *bench) sent() (list []topics.Finding, kinds []string) {
	pending, err := b.docs.Pending(b.t.Context(), findingsCollection, 100)
	require.NoError(b.t, err)
	for _, d := range pending {
		for _, m := range d.Messages {
			var f topics.Finding
			require.NoError(b.t, json.Unmarshal(m.Message.Value, &f))
			list, kinds = append(list, f), append(kinds, m.Message.Type)
		}
	}
	return list, kinds
}

func TestAStoreThatDoesNotAnswerHoldsUpOnlyWhatIsToBeSaid(t *testing.T) {
	t.Parallel()
	b, w := newBench(t, region()...), newWorld(t)
	b.patience = 50 * time.Millisecond
	b.docs.halts.Store(true)
	require.ErrorIs(t, b.events(t.Context(), b.batch(0, false, w.login("03:12"))), context.DeadlineExceeded)

	b.patience = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	stuck := make(chan error, 1)
	go func() { stuck <- b.flush(ctx) }()
	await.True(t, func() bool { return !b.writing.TryLock() || unlock(&b.writing) })
	b.judge(t.Context(), b.batch(0, false, w.login("03:20"))) // comes back while the flush hangs
	b.lag(0, 0)
	b.pass(t.Context())
	cancel()
	require.ErrorIs(t, <-stuck, context.Canceled)

	b.docs.halts.Store(false)
	require.NoError(t, b.beat(t.Context()))
	list, _ := b.sent()
	require.Len(t, list, 2, "nothing is lost, nothing said twice")
}

// unlock undoes a TryLock that succeeded, and is false: nobody held it.
func unlock(l interface{ Unlock() }) bool { l.Unlock(); return false }

func TestAPartitionThatIsNotReadHoldsNothingForEver_C1(t *testing.T) {
	t.Parallel()
	b, w := newBench(t, region()...), newWorld(t)
	require.NoError(t, b.assigned(t.Context(), []int{0, 1}))
	require.NoError(t, b.events(t.Context(), b.batch(0, true, w.fails("12:00", 5)...)))
	b.lag(0, 0)
	for range 20 { // partition 1 says nothing; what it may hold can prevent the finding
		b.now = b.now.Add(time.Second)
		require.NoError(t, b.beat(t.Context()))
	}
	list, _ := b.sent()
	require.Empty(t, list)
	for range 60 {
		b.now = b.now.Add(time.Second)
		require.NoError(t, b.beat(t.Context()))
	}
	list, _ = b.sent()
	require.Len(t, list, 1)
	require.Equal(t, "C1", list[0].Rule)
}

func TestTheEndOfAReadingAgainIsSaidAtOnce_C1(t *testing.T) {
	t.Parallel()
	b, w := newBench(t, region()...), newWorld(t)
	require.NoError(t, b.assigned(t.Context(), []int{0, 1}))
	require.NoError(t, b.events(t.Context(), b.batch(0, true, w.fails("12:00", 5)...)))
	b.now = b.now.Add(6 * time.Second)
	require.NoError(t, b.beat(t.Context()))
	b.lag(1, 0) // empty, said before any batch
	b.lag(0, 0)
	b.now = b.now.Add(6 * time.Second)
	require.NoError(t, b.beat(t.Context()))
	list, _ := b.sent()
	require.Len(t, list, 1)
}

// Whoever reads findings lets what was decided last hold: a clock that was set
// back, or two changes in one batch, must not turn them round.
func TestEveryChangeOfAFindingIsDecidedLaterThanTheOneBefore_C4(t *testing.T) {
	t.Parallel()
	b, w := newBench(t, region()...), newWorld(t)
	require.NoError(t, b.events(t.Context(), b.batch(0, false, w.login("03:12"))))
	b.now = b.now.Add(-time.Hour) // the machine's clock is corrected
	approved := approve(night, at("09:00"))
	fact := func(f topics.Fact) []bus.Message {
		raw, err := json.Marshal(f)
		require.NoError(t, err)
		return []bus.Message{{Tenant: boe, Type: topics.TypeFact, Value: raw}}
	}
	require.NoError(t, b.facts(t.Context(), fact(approved)))
	approved.Versions = append(approved.Versions, version(night, from(at("05:00")), recorded(at("11:00"))))
	require.NoError(t, b.facts(t.Context(), fact(approved)))
	list, kinds := b.sent()
	require.Equal(t, []string{topics.TypeFindingRaised, topics.TypeFindingWithdrawn, topics.TypeFindingRaised}, kinds)
	require.True(t, list[1].Decided.After(list[0].Decided))
	require.True(t, list[2].Decided.After(list[1].Decided))
}

func TestALineReadAgainSaysWhatIsNewOfIt_C4(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	e := w.login("03:12")
	w.see(e)
	require.Len(t, w.said, 1)
	again := *e
	again.Varde.Generation = 1
	w.see(&again)
	require.Len(t, w.said, 1, "it means what it meant")
	other := again
	other.Varde.Generation, other.User = 2, &ecs.User{Name: "kari"}
	w.see(&other)
	require.Empty(t, w.standing())
	require.Equal(t, "read-again", w.lastWithdrawal().Explained.Slug)
}

func TestASourceWhoseClockIsAheadIsHeard_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.now = at("12:00")
	events := w.fails("12:00", 5, user("kari"))
	for _, e := range events {
		e.Timestamp = e.Timestamp.AddDate(0, 0, 9)
	}
	w.see(events...)
	w.pass(59 * time.Second)
	require.Empty(t, w.said)
	w.pass(2 * time.Second)
	require.Equal(t, []string{"C1"}, w.rules(), "it waits from its arrival")
}

func TestOneLineFromTheFutureEndsNoWait_C1(t *testing.T) {
	t.Parallel()
	w := newWorld(t, region()...)
	w.now = at("12:00:05")
	w.see(w.fails("12:00", 5)...)
	future := w.login("12:00", user("kari"), notAttempt)
	future.Timestamp = days(400)
	w.see(future)
	require.Empty(t, w.said)
	w.see(w.login("12:00:30", locked))
	w.now = at("12:02")
	w.pass(time.Minute)
	require.Empty(t, w.said, "the lock came in time")
}
