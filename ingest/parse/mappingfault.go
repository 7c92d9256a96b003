package parse

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Fault is one thing that is wrong with a mapping.
type Fault struct {
	// Line of the mapping's text, from 1; 0 where it is not known.
	Line int
	// Path of what is wrong, with slashes: fields/source.ip, samples/0/event.
	Path string
	// Text says what, in a sentence. It may hold values of the samples.
	Text string
	err  error
}

func (f *Fault) Error() string {
	if f.Line > 0 {
		return fmt.Sprintf("parse: mapping: line %d: %s", f.Line, f.Text)
	}
	return "parse: mapping: " + f.Text
}

// Unwrap gives what the text was made of.
func (f *Fault) Unwrap() error { return f.err }

func faultAt(path, format string, args ...any) *Fault {
	err := fmt.Errorf(format, args...)
	return &Fault{Path: path, Text: err.Error(), err: errors.Unwrap(err)}
}

// Faults takes the error of a mapping apart.
func Faults(err error) []Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []Fault
		for _, one := range joined.Unwrap() {
			all = append(all, Faults(one)...)
		}
		return all
	}
	if errors.As(err, &f) {
		return []Fault{*f}
	}
	return []Fault{{Text: strings.TrimPrefix(err.Error(), "parse: mapping: "), err: err}}
}

// yamlLine begins what the library says of a place.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// yamlFaults are those of a text that is not a mapping's YAML.
func yamlFaults(err error) error {
	texts := []string{err.Error()}
	var types *yaml.TypeError
	if errors.As(err, &types) {
		texts = types.Errors
	}
	var all []error
	for _, text := range texts {
		f := &Fault{Text: strings.TrimPrefix(text, "yaml: "), err: err}
		if at := yamlLine.FindStringSubmatch(text); at != nil {
			f.Line, _ = strconv.Atoi(at[1])
			f.Text = text[len(at[0]):]
		}
		all = append(all, f)
	}
	return errors.Join(all...)
}

// placed gives faults the lines of their paths in the text.
func placed(err error, text []byte) error {
	if err == nil {
		return nil
	}
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 {
		return err
	}
	var all []error
	for _, f := range Faults(err) {
		f.Line = lineOf(doc.Content[0], f.Path)
		all = append(all, &f)
	}
	return errors.Join(all...)
}

// lineOf is where a path stands, or as much of it as there is.
func lineOf(node *yaml.Node, path string) int {
	line := node.Line
	for _, name := range strings.Split(path, "/") {
		var next *yaml.Node
		switch node.Kind {
		case yaml.MappingNode:
			for i := 0; i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == name {
					line, next = node.Content[i].Line, node.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			if n, err := strconv.Atoi(name); err == nil && n < len(node.Content) {
				next = node.Content[n]
				line = next.Line
			}
		}
		if next == nil {
			break
		}
		node = next
	}
	return line
}

// CheckMapping says what is wrong with the text of a mapping, its samples
// included; nil where it can be used.
func CheckMapping(text string) error {
	_, err := ReadMapping(strings.NewReader(text))
	return err
}
