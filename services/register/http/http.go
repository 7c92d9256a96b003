// Package http is the register's interface to the world: it decodes a request,
// calls the use case and encodes the answer. No rules live here.
package http

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/registerapi"
)

// List is what a list is asked for.
type List struct {
	At, Known time.Time
	Ended     bool
	Limit     int
	After     string
	Filters   map[string]string
}

// Kind is the use cases that every kind of entity has. Bodies have passed the
// contract; answers are encoded as they are.
type Kind interface {
	List(ctx context.Context, q List) (any, error)
	Get(ctx context.Context, id string, at, known time.Time) (any, error)
	Create(ctx context.Context, body []byte) (any, error)
	Change(ctx context.Context, id string, body []byte) (any, error)
	End(ctx context.Context, id string, in registerapi.EndRequest) (any, error)
}

// Register is the use cases in the contract's types.
type Register interface {
	Kind(name string) Kind
	Overview(ctx context.Context, vendorID string, at time.Time) (any, error)
	RenewKey(ctx context.Context, sourceID string) (any, error)
	Approve(ctx context.Context, windowID string, in registerapi.WindowApproval) (any, error)
	Revoke(ctx context.Context, windowID string, in registerapi.WindowRevocation) (any, error)
	Extend(ctx context.Context, windowID string, in registerapi.WindowExtension) (any, error)
	Calendar(ctx context.Context, from, to time.Time, vendorID, systemID string) (any, error)
	Checklists() registerapi.Checklists
}

// Names of the kinds as their paths have them.
var kinds = []string{"vendors", "agreements", "vendor-persons", "systems", "accounts", "sources", "windows"}

// filters are the query parameters that narrow a list.
var filters = []string{"q", "vendorId", "systemId", "unitId", "state", "flag"}

// Routes puts the routes on the application. service fails while the store is
// not open yet.
func Routes(app *fiber.App, service func() (Register, error)) {
	h := handlers{service}
	for _, name := range kinds {
		g := app.Group("/v1/" + name)
		g.Get("", h.list(name))
		g.Post("", h.create(name))
		if name == "vendor-persons" || name == "accounts" {
			g.Post("/search", h.search(name))
		}
		g.Get("/:id", h.get(name))
		g.Put("/:id", h.change(name))
		if name != "windows" {
			g.Post("/:id/end", withBody(h, func(s Register, ctx context.Context, id string, in registerapi.EndRequest) (any, error) {
				return s.Kind(name).End(ctx, id, in)
			}))
		}
	}
	app.Get("/v1/vendors/:id/overview", h.overview)
	app.Post("/v1/sources/:id/key", h.renewKey)
	app.Post("/v1/windows/:id/approve", withBody(h, Register.Approve))
	app.Post("/v1/windows/:id/revoke", withBody(h, Register.Revoke))
	app.Post("/v1/windows/:id/extend", withBody(h, Register.Extend))
	app.Get("/v1/calendar", h.calendar)
	app.Get("/v1/checklists", h.checklists)
}

type handlers struct{ service func() (Register, error) }

// moment reads a date-time parameter, which has passed the contract.
func moment(c *fiber.Ctx, name string) (time.Time, error) {
	text := c.Query(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, problem.Invalid("A time is not written as one.", problem.Field{Pointer: name, Slug: "bad-date", Detail: "Write it as 2026-11-22T14:05:00Z."})
	}
	return t, nil
}

func (h handlers) list(name string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		q := List{Ended: c.QueryBool("ended"), Filters: map[string]string{}}
		q.Limit, q.After = httpx.Paging(c, 50)
		if q.At, err = moment(c, "at"); err != nil {
			return err
		}
		if q.Known, err = moment(c, "known"); err != nil {
			return err
		}
		for _, f := range filters {
			if v := c.Query(f); v != "" {
				q.Filters[f] = v
			}
		}
		out, err := s.Kind(name).List(c.UserContext(), q)
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}

func (h handlers) search(name string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		in, err := httpx.Body[registerapi.PeopleSearch](c)
		if err != nil {
			return err
		}
		q := List{Limit: in.Limit, After: in.After, Filters: map[string]string{"q": in.Text, "vendorId": in.VendorId, "systemId": in.SystemId}}
		out, err := s.Kind(name).List(c.UserContext(), q)
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}

func (h handlers) get(name string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		at, err := moment(c, "at")
		if err != nil {
			return err
		}
		known, err := moment(c, "known")
		if err != nil {
			return err
		}
		out, err := s.Kind(name).Get(c.UserContext(), c.Params("id"), at, known)
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}

func (h handlers) create(name string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		out, err := s.Kind(name).Create(c.UserContext(), c.Body())
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusCreated, out)
	}
}

func (h handlers) change(name string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		out, err := s.Kind(name).Change(c.UserContext(), c.Params("id"), c.Body())
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}

func (h handlers) overview(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	at, err := moment(c, "at")
	if err != nil {
		return err
	}
	out, err := s.Overview(c.UserContext(), c.Params("id"), at)
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, out)
}

func (h handlers) renewKey(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	out, err := s.RenewKey(c.UserContext(), c.Params("id"))
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, out)
}

func (h handlers) calendar(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	from, err := moment(c, "from")
	if err != nil {
		return err
	}
	to, err := moment(c, "to")
	if err != nil {
		return err
	}
	out, err := s.Calendar(c.UserContext(), from, to, c.Query("vendorId"), c.Query("systemId"))
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, out)
}

func (h handlers) checklists(c *fiber.Ctx) error {
	s, err := h.service()
	if err != nil {
		return err
	}
	return httpx.JSON(c, fiber.StatusOK, s.Checklists())
}

// withBody answers a POST about one entity.
func withBody[In any](h handlers, use func(Register, context.Context, string, In) (any, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := h.service()
		if err != nil {
			return err
		}
		in, err := httpx.Body[In](c)
		if err != nil {
			return err
		}
		out, err := use(s, c.UserContext(), c.Params("id"), in)
		if err != nil {
			return err
		}
		return httpx.JSON(c, fiber.StatusOK, out)
	}
}
