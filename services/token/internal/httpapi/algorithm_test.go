package httpapi_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// verified checks a token with the published keys, as any verifier would, by exactly the algorithm.
func (w *world) verified(raw, alg string) map[string]any {
	w.t.Helper()
	var set jose.JSONWebKeySet
	require.NoError(w.t, json.Unmarshal([]byte(w.browser().get("/.well-known/jwks.json", nil).body), &set))
	sig, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	require.NoError(w.t, err)
	keys := set.Key(sig.Signatures[0].Protected.KeyID)
	require.Len(w.t, keys, 1)
	require.Equal(w.t, alg, keys[0].Algorithm)
	payload, err := sig.Verify(keys[0])
	require.NoError(w.t, err)
	var claims map[string]any
	require.NoError(w.t, json.Unmarshal(payload, &claims))
	return claims
}

func (w *world) api(edit func(*token.ResourceServer)) {
	w.config.Change(func(c *tokentest.Configuration) {
		key := tokentest.Key{Tenant: w.acme.ID, ID: apiAudience}
		changed := *c.ResourceServers[key]
		edit(&changed)
		c.ResourceServers[key] = &changed
	})
}

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "RS512", "PS256", "ES256"} {
		t.Run("access_token_by_"+alg, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.api(func(r *token.ResourceServer) { r.SigningAlg = alg })
			raw, _ := w.browser().machine().json(t)["access_token"].(string)
			require.Equal(t, apiAudience, w.verified(raw, alg)["aud"])
		})
	}
	for _, alg := range []string{"RS256", "RS512", "PS256"} {
		t.Run("id_token_by_"+alg, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.client("web", func(c *token.Client) { c.IDTokenAlg = alg })
			b := w.browser()
			raw, _ := b.exchange(b.logIn(authorizeParams()).Query().Get("code")).json(t)["id_token"].(string)
			require.Equal(t, adaID, w.verified(raw, alg)["sub"])
		})
	}
	t.Run("a_tenant_without_the_key_gets_no_weaker_one", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		require.NoError(t, w.store.RemoveTenant(t.Context(), w.acme.ID))
		_, err := w.store.PublishKeys(t.Context(), w.acme.ID, []token.SigningKey{w.signer.Key(t, "acme-current", 1, token.KeyCurrent)}, token.Fact{Tenant: w.acme.ID})
		require.NoError(t, err)
		w.api(func(r *token.ResourceServer) { r.SigningAlg = "ES256" })
		require.Equal(t, http.StatusServiceUnavailable, w.browser().machine().StatusCode)
	})
}

func TestTokenDialects(t *testing.T) {
	t.Parallel()
	for dialect, c := range map[string]struct {
		typ         string
		permissions any
	}{
		"access_token":          {"JWT", nil},
		"access_token_authz":    {"JWT", []any{"read:x", "write:x"}},
		"rfc9068_profile":       {"at+jwt", nil},
		"rfc9068_profile_authz": {"at+jwt", []any{"read:x", "write:x"}},
	} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.api(func(r *token.ResourceServer) { r.Dialect, r.EnforcePolicies = dialect, true })
			raw, _ := w.browser().machine().json(t)["access_token"].(string)
			claims := w.verified(raw, "RS256")
			require.Equal(t, c.typ, decodeSegment(t, raw, 0)["typ"])
			require.Equal(t, c.permissions, claims["permissions"])
			if c.typ == "JWT" {
				require.Equal(t, "machine", claims["azp"])
				require.Equal(t, "client-credentials", claims["gty"])
				return
			}
			require.Equal(t, "machine", claims["client_id"], "RFC 9068 §2.2")
			require.NotEmpty(t, claims["jti"], "RFC 9068 §2.2")
			require.NotContains(t, claims, "azp")
		})
	}
}

func TestTokenDialects_open_userinfo(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"access_token", "rfc9068_profile"} {
		for _, alg := range []string{"RS256", "PS256", "ES256"} {
			w := newWorld(t)
			w.api(func(r *token.ResourceServer) { r.Dialect, r.SigningAlg = dialect, alg })
			b := w.browser()
			raw, _ := b.exchange(b.logIn(authorizeParams("audience", apiAudience)).Query().Get("code")).json(t)["access_token"].(string)
			require.Equal(t, http.StatusOK, b.userinfo(raw).StatusCode, "%s by %s", dialect, alg)
		}
	}
}

func TestSubjectTypeAuthorization(t *testing.T) {
	t.Parallel()
	login := func(w *world) (scope string, err string) {
		b := w.browser()
		start := b.get("/authorize", authorizeParams("audience", apiAudience, "scope", "openid read:x write:x"))
		if to := start.location(t); to.Query().Get("error") != "" {
			return "", to.Query().Get("error_description")
		}
		b = w.browser()
		code := b.logIn(authorizeParams("audience", apiAudience, "scope", "openid read:x write:x")).Query().Get("code")
		scope, _ = b.exchange(code).json(t)["scope"].(string)
		return scope, ""
	}
	refused := `Client "web" is not authorized to access resource server "https://api.example/".`

	t.Run("all_may_ask_for_users", func(t *testing.T) {
		t.Parallel()
		scope, err := login(newWorld(t))
		require.Empty(t, err)
		require.Equal(t, "openid read:x write:x", scope)
	})
	t.Run("none_may", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.api(func(r *token.ResourceServer) { r.UserPolicy = token.AccessDeny })
		_, err := login(w)
		require.Equal(t, refused, err)
		require.Equal(t, http.StatusOK, w.browser().machine().StatusCode, "clients for themselves are another matter")
	})
	t.Run("those_with_a_grant_may_and_get_what_it_says", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.api(func(r *token.ResourceServer) { r.UserPolicy = token.AccessGrant })
		_, err := login(w)
		require.Equal(t, refused, err)
		w.config.Change(func(c *tokentest.Configuration) {
			c.UserGrants[tokentest.Key{Tenant: w.acme.ID, ID: "web " + apiAudience}] = &token.ClientGrant{ClientID: "web", Audience: apiAudience, Scope: []string{"read:x"}}
		})
		scope, err := login(w)
		require.Empty(t, err)
		require.Equal(t, "openid read:x", scope)
	})
	t.Run("a_grant_taken_back_ends_the_session's_use", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		b.logIn(authorizeParams("audience", apiAudience))
		w.api(func(r *token.ResourceServer) { r.UserPolicy = token.AccessGrant })
		to := b.get("/authorize", authorizeParams("audience", apiAudience, "prompt", "none")).location(t)
		requireCallbackError(t, to, "access_denied", refused)
	})
}

func TestDemandsThatNothingMeets(t *testing.T) {
	t.Parallel()
	for demand, sentence := range map[token.Demand]string{
		token.DemandPAR:           "Pushed Authorization Requests are required for the client",
		token.DemandRequestObject: "A signed request object is required for the client",
	} {
		w := newWorld(t)
		w.client("web", func(c *token.Client) { c.Demands = []token.Demand{demand} })
		requireCallbackError(t, w.browser().get("/authorize", authorizeParams()).location(t), "invalid_request", sentence)
	}
	w := newWorld(t)
	w.client("web", func(c *token.Client) { c.OrganizationUsage = "require" })
	requireCallbackError(t, w.browser().get("/authorize", authorizeParams()).location(t), "invalid_request", "parameter organization is required for this client")
}

func TestTrustedIPHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	send := func(header string) string {
		req := newForm(t, "grant_type=client_credentials&client_id=machine&client_secret=machine-secret&audience="+apiAudience)
		req.Header.Set("Auth0-Forwarded-For", header)
		res := w.browser().do(req)
		require.Equal(t, http.StatusOK, res.StatusCode, res.body)
		return w.lastFact(w.queue).Origin.IP
	}
	require.Equal(t, "203.0.113.7", send("198.51.100.1"), "anybody can send a header")
	w.client("machine", func(c *token.Client) { c.IPHeaderTrusted = true })
	require.Equal(t, "198.51.100.1", send("198.51.100.1"))
	require.Equal(t, "2001:db8::1", send("2001:db8::1"))
	require.Equal(t, "203.0.113.7", send("no address"))
}

func TestClientsThatCallThemselvesByURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "https://app.example/client.json"
	w.config.Change(func(c *tokentest.Configuration) {
		self := *c.Clients[tokentest.Key{Tenant: w.acme.ID, ID: "web"}]
		self.ExternalID, self.AuthMethod = name, oauth.AuthNone
		c.Clients[tokentest.Key{Tenant: w.acme.ID, ID: name}] = &self
	})
	b := w.browser()
	code := b.logIn(authorizeParams("client_id", name, "audience", apiAudience)).Query().Get("code")
	got := b.exchange(code, "client_id", name, "client_secret", "").json(t)
	access, _ := got["access_token"].(string)
	id, _ := got["id_token"].(string)
	require.Equal(t, name, decodeSegment(t, access, 1)["azp"])
	require.Equal(t, name, decodeSegment(t, id, 1)["aud"])
}
