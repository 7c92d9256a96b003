// Package e2e drives the started binary as people and machines do: over HTTP
// through the front door, over syslog and _bulk through the collector.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/test/engines"
	"varde.internal/test/running"
)

// way is a way of running an installation, and the one that many tests share.
type way struct {
	name  string
	open  func() (*running.Engines, error)
	once  sync.Once
	stack *running.Installation
	err   error
	// arrived are the demo's incidents as they were before any test did a
	// thing, and how long after the line ready the last of them came.
	arrived []string
	after   time.Duration
}

var ways = []*way{
	{name: "embedded", open: func() (*running.Engines, error) { return nil, nil }},
	{name: "distributed", open: func() (*running.Engines, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		return running.LaunchEngines(ctx)
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
			w.stack.Report(t)
		}
	})
	w.once.Do(func() { w.err = w.start(t) })
	var missing running.MissingEngine
	if errors.As(w.err, &missing) {
		engines.Missing(t, missing.Kind, missing.Err)
	}
	require.NoError(t, w.err)
	if !w.stack.Running() { // an earlier test ended it
		require.NoError(t, w.stack.Launch())
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
	w.stack = &running.Installation{Data: dir, Engines: set}
	if err := w.stack.Launch(); err != nil {
		return fmt.Errorf("%w\n%s", err, w.stack.Warnings())
	}
	began := time.Now()
	w.arrived = incidents(t, w.stack.SignIn(t, "sikkerhet"), 60*time.Second)
	w.after = time.Since(began)
	t.Logf("%s: ready after %s, the demo's incidents %s later", w.name, w.stack.Ready.Round(time.Millisecond), w.after.Round(time.Millisecond))
	return nil
}

// close ends the shared installation as Ctrl-C does.
func (w *way) close() (err error) {
	if w.stack == nil {
		return nil
	}
	if w.stack.Running() {
		err = w.stack.End(syscall.SIGINT)
	}
	if w.stack.Engines != nil {
		w.stack.Engines.Discard()
	}
	return errors.Join(err, os.RemoveAll(w.stack.Data))
}

func TestMain(m *testing.M) {
	var end []func() error
	for _, w := range ways {
		end = append(end, w.close)
	}
	running.Main(m, end...)
}
