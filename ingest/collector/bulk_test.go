package collector

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"github.com/stretchr/testify/require"

	collectorhttp "varde.internal/ingest/collector/http"
	"varde.internal/platform/bus"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
)

func contextOf(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

type bulkResult struct {
	Errors bool
	Items  []map[string]struct {
		ID     string `json:"_id"`
		Status int
		Error  *struct{ Reason string }
	}
	Type string // of a problem
}

func (r *rig) post(path, authorization, body string, headers ...string) (int, bulkResult) {
	r.t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/x-ndjson")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := r.App().Test(req, 20_000)
	require.NoError(r.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(r.t, err)
	var out bulkResult
	if res.StatusCode == http.StatusOK {
		require.NoError(r.t, json.Unmarshal(raw, &out), string(raw))
	} else {
		var problem struct{ Type string }
		require.NoError(r.t, json.Unmarshal(raw, &problem), string(raw))
		out.Type = problem.Type[strings.LastIndex(problem.Type, "/")+1:]
	}
	return res.StatusCode, out
}

func doc(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw) + "\n"
}

const key = "ApiKey secret-key"

func TestBulkTakesEveryShapeOfADocument(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	action := "{\"create\":{}}\n"
	status, out := r.post("/varde/_bulk", key, action+doc(map[string]any{"message": text})+
		action+doc(map[string]any{"rawmsg": "<38>" + text, "message": "x"})+
		action+doc(map[string]any{"event": map[string]any{"original": text}, "message": "Failed password"})+
		action+doc(map[string]any{"message": " Failed password for kari from 192.0.2.7 port 22 ssh2", "timereported": "2026-11-22T10:00:00+01:00", "hostname": "arkiv01", "syslogtag": "sshd[7]:"})+
		action+doc(map[string]any{"message": "Failed password for kari from 192.0.2.7 port 22 ssh2", "@timestamp": "2026-11-22T09:00:00Z", "host": map[string]any{"name": "arkiv01"}, "process": map[string]any{"name": "sshd", "pid": 7}})+
		action+doc(map[string]any{"message": "plain words", "@timestamp": "2026-11-22T09:00:00Z", "host": 5})+
		action+doc(map[string]any{"other": "fields"}))
	require.Equal(t, 200, status)
	require.False(t, out.Errors)
	require.Len(t, out.Items, 7)
	events, _ := r.await(7, 0)
	attempts, ids := 0, map[string]bool{}
	for _, e := range events {
		ids[e.Event.ID] = true
		require.Equal(t, "keyed", e.Varde.Source)
		require.Equal(t, ecs.ProvenanceAPIKey, e.Varde.Provenance)
		if !e.Varde.Attempt {
			continue
		}
		attempts++
		require.Equal(t, "arkiv01", e.Host.Name)
		require.Equal(t, "kari", e.User.Name)
		require.Equal(t, 7, e.Process.PID)
	}
	require.Equal(t, 5, attempts)
	for _, item := range out.Items {
		require.Equal(t, 201, item["create"].Status)
		require.True(t, ids[item["create"].ID], "the answer names the event")
	}
}

func TestAWinlogbeatDocumentIsKeptWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	document := doc(map[string]any{
		"@timestamp": "2026-11-22T10:00:00.123Z", "message": "An account failed to log on.\n\nSubject:", "agent": map[string]any{"type": "winlogbeat"},
		"host": map[string]any{"name": "dc01.bjorkvag.local"}, "event": map[string]any{"code": "4625", "provider": "Microsoft-Windows-Security-Auditing", "action": "Logon"},
		"winlog": map[string]any{
			"channel": "Security", "provider_name": "Microsoft-Windows-Security-Auditing", "event_id": "4625", "record_id": 7, "computer_name": "dc01.bjorkvag.local",
			"keywords": []string{"Audit Failure"}, "event_data": map[string]any{"TargetUserName": "kari", "TargetDomainName": "BJORKVAG", "LogonType": "3", "IpAddress": "192.0.2.7"},
		},
	})
	status, _ := r.post("/winlogbeat-8.19/_bulk", key, "{\"create\":{}}\n"+document)
	require.Equal(t, http.StatusOK, status)
	events, _ := r.await(1, 0)
	ev := events[0]
	require.Equal(t, strings.TrimSpace(document), ev.Event.Original)
	require.Equal(t, "windows-security", ev.Event.Dataset)
	require.Equal(t, "192.0.2.7", ev.Source.IP)
	require.Equal(t, "dc01.bjorkvag.local", ev.Host.Name)
	require.True(t, ev.Varde.Attempt)
}

func TestBulkKeepsWhatItCannotUse(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	action := "{\"index\":{\"_index\":\"x\"}}\n"
	status, out := r.post("/_bulk", key, action+"not json\n"+action+doc(map[string]any{"message": "<999>x"})+
		"{\"delete\":{\"_id\":\"1\"}}\n{\"update\":{\"_id\":\"1\"}}\n{}\n"+action+doc(map[string]any{"message": text}))
	require.Equal(t, 200, status)
	require.True(t, out.Errors)
	require.Len(t, out.Items, 5)
	require.Equal(t, 400, out.Items[0]["index"].Status)
	require.Equal(t, 201, out.Items[1]["index"].Status, "kept as a dead letter: sending it again would not help")
	require.Equal(t, 400, out.Items[2]["delete"].Status)
	require.Equal(t, 400, out.Items[3]["update"].Status)
	require.Equal(t, 201, out.Items[4]["index"].Status)
	_, failed := r.await(1, 2)
	require.Equal(t, ReasonDocument, failed[0].Reason)
	require.Equal(t, "invalid-priority", failed[1].Reason)
}

func TestBulkRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config, _ *run.Deps) { c.MaxBulk, c.MaxInFlight = 2<<20, 3<<20 })
	good := "{\"create\":{}}\n" + doc(map[string]any{"message": text})
	for name, c := range map[string]struct {
		auth, body, slug string
		status           int
	}{
		"no key":       {"", good, "unknown-api-key", 401},
		"wrong key":    {"ApiKey nonsense", good, "unknown-api-key", 401},
		"wrong scheme": {"Digest secret-key", good, "unknown-api-key", 401},
		"empty":        {key, "", "", 400},
		"no action":    {key, doc(map[string]any{"message": text}) + good, "invalid-input", 400},
		"not json":     {key, "xx\n", "invalid-input", 400},
		"too large":    {key, strings.Repeat("x", 2<<20+1), "too-large", 413},
	} {
		status, out := r.post("/_bulk", c.auth, c.body)
		require.Equal(t, c.status, status, name)
		if c.slug != "" {
			require.Equal(t, c.slug, out.Type, name)
		}
	}
	done, err := r.Reserve(3 << 20) // others are in work
	require.NoError(t, err)
	status, out := r.post("/_bulk", key, good)
	require.Equal(t, 429, status)
	require.Equal(t, "too-many-lines", out.Type)
	done()
	status, _ = r.post("/_bulk", key, good)
	require.Equal(t, 200, status)

	status, _ = r.post("/_bulk", key, "not gzip at all", "Content-Encoding", "gzip")
	require.Equal(t, 400, status)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err = z.Write(bytes.Repeat([]byte("x"), 8<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	status, _ = r.post("/_bulk", key, bomb.String(), "Content-Encoding", "gzip")
	require.Equal(t, 413, status)
	r.await(1, 0)
}

func TestBulkWithoutABusTakesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.intake.bus = &flaky{left: 1}
	good := "{\"create\":{\"_id\":\"a\"}}\n" + doc(map[string]any{"message": text})
	status, out := r.post("/_bulk", key, good)
	require.Equal(t, 503, status)
	require.Equal(t, "unavailable", out.Type)
	status, _ = r.post("/_bulk", key, good)
	require.Equal(t, 200, status)
}

func TestADocumentWithAnIdIsOneEventHoweverOftenItComes(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	body := "{\"create\":{\"_id\":\"a\"}}\n" + doc(map[string]any{"message": text})
	for range 2 {
		status, _ := r.post("/_bulk", "Basic "+base64.StdEncoding.EncodeToString([]byte("x:secret-key")), body)
		require.Equal(t, 200, status)
	}
	events, _ := r.await(2, 0)
	require.Equal(t, events[0].Event.ID, events[1].Event.ID)
}

func TestLinesOfASharedSourceGoToTheirTenants_R74(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	action := "{\"create\":{}}\n"
	line := func(host, user string) string {
		return action + doc(map[string]any{"message": "Nov 22 10:00:00 " + host + " sshd[7]: Failed password for " + user + " from 192.0.2.7 port 22 ssh2"})
	}
	status, _ := r.post("/_bulk", "ApiKey "+base64.StdEncoding.EncodeToString([]byte("id:shared-key")),
		line("ad01", `B\303\230\\kari`)+line("vik01", "kari")+line("other", "kari"))
	require.Equal(t, 200, status)
	events, _ := r.await(3, 0)
	tenants := map[string]int{}
	for _, e := range events {
		tenants[e.Varde.Tenant]++
		require.True(t, strings.HasPrefix(e.Varde.Partition, e.Varde.Tenant+"."))
	}
	require.Equal(t, map[string]int{"bo": 1, "vik": 1, "host": 1}, tenants)
}

// listen serves the collector's application on a real socket.
func (r *rig) listen() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(r.t, err)
	done := make(chan error, 1)
	go func() { done <- r.App().Listener(l) }()
	r.t.Cleanup(func() {
		require.NoError(r.t, r.App().Shutdown())
		require.NoError(r.t, <-done)
	})
	return l.Addr().String()
}

func TestTheGoClientOfElasticsearchSendsLines(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	es, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{"http://" + r.listen()}, Transport: transport, CompressRequestBody: true,
		APIKey: base64.StdEncoding.EncodeToString([]byte("id:secret-key"))})
	require.NoError(t, err)
	info, err := es.Info()
	require.NoError(t, err)
	require.False(t, info.IsError())
	info.Body.Close()
	bulk, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: es, Index: "logs", NumWorkers: 1})
	require.NoError(t, err)
	for n := range 1000 {
		require.NoError(t, bulk.Add(t.Context(), esutil.BulkIndexerItem{Action: "create", DocumentID: fmt.Sprint(n),
			Body: strings.NewReader(doc(map[string]any{"message": stamped(n)})),
			OnFailure: func(_ context.Context, _ esutil.BulkIndexerItem, _ esutil.BulkIndexerResponseItem, err error) {
				t.Errorf("a line was refused: %v", err)
			}}))
	}
	require.NoError(t, bulk.Close(t.Context()))
	require.EqualValues(t, 1000, bulk.Stats().NumFlushed)
	r.await(1000, 0)
}

// rsyslog's own omelasticsearch, in both ways of giving a line.
func TestRsyslogSendsLines(t *testing.T) {
	t.Parallel()
	rsyslogd, err := exec.LookPath("rsyslogd")
	if err != nil {
		rsyslogd = "/usr/sbin/rsyslogd"
	}
	modules, _ := filepath.Glob("/usr/lib/*/rsyslog/omelasticsearch.so")
	if _, err := os.Stat(rsyslogd); err != nil || len(modules) == 0 {
		if os.Getenv("REQUIRE_ENGINES") != "" {
			t.Fatal("rsyslog with rsyslog-elasticsearch is needed")
		}
		t.Skip("rsyslog with rsyslog-elasticsearch is not installed")
	}
	r := newRig(t, nil)
	host, port, err := net.SplitHostPort(r.listen())
	require.NoError(t, err)
	dir := t.TempDir()
	input := filepath.Join(dir, "in.log")
	logFile{t, input}.write(span(0, 50) + "Nov 22 10:00:50 arkiv01 sshd[7]: Failed password for kari from 192.0.2.7 port 22 ssh2\n")
	config := fmt.Sprintf(`global(workDirectory=%[1]q)
module(load="imfile")
module(load="omelasticsearch")
template(name="raw" type="list") {
  constant(value="{\"message\":\"") property(name="msg" format="jsonr") constant(value="\"}")
}
input(type="imfile" file=%[2]q tag="in:" ruleset="send" freshStartTail="off")
ruleset(name="send") {
  action(type="omelasticsearch" server=%[3]q serverport=%[4]q template="raw" searchIndex="varde" searchType="" bulkmode="on"
    uid="any" pwd="secret-key" action.resumeRetryCount="-1" errorfile=%[5]q)
}
`, dir, input, host, port, filepath.Join(dir, "errors"))
	file := filepath.Join(dir, "rsyslog.conf")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	cmd := exec.Command(rsyslogd, "-n", "-f", file, "-i", filepath.Join(dir, "pid"))
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(dir, "errors"))
			t.Logf("rsyslog: %s\n%s", said.String(), text)
		}
	})
	events, _ := r.await(51, 0)
	attempts := 0
	for _, e := range events {
		if e.Varde.Attempt {
			attempts++
			require.Equal(t, "kari", e.User.Name)
			require.Equal(t, "arkiv01", e.Host.Name)
		}
	}
	require.Equal(t, 1, attempts)
}

func TestElasticsearchsClientsAreAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, c := range []struct{ method, path string }{
		{"GET", "/"}, {"HEAD", "/"}, {"GET", "/?pretty"}, {"GET", "/_license"}, {"GET", "/_xpack"}, {"GET", "/_cluster/health"}, {"HEAD", "/_index_template/x"}, {"GET", "/_template/x"}, {"GET", "/_ilm/policy/x"},
	} {
		res, err := r.App().Test(httptest.NewRequest(c.method, c.path, nil), 20_000)
		require.NoError(t, err)
		require.Equal(t, 200, res.StatusCode, c)
		require.Equal(t, "Elasticsearch", res.Header.Get("X-Elastic-Product"), c)
		res.Body.Close()
	}
	req := httptest.NewRequest("PUT", "/_index_template/x", strings.NewReader(`{"index_patterns":["x"]}`))
	req.Header.Set("Content-Type", "application/json")
	res, err := r.App().Test(req, 20_000)
	require.NoError(t, err)
	require.Equal(t, 401, res.StatusCode)
	res.Body.Close()
}

// failing takes what is published up to a number of calls, then fails once.
type failing struct {
	bus.Bus
	left atomic.Int64
}

func (f *failing) Publish(ctx context.Context, topic string, m ...bus.Message) error {
	if f.left.Add(-1) == 0 {
		return errors.New("away for a moment")
	}
	return f.Bus.Publish(ctx, topic, m...)
}

// A request that failed half-way, and is sent again as the answer asks, is taken
// once; the same lines in a request after one that succeeded are more lines.
func TestARequestThatIsSentAgainDoublesNothing_R36(t *testing.T) {
	t.Parallel()
	// All alike, and with no time of their own.
	const object = `{"message":"something happened"}` + "\n"
	for name, send := range map[string]func(s collectorhttp.Sender) error{
		"_bulk": func(s collectorhttp.Sender) error {
			_, err := s.Bulk(t.Context(), "x", []byte(strings.Repeat("{\"index\":{}}\n"+object, 800)))
			return err
		},
		"lines": func(s collectorhttp.Sender) error {
			_, err := s.Lines(t.Context(), []byte(strings.Repeat("something happened\n", 800)), false)
			return err
		},
		"objects": func(s collectorhttp.Sender) error {
			_, err := s.Lines(t.Context(), []byte(strings.Repeat(object, 800)), true)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again(t, send)
		})
	}
}

// again sends 800 lines four times, of which the first two fail after 500.
func again(t *testing.T, send func(collectorhttp.Sender) error) {
	t.Helper()
	broken := &failing{}
	r := newRig(t, func(_ *Config, d *run.Deps) { broken.Bus, d.Bus = d.Bus, broken })
	s, err := r.Module.Sender("secret-key")
	require.NoError(t, err)
	distinct := func(published int) map[string]string {
		events, _ := r.await(published, 0)
		by := map[string]string{}
		for _, e := range events {
			said, err := json.Marshal(e)
			require.NoError(t, err)
			if before, again := by[e.Event.ID]; again {
				require.Equal(t, before, string(said), "the same event")
			}
			by[e.Event.ID] = string(said)
		}
		return by
	}
	for range 2 {
		broken.left.Store(2)
		require.Error(t, send(s))
	}
	require.Len(t, distinct(1000), 500)
	require.NoError(t, send(s))
	require.Len(t, distinct(1800), 800)
	require.NoError(t, send(s))
	require.Len(t, distinct(2600), 1600, "lines of their own")
}

// What the time of receipt decides of an imported record stays as it was when
// its piece comes again after a failure.
func TestAPieceThatIsSentAgainIsOfTheFirstReceipt_R36(t *testing.T) {
	t.Parallel()
	broken := &failing{}
	var late atomic.Int64
	r := newRig(t, func(_ *Config, d *run.Deps) {
		broken.Bus, d.Bus = d.Bus, broken
		d.Clock = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	})
	s, err := r.Module.Sender("secret-key")
	require.NoError(t, err)
	var records []PieceRecord
	for n := range 800 {
		records = append(records, PieceRecord{Number: int64(n), Text: []byte("something happened")})
	}
	body := pieceOf(t, Piece{File: "app.log", Generation: "g"}, records...)
	broken.left.Store(2)
	_, err = s.Import(t.Context(), body)
	require.Error(t, err)
	late.Store(int64(5 * time.Minute))
	_, err = s.Import(t.Context(), body)
	require.NoError(t, err)
	events, _ := r.await(1300, 0)
	created := map[time.Time]bool{}
	ids := map[string]bool{}
	for _, e := range events {
		created[e.Event.Created], ids[e.Event.ID] = true, true
	}
	require.Len(t, ids, 800)
	require.Len(t, created, 1)
}

// Whether the last request of a collector that died was answered is not known
// to it; its sender sends it again.
func TestARequestThatADeadCollectorTookDoublesNothing(t *testing.T) {
	t.Parallel()
	for _, way := range []struct{ path, mediaType, body string }{
		{"/_bulk", "application/x-ndjson", `{"index":{}}` + "\n" + doc(map[string]string{"message": text}) + "\n" + `{"index":{}}` + "\n" + doc(map[string]string{"message": "no time in it"}) + "\n"},
		{"/v1/lines", "text/plain", text + "\n" + "no time in it\n"},
	} {
		t.Run(way.path, func(t *testing.T) {
			t.Parallel()
			var cfg Config
			r := newRig(t, func(c *Config, _ *run.Deps) { cfg = *c })
			send := func() {
				status, _ := r.post(way.path, "ApiKey secret-key", way.body, "Content-Type", way.mediaType)
				require.Equal(t, 200, status)
			}
			send()
			first, _ := r.await(2, 0)
			r.stop()
			r.start(cfg)
			send()
			again, _ := r.await(4, 0)
			for i := range first {
				require.Equal(t, first[i], again[2+i], "the same event")
			}
			send() // the process answered that, so these lines are others
			others, _ := r.await(6, 0)
			for i := range first {
				require.NotEqual(t, first[i].Event.ID, others[4+i].Event.ID)
			}
			require.Less(t, others[4].Event.ID, others[5].Event.ID)
		})
	}
}

func TestLinesThatAreSentAgainDoubleNothing(t *testing.T) {
	t.Parallel()
	var broken *failing
	r := newRig(t, func(_ *Config, d *run.Deps) {
		broken = &failing{Bus: d.Bus}
		d.Bus = broken
	})
	broken.left.Store(1)
	status, _ := r.post("/v1/lines", "ApiKey secret-key", text+"\nanother\n", "Content-Type", "text/plain")
	require.Equal(t, 503, status)
	status, _ = r.post("/v1/lines", "ApiKey secret-key", text+"\nanother\n", "Content-Type", "text/plain")
	require.Equal(t, 200, status)
	events, _ := r.await(2, 0)
	ids := map[string]bool{}
	for _, e := range events {
		ids[e.Event.ID] = true
	}
	require.Len(t, ids, 2)
}
