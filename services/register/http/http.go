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
	Mapping(ctx context.Context, id string) (registerapi.Mapping, error)
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
	for _, name := range kinds {
		kind := func() (Kind, error) {
			s, err := service()
			if err != nil {
				return nil, err
			}
			return s.Kind(name), nil
		}
		g := app.Group("/v1/" + name)
		g.Get("", httpx.Answer(kind, fiber.StatusOK, list))
		g.Post("", httpx.Answer(kind, fiber.StatusCreated, create))
		if name == "vendor-persons" || name == "accounts" {
			g.Post("/search", httpx.Take(kind, fiber.StatusOK, search))
		}
		g.Get("/:id", httpx.Answer(kind, fiber.StatusOK, get))
		g.Put("/:id", httpx.Answer(kind, fiber.StatusOK, change))
		if name != "windows" {
			g.Post("/:id/end", httpx.TakeFor(kind, fiber.StatusOK, "id", Kind.End))
		}
	}
	app.Get("/v1/vendors/:id/overview", httpx.Answer(service, fiber.StatusOK, overview))
	app.Post("/v1/sources/:id/key", httpx.AnswerOne(service, "id", Register.RenewKey))
	app.Get("/v1/mappings/:id", httpx.AnswerOne(service, "id", Register.Mapping))
	app.Post("/v1/windows/:id/approve", httpx.TakeFor(service, fiber.StatusOK, "id", Register.Approve))
	app.Post("/v1/windows/:id/revoke", httpx.TakeFor(service, fiber.StatusOK, "id", Register.Revoke))
	app.Post("/v1/windows/:id/extend", httpx.TakeFor(service, fiber.StatusOK, "id", Register.Extend))
	app.Get("/v1/calendar", httpx.Answer(service, fiber.StatusOK, calendar))
	app.Get("/v1/checklists", httpx.Answer(service, fiber.StatusOK, func(s Register, _ *fiber.Ctx) (registerapi.Checklists, error) {
		return s.Checklists(), nil
	}))
}

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

// moments reads two of them.
func moments(c *fiber.Ctx, first, second string) (a, b time.Time, err error) {
	if a, err = moment(c, first); err != nil {
		return a, b, err
	}
	b, err = moment(c, second)
	return a, b, err
}

func list(k Kind, c *fiber.Ctx) (any, error) {
	q := List{Ended: c.QueryBool("ended"), Filters: map[string]string{}}
	q.Limit, q.After = httpx.Paging(c, httpx.PageSize)
	var err error
	if q.At, q.Known, err = moments(c, "at", "known"); err != nil {
		return nil, err
	}
	for _, f := range filters {
		if v := c.Query(f); v != "" {
			q.Filters[f] = v
		}
	}
	return k.List(c.UserContext(), q)
}

func search(k Kind, ctx context.Context, in registerapi.PeopleSearch) (any, error) { //nolint:revive // the use case comes first, as in a method expression
	return k.List(ctx, List{Limit: in.Limit, After: in.After, Filters: map[string]string{"q": in.Text, "vendorId": in.VendorId, "systemId": in.SystemId}})
}

func get(k Kind, c *fiber.Ctx) (any, error) {
	at, known, err := moments(c, "at", "known")
	if err != nil {
		return nil, err
	}
	return k.Get(c.UserContext(), c.Params("id"), at, known)
}

func create(k Kind, c *fiber.Ctx) (any, error) { return k.Create(c.UserContext(), c.Body()) }

func change(k Kind, c *fiber.Ctx) (any, error) {
	return k.Change(c.UserContext(), c.Params("id"), c.Body())
}

func overview(s Register, c *fiber.Ctx) (any, error) {
	at, err := moment(c, "at")
	if err != nil {
		return nil, err
	}
	return s.Overview(c.UserContext(), c.Params("id"), at)
}

func calendar(s Register, c *fiber.Ctx) (any, error) {
	from, to, err := moments(c, "from", "to")
	if err != nil {
		return nil, err
	}
	return s.Calendar(c.UserContext(), from, to, c.Query("vendorId"), c.Query("systemId"))
}
