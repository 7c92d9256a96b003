// Package archive keeps every event a second time, as it lay on the topic:
// compressed, encrypted files per storage partition. A lost partition of the
// event index is rebuilt from it, and a day can be parsed again from the raw
// lines in it.
//
// A file is a piece of one storage partition: JSON lines under zstd, named by
// its place in the topic. A batch that came twice may lie in two pieces with
// other borders, so readers take the event id for what it is: the event's.
package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"varde.internal/platform/blob"
	"varde.internal/platform/id"
	"varde.internal/schemas/ecs"
)

const (
	mediaType = "application/zstd"
	// pieceLimit bounds one file, in compressed bytes.
	pieceLimit = 4 << 30
	// lineLimit bounds one event; the topic's messages are smaller.
	lineLimit = 16 << 20
)

// Files is the archive in a bucket. All calls need a tenant in their context.
// Safe for concurrent use, but Merge of a partition runs once at a time.
type Files struct{ bucket blob.Bucket }

// NewFiles is the archive that lies in bucket.
func NewFiles(bucket blob.Bucket) Files { return Files{bucket} }

// folder is where the pieces of a storage partition lie.
func folder(partition string) string { return "archive/" + partition + "/" }

// packers are kept, because each holds some megabytes of tables.
var packers = sync.Pool{New: func() any {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil { // constant options
		panic(err)
	}
	return z
}}

var newline = []byte("\n")

// Write stores lines, JSON objects without line breaks, as one piece. The same
// name again replaces what was there.
func (f Files) Write(ctx context.Context, partition, name string, lines [][]byte) error {
	var packed bytes.Buffer
	z := packers.Get().(*zstd.Encoder)
	defer packers.Put(z)
	z.Reset(&packed)
	for _, line := range lines {
		_, err := z.Write(line)
		if err == nil {
			_, err = z.Write(newline)
		}
		if err != nil {
			return fmt.Errorf("archive: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	if _, err := f.bucket.Put(ctx, folder(partition)+name, mediaType, &packed, pieceLimit); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

// Read calls fn with every event of a partition, some perhaps more than once,
// in no certain order, until fn fails. A piece that cannot be read to its end
// gives what can be read of it; the errors come joined at the end.
func (f Files) Read(ctx context.Context, partition string, fn func(ecs.Event) error) error {
	pieces, err := f.bucket.List(ctx, folder(partition))
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	var damaged []error
	for _, p := range pieces {
		var stopped error
		err := f.piece(ctx, p.Key, func(e ecs.Event) error {
			stopped = fn(e)
			return stopped
		})
		switch {
		case stopped != nil:
			return stopped
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !errors.Is(err, blob.ErrNotFound): // merged meanwhile
			damaged = append(damaged, fmt.Errorf("archive: %s: %w", p.Key, err))
		}
	}
	return errors.Join(damaged...)
}

func (f Files) piece(ctx context.Context, key string, fn func(ecs.Event) error) error {
	r, _, err := f.bucket.Open(ctx, key)
	if err != nil {
		return err
	}
	defer r.Close()
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	lines := bufio.NewScanner(z)
	lines.Buffer(make([]byte, 0, 64<<10), lineLimit)
	for lines.Scan() {
		var e ecs.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return lines.Err()
}

// Merge makes one piece of all pieces of a partition, which no one writes to
// any more. Killed in between it leaves events twice, never none; the next
// Merge makes that good.
func (f Files) Merge(ctx context.Context, partition string) (pieces int, err error) {
	all, err := f.bucket.List(ctx, folder(partition))
	if err != nil || len(all) < 2 {
		return len(all), wrap(err)
	}
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Key
	}
	// Named by what is in it: the same pieces give the same file.
	merged := folder(partition) + "merged-" + id.Of(append([]string{"archive"}, names...)...) + ".ndjson.zst"
	// Frames of zstd that follow each other are one stream.
	if _, err = f.bucket.Put(ctx, merged, mediaType, &chain{ctx: ctx, files: f, keys: names}, pieceLimit); err != nil {
		return len(all), wrap(err)
	}
	for _, name := range names {
		if err := f.bucket.Delete(ctx, name); err != nil && !errors.Is(err, blob.ErrNotFound) {
			return len(all), wrap(err)
		}
	}
	return len(all), nil
}

// Drop removes a partition. Retention drops it here before it drops it in the
// index, so that what the index no longer has is not rebuilt.
func (f Files) Drop(ctx context.Context, partition string) error {
	pieces, err := f.bucket.List(ctx, folder(partition))
	if err != nil {
		return wrap(err)
	}
	for _, p := range pieces {
		if err := f.bucket.Delete(ctx, p.Key); err != nil && !errors.Is(err, blob.ErrNotFound) {
			return wrap(err)
		}
	}
	return nil
}

func wrap(err error) error {
	if err == nil || strings.HasPrefix(err.Error(), "archive: ") {
		return err
	}
	return fmt.Errorf("archive: %w", err)
}

// chain reads files one after the other, with one open at a time.
type chain struct {
	ctx   context.Context //nolint:containedctx // an io.Reader that lives as long as one call of Merge
	files Files
	keys  []string
	open  io.ReadCloser
}

func (c *chain) Read(p []byte) (int, error) {
	for {
		if c.open == nil {
			if len(c.keys) == 0 {
				return 0, io.EOF
			}
			r, _, err := c.files.bucket.Open(c.ctx, c.keys[0])
			if err != nil {
				return 0, err
			}
			c.open, c.keys = r, c.keys[1:]
		}
		n, err := c.open.Read(p)
		if errors.Is(err, io.EOF) {
			_ = c.open.Close()
			c.open, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}
