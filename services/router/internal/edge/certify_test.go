package edge_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/edge"
)

// show asks over a connection that showed these certificates.
func (w *world) show(t *testing.T, scheme, target string, shown ...[]byte) *httptest.ResponseRecorder {
	t.Helper()
	w.got, w.by = nil, ""
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, target, nil)
	r.RemoteAddr = "192.0.2.7:4711"
	r.TLS = &tls.ConnectionState{}
	for _, der := range shown {
		r.TLS.PeerCertificates = append(r.TLS.PeerCertificates, &x509.Certificate{Raw: der})
	}
	forged, err := w.deps.Seals["eu"].Header(tenancy.Tenant{ID: "tnt_eu", Certificates: "forged"})
	require.NoError(t, err)
	r.Header.Set("Postern-Tenant", forged)
	r.Header.Set("Client-Certificate", "forged")
	rec := httptest.NewRecorder()
	edge.New(w.deps, scheme, 8443).ServeHTTP(rec, r)
	return rec
}

func (w *world) tenant(t *testing.T) tenancy.Tenant {
	t.Helper()
	require.Len(t, w.got.Header.Values(tenancy.Header), 1)
	got, ok := w.deps.Seals["eu"].Open(w.got.Header.Get(tenancy.Header))
	require.True(t, ok)
	return got
}

func TestEdge_Certificates_RFC8705_5(t *testing.T) {
	t.Parallel()
	want := tenancy.Tenant{
		ID: "tnt_eu", Name: "acme", Region: "eu", Cell: "eu", Host: "acme.eu.example.test:8443", Canonical: "acme.eu.example.test:8443",
		Base: "https://mtls.acme.eu.example.test:8443", Certificates: base64.RawURLEncoding.EncodeToString([]byte("leafauthority")),
	}

	t.Run("what_was_shown_goes_under_the_seal", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/par", "/oauth/device/code", "/userinfo"} {
			require.Equal(t, http.StatusNoContent, w.show(t, "https", "https://MTLS.acme.eu.example.test:8443"+path, []byte("leaf"), []byte("authority")).Code, path)
			require.Equal(t, want, w.tenant(t))
			require.Equal(t, "https://acme.eu.example.test:8443/", w.tenant(t).Issuer(), "one issuer, by either name")
		}
	})
	t.Run("nobody_must_show_one", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.Equal(t, http.StatusNoContent, w.show(t, "https", "https://mtls.acme.eu.example.test/oauth/token").Code)
		require.Empty(t, w.tenant(t).Certificates, "nor is one taken from a header")
	})
	t.Run("elsewhere_none_counts", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.Equal(t, http.StatusNoContent, w.show(t, "https", "https://acme.eu.example.test/oauth/token", []byte("leaf")).Code)
		require.Empty(t, w.tenant(t).Certificates)
		require.Equal(t, "https://acme.eu.example.test:8443", w.tenant(t).Base)
	})
	t.Run("too_large_a_chain_is_400", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.Equal(t, http.StatusNoContent, w.show(t, "https", "https://mtls.acme.eu.example.test/oauth/token", make([]byte, 8<<10)).Code)
		require.Equal(t, http.StatusBadRequest, w.show(t, "https", "https://mtls.acme.eu.example.test/oauth/token", make([]byte, 8<<10), []byte("x")).Code)
		require.Nil(t, w.got)
	})
	for name, c := range map[string]struct {
		scheme, target string
		want           int
	}{
		"pages":                      {"https", "https://mtls.acme.eu.example.test/authorize", http.StatusNotFound},
		"the_login_page":             {"https", "https://mtls.acme.eu.example.test/u/login", http.StatusNotFound},
		"discovery":                  {"https", "https://mtls.acme.eu.example.test/.well-known/openid-configuration", http.StatusNotFound},
		"the_Management_API":         {"https", "https://mtls.acme.eu.example.test/api/v2/clients", http.StatusNotFound},
		"a_path_that_looks_alike":    {"https", "https://mtls.acme.eu.example.test/oauth/token/", http.StatusNotFound},
		"plain_http":                 {"http", "http://mtls.acme.eu.example.test/oauth/token", http.StatusNotFound},
		"a_host_that_nobody_has":     {"https", "https://mtls.nobody.eu.example.test/oauth/token", http.StatusNotFound},
		"the_label_twice":            {"https", "https://mtls.mtls.acme.eu.example.test/oauth/token", http.StatusNotFound},
		"the_platforms_own_hosts":    {"https", "https://mtls.api.example.test/oauth/token", http.StatusNotFound},
		"a_tenant_that_is_suspended": {"https", "https://mtls.late.eu.example.test/oauth/token", http.StatusForbidden},
	} {
		t.Run("refuses_"+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.Equal(t, c.want, w.show(t, c.scheme, c.target, []byte("leaf")).Code)
			require.Nil(t, w.got)
		})
	}
	t.Run("another_regions_host_is_404", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.deps.Regions = map[string]bool{"us": true}
		require.Equal(t, http.StatusNotFound, w.show(t, "https", "https://mtls.acme.eu.example.test/oauth/token", []byte("leaf")).Code)
	})
}
