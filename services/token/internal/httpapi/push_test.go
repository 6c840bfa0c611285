package httpapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// pushing opens acme's endpoint for pushed requests.
func (w *world) pushing() {
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{PushedRequests: true} })
}

// push leaves a request of the web client.
func (b *agent) push(params url.Values, more ...string) answer {
	b.w.t.Helper()
	form := url.Values{"client_secret": {"web-secret-0123456789"}}
	maps.Copy(form, params)
	return b.post("/oauth/par", edit(form, more))
}

func byURI(uri string, more ...string) url.Values {
	return edit(url.Values{"client_id": {"web"}, "request_uri": {uri}}, more)
}

func TestPush(t *testing.T) {
	t.Parallel()
	t.Run("stands_for_its_request_once_RFC9126_2_2_7_3", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.pushing()
		b := w.browser()
		res := b.push(authorizeParams("state", "pushed"))
		require.Equal(t, http.StatusCreated, res.StatusCode, res.body)
		require.EqualValues(t, 30, res.json(t)["expires_in"])
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
		uri, _ := res.json(t)["request_uri"].(string)
		require.True(t, strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:"))
		to := b.logIn(byURI(uri, "redirect_uri", "https://evil.example", "scope", "openid read:x", "state", "forged"))
		require.Equal(t, "pushed", to.Query().Get("state"), "what is beside it does not count (RFC 9126 §4)")
		require.Equal(t, http.StatusOK, b.exchange(to.Query().Get("code")).StatusCode)
		again := b.get("/authorize", byURI(uri))
		require.Equal(t, http.StatusBadRequest, again.StatusCode)
		require.Contains(t, again.body, "invalid_request_uri")
	})

	t.Run("of_its_own_client_tenant_and_time_alone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.pushing()
		b := w.browser()
		uriOf := func() string { return b.push(authorizeParams()).json(t)["request_uri"].(string) }
		require.Equal(t, http.StatusBadRequest, b.get("/authorize", byURI(uriOf(), "client_id", "second")).StatusCode)
		stranger := w.browser()
		stranger.tenant = w.bolt
		uri := uriOf()
		require.Equal(t, http.StatusBadRequest, stranger.get("/authorize", byURI(uri)).StatusCode)
		w.clock.Advance(29 * time.Second)
		require.Equal(t, "/u/login", b.get("/authorize", byURI(uri)).location(t).Path, "a stranger's try uses nothing up")
		uri = uriOf()
		w.clock.Advance(30 * time.Second)
		require.Equal(t, http.StatusBadRequest, b.get("/authorize", byURI(uri)).StatusCode)
		w.client("web", func(c *token.Client) { c.PARLifetime = time.Minute })
		require.EqualValues(t, 60, b.push(authorizeParams()).json(t)["expires_in"])
	})

	t.Run("a_client_that_must", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.pushing()
		w.client("web", func(c *token.Client) { c.Demands = []token.Demand{token.DemandPAR} })
		b := w.browser()
		requireCallbackError(t, b.get("/authorize", authorizeParams()).location(t), "invalid_request", "Pushed Authorization Requests are required for the client")
		uri := b.push(authorizeParams()).json(t)["request_uri"].(string)
		require.NotEmpty(t, b.logIn(byURI(uri)).Query().Get("code"))
	})

	t.Run("refusals_RFC9126_2_3", func(t *testing.T) {
		t.Parallel()
		var long []string
		for i := range 10 {
			long = append(long, fmt.Sprint("ext-", i), strings.Repeat("x", 4<<10))
		}
		for name, c := range map[string]struct {
			more           []string
			status         int
			code, sentence string
		}{
			"a_wrong_secret":          {[]string{"client_secret", "wrong"}, 401, "invalid_client", "Client authentication failed"},
			"no_client":               {[]string{"client_id", ""}, 400, "invalid_request", "Missing required parameter: client_id"},
			"a_request_uri":           {[]string{"request_uri", "urn:x"}, 400, "invalid_request", "request_uri must not be pushed"},
			"a_callback_that_is_none": {[]string{"redirect_uri", "https://evil.example/cb"}, 400, "invalid_request", "Callback URL mismatch. https://evil.example/cb is not in the list of allowed callback URLs"},
			"no_callback":             {[]string{"redirect_uri", ""}, 400, "invalid_request", "Missing required parameter: redirect_uri"},
			"no_response_type":        {[]string{"response_type", ""}, 400, "invalid_request", "Missing required parameter: response_type"},
			"a_long_one":              {long, 400, "invalid_request", "The request is too long"},
		} {
			w := newWorld(t)
			w.pushing()
			requireOAuth(t, w.browser().push(authorizeParams(c.more...), c.more...), c.status, c.code, c.sentence)
			require.Equal(t, []string{"fpar"}, w.facts(w.store), name)
		}
		w := newWorld(t)
		requireOAuth(t, w.browser().push(authorizeParams()), http.StatusNotFound, "endpoint_disabled", "Pushed authorization requests are disabled for the tenant")
		w.pushing()
		requireOAuth(t, w.browser().get("/oauth/par", authorizeParams()), http.StatusMethodNotAllowed, "method_not_allowed", "Method Not Allowed") // RFC 9126 §2
	})
}

// objecting gives the web client a key to sign its requests with.
func (w *world) objecting() *tokentest.Signer {
	signer := tokentest.SharedSigner(w.t, 4)
	w.client("web", func(c *token.Client) {
		c.Credentials = []token.Credential{{ID: "cred_1", Method: token.MethodRequestObject, KeyID: "k1", Alg: "RS256", Public: &signer.Private.PublicKey}}
	})
	return signer
}

func (w *world) object(more ...any) map[string]any {
	claims := w.assertionOf("sub", nil, "iss", "web", "client_id", "web", "max_age", 600)
	for name, values := range authorizeParams("state", "signed") {
		claims[name] = values[0]
	}
	for pair := range slices.Chunk(more, 2) {
		name, _ := pair[0].(string)
		claims[name] = pair[1]
		if pair[1] == nil {
			delete(claims, name)
		}
	}
	return claims
}

func TestRequestObject(t *testing.T) {
	t.Parallel()
	t.Run("counts_alone_RFC9101_5", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		key := w.objecting().Private
		w.client("web", func(c *token.Client) { c.Demands = []token.Demand{token.DemandRequestObject} })
		b := w.browser()
		requireCallbackError(t, b.get("/authorize", authorizeParams()).location(t), "invalid_request", "A signed request object is required for the client")
		raw := signed(t, key, jose.RS256, "k1", w.object("claims", map[string]any{"id_token": map[string]any{"phone_number": nil}}))
		to := b.logIn(url.Values{"client_id": {"web"}, "request": {raw}, "state": {"forged"}, "scope": {"openid read:x"}})
		require.Equal(t, "signed", to.Query().Get("state"))
		id := requireRS256(t, publicKey(w), b.exchange(to.Query().Get("code")).json(t)["id_token"].(string))
		require.Contains(t, id, "auth_time", "numbers count as they are")
		require.Equal(t, "+4412345", id["phone_number"])
	})

	t.Run("may_be_pushed_RFC9126_3", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.pushing()
		raw := signed(t, w.objecting().Private, jose.RS256, "k1", w.object())
		b := w.browser()
		res := b.push(url.Values{"client_id": {"web"}, "request": {raw}})
		require.Equal(t, http.StatusCreated, res.StatusCode, res.body)
		require.Equal(t, "signed", b.logIn(byURI(res.json(t)["request_uri"].(string))).Query().Get("state"))
	})

	t.Run("refusals", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		key, other := w.objecting().Private, tokentest.SharedSigner(t, 5).Private
		now := w.clock.Now().Unix()
		none := func(claims map[string]any) string { return forge(t, map[string]any{"alg": "none"}, claims, nil) }
		for name, raw := range map[string]string{
			"alg_none_RFC9101_10_1":           none(w.object()),
			"another_key":                     signed(t, other, jose.RS256, "k1", w.object()),
			"an_algorithm_that_is_not_its":    signed(t, key, jose.PS256, "k1", w.object()),
			"another_kid":                     signed(t, key, jose.RS256, "k2", w.object()),
			"of_another_client":               signed(t, key, jose.RS256, "k1", w.object("client_id", "second", "iss", "second")),
			"without_an_issuer":               signed(t, key, jose.RS256, "k1", w.object("iss", nil)),
			"for_another_issuer":              signed(t, key, jose.RS256, "k1", w.object("aud", w.bolt.Issuer())),
			"expired":                         signed(t, key, jose.RS256, "k1", w.object("exp", now-60)),
			"never_expiring":                  signed(t, key, jose.RS256, "k1", w.object("exp", nil)),
			"from_the_future":                 signed(t, key, jose.RS256, "k1", w.object("nbf", now+600)),
			"a_client_assertion_RFC9101_10_8": signed(t, key, jose.RS256, "k1", w.object("sub", "web")),
			"a_request_inside_RFC9101_4":      signed(t, key, jose.RS256, "k1", w.object("request", "x")),
			"a_request_uri_inside":            signed(t, key, jose.RS256, "k1", w.object("request_uri", "urn:x")),
			"no_jwt":                          "x.y.z",
			"too_long":                        strings.Repeat("x", 20<<10),
		} {
			res := w.browser().get("/authorize", url.Values{"client_id": {"web"}, "request": {raw}, "redirect_uri": {callback}, "response_type": {"code"}})
			require.Equal(t, http.StatusBadRequest, res.StatusCode, name)
			require.Contains(t, res.body, "invalid_request_object", name)
		}
		w.clock.Advance(time.Minute)
		w.client("web", func(c *token.Client) { c.Credentials[0].Expires = w.clock.Now() })
		fresh := signed(t, key, jose.RS256, "k1", w.object("exp", now+600))
		requireCallbackError(t, w.browser().get("/authorize", edit(authorizeParams(), []string{"request", fresh})).location(t), "request_not_supported", "Request objects are not supported")
	})
}
