package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"varde.internal/cmd/installation"
	"varde.internal/platform/config"
)

// dataFolder is where an installed Varde keeps its data (XDG base directories).
func dataFolder() string {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "varde")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "varde-data"
	}
	return filepath.Join(home, ".local", "share", "varde")
}

// settings are the flags that every command with a configuration has.
type settings struct {
	file, data, listen string
}

func (s *settings) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.file, "config", "", "YAML file with the configuration (see varde config verify)")
	cmd.Flags().StringVar(&s.data, "data", "", "folder of the embedded engines and the keys (default "+dataFolder()+")")
	cmd.Flags().StringVar(&s.listen, "listen", "", "address people use, host:port (default 127.0.0.1:8400)")
}

func (s *settings) load() (installation.Config, error) {
	c := installation.Default(dataFolder())
	err := config.Load(&c, config.Source{File: s.file, Environ: os.Environ(), Flags: []func(){
		func() {
			if s.data != "" {
				c.Data = s.data
			}
		},
		func() {
			if s.listen != "" {
				c.Listen["web"] = s.listen
			}
		},
	}})
	if err != nil {
		return c, exitError{2, err}
	}
	// Engines take whole paths, and other processes have other working folders.
	for _, folder := range []*string{&c.Data, &c.Keys} {
		if *folder != "" {
			if *folder, err = filepath.Abs(*folder); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

func serveCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "serve [PART…]",
		Short: "Run Varde: every part, or those named",
		Long: `Run Varde. Without names every part runs in this process, on embedded engines
in the data folder unless the configuration names real ones. With names just
those run; then every engine needs a URL, and "endpoints" says where the other
parts are.

Parts: ` + strings.Join(installation.Names, ", "),
		Example: `  varde serve
  varde serve --data /srv/varde --listen 127.0.0.1:8400
  varde serve cases search --config /etc/varde/varde.yaml`,
		ValidArgs: installation.Names,
		RunE: func(cmd *cobra.Command, parts []string) error {
			c, err := s.load()
			if err != nil {
				return err
			}
			if err := installation.CheckParts(c, parts); err != nil {
				return exitError{2, err}
			}
			in, err := installation.Open(cmd.Context(), c, parts, os.Stderr)
			if err != nil {
				return err
			}
			// Two lines: requests are answered from the first, and from the
			// second on every part that runs here has the engines it needs.
			fmt.Fprintln(cmd.OutOrStdout(), "listening", in.Public())
			ctx, stop := context.WithCancel(cmd.Context())
			defer stop()
			go func() {
				if in.AwaitParts(ctx, parts) == nil {
					fmt.Fprintln(cmd.OutOrStdout(), "ready", in.Public())
				}
			}()
			return in.Run(ctx)
		},
	}
	s.flags(cmd)
	return cmd
}

func configCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "config", Short: "The configuration"}
	var s settings
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Read the configuration as serve would, and say what is wrong",
		Long: `Read the configuration as serve would: defaults, the file, the environment
(VARDE_BUS, VARDE_SYSLOG_TCP …), flags. Prints it as JSON under the file's own
keys; URLs of engines show as [redacted], because they can hold passwords.

Exit codes: 0 it is right, 2 something is wrong; every fault is named.`,
		Example: "  varde config verify --config /etc/varde/varde.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.load()
			if err != nil {
				return err
			}
			text, err := yaml.Marshal(c) // under the file's keys, and redacted
			if err != nil {
				return err
			}
			var shown map[string]any
			if err := yaml.Unmarshal(text, &shown); err != nil {
				return err
			}
			return printJSON(cmd, shown)
		},
	}
	s.flags(verify)
	cmd.AddCommand(verify)
	return cmd
}
