package collector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"varde.internal/ingest/parse"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/kafka"
	"varde.internal/platform/config"
	"varde.internal/platform/id"
	"varde.internal/schemas/ecs"
)

// Topic is a topic of a Kafka that is not this installation's, whose messages
// are lines of a source of the register.
type Topic struct {
	// Brokers is an address of kafka.Open: kafka://[user:password@]host[:port],…?tls=true…
	Brokers config.Secret
	Topic   string
	// Group that the offsets are committed for.
	Group  string
	Source string // id of the source
	// Format of a message: one of the Format constants.
	Format string
}

// Formats of a message.
const (
	FormatLine = "line" // a line as by any other way
	FormatJSON = "json" // a document as _bulk takes it
	FormatECS  = "ecs"  // an event of the Elastic Common Schema, taken as it is
)

// DefaultGroup is the group of a Topic that names none.
const DefaultGroup = "varde"

func (t Topic) validate() error {
	var errs []error
	if t.Topic == "" || t.Source == "" || t.Brokers.Empty() {
		errs = append(errs, errors.New("brokers, topic and source are needed"))
	}
	if t.Format != FormatLine && t.Format != FormatJSON && t.Format != FormatECS {
		errs = append(errs, fmt.Errorf("format: must be %s, %s or %s", FormatLine, FormatJSON, FormatECS))
	}
	if t.Group == "" {
		errs = append(errs, errors.New("group: is needed"))
	}
	if !t.Brokers.Empty() {
		if b, err := kafka.Open(t.Brokers.Reveal(), kafka.Options{}); err != nil {
			errs = append(errs, fmt.Errorf("brokers: %w", err)) // never repeats the address
		} else {
			_ = b.Close() // no connection was made
		}
	}
	return errors.Join(errs...)
}

// consumed is a topic that is being consumed.
type consumed struct {
	*Module
	topic Topic
	seen  stateOf

	mu      sync.Mutex
	origins map[int]*origin // by partition, whose order is that of its lines
}

// consumeTopic takes the messages of a topic until ctx is done. Their offsets
// are committed after the bus has acknowledged what they became; while it does
// not, no more are fetched than one batch per partition.
func (m *Module) consumeTopic(ctx context.Context, t Topic) error {
	from, err := kafka.Open(t.Brokers.Reveal(), kafka.Options{Log: m.deps.Log, ClientID: "varde-collector"})
	if err != nil {
		return fmt.Errorf("collector: topic: %w", err)
	}
	defer from.Close()
	c := &consumed{Module: m, topic: t, seen: m.state("topic " + t.Topic), origins: map[int]*origin{}}
	lag := m.metrics.topicLag
	err = from.Consume(ctx, t.Topic, t.Group, bus.ConsumeOptions{
		BatchSize: m.cfg.MaxBatch,
		Assigned: func(context.Context, []int) error {
			c.mu.Lock()
			defer c.mu.Unlock()
			clear(c.origins) // another member may have read on meanwhile
			return nil
		},
		Lag: func(partition int, behind int64) {
			lag.WithLabelValues(t.Source, t.Topic, strconv.Itoa(partition)).Set(float64(behind))
		},
	}, c.take)
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("collector: topic %s: %w", t.Topic, err)
	}
	return nil
}

// take makes events of a batch, and returns when they are durable.
func (c *consumed) take(ctx context.Context, batch []bus.Message) error {
	src, ok := c.sources.byID(c.topic.Source)
	if !ok {
		err := fmt.Errorf("the register has no source %s", c.topic.Source)
		c.seen.failed(err)
		return err
	}
	o := c.origin(src, batch[0].Partition)
	b := c.request(ctx)
	now := c.deps.Clock()
	for _, m := range batch {
		if len(m.Value) == 0 {
			continue // the mark of a deletion, in a compacted topic
		}
		o.reference = time.Time{}
		if !m.Time.IsZero() && m.Time.Before(now) {
			o.reference = m.Time // what resolves a time without a year, however long it lay there
		}
		c.intake.add(&b, o, c.line(src, m), now)
		b.relieve(c.cfg.MaxBatch)
	}
	if err := c.intake.publish(ctx, &b); err != nil {
		c.seen.failed(errors.New("the bus does not take lines"))
		return err
	}
	c.seen.fine()
	return nil
}

// origin is that of a partition, for the source as it is now.
func (c *consumed) origin(src Source, partition int) *origin {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.origins[partition]; o != nil {
		c.intake.renew(o, c.as(src))
		return o
	}
	o := c.intake.open(c.as(src), "kafka", ecs.ProvenanceTopic, parse.Options{Live: true})
	c.origins[partition] = &o
	return &o
}

// as is the source with the format of the topic.
func (c *consumed) as(src Source) Source {
	if c.topic.Format == FormatECS {
		src.Format = parse.FormatECS
	}
	return src
}

// line is a message's. Its id follows from its place and what it holds: a topic
// that was made anew counts its offsets from 0 again.
func (c *consumed) line(src Source, m bus.Message) line {
	sum := sha256.Sum256(m.Value)
	unique := id.Of("kafka", src.Tenant, src.ID, c.topic.Topic, strconv.Itoa(m.Partition), strconv.FormatInt(m.Offset, 10), m.Time.UTC().Format(time.RFC3339Nano), string(sum[:]))
	l := line{raw: bytes.TrimRight(m.Value, "\r\n"), id: placed(uint64(m.Offset), unique)} //nolint:gosec // never negative
	if len(l.raw) > c.cfg.MaxLine {
		l.raw, l.reason, l.detail = l.raw[:c.cfg.MaxLine], ReasonTooLong, "the message is larger than a line may be; this is its beginning"
		return l
	}
	if c.topic.Format == FormatJSON && len(parse.Split(l.raw)) == 1 {
		l = readDocument(l)
	}
	return l
}
