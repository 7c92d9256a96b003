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
	MyForm(ctx context.Context, formType string) (deviationapi.Form, error)
	Challenge(ctx context.Context, tenant string) (deviationapi.Challenge, error)
	NewDraft(ctx context.Context, in deviationapi.NewDraft) (deviationapi.Draft, error)
	NewMyDraft(ctx context.Context) (deviationapi.Draft, error)
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

// Routes puts the routes on the application. service fails while the stores
// are not open yet.
func Routes(app *fiber.App, service func() (Deviation, error)) {
	public := app.Group("/v1/public")
	public.Get("/tenants", httpx.Answer(service, fiber.StatusOK, func(s Deviation, c *fiber.Ctx) (deviationapi.TenantList, error) {
		return s.Tenants(c.UserContext())
	}))
	public.Get("/tenants/:tenant/forms", httpx.AnswerOne(service, "tenant", Deviation.Forms))
	public.Get("/tenants/:tenant/forms/:formType", httpx.Answer(service, fiber.StatusOK, func(s Deviation, c *fiber.Ctx) (deviationapi.Form, error) {
		return s.Form(c.UserContext(), c.Params("tenant"), c.Params("formType"))
	}))
	public.Post("/tenants/:tenant/challenges", httpx.AnswerOne(service, "tenant", Deviation.Challenge))
	public.Post("/drafts", httpx.Take(service, fiber.StatusCreated, Deviation.NewDraft))
	public.Post("/attachments", httpx.Answer(service, fiber.StatusCreated, func(s Deviation, c *fiber.Ctx) (deviationapi.Attachment, error) {
		return s.Upload(c.UserContext(), c.Get(httpx.HeaderTenant), c.Get(httpx.HeaderDraft), c.Get(httpx.HeaderFileName), httpx.BodyReader(c))
	}))
	public.Delete("/attachments/:attachmentId", httpx.Do(service, func(s Deviation, c *fiber.Ctx) error {
		return s.RemoveFile(c.UserContext(), c.Get(httpx.HeaderTenant), c.Get(httpx.HeaderDraft), c.Params("attachmentId"))
	}))
	public.Post("/reports", httpx.Take(service, fiber.StatusCreated, Deviation.SubmitAnonymously))
	public.Post("/follow-up", httpx.Take(service, fiber.StatusOK, Deviation.FollowByCode))
	public.Post("/follow-up/messages", httpx.Take(service, fiber.StatusCreated, Deviation.WriteByCode))
	app.Post("/v1/drafts", httpx.Answer(service, fiber.StatusCreated, func(s Deviation, c *fiber.Ctx) (deviationapi.Draft, error) {
		return s.NewMyDraft(c.UserContext())
	}))
	app.Get("/v1/forms/:formType", httpx.AnswerOne(service, "formType", Deviation.MyForm))
	app.Post("/v1/reports", httpx.Take(service, fiber.StatusCreated, Deviation.SubmitAsMe))
	app.Get("/v1/reports", httpx.Answer(service, fiber.StatusOK, func(s Deviation, c *fiber.Ctx) (deviationapi.MyReportList, error) {
		limit, after := httpx.Paging(c, httpx.PageSize)
		return s.MyReports(c.UserContext(), limit, after)
	}))
	app.Get("/v1/reports/:reportId", httpx.AnswerOne(service, "reportId", Deviation.FollowMine))
	app.Post("/v1/reports/:reportId/messages", httpx.TakeFor(service, fiber.StatusCreated, "reportId", Deviation.WriteAsMe))
}
