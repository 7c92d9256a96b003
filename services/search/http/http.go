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
	InternalEvent(ctx context.Context, eventID, tenant string) (searchapi.EventEvidence, error)
}

// Register puts the routes on the application. service fails while the
// documents are not open yet.
func Register(app *fiber.App, service func() (Search, error)) {
	h := handlers{service}
	app.Post("/v1/contexts", body(h, fiber.StatusCreated, Search.StartContext))
	app.Get("/v1/contexts/:context", one(h, "context", Search.GetContext))
	app.Get("/v1/contexts/:context/events/:id", h.event)
	app.Post("/v1/search", body(h, fiber.StatusOK, Search.SearchEvents))
	app.Post("/v1/histogram", body(h, fiber.StatusOK, Search.Histogram))
	app.Post("/v1/terms", body(h, fiber.StatusOK, Search.Terms))
	app.Post("/v1/around", body(h, fiber.StatusOK, Search.Around))
	app.Post("/v1/complete", body(h, fiber.StatusOK, Search.Complete))
	app.Post("/v1/explain", body(h, fiber.StatusOK, Search.Explain))
	app.Get("/v1/fields", h.fields)
	app.Post("/v1/views", body(h, fiber.StatusCreated, Search.SaveView))
	app.Get("/v1/views", h.views)
	app.Get("/v1/views/:id", one(h, "id", Search.GetView))
	app.Get("/v1/internal/events/:id", h.internal)
}

type handlers struct{ service func() (Search, error) }

// body is a handler that decodes In and answers with what call gives.
func body[In, Out any](h handlers, status int, call func(Search, context.Context, In) (Out, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		in, err := httpx.Body[In](c)
		if err != nil {
			return err
		}
		out, err := call(s, c.UserContext(), in)
		if err != nil {
			return err
		}
		return httpx.JSON(c, status, out)
	}
}

// one is a handler that answers with the thing a parameter names.
func one[Out any](h handlers, parameter string, call func(Search, context.Context, string) (Out, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		out, err := call(s, c.UserContext(), c.Params(parameter))
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}

func (h handlers) event(c *fiber.Ctx) error {
	return one(h, "id", func(s Search, ctx context.Context, id string) (searchapi.EventDetail, error) {
		return s.GetEvent(ctx, c.Params("context"), id)
	})(c)
}

func (h handlers) internal(c *fiber.Ctx) error {
	return one(h, "id", func(s Search, ctx context.Context, id string) (searchapi.EventEvidence, error) {
		return s.InternalEvent(ctx, id, c.Query("tenant"))
	})(c)
}

func (h handlers) fields(c *fiber.Ctx) error {
	return one(h, "", func(s Search, ctx context.Context, _ string) (searchapi.FieldList, error) { return s.Fields(ctx) })(c)
}

func (h handlers) views(c *fiber.Ctx) error {
	limit, after := httpx.Paging(c, 50)
	return one(h, "", func(s Search, ctx context.Context, _ string) (searchapi.ViewList, error) {
		return s.ListViews(ctx, limit, after)
	})(c)
}
