package embedded_test

import (
	"compress/gzip"
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/eventindex/eventindextest"
	"varde.internal/platform/kql"
	"varde.internal/schemas/ecs"
)

// ofFirstFormat puts a file into a folder that was written when format 1 was
// the newest: Events(1, "bo", p1, 200), and the one at 7 once more under a
// higher generation, as a success.
func ofFirstFormat(t *testing.T, dir string) []ecs.Event {
	f, err := os.Open(filepath.Join("testdata", "format1.events.gz"))
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "bo"), 0o700))
	body, err := io.ReadAll(z)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bo", "p1.events"), body, 0o600))
	events := eventindextest.Events(1, "bo", []string{"p1"}, 200)
	events[7].Varde.Generation, events[7].Event.Outcome = 2, ecs.OutcomeSuccess
	return events
}

func TestAFileOfTheFirstFormatOpensWithAllThatWasInIt_N6(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	events := ofFirstFormat(t, dir)
	// What a crash in the middle of an earlier try leaves.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bo", "p1.events.new"), []byte("half a file"), 0o600))
	for range 2 {
		x := open(t, dir)
		for _, text := range []string{"", "event.outcome:success", "event.outcome:failure", "kari", "password", "10.6.6.0/24", "labels.site:north", "varde.repeat > 1"} {
			q := query(t, text)
			want := 0
			for i := range events {
				if kql.Match(q, &events[i]) {
					want++
				}
			}
			hits, err := x.Search(bo(), q, eventindex.Range{}, eventindex.Page{Limit: 1})
			require.NoError(t, err)
			require.Equal(t, want, hits.Total, text)
		}
		results, err := x.Append(system(), events)
		require.NoError(t, err)
		for i, r := range results {
			require.Equal(t, eventindex.Duplicate, r.Status, "%d: %s", i, r.Reason)
		}
		require.NoError(t, x.Close())
	}
	left, err := filepath.Glob(filepath.Join(dir, "bo", "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "bo", "p1.events")}, left)
}

func TestAFileOfALaterProgramIsRefused_N6(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ofFirstFormat(t, dir)
	change(t, dir, "p1", "PRAGMA user_version = 99")
	x := open(t, dir)
	_, err := x.Search(bo(), kql.Query{}, eventindex.Range{}, eventindex.Page{})
	require.ErrorContains(t, err, "format 99")
	require.NoError(t, x.Close())
}

func change(t *testing.T, dir, partition string, statements ...string) {
	db, err := sql.Open("sqlite", filepath.Join(dir, "bo", partition+".events"))
	require.NoError(t, err)
	for _, s := range statements {
		_, err := db.Exec(s)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
}

// A file that was made before the registry had some fields has no columns for
// them. What its events say of them is found all the same.
func TestAnOlderFileGetsNewFields_N6(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"some event has a value": "network.protocol:ssh", "no event has one": "url.path:x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			x := open(t, dir)
			e := plain(0)
			e.Network = &ecs.Network{Protocol: "ssh"}
			e.Event.Type = []string{"start", "info"}
			_, err := x.Append(system(), []ecs.Event{e, plain(3)})
			require.NoError(t, err)
			require.NoError(t, x.Close())
			drop := []string{"ALTER TABLE rest DROP COLUMN f_url_path"}
			if name == "some event has a value" {
				drop = []string{"ALTER TABLE what DROP COLUMN f_network_protocol", "ALTER TABLE what DROP COLUMN f_event_type"}
			}
			change(t, dir, "p0", drop...)

			x = open(t, dir)
			later := plain(6)
			later.URL = &ecs.URL{Path: "x"}
			_, err = x.Append(system(), []ecs.Event{later})
			require.NoError(t, err)
			for _, text := range []string{text, "url.path:x"} {
				hits, err := x.Search(bo(), query(t, text), eventindex.Range{}, eventindex.Page{})
				require.NoError(t, err)
				require.Equal(t, 1, hits.Total, text)
			}
			hits, err := x.Search(bo(), query(t, "event.type:info and network.protocol:ssh"), eventindex.Range{}, eventindex.Page{})
			require.NoError(t, err)
			require.Equal(t, 1, hits.Total)
			hits, err = x.Search(bo(), kql.Query{}, eventindex.Range{}, eventindex.Page{})
			require.NoError(t, err)
			require.Equal(t, 3, hits.Total)
			require.NoError(t, x.Close())
		})
	}
}

// Few events at a time share their blocks with those before.
func TestAppendsOfOneEventArePackedTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x, err := embedded.Open(context.Background(), dir, embedded.Options{Unsafe: true})
	require.NoError(t, err)
	for n := range 300 {
		e := plain(n)
		e.Varde.Partition = "p0"
		_, err := x.Append(system(), []ecs.Event{e})
		require.NoError(t, err)
		if n%50 == 0 {
			got, err := x.Get(bo(), e.Event.ID)
			require.NoError(t, err)
			require.Equal(t, e, got, "read while its block grows")
		}
		if n == 170 { // the block that was not full is taken up again
			require.NoError(t, x.Close())
			x, err = embedded.Open(context.Background(), dir, embedded.Options{Unsafe: true})
			require.NoError(t, err)
		}
	}
	require.NoError(t, x.Close())
	db, err := sql.Open("sqlite", filepath.Join(dir, "bo", "p0.events"))
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	var blocks, words, whos int
	require.NoError(t, db.QueryRow("SELECT (SELECT count(*) FROM block), (SELECT count(*) FROM dict WHERE value = 'u7'), (SELECT count(*) FROM who)").Scan(&blocks, &words, &whos))
	require.Equal(t, 3, blocks)
	require.Equal(t, 1, words)
	require.Equal(t, 50, whos)
}
