package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

const table = "Tidspunkt;Brukernavn;IP-adresse;Hendelse;Resultat\n22.11.2026 10:00:00;kari;192.0.2.7;Innlogging;Mislykket\n22.11.2026 10:00:09;kari;192.0.2.7;Innlogging;OK\n"

func TestAMappingIsGuessedCheckedAndUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sample, file := filepath.Join(dir, "rows.csv"), filepath.Join(dir, "sak.yaml")
	require.NoError(t, os.WriteFile(sample, []byte(table), 0o600))
	out, exit, _ := run(t, "mapping", "guess", "--name", "sak", "--tz", "Europe/Oslo", sample)
	require.Zero(t, exit)
	require.NoError(t, os.WriteFile(file, []byte(out), 0o600))
	_, exit, _ = run(t, "mapping", "check", file)
	require.Zero(t, exit)

	events, broken, err := parsed(t, "", "--mapping", file, sample)
	require.NoError(t, err)
	require.Empty(t, broken)
	require.Len(t, events, 3, "the header is an event too: no line is lost")
	require.Equal(t, "2026-11-22T09:00:00Z", events[1]["@timestamp"])
	require.Equal(t, "failure", events[1]["event"].(map[string]any)["outcome"])
	require.Equal(t, "success", events[2]["event"].(map[string]any)["outcome"])
	require.Equal(t, true, events[2]["varde"].(map[string]any)["attempt"])

	require.NoError(t, os.WriteFile(file, []byte("version: 1\nname: Nei\n"), 0o600))
	_, exit, _ = run(t, "mapping", "check", file)
	require.Equal(t, 2, exit)
	_, _, err = parsed(t, "", "--mapping", file, sample)
	require.Equal(t, 2, code(err))
	_, exit, _ = run(t, "mapping", "guess", filepath.Join(dir, "missing"))
	require.Equal(t, 2, exit)
}
