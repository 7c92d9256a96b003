package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"filippo.io/age"
	cloud "gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/memblob"  // mem://
	_ "gocloud.dev/blob/s3blob"   // s3://
	"gocloud.dev/gcerrors"

	"varde.internal/platform/id"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
)

// ErrDamaged is returned by a file's reader, at the latest at its end, when the
// bytes are not those that were stored.
var ErrDamaged = errors.New("blob: content does not match its hash")

// maxEntry bounds an entry: a key, a media type and a hash.
const maxEntry = 64 << 10

// Open opens the bucket of a URL:
//
//	file:///var/lib/varde/blobs        a folder, made if need be, for the owner only
//	s3://BUCKET?region=R&endpoint=URL  with gocloud.dev's parameters and the
//	                                   AWS SDK's usual credentials; prefix=P/ too
//	mem://                             in memory, for tests
//
// The first identity encrypts, all of them decrypt: a new key is put first and
// the old ones stay until nothing needs them.
func Open(ctx context.Context, rawURL string, identities ...*age.X25519Identity) (Bucket, error) {
	if len(identities) == 0 {
		return nil, errors.New("blob: no key to encrypt with")
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("blob: address: %w", err)
	}
	b := &bucket{recipient: identities[0].Recipient()}
	for _, i := range identities {
		b.identities = append(b.identities, i)
	}
	if u.Scheme == "file" {
		if b.folder, err = prepareFolder(u); err != nil {
			return nil, err
		}
	}
	if b.b, err = cloud.OpenBucket(ctx, u.String()); err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	return b, nil
}

// prepareFolder makes the folder, and sets what fileblob needs: no files with
// attributes beside ours, and temporary files on the same file system, so that
// the final rename is one step.
func prepareFolder(u *url.URL) (string, error) {
	if u.Host != "" || !filepath.IsAbs(u.Path) {
		return "", fmt.Errorf("blob: %q is no address like file:///folder", u)
	}
	if err := os.MkdirAll(u.Path, 0o700); err != nil {
		return "", fmt.Errorf("blob: %w", err)
	}
	q := u.Query()
	q.Set("metadata", "skip")
	q.Set("no_tmp_dir", "true")
	u.RawQuery = q.Encode()
	return u.Path, nil
}

type bucket struct {
	b          *cloud.Bucket
	folder     string // of a file bucket, else ""
	recipient  age.Recipient
	identities []age.Identity
}

// entry is what is stored under a key.
type entry struct {
	Data      string `json:"data"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
	SHA256    string `json:"sha256"`
}

func (e entry) info(key string) Info {
	return Info{Key: key, MediaType: e.MediaType, Size: e.Size, SHA256: e.SHA256}
}

// Keys are plain names with slashes, so that they are the same in a folder, in
// a bucket and in a listing. They never hold a person's name.
var keyForm = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

// unfinished says whether a name in the bucket is a file that fileblob is still
// writing, or was writing when its process died: it lies beside the others until
// it is renamed, and is listed with them. No key ends so.
func unfinished(name string) bool { return strings.HasSuffix(name, ".tmp") }

func place(ctx context.Context, key string) (prefix string, err error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return "", err
	}
	if !t.Valid() {
		return "", tenant.ErrMissing
	}
	if key != "" && (len(key) > 512 || !keyForm.MatchString(key) || unfinished(key)) {
		return "", fmt.Errorf("blob: %q is no key", key)
	}
	return string(t) + "/", ctx.Err()
}

func (b *bucket) Put(ctx context.Context, key, mediaType string, r io.Reader, limit int64) (Info, error) {
	t, err := place(ctx, key)
	if err != nil {
		return Info{}, err
	}
	if key == "" {
		return Info{}, errors.New("blob: a file needs a key")
	}
	e := entry{Data: id.New(), MediaType: mediaType}
	plain := &meter{r: r, left: limit, hash: sha256.New()}
	if err := b.write(ctx, t+"d/"+e.Data, plain); err != nil {
		return Info{}, err
	}
	e.Size, e.SHA256 = plain.size, hex.EncodeToString(plain.hash.Sum(nil))
	old, oldErr := b.entry(ctx, t, key)
	raw, err := json.Marshal(e)
	if err == nil {
		err = b.write(ctx, t+"k/"+key, bytes.NewReader(raw))
	}
	if err != nil {
		b.drop(ctx, t+"d/"+e.Data)
		return Info{}, err
	}
	if oldErr == nil {
		b.drop(ctx, t+"d/"+old.Data)
	}
	return e.info(key), nil
}

// write encrypts all of r into one object, which appears whole or not at all.
func (b *bucket) write(ctx context.Context, name string, r io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := b.b.NewWriter(ctx, name, &cloud.WriterOptions{ContentType: "application/age"})
	if err != nil {
		return fmt.Errorf("blob: write: %w", err)
	}
	if err := encrypt(w, r, b.recipient); err != nil {
		cancel() // a writer whose context ended stores nothing
		_ = w.Close()
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("blob: write: %w", err)
	}
	return b.sync(name)
}

func encrypt(w io.Writer, r io.Reader, to age.Recipient) error {
	enc, err := age.Encrypt(w, to)
	if err != nil {
		return fmt.Errorf("blob: encrypt: %w", err)
	}
	if _, err := io.Copy(enc, r); err != nil {
		return fmt.Errorf("blob: write: %w", err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("blob: encrypt: %w", err)
	}
	return nil
}

// sync puts a new file of a folder, and its name, on the disk: fileblob leaves
// that to the system. Its time of change becomes the hour, as it is for all that
// is kept of an anonymous reporter, whose picture it may be.
func (b *bucket) sync(name string) error {
	if b.folder == "" {
		return nil
	}
	path := filepath.Join(b.folder, filepath.FromSlash(name))
	hour := time.Now().Truncate(coarseness)
	for _, p := range []string{path, filepath.Dir(path)} {
		if err := os.Chtimes(p, hour, hour); err != nil {
			return fmt.Errorf("blob: time: %w", err)
		}
		f, err := os.Open(p)
		if err != nil {
			return fmt.Errorf("blob: sync: %w", err)
		}
		err = errors.Join(f.Sync(), f.Close())
		if err != nil {
			return fmt.Errorf("blob: sync: %w", err)
		}
	}
	return nil
}

// coarseness of the times of a folder's files.
const coarseness = time.Hour

// drop removes bytes that nothing names any more. What it cannot remove, Sweep
// will; so it neither fails nor is stopped by the end of the call's context.
func (b *bucket) drop(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	_ = b.b.Delete(ctx, name)
}

func (b *bucket) entry(ctx context.Context, t, key string) (entry, error) {
	raw, err := b.b.NewReader(ctx, t+"k/"+key, nil)
	if err != nil {
		return entry{}, mapError(err)
	}
	defer func() { _ = raw.Close() }()
	plain, err := age.Decrypt(raw, b.identities...)
	if err != nil {
		return entry{}, fmt.Errorf("blob: decrypt: %w", err)
	}
	var e entry
	if err := json.NewDecoder(io.LimitReader(plain, maxEntry)).Decode(&e); err != nil {
		return entry{}, fmt.Errorf("blob: entry: %w", err)
	}
	return e, nil
}

func mapError(err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return ErrNotFound
	}
	return fmt.Errorf("blob: %w", err)
}

func (b *bucket) Open(ctx context.Context, key string) (io.ReadCloser, Info, error) {
	t, err := place(ctx, key)
	if err != nil {
		return nil, Info{}, err
	}
	// Replaced between the two reads, the bytes of the first entry are gone.
	for try := 0; ; try++ {
		e, err := b.entry(ctx, t, key)
		if err != nil {
			return nil, Info{}, err
		}
		raw, err := b.b.NewReader(ctx, t+"d/"+e.Data, nil)
		if err != nil {
			if err = mapError(err); errors.Is(err, ErrNotFound) && try < 3 {
				continue
			}
			return nil, Info{}, err
		}
		plain, err := age.Decrypt(raw, b.identities...)
		if err != nil {
			_ = raw.Close()
			return nil, Info{}, fmt.Errorf("blob: decrypt: %w", err)
		}
		return &checked{r: plain, c: raw, hash: sha256.New(), want: e.SHA256}, e.info(key), nil
	}
}

func (b *bucket) Delete(ctx context.Context, key string) error {
	t, err := place(ctx, key)
	if err != nil {
		return err
	}
	e, err := b.entry(ctx, t, key)
	if err != nil {
		return err
	}
	if err := b.b.Delete(ctx, t+"k/"+key); err != nil {
		return mapError(err)
	}
	if err := b.b.Delete(ctx, t+"d/"+e.Data); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return mapError(err)
	}
	return nil
}

func (b *bucket) List(ctx context.Context, prefix string) ([]Info, error) {
	t, err := place(ctx, strings.TrimSuffix(prefix, "/"))
	if err != nil {
		return nil, err
	}
	var out []Info
	it := b.b.List(&cloud.ListOptions{Prefix: t + "k/" + prefix})
	for {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, mapError(err)
		}
		if unfinished(o.Key) {
			continue
		}
		key := strings.TrimPrefix(o.Key, t+"k/")
		e, err := b.entry(ctx, t, key)
		if errors.Is(err, ErrNotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		out = append(out, e.info(key))
	}
}

func (b *bucket) Ready(ctx context.Context) error {
	ok, err := b.b.IsAccessible(ctx)
	if err == nil && !ok {
		err = errors.New("the bucket is not there")
	}
	if err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	return nil
}

func (b *bucket) Close() error { return b.b.Close() }

// Sweep removes the context's tenant's bytes that no entry names, and entries
// that were never whole, which are older than age: what a process left that died while it stored a file. Age
// must be longer than any Put takes. It returns how many it removed.
func Sweep(ctx context.Context, bkt Bucket, age time.Duration) (int, error) {
	b, ok := bkt.(*bucket)
	if !ok {
		return 0, fmt.Errorf("blob: %T was not opened here", bkt)
	}
	t, err := place(ctx, "")
	if err != nil {
		return 0, err
	}
	if b.folder != "" && age > 0 {
		age += coarseness // a file is that much younger than its time says
	}
	old := map[string]bool{} // first the bytes, then the entries: none is missed
	err = b.each(ctx, t+"d/", func(o *cloud.ListObject) error {
		old[o.Key] = time.Since(o.ModTime) > age
		return nil
	})
	if err != nil {
		return 0, err
	}
	err = b.each(ctx, t+"k/", func(o *cloud.ListObject) error {
		if unfinished(o.Key) {
			old[o.Key] = time.Since(o.ModTime) > age
			return nil
		}
		e, err := b.entry(ctx, t, strings.TrimPrefix(o.Key, t+"k/"))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		delete(old, t+"d/"+e.Data)
		return err
	})
	if err != nil {
		return 0, err
	}
	n := 0
	for name, is := range old {
		if !is {
			continue
		}
		if err := b.b.Delete(ctx, name); err != nil {
			return n, mapError(err)
		}
		n++
	}
	return n, nil
}

func (b *bucket) each(ctx context.Context, prefix string, fn func(*cloud.ListObject) error) error {
	it := b.b.List(&cloud.ListOptions{Prefix: prefix})
	for {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return mapError(err)
		}
		if err := fn(o); err != nil {
			return err
		}
	}
}

// meter counts and hashes what is read, and fails beyond the limit.
type meter struct {
	r    io.Reader
	left int64
	size int64
	hash hash.Hash
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.size += int64(n)
	m.left -= int64(n)
	if m.left < 0 {
		return 0, problem.New(problem.KindTooLarge, "file-too-large", "The file is larger than what is accepted here.")
	}
	_, _ = m.hash.Write(p[:n])
	return n, err
}

// checked compares the hash at the end of a file.
type checked struct {
	r    io.Reader
	c    io.Closer
	hash hash.Hash
	want string
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	_, _ = c.hash.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(c.hash.Sum(nil)) != c.want {
		return n, ErrDamaged
	}
	return n, err
}

func (c *checked) Close() error { return c.c.Close() }
