package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"varde.internal/ingest/collector"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/bustest"
	"varde.internal/platform/docstore/sqlite"
	platformrun "varde.internal/platform/run"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// receiving is a real collector on an embedded bus, and what it published.
type receiving struct {
	t   *testing.T
	url string

	mu     sync.Mutex
	events []ecs.Event
	failed []topics.DeadLetter
}

func receive(t *testing.T) *receiving {
	t.Helper()
	b := bustest.Start(t)
	require.NoError(t, b.EnsureTopics(t.Context(),
		bus.TopicConfig{Name: bus.TopicEvents, Partitions: 2, Retention: time.Hour}, bus.TopicConfig{Name: bus.TopicEventsFailed, Partitions: 1, Retention: time.Hour},
		bus.TopicConfig{Name: bus.TopicRegister, Partitions: 1, Compacted: true}, bus.TopicConfig{Name: bus.TopicDirectory, Partitions: 1, Compacted: true}))
	data, err := json.Marshal(topics.Source{Name: "arkiv", Kind: "import", KeyHash: topics.HashAPIKey("secret-key"), TimeZone: "Europe/Oslo"})
	require.NoError(t, err)
	value, err := json.Marshal(topics.Fact{Kind: topics.KindSource, ID: "archive", Tenant: "bo",
		Versions: []topics.Version{{ValidFrom: time.Unix(0, 0), RecordedAt: time.Unix(0, 0), Data: data}}})
	require.NoError(t, err)
	require.NoError(t, b.Publish(t.Context(), bus.TopicRegister, bus.Message{Tenant: "bo", Key: "archive", ID: "archive", Type: topics.TypeFact, Value: value}))
	m, err := collector.New(platformrun.Deps{Log: slog.New(slog.DiscardHandler), Clock: time.Now, Metrics: prometheus.NewRegistry(), Bus: b, Docs: sqlite.OpenTemp(t),
		Secret: func(string) []byte { return []byte("0123456789abcdef0123456789abcdef") }}, collector.Default())
	require.NoError(t, err)
	r := &receiving{t: t}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = m.Run(ctx) })
	r.follow(ctx, &wg, b)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	wg.Go(func() { _ = m.App().Listener(ln) })
	t.Cleanup(func() {
		cancel()
		_ = m.App().ShutdownWithTimeout(5 * time.Second)
		wg.Wait()
	})
	await.True(t, func() bool { return m.Ready(ctx) == nil })
	r.url = "http://" + ln.Addr().String()
	return r
}

func (r *receiving) follow(ctx context.Context, wg *sync.WaitGroup, b bus.Bus) {
	for topic, keep := range map[string]func([]byte) error{
		bus.TopicEvents: func(v []byte) error {
			var ev ecs.Event
			r.events = append(r.events, ev)
			return json.Unmarshal(v, &r.events[len(r.events)-1])
		},
		bus.TopicEventsFailed: func(v []byte) error {
			r.failed = append(r.failed, topics.DeadLetter{})
			return json.Unmarshal(v, &r.failed[len(r.failed)-1])
		},
	} {
		wg.Go(func() {
			_ = b.Follow(ctx, topic, func(_ context.Context, batch []bus.Message) error {
				r.mu.Lock()
				defer r.mu.Unlock()
				for _, m := range batch {
					if err := keep(m.Value); err != nil {
						return err
					}
				}
				return nil
			}, func() {})
		})
	}
}

// byID waits for so many events and dead letters and returns the events by id.
func (r *receiving) byID(events, failed int) map[string]ecs.Event {
	r.t.Helper()
	await.True(r.t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.events) >= events && len(r.failed) >= failed
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Equal(r.t, []int{events, failed}, []int{len(r.events), len(r.failed)})
	out := map[string]ecs.Event{}
	for _, e := range r.events {
		out[e.Event.ID] = e
	}
	return out
}

// importing runs `varde import` and returns its summary.
func importing(t *testing.T, args ...string) (got imported, progress string, exit int) {
	t.Helper()
	var out, log bytes.Buffer
	cmd := root()
	cmd.SetArgs(append([]string{"import", "--key-file", file(t, "key", "secret-key\n")}, args...))
	cmd.SetOut(&out)
	cmd.SetErr(&log)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		exit = exitCode(err)
		fmt.Fprintln(&log, err)
	}
	if out.Len() > 0 {
		require.NoError(t, json.Unmarshal(out.Bytes(), &got), out.String())
	}
	return got, log.String(), exit
}

func write(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

func packGzip(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := io.WriteString(z, text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.Bytes()
}

const winEvent = `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Microsoft-Windows-Security-Auditing"/><EventID>4625</EventID>
<TimeCreated SystemTime="2026-11-22T10:00:00.123Z"/><EventRecordID>%d</EventRecordID><Channel>Security</Channel><Computer>dc01</Computer></System>
<EventData><Data Name="TargetUserName">kari</Data></EventData></Event>
`

func TestAFolderIsImportedOnceWhateverItsFilesAreCalled_R36(t *testing.T) {
	t.Parallel()
	r := receive(t)
	auth := "Nov 22 10:00:00 arkiv01 sshd[7]: Failed password for kari from 192.0.2.7 port 22 ssh2\nNov 22 10:00:05 arkiv01 app[3]: caf\xe9\n"
	dir := t.TempDir()
	write(t, dir, "auth.log", []byte(auth))
	write(t, dir, "below/page.json", []byte("[\n  {\"message\": \"one\"},\n  {\"message\": \"two\"}\n]\n"))
	write(t, dir, "below/Security.xml", []byte("<Events>\n"+fmt.Sprintf(winEvent, 7)+fmt.Sprintf(winEvent, 8)+"</Events>\n"))
	write(t, dir, "picture.png", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"))
	write(t, dir, ".hidden", []byte("no log\n"))
	write(t, dir, "empty.log", nil)
	write(t, dir, "broken.log", []byte("<999>x\n"))
	got, progress, exit := importing(t, "--url", r.url, "--source", "arkiv", dir)
	require.Zero(t, exit, progress)
	require.Equal(t, imported{Files: got.Files, Records: 7, Events: 6, Dead: 1}, got)
	require.Len(t, got.Files, 6)
	require.Contains(t, progress, "auth.log: 100 %, 2 records, 0 dead letters")
	events := r.byID(6, 1)
	require.Len(t, events, 6)
	attempts := 0
	for _, e := range events {
		require.Equal(t, ecs.ProvenanceImport, e.Varde.Provenance)
		require.Equal(t, "archive", e.Varde.Source)
		if e.Varde.Attempt {
			attempts++
		}
	}
	require.Equal(t, 3, attempts)

	again := t.TempDir()
	pack, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	write(t, again, "auth.log.1.gz", packGzip(t, auth))
	write(t, again, "auth.log-20261122.zst", pack.EncodeAll([]byte(auth), nil))
	require.NoError(t, pack.Close())
	write(t, again, "exported.xml", []byte(fmt.Sprintf(winEvent, 8)+fmt.Sprintf(winEvent, 9)))
	got, progress, exit = importing(t, "--url", r.url, again)
	require.Zero(t, exit, progress)
	require.EqualValues(t, 6, got.Events)
	require.Len(t, r.byID(12, 1), 7, "only the event that was not there before is new")
}

// Every event says the same each time it comes, or the index takes it for
// another one of the same id.
func TestWhatIsImportedAgainSaysTheSame(t *testing.T) {
	t.Parallel()
	r := receive(t)
	line := "Nov 22 10:00:00 arkiv01 sshd[7]: Failed password for kari from 192.0.2.7 port 22 ssh2\nno time at all\n"
	paths := []string{write(t, t.TempDir(), "auth.log", []byte(line)), write(t, t.TempDir(), "auth.log.2.gz", packGzip(t, line))}
	changed := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, path := range paths {
		require.NoError(t, os.Chtimes(path, changed, changed))
		_, progress, exit := importing(t, "--url", r.url, path)
		require.Zero(t, exit, progress)
	}
	require.Len(t, r.byID(4, 0), 2)
	seen := map[string]ecs.Event{}
	for _, e := range r.events {
		e.Event.Created = time.Time{}
		if before, ok := seen[e.Event.ID]; ok {
			require.Equal(t, before, e)
		}
		require.Equal(t, 2023, e.Timestamp.Year(), "the year that the file's last change says")
		seen[e.Event.ID] = e
	}
}

// What the collector is too busy for is sent again until it is durable.
func TestNothingIsLostWhileTheCollectorIsBusyOrAway_R36(t *testing.T) {
	t.Parallel()
	r := receive(t)
	target, err := url.Parse(r.url)
	require.NoError(t, err)
	through := httputil.NewSingleHostReverseProxy(target)
	var calls atomic.Int32
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch calls.Add(1) {
		case 1, 4:
			w.WriteHeader(http.StatusTooManyRequests)
		case 2:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 5: // taken, but the answer gets lost
			through.ServeHTTP(httptest.NewRecorder(), req)
			panic(http.ErrAbortHandler)
		default:
			through.ServeHTTP(w, req)
		}
	}))
	defer busy.Close()
	var text strings.Builder
	for n := range 6000 { // more than a piece
		fmt.Fprintf(&text, "Nov 22 10:%02d:%02d arkiv01 app[3]: line %d\n", n/60%60, n%60, n)
	}
	to, err := newRemote(busy.URL, "secret-key", time.Minute, io.Discard)
	require.NoError(t, err)
	to.pause = time.Millisecond
	run := importRun{to: to, progress: io.Discard}
	done, err := run.file(t.Context(), logFile{path: file(t, "app.log", text.String()), name: "app.log"}, nil)
	require.NoError(t, err)
	require.EqualValues(t, 6000, done.Events)
	// The piece whose answer was lost came twice, with the same ids.
	require.Len(t, r.byID(7000, 0), 6000)
}

func TestImportSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := receive(t)
	log := file(t, "a.log", "Nov 22 10:00:00 arkiv01 app[3]: x\n")
	_, message, exit := importing(t, "--url", r.url, "--source", "another", log)
	require.Equal(t, 2, exit, message)
	require.Contains(t, message, "belongs to another source")
	_, message, exit = importing(t, "--url", r.url, "--key-file", file(t, "wrong", "no-key\n"), log)
	require.Equal(t, 2, exit, message)
	_, message, exit = importing(t, "--url", "http://127.0.0.1:1", log)
	require.Equal(t, 1, exit, message)

	// A file that breaks off keeps the others from nothing.
	packed := packGzip(t, strings.Repeat("Nov 22 10:00:00 arkiv01 app[3]: x\n", 100))
	broken := write(t, t.TempDir(), "broken.gz", packed[:len(packed)-9])
	got, message, exit := importing(t, "--url", r.url, broken, log)
	require.Equal(t, 2, exit, message)
	require.Len(t, got.Files, 2)
	require.NotEmpty(t, got.Files[0].Error)
	require.EqualValues(t, 1, got.Files[1].Events)

	to, err := newRemote(r.url, "secret-key", 0, io.Discard)
	require.NoError(t, err)
	to.met, to.url = true, "http://127.0.0.1:1/v1/import"
	_, err = to.take(t.Context(), []byte("{}"))
	require.ErrorContains(t, err, "gave up")
}

func TestLogsAreNamedWithoutWhatRotationAdds(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"auth.log": "auth.log", "auth.log.1": "auth.log", "auth.log.12.gz": "auth.log", "auth.log-20261122": "auth.log", "auth.log-20261122-1795341600.zst": "auth.log",
		"host/auth.log.2.gz": "host/auth.log", "u_ex261122.log": "u_ex261122.log", "Security.evtx": "Security.evtx", "host/.1": "host/.1",
	} {
		require.Equal(t, want, logName(path), path)
	}
}
