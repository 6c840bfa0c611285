package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	tokenapi "github.com/postern-id/postern/libs/api/token"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/telemetry"
)

type keys struct {
	tokenapiconnect.UnimplementedTokenServiceHandler

	log *slog.Logger
}

func (k keys) ListKeys(ctx context.Context, _ *tokenapi.ListKeysRequest) (*tokenapi.ListKeysResponse, error) {
	k.log.InfoContext(ctx, "listing keys")
	return &tokenapi.ListKeysResponse{}, nil
}

// house is a service that calls another, both with the process's telemetry.
func house(log *slog.Logger) http.Handler {
	_, neighbour := tokenapiconnect.NewTokenServiceHandler(keys{log: log}, rpckit.ServerOption(log))
	remote := tokenapiconnect.NewTokenServiceClient(rpckit.Client(neighbour), rpckit.InProcessURL, rpckit.ClientOption())
	engine := httpkit.NewEngine(httpkit.Config{Service: "front", Log: log})
	engine.GET("/", func(c *gin.Context) {
		if _, err := remote.ListKeys(c.Request.Context(), &tokenapi.ListKeysRequest{}); err != nil {
			httpkit.Write(c, err)
		}
	})
	return engine
}

func ask(t *testing.T, h http.Handler, headers ...string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	require.Equal(t, http.StatusOK, rec.Code)
}

// lines gives the trace IDs of the lines of a log.
func traces(t *testing.T, log *bytes.Buffer) []any {
	t.Helper()
	var out []any
	for line := range strings.Lines(log.String()) {
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		require.Equal(t, "test", fields["service"])
		out = append(out, fields["trace_id"])
	}
	return out
}

// Telemetry is the process's own, so these share it and run in this order: traces cannot be taken back.
func TestSetup(t *testing.T) {
	var log bytes.Buffer
	t.Run("off_exports_no_spans_and_names_no_traces", func(t *testing.T) {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
		tel, err := telemetry.Setup(t.Context(), "test", &log, slog.LevelInfo)
		require.NoError(t, err)
		_, span := otel.Tracer("x").Start(t.Context(), "x")
		defer span.End()
		require.False(t, span.IsRecording())
		require.False(t, telemetry.Tracing())
		require.Empty(t, telemetry.Traceparent(t.Context()))
		require.Equal(t, t.Context(), telemetry.Continue(t.Context(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if telemetry.Tracing() {
				t.Error("it is off")
			}
		}))
		ask(t, house(tel.Log))
		ask(t, house(tel.Log), "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		tel.Stop(t.Context())
		require.Equal(t, []any{nil, nil, nil, nil}, traces(t, &log), "a caller who traces does not switch it on")
	})
	t.Run("metrics_say_how_the_process_and_its_routes_do", func(t *testing.T) {
		tel, err := telemetry.Setup(t.Context(), "test", io.Discard, slog.LevelInfo)
		require.NoError(t, err)
		ask(t, house(tel.Log))
		rec := httptest.NewRecorder()
		tel.Metrics().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		for _, name := range []string{"http_server_request_duration_seconds_bucket", `http_route="/"`, "go_goroutines", "process_cpu_seconds_total"} {
			require.Contains(t, rec.Body.String(), name)
		}
		tel.Stop(t.Context())
	})
	t.Run("a_collector_that_cannot_be_reached_is_a_line_not_a_failure", func(t *testing.T) {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
		log.Reset()
		tel, err := telemetry.Setup(t.Context(), "test", &log, slog.LevelInfo)
		require.NoError(t, err)
		ask(t, house(tel.Log))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		tel.Stop(ctx)
		require.Contains(t, log.String(), "telemetry not flushed")
	})
	t.Run("on_is_one_trace_from_the_caller_to_the_neighbour", func(t *testing.T) {
		var received atomic.Int64
		collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/traces" {
				received.Add(1)
			}
		}))
		defer collector.Close()
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
		log.Reset()
		tel, err := telemetry.Setup(t.Context(), "test", &log, slog.LevelInfo)
		require.NoError(t, err)
		ask(t, house(tel.Log), "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		tel.Stop(t.Context())
		require.Equal(t, []any{"0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319c"}, traces(t, &log))
		require.Positive(t, received.Load())
	})
	t.Run("what_is_kept_of_a_trace_continues_it", func(t *testing.T) {
		require.True(t, telemetry.Tracing())
		ctx, span := sdktrace.NewTracerProvider().Tracer("x").Start(t.Context(), "x")
		defer span.End()
		kept := telemetry.Traceparent(ctx)
		require.Equal(t, "00-"+span.SpanContext().TraceID().String()+"-"+span.SpanContext().SpanID().String()+"-01", kept)
		later := trace.SpanContextFromContext(telemetry.Continue(t.Context(), kept))
		require.True(t, later.Equal(span.SpanContext().WithRemote(true)))
		for _, none := range []string{"", "no such thing", "00-0-0-01"} {
			require.False(t, trace.SpanContextFromContext(telemetry.Continue(t.Context(), none)).IsValid())
		}
		_, unsampled := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())).Tracer("x").Start(t.Context(), "x")
		defer unsampled.End()
		require.Empty(t, telemetry.Traceparent(trace.ContextWithSpan(t.Context(), unsampled)), "nobody will look at it")
	})
}

// BenchmarkOff shows what a request and a call cost when nobody asked for traces.
func BenchmarkOff(b *testing.B) {
	h := house(slog.New(slog.DiscardHandler))
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}

// BenchmarkSpanOff is the part of it that tracing alone would be.
func BenchmarkSpanOff(b *testing.B) {
	tracer, ctx := otel.Tracer("bench"), context.Background()
	b.ReportAllocs()
	for b.Loop() {
		_, span := tracer.Start(ctx, "x")
		span.End()
	}
}
