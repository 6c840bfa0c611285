package events

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/telemetry"
)

// spanName is of each span that tells of the storing of a batch.
const spanName = "log.Consumer.Handle"

// traced makes the storing of a batch part of the traces of all whose events are in it. Its span is in the trace of the first, with
// links to the sending of each event; every other trace gets a span of the same length that links to it. A batch of which nobody
// traces anything gets none. end is called once, with how it went.
func traced(ctx context.Context, batch []natskit.Message) (storing context.Context, end func(error)) {
	if !telemetry.Tracing() {
		return ctx, func(error) {}
	}
	var sent []trace.Link
	for _, m := range batch {
		if sc := trace.SpanContextFromContext(m.Context(ctx)); sc.IsSampled() {
			sent = append(sent, trace.Link{SpanContext: sc})
		}
	}
	if len(sent) == 0 {
		return ctx, func(error) {}
	}
	tracer, kind := otel.Tracer("postern/log"), trace.WithSpanKind(trace.SpanKindConsumer)
	first := sent[0].SpanContext
	storing, span := tracer.Start(trace.ContextWithRemoteSpanContext(ctx, first), spanName, kind, trace.WithLinks(sent...),
		trace.WithAttributes(attribute.String("messaging.system", "nats"), attribute.Int("messaging.batch.message_count", len(batch))))
	spans := []trace.Span{span}
	seen := map[trace.TraceID]bool{first.TraceID(): true}
	for _, link := range sent[1:] {
		if id := link.SpanContext.TraceID(); !seen[id] {
			seen[id] = true
			_, other := tracer.Start(trace.ContextWithRemoteSpanContext(ctx, link.SpanContext), spanName, kind,
				trace.WithLinks(trace.Link{SpanContext: span.SpanContext()}))
			spans = append(spans, other)
		}
	}
	return storing, func(err error) {
		for _, s := range spans {
			if err != nil {
				s.SetStatus(codes.Error, "")
			}
			s.End()
		}
	}
}
