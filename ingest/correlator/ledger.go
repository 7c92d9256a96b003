package correlator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/id"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/topics"
)

// Collections of the correlator.
const (
	findingsCollection = "correlator_findings"
	lookbackCollection = "correlator_lookback"
)

// said is what was said of a finding: it makes a repeat of an output harmless,
// and tells after a restart what may have to be withdrawn.
type said struct {
	Finding   topics.Finding `json:"finding"`
	Trigger   string         `json:"trigger"`
	Withdrawn bool           `json:"withdrawn"`
	Changes   int            `json:"changes"` // messages sent
	Changed   time.Time      `json:"changed"`
}

// chunk is the logons of one tenant that one batch of events added to the
// look-back: written before the batch is acknowledged.
type chunk struct {
	Last     time.Time  `json:"last"` // event time of the latest
	Attempts []*Attempt `json:"attempts"`
}

// ledger keeps what was said and the logons kept for judging again.
type ledger struct {
	findings docstore.Collection[said]
	lookback docstore.Collection[chunk]
	secret   []byte
	clock    func() time.Time
}

func openLedger(ctx context.Context, store docstore.Store, secret []byte, clock func() time.Time) (*ledger, error) {
	findings, err := docstore.Open[said](ctx, store, docstore.Definition{
		Name: findingsCollection, Version: 1, Clock: clock, Indexes: []docstore.Index{{Fields: []string{"changed"}}},
	})
	if err != nil {
		return nil, err
	}
	lookback, err := docstore.Open[chunk](ctx, store, docstore.Definition{
		Name: lookbackCollection, Version: 1, Clock: clock, Indexes: []docstore.Index{{Fields: []string{"last"}}},
	})
	if err != nil {
		return nil, err
	}
	return &ledger{findings: findings, lookback: lookback, secret: secret, clock: clock}, nil
}

// errAsItWas ends an update that would change nothing.
var errAsItWas = errors.New("correlator: nothing changed")

// say records an output and sends it, once: where the ledger says so already it
// does nothing.
func (l *ledger) say(ctx context.Context, o Output) (sent bool, err error) {
	ctx = tenant.With(ctx, tenant.ID(o.Finding.Tenant))
	now := l.clock().UTC()
	if o.Raised {
		v := said{Finding: o.Finding, Trigger: o.Trigger, Changes: 1, Changed: now}
		m, err := l.message(o, 1)
		if err != nil {
			return false, err
		}
		_, err = l.findings.Insert(ctx, o.Finding.ID, v, docstore.Outgoing{Topic: bus.TopicFindings, Message: m})
		if err == nil || !errors.Is(err, docstore.ErrExists) {
			return err == nil, err
		}
	}
	_, err = l.findings.Update(ctx, o.Finding.ID, func(v *said, out *docstore.Outbox) error {
		more := o.Raised && len(v.Finding.Evidence) == 0 && len(o.Finding.Evidence) > 0
		if v.Withdrawn == !o.Raised && !more {
			return errAsItWas
		}
		// Readers let what was decided last hold. A clock that was set back, or two
		// changes in one moment, must not make this one the older.
		next := o
		if !o.Raised { // it is taken back as it was said
			next.Finding = v.Finding
			next.Finding.Decided, next.Finding.Explained = o.Finding.Decided, o.Finding.Explained
		}
		if least := v.Finding.Decided.Add(time.Nanosecond); next.Finding.Decided.Before(least) {
			next.Finding.Decided = least
		}
		m, err := l.message(next, v.Changes+1)
		if err != nil {
			return err
		}
		*v = said{Finding: next.Finding, Trigger: o.Trigger, Withdrawn: !o.Raised, Changes: v.Changes + 1, Changed: now}
		out.Publish(bus.TopicFindings, m)
		return nil
	})
	switch {
	case errors.Is(err, errAsItWas), errors.Is(err, docstore.ErrNotFound) && !o.Raised:
		return false, nil
	}
	return err == nil, err
}

// message carries the finding, keyed by its group, so that all that belongs to
// one incident arrives in order.
func (l *ledger) message(o Output, change int) (bus.Message, error) {
	f := o.Finding
	value, err := json.Marshal(f)
	if err != nil {
		return bus.Message{}, fmt.Errorf("correlator: finding: %w", err)
	}
	parts := []string{f.Family}
	for _, k := range slices.Sorted(maps.Keys(f.Group)) {
		parts = append(parts, k, f.Group[k])
	}
	m := bus.Message{
		Tenant: f.Tenant, Key: bus.Key(l.secret, f.Tenant, parts...), ID: id.Of(f.ID, strconv.Itoa(change)),
		Type: topics.TypeFindingRaised, Version: 1, Value: value, Trace: o.Trace,
	}
	if !o.Raised {
		m.Type = topics.TypeFindingWithdrawn
	}
	return m, nil
}

// keep stores logons of the look-back. The id is of what is in it, so that a
// batch that comes again after a crash is stored once.
func (l *ledger) keep(ctx context.Context, attempts []*Attempt) error {
	byTenant := map[string][]*Attempt{}
	for _, a := range attempts {
		byTenant[a.Tenant] = append(byTenant[a.Tenant], a)
	}
	for _, name := range slices.Sorted(maps.Keys(byTenant)) {
		c := chunk{Attempts: byTenant[name]}
		parts := []string{"lookback", name}
		for _, a := range c.Attempts {
			c.Last = maxTime(c.Last, a.Time)
			parts = append(parts, a.EventID, strconv.Itoa(a.Generation))
		}
		_, err := l.lookback.Insert(tenant.With(ctx, tenant.ID(name)), id.Of(parts...), c)
		if err != nil && !errors.Is(err, docstore.ErrExists) {
			return err
		}
	}
	return nil
}

// load gives the core what it knew before a restart.
func (l *ledger) load(ctx context.Context, c *Core, since time.Time) error {
	ctx = systemscope.Enter(ctx, "the correlator judges every tenant's logons")
	err := each(ctx, l.lookback, docstore.Range{Field: "last", Gte: since}, func(d docstore.Doc[chunk]) error {
		for _, a := range d.Value.Attempts {
			a.Tenant = d.Tenant
			c.Restore(a)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return each(ctx, l.findings, docstore.Range{Field: "changed", Gte: since}, func(d docstore.Doc[said]) error {
		c.RestoreFinding(d.Value.Trigger, d.Value.Finding, d.Value.Withdrawn)
		return nil
	})
}

// expire deletes what lies before the horizon and is not held by the core.
func (l *ledger) expire(ctx context.Context, horizon, saidBefore time.Time, held func(tenant, eventID string) bool) error {
	ctx = systemscope.Enter(ctx, "the correlator lets go of old logons")
	err := each(ctx, l.lookback, docstore.Range{Field: "last", Lt: horizon}, func(d docstore.Doc[chunk]) error {
		if slices.ContainsFunc(d.Value.Attempts, func(a *Attempt) bool { return held(d.Tenant, a.EventID) }) {
			return nil
		}
		return ignore(l.lookback.Delete(ctx, d.ID))
	})
	if err != nil {
		return err
	}
	return each(ctx, l.findings, docstore.Range{Field: "changed", Lt: saidBefore}, func(d docstore.Doc[said]) error {
		if d.Value.Finding.Time.After(saidBefore) {
			return nil
		}
		return ignore(l.findings.Delete(ctx, d.ID))
	})
}

// ignore lets a document be that is gone, or waits for its relay.
func ignore(err error) error {
	if errors.Is(err, docstore.ErrNotFound) || errors.Is(err, docstore.ErrPending) {
		return nil
	}
	return err
}

func each[T any](ctx context.Context, c docstore.Collection[T], f docstore.Filter, do func(docstore.Doc[T]) error) error {
	for after := ""; ; {
		page, err := c.Find(ctx, f, docstore.FindOptions{After: after, Limit: 200})
		if err != nil {
			return err
		}
		for _, d := range page.Docs {
			if err := do(d); err != nil {
				return err
			}
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}
