// Command varde is the whole system in one binary: every part, and the tools
// around them. `varde --help` lists what it does.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// exitError carries an exit code other than 1 out of a command.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return e.err.Error() }
func (e exitError) Unwrap() error { return e.err }

func main() {
	if os.Getenv("GOGC") == "" {
		// Events become garbage as fast as they come: collecting half as often
		// costs some 50 MB when idle and saves a fifth of the CPU under load
		// (docs/performance.md).
		debug.SetGCPercent(200)
	}
	ctx, stop := interruptible()
	defer stop()
	err := root().ExecuteContext(ctx)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "varde:", err)
	stop()
	os.Exit(exitCode(err)) //nolint:gocritic // stop was called
}

// interruptible ends with the first Ctrl-C or SIGTERM, for a stop in good order.
// The second ends the process at once, as it does every program: no data is lost
// by that, as none is by kill -9.
func interruptible() (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// exitCode is 2 for what was asked wrongly, 1 for what failed.
func exitCode(err error) int {
	var exit exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	// The one usage error that cobra lets nobody wrap.
	if strings.HasPrefix(err.Error(), "unknown command") {
		return 2
	}
	return 1
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "varde",
		Short: "Deviations and security incidents, with event-log analysis",
		Long: `Varde keeps deviations (avvik) and security incidents for municipalities and
their shared IT hosts: people report, logs show who came in without permission,
and one responsible manager handles both until they are closed, with proof.

Exit codes: 0 done, 1 failed, 2 input that cannot be read or is wrong.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exitError{2, err} })
	cmd.AddCommand(serveCommand(), demoCommand(), parseCommand(), importCommand(), mappingCommand(), verifyCommand(), configCommand(), keysCommand(), tenantCommand(), backupCommand(), restoreCommand())
	wrongArgumentsExitWith2(cmd)
	return cmd
}

func wrongArgumentsExitWith2(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return exitError{2, err}
			}
			return nil
		}
	}
	for _, c := range cmd.Commands() {
		wrongArgumentsExitWith2(c)
	}
}
