package obs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"varde.internal/platform/obs"
)

// These tests change the process's tracer provider and do not run in parallel.

func TestWithoutACollectorTracesArePassedOn(t *testing.T) {
	stop, err := obs.StartTracing(context.Background(), obs.Default(), "test")
	require.NoError(t, err)
	ctx, span := otel.Tracer("x").Start(context.Background(), "x")
	defer span.End()
	header := propagation.MapCarrier{}
	otel.GetTextMapPropagator().Inject(ctx, header)
	require.Contains(t, header["traceparent"], span.SpanContext().TraceID().String())

	var log bytes.Buffer
	obs.NewLogger(&log, obs.Default()).With("a", 1).InfoContext(ctx, "hello")
	var line map[string]any
	require.NoError(t, json.Unmarshal(log.Bytes(), &line))
	require.Equal(t, trace.SpanContextFromContext(ctx).TraceID().String(), line["trace"])
	require.NoError(t, stop(context.Background()))
}

func TestWithACollectorSpansAreSent(t *testing.T) {
	var got atomic.Int32
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/traces" && r.ContentLength > 0 {
			got.Add(1)
		}
	}))
	defer collector.Close()
	c := obs.Default()
	c.OTLP = collector.URL + "/v1/traces"
	require.NoError(t, c.Validate())
	stop, err := obs.StartTracing(context.Background(), c, "test")
	require.NoError(t, err)
	_, span := otel.Tracer("x").Start(context.Background(), "x")
	span.End()
	require.NoError(t, stop(context.Background()))
	require.EqualValues(t, 1, got.Load())
}

func TestSettingsAreChecked(t *testing.T) {
	c := obs.Config{Level: "loud", OTLP: "ftp://x", Sample: 2}
	err := c.Validate()
	require.ErrorContains(t, err, "level")
	require.ErrorContains(t, err, "otlp")
	require.ErrorContains(t, err, "sample")
	ok := obs.Default()
	require.NoError(t, ok.Validate())
}

func TestTheRegistryHasTheProcess(t *testing.T) {
	families, err := obs.NewRegistry().Gather()
	require.NoError(t, err)
	require.NotEmpty(t, families)
}
