package engines

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// A shared engine belongs to a supervisor: this same program, started again
// with superviseEnv set, on its own. Files in the engine's run folder:
//
//	start.lock  held by whoever starts or stops the engine
//	use.lock    held (shared) by every process that uses it, as long as it lives
//	alive.lock  held by the supervisor
//	state.json  the address, once it is ready
//	keep        present after Up: do not end when nobody uses it
const superviseEnv = "VARDE_ENGINES_SUPERVISE"

// idle is how long a shared engine runs on without a user.
const idle = 30 * time.Second

func init() {
	if spec := os.Getenv(superviseEnv); spec != "" {
		os.Exit(supervise(spec))
	}
}

type state struct {
	URL        string `json:"url"`
	Supervisor int    `json:"supervisor"`
	Failed     string `json:"failed,omitempty"`
}

type spec struct {
	Kind Kind   `json:"kind"`
	Dir  string `json:"dir"` // of the run files; the engine's data is below
	Keep bool   `json:"keep"`
}

var (
	uses   = map[Kind]string{} // address of what this process already uses
	held   []func()            // the locks that say so
	usesMu sync.Mutex
)

// Shared installs and starts the engine unless it runs already, and returns
// its address. It runs as long as any process that called Shared.
func Shared(ctx context.Context, k Kind) (string, error) {
	usesMu.Lock()
	defer usesMu.Unlock()
	if url, ok := uses[k]; ok {
		return url, nil
	}
	if err := Install(ctx, k); err != nil {
		return "", err
	}
	s := spec{Kind: k, Dir: runDir(filepath.Join(root(), "run"), k)}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return "", err
	}
	// Released when this process ends, however it ends. It is kept in held:
	// the garbage collector would close the file, and with it end the lock.
	unlock, err := lockFile(filepath.Join(s.Dir, "use.lock"), syscall.LOCK_SH)
	if err != nil {
		return "", err
	}
	held = append(held, unlock)
	st, err := s.ensure(ctx)
	if err != nil {
		return "", err
	}
	uses[k] = st.URL
	return st.URL, nil
}

// Up starts the engines with their data under dir (empty: the shared ones of
// the tests), to run until Down, and returns their addresses by kind.
func Up(ctx context.Context, dir string, kinds ...Kind) (map[Kind]string, error) {
	if dir == "" {
		dir = filepath.Join(root(), "run")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	urls := map[Kind]string{}
	for _, k := range kinds {
		if err := Install(ctx, k); err != nil {
			return urls, err
		}
		s := spec{Kind: k, Dir: runDir(dir, k), Keep: true}
		if err := os.MkdirAll(s.Dir, 0o755); err != nil {
			return urls, err
		}
		if err := os.WriteFile(filepath.Join(s.Dir, "keep"), nil, 0o644); err != nil {
			return urls, err
		}
		st, err := s.ensure(ctx)
		if err != nil {
			return urls, err
		}
		urls[k] = st.URL
	}
	return urls, nil
}

// Down ends what Up (or a test) started and waits for it.
func Down(ctx context.Context, dir string, kinds ...Kind) error {
	if dir == "" {
		dir = filepath.Join(root(), "run")
	}
	var errs []error
	for _, k := range kinds {
		s := spec{Kind: k, Dir: runDir(dir, k)}
		_ = os.Remove(filepath.Join(s.Dir, "keep"))
		if !s.alive() {
			continue
		}
		st, err := s.read()
		if err != nil || st.Supervisor <= 0 {
			errs = append(errs, fmt.Errorf("%s runs but says not as which process: %w", k, err))
			continue
		}
		_ = syscall.Kill(st.Supervisor, syscall.SIGTERM)
		for s.alive() && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
		}
		errs = append(errs, ctx.Err())
	}
	return errors.Join(errs...)
}

func runDir(base string, k Kind) string { return filepath.Join(base, string(k)) }

// alive says whether a supervisor holds its lock.
func (s spec) alive() bool {
	unlock, err := lockFile(filepath.Join(s.Dir, "alive.lock"), syscall.LOCK_SH|syscall.LOCK_NB)
	if err != nil {
		return errors.Is(err, syscall.EWOULDBLOCK)
	}
	unlock()
	return false
}

func (s spec) stateFile() string { return filepath.Join(s.Dir, "state.json") }

func (s spec) read() (st state, err error) {
	text, err := os.ReadFile(s.stateFile())
	if err != nil {
		return st, err
	}
	err = json.Unmarshal(text, &st)
	if err == nil && st.Failed != "" {
		err = errors.New(st.Failed)
	}
	return st, err
}

// ensure returns the state of the running engine, and starts it where none runs.
func (s spec) ensure(ctx context.Context) (state, error) {
	unlock, err := lockFile(filepath.Join(s.Dir, "start.lock"), syscall.LOCK_EX)
	if err != nil {
		return state{}, err
	}
	defer unlock()
	if s.alive() {
		if st, err := s.read(); err == nil {
			return st, nil
		}
	}
	_ = os.Remove(s.stateFile())
	if err := s.spawn(); err != nil {
		return state{}, err
	}
	for {
		if st, err := s.read(); err == nil || st.Failed != "" {
			return st, err
		}
		select {
		case <-ctx.Done():
			return state{}, fmt.Errorf("%s: %w: %s", s.Kind, ctx.Err(), tail(filepath.Join(s.Dir, "supervisor.log")))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s spec) spawn() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(s.Dir, "supervisor.log"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), superviseEnv+"="+string(text))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}

// supervise runs an engine until nobody needs it; it is the main function of
// the supervisor.
func supervise(text string) int {
	var s spec
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	_ = os.Unsetenv(superviseEnv)
	unlock, err := lockFile(filepath.Join(s.Dir, "alive.lock"), syscall.LOCK_EX)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer unlock()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)

	data := filepath.Join(s.Dir, "engine")
	if !s.Keep { // tests begin with an empty engine
		if err := os.RemoveAll(data); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	e, err := Launch(context.Background(), s.Kind, data)
	if err != nil {
		s.write(state{Supervisor: os.Getpid(), Failed: err.Error()})
		return 1
	}
	s.write(state{URL: e.URL, Supervisor: os.Getpid()})
	s.untilUnused(e, signals)
	_ = os.Remove(s.stateFile())
	e.Stop()
	return 0
}

// untilUnused returns when told to stop, when the engine ended, or when
// neither a user nor the keep file has been there for a while.
func (s spec) untilUnused(e *Engine, signals <-chan os.Signal) {
	since := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-signals:
			return
		case <-e.exited:
			return
		case <-tick.C:
		}
		if _, err := os.Stat(filepath.Join(s.Dir, "keep")); err == nil {
			since = time.Now()
			continue
		}
		unlock, err := lockFile(filepath.Join(s.Dir, "use.lock"), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != nil {
			since = time.Now()
			continue
		}
		if time.Since(since) > idle {
			// Held until the end: who comes now waits, then starts a new one.
			_ = unlock
			return
		}
		unlock()
	}
}

// write replaces the state file in one step.
func (s spec) write(st state) {
	text, err := json.Marshal(st)
	if err == nil {
		tmp := s.stateFile() + ".new"
		if err = os.WriteFile(tmp, text, 0o644); err == nil {
			err = os.Rename(tmp, s.stateFile())
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
