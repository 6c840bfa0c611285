package forward_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/router/internal/forward"
)

func TestBackends(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	transport := forward.Plain()

	t.Run("hands_the_request_on_as_it_is", func(t *testing.T) {
		t.Parallel()
		var got *http.Request
		service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))
		defer service.Close()
		backends, err := forward.Backends("eu/token="+service.URL, transport, log)
		require.NoError(t, err)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.eu.example.test/api/v2/users/auth0%7C1?q=a%3Ab;c", nil)
		r.Header.Set("X-Forwarded-For", "192.0.2.7")
		r.Header.Set("Postern-Tenant", "sealed")
		backends["eu"]["token"].ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, "/api/v2/users/auth0%7C1", got.URL.EscapedPath())
		require.Equal(t, "q=a%3Ab;c", got.URL.RawQuery)
		require.Equal(t, "acme.eu.example.test", got.Host)
		require.Equal(t, "192.0.2.7", got.Header.Get("X-Forwarded-For"))
		require.Equal(t, "sealed", got.Header.Get("Postern-Tenant"))
	})
	t.Run("an_encoding_is_the_callers_choice", func(t *testing.T) {
		t.Parallel()
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("Asked", r.Header.Get("Accept-Encoding"))
		}))
		defer service.Close()
		backends, err := forward.Backends("eu/token="+service.URL, transport, log)
		require.NoError(t, err)
		for _, asked := range []string{"", "gzip", "br"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.eu.example.test/", nil)
			if asked != "" {
				r.Header.Set("Accept-Encoding", asked)
			}
			w := httptest.NewRecorder()
			backends["eu"]["token"].ServeHTTP(w, r)
			require.Equal(t, asked, w.Header().Get("Asked"), "nothing is asked for that the caller did not ask for")
			require.Equal(t, "gzip", w.Header().Get("Content-Encoding"), "and the answer is handed on as it is")
		}
	})
	t.Run("a_caller_cannot_have_the_edges_headers_dropped", func(t *testing.T) {
		t.Parallel()
		var got http.Header
		service := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }))
		defer service.Close()
		backends, err := forward.Backends("eu/token="+service.URL, transport, log)
		require.NoError(t, err)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.eu.example.test/", nil)
		r.Header.Set("Connection", "Postern-Tenant, X-Forwarded-For, X-Forwarded-Proto")
		r.Header.Set("Postern-Tenant", "sealed")
		r.Header.Set("X-Forwarded-For", "192.0.2.7")
		r.Header.Set("X-Forwarded-Proto", "https")
		backends["eu"]["token"].ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, []string{"sealed"}, got.Values("Postern-Tenant"))
		require.Equal(t, []string{"192.0.2.7"}, got.Values("X-Forwarded-For"))
		require.Equal(t, []string{"https"}, got.Values("X-Forwarded-Proto"))
	})
	t.Run("a_limit_of_the_services_own_replaces_the_edges", func(t *testing.T) {
		t.Parallel()
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/limited" {
				w.Header().Set("X-RateLimit-Limit", "5")
			}
		}))
		defer service.Close()
		backends, err := forward.Backends("eu/token="+service.URL, transport, log)
		require.NoError(t, err)
		for path, want := range map[string]string{"/limited": "5", "/other": "1000"} {
			rec := httptest.NewRecorder()
			rec.Header().Set("X-RateLimit-Limit", "1000")
			backends["eu"]["token"].ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.eu.example.test"+path, nil))
			require.Equal(t, []string{want}, rec.Header().Values("X-RateLimit-Limit"), path)
		}
	})
	t.Run("a_caller_who_left_is_answered_nothing", func(t *testing.T) {
		t.Parallel()
		backends, err := forward.Backends("eu/token=http://127.0.0.1:1", transport, log)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.PanicsWithValue(t, http.ErrAbortHandler, func() {
			backends["eu"]["token"].ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "https://acme.eu.example.test/", nil))
		})
	})
	t.Run("a_service_that_is_away_is_503_with_retry_after", func(t *testing.T) {
		t.Parallel()
		backends, err := forward.Backends("eu/token=http://127.0.0.1:1", transport, log)
		require.NoError(t, err)
		rec := httptest.NewRecorder()
		backends["eu"]["token"].ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.eu.example.test/", nil))
		require.Equal(t, http.StatusServiceUnavailable, rec.Code)
		require.Equal(t, "1", rec.Header().Get("Retry-After"))
		require.Len(t, rec.Header().Get("X-Request-Id"), 26)
	})
	for _, bad := range []string{"token=http://x", "eu/=http://x", "eu/token", "eu/token=nonsense"} {
		_, err := forward.Backends(bad, transport, log)
		require.Error(t, err, bad)
	}
}
