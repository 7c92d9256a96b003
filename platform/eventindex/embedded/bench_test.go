package embedded_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/kql"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// sshd makes an event as the sshd parser does, of a made-up network with 2,000
// accounts, 5,000 addresses and 40 hosts.
func sshd(r *rand.Rand, n int, begin time.Time) ecs.Event {
	user := fmt.Sprintf("user%04d", r.IntN(2000))
	ip := fmt.Sprintf("10.%d.%d.%d", r.IntN(4), r.IntN(25), r.IntN(50))
	host := fmt.Sprintf("srv-%02d", r.IntN(40))
	at := begin.Add(time.Duration(n) * 86 * time.Millisecond)
	outcome, word := ecs.OutcomeSuccess, "Accepted"
	if r.IntN(3) == 0 {
		outcome, word = ecs.OutcomeFailure, "Failed"
	}
	port, pid := 1024+r.IntN(60000), 300+r.IntN(60000)
	message := fmt.Sprintf("%s password for %s from %s port %d ssh2", word, user, ip, port)
	return ecs.Event{
		Timestamp: at, Message: message,
		Event: ecs.Meta{ID: fmt.Sprintf("%026x", uint64(n)*0x9E3779B97F4A7C15), Kind: "event", Category: []string{"authentication"},
			Type: []string{"start"}, Action: ecs.ActionLogin, Outcome: outcome, Dataset: "sshd", Module: "sshd",
			Original: fmt.Sprintf("<86>%s %s sshd[%d]: %s", at.Format(time.Stamp), host, pid, message),
			Hash:     fmt.Sprintf("%064x", uint64(n)*0xD1B54A32D192ED03), Created: at.Add(time.Second)},
		User: &ecs.User{Name: user}, Source: &ecs.Endpoint{IP: ip, Port: port}, Host: &ecs.Host{Name: host},
		Process: &ecs.Process{Name: "sshd", PID: pid}, Service: &ecs.Service{Name: "sshd", Type: "ssh"},
		Log:     &ecs.Log{Syslog: &ecs.LogSyslog{Priority: 86, Facility: &ecs.Coded{Code: 10, Name: "authpriv"}, Severity: &ecs.Coded{Code: 6, Name: "info"}, Hostname: host, Appname: "sshd"}},
		Related: &ecs.Related{IP: []string{ip}, User: []string{user}, Hosts: []string{host}},
		Varde: ecs.Varde{Tenant: "bo", Partition: "std-2026-11", Source: "source-1", Provenance: "tcp", Parser: "sshd", Generation: 1,
			Attempt: true, Method: "password", Account: &ecs.Account{Name: user}, System: "system-" + host},
	}
}

func fill(b testing.TB, x eventindex.Index, n int) {
	r := rand.New(rand.NewPCG(1, 2))
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	batch := make([]ecs.Event, 0, 1000)
	for i := range n {
		batch = append(batch, sshd(r, i, begin))
		if len(batch) == cap(batch) || i == n-1 {
			results, err := x.Append(systemscope.Enter(context.Background(), "bench"), batch)
			require.NoError(b, err)
			require.Equal(b, eventindex.Stored, results[0].Status)
			batch = batch[:0]
		}
	}
}

// BenchmarkAppend has one fsync per 1,000 events.
func BenchmarkAppend(b *testing.B) {
	x, err := embedded.Open(context.Background(), b.TempDir(), embedded.Options{})
	require.NoError(b, err)
	defer func() { _ = x.Close() }()
	b.ResetTimer()
	fill(b, x, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	parts, err := x.Partitions(tenant.With(context.Background(), "bo"))
	require.NoError(b, err)
	b.ReportMetric(float64(parts[0].Bytes)/float64(b.N), "B/event")
}

// BenchmarkMillion asks an index of BENCH_EVENTS events, one million without it.
func BenchmarkMillion(b *testing.B) {
	n := 1_000_000
	if s := os.Getenv("BENCH_EVENTS"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	x, err := embedded.Open(context.Background(), b.TempDir(), embedded.Options{Unsafe: true})
	require.NoError(b, err)
	defer func() { _ = x.Close() }()
	fill(b, x, n)
	ctx := tenant.With(context.Background(), "bo")
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	month := eventindex.Range{From: begin, To: begin.AddDate(0, 1, 0)}
	for _, query := range []string{"", "user.name:user0042", "event.outcome:failure", "source.ip:10.1.2.0/24", "user0042", "failed", "host.name:srv-0* and not event.outcome:success", "user.name:nobody"} {
		q, err := kql.Parse(query, kql.Options{})
		require.NoError(b, err)
		name := query
		if name == "" {
			name = "all"
		}
		b.Run("search/"+name, func(b *testing.B) {
			for b.Loop() {
				hits, err := x.Search(ctx, q, month, eventindex.Page{})
				require.NoError(b, err)
				b.ReportMetric(float64(hits.Total), "hits")
			}
		})
		b.Run("histogram/"+name, func(b *testing.B) {
			for b.Loop() {
				_, err := x.Histogram(ctx, q, month, 12*time.Hour, time.UTC)
				require.NoError(b, err)
			}
		})
		b.Run("terms/"+name, func(b *testing.B) {
			for b.Loop() {
				_, err := x.Terms(ctx, q, month, "host.name", 10)
				require.NoError(b, err)
			}
		})
	}
}
