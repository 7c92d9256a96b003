package engines

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// variable is how a process of Varde is told an engine's address.
var variable = map[Kind]string{
	KindKafka:         "VARDE_BUS",
	KindElasticsearch: "VARDE_EVENTS",
	KindMongo:         "VARDE_DOCUMENTS",
}

// Run starts all engines with data that stays (one set for each working
// folder), runs a command that finds their addresses in VARDE_BUS,
// VARDE_EVENTS and VARDE_DOCUMENTS, and ends the engines after it. An engine
// with an override is used as it is. It returns the command's exit code.
func Run(ctx context.Context, command []string) (int, error) {
	here, err := os.Getwd()
	if err != nil {
		return 1, err
	}
	sum := sha256.Sum256([]byte(here))
	dir := filepath.Join(root(), "up", hex.EncodeToString(sum[:6]))
	env := os.Environ()
	var own []Kind
	for _, k := range Kinds {
		if url := os.Getenv(override[k]); url != "" {
			env = append(env, variable[k]+"="+url)
			continue
		}
		fmt.Fprintf(os.Stderr, "starting %s …\n", k)
		own = append(own, k)
		urls, err := Up(ctx, dir, k)
		if err == nil {
			err = useAsLongAsWeLive(dir, k)
		}
		if err != nil {
			return 1, errors.Join(err, stop(dir, own))
		}
		env = append(env, variable[k]+"="+urls[k])
	}
	code, err := runChild(command, env)
	return code, errors.Join(err, stop(dir, own))
}

// useAsLongAsWeLive lets an engine end soon after this process, however it ends.
func useAsLongAsWeLive(dir string, k Kind) error {
	s := spec{Kind: k, Dir: runDir(dir, k)}
	unlock, err := lockFile(filepath.Join(s.Dir, "use.lock"), syscall.LOCK_SH)
	if err != nil {
		return err
	}
	usesMu.Lock()
	held = append(held, unlock)
	usesMu.Unlock()
	return os.Remove(filepath.Join(s.Dir, "keep"))
}

func stop(dir string, kinds []Kind) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return Down(ctx, dir, kinds...)
}

// runChild runs the command to its end and passes signals on. Ctrl-C reaches
// it by itself too, being in the same group: it may come twice. The command
// ends with this process, however this one ends.
func runChild(command, env []string) (int, error) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s)
		case err := <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return exit.ExitCode(), nil
			}
			return 0, err
		}
	}
}
