package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"varde.internal/platform/bus"
)

// maxBatchBytes bounds the values of one batch, whatever its BatchSize.
const maxBatchBytes = 8 << 20

// reader reads one partition without a group; it reconnects by itself.
func (b *Bus) reader(topic string, partition int, log *slog.Logger) *kafkago.Reader {
	return kafkago.NewReader(kafkago.ReaderConfig{
		Brokers: b.cfg.brokers, Topic: topic, Partition: partition, Dialer: b.dialer,
		// The broker answers a fetch as soon as there is one byte; an idle
		// partition costs one request a second. kafka-go keeps one second of
		// MaxWait as slack for a slow answer.
		MinBytes: 1, MaxBytes: 4 << 20, MaxWait: 2 * time.Second,
		QueueCapacity: 256, ReadLagInterval: -1,
		ReadBackoffMin: 100 * time.Millisecond, ReadBackoffMax: 2 * time.Second, MaxAttempts: 3,
		Logger: nil, ErrorLogger: libraryLog{log},
	})
}

// feed makes batches of what a reader gives.
type feed struct {
	reader *kafkago.Reader
	opt    bus.ConsumeOptions
	log    *slog.Logger
	note   *quiet
}

// next blocks for a first message and then collects: until BatchSize, until
// MaxWait after the first, and with no MaxWait set only as long as the broker
// has more. It returns nothing when ctx is done. Behind is how many messages
// the partition held after the batch, as known from the last fetch.
func (f *feed) next(ctx context.Context) (batch []bus.Message, behind int64) {
	size, fill := f.opt.BatchSize, f.opt.MaxWait
	if size <= 0 {
		size = 500
	}
	if fill <= 0 {
		fill = 50 * time.Millisecond
	}
	first, ok := f.fetch(ctx)
	if !ok {
		return nil, 0
	}
	batch = append(batch, decode(first))
	behind = first.HighWaterMark - first.Offset - 1
	filling, cancel := context.WithTimeout(ctx, fill)
	defer cancel()
	for bytes := len(first.Value); len(batch) < size && bytes < maxBatchBytes; {
		if behind <= 0 && f.opt.MaxWait <= 0 {
			break
		}
		m, err := f.reader.FetchMessage(filling)
		if err != nil {
			break
		}
		batch = append(batch, decode(m))
		behind = m.HighWaterMark - m.Offset - 1
		bytes += len(m.Value)
	}
	if ctx.Err() != nil {
		return nil, 0
	}
	return batch, max(behind, 0)
}

func (f *feed) fetch(ctx context.Context) (kafkago.Message, bool) {
	if f.note == nil {
		f.note = &quiet{log: f.log}
	}
	for attempt := 0; ; attempt++ {
		m, err := f.reader.FetchMessage(ctx)
		if err == nil {
			f.note.fine()
			return m, true
		}
		if ctx.Err() != nil {
			return m, false
		}
		f.note.failed("reading waits for the broker", err)
		if !wait(ctx, backoff(attempt, 2*time.Second)) {
			return m, false
		}
	}
}

// Follow implements bus.Bus. It calls h from one goroutine at a time.
func (b *Bus) Follow(ctx context.Context, topic string, h bus.Handler, caughtUp func()) error {
	ctx, over, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer over()
	log := b.log.With("topic", topic)
	note := quiet{log: log}
	var ends []int64
	for attempt := 0; ; attempt++ {
		if ends, err = b.held(ctx, topic); err == nil {
			note.fine()
			break
		}
		if ctx.Err() != nil {
			return nil
		}
		note.failed("following waits for the broker", err)
		if !wait(ctx, backoff(attempt, 2*time.Second)) {
			return nil
		}
	}
	var one sync.Mutex
	serial := func(ctx context.Context, batch []bus.Message) error {
		one.Lock()
		defer one.Unlock()
		return h(ctx, batch)
	}
	var behind, running sync.WaitGroup
	for p, end := range ends {
		reached := func() {}
		if end > 0 {
			behind.Add(1)
			reached = sync.OnceFunc(behind.Done)
		}
		running.Go(func() {
			defer reached()
			b.follow(ctx, topic, p, end, serial, reached, log)
		})
	}
	running.Go(func() {
		behind.Wait()
		if ctx.Err() == nil && caughtUp != nil {
			caughtUp()
		}
	})
	running.Wait()
	return nil
}

// Recent implements bus.Bus.
func (b *Bus) Recent(ctx context.Context, topic string, n int, h bus.Handler) error {
	ctx, over, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer over()
	ends, err := b.held(ctx, topic)
	if err != nil {
		return fmt.Errorf("kafka: recent of %s: %w", topic, err)
	}
	for p, end := range ends {
		if end == 0 {
			continue
		}
		if err := b.recent(ctx, topic, p, end, n, h); err != nil {
			return fmt.Errorf("kafka: recent of %s: %w", topic, err)
		}
	}
	return nil
}

// recent reads the last n messages of one partition before end.
func (b *Bus) recent(ctx context.Context, topic string, partition int, end int64, n int, h bus.Handler) error {
	first, _, err := b.ends(ctx, topic, partition)
	if err != nil {
		return err
	}
	log := b.log.With("topic", topic)
	r := b.reader(topic, partition, log)
	defer b.inBackground(func() { _ = r.Close() })
	if err := r.SetOffset(max(first, end-int64(n))); err != nil {
		return err
	}
	f := feed{reader: r, log: log}
	for {
		batch, _ := f.next(ctx)
		if len(batch) == 0 {
			return ctx.Err()
		}
		if err := h(ctx, batch); err != nil {
			return err
		}
		if batch[len(batch)-1].Offset+1 >= end {
			return nil
		}
	}
}

// held returns, per partition of topic, the offset that follows the last
// message it holds now; 0 where it holds none.
func (b *Bus) held(ctx context.Context, topic string) ([]int64, error) {
	n, err := b.partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errors.New("the topic has no partitions yet")
	}
	ends := make([]int64, n)
	for p := range ends {
		first, next, err := b.ends(ctx, topic, p)
		if err != nil {
			return nil, err
		}
		if next > first {
			ends[p] = next
		}
	}
	return ends, nil
}

// follow reads one partition from its beginning. reached is called when all
// before end was handled.
func (b *Bus) follow(ctx context.Context, topic string, partition int, end int64, h bus.Handler, reached func(), log *slog.Logger) {
	r := b.reader(topic, partition, log)
	defer b.inBackground(func() { _ = r.Close() })
	_ = r.SetOffset(kafkago.FirstOffset)
	f := feed{reader: r, log: log}
	for {
		batch, _ := f.next(ctx)
		if len(batch) == 0 || !b.deliver(ctx, topic, "", batch, h, log) {
			return
		}
		if batch[len(batch)-1].Offset+1 >= end {
			reached()
		}
	}
}
