package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"varde.internal/cmd/demo"
	"varde.internal/cmd/installation"
)

func demoCommand() *cobra.Command {
	var s settings
	var distributed bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run Varde with a made-up region and real captured logs",
		Long: `Run Varde with the demo region: three made-up municipalities and their IT host,
with people, systems, vendors, agreements and access windows. Sign-in logs that
real daemons wrote are replayed into it, moved to the days before the first
start. A second start finds everything again and doubles nothing.

With --distributed every part runs in a process of its own, on the engines of
the configuration (bus, documents, events).`,
		Example: `  varde demo
  varde demo --data .varde/data --listen 127.0.0.1:8400`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.load()
			if err != nil {
				return err
			}
			for _, a := range demo.Accounts {
				c.DemoAccounts = append(c.DemoAccounts, installation.DemoAccount{Name: a.Name + "@bjorkvag.example", Password: demo.Password, Role: a.Role})
			}
			freeWhereTaken(&c, s.listen != "")
			return runDemo(cmd.Context(), cmd.OutOrStdout(), c, distributed)
		},
	}
	s.flags(cmd)
	cmd.Flags().BoolVar(&distributed, "distributed", false, "one process per part, on the engines of the configuration")
	return cmd
}

// freeWhereTaken moves a demo off the usual ports that something else has: a
// demo starts beside whatever runs already. An address that was asked for on
// the command line is kept.
func freeWhereTaken(c *installation.Config, asked bool) {
	free := func(address string) string {
		if ln, err := net.Listen("tcp", address); err == nil { //nolint:noctx // closed at once
			ln.Close()
			return address
		}
		return "127.0.0.1:0"
	}
	for part, address := range c.Listen {
		if part != "web" || !asked {
			c.Listen[part] = free(address)
		}
	}
	c.Syslog.TCP = free(c.Syslog.TCP)
	c.Syslog.UDP = c.Syslog.TCP
}

func runDemo(ctx context.Context, out io.Writer, c installation.Config, distributed bool) error {
	region, err := demo.LoadRegion()
	if err != nil {
		return err
	}
	captures, err := demo.LoadCaptures(demo.Captures())
	if err != nil {
		return err
	}
	plan, err := demo.LoadPlan(c.Data, region, captures, time.Now())
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(c.Data, "varde.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	fmt.Fprintln(out, "starting; the log is", log.Name())
	start := startInOne
	if distributed {
		start = startApart
	}
	in, err := start(ctx, c, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		defer cancel() // whoever waits for readiness need not wait longer
		ended <- in.Run(ctx)
	}()
	err = demonstrate(ctx, out, in, region, plan, captures)
	if err != nil {
		if ctx.Err() != nil {
			err = nil // Ctrl-C while it was starting, or Run ended and says why
		}
		cancel()
		return errors.Join(err, <-ended)
	}
	return <-ended
}

// running is an installation in this process or in several.
type running interface {
	demo.Target
	Run(ctx context.Context) error
	// AwaitReady returns when every part is ready.
	AwaitReady(ctx context.Context) error
	Public() string
	SyslogTCP() string // the collector's address
}

func demonstrate(ctx context.Context, out io.Writer, in running, region demo.Region, plan demo.Plan, captures []demo.Capture) error {
	wait, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := in.AwaitReady(wait); err != nil {
		return fmt.Errorf("not every part became ready: %w", err)
	}
	key, err := demo.Seed(wait, in, region, plan)
	if err != nil {
		return fmt.Errorf("demo region: %w", err)
	}
	printReady(out, in, key)
	if err := demo.Replay(ctx, in, plan, captures); err != nil && ctx.Err() == nil {
		return fmt.Errorf("replay: %w", err)
	}
	return nil
}

func printReady(out io.Writer, in running, key string) {
	fmt.Fprintf(out, "ready %s\n\n", in.Public())
	fmt.Fprintf(out, "Demo accounts (password for all: %s)\n", demo.Password)
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, a := range demo.Accounts {
		fmt.Fprintf(w, "  %s@bjorkvag.example\t%s\n", a.Name, a.Who)
	}
	w.Flush()
	fmt.Fprintf(out, "\nReport without an account: %s/meld/bjorkvag\n", in.Public())
	fmt.Fprintf(out, "Send your own logs: syslog tcp %s · _bulk at %s with API key %s\n\n", in.SyslogTCP(), in.Endpoint("collector"), key)
	fmt.Fprintln(out, "Ctrl-C stops it; the next start finds its data again.")
}
