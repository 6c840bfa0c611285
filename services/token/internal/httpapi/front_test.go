package httpapi_test

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// implicit lets the web client get tokens by way of the browser.
func (w *world) implicit() {
	w.client("web", func(c *token.Client) {
		c.GrantTypes = []oauth.GrantType{oauth.GrantAuthorizationCode, oauth.GrantImplicit}
		c.WebOrigins = []string{"https://app.example"}
	})
}

func fragmentOf(t *testing.T, to *url.URL) url.Values {
	t.Helper()
	require.Empty(t, to.Query().Get("code"), "nothing in the query: %s", to)
	v, err := url.ParseQuery(to.EscapedFragment())
	require.NoError(t, err)
	return v
}

func halfHash(of string) string {
	sum := sha256.Sum256([]byte(of))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func publicKey(w *world) *rsa.PublicKey { return &tokentest.SharedSigner(w.t, 0).Private.PublicKey }

func TestFrontChannel(t *testing.T) {
	t.Parallel()
	t.Run("id_token_and_token_OIDC_Core_3_2_2_5", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.implicit()
		got := fragmentOf(t, w.browser().logIn(authorizeParams("response_type", "id_token token", "audience", apiAudience, "scope", "openid email read:x offline_access", "code_challenge", "", "code_challenge_method", "")))
		require.Equal(t, "st-1", got.Get("state"))
		require.Equal(t, "7200", got.Get("expires_in"), "as long as the API gives tokens to browsers")
		require.Equal(t, "Bearer", got.Get("token_type"))
		require.Equal(t, "openid email read:x", got.Get("scope"), "nothing outlives the user's presence")
		access := requireRS256(t, publicKey(w), got.Get("access_token"))
		require.InDelta(t, 7200, access["exp"].(float64)-access["iat"].(float64), 0)
		require.NotContains(t, access, "gty")
		id := requireRS256(t, publicKey(w), got.Get("id_token"))
		require.Equal(t, halfHash(got.Get("access_token")), id["at_hash"])
		require.NotContains(t, id, "c_hash")
		require.Equal(t, "no-1", id["nonce"])
		require.Equal(t, "ada@example.com", id["email"])
		require.NotEmpty(t, id["sid"])
		require.Empty(t, got.Get("code"))
	})

	t.Run("an_opaque_token_lives_two_hours_without_a_code", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.implicit()
		b := w.browser()
		got := fragmentOf(t, b.logIn(authorizeParams("response_type", "token", "nonce", "")))
		require.Equal(t, "7200", got.Get("expires_in"))
		require.Equal(t, http.StatusOK, b.userinfo(got.Get("access_token")).StatusCode)
		w.clock.Advance(7201 * time.Second)
		require.Equal(t, http.StatusUnauthorized, b.userinfo(got.Get("access_token")).StatusCode)
	})

	t.Run("hybrid_OIDC_Core_3_3_2_11", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.implicit()
		b := w.browser()
		got := fragmentOf(t, b.logIn(authorizeParams("response_type", "token code id_token")))
		id := requireRS256(t, publicKey(w), got.Get("id_token"))
		require.Equal(t, halfHash(got.Get("code")), id["c_hash"])
		require.Equal(t, halfHash(got.Get("access_token")), id["at_hash"])
		require.Equal(t, "86400", got.Get("expires_in"))
		require.Equal(t, http.StatusOK, b.userinfo(got.Get("access_token")).StatusCode)
		first := b.exchange(got.Get("code"))
		require.Equal(t, http.StatusOK, first.StatusCode, first.body)
		again := requireRS256(t, publicKey(w), first.json(t)["id_token"].(string))
		require.Equal(t, id["sub"], again["sub"])
		require.Equal(t, id["iss"], again["iss"])
		require.Equal(t, http.StatusForbidden, b.exchange(got.Get("code")).StatusCode)
		require.Equal(t, http.StatusUnauthorized, b.userinfo(got.Get("access_token")).StatusCode, "a code that comes back takes along what came with it")
	})

	t.Run("by_a_session_without_a_prompt", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.implicit()
		b := w.browser()
		b.logIn(authorizeParams())
		got := fragmentOf(t, b.get("/authorize", authorizeParams("response_type", "id_token", "prompt", "none")).location(t))
		require.NotEmpty(t, got.Get("id_token"))
		require.Empty(t, got.Get("access_token"))
		require.Equal(t, http.StatusOK, b.get("/authorize", authorizeParams("response_type", "id_token", "response_mode", "form_post")).StatusCode)
	})

	t.Run("refusals", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			params         []string
			edit           func(*token.Client)
			code, sentence string
		}{
			"without_a_nonce_OIDC_Core_3_2_2_1": {[]string{"response_type", "id_token", "nonce", ""}, nil, "invalid_request", "Missing required parameter: nonce"},
			"hybrid_without_a_nonce":            {[]string{"response_type", "code id_token", "nonce", ""}, nil, "invalid_request", "Missing required parameter: nonce"},
			"an_id_token_without_openid":        {[]string{"response_type", "id_token", "scope", "email"}, nil, "invalid_request", "response_type id_token requires the scope openid"},
			"a_client_without_the_grant":        {[]string{"response_type", "token"}, func(c *token.Client) { c.GrantTypes = c.GrantTypes[:1] }, "unauthorized_client", "Grant type 'implicit' not allowed for the client."},
			"hybrid_without_the_grant":          {[]string{"response_type", "code token"}, func(c *token.Client) { c.GrantTypes = c.GrantTypes[:1] }, "unauthorized_client", "Grant type 'implicit' not allowed for the client."},
			"hybrid_without_the_code_grant":     {[]string{"response_type", "code token"}, func(c *token.Client) { c.GrantTypes = c.GrantTypes[1:] }, "unauthorized_client", "Grant type 'authorization_code' not allowed for the client."},
			"nobody_there":                      {[]string{"response_type", "token", "prompt", "none"}, nil, "login_required", "Login required"},
		} {
			w := newWorld(t)
			w.implicit()
			if c.edit != nil {
				w.client("web", c.edit)
			}
			got := fragmentOf(t, w.browser().get("/authorize", authorizeParams(c.params...)).location(t))
			require.Equal(t, c.code, got.Get("error"), name)
			require.Equal(t, c.sentence, got.Get("error_description"), name)
			require.Equal(t, "st-1", got.Get("state"), name)
		}
		w := newWorld(t)
		w.implicit()
		to := w.browser().get("/authorize", authorizeParams("response_type", "token", "response_mode", "query")).location(t)
		requireCallbackError(t, to, "invalid_request", "response_mode query must not carry tokens")
	})

	t.Run("vault_away_hands_out_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.implicit()
		b := w.browser()
		b.logIn(authorizeParams())
		w.signer.Away(fault.Unavailable("Vault is away"))
		res := b.get("/authorize", authorizeParams("response_type", "id_token token"))
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.Empty(t, res.Header.Get("Location"))
	})
}

func TestWebMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.implicit()
	b := w.browser()
	b.logIn(authorizeParams())
	page := b.get("/authorize", authorizeParams("response_mode", "web_message", "prompt", "none", "state", `</output><script>alert(1)</script>`))
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.body, `data-origin="https://app.example"`)
	require.Contains(t, page.body, `&#34;code&#34;:`)
	require.NotContains(t, page.body, "<script>alert")
	csp := page.Header.Get("Content-Security-Policy")
	require.Contains(t, csp, "frame-ancestors https://app.example", "no other site may frame the answer")
	require.Contains(t, csp, "script-src 'sha256-")
	require.Empty(t, page.Header.Get("X-Frame-Options"))
	require.Equal(t, "no-store", page.Header.Get("Cache-Control"))

	refused := w.browser().get("/authorize", authorizeParams("response_mode", "web_message", "prompt", "none"))
	require.Contains(t, refused.body, "login_required", "refusals are posted, too")
	require.Equal(t, http.StatusOK, refused.StatusCode)

	for name, edit := range map[string]func(*token.Client){
		"no_web_origin": func(c *token.Client) { c.WebOrigins = nil },
		"another_one": func(c *token.Client) {
			c.WebOrigins = []string{"https://app.example.evil", "http://app.example", "https://app.example:8443"}
		},
		"an_allowed_origin_is_not_enough": func(c *token.Client) { c.WebOrigins, c.AllowedOrigins = nil, []string{"https://app.example"} },
	} {
		w.client("web", edit)
		res := b.get("/authorize", authorizeParams("response_mode", "web_message", "prompt", "none"))
		require.Equal(t, http.StatusForbidden, res.StatusCode, name)
		require.NotContains(t, res.body, "postMessage", name)
		require.Equal(t, "DENY", res.Header.Get("X-Frame-Options"), name)
	}
}

// Claims that are asked for by name (OIDC Core §5.5): where they were asked to be, and no others.
func TestClaimsByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	code := b.logIn(authorizeParams("scope", "openid", "claims", `{"id_token":{"email":{"essential":true},"auth_time":null,"iss":null},"userinfo":{"name":null,"secret":null}}`)).Query().Get("code")
	got := b.exchange(code).json(t)
	id := requireRS256(t, publicKey(w), got["id_token"].(string))
	require.Equal(t, "ada@example.com", id["email"])
	require.NotEmpty(t, id["auth_time"])
	require.NotContains(t, id, "name")
	require.Equal(t, w.acme.Issuer(), id["iss"])
	info := b.userinfo(got["access_token"].(string)).json(t)
	require.Equal(t, map[string]any{"sub": adaID, "name": "Ada Lovelace"}, info)
}

// Where the tenant says so, each answer names its issuer (RFC 9207 §2), so that a client of several is not mixed up.
func TestIssuerInResponses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	require.Empty(t, b.logIn(authorizeParams()).Query().Get("iss"))
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{IssuerInResponses: true} })
	require.Equal(t, w.acme.Issuer(), b.get("/authorize", authorizeParams()).location(t).Query().Get("iss"))
	require.Equal(t, w.acme.Issuer(), b.get("/authorize", authorizeParams("response_type", "x")).location(t).Query().Get("iss"), "and errors, too")
}

func TestContextClasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	require.Equal(t, "/u/login", b.get("/authorize", authorizeParams("acr_values", "urn:any")).location(t).Path, "a wish")
	w.config.Change(func(c *tokentest.Configuration) {
		c.Settings[w.acme.ID] = &token.Settings{ACRValues: []string{"urn:one"}}
	})
	require.Equal(t, "/u/login", b.get("/authorize", authorizeParams("acr_values", "urn:one")).location(t).Path)
	requireCallbackError(t, b.get("/authorize", authorizeParams("acr_values", "urn:one urn:any")).location(t), "invalid_request", "Unsupported acr_values: urn:any")
}

func TestOpenRedirectProtection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.client("web", func(c *token.Client) { c.FirstParty, c.OpenRedirectProtection = false, true })
	res := w.browser().get("/authorize", authorizeParams("response_type", "x"))
	require.Equal(t, http.StatusBadRequest, res.StatusCode, "RFC 9700 §4.11.2: nobody is sent on unseen")
	require.Empty(t, res.Header.Get("Location"))
	require.Contains(t, res.body, "Unsupported response type")
	silent := w.browser().get("/authorize", authorizeParams("prompt", "none")).location(t)
	requireCallbackError(t, silent, "login_required", "Login required")
}
