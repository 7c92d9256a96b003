package bus

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

var w3c propagation.TraceContext

// TraceOf returns the W3C trace context of ctx (traceparent, tracestate), nil
// where ctx carries none.
func TraceOf(ctx context.Context) map[string]string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return nil
	}
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier
}

// WithTrace returns a context whose spans and published messages continue the
// trace of m. A handler of a batch uses it where what it sends follows from one
// message; a message without a trace gives a context without one.
func WithTrace(ctx context.Context, m Message) context.Context {
	ctx = trace.ContextWithSpanContext(ctx, trace.SpanContext{})
	return w3c.Extract(ctx, propagation.MapCarrier(m.Trace))
}
