package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/docstoretest"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/tenant"
)

type note struct {
	Title string    `json:"title"`
	Tags  []string  `json:"tags"`
	Due   time.Time `json:"due"`
}

type recorder struct{ got chan bus.Message }

func (r recorder) Publish(_ context.Context, _ string, msgs ...bus.Message) error {
	for _, m := range msgs {
		r.got <- m
	}
	return nil
}

func TestAWriteIsThereAfterReopeningAndItsMessageLeaves(t *testing.T) {
	t.Parallel()
	ctx := tenant.With(t.Context(), "nordvik")
	url := "sqlite://" + t.TempDir() + "/sub/docs.db"
	s, err := sqlite.Open(ctx, url)
	require.NoError(t, err)
	def := docstore.Definition{Name: "notes", Indexes: []docstore.Index{{Fields: []string{"title"}, Unique: true}}}
	notes, err := docstore.Open[note](ctx, s, def)
	require.NoError(t, err)
	due := time.Date(2026, 3, 4, 5, 6, 7, 100, time.FixedZone("", 3600))
	_, err = notes.Insert(ctx, "a", note{Title: "x", Tags: []string{"p", "q"}, Due: due}, docstore.Outgoing{Topic: "cases", Message: bus.Message{ID: "m1"}})
	require.NoError(t, err)
	_, err = notes.Insert(ctx, "b", note{Title: "x"})
	require.ErrorIs(t, err, docstore.ErrExists)
	require.NoError(t, s.Close())

	s, err = sqlite.Open(ctx, url)
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	notes, err = docstore.Open[note](ctx, s, def)
	require.NoError(t, err)
	page, err := notes.Find(ctx, docstore.And{docstore.Eq{Field: "tags", Value: "q"}, docstore.Range{Field: "due", Gte: due, Lt: due.Add(1)}}, docstore.FindOptions{})
	require.NoError(t, err)
	require.Len(t, page.Docs, 1)
	require.True(t, page.Docs[0].Value.Due.Equal(due))
	require.ErrorIs(t, notes.Delete(ctx, "a"), docstore.ErrPending)

	pub := recorder{make(chan bus.Message, 1)}
	rctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- docstore.Relay(rctx, s, "notes", pub, docstore.RelayOptions{}) }()
	require.Equal(t, "m1", (<-pub.got).ID)
	await.True(t, func() bool { return notes.Delete(ctx, "a") == nil })
	stop()
	require.NoError(t, <-done)
}

func TestContract(t *testing.T) {
	t.Parallel()
	url := "sqlite://" + t.TempDir() + "/docs.db"
	docstoretest.Run(t, func(t *testing.T) docstore.Store {
		s, err := sqlite.Open(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}, docstoretest.Caps{})
}
