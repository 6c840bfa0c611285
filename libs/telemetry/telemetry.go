// Package telemetry sets up traces, metrics and logs (OpenTelemetry), and holds the names of their keys. Traces are off, at no
// cost, unless OTEL_EXPORTER_OTLP_ENDPOINT says where they go.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Telemetry is a process's own.
type Telemetry struct {
	Log      *slog.Logger
	registry *prometheus.Registry
	stop     []func(context.Context) error
}

// Setup starts the telemetry of one process. Traces go to OTEL_EXPORTER_OTLP_ENDPOINT (or …_TRACES_ENDPOINT; OTLP over HTTP) when
// one of them is set; the other OTEL_ variables of the SDK (sampler, headers, limits) count then too.
func Setup(ctx context.Context, service string, logTo io.Writer, level slog.Level) (*Telemetry, error) {
	t := &Telemetry{registry: prometheus.NewRegistry()}
	lines := newLines(logTo)
	t.stop = append(t.stop, lines.stop)
	t.Log = slog.New(handler{slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: level}), lines}).With(slog.String(KeyService, service))
	t.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	res := resource.NewSchemaless(attribute.String("service.name", service))
	exporter, err := promexporter.New(promexporter.WithRegisterer(t.registry))
	if err != nil {
		return nil, fmt.Errorf("starting metrics: %w", err)
	}
	meters := metric.NewMeterProvider(metric.WithReader(exporter), metric.WithResource(res))
	otel.SetMeterProvider(meters)
	t.stop = append(t.stop, meters.Shutdown)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		t.Log.WarnContext(context.WithoutCancel(ctx), "telemetry failed", slog.String(KeyCause, err.Error()))
	}))

	otel.SetTextMapPropagator(propagation.TraceContext{})
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "" {
		otlp, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, fmt.Errorf("starting the trace exporter: %w", err)
		}
		traces := sdktrace.NewTracerProvider(sdktrace.WithBatcher(otlp), sdktrace.WithResource(res))
		otel.SetTracerProvider(traces)
		t.stop = append(t.stop, traces.Shutdown)
	}
	return t, nil
}

// Metrics serves /metrics in the Prometheus text format.
func (t *Telemetry) Metrics() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{})
}

// Stop flushes what waits; ctx bounds it.
func (t *Telemetry) Stop(ctx context.Context) {
	for _, stop := range slices.Backward(t.stop) { // the log last
		if err := stop(ctx); err != nil {
			t.Log.WarnContext(ctx, "telemetry not flushed", slog.String(KeyCause, err.Error()))
		}
	}
}

// handler adds the trace ID of the context to each line, and lets no warning wait.
type handler struct {
	slog.Handler

	lines *lines
}

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		r.AddAttrs(slog.String(KeyTrace, sc.TraceID().String()))
	}
	if err := h.Handler.Handle(ctx, r); err != nil || r.Level < slog.LevelWarn {
		return err
	}
	return h.lines.flush()
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.lines}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.lines}
}
