package contract_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"varde.internal/ingest/indexer"
	"varde.internal/platform/audit/audittest"
	"varde.internal/platform/blob"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/kql"
	"varde.internal/platform/run"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/gen/searchapi"
	"varde.internal/test/engines"
)

type anyToken struct{}

func (anyToken) Token(context.Context, string) (string, error) { return "token", nil }

// Events whose time is over are gone from either index, and only those.
func TestRetentionDeletesFromEveryEventIndex_R39(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) eventindex.Index{
		"embedded":      func(t *testing.T) eventindex.Index { return embedded.OpenTemp(t) },
		"Elasticsearch": func(t *testing.T) eventindex.Index { return openElastic(t, engines.Elasticsearch(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			index := open(t)
			key, err := age.GenerateX25519Identity()
			require.NoError(t, err)
			blobs, err := blob.Open(t.Context(), "mem://", key)
			require.NoError(t, err)
			now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
			var events []ecs.Event
			for id, e := range map[string]struct {
				tenant, partition string
				ago               int
			}{
				"bo-old":   {"bo", "bo.standard.2026-08-20", 94},
				"bo-held":  {"bo", "bo.standard.2026-08-19", 95},
				"bo-new":   {"bo", "bo.standard.2026-11-22", 0},
				"bo-long":  {"bo", "bo.long.2026-08-20", 94},
				"nes-old":  {"nes", "nes.standard.2026-07", 130},
				"nes-kept": {"nes", "nes.standard.2026-08", 94},
			} {
				events = append(events, ecs.Event{Timestamp: now.AddDate(0, 0, -e.ago), Message: id, Event: ecs.Meta{ID: id},
					Varde: ecs.Varde{Tenant: e.tenant, Partition: e.partition}})
			}
			all := systemscope.Enter(t.Context(), "test")
			_, err = index.Append(all, events)
			require.NoError(t, err)
			var log audittest.Recorder
			// The second day of one tenant is under a legal hold.
			search := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				held := searchapi.Held{Items: []searchapi.HeldTime{}}
				if r.URL.Query().Get("tenant") == "bo" {
					held.Items = append(held.Items, searchapi.HeldTime{Id: "h", From: now.AddDate(0, 0, -95).Truncate(24 * time.Hour), To: now.AddDate(0, 0, -94).Truncate(24 * time.Hour)})
				}
				_ = json.NewEncoder(w).Encode(held)
			}))
			defer search.Close()
			cfg := indexer.DefaultRetention()
			cfg.Days["long"] = 365
			r, err := indexer.NewRetention(run.Deps{Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return now },
				Endpoint: func(string) string { return search.URL }, Tokens: anyToken{},
				Docs: sqlite.OpenTemp(t), Events: index, Blobs: blobs, Audit: &log}, cfg)
			require.NoError(t, err)
			for range 2 {
				done, err := r.Pass(t.Context())
				require.NoError(t, err)
				require.True(t, done)
			}
			for tenantID, want := range map[tenant.ID][]string{"bo": {"bo-new", "bo-long", "bo-held"}, "nes": {"nes-kept"}} {
				hits, err := index.Search(tenant.With(t.Context(), tenantID), kql.Query{}, eventindex.Range{}, eventindex.Page{Limit: 10})
				require.NoError(t, err)
				got := []string{}
				for _, e := range hits.Events {
					got = append(got, e.Event.ID)
				}
				require.Equal(t, want, got)
			}
			require.Len(t, log.Records(), 4, "an intent and an outcome for each of two partitions")
			left, err := index.Partitions(all)
			require.NoError(t, err)
			require.Len(t, left, 4)
		})
	}
}
