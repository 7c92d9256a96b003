package search

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/kql"
	"varde.internal/platform/problem"
)

// syntaxProblem says where a query is wrong, in UTF-16 units.
func syntaxProblem(text string, err error) error {
	var syntax *kql.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	p := &problem.Error{Kind: problem.KindInvalid, Slug: "query-syntax", Detail: syntax.Detail,
		Fields: []problem.Field{{Pointer: "/query", Slug: syntax.Slug, Detail: syntax.Detail}},
		Params: map[string]string{
			"slug":  syntax.Slug,
			"start": strconv.Itoa(utf16Offset(text, syntax.Start)),
			"end":   strconv.Itoa(utf16Offset(text, syntax.End)),
		}}
	if len(syntax.Near) > 0 {
		p.Params["near"] = strings.Join(syntax.Near, ", ")
	}
	return p
}

// indexProblem says what an error of the event index means for the caller.
func indexProblem(err error) error {
	switch {
	case errors.Is(err, eventindex.ErrNotFound):
		return problem.NotFound("event")
	case errors.Is(err, eventindex.ErrCursor):
		return problem.Invalid("The page does not belong to this search.", problem.Field{Pointer: "/after", Slug: "wrong-form", Detail: "This is not the next of a page of this query."})
	case errors.Is(err, eventindex.ErrBuckets):
		return problem.Invalid("The interval is too short for the range.", problem.Field{Pointer: "/intervalSeconds", Slug: "too-small", Detail: "This gives more than 2,000 bars."})
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	}
	return problem.Unavailable("The log search does not answer now. Try again in a moment.", err)
}
