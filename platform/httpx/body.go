package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/problem"
)

// Body decodes the JSON body, which the contract has checked, into T. A field
// that T does not have is refused: the contract and the generated type differ.
func Body[T any](c *fiber.Ctx) (T, error) {
	var v T
	d := json.NewDecoder(bytes.NewReader(c.Body()))
	d.DisallowUnknownFields()
	err := d.Decode(&v)
	if err == nil && !d.More() {
		return v, nil
	}
	field := problem.Field{Slug: "malformed", Detail: "This cannot be read."}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		field = problem.Field{Pointer: "/" + strings.ReplaceAll(wrong.Field, ".", "/"), Slug: "wrong-type", Detail: "This has the wrong type."}
	}
	return v, problem.Invalid("The body cannot be read.", field).Because(err)
}

// JSON answers with v.
func JSON(c *fiber.Ctx, status int, v any) error { return c.Status(status).JSON(v) }

// NoContent answers 204.
func NoContent(c *fiber.Ctx) error { return c.SendStatus(fiber.StatusNoContent) }

// List is the form of every list: next is the after of the following page,
// left out at the end.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

// Page makes a List whose items are never null.
func Page[T any](items []T, next string) List[T] {
	if items == nil {
		items = []T{}
	}
	return List[T]{Items: items, Next: next}
}

// Paging reads the query parameters limit and after; limit is fallback where
// it is not given. The contract bounds them.
func Paging(c *fiber.Ctx, fallback int) (limit int, after string) {
	return c.QueryInt("limit", fallback), c.Query("after")
}
