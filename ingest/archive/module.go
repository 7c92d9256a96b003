package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"golang.org/x/sync/errgroup"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Name of the part, and of its consumer group.
const Name = "archive"

// Config of the archive.
type Config struct {
	// BatchSize and MaxWait say when a piece is written: after so many events
	// of a partition of the topic, or so long after the first of them. Until
	// then they lie on the topic only, which must keep them longer.
	BatchSize int           `json:"batchSize" yaml:"batchSize" env:"BATCH_SIZE"`
	MaxWait   time.Duration `json:"maxWait" yaml:"maxWait" env:"MAX_WAIT"`
	// Quiet is how long nothing was added to a storage partition before its
	// pieces are made one.
	Quiet time.Duration `json:"quiet" yaml:"quiet" env:"QUIET"`
	// Settle is how long after the last piece the index must have the storage
	// partition; one that it does not have then is rebuilt.
	Settle time.Duration `json:"settle" yaml:"settle" env:"SETTLE"`
	// Every is how often pieces are merged and the index is looked at.
	Every time.Duration `json:"every" yaml:"every" env:"EVERY"`
}

// Default is what runs where nothing is set.
func Default() Config {
	return Config{BatchSize: 20_000, MaxWait: 10 * time.Minute, Quiet: 48 * time.Hour, Settle: 10 * time.Minute, Every: time.Hour}
}

// Validate says what is wrong with the configuration.
func (c Config) Validate() error {
	if c.BatchSize < 1 || c.MaxWait <= 0 || c.Quiet <= 0 || c.Settle <= 0 || c.Every <= 0 {
		return errors.New("archive: sizes and times must be above zero")
	}
	return nil
}

// kept is what is known of a storage partition in the archive; its id is the
// partition's name.
type kept struct {
	Last   time.Time `json:"last"` // when a piece was last written
	Merged bool      `json:"merged"`
	// Events is how many came for it since this is counted, each message once:
	// Through has how far each partition of the topic was counted.
	Events  int           `json:"events"`
	Through map[int]int64 `json:"through,omitempty"`
	// Extra is by how much Events was above what the index has when it last was
	// whole: events that came twice, or that the index refused.
	Extra int `json:"extra"`
	// Restored is until when what the index lost has surely been put back.
	Restored time.Time `json:"restored"`
	// Failed counts the tries to put it back that failed one after the other.
	Failed int `json:"failed"`
}

// Module is the archive as a part of Varde.
type Module struct {
	cfg   Config
	deps  run.Deps
	app   *fiber.App
	files Files

	opened     run.Opened[docstore.Collection[kept]]
	partitions docstore.Collection[kept]
	first      atomic.Bool // this process has the topic's first partition, and keeps house

	events  prometheus.Counter
	bytes   prometheus.Counter
	rebuilt prometheus.Counter
	damaged prometheus.Gauge
}

var _ run.Part = (*Module)(nil)

// New wires the archive; it does no I/O.
func New(deps run.Deps, cfg Config) (*Module, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	f := promauto.With(deps.Metrics)
	m := &Module{
		cfg: cfg, deps: deps, files: NewFiles(deps.Blobs),
		events:  f.NewCounter(prometheus.CounterOpts{Name: "varde_archive_events_total", Help: "Events written to the archive."}),
		bytes:   f.NewCounter(prometheus.CounterOpts{Name: "varde_archive_plain_bytes_total", Help: "Size of those events before compression."}),
		rebuilt: f.NewCounter(prometheus.CounterOpts{Name: "varde_archive_rebuilt_events_total", Help: "Events put back into the index from the archive."}),
		damaged: f.NewGauge(prometheus.GaugeOpts{Name: "varde_archive_damaged_partitions", Help: "Partitions of the index of which a damaged file was set aside and still lies there."}),
	}
	app, err := httpx.New(httpx.Config{
		Name: Name, Contract: httpx.NoContract, Log: deps.Log, Clock: deps.Clock, Metrics: deps.Metrics, Ready: m.Ready,
	})
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	m.app = app
	return m, nil
}

// Name implements run.Part.
func (m *Module) Name() string { return Name }

// App answers health questions only.
func (m *Module) App() *fiber.App { return m.app }

// Ready implements run.Part.
func (m *Module) Ready(ctx context.Context) error {
	if err := m.opened.Ready(); err != nil {
		return err
	}
	return m.deps.Ready(ctx, run.Kafka, run.Files)
}

// Run writes what the topic brings until ctx is done, and keeps house.
func (m *Module) Run(ctx context.Context) error {
	partitions := m.opened.Open(ctx, m.deps.Log, Name, m.openPartitions)
	if partitions == nil {
		return nil // ctx is done before the store answered
	}
	m.partitions = *partitions
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return m.deps.Bus.Consume(ctx, bus.TopicEvents, Name, bus.ConsumeOptions{
			BatchSize: m.cfg.BatchSize, MaxWait: m.cfg.MaxWait,
			Assigned: func(_ context.Context, partitions []int) error {
				m.first.Store(slices.Contains(partitions, 0))
				return nil
			},
		}, m.write)
	})
	g.Go(func() error {
		m.keepHouse(ctx)
		return nil
	})
	return g.Wait()
}

func (m *Module) openPartitions(ctx context.Context) (*docstore.Collection[kept], error) {
	c, err := docstore.Open[kept](ctx, m.deps.Docs, docstore.Definition{
		Name: "archive_partitions", Version: 1, Clock: m.deps.Clock, Indexes: []docstore.Index{{Fields: []string{"merged", "last"}}},
	})
	return &c, err
}

// place is where an event belongs.
type place struct{ tenant, partition string }

// write stores a batch, one piece for each storage partition in it.
func (m *Module) write(ctx context.Context, batch []bus.Message) error {
	pieces := map[place][][]byte{}
	offsets := map[place][]int64{}
	for _, msg := range batch {
		if msg.Type != topics.TypeEvent {
			continue
		}
		of, partition, err := eventindex.PlaceOf(msg.Value)
		// What is no event of its tenant is the indexer's to dead-letter.
		if err != nil || of != msg.Tenant || !tenant.ID(of).Valid() || !eventindex.ValidPartition(partition) {
			continue
		}
		at := place{msg.Tenant, partition}
		pieces[at] = append(pieces[at], oneLine(msg.Value))
		offsets[at] = append(offsets[at], msg.Offset)
	}
	// Named by both its ends: a batch that comes again with other borders is
	// another piece, and never takes the place of one that is being merged.
	name := fmt.Sprintf("%03d-%016d-%016d.ndjson.zst", batch[0].Partition, batch[0].Offset, batch[len(batch)-1].Offset)
	for at, lines := range pieces {
		ctx := tenant.With(ctx, tenant.ID(at.tenant))
		// Noted before it is written: a piece that nothing knows of would never
		// be merged, rebuilt from or dropped.
		if err := m.note(ctx, at.partition, batch[0].Partition, offsets[at]); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		if err := m.files.Write(ctx, at.partition, name, lines); err != nil {
			return err
		}
		m.events.Add(float64(len(lines)))
		for _, line := range lines {
			m.bytes.Add(float64(len(line)))
		}
	}
	return nil
}

// oneLine is JSON without line breaks; ours has none.
func oneLine(value []byte) []byte {
	if !bytes.ContainsAny(value, "\n\r") {
		return value
	}
	var out bytes.Buffer
	if json.Compact(&out, value) != nil {
		return value
	}
	return out.Bytes()
}

// note counts messages of a partition of the topic, which are in order; those
// that came before are not counted again.
func (m *Module) note(ctx context.Context, name string, partition int, offsets []int64) error {
	now := m.deps.Clock().UTC()
	add := func(v *kept) {
		v.Last, v.Merged = now, false
		through, counted := v.Through[partition]
		for _, o := range offsets {
			if !counted || o > through {
				v.Events++
			}
		}
		if v.Through == nil {
			v.Through = map[int]int64{}
		}
		if last := offsets[len(offsets)-1]; !counted || last > through {
			v.Through[partition] = last
		}
	}
	var first kept
	add(&first)
	_, err := m.partitions.Insert(ctx, name, first)
	if errors.Is(err, docstore.ErrExists) {
		_, err = m.partitions.Update(ctx, name, func(v *kept, _ *docstore.Outbox) error {
			add(v)
			return nil
		})
	}
	return err
}

// keepHouse merges pieces and rebuilds what the index has lost, until ctx is
// done. One process of the group does it.
func (m *Module) keepHouse(ctx context.Context) {
	t := time.NewTicker(m.cfg.Every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if !m.first.Load() {
			continue
		}
		if err := errors.Join(m.merge(ctx), m.rebuild(ctx)); err != nil && ctx.Err() == nil {
			m.deps.Log.WarnContext(ctx, "archive could not keep house", "error", err)
		}
	}
}

func (m *Module) merge(ctx context.Context) error {
	now := m.deps.Clock()
	return m.each(ctx, docstore.And{
		docstore.Eq{Field: "merged", Value: false}, docstore.Range{Field: "last", Lt: now.Add(-m.cfg.Quiet)},
	}, func(ctx context.Context, partition string, _ kept) error {
		pieces, err := m.files.Merge(ctx, partition)
		if err != nil {
			return err
		}
		_, err = m.partitions.Update(ctx, partition, func(v *kept, _ *docstore.Outbox) error {
			v.Merged = !v.Last.After(now) // else one was written meanwhile
			return nil
		})
		m.deps.Log.InfoContext(ctx, "archive merged", "partition", partition, "pieces", pieces)
		return err
	})
}

// each calls fn for the storage partitions that match, with their tenant in
// its context. What fails for one does not keep it from the others.
func (m *Module) each(ctx context.Context, f docstore.Filter, fn func(ctx context.Context, partition string, v kept) error) error {
	wide := systemscope.Enter(ctx, "the archive keeps house for every tenant")
	var errs []error
	for after := ""; ; {
		page, err := m.partitions.Find(wide, f, docstore.FindOptions{After: after, Limit: 200})
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, d := range page.Docs {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err := fn(tenant.With(ctx, tenant.ID(d.Tenant)), d.ID, d.Value); err != nil {
				errs = append(errs, fmt.Errorf("archive: partition %s: %w", d.ID, err))
			}
		}
		if after = page.Next; after == "" {
			return errors.Join(errs...)
		}
	}
}
