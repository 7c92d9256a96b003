package deviation

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"varde.internal/platform/problem"
	"varde.internal/schemas/topics"
)

//go:embed forms/*.json
var builtIn embed.FS

// How a form may be used (R67).
const (
	SignInNone     = "none"
	SignInOptional = "optional"
	SignInRequired = "required"
)

// Form is a form type in one version: data, never code. Schema is the JSON
// Schema of the answers; Steps say how they are asked for; Logic computes what
// the reporter is never asked for: kind and severity.
type Form struct {
	FormType string                       `json:"formType"`
	Version  int                          `json:"version"`
	Title    string                       `json:"title"`
	SignIn   string                       `json:"signIn"`
	Schema   json.RawMessage              `json:"schema"`
	Steps    []Step                       `json:"steps"`
	Logic    Logic                        `json:"logic"`
	Texts    map[string]map[string]string `json:"texts"`

	schema *jsonschema.Schema
}

// Step asks for fields together.
type Step struct {
	ID     string     `json:"id"`
	Title  string     `json:"title"`
	Help   string     `json:"help"`
	When   *Condition `json:"when"`
	Fields []Field    `json:"fields"`
}

// Field asks for one answer. Name is a property of the answers.
type Field struct {
	Name     string     `json:"name"`
	Widget   string     `json:"widget"`
	Label    string     `json:"label"`
	Help     string     `json:"help"`
	Required bool       `json:"required"`
	Options  []Option   `json:"options"`
	When     *Condition `json:"when"`
}

// Option is a choice of a field.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label"`
	Help  string `json:"help"`
}

// Condition holds where the answer to Field is, or has among its values, one of In.
type Condition struct {
	Field string   `json:"field"`
	In    []string `json:"in"`
}

// Logic judges answers. Of Kinds and Notices the first rule that holds counts;
// of Severities the gravest (R50: one high score is seen).
type Logic struct {
	Summary    string    `json:"summary"`
	PassLine   Condition `json:"passLine"`
	Kinds      []Rule    `json:"kinds"`
	Severities []Rule    `json:"severities"`
	Notices    []Rule    `json:"notices"`
}

// Rule gives its value where all its conditions hold.
type Rule struct {
	All   []Condition `json:"all"`
	Gives string      `json:"gives"`
}

// Answers as they were sent.
type Answers map[string]any

// Text is the answer to a question with one answer.
func (a Answers) Text(field string) string {
	s, _ := a[field].(string)
	return s
}

// Outcome is what a form's logic made of the answers.
type Outcome struct {
	Kind     string `json:"kind"`
	Category string `json:"category"`
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	PassLine bool   `json:"passLine,omitempty"`
	Ongoing  bool   `json:"ongoing,omitempty"`
	Notice   string `json:"notice,omitempty"`
}

// Catalog is the form types there are, every version of each.
type Catalog struct{ forms map[string][]*Form }

// BuiltIn gives the forms that come with Varde.
func BuiltIn() (*Catalog, error) {
	files, err := fs.Glob(builtIn, "forms/*.json")
	if err != nil {
		return nil, err
	}
	c := &Catalog{forms: map[string][]*Form{}}
	for _, name := range files {
		data, err := builtIn.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := ReadForm(data)
		if err != nil {
			return nil, fmt.Errorf("deviation: %s: %w", name, err)
		}
		c.forms[f.FormType] = append(c.forms[f.FormType], f)
	}
	for _, versions := range c.forms {
		slices.SortFunc(versions, func(a, b *Form) int { return a.Version - b.Version })
	}
	return c, nil
}

// ReadForm reads a form type and checks that it is whole.
func ReadForm(data []byte) (*Form, error) {
	f := &Form{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(f.Schema))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("answers.json", doc); err != nil {
		return nil, err
	}
	if f.schema, err = compiler.Compile("answers.json"); err != nil {
		return nil, err
	}
	return f, f.check()
}

// check finds fields that the schema does not have, and texts that are missing
// in a language that the form says it has. Bokmål it must have.
func (f *Form) check() error {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if err := json.Unmarshal(f.Schema, &schema); err != nil {
		return err
	}
	text := func(key string) error {
		if key == "" {
			return nil
		}
		if f.Texts["nb"][key] == "" {
			return fmt.Errorf("text %q is missing", key)
		}
		for language, texts := range f.Texts {
			if texts[key] == "" {
				return fmt.Errorf("text %q is missing in %s", key, language)
			}
		}
		return nil
	}
	keys := []string{f.Title}
	for _, s := range f.Steps {
		keys = append(keys, s.Title, s.Help)
		for _, field := range s.Fields {
			keys = append(keys, field.Label, field.Help)
			if _, ok := schema.Properties[field.Name]; field.Name != "" && !ok {
				return fmt.Errorf("field %q is not in the schema", field.Name)
			}
			for _, o := range field.Options {
				keys = append(keys, o.Label, o.Help)
			}
		}
	}
	for _, k := range keys {
		if err := text(k); err != nil {
			return err
		}
	}
	return nil
}

// Newest gives the newest version of every form type, by type.
func (c *Catalog) Newest() []*Form {
	var all []*Form
	for _, versions := range c.forms {
		all = append(all, versions[len(versions)-1])
	}
	slices.SortFunc(all, func(a, b *Form) int { return strings.Compare(a.FormType, b.FormType) })
	return all
}

// Find gives a form type: one version, or with 0 the newest.
func (c *Catalog) Find(formType string, version int) (*Form, bool) {
	versions := c.forms[formType]
	for _, f := range slices.Backward(versions) {
		if version == 0 || f.Version == version {
			return f, true
		}
	}
	return nil, false
}

func (c *Condition) holds(a Answers) bool {
	if c == nil {
		return true
	}
	switch v := a[c.Field].(type) {
	case string:
		return slices.Contains(c.In, v)
	case []any:
		return slices.ContainsFunc(v, func(e any) bool {
			s, ok := e.(string)
			return ok && slices.Contains(c.In, s)
		})
	}
	return false
}

func (r Rule) holds(a Answers) bool {
	return !slices.ContainsFunc(r.All, func(c Condition) bool { return !c.holds(a) })
}

// Visible drops answers to questions that the other answers hide: hidden is
// not sent on (R66). It repeats until nothing changes, as one hidden answer can
// hide the next.
func (f *Form) Visible(a Answers) Answers {
	for {
		kept := Answers{}
		for _, s := range f.Steps {
			for _, field := range s.Fields {
				if v, ok := a[field.Name]; ok && s.When.holds(a) && field.When.holds(a) {
					kept[field.Name] = v
				}
			}
		}
		for name, v := range a {
			if !f.asks(name) {
				kept[name] = v // the schema says what it is worth
			}
		}
		if len(kept) == len(a) {
			return kept
		}
		a = kept
	}
}

func (f *Form) asks(name string) bool {
	return slices.ContainsFunc(f.Steps, func(s Step) bool {
		return slices.ContainsFunc(s.Fields, func(field Field) bool { return field.Name == name })
	})
}

// Check finds what is wrong with the answers, field by field.
func (f *Form) Check(a Answers) error {
	var fields []problem.Field
	if err := f.schema.Validate(map[string]any(a)); err != nil {
		invalid, ok := err.(*jsonschema.ValidationError) //nolint:errorlint // the library returns it unwrapped
		if !ok {
			return err
		}
		fields = fieldsOf(invalid)
	}
	for _, s := range f.Steps {
		for _, field := range s.Fields {
			if field.Required && s.When.holds(a) && field.When.holds(a) && blank(a[field.Name]) {
				fields = append(fields, problem.Field{Pointer: "/answers/" + field.Name, Slug: "required", Detail: "This is needed."})
			}
		}
	}
	if len(fields) == 0 {
		return nil
	}
	slices.SortFunc(fields, func(x, y problem.Field) int { return strings.Compare(x.Pointer+x.Slug, y.Pointer+y.Slug) })
	fields = slices.CompactFunc(fields, func(x, y problem.Field) bool { return x.Pointer == y.Pointer })
	return problem.Invalid("Some answers are missing or not as they should be; see each field.", fields...)
}

func blank(v any) bool {
	switch t := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(t) == ""
	case []any:
		return len(t) == 0
	}
	return false
}

// fieldsOf names the innermost faults. No value that was sent is repeated.
func fieldsOf(e *jsonschema.ValidationError) []problem.Field {
	if len(e.Causes) > 0 {
		var all []problem.Field
		for _, cause := range e.Causes {
			all = append(all, fieldsOf(cause)...)
		}
		return all
	}
	at := "/answers"
	for _, part := range e.InstanceLocation {
		at += "/" + part
	}
	field := problem.Field{Pointer: at, Slug: "wrong-form", Detail: "This does not have the right form."}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		var all []problem.Field
		for _, name := range k.Missing {
			all = append(all, problem.Field{Pointer: at + "/" + name, Slug: "required", Detail: "This is needed."})
		}
		return all
	case *kind.AdditionalProperties:
		field.Slug, field.Detail = "unknown-field", "There is no such question here."
	case *kind.Enum, *kind.Const:
		field.Slug, field.Detail = "not-a-choice", "This is not one of the choices."
	case *kind.MaxLength:
		field.Slug, field.Detail = "too-long", "This is too long."
	case *kind.MinLength:
		field.Slug, field.Detail = "too-short", "This is too short."
	case *kind.Type:
		field.Slug, field.Detail = "wrong-type", "This has the wrong type."
	}
	return []problem.Field{field}
}

// summaryLength is how much of the reporter's words a list shows.
const summaryLength = 160

// Judge computes kind (R3) and severity, and what else follows.
func (f *Form) Judge(a Answers) Outcome {
	o := Outcome{
		Kind: first(f.Logic.Kinds, a), Category: a.Text("category"), Severity: topics.SeverityLow,
		PassLine: f.Logic.PassLine.holds(a), Ongoing: a.Text("ongoing") == "yes", Notice: first(f.Logic.Notices, a),
	}
	order := []string{topics.SeverityLow, topics.SeverityMedium, topics.SeverityHigh, topics.SeverityCritical}
	for _, r := range f.Logic.Severities {
		if r.holds(a) && slices.Index(order, r.Gives) > slices.Index(order, o.Severity) {
			o.Severity = r.Gives
		}
	}
	words := []rune(strings.Join(strings.Fields(a.Text(f.Logic.Summary)), " "))
	if len(words) > summaryLength {
		words = append(words[:summaryLength-1], '…')
	}
	o.Summary = string(words)
	return o
}

func first(rules []Rule, a Answers) string {
	for _, r := range rules {
		if r.holds(a) {
			return r.Gives
		}
	}
	return ""
}
