package collector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"varde.internal/ingest/parse"
	"varde.internal/platform/bus"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// ReasonSource is of a line whose source the register no longer has.
const ReasonSource = "no-such-source"

// wayAgain is how lines come that are read again.
const wayAgain = "again"

// Rereader reads lines again that were received before, as their source stands
// in the register now: its format, zone, mapping and tenants. What it reads is
// in no metric of the collector's. Safe for concurrent use.
type Rereader struct {
	sources *sources
	intake  *intake
	bus     bus.Bus
}

// NewRereader makes one; Run must go on beside it.
func NewRereader(deps run.Deps, cfg Config) (*Rereader, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("collector: %w", err)
	}
	return &Rereader{sources: newSources(deps.Log, deps.Clock), intake: newIntake(deps, cfg, newMetrics(nil)), bus: deps.Bus}, nil
}

// Run follows the register until ctx is done.
func (r *Rereader) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, topic := range []string{bus.TopicRegister, bus.TopicDirectory} {
		g.Go(func() error { return r.sources.follow(ctx, r.bus, topic) })
	}
	return g.Wait()
}

// Known is closed when the register has been read to its end: before, no
// source is known.
func (r *Rereader) Known() <-chan struct{} { return r.sources.ready }

// Version is another number whenever a source may stand differently.
func (r *Rereader) Version() uint64 { return r.sources.generation() }

// Came says how lines came that were received together, in one order.
type Came struct {
	Source     string // its id in the register
	Provenance string
	Path       string // of the file, where they lay in one
	Live       bool   // as they were written, not from a file
}

// Reading reads lines that came one way, in their order; it is not safe for
// concurrent use.
type Reading struct {
	intake *intake
	origin origin
}

// Open begins to read lines again; ok is false where the register no longer
// has their source.
func (r *Rereader) Open(c Came) (_ *Reading, ok bool) {
	s, ok := r.sources.byID(c.Source)
	if !ok && c.Source == unregistered {
		s, ok = r.sources.stranger()
	}
	if !ok {
		return nil, false
	}
	o := r.intake.open(s, wayAgain, c.Provenance, parse.Options{Live: c.Live})
	o.path = c.Path
	return &Reading{intake: r.intake, origin: o}, true
}

// Received is a line as it was received.
type Received struct {
	ID     string // of its event
	Raw    []byte
	At     time.Time // of its receipt
	Offset int64     // in its file
	// Resolve resolves a time without a year, or stands for one that the line
	// does not have; zero: the receipt.
	Resolve time.Time
	// Document says that it is a document which its line is found in.
	Document bool
}

// Event reads what is one event. The error, if any, is a *parse.Error.
func (r *Reading) Event(l Received) (ecs.Event, error) {
	one := line{id: l.ID, raw: l.Raw, offset: l.Offset}
	if l.Document {
		if one = readDocument(one); one.reason != "" {
			return ecs.Event{}, &parse.Error{Reason: one.reason, Detail: one.detail}
		}
	}
	return r.event(one, l)
}

func (r *Reading) event(one line, l Received) (ecs.Event, error) {
	r.origin.reference = l.Resolve
	ev, err := r.origin.read(one, l.At)
	if err != nil {
		return ecs.Event{}, err
	}
	r.intake.describe(&ev, &r.origin, one, l.At)
	return ev, nil
}

// Message is what an event is published as. The error, if any, is a
// *parse.Error: the event is larger than a message may be.
func (r *Rereader) Message(e *ecs.Event) (bus.Message, error) {
	value := e.AppendJSON(make([]byte, 0, 1024+2*len(e.Event.Original)))
	if len(value) > bus.DefaultMaxMessage-4096 {
		return bus.Message{}, &parse.Error{Reason: ReasonTooLarge, Detail: "the event is larger than a message may be"}
	}
	host := ""
	if e.Host != nil {
		host = e.Host.Name
	}
	return bus.Message{Tenant: e.Varde.Tenant, Key: bus.Key(r.intake.secret, e.Varde.Tenant, e.Varde.Source, host),
		ID: e.Event.ID, Type: topics.TypeEvent, Version: 1, Value: value}, nil
}

// Raw gives the bytes of a stored event's line back: event.original with what
// Original did to bytes that are no UTF-8 undone.
func Raw(e *ecs.Event) []byte {
	if e.Labels["encoding"] != "iso-8859-1" {
		return []byte(e.Event.Original)
	}
	raw := make([]byte, 0, len(e.Event.Original))
	for _, r := range e.Event.Original {
		if r > 0xff {
			return []byte(e.Event.Original) // the label is the line's own
		}
		raw = append(raw, byte(r))
	}
	return raw
}

// Again reads the line of a stored event again: the event as it would be made
// today, of the same id, receipt, tenant and storage partition. The error is a
// *parse.Error where the line cannot become that event any more.
func (r *Reading) Again(stored *ecs.Event) (ecs.Event, error) {
	l := Received{ID: stored.Event.ID, Raw: Raw(stored), At: stored.Event.Created, Resolve: stored.Timestamp}
	if r.origin.live && !stored.Timestamp.Truncate(time.Millisecond).Equal(l.At) {
		l.Resolve = time.Time{} // else the line has no time, and stands where it was received
	}
	if stored.Log != nil {
		l.Offset = stored.Log.Offset
	}
	one := line{id: l.ID, raw: l.Raw, offset: l.Offset}
	if d := readDocument(one); d.given != nil && stored.Message == d.given.Text {
		one = d // its header came apart
	}
	ev, err := r.event(one, l)
	if err != nil {
		return ecs.Event{}, err
	}
	if ev.Varde.Tenant != stored.Varde.Tenant {
		return ecs.Event{}, &parse.Error{Reason: ReasonTenant, Detail: "the line would be another tenant's now"}
	}
	ev.Varde.Partition, ev.Varde.SkewMS = stored.Varde.Partition, stored.Varde.SkewMS
	return ev, nil
}

// ReasonTenant is of a stored line that a shared source maps elsewhere now.
const ReasonTenant = "other-tenant"

// Reasons of a dead letter that reading again cannot mend: what was received
// is no whole line.
var broken = []string{ReasonTooLong, ReasonIncomplete}

// Replayable says whether a dead letter can become an event at all.
func Replayable(reason string) bool {
	for _, b := range broken {
		if reason == b {
			return false
		}
	}
	return true
}

// ReasonOf gives the reason and the detail of an error of this file.
func ReasonOf(err error) (reason, detail string) {
	var p *parse.Error
	if errors.As(err, &p) {
		return p.Reason, p.Detail
	}
	return parse.ReasonFormat, ""
}
