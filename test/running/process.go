// Package running starts the built binary for the tests that drive it as people
// and machines do: whole installations on embedded and on real engines, single
// parts, and somebody at the front door. What a test started ends with it.
package running

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Program is the path of the binary: built once for all tests of a package,
// with the interface where that was built. VARDE_E2E_BINARY names one that
// exists already.
var Program = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("VARDE_E2E_BINARY"); path != "" {
		return filepath.Abs(path)
	}
	dir, err := os.MkdirTemp("", "varde-running-")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "varde")
	args := []string{"build", "-o", path}
	if _, err := os.Stat(filepath.Join(Root(), "ui", "dist", "index.html")); err == nil {
		args = append(args, "-tags", "ui")
	}
	cmd := exec.Command("go", append(args, "./cmd/varde")...)
	cmd.Dir = Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// built is the folder that Program made, "" where it made none.
var built string

// Root is the folder of the project.
func Root() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(here)))
}

// Main is what TestMain of a package calls: it runs the tests, ends what they
// share, and removes what Program built.
func Main(m *testing.M, end ...func() error) {
	code := m.Run()
	for _, e := range end {
		if err := e(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// Process is one started process of the binary. Its methods may be called from
// several goroutines, but only one of them ends it.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // of its end; to be read when ended is closed

	mu    sync.Mutex
	lines []string
}

// StartProcess runs the binary with the arguments, env beside this process's
// environment, and stderr; seen is called with every line it prints. It ends
// with this process.
func StartProcess(args, env []string, stderr io.Writer, seen func(line string)) (*Process, error) {
	path, err := Program()
	if err != nil {
		return nil, err
	}
	p := &Process{cmd: exec.Command(path, args...), ended: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	started := make(chan error, 1)
	go func() {
		// Pdeathsig is of the thread that started it: this one stays until its end.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			line := lines.Text()
			p.mu.Lock()
			p.lines = append(p.lines, line)
			p.mu.Unlock()
			if seen != nil {
				seen(line)
			}
		}
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, <-started
}

// PID of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Printed is what it has printed so far.
func (p *Process) Printed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

// Ended is closed when the process has ended and all that it printed was read.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Signal sends a signal to the process alone.
func (p *Process) Signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

// End sends a signal and waits for the end, which must be clean.
func (p *Process) End(sig syscall.Signal) error {
	if err := p.Signal(sig); err != nil {
		return err
	}
	select {
	case <-p.ended:
	case <-time.After(40 * time.Second):
		return fmt.Errorf("%s did not stop it within 40 s", sig)
	}
	if p.err != nil {
		return fmt.Errorf("stopped with an error: %w: %q", p.err, p.Printed())
	}
	return nil
}

// Kill is kill -9; it returns when the process is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// Dump ends the process in the way that prints where every goroutine stands:
// one that fell silent says so nowhere else.
func (p *Process) Dump() {
	_ = p.Signal(syscall.SIGQUIT)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
	}
	p.Kill()
}
