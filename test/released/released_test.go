package released

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
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

// A backup taken while the installation runs, restored beside it with the
// escrowed keys, opens with all that was in it, and its audit log says once
// that it was restored (N5, R41).
func TestARestoredInstallationSaysSoInItsAuditLog_N5(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(Folder, "*", "data.tar.gz"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(files[0]), "expected.json"))
	require.NoError(t, err)
	var want Expected
	require.NoError(t, json.Unmarshal(text, &want))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	dir := t.TempDir()
	binary, err := Build(ctx, dir)
	require.NoError(t, err)
	config, words := filepath.Join(dir, "varde.yaml"), filepath.Join(dir, "words")
	require.NoError(t, os.WriteFile(config, []byte(Config), 0o600))
	require.NoError(t, os.WriteFile(words, []byte("mange ord som ingen gjetter\n"), 0o600))
	data, restored := filepath.Join(dir, "data"), filepath.Join(dir, "restored")
	require.NoError(t, Unpack(files[0], data))
	varde := func(args ...string) {
		out, err := exec.CommandContext(ctx, binary, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}

	r, err := Start(ctx, binary, "serve", data, config)
	require.NoError(t, err)
	reader, err := r.SignIn(ctx, want.Officer, want.Password)
	require.NoError(t, err)
	before, err := reader.Audit(ctx, want.Password)
	require.NoError(t, err)
	varde("backup", filepath.Join(dir, "backup"), "--data", data)
	varde("keys", "export", filepath.Join(data, "keys"), filepath.Join(dir, "keys.age"), "--passphrase-file", words)
	require.NoError(t, r.Stop())
	varde("restore", filepath.Join(dir, "backup"), "--data", restored)
	varde("keys", "import", filepath.Join(dir, "keys.age"), filepath.Join(restored, "keys"), "--passphrase-file", words)

	for range 2 {
		r, err := Start(ctx, binary, "serve", restored, config)
		require.NoError(t, err)
		reader, err := r.SignIn(ctx, want.Officer, want.Password)
		require.NoError(t, err)
		var after bundle.Bundle
		require.NoError(t, Await(ctx, func() (err error) { after, err = reader.Audit(ctx, want.Password); return err }))
		verdict := bundle.Verify(after, bundle.Options{Key: want.AuditKey, Earlier: []string{want.Checkpoint, before.Checkpoint}})
		require.True(t, verdict.OK, "%+v", verdict.Problems)
		require.Len(t, verdict.Restored, 1)
		require.NoError(t, r.Stop())
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
