package embedded

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// How many events lie compressed together, and how many bytes of them. More
// compress better; fewer cost less to read one.
const (
	blockEvents = 128
	blockBytes  = 512 << 10
)

var (
	encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(128<<10))
	decoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(512<<20))
)

var encoding sync.Mutex // one encoder, so that its memory is there once

// buffers are for what is compressed.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// pack writes documents one after the other, each after its length.
func pack(docs [][]byte) []byte {
	buffer := buffers.Get().(*[]byte)
	raw := (*buffer)[:0]
	for _, d := range docs {
		raw = binary.AppendUvarint(raw, uint64(len(d)))
		raw = append(raw, d...)
	}
	encoding.Lock()
	out := encoder.EncodeAll(raw, make([]byte, 0, len(raw)/8))
	encoding.Unlock()
	if cap(raw) <= 4*blockBytes {
		*buffer = raw
		buffers.Put(buffer)
	}
	return out
}

var errBlock = errors.New("eventindex: a block of events is damaged")

func unpack(data []byte) ([][]byte, error) {
	raw, err := decoder.DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBlock, err)
	}
	var docs [][]byte
	for len(raw) > 0 {
		n, size := binary.Uvarint(raw)
		if size <= 0 || uint64(len(raw)-size) < n {
			return nil, errBlock
		}
		docs = append(docs, raw[size:size+int(n)])
		raw = raw[size+int(n):]
	}
	return docs, nil
}

// rower is a connection or a transaction.
type rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// readBlock gives the block that has a number, and its first number.
func readBlock(ctx context.Context, db rower, seq int64) (first int64, docs [][]byte, err error) {
	var data []byte
	if err := db.QueryRowContext(ctx, `SELECT first, data FROM block WHERE first <= ? ORDER BY first DESC LIMIT 1`, seq).Scan(&first, &data); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = errBlock
		}
		return 0, nil, err
	}
	if docs, err = unpack(data); err != nil {
		return 0, nil, err
	}
	if seq-first >= int64(len(docs)) {
		return 0, nil, errBlock
	}
	return first, docs, nil
}

// tail is the block that is not full yet, as the writer has it.
type tail struct {
	first int64
	docs  [][]byte
	bytes int
}

func (t *tail) full() bool { return len(t.docs) >= blockEvents || t.bytes >= blockBytes }

func (t *tail) add(doc []byte) {
	t.docs = append(t.docs, doc)
	t.bytes += len(doc)
}

// blockCache keeps the blocks read last, by their first number. The last block
// of a partition grows, the others never change.
type blockCache struct {
	mu     sync.Mutex
	blocks map[int64][][]byte
	order  []int64
}

const cachedBlocks = 16

func newBlockCache() *blockCache { return &blockCache{blocks: map[int64][][]byte{}} }

// get gives the document of a number from a block that is kept.
func (c *blockCache) get(seq int64) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, first := range c.order {
		if docs := c.blocks[first]; seq >= first && seq < first+int64(len(docs)) {
			return docs[seq-first], true
		}
	}
	return nil, false
}

func (c *blockCache) put(first int64, docs [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.blocks[first]; ok {
		c.blocks[first] = docs
		return
	}
	if len(c.order) == cachedBlocks {
		delete(c.blocks, c.order[0])
		c.order = c.order[1:]
	}
	c.blocks[first] = docs
	c.order = append(c.order, first)
}
