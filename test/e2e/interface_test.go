package e2e

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/test/running"
)

// The interface in real Chromium: the journeys of the three people, every page
// under axe on a phone and on a wide screen (ui/e2e).
func TestTheInterfaceInChromium(t *testing.T) {
	for what, path := range map[string]string{
		"the built interface (go tool task ui)": "../../ui/dist/index.html",
		"Chromium (tools/prerequisites.sh)":     "/usr/bin/chromium",
	} {
		if _, err := os.Stat(path); err != nil {
			if os.Getenv("REQUIRE_ENGINES") == "1" {
				require.FailNow(t, what+" is missing")
			}
			t.Skip(what + " is missing")
		}
	}
	s := running.Start(t, t.TempDir())
	incidents(t, s.SignIn(t, "sikkerhet"), 60*time.Second)
	cmd := exec.CommandContext(t.Context(), "npm", "run", "--silent", "test:e2e")
	cmd.Dir = "../../ui"
	varde, err := running.Program()
	require.NoError(t, err)
	cmd.Env = append(os.Environ(), "BASE_URL="+s.URL, "VARDE="+varde)
	out, err := cmd.CombinedOutput()
	if len(out) > 30_000 {
		out = out[len(out)-30_000:]
	}
	require.NoError(t, err, "%s", out)
	s.Stop(t)
}
