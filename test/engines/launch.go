package engines

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Engine is a running process of an engine with its data folder.
type Engine struct {
	Kind Kind
	URL  string

	dir  string
	plan plan

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
}

// plan is how an engine is started, and how it is seen to be ready.
type plan struct {
	url   string
	argv  []string
	env   []string
	user  *syscall.Credential // nil: this process's
	ready func(ctx context.Context) error
	allow time.Duration // to become ready
}

// Launch starts an installed engine on dir, which keeps its data and its port
// between starts, and waits until it is ready.
func Launch(ctx context.Context, k Kind, dir string) (*Engine, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	prepare := map[Kind]func(context.Context, string) (plan, error){
		KindKafka: planKafka, KindElasticsearch: planElasticsearch, KindMongo: planMongo,
	}[k]
	if prepare == nil {
		return nil, fmt.Errorf("there is no engine %q", k)
	}
	p, err := prepare(ctx, dir)
	if err != nil {
		return nil, err
	}
	e := &Engine{Kind: k, URL: p.url, dir: dir, plan: p}
	return e, e.Start(ctx)
}

// Start runs the engine again after Kill or Stop, on its port and data.
func (e *Engine) Start(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cmd != nil {
		return errors.New("engines: running already")
	}
	log, err := os.OpenFile(e.logFile(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(e.plan.argv[0], e.plan.argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = e.dir, log, log
	cmd.Env = append(os.Environ(), e.plan.env...)
	// A group of its own, so that what a start script leaves behind ends too,
	// and Ctrl-C reaches only whoever started the engine, with whom it also ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: e.plan.user, Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return err
	}
	e.cmd, e.exited = cmd, make(chan struct{})
	exited := e.exited
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	if err := e.await(ctx); err != nil {
		e.end(syscall.SIGKILL)
		return err
	}
	return nil
}

func (e *Engine) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.plan.allow)
	defer cancel()
	for {
		select {
		case <-e.exited:
			return fmt.Errorf("%s ended while starting: %s", e.Kind, tail(e.logFile()))
		default:
		}
		attempt, stop := context.WithTimeout(ctx, 5*time.Second)
		err := e.plan.ready(attempt)
		stop()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready after %s: %w: %s", e.Kind, e.plan.allow, err, tail(e.logFile()))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// PID of the process, 0 while it does not run.
func (e *Engine) PID() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cmd == nil {
		return 0
	}
	return e.cmd.Process.Pid
}

// Kill ends the engine at once, as a crash does.
func (e *Engine) Kill() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end(syscall.SIGKILL)
}

// Stop ends it in order, and at once when that takes more than 20 s.
func (e *Engine) Stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.end(syscall.SIGTERM)
}

func (e *Engine) end(sig syscall.Signal) {
	if e.cmd == nil {
		return
	}
	group := -e.cmd.Process.Pid
	_ = syscall.Kill(group, sig)
	select {
	case <-e.exited:
	case <-time.After(20 * time.Second):
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-e.exited
	e.cmd = nil
}

func (e *Engine) logFile() string { return filepath.Join(e.dir, string(e.Kind)+".log") }

// ports returns n ports for dir: those of the last start, else free ones.
func ports(dir string, n int) ([]int, error) {
	file := filepath.Join(dir, "ports")
	if text, err := os.ReadFile(file); err == nil {
		var kept []int
		for _, f := range strings.Fields(string(text)) {
			p, err := strconv.Atoi(f)
			if err != nil {
				return nil, err
			}
			kept = append(kept, p)
		}
		if len(kept) == n {
			return kept, nil
		}
	}
	var out []int
	var names []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // held until all are found
		p := l.Addr().(*net.TCPAddr).Port
		out, names = append(out, p), append(names, strconv.Itoa(p))
	}
	return out, os.WriteFile(file, []byte(strings.Join(names, " ")), 0o644)
}

// unprivileged is the user for an engine that refuses to run as root; nil
// where this process is not root. Folders are handed over to it.
func unprivileged(folders ...string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	uid, gid := 65534, 65534
	if u, err := user.Lookup("nobody"); err == nil {
		uid, _ = strconv.Atoi(u.Uid)
		gid, _ = strconv.Atoi(u.Gid)
	}
	for _, dir := range folders {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Chown(path, uid, gid)
		})
		if err != nil {
			return nil, err
		}
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

func writeFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
