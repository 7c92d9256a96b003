package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"varde.internal/platform/bus"
)

const (
	headerTenant  = "tenant"
	headerID      = "id"
	headerType    = "type"
	headerVersion = "version"
	headerParent  = "traceparent"
	headerState   = "tracestate"

	// headroom is what headers and framing may add to a message of the largest
	// allowed value.
	headroom = 64 << 10

	// patience is how long Publish retries where its context sets no end. A
	// broker's restart takes 20–30 s.
	patience = 90 * time.Second
)

// Publish implements bus.Publisher.
func (b *Bus) Publish(ctx context.Context, topic string, msgs ...bus.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	parent := trace.SpanContextFromContext(ctx)
	var span trace.Span
	if parent.IsValid() { // a message without a trace starts none: see "Anonymity"
		ctx, span = b.tracer.Start(ctx, topic+" publish", trace.WithSpanKind(trace.SpanKindProducer),
			trace.WithAttributes(attribute.String("messaging.destination.name", topic), attribute.Int("messaging.batch.message_count", len(msgs))))
		defer span.End()
	}
	err := b.publish(ctx, topic, msgs)
	if err != nil && span != nil {
		span.SetStatus(codes.Error, "publish failed")
	}
	return err
}

func (b *Bus) publish(ctx context.Context, topic string, msgs []bus.Message) error {
	w, limit, err := b.writer(topic)
	if err != nil {
		return err
	}
	own := bus.TraceOf(ctx)
	pending := make([]kafkago.Message, len(msgs))
	for i, m := range msgs {
		if len(m.Value) > limit {
			return fmt.Errorf("kafka: topic %s: %w (%d bytes, limit %d)", topic, bus.ErrTooLarge, len(m.Value), limit)
		}
		if m.Trace == nil {
			m.Trace = own
		}
		pending[i] = encode(m)
	}
	started := time.Now()
	note := quiet{log: b.log.With("topic", topic), since: started}
	for attempt := 0; ; attempt++ {
		err := w.WriteMessages(ctx, pending...)
		if err == nil {
			note.fine()
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("kafka: publish to %s: %w", topic, ctx.Err())
		}
		var final bool
		pending, final = unsent(pending, err)
		if final || time.Since(started) > patience {
			return fmt.Errorf("kafka: publish to %s: %w", topic, err)
		}
		note.failed("publishing waits for the broker", err)
		if !wait(ctx, backoff(attempt, 2*time.Second)) {
			return fmt.Errorf("kafka: publish to %s: %w", topic, ctx.Err())
		}
	}
}

// unsent returns the messages that err says were not acknowledged, in order,
// and whether trying again is pointless.
func unsent(msgs []kafkago.Message, err error) (rest []kafkago.Message, final bool) {
	var each kafkago.WriteErrors
	if !errors.As(err, &each) || len(each) != len(msgs) {
		return msgs, isFinal(err) // nothing was written
	}
	for i, e := range each {
		if e != nil {
			rest = append(rest, msgs[i])
			final = final || isFinal(e)
		}
	}
	return rest, final
}

// isFinal says whether err is the broker's refusal, as opposed to an outage.
func isFinal(err error) bool {
	var k kafkago.Error
	if errors.As(err, &k) {
		return !k.Temporary()
	}
	var large kafkago.MessageTooLargeError
	return errors.As(err, &large)
}

// writer returns the topic's writer and the limit of a value. One writer per
// topic, because a batch may be as large as that topic's largest message.
func (b *Bus) writer(topic string) (*kafkago.Writer, int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, 0, errClosed
	}
	limit := b.limits[topic]
	if limit == 0 {
		limit = bus.DefaultMaxMessage
	}
	if w, ok := b.writers[topic]; ok {
		return w, limit, nil
	}
	w := &kafkago.Writer{
		Addr: b.client.Addr, Topic: topic, Transport: b.pool,
		Balancer:     kafkago.Murmur2Balancer{}, // as Kafka's own clients: a key stays on its partition
		RequiredAcks: kafkago.RequireAll,
		BatchSize:    500, BatchBytes: int64(batchLimit(limit)), BatchTimeout: 5 * time.Millisecond,
		// One attempt: kafka-go's own would pass in silence, ours are said.
		MaxAttempts: 1,
		ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second,
		Compression: kafkago.Snappy,
		ErrorLogger: libraryLog{b.log},
	}
	b.writers[topic] = w
	return w, limit, nil
}

// batchLimit is the size in bytes of the largest batch of a topic whose values
// are at most limit; the topic's max.message.bytes is twice the headroom above.
func batchLimit(limit int) int { return max(limit, bus.DefaultMaxMessage) + headroom }

func encode(m bus.Message) kafkago.Message {
	out := kafkago.Message{Value: m.Value, Time: m.Time}
	if len(m.Value) == 0 {
		out.Value = nil // a tombstone is null, not empty
	}
	if m.Key != "" {
		out.Key = []byte(m.Key)
	}
	// The values of all headers share one piece of memory.
	version := ""
	if m.Version != 0 {
		version = strconv.Itoa(m.Version)
	}
	parent, state := m.Trace[headerParent], m.Trace[headerState]
	memory := make([]byte, 0, len(m.Tenant)+len(m.ID)+len(m.Type)+len(version)+len(parent)+len(state))
	add := func(name, value string) {
		if value != "" {
			begin := len(memory)
			memory = append(memory, value...)
			out.Headers = append(out.Headers, kafkago.Header{Key: name, Value: memory[begin:len(memory):len(memory)]})
		}
	}
	out.Headers = make([]kafkago.Header, 0, 6)
	add(headerTenant, m.Tenant)
	add(headerID, m.ID)
	add(headerType, m.Type)
	add(headerVersion, version)
	add(headerParent, parent)
	add(headerState, state)
	return out
}

func decode(m kafkago.Message) bus.Message {
	out := bus.Message{
		Key: string(m.Key), Value: m.Value, Time: m.Time.UTC(),
		Topic: m.Topic, Partition: m.Partition, Offset: m.Offset,
	}
	for _, h := range m.Headers {
		v := string(h.Value)
		switch h.Key {
		case headerTenant:
			out.Tenant = v
		case headerID:
			out.ID = v
		case headerType:
			out.Type = v
		case headerVersion:
			out.Version, _ = strconv.Atoi(v)
		case headerParent, headerState:
			if out.Trace == nil {
				out.Trace = map[string]string{}
			}
			out.Trace[h.Key] = v
		}
	}
	return out
}
