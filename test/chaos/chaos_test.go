// Package chaos kills. It runs an installation with honest clients that number
// what they send, ends its processes with kill -9 at random moments, and counts
// afterwards: each event once, in order, in the index, on the topic and in the
// archive, each finding once, and an audit log that proves itself.
//
// Short by default; VARDE_CHAOS_EVENTS and VARDE_CHAOS_KILLS make it long
// (go tool task chaos), VARDE_CHAOS_SEED repeats a run's choices.
package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"varde.internal/test/running"
)

func TestMain(m *testing.M) { running.Main(m) }

// setting reads a number from the environment.
func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// plan is how much a run sends and kills.
type plan struct {
	events, kills int
	seed          uint64
	pace          time.Duration // between the batches of a client
}

func readPlan(t *testing.T, short plan) plan {
	t.Helper()
	p := plan{
		events: setting(t, "VARDE_CHAOS_EVENTS", short.events), kills: setting(t, "VARDE_CHAOS_KILLS", short.kills),
		seed: uint64(setting(t, "VARDE_CHAOS_SEED", int(time.Now().UnixNano()%1_000_000))), pace: short.pace, //nolint:gosec // positive
	}
	t.Logf("VARDE_CHAOS_SEED=%d VARDE_CHAOS_EVENTS=%d VARDE_CHAOS_KILLS=%d", p.seed, p.events, p.kills)
	return p
}

// streams are the clients of a run, one of each kind, which share the events.
func (p plan) streams() []*stream {
	kinds := []string{"bulk-id", "bulk", "lines", "import", "syslog", "file"}
	run := strings.ReplaceAll(uuid.NewString(), "-", "")[:8]
	var out []*stream
	for i, kind := range kinds {
		out = append(out, &stream{
			name: fmt.Sprintf("chaos-%s-%s", kind, run), kind: kind, total: p.events / len(kinds),
			rng: rand.New(rand.NewPCG(p.seed, uint64(i)+1)), //nolint:gosec // to be repeated
		})
	}
	return out
}

// Whatever is killed, and at whichever moment: what was acknowledged is there
// once and in order.
func TestKilledAnywhereEverythingIsThereOnceAndInOrder(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		torment(t, nil, readPlan(t, plan{events: 18_000, kills: 6, pace: 20 * time.Millisecond}))
	})
	t.Run("distributed", func(t *testing.T) {
		set := launchEngines(t)
		torment(t, set, readPlan(t, plan{events: 18_000, kills: 5, pace: 20 * time.Millisecond}))
	})
}

func torment(t *testing.T, set *running.Engines, p plan) {
	rng := rand.New(rand.NewPCG(p.seed, 0)) //nolint:gosec // to be repeated
	streams := p.streams()
	s := newSite(t, set, streams)
	defer s.end()
	s.start()
	s.awaitReady()
	s.beginFiles(s.SignIn(t, "sikkerhet"), streams)

	began := time.Now()
	offenders := &offences{total: max(5, p.events/20_000), name: "gjest-" + streams[0].name[len(streams[0].name)-8:]}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+time.Duration(p.events/500)*time.Second)
	defer cancel()
	g, during := errgroup.WithContext(ctx)
	for _, m := range streams {
		g.Go(func() error { return m.run(during, p.pace) })
	}
	g.Go(func() error { return offenders.run(during, s, streams) })
	kills, err := s.torment(during, rng, streams, p.kills)
	require.NoError(t, err)
	require.NoError(t, g.Wait())
	t.Logf("%d events sent and %d kills in %s", sent(streams), kills, time.Since(began).Round(time.Second))
	s.awaitReady()
	officer := s.SignIn(t, "sikkerhet")
	s.awaitIndexed(officer, streams)
	t.Logf("all searchable %s after the first was sent", time.Since(began).Round(time.Second))
	offenders.require(t, officer)
	s.requireProof(officer)
	archived := s.awaitArchived(streams)
	s.stop()
	t.Logf("ended by themselves: %v", s.fell())

	indexed := s.inIndex(streams)
	for _, m := range streams {
		t.Logf("%s: %d of %d, %d sendings again, %d connections, %d rotations", m.name,
			m.total-m.lost(indexed.of[m.name].times), m.total, m.retries.Load(), len(m.ranges), m.rotated)
	}
	requireWhole(t, "the index", indexed, streams, false, true)
	// A broker that fails in the middle of a publish can take its end before its
	// beginning, which comes again; readers that mind the order go by time and id.
	requireWhole(t, "the topic", s.onTopic(streams), streams, true, set == nil)
	requireWhole(t, "the archive", archived, streams, true, false)
}
