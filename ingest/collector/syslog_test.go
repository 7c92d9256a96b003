package collector

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"varde.internal/ingest/parse"
	"varde.internal/platform/await"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
)

var parseLive = parse.Options{Live: true}

func addr(t testing.TB, s string) netip.Addr {
	t.Helper()
	a, err := netip.ParseAddr(s)
	require.NoError(t, err)
	return a
}

func dial(t testing.TB, network, address string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestSyslogOverTCPInEveryFraming(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	c := dial(t, "tcp", r.SyslogTCP())
	counted := "<38>" + text
	for _, s := range []string{
		"<38>" + text + "\n", fmt.Sprintf("%d %s", len(counted), counted), text + "\x00", "1 2026-11-22T10:00:00Z arkiv01 sshd 7 - - Failed password for kari from 192.0.2.7 port 22 ssh2\n",
		"<999>x\n", "<38>two\nlines\n", "\n",
	} {
		_, err := c.Write([]byte(s))
		require.NoError(t, err)
	}
	half := fmt.Sprintf("%d %s", len(counted), counted)
	for _, b := range []byte(half) { // byte by byte
		_, err := c.Write([]byte{b})
		require.NoError(t, err)
	}
	_, err := c.Write([]byte("the last without an end"))
	require.NoError(t, err)
	c.Close()
	events, failed := r.await(8, 1)
	require.Equal(t, "invalid-priority", failed[0].Reason)
	require.Equal(t, "<999>x", string(failed[0].Raw))
	attempts := 0
	for _, e := range events {
		require.Equal(t, "bo", e.Varde.Tenant)
		require.Equal(t, "loopback", e.Varde.Source)
		require.Equal(t, ecs.ProvenanceTCP, e.Varde.Provenance)
		require.NotEmpty(t, e.Event.ID)
		require.True(t, strings.HasPrefix(e.Varde.Partition, "bo.standard."))
		if e.Varde.Attempt {
			attempts++
		}
	}
	require.Equal(t, 5, attempts)
	require.Contains(t, originals(events), "the last without an end")
}

func TestLongLinesOverTCPAreKeptInPieces(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config, _ *run.Deps) { c.MaxLine = 1024 })
	long := strings.Repeat("x", 2500)
	c := dial(t, "tcp", r.SyslogTCP())
	_, err := fmt.Fprintf(c, "%s\nafter\n%d <%s>%s\n", long, 2+len(long), long, "after too")
	require.NoError(t, err)
	c.Close()
	events, failed := r.await(2, 6)
	require.Equal(t, []string{"after", "after too"}, originals(events))
	var back strings.Builder
	for _, d := range failed {
		require.Equal(t, ReasonTooLong, d.Reason)
		back.Write(d.Raw)
	}
	require.Equal(t, long+"<"+long+">", back.String())
}

func TestAClientThatStallsLosesOnlyItsOwnLine(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config, _ *run.Deps) { c.Stall = 300 * time.Millisecond })
	c := dial(t, "tcp", r.SyslogTCP())
	_, err := c.Write([]byte("whole\n500 <38>half"))
	require.NoError(t, err)
	other := dial(t, "tcp", r.SyslogTCP())
	_, err = other.Write([]byte("another\n"))
	require.NoError(t, err)
	_, failed := r.await(2, 1)
	require.Equal(t, ReasonIncomplete, failed[0].Reason)
	require.Equal(t, "<38>half", string(failed[0].Raw))
}

func TestTooManyConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config, _ *run.Deps) { c.MaxConnections = 1 })
	first := dial(t, "tcp", r.SyslogTCP())
	_, err := first.Write([]byte("a\n"))
	require.NoError(t, err)
	r.await(1, 0)
	second := dial(t, "tcp", r.SyslogTCP())
	require.NoError(t, second.SetReadDeadline(time.Now().Add(5*time.Second)))
	_, err = second.Read(make([]byte, 1))
	require.Error(t, err)
	require.NotErrorIs(t, err, errPause)
}

func TestSyslogOverUDPIsMarked(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	c := dial(t, "udp", r.SyslogUDP())
	for _, s := range []string{"<38>" + text, text + "\n", "<999>x"} {
		_, err := c.Write([]byte(s))
		require.NoError(t, err)
	}
	events, failed := r.await(2, 1)
	require.Equal(t, ecs.ProvenanceUDP, events[0].Varde.Provenance)
	require.Equal(t, "invalid-priority", failed[0].Reason)
}

func TestLiveLinesShowTheirClocksSkew(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	c := dial(t, "tcp", r.SyslogTCP())
	at := time.Now().Add(-90 * time.Second)
	_, err := fmt.Fprintf(c, "<38>%s arkiv01 sshd[7]: x\n<38>2098-01-01T00:00:00Z arkiv01 sshd[7]: y\n", at.Format(time.RFC3339Nano))
	require.NoError(t, err)
	events, _ := r.await(2, 0)
	for _, e := range events {
		if e.Timestamp.Year() == 2098 {
			require.Zero(t, e.Varde.SkewMS, "not a clock that is off, but one that is wrong")
		} else {
			require.InDelta(t, 90_000, e.Varde.SkewMS, 15_000)
		}
	}
}

// cutFrames sends data in pieces of step bytes and returns what was cut of it.
func cutFrames(t require.TestingT, data []byte, step int) (all []byte) {
	client, server := net.Pipe()
	defer server.Close()
	go func() {
		defer client.Close()
		for rest := data; len(rest) > 0; {
			n := min(step, len(rest))
			if _, err := client.Write(rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
	}()
	in := newFrames(server, 64, 5*time.Second)
	for range 10 * (len(data) + 2) {
		frame, err := in.next(false)
		require.LessOrEqual(t, len(frame.raw), 64)
		all = append(all, frame.raw...)
		if err != nil {
			return all
		}
	}
	require.Fail(t, "it never ended")
	return nil
}

// Whatever bytes come in whatever pieces: the pieces do not matter, and every
// byte that is not part of the framing arrives, in order.
func TestFramingLosesNothing(t *testing.T) {
	t.Parallel()
	part := rapid.OneOf(rapid.SampledFrom([]string{"\n", "\x00", " ", "<38>", "5 <1>ab", "6 <", "1 2026-", "99 <x", "12345678901234 <", "é"}), rapid.StringN(0, 90, 200))
	rapid.Check(t, func(r *rapid.T) {
		data := []byte(strings.Join(rapid.SliceOfN(part, 0, 12).Draw(r, "parts"), ""))
		got := cutFrames(r, data, rapid.IntRange(1, 70).Draw(r, "step"))
		require.Equal(r, cutFrames(r, data, len(data)+1), got)
		require.True(r, within(got, data), "%q is not in %q", got, data)
		if !bytes.Contains(data, []byte(" <")) { // nothing is counted
			require.Equal(r, strings.NewReplacer("\n", "", "\x00", "").Replace(string(data)), string(got))
		}
	})
}

// within says whether part is data with some bytes left out.
func within(part, data []byte) bool {
	for _, c := range part {
		i := bytes.IndexByte(data, c)
		if i < 0 {
			return false
		}
		data = data[i+1:]
	}
	return true
}

func FuzzFraming(f *testing.F) {
	f.Add([]byte("a\nb\x00c\n"), uint8(3))
	f.Add([]byte("5 <1>ab6 <2>abc\nx"), uint8(1))
	f.Add([]byte("99999999999 <"), uint8(5))
	f.Add([]byte("123456789012 x\n"), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		require.True(t, within(cutFrames(t, data, int(step)+1), data))
	})
}

// A sender of syslog knows only what it has written: what that was when it is
// told that no more is taken is taken.
func TestLinesOnTheirWayAreTakenWhenTheCollectorEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	c := dial(t, "tcp", r.SyslogTCP())
	_, err := c.Write([]byte("<13>" + text + "\n"))
	require.NoError(t, err)
	r.await(1, 0) // the connection is being read
	sent := make(chan int, 1)
	var written atomic.Int64
	go func() {
		told := make(chan struct{})
		go func() {
			defer close(told)
			_, _ = c.Read(make([]byte, 1))
		}()
		for n := 1; ; n++ {
			select {
			case <-told:
				_ = c.Close()
				sent <- n
				return
			default:
				_, _ = c.Write([]byte("<13>" + text + "\n"))
				written.Add(1)
			}
			time.Sleep(time.Millisecond) // a daemon, not a flood
		}
	}()
	await.True(t, func() bool { return written.Load() > 20 })
	r.stop()
	n := <-sent
	events, _ := r.await(n, 0)
	require.Len(t, events, n)
	requireRisingIDs(t, events)
}
