// Package e2e drives the started binary as people and machines do: over HTTP
// through the front door, over syslog and _bulk through the collector.
package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary is built once for all tests of the package, with the interface where
// it was built.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "varde-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "varde")
	args := []string{"build", "-o", path}
	if _, err := os.Stat("../../ui/dist/index.html"); err == nil {
		args = append(args, "-tags", "ui")
	}
	cmd := exec.Command("go", append(args, "./cmd/varde")...)
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// stack is one running installation of the demo region.
type stack struct {
	URL      string
	Password string
	Syslog   string // TCP address of the collector
	Bulk     string
	BulkKey  string
	Data     string
	Ready    time.Duration

	cmd   *exec.Cmd
	ended chan struct{}
	mu    sync.Mutex
	lines []string
}

// start runs `varde demo` on free ports with its data in dir and waits for the
// line ready.
func start(t *testing.T, dir string, args ...string) *stack {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	s := &stack{Data: dir, ended: make(chan struct{})}
	s.cmd = exec.Command(path, append([]string{"demo", "--data", dir, "--listen", "127.0.0.1:0"}, args...)...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	s.cmd.Stderr = os.Stderr
	if !testing.Verbose() {
		log, err := os.Create(filepath.Join(t.TempDir(), "stderr.log"))
		require.NoError(t, err)
		s.cmd.Stderr = log
		t.Cleanup(func() {
			if t.Failed() {
				text, _ := os.ReadFile(log.Name())
				if len(text) > 20_000 {
					text = text[len(text)-20_000:]
				}
				t.Logf("log of the installation:\n%s", text)
			}
			log.Close()
		})
	}
	began := time.Now()
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() { s.kill() })

	ready := make(chan struct{})
	go s.read(bufio.NewScanner(out), ready)
	select {
	case <-ready:
		s.Ready = time.Since(began)
	case <-s.ended:
		require.FailNow(t, "the installation ended before the line ready", "%v", s.output())
	case <-time.After(120 * time.Second):
		require.FailNow(t, "no line ready in 120 s", "%v", s.output())
	}
	return s
}

var printed = map[string]*regexp.Regexp{
	"url":      regexp.MustCompile(`^ready (http://\S+)`),
	"password": regexp.MustCompile(`password for all: (\S+)\)`),
	"syslog":   regexp.MustCompile(`syslog tcp (\S+)`),
	"bulk":     regexp.MustCompile(`_bulk at (http://\S+) with API key (\S+)`),
	"end":      regexp.MustCompile(`^Ctrl-C stops`),
}

func (s *stack) read(lines *bufio.Scanner, ready chan struct{}) {
	defer close(s.ended)
	for lines.Scan() {
		line := lines.Text()
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
		if m := printed["url"].FindStringSubmatch(line); m != nil {
			s.URL = m[1]
		}
		if m := printed["password"].FindStringSubmatch(line); m != nil {
			s.Password = m[1]
		}
		if m := printed["syslog"].FindStringSubmatch(line); m != nil {
			s.Syslog = m[1]
		}
		if m := printed["bulk"].FindStringSubmatch(line); m != nil {
			s.Bulk, s.BulkKey = m[1], m[2]
		}
		if printed["end"].MatchString(line) {
			close(ready)
		}
	}
}

func (s *stack) output() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

// stop is Ctrl-C; it fails the test where the process does not end cleanly.
func (s *stack) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	select {
	case <-s.ended:
	case <-ctx.Done():
		require.FailNow(t, "Ctrl-C did not stop it within 30 s")
	}
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		require.Failf(t, "stopped with an error", "exit code %d: %v", exit.ExitCode(), s.output())
	}
	s.cmd = nil
}

// kill is kill -9 of the process.
func (s *stack) kill() {
	if s.cmd == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
	_ = s.cmd.Wait()
	s.cmd = nil
}
