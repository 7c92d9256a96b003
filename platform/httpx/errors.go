package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/docstore"
	"varde.internal/platform/problem"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/gen/commonapi"
)

// problemBase begins the type of every problem; its slug follows.
const problemBase = "https://varde.internal/problems/"

// MediaProblem is the media type of RFC 9457.
const MediaProblem = "application/problem+json"

// StatusOf is the HTTP status of a kind.
func StatusOf(k problem.Kind) int {
	switch k {
	case problem.KindInvalid:
		return http.StatusBadRequest
	case problem.KindUnauthenticated:
		return http.StatusUnauthorized
	case problem.KindForbidden, problem.KindStepUp:
		return http.StatusForbidden
	case problem.KindNotFound:
		return http.StatusNotFound
	case problem.KindConflict:
		return http.StatusConflict
	case problem.KindTooLarge:
		return http.StatusRequestEntityTooLarge
	case problem.KindUnprocessable:
		return http.StatusUnprocessableEntity
	case problem.KindTooMany:
		return http.StatusTooManyRequests
	case problem.KindUnavailable:
		return http.StatusServiceUnavailable
	case problem.KindTimeout:
		return http.StatusGatewayTimeout
	default:
		return http.StatusInternalServerError
	}
}

// kindOf is the way back, for answers of other services.
func kindOf(status int, slug string) problem.Kind {
	if slug == "step-up-required" {
		return problem.KindStepUp
	}
	for k := problem.KindInternal; k <= problem.KindTimeout; k++ {
		if k != problem.KindStepUp && StatusOf(k) == status {
			return k
		}
	}
	switch {
	case status == http.StatusBadGateway:
		return problem.KindUnavailable
	case status >= 400 && status < 500:
		return problem.KindInvalid
	default:
		return problem.KindInternal
	}
}

// problemOf gives errors that come from below a service their meaning where
// nobody did before. What is left is internal.
func problemOf(err error) *problem.Error {
	var p *problem.Error
	var f *fiber.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &f):
		return fiberProblem(f)
	case errors.Is(err, context.DeadlineExceeded):
		return problem.New(problem.KindTimeout, "timeout", "This took too long. Try again.").Because(err)
	case errors.Is(err, context.Canceled):
		return problem.Unavailable("The service is stopping. Try again.", err)
	case errors.Is(err, docstore.ErrNotFound):
		return problem.New(problem.KindNotFound, "not-found", "There is no such thing, or you do not have access to it.").Because(err)
	case errors.Is(err, docstore.ErrConflict), errors.Is(err, docstore.ErrExists):
		return problem.Conflict("changed-meanwhile", "Somebody else changed this at the same time. Look at it again.").Because(err)
	case errors.Is(err, docstore.ErrCursor):
		return problem.Invalid("The page cannot be found again; begin with the first.", problem.Field{Pointer: "after", Slug: "wrong-form", Detail: "This is not the next of a page."}).Because(err)
	case errors.Is(err, docstore.ErrTooLarge):
		return errTooLarge.Because(err)
	case errors.Is(err, tenant.ErrMissing):
		return problem.Invalid("A service must say for which tenant it acts.", problem.Field{Pointer: HeaderTenant, Slug: "required", Detail: "This is needed."}).Because(err)
	}
	return problem.From(err)
}

func fiberProblem(f *fiber.Error) *problem.Error {
	switch f.Code {
	case fiber.StatusNotFound:
		return ErrNoAddress
	case fiber.StatusMethodNotAllowed:
		return errMethod
	case fiber.StatusRequestEntityTooLarge:
		return errTooLarge
	case fiber.StatusRequestHeaderFieldsTooLarge:
		return problem.New(problem.KindTooLarge, "headers-too-large", "The request's headers are too large.")
	}
	k := kindOf(f.Code, "")
	if k == problem.KindInternal {
		return problem.From(f)
	}
	return problem.New(k, "refused", http.StatusText(f.Code)+".")
}

// fail is the one error handler: it writes the problem and never its cause.
func (s *server) fail(c *fiber.Ctx, err error) error {
	return WriteProblem(c, problemOf(err))
}

// WriteProblem answers with p. Handlers return the problem instead; this is
// for code that answers by itself.
func WriteProblem(c *fiber.Ctx, p *problem.Error) error {
	status := StatusOf(p.Kind)
	out := commonapi.Problem{
		Type: problemBase + p.Slug, Title: http.StatusText(status), Status: status,
		Detail: p.Detail, Params: p.Params,
	}
	for _, f := range p.Fields {
		out.Errors = append(out.Errors, commonapi.FieldProblem{Pointer: f.Pointer, Slug: f.Slug, Detail: f.Detail})
	}
	if r := requestOf(c); r != nil {
		out.TraceId = r.traceID
		if r.id != "" {
			out.Instance = "urn:varde:request:" + r.id
		}
	}
	switch p.Kind {
	case problem.KindUnauthenticated:
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="varde"`)
	case problem.KindUnavailable, problem.KindTooMany:
		if len(c.Response().Header.Peek(fiber.HeaderRetryAfter)) == 0 {
			c.Set(fiber.HeaderRetryAfter, "2")
		}
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, MediaProblem)
	return c.Status(status).Send(body)
}
