package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/test/engines"
	"varde.internal/test/running"
)

// readyz asks a part whether it is ready; status 0 where nothing listens.
func readyz(base string) (int, string) {
	client := http.Client{Timeout: 15 * time.Second}
	res, err := client.Get(base + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

// Parts that start before their engines wait for them, say so, and go on by
// themselves.
func TestPartsWaitForEnginesThatAreDown(t *testing.T) {
	w := ways[1]
	t.Run(w.name, func(t *testing.T) {
		w.use(t)
		s := w.stack
		s.Stop(t)
		for _, e := range s.Engines.Of {
			e.Stop()
		}
		require.NoError(t, os.Remove(filepath.Join(s.Data, "varde.yaml")))
		launched := make(chan error, 1)
		go func() { launched <- s.Launch() }()
		var endpoints map[string]string
		running.Eventually(t, 20*time.Second, func() (err error) {
			if endpoints, err = s.Endpoints(); err == nil && len(endpoints) == 0 {
				err = errors.New("no endpoints yet")
			}
			return err
		})
		for part, base := range endpoints {
			running.Eventually(t, 20*time.Second, func() error {
				status, text := readyz(base)
				if status != http.StatusServiceUnavailable {
					return fmt.Errorf("%s: %d %s", part, status, text)
				}
				t.Logf("%s: %s", part, text)
				return nil
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		for _, kind := range engines.Kinds {
			require.NoError(t, s.Engines.Of[kind].Start(ctx))
		}
		up := time.Now()
		require.NoError(t, <-launched)
		t.Logf("ready %s after the engines", time.Since(up).Round(time.Millisecond))
		require.NotEmpty(t, cases(s.SignIn(t, "sikkerhet")))
	})
}

// Whatever ends the process that started the parts, none of them is left.
func TestPartsEndWithTheirParent(t *testing.T) {
	w := ways[1]
	t.Run(w.name, func(t *testing.T) {
		for name, end := range map[string]func(*running.Installation) error{
			"SIGTERM": func(s *running.Installation) error { return s.End(syscall.SIGTERM) },
			"kill -9": func(s *running.Installation) error { s.Kill(); return nil },
		} {
			w.use(t)
			endpoints, err := w.stack.Endpoints()
			require.NoError(t, err)
			require.Len(t, endpoints, 13, "one for each part")
			require.NoError(t, end(w.stack), name)
			for part, base := range endpoints {
				took := running.Eventually(t, 30*time.Second, func() error {
					if status, _ := readyz(base); status != 0 {
						return fmt.Errorf("after %s, %s still answers", name, part)
					}
					return nil
				})
				if name == "SIGTERM" {
					require.Less(t, took, 5*time.Second, "%s outlived it", part)
				}
			}
		}
	})
}
