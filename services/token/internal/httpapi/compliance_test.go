package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

var profiles = []token.Compliance{token.FAPI1ByKey, token.FAPI1ByCertificate, token.FAPI2ByKey, token.FAPI2ByCertificate}

func TestCompliance_a_login_that_keeps_to_it(t *testing.T) {
	t.Parallel()
	for _, profile := range profiles {
		t.Run(string(profile), func(t *testing.T) {
			t.Parallel()
			w := newCompliant(t, profile)
			got := w.answered(w.request())
			if profile.Advanced() {
				id := decodeSegment(t, got.Get("id_token"), 1)
				require.Equal(t, "PS256", decodeSegment(t, got.Get("id_token"), 0)["alg"])
				require.Equal(t, halfHash("st-1"), id["s_hash"], "FAPI 1.0 Advanced §5.2.2.1")
				require.Equal(t, halfHash(got.Get("code")), id["c_hash"])
				require.Empty(t, got.Get("iss"))
			} else {
				require.Equal(t, w.acme.Issuer(), got.Get("iss"), "FAPI 2.0 §5.3.2.2")
			}
			res := w.redeem(got.Get("code"))
			require.Equal(t, http.StatusOK, res.StatusCode, res.body)
			require.Equal(t, map[string]any{"x5t#S256": w.shows.thumbprint()}, cnf(t, res))
			require.Equal(t, "PS256", decodeSegment(t, res.json(t)["id_token"].(string), 0)["alg"])
			require.EqualValues(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Unix(), decodeSegment(t, res.json(t)["id_token"].(string), 1)["updated_at"], "OIDC Core §5.1")

			first, _ := res.json(t)["refresh_token"].(string)
			again := w.post("/oauth/token", refreshForm(first))
			require.Equal(t, http.StatusOK, again.StatusCode, again.body)
			require.Equal(t, map[string]any{"x5t#S256": w.shows.thumbprint()}, cnf(t, again))
			next, rotated := again.json(t)["refresh_token"]
			require.Equal(t, profile.Advanced(), rotated, "FAPI 2.0 §5.3.2.1 rotates none: %v", next)

			machine := w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "audience": {apiAudience}})
			require.Equal(t, map[string]any{"x5t#S256": w.shows.thumbprint()}, cnf(t, machine))
			w.interacts(t, res)
		})
	}
}

// interacts asks /userinfo, and looks for the name of the call.
func (w *compliant) interacts(t *testing.T, res answer) {
	t.Helper()
	const name = "X-Fapi-Interaction-Id"
	for sent, back := range map[string]string{"93bac548-d2de-4546-b106-880a5018460d": "93bac548-d2de-4546-b106-880a5018460d", "": "", "x\ty": ""} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/userinfo", nil)
		req.Header.Set("Authorization", "Bearer "+accessToken(t, res))
		req.Header.Set(name, sent)
		got := w.showing(w.shows).do(req)
		require.Equal(t, http.StatusOK, got.StatusCode, got.body)
		require.IsType(t, float64(0), got.json(t)["updated_at"])
		switch told := got.Header.Get(name); {
		case !w.profile.Advanced():
			require.Empty(t, told)
		case back != "":
			require.Equal(t, back, told)
		default:
			require.Len(t, told, 36, "FAPI 1.0 Baseline §6.2.1, 11")
		}
	}
}

func TestCompliance_authorization_requests(t *testing.T) {
	t.Parallel()
	const by = " by the configured compliance level"
	for _, profile := range profiles {
		t.Run(string(profile), func(t *testing.T) {
			t.Parallel()
			w := newCompliant(t, profile)
			requireCallbackError(t, w.browser().get("/authorize", authorizeParams()).location(t), "invalid_request", "Pushed Authorization Requests are required"+by)
			kind := "code"
			if profile.Advanced() {
				kind = "code id_token"
				requireOAuth(t, w.post("/oauth/par", authorizeParams("response_type", kind)), 400, "invalid_request", "Signed request objects are required"+by)
			}
			for _, other := range []string{"code", "code id_token", "id_token", "token", "code token", "code id_token token"} {
				if other != kind {
					requireOAuth(t, w.post("/oauth/par", w.request("response_type", other)), 400, "invalid_request", "The response type "+kind+" is required"+by)
				}
			}
			for _, more := range [][]string{{"code_challenge", "", "code_challenge_method", ""}, {"code_challenge_method", "plain"}, {"code_challenge_method", ""}} {
				requireOAuth(t, w.post("/oauth/par", w.request(more...)), 400, "invalid_request", "A code_challenge by S256 is required"+by)
			}
			requireOAuth(t, w.post("/oauth/par", w.request("redirect_uri", "")), 400, "invalid_request", "Missing required parameter: redirect_uri")
			w.client("web", func(c *token.Client) { c.Callbacks = []string{callback, "http://app.example/cb"} })
			requireOAuth(t, w.post("/oauth/par", w.request("redirect_uri", "http://app.example/cb")), 400, "invalid_request", "A redirect_uri by https is required"+by)
			require.Equal(t, "fpar", w.lastFact(w.store).Type)
		})
	}
}

func TestCompliance_request_objects_FAPI1_Advanced_5_2_2(t *testing.T) {
	t.Parallel()
	w := newCompliant(t, token.FAPI1ByKey)
	now := w.clock.Now().Unix()
	params := authorizeParams("response_type", "code id_token")
	for name, form := range map[string]url.Values{
		"without_nbf":                w.inObject(jose.PS256, params, "nbf", nil),
		"with_an_old_nbf":            w.inObject(jose.PS256, params, "nbf", now-3601, "exp", now+60),
		"with_an_exp_too_far_off":    w.inObject(jose.PS256, params, "nbf", now-60, "exp", now+3541),
		"without_exp":                w.inObject(jose.PS256, params, "exp", nil),
		"signed_by_RS256":            w.inObject(jose.RS256, params),
		"with_an_nbf_that_is_a_text": w.inObject(jose.PS256, params, "nbf", "now"),
	} {
		res := w.post("/oauth/par", form)
		require.Equal(t, 400, res.StatusCode, name)
		require.Equal(t, "invalid_request_object", res.json(t)["error"], name)
	}
	w.pushed(w.inObject(jose.PS256, params, "nbf", now-3600, "exp", now))
	w.client("web", func(c *token.Client) {
		c.Credentials = slices.Clone(c.Credentials)
		c.Credentials[1].Alg = "RS256"
	})
	requireOAuth(t, w.post("/oauth/par", edit(w.inObject(jose.RS256, params), []string{"redirect_uri", callback, "response_type", "code id_token"})), 400, "invalid_request", "Signed request objects are required by the configured compliance level")
}

func TestCompliance_client_authentication(t *testing.T) {
	t.Parallel()
	machine := func() url.Values { return url.Values{"grant_type": {"client_credentials"}, "audience": {apiAudience}} }
	for _, profile := range profiles {
		t.Run(string(profile), func(t *testing.T) {
			t.Parallel()
			w := newCompliant(t, profile)
			b := w.showing(w.shows)
			named := edit(machine(), []string{"client_id", "web"})
			requireNobody(t, b.post("/oauth/token", edit(machine(), []string{"client_id", "web", "client_secret", "web-secret-0123456789"})), "a secret")
			if w.byKey() {
				requireNobody(t, b.post("/oauth/token", named), "a certificate")
				two := b.post("/oauth/token", w.asserting(machine(), "aud", []string{w.acme.Issuer(), "https://other.example/"}))
				endpoint := b.post("/oauth/token", w.asserting(machine(), "aud", w.acme.Issuer()+"oauth/token"))
				require.Equal(t, profile == token.FAPI1ByKey, two.StatusCode == http.StatusOK, "FAPI 2.0 §5.3.2.1: %s", two.body)
				require.Equal(t, profile == token.FAPI1ByKey, endpoint.StatusCode == http.StatusOK, endpoint.body)
				w.client("web", func(c *token.Client) {
					c.Credentials = slices.Clone(c.Credentials)
					c.Credentials[0].Alg = "RS256"
				})
				weak := w.assertionOf("iss", "web", "sub", "web", "jti", "weak")
				requireNobody(t, b.asserted(signed(t, tokentest.SharedSigner(t, 4).Private, jose.RS256, "k1", weak)), "RS256 (FAPI 1.0 Advanced §8.6, FAPI 2.0 §5.4.1)")
			}
			w.client("web", func(c *token.Client) { c.AuthMethods, c.AuthMethod = nil, oauth.AuthNone })
			requireNobody(t, b.post("/oauth/token", named), "a public client")
			w.client("web", func(c *token.Client) { c.AuthMethod = oauth.AuthPost })
			requireNobody(t, b.post("/oauth/token", edit(machine(), []string{"client_id", "web", "client_secret", "web-secret-0123456789"})), "a secret alone")
			for _, path := range []string{"/oauth/par", "/oauth/revoke", "/oauth/device/code"} {
				requireNobody(t, b.post(path, edit(authorizeParams("token", "x"), []string{"client_secret", "web-secret-0123456789"})), path)
			}
		})
	}
}

func TestCompliance_tokens_are_bound_to_certificates(t *testing.T) {
	t.Parallel()
	const must = "Proof of possession by mutual TLS is required by the configured compliance level"
	for _, profile := range []token.Compliance{token.FAPI1ByKey, token.FAPI2ByKey} {
		w := newCompliant(t, profile)
		machine := func() url.Values {
			return w.asserting(url.Values{"grant_type": {"client_credentials"}, "audience": {apiAudience}})
		}
		requireOAuth(t, w.browser().post("/oauth/token", machine()), 400, "invalid_request", must)
		requireOAuth(t, w.browser().proving("/oauth/token", machine(), w.holder().proof()), 400, "invalid_request", must)
		code := w.answered(w.request()).Get("code")
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
		requireOAuth(t, w.browser().post("/oauth/token", w.asserting(form)), 400, "invalid_request", must)
		res := w.redeem(code)
		require.Equal(t, http.StatusOK, res.StatusCode, "the refusal used nothing up: %s", res.body)
		refresh, _ := res.json(t)["refresh_token"].(string)
		requireOAuth(t, w.browser().post("/oauth/token", w.asserting(refreshForm(refresh))), 400, "invalid_request", must)
		requireOAuth(t, w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "audience": {w.acme.ManagementAudience()}}), 400, "invalid_request", must)
		w.api(func(rs *token.ResourceServer) { rs.Proof = token.Proof{Mechanism: "dpop"} })
		requireOAuth(t, w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "audience": {apiAudience}}), 400, "invalid_request", must)
	}
}
