package httpx

import (
	"errors"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"varde.internal/platform/problem"
)

// fieldsOf turns a validation error into field problems. No value that was
// sent appears in them: it can be a password or a name.
func fieldsOf(err error, parameter string) []problem.Field {
	if err == nil {
		return nil
	}
	switch e := err.(type) { //nolint:errorlint // the tree is walked by type
	case openapi3.MultiError:
		var all []problem.Field
		for _, one := range e {
			all = append(all, fieldsOf(one, parameter)...)
		}
		return all
	case *openapi3filter.RequestError:
		return requestFields(e)
	case *openapi3.SchemaError:
		return []problem.Field{schemaField(e, parameter)}
	}
	var multi openapi3.MultiError
	if errors.As(err, &multi) {
		return fieldsOf(multi, parameter)
	}
	var schema *openapi3.SchemaError
	if errors.As(err, &schema) {
		return []problem.Field{schemaField(schema, parameter)}
	}
	return []problem.Field{{Pointer: parameter, Slug: "malformed", Detail: "This cannot be read."}}
}

func requestFields(e *openapi3filter.RequestError) []problem.Field {
	name := ""
	if e.Parameter != nil {
		name = e.Parameter.Name
	}
	switch {
	case errors.Is(e.Err, openapi3filter.ErrInvalidRequired):
		return []problem.Field{{Pointer: name, Slug: "required", Detail: "This is needed."}}
	case errors.Is(e.Err, openapi3filter.ErrInvalidEmptyValue):
		return []problem.Field{{Pointer: name, Slug: "empty", Detail: "This must not be empty."}}
	case e.Parameter == nil && strings.Contains(e.Reason, "Content-Type"):
		return []problem.Field{{Pointer: "Content-Type", Slug: "wrong-content-type", Detail: "The body must be application/json."}}
	case e.Parameter == nil && e.RequestBody == nil:
		return []problem.Field{{Pointer: "", Slug: "no-body-here", Detail: "This takes no body."}}
	}
	if e.Err != nil {
		if fields := fieldsOf(e.Err, name); fields != nil {
			return fields
		}
	}
	return []problem.Field{{Pointer: name, Slug: "malformed", Detail: "This cannot be read."}}
}

// quoted finds the property a message is about: only its name, never a value.
var quoted = regexp.MustCompile(`^property "((?:[^"\\]|\\.)*)"`)

func schemaField(e *openapi3.SchemaError, parameter string) problem.Field {
	// Of alternatives the deepest complaint is the one that helps.
	var inner *openapi3.SchemaError
	if e.SchemaField != "properties" && e.Origin != nil && errors.As(e.Origin, &inner) && len(inner.JSONPointer()) > len(e.JSONPointer()) {
		return schemaField(inner, parameter)
	}
	segments := e.JSONPointer()
	slug, detail := meaning(e)
	if slug == "unknown-field" {
		if m := quoted.FindStringSubmatch(e.Reason); m != nil && (len(segments) == 0 || segments[len(segments)-1] != m[1]) {
			segments = append(segments, m[1])
		}
	}
	return problem.Field{Pointer: pointer(parameter, segments), Slug: slug, Detail: detail}
}

func pointer(parameter string, segments []string) string {
	var b strings.Builder
	b.WriteString(parameter)
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(s))
	}
	return b.String()
}

// meaning gives the slug and sentence of a schema keyword.
func meaning(e *openapi3.SchemaError) (slug, detail string) {
	switch e.SchemaField {
	case "required":
		return "required", "This is needed."
	case "type":
		return "wrong-type", "This has the wrong type."
	case "nullable":
		return "wrong-type", "This must not be null."
	case "enum", "const":
		return "not-a-choice", "This is not one of the choices."
	case "format", "pattern":
		return "wrong-form", "This does not have the right form."
	case "minLength", "minItems", "minProperties":
		return "too-short", "This is too short."
	case "maxLength", "maxItems", "maxProperties":
		return "too-long", "This is too long."
	case "minimum", "exclusiveMinimum":
		return "too-small", "This is too small."
	case "maximum", "exclusiveMaximum":
		return "too-large", "This is too large."
	case "uniqueItems":
		return "repeated", "The same is listed twice."
	case "properties", "additionalProperties":
		return "unknown-field", "There is no such field here."
	default:
		return "not-valid", "This is not valid here."
	}
}
