package blob_test

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/blob"
	"varde.internal/platform/blob/blobtest"
	"varde.internal/platform/tenant"
)

func open(t *testing.T, url string, keys ...*age.X25519Identity) blob.Bucket {
	b, err := blob.Open(t.Context(), url, keys...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func TestFolder(t *testing.T) {
	t.Parallel()
	url := "file://" + t.TempDir() + "/new/blobs"
	blobtest.Run(t, func(t *testing.T, keys ...*age.X25519Identity) blob.Bucket { return open(t, url, keys...) })
}

func files(t *testing.T, dir string) (out []string) {
	require.NoError(t, filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, p)
		}
		return err
	}))
	return out
}

func TestNothingPlainOnDisk_R41(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	b := open(t, "file://"+dir, key)
	ctx := tenant.With(t.Context(), "nordvik")
	mark := "the marked reporter"
	seen := 0
	// While the file is written, and after, no file on disk holds the mark.
	look := func() {
		for _, f := range files(t, dir) {
			raw, err := os.ReadFile(f)
			require.NoError(t, err)
			require.NotContains(t, string(raw), mark)
			require.NotContains(t, string(raw), "image/x-marked")
			seen++
		}
	}
	body := io.MultiReader(strings.NewReader(strings.Repeat(mark, 20000)), hook(look), strings.NewReader(mark))
	info, err := b.Put(ctx, "r/1", "image/x-marked", body, 1<<20)
	require.NoError(t, err)
	require.Positive(t, seen, "it looked while the file was written")
	look()
	for _, f := range files(t, dir) {
		raw, err := os.ReadFile(f)
		require.NoError(t, err)
		require.NotContains(t, string(raw), info.SHA256)
	}
}

// A file that is being written, or was when its process died, is neither listed
// nor in the way of the others, and is swept when it is old.
func TestAnUnfinishedFileIsNotListed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	b := open(t, "file://"+dir, key)
	ctx := tenant.With(t.Context(), "nordvik")
	_, err = b.Put(ctx, "r/1", "text/plain", strings.NewReader("whole"), 10)
	require.NoError(t, err)
	left := filepath.Join(dir, "nordvik", "k", "r", "2.18a3f.tmp")
	for _, content := range []string{"", "age-encryption.org/v1\n-> X255"} {
		require.NoError(t, os.WriteFile(left, []byte(content), 0o600))
		list, err := b.List(ctx, "r/")
		require.NoError(t, err)
		require.Len(t, list, 1)
		n, err := blob.Sweep(ctx, b, time.Hour)
		require.NoError(t, err)
		require.Zero(t, n, "it may still be written")
	}
	n, err := blob.Sweep(ctx, b, 0)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoFileExists(t, left)
	_, err = b.Put(ctx, "r/2.18a3f.tmp", "text/plain", strings.NewReader("x"), 1)
	require.Error(t, err, "no key may look like one")
	_, _, err = b.Open(ctx, "r/1")
	require.NoError(t, err)
}

type hook func()

func (h hook) Read([]byte) (int, error) { h(); return 0, io.EOF }

func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	b := open(t, "file://"+dir, key)
	ctx := tenant.With(t.Context(), "nordvik")
	for _, name := range []string{"one", "two"} {
		_, err := b.Put(ctx, name, "text/plain", strings.NewReader(name), 50)
		require.NoError(t, err)
	}
	data, err := filepath.Glob(filepath.Join(dir, "nordvik", "d", "*"))
	require.NoError(t, err)
	require.Len(t, data, 2)
	one, err := os.ReadFile(data[0])
	require.NoError(t, err)
	two, err := os.ReadFile(data[1])
	require.NoError(t, err)
	readAll := func() error {
		for _, name := range []string{"one", "two"} {
			r, _, err := b.Open(ctx, name)
			if err != nil {
				return err
			}
			_, err = io.ReadAll(r)
			_ = r.Close()
			if err != nil {
				return err
			}
		}
		return nil
	}
	require.NoError(t, readAll())
	// Swapped whole, each still decrypts: only the hash tells.
	require.NoError(t, os.WriteFile(data[0], two, 0o600))
	require.NoError(t, os.WriteFile(data[1], one, 0o600))
	require.ErrorIs(t, readAll(), blob.ErrDamaged)
	require.NoError(t, os.WriteFile(data[0], bytes.ReplaceAll(one, one[len(one)-1:], []byte{one[len(one)-1] ^ 1}), 0o600))
	require.Error(t, readAll())
}

func TestSweepRemovesWhatACrashLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	b := open(t, "file://"+dir, key)
	ctx := tenant.With(t.Context(), "nordvik")
	_, err = b.Put(ctx, "kept", "text/plain", strings.NewReader("kept"), 50)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nordvik", "d", "orphan"), []byte("x"), 0o600))
	n, err := blob.Sweep(ctx, b, 0)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Len(t, files(t, dir), 2)
}
