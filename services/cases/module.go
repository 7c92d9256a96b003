package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"
	_ "time/tzdata" // the year of a case number is that of the municipality's clock

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/schemas/topics"
	caseshttp "varde.internal/services/cases/http"
)

// Config of the cases service.
type Config struct {
	Settings Settings
	// JobInterval is how often cases are looked through for what is to escalate.
	JobInterval time.Duration
	TimeZone    string // of case numbers' years
}

// Default is what runs where nothing is set.
func Default() Config {
	return Config{Settings: DefaultSettings(), JobInterval: 15 * time.Second, TimeZone: "Europe/Oslo"}
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	s := c.Settings
	for _, severity := range severities {
		if s.Acknowledge[severity] <= 0 || s.Internal[severity] <= 0 {
			return fmt.Errorf("cases: severity %s needs a time to acknowledge and one to handle", severity)
		}
	}
	if s.GDPR <= 0 || s.DigitalSecurity <= 0 || s.Emergency <= 0 || s.QuietPeriod <= 0 || c.JobInterval <= 0 {
		return errors.New("cases: durations must be positive")
	}
	if _, err := time.LoadLocation(c.TimeZone); err != nil {
		return fmt.Errorf("cases: %w", err)
	}
	return nil
}

// Module is the service as a part of Varde.
type Module struct {
	deps    run.Deps
	cfg     Config
	app     *fiber.App
	org     *Org
	service run.Opened[Service]
	// register and directory say whether these topics were read to their end.
	register, directory atomic.Bool
}

// New wires the service. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Module{deps: deps, cfg: cfg, org: NewOrg()}
	app, err := httpx.New(httpx.Config{
		Name: m.Name(), Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics, Ready: m.Ready,
	})
	if err != nil {
		return nil, err
	}
	caseshttp.Routes(app, func() (caseshttp.Cases, error) {
		s, err := m.Service()
		return api{s}, err
	})
	m.app = app
	return m, nil
}

// Name is the part's name.
func (m *Module) Name() string { return "cases" }

// App has the routes.
func (m *Module) App() *fiber.App { return m.app }

// Service gives the use cases, or a problem while the stores are not open yet.
func (m *Module) Service() (*Service, error) { return m.service.Get() }

// Ready says whether routing knows the register and the directory, and the
// engines answer.
func (m *Module) Ready(ctx context.Context) error {
	if err := m.service.Ready(); err != nil {
		return err
	}
	if !m.register.Load() || !m.directory.Load() {
		return httpx.NotReady(string(run.Kafka), errors.New("register and directory are not read to their end yet"))
	}
	return m.deps.Ready(ctx, run.Documents, run.Kafka)
}

// Run opens the stores, follows register and directory, and when both are
// known takes reports and findings until ctx is done.
func (m *Module) Run(ctx context.Context) error {
	s := m.service.Open(ctx, m.deps.Log, m.Name(), m.open)
	if s == nil {
		return nil
	}
	known := make(chan struct{}, 2)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return m.deps.Bus.Follow(ctx, bus.TopicRegister, m.org.Handle, func() { m.register.Store(true); known <- struct{}{} })
	})
	g.Go(func() error {
		return m.deps.Bus.Follow(ctx, bus.TopicDirectory, m.org.Handle, func() { m.directory.Store(true); known <- struct{}{} })
	})
	for _, collection := range outboxes {
		g.Go(func() error {
			return docstore.Relay(ctx, m.deps.Docs, collection, m.deps.Bus, docstore.RelayOptions{Log: m.deps.Log})
		})
	}
	g.Go(func() error {
		for range 2 {
			select {
			case <-ctx.Done():
				return nil
			case <-known:
			}
		}
		m.deps.Log.InfoContext(ctx, "cases know register and directory", "known", m.org.String())
		g.Go(func() error {
			return m.deps.Bus.Consume(ctx, bus.TopicReports, "cases", bus.ConsumeOptions{}, s.HandleReports)
		})
		g.Go(func() error {
			return m.deps.Bus.Consume(ctx, bus.TopicFindings, "cases", bus.ConsumeOptions{}, s.HandleFindings)
		})
		m.jobs(ctx, s)
		return nil
	})
	return g.Wait()
}

// open declares the collections and makes the use cases.
func (m *Module) open(ctx context.Context) (*Service, error) {
	zone, err := time.LoadLocation(m.cfg.TimeZone)
	if err != nil {
		return nil, err
	}
	st, err := openStores(ctx, m.deps.Docs, m.deps.Clock)
	if err != nil {
		return nil, err
	}
	return &Service{
		stores: st, org: m.org, audit: m.deps.Audit, blobs: m.deps.Blobs, events: searchEvents{m.deps},
		log: m.deps.Log, clock: m.deps.Clock, zone: zone, settings: m.cfg.Settings,
		keys: Keys{Topic: m.deps.Secret("topic-keys"), Exclusion: m.deps.Secret("reporter-exclusion")},
	}, nil
}

// jobs escalates at intervals, and routes again soon after the directory or
// the register changed.
func (m *Module) jobs(ctx context.Context, s *Service) {
	tick := time.NewTicker(m.cfg.JobInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-m.org.Changed():
			// Facts come in bursts: one look for all of them.
			select {
			case <-ctx.Done():
				return
			case <-time.After(min(time.Second, m.cfg.JobInterval)):
			}
		}
		for _, t := range m.org.Tenants() {
			tctx := tenant.With(ctx, tenant.ID(t))
			if err := errors.Join(s.Reroute(tctx), s.Escalate(tctx)); err != nil && ctx.Err() == nil {
				m.deps.Log.WarnContext(ctx, "escalation waits", "tenant", t, "error", err)
			}
		}
	}
}

// HandleReports takes a batch of the reports topic. What cannot be read is
// logged and left: it would never become readable.
func (s *Service) HandleReports(ctx context.Context, batch []bus.Message) error {
	for _, m := range batch {
		mctx := tenant.With(ctx, tenant.ID(m.Tenant))
		var err error
		switch m.Type {
		case topics.TypeReport:
			err = decoded(mctx, s, m, func(r topics.Report) error { return s.TakeReport(mctx, r) })
		case topics.TypeReportMessage:
			err = decoded(mctx, s, m, func(r topics.ReportMessage) error { return s.TakeReportMessage(mctx, r) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// HandleFindings takes a batch of the findings topic.
func (s *Service) HandleFindings(ctx context.Context, batch []bus.Message) error {
	for _, m := range batch {
		if m.Type != topics.TypeFindingRaised && m.Type != topics.TypeFindingWithdrawn {
			continue
		}
		mctx := tenant.With(ctx, tenant.ID(m.Tenant))
		err := decoded(mctx, s, m, func(f topics.Finding) error {
			return s.TakeFinding(mctx, f, m.Type == topics.TypeFindingWithdrawn)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// decoded reads a message and hands it on. A message that names another tenant
// than its header is no message of ours.
func decoded[T any](ctx context.Context, s *Service, m bus.Message, take func(T) error) error {
	var v T
	var named struct {
		Tenant string `json:"tenant"`
		ID     string `json:"id"`
	}
	if json.Unmarshal(m.Value, &named) != nil || named.Tenant != m.Tenant || named.ID == "" || !tenant.ID(m.Tenant).Valid() {
		s.log.ErrorContext(ctx, "message cannot be read", "topic", m.Topic, "partition", m.Partition, "offset", m.Offset, "type", m.Type)
		return nil //nolint:nilerr // logged; it must not stop the ones behind it
	}
	if json.Unmarshal(m.Value, &v) != nil {
		s.log.ErrorContext(ctx, "message cannot be read", "topic", m.Topic, "partition", m.Partition, "offset", m.Offset, "type", m.Type)
		return nil //nolint:nilerr // logged; it must not stop the ones behind it
	}
	return take(v)
}

// searchEvents fetches evidence from the search service.
type searchEvents struct{ deps run.Deps }

// Evidence implements Events.
func (e searchEvents) Evidence(ctx context.Context, eventID string) (topics.Evidence, error) {
	tid, err := tenant.From(ctx)
	if err != nil {
		return topics.Evidence{}, err
	}
	client := httpx.Client{Service: "search", BaseURL: e.deps.Endpoint("search"), Tokens: e.deps.Tokens}
	var found searchapi.EventEvidence
	if err := client.Get(ctx, "/v1/internal/events/"+url.PathEscape(eventID)+"?tenant="+url.PathEscape(string(tid)), &found); err != nil {
		return topics.Evidence{}, err
	}
	v := found.Evidence
	return topics.Evidence{
		EventID: v.EventId, Time: v.Time, Original: v.Original, SHA256: v.Sha256, Host: v.Host,
		Account: v.Account, Address: v.Address, Outcome: v.Outcome, Provenance: v.Provenance,
	}, nil
}
