//go:build integration

package events_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/natskit"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/log/internal/events"
)

// The tracer provider is the process's own, so this runs alone.
func TestConsumer_Handle_is_part_of_the_trace_of_each_event(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider, propagator := otel.GetTracerProvider(), otel.GetTextMapPropagator()
	traces := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	otel.SetTracerProvider(traces)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	t.Cleanup(func() {
		otel.SetTracerProvider(provider)
		otel.SetTextMapPropagator(propagator)
	})
	stream, b := testkit.NATS(t), &book{}
	publish := func(ctx context.Context, n int) {
		m := message(t, fmt.Sprint(n), logapi.LoginSucceeded, &logapi.Entry{Type: "s"})
		require.NoError(t, stream.Publish(ctx, m.Subject, m.EventID, m.Payload))
	}
	var parents []trace.TraceID
	for n := range 3 {
		ctx, request := traces.Tracer("test").Start(t.Context(), "request")
		parents = append(parents, request.SpanContext().TraceID())
		publish(ctx, n)
		request.End()
	}
	publish(t.Context(), 3) // nobody's trace
	var batch []natskit.Message
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	conf := natskit.ConsumerConfig{Stream: stream.Name, Durable: "d"}
	require.NoError(t, natskit.Consume(ctx, stream.Conn, conf, func(_ context.Context, more []natskit.Message) error {
		if batch = append(batch, more...); len(batch) == 4 {
			enough()
		}
		return nil
	}))
	spans.Reset()

	c := events.Consumer{Into: b, Log: slog.New(slog.DiscardHandler)}
	require.NoError(t, c.Handle(t.Context(), batch))
	require.Len(t, b.done, 4)
	got := map[trace.TraceID]tracetest.SpanStub{}
	for _, s := range spans.GetSpans() {
		require.Equal(t, "log.Consumer.Handle", s.Name)
		got[s.SpanContext.TraceID()] = s
	}
	require.Len(t, got, 3)
	storing := got[parents[0]]
	require.Len(t, storing.Links, 3, "one to the sending of each event")
	for _, id := range parents[1:] {
		require.Equal(t, storing.SpanContext.SpanID(), got[id].Links[0].SpanContext.SpanID())
	}

	spans.Reset()
	require.NoError(t, c.Handle(t.Context(), []natskit.Message{message(t, "4", logapi.LoginSucceeded, &logapi.Entry{Type: "s"})}))
	require.Empty(t, spans.GetSpans(), "of what nobody traces")
}
