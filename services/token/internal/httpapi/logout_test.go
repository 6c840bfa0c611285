package httpapi_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

func TestLogout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Change(func(c *tokentest.Configuration) {
		c.Settings[w.acme.ID] = &token.Settings{AllowedLogoutURLs: []string{"https://acme.example/bye", "https://*.tenant.example/bye"}}
	})
	b := w.browser()
	b.logIn(authorizeParams())

	for _, bad := range []url.Values{
		{"returnTo": {"https://evil.example/"}},
		{"returnTo": {"https://app.example/bye"}},                        // the client's, and no client was named
		{"returnTo": {"https://acme.example/bye"}, "client_id": {"web"}}, // the tenant's, and a client was
		{"returnTo": {"https://acme.example/BYE"}},                       // paths have case
		{"returnTo": {"https://acme.example@evil.example/bye"}},          // user information
		{"returnTo": {"https://a.b.tenant.example/bye"}},                 // one label only
		{"returnTo": {"https://evil.example/.tenant.example/bye"}},       // a star never eats a slash
		{"returnTo": {"https://*.tenant.example/bye"}},                   // the pattern itself leads nowhere
		{"returnTo": {"javascript:alert(1)//https://acme.example/bye"}},  // a scheme that runs
		{"client_id": {"nobody"}, "returnTo": {"https://acme.example/bye"}},
	} {
		res := b.get("/v2/logout", bad)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, "%v", bad)
		require.Empty(t, res.Header.Get("Location"))
	}
	require.NotEmpty(t, b.get("/authorize", authorizeParams("prompt", "none")).location(t).Query().Get("code"), "a refused logout changes nothing")

	to := b.get("/v2/logout", url.Values{"returnTo": {"HTTPS://ACME.example/bye?a=1#b"}}).location(t)
	require.Equal(t, "1", to.Query().Get("a"), "query and hash do not count, and are kept")
	require.Empty(t, b.cookies["__Host-postern"])
	fact := w.lastFact(w.store)
	require.Equal(t, "slo", fact.Type)
	require.Equal(t, adaID, fact.UserID)
	require.Equal(t, "ada@example.com", fact.UserName)
	requireCallbackError(t, b.get("/authorize", authorizeParams("prompt", "none")).location(t), "login_required", "Login required")

	require.Equal(t, "https://app.example/bye", b.get("/v2/logout", url.Values{"client_id": {"web"}}).location(t).String(), "the client's first URL")
	require.Equal(t, "https://x.tenant.example/bye", b.get("/v2/logout", url.Values{"returnTo": {"https://x.tenant.example/bye"}}).location(t).String())
	page := b.get("/v2/logout", nil)
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.body, "You are logged out")

	patterns := []string{"https://*.preview.example.com/bye", "https://{custom_domain.metadata.public_app}.example.com/bye"}
	w.client("web", func(c *token.Client) { c.AllowedLogoutURLs = append(patterns, "https://app.example/bye") })
	require.Equal(t, "https://app.example/bye", b.get("/v2/logout", url.Values{"client_id": {"web"}}).location(t).String(), "the first that leads somewhere")
	w.client("web", func(c *token.Client) { c.AllowedLogoutURLs = patterns })
	page = b.get("/v2/logout", url.Values{"client_id": {"web"}})
	require.Equal(t, http.StatusOK, page.StatusCode, page.Header.Get("Location"))
	require.Contains(t, page.body, "You are logged out")
}
