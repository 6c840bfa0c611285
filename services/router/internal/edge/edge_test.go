package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/edge"
	"github.com/postern-id/postern/services/router/internal/limit"
	"github.com/postern-id/postern/services/router/internal/route"
)

// world is an edge with one tenant in eu and one in us, and services that say what reached them.
type world struct {
	table *route.Table
	clock *clock.Fake
	deps  edge.Deps
	got   *http.Request
	by    string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{table: route.NewTable(), clock: clock.At("2026-03-01T12:00:00Z")}
	seals := map[string]*tenancy.Seal{}
	for i, cell := range []string{"eu", "us"} {
		key := make([]byte, 32)
		key[0] = byte(i + 1)
		seal, err := tenancy.NewSeal(key, w.clock.Now)
		require.NoError(t, err)
		seals[cell] = seal
	}
	put := func(host, id, region string, kind route.Kind, canonical string, state route.State) {
		w.table.Put(host, route.Entry{Tenant: tenancy.ID(id), Name: "acme", Region: region, Cell: region, Kind: kind, State: state, Canonical: canonical})
	}
	put("acme.eu.example.test", "tnt_eu", "eu", route.KindCanonical, "acme.eu.example.test", route.StateActive)
	put("acme.us.example.test", "tnt_us", "us", route.KindCanonical, "acme.us.example.test", route.StateActive)
	put("acme.example.test", "tnt_us", "us", route.KindAlias, "acme.us.example.test", route.StateActive)
	put("late.eu.example.test", "tnt_late", "eu", route.KindCanonical, "late.eu.example.test", route.StateSuspended)
	put("away.eu.example.test", "tnt_away", "eu", route.KindCanonical, "away.eu.example.test", route.StateMoving)
	w.deps = edge.Deps{
		Log: slog.New(slog.DiscardHandler), Table: w.table, Limiter: limit.New(0, 0, w.clock.Now), Seals: seals, PublicPort: 8443,
		Backends: func(cell string, s route.Service) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				w.got, w.by = r, cell+"/"+string(s)
				rw.WriteHeader(http.StatusNoContent)
			})
		},
		System: map[string]http.Handler{"api.example.test": http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			w.got, w.by = r, "api"
			rw.WriteHeader(http.StatusNoContent)
		})},
		Readyz: httpkit.Readyz(nil),
	}
	return w
}

func (w *world) ask(t *testing.T, scheme, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	w.got, w.by = nil, ""
	port := 8443
	if scheme == "http" {
		port = 8080
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, target, nil)
	r.RemoteAddr = "192.0.2.7:4711"
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Add(pair[0], pair[1])
	}
	rec := httptest.NewRecorder()
	edge.New(w.deps, scheme, port).ServeHTTP(rec, r)
	return rec
}

func TestEdge_Tenant(t *testing.T) {
	t.Parallel()
	t.Run("the_host_decides_the_tenant_and_the_cell", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.Equal(t, http.StatusNoContent, w.ask(t, "https", "https://ACME.eu.example.test:8443/authorize").Code)
		require.Equal(t, "eu/token", w.by)
		got, ok := w.deps.Seals["eu"].Open(w.got.Header.Get(tenancy.Header))
		require.True(t, ok)
		require.Equal(t, tenancy.Tenant{
			ID: "tnt_eu", Name: "acme", Region: "eu", Cell: "eu", Host: "acme.eu.example.test:8443",
			Canonical: "acme.eu.example.test:8443", Base: "https://acme.eu.example.test:8443",
		}, got)
		_, ok = w.deps.Seals["us"].Open(w.got.Header.Get(tenancy.Header))
		require.False(t, ok, "another cell's services refuse it")
	})
	t.Run("an_alias_is_an_issuer_of_its_own_with_the_canonical_audience", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.ask(t, "http", "http://acme.example.test:8080/oauth/token")
		got, ok := w.deps.Seals["us"].Open(w.got.Header.Get(tenancy.Header))
		require.True(t, ok)
		require.Equal(t, "https://acme.example.test:8443/", got.Issuer())
		require.Equal(t, "https://acme.us.example.test:8443/api/v2/", got.ManagementAudience())
		require.Equal(t, "http://acme.example.test:8080", got.Base)
	})
	t.Run("a_seal_is_not_accepted_after_its_life", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.ask(t, "https", "https://acme.eu.example.test/")
		sealed := w.got.Header.Get(tenancy.Header)
		w.clock.Advance(tenancy.SealLife + 1e9)
		_, ok := w.deps.Seals["eu"].Open(sealed)
		require.False(t, ok)
	})
}

func TestEdge_Refuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target string
		want   int
	}{
		"unknown_host_is_404":               {"https://nobody.eu.example.test/", http.StatusNotFound},
		"the_base_domain_is_no_tenant":      {"https://example.test/", http.StatusNotFound},
		"a_sub_host_of_a_tenant_is_no_host": {"https://x.acme.eu.example.test/", http.StatusNotFound},
		"suspended_is_403":                  {"https://late.eu.example.test/", http.StatusForbidden},
		"moving_is_503":                     {"https://away.eu.example.test/", http.StatusServiceUnavailable},
		"an_invented_resource_is_404":       {"https://acme.eu.example.test/api/v2/nonsense", http.StatusNotFound},
		"readyz_of_a_stranger_is_404":       {"https://nobody.example.test/readyz", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			rec := w.ask(t, "https", c.target)
			require.Equal(t, c.want, rec.Code)
			require.Nil(t, w.got, "nothing may reach a service")
			var body httpkit.Problem
			require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &body))
			require.Equal(t, c.want, body.StatusCode)
		})
	}
	t.Run("the_event_line_names_the_tenant_whose_host_it_was", func(t *testing.T) {
		t.Parallel()
		for target, tenant := range map[string]any{
			"https://acme.eu.example.test/api/v2/nonsense": "tnt_eu", "https://late.eu.example.test/": "tnt_late", "https://nobody.eu.example.test/": nil,
		} {
			var log bytes.Buffer
			w := newWorld(t)
			w.deps.Log = slog.New(slog.NewJSONHandler(&log, nil))
			w.ask(t, "https", target, "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
			var line map[string]any
			require.NoError(t, json.Unmarshal(log.Bytes(), &line), "one line: %s", &log)
			require.Equal(t, tenant, line["tenant_id"])
			require.Equal(t, "none", line["route"])
		}
	})
	t.Run("another_regions_host_is_404", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.deps.Regions = map[string]bool{"us": true}
		require.Equal(t, http.StatusNotFound, w.ask(t, "https", "https://acme.eu.example.test/").Code)
		require.Equal(t, http.StatusNoContent, w.ask(t, "https", "https://acme.us.example.test/").Code)
	})
	t.Run("readyz_is_answered_on_loopback", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, http.StatusOK, newWorld(t).ask(t, "http", "http://127.0.0.1:8080/readyz").Code)
	})
	t.Run("before_there_is_a_directory_an_unknown_host_is_503", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.deps.Served = func() bool { return false }
		rec := w.ask(t, "https", "https://nobody.eu.example.test/")
		require.Equal(t, http.StatusServiceUnavailable, rec.Code)
		require.NotEmpty(t, rec.Header().Get("Retry-After"))
		require.Equal(t, http.StatusNoContent, w.ask(t, "https", "https://acme.eu.example.test/").Code)
	})
	t.Run("what_is_no_host_is_400", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for _, host := range []string{"", "a b", "acme.eu.example.test/x", "acme_eu.example.test", "[::1]:8443"} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Host = host
			rec := httptest.NewRecorder()
			edge.New(w.deps, "https", 8443).ServeHTTP(rec, r)
			require.Equal(t, http.StatusBadRequest, rec.Code, "%q", host)
		}
		require.Nil(t, w.got)
	})
	t.Run("past_the_limit_is_429_with_headers", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.deps.Limiter = limit.New(1, 1, w.clock.Now)
		require.Equal(t, http.StatusNoContent, w.ask(t, "https", "https://acme.eu.example.test/").Code)
		rec := w.ask(t, "https", "https://acme.eu.example.test/")
		require.Equal(t, http.StatusTooManyRequests, rec.Code)
		require.Equal(t, "1", rec.Header().Get("X-Ratelimit-Limit"))
		require.Equal(t, "0", rec.Header().Get("X-Ratelimit-Remaining"))
		require.NotEmpty(t, rec.Header().Get("Retry-After"))
	})
	t.Run("registrations_have_a_bucket_of_their_own", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.deps.Limiter = limit.New(100, 100, w.clock.Now)
		w.deps.Registrations = limit.New(2, 2, w.clock.Now)
		for _, left := range []string{"1", "0"} {
			rec := w.ask(t, "https", "https://acme.eu.example.test/oidc/register")
			require.Equal(t, http.StatusNoContent, rec.Code)
			require.Equal(t, []string{"2"}, rec.Header().Values("X-Ratelimit-Limit"))
			require.Equal(t, []string{left}, rec.Header().Values("X-Ratelimit-Remaining"))
		}
		rec := w.ask(t, "https", "https://acme.eu.example.test/oidc/register")
		require.Equal(t, http.StatusTooManyRequests, rec.Code)
		require.Contains(t, rec.Body.String(), `"error":"too_many_requests"`, "OAuth's shape")
		require.NotEmpty(t, rec.Header().Get("X-Ratelimit-Reset"))
		require.NotEmpty(t, rec.Header().Get("Retry-After"))
		require.Equal(t, http.StatusNoContent, w.ask(t, "https", "https://acme.eu.example.test/authorize").Code, "everything else goes on")
		w.clock.Advance(time.Second)
		require.Equal(t, http.StatusNoContent, w.ask(t, "https", "https://acme.eu.example.test/oidc/register").Code)
	})
}

func TestEdge_ForgedHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, err := w.deps.Seals["eu"].Header(tenancy.Tenant{ID: "tnt_us", Host: "acme.us.example.test"})
	require.NoError(t, err)
	for _, target := range []string{"https://acme.eu.example.test/authorize", "https://api.example.test/v1/tenants"} {
		w.ask(t, "https", target, "Postern-Tenant", other, "postern-tenant", other, "Postern-Anything", "x",
			"X-Forwarded-For", "203.0.113.9", "Forwarded", "for=203.0.113.9", "X-Real-IP", "203.0.113.9")
		require.Equal(t, "192.0.2.7", w.got.Header.Get("X-Forwarded-For"))
		require.Empty(t, w.got.Header.Get("Postern-Anything"))
		require.Empty(t, w.got.Header.Get("Forwarded"))
		require.Empty(t, w.got.Header.Get("X-Real-Ip"))
	}
	require.Empty(t, w.got.Header.Get(tenancy.Header), "a system host gets no tenant")
	w.ask(t, "https", "https://acme.eu.example.test/authorize", "Postern-Tenant", other)
	require.Len(t, w.got.Header.Values(tenancy.Header), 1)
	got, ok := w.deps.Seals["eu"].Open(w.got.Header.Get(tenancy.Header))
	require.True(t, ok)
	require.Equal(t, tenancy.ID("tnt_eu"), got.ID)
}

func BenchmarkEdge(b *testing.B) {
	seal, _ := tenancy.NewSeal(make([]byte, 32), clock.At("2026-03-01T12:00:00Z").Now)
	table := route.NewTable()
	table.Put("acme.eu.example.test", route.Entry{Tenant: "tnt_eu", Name: "acme", Region: "eu", Cell: "eu", State: route.StateActive, Canonical: "acme.eu.example.test"})
	e := edge.New(edge.Deps{
		Log: slog.New(slog.DiscardHandler), Table: table, Limiter: limit.New(1e9, 1e9, clock.At("2026-03-01T12:00:00Z").Now),
		Seals: map[string]*tenancy.Seal{"eu": seal}, PublicPort: 8443,
		Backends: func(string, route.Service) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		},
	}, "https", 8443)
	for b.Loop() {
		r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "https://acme.eu.example.test:8443/oauth/token", nil)
		e.ServeHTTP(httptest.NewRecorder(), r)
	}
}
