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

// Register puts the routes on the application. service fails while the stores
// are not open yet.
func Register(app *fiber.App, service func() (Audit, error)) {
	app.Post("/v1/intents", body(service, fiber.StatusCreated, Audit.Intent))
	app.Post("/v1/outcomes", body(service, fiber.StatusCreated, Audit.Outcome))
	app.Post("/v1/records/search", body(service, fiber.StatusOK, Audit.Search))
	app.Get("/v1/records/:recordId/proof", with(service, func(c *fiber.Ctx, a Audit) (any, error) {
		return a.Prove(c.UserContext(), c.Params("recordId"))
	}))
	app.Get("/v1/checkpoint", with(service, func(c *fiber.Ctx, a Audit) (any, error) {
		return a.Checkpoint(c.UserContext())
	}))
	app.Get("/v1/consistency", with(service, func(c *fiber.Ctx, a Audit) (any, error) {
		from, _ := strconv.ParseInt(c.Query("from"), 10, 64) // the contract has checked both
		to, _ := strconv.ParseInt(c.Query("to"), 10, 64)
		return a.Consistency(c.UserContext(), from, to)
	}))
	app.Post("/v1/export", body(service, fiber.StatusOK, Audit.Export))
}

func with(service func() (Audit, error), call func(*fiber.Ctx, Audit) (any, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		a, err := service()
		if err != nil {
			return err
		}
		out, err := call(c, a)
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}

func body[In, Out any](service func() (Audit, error), status int, call func(Audit, context.Context, In) (Out, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		a, err := service()
		if err != nil {
			return err
		}
		in, err := httpx.Body[In](c)
		if err != nil {
			return err
		}
		out, err := call(a, c.UserContext(), in)
		if err != nil {
			return err
		}
		return httpx.JSON(c, status, out)
	}
}
