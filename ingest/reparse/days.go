package reparse

import (
	"cmp"
	"context"
	"slices"
	"time"

	"varde.internal/ingest/collector"
	"varde.internal/ingest/parse"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// warm is how much before its range a job reads along: what a line means may
// rest on the lines before it ("message repeated", a login in two lines).
const warm = 10 * time.Minute

// mostAlike bounds how many events of one moment are put in the order that
// they came in.
const mostAlike = 5000

// ofSource is the query for a source's events, or all.
func ofSource(source string) (kql.Query, error) {
	if source == "" {
		return kql.Query{}, nil
	}
	return kql.Parse(`varde.source:"`+source+`"`, kql.Options{})
}

// days reads the kept lines of a range again, in the order of the events'
// times, from where the job noted that it was.
func (r *runner) days(ctx context.Context, id string, job *Job) error {
	q, err := ofSource(job.Source)
	if err != nil {
		return err
	}
	from := job.From
	if job.At.After(from) {
		from = job.At
	}
	d := &day{runner: r, id: id, job: job, readings: r.newReadings(), kinds: map[string]int{}}
	err = r.events.Scan(ctx, q, eventindex.Range{From: from.Add(-warm), To: job.To}, func(e ecs.Event) error {
		if len(d.alike) > 0 && (!d.alike[0].Timestamp.Equal(e.Timestamp) || len(d.alike) >= mostAlike) {
			if err := d.moment(ctx); err != nil {
				return err
			}
		}
		d.alike = append(d.alike, e)
		return nil
	})
	if err == nil {
		err = d.moment(ctx)
	}
	if err == nil {
		err = d.flush(ctx)
	}
	return err
}

// day is a job at work.
type day struct {
	*runner
	id       string
	job      *Job
	readings *readings
	alike    []ecs.Event    // of one moment
	next     []ecs.Event    // to be stored
	read     int            // since the last step
	kinds    map[string]int // of examples
}

// moment reads the events of one moment in the order that they came in.
func (d *day) moment(ctx context.Context) error {
	came := slices.Clone(d.alike)
	slices.SortStableFunc(came, func(a, b ecs.Event) int {
		if d := a.Event.Created.Compare(b.Event.Created); d != 0 {
			return d
		}
		return cmp.Compare(offset(&a), offset(&b))
	})
	var last *ecs.Event
	for i := range came {
		e := &came[i]
		counts := !e.Timestamp.Before(d.job.From) && !d.job.past(e)
		reading, ok := d.readings.open(cameOf(e))
		if !ok {
			if counts {
				d.job.fail(collector.ReasonSource)
			}
		} else {
			read, err := reading.Again(e)
			if counts {
				d.judge(e, &read, err)
			}
		}
		if counts {
			d.read++
		}
	}
	for i := range d.alike { // by id, as the index gives them
		if e := &d.alike[i]; !e.Timestamp.Before(d.job.From) && !d.job.past(e) {
			last = e
		}
	}
	d.alike = d.alike[:0]
	if last == nil {
		return nil
	}
	d.job.At, d.job.AtID = last.Timestamp, last.Event.ID
	if d.read < d.cfg.Step {
		return nil
	}
	return d.flush(ctx)
}

func offset(e *ecs.Event) int64 {
	if e.Log == nil {
		return 0
	}
	return e.Log.Offset
}

// judge decides what becomes of one event.
func (d *day) judge(stored, read *ecs.Event, err error) {
	p := &d.job.Progress
	if d.job.Unparsed && stored.Event.Dataset != parse.DatasetUnparsed {
		p.Done++
		p.Unchanged++
		return
	}
	if err != nil {
		reason, _ := collector.ReasonOf(err)
		p.fail(reason)
		return
	}
	next, same, reason := better(stored, read)
	if reason == "" && !same {
		if _, err := d.reader.Message(&next); err != nil {
			reason, _ = collector.ReasonOf(err)
		}
	}
	switch {
	case reason != "":
		p.fail(reason)
	case same:
		p.Done++
		p.Unchanged++
	default:
		p.Done++
		p.Changed++
		if d.job.DryRun {
			d.example(stored, &next)
		} else {
			d.next = append(d.next, next)
		}
	}
}

// How many examples a preview keeps, and how many of one kind of change.
const (
	mostExamples = 8
	mostOfKind   = 2
)

func (d *day) example(stored, next *ecs.Event) {
	kind := stored.Event.Dataset + "→" + next.Event.Dataset
	if len(d.job.Examples) >= mostExamples || d.kinds[kind] >= mostOfKind {
		return
	}
	d.kinds[kind]++
	d.job.Examples = append(d.job.Examples, stored.Event.ID)
}

// flush ends a step: what changed is in the index before the place is noted.
func (d *day) flush(ctx context.Context) error {
	d.read = 0
	if err := d.publish(ctx, d.next); err != nil {
		return err
	}
	d.next = d.next[:0]
	return d.note(ctx, d.id, d.job)
}
