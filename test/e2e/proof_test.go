package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/auditapi"
	"varde.internal/schemas/gen/casesapi"
	"varde.internal/schemas/gen/identityapi"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/test/running"
)

// varde runs a command of the binary and returns what it printed and its exit code.
func varde(t *testing.T, args ...string) (string, int) {
	t.Helper()
	path, err := running.Program()
	require.NoError(t, err)
	out, err := exec.Command(path, args...).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), exit.ExitCode()
	}
	require.NoError(t, err)
	return string(out), 0
}

// An exported audit log is proved without the system, and one byte changed in
// it is found.
func TestExportedAuditLogIsProvedOffline(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		officer := w.stack.SignIn(t, "sikkerhet")
		search(officer, searchapi.SearchRequest{Context: searchContext(officer, "Noe å logge", "").Id, Limit: 1})
		export := auditapi.NewExport{Purpose: "Tilsyn"}
		a := officer.Call("POST", "/api/audit/v1/export", export, nil)
		require.Equal(t, "step-up-required", a.Slug(), "%s", a.Body)
		officer.Post("/api/identity/v1/me/step-up", identityapi.StepUpRequest{Action: "audit.export", Password: w.stack.Password}, nil)
		a = officer.Call("POST", "/api/audit/v1/export", export, nil)
		officer.Must(http.StatusOK, a)
		require.Equal(t, http.StatusForbidden, w.stack.SignIn(t, "leder").Call("POST", "/api/audit/v1/export", export, nil).Status)

		file := filepath.Join(t.TempDir(), "audit.json")
		require.NoError(t, os.WriteFile(file, a.Body, 0o600))
		var head struct {
			PublicKey string `json:"publicKey"`
			Entries   []any  `json:"entries"`
		}
		require.NoError(t, json.Unmarshal(a.Body, &head))
		require.NotEmpty(t, head.Entries)
		report, code := varde(t, "verify", file, "--key", head.PublicKey)
		require.Zero(t, code, report)

		for _, change := range [][2]string{{"Noe å logge", "Noe Å logge"}, {`"person"`, `"persom"`}} {
			require.Contains(t, string(a.Body), change[0])
			changed := bytes.Replace(a.Body, []byte(change[0]), []byte(change[1]), 1)
			require.NoError(t, os.WriteFile(file, changed, 0o600))
			report, code = varde(t, "verify", file, "--key", head.PublicKey)
			require.Equal(t, 1, code, report)
		}
	})
}

// A backup taken while the installation runs, put into a new folder with the
// escrowed keys, has the same cases and events (N5).
func TestBackupOfARunningInstallationRestores_N5(t *testing.T) {
	w := ways[0]
	w.use(t)
	officer := w.stack.SignIn(t, "sikkerhet")
	total, before := settled(t, officer), cases(officer)
	require.NotEmpty(t, before)

	dir := t.TempDir()
	kept, keys, words, data := filepath.Join(dir, "backup"), filepath.Join(dir, "keys.age"), filepath.Join(dir, "words"), filepath.Join(dir, "data")
	require.NoError(t, os.WriteFile(words, []byte(strings.Repeat("a long phrase ", 3)), 0o600))
	for _, args := range [][]string{
		{"backup", kept, "--data", w.stack.Data},
		{"keys", "export", filepath.Join(w.stack.Data, "keys"), keys, "--passphrase-file", words},
		{"restore", kept, "--data", data},
		{"keys", "import", keys, filepath.Join(data, "keys"), "--passphrase-file", words},
	} {
		out, code := varde(t, args...)
		require.Zero(t, code, "%v: %s", args, out)
	}
	s := running.Start(t, data)
	officer = s.SignIn(t, "sikkerhet")
	numbers := func(list []casesapi.CaseSummary) (out []string) {
		for _, c := range list {
			out = append(out, c.Number+" "+string(c.State)+" "+c.Handler.Name)
		}
		return out
	}
	require.Equal(t, numbers(before), numbers(cases(officer)))
	require.Equal(t, total, settled(t, officer))
	s.Stop(t)
}
