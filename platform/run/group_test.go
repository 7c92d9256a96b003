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

	"varde.internal/platform/await"
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

func (p *part) tried() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.attempts
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

// app says on entered when a request for /slow has come.
func app(entered chan<- struct{}) *fiber.App {
	a := fiber.New(fiber.Config{DisableStartupMessage: true})
	a.Get("/readyz", func(c *fiber.Ctx) error { return c.SendStatus(200) })
	a.Get("/slow", func(c *fiber.Ctx) error {
		close(entered)
		time.Sleep(200 * time.Millisecond)
		return c.SendString("done")
	})
	return a
}

// listen binds a free port.
func listen(t *testing.T) (ln net.Listener, base string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln, "http://" + ln.Addr().String()
}

// soon is far longer than anything here takes; what never comes fails.
const soon = time.Minute

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
	g := run.NewGroup(slog.New(slog.DiscardHandler), soon)
	entered, base := make(chan struct{}), map[string]string{}
	for _, name := range []string{"one", "two", "three"} {
		ln, at := listen(t)
		base[name] = at
		g.Add(&part{name: name, app: app(entered), run: func(ctx context.Context, _ int) error {
			<-ctx.Done()
			d.add(name)
			return ctx.Err()
		}}, ln)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	await.True(t, func() bool { return status(t, base["two"]+"/readyz") == 200 })
	answer := make(chan int, 1)
	go func() { answer <- status(t, base["two"]+"/slow") }()
	<-entered
	cancel()
	require.NoError(t, <-ended)
	require.Equal(t, 200, <-answer)
	require.Equal(t, []string{"three", "two", "one"}, d.all())
	require.Zero(t, status(t, base["two"]+"/readyz"), "no longer listening")
}

func TestAFailedPartIsRestartedAndNotReadyMeanwhile(t *testing.T) {
	t.Parallel()
	mended, running := make(chan struct{}), make(chan struct{})
	p := &part{name: "flaky", app: app(nil), run: func(ctx context.Context, attempt int) error {
		if attempt == 1 {
			panic("first")
		}
		select {
		case <-mended:
			close(running)
			<-ctx.Done()
			return nil
		default:
			return errors.New("later")
		}
	}}
	g := run.NewGroup(slog.New(slog.DiscardHandler), soon)
	ln, base := listen(t)
	g.Add(p, ln)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	await.True(t, func() bool { return p.tried() == 2 }, "started again after a panic")
	await.True(t, func() bool { return status(t, base+"/readyz") == 503 })
	require.Error(t, g.Ready(ctx)["flaky"])
	close(mended)
	<-running
	await.True(t, func() bool { return status(t, base+"/readyz") == 200 }, "ready once it runs")
	require.NoError(t, g.Ready(ctx)["flaky"])
	cancel()
	require.NoError(t, <-ended)
	require.GreaterOrEqual(t, p.tried(), 3)
}

func TestOneThatDoesNotStopIsReportedAndDoesNotHoldTheOthers(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var d diary
	g := run.NewGroup(slog.New(slog.DiscardHandler), 100*time.Millisecond)
	g.Add(&part{name: "good", run: func(ctx context.Context, _ int) error { <-ctx.Done(); d.add("good"); return nil }}, nil)
	g.Add(&part{name: "stuck", run: func(context.Context, int) error { <-release; return nil }}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	cancel()
	err := <-ended
	close(release)
	require.ErrorContains(t, err, "stuck did not stop in time")
	await.True(t, func() bool { return len(d.all()) == 1 })
}

// Clients open connections in advance; stopping does not wait for those that
// never sent anything.
func TestAnUnusedConnectionDoesNotHoldUpStopping(t *testing.T) {
	t.Parallel()
	g := run.NewGroup(slog.New(slog.DiscardHandler), time.Hour)
	a := app(nil)
	ln, _ := listen(t)
	g.Add(&part{name: "a", app: a, run: func(ctx context.Context, _ int) error { <-ctx.Done(); return nil }}, ln)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	await.True(t, func() bool { return a.Server().GetOpenConnectionsCount() == 1 })
	cancel()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(soon):
		t.Fatal("the connection holds up the stop")
	}
}
