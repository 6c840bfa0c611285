package natskit

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// idHeader carries the event ID, by which a stream drops repeats.
const idHeader = nats.MsgIdHdr

// Message is an event as it arrives.
type Message struct {
	Subject string
	EventID string // empty when the publisher set none
	Payload []byte
	// Sequence is the place in the stream, Deliveries how often it came (1 the first time), Stored when the stream took it.
	// All are zero for messages of Follow.
	Sequence   uint64
	Deliveries uint64
	Stored     time.Time

	header nats.Header
}

// Context gives ctx with the publisher's trace, so that what is done about the event belongs to the request that caused it.
func (m Message) Context(ctx context.Context) context.Context {
	if len(m.header) == 0 {
		return ctx
	}
	return otel.GetTextMapPropagator().Extract(ctx, carrier(m.header))
}

// outgoing gives an event as it is sent, and the span of its sending, nil outside of a trace.
func outgoing(ctx context.Context, subject, eventID string, payload []byte) (*nats.Msg, trace.Span) {
	m := &nats.Msg{Subject: subject, Data: payload, Header: nats.Header{idHeader: []string{eventID}}}
	parent := trace.SpanContextFromContext(ctx)
	if !parent.IsValid() {
		return m, nil
	}
	var span trace.Span
	if parent.IsSampled() {
		ctx, span = otel.Tracer("postern/nats").Start(ctx, "nats.publish", trace.WithSpanKind(trace.SpanKindProducer),
			trace.WithAttributes(attribute.String("messaging.system", "nats"), attribute.String("messaging.destination.name", subject)))
	}
	otel.GetTextMapPropagator().Inject(ctx, carrier(m.Header))
	return m, span
}

// published ends the span of an event's sending, when it has one.
func published(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// carrier writes trace headers in lower case, as NATS and W3C both have them; nats.Header does not fold case.
type carrier nats.Header

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(key string) string { return nats.Header(c).Get(key) }

// Set implements propagation.TextMapCarrier.
func (c carrier) Set(key, value string) { nats.Header(c).Set(key, value) }

// Keys implements propagation.TextMapCarrier.
func (c carrier) Keys() []string {
	keys := make([]string, 0, len(c))
	for k := range c {
		keys = append(keys, k)
	}
	return keys
}
