package kafka

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"varde.internal/platform/bus"
)

// EnsureTopics implements bus.Bus. It keeps trying while the broker is away,
// until ctx is done. The number of partitions of an existing topic is never
// changed: keys would move to other partitions and lose their order.
func (b *Bus) EnsureTopics(ctx context.Context, topics ...bus.TopicConfig) error {
	for _, t := range topics {
		if t.Name == "" || t.Partitions < 1 || (!t.Compacted && t.Retention <= 0) {
			return fmt.Errorf("kafka: topic %q needs a name, partitions and a retention", t.Name)
		}
	}
	b.mu.Lock()
	for _, t := range topics {
		limit := t.MaxMessage
		if limit == 0 {
			limit = bus.DefaultMaxMessage
		}
		if b.limits[t.Name] != limit {
			b.limits[t.Name] = limit
			if w := b.writers[t.Name]; w != nil { // made before its limit was known
				delete(b.writers, t.Name)
				b.inBackground(func() { _ = w.Close() })
			}
		}
	}
	b.mu.Unlock()
	note := quiet{log: b.log}
	for attempt := 0; ; attempt++ {
		err := b.ensure(ctx, topics)
		if err == nil {
			note.fine()
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("kafka: ensure topics: %w", ctx.Err())
		}
		if isFinal(err) {
			return fmt.Errorf("kafka: ensure topics: %w", err)
		}
		note.failed("declaring topics waits for the broker", err)
		wait(ctx, backoff(attempt, 2*time.Second))
	}
}

func (b *Bus) ensure(ctx context.Context, topics []bus.TopicConfig) error {
	missing, err := b.missing(ctx, topics)
	if err != nil {
		return err
	}
	existing := topics[:0:0]
	for _, t := range topics {
		if !missing[t.Name] {
			existing = append(existing, t)
			continue
		}
		if err := b.create(ctx, t); errors.Is(err, kafkago.TopicAlreadyExists) {
			existing = append(existing, t)
		} else if err != nil {
			return fmt.Errorf("create %s: %w", t.Name, err)
		}
	}
	if err := b.correct(ctx, existing); err != nil {
		return err
	}
	if left, err := b.missing(ctx, topics); err != nil || len(left) > 0 {
		return errors.Join(err, kafkago.UnknownTopicOrPartition) // created, not yet known by every broker
	}
	return nil
}

func (b *Bus) missing(ctx context.Context, topics []bus.TopicConfig) (map[string]bool, error) {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = t.Name
	}
	r, err := b.client.Metadata(ctx, &kafkago.MetadataRequest{Topics: names})
	if err != nil {
		return nil, err
	}
	missing := map[string]bool{}
	for _, t := range r.Topics {
		switch {
		case errors.Is(t.Error, kafkago.UnknownTopicOrPartition):
			missing[t.Name] = true
		case t.Error != nil:
			return nil, t.Error
		}
	}
	return missing, nil
}

func (b *Bus) create(ctx context.Context, t bus.TopicConfig) error {
	create := func(optional bool) error {
		entries := []kafkago.ConfigEntry{}
		for name, value := range b.settings(t, optional) {
			entries = append(entries, kafkago.ConfigEntry{ConfigName: name, ConfigValue: value})
		}
		r, err := b.client.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{
			Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: b.cfg.replication, ConfigEntries: entries,
		}}})
		if err != nil {
			return err
		}
		return r.Errors[t.Name]
	}
	err := create(true)
	if errors.Is(err, kafkago.InvalidConfiguration) {
		err = create(false)
	}
	return err
}

// settings of a topic. The optional ones are refused by brokers that do not
// know them (Kafka before 3.6, the embedded broker).
func (b *Bus) settings(t bus.TopicConfig, optional bool) map[string]string {
	limit := t.MaxMessage
	if limit == 0 {
		limit = bus.DefaultMaxMessage
	}
	s := map[string]string{
		"cleanup.policy":    "delete",
		"max.message.bytes": strconv.Itoa(batchLimit(limit) + headroom),
	}
	if t.Compacted {
		s["cleanup.policy"] = "compact"
		s["retention.ms"] = "-1" // the embedded broker would expire compacted topics too
	} else {
		s["retention.ms"] = strconv.FormatInt(t.Retention.Milliseconds(), 10)
	}
	if b.cfg.segment > 0 {
		s["segment.bytes"] = strconv.Itoa(b.cfg.segment)
	}
	if optional {
		// Kafka 4 refuses messages dated more than an hour ahead; a source's
		// wrong clock must not stop a partition.
		s["message.timestamp.after.max.ms"] = strconv.FormatInt(math.MaxInt64, 10)
	}
	return s
}

// correct changes the settings of existing topics that differ.
func (b *Bus) correct(ctx context.Context, topics []bus.TopicConfig) error {
	for _, t := range topics {
		want := b.settings(t, true)
		names := make([]string, 0, len(want))
		for name := range want {
			names = append(names, name)
		}
		r, err := b.client.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{Resources: []kafkago.DescribeConfigRequestResource{{
			ResourceType: kafkago.ResourceTypeTopic, ResourceName: t.Name, ConfigNames: names,
		}}})
		if err != nil {
			return err
		}
		var changes []kafkago.IncrementalAlterConfigsRequestConfig
		for _, res := range r.Resources {
			if res.Error != nil {
				return res.Error
			}
			for _, e := range res.ConfigEntries { // one the broker does not know is not among them
				if v, ok := want[e.ConfigName]; ok && v != e.ConfigValue {
					changes = append(changes, kafkago.IncrementalAlterConfigsRequestConfig{
						Name: e.ConfigName, Value: v, ConfigOperation: kafkago.ConfigOperationSet,
					})
				}
			}
		}
		if len(changes) == 0 {
			continue
		}
		a, err := b.client.IncrementalAlterConfigs(ctx, &kafkago.IncrementalAlterConfigsRequest{
			Resources: []kafkago.IncrementalAlterConfigsRequestResource{{
				ResourceType: kafkago.ResourceTypeTopic, ResourceName: t.Name, Configs: changes,
			}},
		})
		if err != nil {
			return err
		}
		for _, res := range a.Resources {
			if res.Error != nil {
				return fmt.Errorf("settings of %s: %w", t.Name, res.Error)
			}
		}
	}
	return nil
}

// partitions returns how many partitions topic has.
func (b *Bus) partitions(ctx context.Context, topic string) (int, error) {
	r, err := b.client.Metadata(ctx, &kafkago.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, err
	}
	for _, t := range r.Topics {
		if t.Name == topic {
			if t.Error != nil {
				return 0, t.Error
			}
			return len(t.Partitions), nil
		}
	}
	return 0, kafkago.UnknownTopicOrPartition
}

// ends returns the first offset kept and the next to be written of a partition.
func (b *Bus) ends(ctx context.Context, topic string, partition int) (first, next int64, err error) {
	p, err := b.offsets(ctx, topic, partition, kafkago.FirstOffsetOf(partition), kafkago.LastOffsetOf(partition))
	return p.FirstOffset, p.LastOffset, err
}

// offsetAt returns the first offset whose message is not older than t; ok is
// false where all are older.
func (b *Bus) offsetAt(ctx context.Context, topic string, partition int, t time.Time) (offset int64, ok bool, err error) {
	p, err := b.offsets(ctx, topic, partition, kafkago.TimeOffsetOf(partition, t))
	if err != nil {
		return 0, false, err
	}
	for o := range p.Offsets {
		if o >= 0 && (!ok || o < offset) {
			offset, ok = o, true
		}
	}
	return offset, ok, nil
}

func (b *Bus) offsets(ctx context.Context, topic string, partition int, requests ...kafkago.OffsetRequest) (kafkago.PartitionOffsets, error) {
	r, err := b.client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: requests}})
	if err != nil {
		return kafkago.PartitionOffsets{}, err
	}
	for _, p := range r.Topics[topic] {
		if p.Partition == partition {
			return p, p.Error
		}
	}
	return kafkago.PartitionOffsets{}, kafkago.UnknownTopicOrPartition
}
