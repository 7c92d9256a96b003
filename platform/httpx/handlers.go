package httpx

import (
	"context"

	"github.com/gofiber/fiber/v2"
)

// PageSize is how many items a list answers where limit is not given.
const PageSize = 50

// The handlers below call one use case each: what it takes comes from the path
// and the body, what it gives is the answer. Source gives the use cases, or the
// problem why they cannot be used yet (run.Opened.Get).

// Serve is for what writes its answer itself: use ends the request.
func Serve[S any](source func() (S, error), use func(S, *fiber.Ctx) error) fiber.Handler {
	return func(c *fiber.Ctx) error {
		s, err := source()
		if err != nil {
			return err
		}
		return use(s, c)
	}
}

// Answer answers what use gives, with status, for requests that none of the
// others below fits.
func Answer[S, Out any](source func() (S, error), status int, use func(S, *fiber.Ctx) (Out, error)) fiber.Handler {
	return Serve(source, func(s S, c *fiber.Ctx) error {
		out, err := use(s, c)
		if err != nil {
			return err
		}
		return JSON(c, status, out)
	})
}

// AnswerOne answers a request without a body about the thing that a path
// parameter names.
func AnswerOne[S, Out any](source func() (S, error), parameter string, use func(S, context.Context, string) (Out, error)) fiber.Handler {
	return Answer(source, fiber.StatusOK, func(s S, c *fiber.Ctx) (Out, error) {
		return use(s, c.UserContext(), c.Params(parameter))
	})
}

// AnswerPage answers a page of a list that belongs to the thing that a path
// parameter names.
func AnswerPage[S, Out any](source func() (S, error), parameter string, use func(s S, ctx context.Context, of string, limit int, after string) (Out, error)) fiber.Handler {
	return Answer(source, fiber.StatusOK, func(s S, c *fiber.Ctx) (Out, error) {
		limit, after := Paging(c, PageSize)
		return use(s, c.UserContext(), c.Params(parameter), limit, after)
	})
}

// Take decodes the body and answers what use gives, with status.
func Take[S, In, Out any](source func() (S, error), status int, use func(S, context.Context, In) (Out, error)) fiber.Handler {
	return Answer(source, status, func(s S, c *fiber.Ctx) (out Out, err error) {
		in, err := Body[In](c)
		if err != nil {
			return out, err
		}
		return use(s, c.UserContext(), in)
	})
}

// TakeFor is Take about the thing that a path parameter names.
func TakeFor[S, In, Out any](source func() (S, error), status int, parameter string, use func(S, context.Context, string, In) (Out, error)) fiber.Handler {
	return Answer(source, status, func(s S, c *fiber.Ctx) (out Out, err error) {
		in, err := Body[In](c)
		if err != nil {
			return out, err
		}
		return use(s, c.UserContext(), c.Params(parameter), in)
	})
}

// TakeForPart is Take about a part of the thing that a path parameter names.
func TakeForPart[S, In, Out any](source func() (S, error), status int, parameter, part string, use func(S, context.Context, string, string, In) (Out, error)) fiber.Handler {
	return Answer(source, status, func(s S, c *fiber.Ctx) (out Out, err error) {
		in, err := Body[In](c)
		if err != nil {
			return out, err
		}
		return use(s, c.UserContext(), c.Params(parameter), c.Params(part), in)
	})
}

// Do answers 204 to a request without a body when use has done it.
func Do[S any](source func() (S, error), use func(S, *fiber.Ctx) error) fiber.Handler {
	return Serve(source, func(s S, c *fiber.Ctx) error {
		if err := use(s, c); err != nil {
			return err
		}
		return NoContent(c)
	})
}

// DoOne is Do about the thing that a path parameter names.
func DoOne[S any](source func() (S, error), parameter string, use func(S, context.Context, string) error) fiber.Handler {
	return Do(source, func(s S, c *fiber.Ctx) error { return use(s, c.UserContext(), c.Params(parameter)) })
}

// DoWith decodes the body and answers 204 when use has done it.
func DoWith[S, In any](source func() (S, error), use func(S, context.Context, In) error) fiber.Handler {
	return Do(source, func(s S, c *fiber.Ctx) error {
		in, err := Body[In](c)
		if err != nil {
			return err
		}
		return use(s, c.UserContext(), in)
	})
}
