// Package http is the interface of the account of sources to the world: it
// decodes a request, calls the use case and encodes the answer. No rules live
// here.
package http

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/sourcesapi"
)

// days are told where the request does not say how many.
const days = 30

// Sources is the use cases in the contract's types.
type Sources interface {
	ListActivity(ctx context.Context, days, limit int, after string) (sourcesapi.ActivityPage, error)
	GetActivity(ctx context.Context, source string, days int) (sourcesapi.Activity, error)

	GuessMapping(ctx context.Context, in sourcesapi.MappingGuess) (sourcesapi.MappingProposal, error)
	PreviewMapping(ctx context.Context, in sourcesapi.MappingTrial) (sourcesapi.MappingPreview, error)
	MappingFields() sourcesapi.MappingFields
}

// Routes puts the routes on the application. service fails while the documents
// are not open yet.
func Routes(app *fiber.App, service func() (Sources, error)) {
	app.Get("/v1/activity", httpx.Answer(service, fiber.StatusOK, func(s Sources, c *fiber.Ctx) (sourcesapi.ActivityPage, error) {
		limit, after := httpx.Paging(c, httpx.PageSize)
		return s.ListActivity(c.UserContext(), c.QueryInt("days", days), limit, after)
	}))
	app.Get("/v1/activity/:source", httpx.Answer(service, fiber.StatusOK, func(s Sources, c *fiber.Ctx) (sourcesapi.Activity, error) {
		return s.GetActivity(c.UserContext(), c.Params("source"), c.QueryInt("days", days))
	}))
	app.Post("/v1/mappings/guess", httpx.Take(service, fiber.StatusOK, Sources.GuessMapping))
	app.Post("/v1/mappings/preview", httpx.Take(service, fiber.StatusOK, Sources.PreviewMapping))
	app.Get("/v1/mappings/fields", httpx.Answer(service, fiber.StatusOK, func(s Sources, _ *fiber.Ctx) (sourcesapi.MappingFields, error) {
		return s.MappingFields(), nil
	}))
}
