// Package http is the cases service's interface to the world: it decodes a
// request, calls the use case and encodes the answer. No rules live here.
package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/casesapi"
)

// File is an attachment to be downloaded.
type File struct {
	Name    string
	Size    int64
	Content io.ReadCloser
}

// Cases is the use cases in the contract's types.
type Cases interface {
	Queue(ctx context.Context, section string, limit int, after string) (casesapi.Queue, error)
	Search(ctx context.Context, in casesapi.CaseSearch) (casesapi.CaseList, error)
	Get(ctx context.Context, caseID string) (casesapi.Case, error)
	Create(ctx context.Context, in casesapi.NewCase) (casesapi.CreatedCase, error)
	Attach(ctx context.Context, caseID, name string, body io.Reader) (casesapi.Attachment, error)
	History(ctx context.Context, caseID string, limit int, after string) (casesapi.HistoryList, error)
	Candidates(ctx context.Context, caseID string) (casesapi.PersonList, error)
	Acknowledge(ctx context.Context, caseID string) (casesapi.Case, error)
	Assign(ctx context.Context, caseID string, in casesapi.Assign) (casesapi.Case, error)
	Assess(ctx context.Context, caseID string, in casesapi.Assessment) (casesapi.Case, error)
	MeetDeadline(ctx context.Context, caseID, regime string, in casesapi.MeetDeadline) (casesapi.Case, error)
	Decide(ctx context.Context, caseID string, in casesapi.NewDecision) (casesapi.Case, error)
	AddMeasure(ctx context.Context, caseID string, in casesapi.NewMeasure) (casesapi.Case, error)
	UpdateMeasure(ctx context.Context, caseID, measureID string, in casesapi.MeasureChange) (casesapi.Case, error)
	SettleMeasure(ctx context.Context, caseID, measureID string, in casesapi.SettleMeasure) (casesapi.Case, error)
	SetNoMeasures(ctx context.Context, caseID string, in casesapi.WithReason) (casesapi.Case, error)
	CheckEffect(ctx context.Context, caseID string, in casesapi.NewEffectCheck) (casesapi.Case, error)
	AskForEffectCheck(ctx context.Context, caseID string, in casesapi.Assign) (casesapi.Case, error)
	SetRestored(ctx context.Context, caseID string, in casesapi.Restored) (casesapi.Case, error)
	SetOutcome(ctx context.Context, caseID string, in casesapi.Outcome) (casesapi.Case, error)
	Close(ctx context.Context, caseID string, in casesapi.Close) (casesapi.Case, error)
	Reopen(ctx context.Context, caseID string, in casesapi.WithReason) (casesapi.Case, error)
	Reject(ctx context.Context, caseID string, in casesapi.WithReason) (casesapi.Case, error)
	Link(ctx context.Context, caseID string, in casesapi.NewLink) (casesapi.Case, error)
	Unlink(ctx context.Context, caseID, other string) (casesapi.Case, error)
	Messages(ctx context.Context, caseID string, limit int, after string) (casesapi.MessageList, error)
	Write(ctx context.Context, caseID string, in casesapi.NewMessage) (casesapi.Message, error)
	Evidence(ctx context.Context, caseID string, limit int, after string) (casesapi.EvidenceList, error)
	Pin(ctx context.Context, caseID string, in casesapi.Pin) (casesapi.CaseEvidence, error)
	Attachment(ctx context.Context, caseID, attachmentID string) (File, error)
	Access(ctx context.Context, caseID string) (casesapi.CaseAccess, error)
}

// Routes puts the routes on the application. service fails while the stores
// are not open yet.
func Routes(app *fiber.App, service func() (Cases, error)) {
	app.Get("/v1/queue", httpx.Answer(service, fiber.StatusOK, queue))
	app.Post("/v1/cases/search", httpx.Take(service, fiber.StatusOK, Cases.Search))
	app.Post("/v1/cases", httpx.Take(service, fiber.StatusCreated, Cases.Create))
	app.Get("/v1/internal/cases/:caseId", about(service, Cases.Access))
	one := app.Group("/v1/cases/:caseId")
	one.Get("", about(service, Cases.Get))
	one.Get("/history", page(service, Cases.History))
	one.Get("/candidates", about(service, Cases.Candidates))
	one.Post("/acknowledge", about(service, Cases.Acknowledge))
	one.Post("/assign", change(service, Cases.Assign))
	one.Post("/assessment", change(service, Cases.Assess))
	one.Post("/deadlines/:regime/meet", changePart(service, "regime", Cases.MeetDeadline))
	one.Post("/decisions", change(service, Cases.Decide))
	one.Post("/measures", change(service, Cases.AddMeasure))
	one.Patch("/measures/:measureId", changePart(service, "measureId", Cases.UpdateMeasure))
	one.Post("/measures/:measureId/settle", changePart(service, "measureId", Cases.SettleMeasure))
	one.Post("/no-measures", change(service, Cases.SetNoMeasures))
	one.Post("/effect-check", change(service, Cases.CheckEffect))
	one.Post("/effect-checker", change(service, Cases.AskForEffectCheck))
	one.Post("/restored", change(service, Cases.SetRestored))
	one.Post("/outcome", change(service, Cases.SetOutcome))
	one.Post("/close", change(service, Cases.Close))
	one.Post("/reopen", change(service, Cases.Reopen))
	one.Post("/reject", change(service, Cases.Reject))
	one.Post("/links", change(service, Cases.Link))
	one.Delete("/links/:otherId", httpx.Answer(service, fiber.StatusOK, unlink))
	one.Get("/messages", page(service, Cases.Messages))
	one.Post("/messages", create(service, Cases.Write))
	one.Get("/evidence", page(service, Cases.Evidence))
	one.Post("/evidence", create(service, Cases.Pin))
	one.Post("/attachments", httpx.Answer(service, fiber.StatusCreated, func(s Cases, c *fiber.Ctx) (casesapi.Attachment, error) {
		return s.Attach(c.UserContext(), c.Params(caseID), c.Get(httpx.HeaderFileName), httpx.BodyReader(c))
	}))
	one.Get("/attachments/:attachmentId", httpx.Serve(service, attachment))
}

const caseID = "caseId"

// about answers a request without a body about one case.
func about[Out any](service func() (Cases, error), use func(Cases, context.Context, string) (Out, error)) fiber.Handler {
	return httpx.AnswerOne(service, caseID, use)
}

// page answers a page of something of one case.
func page[Out any](service func() (Cases, error), use func(Cases, context.Context, string, int, string) (Out, error)) fiber.Handler {
	return httpx.AnswerPage(service, caseID, use)
}

// change changes a case and answers it.
func change[In any](service func() (Cases, error), use func(Cases, context.Context, string, In) (casesapi.Case, error)) fiber.Handler {
	return httpx.TakeFor(service, fiber.StatusOK, caseID, use)
}

// changePart changes a part of a case that the path names.
func changePart[In any](service func() (Cases, error), part string, use func(Cases, context.Context, string, string, In) (casesapi.Case, error)) fiber.Handler {
	return httpx.TakeForPart(service, fiber.StatusOK, caseID, part, use)
}

// create adds something to a case and answers what was added.
func create[In, Out any](service func() (Cases, error), use func(Cases, context.Context, string, In) (Out, error)) fiber.Handler {
	return httpx.TakeFor(service, fiber.StatusCreated, caseID, use)
}

func queue(s Cases, c *fiber.Ctx) (casesapi.Queue, error) {
	limit, after := httpx.Paging(c, httpx.PageSize)
	return s.Queue(c.UserContext(), c.Query("section"), limit, after)
}

func unlink(s Cases, c *fiber.Ctx) (casesapi.Case, error) {
	return s.Unlink(c.UserContext(), c.Params(caseID), c.Params("otherId"))
}

func attachment(s Cases, c *fiber.Ctx) error {
	f, err := s.Attachment(c.UserContext(), c.Params(caseID), c.Params("attachmentId"))
	if err != nil {
		return err
	}
	if f.Size < 0 || f.Size > 1<<30 {
		return errors.Join(fmt.Errorf("attachment of %d bytes", f.Size), f.Content.Close())
	}
	// Always a download under a type that no browser runs: it came from outside.
	c.Set(fiber.HeaderContentType, "application/octet-stream")
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": f.Name})
	if disposition == "" {
		disposition = "attachment"
	}
	c.Set(fiber.HeaderContentDisposition, disposition)
	return c.SendStream(f.Content, int(f.Size))
}
