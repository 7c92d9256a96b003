package backup_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/backup"
	"varde.internal/platform/blob"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/bus/kafka"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/keyring"
	"varde.internal/platform/tenant"
)

// The installation of this test has what the real one has: documents with an
// outbox, a bus, a consumer that writes documents, one that writes to a store
// beside them (as the indexer does), and files that documents name.
type installation struct {
	docs, index *sqlite.Store
	bus         bus.Bus
	blobs       blob.Bucket
	cases       docstore.Collection[caseDoc]
	seen        docstore.Collection[seenDoc] // by the consumer, beside the cases
	indexed     docstore.Collection[seenDoc] // by the indexer
	stop        func()
}

type caseDoc struct {
	Number int    `json:"number"`
	Photo  string `json:"photo,omitempty"`
}

type seenDoc struct {
	Number int   `json:"number"`
	Gap    bool  `json:"gap,omitempty"` // a message was skipped
	Seen   []int `json:"seen,omitempty"`
}

var quiet = slog.New(slog.DiscardHandler)

func start(t *testing.T, data string, keys *keyring.Keyring) *installation {
	ctx := t.Context()
	in := &installation{}
	var err error
	broker, err := embedded.Start(embedded.Options{Dir: filepath.Join(data, "bus"), Log: quiet})
	require.NoError(t, err)
	in.bus, err = kafka.Open(broker.URL(), kafka.Options{Log: quiet})
	require.NoError(t, err)
	in.docs, err = sqlite.Open(ctx, "sqlite://"+filepath.Join(data, "documents", "varde.sqlite"))
	require.NoError(t, err)
	in.index, err = sqlite.Open(ctx, "sqlite://"+filepath.Join(data, "events", "nordvik", "p.events"))
	require.NoError(t, err)
	files, err := keys.Files()
	require.NoError(t, err)
	in.blobs, err = blob.Open(ctx, "file://"+filepath.Join(data, "files"), files...)
	require.NoError(t, err)
	in.cases, err = docstore.Open[caseDoc](ctx, in.docs, docstore.Definition{Name: "cases"})
	require.NoError(t, err)
	in.seen, err = docstore.Open[seenDoc](ctx, in.docs, docstore.Definition{Name: "seen"})
	require.NoError(t, err)
	in.indexed, err = docstore.Open[seenDoc](ctx, in.index, docstore.Definition{Name: "seen"})
	require.NoError(t, err)
	require.NoError(t, in.bus.EnsureTopics(ctx, bus.TopicConfig{Name: bus.TopicCases, Partitions: 2, Retention: time.Hour}))

	run, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = docstore.Relay(run, in.docs, "cases", in.bus, docstore.RelayOptions{Log: quiet}) })
	for group, to := range map[string]docstore.Collection[seenDoc]{"reader": in.seen, "indexer": in.indexed} {
		wg.Go(func() { _ = in.bus.Consume(run, bus.TopicCases, group, bus.ConsumeOptions{}, follow(to)) })
	}
	var once sync.Once
	in.stop = func() {
		once.Do(func() {
			cancel()
			_ = broker.Close()
			wg.Wait()
			_ = in.bus.Close() // messages that wait for the ended broker stay in the outbox
			require.NoError(t, errors.Join(in.docs.Close(), in.index.Close(), in.blobs.Close()))
		})
	}
	t.Cleanup(in.stop)
	return in
}

// follow keeps, per case, the highest number seen, and whether one was skipped
// on the way there.
func follow(to docstore.Collection[seenDoc]) bus.Handler {
	return func(ctx context.Context, batch []bus.Message) error {
		for _, m := range batch {
			var number int
			if err := json.Unmarshal(m.Value, &number); err != nil {
				return err
			}
			ctx := tenant.With(ctx, tenant.ID(m.Tenant))
			if _, err := to.Insert(ctx, m.Key, seenDoc{Number: 0}); err != nil && !errors.Is(err, docstore.ErrExists) {
				return err
			}
			_, err := to.Update(ctx, m.Key, func(v *seenDoc, _ *docstore.Outbox) error {
				if number > v.Number {
					v.Gap = v.Gap || number != v.Number+1
					v.Number = number
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

const writers = 4

// write changes cases until ctx ends, and tells for each the last number that
// was acknowledged.
func (in *installation) write(ctx context.Context, t *testing.T, acknowledged *[writers]atomic.Int64) *sync.WaitGroup {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			own := tenant.With(context.Background(), "nordvik")
			id := fmt.Sprintf("case-%d", w)
			if _, err := in.cases.Insert(own, id, caseDoc{}); err != nil {
				t.Errorf("insert: %v", err)
				return
			}
			for n := 1; ctx.Err() == nil; n++ {
				time.Sleep(3 * time.Millisecond)
				photo := fmt.Sprintf("photos/%d/%d", w, n)
				if _, err := in.blobs.Put(own, photo, "image/png", strings.NewReader(photo), 100); err != nil {
					t.Errorf("put: %v", err)
					return
				}
				var before string
				_, err := in.cases.Update(own, id, func(v *caseDoc, out *docstore.Outbox) error {
					before = v.Photo
					v.Number, v.Photo = n, photo
					out.Publish(bus.TopicCases, bus.Message{Key: id, ID: fmt.Sprintf("%s/%d", id, n), Type: "t", Value: fmt.Append(nil, n)})
					return nil
				})
				if err != nil {
					t.Errorf("update: %v", err)
					return
				}
				acknowledged[w].Store(int64(n))
				if before != "" && n%3 == 0 {
					if err := in.blobs.Delete(own, before); err != nil {
						t.Errorf("delete: %v", err)
					}
				}
			}
		})
	}
	return &wg
}

// complete waits until every consumer has seen every change, and fails on a gap.
func (in *installation) complete(t *testing.T, atLeast [writers]int64) {
	ctx := tenant.With(t.Context(), "nordvik")
	for w := range writers {
		id := fmt.Sprintf("case-%d", w)
		c, err := in.cases.Get(ctx, id)
		require.NoError(t, err)
		require.GreaterOrEqual(t, int64(c.Value.Number), atLeast[w], "what was acknowledged before the backup is in it")
		if c.Value.Photo != "" {
			r, _, err := in.blobs.Open(ctx, c.Value.Photo)
			require.NoError(t, err, "a file that a document names")
			raw, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, c.Value.Photo, string(raw))
			require.NoError(t, r.Close())
		}
		for name, col := range map[string]docstore.Collection[seenDoc]{"reader": in.seen, "indexer": in.indexed} {
			var got docstore.Doc[seenDoc]
			await.True(t, func() bool {
				got, err = col.Get(ctx, id)
				return err == nil && got.Value.Number >= c.Value.Number
			}, "%s lost the end of %s", name, id)
			require.False(t, got.Value.Gap, "%s lost a message of %s", name, id)
		}
	}
}

func TestARunningInstallationIsBackedUpAndRestored_N5(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	keys, err := keyring.Open(filepath.Join(data, "keys"))
	require.NoError(t, err)
	config := filepath.Join(t.TempDir(), "varde.yaml")
	require.NoError(t, os.WriteFile(config, []byte("log: info\n"), 0o600))
	in := start(t, data, keys)
	var acknowledged [writers]atomic.Int64
	ctx, end := context.WithCancel(t.Context())
	writing := in.write(ctx, t, &acknowledged)
	await.True(t, func() bool {
		for w := range acknowledged {
			if acknowledged[w].Load() < 5 {
				return false
			}
		}
		return true
	})

	var backups []string
	var before [][writers]int64
	for i := range 3 {
		var now [writers]int64
		for w := range now {
			now[w] = acknowledged[w].Load()
			require.Positive(t, now[w])
		}
		dir := filepath.Join(t.TempDir(), fmt.Sprint("backup", i))
		m, err := backup.Create(t.Context(), backup.Source{Data: data, Config: config}, dir)
		require.NoError(t, err)
		backups, before = append(backups, dir), append(before, now)
		frozen, err := time.ParseDuration(m.Frozen)
		require.NoError(t, err)
		require.Less(t, frozen, 5*time.Second, "writers wait less than their patience")
		time.Sleep(150 * time.Millisecond)
	}
	end()
	writing.Wait()
	in.stop()

	for i, dir := range backups {
		m, err := backup.Verify(t.Context(), dir)
		require.NoError(t, err)
		for _, f := range m.Files {
			require.NotContains(t, f.Path, "keys", "keys lie apart")
			require.NotContains(t, f.Path, "secret")
		}
		target := filepath.Join(t.TempDir(), "restored")
		_, err = backup.Restore(t.Context(), dir, backup.Target{Data: target, Config: filepath.Join(t.TempDir(), "new.yaml")})
		require.NoError(t, err)
		_, err = backup.Restore(t.Context(), dir, backup.Target{Data: target})
		require.ErrorIs(t, err, backup.ErrNotEmpty)
		raw, err := os.ReadFile(filepath.Join(target, "restored.json"))
		require.NoError(t, err)
		require.Contains(t, string(raw), m.ID)
		again := start(t, target, keys)
		again.complete(t, before[i])
		again.stop()
	}
}

// small makes a stopped installation's data and a backup of it.
func small(t *testing.T) (data, dir string) {
	data, dir = filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup")
	s, err := sqlite.Open(t.Context(), "sqlite://"+filepath.Join(data, "documents", "varde.sqlite"))
	require.NoError(t, err)
	c, err := docstore.Open[caseDoc](t.Context(), s, docstore.Definition{Name: "cases"})
	require.NoError(t, err)
	_, err = c.Insert(tenant.With(t.Context(), "nordvik"), "x", caseDoc{Number: 7})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, os.MkdirAll(filepath.Join(data, "files", "nordvik"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(data, "files", "nordvik", "f"), []byte("content"), 0o600))
	_, err = backup.Create(t.Context(), backup.Source{Data: data}, dir)
	require.NoError(t, err)
	return data, dir
}

func TestADamagedBackupIsNotRestored_N5(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(dir string) error{
		"changed": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "data/files/nordvik/f"), []byte("Content"), 0o600)
		},
		"missing":    func(dir string) error { return os.Remove(filepath.Join(dir, "data/files/nordvik/f")) },
		"added":      func(dir string) error { return os.WriteFile(filepath.Join(dir, "data/extra"), nil, 0o600) },
		"unfinished": func(dir string) error { return os.Remove(filepath.Join(dir, "manifest.json")) },
		"outside": func(dir string) error {
			raw, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, "manifest.json"), []byte(strings.Replace(string(raw), "data/files", "../files", 1)), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, dir := small(t)
			require.NoError(t, damage(dir))
			target := filepath.Join(t.TempDir(), "restored")
			_, err := backup.Restore(t.Context(), dir, backup.Target{Data: target})
			require.ErrorIs(t, err, backup.ErrDamaged)
			require.NoDirExists(t, target)
		})
	}
}

func TestABackupNeedsItsOwnEmptyFolder(t *testing.T) {
	t.Parallel()
	data, dir := small(t)
	_, err := backup.Create(t.Context(), backup.Source{Data: data}, dir)
	require.ErrorIs(t, err, backup.ErrNotEmpty)
	_, err = backup.Create(t.Context(), backup.Source{Data: data}, filepath.Join(data, "backup"))
	require.Error(t, err)
	_, err = backup.Create(t.Context(), backup.Source{Data: data + "-none"}, dir+"2")
	require.Error(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = backup.Create(ctx, backup.Source{Data: data}, dir+"3")
	require.ErrorIs(t, err, context.Canceled)
	require.NoFileExists(t, filepath.Join(dir+"3", "manifest.json"))
}

// Half a backup could be taken for one, and holds personal data.
func TestABackupThatFailsLeavesNothing_N5(t *testing.T) {
	t.Parallel()
	data, _ := small(t)
	for name, fail := range map[string]func(dir string) error{
		"its configuration cannot be read": func(dir string) error {
			_, err := backup.Create(t.Context(), backup.Source{Data: data, Config: filepath.Join(data, "missing.yaml")}, dir)
			return err
		},
		"it is told to stop": func(dir string) error {
			ctx, stop := context.WithCancel(t.Context())
			stop()
			_, err := backup.Create(ctx, backup.Source{Data: data}, dir)
			return err
		},
	} {
		absent := filepath.Join(t.TempDir(), "new")
		require.Error(t, fail(absent), name)
		require.NoDirExists(t, absent, name)

		empty := t.TempDir()
		require.Error(t, fail(empty), name)
		left, err := os.ReadDir(empty)
		require.NoError(t, err)
		require.Empty(t, left, name)

		_, err = backup.Create(t.Context(), backup.Source{Data: data}, empty)
		require.NoError(t, err, "the same folder serves the next try")
	}
}

func TestADamagedDatabaseIsNoticed(t *testing.T) {
	t.Parallel()
	data, _ := small(t)
	path := filepath.Join(data, "documents", "varde.sqlite")
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Greater(t, len(raw), 3*4096)
	for i := 4096; i < len(raw); i++ {
		raw[i] = 0xff
	}
	require.NoError(t, os.WriteFile(path, raw, 0o600))
	_, err = backup.Create(t.Context(), backup.Source{Data: data}, filepath.Join(t.TempDir(), "b"))
	require.Error(t, err)
}

func TestEscrowedKeysOpenARestoredInstallation(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	keys, err := keyring.Open(filepath.Join(data, "keys"))
	require.NoError(t, err)
	identities, err := keys.Files()
	require.NoError(t, err)
	ctx := tenant.With(t.Context(), "nordvik")
	b, err := blob.Open(ctx, "file://"+filepath.Join(data, "files"), identities...)
	require.NoError(t, err)
	_, err = b.Put(ctx, "x", "text/plain", strings.NewReader("content"), 10)
	require.NoError(t, err)
	require.NoError(t, b.Close())
	keeper, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	var escrow strings.Builder
	require.NoError(t, keys.Export(&escrow, keeper.Recipient()))
	dir, target := filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "restored")
	_, err = backup.Create(ctx, backup.Source{Data: data}, dir)
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(data))

	_, err = backup.Restore(ctx, dir, backup.Target{Data: target})
	require.NoError(t, err)
	require.NoError(t, keyring.Import(filepath.Join(target, "keys"), strings.NewReader(escrow.String()), keeper))
	keys, err = keyring.Open(filepath.Join(target, "keys"))
	require.NoError(t, err)
	identities, err = keys.Files()
	require.NoError(t, err)
	b, err = blob.Open(ctx, "file://"+filepath.Join(target, "files"), identities...)
	require.NoError(t, err)
	r, _, err := b.Open(ctx, "x")
	require.NoError(t, err)
	raw, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "content", string(raw))
	require.NoError(t, errors.Join(r.Close(), b.Close()))
}
