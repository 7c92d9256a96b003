package bus_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"varde.internal/platform/bus"
)

func TestKeysTellNothingAndDoNotCollide(t *testing.T) {
	t.Parallel()
	secret := []byte("secret")
	k := bus.Key(secret, "bo", "kari", "x")
	require.Len(t, k, 26)
	require.Equal(t, k, bus.Key(secret, "bo", "kari", "x"))
	for _, other := range []string{
		bus.Key([]byte("other"), "bo", "kari", "x"), bus.Key(secret, "li", "kari", "x"),
		bus.Key(secret, "bo", "karix"), bus.Key(secret, "bo", "kar", "ix"), bus.Key(secret, "bokari", "x"),
	} {
		require.NotEqual(t, k, other)
	}
}

func TestATraceIsCarriedInBothDirections(t *testing.T) {
	t.Parallel()
	require.Nil(t, bus.TraceOf(context.Background()))
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled})
	carried := bus.TraceOf(trace.ContextWithSpanContext(context.Background(), sc))
	back := trace.SpanContextFromContext(bus.WithTrace(context.Background(), bus.Message{Trace: carried}))
	require.Equal(t, sc.TraceID(), back.TraceID())
	require.Equal(t, sc.SpanID(), back.SpanID())
	none := trace.SpanContextFromContext(bus.WithTrace(trace.ContextWithSpanContext(context.Background(), sc), bus.Message{}))
	require.False(t, none.IsValid(), "a message without a trace does not take another's")
}
