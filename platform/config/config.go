// Package config reads a part's settings in one order: the defaults that are
// in the value already, a YAML file (unknown keys are an error), environment
// variables that begin with VARDE_, then flags; and validates the result.
// Nothing below cmd reads the environment.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/caarlos0/env/v11"
	"go.yaml.in/yaml/v3"
)

// Prefix of every environment variable of Varde.
const Prefix = "VARDE_"

// Validator is a Config that can check itself. Validate reports everything
// that is wrong at once (errors.Join), each naming its key.
type Validator interface{ Validate() error }

// Source says where settings come from.
type Source struct {
	File    string   // YAML; empty: none
	Environ []string // "NAME=value" as os.Environ() gives them; fields take part with an `env` tag
	// Flags are applied last, in order: each sets what its flag was given for.
	Flags []func()
}

// Load fills into, which holds the defaults, and validates it.
func Load(into Validator, s Source) error {
	if s.File != "" {
		b, err := os.ReadFile(s.File)
		if err != nil {
			return fmt.Errorf("config: %w", err)
		}
		if err := decode(b, into); err != nil {
			return fmt.Errorf("config: %s: %w", s.File, err)
		}
	}
	environment := map[string]string{}
	for _, pair := range s.Environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, Prefix) {
			environment[name] = value
		}
	}
	if err := env.ParseWithOptions(into, env.Options{Prefix: Prefix, Environment: environment}); err != nil {
		return fmt.Errorf("config: environment: %w", withoutValues(err))
	}
	for _, set := range s.Flags {
		set()
	}
	if err := into.Validate(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	return nil
}

func decode(b []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return errors.New("more than one document")
	}
	return nil
}

// withoutValues keeps only which variables could not be read: the library's
// messages repeat the value, which can be a secret.
func withoutValues(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return errors.New("a variable cannot be read")
	}
	var out []error
	for _, one := range all.Errors {
		var parse env.ParseError
		if errors.As(one, &parse) {
			out = append(out, fmt.Errorf("field %s cannot be read as %s", parse.Name, parse.Type))
			continue
		}
		out = append(out, errors.New("a variable cannot be read"))
	}
	return errors.Join(out...)
}
