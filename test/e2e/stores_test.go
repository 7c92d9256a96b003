package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	_ "modernc.org/sqlite" // the documents of the embedded way

	"varde.internal/platform/blob"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/bus/kafka"
	"varde.internal/platform/eventindex"
	embeddedindex "varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/keyring"
	"varde.internal/platform/kql"
	"varde.internal/platform/tenant"
	"varde.internal/schemas/ecs"
	"varde.internal/test/engines"
	"varde.internal/test/running"
)

// decode reads every store with its own reader and returns its records as
// text: documents, messages, events, files, log. The embedded engines belong
// to one process, so the installation is stopped for it.
func decode(t *testing.T, s *running.Installation) map[string][]string {
	t.Helper()
	stores := map[string][]string{"files": files(t, s), "log": log(t, s)}
	if s.Engines != nil {
		stores["documents"] = mongoRecords(t, s.Engines.Of[engines.KindMongo].URL)
		stores["events"] = elasticRecords(t, s.Engines.Of[engines.KindElasticsearch].URL)
		stores["messages"] = busRecords(t, s.Engines.Of[engines.KindKafka].URL)
		return stores
	}
	s.Stop(t)
	stores["documents"] = sqliteRecords(t, s.Data)
	stores["events"] = partitionRecords(t, filepath.Join(s.Data, "events"))
	broker, err := embedded.Start(embedded.Options{Dir: filepath.Join(s.Data, "bus")})
	require.NoError(t, err)
	stores["messages"] = busRecords(t, broker.URL())
	require.NoError(t, broker.Close())
	return stores
}

func log(t *testing.T, s *running.Installation) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.Data, "varde.log"))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		lines = append(lines, line)
	}
	return lines
}

func files(t *testing.T, s *running.Installation) (records []string) {
	t.Helper()
	keys, err := keyring.Open(filepath.Join(s.Data, "keys"))
	require.NoError(t, err)
	identities, err := keys.Files()
	require.NoError(t, err)
	ctx := tenant.With(t.Context(), "bjorkvag")
	bucket, err := blob.Open(ctx, "file://"+filepath.Join(s.Data, "files"), identities...)
	require.NoError(t, err)
	defer bucket.Close()
	list, err := bucket.List(ctx, "")
	require.NoError(t, err)
	for _, info := range list {
		r, _, err := bucket.Open(ctx, info.Key)
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		records = append(records, info.Key+" "+string(text))
	}
	// Names of files on the disk, and what is not encrypted in them.
	err = filepath.WalkDir(filepath.Join(s.Data, "files"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		records = append(records, path+" "+string(raw))
		return err
	})
	require.NoError(t, err)
	return records
}

// sqliteRecords are all rows of all tables, and the files as they lie on the
// disk: what was deleted and is still in a free page counts too.
func sqliteRecords(t *testing.T, data string) (records []string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(data, "documents", "varde.sqlite"))
	require.NoError(t, err)
	defer db.Close()
	names, err := db.QueryContext(t.Context(), "SELECT name FROM sqlite_master WHERE type = 'table'")
	require.NoError(t, err)
	var tables []string
	for names.Next() {
		var name string
		require.NoError(t, names.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(t, names.Err())
	require.NotEmpty(t, tables)
	for _, table := range tables {
		records = append(records, tableRecords(t, db, table)...)
	}
	return records
}

func tableRecords(t *testing.T, db *sql.DB, table string) (records []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT * FROM "`+table+`"`)
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		require.NoError(t, rows.Scan(into...))
		var b strings.Builder
		b.WriteString(table)
		for _, v := range values {
			if raw, ok := v.([]byte); ok {
				v = string(raw)
			}
			fmt.Fprint(&b, " ", v)
		}
		records = append(records, b.String())
	}
	require.NoError(t, rows.Err())
	return records
}

func mongoRecords(t *testing.T, url string) (records []string) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(url))
	require.NoError(t, err)
	defer func() { _ = client.Disconnect(context.Background()) }()
	db := client.Database("varde")
	names, err := db.ListCollectionNames(t.Context(), bson.D{})
	require.NoError(t, err)
	require.NotEmpty(t, names)
	for _, name := range names {
		cursor, err := db.Collection(name).Find(t.Context(), bson.D{})
		require.NoError(t, err)
		for cursor.Next(t.Context()) {
			records = append(records, name+" "+cursor.Current.String())
		}
		require.NoError(t, cursor.Err())
	}
	return records
}

func elasticRecords(t *testing.T, url string) (records []string) {
	t.Helper()
	res, err := http.Get(url + "/varde-events*/_search?size=10000")
	require.NoError(t, err)
	defer res.Body.Close()
	var answer struct {
		Hits struct {
			Hits []json.RawMessage `json:"hits"`
		} `json:"hits"`
	}
	require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	for _, hit := range answer.Hits.Hits {
		records = append(records, string(hit))
	}
	return records
}

func partitionRecords(t *testing.T, dir string) (records []string) {
	t.Helper()
	ctx := tenant.With(t.Context(), "bjorkvag")
	index, err := embeddedindex.Open(ctx, dir)
	require.NoError(t, err)
	defer index.Close()
	query, err := kql.Parse("", kql.Options{})
	require.NoError(t, err)
	err = index.Scan(ctx, query, eventindex.Range{}, func(e ecs.Event) error {
		text, err := json.Marshal(e)
		records = append(records, string(text))
		return err
	})
	require.NoError(t, err)
	return records
}

// busRecords are all messages of all topics, headers included.
func busRecords(t *testing.T, url string) (records []string) {
	t.Helper()
	b, err := kafka.Open(url, kafka.Options{})
	require.NoError(t, err)
	defer b.Close()
	for _, topic := range []string{bus.TopicEvents, bus.TopicEventsFailed, bus.TopicRegister, bus.TopicDirectory, bus.TopicFindings, bus.TopicReports, bus.TopicCases, bus.TopicAudit, bus.TopicRevocations, bus.TopicIntake} {
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		var got []string
		done := false
		err := b.Follow(ctx, topic, func(_ context.Context, batch []bus.Message) error {
			for _, m := range batch {
				got = append(got, fmt.Sprintf("%s %s %s %s %s %s %v %s", topic, m.Time.Format(time.RFC3339Nano), m.Tenant, m.Key, m.ID, m.Type, m.Trace, m.Value))
			}
			return nil
		}, func() { done = true; cancel() })
		require.True(t, done, "%s was not read to its end: %v", topic, err)
		records = append(records, got...)
	}
	return records
}
