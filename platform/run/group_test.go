package run_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"varde.internal/platform/run"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		// fasthttp keeps one goroutine for the Date header of all servers.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// It looks every ten seconds whether its server was stopped.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, s)
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

type part struct {
	name string
	app  *fiber.App
	run  func(ctx context.Context, attempt int) error

	mu       sync.Mutex
	attempts int
}

func (p *part) Name() string                { return p.name }
func (p *part) App() *fiber.App             { return p.app }
func (p *part) Ready(context.Context) error { return nil }
func (p *part) Run(ctx context.Context) error {
	p.mu.Lock()
	p.attempts++
	n := p.attempts
	p.mu.Unlock()
	return p.run(ctx, n)
}

func app() *fiber.App {
	a := fiber.New(fiber.Config{DisableStartupMessage: true})
	a.Get("/readyz", func(c *fiber.Ctx) error { return c.SendStatus(200) })
	a.Get("/slow", func(c *fiber.Ctx) error {
		time.Sleep(200 * time.Millisecond)
		return c.SendString("done")
	})
	return a
}

func status(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

func TestPartsStopInReverseAndAnswerWhatRuns(t *testing.T) {
	t.Parallel()
	var d diary
	g := run.NewGroup(slog.New(slog.DiscardHandler), 5*time.Second)
	for _, name := range []string{"one", "two", "three"} {
		g.Add(&part{name: name, app: app(), run: func(ctx context.Context, _ int) error {
			<-ctx.Done()
			d.add(name)
			return ctx.Err()
		}}, "127.0.0.1:0")
	}
	require.NoError(t, g.Listen(context.Background()))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	base := "http://" + g.Addr("two")
	require.Eventually(t, func() bool { return status(t, base+"/readyz") == 200 }, 5*time.Second, 10*time.Millisecond)
	answer := make(chan int, 1)
	go func() { answer <- status(t, base+"/slow") }()
	time.Sleep(50 * time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
	require.Equal(t, 200, <-answer)
	require.Equal(t, []string{"three", "two", "one"}, d.all())
	require.Zero(t, status(t, base+"/readyz"), "no longer listening")
}

func TestAFailedPartIsRestartedAndNotReadyMeanwhile(t *testing.T) {
	t.Parallel()
	running := make(chan struct{})
	p := &part{name: "flaky", app: app(), run: func(ctx context.Context, attempt int) error {
		switch attempt {
		case 1:
			panic("first")
		case 2:
			return errors.New("second")
		default:
			close(running)
			<-ctx.Done()
			return nil
		}
	}}
	g := run.NewGroup(slog.New(slog.DiscardHandler), 5*time.Second)
	g.Add(p, "127.0.0.1:0")
	require.NoError(t, g.Listen(context.Background()))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	require.Eventually(t, func() bool { return status(t, "http://"+g.Addr("flaky")+"/readyz") == 503 }, 5*time.Second, 10*time.Millisecond)
	require.Error(t, g.Ready(ctx)["flaky"])
	<-running
	cancel()
	require.NoError(t, <-ended)
	require.Equal(t, 3, p.attempts)
}

func TestOneThatDoesNotStopIsReportedAndDoesNotHoldTheOthers(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var d diary
	g := run.NewGroup(slog.New(slog.DiscardHandler), 100*time.Millisecond)
	g.Add(&part{name: "good", run: func(ctx context.Context, _ int) error { <-ctx.Done(); d.add("good"); return nil }}, "")
	g.Add(&part{name: "stuck", run: func(context.Context, int) error { <-release; return nil }}, "")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	cancel()
	err := <-ended
	close(release)
	require.ErrorContains(t, err, "stuck did not stop in time")
	require.Eventually(t, func() bool { return len(d.all()) == 1 }, time.Second, 5*time.Millisecond)
}

func TestAnAddressInUseEndsTheStart(t *testing.T) {
	t.Parallel()
	first := run.NewGroup(slog.New(slog.DiscardHandler), 0)
	first.Add(&part{name: "a", app: app()}, "127.0.0.1:0")
	require.NoError(t, first.Listen(context.Background()))
	second := run.NewGroup(slog.New(slog.DiscardHandler), 0)
	second.Add(&part{name: "b", app: app(), run: func(context.Context, int) error { t.Error("it ran"); return nil }}, first.Addr("a"))
	require.ErrorContains(t, second.Run(context.Background()), "b")
}

// Clients open connections in advance; stopping does not wait for those that
// never sent anything.
func TestAnUnusedConnectionDoesNotHoldUpStopping(t *testing.T) {
	t.Parallel()
	g := run.NewGroup(slog.New(slog.DiscardHandler), 10*time.Second)
	g.Add(&part{name: "a", app: app(), run: func(ctx context.Context, _ int) error { <-ctx.Done(); return nil }}, "127.0.0.1:0")
	require.NoError(t, g.Listen(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	var conn net.Conn
	require.Eventually(t, func() bool {
		var err error
		conn, err = net.Dial("tcp", g.Addr("a"))
		return err == nil
	}, 5*time.Second, 10*time.Millisecond)
	defer conn.Close()
	time.Sleep(200 * time.Millisecond) // until the server has accepted it
	began := time.Now()
	cancel()
	require.NoError(t, <-done)
	require.Less(t, time.Since(began), 4*time.Second)
}
