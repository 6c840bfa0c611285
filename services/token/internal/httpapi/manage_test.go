package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// administrator gives a token of the machine client for acme's Management API with the scopes.
func (w *world) administrator(scopes ...string) string {
	w.t.Helper()
	audience := w.acme.ManagementAudience()
	w.config.Change(func(c *tokentest.Configuration) {
		key := tokentest.Key{Tenant: w.acme.ID, ID: audience}
		changed := *c.ResourceServers[key]
		changed.Scopes = slices.Concat(changed.Scopes, scopes)
		c.ResourceServers[key] = &changed
		c.Grants[tokentest.Key{Tenant: w.acme.ID, ID: "machine " + audience}] = &token.ClientGrant{ClientID: "machine", Audience: audience, Scope: scopes}
	})
	res := w.browser().machine("audience", audience)
	require.Equal(w.t, http.StatusOK, res.StatusCode, res.body)
	raw, _ := res.json(w.t)["access_token"].(string)
	return raw
}

// manage calls the Management API.
func (b *agent) manage(method, path, bearer string) answer {
	b.w.t.Helper()
	req := httptest.NewRequestWithContext(b.w.t.Context(), method, "/api/v2"+path, nil)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	return b.do(req)
}
