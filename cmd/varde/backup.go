package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"varde.internal/platform/backup"
	"varde.internal/platform/keyring"
)

func backupCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy an installation on embedded engines, while it runs or not",
		Long: `Copy the installation into the empty folder DIR: documents, events, messages
and files, consistent with each other. The installation may go on running. What
was acknowledged before the backup began is in it; what comes after is not.
The keys are not part of it: see varde keys export. On real engines use their
own backups (docs/operations.md).

Prints the manifest as JSON.`,
		Example: "  varde backup /backup/2026-11-22 --data /srv/varde",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.load()
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			m, err := backup.Create(cmd.Context(), backup.Source{Data: c.Data, Keys: c.Keys, Config: s.file}, dir)
			if err != nil {
				return err
			}
			return printJSON(cmd, m)
		},
	}
	s.flags(cmd)
	return cmd
}

func restoreCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "restore DIR",
		Short: "Put a backup into an empty data folder",
		Long: `Check the backup in DIR against its manifest and put it into the data folder,
whole or not at all; the data folder must be empty or absent. Put the keys into
its folder "keys" before the next start (varde keys import). The audit log
records that the installation was restored.

Exit codes: 0 restored, 1 refused, 2 the backup is not as it was written.`,
		Example: "  varde restore /backup/2026-11-22 --data /srv/varde-new",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.load()
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			m, err := backup.Restore(cmd.Context(), dir, backup.Target{Data: c.Data})
			if errors.Is(err, backup.ErrDamaged) {
				return exitError{2, err}
			}
			if err != nil {
				return err
			}
			return printJSON(cmd, m)
		},
	}
	s.flags(cmd)
	return cmd
}

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "The installation's keys"}
	cmd.AddCommand(keysInitCommand(), keysExportCommand(), keysImportCommand())
	return cmd
}

func keysInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init DIR",
		Short: "Make a folder with new keys, for an installation in several processes",
		Long: `Make a folder with the keys of a new installation. An installation in one
process makes its own at the first start.`,
		Example: "  varde keys init /srv/varde/keys",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := keyring.Open(args[0]); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "keys are in", args[0])
			return nil
		},
	}
}

// passphrase reads the escrow's passphrase from a file: never from a flag,
// which every user of the machine can see.
func passphrase(file string) (string, error) {
	if file == "" {
		return "", exitError{2, errors.New("--passphrase-file is needed")}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", exitError{2, err}
	}
	p := firstLine(text)
	if len(p) < 20 {
		return "", exitError{2, errors.New("the passphrase needs at least 20 characters")}
	}
	return p, nil
}

// firstLine is what a person sees as a file's content.
func firstLine(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r")
}

func keysExportCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export DIR FILE",
		Short: "Write the keys of DIR, encrypted with a passphrase, for a place apart from the backups",
		Long: `Write the keys of the folder DIR into FILE, encrypted with a passphrase (age).
Keep FILE and the passphrase in two places, both apart from the backups: a
backup without the keys cannot be read, and one beside them can be by anyone.`,
		Example: "  varde keys export /srv/varde/keys /media/usb/varde.age --passphrase-file /media/paper/words",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			words, err := passphrase(file)
			if err != nil {
				return err
			}
			if _, err := os.Stat(args[0]); err != nil {
				return exitError{2, err} // Open would make new keys there
			}
			keys, err := keyring.Open(args[0])
			if err != nil {
				return err
			}
			to, err := age.NewScryptRecipient(words)
			if err != nil {
				return err
			}
			out, err := os.OpenFile(args[1], os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
			if err != nil {
				return err
			}
			return errors.Join(keys.Export(out, to), out.Close())
		},
	}
	cmd.Flags().StringVar(&file, "passphrase-file", "", "file with the passphrase, at least 20 characters")
	return cmd
}

func keysImportCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:     "import FILE DIR",
		Short:   "Put exported keys into a folder that has none",
		Example: "  varde keys import /media/usb/varde.age /srv/varde/keys --passphrase-file /media/paper/words",
		Args:    cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			words, err := passphrase(file)
			if err != nil {
				return err
			}
			in, err := os.Open(args[0])
			if err != nil {
				return exitError{2, err}
			}
			defer in.Close()
			with, err := age.NewScryptIdentity(words)
			if err != nil {
				return err
			}
			return keyring.Import(args[1], in, with)
		},
	}
	cmd.Flags().StringVar(&file, "passphrase-file", "", "file with the passphrase")
	return cmd
}
