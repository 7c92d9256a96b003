package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"golang.org/x/sync/errgroup"

	"varde.internal/ingest/collector/http"
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
	retried  retried                         // requests over HTTP that failed
	admits   func(tls.ConnectionState) error // whether a certificate over TLS is taken, as the register is now

	mu sync.Mutex
	// addresses that are listened on
	tcp, udp, tls string
	files         error // what keeps a file from being followed
}

var _ run.Part = (*Module)(nil)

// New wires the collector. It does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	m := &Module{cfg: cfg, deps: deps, sources: newSources(deps.Log, deps.Clock), metrics: newMetrics(deps.Metrics)}
	m.intake = newIntake(deps, cfg, m.metrics)
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
	if err := m.deps.Bus.Ready(ctx); err != nil {
		return httpx.NotReady("kafka", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
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
	at, err := m.listen(ctx)
	if err != nil {
		return err
	}
	g.Go(func() error {
		select {
		case <-ctx.Done():
			at.close()
			return nil
		case <-m.sources.ready:
		}
		if at.tcp != nil {
			g.Go(func() error { return m.listenTCP(ctx, at.tcp, "tcp", m.serveTCP) })
		}
		if at.tls != nil {
			g.Go(func() error { return m.listenTCP(ctx, at.tls, "tls", m.serveTLS) })
		}
		if at.udp != nil {
			g.Go(func() error { return m.listenUDP(ctx, at.udp) })
		}
		if len(m.cfg.Files) > 0 {
			g.Go(func() error { return m.followFiles(ctx) })
		}
		return nil
	})
	return g.Wait()
}

// SyslogTLS is the same for TLS.
func (m *Module) SyslogTLS() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tls
}

// sockets are what is listened on; nil is off.
type sockets struct {
	tcp, tls net.Listener
	udp      *net.UDPConn
}

func (s sockets) close() {
	if s.tcp != nil {
		s.tcp.Close()
	}
	if s.tls != nil {
		s.tls.Close()
	}
	if s.udp != nil {
		s.udp.Close()
	}
}

// listen opens the sockets, so that senders wait in their backlog.
func (m *Module) listen(ctx context.Context) (at sockets, err error) {
	var lc net.ListenConfig
	defer func() {
		if err != nil {
			at.close()
		}
	}()
	if m.cfg.SyslogTCP != "" {
		if at.tcp, err = lc.Listen(ctx, "tcp", m.cfg.SyslogTCP); err != nil {
			return at, fmt.Errorf("collector: syslog over TCP: %w", err)
		}
	}
	if m.cfg.SyslogTLS.Listen != "" {
		config, err := m.cfg.SyslogTLS.config(m.sources, m.deps.Clock)
		if err != nil {
			return at, err
		}
		plain, err := lc.Listen(ctx, "tcp", m.cfg.SyslogTLS.Listen)
		if err != nil {
			return at, fmt.Errorf("collector: syslog over TLS: %w", err)
		}
		at.tls, m.admits = tls.NewListener(plain, config), config.VerifyConnection
	}
	if m.cfg.SyslogUDP != "" {
		packets, err := lc.ListenPacket(ctx, "udp", m.cfg.SyslogUDP)
		if err != nil {
			return at, fmt.Errorf("collector: syslog over UDP: %w", err)
		}
		at.udp = packets.(*net.UDPConn)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if at.tcp != nil {
		m.tcp = at.tcp.Addr().String()
	}
	if at.tls != nil {
		m.tls = at.tls.Addr().String()
	}
	if at.udp != nil {
		m.udp = at.udp.LocalAddr().String()
	}
	return at, nil
}
