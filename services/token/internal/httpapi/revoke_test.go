package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

func (b *agent) revoke(raw string, more ...string) answer {
	b.w.t.Helper()
	form := url.Values{"client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "token": {raw}}
	return b.post("/oauth/revoke", edit(form, more))
}

func requireRevoked(t *testing.T, a answer) {
	t.Helper()
	require.Equal(t, http.StatusOK, a.StatusCode, a.body)
	require.Empty(t, a.body)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	rotating := token.RefreshPolicy{Rotating: true, Lifetime: time.Hour}
	t.Run("any_token_of_a_family_ends_it", func(t *testing.T) {
		t.Parallel()
		for _, which := range []string{"newest", "used"} {
			w := newWorld(t)
			b := w.withRefresh(rotating)
			first := b.offline("audience", "")
			res := b.refresh(first)
			second := renewed(t, res)
			access, _ := res.json(t)["access_token"].(string)
			requireRevoked(t, b.revoke(map[string]string{"newest": second, "used": first}[which], "token_type_hint", "access_token"))
			fact := w.lastFact(w.store)
			require.Equal(t, []any{"srrt", adaID, "ada@example.com", "web"}, []any{fact.Type, fact.UserID, fact.UserName, fact.ClientID})
			require.Equal(t, map[string]any{"credential_id": fact.Family, "refresh_token": map[string]any{"access": "offline"}}, fact.Details)
			require.NotContains(t, toText(t, fact), second)
			requireOAuth(t, b.refresh(second), 403, "invalid_grant", unknownRefresh)
			require.Equal(t, http.StatusUnauthorized, b.userinfo(access).StatusCode, "access tokens of the same grant go, too (RFC 7009 §2.1)")
			requireRevoked(t, b.revoke(second)) // a repeat
		}
	})
	t.Run("an_opaque_access_token", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(rotating)
		res := b.password("scope", "openid offline_access", "audience", "")
		access, _ := res.json(t)["access_token"].(string)
		facts := len(w.store.Facts())
		requireRevoked(t, b.revoke(access))
		require.Equal(t, http.StatusUnauthorized, b.userinfo(access).StatusCode)
		require.Equal(t, http.StatusOK, b.refresh(renewed(t, res)).StatusCode, "its refresh token goes on")
		require.Len(t, w.store.Facts(), facts+1, "the wire logs nothing of it")
	})
	t.Run("what_is_not_there_is_revoked_already_RFC7009_2_2", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(rotating)
		raw := b.offline()
		access, _ := b.refresh(raw).json(t)["access_token"].(string)
		for _, nothing := range []string{"x", "v1.x", strings.Repeat("A", 90), "v1." + strings.Repeat("A", 90), access, raw[:23] + strings.Repeat("A", 70)} {
			requireRevoked(t, b.revoke(nothing))
		}
		require.Len(t, w.store.RefreshTokens(), 1, "naming a family is not enough")
	})
	t.Run("another_client's_or_tenant's_token_stays_RFC7009_2_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(rotating)
		res := b.password("scope", "openid offline_access", "audience", "")
		raw := renewed(t, res)
		access, _ := res.json(t)["access_token"].(string)
		stranger := w.browser()
		stranger.tenant = w.bolt
		for _, stolen := range []string{raw, access} {
			requireRevoked(t, b.revoke(stolen, "client_id", "second", "client_secret", "second-secret"))
			requireRevoked(t, stranger.revoke(stolen))
		}
		require.Equal(t, http.StatusOK, b.userinfo(access).StatusCode)
		require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode)
	})
	t.Run("a_public_client_names_itself", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(rotating)
		w.client("web", func(c *token.Client) { c.AuthMethod = oauth.AuthNone })
		raw := b.offline("client_secret", "")
		requireRevoked(t, b.revoke(raw, "client_secret", ""))
		require.Empty(t, w.store.RefreshTokens())
	})
	t.Run("as_json", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(rotating)
		raw := b.offline()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/revoke", strings.NewReader(`{"client_id":"web","client_secret":"web-secret-0123456789","token":"`+raw+`"}`))
		req.Header.Set("Content-Type", "application/json")
		requireRevoked(t, b.do(req))
		require.Empty(t, w.store.RefreshTokens())
	})
}

func TestRevoke_refusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params         []string
		status         int
		code, sentence string
	}{
		"no_token_RFC7009_2_1":     {[]string{"token", ""}, 400, "invalid_request", "Missing required parameter: token"},
		"no_client":                {[]string{"client_id", "", "client_secret", ""}, 400, "invalid_request", "Missing required parameter: client_id"},
		"an_unknown_client":        {[]string{"client_id", "nobody"}, 401, "invalid_client", "Client authentication failed"},
		"a_wrong_secret":           {[]string{"client_secret", "guess"}, 401, "invalid_client", "Client authentication failed"},
		"no_proof_where_one_is":    {[]string{"client_secret", ""}, 401, "invalid_client", "Client authentication failed"},
		"two_ways_to_prove_itself": {[]string{"client_assertion", "x", "client_assertion_type", oauth.AssertionJWT}, 400, "invalid_request", "The client must authenticate by one method only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.withRefresh(token.RefreshPolicy{})
			requireOAuth(t, b.revoke(b.offline(), c.params...), c.status, c.code, c.sentence)
			require.Len(t, w.store.RefreshTokens(), 1)
		})
	}
}

func TestRevoke_takes_the_consent_back(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{})
	agreed := func() []token.Consent {
		list, _, err := w.store.ListConsents(t.Context(), w.acme.ID, token.ConsentFilter{}, 0, 10)
		require.NoError(t, err)
		return list
	}
	give := func(userID, audience string) {
		state := token.HashOf("state")
		require.NoError(t, w.store.SaveTransaction(t.Context(), w.acme.ID, token.Transaction{State: state, SessionID: "sid", Expires: w.clock.Now().Add(time.Hour)}))
		require.NoError(t, w.store.GiveConsent(t.Context(), w.acme.ID, state, "sid", &token.Consent{
			ID: "grt_" + userID + audience, UserID: userID, ClientID: "web", Audience: audience, Scope: token.Scope{"openid"},
		}))
	}
	give(adaID, apiAudience)
	give(adaID, w.acme.UserinfoAudience())
	give("auth0|bob", apiAudience)
	raw, twin, elsewhere := b.offline(), b.offline(), b.offline("audience", "")
	requireRevoked(t, b.revoke(raw))
	require.Len(t, agreed(), 3, "unless the tenant wants it so, a consent outlives its tokens")
	require.Equal(t, http.StatusOK, b.refresh(twin).StatusCode)

	w.config.Change(func(c *tokentest.Configuration) {
		c.Settings[w.acme.ID] = &token.Settings{DefaultDirectory: database, RevokeRefreshTokenGrant: true}
	})
	raw = b.offline()
	w.store.FailAfter(1, fault.Unavailable("away"))
	require.Equal(t, http.StatusServiceUnavailable, b.revoke(raw).StatusCode)
	require.Len(t, agreed(), 3)
	require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode, "nothing is half done")
	requireRevoked(t, b.revoke(raw))
	require.Len(t, agreed(), 2)
	requireOAuth(t, b.refresh(twin), 403, "invalid_grant", unknownRefresh) // it was given by the same consent
	require.Equal(t, http.StatusOK, b.refresh(elsewhere).StatusCode)
	requireRevoked(t, b.revoke(elsewhere))
	require.Len(t, agreed(), 1, "without an API it is the one of /userinfo")
}

func TestRevoke_from_a_page(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{})
	send := func(method, origin, raw string) answer {
		body := url.Values{"client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "token": {raw}}
		req := httptest.NewRequestWithContext(t.Context(), method, "/oauth/revoke", strings.NewReader(body.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", origin)
		return b.do(req)
	}
	require.Equal(t, "https://app.example", send(http.MethodOptions, "https://app.example", "").Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "https://app.example", send(http.MethodPost, "https://app.example", b.offline()).Header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, send(http.MethodPost, "https://evil.example", b.offline()).Header.Get("Access-Control-Allow-Origin"))
}
