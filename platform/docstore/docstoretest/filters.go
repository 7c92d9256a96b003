package docstoretest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/docstore"
)

func filters(t *testing.T, s docstore.Store) {
	ctx := in(t.Context(), "nordvik")
	c := collection(t, s, "filters")
	docs := map[string]Sample{
		"a": {Name: "alfa", State: "open", Rank: 1, Open: true, Tags: []string{"x", "y"}, Unit: Unit{ID: "u1"}, Extra: "text"},
		"b": {Name: "alfa%", State: "Open", Rank: 2, Tags: []string{}, Tasks: []Task{{Owner: "kari"}, {Owner: "ola", Done: true}}, Extra: 7},
		"c": {Name: "ålfa", Rank: 10, Score: 2.5, Tasks: []Task{{Done: true}}, Attr: map[string]string{"k": "v"}, Extra: []any{"text", 7, true}},
		"d": {Name: "", State: "closed", Rank: -3, Tags: []string{"m", "a"}, Extra: true},
		"e": {Name: "alf\U0010FFFF", Rank: 3, Extra: map[string]any{"in": "text"}},
	}
	for id, v := range docs {
		require.NoError(t, second(c.Insert(ctx, id, v)))
	}
	eq := func(f string, v any) docstore.Filter { return docstore.Eq{Field: f, Value: v} }
	not := func(f docstore.Filter) docstore.Filter { return docstore.Not{Filter: f} }
	for name, tc := range map[string]struct {
		f    docstore.Filter
		want string
	}{
		"all":                     {nil, "abcde"},
		"and of nothing":          {docstore.And{}, "abcde"},
		"or of nothing":           {docstore.Or{}, ""},
		"text is exact":           {eq("state", "open"), "a"},
		"not also misses":         {not(eq("state", "open")), "bcde"},
		"null is absent":          {eq("state", nil), "ce"},
		"in with null":            {docstore.In{Field: "state", Values: []any{"closed", nil}}, "cde"},
		"in of nothing":           {docstore.In{Field: "state"}, ""},
		"numbers by value":        {eq("rank", 10.0), "c"},
		"number range":            {docstore.Range{Field: "rank", Gte: 2, Lt: 10}, "be"},
		"fraction range":          {docstore.Range{Field: "score", Gt: 2}, "c"},
		"text range":              {docstore.Range{Field: "name", Gt: "alfa"}, "bce"},
		"bool":                    {eq("open", true), "a"},
		"not bool":                {not(eq("open", true)), "bcde"},
		"prefix":                  {docstore.Prefix{Field: "name", Value: "alf"}, "abe"},
		"prefix is literal":       {docstore.Prefix{Field: "name", Value: "alfa%"}, "b"},
		"prefix at the end":       {docstore.Prefix{Field: "name", Value: "alf\U0010FFFF"}, "e"},
		"empty prefix":            {docstore.Prefix{Field: "name", Value: ""}, "abcde"},
		"empty prefix of absent":  {docstore.Prefix{Field: "state", Value: ""}, "abd"},
		"array element":           {eq("tags", "y"), "a"},
		"array range, one value":  {docstore.Range{Field: "tags", Gt: "b", Lt: "l"}, ""},
		"array range":             {docstore.Range{Field: "tags", Gt: "b", Lt: "n"}, "d"},
		"array prefix":            {docstore.Prefix{Field: "tags", Value: "m"}, "d"},
		"array exists":            {docstore.Exists{Field: "tags"}, "abd"},
		"objects in array":        {eq("tasks.owner", "ola"), "b"},
		"objects in array, not":   {not(eq("tasks.done", true)), "ade"},
		"field in any exists":     {docstore.Exists{Field: "tasks.owner"}, "b"},
		"nested":                  {eq("unit.id", "u1"), "a"},
		"nested object exists":    {docstore.Exists{Field: "unit"}, "abcde"},
		"map":                     {eq("attr.k", "v"), "c"},
		"map key never seen":      {eq("attr.other", "v"), ""},
		"anything as text":        {eq("extra", "text"), "ac"},
		"anything as number":      {eq("extra", 7), "bc"},
		"anything as bool":        {eq("extra", true), "cd"},
		"anything as bool, not 1": {eq("extra", 1), ""},
		"below anything":          {eq("extra.in", "text"), "e"},
		"anything in range":       {docstore.Range{Field: "extra", Gte: 1, Lt: 8}, "bc"},
		"anything in text range":  {docstore.Range{Field: "extra", Gte: ""}, "ac"},
		"anything with prefix":    {docstore.Prefix{Field: "extra", Value: "te"}, "ac"},
		"id":                      {docstore.Range{Field: "_id", Gte: "b", Lt: "d"}, "bc"},
		"combined":                {docstore.And{docstore.Or{eq("state", "open"), eq("state", "closed")}, not(eq("rank", 1))}, "d"},
		"quoted":                  {eq("state", `x' OR 1=1 --`), ""},
		"operator as text":        {eq("state", "$ne"), ""},
	} {
		page, err := c.Find(ctx, tc.f, docstore.FindOptions{})
		require.NoError(t, err, name)
		got := ""
		for _, d := range page.Docs {
			got += d.ID
		}
		require.Equal(t, tc.want, got, name)
		n, err := c.Count(ctx, tc.f)
		require.NoError(t, err, name)
		require.Equal(t, len(tc.want), n, name)
	}
	for _, f := range []docstore.Filter{
		eq("stat", "x"), eq("state.x", "x"), eq("state", 1), eq("rank", "1"), eq("state", []string{"a"}), eq("unit", "x"), eq("tags.0", "x"),
		eq("", "x"), eq(`na"me`, "x"), eq("state", "a\x00"), docstore.Range{Field: "rank"}, docstore.Range{Field: "open", Gt: true},
		docstore.Range{Field: "extra", Gt: 1, Lt: "a"}, docstore.Prefix{Field: "rank", Value: "1"}, docstore.Not{}, eq("due", "soon"),
	} {
		require.ErrorIs(t, second(c.Count(ctx, f)), docstore.ErrField, "%#v", f)
	}
	for _, field := range []string{"tags", "unit", "extra", "tasks.owner", "none"} {
		require.ErrorIs(t, second(c.Find(ctx, nil, docstore.FindOptions{Sort: []docstore.Sort{{Field: field}}})), docstore.ErrField, field)
	}
	groups, err := c.GroupCount(ctx, nil, "state")
	require.NoError(t, err)
	require.Equal(t, []docstore.Group{{Value: nil, Count: 2}, {Value: "Open", Count: 1}, {Value: "closed", Count: 1}, {Value: "open", Count: 1}}, groups)
	groups, err = c.GroupCount(ctx, docstore.Range{Field: "rank", Gt: 0}, "open")
	require.NoError(t, err)
	require.Equal(t, []docstore.Group{{Value: false, Count: 3}, {Value: true, Count: 1}}, groups)
	groups, err = c.GroupCount(ctx, eq("_id", "b"), "tasks.owner")
	require.NoError(t, err)
	require.Equal(t, []docstore.Group{{Value: "kari", Count: 1}, {Value: "ola", Count: 1}}, groups)
}

func paging(t *testing.T, s docstore.Store) {
	ctx := in(t.Context(), "nordvik")
	c := collection(t, s, "paging")
	const docs = 30
	for i := range docs {
		v := Sample{Name: "old", Rank: int64(i % 3)}
		if i%5 > 0 { // a fifth has no state and comes first ascending
			v.State = fmt.Sprintf("s%d", i%2)
		}
		require.NoError(t, second(c.Insert(ctx, fmt.Sprintf("d%02d", i), v)))
	}
	for n, sort := range [][]docstore.Sort{
		nil, {{Field: "_id", Desc: true}}, {{Field: "rank"}}, {{Field: "state"}, {Field: "rank", Desc: true}},
		{{Field: "state", Desc: true}, {Field: "open"}}, {{Field: "_updated", Desc: true}},
	} {
		var want []string
		whole, err := c.Find(ctx, docstore.Eq{Field: "name", Value: "old"}, docstore.FindOptions{Sort: sort})
		require.NoError(t, err)
		require.Empty(t, whole.Next)
		for _, d := range whole.Docs {
			want = append(want, d.ID)
		}
		require.Len(t, want, docs)
		var got []string
		opt := docstore.FindOptions{Sort: sort, Limit: 4}
		for i := 0; ; i++ {
			page, err := c.Find(ctx, nil, opt)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Docs), 4)
			for _, d := range page.Docs {
				if d.Value.Name == "old" {
					got = append(got, d.ID)
				}
			}
			if page.Next == "" {
				break
			}
			opt.After = page.Next
			// Between the pages, writers insert before and after the place.
			if i < 4 {
				require.NoError(t, second(c.Insert(ctx, fmt.Sprintf("d%02d-new-%d", (i*7+n)%docs, n), Sample{Name: "new", Rank: int64(i), State: "s1"})))
			}
		}
		require.Equal(t, want, got, "%v", sort)
	}
	page, err := c.Find(ctx, nil, docstore.FindOptions{Limit: 2})
	require.NoError(t, err)
	for _, bad := range []docstore.FindOptions{
		{After: "%"}, {After: "eyJv"}, {After: page.Next, Sort: []docstore.Sort{{Field: "rank"}}},
	} {
		require.ErrorIs(t, second(c.Find(ctx, nil, bad)), docstore.ErrCursor)
	}
}
