// Package http is the deviation service's interface to the world: it decodes a
// request, calls the use case and encodes the answer. No rules live here, and
// nothing of a request is logged.
package http

import (
	"context"
	"io"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/deviationapi"
)

// Deviation is the use cases in the contract's types.
type Deviation interface {
	Tenants(ctx context.Context) (deviationapi.TenantList, error)
	Forms(ctx context.Context, tenant string) (deviationapi.FormList, error)
	Form(ctx context.Context, tenant, formType string) (deviationapi.Form, error)
	NewDraft(ctx context.Context, in deviationapi.NewDraft) (deviationapi.Draft, error)
	Upload(ctx context.Context, tenant, token, name string, body io.Reader) (deviationapi.Attachment, error)
	RemoveFile(ctx context.Context, tenant, token, fileID string) error
	SubmitAnonymously(ctx context.Context, in deviationapi.NewReport) (deviationapi.Receipt, error)
	SubmitAsMe(ctx context.Context, in deviationapi.NewReport) (deviationapi.Receipt, error)
	FollowByCode(ctx context.Context, in deviationapi.FollowUpRequest) (deviationapi.FollowUp, error)
	WriteByCode(ctx context.Context, in deviationapi.MessageByCode) (deviationapi.Message, error)
	MyReports(ctx context.Context, limit int, after string) (deviationapi.MyReportList, error)
	FollowMine(ctx context.Context, reportID string) (deviationapi.FollowUp, error)
	WriteAsMe(ctx context.Context, reportID string, in deviationapi.NewMessage) (deviationapi.Message, error)
}

// Headers of uploads.
const (
	headerDraft  = "X-Varde-Draft"
	headerTenant = "X-Varde-Tenant"
	headerName   = "X-Varde-File-Name"
)

const pageSize = 50

// Register puts the routes on the application. service fails while the stores
// are not open yet.
func Register(app *fiber.App, service func() (Deviation, error)) {
	h := handlers{service}
	app.Get("/v1/public/tenants", get(h, func(s Deviation, c *fiber.Ctx) (deviationapi.TenantList, error) { return s.Tenants(c.UserContext()) }))
	app.Get("/v1/public/tenants/:tenant/forms", get(h, func(s Deviation, c *fiber.Ctx) (deviationapi.FormList, error) {
		return s.Forms(c.UserContext(), c.Params("tenant"))
	}))
	app.Get("/v1/public/tenants/:tenant/forms/:formType", get(h, func(s Deviation, c *fiber.Ctx) (deviationapi.Form, error) {
		return s.Form(c.UserContext(), c.Params("tenant"), c.Params("formType"))
	}))
	app.Post("/v1/public/drafts", post(h, fiber.StatusCreated, Deviation.NewDraft))
	app.Post("/v1/public/attachments", h.upload)
	app.Delete("/v1/public/attachments/:attachmentId", h.remove)
	app.Post("/v1/public/reports", post(h, fiber.StatusCreated, Deviation.SubmitAnonymously))
	app.Post("/v1/public/follow-up", post(h, fiber.StatusOK, Deviation.FollowByCode))
	app.Post("/v1/public/follow-up/messages", post(h, fiber.StatusCreated, Deviation.WriteByCode))
	app.Post("/v1/reports", post(h, fiber.StatusCreated, Deviation.SubmitAsMe))
	app.Get("/v1/reports", get(h, func(s Deviation, c *fiber.Ctx) (deviationapi.MyReportList, error) {
		limit, after := httpx.Paging(c, pageSize)
		return s.MyReports(c.UserContext(), limit, after)
	}))
	app.Get("/v1/reports/:reportId", get(h, func(s Deviation, c *fiber.Ctx) (deviationapi.FollowUp, error) {
		return s.FollowMine(c.UserContext(), c.Params("reportId"))
	}))
	app.Post("/v1/reports/:reportId/messages", h.writeAsMe)
}

type handlers struct{ service func() (Deviation, error) }

func get[Out any](h handlers, use func(Deviation, *fiber.Ctx) (Out, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		out, err := use(s, c)
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}

func post[In, Out any](h handlers, status int, use func(Deviation, context.Context, In) (Out, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		in, err := httpx.Body[In](c)
		if err != nil {
			return err
		}
		out, err := use(s, c.UserContext(), in)
		if err != nil {
			return err
		}
		return httpx.JSON(c, status, out)
	}
}

func (h handlers) upload(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	out, err := s.Upload(c.UserContext(), c.Get(headerTenant), c.Get(headerDraft), c.Get(headerName), httpx.BodyReader(c))
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusCreated, out)
}

func (h handlers) remove(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	if err := s.RemoveFile(c.UserContext(), c.Get(headerTenant), c.Get(headerDraft), c.Params("attachmentId")); err != nil {
		return err
	}
	return httpx.NoContent(c)
}

func (h handlers) writeAsMe(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	in, err := httpx.Body[deviationapi.NewMessage](c)
	if err != nil {
		return err
	}
	out, err := s.WriteAsMe(c.UserContext(), c.Params("reportId"), in)
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusCreated, out)
}
