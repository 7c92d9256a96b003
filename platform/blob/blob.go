// Package blob keeps files: a folder when embedded, S3-compatible storage in
// production, both through gocloud.dev/blob. Bytes are encrypted with age
// before they leave the process; SHA-256 of the plain bytes is kept.
//
// A file is two objects: its bytes under a random name (TENANT/d/…), and an
// entry under its key (TENANT/k/KEY) that names them with size, media type and
// hash, encrypted too, because the hash of a small file tells its content. The
// entry is written last and in one piece, so a file is there whole or not at
// all, also when it is replaced. A process that dies in between leaves bytes
// without an entry, which Sweep removes.
package blob

import (
	"context"
	"errors"
	"io"
)

// ErrNotFound is returned for a key that is not there, or is another tenant's.
var ErrNotFound = errors.New("blob: not found")

// Info about a stored file; Size and SHA256 (hex) are of the plain bytes.
type Info struct {
	Key       string
	MediaType string
	Size      int64
	SHA256    string
}

// Bucket stores files per tenant (from the context). Safe for concurrent use.
type Bucket interface {
	// Put stores all of r, or nothing: a reader sees the whole file or none.
	// At most limit plain bytes are taken; more is an error of kind too large.
	Put(ctx context.Context, key, mediaType string, r io.Reader, limit int64) (Info, error)
	Open(ctx context.Context, key string) (io.ReadCloser, Info, error)
	Delete(ctx context.Context, key string) error
	List(ctx context.Context, prefix string) ([]Info, error)
	Ready(ctx context.Context) error
	Close() error
}
