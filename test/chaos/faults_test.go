package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"varde.internal/test/engines"
)

// fault is something that happens to a site; kills is how many processes it
// ended with kill -9.
type fault struct {
	name string
	do   func(ctx context.Context) (kills int, err error)
}

// between is a time at random.
func between(rng *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(rng.Int64N(int64(to-from)))
}

// faults of a site; each is met once before any is met again.
func (s *site) faults(rng *rand.Rand) []fault {
	if s.Engines == nil {
		return s.inOne(rng)
	}
	var out []fault
	for _, name := range []string{"collector", "indexer", "archive", "correlator", "cases"} {
		u := s.unit(name)
		out = append(out, fault{"kill -9 of " + name, func(ctx context.Context) (int, error) { return s.killed(ctx, u) }})
	}
	for _, kind := range engines.Kinds {
		e := s.Engines.Of[kind]
		out = append(out, fault{"kill -9 of " + string(kind), func(ctx context.Context) (int, error) {
			e.Kill()
			pause(ctx, between(rng, 0, 3*time.Second))
			return 1, e.Start(ctx)
		}})
	}
	return append(out,
		fault{"kill -9 of every part", func(context.Context) (int, error) {
			for _, u := range s.units {
				u.kill()
			}
			return 1, nil
		}},
		fault{"the collector and the indexer stand still", func(context.Context) (int, error) {
			d := between(rng, 2*time.Second, 9*time.Second)
			go s.unit("indexer").pause(d)
			s.unit("collector").pause(d)
			return 0, nil
		}},
		fault{"Kafka stands still", func(ctx context.Context) (int, error) {
			pid := s.Engines.Of[engines.KindKafka].PID()
			_ = syscall.Kill(pid, syscall.SIGSTOP)
			pause(ctx, between(rng, 2*time.Second, 9*time.Second))
			return 0, syscall.Kill(pid, syscall.SIGCONT)
		}},
		fault{"the collector is restarted in order", func(context.Context) (int, error) { return 0, s.unit("collector").restart() }},
	)
}

// inOne are the faults of an installation in one process, which is collector,
// indexer, broker and index at once.
func (s *site) inOne(rng *rand.Rand) []fault {
	u := s.unit(everything)
	return []fault{
		{"kill -9", func(ctx context.Context) (int, error) { return s.killed(ctx, u) }},
		{"kill -9, and again while it starts", func(ctx context.Context) (int, error) {
			kills := 0
			for range 3 {
				n, err := s.killed(ctx, u)
				if kills += n; err != nil {
					return kills, err
				}
				pause(ctx, between(rng, 100*time.Millisecond, 2500*time.Millisecond))
			}
			return kills, nil
		}},
		{"it stands still", func(context.Context) (int, error) {
			u.pause(between(rng, time.Second, 9*time.Second))
			return 0, nil
		}},
		{"it is restarted in order", func(context.Context) (int, error) { return 0, u.restart() }},
	}
}

// killed kills a unit when it runs.
func (s *site) killed(ctx context.Context, u *unit) (int, error) {
	for !u.kill() {
		if !pause(ctx, 20*time.Millisecond) {
			return 0, fmt.Errorf("%s does not run: %w", u.name, ctx.Err())
		}
	}
	return 1, nil
}

// torment lets faults happen until at least as many kills were made as wanted,
// spread over the events that the streams have to send.
func (s *site) torment(ctx context.Context, rng *rand.Rand, streams []*stream, wanted int) (kills int, err error) {
	total := 0
	for _, m := range streams {
		total += m.total
	}
	var deck []fault
	for kills < wanted {
		if len(deck) == 0 {
			deck = s.faults(rng)
			rng.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		f := deck[0]
		deck = deck[1:]
		// The next is due when its share is sent, with the next share on its way.
		due := total * (kills + 1) / (wanted + 2)
		for _, m := range streams {
			m.allowed.Store(int64(m.total * (kills + 2) / (wanted + 2)))
		}
		for sent(streams) < due {
			if !pause(ctx, 20*time.Millisecond) {
				return kills, ctx.Err()
			}
		}
		pause(ctx, between(rng, 0, time.Second))
		n, err := f.do(ctx)
		kills += n
		s.t.Logf("at %d of %d events: %s (%d kills so far)", sent(streams), total, f.name, kills)
		if err != nil {
			return kills, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	for _, m := range streams {
		m.allowed.Store(int64(m.total))
	}
	return kills, nil
}

// sent is how many events were acknowledged or written by all streams.
func sent(streams []*stream) (n int) {
	for _, m := range streams {
		n += int(m.done.Load())
	}
	return n
}
