package httpkit_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/postern-id/postern/libs/httpkit"
)

// asked gives one request to an engine, with the headers of a caller who traces or without.
func asked(traced bool) func() {
	engine := httpkit.NewEngine(httpkit.Config{Service: "bench", Log: slog.New(slog.DiscardHandler)})
	engine.GET("/things/:id", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/things/1", nil)
	if traced {
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	}
	rec := httptest.NewRecorder()
	return func() { engine.ServeHTTP(rec, r) }
}

// Allocations and the tracer provider are the process's own, so this runs alone.
func TestEngine_traces_cost_nothing_while_they_are_off(t *testing.T) {
	bare := testing.AllocsPerRun(100, asked(false))
	require.InDelta(t, bare, testing.AllocsPerRun(100, asked(true)), 0.5, "a caller's header changes nothing")

	before := otel.GetTracerProvider()
	otel.SetTracerProvider(sdktrace.NewTracerProvider())
	defer otel.SetTracerProvider(before)
	require.Greater(t, testing.AllocsPerRun(100, asked(true)), bare+3, "this does measure what traces cost")
}

func BenchmarkEngine_traces(b *testing.B) {
	measure := func(b *testing.B) {
		b.Helper()
		ask := asked(true)
		b.ReportAllocs()
		for b.Loop() {
			ask()
		}
	}
	b.Run("off", measure)
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(sdktrace.NewTracerProvider())
	defer otel.SetTracerProvider(before)
	b.Run("on", measure)
}
