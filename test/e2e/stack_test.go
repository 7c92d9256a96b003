// Package e2e drives the started binary as people and machines do: over HTTP
// through the front door, over syslog and _bulk through the collector.
package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// program is built once for all tests of the package, with the interface where
// it was built. VARDE_E2E_BINARY names one that exists already.
var program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("VARDE_E2E_BINARY"); path != "" {
		return filepath.Abs(path)
	}
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

	engines *engineSet // nil: embedded

	cmd   *exec.Cmd
	ended chan struct{}
	mu    sync.Mutex
	lines []string
}

// start runs `varde demo` on embedded engines with its data in dir, for one
// test alone.
func start(t *testing.T, dir string) *stack {
	t.Helper()
	s := &stack{Data: dir}
	t.Cleanup(func() {
		if t.Failed() {
			s.report(t)
		}
		s.kill()
	})
	require.NoError(t, s.launch())
	return s
}

// report shows what the installation said, and ends it in the way that prints
// where every goroutine stands: one that fell silent says so nowhere else.
func (s *stack) report(t *testing.T) {
	t.Logf("printed: %q\nwarnings of the installation:\n%s", s.output(), s.warnings())
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-s.ended:
	case <-time.After(10 * time.Second):
	}
	s.kill()
}

// warnings are the last lines of the installation's log that are more than
// information.
func (s *stack) warnings() string {
	text, _ := os.ReadFile(filepath.Join(s.Data, "varde.log"))
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, `"level":"INFO"`) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(0, len(lines)-40):], "")
}

// launch starts the demo on free ports and waits for what it prints when ready.
// It may be called again after stop or kill.
func (s *stack) launch() error {
	path, err := program()
	if err != nil {
		return err
	}
	args := []string{"demo", "--data", s.Data, "--listen", "127.0.0.1:0"}
	if s.engines != nil {
		args = append(args, "--distributed")
	}
	s.cmd = exec.Command(path, args...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if s.engines != nil {
		s.cmd.Env = append(os.Environ(), s.engines.env()...)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	s.cmd.Stderr = os.Stderr
	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	ready := make(chan struct{})
	s.ended, s.lines = make(chan struct{}), nil
	go s.read(bufio.NewScanner(out), ready)
	select {
	case <-ready:
		s.Ready = time.Since(began)
		return nil
	case <-s.ended:
		return fmt.Errorf("the installation ended before the line ready: %q", s.output())
	case <-time.After(180 * time.Second):
		return fmt.Errorf("no line ready in 180 s: %q", s.output())
	}
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
	require.NoError(t, s.end(syscall.SIGINT))
}

// end sends a signal to the process and waits for its end, which must be clean.
func (s *stack) end(sig syscall.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil {
		return err
	}
	select {
	case <-s.ended:
	case <-time.After(40 * time.Second):
		return fmt.Errorf("%s did not stop it within 40 s", sig)
	}
	err := s.cmd.Wait()
	s.cmd = nil
	if err != nil {
		return fmt.Errorf("stopped with an error: %w: %q", err, s.output())
	}
	return nil
}

// kill is kill -9 of the process; parts in processes of their own end by
// themselves then.
func (s *stack) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	_ = s.cmd.Wait()
	s.cmd = nil
}
