package main

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// run runs varde with the arguments, and gives what it wrote and its exit code.
func run(t *testing.T, args ...string) (out string, exit int, message string) {
	t.Helper()
	var b bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetOut(&b)
	cmd.SetErr(&b)
	err := cmd.ExecuteContext(t.Context())
	if err == nil {
		return b.String(), 0, ""
	}
	return b.String(), exitCode(err), err.Error()
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	for _, c := range cmd.Commands() {
		if c.Name() != "help" && c.Name() != "completion" {
			visit(c)
			walk(c, visit)
		}
	}
}

func TestHelpHasAnExample(t *testing.T) {
	t.Parallel()
	visited := map[string]bool{}
	walk(root(), func(c *cobra.Command) {
		visited[c.CommandPath()] = true
		require.NotEmpty(t, c.Short, c.CommandPath())
		if !c.Runnable() {
			return
		}
		require.Contains(t, c.Example, c.CommandPath(), "an example that begins with the command")
		out, exit, _ := run(t, append(strings.Fields(c.CommandPath())[1:], "--help")...)
		require.Zero(t, exit)
		require.Contains(t, out, "Examples:")
		require.Contains(t, out, strings.TrimSpace(strings.Split(c.Example, "\n")[0]))
	})
	for _, name := range []string{"serve", "demo", "parse", "import", "verify", "config verify", "backup", "restore", "keys init", "keys export", "keys import"} {
		require.True(t, visited["varde "+name], name)
	}
}

func TestWhatIsAskedWronglyExitsWith2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	for name, args := range map[string][]string{
		"unknown flag":                {"serve", "--nonsense"},
		"unknown command":             {"nonsense"},
		"unknown part":                {"serve", "kitchen", "--data", dir},
		"parts without real engines":  {"serve", "cases", "--data", dir},
		"configuration is not there":  {"serve", "--config", missing},
		"too few arguments":           {"backup"},
		"verify of nothing":           {"verify", missing},
		"verify of another file":      {"verify", file(t, "x.json", "{}")},
		"earlier checkpoint missing":  {"verify", file(t, "y.json", "{}"), "--earlier", missing},
		"config verify with a typo":   {"config", "verify", "--config", file(t, "a.yaml", "bsu: kafka://x\n")},
		"config verify, wrong scheme": {"config", "verify", "--config", file(t, "b.yaml", "bus: http://x\n")},
		"parse of nothing":            {"parse", missing},
		"import of nothing":           {"import", missing, "--url", "http://127.0.0.1:9", "--key-file", file(t, "key", "k\n")},
		"import to nowhere":           {"import", file(t, "a.log", "x\n")},
		"import without a key":        {"import", file(t, "b.log", "x\n"), "--url", "http://127.0.0.1:9"},
		"import with an empty key":    {"import", file(t, "c.log", "x\n"), "--url", "http://127.0.0.1:9", "--key-file", file(t, "key", "\n")},
		"import to a wrong address":   {"import", file(t, "d.log", "x\n"), "--url", "127.0.0.1:9", "--key-file", file(t, "key", "k\n")},
		"import into no installation": {"import", file(t, "e.log", "x\n"), "--source", "a", "--data", missing},
		"export of nothing":           {"keys", "export", missing, filepath.Join(dir, "out"), "--passphrase-file", file(t, "words", strings.Repeat("ord ", 8))},
		"too short a passphrase":      {"keys", "export", dir, filepath.Join(dir, "out"), "--passphrase-file", file(t, "words", "short\n")},
		"export without a passphrase": {"keys", "export", dir, filepath.Join(dir, "out")},
		"restore of nothing":          {"restore", missing, "--data", filepath.Join(dir, "new")},
	} {
		_, exit, message := run(t, args...)
		require.Equal(t, 2, exit, "%s: %s", name, message)
		require.NotEmpty(t, message)
	}
	require.NoDirExists(t, missing, "nothing was made on the way")
	require.NoDirExists(t, filepath.Join(dir, "new"))
}

func TestConfigVerifyPrintsWhatServeWouldUse(t *testing.T) {
	t.Parallel()
	config := file(t, "varde.yaml", `
bus: kafka://varde:hemmelig@kafka:9092
documents: mongodb://varde:hemmelig@mongodb/varde
public: https://varde.example.no
listen: { cases: "127.0.0.1:8401" }
syslog: { udp: "" }
logs: [{ path: /var/log/auth.log, source: "01" }]
`)
	out, exit, message := run(t, "config", "verify", "--config", config, "--data", "/srv/varde", "--listen", "127.0.0.1:9999")
	require.Zero(t, exit, message)
	require.NotContains(t, out, "hemmelig")
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, "[redacted]", got["bus"])
	require.Equal(t, "/srv/varde", got["data"])
	require.Equal(t, "https://varde.example.no", got["public"])
	require.Equal(t, map[string]any{"web": "127.0.0.1:9999", "collector": "127.0.0.1:9280", "cases": "127.0.0.1:8401"}, got["listen"])
	syslog, _ := got["syslog"].(map[string]any)
	require.Equal(t, "127.0.0.1:5514", syslog["tcp"])
	require.Equal(t, "", syslog["udp"])

	// What is printed has the file's own keys, so that it can become one.
	var back map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(out), &back))
	delete(back, "bus")
	delete(back, "documents")
	text, err := yaml.Marshal(back)
	require.NoError(t, err)
	_, exit, message = run(t, "config", "verify", "--config", file(t, "again.yaml", string(text)))
	require.Zero(t, exit, message)
}

func TestConfigVerifyNamesAllThatIsWrongAndRepeatsNoURL(t *testing.T) {
	t.Parallel()
	_, exit, message := run(t, "config", "verify", "--config", file(t, "varde.yaml",
		"bus: http://varde:hemmelig@kafka\nevents: ftp://varde:hemmelig@x\nlisten: { kitchen: x, web: nowhere }\npublic: nowhere\n"))
	require.Equal(t, 2, exit)
	for _, key := range []string{"bus", "events", "kitchen", "listen.web", "public"} {
		require.Contains(t, message, key)
	}
	require.NotContains(t, message, "hemmelig")
}

func TestKeysAreMadeExportedAndImported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys, escrow, copied := filepath.Join(dir, "keys"), filepath.Join(dir, "varde.age"), filepath.Join(dir, "copy")
	words := file(t, "words", "seks ord som ingen andre kan gjette\n")
	out, exit, message := run(t, "keys", "init", keys)
	require.Zero(t, exit, message)
	require.Contains(t, out, keys)

	_, exit, message = run(t, "keys", "export", keys, escrow, "--passphrase-file", words)
	require.Zero(t, exit, message)
	root, err := os.ReadFile(filepath.Join(keys, "root-1.key"))
	require.NoError(t, err)
	sealed, err := os.ReadFile(escrow)
	require.NoError(t, err)
	require.NotContains(t, string(sealed), strings.TrimSpace(string(root)))
	_, exit, _ = run(t, "keys", "export", keys, escrow, "--passphrase-file", words)
	require.Equal(t, 1, exit, "nothing is written over")

	_, exit, _ = run(t, "keys", "import", escrow, copied, "--passphrase-file", file(t, "other", strings.Repeat("feil ", 5)))
	require.Equal(t, 1, exit)
	require.NoFileExists(t, filepath.Join(copied, "root-1.key"))
	_, exit, message = run(t, "keys", "import", escrow, copied, "--passphrase-file", words)
	require.Zero(t, exit, message)
	again, err := os.ReadFile(filepath.Join(copied, "root-1.key"))
	require.NoError(t, err)
	require.Equal(t, root, again)
	_, exit, _ = run(t, "keys", "import", escrow, copied, "--passphrase-file", words)
	require.Equal(t, 1, exit, "keys that are there are never replaced")
}

func TestBackupAndRestoreRefuseWhatIsNotEmpty_N5(t *testing.T) {
	t.Parallel()
	full := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(full, "x"), nil, 0o600))
	_, exit, message := run(t, "backup", full, "--data", t.TempDir())
	require.Equal(t, 1, exit)
	require.Contains(t, message, "not empty")
	_, exit, message = run(t, "backup", filepath.Join(t.TempDir(), "b"), "--data", filepath.Join(full, "nowhere"))
	require.Equal(t, 1, exit, message)
	_, exit, message = run(t, "restore", t.TempDir(), "--data", full)
	require.Equal(t, 1, exit)
	require.Contains(t, message, "not empty")
}

func TestPartsApartNeedToKnowTheOthers(t *testing.T) {
	t.Parallel()
	engines := "bus: kafka://x\ndocuments: mongodb://x/v\nevents: http://x\nfiles: s3://x\n"
	_, exit, message := run(t, "serve", "cases", "--data", t.TempDir(), "--config", file(t, "varde.yaml", engines))
	require.Equal(t, 2, exit)
	for _, part := range []string{"identity", "audit", "register"} {
		require.Contains(t, message, "endpoints."+part)
	}
}

func TestDataLiesInTheXDGFolder(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/srv/data")
	require.Equal(t, "/srv/data/varde", dataFolder())
	t.Setenv("XDG_DATA_HOME", "relative") // as the specification says, passed over
	t.Setenv("HOME", "/home/drift")
	require.Equal(t, "/home/drift/.local/share/varde", dataFolder())
	_, err := url.Parse("file://" + dataFolder())
	require.NoError(t, err)
}
