// Package docstoretest is the contract of docstore: one suite that every
// adapter passes, and random operations compared with a model in memory.
package docstoretest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"varde.internal/platform/bus"
	"varde.internal/platform/docstore"
	"varde.internal/platform/tenant"
)

// Caps are what an adapter or its engine cannot do; the zero value runs all.
type Caps struct {
	// Slow makes concurrent and random parts smaller, for an engine that takes
	// tens of milliseconds a write.
	Slow bool
	// NoReopen: the opener cannot open the same data twice.
	NoReopen bool
}

// Opener opens the store under test. Called again it opens the same data anew,
// as another process would, unless Caps.NoReopen.
type Opener func(t *testing.T) docstore.Store

// Sample is the document of the suite: every kind of field a filter can name.
type Sample struct {
	Name  string            `json:"name"`
	State string            `json:"state,omitempty"`
	Rank  int64             `json:"rank"`
	Score float64           `json:"score,omitempty"`
	Open  bool              `json:"open"`
	Due   *time.Time        `json:"due,omitempty"`
	Tags  []string          `json:"tags"`
	Tasks []Task            `json:"tasks,omitempty"`
	Unit  Unit              `json:"unit"`
	Attr  map[string]string `json:"attr,omitempty"`
	Slot  string            `json:"slot,omitempty"`
	Extra any               `json:"extra,omitempty"`
}

// Task is an element of an array of objects.
type Task struct {
	Owner string    `json:"owner,omitempty"`
	Done  bool      `json:"done"`
	Due   time.Time `json:"due"`
}

// Unit is a nested object.
type Unit struct {
	ID    string `json:"id,omitempty"`
	Level *int   `json:"level,omitempty"`
}

var names atomic.Int64

// fresh gives a collection name that no other test of this run has.
func fresh(word string) string {
	return fmt.Sprintf("%s_%d_%d", word, time.Now().UnixNano()%1e9, names.Add(1))
}

func definition(word string) docstore.Definition {
	return docstore.Definition{Name: fresh(word), Indexes: []docstore.Index{
		{Fields: []string{"state", "due"}},
		{Fields: []string{"unit.id"}, Where: docstore.Eq{Field: "open", Value: true}},
		{Fields: []string{"tags"}},
		{Fields: []string{"tasks.owner"}},
		{Fields: []string{"slot"}, Unique: true, Where: docstore.Eq{Field: "open", Value: true}},
	}}
}

func collection(t testing.TB, s docstore.Store, word string) docstore.Collection[Sample] {
	t.Helper()
	c, err := docstore.Open[Sample](t.Context(), s, definition(word))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return c
}

func in(ctx context.Context, id tenant.ID) context.Context { return tenant.With(ctx, id) }

func message(id string) docstore.Outgoing {
	return docstore.Outgoing{Topic: bus.TopicCases, Message: bus.Message{ID: id, Type: "test", Value: []byte(`{"id":"` + id + `"}`)}}
}

// Run runs the whole contract.
func Run(t *testing.T, open Opener, caps Caps) {
	s := open(t)
	t.Run("documents", func(t *testing.T) { documents(t, s) })
	t.Run("times", func(t *testing.T) { times(t, s) })
	t.Run("filters", func(t *testing.T) { filters(t, s) })
	t.Run("tenants", func(t *testing.T) { tenants(t, s) })
	t.Run("unique indexes", func(t *testing.T) { unique(t, s) })
	t.Run("paging under writes", func(t *testing.T) { paging(t, s) })
	t.Run("concurrent writers", func(t *testing.T) { concurrent(t, s, caps) })
	t.Run("cancelled calls", func(t *testing.T) { cancelled(t, s) })
	t.Run("upgrades", func(t *testing.T) { upgrades(t, s) })
	t.Run("outbox", func(t *testing.T) { outbox(t, s, caps) })
	if !caps.NoReopen {
		t.Run("two processes", func(t *testing.T) { processes(t, s, open(t), caps) })
	}
	t.Run("random operations", func(t *testing.T) { Compare(t, caps, s) })
}
