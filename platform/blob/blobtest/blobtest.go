// Package blobtest is the contract of blob.Bucket: one suite for every kind of
// storage.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/blob"
	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
)

// Run runs the contract; open gives the same bucket at each call, with the
// identities it is given.
func Run(t *testing.T, open func(t *testing.T, keys ...*age.X25519Identity) blob.Bucket) {
	key := newKey(t)
	b := open(t, key)
	t.Run("store and read", func(t *testing.T) { storeAndRead(t, b) })
	t.Run("whole or not at all", func(t *testing.T) { whole(t, b) })
	t.Run("tenants", func(t *testing.T) { tenants(t, b) })
	t.Run("keys", func(t *testing.T) { keys(t, b) })
	t.Run("replaced while read", func(t *testing.T) { replaced(t, b) })
	t.Run("new encryption key", func(t *testing.T) { rotation(t, b, key, open) })
	t.Run("sweep", func(t *testing.T) { sweep(t, b) })
}

func newKey(t *testing.T) *age.X25519Identity {
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	return key
}

func in(t *testing.T, id tenant.ID) context.Context { return tenant.With(t.Context(), id) }

func read(t *testing.T, ctx context.Context, b blob.Bucket, key string) ([]byte, blob.Info) {
	r, info, err := b.Open(ctx, key)
	require.NoError(t, err)
	raw, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	return raw, info
}

func storeAndRead(t *testing.T, b blob.Bucket) {
	ctx := in(t, "nordvik")
	require.NoError(t, b.Ready(ctx))
	for _, size := range []int{0, 1, 64 << 10, 3<<20 + 7} {
		raw := bytes.Repeat([]byte("ærfugl "), size/8+1)[:size]
		key := fmt.Sprintf("sizes/%d.bin", size)
		sum := sha256.Sum256(raw)
		want := blob.Info{Key: key, MediaType: "image/jpeg", Size: int64(size), SHA256: hex.EncodeToString(sum[:])}
		info, err := b.Put(ctx, key, "image/jpeg", iotest.HalfReader(bytes.NewReader(raw)), int64(size))
		require.NoError(t, err)
		require.Equal(t, want, info)
		got, info := read(t, ctx, b, key)
		require.Equal(t, want, info)
		require.True(t, bytes.Equal(raw, got))
	}
	list, err := b.List(ctx, "sizes/")
	require.NoError(t, err)
	require.Len(t, list, 4)
	require.NoError(t, b.Delete(ctx, "sizes/0.bin"))
	require.ErrorIs(t, b.Delete(ctx, "sizes/0.bin"), blob.ErrNotFound)
	_, _, err = b.Open(ctx, "sizes/0.bin")
	require.ErrorIs(t, err, blob.ErrNotFound)
}

func whole(t *testing.T, b blob.Bucket) {
	ctx := in(t, "nordvik")
	_, err := b.Put(ctx, "whole/x", "text/plain", strings.NewReader("first"), 5)
	require.NoError(t, err)
	broken := errors.New("connection lost")
	cut, cancel := context.WithCancel(ctx)
	for name, try := range map[string]func() error{
		"too large": func() error {
			_, err := b.Put(ctx, "whole/x", "text/plain", strings.NewReader("second"), 5)
			var p *problem.Error
			require.ErrorAs(t, err, &p)
			require.Equal(t, problem.KindTooLarge, p.Kind)
			return err
		},
		"reader fails": func() error {
			_, err := b.Put(ctx, "whole/x", "text/plain", io.MultiReader(strings.NewReader("sec"), iotest.ErrReader(broken)), 50)
			require.ErrorIs(t, err, broken)
			return err
		},
		"cancelled": func() error {
			body := io.MultiReader(strings.NewReader("sec"), readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF }))
			_, err := b.Put(cut, "whole/x", "text/plain", body, 50)
			return err
		},
	} {
		require.Error(t, try(), name)
		raw, info := read(t, ctx, b, "whole/x")
		require.Equal(t, "first", string(raw), name)
		require.EqualValues(t, 5, info.Size, name)
	}
	_, err = b.Put(ctx, "whole/y", "text/plain", iotest.ErrReader(broken), 50)
	require.Error(t, err)
	list, err := b.List(ctx, "whole")
	require.NoError(t, err)
	require.Len(t, list, 1)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func tenants(t *testing.T, b blob.Bucket) {
	a, o := in(t, "nordvik"), in(t, "nordvik-b")
	_, err := b.Put(a, "mine", "text/plain", strings.NewReader("a"), 5)
	require.NoError(t, err)
	_, _, err = b.Open(o, "mine")
	require.ErrorIs(t, err, blob.ErrNotFound)
	require.ErrorIs(t, b.Delete(o, "mine"), blob.ErrNotFound)
	list, err := b.List(o, "")
	require.NoError(t, err)
	require.Empty(t, list)
	for _, ctx := range []context.Context{t.Context(), in(t, "../nordvik")} {
		_, err = b.Put(ctx, "mine", "", strings.NewReader(""), 5)
		require.ErrorIs(t, err, tenant.ErrMissing)
		_, _, err = b.Open(ctx, "mine")
		require.ErrorIs(t, err, tenant.ErrMissing)
		_, err = b.List(ctx, "")
		require.ErrorIs(t, err, tenant.ErrMissing)
		require.ErrorIs(t, b.Delete(ctx, "mine"), tenant.ErrMissing)
	}
}

func keys(t *testing.T, b blob.Bucket) {
	ctx := in(t, "nordvik")
	for _, key := range []string{"", "/a", "a/", "a//b", "../nordvik-b/k/mine", "a/../b", "a\x00", "å", ".", "a\\b", strings.Repeat("x", 513)} {
		_, err := b.Put(ctx, key, "", strings.NewReader("x"), 5)
		require.Error(t, err, "%q", key)
	}
}

func replaced(t *testing.T, b blob.Bucket) {
	ctx := in(t, "nordvik")
	text := func(i int) string { return strings.Repeat(string(rune('a'+i)), 1000+i) }
	_, err := b.Put(ctx, "hot", "text/plain", strings.NewReader(text(0)), 5000)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for w := range 2 {
		wg.Go(func() {
			for i := range 10 {
				if _, err := b.Put(ctx, "hot", "text/plain", strings.NewReader(text(w*10+i)), 5000); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			r, info, err := b.Open(ctx, "hot")
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			raw, err := io.ReadAll(r)
			if err != nil || int64(len(raw)) != info.Size {
				t.Errorf("read %d of %d: %v", len(raw), info.Size, err)
			}
			_ = r.Close()
		}
	})
	wg.Wait()
}

func rotation(t *testing.T, b blob.Bucket, old *age.X25519Identity, open func(*testing.T, ...*age.X25519Identity) blob.Bucket) {
	ctx := in(t, "nordvik")
	_, err := b.Put(ctx, "old", "text/plain", strings.NewReader("old"), 5)
	require.NoError(t, err)
	fresh := newKey(t)
	both := open(t, fresh, old)
	raw, _ := read(t, ctx, both, "old")
	require.Equal(t, "old", string(raw))
	_, err = both.Put(ctx, "new", "text/plain", strings.NewReader("new"), 5)
	require.NoError(t, err)
	_, _, err = b.Open(ctx, "new")
	require.Error(t, err, "the old key alone does not open what the new one closed")
	raw, _ = read(t, ctx, both, "new")
	require.Equal(t, "new", string(raw))
	require.NoError(t, both.Delete(ctx, "new"))
}

func sweep(t *testing.T, b blob.Bucket) {
	ctx := in(t, tenant.ID("t"+id.New()[:8]))
	_, err := b.Put(ctx, "kept", "text/plain", strings.NewReader("kept"), 5)
	require.NoError(t, err)
	n, err := blob.Sweep(ctx, b, 0)
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = blob.Sweep(ctx, b, time.Hour)
	require.NoError(t, err)
	require.Zero(t, n)
	raw, _ := read(t, ctx, b, "kept")
	require.Equal(t, "kept", string(raw))
}
