package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/test/engines"
)

// engineSet are real engines for the distributed way, which tests may kill.
type engineSet struct {
	byKind map[engines.Kind]*engines.Engine
}

// missingEngine says which engine cannot be had here.
type missingEngine struct {
	kind engines.Kind
	err  error
}

func (m missingEngine) Error() string { return fmt.Sprintf("%s: %v", m.kind, m.err) }

func launchEngines(ctx context.Context) (*engineSet, error) {
	set := &engineSet{byKind: map[engines.Kind]*engines.Engine{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	for _, kind := range engines.Kinds {
		wg.Add(1)
		go func() {
			defer wg.Done()
			e, err := engines.LaunchOwn(ctx, kind)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, missingEngine{kind, err})
				return
			}
			set.byKind[kind] = e
		}()
	}
	wg.Wait()
	if len(errs) > 0 {
		set.discard()
		return nil, errors.Join(errs...)
	}
	return set, nil
}

func (e *engineSet) discard() {
	for _, engine := range e.byKind {
		engine.Discard()
	}
}

func (e *engineSet) env() []string {
	return []string{
		"VARDE_BUS=" + e.byKind[engines.KindKafka].URL,
		"VARDE_EVENTS=" + e.byKind[engines.KindElasticsearch].URL,
		"VARDE_DOCUMENTS=" + e.byKind[engines.KindMongo].URL,
	}
}

// way is a way of running an installation, and the one that many tests share.
type way struct {
	name  string
	open  func() (*engineSet, error)
	once  sync.Once
	stack *stack
	err   error
	// arrived are the demo's incidents as they were before any test did a
	// thing, and how long after the line ready the last of them came.
	arrived []string
	after   time.Duration
}

var ways = []*way{
	{name: "embedded", open: func() (*engineSet, error) { return nil, nil }},
	{name: "distributed", open: func() (*engineSet, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		return launchEngines(ctx)
	}},
}

// forBothWays runs a test against an installation in one process on embedded
// engines and against one in separate processes on real ones. The tests share
// each installation: they add to it and look only at what is theirs.
func forBothWays(t *testing.T, test func(t *testing.T, w *way)) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			w.use(t)
			test(t, w)
		})
	}
}

func (w *way) use(t *testing.T) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() && w.stack != nil {
			w.stack.report(t)
		}
	})
	w.once.Do(func() { w.err = w.start(t) })
	var missing missingEngine
	if errors.As(w.err, &missing) {
		engines.Missing(t, missing.kind, missing.err)
	}
	require.NoError(t, w.err)
	if w.stack.cmd == nil { // an earlier test ended it
		require.NoError(t, w.stack.launch())
	}
}

func (w *way) start(t *testing.T) error {
	set, err := w.open()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "varde-e2e-"+w.name+"-")
	if err != nil {
		return err
	}
	w.stack = &stack{Data: dir, engines: set}
	if err := w.stack.launch(); err != nil {
		return fmt.Errorf("%w\n%s", err, w.stack.warnings())
	}
	began := time.Now()
	w.arrived = incidents(t, w.stack.signIn(t, "sikkerhet"), 60*time.Second)
	w.after = time.Since(began)
	t.Logf("%s: ready after %s, the demo's incidents %s later", w.name, w.stack.Ready.Round(time.Millisecond), w.after.Round(time.Millisecond))
	return nil
}

// close ends the shared installation as Ctrl-C does.
func (w *way) close() (err error) {
	if w.stack == nil {
		return nil
	}
	if w.stack.cmd != nil {
		err = w.stack.end(syscall.SIGINT)
	}
	if w.stack.engines != nil {
		w.stack.engines.discard()
	}
	return errors.Join(err, os.RemoveAll(w.stack.Data))
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, w := range ways {
		if err := w.close(); err != nil {
			fmt.Fprintln(os.Stderr, w.name, err)
			code = max(code, 1)
		}
	}
	if path, err := program(); err == nil && os.Getenv("VARDE_E2E_BINARY") == "" {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}
