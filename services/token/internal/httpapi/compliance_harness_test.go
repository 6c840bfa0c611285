package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// compliant is acme's web client, set up for a profile.
type compliant struct {
	*world
	profile token.Compliance
	shows   *badge
	jti     int
}

func newCompliant(t *testing.T, profile token.Compliance) *compliant {
	t.Helper()
	w := &compliant{world: newWorld(t), profile: profile}
	w.takesCertificates(w.acme)
	w.shows = w.issued(nil, app)
	key := &tokentest.SharedSigner(t, 4).Private.PublicKey
	w.client("web", func(c *token.Client) {
		c.Compliance, c.IDTokenAlg, c.Callbacks = profile, token.AlgPS256, []string{callback}
		c.GrantTypes = append(c.GrantTypes, oauth.GrantImplicit, oauth.GrantRefreshToken, oauth.GrantClientCredentials)
		c.Refresh = token.RefreshPolicy{Rotating: true}
		if w.byKey() {
			c.AuthMethod, c.AuthMethods = "", []string{oauth.AuthPrivateKeyJWT}
			c.Credentials = []token.Credential{{ID: "cred_1", Method: oauth.AuthPrivateKeyJWT, KeyID: "k1", Alg: "PS256", Public: key}}
		} else {
			bySelf(w.shows)(c)
		}
		c.Credentials = append(c.Credentials, token.Credential{ID: "cred_2", Method: token.MethodRequestObject, KeyID: "k1", Alg: "PS256", Public: key})
	})
	w.config.Change(func(c *tokentest.Configuration) {
		c.Grants[tokentest.Key{Tenant: w.acme.ID, ID: "web " + apiAudience}] = &token.ClientGrant{ClientID: "web", Audience: apiAudience, Scope: []string{"read:x"}}
	})
	w.api(func(rs *token.ResourceServer) { rs.OfflineAccess = true })
	return w
}

func (w *compliant) byKey() bool {
	return w.profile == token.FAPI1ByKey || w.profile == token.FAPI2ByKey
}

// asserting adds how the client proves itself to a form; more edits the claims of its assertion.
func (w *compliant) asserting(form url.Values, more ...any) url.Values {
	w.jti++
	form.Set("client_id", "web")
	form.Del("client_secret")
	if w.byKey() {
		claims := w.assertionOf(append([]any{"iss", "web", "sub", "web", "jti", fmt.Sprint("j", w.jti)}, more...)...)
		form.Set("client_assertion_type", oauth.AssertionJWT)
		form.Set("client_assertion", signed(w.t, tokentest.SharedSigner(w.t, 4).Private, jose.PS256, "k1", claims))
	}
	return form
}

// post calls an endpoint as the client.
func (w *compliant) post(path string, form url.Values) answer {
	w.t.Helper()
	return w.showing(w.shows).post(path, w.asserting(form))
}

// request gives an authorization request as the profile wants it; more edits its parameters.
func (w *compliant) request(more ...string) url.Values {
	w.t.Helper()
	base := []string{"audience", apiAudience, "scope", "openid profile read:x offline_access"}
	if !w.profile.Advanced() {
		return authorizeParams(append(base, more...)...)
	}
	params := authorizeParams(append(append(base, "response_type", "code id_token"), more...)...)
	return w.inObject(jose.PS256, params)
}

// inObject signs a request; more edits the claims.
func (w *compliant) inObject(alg jose.SignatureAlgorithm, params url.Values, more ...any) url.Values {
	now := w.clock.Now().Unix()
	claims := map[string]any{"iss": "web", "aud": w.acme.Issuer(), "nbf": now, "exp": now + 300}
	for name, values := range params {
		claims[name] = values[0]
	}
	for pair := range slices.Chunk(more, 2) {
		name, _ := pair[0].(string)
		claims[name] = pair[1]
		if pair[1] == nil {
			delete(claims, name)
		}
	}
	return url.Values{"client_id": {"web"}, "request": {signed(w.t, tokentest.SharedSigner(w.t, 4).Private, alg, "k1", claims)}}
}

func (w *compliant) pushed(params url.Values) string {
	w.t.Helper()
	res := w.post("/oauth/par", params)
	require.Equal(w.t, http.StatusCreated, res.StatusCode, res.body)
	uri, _ := res.json(w.t)["request_uri"].(string)
	return uri
}

// answered walks from a pushed request to what the callback gets.
func (w *compliant) answered(params url.Values) url.Values {
	w.t.Helper()
	to := w.browser().logIn(byURI(w.pushed(params)))
	if w.profile.Advanced() {
		return fragmentOf(w.t, to)
	}
	return to.Query()
}

func (w *compliant) redeem(code string) answer {
	w.t.Helper()
	return w.post("/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}})
}
