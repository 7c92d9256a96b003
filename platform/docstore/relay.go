package docstore

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/platform/id"
)

// RelayOptions tune Relay; the zero value is right for most.
type RelayOptions struct {
	Log   *slog.Logger  // nil: slog.Default
	Poll  time.Duration // how often other processes' writes are looked for; 0 = 200 ms
	Lease time.Duration // how long a process that died keeps others out; 0 = 5 s
	Batch int           // documents a round; 0 = 200
	// Grace is how long a round may go on after the relay was told to stop, so
	// that what has left is also cleared and leaves no second time; 0 = 2 s.
	Grace time.Duration
	// Published, when not nil, is told how many messages left with each round.
	Published func(messages int)
}

func (o RelayOptions) withDefaults() RelayOptions {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Poll <= 0 {
		o.Poll = 200 * time.Millisecond
	}
	if o.Lease <= 0 {
		o.Lease = 5 * time.Second
	}
	if o.Batch <= 0 {
		o.Batch = 200
	}
	if o.Grace <= 0 {
		o.Grace = 2 * time.Second
	}
	return o
}

// Relay publishes the pending messages of a collection until ctx is done, then
// returns nil. Messages of one document leave in the order they were added,
// at least once: after a crash between publishing and clearing they leave
// again. Any number of processes may run the relay of a collection; a lease
// lets one of them work, taken only when there is something to publish, so an
// idle relay writes nothing. It survives the loss of the store and of the bus.
//
// It reads across tenants by its nature and needs no scope in ctx.
func Relay(ctx context.Context, store Backend, collection string, pub bus.Publisher, opt RelayOptions) error {
	r := &relay{
		store: store, collection: collection, pub: pub,
		opt: opt.withDefaults(), holder: id.New(),
	}
	wake, stop := store.Signals().Listen(collection)
	defer stop()
	defer r.release()
	failures := 0
	for ctx.Err() == nil {
		more, err := r.round(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			failures++
			if failures == 1 || failures%20 == 0 {
				r.opt.Log.WarnContext(ctx, "outbox waits", "collection", collection, "tries", failures, "error", err)
			}
		case failures > 0:
			r.opt.Log.InfoContext(ctx, "outbox flows again", "collection", collection)
			failures = 0
		}
		if more && err == nil {
			continue
		}
		r.wait(ctx, wake, failures)
	}
	return nil
}

// wait ends with the next local write, at the next poll, or after a failure
// when the backoff (to 5 s) is over.
func (r *relay) wait(ctx context.Context, wake <-chan struct{}, failures int) {
	d := r.opt.Poll
	if failures > 0 {
		wake = nil // a busy writer must not turn the backoff into a hot loop
		d = min(r.opt.Poll<<min(failures, 10), 5*time.Second)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-t.C:
	}
}

type relay struct {
	store      Backend
	collection string
	pub        bus.Publisher
	opt        RelayOptions
	holder     string
	held       time.Time // until when the lease is ours
}

func (r *relay) leaseName() string { return "relay/" + r.collection }

// release lets another process begin at once after an orderly stop.
func (r *relay) release() {
	if r.held.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = r.store.Release(ctx, r.leaseName(), r.holder) // it ends by itself otherwise
}

// round publishes one batch; more says that there may be another at once.
func (r *relay) round(ctx context.Context) (more bool, err error) {
	docs, err := r.store.Pending(ctx, r.collection, r.opt.Batch)
	if err != nil || len(docs) == 0 {
		return false, err
	}
	if time.Until(r.held) < r.opt.Lease/2 {
		ok, err := r.renew(ctx)
		if err != nil || !ok {
			return false, err
		}
		// Read again: until now another holder may have been at work.
		if docs, err = r.store.Pending(ctx, r.collection, r.opt.Batch); err != nil {
			return false, err
		}
	}
	ctx, stop := r.keepLease(ctx)
	defer stop()
	sent, err := r.publish(ctx, docs)
	if r.opt.Published != nil && sent > 0 {
		r.opt.Published(sent)
	}
	return len(docs) == r.opt.Batch, err
}

func (r *relay) renew(ctx context.Context) (bool, error) {
	began := time.Now()
	ok, err := r.store.Lease(ctx, r.leaseName(), r.holder, r.opt.Lease)
	if ok && err == nil {
		r.held = began.Add(r.opt.Lease)
	}
	return ok, err
}

// keepLease renews the lease while a round publishes, which can take as long
// as the broker is away. The context ends if another process took it, and
// Grace after parent.
func (r *relay) keepLease(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stopLate := context.AfterFunc(parent, func() {
		select {
		case <-ctx.Done():
		case <-time.After(r.opt.Grace):
			cancel()
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(r.opt.Lease / 3)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				ok, err := r.renew(ctx)
				if (err == nil && !ok) || time.Now().After(r.held) {
					cancel()
					return
				}
			}
		}
	}()
	return ctx, func() { stopLate(); cancel(); <-done }
}

// publish sends the documents' messages in waves: in each wave every document
// gives the run of messages for one topic that stands first in its outbox, so
// that its order holds over topics while documents share calls.
func (r *relay) publish(ctx context.Context, docs []PendingDoc) (sent int, first error) {
	for len(docs) > 0 {
		byTopic := map[string][]run{}
		var topics []string
		var rest []PendingDoc
		for _, d := range docs {
			one := firstRun(d)
			if _, seen := byTopic[one.topic]; !seen {
				topics = append(topics, one.topic)
			}
			byTopic[one.topic] = append(byTopic[one.topic], one)
		}
		for _, topic := range topics {
			done, err := r.send(ctx, topic, byTopic[topic])
			if err != nil && first == nil {
				first = err
			}
			for _, one := range done {
				sent += len(one.messages)
				if left := one.doc.Messages[len(one.messages):]; len(left) > 0 {
					rest = append(rest, PendingDoc{Tenant: one.doc.Tenant, ID: one.doc.ID, Messages: left})
				}
			}
		}
		docs = rest
	}
	return sent, first
}

// run is the first messages of a document's outbox that go to one topic.
type run struct {
	doc      PendingDoc
	topic    string
	messages []bus.Message
	last     int64
}

func firstRun(d PendingDoc) run {
	out := run{doc: d, topic: d.Messages[0].Topic}
	for _, m := range d.Messages {
		if m.Topic != out.topic {
			break
		}
		out.messages = append(out.messages, m.Message)
		out.last = m.Seq
	}
	return out
}

// send publishes runs together; if that fails, one by one, so that a message
// the broker refuses holds up its own document only. It gives up when three in
// a row fail: then it is the broker. One that is too large never is.
func (r *relay) send(ctx context.Context, topic string, runs []run) (done []run, err error) {
	var all []bus.Message
	for _, one := range runs {
		all = append(all, one.messages...)
	}
	if err = r.pub.Publish(ctx, topic, all...); err == nil {
		return r.clear(ctx, runs)
	}
	if len(runs) == 1 {
		return nil, err
	}
	failed := 0
	for _, one := range runs {
		if ctx.Err() != nil || failed == 3 {
			return done, err
		}
		if e := r.pub.Publish(ctx, topic, one.messages...); e != nil {
			if !errors.Is(e, bus.ErrTooLarge) {
				failed++
			}
			continue
		}
		failed = 0
		ok, e := r.clear(ctx, []run{one})
		done = append(done, ok...)
		if e != nil {
			return done, e
		}
	}
	return done, err
}

func (r *relay) clear(ctx context.Context, runs []run) (done []run, err error) {
	for _, one := range runs {
		if err := r.store.ClearPending(ctx, r.collection, one.doc.Tenant, one.doc.ID, one.last); err != nil {
			return done, err
		}
		done = append(done, one)
	}
	return done, nil
}
