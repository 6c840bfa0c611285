package httpapi_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
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

// withKey makes the machine client prove the key of a signer.
func (w *world) withKey(alg string) *tokentest.Signer {
	signer := tokentest.SharedSigner(w.t, 4)
	w.client("machine", func(c *token.Client) {
		c.AuthMethod, c.AuthMethods = "", []string{oauth.AuthPrivateKeyJWT}
		c.Credentials = []token.Credential{{ID: "cred_1", Method: oauth.AuthPrivateKeyJWT, KeyID: "k1", Alg: alg, Public: &signer.Private.PublicKey}}
	})
	return signer
}

// assertionOf gives what a client would say of itself; more sets claims, given as name and value in turn, a nil value takes one out.
func (w *world) assertionOf(more ...any) map[string]any {
	now := w.clock.Now().Unix()
	claims := map[string]any{"iss": "machine", "sub": "machine", "aud": w.acme.Issuer(), "jti": "j1", "iat": now, "exp": now + 60}
	for pair := range slices.Chunk(more, 2) {
		name, _ := pair[0].(string)
		claims[name] = pair[1]
		if pair[1] == nil {
			delete(claims, name)
		}
	}
	return claims
}

func signed(t *testing.T, key any, alg jose.SignatureAlgorithm, kid string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	require.NoError(t, err)
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	sig, err := signer.Sign(payload)
	require.NoError(t, err)
	raw, err := sig.CompactSerialize()
	require.NoError(t, err)
	return raw
}

func (b *agent) asserted(raw string, more ...string) answer {
	b.w.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {oauth.AssertionJWT}, "client_assertion": {raw}, "audience": {apiAudience}}
	return b.post("/oauth/token", edit(form, more))
}

func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.PS256} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			key := w.withKey(string(alg)).Private
			for name, raw := range map[string]string{
				"by_the_issuer":         signed(t, key, alg, "k1", w.assertionOf("jti", "a")),
				"by_the_token_endpoint": signed(t, key, alg, "k1", w.assertionOf("jti", "b", "aud", []string{w.acme.Issuer() + "oauth/token"})),
				"without_a_kid":         signed(t, key, alg, "", w.assertionOf("jti", "c")),
				"without_iat":           signed(t, key, alg, "k1", w.assertionOf("jti", "d", "iat", nil)),
			} {
				res := w.browser().asserted(raw, "client_id", "machine")
				require.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", name, res.body)
			}
			require.Equal(t, "seccft", w.lastFact(w.queue).Type)
		})
	}
}

func TestPrivateKeyJWT_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.withKey("RS256").Private
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	now := w.clock.Now().Unix()
	right := func(claims map[string]any) string { return signed(t, key, jose.RS256, "k1", claims) }
	plain := right(w.assertionOf("jti", "for parts"))
	parts := strings.Split(plain, ".")
	for name, raw := range map[string]string{
		"another_key":                  signed(t, other, jose.RS256, "k1", w.assertionOf()),
		"another_kid":                  signed(t, key, jose.RS256, "k2", w.assertionOf()),
		"another_algorithm_of_the_key": signed(t, key, jose.PS256, "k1", w.assertionOf()),
		"a_mac_by_the_secret":          signed(t, []byte("machine-secret-that-is-long-enough"), jose.HS256, "k1", w.assertionOf()),
		"alg_none_RFC8725_3_1":         "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"no_signature":                 parts[0] + "." + parts[1] + ".",
		"another_issuer_RFC7523_3":     right(w.assertionOf("iss", "web")),
		"another_audience_RFC7523_3":   right(w.assertionOf("aud", w.bolt.Issuer())),
		"an_audience_that_looks_alike": right(w.assertionOf("aud", w.acme.Issuer()+"evil")),
		"no_audience_RFC7523_3":        right(w.assertionOf("aud", nil)),
		"no_expiry_RFC7523_3":          right(w.assertionOf("exp", nil)),
		"expired_RFC7523_3":            right(w.assertionOf("iat", now-120, "exp", now-31)),
		"a_life_too_long":              right(w.assertionOf("exp", now+301)),
		"a_life_too_long_without_iat":  right(w.assertionOf("iat", nil, "exp", now+331)),
		"issued_in_the_future":         right(w.assertionOf("iat", now+31, "exp", now+60)),
		"not_valid_yet_RFC7523_3":      right(w.assertionOf("nbf", now+31)),
		"no_jti":                       right(w.assertionOf("jti", nil)),
		"a_jti_nobody_would_keep":      right(w.assertionOf("jti", strings.Repeat("j", 256))),
		"times_past_all_dates":         right(w.assertionOf("exp", 1e300)),
		"a_time_that_is_a_text":        right(w.assertionOf("exp", "soon")),
	} {
		require.Equal(t, http.StatusUnauthorized, w.browser().asserted(raw).StatusCode, name)
		requireOAuth(t, w.browser().asserted(raw), 401, "invalid_client", "Client authentication failed")
		require.Equal(t, "feccft", w.lastFact(w.queue).Type, name)
	}

	raw := right(w.assertionOf("jti", "once"))
	require.Equal(t, http.StatusOK, w.browser().asserted(raw).StatusCode)
	requireOAuth(t, w.browser().asserted(raw), 401, "invalid_client", "Client authentication failed") // RFC 7523 §3, rule 7
	requireOAuth(t, w.browser().asserted(right(w.assertionOf("jti", "x")), "client_id", "web"), 401, "invalid_client", "Client authentication failed")
	requireOAuth(t, w.browser().asserted(right(w.assertionOf()), "client_assertion_type", "urn:x"), 400, "invalid_request", "Unsupported client_assertion_type")
	requireOAuth(t, w.browser().asserted("a.b.c"), 400, "invalid_request", "The client_assertion is no JWT with a sub")
	requireOAuth(t, w.browser().asserted(strings.Repeat("a", 16<<10)), 400, "invalid_request", "The client_assertion is no JWT with a sub")
	requireOAuth(t, w.browser().asserted(strings.Repeat("a", 16<<10+1)), 400, "invalid_request", "Parameter too long: client_assertion")
	requireOAuth(t, w.browser().asserted(""), 400, "invalid_request", "Missing required parameter: client_assertion")
	requireOAuth(t, w.browser().machine(), 401, "invalid_client", "Client authentication failed") // its secret is for HS256 alone

	bolt := w.browser()
	bolt.tenant = w.bolt
	requireOAuth(t, bolt.asserted(right(w.assertionOf("aud", w.bolt.Issuer()))), 401, "invalid_client", "Client authentication failed")

	w.client("machine", func(c *token.Client) { c.Credentials[0].Expires = w.clock.Now() })
	requireOAuth(t, w.browser().asserted(right(w.assertionOf("jti", "y"))), 401, "invalid_client", "Client authentication failed")
	w.client("machine", func(c *token.Client) { c.Credentials[0].Expires = w.clock.Now().Add(time.Second) })
	require.Equal(t, http.StatusOK, w.browser().asserted(right(w.assertionOf("jti", "y"))).StatusCode)

	w.client("machine", func(c *token.Client) { c.AuthMethods = []string{"tls_client_auth"} })
	requireOAuth(t, w.browser().asserted(right(w.assertionOf("jti", "z"))), 401, "invalid_client", "Client authentication failed")
}

func TestPrivateKeyJWT_at_PAR(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.pushing()
	signer := tokentest.SharedSigner(t, 4)
	w.client("web", func(c *token.Client) {
		c.AuthMethods = []string{oauth.AuthPrivateKeyJWT}
		c.Credentials = []token.Credential{{ID: "cred_1", Method: oauth.AuthPrivateKeyJWT, KeyID: "k1", Alg: "RS256", Public: &signer.Private.PublicKey}}
	})
	assertion := func(jti, aud string) []string {
		raw := signed(t, signer.Private, jose.RS256, "k1", w.assertionOf("iss", "web", "sub", "web", "aud", aud, "jti", jti))
		return []string{"client_assertion", raw, "client_assertion_type", oauth.AssertionJWT}
	}
	for _, path := range []string{"", "oauth/token", "oauth/par"} { // RFC 9126 §2: MUST accept its issuer, its token endpoint and this endpoint
		res := w.browser().post("/oauth/par", authorizeParams(assertion("par "+path, w.acme.Issuer()+path)...))
		require.Equal(t, http.StatusCreated, res.StatusCode, "%s: %s", path, res.body)
	}
	for _, aud := range []string{w.acme.Issuer() + "oauth/revoke", w.bolt.Issuer() + "oauth/par"} {
		res := w.browser().post("/oauth/par", authorizeParams(assertion(aud, aud)...))
		requireOAuth(t, res, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}
	res := w.browser().post("/oauth/token", edit(form, assertion("token", w.acme.Issuer()+"oauth/par")))
	requireOAuth(t, res, http.StatusUnauthorized, "invalid_client", "Client authentication failed") // it is no audience of other endpoints
}
