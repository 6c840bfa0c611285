package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/httpapi"
	"github.com/postern-id/postern/services/tenant/internal/store/cell/storetest"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

// words accepts tokens that are lists of scopes.
type words struct{}

func (words) VerifyAccess(_ context.Context, _ tenancy.Tenant, raw, _ string) (jwtkit.Claims, error) {
	if raw == "forged" {
		return jwtkit.Claims{}, fault.Unauthenticated("Invalid token")
	}
	return jwtkit.Claims{Scope: strings.Split(raw, ","), AuthorizedParty: "client", Subject: "client@clients"}, nil
}

type management struct {
	handler http.Handler
	seal    *tenancy.Seal
	store   *storetest.Fake
}

func openManagement(t *testing.T) *management {
	t.Helper()
	m := &management{store: storetest.NewFake()}
	var err error
	m.seal, err = tenancy.NewSeal([]byte(strings.Repeat("k", 32)), clock.At("2026-03-01T12:00:00Z").Now)
	require.NoError(t, err)
	m.handler = httpapi.NewManagement(tenant.NewSettingsService(m.store), words{}, m.seal, slog.New(slog.DiscardHandler))
	require.NoError(t, m.store.Create(t.Context(), "tnt_1", tenant.Settings{}))
	return m
}

func (m *management) call(t *testing.T, id tenancy.ID, method, query, scopes, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v2/tenants/settings"+query, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if scopes != "" {
		r.Header.Set("Authorization", "Bearer "+scopes)
	}
	if id != "" {
		header, err := m.seal.Header(tenancy.Tenant{ID: id, Name: "acme", Host: "acme.example.com", Canonical: "acme.example.com"})
		require.NoError(t, err)
		r.Header.Set(tenancy.Header, header)
	}
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	out := map[string]any{}
	require.NoError(t, json.Unmarshal(raw, &out), string(raw))
	return w.Code, out
}

const (
	reads  = "read:tenant_settings"
	writes = "update:tenant_settings"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	t.Run("new_tenant_has_the_defaults", func(t *testing.T) {
		t.Parallel()
		status, body := openManagement(t).call(t, "tnt_1", http.MethodGet, "", reads, "")
		require.Equal(t, http.StatusOK, status)
		require.InDelta(t, 168, body["session_lifetime"], 0)
		require.Equal(t, true, body["flags"].(map[string]any)["enable_sso"])
	})
	t.Run("fields_are_picked", func(t *testing.T) {
		t.Parallel()
		m := openManagement(t)
		_, body := m.call(t, "tnt_1", http.MethodGet, "?fields=flags,friendly_name", reads, "")
		require.Len(t, body, 2)
		_, body = m.call(t, "tnt_1", http.MethodGet, "?fields=flags&include_fields=false", reads, "")
		require.NotContains(t, body, "flags")
		require.Contains(t, body, "friendly_name")
	})
	t.Run("patch_changes_what_it_names", func(t *testing.T) {
		t.Parallel()
		m := openManagement(t)
		status, body := m.call(t, "tnt_1", http.MethodPatch, "", writes,
			`{"friendly_name":"Acme","session_lifetime":0.5,"flags":{"enable_sso":false},"default_redirection_uri":"https://acme.example/login","session_cookie":{"mode":"non-persistent"}}`)
		require.Equal(t, http.StatusOK, status, body)
		status, body = m.call(t, "tnt_1", http.MethodPatch, "", writes, `{"flags":{"universal_login":false},"support_email":null}`)
		require.Equal(t, http.StatusOK, status, body)
		require.Equal(t, "Acme", body["friendly_name"])
		require.InDelta(t, 0.5, body["session_lifetime"], 0)
		require.Equal(t, map[string]any{"mode": "non-persistent"}, body["session_cookie"])
		flags := body["flags"].(map[string]any)
		require.Equal(t, false, flags["enable_sso"])
		require.Equal(t, false, flags["universal_login"])
		status, body = m.call(t, "tnt_1", http.MethodPatch, "", writes, `{"friendly_name":null,"flags":{"enable_sso":null}}`)
		require.Equal(t, http.StatusOK, status, body)
		require.Empty(t, body["friendly_name"])
		require.Equal(t, true, body["flags"].(map[string]any)["enable_sso"])
	})
	t.Run("bad_input_is_400_and_changes_nothing", func(t *testing.T) {
		t.Parallel()
		m := openManagement(t)
		for _, bad := range []string{
			`{"session_lifetime":-1}`, `{"session_lifetime":9000}`, `{"session_lifetime":"1"}`, `{"session_lifetime":1,"session_lifetime_in_minutes":60}`,
			`{"nonsense":1}`, `{"flags":{"nonsense":true}}`, `{"flags":{"enable_sso":"yes"}}`, `{"flags":{"disable_impersonation":false}}`,
			`{"default_redirection_uri":"http://acme.example"}`, `{"session_cookie":{"mode":"eternal"}}`, `{"enabled_locales":[]}`,
			`{"client_certificate_authorities":["x"]}`, `{"client_certificate_authorities":"x"}`, `{"mtls":{"nonsense":true}}`,
			`{"default_token_quota":{"clients":{"client_credentials":{"per_hour":0}}}}`, `{"default_token_quota":{"clients":{"client_credentials":{"per_day":2147483648}}}}`,
			`{"default_token_quota":{"clients":{"client_credentials":{"per_hour":1e300}}}}`, `{"default_token_quota":{"clients":{}}}`,
			`{"sandbox_version":"4"}`, `{"allowed_logout_urls":"https://x"}`, `[]`, `{`,
		} {
			status, body := m.call(t, "tnt_1", http.MethodPatch, "", writes, bad)
			require.Equal(t, http.StatusBadRequest, status, "%s: %v", bad, body)
			require.Equal(t, "invalid_body", body["errorCode"], bad)
		}
		found, err := m.store.Find(t.Context(), "tnt_1")
		require.NoError(t, err)
		require.Empty(t, found)
	})
	t.Run("scopes_are_enforced", func(t *testing.T) {
		t.Parallel()
		m := openManagement(t)
		for scopes, want := range map[string]int{"": http.StatusUnauthorized, "forged": http.StatusUnauthorized, "read:clients": http.StatusForbidden, reads: http.StatusForbidden} {
			status, _ := m.call(t, "tnt_1", http.MethodPatch, "", scopes, `{"friendly_name":"Evil"}`)
			require.Equal(t, want, status, scopes)
		}
		status, _ := m.call(t, "tnt_1", http.MethodGet, "", writes, "")
		require.Equal(t, http.StatusForbidden, status)
	})
	t.Run("another_tenant_sees_and_changes_nothing", func(t *testing.T) {
		t.Parallel()
		m := openManagement(t)
		status, _ := m.call(t, "tnt_2", http.MethodGet, "", reads, "")
		require.Equal(t, http.StatusNotFound, status)
		status, _ = m.call(t, "tnt_2", http.MethodPatch, "", writes, `{"friendly_name":"Evil"}`)
		require.Equal(t, http.StatusNotFound, status)
	})
	t.Run("past_the_router_is_refused", func(t *testing.T) {
		t.Parallel()
		status, _ := openManagement(t).call(t, "", http.MethodGet, "", reads, "")
		require.Equal(t, http.StatusForbidden, status)
	})
}
