package apidoc_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/apidoc"
	"github.com/postern-id/postern/services/router/internal/route"
)

type m = map[string]any

// part is a service's description of one operation, "GET /api/v2/<service>", whose body is the schema named Thing.
func part(service string, thing m, more ...func(m)) []byte {
	doc := m{
		"openapi": "3.1.0", "info": m{"title": "x", "version": "2"},
		"paths": m{"/api/v2/" + service: m{"post": m{
			"operationId": "create_" + service, "summary": "Create <" + service + ">", "tags": []any{service},
			"security":    []any{m{"bearer": []any{"create:" + service}}, m{"bearer": []any{"any:" + service}}},
			"parameters":  []any{m{"name": "limit", "in": "query", "description": "How many", "schema": m{"type": "integer", "minimum": 1, "maximum": 100, "default": 50}}},
			"requestBody": m{"content": m{"application/json": m{"schema": m{"$ref": "#/components/schemas/Thing"}}}},
			"responses":   m{"201": m{"description": "Created"}, "400": m{"$ref": "#/components/responses/Refused400"}},
		}}},
		"components": m{
			"schemas":         m{"Thing": thing, "Problem": m{"type": "object", "properties": m{"message": m{"type": "string"}}}},
			"responses":       m{"Refused400": m{"description": "Bad input.", "content": m{"application/json": m{"schema": m{"$ref": "#/components/schemas/Problem"}}}}},
			"securitySchemes": m{"bearer": m{"type": "http", "scheme": "bearer"}},
		},
	}
	for _, change := range more {
		change(doc)
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return raw
}

func text(most int) m {
	return m{"type": "object", "properties": m{"name": m{"type": "string", "maxLength": most}}}
}

// world is a cell whose services describe themselves, each by a part of its own.
type world struct {
	mu    sync.Mutex
	parts map[route.Service][]byte
	away  map[route.Service]bool
	asked int
	last  tenancy.Tenant // on whose behalf
	clock *clock.Fake
	seal  *tenancy.Seal

	library *apidoc.Library
}

var acme = tenancy.Tenant{
	ID: "tnt_1", Name: "acme", Region: "eu", Cell: "eu", Host: "acme.eu.example.test:8443", Canonical: "acme.eu.example.test:8443", Base: "https://acme.eu.example.test:8443",
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{parts: map[route.Service][]byte{}, away: map[route.Service]bool{}, clock: clock.At("2026-03-01T12:00:00Z")}
	seal, err := tenancy.NewSeal(make([]byte, 32), w.clock.Now)
	require.NoError(t, err)
	w.seal = seal
	for _, s := range route.Services() {
		w.parts[s] = part(string(s), text(10))
	}
	w.library = apidoc.NewLibrary(apidoc.Source{
		Backends: w.backend, Seals: map[string]*tenancy.Seal{"eu": seal}, Now: w.clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	return w
}

func (w *world) backend(cell string, s route.Service) http.Handler {
	if cell != "eu" {
		return nil
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.asked++
		t, ok := w.seal.Open(r.Header.Get(tenancy.Header))
		w.last = t
		switch {
		case !ok || r.URL.Path != httpkit.PartPath || r.Method != http.MethodGet:
			rw.WriteHeader(http.StatusForbidden)
		case w.away[s]:
			panic(http.ErrAbortHandler)
		default:
			_, _ = rw.Write(w.parts[s])
		}
	})
}

func (w *world) set(s route.Service, away bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.away[s] = away
}

func (w *world) calls() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked
}

// document gives the joined document as t's host shows it.
func (w *world) document(t *testing.T) m {
	t.Helper()
	doc, err := w.library.Find(t.Context(), acme)
	require.NoError(t, err)
	raw, err := doc.JSON(acme)
	require.NoError(t, err)
	var out m
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}
