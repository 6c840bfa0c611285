package httpapi_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

// A header may hold any bytes (RFC 9110 §5.5), and PostgreSQL keeps none that are no text: whoever sends them logs in and stays logged in.
func TestUserAgent_that_is_no_text(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: time.Hour})
	b.userAgent = "caf\xe9/1.0"
	raw := renewed(t, b.refresh(b.offline()))
	require.NotEmpty(t, raw)
	for _, f := range w.store.Facts() {
		require.True(t, utf8.ValidString(f.Origin.UserAgent), f.Type)
	}
	for _, s := range w.store.Sessions() {
		require.Equal(t, "caf\uFFFD/1.0", s.Last.UserAgent)
	}
	for _, r := range w.store.RefreshTokens() {
		require.Equal(t, "caf\uFFFD/1.0", r.Last.UserAgent)
	}
}

// What is no text (RFC 6749 appendix B), or longer than anything that belongs there, is refused before anything is looked up, kept or logged.
func TestParameters_that_are_no_text_or_too_long(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := len(w.store.Facts()) + len(w.queue.Facts())
	for _, value := range []string{"a\x00b", "caf\xe9"} {
		for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/par", "/oauth/device/code"} {
			form := url.Values{"client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "grant_type": {"client_credentials"}, "scope": {value}}
			requireOAuth(t, w.browser().post(path, form), 400, "invalid_request", "Parameter is not valid text: scope")
			form = url.Values{"client_id": {"web"}, value: {"x"}}
			requireOAuth(t, w.browser().post(path, form), 400, "invalid_request", "A parameter's name is not valid text")
		}
		for _, name := range []string{"client_id", "redirect_uri", "state", "nonce", "login_hint", "ui_locales", "scope"} {
			require.Equal(t, http.StatusBadRequest, w.browser().get("/authorize", authorizeParams(name, value)).StatusCode, name)
		}
		for _, path := range []string{"/oidc/logout", "/u/logout"} {
			require.Equal(t, http.StatusBadRequest, w.browser().post(path, url.Values{"state": {value}}).StatusCode, path)
		}
	}
	long := strings.Repeat("a ", 4<<10)
	for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/par", "/oauth/device/code"} {
		requireOAuth(t, w.browser().post(path, url.Values{"client_id": {"web"}, "scope": {long}}), 400, "invalid_request", "Parameter too long: scope")
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(`{"grant_type":"password","username":"a\u0000b"}`))
	req.Header.Set("Content-Type", "application/json")
	requireOAuth(t, w.browser().do(req), 400, "invalid_request", "Parameter is not valid text: username")
	require.Len(t, append(w.store.Facts(), w.queue.Facts()...), before)

	req = newForm(t, "grant_type=client_credentials")
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("caf\xe9:x")))
	requireOAuth(t, w.browser().do(req), 401, "invalid_client", "Client authentication failed")
}
