// Package kafka is the bus over Apache Kafka (and over the embedded broker of
// platform/bus/embedded) with segmentio/kafka-go.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"varde.internal/platform/bus"
)

// Options of Open; the zero value logs to slog.Default and traces to the
// process-wide provider.
type Options struct {
	Log      *slog.Logger
	ClientID string // shown in the broker's logs; default "varde"
	Tracer   trace.TracerProvider
}

// Bus is the adapter. Every writer, reader and group of one Bus shares its
// address, credentials and logger.
type Bus struct {
	cfg    config
	log    *slog.Logger
	tracer trace.Tracer
	dialer *kafkago.Dialer
	client *kafkago.Client
	pool   *kafkago.Transport

	mu      sync.Mutex
	closed  bool
	writers map[string]*kafkago.Writer
	limits  map[string]int // MaxMessage of the topics EnsureTopics declared

	// life ends with Close, and with it every Consume and Follow.
	life context.Context
	end  context.CancelFunc
	// background holds what runs and what is being closed: a reader in the
	// middle of a long poll takes up to a second, and nobody needs to wait for
	// it but Close.
	background sync.WaitGroup
}

var _ bus.Bus = (*Bus)(nil)

var errClosed = errors.New("kafka: the bus is closed")

// Open returns a bus for a URL kafka://[user:password@]host[:port],…; it does
// no I/O. Parameters:
//
//	tls=true            TLS with the system's certificates
//	ca=FILE             TLS, trusting only the PEM certificates in FILE
//	sasl=MECHANISM      plain, scram-sha-256 (default with a user), scram-sha-512
//	replication=N       replication factor of topics it creates (default: the broker's)
//	segment=BYTES       segment.bytes of topics it creates (default: the broker's)
func Open(url string, opt Options) (*Bus, error) {
	cfg, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	if opt.Log == nil {
		opt.Log = slog.Default()
	}
	if opt.ClientID == "" {
		opt.ClientID = "varde"
	}
	if opt.Tracer == nil {
		opt.Tracer = otel.GetTracerProvider()
	}
	b := &Bus{
		cfg:     cfg,
		log:     opt.Log.With("component", "bus"),
		tracer:  opt.Tracer.Tracer("varde.internal/platform/bus"),
		writers: map[string]*kafkago.Writer{},
		limits:  map[string]int{},
		dialer: &kafkago.Dialer{
			ClientID: opt.ClientID, Timeout: 5 * time.Second, DualStack: true,
			TLS: cfg.tls, SASLMechanism: cfg.sasl, KeepAlive: 30 * time.Second,
		},
		pool: &kafkago.Transport{
			ClientID: opt.ClientID, DialTimeout: 5 * time.Second, IdleTimeout: time.Minute,
			TLS: cfg.tls, SASL: cfg.sasl,
		},
	}
	b.life, b.end = context.WithCancel(context.Background())
	b.client = &kafkago.Client{Addr: kafkago.TCP(cfg.brokers...), Timeout: 15 * time.Second, Transport: b.pool}
	return b, nil
}

// Ready asks a broker, past the client's cache.
func (b *Bus) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := b.client.ApiVersions(ctx, &kafkago.ApiVersionsRequest{})
	if err == nil {
		err = r.Error
	}
	if err != nil {
		return fmt.Errorf("kafka: the broker does not answer: %w", err)
	}
	return nil
}

// Close ends every Consume and Follow, flushes what is being written and
// releases every connection. It waits at most five seconds: while the broker is down the writers would go on
// retrying, and what they hold was never acknowledged.
func (b *Bus) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	b.end()
	writers := b.writers
	b.writers = nil
	b.mu.Unlock()

	done := make(chan struct{})
	go func() {
		defer close(done)
		var wg sync.WaitGroup
		for _, w := range writers {
			wg.Go(func() { _ = w.Close() })
		}
		wg.Wait()
		b.background.Wait()
		b.pool.CloseIdleConnections()
	}()
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		return errors.New("kafka: closed while messages were still waiting for the broker")
	}
}

// enter counts a running Consume or Follow, whose context ends with the bus;
// the caller calls leave when it is over.
func (b *Bus) enter(ctx context.Context) (inner context.Context, leave func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, errClosed
	}
	b.background.Add(1)
	inner, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(b.life, cancel)
	return inner, func() {
		unhook()
		cancel()
		b.background.Done()
	}, nil
}

// inBackground runs fn; Close waits for it. It is called from within enter and
// leave, or under the lock, so the count is never raised from zero while Close
// waits.
func (b *Bus) inBackground(fn func()) { b.background.Go(fn) }

// libraryLog passes kafka-go's own messages on, at debug level: what an
// operator needs to know is logged by this package, once per change.
type libraryLog struct{ log *slog.Logger }

func (l libraryLog) Printf(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("kafka-go", "detail", strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

// quiet logs a failure that repeats: when it has lasted a second (a rebalance
// or an election is shorter), every half minute after, and when it is over.
type quiet struct {
	log    *slog.Logger
	text   string
	since  time.Time // zero: not failing
	warned time.Time // zero: not logged yet
}

func (q *quiet) failed(what string, err error) {
	now := time.Now()
	if q.since.IsZero() {
		q.since = now
	}
	q.text = what
	lasted := now.Sub(q.since)
	if lasted < time.Second || (!q.warned.IsZero() && now.Sub(q.warned) < 30*time.Second) {
		q.log.Debug(what, "error", err.Error())
		return
	}
	q.warned = now
	q.log.Warn(what, "error", err.Error(), "for", lasted.Round(time.Second).String())
}

func (q *quiet) fine() {
	if !q.warned.IsZero() {
		q.log.Info("recovered: "+q.text, "after", time.Since(q.since).Round(time.Millisecond).String())
	}
	q.since, q.warned = time.Time{}, time.Time{}
}

// wait sleeps for d or until ctx is done; it reports whether ctx is alive.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// backoff grows from 100 ms by doubling up to most.
func backoff(attempt int, most time.Duration) time.Duration {
	d := 100 * time.Millisecond << min(attempt, 10)
	return min(d, most)
}
