package collector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"varde.internal/ingest/parse"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/tenant"
)

// position is how far a file has been read. A file is one generation as long as
// its first line stays; a new one begins when it is replaced or truncated.
type position struct {
	Source     string      `json:"source"`
	Path       string      `json:"path"`              // where it was read; a rotated one lies beside it
	First      string      `json:"first"`             // hash of the first line
	Counter    int         `json:"counter,omitempty"` // of files that begin with the same line
	Generation string      `json:"generation"`
	Offset     int64       `json:"offset"`
	Before     int64       `json:"before,omitempty"` // bytes of the path's earlier generations, as far as they are known
	State      parse.State `json:"state"`
	// Since is when the path was looked at for the first time; it is in a
	// document of its own, which is of no generation.
	Since time.Time `json:"since,omitzero"`
}

var positionsDefinition = docstore.Definition{
	Name:    "collector_positions",
	Version: 1,
	Indexes: []docstore.Index{{Fields: []string{"source", "path"}}},
}

// positions are kept per tenant. Safe for concurrent use by several files.
type positions struct{ docs docstore.Collection[position] }

func openPositions(ctx context.Context, store docstore.Backend) (*positions, error) {
	docs, err := docstore.Open[position](ctx, store, positionsDefinition)
	return &positions{docs}, err
}

func positionID(s Source, path, first string, counter int) string {
	return id.Of("position", s.ID, path, first, fmt.Sprint(counter))
}

// load returns the newest generation of the path that begins with the first
// line given, or a fresh position where none is known.
func (p *positions) load(ctx context.Context, s Source, path, first string) (found position, known bool, err error) {
	ctx = tenant.With(ctx, tenant.ID(s.Tenant))
	for counter := 0; ; counter++ {
		doc, err := p.docs.Get(ctx, positionID(s, path, first, counter))
		if errors.Is(err, docstore.ErrNotFound) {
			break
		}
		if err != nil {
			return position{}, false, err
		}
		found, known = doc.Value, true
	}
	if !known {
		found = fresh(s, path, first, 0)
	}
	return found, known, nil
}

// since is when the path was looked at for the first time, by any collector.
func (p *positions) since(ctx context.Context, s Source, path string, now time.Time) (time.Time, error) {
	ctx = tenant.With(ctx, tenant.ID(s.Tenant))
	key := positionID(s, path, "", 0)
	doc, err := p.docs.Get(ctx, key)
	if errors.Is(err, docstore.ErrNotFound) {
		doc, err = p.docs.Insert(ctx, key, position{Source: s.ID, Path: path, Since: now})
	}
	return doc.Value.Since, err
}

func fresh(s Source, path, first string, counter int) position {
	return position{Source: s.ID, Path: path, First: first, Counter: counter, Generation: id.Of(path, first, fmt.Sprint(counter))}
}

// save keeps a position; only one collector reads a file, so the last wins.
func (p *positions) save(ctx context.Context, s Source, pos position) error {
	ctx = tenant.With(ctx, tenant.ID(s.Tenant))
	key := positionID(s, pos.Path, pos.First, pos.Counter)
	_, err := p.docs.Update(ctx, key, func(v *position, _ *docstore.Outbox) error {
		*v = pos
		return nil
	})
	if errors.Is(err, docstore.ErrNotFound) {
		_, err = p.docs.Insert(ctx, key, pos)
	}
	return err
}
