package reparse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"varde.internal/ingest/collector"
	"varde.internal/platform/audit"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// runner does the jobs, of each tenant one at a time.
type runner struct {
	cfg     Config
	log     *slog.Logger
	clock   func() time.Time
	docs    docstore.Store
	jobs    docstore.Collection[Job]
	letters *letters
	reader  *collector.Rereader
	events  eventindex.Index
	bus     bus.Publisher
	holder  string
	wake    chan struct{}

	mu   sync.Mutex
	busy map[string]bool // tenants whose job runs here
	wg   sync.WaitGroup
}

// errNotStored is of events that the index did not take in time.
var errNotStored = errors.New("reparse: events that were read again did not reach the index")

// errCancelled ends a job that is to stop.
var errCancelled = errors.New("reparse: cancelled")

// run looks for jobs until ctx is done, and waits for its own to end: they go
// on at the next start.
func (r *runner) run(ctx context.Context) {
	defer r.wg.Wait()
	select {
	case <-ctx.Done():
		return
	case <-r.reader.Known():
	}
	tick := time.NewTicker(r.cfg.Look)
	defer tick.Stop()
	for {
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "jobs could not be looked for", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-r.wake:
		}
	}
}

func (r *runner) look(ctx context.Context) error {
	wide := systemscope.Enter(ctx, "jobs of every tenant that are to be done")
	page, err := r.jobs.Find(wide, docstore.Eq{Field: "active", Value: true}, docstore.FindOptions{Limit: 100})
	if err != nil {
		return err
	}
	for _, d := range page.Docs {
		r.mu.Lock()
		taken := r.busy[d.Tenant] || len(r.busy) >= r.cfg.AtOnce
		if !taken {
			r.busy[d.Tenant] = true
		}
		r.mu.Unlock()
		if taken {
			continue
		}
		r.wg.Go(func() {
			defer func() {
				r.mu.Lock()
				defer r.mu.Unlock()
				delete(r.busy, d.Tenant)
			}()
			if err := r.leased(tenant.With(ctx, tenant.ID(d.Tenant)), d); err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "a job stopped and will go on", "job", d.ID, "tenant", d.Tenant, "error", err)
			}
		})
	}
	return nil
}

// leaseFor is how long a process that died keeps others from a job.
const leaseFor = 30 * time.Second

// leased does a job while this process has it, if no other has.
func (r *runner) leased(ctx context.Context, d docstore.Doc[Job]) error {
	name := "reparse/" + d.Tenant
	if ok, err := r.docs.Lease(ctx, name, r.holder, leaseFor); err != nil || !ok {
		return err
	}
	ctx, lost := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(leaseFor / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if ok, err := r.docs.Lease(ctx, name, r.holder, leaseFor); err != nil || !ok {
					lost() // another may take it up
				}
			}
		}
	})
	defer func() {
		lost()
		renewing.Wait()
		free, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = r.docs.Release(free, name, r.holder) // it ends by itself otherwise
	}()
	return r.work(ctx, d.ID)
}

// work does a job to its end. What may pass leaves it active: it is taken up
// again.
func (r *runner) work(ctx context.Context, id string) error {
	doc, err := r.jobs.Update(ctx, id, func(j *Job, _ *docstore.Outbox) error {
		j.State = StateRunning
		if j.Started.IsZero() {
			j.Started = r.clock().UTC()
		}
		return nil
	})
	if err != nil {
		return err
	}
	job := &doc.Value
	if job.Total == 0 {
		if job.Total, err = r.total(ctx, job.Asked); err != nil {
			return err
		}
	}
	if job.Kind == KindReparse {
		err = r.days(ctx, id, job)
	} else {
		err = r.lettersOf(ctx, id, job)
	}
	switch {
	case err == nil:
		return r.end(ctx, id, job, StateDone, "")
	case errors.Is(err, errCancelled):
		return r.end(ctx, id, job, StateCancelled, "")
	case errors.Is(err, errNotStored):
		r.log.WarnContext(ctx, "a job failed", "job", id, "error", err)
		return r.end(ctx, id, job, StateFailed, "not-stored")
	}
	return err
}

func (r *runner) total(ctx context.Context, a Asked) (int, error) {
	if a.Kind != KindReparse {
		return r.letters.all.Count(ctx, selected(a))
	}
	q, err := ofSource(a.Source)
	if err != nil {
		return 0, err
	}
	hits, err := r.events.Search(ctx, q, eventindex.Range{From: a.From, To: a.To}, eventindex.Page{Limit: 1})
	return hits.Total, err
}

// note keeps how far a job has come, and says whether it is to stop.
func (r *runner) note(ctx context.Context, id string, job *Job) error {
	doc, err := r.jobs.Update(ctx, id, func(j *Job, _ *docstore.Outbox) error {
		j.Total, j.Progress, j.Examples = max(job.Total, job.Done), job.Progress, job.Examples
		return nil
	})
	if err == nil && doc.Value.Cancel {
		return errCancelled
	}
	return err
}

// end records what became of a job, in the tenant's audit log too.
func (r *runner) end(ctx context.Context, id string, job *Job, state, why string) error {
	_, err := r.jobs.Update(ctx, id, func(j *Job, out *docstore.Outbox) error {
		j.Total, j.Progress, j.Examples = max(job.Total, job.Done), job.Progress, job.Examples
		j.State, j.Problem, j.Active, j.Ended = state, why, false, r.clock().UTC()
		o := audit.ChangeRecord(topics.AuditRecord{
			Tenant: string(tenantOf(ctx)), Service: Name, Actor: j.Actor, Action: "reparse.end", Object: "job:" + id,
			Details: map[string]string{"kind": j.Kind, "state": state},
			Counts:  map[string]int{"done": j.Done, "changed": j.Changed, "unchanged": j.Unchanged, "failed": j.Failed},
		})
		out.Publish(o.Topic, o.Message)
		return nil
	})
	return err
}

func tenantOf(ctx context.Context) tenant.ID {
	id, _ := tenant.From(ctx) // of a job there is one
	return id
}

// publish sends events that are new or read again on their way, and waits
// until the index has them: no job is faster than the index, and the next one
// finds what this one did.
func (r *runner) publish(ctx context.Context, events []ecs.Event) error {
	if len(events) == 0 {
		return nil
	}
	msgs := make([]bus.Message, 0, len(events))
	last := map[string]*ecs.Event{} // of each key: those of one come in order
	for i := range events {
		m, err := r.reader.Message(&events[i])
		if err != nil {
			return err // asked before
		}
		msgs = append(msgs, m)
		last[m.Tenant+"/"+m.Key] = &events[i]
	}
	if err := r.bus.Publish(ctx, bus.TopicEvents, msgs...); err != nil {
		return err
	}
	until := time.Now().Add(r.cfg.StoreWait)
	for _, e := range last {
		if err := r.stored(ctx, e, until); err != nil {
			return err
		}
	}
	return nil
}

// stored waits until the index has an event, in this reading or a later one.
func (r *runner) stored(ctx context.Context, e *ecs.Event, until time.Time) error {
	own := tenant.With(ctx, tenant.ID(e.Varde.Tenant))
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		has, err := r.events.Get(own, e.Event.ID)
		switch {
		case err == nil && has.Varde.Generation >= e.Varde.Generation:
			return nil
		case err != nil && !errors.Is(err, eventindex.ErrNotFound):
			return err
		case time.Now().After(until):
			return fmt.Errorf("%w within %s", errNotStored, r.cfg.StoreWait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// lettersOf replays or discards letters, oldest first by their id, a step at a
// time.
func (r *runner) lettersOf(ctx context.Context, id string, job *Job) error {
	touched := map[string]bool{job.Group: true}
	for {
		f := docstore.And{selected(job.Asked)}
		if job.AtID != "" {
			f = append(f, docstore.Range{Field: "_id", Gt: job.AtID})
		}
		page, err := r.letters.all.Find(ctx, f, docstore.FindOptions{Limit: r.cfg.Step, Sort: []docstore.Sort{{Field: "_id"}}})
		if err != nil {
			return err
		}
		if len(page.Docs) == 0 {
			break
		}
		for _, d := range page.Docs {
			touched[d.Value.Group] = true
		}
		if job.Kind == KindDiscard {
			err = r.discard(ctx, page.Docs, &job.Progress)
		} else {
			err = r.replay(ctx, page.Docs, &job.Progress)
		}
		if err != nil {
			return err
		}
		job.AtID = page.Docs[len(page.Docs)-1].ID
		if err := r.note(ctx, id, job); err != nil {
			return err
		}
	}
	return r.letters.tidy(ctx, func(group string, g Group) bool {
		return job.Kind == KindDiscard && (group == job.Group || job.Source != "" && g.Source == job.Source)
	})
}

func (r *runner) discard(ctx context.Context, docs []docstore.Doc[Letter], p *Progress) error {
	holds, err := r.letters.holds(ctx)
	if err != nil {
		return err
	}
	for _, d := range docs {
		if held(holds, &d.Value) {
			p.fail(ReasonHeld)
			continue
		}
		if err := r.letters.gone(ctx, d.ID); err != nil {
			return err
		}
		p.Done++
		p.Changed++
	}
	return nil
}

// refused is why a letter stays.
type refused struct{ id, reason, detail string }

// replay reads letters again. Events are durable, and in the index, before
// their letters go.
func (r *runner) replay(ctx context.Context, docs []docstore.Doc[Letter], p *Progress) error {
	readings := r.newReadings()
	var events []ecs.Event
	var done []string
	var stay []refused
	for _, d := range docs {
		e, publish, reason, detail, err := r.letter(ctx, readings, d)
		switch {
		case err != nil:
			return err
		case reason != "":
			stay = append(stay, refused{d.ID, reason, detail})
		default:
			done = append(done, d.ID)
			if publish {
				events = append(events, e)
			}
		}
	}
	if err := r.publish(ctx, events); err != nil {
		return err
	}
	for _, id := range done {
		if err := r.letters.gone(ctx, id); err != nil {
			return err
		}
		p.Done++
		p.Changed++
	}
	for _, s := range stay {
		if err := r.letters.again(ctx, s.id, s.reason, s.detail); err != nil {
			return err
		}
		p.fail(s.reason)
	}
	return nil
}

// letter reads one letter again: the event it becomes and whether that is to
// be published (the index may have it), or why it stays.
func (r *runner) letter(ctx context.Context, readings *readings, d docstore.Doc[Letter]) (e ecs.Event, publish bool, reason, detail string, err error) {
	l := d.Value
	if !collector.Replayable(l.Reason) {
		return e, false, l.Reason, l.Detail, nil
	}
	raw, err := r.letters.seal.open(d.Tenant, d.ID, l.Sealed)
	if err != nil {
		return e, false, reasonSealed, "", nil //nolint:nilerr // it stays, with that reason
	}
	came := collector.Came{Source: l.Source, Provenance: l.Provenance, Path: l.Path, Live: l.Live}
	line := collector.Received{ID: d.ID, Raw: raw, At: l.Received, Offset: l.Offset, Resolve: l.Reference, Document: l.Document}
	if l.Stage == stageIndex {
		refusedEvent, err := eventindex.Decode(slices.Clone(raw))
		if err != nil {
			return e, false, eventindex.ReasonUnreadable, "", nil //nolint:nilerr // it stays, with that reason
		}
		if refusedEvent.Varde.Tenant != d.Tenant {
			return e, false, eventindex.ReasonTenant, "", nil
		}
		came = cameOf(&refusedEvent)
		line = collector.Received{ID: refusedEvent.Event.ID, Raw: collector.Raw(&refusedEvent), At: refusedEvent.Event.Created}
		if refusedEvent.Log != nil {
			line.Offset = refusedEvent.Log.Offset
		}
	}
	reading, ok := readings.open(came)
	if !ok {
		return e, false, collector.ReasonSource, "", nil
	}
	if e, err = reading.Event(line); err != nil {
		reason, detail = collector.ReasonOf(err)
		return e, false, reason, detail, nil
	}
	if reason = eventindex.Check(&e, ""); reason != "" {
		return e, false, reason, "", nil
	}
	if _, err := r.reader.Message(&e); err != nil {
		reason, detail = collector.ReasonOf(err)
		return e, false, reason, detail, nil
	}
	return r.beside(ctx, e)
}

// beside compares an event that came of a letter with what the index has
// under its id.
func (r *runner) beside(ctx context.Context, e ecs.Event) (_ ecs.Event, publish bool, reason, detail string, err error) {
	has, err := r.events.Get(tenant.With(ctx, tenant.ID(e.Varde.Tenant)), e.Event.ID)
	switch {
	case errors.Is(err, eventindex.ErrNotFound):
		return e, true, "", "", nil
	case err != nil:
		return e, false, "", "", err
	case !eventindex.SameLine(&has, &e):
		return e, false, eventindex.ReasonConflict, "", nil
	}
	e.Varde.Partition = has.Varde.Partition
	next, same, reason := better(&has, &e)
	return next, !same, reason, "", nil
}

// What dead letters of the index are.
const (
	stageIndex   = "index"
	reasonSealed = "unreadable"
)

// cameOf says how a stored event came.
func cameOf(e *ecs.Event) collector.Came {
	c := collector.Came{Source: e.Varde.Source, Provenance: e.Varde.Provenance, Live: e.Varde.Provenance != ecs.ProvenanceImport}
	if e.Log != nil && e.Log.File != nil {
		c.Path, c.Live = e.Log.File.Path, false
	}
	return c
}

// readings are what lines are read with, one for each way they came, as the
// register stood when it was opened. Not safe for concurrent use.
type readings struct {
	reader  *collector.Rereader
	version uint64
	have    map[collector.Came]*collector.Reading
}

func (r *runner) newReadings() *readings {
	return &readings{reader: r.reader, have: map[collector.Came]*collector.Reading{}}
}

// mostReadings bounds how many are remembered.
const mostReadings = 1000

func (r *readings) open(c collector.Came) (*collector.Reading, bool) {
	if v := r.reader.Version(); v != r.version || len(r.have) >= mostReadings {
		clear(r.have)
		r.version = v
	}
	if known, ok := r.have[c]; ok {
		return known, known != nil
	}
	reading, ok := r.reader.Open(c)
	if !ok {
		reading = nil
	}
	r.have[c] = reading
	return reading, ok
}
