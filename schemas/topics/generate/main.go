// Command generate writes the JSON Schema of every message of package topics,
// and of ecs.Event, beside the Go types they come from. Run from the root:
// `go tool task generate`.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/invopop/jsonschema"

	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// messages are the values that travel as a whole on a topic, or as the data of
// a fact.
var messages = []any{
	topics.DeadLetter{}, topics.Fact{}, topics.Finding{}, topics.Report{}, topics.ReportMessage{},
	topics.CaseChanged{}, topics.CaseMessage{}, topics.AuditRecord{}, topics.Revocation{}, topics.IntakeReport{},
	topics.Vendor{}, topics.Agreement{}, topics.VendorPerson{}, topics.AccessWindow{},
	topics.System{}, topics.Account{}, topics.Source{}, topics.Mapping{}, topics.Tenant{}, topics.Unit{}, topics.Person{},
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	r := &jsonschema.Reflector{
		// A consumer ignores what it does not know: schemas are open.
		AllowAdditionalProperties: true,
		Anonymous:                 true,
	}
	if err := r.AddGoComments("varde.internal", "./schemas"); err != nil {
		return fmt.Errorf("doc comments (run from the project's root): %w", err)
	}
	for name := range r.CommentMap {
		// Paths in comments are relative to the root; types say varde.internal/schemas/….
		r.CommentMap[strings.Replace(name, "varde.internal/./", "varde.internal/", 1)] = r.CommentMap[name]
	}
	for _, m := range messages {
		if err := write(r, m, "schemas/topics"); err != nil {
			return err
		}
	}
	return write(r, ecs.Event{}, "schemas/ecs")
}

func write(r *jsonschema.Reflector, message any, dir string) error {
	s := r.Reflect(message)
	name := strings.TrimPrefix(fmt.Sprintf("%T", message), "topics.")
	name = kebab(strings.TrimPrefix(name, "ecs."))
	s.ID = jsonschema.ID("https://varde.internal/schemas/" + name + ".json")
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(dir, name+".json"), append(text, '\n'), 0o644)
}

func kebab(s string) string {
	var b strings.Builder
	for i, c := range s {
		if unicode.IsUpper(c) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
