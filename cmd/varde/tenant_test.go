package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATenantIsAddedOnceWithItsAdministrator(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"tenant", "add", "vik", "--data", data, "--name", "Vik kommune", "--domain", "vik.example", "--prefix", "VI",
		"--password-file", file(t, "password", "en setning som er lang nok\n")}
	for _, want := range []float64{3, 0} {
		out, exit, message := run(t, args...)
		require.Zero(t, exit, message)
		var got map[string]any
		require.NoError(t, json.Unmarshal([]byte(out), &got), out)
		require.Equal(t, map[string]any{"tenant": "vik", "signIn": "admin@vik.example", "made": want}, got)
	}
	for name, change := range map[string][2]string{
		"id":                 {"vik", "Ø!"},
		"no name":            {"Vik kommune", ""},
		"too short password": {args[len(args)-1], file(t, "short", "kort\n")},
	} {
		wrong := strings.Split(strings.ReplaceAll(strings.Join(args, "\x00"), "\x00"+change[0]+"\x00", "\x00"+change[1]+"\x00"), "\x00")
		if wrong[len(wrong)-1] == change[0] {
			wrong[len(wrong)-1] = change[1]
		}
		_, exit, message := run(t, wrong...)
		require.Equal(t, 2, exit, "%s: %s", name, message)
	}
}

// A data folder may be named from the working folder.
func TestARelativeDataFolderIsOne(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	out, exit, message := run(t, "config", "verify", "--data", "data")
	require.Zero(t, exit, message)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	here, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(here, "data"), got["data"])
}
