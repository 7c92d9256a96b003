// Package http is the interface of reparse to the world: it decodes a request,
// calls the use case and encodes the answer. No rules live here.
package http

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/reparseapi"
)

// Reparse is the use cases in the contract's types.
type Reparse interface {
	Groups(ctx context.Context, limit int, after string) (reparseapi.GroupList, error)
	Letters(ctx context.Context, group string, in reparseapi.LettersRequest) (reparseapi.LetterPage, error)
	Start(ctx context.Context, in reparseapi.NewJob) (reparseapi.Job, error)
	Jobs(ctx context.Context, limit int, after string) (reparseapi.JobList, error)
	Job(ctx context.Context, id string) (reparseapi.Job, error)
	Cancel(ctx context.Context, id string) (reparseapi.Job, error)
	Examples(ctx context.Context, id string, in reparseapi.Ground) (reparseapi.ExampleList, error)
}

// Routes puts the routes on the application. service fails while the documents
// are not open yet.
func Routes(app *fiber.App, service func() (Reparse, error)) {
	app.Get("/v1/dead-letters", httpx.Answer(service, fiber.StatusOK, func(s Reparse, c *fiber.Ctx) (reparseapi.GroupList, error) {
		limit, after := httpx.Paging(c, httpx.PageSize)
		return s.Groups(c.UserContext(), limit, after)
	}))
	app.Post("/v1/dead-letters/:group/letters", httpx.TakeFor(service, fiber.StatusOK, "group", Reparse.Letters))
	app.Get("/v1/jobs", httpx.Answer(service, fiber.StatusOK, func(s Reparse, c *fiber.Ctx) (reparseapi.JobList, error) {
		limit, after := httpx.Paging(c, 20)
		return s.Jobs(c.UserContext(), limit, after)
	}))
	app.Post("/v1/jobs", httpx.Take(service, fiber.StatusCreated, Reparse.Start))
	app.Get("/v1/jobs/:id", httpx.AnswerOne(service, "id", Reparse.Job))
	app.Post("/v1/jobs/:id/cancel", httpx.AnswerOne(service, "id", Reparse.Cancel))
	app.Post("/v1/jobs/:id/examples", httpx.TakeFor(service, fiber.StatusOK, "id", Reparse.Examples))
}
