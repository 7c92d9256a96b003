// Package http is the audit service's interface to the world: it decodes a
// request, calls the use case and encodes the answer. No rules live here.
package http

import (
	"context"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/audit/bundle"
	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/auditapi"
)

// Audit is the use cases in the contract's types.
type Audit interface {
	Intent(ctx context.Context, in auditapi.NewRecord) (auditapi.Recorded, error)
	Outcome(ctx context.Context, in auditapi.NewRecord) (auditapi.Recorded, error)
	Search(ctx context.Context, in auditapi.RecordSearch) (auditapi.RecordList, error)
	Prove(ctx context.Context, recordID string) (auditapi.InclusionProof, error)
	Checkpoint(ctx context.Context) (auditapi.Checkpoint, error)
	Consistency(ctx context.Context, from, to int64) (auditapi.ConsistencyProof, error)
	Export(ctx context.Context, in auditapi.NewExport) (bundle.Bundle, error)
}

// Routes puts the routes on the application. service fails while the stores
// are not open yet.
func Routes(app *fiber.App, service func() (Audit, error)) {
	app.Post("/v1/intents", httpx.Take(service, fiber.StatusCreated, Audit.Intent))
	app.Post("/v1/outcomes", httpx.Take(service, fiber.StatusCreated, Audit.Outcome))
	app.Post("/v1/records/search", httpx.Take(service, fiber.StatusOK, Audit.Search))
	app.Get("/v1/records/:recordId/proof", httpx.AnswerOne(service, "recordId", Audit.Prove))
	app.Get("/v1/checkpoint", httpx.Answer(service, fiber.StatusOK, func(s Audit, c *fiber.Ctx) (auditapi.Checkpoint, error) {
		return s.Checkpoint(c.UserContext())
	}))
	app.Get("/v1/consistency", httpx.Answer(service, fiber.StatusOK, func(s Audit, c *fiber.Ctx) (auditapi.ConsistencyProof, error) {
		from, _ := strconv.ParseInt(c.Query("from"), 10, 64) // the contract has checked both
		to, _ := strconv.ParseInt(c.Query("to"), 10, 64)
		return s.Consistency(c.UserContext(), from, to)
	}))
	app.Post("/v1/export", httpx.Take(service, fiber.StatusOK, Audit.Export))
}
