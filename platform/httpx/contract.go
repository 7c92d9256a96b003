package httpx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"varde.internal/platform/auth"
	"varde.internal/platform/problem"
	"varde.internal/schemas/openapi"
)

// Contract is a loaded OpenAPI document. Safe for concurrent use.
type Contract struct {
	Doc    *openapi3.T
	router routers.Router
	ops    map[*openapi3.Operation]*Operation
}

// Operation is what the ground needs to know of one operation.
type Operation struct {
	ID        string
	Method    string
	Path      string // the template: /v1/cases/{caseId}
	Action    auth.Action
	Open      bool
	Anonymous bool
	BodyLimit int64         // 0: the application's
	Deadline  time.Duration // 0: the application's
	Stream    bool          // its body is not JSON: the handler reads it from BodyReader or Parts

	op *openapi3.Operation
}

// LoadContract reads NAME.yaml and common.yaml from schemas/openapi. It fails
// on a document that is not valid and on an operation that neither names an
// action of the policy nor is open.
func LoadContract(name string) (*Contract, error) {
	loader := openapi3.NewLoader()
	loader.ReadFromURIFunc = func(_ *openapi3.Loader, u *url.URL) ([]byte, error) {
		return openapi.Files.ReadFile(path.Base(u.Path))
	}
	doc, err := loader.LoadFromURI(&url.URL{Path: name + ".yaml"})
	if err != nil {
		return nil, fmt.Errorf("httpx: contract %s: %w", name, err)
	}
	return NewContract(doc)
}

// NewContract prepares a document; LoadContract is for those of schemas/openapi.
func NewContract(doc *openapi3.T) (*Contract, error) {
	doc.Servers = nil // on its own address a service's paths begin at /
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("httpx: contract %q: %w", doc.Info.Title, err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("httpx: contract %q: %w", doc.Info.Title, err)
	}
	c := &Contract{Doc: doc, router: router, ops: map[*openapi3.Operation]*Operation{}}
	known := auth.Actions()
	var wrong []error
	for template, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o, err := newOperation(method, template, op)
			if err == nil && !o.Open && !slices.Contains(known, o.Action) {
				err = fmt.Errorf("%s %s: x-varde-action %q is not in the policy, and it is not x-varde-open", method, template, o.Action)
			}
			if err != nil {
				wrong = append(wrong, err)
				continue
			}
			c.ops[op] = o
		}
	}
	return c, errors.Join(wrong...)
}

// Operations lists all, by path and method.
func (c *Contract) Operations() []*Operation {
	all := make([]*Operation, 0, len(c.ops))
	for _, o := range c.ops {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b *Operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return all
}

func newOperation(method, template string, op *openapi3.Operation) (*Operation, error) {
	o := &Operation{ID: op.OperationID, Method: method, Path: template, op: op}
	action, _ := op.Extensions["x-varde-action"].(string)
	o.Action = auth.Action(action)
	o.Open, _ = op.Extensions["x-varde-open"].(bool)
	o.Anonymous, _ = op.Extensions["x-varde-anonymous"].(bool)
	if o.Anonymous && !o.Open {
		return nil, fmt.Errorf("%s %s: x-varde-anonymous needs x-varde-open", method, template)
	}
	switch n := op.Extensions["x-varde-body-limit"].(type) {
	case float64:
		o.BodyLimit = int64(n)
	case int:
		o.BodyLimit = int64(n)
	}
	if d, ok := op.Extensions["x-varde-deadline"].(string); ok {
		var err error
		if o.Deadline, err = time.ParseDuration(d); err != nil {
			return nil, fmt.Errorf("%s %s: x-varde-deadline: %w", method, template, err)
		}
	}
	if op.RequestBody != nil && op.RequestBody.Value != nil {
		for mediaType, media := range op.RequestBody.Value.Content {
			if mediaType != "application/json" {
				o.Stream = true
				continue
			}
			closeObjects(media.Schema, map[*openapi3.Schema]bool{})
		}
	}
	return o, nil
}

// closeObjects refuses unknown fields in request bodies: every object that
// lists its properties and says nothing of others has no others. The parts of
// an allOf are left alone, since each sees the others' fields.
func closeObjects(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	if len(s.Properties) > 0 && s.AdditionalProperties.Has == nil && s.AdditionalProperties.Schema == nil && len(s.AllOf) == 0 {
		no := false
		s.AdditionalProperties.Has = &no
	}
	for _, p := range s.Properties {
		closeObjects(p, seen)
	}
	closeObjects(s.Items, seen)
	closeObjects(s.AdditionalProperties.Schema, seen)
	for _, p := range slices.Concat(s.OneOf, s.AnyOf) {
		closeObjects(p, seen)
	}
}

// ErrNoAddress and errMethod are what match answers without an operation.
var (
	ErrNoAddress = problem.New(problem.KindNotFound, "no-such-address", "There is nothing at this address.")
	errMethod    = problem.New(problem.KindNotFound, "no-such-method", "This address does not take this method.")
)

// match finds the operation of a request; HEAD is answered as GET.
func (c *Contract) match(r *http.Request) (*Operation, map[string]string, *routers.Route, error) {
	q := *r
	if q.Method == http.MethodHead {
		q.Method = http.MethodGet
	}
	route, params, err := c.router.FindRoute(&q)
	switch {
	case errors.Is(err, routers.ErrMethodNotAllowed):
		return nil, nil, nil, errMethod
	case err != nil:
		return nil, nil, nil, ErrNoAddress
	}
	return c.ops[route.Operation], params, route, nil
}

// check validates parameters and a JSON body; body is nil for a streamed one.
// The problem names every field (JSON pointer, or the parameter's name).
func (c *Contract) check(ctx context.Context, r *http.Request, params map[string]string, route *routers.Route, body []byte, stream bool) error {
	var fields []problem.Field
	for name := range r.URL.Query() {
		if !hasQuery(route, name) {
			fields = append(fields, problem.Field{Pointer: name, Slug: "unknown-parameter", Detail: "There is no such parameter here."})
		}
	}
	if stream {
		r.Body = http.NoBody
	} else if len(body) > 0 {
		r.Body = readCloser{bytes.NewReader(body)}
		r.ContentLength = int64(len(body))
	}
	err := openapi3filter.ValidateRequest(ctx, &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route, QueryParams: r.URL.Query(),
		Options: &openapi3filter.Options{
			ExcludeRequestBody: stream, MultiError: true, SkipSettingDefaults: true,
			RejectWhenRequestBodyNotSpecified: len(body) > 0,
			AuthenticationFunc:                openapi3filter.NoopAuthenticationFunc,
		},
	})
	fields = append(fields, fieldsOf(err, "")...)
	if len(fields) == 0 {
		return nil
	}
	slices.SortFunc(fields, func(a, b problem.Field) int { return strings.Compare(a.Pointer+a.Slug, b.Pointer+b.Slug) })
	return problem.Invalid("Something in the request is not as it should be; see each field.", slices.Compact(fields)...)
}

// CheckAnswer says how an answer differs from what the contract promises for
// the request it answers; for tests.
func (c *Contract) CheckAnswer(method, target string, status int, header http.Header, body []byte) error {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return err
	}
	r := &http.Request{Method: method, URL: u, Header: http.Header{}, Host: "service"}
	op, params, route, err := c.match(r)
	if err != nil {
		return nil //nolint:nilerr // outside the contract nothing is promised
	}
	if !op.hasAnswer(status) {
		return fmt.Errorf("%s %s answers %d, which the contract does not list", method, op.Path, status)
	}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route},
		Status:                 status, Header: header, Body: readCloser{bytes.NewReader(body)},
		Options: &openapi3filter.Options{MultiError: true, ExcludeResponseBody: len(body) == 0},
	})
}

func (o *Operation) hasAnswer(status int) bool {
	return o.op.Responses.Status(status) != nil || (status >= http.StatusBadRequest && o.op.Responses.Default() != nil)
}

func hasQuery(route *routers.Route, name string) bool {
	for _, list := range []openapi3.Parameters{route.Operation.Parameters, route.PathItem.Parameters} {
		for _, p := range list {
			if p.Value != nil && p.Value.In == openapi3.ParameterInQuery && p.Value.Name == name {
				return true
			}
		}
	}
	return false
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
