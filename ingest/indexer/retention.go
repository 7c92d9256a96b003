package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"varde.internal/ingest/archive"
	"varde.internal/platform/audit"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Periods say for how many days events are kept once the period of their
// partition is over, by retention class (a source's, "standard" where it names
// none). 0 keeps them for ever; so does a class that is not named, until it is.
type Periods struct {
	Days map[string]int
	// Floor is the least that any class is kept where a regime asks for it; it
	// lengthens shorter periods (R39).
	Floor int
}

// RetentionConfig is the written rule of what is deleted when (R63, R39).
type RetentionConfig struct {
	Periods
	// Tenants have their own periods for the classes they name, and their own
	// floor; the higher floor holds.
	Tenants map[string]Periods
	// Every is how often it is looked for what has expired; Retry how soon again
	// where that failed, or another process was at it.
	Every, Retry time.Duration
	// Doubt is how long the newest event may lie back before the clock is
	// doubted: then nothing is deleted until it has gone on for Settle.
	Doubt, Settle time.Duration
}

// standardDays is the default period of R39.
const standardDays = 90

// DefaultRetention keeps the standard class for 90 days (R39).
func DefaultRetention() RetentionConfig {
	return RetentionConfig{
		Periods: Periods{Days: map[string]int{topics.RetentionStandard: standardDays}},
		Every:   24 * time.Hour, Retry: time.Minute, Doubt: 45 * 24 * time.Hour, Settle: time.Hour,
	}
}

// longest is the most days that can be configured, a hundred years.
const longest = 36525

// Validate names everything that is wrong, joined, each by its key.
func (c RetentionConfig) Validate() error {
	errs := []error{c.validate("")}
	if _, ok := c.Days[topics.RetentionStandard]; !ok {
		errs = append(errs, errors.New("events.standard: the class of sources that name none needs a period"))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tenants)) {
		if !tenant.ID(name).Valid() {
			errs = append(errs, fmt.Errorf("tenants: %q cannot be the id of a tenant", name))
		}
		errs = append(errs, c.Tenants[name].validate("tenants."+name+"."))
	}
	if c.Every <= 0 || c.Retry <= 0 || c.Doubt <= 0 || c.Settle <= 0 {
		errs = append(errs, errors.New("every, retry, doubt and settle must be positive"))
	}
	return errors.Join(errs...)
}

func (p Periods) validate(at string) error {
	var errs []error
	check := func(key string, days int) {
		if days < 0 || days > longest {
			errs = append(errs, fmt.Errorf("%s%s: days must be between 0 (for ever) and %d", at, key, longest))
		}
	}
	for _, class := range slices.Sorted(maps.Keys(p.Days)) {
		if !eventindex.ValidPartition("x." + class) {
			errs = append(errs, fmt.Errorf("%sevents: %q cannot be a retention class", at, class))
		}
		check("events."+class, p.Days[class])
	}
	check("floor", p.Floor)
	return errors.Join(errs...)
}

// days a class of a tenant is kept; named is false where no rule says so.
func (c RetentionConfig) days(tenantID, class string) (days int, named bool) {
	own := c.Tenants[tenantID]
	if days, named = own.Days[class]; !named {
		days, named = c.Days[class]
	}
	if days > 0 {
		days = max(days, c.Floor, own.Floor)
	}
	return days, named
}

// Retention deletes partitions of the event index whose time is over: at its
// start and then daily, by one process at a time. Each deletion is in the
// tenant's audit log before it happens. What a case rests on is not touched:
// cases keep their own copy of each line, of findings and pins alike.
type Retention struct {
	deps   run.Deps
	cfg    RetentionConfig
	holder string
	// doubted is since when this process has thought that its clock may be wrong.
	doubted time.Time

	partitions, events *prometheus.CounterVec
	failures           prometheus.Counter
	last, unruled      prometheus.Gauge
	onHold             prometheus.Gauge
}

var _ run.Part = (*Retention)(nil)

// NewRetention wires it. It does no I/O.
func NewRetention(deps run.Deps, cfg RetentionConfig) (*Retention, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("retention: %w", err)
	}
	r := &Retention{
		deps: deps, cfg: cfg, holder: id.New(),
		partitions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "varde_retention_partitions_deleted_total", Help: "Partitions of the event index deleted because their time was over."}, []string{"tenant"}),
		events:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "varde_retention_events_deleted_total", Help: "Events in them."}, []string{"tenant"}),
		failures:   prometheus.NewCounter(prometheus.CounterOpts{Name: "varde_retention_failures_total", Help: "Passes that did not get through."}),
		last:       prometheus.NewGauge(prometheus.GaugeOpts{Name: "varde_retention_last_success_timestamp_seconds", Help: "When this process last got through; another process may have."}),
		onHold:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "varde_retention_partitions_held", Help: "Partitions whose time is over and that a legal hold keeps, as of the last pass of this process."}),
		unruled:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "varde_retention_partitions_without_rule", Help: "Partitions of a class that the configuration does not name: kept."}),
	}
	if deps.Metrics != nil {
		for _, c := range []prometheus.Collector{r.partitions, r.events, r.failures, r.last, r.unruled, r.onHold} {
			if err := deps.Metrics.Register(c); err != nil {
				return nil, fmt.Errorf("retention: %w", err)
			}
		}
	}
	return r, nil
}

// Name implements run.Part.
func (r *Retention) Name() string { return "retention" }

// App implements run.Part: its metrics are the indexer's.
func (r *Retention) App() *fiber.App { return nil }

// Ready implements run.Part: nothing waits for it.
func (r *Retention) Ready(context.Context) error { return nil }

// Run implements run.Part.
func (r *Retention) Run(ctx context.Context) error {
	failed := 0
	for {
		pause := r.cfg.Every
		done, err := r.Pass(ctx)
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // told to stop
		case err != nil:
			// Engines and the audit service start beside it: not worth a line at once.
			if failed++; failed > 2 {
				r.failures.Inc()
				r.deps.Log.Warn("deleting events whose time is over failed; trying again", "after", r.cfg.Retry, "err", err)
			}
			pause = min(r.cfg.Retry, time.Second<<min(failed, 10))
		case !done:
			pause = r.cfg.Retry
			if !r.doubted.IsZero() {
				pause = r.cfg.Settle
			}
		default:
			failed = 0
			r.last.Set(float64(r.deps.Clock().Unix()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// leaseFor is how long a process that died keeps others from deleting.
const leaseFor = 2 * time.Minute

const leaseName = "retention/events"

// Pass deletes what has expired by now; done is false where another process is
// at it, or where the clock is in doubt.
func (r *Retention) Pass(ctx context.Context) (done bool, err error) {
	leased, err := r.deps.Docs.Lease(ctx, leaseName, r.holder, leaseFor)
	if err != nil || !leased {
		return false, err
	}
	defer func() {
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = r.deps.Docs.Release(release, leaseName, r.holder) // it ends by itself otherwise
	}()
	all, err := r.deps.Events.Partitions(systemscope.Enter(ctx, "partitions whose time is over, of every tenant"))
	if err != nil {
		return false, err
	}
	expired := r.expired(all, r.deps.Clock())
	if len(expired) > 0 && r.doubts(all) {
		return false, nil
	}
	var errs []error
	held := 0
	for _, e := range expired {
		leased, err := r.deps.Docs.Lease(ctx, leaseName, r.holder, leaseFor)
		if err != nil || !leased {
			return false, errors.Join(append(errs, err)...)
		}
		kept, err := r.drop(ctx, e)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", e.Name, err))
		}
		if kept {
			held++
		}
		if ctx.Err() != nil {
			break
		}
	}
	r.onHold.Set(float64(held))
	if held > 0 {
		r.deps.Log.Info("events whose time is over are kept by legal holds", "partitions", held)
	}
	return true, errors.Join(errs...)
}

// expiry is a partition with the rule that ends it.
type expiry struct {
	eventindex.Partition
	class string
	days  int
	end   time.Time // of its period
}

func (r *Retention) expired(all []eventindex.Partition, now time.Time) (out []expiry) {
	unruled := map[string]int{}
	for _, p := range all {
		class, of, ok := eventindex.Period(p.Name)
		days, named := r.cfg.days(p.Tenant, class)
		switch {
		case !ok || !named:
			unruled[p.Tenant]++
		case days > 0 && !now.Before(of.To.AddDate(0, 0, days)):
			out = append(out, expiry{Partition: p, class: class, days: days, end: of.To})
		}
	}
	total := 0
	for t, n := range unruled {
		total += n
		r.deps.Log.Warn("partitions have no rule for their deletion and are kept: name their retention class in the configuration", "tenant", t, "partitions", n)
	}
	r.unruled.Set(float64(total))
	slices.SortFunc(out, func(a, b expiry) int { return a.end.Compare(b.end) })
	return out
}

// doubts says whether the clock may be wrong: nothing has come for long, and it
// has not gone on for long enough since this was noticed. A machine whose clock
// starts years ahead must not delete everything before it is set right.
func (r *Retention) doubts(all []eventindex.Partition) bool {
	var newest time.Time
	for _, p := range all {
		if p.Last.After(newest) {
			newest = p.Last
		}
	}
	if r.deps.Clock().Sub(newest) < r.cfg.Doubt {
		r.doubted = time.Time{}
		return false
	}
	if r.doubted.IsZero() {
		r.doubted = time.Now() // with the monotonic clock, which nobody sets
		r.deps.Log.Warn("nothing has been received for long, or the clock is wrong: events whose time is over are deleted later", "newest", newest, "later", r.cfg.Settle)
	}
	if time.Since(r.doubted) < r.cfg.Settle {
		return true
	}
	r.doubted = time.Time{}
	return false
}

// drop records that a partition is deleted and why, and deletes it, unless a
// legal hold keeps it. Where it cannot be recorded, or not be known whether it
// is held, nothing is deleted.
func (r *Retention) drop(ctx context.Context, e expiry) (kept bool, err error) {
	ctx = tenant.With(ctx, tenant.ID(e.Tenant))
	holds, err := Held(ctx, r.deps)
	if err != nil {
		return false, fmt.Errorf("ask for legal holds: %w", err)
	}
	if isHeld(holds, e) {
		return true, nil
	}
	intent, err := r.deps.Audit.Intent(ctx, topics.AuditRecord{
		Actor: topics.Actor{Type: "service", ID: Name}, Action: "event.expire", Object: "partition:" + e.Name,
		Purpose: "retention",
		Details: map[string]string{
			"class": e.class, "days": strconv.Itoa(e.days), "until": e.end.AddDate(0, 0, e.days).Format(time.RFC3339),
			"first": e.First.UTC().Format(time.RFC3339), "last": e.Last.UTC().Format(time.RFC3339),
		},
		Counts: map[string]int{"events": e.Events},
	})
	if err != nil {
		return false, err
	}
	// The archive first: what it still has and the index has not, it puts back.
	err = archive.NewFiles(r.deps.Blobs).Drop(ctx, e.Name)
	if err == nil {
		err = r.deps.Events.Drop(ctx, e.Name)
	}
	if err != nil {
		r.deps.Audit.Outcome(ctx, intent, audit.ResultError, nil)
		return false, err
	}
	r.deps.Audit.Outcome(ctx, intent, audit.ResultOK, map[string]int{"events": e.Events})
	r.partitions.WithLabelValues(e.Tenant).Inc()
	r.events.WithLabelValues(e.Tenant).Add(float64(e.Events))
	r.deps.Log.Info("deleted events whose time is over", slog.String("tenant", e.Tenant), slog.String("partition", e.Name),
		slog.Int("events", e.Events), slog.String("class", e.class), slog.Int("days", e.days))
	return false, nil
}
