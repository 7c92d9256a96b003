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

// Folders may be named from the working folder.
func TestFoldersAreNamedFromTheWorkingFolder_N5(t *testing.T) {
	t.Chdir(t.TempDir())
	out, exit, message := run(t, "config", "verify", "--data", "data")
	require.Zero(t, exit, message)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	here, err := os.Getwd()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(here, "data"), got["data"])

	_, exit, message = run(t, "tenant", "add", "vik", "--data", "data", "--name", "Vik kommune", "--domain", "vik.example", "--prefix", "VI",
		"--password-file", file(t, "password", "en setning som er lang nok\n"))
	require.Zero(t, exit, message)
	out, exit, message = run(t, "backup", "copy", "--data", "data")
	require.Zero(t, exit, message)
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, "apart", got["keys"])
	require.NoFileExists(t, filepath.Join("copy", "data", "keys", "root-1.key"))
	_, exit, message = run(t, "restore", "copy", "--data", "back")
	require.Zero(t, exit, message)
	require.FileExists(t, filepath.Join("back", "documents", "varde.sqlite"))
	require.NoError(t, os.WriteFile(filepath.Join("copy", "data", "documents", "varde.sqlite"), []byte("x"), 0o600))
	_, exit, _ = run(t, "restore", "copy", "--data", "damaged")
	require.Equal(t, 2, exit, "a backup that is not as it was written")
	require.NoDirExists(t, "damaged")
}
