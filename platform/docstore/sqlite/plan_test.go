package sqlite

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/docstore"
	"varde.internal/platform/tenant"
)

// SQLite recognises an index over an expression only by the same expression;
// this fails when the two places that write it drift apart.
func TestQueriesUseTheDeclaredIndexes(t *testing.T) {
	t.Parallel()
	s := OpenTemp(t)
	type doc struct {
		State string `json:"state"`
		Unit  struct {
			ID string `json:"id"`
		} `json:"unit"`
	}
	ctx := tenant.With(t.Context(), "nordvik")
	_, err := docstore.Open[doc](ctx, s, docstore.Definition{Name: "plans", Indexes: []docstore.Index{{Fields: []string{"state", "unit.id"}}}})
	require.NoError(t, err)
	state := docstore.Path{Steps: []docstore.Step{{Name: "state"}}, Kind: docstore.KindString}
	unit := docstore.Path{Steps: []docstore.Step{{Name: "unit"}, {Name: "id"}}, Kind: docstore.KindString}
	for name, q := range map[string]docstore.Query{
		"equal":          {Where: docstore.Node{Op: docstore.OpIn, Path: state, Values: []any{"open"}}},
		"any of":         {Where: docstore.Node{Op: docstore.OpIn, Path: state, Values: []any{"open", "new"}}},
		"prefix":         {Where: docstore.Node{Op: docstore.OpPrefix, Path: state, Values: []any{"op"}}},
		"equal in order": {Where: docstore.Node{Op: docstore.OpIn, Path: state, Values: []any{"open"}}, Sort: []docstore.SortKey{{Path: unit}}},
		"order":          {Sort: []docstore.SortKey{{Path: state}, {Path: unit}}},
	} {
		q.Scope.Tenant = "nordvik"
		cond, args := where(q)
		rows, err := s.read.QueryContext(ctx, `EXPLAIN QUERY PLAN SELECT `+columns+` FROM `+table("plans")+` WHERE `+cond+` ORDER BY `+orderBy(q)+` LIMIT 50`, args...)
		require.NoError(t, err)
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
			plan = append(plan, detail)
		}
		require.NoError(t, rows.Err())
		text := strings.Join(plan, "; ")
		require.Contains(t, text, "USING INDEX x_plans_", name)
		if strings.HasSuffix(name, "order") {
			require.NotContains(t, text, "TEMP B-TREE FOR ORDER BY", name)
		}
	}
}
