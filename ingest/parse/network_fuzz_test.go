package parse

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

// Whatever stands in a line, in whatever format it is demanded to be: the line
// is kept, what is called an address is one, and an attempt is decided.
func FuzzNetworkAndSignIn(f *testing.F) {
	for _, lines := range [][]told{openvpnTold, radiusTold, fortigateTold, ciscoTold, firewallsTold, entraTold, signInTold} {
		for i, l := range lines {
			f.Add([]byte(l.line), uint8(i))
		}
	}
	names := Formats()
	f.Fuzz(func(t *testing.T, line []byte, which uint8) {
		for _, format := range []string{"auto", names[int(which)%len(names)]} {
			s, err := NewStream(Options{Format: format})
			require.NoError(t, err)
			for range 2 { // the second time with a memory of the first
				ev, err := s.Parse(line, reference)
				if err != nil {
					var broken *Error
					require.ErrorAs(t, err, &broken)
					continue
				}
				original, _ := Original(line)
				require.Equal(t, original, ev.Event.Original)
				if ev.Varde.Attempt {
					require.Contains(t, []string{ecs.OutcomeSuccess, ecs.OutcomeFailure}, ev.Event.Outcome)
				}
				for _, e := range []*ecs.Endpoint{ev.Source, ev.Destination, ev.Client, ev.Server} {
					requireAddresses(t, e)
				}
			}
		}
	})
}

func requireAddresses(t *testing.T, e *ecs.Endpoint) {
	t.Helper()
	if e == nil {
		return
	}
	ips := []string{e.IP}
	if e.NAT != nil {
		ips = append(ips, e.NAT.IP)
	}
	for _, ip := range slices.DeleteFunc(ips, func(s string) bool { return s == "" }) {
		_, err := netip.ParseAddr(ip)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, e.Port, 65535)
}

// A line of one format does not become another's because a client wrote so into it.
func TestALineInsideALineIsNotRead_R36(t *testing.T) {
	t.Parallel()
	for _, lines := range [][]told{openvpnTold, radiusTold, fortigateTold, ciscoTold, firewallsTold, entraTold, signInTold} {
		for _, l := range lines {
			ev := one(t, "Nov 22 10:00:00 arkiv01 sshd[7]: Failed password for invalid user "+l.line+" from 192.0.2.99 port 22 ssh2")
			require.Equal(t, "sshd", ev.Event.Dataset, l.line)
			require.True(t, ev.Varde.Attempt)
			require.Equal(t, "192.0.2.99", ev.Source.IP)
			require.Equal(t, ecs.OutcomeFailure, ev.Event.Outcome)
		}
	}
}

func TestEmptyWordsAreNoAddresses(t *testing.T) {
	t.Parallel()
	for _, nothing := range []string{"", "-", "--", "N/A", "n/a", "null", "(null)", "none", "unknown", "UNKNOWN", "undefined", "0.0.0.0", "::", " ", "[::]:443", "0.0.0.0:80"} {
		require.Nil(t, party(nothing), nothing)
	}
	for text, want := range map[string]ecs.Endpoint{
		"[192.0.2.7]:12345": {IP: "192.0.2.7", Port: 12345}, "[localhost]:99": {Domain: "localhost", Port: 99}, "[::ffff:192.0.2.7]:5": {IP: "192.0.2.7", Port: 5},
		"192.0.2.7":                {IP: "192.0.2.7"},
		"192.0.2.7:51234":          {IP: "192.0.2.7", Port: 51234},
		"[2001:db8::7]:443":        {IP: "2001:db8::7", Port: 443},
		"[2001:db8::7]":            {IP: "2001:db8::7"},
		"2001:db8::7":              {IP: "2001:db8::7"},
		"::ffff:192.0.2.7":         {IP: "192.0.2.7"},
		"pc01.bo.example:22":       {Domain: "pc01.bo.example", Port: 22},
		"[::ffff:192.0.2.7]:51234": {IP: "192.0.2.7", Port: 51234},
	} {
		require.Equal(t, &want, party(text), text)
	}
}
