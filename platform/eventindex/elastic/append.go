package elastic

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/internal/scope"
	"varde.internal/platform/kql"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
)

// document is what lies in the index: the event, and what is made for searching.
type document struct {
	ecs.Event
	Search made `json:"search"`
}

type made struct {
	Text    string   `json:"text,omitempty"`
	Message bool     `json:"message,omitempty"`
	Labels  []string `json:"labels,omitempty"`
	Sum     string   `json:"sum"`
}

// incoming is an event with its place in the call.
type incoming struct {
	at         int
	index      string
	id         string
	generation int
	sum        string
	body       []byte
	event      *ecs.Event
}

// What one bulk request holds at most.
const (
	bulkBytes  = 8 << 20
	bulkEvents = 2000
)

// Append stores events with bulk requests, which are durable when they are
// answered. After an error any of the events may have been stored; the same
// call again is harmless.
func (x *Index) Append(ctx context.Context, events []ecs.Event) ([]eventindex.Result, error) {
	s, ok := scope.From(ctx)
	if !ok || !s.System && s.Tenant == "" {
		return nil, tenant.ErrMissing
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("eventindex: %w", err)
	}
	results := make([]eventindex.Result, len(events))
	var in []incoming
	for i := range events {
		results[i].ID = events[i].Event.ID
		one, reason := x.prepare(&events[i], tenant.ID(s.Tenant))
		if reason != "" {
			results[i].Status, results[i].Reason = eventindex.Rejected, reason
			continue
		}
		one.at = i
		in = append(in, one)
	}
	if len(in) == 0 {
		return results, nil
	}
	if err := x.install(ctx); err != nil {
		return nil, err
	}
	for len(in) > 0 {
		n, size := 0, 0
		for n < len(in) && n < bulkEvents && (n == 0 || size+len(in[n].body) <= bulkBytes) {
			size += len(in[n].body)
			n++
		}
		if err := x.bulk(ctx, in[:n], results); err != nil {
			return nil, err
		}
		in = in[n:]
	}
	return results, nil
}

func (x *Index) prepare(e *ecs.Event, allowed tenant.ID) (incoming, string) {
	if reason := eventindex.Check(e, allowed); reason != "" {
		return incoming{}, reason
	}
	sum, err := eventindex.ContentSum(*e)
	if err != nil {
		return incoming{}, eventindex.ReasonUnreadable
	}
	in := incoming{event: e, index: x.name(tenant.ID(e.Varde.Tenant), e.Varde.Partition), id: e.Event.ID, generation: e.Varde.Generation, sum: hex.EncodeToString(sum[:])}
	d := document{Event: *e, Search: made{Text: kql.TokenText(e.Message), Message: e.Message != "", Sum: in.sum}}
	for key := range e.Labels {
		f, ok := ecs.Lookup(ecs.LabelPrefix + key)
		if !ok {
			continue
		}
		for _, v := range f.Values(e) {
			d.Search.Labels = append(d.Search.Labels, key+labelMark+v.Text)
		}
	}
	if in.body, err = json.Marshal(d); err != nil {
		return incoming{}, eventindex.ReasonUnreadable
	}
	return in, ""
}

type action struct {
	Index *indexAction `json:"index"`
}

type indexAction struct {
	Index       string `json:"_index"`
	ID          string `json:"_id"`
	Version     int    `json:"version"`
	VersionType string `json:"version_type"`
}

type bulkAnswer struct {
	Items []map[string]struct {
		Status int    `json:"status"`
		Result string `json:"result"`
		Error  struct {
			Type   string `json:"type"`
			Reason string `json:"reason"`
		} `json:"error"`
	} `json:"items"`
}

func (x *Index) bulk(ctx context.Context, in []incoming, results []eventindex.Result) error {
	var body bytes.Buffer
	lines := json.NewEncoder(&body)
	for _, one := range in {
		// Versions begin with 1; an equal one is refused, a higher one replaces.
		if err := lines.Encode(action{&indexAction{one.index, one.id, one.generation + 1, "external"}}); err != nil {
			return fmt.Errorf("eventindex: %w", err)
		}
		body.Write(one.body)
		body.WriteByte('\n')
	}
	req := esapi.BulkRequest{Body: bytes.NewReader(body.Bytes())}
	if x.opt.Refresh {
		req.Refresh = "true"
	}
	var ans bulkAnswer
	if err := x.do(ctx, req, &ans); err != nil {
		return err
	}
	if len(ans.Items) != len(in) {
		return fmt.Errorf("eventindex: elasticsearch answered for %d of %d events", len(ans.Items), len(in))
	}
	var there []incoming
	for i, item := range ans.Items {
		a, r := item["index"], &results[in[i].at]
		switch {
		case a.Status == http.StatusCreated:
			r.Status = eventindex.Stored
		case a.Status == http.StatusOK:
			r.Status = eventindex.Replaced
		case a.Status == http.StatusConflict:
			there = append(there, in[i])
		case a.Status == http.StatusBadRequest && a.Error.Type != "illegal_argument_exception":
			r.Status, r.Reason = eventindex.Rejected, eventindex.ReasonUnreadable
		default: // too busy, no master, shard limit: the caller tries again
			return &responseError{status: a.Status, kind: a.Error.Type, reason: a.Error.Reason}
		}
	}
	return x.settle(ctx, there, results)
}

type getAnswer struct {
	Docs []struct {
		Found  bool `json:"found"`
		Source struct {
			ecs.Event
			Search struct {
				Sum string `json:"sum"`
			} `json:"search"`
		} `json:"_source"`
	} `json:"docs"`
}

// settle tells repeats from conflicts among the ids that are there already.
func (x *Index) settle(ctx context.Context, there []incoming, results []eventindex.Result) error {
	if len(there) == 0 {
		return nil
	}
	type place struct {
		Index string `json:"_index"`
		ID    string `json:"_id"`
	}
	ask := struct {
		Docs []place `json:"docs"`
	}{}
	for _, one := range there {
		ask.Docs = append(ask.Docs, place{one.index, one.id})
	}
	body, err := encode(ask)
	if err != nil {
		return err
	}
	var got getAnswer
	if err := x.do(ctx, esapi.MgetRequest{Body: body, SourceIncludes: []string{"search.sum", "varde.generation", "event.hash", "event.original"}}, &got); err != nil {
		return err
	}
	if len(got.Docs) != len(there) {
		return fmt.Errorf("eventindex: elasticsearch answered for %d of %d ids", len(got.Docs), len(there))
	}
	for i, d := range got.Docs {
		r := &results[there[i].at]
		if !d.Found { // its partition was dropped in between
			return fmt.Errorf("eventindex: an event went while it was compared")
		}
		one, stored := there[i], d.Source
		r.Status = eventindex.Compare(stored.Varde.Generation, one.generation, stored.Search.Sum == one.sum, eventindex.SameLine(&stored.Event, one.event))
		if r.Status == eventindex.Conflicting {
			r.Reason = eventindex.ReasonConflict
		}
	}
	return nil
}

// Drop deletes a partition's index.
func (x *Index) Drop(ctx context.Context, partition string) error {
	t, err := tenant.From(ctx)
	if err != nil {
		return err
	}
	if !eventindex.ValidPartition(partition) {
		return nil
	}
	err = x.do(ctx, esapi.IndicesDeleteRequest{Index: []string{x.name(t, partition)}, IgnoreUnavailable: yes()}, nil)
	if statusOf(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// split reads the tenant and the partition from the name of an index.
func (x *Index) split(index string) (t, partition string, ok bool) {
	rest, ok := strings.CutPrefix(index, x.opt.Prefix+".")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, ".")
}
