package web

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	webhttp "varde.internal/services/web/http"
)

func bounded(t *testing.T, words int, trusted ...string) (a *addresses, now *time.Time, warned *int) {
	t.Helper()
	now, warned = new(time.Time), new(int)
	*now = time.Date(2026, 3, 2, 9, 17, 5, 0, time.UTC)
	a, err := newAddresses(AddressBounds{WordsPerMinute: 1, WordsBurst: words, FilesPerMinute: 1, FilesBurst: 1}, trusted,
		func() time.Time { return *now }, func() { *warned++ })
	require.NoError(t, err)
	return a, now, warned
}

func TestAFloodingAddressStopsNoOther_N7(t *testing.T) {
	t.Parallel()
	a, now, _ := bounded(t, 2)
	flood, honest := netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("203.0.113.8")
	refused := 0
	for range 1000 {
		if a.admit(sendsWords, flood, "") != nil {
			refused++
		}
	}
	require.Equal(t, 998, refused)
	require.NoError(t, a.admit(sendsWords, honest, ""))
	require.NoError(t, a.admit(sendsFiles, flood, ""), "files are counted apart")
	require.NoError(t, a.admit(sendsNothing, flood, ""), "who only reads is not counted")
	*now = now.Add(time.Minute)
	require.NoError(t, a.admit(sendsWords, flood, ""), "it passes by itself")
}

func TestTheNetworkOfAnIPv6AddressIsOneSender_N7(t *testing.T) {
	t.Parallel()
	a, _, _ := bounded(t, 1)
	require.NoError(t, a.admit(sendsWords, netip.MustParseAddr("2001:db8:1:2::1"), ""))
	require.Error(t, a.admit(sendsWords, netip.MustParseAddr("2001:db8:1:2:ffff::9%eth0"), ""))
	require.NoError(t, a.admit(sendsWords, netip.MustParseAddr("2001:db8:1:3::1"), ""))
	require.NoError(t, a.admit(sendsWords, netip.MustParseAddr("198.51.100.1"), ""))
	require.Error(t, a.admit(sendsWords, netip.MustParseAddr("::ffff:198.51.100.1"), ""), "the same address, written as IPv6")
}

func TestOnlyATrustedProxyNamesAnotherAddress_N7(t *testing.T) {
	t.Parallel()
	const proxy, other = "10.1.0.9", "203.0.113.7"
	for name, c := range map[string]struct {
		trusted         []string
		peer, forwarded string
		want            string // empty: not known
	}{
		"a peer of its own":                {nil, other, "", other},
		"on this machine":                  {nil, "127.0.0.1", "", ""},
		"behind a proxy nobody configured": {nil, proxy, other, ""},
		"behind a trusted one":             {[]string{"10.1.0.0/16"}, proxy, other, other},
		"behind two":                       {[]string{"10.1.0.0/16", "192.0.2.4"}, proxy, other + ", 192.0.2.4", other},
		"with what the browser made up":    {[]string{"10.1.0.0/16"}, proxy, "198.51.100.1, " + other, other},
		"with a port":                      {[]string{"10.1.0.0/16"}, proxy, other + ":4711", other},
		"of IPv6":                          {[]string{"fd00::/8"}, "fd00::1", "2001:db8::7", "2001:db8::7"},
		"made up by who is no proxy":       {[]string{"10.1.0.0/16"}, other, "198.51.100.1", other},
		"that says nothing":                {[]string{"10.1.0.0/16"}, proxy, "", ""},
		"that says nonsense":               {[]string{"10.1.0.0/16"}, proxy, "unknown", ""},
	} {
		a, _, warned := bounded(t, 1, c.trusted...)
		ip, ok := a.client(netip.MustParseAddr(c.peer), c.forwarded)
		require.Equal(t, c.want != "", ok, name)
		if ok {
			require.Equal(t, c.want, ip.String(), name)
		}
		require.Zero(t, *warned, "a reporter's request writes no line")
		a.notice(c.forwarded)
		a.notice(c.forwarded)
		require.Equal(t, c.trusted == nil && c.forwarded != "", *warned == 1, name)
	}
	_, err := newAddresses(AddressBounds{}, []string{"proxy.example"}, time.Now, func() {})
	require.ErrorContains(t, err, "trustedProxies")
}

// An address is nowhere in what is kept, and what is kept goes.
func TestAddressesAreForgotten_N7(t *testing.T) {
	t.Parallel()
	a, now, _ := bounded(t, 1)
	address := netip.MustParseAddr("203.0.113.7")
	require.NoError(t, a.admit(sendsWords, address, ""))
	require.NotContains(t, fmt.Sprint(a.known), "203")
	other, _, _ := bounded(t, 1)
	require.NotEqual(t, a.keyOf(address), other.keyOf(address), "each process has a key of its own")
	require.Len(t, a.known, 1)
	*now = now.Add(5 * time.Minute)
	require.NoError(t, a.admit(sendsWords, netip.MustParseAddr("203.0.113.8"), ""))
	require.NotContains(t, a.known, a.keyOf(address))
	for i := range maxAddresses + 10 {
		_ = a.admit(sendsWords, netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), "")
	}
	require.LessOrEqual(t, len(a.known), maxAddresses)
}

func TestWhatARequestSends(t *testing.T) {
	t.Parallel()
	public := func(path string) webhttp.Target {
		return webhttp.Target{Service: "deviation", Path: path, Public: true}
	}
	require.Equal(t, sendsWords, sendingOf("POST", public("/v1/public/reports")))
	require.Equal(t, sendsWords, sendingOf("POST", public("/v1/public/follow-up")))
	require.Equal(t, sendsWords, sendingOf("POST", public("/v1/public/tenants/bo/challenges")))
	require.Equal(t, sendsFiles, sendingOf("POST", public("/v1/public/attachments")))
	require.Equal(t, sendsFiles, sendingOf("POST", public("/v1/public/drafts")))
	require.Equal(t, sendsNothing, sendingOf("GET", public("/v1/public/tenants")))
	require.Equal(t, sendsNothing, sendingOf("POST", webhttp.Target{Service: "deviation", Path: "/v1/reports"}), "signed in, a person's own bound holds")
}
