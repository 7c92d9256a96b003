// Package http is the search service's interface to the world: it decodes a
// request, calls the use case and encodes the answer. No rules live here.
package http

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/searchapi"
)

// Search is the use cases in the contract's types.
type Search interface {
	StartContext(ctx context.Context, in searchapi.NewContext) (searchapi.Context, error)
	GetContext(ctx context.Context, contextID string) (searchapi.Context, error)
	GetEvent(ctx context.Context, contextID, eventID string) (searchapi.EventDetail, error)
	SearchEvents(ctx context.Context, in searchapi.SearchRequest) (searchapi.SearchResult, error)
	Histogram(ctx context.Context, in searchapi.HistogramRequest) (searchapi.Histogram, error)
	Terms(ctx context.Context, in searchapi.TermsRequest) (searchapi.Terms, error)
	Around(ctx context.Context, in searchapi.AroundRequest) (searchapi.Around, error)
	Complete(ctx context.Context, in searchapi.CompleteRequest) (searchapi.Completion, error)
	Explain(ctx context.Context, in searchapi.ExplainRequest) (searchapi.Explanation, error)
	Fields(ctx context.Context) (searchapi.FieldList, error)
	SaveView(ctx context.Context, in searchapi.NewView) (searchapi.View, error)
	GetView(ctx context.Context, viewID string) (searchapi.View, error)
	ListViews(ctx context.Context, limit int, after string) (searchapi.ViewList, error)
	PlaceHold(ctx context.Context, in searchapi.NewHold) (searchapi.Hold, error)
	ReleaseHold(ctx context.Context, holdID string, in searchapi.ReleaseHold) (searchapi.Hold, error)
	ListHolds(ctx context.Context, limit int, after string) (searchapi.HoldList, error)
	InternalHolds(ctx context.Context, tenant string) (searchapi.Held, error)
	InternalEvent(ctx context.Context, eventID, tenant string) (searchapi.EventEvidence, error)
}

// Routes puts the routes on the application. service fails while the documents
// are not open yet.
func Routes(app *fiber.App, service func() (Search, error)) {
	app.Post("/v1/contexts", httpx.Take(service, fiber.StatusCreated, Search.StartContext))
	app.Get("/v1/contexts/:context", httpx.AnswerOne(service, "context", Search.GetContext))
	app.Get("/v1/contexts/:context/events/:id", httpx.Answer(service, fiber.StatusOK, func(s Search, c *fiber.Ctx) (searchapi.EventDetail, error) {
		return s.GetEvent(c.UserContext(), c.Params("context"), c.Params("id"))
	}))
	app.Post("/v1/search", httpx.Take(service, fiber.StatusOK, Search.SearchEvents))
	app.Post("/v1/histogram", httpx.Take(service, fiber.StatusOK, Search.Histogram))
	app.Post("/v1/terms", httpx.Take(service, fiber.StatusOK, Search.Terms))
	app.Post("/v1/around", httpx.Take(service, fiber.StatusOK, Search.Around))
	app.Post("/v1/complete", httpx.Take(service, fiber.StatusOK, Search.Complete))
	app.Post("/v1/explain", httpx.Take(service, fiber.StatusOK, Search.Explain))
	app.Get("/v1/fields", httpx.Answer(service, fiber.StatusOK, func(s Search, c *fiber.Ctx) (searchapi.FieldList, error) {
		return s.Fields(c.UserContext())
	}))
	app.Post("/v1/views", httpx.Take(service, fiber.StatusCreated, Search.SaveView))
	app.Get("/v1/views", httpx.Answer(service, fiber.StatusOK, func(s Search, c *fiber.Ctx) (searchapi.ViewList, error) {
		limit, after := httpx.Paging(c, httpx.PageSize)
		return s.ListViews(c.UserContext(), limit, after)
	}))
	app.Get("/v1/views/:id", httpx.AnswerOne(service, "id", Search.GetView))
	app.Get("/v1/holds", httpx.Answer(service, fiber.StatusOK, func(s Search, c *fiber.Ctx) (searchapi.HoldList, error) {
		limit, after := httpx.Paging(c, httpx.PageSize)
		return s.ListHolds(c.UserContext(), limit, after)
	}))
	app.Post("/v1/holds", httpx.Take(service, fiber.StatusCreated, Search.PlaceHold))
	app.Post("/v1/holds/:id/release", httpx.Answer(service, fiber.StatusOK, func(s Search, c *fiber.Ctx) (out searchapi.Hold, err error) {
		in, err := httpx.Body[searchapi.ReleaseHold](c)
		if err != nil {
			return out, err
		}
		return s.ReleaseHold(c.UserContext(), c.Params("id"), in)
	}))
	app.Get("/v1/internal/holds", httpx.Answer(service, fiber.StatusOK, func(s Search, c *fiber.Ctx) (searchapi.Held, error) {
		return s.InternalHolds(c.UserContext(), c.Query("tenant"))
	}))
	app.Get("/v1/internal/events/:id", httpx.Answer(service, fiber.StatusOK, func(s Search, c *fiber.Ctx) (searchapi.EventEvidence, error) {
		return s.InternalEvent(c.UserContext(), c.Params("id"), c.Query("tenant"))
	}))
}
