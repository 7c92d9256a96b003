package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
)

// question is one of the table of the targets; ask does it once, about
// something that r draws, and says how many it found.
type question struct {
	name   string
	target time.Duration
	ask    func(r *rand.Rand) (int, error)
}

type asking struct {
	ctx   context.Context
	index eventindex.Index
	month eventindex.Range
}

func (a asking) query(text string) kql.Query {
	q, err := kql.Parse(text, kql.Options{})
	if err != nil { // they are constants
		panic(err)
	}
	return q
}

func (a asking) page(limit int, text func(*rand.Rand) string, within func(*rand.Rand) eventindex.Range) func(*rand.Rand) (int, error) {
	return func(r *rand.Rand) (int, error) {
		hits, err := a.index.Search(a.ctx, a.query(text(r)), within(r), eventindex.Page{Limit: limit})
		return hits.Total, err
	}
}

func (a asking) histogram(text func(*rand.Rand) string) func(*rand.Rand) (int, error) {
	return func(r *rand.Rand) (int, error) {
		buckets, err := a.index.Histogram(a.ctx, a.query(text(r)), a.month, time.Hour, time.UTC)
		n := 0
		for _, b := range buckets {
			n += b.Count
		}
		return n, err
	}
}

// terms asks for the ten most frequent values of a field.
func (a asking) terms(field, text string) func(*rand.Rand) (int, error) {
	return func(*rand.Rand) (int, error) {
		top, err := a.index.Terms(a.ctx, a.query(text), a.month, field, 10)
		return len(top), err
	}
}

// both asks one after the other.
func both(first, second func(*rand.Rand) (int, error)) func(*rand.Rand) (int, error) {
	return func(r *rand.Rand) (int, error) {
		n, err := first(r)
		if err == nil {
			_, err = second(r)
		}
		return n, err
	}
}

func constant(text string) func(*rand.Rand) string { return func(*rand.Rand) string { return text } }

func (a asking) questions(days int) []question {
	month := func(*rand.Rand) eventindex.Range { return a.month }
	day := func(r *rand.Rand) eventindex.Range {
		from := begin.AddDate(0, 0, r.IntN(days))
		return eventindex.Range{From: from, To: from.AddDate(0, 0, 1)}
	}
	user := func(r *rand.Rand) string { return fmt.Sprintf("user.name: user%04d", r.IntN(300)) }
	host := func(r *rand.Rand) string {
		return fmt.Sprintf("host.name: srv-%02d and event.outcome: failure", r.IntN(60))
	}
	ms := time.Millisecond
	return []question{
		{"newest 50 by user in a day", 20 * ms, a.page(50, user, day)},
		{"by user, with total", 150 * ms, a.page(50, user, month)},
		{"by host and outcome, with total", 150 * ms, a.page(50, host, month)},
		{"outcome: failure, with total", 150 * ms, a.page(50, constant("event.outcome: failure"), month)},
		{"by network, with total", 150 * ms, a.page(50, func(r *rand.Rand) string { return fmt.Sprintf("source.ip: 10.20.%d.0/24", r.IntN(25)) }, month)},
		{"not successful and not of one host, with total", 150 * ms, a.page(50, constant("not event.outcome: success and not host.name: srv-01"), month)},
		{"all, with total", 150 * ms, a.page(50, constant(""), month)},
		{"two words, one rare", 300 * ms, a.page(50, func(r *rand.Rand) string { return fmt.Sprintf("failed user%04d", 20+r.IntN(2000)) }, month)},
		{"two words, both common", 300 * ms, a.page(50, constant("failed password"), month)},
		{"two words that are never together", 300 * ms, a.page(50, constant("accepted preauth"), month)},
		{"a phrase of two common words", 300 * ms, a.page(50, constant(`"invalid user"`), month)},
		{"hourly histogram of all, with the ten first users", 200 * ms, both(a.histogram(constant("")), a.terms("user.name", ""))},
		{"hourly histogram of all, with the ten first addresses", 200 * ms, both(a.histogram(constant("")), a.terms("source.ip", ""))},
		{"hourly histogram of all, with the ten first hosts", 200 * ms, both(a.histogram(constant("")), a.terms("host.name", ""))},
		{"hourly histogram of outcome: failure", time.Second, a.histogram(constant("event.outcome: failure"))},
		{"hourly histogram of a host's failures", time.Second, a.histogram(host)},
		{"hourly histogram of a user", time.Second, a.histogram(user)},
		{"hourly histogram of a word", 3 * time.Second, a.histogram(constant("failed"))},
		{"hourly histogram of half of all users", 3 * time.Second, a.histogram(constant("user.name: user0*"))},
		{"ten first users of outcome: failure", time.Second, a.terms("user.name", "event.outcome: failure")},
		{"one event by its id", 20 * ms, a.byID()},
		{"its surroundings", 150 * ms, a.around()},
	}
}

func (a asking) sample(r *rand.Rand) (string, error) {
	at := a.month.From.Add(time.Duration(r.Int64N(int64(a.month.To.Sub(a.month.From)))))
	hits, err := a.index.Search(a.ctx, kql.Query{}, eventindex.Range{From: at, To: at.Add(time.Hour)}, eventindex.Page{Limit: 1})
	if err != nil || len(hits.Events) == 0 {
		return "", err
	}
	return hits.Events[0].Event.ID, nil
}

func (a asking) byID() func(*rand.Rand) (int, error) {
	var ids []string
	return func(r *rand.Rand) (int, error) {
		for len(ids) < 50 {
			id, err := a.sample(r)
			if err != nil {
				return 0, err
			}
			ids = append(ids, id)
		}
		_, err := a.index.Get(a.ctx, ids[r.IntN(len(ids))])
		return 1, err
	}
}

func (a asking) around() func(*rand.Rand) (int, error) {
	return func(r *rand.Rand) (int, error) {
		id, err := a.sample(r)
		if err != nil {
			return 0, err
		}
		events, err := a.index.Around(a.ctx, id, 25, 25)
		return len(events), err
	}
}

func measure(ctx context.Context, x eventindex.Index, o options) error {
	parts, err := x.Partitions(ctx)
	if err != nil {
		return err
	}
	bytes, events := int64(0), 0
	for _, p := range parts {
		bytes, events = bytes+p.Bytes, events+p.Events
	}
	fmt.Printf("%d events in %d partitions, %d bytes on disk each\n\n", events, len(parts), bytes/int64(max(1, events)))
	a := asking{ctx, x, eventindex.Range{From: begin, To: begin.AddDate(0, 0, o.days)}}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer func() { _ = out.Flush() }()
	_, _ = fmt.Fprintln(out, "question\tfound\tp50\tp95\tCPU\tfirst\ttarget\tload\t")
	for _, q := range a.questions(o.days) {
		if !strings.Contains(q.name, o.only) {
			continue
		}
		if err := ask(out, q, o.runs); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		_ = out.Flush()
	}
	return a.pages(out, o)
}

// ask asks a question once to warm up, then again and again.
func ask(out *tabwriter.Writer, q question, runs int) error {
	r := rand.New(rand.NewPCG(3, 4))
	began := time.Now()
	if _, err := q.ask(r); err != nil {
		return err
	}
	first := time.Since(began)
	var took []time.Duration
	used, found := cpu(), 0
	for end := time.Now().Add(time.Minute); len(took) < runs && (len(took) < 3 || time.Now().Before(end)); {
		began := time.Now()
		n, err := q.ask(r)
		if err != nil {
			return err
		}
		took, found = append(took, time.Since(began)), n
	}
	each := (cpu() - used) / time.Duration(len(took))
	slices.Sort(took)
	_, err := fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t\n", q.name, found, short(took[len(took)/2]), short(took[len(took)*95/100]), short(each), short(first), short(q.target), load())
	return err
}

func short(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// pages goes through a result to its end: no page may cost more for those
// that come before it.
func (a asking) pages(out *tabwriter.Writer, o options) error {
	if !strings.Contains("pages to the end", o.only) {
		return nil
	}
	const limit = 500
	q := a.query("host.name: srv-07")
	var took []time.Duration
	n := 0
	for p := (eventindex.Page{Limit: limit}); ; {
		began := time.Now()
		hits, err := a.index.Search(a.ctx, q, a.month, p)
		if err != nil {
			return err
		}
		took, n = append(took, time.Since(began)), n+len(hits.Events)
		if p.After = hits.Next; p.After == "" {
			break
		}
	}
	for i, name := range []string{"first", "second", "third", "fourth", "last"} {
		part := slices.Clone(took[i*len(took)/5 : (i+1)*len(took)/5])
		if len(part) == 0 {
			continue
		}
		slices.Sort(part)
		if _, err := fmt.Fprintf(out, "pages of %d to the end: %s fifth\t%d\t%s\t%s\t\t\t\t%s\t\n", limit, name, n, short(part[len(part)/2]), short(part[len(part)*95/100]), load()); err != nil {
			return err
		}
	}
	return nil
}
