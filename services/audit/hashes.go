package audit

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"varde.internal/platform/docstore"
)

// cachedChunks bounds the memory of a tenant's tree: the chunks whose hashes
// are kept. The right edge of the tree, which appends need, is among the last.
const cachedChunks = 512

// hashes reads the stored hashes of a tenant's tree from the chunks that
// brought them. Safe for concurrent use.
type hashes struct {
	chunks docstore.Collection[chunk]

	mu     sync.Mutex
	spans  map[int64][]tlog.Hash // by HashStart
	starts []int64               // sorted
	order  []int64               // as they came, oldest first
}

func newHashes(chunks docstore.Collection[chunk]) *hashes {
	return &hashes{chunks: chunks, spans: map[int64][]tlog.Hash{}}
}

// at returns the stored hash at a place.
func (h *hashes) at(ctx context.Context, place int64) (tlog.Hash, error) {
	if hash, ok := h.cached(place); ok {
		return hash, nil
	}
	page, err := h.chunks.Find(ctx, docstore.Range{Field: "hashStart", Lte: place},
		docstore.FindOptions{Sort: []docstore.Sort{{Field: "hashStart", Desc: true}}, Limit: 1})
	if err != nil {
		return tlog.Hash{}, err
	}
	if len(page.Docs) == 0 {
		return tlog.Hash{}, fmt.Errorf("audit: hash %d is not stored", place)
	}
	c := page.Docs[0].Value
	list, err := splitHashes(c.Hashes)
	if err != nil {
		return tlog.Hash{}, err
	}
	if place >= c.HashStart+int64(len(list)) {
		return tlog.Hash{}, fmt.Errorf("audit: hash %d is not stored", place)
	}
	h.keep(c.HashStart, list)
	return list[place-c.HashStart], nil
}

func (h *hashes) cached(place int64) (tlog.Hash, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, found := slices.BinarySearch(h.starts, place)
	if !found {
		i-- // the last that begins before it
	}
	if i < 0 {
		return tlog.Hash{}, false
	}
	start := h.starts[i]
	if list := h.spans[start]; place < start+int64(len(list)) {
		return list[place-start], true
	}
	return tlog.Hash{}, false
}

func (h *hashes) keep(start int64, list []tlog.Hash) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.spans[start]; ok {
		return
	}
	if len(h.order) == cachedChunks {
		oldest := h.order[0]
		delete(h.spans, oldest)
		h.order = h.order[1:]
		if i, found := slices.BinarySearch(h.starts, oldest); found {
			h.starts = slices.Delete(h.starts, i, i+1)
		}
	}
	h.spans[start] = list
	h.order = append(h.order, start)
	i, _ := slices.BinarySearch(h.starts, start)
	h.starts = slices.Insert(h.starts, i, start)
}

// reader is the tlog.HashReader of one call.
func (h *hashes) reader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(places []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(places))
		for i, p := range places {
			var err error
			if out[i], err = h.at(ctx, p); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

// grow begins an append: a reader that also knows the hashes added so far.
// start is the place of the first that will be added.
func (h *hashes) grow(ctx context.Context, start int64) *growing {
	return &growing{h: h, ctx: ctx, start: start}
}

type growing struct {
	h     *hashes
	ctx   context.Context //nolint:containedctx // lives as long as one append
	start int64
	list  []tlog.Hash
}

// ReadHashes implements tlog.HashReader.
func (g *growing) ReadHashes(places []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(places))
	for i, p := range places {
		if at := p - g.start; at >= 0 && at < int64(len(g.list)) {
			out[i] = g.list[at]
			continue
		}
		var err error
		if out[i], err = g.h.at(g.ctx, p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (g *growing) add(more []tlog.Hash) { g.list = append(g.list, more...) }

func (g *growing) bytes() []byte {
	out := make([]byte, 0, len(g.list)*tlog.HashSize)
	for _, h := range g.list {
		out = append(out, h[:]...)
	}
	return out
}

// keep remembers the hashes of the chunk that was stored.
func (g *growing) keep(c chunk) { g.h.keep(c.HashStart, g.list) }
