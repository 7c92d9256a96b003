package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"varde.internal/platform/audit/bundle"
)

func verifyCommand() *cobra.Command {
	var opt bundle.Options
	var earlier []string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check an exported audit log, offline",
		Long: `Check an exported audit log with no access to the system: that its checkpoint
is signed, that every record is what was logged, in its place and order, and
that none is missing. Prints a report as JSON.

Give the public key you trust with --key: without it the key in the file is
used, which anybody could have made. With --earlier, checkpoints you kept from
before must be beginnings of this log, so that a rewritten history shows.

Exit codes: 0 all holds, 1 something does not, 2 FILE cannot be read.`,
		Example: `  varde verify audit-2026-11.json
  varde verify audit-2026-11.json --key "$(cat varde.pub)" --earlier checkpoint-2026-10.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, f := range earlier {
				text, err := os.ReadFile(f)
				if err != nil {
					return exitError{2, err}
				}
				opt.Earlier = append(opt.Earlier, string(text))
			}
			in, err := os.Open(args[0])
			if err != nil {
				return exitError{2, err}
			}
			defer in.Close()
			b, err := bundle.Read(in)
			if err != nil {
				return exitError{2, fmt.Errorf("%s: %w", args[0], err)}
			}
			report := bundle.Verify(b, opt)
			if err := printJSON(cmd, report); err != nil {
				return err
			}
			if !report.OK {
				return errors.New("the log does not hold: see problems")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&opt.Key, "key", "", "the public key you trust")
	cmd.Flags().StringSliceVar(&earlier, "earlier", nil, "files with checkpoints kept from before")
	return cmd
}
