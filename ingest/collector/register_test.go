package collector

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// registers gives the running collector a fact.
func (r *rig) registers(f topics.Fact) {
	r.t.Helper()
	value, err := json.Marshal(f)
	require.NoError(r.t, err)
	require.NoError(r.t, r.sources.handle(r.t.Context(), []bus.Message{{Value: value}}))
}

// ended waits until the other end closes a connection.
func ended(t *testing.T, c interface {
	io.Reader
	SetReadDeadline(time.Time) error
}) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err := c.Read(make([]byte, 1))
	require.Error(t, err)
	var timeout interface{ Timeout() bool }
	require.False(t, errors.As(err, &timeout) && timeout.Timeout(), "it is still open")
}

// A connection that stays open goes by the register as it is, not as it was
// when the connection began.
func TestAnOpenConnectionFollowsTheRegister(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	c := dial(t, "tcp", r.SyslogTCP())
	say := func(n int) ecs.Event {
		_, err := c.Write([]byte("<38>" + text + "\n"))
		require.NoError(t, err)
		events, _ := r.await(n, 0)
		return events[n-1]
	}
	first := say(1)
	require.Equal(t, "bo", first.Varde.Tenant)

	source := topics.Source{Name: "l", Kind: "syslog", Addresses: []string{"127.0.0.1", "::1"}, Shared: true,
		HostTenants: map[string]string{"arkiv01": "vik"}, TimeZone: "America/New_York", Retention: "long"}
	r.registers(fact("bo", topics.KindSource, "loopback", source))
	second := say(2)
	require.Equal(t, "vik", second.Varde.Tenant)
	require.Contains(t, second.Varde.Partition, "vik.long.")
	require.NotEqual(t, first.Timestamp.UTC().Hour(), second.Timestamp.UTC().Hour(), "the zone")

	// Nobody has the address any more, and no tenant takes in strangers.
	r.registers(topics.Fact{Kind: topics.KindSource, ID: "loopback", Tenant: "bo"})
	r.registers(topics.Fact{Kind: topics.KindTenant, ID: "host", Tenant: "host"})
	_, err := c.Write([]byte("<38>" + text + "\n"))
	require.NoError(t, err)
	ended(t, c)
	r.await(2, 0)
}

// A certificate that the register no longer has ends the connection it opened.
func TestAWithdrawnCertificateEndsItsConnection(t *testing.T) {
	t.Parallel()
	dir, client := t.TempDir(), issue(t, "vpn01", nil, nil)
	serverCert, serverKey := issue(t, "collector", nil, nil).write(t, dir, "server")
	r := newRig(t, func(c *Config, _ *run.Deps) {
		c.SyslogTLS = TLS{Listen: "127.0.0.1:0", Certificate: serverCert, Key: serverKey}
	})
	pinned := topics.Source{Name: "VPN", Certificates: []string{topics.CertificateFingerprint(client.der)}}
	r.registers(fact("bo", topics.KindSource, "pinned", pinned))
	c, err := tls.Dial("tcp", r.SyslogTLS(), &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{client.pair()}})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte("<38>" + text + "\n"))
	require.NoError(t, err)
	r.await(1, 0)

	// Another's change ends nothing.
	r.registers(fact("bo", topics.KindSource, "other", topics.Source{Name: "o", Kind: "file"}))
	_, err = c.Write([]byte("<38>" + text + "\n"))
	require.NoError(t, err)
	r.await(2, 0)

	pinned.Certificates = nil
	r.registers(fact("bo", topics.KindSource, "pinned", pinned))
	_, err = c.Write([]byte("<38>" + text + "\n"))
	require.NoError(t, err)
	ended(t, c)
	r.await(2, 0)
}

// A file that is followed goes by the register too; while its source is not
// there it waits, and nothing of it is lost.
func TestAFollowedFileFollowsTheRegister(t *testing.T) {
	t.Parallel()
	f, r, _ := followed(t)
	f.write(stamped(0))
	events, _ := r.await(1, 0)
	require.Equal(t, "bo", events[0].Varde.Tenant)

	r.registers(fact("bo", topics.KindSource, "file", topics.Source{Name: "f", Kind: "file", TimeZone: "America/New_York", Retention: "long",
		Shared: true, HostTenants: map[string]string{"arkiv01": "vik"}}))
	f.write(stamped(1))
	events, _ = r.await(2, 0)
	require.Equal(t, "vik", events[1].Varde.Tenant)
	require.Contains(t, events[1].Varde.Partition, "vik.long.")
	require.Greater(t, events[1].Timestamp.Sub(events[0].Timestamp), time.Hour, "the zone")

	r.registers(topics.Fact{Kind: topics.KindSource, ID: "file", Tenant: "bo"})
	f.write(stamped(2))
	time.Sleep(300 * time.Millisecond)
	r.await(2, 0)
	r.registers(fact("bo", topics.KindSource, "file", topics.Source{Name: "f", Kind: "file", TimeZone: "Europe/Oslo"}))
	events, _ = r.await(3, 0)
	require.Equal(t, upTo(3), numbers(t, events))
	require.Equal(t, "bo", events[2].Varde.Tenant)
}
