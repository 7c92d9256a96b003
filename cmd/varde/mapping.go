package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"varde.internal/ingest/parse"
)

// mappingCommand is `varde mapping`: files that say how the rows of a
// line-of-business system become events.
func mappingCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mapping",
		Short: "Propose and check mappings of line-of-business systems' logs",
		Long: `A mapping is a YAML file that says how the lines of a system (JSON, CSV or
key=value) become ECS events. It carries samples with what must come of them, and
is refused where they do not. docs/formats.md describes it.`,
		Example: `  varde mapping guess --name websak --tz Europe/Oslo innlogginger.csv > websak.yaml
  varde mapping check websak.yaml
  varde parse --mapping websak.yaml innlogginger.csv`,
	}
	cmd.AddCommand(guessCommand(), checkCommand())
	return cmd
}

func guessCommand() *cobra.Command {
	var name, zone string
	cmd := &cobra.Command{
		Use:   "guess [flags] FILE",
		Short: "Propose a mapping for a sample of lines, on standard output",
		Long: `Guess reads the first lines of a file and writes a mapping for them as YAML: the
format, the time, and for each field what it is in ECS by its name and values.
What is not recognised goes to labels. It is a proposal: read it before you use
it. "-" is standard input.

Exit codes: 0 done; 2 the file cannot be read, or nothing can be made of it.`,
		Example: `  varde mapping guess --name websak --tz Europe/Oslo innlogginger.csv > websak.yaml`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runGuess(name, zone, args[0], cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&name, "name", "fagsystem", "name of the mapping")
	cmd.Flags().StringVar(&zone, "tz", "", "time zone of times that name none, such as Europe/Oslo")
	return cmd
}

// guessBytes is how much of a sample is looked at.
const guessBytes = 1 << 20

func runGuess(name, zone, file string, stdin io.Reader, stdout io.Writer) error {
	in := stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return exitError{2, err}
		}
		defer f.Close()
		in = f
	}
	sample, err := io.ReadAll(io.LimitReader(in, guessBytes))
	if err != nil {
		return exitError{2, err}
	}
	m, err := parse.Guess(name, sample, zone)
	if err != nil {
		return exitError{2, err}
	}
	text, err := m.YAML()
	if err != nil {
		return err
	}
	_, err = stdout.Write(text)
	return err
}

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE",
		Short: "Check a mapping and run its samples",
		Long: `Check reads a mapping, says everything that is wrong with it, and runs its
samples.

Exit codes: 0 the mapping holds; 2 it does not, or the file cannot be read.`,
		Example: `  varde mapping check websak.yaml`,
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := readMapping(args[0])
			if err != nil {
				return exitError{2, err}
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d fields, %d samples hold\n", m.Name, len(m.Fields), len(m.Samples))
			return err
		},
	}
}

func oneFile(cmd *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(cmd, args); err != nil {
		return exitError{2, err}
	}
	return nil
}

func readMapping(file string) (*parse.Mapping, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parse.ReadMapping(f)
}
