// Package bus moves messages between the parts: Apache Kafka in production, an
// in-process Kafka broker (kfake) with a data folder when embedded, both
// reached by the same kafka-go adapter (platform/bus/kafka).
//
// Delivery is at least once: every consumer makes a repeat harmless.
package bus

import (
	"context"
	"time"
)

// Topics of the system. Keys are HMACs per tenant, never names.
const (
	TopicEvents       = "events"        // ecs.Event, parsed log events
	TopicEventsFailed = "events.failed" // topics.DeadLetter
	TopicRegister     = "register"      // topics.Fact, compacted: full validity history per entity
	TopicDirectory    = "directory"     // topics.Fact, compacted: tenants, units, persons, roles
	TopicFindings     = "findings"      // topics.Finding
	TopicReports      = "reports"       // topics.Report, topics.ReportMessage
	TopicCases        = "cases"         // topics.CaseChanged, topics.CaseMessage
	TopicAudit        = "audit"         // topics.AuditRecord
	TopicRevocations  = "revocations"   // topics.Revocation, compacted
	TopicIntake       = "intake"        // topics.IntakeReport
)

// Message is one record. Value is JSON of the Go type named by Type (see
// schemas/topics). Tenant, ID, Type, Version, traceparent travel as headers.
// ID is the deterministic id a consumer dedupes by. Key decides partition and
// order; on compacted topics an empty Value is a tombstone.
type Message struct {
	Tenant  string
	Key     string
	ID      string
	Type    string
	Version int
	// Time is when it was published where it is zero; read back on consumption.
	// A topic's retention and Rewind count from it: leave it zero unless both
	// are to count in another time.
	Time  time.Time
	Value []byte
	Trace map[string]string // W3C trace context; Publish fills it from ctx when nil

	// Set on consumption only.
	Topic     string
	Partition int
	Offset    int64
	// Replayed marks a message at or before the group's committed offset that
	// is delivered again because the consumer asked for Rewind.
	Replayed bool
}

// Handler handles a batch of one partition, in order; Consume calls it at the
// same time for different partitions. After it returns nil the batch is
// committed (within 100 ms). Its context lives up to three seconds longer than
// Consume's, so that a running handler can finish. After an error the same batch comes again, with backoff;
// a handler that must give a message up dead-letters it itself.
type Handler func(ctx context.Context, batch []Message) error

// Publisher sends. Publish returns after all in-sync replicas acknowledged
// every message, or with an error after its retries; then any subset may have
// been written. It is safe for concurrent use.
type Publisher interface {
	Publish(ctx context.Context, topic string, msgs ...Message) error
}

// ConsumeOptions tune Consume; the zero value is right for most.
type ConsumeOptions struct {
	BatchSize int // at most so many messages a batch; 0 = 500
	// MaxWait is the longest wait for a batch to fill, after its first message.
	// 0: a batch goes out as soon as the broker has no more, at most after 50 ms.
	MaxWait time.Duration
	// Rewind makes each assignment of a partition begin that much (by message
	// time) before the committed offset, flagged Replayed: stateful consumers
	// rebuild windows from the topic.
	Rewind time.Duration
	// Assigned, when not nil, is called with the topic's partitions this
	// consumer now owns, before the first batch after each rebalance.
	Assigned func(ctx context.Context, partitions []int) error
	// Lag, when not nil, receives the number of messages behind the end of
	// each partition, before its first batch (so an empty one says so too) and
	// after each.
	Lag func(partition int, behind int64)
}

// Bus is a connection to the broker. All methods are safe for concurrent use.
type Bus interface {
	Publisher
	// Consume joins group and calls h until ctx is done (then it returns nil
	// after the running handler finished). It survives the loss of the broker:
	// it logs, backs off and goes on.
	Consume(ctx context.Context, topic, group string, opt ConsumeOptions, h Handler) error
	// Follow reads every partition of topic from its beginning, without a
	// group, and goes on with what arrives. caughtUp is called once, when all
	// that was in the topic at the start was handled. It is how a compacted
	// topic becomes a table in memory. h is called from one goroutine at a time.
	Follow(ctx context.Context, topic string, h Handler, caughtUp func()) error
	// Recent calls h with the last messages of each partition of topic, at most
	// n of each, and returns when those that were there at the call are handled.
	// It does not wait for a broker that is away. h is called from one goroutine.
	Recent(ctx context.Context, topic string, n int, h Handler) error
	// EnsureTopics creates missing topics and corrects their settings.
	EnsureTopics(ctx context.Context, topics ...TopicConfig) error
	// Ready says whether the broker answers.
	Ready(ctx context.Context) error
	Close() error
}

// TopicConfig declares a topic. Every topic sets its retention.
type TopicConfig struct {
	Name       string
	Partitions int
	Compacted  bool
	Retention  time.Duration // ignored where Compacted
	MaxMessage int           // bytes; 0 = 2 MiB
}
