package correlator

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"varde.internal/platform/bus"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// runner feeds the core and writes what it says: first to the look-back and the
// ledger, then the events are acknowledged. Its methods may be called at once.
//
// writing is held over I/O and taken before mu, which is not: a store that does
// not answer holds up what is to be said, never what is judged.
type runner struct {
	deps run.Deps
	cfg  Config

	writing  sync.Mutex
	ledger   *ledger
	patience time.Duration // with one call of the document store; what fails is tried again

	mu     sync.Mutex // core and all below
	core   *Core
	reader reader
	kept   []*Attempt // not stored yet
	queue  []Output   // not said yet

	// After a restart, partitions are read again from Rewind before. What
	// sequence rules say meanwhile is held, because a line that takes it back
	// may lie further on; then the net of it is said. A partition that nothing
	// is heard of for quietRewind is not waited for.
	rewinding map[int]*rewind
	held      map[string]Output
	since     time.Time // of the last line read again, or of the assignment
	behind    map[int]int64
	joined    bool // partitions were assigned

	metrics metrics
}

// rewind is one partition being read again.
type rewind struct {
	begun bool
	// warm is the message time before which state is incomplete, where the topic
	// was cut: what triggers before it was said before the restart.
	warm time.Time
}

const (
	quietRewind   = 30 * time.Second
	storePatience = 20 * time.Second
)

type metrics struct {
	events   prometheus.Counter
	findings *prometheus.CounterVec
	kept     prometheus.Gauge
	behind   prometheus.Gauge
	unsaid   prometheus.Gauge
	outlived prometheus.Gauge
	bad      *prometheus.CounterVec
}

func newRunner(deps run.Deps, cfg Config) *runner {
	f := promauto.With(deps.Metrics)
	r := &runner{
		deps: deps, cfg: cfg, patience: storePatience,
		core:      NewCore(Options{Rules: Rules(), Params: cfg.Params, Tenants: cfg.Tenants, LookBack: cfg.LookBack, Limit: cfg.Limit}),
		rewinding: map[int]*rewind{}, held: map[string]Output{}, behind: map[int]int64{},
		metrics: metrics{
			events:   f.NewCounter(prometheus.CounterOpts{Name: "varde_correlator_events_total", Help: "Events read."}),
			findings: f.NewCounterVec(prometheus.CounterOpts{Name: "varde_correlator_findings_total", Help: "Findings said, by rule and kind (raised, withdrawn)."}, []string{"rule", "kind"}),
			kept:     f.NewGauge(prometheus.GaugeOpts{Name: "varde_correlator_lookback_logons", Help: "Logons kept for judging again."}),
			behind:   f.NewGauge(prometheus.GaugeOpts{Name: "varde_correlator_behind_events", Help: "Events that are not read yet."}),
			outlived: f.NewGauge(prometheus.GaugeOpts{Name: "varde_correlator_outlived_sessions", Help: "Vendors' sessions that went on after their window or agreement had ended, since the start."}),
			unsaid:   f.NewGauge(prometheus.GaugeOpts{Name: "varde_correlator_unsaid_findings", Help: "Findings and withdrawals that wait for the document store, or for the end of a reading again."}),
			bad:      f.NewCounterVec(prometheus.CounterOpts{Name: "varde_correlator_unreadable_total", Help: "Messages that cannot be read, by topic."}, []string{"topic"}),
		},
	}
	r.reader.whole = r.core.Whole()
	return r
}

// open declares the collections and reads what was kept, again and again while
// the store is away. It reports false where ctx ended first.
func (r *runner) open(ctx context.Context) bool {
	return run.Open(ctx, r.deps.Log, "correlator", func(ctx context.Context) error {
		l, err := openLedger(ctx, r.deps.Docs, r.deps.Secret("topic-keys"), r.deps.Clock)
		if err != nil {
			return err
		}
		r.ledger = l
		// Findings can be withdrawn as long as their logons are kept.
		return l.load(ctx, r.core, r.deps.Clock().Add(-2*r.cfg.LookBack))
	})
}

// facts takes a batch of register or directory.
func (r *runner) facts(ctx context.Context, batch []bus.Message) error {
	list := make([]topics.Fact, 0, len(batch))
	for _, m := range batch {
		if m.Type != topics.TypeFact || len(m.Value) == 0 {
			continue
		}
		var f topics.Fact
		if err := json.Unmarshal(m.Value, &f); err != nil || f.Tenant != m.Tenant || !tenant.ID(m.Tenant).Valid() {
			r.unreadable(ctx, m)
			continue
		}
		list = append(list, f)
	}
	r.mu.Lock()
	out, errs := r.core.Facts(list, r.deps.Clock())
	r.take(out)
	r.mu.Unlock()
	for _, err := range errs {
		r.metrics.bad.WithLabelValues(bus.TopicRegister).Inc()
		r.deps.Log.ErrorContext(ctx, "fact cannot be read", "error", err)
	}
	// What cannot be written now is written by the ticker.
	if err := r.flush(ctx); err != nil && ctx.Err() == nil {
		r.deps.Log.WarnContext(ctx, "findings wait for the document store", "error", err)
	}
	return nil
}

// start judges all that was kept by the register as it is now.
func (r *runner) start(ctx context.Context) {
	r.mu.Lock()
	r.take(r.core.Start(r.deps.Clock()))
	logons := r.core.LookBackSize()
	r.mu.Unlock()
	if err := r.flush(ctx); err != nil && ctx.Err() == nil {
		r.deps.Log.WarnContext(ctx, "findings wait for the document store", "error", err)
	}
	r.deps.Log.InfoContext(ctx, "correlator knows the register", "logons", logons)
}

// assigned notes which partitions are read again.
func (r *runner) assigned(_ context.Context, partitions []int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behind, r.rewinding = map[int]int64{}, map[int]*rewind{}
	for _, p := range partitions {
		r.rewinding[p] = &rewind{}
	}
	r.since, r.joined = r.deps.Clock(), true
	return nil
}

// lag notes how far behind a partition is; one that was read to its end is not
// read again any more.
func (r *runner) lag(partition int, behind int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.behind[partition] = behind
	if behind == 0 {
		delete(r.rewinding, partition)
	}
	total := int64(0)
	for _, n := range r.behind {
		total += n
	}
	r.metrics.behind.Set(float64(total))
}

// events takes a batch of one partition. What it leads to is stored before it
// returns; after an error the batch comes again, and what the core took in
// already is no news to it.
func (r *runner) events(ctx context.Context, batch []bus.Message) error {
	r.judge(ctx, batch)
	return r.flush(ctx)
}

func (r *runner) judge(ctx context.Context, batch []bus.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.deps.Clock()
	for _, m := range batch {
		warm := r.replayed(m, now)
		r.metrics.events.Inc()
		if m.Type != topics.TypeEvent || !r.matters(m.Value) {
			continue
		}
		e, err := r.reader.event(m.Value)
		if err != nil || e.Varde.Tenant != m.Tenant || !tenant.ID(m.Tenant).Valid() {
			r.unreadable(ctx, m)
			continue
		}
		r.take(r.core.Event(e, m.Trace, warm, now))
	}
	r.kept = append(r.kept, r.core.Kept()...)
}

var (
	attemptMark = []byte(`"attempt"`)
	otherMarks  = [][]byte{
		[]byte(`"` + ecs.ActionAccountLocked + `"`), []byte(`"` + ecs.ActionSessionEnd + `"`), []byte(`"` + ecs.ActionLogoff + `"`),
	}
)

// matters reports whether an event must be read: most decide no login, lock no
// account and end no session, and only move the time of their source, which
// matters only while something waits for it.
func (r *runner) matters(value []byte) bool {
	return bytes.Contains(value, attemptMark) || r.core.Waiting() ||
		slices.ContainsFunc(otherMarks, func(m []byte) bool { return bytes.Contains(value, m) })
}

// replayed keeps account of the reading again, and reports whether what m
// triggers was said before.
func (r *runner) replayed(m bus.Message, now time.Time) (warm bool) {
	w := r.rewinding[m.Partition]
	if w == nil {
		return false
	}
	if !m.Replayed {
		delete(r.rewinding, m.Partition)
		return false
	}
	r.since = now
	if !w.begun {
		w.begun = true
		if m.Offset > 0 {
			w.warm = m.Time.Add(longestReach(r.cfg.Params))
		}
	}
	return m.Time.Before(w.warm)
}

// take sorts outputs into those to say now and those to hold while partitions
// are read again.
func (r *runner) take(out []Output) {
	for _, o := range out {
		if o.Sequence && len(r.rewinding) > 0 {
			r.held[o.Finding.ID] = o
		} else {
			r.queue = append(r.queue, o)
		}
	}
}

// settled ends the reading again once every partition is through.
func (r *runner) settled(ctx context.Context, now time.Time) {
	if !r.joined {
		return
	}
	if left := len(r.rewinding); left > 0 {
		if now.Sub(r.since) < quietRewind {
			return
		}
		r.deps.Log.WarnContext(ctx, "partitions are not read again to their end, going on without", "partitions", left, "findings", len(r.held))
	}
	r.rewinding = map[int]*rewind{}
	for _, o := range r.held {
		r.queue = append(r.queue, o)
	}
	r.held = map[string]Output{}
	r.take(r.core.Replayed())
}

// flush stores the look-back and says what is to be said; what fails stays.
// When it returns nil, all that was there when it was called is written.
func (r *runner) flush(ctx context.Context) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.mu.Lock()
	kept, queue := r.kept, r.queue
	r.mu.Unlock()
	if len(kept) > 0 {
		if err := r.patiently(ctx, func(ctx context.Context) error { return r.ledger.keep(ctx, kept) }); err != nil {
			return err
		}
		r.mu.Lock()
		r.kept = r.kept[len(kept):]
		r.mu.Unlock()
	}
	for _, o := range queue {
		sent := false
		err := r.patiently(ctx, func(ctx context.Context) (err error) {
			sent, err = r.ledger.say(ctx, o)
			return err
		})
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.queue = r.queue[1:]
		r.mu.Unlock()
		if sent {
			kind := "raised"
			if !o.Raised {
				kind = "withdrawn"
			}
			r.metrics.findings.WithLabelValues(o.Finding.Rule, kind).Inc()
		}
	}
	return nil
}

func (r *runner) patiently(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	return do(ctx)
}

// tick lets time pass until ctx is done.
func (r *runner) tick(ctx context.Context) {
	t := time.NewTicker(250 * time.Millisecond)
	defer t.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		err := r.beat(ctx)
		if err != nil && !failed && ctx.Err() == nil {
			r.deps.Log.WarnContext(ctx, "findings wait for the document store", "error", err)
		}
		failed = err != nil
	}
}

func (r *runner) beat(ctx context.Context) error {
	r.pass(ctx)
	return r.flush(ctx)
}

func (r *runner) pass(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.deps.Clock()
	r.settled(ctx, now)
	behind := len(r.rewinding) > 0
	for _, n := range r.behind {
		behind = behind || n > 0
	}
	r.take(r.core.Tick(now, behind))
	r.metrics.kept.Set(float64(r.core.LookBackSize()))
	r.metrics.unsaid.Set(float64(len(r.queue) + len(r.held)))
}

// tidy lets go of what is old until ctx is done, apart from tick: nothing that
// has to be said waits for it.
func (r *runner) tidy(ctx context.Context) {
	memory, store := time.NewTicker(time.Minute), time.NewTicker(10*time.Minute)
	defer memory.Stop()
	defer store.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-memory.C:
			r.mu.Lock()
			r.core.Sweep(r.deps.Clock())
			r.metrics.outlived.Set(float64(r.core.Counts().Outlived))
			r.mu.Unlock()
		case <-store.C:
			if err := r.expire(ctx); err != nil && ctx.Err() == nil {
				r.deps.Log.WarnContext(ctx, "old logons could not be deleted", "error", err)
			}
		}
	}
}

func (r *runner) expire(ctx context.Context) error {
	now := r.deps.Clock()
	return r.ledger.expire(ctx, now.Add(-r.cfg.LookBack), now.Add(-3*r.cfg.LookBack), func(tid, event string) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.core.Holds(tid, event)
	})
}

func (r *runner) unreadable(ctx context.Context, m bus.Message) {
	r.metrics.bad.WithLabelValues(m.Topic).Inc()
	r.deps.Log.ErrorContext(ctx, "message cannot be read", "topic", m.Topic, "partition", m.Partition, "offset", m.Offset, "type", m.Type)
}
