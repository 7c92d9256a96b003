package http

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"varde.internal/ingest/parse"
	"varde.internal/schemas/gen/collectorapi"
)

// Taken is what became of lines: all of them are durable.
type Taken struct {
	Events, Dead int
	// Refused are log records of OTLP that are larger than a line may be.
	Refused int
	// Resume is what the next piece of an imported file begins with.
	Resume parse.State
}

// lines takes one event a line.
func (h handlers) lines(c *fiber.Ctx) error {
	objects := strings.Contains(strings.ToLower(c.Get(fiber.HeaderContentType)), "json")
	return h.receive(c, func(s Sender, body []byte) error {
		n, err := s.Lines(c.UserContext(), body, objects)
		if err != nil {
			return err
		}
		return c.JSON(collectorapi.Taken{Events: n.Events, Dead: n.Dead})
	})
}

// imported takes a piece of a file.
func (h handlers) imported(c *fiber.Ctx) error {
	s, err := h.sender(c)
	if err != nil {
		return h.unknown(c, err)
	}
	return h.take(c, s, func(s Sender, body []byte) error {
		n, err := s.Import(c.UserContext(), body)
		if err != nil {
			return err
		}
		return c.JSON(collectorapi.Imported{Events: n.Events, Dead: n.Dead,
			Resume: collectorapi.ParseState{Previous: n.Resume.Previous, Columns: n.Resume.Columns}})
	})
}
