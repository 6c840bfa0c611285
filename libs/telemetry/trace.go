package telemetry

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracing tells whether this process makes spans at all. Where it does not, a path that is walked often leaves out what only spans
// need: names, headers, contexts. It costs a few nanoseconds.
func Tracing() bool {
	_, on := otel.GetTracerProvider().(*sdktrace.TracerProvider)
	return on
}

// traceparent is the name of the header (W3C Trace Context §3.2).
const traceparent = "traceparent"

// Traceparent gives the span of ctx as its header would say it, to be kept beside what is done about it later. It is empty unless
// the span is recorded and sampled: of what nobody will look at nothing is kept.
func Traceparent(ctx context.Context) string {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() || !span.SpanContext().IsSampled() {
		return ""
	}
	header := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, header)
	return header[traceparent]
}

// Continue gives ctx within the trace that Traceparent told of. An empty or unreadable one changes nothing.
func Continue(ctx context.Context, kept string) context.Context {
	if kept == "" || !Tracing() {
		return ctx
	}
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{traceparent: kept})
}
