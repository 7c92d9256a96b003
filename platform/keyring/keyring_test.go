package keyring_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/keyring"
)

func TestKeysAreTheSameAtEachStartAndDifferPerUse(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	k, err := keyring.Open(dir)
	require.NoError(t, err)
	again, err := keyring.Open(dir)
	require.NoError(t, err)
	other, err := keyring.Open(t.TempDir() + "/k")
	require.NoError(t, err)

	require.Len(t, k.Secret("a"), 32)
	require.Equal(t, k.Secret("a"), again.Secret("a"))
	require.NotEqual(t, k.Secret("a"), k.Secret("b"))
	require.NotEqual(t, k.Secret("a"), other.Secret("a"))
	require.NotContains(t, k.Key("a").ID, hex.EncodeToString(k.Secret("a"))[:8])

	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.EqualValues(t, 0o700, info.Mode().Perm())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err = files[0].Info()
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
}

// The derivation is a promise to stored data (N6): these values never change.
func TestDerivationIsFixed_N6(t *testing.T) {
	t.Parallel()
	k, err := keyring.FromSecret(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)), map[string]int{"b": 2})
	require.NoError(t, err)
	require.Equal(t, fixedA, hex.EncodeToString(k.Secret("a")))
	require.Equal(t, fixedB, hex.EncodeToString(k.Secret("b")))
	files, err := k.Files()
	require.NoError(t, err)
	require.Equal(t, fixedRecipient, files[0].Recipient().String())
}

func TestConcurrentFirstStartsAgree(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	secrets := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range secrets {
		wg.Go(func() {
			k, err := keyring.Open(dir)
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			secrets[i] = k.Secret("a")
		})
	}
	wg.Wait()
	for _, s := range secrets {
		require.Equal(t, secrets[0], s)
	}
}

func TestRotationKeepsOldKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/keys"
	k, err := keyring.Open(dir)
	require.NoError(t, err)
	first, untouched := k.Key("a"), k.Secret("b")
	oldFiles, err := k.Files()
	require.NoError(t, err)
	second, err := k.Rotate("a")
	require.NoError(t, err)
	_, err = k.Rotate("files")
	require.NoError(t, err)
	require.Equal(t, 2, second.Generation)
	require.NotEqual(t, first.Secret, second.Secret)

	k, err = keyring.Open(dir)
	require.NoError(t, err)
	require.Equal(t, []keyring.Key{second, first}, k.Keys("a"))
	require.Equal(t, untouched, k.Secret("b"))
	files, err := k.Files()
	require.NoError(t, err)
	require.Len(t, files, 2)
	require.Equal(t, oldFiles[0].String(), files[1].String())
}

func TestSigningKeySigns(t *testing.T) {
	t.Parallel()
	k, err := keyring.Open(t.TempDir() + "/keys")
	require.NoError(t, err)
	id, key := k.Signing("checkpoints")
	require.True(t, strings.HasPrefix(id, "checkpoints/1/"))
	require.True(t, ed25519.Verify(key.Public().(ed25519.PublicKey), []byte("x"), ed25519.Sign(key, []byte("x"))))
}

func TestUnsafeOrBrokenKeysAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/keys"
	_, err := keyring.Open(dir)
	require.NoError(t, err)
	root := filepath.Join(dir, "root-1.key")
	require.NoError(t, os.Chmod(root, 0o644))
	_, err = keyring.Open(dir)
	require.ErrorIs(t, err, keyring.ErrUnsafe)
	require.NoError(t, os.Chmod(root, 0o600))
	require.NoError(t, os.Chmod(dir, 0o755))
	_, err = keyring.Open(dir)
	require.ErrorIs(t, err, keyring.ErrUnsafe)
	// As Kubernetes mounts a secret.
	require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
	require.NoError(t, os.Chmod(root, 0o440))
	_, err = keyring.Open(dir)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(root, 0o444))
	_, err = keyring.Open(dir)
	require.ErrorIs(t, err, keyring.ErrUnsafe)
	require.NoError(t, os.Chmod(root, 0o600))
	require.NoError(t, os.Chmod(dir, 0o700))
	text := "c2hvcnQ="
	require.NoError(t, os.WriteFile(root, []byte(text), 0o600))
	_, err = keyring.Open(dir)
	require.Error(t, err)
	require.NotContains(t, err.Error(), text)
	_, err = keyring.FromSecret("", nil)
	require.Error(t, err)
}

func TestEscrowRestoresTheKeys(t *testing.T) {
	t.Parallel()
	k, err := keyring.Open(t.TempDir() + "/keys")
	require.NoError(t, err)
	_, err = k.Rotate("files")
	require.NoError(t, err)
	keeper, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, k.Export(&out, keeper.Recipient()))
	require.NotContains(t, out.String(), "files")

	dir := t.TempDir() + "/new"
	stranger, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	require.Error(t, keyring.Import(dir, bytes.NewReader(out.Bytes()), stranger))
	require.NoError(t, keyring.Import(dir, bytes.NewReader(out.Bytes()), keeper))
	require.Error(t, keyring.Import(dir, bytes.NewReader(out.Bytes()), keeper), "it does not replace keys")
	got, err := keyring.Open(dir)
	require.NoError(t, err)
	require.Equal(t, k.Keys("files"), got.Keys("files"))
	require.Equal(t, k.Secret("a"), got.Secret("a"))
	require.Error(t, k.Export(io.Discard), "to nobody")
}

const (
	fixedA         = "5932883001915401665bf90b1e9927225e1bd4a3828c111ddefc0baae32c0b56"
	fixedB         = "340f3e142f76984d9da2c27323aa00bebf4faa187aa75d0e9ea127c6cc46bb87"
	fixedRecipient = "age1m2geqthnxac6prr2yfwecvefe666nzg5k6gs0424av7kk0rpq35qed4tfl"
)
