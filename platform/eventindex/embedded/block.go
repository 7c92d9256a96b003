package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// blockEvents is how many events lie compressed together. More compress
// better; fewer cost less to read one.
const blockEvents = 64

var (
	encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(128<<10))
	decoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(512<<20))
)

var encoding sync.Mutex // one encoder, so that its memory is there once

// pack writes documents one after the other, each after its length.
func pack(docs [][]byte) []byte {
	var raw []byte
	for _, d := range docs {
		raw = binary.AppendUvarint(raw, uint64(len(d)))
		raw = append(raw, d...)
	}
	encoding.Lock()
	defer encoding.Unlock()
	return encoder.EncodeAll(raw, make([]byte, 0, len(raw)/4))
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

// blockCache keeps the blocks read last. Blocks never change.
type blockCache struct {
	mu     sync.Mutex
	blocks map[int64][][]byte
	order  []int64
}

const cachedBlocks = 16

func newBlockCache() *blockCache { return &blockCache{blocks: map[int64][][]byte{}} }

func (c *blockCache) get(n int64) ([][]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	docs, ok := c.blocks[n]
	return docs, ok
}

func (c *blockCache) put(n int64, docs [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.blocks[n]; ok {
		return
	}
	if len(c.order) == cachedBlocks {
		delete(c.blocks, c.order[0])
		c.order = c.order[1:]
	}
	c.blocks[n] = docs
	c.order = append(c.order, n)
}
