package sources

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"varde.internal/ingest/parse"
	"varde.internal/platform/problem"
	"varde.internal/schemas/gen/sourcesapi"
	"varde.internal/schemas/topics"
)

// Bounds of what a preview looks at and shows.
const (
	previewLines = 50
	shownLine    = 2000
)

var (
	errNothingGuessed = problem.Refused("nothing-guessed", "The lines are neither JSON nor key=value nor a table.")
	errOneMapping     = problem.Invalid("A mapping or a text is needed, one of them.", problem.Field{Pointer: "/mapping", Slug: "required", Detail: "Or text."})
)

// GuessMapping proposes a mapping. The sample is whoever asks' own, and nothing
// of it is kept or logged.
func (a api) GuessMapping(_ context.Context, in sourcesapi.MappingGuess) (out sourcesapi.MappingProposal, err error) {
	name, zone := in.Name, in.TimeZone
	if name == "" {
		name = "fagsystem"
	}
	if zone == "" {
		zone = "Europe/Oslo"
	}
	m, columns, err := parse.Propose(name, []byte(in.Sample), zone, true)
	if err != nil {
		return out, errNothingGuessed.Because(err)
	}
	if out.Mapping, err = form(m); err != nil {
		return out, err
	}
	text, err := m.YAML()
	if err != nil {
		return out, err
	}
	out.Text, out.Columns = string(text), []sourcesapi.MappingColumn{}
	for _, c := range columns {
		if c.Examples == nil {
			c.Examples = []string{}
		}
		out.Columns = append(out.Columns, sourcesapi.MappingColumn{Name: c.Name, Examples: c.Examples, Field: c.Field, Why: sourcesapi.MappingColumnWhy(c.Why)})
	}
	return out, nil
}

// PreviewMapping runs a mapping over a sample.
func (a api) PreviewMapping(_ context.Context, in sourcesapi.MappingTrial) (sourcesapi.MappingPreview, error) {
	out := sourcesapi.MappingPreview{Faults: []sourcesapi.MappingFault{}, Events: []sourcesapi.MappedLine{}}
	lines := sampleLines(in.Sample)
	m, faults, err := tried(in, lines)
	if err != nil {
		return out, err
	}
	for _, f := range faults {
		out.Faults = append(out.Faults, sourcesapi.MappingFault{Line: f.Line, Path: f.Path, Text: f.Text})
	}
	if m == nil {
		return out, nil
	}
	if out.Mapping, err = form(m); err != nil {
		return out, err
	}
	text, err := m.YAML()
	if err != nil {
		return out, err
	}
	if out.Text = string(text); len(text) > topics.MaxMapping {
		out.Faults = append(out.Faults, sourcesapi.MappingFault{Path: "samples", Text: "the mapping with its samples is larger than 64 KiB"})
	}
	out.Events, err = a.mapped(m, lines)
	return out, err
}

// tried reads the mapping that is tried; it is nil where it cannot be read.
func tried(in sourcesapi.MappingTrial, lines []string) (*parse.Mapping, []parse.Fault, error) {
	given := len(in.Mapping.Fields) > 0 || in.Mapping.Version != 0
	switch {
	case (in.Text != "") == given:
		return nil, nil, errOneMapping
	case given:
		raw, err := json.Marshal(in.Mapping)
		if err != nil {
			return nil, nil, err
		}
		m := &parse.Mapping{}
		if err := json.Unmarshal(raw, m); err != nil {
			return nil, nil, err
		}
		if err := m.Prepare(); err != nil {
			return nil, parse.Faults(err), nil
		}
		if len(lines) > 0 {
			return m, nil, m.Sample(lines)
		}
		return m, parse.Faults(m.Check()), nil
	}
	m, err := parse.ReadMapping(strings.NewReader(in.Text))
	return m, parse.Faults(err), nil
}

// mapped is what comes of each line.
func (a api) mapped(m *parse.Mapping, lines []string) ([]sourcesapi.MappedLine, error) {
	out := []sourcesapi.MappedLine{}
	s, err := parse.NewStream(parse.Options{Mapping: m})
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		one := sourcesapi.MappedLine{Line: strings.ToValidUTF8(line[:min(len(line), shownLine)], "")}
		ev, err := s.Parse([]byte(line), a.s.clock())
		var broken *parse.Error
		switch {
		case errors.As(err, &broken):
			one.Reason, one.Detail = broken.Reason, broken.Detail
		case err != nil:
			return nil, err
		default:
			one.Event = parse.Flat(ev)
			for _, own := range []string{"event.original", "event.hash", "varde.generation"} {
				delete(one.Event, own)
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// sampleLines are the first lines of a sample that hold something.
func sampleLines(sample string) (lines []string) {
	for line := range strings.Lines(sample) {
		line = strings.TrimPrefix(strings.TrimRight(line, "\r\n"), "\ufeff")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if lines = append(lines, line); len(lines) == previewLines {
			break
		}
	}
	return lines
}

// form is a mapping in the contract's type: both have the same JSON.
func form(m *parse.Mapping) (out sourcesapi.MappingForm, err error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(raw, &out)
}

// MappingFields are the fields that are mapped to most.
func (a api) MappingFields() sourcesapi.MappingFields {
	out := sourcesapi.MappingFields{}
	for _, name := range parse.MappedFields {
		out.Items = append(out.Items, sourcesapi.MappingField{Name: name, Text: fieldTexts[name]})
	}
	return out
}

// fieldTexts say in a sentence what a field is, for scripts; the interface has
// its own.
var fieldTexts = map[string]string{
	"user.name":           "Who did it: the login name. A domain before or behind it is split off.",
	"source.ip":           "The address it was done from. A port behind it is split off.",
	"event.action":        "What was done: login, logoff, session-start, password-change, or a word of the system's own.",
	"event.outcome":       "How it ended: success, failure or unknown.",
	"event.reason":        "Why it failed.",
	"host.name":           "The machine that wrote the line.",
	"service.name":        "The system or module that wrote the line.",
	"varde.station":       "The machine that the user sat at.",
	"varde.session":       "What the lines of one session have in common.",
	"varde.method":        "How the user proved who they are: password, publickey, certificate.",
	"user.target.name":    "Whose account was changed.",
	"group.name":          "The group that was changed.",
	"user.email":          "The user's e-mail address.",
	"user.full_name":      "The user's name in full.",
	"user.roles":          "The user's role.",
	"destination.ip":      "The address that was reached.",
	"message":             "A text for people.",
	"event.code":          "The system's own number of what happened.",
	"url.original":        "The address of the page.",
	"user_agent.original": "The browser.",
	"process.name":        "The program.",
	"file.path":           "The file that was used.",
	"rule.name":           "The rule that was met.",
	"varde.repeat":        "How many times it happened, where a line stands for several.",
}
