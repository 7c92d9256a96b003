// Package engines installs and runs the real engines that tests and the
// distributed run need, without containers: Apache Kafka and Elasticsearch from
// Maven Central, SecantusDB (a stand-in that speaks MongoDB's protocol) from
// PyPI. All of it lies under the user's cache folder and listens on 127.0.0.1.
//
// Tests call Kafka, Elasticsearch or Mongo and get the URL of an engine that
// all test binaries share; it ends by itself a while after the last of them.
// An address of one's own takes its place: VARDE_TEST_KAFKA_URL,
// VARDE_TEST_ELASTIC_URL, VARDE_TEST_MONGO_URL (a real replica set).
package engines

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Kind names an engine.
type Kind string

// The engines.
const (
	KindKafka         Kind = "kafka"
	KindElasticsearch Kind = "elasticsearch"
	KindMongo         Kind = "mongo"
)

// Kinds are all engines, in the order they are started.
var Kinds = []Kind{KindKafka, KindElasticsearch, KindMongo}

// override is the variable with the address to use instead.
var override = map[Kind]string{
	KindKafka:         "VARDE_TEST_KAFKA_URL",
	KindElasticsearch: "VARDE_TEST_ELASTIC_URL",
	KindMongo:         "VARDE_TEST_MONGO_URL",
}

// Kafka returns the kafka:// URL of a shared broker. Where it cannot be had
// the test is skipped, or fails with REQUIRE_ENGINES=1.
func Kafka(t testing.TB) string { t.Helper(); return shared(t, KindKafka) }

// Elasticsearch returns the http:// URL of a shared single node; see Kafka.
func Elasticsearch(t testing.TB) string { t.Helper(); return shared(t, KindElasticsearch) }

// Mongo returns the mongodb:// URL of a shared server; see Kafka. It is
// SecantusDB unless VARDE_TEST_MONGO_URL names a real replica set: a beta,
// without $text, and slow under load.
func Mongo(t testing.TB) string { t.Helper(); return shared(t, KindMongo) }

func shared(t testing.TB, k Kind) string {
	t.Helper()
	if url := os.Getenv(override[k]); url != "" {
		return url
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	url, err := Shared(ctx, k)
	if err != nil {
		missing(t, k, err)
	}
	return url
}

// Own starts an engine for one test alone, which may kill and restart it; it
// ends with the test. Skips and fails as Kafka does.
func Own(t testing.TB, k Kind) *Engine {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	e, err := LaunchOwn(ctx, k)
	if err != nil {
		missing(t, k, err)
	}
	t.Cleanup(e.Discard)
	return e
}

// LaunchOwn installs an engine and starts it with an empty folder, for tests
// that share it among themselves; end it with Discard.
func LaunchOwn(ctx context.Context, k Kind) (*Engine, error) {
	if err := Install(ctx, k); err != nil {
		return nil, err
	}
	dir, err := ownDir(k)
	if err != nil {
		return nil, err
	}
	e, err := Launch(ctx, k, dir)
	if err != nil {
		_ = os.RemoveAll(dir)
	}
	return e, err
}

// Discard stops the engine and removes its data.
func (e *Engine) Discard() {
	e.Stop()
	_ = os.RemoveAll(e.dir)
}

// Missing ends a test that needs an engine which cannot be had: skipped, or
// failed with REQUIRE_ENGINES=1.
func Missing(t testing.TB, k Kind, err error) { t.Helper(); missing(t, k, err) }

func ownDir(k Kind) (string, error) {
	base := filepath.Join(root(), "own")
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(base, string(k)+"-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755) // the superuser's Elasticsearch runs as another user
}

func missing(t testing.TB, k Kind, err error) {
	t.Helper()
	text := fmt.Sprintf("engine %s is not available: %v", k, err)
	if os.Getenv("REQUIRE_ENGINES") == "1" {
		t.Fatal(text)
	}
	noteSkipped(k)
	t.Skip(text)
}

// noteSkipped tells `go tool task test` what its last line has to name.
func noteSkipped(k Kind) {
	f, err := os.OpenFile(os.Getenv("VARDE_SKIPPED"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return // not run by it
	}
	_, _ = fmt.Fprintln(f, k)
	_ = f.Close()
}

// root is the folder of everything this package keeps: VARDE_ENGINES_DIR, else
// in the user's cache folder. The superuser's is elsewhere, because
// Elasticsearch has to run as another user who must be able to read it.
func root() string {
	if dir := os.Getenv("VARDE_ENGINES_DIR"); dir != "" {
		return dir
	}
	if os.Geteuid() == 0 {
		return "/var/cache/varde-engines"
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, "varde-engines")
}

// tail returns the end of a log, for an error.
func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}
