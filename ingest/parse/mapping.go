package parse

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"varde.internal/schemas/ecs"
)

// Mapping says how the rows of a line-of-business system become events: data,
// not code. It is written as YAML, carries samples with what must come of them,
// and is refused where they do not. Once read it is never changed, and may be
// used by several streams at once.
type Mapping struct {
	// Version of this form: 1.
	Version int `yaml:"version" json:"version"`
	// Name in small letters, digits and hyphens; event.dataset where Dataset is empty.
	Name string `yaml:"name" json:"name"`
	// Revision grows when the mapping changes; it is varde.generation's companion
	// for the reader, and nothing is computed from it.
	Revision    int    `yaml:"revision,omitempty" json:"revision,omitempty"`
	Description string `yaml:"description,omitempty" json:"description,omitempty"`
	// Format of the lines: json, csv or key-value.
	Format  string           `yaml:"format" json:"format"`
	CSV     *CSVForm         `yaml:"csv,omitempty" json:"csv,omitempty"`
	Dataset string           `yaml:"dataset,omitempty" json:"dataset,omitempty"`
	Time    TimeRule         `yaml:"time,omitempty" json:"time,omitzero"`
	Fields  map[string]Value `yaml:"fields" json:"fields"`
	// Attempt says which rows decide a login.
	Attempt *AttemptRule    `yaml:"attempt,omitempty" json:"attempt,omitempty"`
	Samples []MappingSample `yaml:"samples,omitempty" json:"samples,omitempty"`

	zone  *time.Location
	forms []pattern
	rules []mappedField
}

// CSVForm is the form of a table's lines.
type CSVForm struct {
	// Delimiter is one character, comma where it is empty; "\t" is a tab.
	Delimiter string `yaml:"delimiter,omitempty" json:"delimiter,omitempty"`
	// Columns in order. Empty: the first line of the source names them.
	Columns []string `yaml:"columns,omitempty" json:"columns,omitempty"`
}

// TimeRule says where the time stands: the fields joined with a blank, read in
// the first of the forms that fits ("dd.MM.yyyy HH:mm:ss", rfc3339, unix,
// unix_ms, auto). Zone is that of forms without one; else the source's.
type TimeRule struct {
	Fields []string `yaml:"fields,omitempty" json:"fields,omitempty"`
	Forms  []string `yaml:"forms,omitempty" json:"forms,omitempty"`
	Zone   string   `yaml:"zone,omitempty" json:"zone,omitempty"`
}

// Value is where the value of a field comes from: a field of the row, by way of
// Values where there are some, or a constant. In YAML a lone word is a Field.
type Value struct {
	Field string `yaml:"field,omitempty" json:"field,omitempty"`
	// Constant is the value of every row.
	Constant string `yaml:"constant,omitempty" json:"constant,omitempty"`
	// Values translates; a value that is not in it becomes Default, or where
	// that is empty is left out. Letters' case does not matter.
	Values  map[string]string `yaml:"values,omitempty" json:"values,omitempty"`
	Default string            `yaml:"default,omitempty" json:"default,omitempty"`
}

// AttemptRule makes a row an attempt where every condition holds and
// event.outcome is success or failure.
type AttemptRule struct {
	When   []Condition `yaml:"when" json:"when"`
	Method string      `yaml:"method,omitempty" json:"method,omitempty"`
}

// Condition holds where the row's field has one of the values. Letters' case
// does not matter.
type Condition struct {
	Field string   `yaml:"field" json:"field"`
	In    []string `yaml:"in" json:"in"`
}

// MappingSample is a line, and fields that its event must have by ECS name
// (an empty text: must not have), or the reason for which it breaks.
type MappingSample struct {
	Line  string            `yaml:"line" json:"line"`
	Event map[string]string `yaml:"event,omitempty" json:"event,omitempty"`
	Error string            `yaml:"error,omitempty" json:"error,omitempty"`
}

// UnmarshalYAML takes a lone word as the field's name.
func (v *Value) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		v.Field = node.Value
		return nil
	}
	type plainValue Value
	return node.Decode((*plainValue)(v))
}

// MarshalYAML writes a value that is only a field as its name.
func (v Value) MarshalYAML() (any, error) {
	if v.Field != "" && v.Constant == "" && v.Values == nil && v.Default == "" {
		return v.Field, nil
	}
	type plainValue Value
	return plainValue(v), nil
}

// maxMapping bounds a mapping file, in bytes.
const maxMapping = 1 << 20

// ReadMapping reads and checks a mapping, its samples too. The error says
// everything that is wrong with it at once.
func ReadMapping(r io.Reader) (*Mapping, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxMapping+1))
	if err != nil {
		return nil, fmt.Errorf("parse: mapping: %w", err)
	}
	if len(text) > maxMapping {
		return nil, errors.New("parse: mapping: the file is larger than 1 MiB")
	}
	m, err := DecodeMapping(text)
	if err != nil {
		return nil, err
	}
	return m, placed(m.Check(), text)
}

// DecodeMapping reads a mapping and makes it ready, without running its samples.
// The error is made of Faults.
func DecodeMapping(text []byte) (*Mapping, error) {
	m := &Mapping{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(m); err != nil {
		return nil, yamlFaults(err)
	}
	if err := m.Prepare(); err != nil {
		return nil, placed(err, text)
	}
	return m, nil
}

// YAML writes the mapping as ReadMapping reads it.
func (m *Mapping) YAML() ([]byte, error) {
	var out bytes.Buffer
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("parse: mapping: %w", err)
	}
	return out.Bytes(), nil
}

var mappingName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// Prepare validates the mapping and makes it ready for use; ReadMapping does it.
func (m *Mapping) Prepare() error {
	var wrong []error
	fail := func(path, format string, args ...any) { wrong = append(wrong, faultAt(path, format, args...)) }
	if m.Version != 1 {
		fail("version", "version is %d; 1 is known", m.Version)
	}
	if !mappingName.MatchString(m.Name) {
		fail("name", "name %q: small letters, digits and hyphens, a letter first", m.Name)
	}
	if m.Dataset != "" && !mappingName.MatchString(strings.ReplaceAll(strings.ReplaceAll(m.Dataset, ".", "-"), "_", "-")) {
		fail("dataset", "dataset %q: small letters, digits, dots and hyphens", m.Dataset)
	}
	if !slices.Contains([]string{"json", "csv", "key-value"}, m.Format) {
		fail("format", "format %q: json, csv or key-value", m.Format)
	}
	if m.CSV != nil && m.Format != "csv" {
		fail("csv", "csv is for the format csv")
	}
	if m.CSV != nil && m.CSV.Delimiter != "" && len([]rune(m.CSV.Delimiter)) != 1 {
		fail("csv/delimiter", "csv.delimiter %q is not one character", m.CSV.Delimiter)
	}
	m.zone = nil
	if m.Time.Zone != "" {
		zone, err := time.LoadLocation(m.Time.Zone)
		if err != nil {
			fail("time/zone", "time.zone: %v", err)
		}
		m.zone = zone
	}
	m.forms = nil
	for _, form := range m.Time.Forms {
		p, err := newPattern(form)
		if err != nil {
			fail("time/forms", "time.forms: %v", err)
		}
		m.forms = append(m.forms, p)
	}
	if len(m.Time.Fields) > 0 && len(m.forms) == 0 {
		m.forms = []pattern{{text: "auto", zoned: true, year: true}}
	}
	if len(m.Fields) == 0 {
		fail("fields", "fields: there are none")
	}
	m.rules = nil
	for _, name := range sortedKeys(m.Fields) {
		rule, err := newMappedField(name, m.Fields[name])
		if err != nil {
			fail("fields/"+name, "%v", err)
			continue
		}
		m.rules = append(m.rules, rule)
	}
	if m.Attempt != nil {
		if len(m.Attempt.When) == 0 {
			fail("attempt/when", "attempt.when: without a condition every row would be a login")
		}
		for _, c := range m.Attempt.When {
			if c.Field == "" || len(c.In) == 0 {
				fail("attempt/when", "attempt.when: a condition needs a field and its values")
			}
		}
		if _, ok := m.Fields["event.outcome"]; !ok {
			fail("attempt", "attempt: fields has no event.outcome")
		}
	}
	return errors.Join(wrong...)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// mappedField sets one field of events.
type mappedField struct {
	name   string
	value  Value
	values map[string]string // folded
	set    func(ev *ecs.Event, value string)
	person bool // the value may be a word that elsewhere means nothing
}

func newMappedField(name string, v Value) (mappedField, error) {
	r := mappedField{name: name, value: v, person: strings.HasPrefix(name, "user.") || name == "message"}
	if (v.Field == "") == (v.Constant == "") {
		return r, fmt.Errorf("%s: a field or a constant, one of them", name)
	}
	if v.Constant != "" && (v.Values != nil || v.Default != "") {
		return r, fmt.Errorf("%s: values and default are for a field", name)
	}
	if v.Values != nil {
		r.values = make(map[string]string, len(v.Values))
		for k, to := range v.Values {
			r.values[strings.ToLower(strings.TrimSpace(k))] = to
		}
	}
	if name == "event.outcome" {
		for _, to := range append(valuesOf(v.Values), v.Default, v.Constant) {
			if to != "" && to != ecs.OutcomeSuccess && to != ecs.OutcomeFailure && to != ecs.OutcomeUnknown {
				return r, fmt.Errorf("event.outcome %q: success, failure or unknown", to)
			}
		}
	}
	var err error
	r.set, err = setterOf(name)
	return r, err
}

func valuesOf(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// apply takes the field from a row.
func (r *mappedField) apply(row *row, ev *ecs.Event) {
	value := r.value.Constant
	if r.value.Field != "" {
		value = strings.TrimSpace(row.get(r.value.Field))
		if r.values != nil {
			to, ok := r.values[strings.ToLower(value)]
			if value = r.value.Default; ok {
				value = to
			}
		} else if value == "" || value == "-" || !r.person && absent(value) {
			value = r.value.Default
		}
	}
	if value == "" {
		return
	}
	if r.name == "event.outcome" && value != ecs.OutcomeSuccess && value != ecs.OutcomeFailure {
		if value = outcomeOf(value); value == "" {
			value = ecs.OutcomeUnknown
		}
	}
	r.set(ev, value)
}
