package audit

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/docstore"
	"varde.internal/platform/tenant"
)

// pendingEntry is a stored record that waits for its place in the log.
type pendingEntry struct {
	id    string
	swept bool // found in the store: whether it still waits must be asked again
	entry
}

// tenantLog is the Merkle log of one tenant. Several processes may each have
// one of the same tenant: the chunk's id lets only one of them extend a log of
// a given size, and the other begins again.
//
// An append is (1) one chunk, then (2) the place written into each record. A
// crash between them leaves a chunk whose records do not know their places;
// load writes them again before anything else is appended, so only the last
// chunk can ever be in that state.
type tenantLog struct {
	id     tenant.ID
	stores stores
	clock  func() time.Time

	mu     sync.Mutex
	loaded bool
	size   int64
	last   time.Time // no later record or checkpoint may be older
	signed int64     // size of the last stored checkpoint; -1: none
	// applied is where the last chunk begins whose places are known to be
	// written; -1: none.
	applied int64
	hashes  *hashes
	recent  *recentIDs
}

func newTenantLog(id tenant.ID, s stores, clock func() time.Time) *tenantLog {
	return &tenantLog{id: id, stores: s, clock: clock, applied: -1, hashes: newHashes(s.chunks), recent: newRecentIDs(20_000)}
}

// errTaken: another process extended the log meanwhile.
var errTaken = errors.New("audit: the log was extended by another process")

// append gives the entries their places, in order, skipping those that have
// one. ctx carries the tenant.
func (l *tenantLog) append(ctx context.Context, batch []pendingEntry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range 10 {
		if err := l.load(ctx); err != nil {
			return err
		}
		fresh, err := l.fresh(ctx, batch)
		if err != nil || len(fresh) == 0 {
			return err
		}
		if err = l.extendAll(ctx, fresh); !errors.Is(err, errTaken) {
			return err
		}
	}
	return errTaken
}

// fresh leaves out what is in the log already, and what came twice. An entry
// can be given twice: by the request that stored it and by the sweep.
func (l *tenantLog) fresh(ctx context.Context, batch []pendingEntry) ([]pendingEntry, error) {
	var out []pendingEntry
	seen := map[string]bool{}
	for _, p := range batch {
		if seen[p.id] || l.recent.has(p.id) {
			continue
		}
		seen[p.id] = true
		if p.swept || l.recent.uncertain {
			d, err := l.stores.records.Get(ctx, p.id)
			if err != nil {
				return nil, err
			}
			if !d.Value.Pending {
				continue
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// extendAll appends the entries, those whose time is kept by the hour in chunks
// of their own: the time of a chunk is that of all its entries.
func (l *tenantLog) extendAll(ctx context.Context, batch []pendingEntry) error {
	for len(batch) > 0 {
		hour, n := onTheHour(batch[0].Received), 1
		for n < len(batch) && onTheHour(batch[n].Received) == hour {
			n++
		}
		if err := l.extend(ctx, batch[:n], hour); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

// extend appends one chunk. Where only the hour is kept, that is its time too:
// the one time in the log that may be before what precedes it (bundle.Verify
// knows), because the time of that would tell more.
func (l *tenantLog) extend(ctx context.Context, batch []pendingEntry, hour bool) error {
	now := l.now()
	if hour {
		now = now.Truncate(time.Hour)
	}
	c := chunk{Tenant: string(l.id), First: l.size, Logged: now, HashStart: tlog.StoredHashCount(l.size)}
	grown := l.hashes.grow(ctx, c.HashStart)
	var leaves []byte
	for i := range batch {
		leaf, err := batch[i].commit(now)
		if err != nil {
			return err
		}
		more, err := tlog.StoredHashesForRecordHash(l.size+int64(i), leaf, grown)
		if err != nil {
			return fmt.Errorf("audit: the tree of %s: %w", l.id, err)
		}
		grown.add(more)
		leaves = append(leaves, leaf[:]...)
		c.IDs = append(c.IDs, batch[i].id)
	}
	c.Leaves = base64.StdEncoding.EncodeToString(leaves)
	c.Hashes = base64.StdEncoding.EncodeToString(grown.bytes())
	if _, err := l.stores.chunks.Insert(ctx, place(c.First), c); err != nil {
		l.loaded = false // it may have been written, by us or by another
		l.recent.uncertain = true
		if errors.Is(err, docstore.ErrExists) {
			return errTaken
		}
		return err
	}
	l.size += int64(len(batch))
	l.last = laterOf(l.last, now)
	grown.keep(c)
	if err := l.apply(ctx, c); err != nil {
		l.loaded = false
		return err
	}
	return nil
}

// now never goes back: what is logged later has a later time.
func (l *tenantLog) now() time.Time {
	now := l.clock().UTC()
	if now.Before(l.last) {
		now = l.last
	}
	return now
}

// commit makes the leaf's hash.
func (p pendingEntry) commit(logged time.Time) (tlog.Hash, error) {
	salt, err := base64.StdEncoding.DecodeString(p.Salt)
	if err != nil {
		return tlog.Hash{}, err
	}
	return bundle.LeafHash(salt, logged, []byte(p.Body)), nil
}

// apply writes the places of a chunk into its records. It may run again.
func (l *tenantLog) apply(ctx context.Context, c chunk) error {
	leaves, err := splitHashes(c.Leaves)
	if err != nil || len(leaves) != len(c.IDs) {
		return fmt.Errorf("audit: chunk %d of %s is damaged", c.First, l.id)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(32) // concurrent writes share transactions
	for i, id := range c.IDs {
		g.Go(func() error {
			_, err := l.stores.records.Update(ctx, id, func(e *entry, _ *docstore.Outbox) error {
				if !e.Pending {
					return errUnchanged
				}
				e.Pending, e.Index, e.Logged, e.Leaf = false, c.First+int64(i), c.Logged, bundle.EncodeHash(leaves[i])
				return nil
			})
			if errors.Is(err, errUnchanged) {
				return nil
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, id := range c.IDs {
		l.recent.add(id)
	}
	l.applied = c.First
	return nil
}

var errUnchanged = errors.New("audit: unchanged")

// load finds the end of the log and completes its last append.
func (l *tenantLog) load(ctx context.Context) error {
	if l.loaded {
		return nil
	}
	page, err := l.stores.chunks.Find(ctx, nil, docstore.FindOptions{Sort: []docstore.Sort{{Field: "first", Desc: true}}, Limit: 1})
	if err != nil {
		return err
	}
	before := l.size
	l.size = 0
	if len(page.Docs) > 0 {
		c := page.Docs[0].Value
		l.size = c.First + int64(len(c.IDs))
		l.recent.uncertain = l.recent.uncertain || (before > 0 && before != l.size)
		l.last = laterOf(l.last, c.Logged)
		if l.applied != c.First {
			if err := l.apply(ctx, c); err != nil {
				return err
			}
		}
	}
	l.signed = -1
	last, err := l.stores.checkpoints.Find(ctx, nil, docstore.FindOptions{Sort: []docstore.Sort{{Field: "size", Desc: true}}, Limit: 1})
	if err != nil {
		return err
	}
	if len(last.Docs) > 0 {
		l.signed = last.Docs[0].Value.Size
		l.last = laterOf(l.last, last.Docs[0].Value.Time)
	}
	l.loaded = true
	return nil
}

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// checkpoint signs the log as it is now. It is stored where the log has grown
// since the last one that was.
func (l *tenantLog) checkpoint(ctx context.Context, key bundle.Key) (bundle.Checkpoint, string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loaded = false // another process may have extended it
	if err := l.load(ctx); err != nil {
		return bundle.Checkpoint{}, "", err
	}
	root, err := tlog.TreeHash(l.size, l.hashes.reader(ctx))
	if err != nil {
		return bundle.Checkpoint{}, "", fmt.Errorf("audit: the tree of %s: %w", l.id, err)
	}
	c := bundle.Checkpoint{Tenant: string(l.id), Size: l.size, Root: root, Time: l.now()}
	text, err := c.Sign(key.Signer)
	if err != nil {
		return c, "", err
	}
	l.last = c.Time
	if l.size == l.signed || l.size == 0 {
		return c, text, nil
	}
	_, err = l.stores.checkpoints.Insert(ctx, place(l.size), signed{Size: l.size, Time: c.Time, Note: text})
	if err != nil && !errors.Is(err, docstore.ErrExists) {
		return c, "", err
	}
	l.signed = l.size
	return c, text, nil
}

// unsigned reports whether there are records that no stored checkpoint holds.
func (l *tenantLog) unsigned() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.loaded || l.size > max(l.signed, 0)
}

func splitHashes(text string) ([]tlog.Hash, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b)%tlog.HashSize != 0 {
		return nil, errors.New("audit: damaged hashes")
	}
	out := make([]tlog.Hash, len(b)/tlog.HashSize)
	for i := range out {
		copy(out[i][:], b[i*tlog.HashSize:])
	}
	return out, nil
}

// recentIDs remembers the ids of the last records that got a place. It is
// uncertain after another process took part: then the store is asked.
type recentIDs struct {
	ids       map[string]bool
	ring      []string
	next      int
	uncertain bool
}

func newRecentIDs(n int) *recentIDs {
	return &recentIDs{ids: map[string]bool{}, ring: make([]string, n)}
}

func (r *recentIDs) has(id string) bool { return r.ids[id] }

func (r *recentIDs) add(id string) {
	if r.ids[id] {
		return
	}
	delete(r.ids, r.ring[r.next])
	r.ring[r.next] = id
	r.next = (r.next + 1) % len(r.ring)
	r.ids[id] = true
}
