package indexer

import (
	"context"
	"net/url"
	"time"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/httpx"
	"varde.internal/platform/run"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/searchapi"
)

// Held asks the search service which times of the context's tenant are under a
// legal hold. It is asked before each deletion, and without an answer nothing
// is deleted: a hold that was placed a moment ago holds.
func Held(ctx context.Context, deps run.Deps) ([]eventindex.Range, error) {
	t, err := tenant.From(ctx)
	if err != nil {
		return nil, err
	}
	client := httpx.Client{Service: "search", BaseURL: deps.Endpoint("search"), Tokens: deps.Tokens, Deadline: 10 * time.Second}
	var answer searchapi.Held
	if err := client.Get(ctx, "/v1/internal/holds?tenant="+url.QueryEscape(string(t)), &answer); err != nil {
		return nil, err
	}
	out := make([]eventindex.Range, len(answer.Items))
	for i, h := range answer.Items {
		out[i] = eventindex.Range{From: h.From, To: h.To}
	}
	return out, nil
}

// isHeld says whether one of the holds has a time in common with a partition:
// with the period in its name, or with the events that a wrong clock put there.
func isHeld(holds []eventindex.Range, e expiry) bool {
	_, of, _ := eventindex.Period(e.Name)
	within := eventindex.Range{From: e.First, To: e.Last.Add(1)}
	for _, h := range holds {
		if h.Meets(of) || h.Meets(within) {
			return true
		}
	}
	return false
}
