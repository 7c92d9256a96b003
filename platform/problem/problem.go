// Package problem is the one kind of error that reaches a person: a kind that
// maps to an HTTP status, a slug that a client can act on and translate, and a
// plain sentence. The cause stays inside (logs, never answers). See RFC 9457.
package problem

import (
	"errors"
	"fmt"
)

// Kind groups problems by what the caller can do about them.
type Kind int

// The kinds, with the HTTP status that platform/httpx gives each.
const (
	KindInternal        Kind = iota // 500: ours, nothing the caller can mend
	KindInvalid                     // 400: malformed or refused input, see Fields
	KindUnauthenticated             // 401
	KindForbidden                   // 403
	KindNotFound                    // 404: also for what another tenant owns
	KindConflict                    // 409: the thing changed, or exists already
	KindTooLarge                    // 413
	KindUnprocessable               // 422: well-formed, but a rule forbids it
	KindStepUp                      // 403 with slug step-up-required
	KindTooMany                     // 429
	KindUnavailable                 // 503: try again later
	KindTimeout                     // 504
)

// Field names one thing wrong with the input. Pointer is a JSON pointer into
// the body (RFC 6901) or the name of a query parameter.
type Field struct {
	Pointer string `json:"pointer"`
	Slug    string `json:"slug"`
	Detail  string `json:"detail"`
}

// Error is a problem. Slug is lower-case words with dashes and unique per
// meaning; Detail is a plain sentence without names, addresses or internals.
// Params fill the translated text of the slug.
type Error struct {
	Kind   Kind
	Slug   string
	Detail string
	Fields []Field
	Params map[string]string
	cause  error
}

// New returns a problem of kind k.
func New(k Kind, slug, detail string) *Error { return &Error{Kind: k, Slug: slug, Detail: detail} }

// Invalid returns a KindInvalid problem that names its fields.
func Invalid(detail string, fields ...Field) *Error {
	return &Error{Kind: KindInvalid, Slug: "invalid-input", Detail: detail, Fields: fields}
}

// NotFound returns a KindNotFound problem; what is the thing's noun, no name.
func NotFound(what string) *Error {
	return &Error{Kind: KindNotFound, Slug: what + "-not-found", Detail: fmt.Sprintf("There is no such %s, or you do not have access to it.", what)}
}

// Forbidden returns a KindForbidden problem.
func Forbidden(slug, detail string) *Error {
	return &Error{Kind: KindForbidden, Slug: slug, Detail: detail}
}

// Conflict returns a KindConflict problem.
func Conflict(slug, detail string) *Error {
	return &Error{Kind: KindConflict, Slug: slug, Detail: detail}
}

// Refused returns a KindUnprocessable problem: a rule of the domain says no.
func Refused(slug, detail string) *Error {
	return &Error{Kind: KindUnprocessable, Slug: slug, Detail: detail}
}

// Unavailable returns a KindUnavailable problem.
func Unavailable(detail string, cause error) *Error {
	return &Error{Kind: KindUnavailable, Slug: "unavailable", Detail: detail, cause: cause}
}

// Because keeps the cause for the log; it is never shown.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// With adds a parameter for the translated text.
func (e *Error) With(name, value string) *Error {
	c := *e
	c.Params = make(map[string]string, len(e.Params)+1)
	for k, v := range e.Params {
		c.Params[k] = v
	}
	c.Params[name] = value
	return &c
}

func (e *Error) Error() string {
	if e.cause != nil {
		return e.Slug + ": " + e.cause.Error()
	}
	return e.Slug + ": " + e.Detail
}

func (e *Error) Unwrap() error { return e.cause }

// Is matches problems by slug, so errors.Is works with package-level problems
// that were given a cause or parameters since.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Slug == e.Slug
}

// From returns the problem in err's chain; another error becomes an internal
// problem with err as its hidden cause. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var p *Error
	if errors.As(err, &p) {
		return p
	}
	return &Error{Kind: KindInternal, Slug: "internal", Detail: "Something went wrong on our side. Nothing you sent was lost; try again.", cause: err}
}
