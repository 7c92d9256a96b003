package search

import (
	"context"
	"time"

	"varde.internal/platform/eventindex"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/gen/commonapi"
	"varde.internal/schemas/gen/searchapi"
)

// api is the use cases in the types of the contract.
type api struct{ s *Service }

func contextOf(st Started) searchapi.Context {
	return searchapi.Context{Id: st.ID, Purpose: st.Purpose, CaseId: st.CaseID, CaseNumber: st.CaseNumber,
		Names: st.Names.Shown, NamesReason: searchapi.ContextNamesReason(st.Names.Reason), Expires: st.Expires}
}

func (a api) StartContext(ctx context.Context, in searchapi.NewContext) (searchapi.Context, error) {
	st, err := a.s.Start(ctx, in.Purpose, in.CaseId)
	return contextOf(st), err
}

func (a api) GetContext(ctx context.Context, contextID string) (searchapi.Context, error) {
	st, err := a.s.Context(ctx, contextID)
	return contextOf(st), err
}

func eventOf(r Row) searchapi.Event {
	return searchapi.Event{Id: r.ID, Time: r.Time, Fields: r.Fields, Hidden: r.Hidden}
}

func eventsOf(rows []Row) []searchapi.Event {
	out := make([]searchapi.Event, len(rows))
	for i, r := range rows {
		out[i] = eventOf(r)
	}
	return out
}

func (a api) GetEvent(ctx context.Context, contextID, eventID string) (searchapi.EventDetail, error) {
	d, err := a.s.Event(ctx, contextID, eventID)
	if err != nil {
		return searchapi.EventDetail{}, err
	}
	return searchapi.EventDetail{Event: eventOf(d.Row), Names: d.Names, Original: d.Original, Sha256: d.SHA256,
		Received: d.Event.Event.Created, SkewMs: d.Event.Varde.SkewMS, Provenance: d.Event.Varde.Provenance}, nil
}

func gapsOf(ranges []eventindex.Range) []searchapi.Gap {
	var out []searchapi.Gap
	for _, r := range ranges {
		out = append(out, searchapi.Gap{From: r.From, To: r.To})
	}
	return out
}

func (a api) SearchEvents(ctx context.Context, in searchapi.SearchRequest) (searchapi.SearchResult, error) {
	begin := time.Now()
	f, err := a.s.Search(ctx, Asked{Context: in.Context, Query: in.Query, Range: eventindex.Range{From: in.From, To: in.To}},
		eventindex.Page{After: in.After, Limit: in.Limit, Ascending: in.Ascending})
	return searchapi.SearchResult{Items: eventsOf(f.Rows), Next: f.Next, Total: f.Total, Exact: f.Exact, Names: f.Names,
		Gaps: gapsOf(f.Gaps), TookMs: int(time.Since(begin).Milliseconds())}, err
}

func (a api) Histogram(ctx context.Context, in searchapi.HistogramRequest) (searchapi.Histogram, error) {
	bars, err := a.s.Histogram(ctx, Asked{Context: in.Context, Query: in.Query, Range: eventindex.Range{From: in.From, To: in.To}},
		time.Duration(in.IntervalSeconds)*time.Second, in.Timezone)
	out := searchapi.Histogram{IntervalSeconds: int(bars.Every / time.Second), Buckets: make([]searchapi.HistogramBucket, len(bars.Buckets)), Gaps: gapsOf(bars.Gaps)}
	for i, b := range bars.Buckets {
		out.Buckets[i] = searchapi.HistogramBucket{Start: b.Start, Count: b.Count,
			Success: b.Outcome[ecs.OutcomeSuccess], Failure: b.Outcome[ecs.OutcomeFailure], Unknown: b.Outcome[ecs.OutcomeUnknown]}
	}
	return out, err
}

func (a api) Terms(ctx context.Context, in searchapi.TermsRequest) (searchapi.Terms, error) {
	n := in.Limit
	if n == 0 {
		n = 10
	}
	facets, err := a.s.Terms(ctx, Asked{Context: in.Context, Query: in.Query, Range: eventindex.Range{From: in.From, To: in.To}}, in.Fields, n)
	out := searchapi.Terms{Items: make([]searchapi.Facet, len(facets))}
	for i, f := range facets {
		values := make([]searchapi.TermCount, len(f.Values))
		for j, v := range f.Values {
			values[j] = searchapi.TermCount{Value: v.Value, Count: v.Count}
		}
		out.Items[i] = searchapi.Facet{Field: f.Field, Values: values, Hidden: searchapi.FacetHidden(f.Hidden)}
	}
	return out, err
}

// around is how many events are given on each side where the request does not say.
const around = 25

func (a api) Around(ctx context.Context, in searchapi.AroundRequest) (searchapi.Around, error) {
	before, after := around, around
	if in.Before != nil {
		before = *in.Before
	}
	if in.After != nil {
		after = *in.After
	}
	found, names, err := a.s.Around(ctx, in.Context, in.Id, before, after)
	return searchapi.Around{Items: eventsOf(found), Names: names.Shown}, err
}

func (a api) Complete(ctx context.Context, in searchapi.CompleteRequest) (searchapi.Completion, error) {
	c, err := a.s.Complete(ctx, in.Context, in.Query, in.Position, eventindex.Range{From: in.From, To: in.To})
	out := searchapi.Completion{Start: c.Start, End: c.End, Hidden: searchapi.CompletionHidden(c.Hidden), Items: make([]searchapi.Proposal, len(c.Items))}
	for i, p := range c.Items {
		out.Items[i] = searchapi.Proposal{Text: p.Text, Kind: searchapi.ProposalKind(p.Kind), Type: p.Type, Count: p.Count}
	}
	return out, err
}

func (a api) Explain(ctx context.Context, in searchapi.ExplainRequest) (searchapi.Explanation, error) {
	e, err := a.s.Explain(ctx, in.Query)
	out := searchapi.Explanation{Valid: e.Error == nil, PersonFields: e.PersonFields}
	if e.Error != nil {
		out.Error = searchapi.QueryError{Slug: e.Error.Slug, Detail: e.Error.Detail, Start: e.Error.Start, End: e.Error.End, Near: e.Error.Near}
	}
	if e.Root != nil {
		out.Root = partOf(*e.Root)
	}
	return out, err
}

func partOf(p Part) searchapi.Part {
	out := searchapi.Part{Slug: searchapi.PartSlug(p.Slug), Field: p.Field, Values: p.Values}
	for _, c := range p.Parts {
		out.Parts = append(out.Parts, partOf(c))
	}
	return out
}

func (a api) Fields(ctx context.Context) (searchapi.FieldList, error) {
	if _, err := a.s.caller(ctx); err != nil {
		return searchapi.FieldList{}, err
	}
	var out searchapi.FieldList
	for _, f := range ecs.Fields() {
		if f.Stored {
			continue
		}
		out.Items = append(out.Items, searchapi.Field{Name: f.Name, Type: searchapi.FieldType(f.Type), Person: f.Person,
			Facet: eventindex.Countable(f), Aliases: f.Aliases, Values: f.Choices})
	}
	return out, nil
}

func viewOf(s Saved) searchapi.View {
	return searchapi.View{Id: s.ID, Name: s.Name, Query: s.Query, From: s.From, To: s.To, Last: s.Last, Columns: s.Columns,
		CaseId: s.CaseID, Event: s.Event, Ascending: s.Ascending, Created: s.Created, Mine: s.Mine}
}

func (a api) SaveView(ctx context.Context, in searchapi.NewView) (searchapi.View, error) {
	saved, err := a.s.SaveView(ctx, in.Name, ViewContent{Query: in.Query, From: in.From.UTC(), To: in.To.UTC(), Last: in.Last,
		Columns: in.Columns, CaseID: in.CaseId, Event: in.Event, Ascending: in.Ascending})
	return viewOf(saved), err
}

func (a api) GetView(ctx context.Context, viewID string) (searchapi.View, error) {
	saved, err := a.s.View(ctx, viewID)
	return viewOf(saved), err
}

func (a api) ListViews(ctx context.Context, limit int, after string) (searchapi.ViewList, error) {
	saved, next, err := a.s.Views(ctx, limit, after)
	out := searchapi.ViewList{Items: make([]searchapi.View, len(saved)), Next: next}
	for i, v := range saved {
		out.Items[i] = viewOf(v)
	}
	return out, err
}

func (a api) InternalEvent(ctx context.Context, eventID, tenant string) (searchapi.EventEvidence, error) {
	e, r, err := a.s.Evidence(ctx, eventID, tenant)
	if err != nil {
		return searchapi.EventEvidence{}, err
	}
	out := searchapi.EventEvidence{Tenant: e.Varde.Tenant, SystemId: e.Varde.System, VendorId: e.Varde.Vendor, Fields: r.Fields,
		Evidence: commonapi.Evidence{EventId: e.Event.ID, Time: e.Timestamp.UTC(), Original: e.Event.Original, Sha256: hashOf(e),
			Outcome: e.Event.Outcome, Provenance: e.Varde.Provenance}}
	if e.Host != nil {
		out.Evidence.Host = e.Host.Name
	}
	if e.User != nil {
		out.Evidence.Account = e.User.Name
	}
	if e.Source != nil {
		out.Evidence.Address = e.Source.IP
	}
	return out, nil
}

func holdOf(h Placed) searchapi.Hold {
	return searchapi.Hold{Id: h.ID, From: h.From, To: h.To, Reason: h.Reason, CaseId: h.CaseID, PlacedBy: h.PlacedBy, Placed: h.Placed,
		InForce: h.Active, ReleasedBy: h.ReleasedBy, Released: h.Released, ReleaseReason: h.ReleaseReason}
}

func (a api) PlaceHold(ctx context.Context, in searchapi.NewHold) (searchapi.Hold, error) {
	h, err := a.s.PlaceHold(ctx, Hold{From: in.From, To: in.To, Reason: in.Reason, CaseID: in.CaseId})
	return holdOf(h), err
}

func (a api) ReleaseHold(ctx context.Context, holdID string, in searchapi.ReleaseHold) (searchapi.Hold, error) {
	h, err := a.s.ReleaseHold(ctx, holdID, in.Reason)
	return holdOf(h), err
}

func (a api) ListHolds(ctx context.Context, limit int, after string) (searchapi.HoldList, error) {
	holds, next, err := a.s.Holds(ctx, limit, after)
	out := searchapi.HoldList{Items: make([]searchapi.Hold, len(holds)), Next: next}
	for i, h := range holds {
		out.Items[i] = holdOf(h)
	}
	return out, err
}

func (a api) InternalHolds(ctx context.Context, tenant string) (searchapi.Held, error) {
	held, err := a.s.Held(ctx, tenant)
	out := searchapi.Held{Items: make([]searchapi.HeldTime, len(held))}
	for i, h := range held {
		out.Items[i] = searchapi.HeldTime{Id: h.ID, From: h.From, To: h.To}
	}
	return out, err
}
