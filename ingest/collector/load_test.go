package collector

import (
	"bufio"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/bus/kafka"
)

// BenchmarkSyslogTCP measures lines from a socket to durable on the embedded
// broker, with fsync: lines per second is the number that counts.
func BenchmarkSyslogTCP(b *testing.B) {
	broker, err := embedded.Start(embedded.Options{Dir: b.TempDir()})
	require.NoError(b, err)
	defer broker.Close()
	client, err := kafka.Open(broker.URL(), kafka.Options{})
	require.NoError(b, err)
	defer client.Close()
	require.NoError(b, client.EnsureTopics(b.Context(), bus.TopicConfig{Name: bus.TopicEvents, Partitions: 6, Retention: time.Hour},
		bus.TopicConfig{Name: bus.TopicEventsFailed, Partitions: 1, Retention: time.Hour}))
	deps := newDeps(b, client)
	cfg := Default()
	m, err := New(deps, cfg)
	require.NoError(b, err)
	m.sources.put(registered[1])
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	ctx, cancel := contextOf(b)
	done := make(chan error, 1)
	go func() { done <- m.listenTCP(ctx, l, "tcp", m.serveTCP) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(b, err)
	w := bufio.NewWriterSize(conn, 64<<10)
	b.ResetTimer()
	for n := range b.N {
		_, err := fmt.Fprintf(w, "<38>Nov 22 10:00:00 arkiv01 sshd[%d]: Failed password for invalid user u%d from 192.0.2.7 port 5022 ssh2\n", n%30000, n)
		require.NoError(b, err)
	}
	require.NoError(b, w.Flush())
	conn.Close()
	await.True(b, func() bool { return published(b, deps.Metrics.(*prometheus.Registry)) >= b.N })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
	cancel()
	require.NoError(b, <-done)
}

// published counts what was parsed; a connection that ended has published all.
func published(b *testing.B, r *prometheus.Registry) (n int) {
	families, err := r.Gather()
	require.NoError(b, err)
	for _, f := range families {
		if f.GetName() == "varde_collector_lines_parsed_total" {
			for _, m := range f.GetMetric() {
				n += int(m.GetCounter().GetValue())
			}
		}
	}
	return n
}
