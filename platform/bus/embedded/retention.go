package embedded

import (
	"context"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// retain deletes expired messages now and then, as each topic's retention.ms
// says, but never the last record of a partition: kfake derives the next
// offset from what is left, and consumers would skip what came under reused
// offsets.
func (b *Broker) retain(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		if err := b.expire(limited); err != nil && ctx.Err() == nil {
			b.log.Warn("deleting expired messages failed, trying again later", "error", err.Error())
		}
		cancel()
	}
}

func (b *Broker) expire(ctx context.Context) error {
	pool := &kafkago.Transport{}
	defer pool.CloseIdleConnections()
	if b.secret != "" {
		m, err := scram.Mechanism(scram.SHA256, user, b.secret)
		if err != nil {
			return err
		}
		pool.SASL = m
	}
	client := &kafkago.Client{Addr: kafkago.TCP(b.hostport), Transport: pool}
	meta, err := client.Metadata(ctx, &kafkago.MetadataRequest{})
	if err != nil {
		return err
	}
	for _, t := range meta.Topics {
		keep, ok := b.retention(t.Name)
		if !ok {
			continue
		}
		for _, p := range t.Partitions {
			if err := b.expirePartition(ctx, client, t.Name, p.ID, time.Now().Add(-keep)); err != nil {
				return err
			}
		}
	}
	return nil
}

// retention returns how long topic keeps its messages; ok is false for a
// compacted topic and one without a limit.
func (b *Broker) retention(topic string) (time.Duration, bool) {
	info := b.cluster.TopicInfo(topic)
	if info == nil {
		return 0, false
	}
	policy, ms := info.Configs["cleanup.policy"], info.Configs["retention.ms"]
	if ms == nil || (policy != nil && *policy != "delete") {
		return 0, false
	}
	n, err := strconv.ParseInt(*ms, 10, 64)
	return time.Duration(n) * time.Millisecond, err == nil && n >= 0
}

func (b *Broker) expirePartition(ctx context.Context, client *kafkago.Client, topic string, partition int, before time.Time) error {
	r, err := client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{topic: {
		kafkago.FirstOffsetOf(partition), kafkago.LastOffsetOf(partition), kafkago.TimeOffsetOf(partition, before),
	}}})
	if err != nil {
		return err
	}
	for _, p := range r.Topics[topic] {
		if p.Error != nil {
			return p.Error
		}
		cut := p.LastOffset - 1
		for offset := range p.Offsets {
			if offset >= 0 && offset < cut {
				cut = offset
			}
		}
		if cut > p.FirstOffset {
			if err := b.cluster.DeleteRecords(topic, int32(partition), cut); err != nil {
				return err
			}
			b.log.Debug("deleted expired messages", "topic", topic, "partition", partition, "messages", cut-p.FirstOffset)
		}
	}
	return nil
}
