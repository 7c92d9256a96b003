package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// Group runs parts in one process: it starts them in order, answers for
// those that have a listener, restarts a part whose Run fails, and stops all in
// reverse order within its grace.
type Group struct {
	// Gate, when not nil, is asked before a part's own readiness: what every
	// part of the process waits for (revoked tokens are known).
	Gate func() error
	// Notice, when not nil, gives what operators should know of a part that is
	// ready all the same: /readyz answers 200 with it as the detail.
	Notice func(part string) string

	log   *slog.Logger
	grace time.Duration
	parts []*member
}

// NewGroup returns an empty group. Grace is how long stopping may take in all;
// 0 is 15 s.
func NewGroup(log *slog.Logger, grace time.Duration) *Group {
	if grace == 0 {
		grace = 15 * time.Second
	}
	return &Group{log: log, grace: grace}
}

type member struct {
	part     Part
	listener net.Listener
	cancel   context.CancelFunc
	done     chan struct{}

	mu     sync.Mutex
	failed error // of the last Run, until the next has run for settled
	// unused are connections that have not sent a request yet: clients open
	// some in advance, and stopping must not wait for them.
	unused map[net.Conn]struct{}
}

// Restarting a failed part: first after firstPause, doubling up to lastPause;
// one that ran for steady begins anew. It counts as failed until it has run
// for settled.
const (
	settled    = 2 * time.Second
	firstPause = 500 * time.Millisecond
	lastPause  = 30 * time.Second
	steady     = time.Minute
)

// Add appends a part that answers on ln, a bound listener that the group closes
// when it stops; nil where the part has no application or does not listen.
func (g *Group) Add(p Part, ln net.Listener) {
	g.parts = append(g.parts, &member{part: p, listener: ln, done: make(chan struct{})})
}

// Run starts everything, waits until ctx is done, and stops. It returns what
// could not be stopped in time. A group runs once.
func (g *Group) Run(ctx context.Context) error {
	for _, m := range g.parts {
		// Not ctx itself: parts end one after the other, not all at once.
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		m.cancel = cancel
		g.serve(m)
		go g.supervise(own, m)
		g.log.Info("part started", "part", m.part.Name())
	}
	<-ctx.Done()
	return g.stop()
}

func (g *Group) serve(m *member) {
	if m.listener == nil {
		return
	}
	server := m.part.App().Server()
	server.ConnState = m.track
	inner := server.Handler
	server.Handler = func(c *fasthttp.RequestCtx) {
		m.used(c.Conn())
		if string(c.Path()) == "/readyz" {
			if m.failure() != nil {
				notReady(c, "The part failed and is being restarted; its log has the cause.")
				return
			}
			if g.Gate != nil && g.Gate() != nil {
				// The part itself names the engine it waits for, if it does.
				if inner(c); c.Response.StatusCode() == fasthttp.StatusOK {
					c.Response.Reset()
					notReady(c, "The process is starting: it waits for the broker.")
				}
				return
			}
			inner(c)
			g.notice(c, m.part.Name())
			return
		}
		inner(c)
	}
	go func() {
		if err := m.part.App().Listener(m.listener); err != nil {
			g.log.Error("listener ended", "part", m.part.Name(), "error", err)
		}
	}()
}

func (m *member) track(c net.Conn, state fasthttp.ConnState) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unused == nil {
		m.unused = map[net.Conn]struct{}{}
	}
	// fasthttp calls a connection active before its first byte has come, so
	// that only the handler can tell (used).
	switch state {
	case fasthttp.StateNew:
		m.unused[c] = struct{}{}
	case fasthttp.StateClosed, fasthttp.StateHijacked:
		delete(m.unused, c)
	case fasthttp.StateActive, fasthttp.StateIdle:
	}
}

func (m *member) used(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.unused, c)
}

func (m *member) closeUnused() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for c := range m.unused {
		_ = c.Close()
	}
}

func notReady(c *fasthttp.RequestCtx, detail string) {
	c.Response.Header.SetContentType("application/problem+json")
	c.SetStatusCode(http.StatusServiceUnavailable)
	c.SetBodyString(`{"type":"https://varde.internal/problems/not-ready","title":"Service Unavailable","status":503,"detail":"` + detail + `"}`)
}

// notice adds what is to be known of a part that is ready.
func (g *Group) notice(c *fasthttp.RequestCtx, part string) {
	if g.Notice == nil || c.Response.StatusCode() != fasthttp.StatusOK {
		return
	}
	detail := g.Notice(part)
	if detail == "" {
		return
	}
	body, _ := json.Marshal(map[string]string{"detail": detail}) // a string: it cannot fail
	c.SetContentType("application/json")
	c.SetBody(body)
}

// supervise runs the part's background work until ctx is done.
func (g *Group) supervise(ctx context.Context, m *member) {
	defer close(m.done)
	pause := firstPause
	for {
		begun := time.Now()
		healthy := time.AfterFunc(settled, func() { m.fail(nil) })
		err := protect(ctx, m.part)
		healthy.Stop()
		if ctx.Err() != nil {
			if err != nil && !errors.Is(err, context.Canceled) {
				g.log.Warn("part ended with an error", "part", m.part.Name(), "error", err)
			}
			return
		}
		if err == nil {
			m.fail(nil) // it has nothing to do in the background
			return
		}
		m.fail(err)
		if time.Since(begun) > steady {
			pause = firstPause
		}
		g.log.Error("part failed and is started again", "part", m.part.Name(), "after", pause, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

func protect(ctx context.Context, p Part) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return p.Run(ctx)
}

func (m *member) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = err
}

func (m *member) failure() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

// Ready says for each part whether it is ready; nil is ready.
func (g *Group) Ready(ctx context.Context) map[string]error {
	all := make(map[string]error, len(g.parts))
	for _, m := range g.parts {
		err := m.failure()
		if err == nil {
			err = m.part.Ready(ctx)
		}
		all[m.part.Name()] = err
	}
	return all
}

// stop ends the parts in reverse: first nothing new is taken and what is
// running is answered, then the background work ends.
func (g *Group) stop() error {
	deadline := time.Now().Add(g.grace)
	var late []error
	for _, m := range slices.Backward(g.parts) {
		if m.listener != nil {
			m.closeUnused()
			if err := m.part.App().ShutdownWithTimeout(max(time.Until(deadline)/2, time.Millisecond)); err != nil {
				late = append(late, fmt.Errorf("run: %s: open requests: %w", m.part.Name(), err))
			}
		}
		m.cancel()
		select {
		case <-m.done:
			g.log.Info("part stopped", "part", m.part.Name())
		case <-time.After(max(time.Until(deadline), time.Millisecond)):
			late = append(late, fmt.Errorf("run: %s did not stop in time", m.part.Name()))
		}
	}
	return errors.Join(late...)
}
