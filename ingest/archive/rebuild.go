package archive

import (
	"context"
	"errors"
	"fmt"

	"varde.internal/platform/docstore"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// mostTries is how often it is tried to put a partition back of which a piece
// cannot be read; then what could be read of it is all there is.
const mostTries = 3

// errNotTaken says that it was the index that failed, not the archive.
var errNotTaken = errors.New("archive: the index did not take a batch")

// rebuild puts back what the archive has and the index has lost: a storage
// partition that it does not have at all, one of which a damaged file was set
// aside, and one that has fewer events than it should, because its file was
// lost and later lines began a new one.
func (m *Module) rebuild(ctx context.Context) error {
	all, err := m.deps.Events.Partitions(systemscope.Enter(ctx, "the archive compares all partitions with the index"))
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	has := map[place]eventindex.Partition{}
	damaged := 0
	for _, p := range all {
		has[place{p.Tenant, p.Name}] = p
		if !p.SetAside.IsZero() {
			damaged++
		}
	}
	m.damaged.Set(float64(damaged))
	return m.each(ctx, nil, func(ctx context.Context, partition string, v kept) error {
		t, err := tenant.From(ctx)
		if err != nil {
			return err
		}
		p, found := has[place{string(t), partition}]
		// What has just come may not be in the index yet, but a damaged file is
		// made good at once, and again when all that was in it is in the archive.
		settled := v.Last.Before(m.deps.Clock().Add(-m.cfg.Settle))
		lost := settled && (v.Events-p.Events > v.Extra || !found && v.Restored.IsZero())
		if !lost && !p.SetAside.After(v.Restored) {
			return nil
		}
		return m.restore(ctx, partition, settled)
	})
}

// restore puts one storage partition back and notes that it is whole again,
// so that it is not done each hour for ever.
func (m *Module) restore(ctx context.Context, partition string, settled bool) error {
	began := m.deps.Clock()
	n, err := Rebuild(ctx, m.files, m.deps.Events, partition)
	m.rebuilt.Add(float64(n))
	if n == 0 && err == nil { // retention dropped it
		return m.partitions.Delete(ctx, partition)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.deps.Log.WarnContext(ctx, "a partition that the index had lost was rebuilt from the archive", "partition", partition, "events", n, "whole", err == nil)
	// What was lost later than this may have lain on the topic only.
	until := began.Add(-m.cfg.MaxWait - m.cfg.Settle)
	if err == nil {
		if err := m.deps.Events.Mended(ctx, partition, until); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
	}
	events, counted := m.indexed(ctx, partition)
	_, noted := m.partitions.Update(ctx, partition, func(v *kept, _ *docstore.Outbox) error {
		if err != nil {
			// An engine that is away comes back; a piece that is damaged does not.
			if n == 0 || errors.Is(err, errNotTaken) {
				return nil
			}
			if v.Failed++; v.Failed < mostTries {
				return nil
			}
		}
		v.Failed = 0
		v.Restored = until
		if settled && counted == nil && v.Last.Before(began) {
			v.Extra = v.Events - events
		}
		return nil
	})
	if err == nil {
		err = counted
	}
	if err == nil {
		err = noted
	}
	return err
}

// indexed is how many events of a storage partition the index has.
func (m *Module) indexed(ctx context.Context, partition string) (int, error) {
	all, err := m.deps.Events.Partitions(ctx)
	for _, p := range all {
		if p.Name == partition {
			return p.Events, err
		}
	}
	return 0, err
}

// rebuildBatch is how many events go into the index at once.
const rebuildBatch = 1000

// Rebuild puts every event of a storage partition into the index; those that
// are there already stay as they are. It returns how many it handed over.
func Rebuild(ctx context.Context, files Files, index eventindex.Index, partition string) (n int, err error) {
	batch := make([]ecs.Event, 0, rebuildBatch)
	put := func() error {
		if len(batch) == 0 {
			return nil
		}
		if _, err := index.Append(ctx, batch); err != nil {
			return fmt.Errorf("%w: %w", errNotTaken, err)
		}
		n += len(batch)
		batch = batch[:0]
		return nil
	}
	err = files.Read(ctx, partition, func(e ecs.Event) error {
		batch = append(batch, e)
		if len(batch) == rebuildBatch {
			return put()
		}
		return nil
	})
	return n, errors.Join(err, put())
}
