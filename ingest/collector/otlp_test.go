package collector

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"varde.internal/ingest/otlp"
	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
)

func exporter(t *testing.T, at string, o ...otlploghttp.Option) *otlploghttp.Exporter {
	t.Helper()
	e, err := otlploghttp.New(t.Context(), append([]otlploghttp.Option{otlploghttp.WithEndpointURL(at + "/v1/logs"),
		otlploghttp.WithHeaders(map[string]string{"Authorization": "Bearer secret-key"}),
		otlploghttp.WithRetry(otlploghttp.RetryConfig{Enabled: true, InitialInterval: 10 * time.Millisecond, MaxInterval: 100 * time.Millisecond, MaxElapsedTime: time.Minute})}, o...)...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Shutdown(t.Context())) })
	return e
}

// The exporter of OpenTelemetry's Go SDK is the client: what it sends is there
// once, also where the bus was away for a moment and it had to repeat.
func TestOpenTelemetrysExporterIsTakenFrom_R36(t *testing.T) {
	t.Parallel()
	for name, o := range map[string][]otlploghttp.Option{"plain": nil, "gzip": {otlploghttp.WithCompression(otlploghttp.GzipCompression)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := &failing{}
			r := newRig(t, func(_ *Config, d *run.Deps) { broken.Bus, d.Bus = d.Bus, broken })
			e := exporter(t, "http://"+r.listen(), o...)
			provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(e, sdklog.WithExportMaxBatchSize(700), sdklog.WithMaxQueueSize(2048))),
				sdklog.WithResource(resource.NewSchemaless(attribute.String("service.name", "sshd"), attribute.String("host.name", "arkiv01"))))
			traced := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1, 2}, SpanID: trace.SpanID{3}}))
			broken.left.Store(2) // the second piece of the first request
			logger := provider.Logger("test")
			for range 700 { // all alike
				var one log.Record
				one.SetTimestamp(time.Now())
				one.SetSeverity(log.SeverityInfo)
				one.SetBody(attribute.StringValue("Failed password for kari from 192.0.2.7 port 22 ssh2"))
				logger.Emit(traced, one)
			}
			require.NoError(t, provider.ForceFlush(t.Context()))
			require.NoError(t, provider.Shutdown(t.Context()))
			require.Negative(t, broken.left.Load(), "the bus was away")
			events, _ := r.await(1200, 0) // 500 of them twice on the topic, as the same events
			ids := map[string]bool{}
			for _, ev := range events {
				ids[ev.Event.ID] = true
				require.Equal(t, "sshd", ev.Event.Dataset)
				require.True(t, ev.Varde.Attempt)
				require.Equal(t, "arkiv01", ev.Host.Name)
				require.Equal(t, "keyed", ev.Varde.Source)
				require.Equal(t, ecs.ProvenanceAPIKey, ev.Varde.Provenance)
				require.Equal(t, "info", ev.Log.Level)
				require.Equal(t, "01020000000000000000000000000000", ev.Labels["trace_id"])
				require.Equal(t, "0300000000000000", ev.Labels["span_id"])
			}
			require.Len(t, ids, 700)
		})
	}
}

// With a wrong key the exporter is told so, and does not repeat.
func TestAnExporterWithAWrongKeyIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	e := exporter(t, "http://"+r.listen(), otlploghttp.WithHeaders(map[string]string{"Authorization": "Bearer wrong"}))
	began := time.Now()
	err := e.Export(t.Context(), []sdklog.Record{{}})
	require.ErrorContains(t, err, "401")
	require.Less(t, time.Since(began), time.Minute)
	r.await(0, 0)
}

func postLogs(t *testing.T, r *rig, kind string, body []byte, headers map[string]string) (int, http.Header, []byte) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/v1/logs", bytes.NewReader(body))
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", key)
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := r.App().Test(req, 60_000)
	require.NoError(t, err)
	answer, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode, res.Header, answer
}

const exported = `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"sshd"}}]},"scopeLogs":[{"scope":{},"logRecords":[
 {"timeUnixNano":"1795341600000000000","severityNumber":10,"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","aFieldOfTheFuture":1,"body":{"stringValue":"Accepted password for kari from 192.0.2.7 port 22 ssh2"}},
 {"observedTimeUnixNano":1795341600000000000,"severityNumber":"SEVERITY_NUMBER_WARN","body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"noe annet"}}]}}}]}]}]}`

func TestBothEncodingsOfOTLPAreTakenAndAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(exported))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for _, one := range []struct {
		body    []byte
		headers map[string]string
	}{{[]byte(exported), nil}, {packed.Bytes(), map[string]string{"Content-Encoding": "gzip"}}} {
		status, header, answer := postLogs(t, r, "application/json; charset=utf-8", one.body, one.headers)
		require.Equal(t, http.StatusOK, status, string(answer))
		require.Equal(t, otlp.JSON, header.Get("Content-Type"))
		require.JSONEq(t, "{}", string(answer))
	}
	events, _ := r.await(4, 0)
	for _, ev := range events {
		if ev.Varde.Attempt {
			require.Equal(t, "5b8efff798038103d269b633813fc60c", ev.Labels["trace_id"])
			require.Equal(t, "eee19b7ec3c1b174", ev.Labels["span_id"])
			require.Equal(t, time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), ev.Timestamp.UTC())
		} else {
			require.Equal(t, "warn", ev.Log.Level)
		}
	}
	// A record that is too large is counted in the answer, and the rest is taken.
	large := &logspb.LogsData{ResourceLogs: []*logspb.ResourceLogs{{ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{
		{Body: &commonpb.AnyValue{Value: &commonpb.AnyValue_BytesValue{BytesValue: make([]byte, 1<<20)}}},
		{Body: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: "small"}}}}}}}}}
	body, err := proto.Marshal(large)
	require.NoError(t, err)
	status, header, answer := postLogs(t, r, otlp.Protobuf, body, nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, otlp.Protobuf, header.Get("Content-Type"))
	_, _, n := protowire.ConsumeTag(answer)
	partial, _ := protowire.ConsumeBytes(answer[n:])
	_, _, n = protowire.ConsumeTag(partial)
	rejected, _ := protowire.ConsumeVarint(partial[n:])
	require.EqualValues(t, 1, rejected)
	r.await(5, 0)
	// Nothing is an export too.
	status, _, answer = postLogs(t, r, otlp.Protobuf, nil, nil)
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, answer)
}

// The codes decide whether a client sends it again: 4xx never, 429 and 503 after
// the time that is told.
func TestWhatOTLPRefusesIsAStatus(t *testing.T) {
	t.Parallel()
	broken := &failing{}
	r := newRig(t, func(c *Config, d *run.Deps) {
		broken.Bus, d.Bus = d.Bus, broken
		c.MaxBulk, c.MaxInFlight = 2<<20, 4<<20
	})
	busy := func() func() {
		done, err := r.Reserve(4 << 20)
		require.NoError(t, err)
		return done
	}
	for name, c := range map[string]struct {
		kind, body string
		headers    map[string]string
		prepare    func() func()
		status     int
		code       int
		retry      bool
	}{
		"key":        {otlp.JSON, exported, map[string]string{"Authorization": "ApiKey wrong"}, nil, 401, otlp.CodeUnauthenticated, false},
		"kind":       {"text/plain", exported, nil, nil, 415, otlp.CodeInvalid, false},
		"form":       {otlp.JSON, `{"resourceLogs":7}`, nil, nil, 400, otlp.CodeInvalid, false},
		"deep":       {otlp.Protobuf, string(nested(200_000)), nil, nil, 400, otlp.CodeInvalid, false},
		"compressed": {otlp.JSON, exported, map[string]string{"Content-Encoding": "br"}, nil, 400, otlp.CodeInvalid, false},
		"large":      {otlp.JSON, exported + string(bytes.Repeat([]byte(" "), 2<<20)), nil, nil, 413, otlp.CodeInvalid, false},
		"busy":       {otlp.JSON, exported, nil, busy, 429, otlp.CodeTooMany, true},
		"bus":        {otlp.JSON, exported, nil, func() func() { broken.left.Store(1); return func() {} }, 503, otlp.CodeUnavailable, true},
	} {
		undo := func() {}
		if c.prepare != nil {
			undo = c.prepare()
		}
		status, header, answer := postLogs(t, r, c.kind, []byte(c.body), c.headers)
		undo()
		require.Equal(t, c.status, status, "%s: %s", name, answer)
		require.Equal(t, c.retry, header.Get("Retry-After") != "", name)
		if c.kind == otlp.Protobuf {
			_, _, n := protowire.ConsumeTag(answer)
			code, _ := protowire.ConsumeVarint(answer[n:])
			require.EqualValues(t, c.code, code, name)
			continue
		}
		require.Equal(t, otlp.JSON, header.Get("Content-Type"), name)
		require.Contains(t, string(answer), `"message":`, name)
	}
	r.await(0, 0)
}

// nested is an export whose body holds so many lists in each other.
func nested(deep int) []byte {
	wrap := func(field protowire.Number, inner []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), inner)
	}
	// From the inside out the lengths would have to be copied each time: they are
	// counted first and written from the outside in.
	lengths := make([]int, 2*deep)
	size := 0
	for i := range lengths {
		lengths[i] = size
		size += 1 + protowire.SizeBytes(size) - size
	}
	var body []byte
	for i := len(lengths) - 1; i >= 0; i-- {
		field := protowire.Number(1) // ArrayValue.values
		if i%2 == 1 {
			field = 5 // AnyValue.array_value
		}
		body = protowire.AppendVarint(protowire.AppendTag(body, field, protowire.BytesType), uint64(lengths[i]))
	}
	return wrap(1, wrap(2, wrap(2, wrap(5, body))))
}
