package collector

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/bus/kafka"
	"varde.internal/platform/config"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
)

// foreign is another Kafka with the topics given.
func foreign(t *testing.T, names ...string) (*kafka.Bus, config.Secret) {
	t.Helper()
	broker, err := embedded.Start(embedded.Options{Dir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, broker.Close()) })
	b, err := kafka.Open(broker.URL(), kafka.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	for _, name := range names {
		require.NoError(t, b.EnsureTopics(t.Context(), bus.TopicConfig{Name: name, Partitions: 2, Retention: time.Hour}))
	}
	return b, config.Secret(broker.URL())
}

func put(t *testing.T, b *kafka.Bus, topic string, values ...string) {
	t.Helper()
	var all []bus.Message
	for n, v := range values {
		all = append(all, bus.Message{Key: fmt.Sprint(n % 5), Value: []byte(v)})
	}
	require.NoError(t, b.Publish(t.Context(), topic, all...))
}

func TestATopicOfAnotherKafkaIsASource_R36(t *testing.T) {
	t.Parallel()
	from, address := foreign(t, "lines", "docs", "ecs")
	r := newRig(t, func(c *Config, _ *run.Deps) {
		for _, topic := range []Topic{{Topic: "lines", Format: FormatLine}, {Topic: "docs", Format: FormatJSON}, {Topic: "ecs", Format: FormatECS}} {
			topic.Brokers, topic.Group, topic.Source = address, DefaultGroup, "file"
			c.Topics = append(c.Topics, topic)
		}
	})
	put(t, from, "lines", text, "<999>broken", strings.Repeat("x", 1<<20+10), `{"a":1}{"b":2}`)
	put(t, from, "docs", doc(map[string]any{"message": text}), "no document")
	put(t, from, "ecs", `{"@timestamp":"2026-11-22T09:00:00Z","event":{"category":["authentication"],"type":["start"],"outcome":"failure","id":"theirs"},"user":{"name":"kari","domain":"BØ"},"source":{"ip":"::ffff:192.0.2.7","port":"x"},"varde":{"tenant":"vik"}}`)
	events, failed := r.await(5, 3)
	attempts := 0
	for _, e := range events {
		require.Equal(t, "bo", e.Varde.Tenant)
		require.Equal(t, ecs.ProvenanceTopic, e.Varde.Provenance)
		require.NotEqual(t, "theirs", e.Event.ID)
		if e.Varde.Attempt {
			attempts++
			require.Equal(t, "kari", e.User.Name)
			require.Equal(t, "192.0.2.7", e.Source.IP)
		}
	}
	require.Equal(t, 3, attempts)
	reasons := map[string]bool{}
	for _, d := range failed {
		reasons[d.Reason] = true
		require.NotEmpty(t, d.Raw)
	}
	require.Equal(t, map[string]bool{"invalid-priority": true, ReasonTooLong: true, ReasonDocument: true}, reasons)
	require.Empty(t, r.Notice())
}

// Offsets are committed only after the bus has acknowledged: what a failed or
// killed collector had taken comes again, as the same events. While the bus
// takes nothing, nothing is fetched beyond a batch of each partition.
func TestATopicIsTakenOnceThroughFailuresAndRestarts_R36(t *testing.T) {
	t.Parallel()
	from, address := foreign(t, "lines")
	var lines []string
	for n := range 600 {
		lines = append(lines, stamped(n))
	}
	put(t, from, "lines", lines...)
	g := &gate{opened: make(chan struct{})}
	var cfg Config
	var inner bus.Bus
	r := newRig(t, func(c *Config, d *run.Deps) {
		c.Topics = []Topic{{Brokers: address, Topic: "lines", Group: DefaultGroup, Source: "file", Format: FormatLine}}
		c.MaxBatch = 50
		inner = d.Bus
		g.Bus, d.Bus, cfg = d.Bus, g, *c
	})
	lag := func() float64 {
		return gaugeSum(t, r.deps.Metrics, "varde_collector_topic_lag")
	}
	await.True(t, func() bool { return lag() >= 500 }, "held back: %v", lag())
	r.stop() // while it waits for the bus: nothing was acknowledged
	require.Zero(t, g.taken.Load())

	broken := &failing{Bus: inner}
	broken.left.Store(4)
	r.deps.Bus = broken
	r.start(cfg)
	await.True(t, func() bool { return r.distinct() == 600 }, "%d", r.distinct())
	await.True(t, func() bool { return lag() == 0 })
	r.stop()
	r.start(cfg) // reads on, behind what was committed
	put(t, from, "lines", text)
	await.True(t, func() bool { return r.distinct() == 601 }, "%d", r.distinct())
	seen := map[string]string{}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		e.Event.Created, e.Varde.SkewMS = time.Time{}, 0 // of the receipt
		said, err := json.Marshal(e)
		require.NoError(t, err)
		if before, again := seen[e.Event.ID]; again {
			require.Equal(t, before, string(said))
		}
		seen[e.Event.ID] = string(said)
	}
}

// A topic whose source the register does not have waits, and says so.
func TestATopicWaitsForItsSource(t *testing.T) {
	t.Parallel()
	from, address := foreign(t, "lines")
	r := newRig(t, func(c *Config, _ *run.Deps) {
		c.Topics = []Topic{{Brokers: address, Topic: "lines", Group: DefaultGroup, Source: "later", Format: FormatLine}}
	})
	put(t, from, "lines", text)
	await.True(t, func() bool { return strings.Contains(r.Notice(), "no source later") }, "%s", r.Notice())
	r.sources.mu.Lock()
	later := registered[3]
	later.ID = "later"
	r.sources.put(later)
	r.sources.mu.Unlock()
	r.await(1, 0)
	await.True(t, func() bool { return r.Notice() == "" })
}

// gaugeSum adds the values of a gauge up.
func gaugeSum(t *testing.T, r prometheus.Registerer, name string) (sum float64) {
	t.Helper()
	families, err := r.(*prometheus.Registry).Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetGauge().GetValue()
			}
		}
	}
	return sum
}
