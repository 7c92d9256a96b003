package released

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/audit/bundle"
	"varde.internal/schemas/gen/deviationapi"
)

// Every data folder that a released version wrote opens with the present one,
// with all that was in it (N6).
func TestEveryReleasedDataFolderStillOpens_N6(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join(Folder, "*", "expected.json"))
	require.NoError(t, err)
	require.NotEmpty(t, folders)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	binary, err := Build(ctx, t.TempDir())
	require.NoError(t, err)
	config := filepath.Join(t.TempDir(), "varde.yaml")
	require.NoError(t, os.WriteFile(config, []byte(Config), 0o600))
	for _, file := range folders {
		released := filepath.Dir(file)
		t.Run(filepath.Base(released), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var want Expected
			require.NoError(t, json.Unmarshal(text, &want))
			data := t.TempDir()
			require.NoError(t, os.Chmod(data, 0o700)) //nolint:gosec // a folder
			require.NoError(t, Unpack(filepath.Join(released, "data.tar.gz"), data))
			for range 2 { // what the first start changed must open too
				opens(t, ctx, binary, data, config, want)
			}
		})
	}
}

//nolint:revive // t comes first in a test's helper
func opens(t *testing.T, ctx context.Context, binary, data, config string, want Expected) {
	t.Helper()
	r, err := Start(ctx, binary, "serve", data, config)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Stop()) }()
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	reader, err := r.SignIn(wait, want.Officer, want.Password)
	require.NoError(t, err)

	var got Expected
	require.NoError(t, Await(wait, func() (err error) { got, err = reader.Read(wait); return err }))
	require.Equal(t, want.Cases, got.Cases)
	require.Equal(t, want.Events, got.Events)
	require.Equal(t, want.Systems, got.Systems)
	require.Equal(t, want.Vendors, got.Vendors)
	require.Equal(t, want.Agreements, got.Agreements)

	// The report behind the receipt is still read with the keys of then.
	var report deviationapi.FollowUp
	require.NoError(t, r.Visit().Call(wait, "POST", "/api/deviation/v1/public/follow-up",
		deviationapi.FollowUpRequest{Tenant: want.Report.Tenant, Code: want.Report.Code}, &report))
	require.Contains(t, want.Cases, report.CaseNumber)

	// The log goes on from where it was, signed with the same key.
	b, err := reader.Audit(wait, want.Password)
	require.NoError(t, err)
	text, err := json.Marshal(b)
	require.NoError(t, err)
	b, err = bundle.Read(bytes.NewReader(text)) // as `varde verify` reads it
	require.NoError(t, err)
	verdict := bundle.Verify(b, bundle.Options{Key: want.AuditKey, Earlier: []string{want.Checkpoint}})
	require.True(t, verdict.OK, "%+v", verdict.Problems)
}
