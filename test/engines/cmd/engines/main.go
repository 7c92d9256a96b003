// Command engines installs, starts and stops the real engines (package
// engines) outside of tests:
//
//	engines install [KIND…]
//	engines up [--data DIR] [KIND…]     prints {"kafka":"kafka://…", …} when ready
//	engines down [--data DIR] [KIND…]
//	engines run -- COMMAND [ARGUMENT…]  with all engines up, and down after it
//
// KIND is kafka, elasticsearch or mongo; without one, all. Data in DIR stays
// between ups.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"varde.internal/test/engines"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := do(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "engines:", err)
		os.Exit(1)
	}
}

func do(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say install, up, down or run")
	}
	if args[0] == "run" {
		if len(args) < 3 || args[1] != "--" {
			return fmt.Errorf("say run -- COMMAND [ARGUMENT…]")
		}
		code, err := engines.Run(ctx, args[2:])
		if err == nil && code != 0 {
			os.Exit(code)
		}
		return err
	}
	flags := flag.NewFlagSet("engines "+args[0], flag.ContinueOnError)
	data := flags.String("data", "", "folder for the engines' data (default: the tests' own)")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	kinds := engines.Kinds
	if flags.NArg() > 0 {
		kinds = nil
		for _, a := range flags.Args() {
			if !slices.Contains(engines.Kinds, engines.Kind(a)) {
				return fmt.Errorf("there is no engine %q", a)
			}
			kinds = append(kinds, engines.Kind(a))
		}
	}
	switch args[0] {
	case "install":
		return engines.Install(ctx, kinds...)
	case "up":
		urls, err := engines.Up(ctx, *data, kinds...)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(urls)
	case "down":
		return engines.Down(ctx, *data, kinds...)
	}
	return fmt.Errorf("there is no command %q", args[0])
}
