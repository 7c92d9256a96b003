// Package http is the cases service's interface to the world: it decodes a
// request, calls the use case and encodes the answer. No rules live here.
package http

import (
	"context"
	"fmt"
	"io"
	"mime"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/schemas/gen/casesapi"
)

// File is an attachment to be downloaded.
type File struct {
	Name, MediaType string
	Size            int64
	Content         io.ReadCloser
}

// Cases is the use cases in the contract's types.
type Cases interface {
	Queue(ctx context.Context, section string, limit int, after string) (casesapi.Queue, error)
	Search(ctx context.Context, in casesapi.CaseSearch) (casesapi.CaseList, error)
	Get(ctx context.Context, caseID string) (casesapi.Case, error)
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

const pageSize = 50

// Register puts the routes on the application. service fails while the stores
// are not open yet.
func Register(app *fiber.App, service func() (Cases, error)) {
	h := handlers{service}
	app.Get("/v1/queue", h.queue)
	app.Post("/v1/cases/search", h.search)
	app.Get("/v1/internal/cases/:caseId", get(h, Cases.Access))
	one := app.Group("/v1/cases/:caseId")
	one.Get("", get(h, Cases.Get))
	one.Get("/history", page(h, Cases.History))
	one.Get("/candidates", get(h, Cases.Candidates))
	one.Post("/acknowledge", get(h, Cases.Acknowledge))
	one.Post("/assign", change(h, Cases.Assign))
	one.Post("/assessment", change(h, Cases.Assess))
	one.Post("/deadlines/:regime/meet", changePart(h, "regime", Cases.MeetDeadline))
	one.Post("/decisions", change(h, Cases.Decide))
	one.Post("/measures", change(h, Cases.AddMeasure))
	one.Patch("/measures/:measureId", changePart(h, "measureId", Cases.UpdateMeasure))
	one.Post("/measures/:measureId/settle", changePart(h, "measureId", Cases.SettleMeasure))
	one.Post("/no-measures", change(h, Cases.SetNoMeasures))
	one.Post("/effect-check", change(h, Cases.CheckEffect))
	one.Post("/effect-checker", change(h, Cases.AskForEffectCheck))
	one.Post("/restored", change(h, Cases.SetRestored))
	one.Post("/outcome", change(h, Cases.SetOutcome))
	one.Post("/close", change(h, Cases.Close))
	one.Post("/reopen", change(h, Cases.Reopen))
	one.Post("/reject", change(h, Cases.Reject))
	one.Post("/links", change(h, Cases.Link))
	one.Delete("/links/:otherId", h.unlink)
	one.Get("/messages", page(h, Cases.Messages))
	one.Post("/messages", create(h, Cases.Write))
	one.Get("/evidence", page(h, Cases.Evidence))
	one.Post("/evidence", create(h, Cases.Pin))
	one.Get("/attachments/:attachmentId", h.attachment)
}

type handlers struct{ service func() (Cases, error) }

func (h handlers) queue(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	limit, after := httpx.Paging(c, pageSize)
	q, err := s.Queue(c.UserContext(), c.Query("section"), limit, after)
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, q)
}

func (h handlers) search(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	in, err := httpx.Body[casesapi.CaseSearch](c)
	if err != nil {
		return err
	}
	list, err := s.Search(c.UserContext(), in)
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, list)
}

func (h handlers) unlink(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	out, err := s.Unlink(c.UserContext(), c.Params("caseId"), c.Params("otherId"))
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, out)
}

func (h handlers) attachment(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	f, err := s.Attachment(c.UserContext(), c.Params("caseId"), c.Params("attachmentId"))
	if err != nil {
		return err
	}
	// Always a download under a type that no browser runs: it came from outside.
	c.Set(fiber.HeaderContentType, "application/octet-stream")
	c.Set("X-Varde-Media-Type", f.MediaType)
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": f.Name})
	if disposition == "" {
		disposition = "attachment"
	}
	c.Set(fiber.HeaderContentDisposition, disposition)
	if f.Size < 0 || f.Size > 1<<30 {
		return fmt.Errorf("attachment of %d bytes", f.Size)
	}
	return c.SendStream(f.Content, int(f.Size))
}

// get answers a request without a body about one case.
func get[Out any](h handlers, use func(Cases, context.Context, string) (Out, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		out, err := use(s, c.UserContext(), c.Params("caseId"))
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}

// page answers a page of something of one case.
func page[Out any](h handlers, use func(Cases, context.Context, string, int, string) (Out, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		limit, after := httpx.Paging(c, pageSize)
		out, err := use(s, c.UserContext(), c.Params("caseId"), limit, after)
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}

func change[In, Out any](h handlers, use func(Cases, context.Context, string, In) (Out, error)) fiber.Handler {
	return withBody(h, fiber.StatusOK, use)
}

func create[In, Out any](h handlers, use func(Cases, context.Context, string, In) (Out, error)) fiber.Handler {
	return withBody(h, fiber.StatusCreated, use)
}

func withBody[In, Out any](h handlers, status int, use func(Cases, context.Context, string, In) (Out, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		in, err := httpx.Body[In](c)
		if err != nil {
			return err
		}
		out, err := use(s, c.UserContext(), c.Params("caseId"), in)
		if err != nil {
			return err
		}
		return httpx.JSON(c, status, out)
	}
}

// changePart changes a part of a case that the path names.
func changePart[In, Out any](h handlers, part string, use func(Cases, context.Context, string, string, In) (Out, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		in, err := httpx.Body[In](c)
		if err != nil {
			return err
		}
		out, err := use(s, c.UserContext(), c.Params("caseId"), c.Params(part), in)
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}
