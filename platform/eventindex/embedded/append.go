package embedded

import (
	"context"
	"errors"
	"slices"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/internal/scope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// incoming is an event on its way into a partition, with where its result goes
// and, later, where its cells are.
type incoming struct {
	event    *ecs.Event
	result   *eventindex.Result
	doc      []byte
	from, to int
}

// Append stores events, one transaction for each partition they go to. After
// an error any of those transactions may have been made; the same call again
// is harmless.
func (x *Index) Append(ctx context.Context, events []ecs.Event) ([]eventindex.Result, error) {
	s, ok := scope.From(ctx)
	if !ok || !s.System && s.Tenant == "" {
		return nil, tenant.ErrMissing
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	results := make([]eventindex.Result, len(events))
	type key struct{ tenant, partition string }
	var order []key
	groups := map[key][]incoming{}
	for i := range events {
		e := &events[i]
		results[i].ID = e.Event.ID
		in, reason := prepare(e, tenant.ID(s.Tenant))
		if reason != "" {
			results[i].Status, results[i].Reason = eventindex.Rejected, reason
			continue
		}
		in.result = &results[i]
		k := key{e.Varde.Tenant, e.Varde.Partition}
		if groups[k] == nil {
			order = append(order, k)
			groups[k] = make([]incoming, 0, len(events)-i)
		}
		groups[k] = append(groups[k], in)
	}
	var errs []error
	for _, k := range order {
		// What one partition does not take keeps nothing from the others.
		errs = append(errs, x.appendTo(ctx, tenant.ID(k.tenant), k.partition, groups[k]))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return results, nil
}

func prepare(e *ecs.Event, allowed tenant.ID) (incoming, string) {
	if reason := eventindex.Check(e, allowed); reason != "" {
		return incoming{}, reason
	}
	doc, err := document(e)
	if err != nil {
		return incoming{}, eventindex.ReasonUnreadable
	}
	return incoming{event: e, doc: doc}, ""
}

func (x *Index) appendTo(ctx context.Context, t tenant.ID, name string, in []incoming) error {
	for {
		p, err := x.named(t, name)
		if err != nil {
			return err
		}
		err = x.use(ctx, p, func() error { return p.together(ctx, &call{in: in}) })
		if !errors.Is(err, errDropped) {
			return err
		}
		if err := x.awaitGone(ctx, p); err != nil {
			return err
		}
	}
}

// call is an append that waits for its turn.
type call struct {
	in   []incoming
	done bool
	err  error
}

// mostTogether is up to how many events the calls that wait are joined.
const mostTogether = 4000

// together appends what a call brings, with what others brought while a
// transaction ran: one wait for the disk, and one change of each page, for all.
func (p *partition) together(ctx context.Context, own *call) error {
	p.waiting.Lock()
	p.calls = append(p.calls, own)
	p.waiting.Unlock()
	p.writing.Lock()
	defer p.writing.Unlock()
	if own.done {
		return own.err
	}
	// A context that can end costs a goroutine for every statement, and a
	// transaction is short; others may depend on this one.
	p.run(context.WithoutCancel(ctx), p.take(own))
	return own.err
}

// take gives the calls that wait, own among them, up to a number of events.
func (p *partition) take(own *call) []*call {
	p.waiting.Lock()
	defer p.waiting.Unlock()
	taken, events := []*call{own}, len(own.in)
	p.calls = slices.DeleteFunc(p.calls, func(c *call) bool {
		if c == own {
			return true
		}
		if events+len(c.in) > mostTogether {
			return false
		}
		events += len(c.in)
		taken = append(taken, c)
		return true
	})
	return taken
}

func (p *partition) run(ctx context.Context, calls []*call) {
	var in []incoming
	for _, c := range calls {
		in = append(in, c.in...)
	}
	err := p.append(ctx, in)
	for _, c := range calls {
		c.done, c.err = true, err
		if err != nil && len(calls) > 1 { // one of them must not fail the others
			c.err = p.append(ctx, c.in)
		}
	}
}
