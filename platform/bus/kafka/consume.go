package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"varde.internal/platform/bus"
)

const (
	commitEvery = 100 * time.Millisecond
	// grace is how long a running handler may go on after its context's parent
	// or its generation ended. It is below the rebalance timeout, so that a slow
	// handler does not cost this member its place.
	grace = 3 * time.Second
)

// consumer is one member of a group on one topic.
type consumer struct {
	bus     *Bus
	topic   string
	group   string
	opt     bus.ConsumeOptions
	handler bus.Handler
	log     *slog.Logger
	running sync.WaitGroup // handlers and what feeds them
}

// Consume implements bus.Bus. The handler is called at the same time for
// different partitions. Offsets are committed within 100 ms after a handler
// returned and at once when the member leaves.
func (b *Bus) Consume(ctx context.Context, topic, group string, opt bus.ConsumeOptions, h bus.Handler) error {
	ctx, over, err := b.enter(ctx)
	if err != nil {
		return err
	}
	defer over()
	c := &consumer{bus: b, topic: topic, group: group, opt: opt, handler: h, log: b.log.With("topic", topic, "group", group)}
	if !c.awaitTopic(ctx) {
		return nil
	}
	cg, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: group, Brokers: b.cfg.brokers, Topics: []string{topic}, Dialer: b.dialer,
		HeartbeatInterval: time.Second, SessionTimeout: 6 * time.Second, RebalanceTimeout: 6 * time.Second,
		JoinGroupBackoff: 500 * time.Millisecond, Timeout: 5 * time.Second,
		WatchPartitionChanges: true, PartitionWatchInterval: 30 * time.Second,
		StartOffset: kafkago.FirstOffset,
		Logger:      libraryLog{c.log}, ErrorLogger: libraryLog{c.log},
	})
	if err != nil {
		return err
	}
	note := quiet{log: c.log}
	for {
		gen, err := cg.Next(ctx)
		if ctx.Err() != nil {
			break
		}
		switch {
		case err == nil:
			note.fine()
			c.running.Add(1)
			gen.Start(func(ended context.Context) {
				defer c.running.Done()
				c.generation(ctx, ended, gen)
			})
		case errors.Is(err, kafkago.RebalanceInProgress):
		case errors.Is(err, kafkago.ErrGroupClosed):
			return nil
		default:
			note.failed("consuming waits for the broker", err)
		}
	}
	c.leave(cg)
	return nil
}

// awaitTopic waits until the topic exists; false where ctx ended before. A
// group that is formed earlier has no partitions, and keeps none where the
// topic comes between that and kafka-go's first look at its partitions, which
// it compares all later ones with.
func (c *consumer) awaitTopic(ctx context.Context) bool {
	note := quiet{log: c.log}
	for {
		n, err := c.bus.partitions(ctx, c.topic)
		if err == nil && n > 0 {
			note.fine()
			return true
		}
		if err == nil {
			err = kafkago.UnknownTopicOrPartition
		}
		if ctx.Err() == nil {
			note.failed("consuming waits for the topic", err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// leave waits for the running handlers and tells the broker that this member
// is gone, so that others take over without waiting for a timeout. A broker
// that does not answer is left to notice by itself.
func (c *consumer) leave(cg *kafkago.ConsumerGroup) {
	left := make(chan struct{})
	c.bus.inBackground(func() {
		defer close(left)
		_ = cg.Close()
	})
	c.running.Wait()
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-left:
	case <-t.C:
	}
}

// generation consumes what the group assigned to this member until the group
// rebalances (ended) or the caller stops (ctx). It always returns after ended,
// because kafka-go would join anew when it returned before.
func (c *consumer) generation(ctx, ended context.Context, gen *kafkago.Generation) {
	run, stop := context.WithCancel(ctx)
	defer stop()
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		select {
		case <-ended.Done():
			stop()
		case <-run.Done():
		}
	}()

	assigned := gen.Assignments[c.topic]
	ids := make([]int, len(assigned))
	for i, a := range assigned {
		ids[i] = a.ID
	}
	c.log.Debug("assigned", "partitions", ids, "generation", gen.ID)
	if c.tellAssigned(run, ids) {
		commits := newCommitter(c, gen)
		var parts sync.WaitGroup
		for _, a := range assigned {
			parts.Go(func() { c.partition(run, a, commits) })
		}
		parts.Wait()
		commits.close()
	}
	if ctx.Err() == nil {
		<-run.Done() // nothing assigned: hold the place in the group
	}
	stop()
	<-watching
	if ctx.Err() != nil {
		<-ended.Done()
	}
}

func (c *consumer) tellAssigned(ctx context.Context, ids []int) bool {
	if c.opt.Assigned == nil {
		return true
	}
	note := quiet{log: c.log}
	for attempt := 0; ; attempt++ {
		err := c.opt.Assigned(ctx, ids)
		if err == nil {
			note.fine()
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		note.failed("taking over partitions failed, trying again", err)
		if !wait(ctx, backoff(attempt, 5*time.Second)) {
			return false
		}
	}
}

// partition feeds one assigned partition to the handler.
func (c *consumer) partition(ctx context.Context, a kafkago.PartitionAssignment, commits *committer) {
	r := c.bus.reader(c.topic, a.ID, c.log)
	defer c.bus.inBackground(func() { _ = r.Close() })
	place, ok := c.begin(ctx, r, a)
	if !ok {
		return
	}
	if c.opt.Lag != nil {
		c.opt.Lag(a.ID, max(place.end-place.start, 0))
	}
	_ = r.SetOffset(place.start)
	f := feed{reader: r, opt: c.opt, log: c.log}
	for {
		batch, behind := f.next(ctx)
		if len(batch) == 0 {
			return
		}
		for i := range batch {
			batch[i].Replayed = batch[i].Offset < place.committed
		}
		if !c.bus.deliver(ctx, c.topic, c.group, batch, c.handler, c.log) {
			return
		}
		commits.done(a.ID, max(batch[len(batch)-1].Offset+1, place.committed))
		if c.opt.Lag != nil {
			c.opt.Lag(a.ID, behind)
		}
	}
}

// place is where an assigned partition is read from, what the group had
// committed, and where the partition ended then.
type place struct{ start, committed, end int64 }

// begin finds where to start reading: at the committed offset, or Rewind
// before it. What the broker no longer has is said loudly.
func (c *consumer) begin(ctx context.Context, r *kafkago.Reader, a kafkago.PartitionAssignment) (place, bool) {
	note := quiet{log: c.log}
	for attempt := 0; ; attempt++ {
		p, err := c.tryBegin(ctx, r, a)
		if err == nil {
			note.fine()
			return p, true
		}
		if ctx.Err() != nil {
			return place{}, false
		}
		note.failed("finding the place to begin waits for the broker", err)
		if !wait(ctx, backoff(attempt, 2*time.Second)) {
			return place{}, false
		}
	}
}

func (c *consumer) tryBegin(ctx context.Context, r *kafkago.Reader, a kafkago.PartitionAssignment) (place, error) {
	first, next, err := c.bus.ends(ctx, c.topic, a.ID)
	if err != nil {
		return place{}, err
	}
	anew := place{start: first, committed: first, end: next}
	committed := a.Offset
	switch {
	case committed < 0: // the group is new
		return anew, nil
	case committed > next:
		c.log.Error("the topic ends before the committed offset: the broker lost data; reading it from its beginning",
			"partition", a.ID, "committed", committed, "end", next)
		return anew, nil
	case committed < first:
		c.log.Error("messages were deleted by retention before they were consumed",
			"partition", a.ID, "lost", first-committed)
		return anew, nil
	}
	if c.opt.Rewind <= 0 || committed == first {
		return place{start: committed, committed: committed, end: next}, nil
	}
	last, err := c.lastSeen(ctx, r, committed)
	if err != nil {
		return place{}, err
	}
	start, ok, err := c.bus.offsetAt(ctx, c.topic, a.ID, last.Add(-c.opt.Rewind))
	if err != nil {
		return place{}, err
	}
	if !ok {
		start = committed
	}
	return place{start: min(max(start, first), committed), committed: committed, end: next}, nil
}

// lastSeen returns the time of the last committed message, at most now: a
// message dated in the future must not shorten the rewind.
func (c *consumer) lastSeen(ctx context.Context, r *kafkago.Reader, committed int64) (time.Time, error) {
	now := time.Now()
	if err := r.SetOffset(committed - 1); err != nil {
		return now, err
	}
	limited, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m, err := r.FetchMessage(limited)
	switch {
	case err != nil && ctx.Err() == nil && limited.Err() != nil:
		return now, nil // compacted away, with nothing after it
	case err != nil:
		return now, err
	case m.Time.Before(now):
		return m.Time, nil
	}
	return now, nil
}

// deliver calls h with batch until it succeeds; false means that ctx ended first.
func (b *Bus) deliver(ctx context.Context, topic, group string, batch []bus.Message, h bus.Handler, log *slog.Logger) bool {
	handling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	unhook := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(grace, cancel)
		context.AfterFunc(handling, func() { t.Stop() })
	})
	defer unhook()
	note := quiet{log: log.With("partition", batch[0].Partition)}
	for attempt := 0; ; attempt++ {
		err := b.traced(handling, topic, group, batch, h)
		if err == nil {
			note.fine()
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		note.failed("the handler failed, the batch comes again", err)
		if !wait(ctx, backoff(attempt, 5*time.Second)) {
			return false
		}
	}
}

// maxLinks bounds the links of a batch's span.
const maxLinks = 32

// traced calls h in a span that continues the first trace in the batch and
// links to the others. A batch without traces has no span.
func (b *Bus) traced(ctx context.Context, topic, group string, batch []bus.Message, h bus.Handler) error {
	var parent trace.SpanContext
	var links []trace.Link
	seen := map[trace.SpanID]bool{}
	for _, m := range batch {
		if m.Trace == nil || len(links) == maxLinks {
			continue
		}
		sc := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier(m.Trace)))
		switch {
		case !sc.IsValid() || seen[sc.SpanID()]:
		case !parent.IsValid():
			parent = sc
		default:
			links = append(links, trace.Link{SpanContext: sc})
		}
		seen[sc.SpanID()] = true
	}
	if !parent.IsValid() {
		return h(ctx, batch)
	}
	ctx, span := b.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, parent), topic+" process",
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithLinks(links...),
		trace.WithAttributes(
			attribute.String("messaging.system", "kafka"), attribute.String("messaging.destination.name", topic),
			attribute.String("messaging.consumer.group.name", group), attribute.Int("messaging.batch.message_count", len(batch))))
	defer span.End()
	err := h(ctx, batch)
	if err != nil {
		span.SetStatus(codes.Error, "handler failed")
	}
	return err
}

// committer sends the offsets of a generation, all partitions in one request,
// at most every commitEvery: a commit is a synchronous write at the broker.
type committer struct {
	c    *consumer
	gen  *kafkago.Generation
	mu   sync.Mutex
	next map[int]int64
	wake chan struct{}
	stop chan struct{}
	over chan struct{}
}

func newCommitter(c *consumer, gen *kafkago.Generation) *committer {
	k := &committer{c: c, gen: gen, next: map[int]int64{}, wake: make(chan struct{}, 1), stop: make(chan struct{}), over: make(chan struct{})}
	go k.run()
	return k
}

func (k *committer) done(partition int, next int64) {
	k.mu.Lock()
	k.next[partition] = next
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *committer) run() {
	defer close(k.over)
	for {
		select {
		case <-k.wake:
			k.flush()
		case <-k.stop:
			k.flush()
			return
		}
		t := time.NewTimer(commitEvery)
		select {
		case <-t.C:
		case <-k.stop:
		}
		t.Stop()
	}
}

func (k *committer) flush() {
	k.mu.Lock()
	offsets := k.next
	k.next = map[int]int64{}
	k.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	if err := k.gen.CommitOffsets(map[string]map[int]int64{k.c.topic: offsets}); err != nil {
		// Harmless: what is not committed comes again, to this member or the next.
		k.c.log.Debug("commit failed", "error", err.Error())
		k.mu.Lock()
		for p, o := range offsets {
			if _, newer := k.next[p]; !newer {
				k.next[p] = o
			}
		}
		k.mu.Unlock()
	}
}

func (k *committer) close() {
	close(k.stop)
	<-k.over
}
