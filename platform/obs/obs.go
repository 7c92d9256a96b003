// Package obs is how a process is observed: JSON logs with the trace in them,
// OpenTelemetry traces that travel over HTTP and Kafka headers, Prometheus
// metrics.
package obs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Config of logs and traces.
type Config struct {
	Level string `yaml:"level" env:"LOG_LEVEL"` // debug, info, warn, error
	// OTLP is the base URL of an OpenTelemetry collector (OTLP over HTTP);
	// empty: traces are passed on between the parts but sent nowhere.
	OTLP string `yaml:"otlp" env:"OTLP"`
	// Sample is the share of traces that is sent, 0 to 1.
	Sample float64 `yaml:"sample" env:"TRACE_SAMPLE"`
}

// Default logs from info and sends no traces.
func Default() Config { return Config{Level: "info", Sample: 1} }

// Validate implements config.Validator.
func (c *Config) Validate() error {
	var errs []error
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		errs = append(errs, fmt.Errorf("level: %q is none of debug, info, warn, error", c.Level))
	}
	if u, err := url.Parse(c.OTLP); c.OTLP != "" && (err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https")) {
		errs = append(errs, errors.New("otlp: must be an http or https URL"))
	}
	if c.Sample < 0 || c.Sample > 1 {
		errs = append(errs, errors.New("sample: must be between 0 and 1"))
	}
	return errors.Join(errs...)
}

// NewLogger writes one JSON object per line to w, with trace and span where
// the context has them.
func NewLogger(w io.Writer, c Config) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	return slog.New(traced{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})})
}

// traced adds the ids of the context's span to each record.
type traced struct{ slog.Handler }

func (h traced) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		r = r.Clone()
		r.AddAttrs(slog.String("trace", sc.TraceID().String()), slog.String("span", sc.SpanID().String()))
	}
	return h.Handler.Handle(ctx, r)
}

func (h traced) WithAttrs(a []slog.Attr) slog.Handler { return traced{h.Handler.WithAttrs(a)} }
func (h traced) WithGroup(name string) slog.Handler   { return traced{h.Handler.WithGroup(name)} }

// StartTracing installs the process's tracer provider and W3C propagation.
// Without a collector, spans have ids (for logs and headers) and are not
// recorded. The returned function sends what is left and ends it.
func StartTracing(ctx context.Context, c Config, process string) (stop func(context.Context) error, err error) {
	otel.SetTextMapPropagator(propagation.TraceContext{})
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "varde"), attribute.String("service.instance.id", process))),
	}
	if c.OTLP == "" {
		options = append(options, sdktrace.WithSampler(sdktrace.NeverSample()))
	} else {
		exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.OTLP))
		if err != nil {
			return nil, fmt.Errorf("obs: traces: %w", err)
		}
		options = append(options, sdktrace.WithBatcher(exporter), sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.Sample))))
	}
	provider := sdktrace.NewTracerProvider(options...)
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}

// NewRegistry is a Prometheus registry with the Go runtime's and the process's
// own metrics.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}
