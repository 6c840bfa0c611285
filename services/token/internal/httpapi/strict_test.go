package httpapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// stranger makes the web client a third party in strict mode.
func (w *world) stranger(more ...func(*token.Client)) {
	w.third(append(more, func(c *token.Client) { c.Strict = true })...)
}

// sortedWords gives the words of a scope parameter in order.
func sortedWords(scope any) string {
	words := strings.Fields(orEmpty(scope))
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestStrictThirdParty(t *testing.T) {
	t.Parallel()
	t.Run("gets_the_API's_scopes_and_is_not_told_who_the_user_is", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: time.Hour})
		w.stranger()
		b := w.browser()
		page := b.logInToConsent(authorizeParams("audience", apiAudience, "scope", "openid profile email address phone offline_access read:x write:x"))
		shown := b.get(page.Path, page.Query()).body
		require.Contains(t, shown, "read:x")
		require.NotContains(t, shown, "email address", "what it is not going to get is not asked for")
		got := b.exchange(b.follow(b.accept(page)).location(t).Query().Get("code")).json(t)
		require.Equal(t, "offline_access read:x", sortedWords(got["scope"]))
		require.NotContains(t, got, "id_token")
		access := got["access_token"].(string)
		require.Equal(t, apiAudience, decodeSegment(t, access, 1)["aud"], "not for /userinfo")
		require.Equal(t, http.StatusUnauthorized, b.userinfo(access).StatusCode)

		again := b.refresh(got["refresh_token"].(string)).json(t)
		require.Equal(t, "offline_access read:x", sortedWords(again["scope"]))
		require.NotContains(t, again, "id_token")
	})

	t.Run("without_an_API_gets_a_token_that_opens_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.stranger()
		b := w.browser()
		got := b.exchange(b.follow(b.accept(b.logInToConsent(authorizeParams()))).location(t).Query().Get("code")).json(t)
		require.NotContains(t, got, "id_token")
		require.Empty(t, orEmpty(got["scope"]))
		require.Equal(t, http.StatusUnauthorized, b.userinfo(got["access_token"].(string)).StatusCode)
	})

	t.Run("a_token_from_before_opens_userinfo_no_more", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third()
		b := w.browser()
		access := b.exchange(b.follow(b.accept(b.logInToConsent(authorizeParams()))).location(t).Query().Get("code")).json(t)["access_token"].(string)
		require.Equal(t, http.StatusOK, b.userinfo(access).StatusCode)
		w.stranger()
		require.Equal(t, http.StatusUnauthorized, b.userinfo(access).StatusCode)
	})

	t.Run("uses_no_other_grants_whatever_it_is_registered_for", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.stranger(func(c *token.Client) {
			c.GrantTypes = append(c.GrantTypes, oauth.GrantImplicit, oauth.GrantPassword, oauth.GrantDeviceCode, oauth.GrantTokenExchange)
		})
		b := w.browser()
		for _, kind := range []string{"id_token", "token", "code id_token", "code token", "id_token token"} {
			to := b.get("/authorize", authorizeParams("response_type", kind)).location(t)
			require.Contains(t, to.String(), "unauthorized_client", kind)
		}
		device := b.post("/oauth/device/code", url.Values{"client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "scope": {"read:x"}, "audience": {apiAudience}})
		requireOAuth(t, device, http.StatusForbidden, "unauthorized_client", "Grant type 'urn:ietf:params:oauth:grant-type:device_code' not allowed for the client.")
		typed := b.post("/oauth/token", url.Values{"grant_type": {"password"}, "client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "username": {"ada@example.com"}, "password": {password}})
		requireOAuth(t, typed, http.StatusForbidden, "unauthorized_client", "Grant type 'password' not allowed for the client.")
	})

	t.Run("always_shows_a_challenge", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		bare := authorizeParams("code_challenge", "", "code_challenge_method", "")
		require.Equal(t, "/u/login", w.browser().get("/authorize", bare).location(t).Path)
		w.stranger()
		requireCallbackError(t, w.browser().get("/authorize", bare).location(t), "invalid_request", "Missing required parameter: code_challenge")
	})
}

func TestStrictThirdParty_parameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stranger(func(c *token.Client) { c.WebOrigins = []string{"https://app.example"} })
	b := w.browser()
	taken := authorizeParams(
		"acr_values", "x", "audience", apiAudience, "connection", "Username-Password-Authentication", "correlation_id", "x", "display", "page",
		"dpop_jkt", strings.Repeat("A", 43), "ext-anything", "x", "auth0Client", "eyJuYW1lIjoieCJ9", "login_hint", "ada", "max_age", "60", "prompt", "login", "resource", "https://x.example", "ui_locales", "de",
	)
	require.Equal(t, "/u/login", b.get("/authorize", taken).location(t).Path)

	for _, name := range []string{
		"response_mode", "request", "request_uri", "claims", "screen_hint", "organization", "invitation", "registration", "id_token_hint", "access_token", "extra",
	} {
		to := b.get("/authorize", authorizeParams(name, "x")).location(t)
		requireCallbackError(t, to, "invalid_request", "Parameter not allowed for the client: "+name)
	}
	to := b.get("/authorize", authorizeParams("response_mode", "web_message", "prompt", "none")).location(t)
	requireCallbackError(t, to, "invalid_request", "Parameter not allowed for the client: response_mode")
	to = b.get("/authorize", authorizeParams("zz", "x", "aa", "x")).location(t)
	requireCallbackError(t, to, "invalid_request", "Parameter not allowed for the client: aa")
	to = b.get("/authorize", authorizeParams(strings.Repeat("x", 2000), "x")).location(t)
	requireCallbackError(t, to, "invalid_request", "Parameter not allowed for the client")
	details := b.get("/authorize", authorizeParams("authorization_details", "[]")).location(t)
	requireCallbackError(t, details, "invalid_authorization_details", "Rich authorization requests are not supported")
}

func TestStrictThirdParty_pushes_and_signs_nothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pushing()
	key := w.objecting().Private
	raw := signed(t, key, jose.RS256, "k1", w.object())
	b := w.browser()
	uri := b.push(authorizeParams()).json(t)["request_uri"].(string)
	w.stranger()
	requireOAuth(t, b.push(authorizeParams()), http.StatusForbidden, "unauthorized_client", "Pushed authorization requests are not allowed for the client.")
	require.Equal(t, "fpar", w.lastFact(w.store).Type)
	requireCallbackError(t, b.get("/authorize", authorizeParams("request", raw)).location(t), "invalid_request", "Parameter not allowed for the client: request")
	requireCallbackError(t, b.get("/authorize", authorizeParams("request_uri", uri)).location(t), "invalid_request", "Parameter not allowed for the client: request_uri")
	require.Equal(t, http.StatusBadRequest, b.get("/authorize", byURI(uri)).StatusCode, "nothing but a pushed one")
}

func TestStrictThirdParty_logs_nobody_out(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Change(func(c *tokentest.Configuration) {
		c.Settings[w.acme.ID] = &token.Settings{AllowedLogoutURLs: []string{"https://acme.example/bye"}}
	})
	b := w.browser()
	b.logIn(authorizeParams())
	w.stranger()
	for _, path := range []string{"/v2/logout", "/oidc/logout"} {
		res := b.get(path, url.Values{"client_id": {"web"}})
		require.Equal(t, http.StatusBadRequest, res.StatusCode, path)
		require.Empty(t, res.Header.Get("Location"))
		require.Equal(t, "flo", w.lastFact(w.store).Type)
		require.NotEmpty(t, b.cookies["__Host-postern"], "the session goes on")
	}
	require.Equal(t, "https://acme.example/bye", b.get("/v2/logout", url.Values{"returnTo": {"https://acme.example/bye"}}).location(t).String(), "the person may, at the tenant's own URL")
}
