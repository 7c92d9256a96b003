package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/audit"
	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/httpx"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/run"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
	audithttp "varde.internal/services/audit/http"
)

// Config of the audit service.
type Config struct {
	// CheckpointEvery is how often a log that has grown is signed.
	CheckpointEvery time.Duration
	// SweepEvery is how often the store is searched for records that a process
	// which died left without a place in the log.
	SweepEvery time.Duration
	// Retention is how long the content of records is kept; 0 keeps it for ever.
	// The sources name no period: it is the controller's to set.
	Retention time.Duration
	// StepUp is how long a step-up for an export holds.
	StepUp time.Duration
	// Restored names the restoration of a backup that this start is the first
	// after; each log then records that it was put back.
	Restored string
}

// Default is what runs where nothing is set.
func Default() Config {
	return Config{CheckpointEvery: time.Minute, SweepEvery: 10 * time.Second, StepUp: 5 * time.Minute}
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	if c.CheckpointEvery <= 0 || c.SweepEvery <= 0 || c.StepUp <= 0 || c.Retention < 0 {
		return errors.New("audit: durations must be positive")
	}
	return nil
}

// Topic is the declaration of the topic that brings records of changes.
func Topic() bus.TopicConfig {
	return bus.TopicConfig{Name: bus.TopicAudit, Partitions: 3, Retention: 14 * 24 * time.Hour}
}

// Module is the service as a part of Varde.
type Module struct {
	deps    run.Deps
	cfg     Config
	key     bundle.Key
	app     *fiber.App
	service run.Opened[Service]
}

var _ run.Part = (*Module)(nil)

// New wires the service. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Clock == nil {
		deps.Clock = time.Now
	}
	key, err := bundle.NewKey(deps.Secret("audit-checkpoint"))
	if err != nil {
		return nil, err
	}
	m := &Module{deps: deps, cfg: cfg, key: key}
	m.app, err = httpx.New(httpx.Config{
		Name: m.Name(), Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics, Ready: m.Ready,
	})
	if err != nil {
		return nil, err
	}
	audithttp.Routes(m.app, func() (audithttp.Audit, error) {
		s, err := m.Service()
		return api{s}, err
	})
	return m, nil
}

// Name is the part's name.
func (m *Module) Name() string { return "audit" }

// App has the routes.
func (m *Module) App() *fiber.App { return m.app }

// PublicKey is the key that checkpoints are signed with, for the
// installation's papers and `varde verify --key`.
func (m *Module) PublicKey() string { return m.key.Public }

// Service gives the use cases, or a problem while the stores are not open yet.
func (m *Module) Service() (*Service, error) { return m.service.Get() }

// Ready says whether records can be stored. The bus may be away meanwhile:
// what it brings waits in outboxes.
func (m *Module) Ready(ctx context.Context) error {
	if err := m.service.Ready(); err != nil {
		return err
	}
	return m.deps.Ready(ctx, run.Documents)
}

// Run opens the stores, gives what an earlier process left its place, and then
// records, signs and erases until ctx is done.
func (m *Module) Run(ctx context.Context) error {
	s := m.service.Open(ctx, m.deps.Log, m.Name(), m.open)
	if s == nil {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { s.run(ctx); return nil })
	g.Go(func() error { m.housekeeping(ctx, s); return nil })
	g.Go(func() error {
		if err := m.deps.Bus.EnsureTopics(ctx, Topic()); err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the part is being stopped
			}
			return err
		}
		return m.deps.Bus.Consume(ctx, bus.TopicAudit, "audit", bus.ConsumeOptions{}, s.HandleRecords)
	})
	return g.Wait()
}

// open declares the collections, and marks a restoration before anything else
// is logged.
func (m *Module) open(ctx context.Context) (*Service, error) {
	st, err := openStores(ctx, m.deps.Docs)
	if err != nil {
		return nil, err
	}
	s := newService(st, m.key, m.deps.Log, m.deps.Clock, m.cfg)
	return s, s.markRestored(ctx, m.cfg.Restored)
}

// housekeeping sweeps, signs and erases.
func (m *Module) housekeeping(ctx context.Context, s *Service) {
	sweep, sign := time.NewTicker(m.cfg.SweepEvery), time.NewTicker(m.cfg.CheckpointEvery)
	defer sweep.Stop()
	defer sign.Stop()
	erase := time.NewTicker(time.Hour)
	defer erase.Stop()
	warn := func(what string, err error) {
		if err != nil && ctx.Err() == nil {
			m.deps.Log.WarnContext(ctx, what, "error", err)
		}
	}
	warn("looking for records without a place failed", s.sweep(ctx, 0))
	for {
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			warn("looking for records without a place failed", s.sweep(ctx, m.cfg.SweepEvery))
		case <-sign.C:
			warn("signing a checkpoint failed", s.signGrown(ctx))
		case <-erase.C:
			if m.cfg.Retention > 0 {
				warn("erasing expired records failed", s.eraseAll(ctx, m.deps.Clock().Add(-m.cfg.Retention)))
			}
		}
	}
}

// sweep finds records that have waited for longer than age: their process died
// before it gave them a place.
func (s *Service) sweep(ctx context.Context, age time.Duration) error {
	all := systemscope.Enter(ctx, "records that wait for their place in the log")
	page, err := s.stores.records.Find(all, docstore.And{
		docstore.Eq{Field: "pending", Value: true}, docstore.Range{Field: "received", Lte: s.clock().Add(-age)},
	}, docstore.FindOptions{Sort: []docstore.Sort{{Field: "received"}}, Limit: 1000})
	if err != nil {
		return err
	}
	busy := s.tenantsWaiting() // theirs may be among what was found
	for _, d := range page.Docs {
		if tid := tenant.ID(d.Tenant); !slices.Contains(busy, tid) {
			s.enqueue(tid, pendingEntry{id: d.ID, swept: true, entry: d.Value})
		}
	}
	// Logs of tenants that were quiet since the last start are signed too.
	tenants, err := s.tenants(ctx)
	for _, t := range tenants {
		s.logOf(t)
	}
	return err
}

// tenants returns those that have a log.
func (s *Service) tenants(ctx context.Context) ([]tenant.ID, error) {
	groups, err := s.stores.chunks.GroupCount(systemscope.Enter(ctx, "tenants that have a log"), nil, "tenant")
	if err != nil {
		return nil, err
	}
	var out []tenant.ID
	for _, g := range groups {
		if name, ok := g.Value.(string); ok {
			out = append(out, tenant.ID(name))
		}
	}
	return out, nil
}

func (s *Service) signGrown(ctx context.Context) error {
	var errs []error
	for _, l := range s.allLogs() {
		if l.unsigned() {
			_, _, err := l.checkpoint(tenant.With(ctx, l.id), s.key)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Service) eraseAll(ctx context.Context, before time.Time) error {
	tenants, err := s.tenants(ctx)
	errs := []error{err}
	for _, t := range tenants {
		n, err := s.Erase(tenant.With(ctx, t), before, "retention")
		errs = append(errs, err)
		if n > 0 {
			s.log.InfoContext(ctx, "erased the content of expired records", "tenant", t, "records", n)
		}
	}
	return errors.Join(errs...)
}

// markRestored records in every log that it was put back to its present size
// by a backup: whoever kept a later checkpoint sees why it does not fit.
func (s *Service) markRestored(ctx context.Context, restoration string) error {
	if restoration == "" {
		return nil
	}
	tenants, err := s.tenants(ctx)
	if err != nil {
		return err
	}
	for _, t := range tenants {
		l, tctx := s.logOf(t), tenant.With(ctx, t)
		l.mu.Lock()
		err := l.load(tctx)
		size := l.size
		l.mu.Unlock()
		if err != nil {
			return err
		}
		err = s.Record(tctx, topics.AuditRecord{
			ID: id.Of("audit-restore", string(t), restoration), Tenant: string(t), Time: s.clock().UTC(), Service: "audit",
			Actor: topics.Actor{Type: "service", ID: "audit"}, Action: bundle.ActionRestore, Phase: audit.PhaseChange, Result: audit.ResultOK,
			Details: map[string]string{"size": fmt.Sprint(size)},
		})
		if err != nil && !errors.Is(err, errOtherContent) { // marked at an earlier start
			return err
		}
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	return nil
}

// HandleRecords takes a batch of the audit topic. A message that cannot become
// a record is logged and left: it would never become one.
func (s *Service) HandleRecords(ctx context.Context, batch []bus.Message) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(32)
	for _, m := range batch {
		g.Go(func() error {
			err := s.handle(gctx, m)
			var p *problem.Error
			if errors.As(err, &p) && (p.Kind == problem.KindInvalid || p.Kind == problem.KindConflict) {
				s.log.ErrorContext(ctx, "message is no audit record", "partition", m.Partition, "offset", m.Offset, "problem", p.Slug)
				return nil
			}
			return err
		})
	}
	return g.Wait()
}

func (s *Service) handle(ctx context.Context, m bus.Message) error {
	if m.Type != topics.TypeAuditRecord || !tenant.ID(m.Tenant).Valid() {
		return problem.Invalid("The message is no audit record.")
	}
	var r topics.AuditRecord
	if err := json.Unmarshal(m.Value, &r); err != nil {
		return problem.Invalid("The message cannot be read.").Because(err)
	}
	if r.Tenant == "" {
		r.Tenant = m.Tenant // audit.Change leaves it to the document's
	}
	return s.Record(tenant.With(ctx, tenant.ID(m.Tenant)), r)
}
