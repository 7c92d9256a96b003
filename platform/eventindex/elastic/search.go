package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/internal/scope"
	"varde.internal/platform/kql"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// order by time and id, with nanoseconds.
func order(ascending bool) []map[string]direction {
	d := "desc"
	if ascending {
		d = "asc"
	}
	return []map[string]direction{
		{"@timestamp": {Order: d, Format: "strict_date_optional_time_nanos", Type: "date_nanos"}},
		{"event.id": {Order: d, Type: "keyword"}},
	}
}

func after(p eventindex.Position) []any { return []any{stamp(p.Time), p.ID} }

func positionOf(e *ecs.Event) eventindex.Position {
	return eventindex.Position{Time: e.Timestamp.UnixNano(), ID: e.Event.ID}
}

var withoutMade = sourceFilter{Excludes: []string{"search"}}

// ask searches in indexes that need not exist. An answer of only some of the
// shards is an error: it would look like fewer events.
func (x *Index) ask(ctx context.Context, indexes []string, r request) (answer, error) {
	body, err := encode(r)
	if err != nil {
		return answer{}, err
	}
	req := esapi.SearchRequest{Index: indexes, Body: body, AllowPartialSearchResults: no()}
	if r.PIT == nil {
		req.IgnoreUnavailable, req.AllowNoIndices = yes(), yes()
	}
	var a answer
	if err := x.do(ctx, req, &a); err != nil {
		return a, err
	}
	if a.TimedOut || a.Shards.Failed > 0 {
		return a, errors.New("eventindex: elasticsearch answered in part")
	}
	return a, nil
}

func (a answer) events() ([]ecs.Event, error) {
	out := make([]ecs.Event, len(a.Hits.Hits))
	for i, h := range a.Hits.Hits {
		if err := json.Unmarshal(h.Source, &out[i]); err != nil {
			return nil, fmt.Errorf("eventindex: stored event: %w", err)
		}
	}
	return out, nil
}

// Search goes from page to page by time and id. That alone keeps pages stable:
// no point in time has to be held open, none can expire between two pages.
func (x *Index) Search(ctx context.Context, q kql.Query, r eventindex.Range, p eventindex.Page) (eventindex.Hits, error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return eventindex.Hits{}, err
	}
	req := request{Query: conditions(t, q, r), Size: p.Clamp() + 1, Sort: order(p.Ascending), TrackTotalHits: eventindex.TotalLimit, Source: withoutMade}
	if p.After != "" {
		at, err := eventindex.ReadCursor(q, p.Ascending, p.After)
		if err != nil {
			return eventindex.Hits{}, err
		}
		req.SearchAfter = after(at)
	}
	a, err := x.ask(ctx, x.pattern(t), req)
	if err != nil {
		return eventindex.Hits{}, err
	}
	hits := eventindex.Hits{Total: min(a.Hits.Total.Value, eventindex.TotalLimit), Exact: a.Hits.Total.Relation != "gte"}
	if hits.Events, err = a.events(); err != nil {
		return eventindex.Hits{}, err
	}
	if len(hits.Events) == req.Size {
		hits.Events = hits.Events[:req.Size-1]
		hits.Next = eventindex.Cursor(q, p.Ascending, positionOf(&hits.Events[len(hits.Events)-1]))
	}
	return hits, nil
}

// Get finds an event in whichever partition has it.
func (x *Index) Get(ctx context.Context, id string) (ecs.Event, error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return ecs.Event{}, err
	}
	query := clause{Bool: &boolean{Filter: []clause{{IDs: &ids{[]string{id}}}, term("varde.tenant", string(t))}}}
	a, err := x.ask(ctx, x.pattern(t), request{Query: query, Size: 1, Sort: order(false), Source: withoutMade})
	if err != nil {
		return ecs.Event{}, err
	}
	events, err := a.events()
	if err != nil {
		return ecs.Event{}, err
	}
	if len(events) == 0 {
		return ecs.Event{}, eventindex.ErrNotFound
	}
	return events[0], nil
}

// Around reads what lies on both sides of an event.
func (x *Index) Around(ctx context.Context, id string, before, later int) ([]ecs.Event, error) {
	middle, err := x.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	t, err := tenant.From(ctx)
	if err != nil {
		return nil, err
	}
	var q kql.Query
	if middle.Host != nil && middle.Host.Name != "" {
		q.Root = kql.Equal{Field: "host.name", Value: middle.Host.Name}
	}
	side := func(n int, ascending bool) ([]ecs.Event, error) {
		if n = min(n, 1000); n <= 0 {
			return nil, nil
		}
		a, err := x.ask(ctx, x.pattern(t), request{Query: conditions(t, q, eventindex.Range{}), Size: n, Sort: order(ascending),
			SearchAfter: after(positionOf(&middle)), TrackTotalHits: false, Source: withoutMade})
		if err != nil {
			return nil, err
		}
		return a.events()
	}
	out, err := side(before, false)
	if err != nil {
		return nil, err
	}
	slices.Reverse(out)
	rest, err := side(later, true)
	return append(append(out, middle), rest...), err
}

// Scan reads a point in time, so that what arrives meanwhile does not matter.
func (x *Index) Scan(ctx context.Context, q kql.Query, r eventindex.Range, fn func(ecs.Event) error) error {
	t, err := tenant.From(ctx)
	if err != nil {
		return err
	}
	var opened struct {
		ID string `json:"id"`
	}
	const keep = "5m"
	err = x.do(ctx, esapi.OpenPointInTimeRequest{Index: x.pattern(t), KeepAlive: keep, IgnoreUnavailable: yes()}, &opened)
	if statusOf(err) == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if body, err := encode(opened); err == nil {
			_ = x.do(ctx, esapi.ClosePointInTimeRequest{Body: body}, nil) // it ends by itself too
		}
	}()
	req := request{Query: conditions(t, q, r), Size: 1000, Sort: order(true), TrackTotalHits: false, Source: withoutMade}
	for {
		req.PIT = &pit{opened.ID, keep}
		a, err := x.ask(ctx, nil, req)
		if err != nil {
			return err
		}
		if a.PIT != "" {
			opened.ID = a.PIT
		}
		events, err := a.events()
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := fn(e); err != nil {
				return err
			}
		}
		if len(events) < req.Size {
			return ctx.Err()
		}
		req.SearchAfter = after(positionOf(&events[len(events)-1]))
	}
}

// Histogram counts per interval. An open end of the range is where the events end.
func (x *Index) Histogram(ctx context.Context, q kql.Query, r eventindex.Range, interval time.Duration, loc *time.Location) ([]eventindex.Bucket, error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return nil, err
	}
	if loc == nil {
		loc = time.UTC
	}
	if r.From.IsZero() || r.To.IsZero() {
		first, last, ok, err := x.ends(ctx, x.pattern(t), clause{MatchAll: &struct{}{}})
		if err != nil || !ok {
			return nil, err
		}
		if r.From.IsZero() {
			r.From = first
		}
		if r.To.IsZero() {
			r.To = last.Add(1)
		}
	}
	buckets, err := eventindex.Buckets(r, interval, loc)
	if err != nil || len(buckets) == 0 {
		return buckets, err
	}
	h := dateHistogram{Field: "@timestamp", Minimum: 1}
	if interval < 24*time.Hour {
		h.Fixed = strconv.FormatInt(max(1, interval.Milliseconds()), 10) + "ms"
	} else {
		h.Calendar, h.TimeZone = "1d", loc.String()
	}
	a, err := x.ask(ctx, x.pattern(t), request{Query: conditions(t, q, r), TrackTotalHits: false,
		Aggs: map[string]agg{"times": {DateHistogram: &h, Aggs: map[string]agg{"outcome": {Terms: &termsAgg{Field: "event.outcome", Size: 20}}}}}})
	if err != nil {
		return nil, err
	}
	for _, b := range a.Aggs["times"].Buckets {
		millis, err := strconv.ParseInt(string(b.Key), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("eventindex: answer of elasticsearch: %w", err)
		}
		// A day of the engine can begin before the first bucket where a bucket has several days.
		at := time.UnixMilli(millis)
		if at.Before(buckets[0].Start) {
			at = buckets[0].Start
		}
		rest := b.Count
		for _, o := range b.Outcome.Buckets {
			eventindex.Add(buckets, at, text(o), o.Count)
			rest -= o.Count
		}
		eventindex.Add(buckets, at, "", rest)
	}
	return buckets, nil
}

// ends gives the earliest and the latest event time.
func (x *Index) ends(ctx context.Context, indexes []string, query clause) (first, last time.Time, ok bool, err error) {
	for _, ascending := range []bool{true, false} {
		a, err := x.ask(ctx, indexes, request{Query: query, Size: 1, Sort: order(ascending), TrackTotalHits: false, Source: sourceFilter{Includes: []string{"@timestamp"}}})
		if err != nil {
			return first, last, false, err
		}
		events, err := a.events()
		if err != nil || len(events) == 0 {
			return first, last, false, err
		}
		if ascending {
			first = events[0].Timestamp
		} else {
			last = events[0].Timestamp
		}
	}
	return first.UTC(), last.UTC(), true, nil
}

// Terms counts the values of a field. A shard gives more values than are
// asked for, so that those that are frequent together are not lost.
func (x *Index) Terms(ctx context.Context, q kql.Query, r eventindex.Range, field string, n int) ([]eventindex.TermCount, error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return nil, err
	}
	f, ok := ecs.Lookup(field)
	if !ok || !eventindex.Countable(f) {
		return nil, fmt.Errorf("%w: %s", eventindex.ErrField, field)
	}
	if n <= 0 {
		return nil, nil
	}
	ask, begin := termsAgg{Field: f.Name, Size: n, ShardSize: max(1000, 10*n)}, ""
	if key, ok := strings.CutPrefix(f.Name, ecs.LabelPrefix); ok {
		begin = key + labelMark
		ask.Field, ask.Include = fieldLabels, exactly(begin)+".*"
	}
	a, err := x.ask(ctx, x.pattern(t), request{Query: conditions(t, q, r), TrackTotalHits: false, Aggs: map[string]agg{"values": {Terms: &ask}}})
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, b := range a.Aggs["values"].Buckets {
		if v, ok := strings.CutPrefix(text(b), begin); ok {
			counts[v] = b.Count
		}
	}
	return eventindex.Top(counts, n), nil
}

// exactly writes text as a regular expression of Lucene.
func exactly(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x80 && r != 0 && !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9') {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func text(b bucket) string {
	if b.KeyAsString != "" {
		return b.KeyAsString
	}
	var s string
	if json.Unmarshal(b.Key, &s) == nil {
		return s
	}
	return string(b.Key)
}

type statsAnswer struct {
	Indices map[string]struct {
		Primaries struct {
			Docs struct {
				Count int `json:"count"`
			} `json:"docs"`
			Store struct {
				Bytes int64 `json:"size_in_bytes"`
			} `json:"store"`
		} `json:"primaries"`
	} `json:"indices"`
}

// Partitions lists the partitions of the context's tenant, in system scope of all.
func (x *Index) Partitions(ctx context.Context) ([]eventindex.Partition, error) {
	pattern := []string{x.opt.Prefix + ".*"}
	if s, ok := scope.From(ctx); !ok || !s.System {
		t, err := tenant.From(ctx)
		if err != nil {
			return nil, err
		}
		pattern = x.pattern(t)
	}
	var stats statsAnswer
	err := x.do(ctx, esapi.IndicesStatsRequest{Index: pattern, Metric: []string{"docs", "store"}}, &stats)
	if statusOf(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []eventindex.Partition
	for name, s := range stats.Indices {
		t, partition, ok := x.split(name)
		if !ok {
			continue
		}
		p := eventindex.Partition{Name: partition, Tenant: t, Events: s.Primaries.Docs.Count, Bytes: s.Primaries.Store.Bytes}
		if p.First, p.Last, ok, err = x.ends(ctx, []string{name}, clause{MatchAll: &struct{}{}}); err != nil {
			return nil, err
		}
		if ok {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b eventindex.Partition) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}
