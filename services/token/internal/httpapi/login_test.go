package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

func TestLogin(t *testing.T) {
	t.Parallel()

	t.Run("from_the_request_to_tokens_and_userinfo", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		to := b.logIn(authorizeParams())
		require.Equal(t, "https://app.example/cb", to.Scheme+"://"+to.Host+to.Path)
		require.Equal(t, "st-1", to.Query().Get("state"), "RFC 6749 §4.1.2")

		res := b.exchange(to.Query().Get("code"))
		require.Equal(t, http.StatusOK, res.StatusCode, res.body)
		got := res.json(t)
		require.Equal(t, "openid profile email", got["scope"])
		require.InDelta(t, 86400, got["expires_in"], 0)
		require.NotContains(t, got, "refresh_token")
		idToken, _ := got["id_token"].(string)
		claims := requireRS256(t, &w.signer.Private.PublicKey, idToken)
		now := float64(w.clock.Now().Unix())
		sid, _ := claims["sid"].(string)
		require.Len(t, sid, 32)
		delete(claims, "sid")
		require.Equal(t, map[string]any{
			"iss": "https://acme.eu.postern.localhost:8443/", "sub": adaID, "aud": "web", "iat": now, "exp": now + 36000, "nonce": "no-1",
			"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "nickname": "ada", "picture": "https://img.example/ada.png",
			"updated_at": "2026-01-02T03:04:05.006Z", "email": "ada@example.com", "email_verified": true,
		}, claims, "OIDC Core §2; no auth_time, which nobody asked for")

		access, _ := got["access_token"].(string)
		require.NotContains(t, access, ".", "no API was asked: the access token is opaque")
		info := b.userinfo(access)
		require.Equal(t, http.StatusOK, info.StatusCode, info.body)
		require.Equal(t, adaID, info.json(t)["sub"], "OIDC Core §5.3.2")
		require.Equal(t, "ada@example.com", info.json(t)["email"])
		require.NotContains(t, info.json(t), "phone_number", "not in the scope")

		require.Equal(t, []string{"s", "seacft"}, w.facts(w.store))
		fact := w.lastFact(w.store)
		require.Equal(t, adaID, fact.UserID)
		require.Equal(t, sid, fact.SessionID)
		require.Equal(t, 1, w.users.Logins())
	})

	t.Run("an_api_gets_a_jwt_that_opens_userinfo_too", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		to := b.logIn(authorizeParams("audience", apiAudience, "scope", "openid read:x nonsense offline_access"))
		got := b.exchange(to.Query().Get("code")).json(t)
		access, _ := got["access_token"].(string)
		claims := requireRS256(t, &w.signer.Private.PublicKey, access)
		require.Equal(t, []any{apiAudience, w.acme.UserinfoAudience()}, claims["aud"])
		require.Equal(t, adaID, claims["sub"])
		require.Equal(t, "web", claims["azp"])
		require.Equal(t, "openid read:x", claims["scope"], "what nobody knows is dropped in silence")
		require.NotContains(t, claims, "gty", "the wire leaves it out of the code flow")
		require.Equal(t, http.StatusOK, b.userinfo(access).StatusCode)
	})

	t.Run("without_openid_there_is_no_id_token", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		to := b.logIn(authorizeParams("scope", "read:x", "audience", apiAudience))
		got := b.exchange(to.Query().Get("code")).json(t)
		require.NotContains(t, got, "id_token", "OIDC Core §3.1.2.1")
		access, _ := got["access_token"].(string)
		require.Equal(t, apiAudience, decodeSegment(t, access, 1)["aud"])
		require.Equal(t, http.StatusUnauthorized, b.userinfo(access).StatusCode, "its audience is not /userinfo")
	})

	t.Run("an_algorithm_that_nothing_signs_by_is_said_so_and_costs_no_code", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("web", func(c *token.Client) { c.IDTokenAlg = "RS384" })
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		requireOAuth(t, b.exchange(code), http.StatusBadRequest, "invalid_request", "Tokens signed with RS384 are not supported")
		w.client("web", func(c *token.Client) { c.IDTokenAlg = token.AlgRS256 })
		require.Equal(t, http.StatusOK, b.exchange(code).StatusCode)
	})
	t.Run("id_tokens_as_the_client_wants_them", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("web", func(c *token.Client) { c.IDTokenAlg, c.IDTokenLifetime = token.AlgHS256, 5*time.Minute })
		b := w.browser()
		got := b.exchange(b.logIn(authorizeParams()).Query().Get("code")).json(t)
		idToken, _ := got["id_token"].(string)
		require.Equal(t, "HS256", decodeSegment(t, idToken, 0)["alg"])
		requireHS256(t, "web-secret-0123456789", idToken)
		claims := decodeSegment(t, idToken, 1)
		require.InDelta(t, w.clock.Now().Add(5*time.Minute).Unix(), claims["exp"], 0)
	})

	t.Run("a_public_client_with_pkce", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		to := b.logIn(authorizeParams("client_id", "native", "redirect_uri", "com.example.app:/cb"))
		require.Equal(t, "com.example.app", to.Scheme)
		res := b.exchange(to.Query().Get("code"), "client_id", "native", "client_secret", "", "redirect_uri", "com.example.app:/cb")
		require.Equal(t, http.StatusOK, res.StatusCode, res.body)
		idToken, _ := res.json(t)["id_token"].(string)
		require.Equal(t, "RS256", decodeSegment(t, idToken, 0)["alg"], "a client without a secret cannot check HS256")
	})

	t.Run("a_post_to_authorize_is_as_good_OIDC_Core_3_1_2_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		start := b.post("/authorize", authorizeParams())
		require.Equal(t, http.StatusSeeOther, start.StatusCode)
		require.Equal(t, "/u/login", b.follow(start).location(t).Path)
	})
}

func TestLoginPage(t *testing.T) {
	t.Parallel()
	start := func(w *world, b *agent, more ...string) *url.URL {
		w.t.Helper()
		return b.get("/authorize", authorizeParams(more...)).location(w.t)
	}

	t.Run("is_safe_to_show", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.config.Change(func(c *tokentest.Configuration) {
			c.Settings[w.acme.ID] = &token.Settings{FriendlyName: `Acme <script>alert(1)</script>`}
		})
		b := w.browser()
		to := start(w, b, "login_hint", `"><img src=x onerror=alert(1)>`)
		page := b.get(to.Path, to.Query())
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.NotContains(t, page.body, "<script>")
		require.NotContains(t, page.body, "<img")
		csp := page.Header.Get("Content-Security-Policy")
		require.Contains(t, csp, "default-src 'none'")
		require.Contains(t, csp, "frame-ancestors 'none'")
		require.NotContains(t, csp, "unsafe")
		require.Equal(t, "DENY", page.Header.Get("X-Frame-Options"))
		require.Equal(t, "no-referrer", page.Header.Get("Referrer-Policy"))
		require.Equal(t, "no-store", page.Header.Get("Cache-Control"))
		for _, attr := range []string{`autocomplete="username"`, `autocomplete="current-password"`, `<label for="username">`, `<label for="password">`, `lang="en"`} {
			require.Contains(t, page.body, attr)
		}
		require.NotContains(t, strings.ReplaceAll(page.body, "data:,", ""), "://", "no third party is asked for anything")
		style := regexpStyle.FindString(page.body)
		require.NotEmpty(t, style)
		css := b.get(style, nil)
		require.Equal(t, http.StatusOK, css.StatusCode)
		require.Contains(t, css.Header.Get("Cache-Control"), "immutable")
	})

	t.Run("says_the_same_for_a_wrong_password_and_an_unknown_user", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		to := start(w, b)
		wrong := b.post(to.String(), url.Values{"username": {"ada@example.com"}, "password": {"guess"}})
		unknown := b.post(to.String(), url.Values{"username": {"eve@example.com"}, "password": {"guess"}})
		require.Equal(t, http.StatusBadRequest, wrong.StatusCode)
		require.Contains(t, wrong.body, "Wrong email or password")
		require.Contains(t, wrong.body, `value="ada@example.com"`, "what was typed is kept")
		require.NotContains(t, wrong.body, "guess", "but never the password")
		require.Equal(t, wrong.StatusCode, unknown.StatusCode)
		require.Equal(t, strings.ReplaceAll(wrong.body, "ada@", "eve@"), unknown.body)
		require.Equal(t, []string{"fp", "fu"}, w.facts(w.store))
		require.Equal(t, "eve@example.com", w.lastFact(w.store).UserName)

		right := b.post(to.String(), url.Values{"username": {" ada@example.com "}, "password": {password}})
		require.Equal(t, "/authorize/resume", right.location(t).Path, "the same page may be tried again")
		require.Equal(t, http.StatusSeeOther, right.StatusCode, "a posted password is never posted on (RFC 9700 §4.12)")
	})

	t.Run("names_the_fields_that_are_empty", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		page := b.post(start(w, b).String(), url.Values{"username": {" "}})
		require.Equal(t, http.StatusBadRequest, page.StatusCode)
		require.Contains(t, page.body, "Enter your email address")
		require.Contains(t, page.body, "Enter your password")
		require.Contains(t, page.body, `aria-invalid="true"`)
		require.Empty(t, w.facts(w.store))
	})

	t.Run("a_blocked_user_is_told_at_the_callback", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Blocked = true })
		b := w.browser()
		res := b.post(start(w, b).String(), url.Values{"username": {"ada@example.com"}, "password": {password}})
		requireCallbackError(t, res.location(t), "unauthorized", "user is blocked")
		require.Equal(t, []string{"f"}, w.facts(w.store))
		require.Empty(t, b.cookies["__Host-postern"], "no session")
	})

	t.Run("cookies_are_bound_to_the_host", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		res := b.get("/authorize", authorizeParams())
		for _, c := range res.Cookies() {
			require.Equal(t, "__Host-postern_tx", c.Name)
			require.True(t, c.Secure && c.HttpOnly)
			require.Equal(t, http.SameSiteLaxMode, c.SameSite)
			require.Equal(t, "/", c.Path)
			require.Empty(t, c.Domain, "__Host- allows none (RFC 6265bis §4.1.3.2)")
		}
		require.Len(t, res.Cookies(), 1)
		plain := w.browser()
		plain.tenant.Base = "http://acme.eu.postern.localhost:8080"
		for _, c := range plain.get("/authorize", authorizeParams()).Cookies() {
			require.Equal(t, "postern_tx", c.Name, "a plain-http listener has names of its own")
		}
	})

	t.Run("goes_stale", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		to := start(w, b)
		w.clock.Advance(61 * time.Minute)
		res := b.get(to.Path, to.Query())
		require.Equal(t, http.StatusBadRequest, res.StatusCode)
		require.Contains(t, res.body, "no longer valid")
		w.config.Change(func(c *tokentest.Configuration) {
			c.Settings[w.acme.ID] = &token.Settings{DefaultRedirectionURI: "https://app.example/start"}
		})
		require.Equal(t, "https://app.example/start", b.get(to.Path, to.Query()).location(t).String())
		w.client("web", func(c *token.Client) { c.InitiateLoginURI = "https://app.example/login?from=here" })
		require.Equal(t, "https://app.example/login?from=here&iss="+url.QueryEscape(w.acme.Issuer()), b.get(to.Path, to.Query()).location(t).String(), "the client's own first (OIDC Core §4)")
		stranger := w.browser()
		stranger.tenant = w.bolt
		require.Equal(t, http.StatusBadRequest, stranger.get(to.Path, to.Query()).StatusCode, "another tenant's client is nobody")
		require.Equal(t, "https://app.example/start", b.get("/u/login", url.Values{"state": {"x~nobody"}}).location(t).String())
	})
}

func TestErrorPage_of_the_tenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.Change(func(c *tokentest.Configuration) {
		c.Settings[w.acme.ID] = &token.Settings{ErrorPageURL: "https://acme.example/oops?brand=1"}
	})
	to := w.browser().get("/authorize", authorizeParams("redirect_uri", "https://evil.example/cb")).location(t)
	require.Equal(t, "acme.example", to.Host)
	require.Equal(t, "1", to.Query().Get("brand"))
	require.Equal(t, "web", to.Query().Get("client_id"))
	require.Equal(t, "invalid_request", to.Query().Get("error"))
	require.Contains(t, to.Query().Get("error_description"), "Callback URL mismatch")
	w.config.Change(func(c *tokentest.Configuration) {
		c.Settings[w.acme.ID] = &token.Settings{ErrorPageURL: "javascript:alert(1)"}
	})
	require.Equal(t, http.StatusForbidden, w.browser().get("/authorize", authorizeParams("redirect_uri", "https://evil.example/cb")).StatusCode)
}
