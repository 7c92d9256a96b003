package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/tenant"
)

// holds says whether any file of the folder has the text in it, free pages and
// the log of writes included.
func holds(t *testing.T, dir, text string) (found bool) {
	t.Helper()
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		require.NoError(t, err)
		found = found || bytes.Contains(content, []byte(text))
	}
	return found
}

// "Hidden" is not "deleted": what was deleted, or written over, is not left in
// the file, whether its page is still in use or free now.
func TestDeletedIsNotInTheFile_R63(t *testing.T) {
	t.Parallel()
	ctx := tenant.With(t.Context(), "nordvik")
	dir := t.TempDir()
	s, err := sqlite.Open(ctx, "sqlite://"+dir+"/docs.db")
	require.NoError(t, err)
	notes, err := docstore.Open[note](ctx, s, docstore.Definition{Name: "notes", Indexes: []docstore.Index{{Fields: []string{"title"}}}})
	require.NoError(t, err)
	long := strings.Repeat(" and on", 2000) // over several pages, which become free
	for i := range 50 {
		_, err := notes.Insert(ctx, fmt.Sprint("short", i), note{Title: fmt.Sprint("marked-short ", i)})
		require.NoError(t, err)
		_, err = notes.Insert(ctx, fmt.Sprint("long", i), note{Title: "t", Tags: []string{fmt.Sprint("marked-long ", i, long, "marked-end")}})
		require.NoError(t, err)
	}
	reopen := func() {
		require.NoError(t, s.Close())
		s, err = sqlite.Open(ctx, "sqlite://"+dir+"/docs.db")
		require.NoError(t, err)
		notes, err = docstore.Open[note](ctx, s, docstore.Definition{Name: "notes", Indexes: []docstore.Index{{Fields: []string{"title"}}}})
		require.NoError(t, err)
	}
	reopen() // the log of writes goes into the file
	for _, mark := range []string{"marked-short", "marked-long", "marked-end"} {
		require.True(t, holds(t, dir, mark), "%s is there before", mark)
	}
	for i := range 50 {
		require.NoError(t, notes.Delete(ctx, fmt.Sprint("long", i)))
		_, err := notes.Update(ctx, fmt.Sprint("short", i), func(n *note, _ *docstore.Outbox) error { n.Title = "other"; return nil })
		require.NoError(t, err)
	}
	reopen()
	defer func() { require.NoError(t, s.Close()) }()
	for _, mark := range []string{"marked-short", "marked-long", "marked-end"} {
		require.False(t, holds(t, dir, mark), mark)
	}
}

// What docs/operations.md says of the cost of writing over what was deleted.
func BenchmarkUpdateAndDelete(b *testing.B) {
	ctx := tenant.With(b.Context(), "nordvik")
	s, err := sqlite.Open(ctx, "sqlite://"+b.TempDir()+"/docs.db")
	require.NoError(b, err)
	defer func() { require.NoError(b, s.Close()) }()
	notes, err := docstore.Open[note](ctx, s, docstore.Definition{Name: "notes", Indexes: []docstore.Index{{Fields: []string{"title"}}}})
	require.NoError(b, err)
	text := strings.Repeat("a case of some length ", 100)
	for i := 0; b.Loop(); i++ {
		key := fmt.Sprint(i)
		_, err := notes.Insert(ctx, key, note{Title: key, Tags: []string{text}})
		require.NoError(b, err)
		_, err = notes.Update(ctx, key, func(n *note, _ *docstore.Outbox) error { n.Title += "x"; return nil })
		require.NoError(b, err)
		if i%2 == 0 {
			require.NoError(b, notes.Delete(ctx, key))
		}
	}
}
