package collector

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/id"
	"varde.internal/platform/run"
)

// gate is a bus that takes no lines before it is opened.
type gate struct {
	bus.Bus
	opened chan struct{}
	taken  atomic.Int64
}

func (g *gate) Publish(ctx context.Context, topic string, msgs ...bus.Message) error {
	if topic != bus.TopicEvents && topic != bus.TopicEventsFailed {
		return g.Bus.Publish(ctx, topic, msgs...)
	}
	select {
	case <-g.opened:
	case <-ctx.Done():
		return ctx.Err()
	}
	g.taken.Add(int64(len(msgs)))
	return nil
}

// A bus that stands still makes the sender wait, after what the sockets and
// one batch hold; when it goes on, every line is there.
func TestASlowBusHoldsTheSenderOverTCPBack(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"many short lines": 100, "few long lines": 200_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gate{opened: make(chan struct{})}
			r := newRig(t, func(_ *Config, d *run.Deps) { g.Bus, d.Bus = d.Bus, g })
			c := dial(t, "tcp", r.SyslogTCP())
			line := "<38>" + text + " " + strings.Repeat("x", size)
			chunk := []byte(strings.Repeat(line+"\n", 1+64_000/size))
			require.NoError(t, c.SetWriteDeadline(time.Now().Add(3*time.Second)))
			const most = 40 << 20
			sent := 0
			for sent < most {
				n, err := c.Write(chunk)
				sent += n
				if err != nil {
					require.True(t, errors.Is(err, os.ErrDeadlineExceeded), err)
					break
				}
			}
			require.Less(t, sent, most, "the sender is never held back")
			require.Zero(t, g.taken.Load())
			close(g.opened)
			require.NoError(t, c.Close())
			// What was written of a last line is one too.
			lines := (sent + len(line)) / (len(line) + 1)
			await.True(t, func() bool { return g.taken.Load() == int64(lines) }, "%d of %d", g.taken.Load(), lines)
		})
	}
}

// A request over what may be in work at once is told to come again, and the
// one that is in work is not disturbed.
func TestABulkRequestTooManyComesAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config, _ *run.Deps) { c.MaxBulk, c.MaxInFlight = 2<<20, 3<<20 })
	done, err := r.Reserve(2 << 20)
	require.NoError(t, err)
	_, err = r.Reserve(2 << 20)
	require.ErrorIs(t, err, errBusy)
	other, err := r.Reserve(1 << 20)
	require.NoError(t, err)
	other()
	done()
	done() // twice gives back once
	done, err = r.Reserve(3 << 20)
	require.NoError(t, err)
	_, err = r.Reserve(1)
	require.ErrorIs(t, err, errBusy)
	done()
}

func TestIdsOfLinesAreInOrderOfTheirReceipt(t *testing.T) {
	t.Parallel()
	at := time.Now()
	last := ""
	for n := range 1000 {
		one := lineID(at)
		require.True(t, id.Valid(one), one)
		require.Less(t, last, one)
		last = one
		switch { // many have the same millisecond, and a clock can be set back
		case n == 500:
			at = at.Add(-50 * time.Millisecond)
		case n%5 == 0:
			at = at.Add(time.Millisecond)
		}
	}
}

// The lines of a request are in order, and those of the next come after them.
func TestIdsOfARequestAreInOrder(t *testing.T) {
	t.Parallel()
	var r retried
	at, last := time.Now(), ""
	for n := range 3 {
		try := r.begin(Source{ID: "a", Tenant: "bo"}, "", []byte(strings.Repeat("the same\n", 100)), at)
		for number := 1; number <= 100; number++ {
			one := try.id(number)
			require.True(t, id.Valid(one), one)
			require.Less(t, last, one, "request %d, line %d", n, number)
			last = one
		}
	}
}
