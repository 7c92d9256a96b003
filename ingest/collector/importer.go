package collector

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"varde.internal/ingest/collector/http"
	"varde.internal/platform/bus"
	"varde.internal/platform/run"
)

// ErrNoSource is of a source that the register does not have, or has twice by
// that name.
var ErrNoSource = errors.New("the register has no such source, or several of that name")

// Importer takes pieces of files in this process: for an installation that is
// stopped, or whose engines several processes can use. Safe for concurrent use.
type Importer struct {
	sender
	stop func() error
}

// OpenImporter reads the register and finds the source by its id or its name,
// ErrNoSource where it has none. It must be closed.
func OpenImporter(ctx context.Context, deps run.Deps, cfg Config, source string) (*Importer, error) {
	m, err := New(deps, cfg)
	if err != nil {
		return nil, err
	}
	follow, cancel := context.WithCancel(ctx)
	g, follow := errgroup.WithContext(follow)
	for _, topic := range []string{bus.TopicRegister, bus.TopicDirectory} {
		g.Go(func() error { return m.sources.follow(follow, deps.Bus, topic) })
	}
	i := &Importer{sender: sender{Module: m}, stop: func() error {
		cancel()
		if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}}
	select {
	case <-m.sources.ready:
	case <-follow.Done():
		return nil, errors.Join(fmt.Errorf("collector: the register could not be read: %w", context.Cause(follow)), i.stop())
	}
	found := 0
	for _, s := range m.sources.all() {
		if s.ID == source || s.Name == source {
			i.source = s
			found++
		}
	}
	if s, ok := m.sources.byID(source); ok {
		i.source, found = s, 1
	}
	if found != 1 {
		return nil, errors.Join(ErrNoSource, i.stop())
	}
	return i, nil
}

// Import takes a piece as POST /v1/import does.
func (i *Importer) Import(ctx context.Context, body []byte) (http.Taken, error) {
	return i.sender.Import(ctx, body)
}

// Close ends it.
func (i *Importer) Close() error { return i.stop() }
