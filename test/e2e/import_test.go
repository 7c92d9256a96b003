package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"varde.internal/schemas/gen/searchapi"
	"varde.internal/test/running"
)

// A file that is imported by the command is found by a search, once, also
// after a second import of its rotated copy.
func TestAnImportedFileIsFoundOnce_R36(t *testing.T) {
	forBothWays(t, func(t *testing.T, w *way) {
		path, err := running.Program()
		require.NoError(t, err)
		dir, host := t.TempDir(), "import-"+strings.ToLower(uuid.NewString()[:8])
		var text strings.Builder
		for n := range 20 {
			at := time.Now().Add(-time.Hour).Add(time.Duration(n) * time.Second)
			fmt.Fprintf(&text, "%s %s app[7]: line %d\n", at.UTC().Format(time.RFC3339), host, n)
		}
		key := filepath.Join(dir, "key")
		require.NoError(t, os.WriteFile(key, []byte(w.stack.BulkKey+"\n"), 0o600))
		officer := w.stack.SignIn(t, "sikkerhet")
		purpose := searchContext(officer, "Leter etter importerte linjer", "")
		for _, name := range []string{"app.log", "app.log.1"} {
			file := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(file, []byte(text.String()), 0o600))
			cmd := exec.CommandContext(t.Context(), path, "import", "--url", w.stack.Bulk, "--key-file", key, file)
			out, err := cmd.Output()
			require.NoError(t, err, "%s", out)
			var summary struct{ Events, Dead int }
			require.NoError(t, json.Unmarshal(out, &summary))
			require.Equal(t, 20, summary.Events)
			require.Zero(t, summary.Dead)
			query := searchapi.SearchRequest{Context: purpose.Id, Query: "host.name: " + host + " and varde.provenance: import", Limit: 50}
			running.Eventually(t, 30*time.Second, func() error {
				if found := search(officer, query); found.Total < 20 {
					return errors.New("not all of the lines are there yet")
				}
				return nil
			})
			require.EqualValues(t, 20, search(officer, query).Total)
		}
	})
}
