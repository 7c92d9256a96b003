package parse

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

// Every action that a parser gives a word of its own is in the registry of
// fields, whose words the search proposes and the interface translates. Actions
// that are a vendor's own word (an activity of Entra) cannot be listed.
func TestEveryActionIsInTheRegistry(t *testing.T) {
	t.Parallel()
	found := actionsOf(t)
	for action, row := range winMeanings {
		found[row.action] = "winMeanings " + action
	}
	for action, row := range winSysmonEvents {
		found[row.action] = "winSysmonEvents " + action
	}
	require.Greater(t, len(found), 150, "the source is read")
	for _, action := range []string{"login", "account-enabled", "session-reconnected", "group-created", "tunnel-up", "dns-query", "password-reset"} {
		require.Contains(t, found, action)
	}
	known := map[string]bool{}
	for _, action := range ecs.Actions() {
		known[action] = true
	}
	for action, where := range found {
		require.True(t, known[action], "%s (%s) is not in schemas/ecs/actions.go", action, where)
	}
	for action := range known {
		require.Contains(t, found, action, "no parser says this any more")
	}
}

// actionsOf reads the package's source for actions, by where they stand.
func actionsOf(t *testing.T) map[string]string {
	t.Helper()
	s := source{constants: map[string]string{}, kinds: map[string]bool{}, found: map[string]string{}, files: token.NewFileSet()}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	var files []*ast.File
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			files = append(files, s.open(t, name, ""))
		}
	}
	s.open(t, "../../schemas/ecs/event.go", "ecs.")
	for _, f := range files {
		ast.Inspect(f, s.look)
	}
	return s.found
}

type source struct {
	files     *token.FileSet
	constants map[string]string
	kinds     map[string]bool // variables of that type
	found     map[string]string
}

// open parses a file and remembers its constants and its kinds.
func (s *source) open(t *testing.T, name, prefix string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(s.files, name, nil, 0)
	require.NoError(t, err)
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || (g.Tok != token.CONST && g.Tok != token.VAR) {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			for i, value := range v.Values {
				if c, ok := value.(*ast.CompositeLit); ok && nameOf(c.Type) == "kind" {
					s.kinds[v.Names[i].Name] = true
				}
				if lit, ok := value.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					s.constants[prefix+v.Names[i].Name], _ = strconv.Unquote(lit.Value)
				}
			}
		}
	}
	return f
}

// look takes what stands after a kind, in a call of classify, and what is
// assigned to an action.
func (s *source) look(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		s.afterKinds(n.Args)
		if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "classify" {
			s.take(n.Args[2])
		}
	case *ast.CompositeLit:
		s.afterKinds(n.Elts)
	case *ast.ReturnStmt:
		s.afterKinds(n.Results)
	case *ast.AssignStmt:
		s.afterKinds(n.Rhs)
		for i, left := range n.Lhs {
			if len(n.Rhs) == len(n.Lhs) && (nameOf(left) == "action" || strings.HasSuffix(nameOf(left), ".Event.Action")) {
				s.take(n.Rhs[i])
			}
		}
	case *ast.KeyValueExpr:
		if nameOf(n.Key) == "action" {
			s.take(n.Value)
		}
	case *ast.SelectorExpr:
		if name := nameOf(n); strings.HasPrefix(name, "ecs.Action") {
			s.take(n)
		}
	}
	return true
}

func (s *source) afterKinds(list []ast.Expr) {
	for i := 1; i < len(list); i++ {
		kinds := s.kinds[nameOf(list[i-1])]
		if c, ok := list[i-1].(*ast.CompositeLit); ok && nameOf(c.Type) == "kind" {
			kinds = true
		}
		if kinds {
			s.take(list[i])
		}
	}
}

// take keeps a constant.
func (s *source) take(e ast.Expr) {
	value := s.constants[nameOf(e)]
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		value, _ = strconv.Unquote(lit.Value)
	}
	if value != "" {
		s.found[value] = s.files.Position(e.Pos()).String()
	}
}

// nameOf is a name, with dots where it is one of another.
func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return nameOf(e.X) + "." + e.Sel.Name
	}
	return ""
}
