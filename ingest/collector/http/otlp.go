package http

import (
	"errors"
	"mime"

	"github.com/gofiber/fiber/v2"

	"varde.internal/ingest/otlp"
	"varde.internal/platform/httpx"
	"varde.internal/platform/problem"
)

// logs takes an export of logs by OTLP/HTTP, in both of its encodings. Answers
// are in the encoding of the request; a failure is a google.rpc.Status, of which
// clients send 429, 502, 503 and 504 again after Retry-After.
func (h handlers) logs(c *fiber.Ctx) error {
	encoding, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || (encoding != otlp.Protobuf && encoding != otlp.JSON) {
		return refuse(c, otlp.JSON, fiber.StatusUnsupportedMediaType, otlp.CodeInvalid, "The content type must be application/x-protobuf or application/json.")
	}
	answered := func(body []byte) error {
		c.Set(fiber.HeaderContentType, encoding)
		return c.Send(body)
	}
	err = h.receive(c, func(s Sender, body []byte) error {
		n, err := s.Logs(c.UserContext(), body, encoding)
		if err != nil {
			return err
		}
		return answered(otlp.Answer(encoding, n.Refused, "Records that are larger than a line may be are not taken."))
	})
	var p *problem.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &p):
		p = problem.From(err)
	case p == errEmpty:
		return answered(otlp.Answer(encoding, 0, "")) // an export of nothing has no bytes in protobuf
	}
	code := otlp.CodeInvalid
	switch p.Kind {
	case problem.KindUnauthenticated:
		code = otlp.CodeUnauthenticated
	case problem.KindTooMany:
		code = otlp.CodeTooMany
	case problem.KindUnavailable:
		code = otlp.CodeUnavailable
	case problem.KindInternal:
		code = otlp.CodeInternal
	}
	if p.Kind == problem.KindUnavailable {
		c.Set(fiber.HeaderRetryAfter, "2")
	}
	return refuse(c, encoding, httpx.StatusOf(p.Kind), code, p.Detail)
}

func refuse(c *fiber.Ctx, encoding string, status, code int, message string) error {
	c.Set(fiber.HeaderContentType, encoding)
	return c.Status(status).Send(otlp.Status(encoding, code, message))
}
