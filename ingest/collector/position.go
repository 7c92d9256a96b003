package collector

import (
	"context"
	"errors"
	"fmt"

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
	State      parse.State `json:"state"`
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
// line given, or a fresh position where there is none.
func (p *positions) load(ctx context.Context, s Source, path, first string) (position, error) {
	ctx = tenant.With(ctx, tenant.ID(s.Tenant))
	found, ok := position{}, false
	for counter := 0; ; counter++ {
		doc, err := p.docs.Get(ctx, positionID(s, path, first, counter))
		if errors.Is(err, docstore.ErrNotFound) {
			break
		}
		if err != nil {
			return position{}, err
		}
		found, ok = doc.Value, true
	}
	if !ok {
		found = fresh(s, path, first, 0)
	}
	return found, nil
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
