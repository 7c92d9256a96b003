package bustest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/bus"
	"varde.internal/platform/id"
)

// Caps are what a bus under test cannot do; the zero value runs everything.
type Caps struct {
	// SlowGroups: joining a group takes seconds. Timeouts only.
	SlowGroups bool
}

// Run checks that a bus keeps its contract. open gives a new connection to the
// same broker each time; the suite closes none of them.
func Run(t *testing.T, open func(t *testing.T) bus.Bus, caps Caps) {
	tests := map[string]func(*suite){
		"concurrent publishers lose nothing, a key keeps its order": (*suite).concurrentPublishers,
		"what was handled does not come again to the group":         (*suite).committedStays,
		"after a handler's error the same batch comes again":        (*suite).errorRepeats,
		"what was not handled comes to the next consumer":           (*suite).unhandledComesAgain,
		"every header comes back":                                   (*suite).roundTrip,
		"a trace goes on through the message":                       (*suite).traces,
		"follow catches up and goes on":                             (*suite).follow,
		"follow of an empty topic is caught up":                     (*suite).followEmpty,
		"recent gives the last of each partition":                   (*suite).recent,
		"tombstones arrive as empty values":                         (*suite).tombstones,
		"rewind replays and says so":                                (*suite).rewind,
		"consume ends after the running handler":                    (*suite).cancellation,
		"publish ends with its context":                             (*suite).publishCancelled,
		"messages up to the topic's limit pass, larger are refused": (*suite).bigMessages,
		"a large publish arrives in batches of the asked size":      (*suite).bigBatches,
		"a batch fills for as long as asked":                        (*suite).batchesFill,
		"consumers of a group share partitions and take over":       (*suite).rebalance,
		"groups do not disturb each other":                          (*suite).groups,
		"consumers wait for a topic that comes later":               (*suite).later,
		"lag falls to zero":                                         (*suite).lag,
		"a message reaches its handler fast":                        (*suite).latency,
		"topics are made once and need a retention":                 (*suite).topics,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &suite{T: t, open: open, limit: 2 * time.Minute}
			if caps.SlowGroups {
				s.limit = 4 * time.Minute
			}
			ctx, cancel := context.WithTimeout(t.Context(), s.limit)
			defer cancel()
			s.ctx = ctx
			s.bus = open(t)
			s.topic = "contract." + id.New()[:12]
			test(s)
		})
	}
}

type suite struct {
	*testing.T
	open  func(t *testing.T) bus.Bus
	bus   bus.Bus
	ctx   context.Context
	topic string
	limit time.Duration
}

func (s *suite) make(partitions int, change ...func(*bus.TopicConfig)) {
	s.Helper()
	c := bus.TopicConfig{Name: s.topic, Partitions: partitions, Retention: 24 * time.Hour}
	for _, f := range change {
		f(&c)
	}
	require.NoError(s, s.bus.EnsureTopics(s.ctx, c))
}

func (s *suite) publish(msgs ...bus.Message) {
	s.Helper()
	require.NoError(s, s.bus.Publish(s.ctx, s.topic, msgs...))
}

// sink collects what consumers get.
type sink struct {
	mu   sync.Mutex
	got  []bus.Message
	seen chan struct{} // one token per change, never blocking
}

func newSink() *sink { return &sink{seen: make(chan struct{}, 1)} }

func (k *sink) handle(_ context.Context, batch []bus.Message) error {
	k.mu.Lock()
	k.got = append(k.got, batch...)
	k.mu.Unlock()
	select {
	case k.seen <- struct{}{}:
	default:
	}
	return nil
}

func (k *sink) all() []bus.Message {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]bus.Message(nil), k.got...)
}

// until waits for cond to hold over what the sink has.
func (s *suite) until(k *sink, what string, cond func([]bus.Message) bool) []bus.Message {
	s.Helper()
	for {
		if got := k.all(); cond(got) {
			return got
		}
		select {
		case <-k.seen:
		case <-s.ctx.Done():
			s.Fatalf("%s: did not happen; got %d messages", what, len(k.all()))
		}
	}
}

func (s *suite) untilCount(k *sink, n int) []bus.Message {
	s.Helper()
	return s.until(k, fmt.Sprintf("%d messages", n), func(m []bus.Message) bool { return len(m) >= n })
}

// consume runs a consumer until stop is called, which waits for it.
func (s *suite) consume(b bus.Bus, group string, opt bus.ConsumeOptions, h bus.Handler) (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan error, 1)
	go func() { done <- b.Consume(ctx, s.topic, group, opt, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				s.Errorf("consume: %v", err)
			}
		case <-time.After(time.Minute):
			s.Errorf("consume did not end")
		}
	})
	s.Cleanup(stop)
	return stop
}

func numbered(key string, from, to int) []bus.Message {
	var out []bus.Message
	for i := from; i < to; i++ {
		out = append(out, bus.Message{Tenant: "bo", Key: key, ID: fmt.Sprintf("%s-%d", key, i), Type: "n", Value: []byte(fmt.Sprint(i))})
	}
	return out
}

func ids(msgs []bus.Message) []string {
	out := make([]string, len(msgs))
	for i, m := range msgs {
		out[i] = m.ID
	}
	return out
}

// inOrder reports whether each key's numbers grow without a gap or a repeat.
func inOrder(msgs []bus.Message) bool {
	next := map[string]int{}
	for _, m := range msgs {
		if m.ID != fmt.Sprintf("%s-%d", m.Key, next[m.Key]) {
			return false
		}
		next[m.Key]++
	}
	return true
}

func (s *suite) concurrentPublishers() {
	s.make(4)
	const publishers, rounds, each = 8, 20, 10
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			key := fmt.Sprintf("key%d", p)
			for r := range rounds {
				if err := s.bus.Publish(s.ctx, s.topic, numbered(key, r*each, (r+1)*each)...); err != nil {
					s.Error(err)
				}
			}
		})
	}
	k := newSink()
	s.consume(s.bus, "g", bus.ConsumeOptions{}, k.handle)
	wg.Wait()
	got := s.untilCount(k, publishers*rounds*each)
	require.Len(s, got, publishers*rounds*each)
	require.True(s, inOrder(got), "each key in order, nothing twice")
	partition := map[string]int{}
	for _, m := range got {
		if p, ok := partition[m.Key]; ok {
			require.Equal(s, p, m.Partition, "a key stays on its partition")
		}
		partition[m.Key] = m.Partition
	}
}

func (s *suite) committedStays() {
	s.make(2)
	s.publish(numbered("a", 0, 10)...)
	k := newSink()
	stop := s.consume(s.bus, "g", bus.ConsumeOptions{}, k.handle)
	s.untilCount(k, 10)
	stop()
	s.publish(numbered("a", 10, 15)...)
	again := newSink()
	s.consume(s.open(s.T), "g", bus.ConsumeOptions{}, again.handle)
	got := s.untilCount(again, 5)
	require.Equal(s, ids(numbered("a", 10, 15)), ids(got))
	require.False(s, got[0].Replayed)
}

func (s *suite) errorRepeats() {
	s.make(1)
	s.publish(numbered("a", 0, 5)...)
	k := newSink()
	var mu sync.Mutex
	var batches [][]string
	s.consume(s.bus, "g", bus.ConsumeOptions{}, func(ctx context.Context, batch []bus.Message) error {
		mu.Lock()
		batches = append(batches, ids(batch))
		n := len(batches)
		mu.Unlock()
		if n <= 2 {
			return fmt.Errorf("not now")
		}
		return k.handle(ctx, batch)
	})
	got := s.untilCount(k, 5)
	require.True(s, inOrder(got))
	mu.Lock()
	defer mu.Unlock()
	require.Equal(s, batches[0], batches[1])
	require.Equal(s, batches[1], batches[2])
}

func (s *suite) unhandledComesAgain() {
	s.make(1)
	s.publish(numbered("a", 0, 3)...)
	tried := make(chan struct{}, 100)
	stop := s.consume(s.bus, "g", bus.ConsumeOptions{}, func(context.Context, []bus.Message) error {
		tried <- struct{}{}
		return fmt.Errorf("never")
	})
	select {
	case <-tried:
	case <-s.ctx.Done():
		s.Fatal("no delivery")
	}
	stop()
	k := newSink()
	s.consume(s.open(s.T), "g", bus.ConsumeOptions{}, k.handle)
	require.Equal(s, ids(numbered("a", 0, 3)), ids(s.untilCount(k, 3)))
}

func (s *suite) roundTrip() {
	s.make(3)
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
	s.publish(bus.Message{Tenant: "bø-test", Key: "k", ID: "id", Type: "type", Version: 7, Time: at, Value: []byte("{\"å\":1}")})
	s.publish(bus.Message{Key: "k", Value: []byte("plain")})
	k := newSink()
	s.consume(s.bus, "g", bus.ConsumeOptions{}, k.handle)
	got := s.untilCount(k, 2)
	m := got[0]
	require.Equal(s, []any{"bø-test", "k", "id", "type", 7, "{\"å\":1}"}, []any{m.Tenant, m.Key, m.ID, m.Type, m.Version, string(m.Value)})
	require.Equal(s, s.topic, m.Topic)
	require.Zero(s, m.Offset)
	require.True(s, at.Equal(m.Time), "%v is not %v", m.Time, at)
	require.Nil(s, m.Trace)
	require.WithinDuration(s, time.Now(), got[1].Time, time.Minute, "the time of publishing where none is given")
	require.Equal(s, m.Partition, got[1].Partition)
	require.EqualValues(s, 1, got[1].Offset)
}

func (s *suite) bigMessages() {
	s.make(1)
	large := strings.Repeat("a line that compresses; ", 2<<20/24)
	s.publish(bus.Message{ID: "large", Value: []byte(large)})
	random := make([]byte, bus.DefaultMaxMessage)
	state := uint64(1)
	for i := range random { // incompressible
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		random[i] = byte(state)
	}
	s.publish(bus.Message{ID: "random", Value: random})
	err := s.bus.Publish(s.ctx, s.topic, bus.Message{ID: "too large", Value: make([]byte, bus.DefaultMaxMessage+1)})
	require.ErrorIs(s, err, bus.ErrTooLarge)
	k := newSink()
	s.consume(s.bus, "g", bus.ConsumeOptions{}, k.handle)
	got := s.untilCount(k, 2)
	require.Equal(s, []string{"large", "random"}, ids(got))
	require.Equal(s, large, string(got[0].Value))
	require.Equal(s, random, got[1].Value)

	s.make(1, func(c *bus.TopicConfig) { c.MaxMessage = 5 << 20 })
	s.publish(bus.Message{ID: "five", Value: append(append([]byte{}, random...), append(random, random[:1<<20]...)...)})
	require.Equal(s, "five", s.untilCount(k, 3)[2].ID)
}

func (s *suite) bigBatches() {
	s.make(3)
	const n = 12_000
	s.publish(numbered("a", 0, n)...)
	k := newSink()
	most := 0
	s.consume(s.bus, "g", bus.ConsumeOptions{BatchSize: 700}, func(ctx context.Context, batch []bus.Message) error {
		most = max(most, len(batch))
		return k.handle(ctx, batch)
	})
	got := s.untilCount(k, n)
	require.True(s, inOrder(got))
	require.LessOrEqual(s, most, 700)
	require.Greater(s, most, 100, "batches are filled where there is enough")
}

func (s *suite) batchesFill() {
	s.make(1)
	k := newSink()
	var mu sync.Mutex
	var sizes []int
	s.consume(s.bus, "g", bus.ConsumeOptions{MaxWait: time.Minute, BatchSize: 4}, func(ctx context.Context, batch []bus.Message) error {
		mu.Lock()
		sizes = append(sizes, len(batch))
		mu.Unlock()
		return k.handle(ctx, batch)
	})
	for i := range 4 {
		s.publish(numbered("a", i, i+1)...)
	}
	s.untilCount(k, 4)
	mu.Lock()
	defer mu.Unlock()
	require.Equal(s, []int{4}, sizes)
}

func (s *suite) topics() {
	require.Error(s, s.bus.EnsureTopics(s.ctx, bus.TopicConfig{Name: s.topic, Partitions: 1}), "no retention")
	require.Error(s, s.bus.EnsureTopics(s.ctx, bus.TopicConfig{Name: s.topic, Retention: time.Hour}), "no partitions")
	var wg sync.WaitGroup
	for range 4 { // every service declares its topics when it starts
		b := s.open(s.T)
		wg.Go(func() {
			if err := b.EnsureTopics(s.ctx, bus.TopicConfig{Name: s.topic, Partitions: 2, Retention: time.Hour}); err != nil {
				s.Error(err)
			}
		})
	}
	wg.Wait()
	s.make(2, func(c *bus.TopicConfig) { c.Compacted, c.Retention = true, 0 })
	s.publish(numbered("a", 0, 1)...)
	short, cancel := context.WithTimeout(s.ctx, 3*time.Second)
	defer cancel()
	require.Error(s, s.bus.Publish(short, s.topic+".unknown", bus.Message{Value: []byte("x")}), "topics are never made by publishing")
}
