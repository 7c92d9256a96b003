package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"varde.internal/ingest/parse"
	"varde.internal/platform/bus"
	"varde.internal/platform/id"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// intake turns received lines into messages and publishes them. Safe for
// concurrent use; the order of lines is the caller's to keep.
type intake struct {
	bus     bus.Publisher
	log     *slog.Logger
	clock   func() time.Time
	most    int // lines of a batch
	secret  []byte
	period  string
	zone    string
	metrics *metrics
}

// origin is what the lines of one connection or file have in common.
type origin struct {
	source     Source
	way        string // label of metrics: file, tcp, udp, bulk, replay
	provenance string
	path       string // of a file
	// reference resolves times without a year of lines that were written long
	// before they came; zero: their receipt does.
	reference time.Time
	stream    *Parser
	live      bool
	counts    *counts
	keys      map[place]string // of messages
}

// place is what the key of an event is made from, beside its source.
type place struct{ tenant, host string }

// rememberedKeys bounds the keys that an origin keeps.
const rememberedKeys = 1024

// open returns an origin with its parser.
func (i *intake) open(s Source, way, provenance string, o parse.Options) origin {
	zone, err := location(i.zone)
	if err != nil { // Config.Validate has read it
		zone = time.UTC
	}
	o.Reuse = way != wayAgain // there an event outlives the next line
	stream := NewParser(s, zone, o, i.log)
	return origin{source: s, way: way, provenance: provenance, stream: stream, live: o.Live, counts: i.metrics.of(s.ID, way), keys: map[place]string{}}
}

// renew goes on for a source as the register has it now: with the parser and
// what it remembers, unless the register wants another.
func (i *intake) renew(o *origin, s Source) {
	if o.source.ID == s.ID && o.source.Tenant == s.Tenant && o.source.TimeZone == s.TimeZone && o.source.Format == s.Format &&
		o.source.Mapping == s.Mapping && o.source.MappingFault == s.MappingFault && o.source.Turn == s.Turn {
		o.source = s
		return
	}
	path, reference := o.path, o.reference
	*o = i.open(s, o.way, o.provenance, parse.Options{Live: o.live, Resume: o.stream.State()})
	o.path, o.reference = path, reference
}

// zones are those that were asked for, by name: Go reads them from their file
// each time.
var zones sync.Map

func location(name string) (*time.Location, error) {
	if loc, ok := zones.Load(name); ok {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(name)
	if err == nil {
		zones.Store(name, loc)
	}
	return loc, err
}

// key is that of the messages of a host, which stay in order.
func (i *intake) key(o *origin, tenant, host string) string {
	at := place{tenant, host}
	if k, ok := o.keys[at]; ok {
		return k
	}
	if len(o.keys) >= rememberedKeys {
		clear(o.keys)
	}
	k := bus.Key(i.secret, tenant, o.source.ID, host)
	o.keys[place{tenant, strings.Clone(host)}] = k
	return k
}

// line is one received line. ID is empty where it has no name of its own: it
// gets one now, and a sender that repeats is at-least-once.
type line struct {
	id     string
	raw    []byte
	offset int64
	given  *parse.Given // a header that came apart from its text
	// reason makes it a dead letter as it is.
	reason, detail string
}

// batch gathers the messages of lines until they are published.
type batch struct {
	events, failed []bus.Message
	bytes          int

	made struct{ events, dead int } // since it was begun, also what is published
	last string                     // id of what was added last

	// spill publishes what one line or one request has made so far, so that
	// neither makes a batch without a bound: a line of 1 MiB can hold 300,000
	// objects. After an error nothing is added any more, and publishing
	// returns the error.
	spill func(*batch) error
	err   error
}

func (b *batch) len() int { return len(b.events) + len(b.failed) }

// fullBatch is how many bytes are published at once, whatever the number of
// lines: what a slow bus makes each connection hold.
const fullBatch = 1 << 20

// full says whether the batch is to be published before more is read.
func (b *batch) full(lines int) bool { return b.len() >= lines || b.bytes >= fullBatch }

// relieve spills a full batch.
func (b *batch) relieve(lines int) {
	if b.err == nil && b.spill != nil && b.full(lines) {
		b.err = b.spill(b)
	}
}

// add parses one line into the batch: one event, or several where it holds
// several JSON objects. The first has the line's id, the others one made of it.
func (i *intake) add(b *batch, o *origin, l line, received time.Time) {
	if l.given == nil && l.reason == "" {
		if parts := parse.Split(l.raw); len(parts) > 1 {
			for n, part := range parts {
				one := l
				if one.raw = part; n > 0 && l.id != "" {
					one.id = l.id[:orderDigits] + id.Of(l.id, strconv.Itoa(n))[orderDigits:]
				}
				i.event(b, o, one, received)
				if n+1 < len(parts) {
					b.relieve(i.most)
				}
			}
			return
		}
	}
	i.event(b, o, l, received)
}

// event parses what is one event.
func (i *intake) event(b *batch, o *origin, l line, received time.Time) {
	if b.err != nil {
		return
	}
	o.counts.received.Inc()
	o.counts.last.Set(seconds(received))
	if l.id == "" {
		l.id = lineID(received)
	}
	if l.reason != "" {
		i.dead(b, o, l, received)
		return
	}
	ev, err := o.read(l, received)
	var broken *parse.Error
	if errors.As(err, &broken) {
		l.reason, l.detail = broken.Reason, broken.Detail
		i.dead(b, o, l, received)
		return
	}
	i.describe(&ev, o, l, received)
	value := ev.AppendJSON(make([]byte, 0, 1024+2*len(l.raw)))
	if len(value) > bus.DefaultMaxMessage-4096 {
		l.reason, l.detail = ReasonTooLarge, "the event is larger than a message may be"
		i.dead(b, o, l, received)
		return
	}
	if ev.Event.Dataset == parse.DatasetUnparsed {
		o.counts.unparsed.Inc()
	} else {
		o.counts.parsed.Inc()
	}
	host := ""
	if ev.Host != nil {
		host = ev.Host.Name
	}
	b.bytes += len(value)
	b.made.events++
	b.last = l.id
	b.events = append(b.events, bus.Message{
		Tenant: ev.Varde.Tenant, Key: i.key(o, ev.Varde.Tenant, host),
		ID: l.id, Type: topics.TypeEvent, Version: 1, Value: value,
	})
}

// read gives the event of a line; the error, if any, is a *parse.Error.
func (o *origin) read(l line, received time.Time) (ecs.Event, error) {
	at := received
	if !o.reference.IsZero() {
		at = o.reference
	}
	if l.given != nil {
		return o.stream.ParseGiven(l.raw, *l.given, at)
	}
	return o.stream.Parse(l.raw, at)
}

// saneSkew is how far a live line's time may lie from its receipt and be a
// clock that is off rather than a line that is old.
const saneSkew = 24 * time.Hour

// describe sets what the collector knows of an event.
func (i *intake) describe(ev *ecs.Event, o *origin, l line, received time.Time) {
	received = received.UTC().Truncate(time.Millisecond)
	ev.Event.ID, ev.Event.Created = l.id, received
	tenant, mapped := tenantOf(o.source, ev)
	if !mapped {
		i.metrics.unmapped.WithLabelValues(o.source.ID).Inc()
	}
	ev.Varde.Tenant, ev.Varde.Source, ev.Varde.Provenance = tenant, o.source.ID, o.provenance
	ev.Varde.Partition = partition(tenant, o.source.Retention, i.period, ev.Timestamp, received)
	if o.path != "" {
		if ev.Log == nil {
			ev.Log = &ecs.Log{}
		}
		ev.Log.File, ev.Log.Offset = &ecs.LogFile{Path: o.path}, l.offset
	}
	if skew := received.Sub(ev.Timestamp); o.live && skew.Abs() < saneSkew {
		ev.Varde.SkewMS = skew.Milliseconds()
		o.counts.skew.Set(skew.Seconds())
	}
}

func (i *intake) dead(b *batch, o *origin, l line, received time.Time) {
	i.metrics.dead.WithLabelValues(o.source.ID, l.reason).Inc()
	value, err := json.Marshal(topics.DeadLetter{
		ID: l.id, Tenant: o.source.Tenant, Source: o.source.ID, Stage: "collect", Reason: l.reason, Detail: l.detail,
		Received: received.UTC(), Raw: l.raw, Provenance: o.provenance, Live: o.live, Path: o.path, Offset: l.offset,
		Reference: o.reference, Document: l.given != nil || l.reason == ReasonDocument,
	})
	if err != nil { // strings and bytes always marshal
		i.log.Error("a dead letter could not be written", "source", o.source.ID, "err", err)
		return
	}
	b.bytes += len(value)
	b.made.dead++
	b.last = l.id
	b.failed = append(b.failed, bus.Message{
		Tenant: o.source.Tenant, Key: bus.Key(i.secret, o.source.Tenant, o.source.ID),
		ID: l.id, Type: topics.TypeDeadLetter, Version: 1, Value: value,
	})
}

// publish makes the batch durable and empties it. After an error it is as it
// was, and may be published again: every consumer knows repeats by their ids.
func (i *intake) publish(ctx context.Context, b *batch) error {
	if b.err != nil || b.len() == 0 {
		return b.err
	}
	began := time.Now()
	if len(b.failed) > 0 {
		if err := i.bus.Publish(ctx, bus.TopicEventsFailed, b.failed...); err != nil {
			return fmt.Errorf("collector: dead letters: %w", err)
		}
		b.failed = b.failed[:0]
	}
	if len(b.events) > 0 {
		if err := i.bus.Publish(ctx, bus.TopicEvents, b.events...); err != nil {
			return fmt.Errorf("collector: events: %w", err)
		}
		b.events = b.events[:0]
	}
	b.bytes = 0
	i.metrics.publish.Observe(time.Since(began).Seconds())
	return nil
}

// persist publishes until it succeeds or ctx is done: for receivers that have
// nobody to tell, and hold the next lines back meanwhile.
func (i *intake) persist(ctx context.Context, b *batch) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := i.publish(ctx, b)
		if err == nil || ctx.Err() != nil {
			return err
		}
		i.log.Warn("lines wait for the bus", "lines", b.len(), "err", err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}
