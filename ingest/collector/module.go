package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/ingest/collector/http"
	"varde.internal/ingest/graph"
	"varde.internal/platform/bus"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
)

// Module is the collector as a run.Part.
type Module struct {
	cfg      Config
	deps     run.Deps
	app      *fiber.App
	sources  *sources
	intake   *intake
	metrics  *metrics
	inFlight atomic.Int64
	fetched  states
	retried  retried       // requests over HTTP that failed
	recalled chan struct{} // closed when retried knows what an earlier process did
	quotas   *quotas
	admits   func(tls.ConnectionState) error // whether a certificate over TLS is taken, as the register is now

	mu sync.Mutex
	// addresses that are listened on
	tcp, udp, tls string
	listening     bool
	files         error // what keeps a file from being followed
}

var _ run.Part = (*Module)(nil)

// New wires the collector. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	m := &Module{cfg: cfg, deps: deps, sources: newSources(deps.Log, deps.Clock), metrics: newMetrics(deps.Metrics), recalled: make(chan struct{})}
	m.intake = newIntake(deps, cfg, m.metrics)
	m.quotas = newQuotas(cfg.Quota, m.metrics)
	app, err := httpx.New(httpx.Config{
		Name: m.Name(), Log: deps.Log, Clock: deps.Clock, Verifier: deps.Verifier, Metrics: deps.Metrics, Ready: m.Ready,
		Deadline: 30 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	m.app = app
	http.Routes(app, m)
	return m, nil
}

func newIntake(deps run.Deps, cfg Config, metrics *metrics) *intake {
	return &intake{bus: deps.Bus, log: deps.Log, clock: deps.Clock, most: cfg.MaxBatch, secret: deps.Secret("topic-keys"), period: cfg.Period, zone: cfg.TimeZone, metrics: metrics}
}

// Name is "collector".
func (m *Module) Name() string { return "collector" }

// App has the routes of _bulk.
func (m *Module) App() *fiber.App { return m.app }

// MaxBulk is the largest unpacked body of a _bulk request, in bytes.
func (m *Module) MaxBulk() int64 { return m.cfg.MaxBulk }

// Ready says whether lines can be taken: the register is known, the bus answers
// and every configured file can be read.
func (m *Module) Ready(ctx context.Context) error {
	if !m.sources.known() {
		return httpx.NotReady("kafka", errors.New("the register has not been read to its end yet"))
	}
	if !m.knows() {
		return httpx.NotReady("kafka", errors.New("the end of the topic has not been read yet"))
	}
	if err := m.deps.Bus.Ready(ctx); err != nil {
		return httpx.NotReady("kafka", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.listening {
		return errors.New("the collector does not listen yet")
	}
	return m.files
}

// SyslogTCP is the address that syslog over TCP is listened for, once Run has
// begun; with port 0 in the configuration it is how the port becomes known.
func (m *Module) SyslogTCP() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tcp
}

// SyslogUDP is the same for UDP.
func (m *Module) SyslogUDP() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.udp
}

// Run receives until ctx is done. Nothing is taken before the register is
// known, because a line without its tenant cannot be kept.
func (m *Module) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return m.sources.follow(ctx, m.deps.Bus, bus.TopicRegister) })
	g.Go(func() error { return m.sources.follow(ctx, m.deps.Bus, bus.TopicDirectory) })
	g.Go(func() error {
		m.recall(ctx)
		return nil
	})
	packets, err := m.listenPackets(ctx)
	if err != nil {
		return err
	}
	g.Go(func() error {
		for _, known := range []<-chan struct{}{m.sources.ready, m.recalled} {
			select {
			case <-ctx.Done():
				if packets != nil {
					packets.Close()
				}
				return nil
			case <-known:
			}
		}
		g.Go(func() error { return m.report(ctx) })
		if packets != nil {
			g.Go(func() error { return m.listenUDP(ctx, packets) })
		}
		if len(m.cfg.Files) > 0 {
			g.Go(func() error { return m.followFiles(ctx) })
		}
		m.fetch(ctx, g)
		return m.listenStreams(ctx, g)
	})
	return g.Wait()
}

// mostRecalled is how many messages of each partition of the topic are looked
// at for requests that an earlier process did not answer: far more than are on
// their way at once.
const mostRecalled = 4096

// recall reads what an earlier process published last, until that succeeds.
func (m *Module) recall(ctx context.Context) {
	var ids []string
	err := m.retry(ctx, "the end of the topic", func() error {
		ids = ids[:0]
		return m.deps.Bus.Recent(ctx, bus.TopicEvents, mostRecalled, func(_ context.Context, batch []bus.Message) error {
			for _, one := range batch {
				ids = append(ids, one.ID)
			}
			return nil
		})
	})
	if err == nil {
		m.retried.recall(ids, m.deps.Clock())
		close(m.recalled)
	}
}

// knows says whether requests can be taken: the register is known, and what an
// earlier process took.
func (m *Module) knows() bool {
	select {
	case <-m.recalled:
		return m.sources.known()
	default:
		return false
	}
}

// fetch begins what the collector gets by itself.
func (m *Module) fetch(ctx context.Context, g *errgroup.Group) {
	for _, t := range m.cfg.Topics {
		g.Go(func() error { return m.consumeTopic(ctx, t) })
	}
	for _, directory := range m.cfg.Graphs {
		for _, log := range directory.Logs {
			g.Go(func() error { return m.pollGraph(ctx, directory, graph.Log(log)) })
		}
	}
}

// Notice says in words what cannot be fetched at present, "" where all can. It
// keeps no sender away, so the collector is ready all the same.
func (m *Module) Notice() string {
	if err := m.fetched.notice(); err != nil {
		return strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return ""
}

// SyslogTLS is the same for TLS.
func (m *Module) SyslogTLS() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tls
}

// listenPackets opens the socket of datagrams, nil where it is off: what comes
// before anything can be taken waits there, because its senders send once.
func (m *Module) listenPackets(ctx context.Context) (*net.UDPConn, error) {
	if m.cfg.SyslogUDP == "" {
		return nil, nil
	}
	var lc net.ListenConfig
	packets, err := lc.ListenPacket(ctx, "udp", m.cfg.SyslogUDP)
	if err != nil {
		return nil, fmt.Errorf("collector: syslog over UDP: %w", err)
	}
	conn := packets.(*net.UDPConn)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.udp = conn.LocalAddr().String()
	return conn, nil
}

// listenStreams takes connections over TCP and TLS. Not before their lines can
// be taken: what a sender writes into a connection it believes sent, and what it
// cannot connect to it keeps.
func (m *Module) listenStreams(ctx context.Context, g *errgroup.Group) error {
	var lc net.ListenConfig
	open := func(what, address string) (narrow, error) {
		l, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			return narrow{}, fmt.Errorf("collector: syslog over %s: %w", what, err)
		}
		return narrow{l}, nil
	}
	tcpAt, tlsAt := "", ""
	if m.cfg.SyslogTCP != "" {
		l, err := open("TCP", m.cfg.SyslogTCP)
		if err != nil {
			return err
		}
		tcpAt = l.Addr().String()
		g.Go(func() error { return m.listenTCP(ctx, l, "tcp", m.serveTCP) })
	}
	if m.cfg.SyslogTLS.Listen != "" {
		config, err := m.cfg.SyslogTLS.config(m.sources, m.deps.Clock)
		if err != nil {
			return err
		}
		l, err := open("TLS", m.cfg.SyslogTLS.Listen)
		if err != nil {
			return err
		}
		tlsAt = l.Addr().String()
		m.admits = config.VerifyConnection
		g.Go(func() error { return m.listenTCP(ctx, tls.NewListener(l, config), "tls", m.serveTLS) })
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tcp, m.tls, m.listening = tcpAt, tlsAt, true
	return nil
}
