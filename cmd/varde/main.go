// Command varde is the whole system in one binary: every part, and the tools
// around them. `varde --help` lists what it does.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "varde:", err)
	code := 1
	var exit exitError
	if errors.As(err, &exit) {
		code = exit.code
	}
	stop()
	os.Exit(code) //nolint:gocritic // stop was called
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
	cmd.AddCommand(serveCommand(), demoCommand(), parseCommand(), verifyCommand(), configCommand(), keysCommand(), backupCommand(), restoreCommand())
	return cmd
}
