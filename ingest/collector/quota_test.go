package collector

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/run"
	"varde.internal/schemas/topics"
)

// said gathers what the collector says of the sources that it slowed.
func (r *rig) said(b bus.Bus) func(source string) topics.SourceIntake {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	r.t.Cleanup(func() { cancel(); wg.Wait() })
	var mu sync.Mutex
	sum := map[string]topics.SourceIntake{}
	wg.Go(func() {
		_ = b.Follow(ctx, bus.TopicIntake, func(_ context.Context, batch []bus.Message) error {
			mu.Lock()
			defer mu.Unlock()
			for _, m := range batch {
				var report topics.IntakeReport
				require.NoError(r.t, json.Unmarshal(m.Value, &report))
				for _, s := range report.Sources {
					now := sum[s.Source]
					s.Slowed, s.Refused, s.Dropped = s.Slowed+now.Slowed, s.Refused+now.Refused, s.Dropped+now.Dropped
					sum[s.Source] = s
				}
			}
			return nil
		}, nil)
	})
	return func(source string) topics.SourceIntake {
		mu.Lock()
		defer mu.Unlock()
		return sum[source]
	}
}

// dialFrom connects from a loopback address of its own, so that each sender is
// another source.
func dialFrom(t *testing.T, from, network, address string) net.Conn {
	t.Helper()
	at := netip.MustParseAddr(from)
	var local net.Addr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(at, 0))
	if network == "udp" {
		local = net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0))
	}
	d := net.Dialer{LocalAddr: local}
	c, err := d.DialContext(t.Context(), network, address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func quotaRig(t *testing.T) (*rig, func(string) topics.SourceIntake) {
	t.Helper()
	r := newRig(t, func(c *Config, _ *run.Deps) { c.Report = 50 * time.Millisecond })
	r.registers(fact("bo", topics.KindSource, "flood", topics.Source{Name: "flood", Kind: "syslog", Addresses: []string{"127.0.0.2"},
		KeyHash: topics.HashAPIKey("flood-key"), MaxPerSecond: 1000, MaxBurst: 100}))
	return r, r.said(r.deps.Bus)
}

func lines(from string, n int) []byte {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<38>Nov 22 10:00:00 %s sshd[7]: Failed password for kari from 192.0.2.7 port %d ssh2\n", from, 1000+i%60000)
	}
	return []byte(b.String())
}

func (r *rig) of(source string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Varde.Source == source {
			n++
		}
	}
	return n
}

// Over TCP a source that floods is read no faster than it may send; it loses
// nothing, and another is not held back with it.
func TestAFloodOverTCPIsSlowedAlone(t *testing.T) {
	t.Parallel()
	r, said := quotaRig(t)
	began := time.Now()
	_, err := dialFrom(t, "127.0.0.2", "tcp", r.SyslogTCP()).Write(lines("flood01", 3000))
	require.NoError(t, err)
	_, err = dialFrom(t, "127.0.0.1", "tcp", r.SyslogTCP()).Write(lines("calm01", 2000))
	require.NoError(t, err)
	await.True(t, func() bool { return r.of("loopback") == 2000 }, "the other's lines come")
	await.True(t, func() bool { return r.of("flood") == 3000 }, "every line of the flood comes too")
	// A hundred at once and then 1000 a second; the last batch is not waited for.
	require.Greater(t, time.Since(began), 2*time.Second)
	await.True(t, func() bool { return said("flood").Slowed >= 1000 }, "and it is said: %+v", said("flood"))
	require.Zero(t, said("loopback"))
}

// A request is never too large to be taken, but the next one has to wait; a
// person's import does not.
func TestAFloodOverHTTPIsToldToComeAgain(t *testing.T) {
	t.Parallel()
	r, said := quotaRig(t)
	send := func(path, key string, body []byte) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), "POST", path, strings.NewReader(string(body)))
		require.NoError(t, err)
		req.Header.Set("Authorization", "ApiKey "+key)
		req.Header.Set("Content-Type", "text/plain")
		answer, err := r.App().Test(req, 60_000)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer
	}
	// So much more than it may that no machine is too slow to send the next in time.
	require.Equal(t, http.StatusOK, send("/v1/lines", "flood-key", lines("flood01", 20_000)).StatusCode)
	refused := send("/v1/lines", "flood-key", lines("flood01", 1))
	require.Equal(t, http.StatusTooManyRequests, refused.StatusCode)
	require.NotEmpty(t, refused.Header.Get("Retry-After"))
	require.Equal(t, http.StatusTooManyRequests, send("/_bulk", "flood-key", []byte("{\"create\":{}}\n{\"message\":\"x\"}\n")).StatusCode)
	require.Equal(t, http.StatusOK, send("/v1/lines", "secret-key", lines("calm01", 10)).StatusCode)
	require.Equal(t, http.StatusBadRequest, send("/v1/import", "flood-key", []byte("{}\n")).StatusCode, "it is read, and says what is wrong with it")
	await.True(t, func() bool { return said("flood").Refused == 2 && r.of("keyed") == 10 && r.of("flood") == 20_000 })
}

// A datagram too many is lost, but counted: nobody can hold its sender back.
func TestAFloodOverUDPIsDroppedAndCounted(t *testing.T) {
	t.Parallel()
	r, said := quotaRig(t)
	r.registers(fact("bo", topics.KindSource, "flood", topics.Source{Name: "flood", Kind: "syslog", Addresses: []string{"127.0.0.2"}, MaxPerSecond: 1, MaxBurst: 5}))
	flood, calm := dialFrom(t, "127.0.0.2", "udp", r.SyslogUDP()), dialFrom(t, "127.0.0.1", "udp", r.SyslogUDP())
	one := lines("host01", 1)
	// Loopback may lose datagrams by itself, so what is sent goes on until enough came.
	await.True(t, func() bool {
		for range 20 {
			_, err := flood.Write(one)
			require.NoError(t, err)
			_, err = calm.Write(one)
			require.NoError(t, err)
		}
		return said("flood").Dropped >= 20 && r.of("loopback") >= 40
	}, "what is lost is said")
	require.Less(t, r.of("flood"), r.of("loopback"))
	require.Zero(t, said("loopback"))
}

// The quota is the register's as it is now, else the installation's; nothing
// bounds what has none.
func TestAQuotaIsTheRegistersElseTheInstallations(t *testing.T) {
	t.Parallel()
	own := Source{ID: "a", Tenant: "bo", Source: topics.Source{MaxPerSecond: 7}}
	require.Equal(t, Quota{7, 70}, Quota{100, 0}.of(own))
	require.Equal(t, Quota{100, 1000}, Quota{100, 0}.of(Source{}))
	q := newQuotas(Quota{}, newMetrics(nil))
	require.Nil(t, q.bucket(Source{ID: "b"}))
	require.NotNil(t, q.bucket(own))
	first := q.bucket(own)
	require.Same(t, first, q.bucket(own))
	own.MaxBurst = 9
	require.Equal(t, 9, q.bucket(own).quota.Burst, "a change of the register holds at once")
	now := time.Now()
	require.Zero(t, first.charge(now, 70))
	require.Equal(t, 20*time.Second, first.charge(now, 140).Round(time.Millisecond), "more than a burst at once is owed whole")

	q.note(own, "refused", func(i *topics.SourceIntake) { i.Refused++ })
	taken := q.take()
	require.Empty(t, q.take())
	q.note(own, "refused", func(i *topics.SourceIntake) { i.Refused++ })
	q.untake(taken)
	require.EqualValues(t, 2, q.take()[0].Refused, "what could not be said is said the next time")
}
