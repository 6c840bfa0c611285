package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/apidoc"
	"github.com/postern-id/postern/services/router/internal/edge"
)

// described answers with a description of one operation, and remembers who asked.
type described struct {
	asked tenancy.Tenant
	err   error
}

func (d *described) Find(_ context.Context, t tenancy.Tenant) (*apidoc.Document, error) {
	d.asked = t
	if d.err != nil {
		return nil, d.err
	}
	return apidoc.Join([]apidoc.Part{{Service: "client", Raw: []byte(`{"openapi":"3.1.0","paths":{"/api/v2/clients":{"get":{"operationId":"list_clients","summary":"Get clients"}}}}`)}})
}

func TestEdge_Describes(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T) (*world, *described) {
		t.Helper()
		w, d := newWorld(t), &described{}
		w.deps.Described = d
		return w, d
	}
	t.Run("at_every_tenants_host_without_a_token", func(t *testing.T) {
		t.Parallel()
		w, d := open(t)
		rec := w.ask(t, "http", "http://acme.example.test:8080/api/v2/openapi.json", "Postern-Tenant", "forged")
		require.Equal(t, http.StatusOK, rec.Code)
		require.Nil(t, w.got, "no service sees it")
		require.Equal(t, "http://acme.example.test:8080", d.asked.Base)
		require.Equal(t, tenancy.ID("tnt_us"), d.asked.ID)
		require.Equal(t, "us", d.asked.Cell)
		var doc map[string]any
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &doc))
		require.Equal(t, []any{map[string]any{"url": "http://acme.example.test:8080"}}, doc["servers"])

		rec = w.ask(t, "https", "https://acme.eu.example.test:8443/api/v2/docs")
		require.Equal(t, http.StatusOK, rec.Code)
		require.Equal(t, "text/html; charset=utf-8", rec.Header().Get("Content-Type"))
		require.Equal(t, apidoc.Policy(), rec.Header().Get("Content-Security-Policy"))
		require.Equal(t, "nosniff", rec.Header().Get("X-Content-Type-Options"))
		require.Contains(t, rec.Body.String(), "https://acme.eu.example.test:8443/api/v2/", "the audience")
	})
	t.Run("an_incomplete_one_is_503", func(t *testing.T) {
		t.Parallel()
		w, d := open(t)
		d.err = fault.Unavailable("The description of the API is not complete at the moment")
		for _, path := range []string{"openapi.json", "docs"} {
			rec := w.ask(t, "https", "https://acme.eu.example.test/api/v2/"+path)
			require.Equal(t, http.StatusServiceUnavailable, rec.Code)
			require.NotEmpty(t, rec.Header().Get("Retry-After"))
		}
	})
	t.Run("not_where_there_is_no_tenant_or_a_closed_one", func(t *testing.T) {
		t.Parallel()
		w, d := open(t)
		for host, want := range map[string]int{
			"nobody.eu.example.test": http.StatusNotFound, "late.eu.example.test": http.StatusForbidden, "away.eu.example.test": http.StatusServiceUnavailable,
		} {
			require.Equal(t, want, w.ask(t, "https", "https://"+host+"/api/v2/openapi.json").Code)
		}
		require.Empty(t, d.asked)
	})
	t.Run("only_for_reading", func(t *testing.T) {
		t.Parallel()
		w, _ := open(t)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://acme.eu.example.test/api/v2/openapi.json", nil)
		rec := httptest.NewRecorder()
		edge.New(w.deps, "https", 8443).ServeHTTP(rec, r)
		require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
	})
	t.Run("a_services_part_is_nobodys_to_ask_for", func(t *testing.T) {
		t.Parallel()
		w, _ := open(t)
		for _, path := range []string{"/api/v2/openapi.part.json", "/api/v2/openapi.part.json/", "/api/v2/openapi%2Epart.json", "/api/v2//openapi.part.json"} {
			require.Equal(t, http.StatusNotFound, w.ask(t, "https", "https://acme.eu.example.test"+path).Code, path)
			require.Nil(t, w.got, path)
		}
	})
	t.Run("its_event_line_names_the_tenant", func(t *testing.T) {
		t.Parallel()
		w, _ := open(t)
		var log bytes.Buffer
		w.deps.Log = slog.New(slog.NewJSONHandler(&log, nil))
		w.ask(t, "https", "https://acme.eu.example.test/api/v2/docs")
		var line map[string]any
		require.NoError(t, json.Unmarshal(log.Bytes(), &line), "one line: %s", &log)
		require.Equal(t, "tnt_eu", line["tenant_id"])
		require.Equal(t, "/api/v2/docs", line["route"])
	})
}
