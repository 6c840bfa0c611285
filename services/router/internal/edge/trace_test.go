package edge_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	tokenapi "github.com/postern-id/postern/libs/api/token"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/forward"
	"github.com/postern-id/postern/services/router/internal/route"
)

type keys struct {
	tokenapiconnect.UnimplementedTokenServiceHandler
}

func (keys) ListKeys(context.Context, *tokenapi.ListKeysRequest) (*tokenapi.ListKeysResponse, error) {
	return &tokenapi.ListKeysResponse{}, nil
}

// The tracer provider is the process's own, so this runs alone.
func TestEdge_OneTrace(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	before := otel.GetTracerProvider()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)))
	otel.SetTextMapPropagator(propagation.TraceContext{})
	defer otel.SetTracerProvider(before)

	w := newWorld(t)
	log := slog.New(slog.DiscardHandler)
	_, neighbour := tokenapiconnect.NewTokenServiceHandler(keys{}, rpckit.ServerOption(log))
	remote := tokenapiconnect.NewTokenServiceClient(rpckit.Client(neighbour), rpckit.InProcessURL, rpckit.ClientOption())
	service := httpkit.NewEngine(httpkit.Config{Service: "client", Log: log, Seal: w.deps.Seals["eu"]})
	service.GET("/api/v2/clients/:id", httpkit.Handle(func(c *gin.Context, _ tenancy.Tenant) error {
		_, err := remote.ListKeys(c.Request.Context(), &tokenapi.ListKeysRequest{})
		return err
	}, httpkit.Write))
	machine := httptest.NewServer(service)
	defer machine.Close()
	apart, err := forward.Backends("eu/client="+machine.URL, forward.Plain(), log)
	require.NoError(t, err)

	for name, backend := range map[string]http.Handler{"in_one_process": service, "between_machines": apart["eu"]["client"]} {
		t.Run(name, func(t *testing.T) {
			exporter.Reset()
			w.deps.Backends = func(string, route.Service) http.Handler { return backend }
			require.Equal(t, http.StatusOK, w.ask(t, "https", "https://acme.eu.example.test/api/v2/clients/s3cret").Code)
			spans := exporter.GetSpans()
			names := map[string]bool{}
			for _, s := range spans {
				names[s.Name] = true
				require.Equal(t, spans[0].SpanContext.TraceID(), s.SpanContext.TraceID())
			}
			require.Equal(t, map[string]bool{
				"router GET": true, "GET /api/v2/clients/:id": true, "token.v1.TokenService/ListKeys": true,
			}, names)
			require.Len(t, spans, 4, "the edge, the service, and the call from both sides")
			require.NotContains(t, string(words(t, spans)), "s3cret", "a span never holds a path")
		})
	}
}

// words are all that a reader of the spans sees.
func words(t *testing.T, spans tracetest.SpanStubs) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, s := range spans {
		out.WriteString(s.Name)
		for _, a := range s.Attributes {
			out.WriteString(a.Value.String())
		}
	}
	return out.Bytes()
}
