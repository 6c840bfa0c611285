package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
)

func TestDPoP_management_RFC9449_7_2(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	form := edit(machineForm(), []string{"audience", w.acme.ManagementAudience()})
	show := func(raw string) answer {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v2/keys/signing", nil)
		req.Header.Set("Authorization", "Bearer "+raw)
		return w.browser().do(req)
	}
	free, _ := w.browser().post("/oauth/token", form).json(t)["access_token"].(string)
	require.Equal(t, http.StatusOK, show(free).StatusCode)
	bound, _ := w.browser().proving("/oauth/token", form, h.proof()).json(t)["access_token"].(string)
	require.NotEmpty(t, bound)
	require.Equal(t, http.StatusUnauthorized, show(bound).StatusCode)
}

func TestDPoP_codes_RFC9449_10(t *testing.T) {
	t.Parallel()
	const otherKey = "The code is bound to a key that the request does not prove to hold"

	t.Run("a_code_that_was_bound", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		h := w.holder()
		b := w.browser()
		code := b.logIn(authorizeParams("dpop_jkt", h.thumbprint())).Query().Get("code")
		requireOAuth(t, b.exchange(code), http.StatusForbidden, "invalid_grant", otherKey)
		requireOAuth(t, b.proving("/oauth/token", codeForm(code), w.holder().proof()), http.StatusForbidden, "invalid_grant", otherKey)
		res := b.proving("/oauth/token", codeForm(code), h.proof())
		require.Equal(t, http.StatusOK, res.StatusCode, "the right key may still come: %s", res.body)
	})

	t.Run("by_the_session_too", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		h := w.holder()
		b := w.browser()
		b.logIn(authorizeParams())
		code := b.followed(authorizeParams("dpop_jkt", h.thumbprint()))
		requireOAuth(t, b.exchange(code), http.StatusForbidden, "invalid_grant", otherKey)
	})

	t.Run("what_is_no_thumbprint", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		h := w.holder()
		for _, jkt := range []string{"x", h.thumbprint() + "=", h.thumbprint()[:42], strings.Repeat("/", 43)} {
			requireCallbackError(t, w.browser().get("/authorize", authorizeParams("dpop_jkt", jkt)).location(t), "invalid_request", "Invalid dpop_jkt")
		}
	})

	t.Run("pushed_requests_RFC9449_10_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.pushing()
		h := w.holder()
		b := w.browser()
		push := func(proof string, more ...string) answer {
			return b.proving("/oauth/par", authorizeParams(append(more, "client_secret", "web-secret-0123456789")...), proof)
		}
		atPush := func(h *holder) string { return h.proof("htu", w.acme.Base+"/oauth/par") }

		requireNoProof(t, push(h.proof()), "for the token endpoint", "its htu is another URL")
		requireNoProof(t, push(atPush(h), "dpop_jkt", w.holder().thumbprint()), "another key", "its key is not the one of dpop_jkt")
		for _, more := range [][]string{nil, {"dpop_jkt", h.thumbprint()}} {
			res := push(atPush(h), more...)
			require.Equal(t, http.StatusCreated, res.StatusCode, res.body)
			uri, _ := res.json(t)["request_uri"].(string)
			query := url.Values{"client_id": {"web"}, "request_uri": {uri}}
			if len(b.cookies) == 0 {
				b.logIn(authorizeParams())
			}
			code := b.followed(query)
			requireOAuth(t, b.exchange(code), http.StatusForbidden, "invalid_grant", otherKey)
			require.Equal(t, http.StatusOK, b.proving("/oauth/token", codeForm(code), h.proof()).StatusCode)
		}
	})
}

func TestDPoP_refresh_RFC9449_5(t *testing.T) {
	t.Parallel()

	t.Run("of_a_public_client_is_bound", func(t *testing.T) {
		t.Parallel()
		for name, rotating := range map[string]bool{"rotating": true, "staying": false} {
			w := newWorld(t)
			b := w.withRefresh(token.RefreshPolicy{Rotating: rotating})
			w.client("web", func(c *token.Client) { c.AuthMethod, c.Secret = oauth.AuthNone, "" })
			h := w.holder()
			public := []string{"client_secret", ""}
			code := b.logIn(authorizeParams("scope", "openid offline_access")).Query().Get("code")
			first := renewed(t, b.proving("/oauth/token", codeForm(code, public...), h.proof()))
			form := refreshForm(first, public...)

			requireOAuth(t, b.post("/oauth/token", form), http.StatusForbidden, "invalid_grant", unknownRefresh)
			requireOAuth(t, b.proving("/oauth/token", form, w.holder().proof()), http.StatusForbidden, "invalid_grant", unknownRefresh)
			res := b.proving("/oauth/token", form, h.proof())
			require.Equal(t, http.StatusOK, res.StatusCode, "%s: who lacks the key has not ended it: %s", name, res.body)
			require.Equal(t, "DPoP", res.json(t)["token_type"])
			if !rotating {
				continue
			}
			second := renewed(t, res)
			requireOAuth(t, b.post("/oauth/token", form), http.StatusForbidden, "invalid_grant", unknownRefresh)
			res = b.proving("/oauth/token", refreshForm(second, public...), h.proof())
			require.Equal(t, http.StatusOK, res.StatusCode, "a thief of a used token without the key does not end the family: %s", res.body)
		}
	})

	t.Run("one_that_was_free_is_bound_with_its_next_token", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(token.RefreshPolicy{Rotating: true})
		w.client("web", func(c *token.Client) { c.AuthMethod, c.Secret = oauth.AuthNone, "" })
		h := w.holder()
		public := []string{"client_secret", ""}
		code := b.logIn(authorizeParams("scope", "openid offline_access")).Query().Get("code")
		first := renewed(t, b.post("/oauth/token", codeForm(code, public...)))
		second := renewed(t, b.proving("/oauth/token", refreshForm(first, public...), h.proof()))
		requireOAuth(t, b.post("/oauth/token", refreshForm(second, public...)), http.StatusForbidden, "invalid_grant", unknownRefresh)
		require.Equal(t, http.StatusOK, b.proving("/oauth/token", refreshForm(second, public...), h.proof()).StatusCode)
	})

	t.Run("of_a_confidential_client_is_not", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(token.RefreshPolicy{})
		code := b.logIn(authorizeParams("scope", "openid offline_access")).Query().Get("code")
		raw := renewed(t, b.proving("/oauth/token", codeForm(code), w.holder().proof()))
		other := w.holder()
		res := b.proving("/oauth/token", refreshForm(raw), other.proof())
		require.Equal(t, http.StatusOK, res.StatusCode, res.body)
		require.Equal(t, "Bearer", b.post("/oauth/token", refreshForm(raw)).json(t)["token_type"])
	})
}

func refreshForm(raw string, more ...string) url.Values {
	return edit(url.Values{"grant_type": {"refresh_token"}, "client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "refresh_token": {raw}}, more)
}
