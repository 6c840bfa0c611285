package httpapi_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const (
	accessType = "urn:ietf:params:oauth:token-type:access_token"
	downstream = "https://downstream.example/"
	farther    = "https://farther.example/"

	invalidSubject = "Invalid subject_token"
)

// withExchange makes acme's client "middle" stand for the API and allowed to exchange the tokens that it is called with, and "far" stand
// for another API beyond.
func (w *world) withExchange() *agent {
	for id, stands := range map[string]string{"middle": apiAudience, "far": downstream} {
		w.config.Change(func(c *tokentest.Configuration) {
			c.Clients[tokentest.Key{Tenant: w.acme.ID, ID: id}] = &token.Client{
				ID: id, Name: "API of " + stands, Secret: token.Secret(id + "-secret"), AuthMethod: oauth.AuthPost, FirstParty: true, OIDCConformant: true,
				GrantTypes: []oauth.GrantType{oauth.GrantTokenExchange}, Exchanges: []string{token.ExchangeOnBehalfOf}, ResourceServer: stands,
			}
		})
	}
	for _, api := range []string{downstream, farther} {
		w.otherAPI(api, func(rs *token.ResourceServer) { rs.SkipConsent, rs.Scopes = true, []string{"read:d", "write:d"} })
	}
	return w.browser()
}

// subjectToken is what the API is called with: a token that a user's login gave.
func (w *world) subjectToken(more ...string) string {
	w.t.Helper()
	b := w.browser()
	code := b.logIn(authorizeParams(append([]string{"audience", apiAudience, "scope", "openid profile read:x write:x"}, more...)...)).Query().Get("code")
	raw, _ := b.exchange(code).json(w.t)["access_token"].(string)
	require.Contains(w.t, raw, ".")
	return raw
}

func exchangeForm(subject string, more ...string) url.Values {
	return edit(url.Values{
		"grant_type": {string(oauth.GrantTokenExchange)}, "client_id": {"middle"}, "client_secret": {"middle-secret"}, "subject_token": {subject},
		"subject_token_type": {accessType}, "audience": {downstream}, "scope": {"read:d"},
	}, more)
}

func (b *agent) onBehalfOf(subject string, more ...string) answer {
	b.w.t.Helper()
	return b.post("/oauth/token", exchangeForm(subject, more...))
}

func accessToken(t *testing.T, a answer) string {
	t.Helper()
	require.Equal(t, http.StatusOK, a.StatusCode, a.body)
	raw, _ := a.json(t)["access_token"].(string)
	require.NotEmpty(t, raw)
	return raw
}

func TestTokenExchange(t *testing.T) {
	t.Parallel()

	t.Run("a_token_for_the_same_user_at_another_API_RFC8693_2_2_1_4_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		subject := w.subjectToken()
		w.clock.Advance(time.Minute)
		res := b.onBehalfOf(subject, "requested_token_type", accessType)
		raw := accessToken(t, res)
		now := float64(w.clock.Now().Unix())
		require.Equal(t, map[string]any{
			"access_token": raw, "token_type": "Bearer", "issued_token_type": accessType, "expires_in": 86340., "scope": "read:d",
		}, res.json(t), "an access token and nothing else")
		require.Equal(t, map[string]any{
			"iss": w.acme.Issuer(), "sub": adaID, "aud": downstream, "azp": "middle", "scope": "read:d", "iat": now, "exp": now + 86340,
			"act": map[string]any{"sub": "middle"},
		}, requireRS256(t, &w.signer.Private.PublicKey, raw), "it ends with the token it goes back to")

		fact := w.lastFact(w.store)
		require.Equal(t, "success_on_behalf_of_token_exchange", fact.Type)
		require.Equal(t, adaID, fact.UserID)
		require.Equal(t, "middle", fact.ClientID)
		require.Equal(t, map[string]any{
			"subject_token_type": accessType, "requested_token_type": accessType, "actor": map[string]any{"sub": "middle"},
		}, fact.Details)
	})

	t.Run("a_chain_names_all_who_act_RFC8693_4_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		second := accessToken(t, b.onBehalfOf(w.subjectToken()))
		third := accessToken(t, b.onBehalfOf(second, "client_id", "far", "client_secret", "far-secret", "audience", farther))
		require.Equal(t, map[string]any{"sub": "far", "act": map[string]any{"sub": "middle"}}, decodeSegment(t, third, 1)["act"])
		require.Equal(t, decodeSegment(t, second, 1)["exp"], decodeSegment(t, third, 1)["exp"])
	})

	t.Run("and_is_five_long_at_most", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		raw := w.subjectToken()
		for range 5 {
			raw = accessToken(t, b.onBehalfOf(raw, "audience", apiAudience, "scope", ""))
		}
		requireOAuth(t, b.onBehalfOf(raw), http.StatusBadRequest, "invalid_request", invalidSubject)
	})

	t.Run("what_a_login_gives_is_for_its_own_client", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		w.client("middle", func(c *token.Client) { c.GrantTypes = append(c.GrantTypes, oauth.GrantRefreshToken) })
		w.otherAPI(downstream, func(rs *token.ResourceServer) {
			rs.SkipConsent, rs.OfflineAccess, rs.Scopes = true, true, []string{"read:d", "openid", "offline_access"}
		})
		res := b.onBehalfOf(w.subjectToken(), "scope", "openid profile email offline_access read:d")
		require.Equal(t, "read:d", res.json(t)["scope"], res.body)
		require.NotContains(t, res.json(t), "id_token")
		require.NotContains(t, res.json(t), "refresh_token")
		require.Equal(t, downstream, decodeSegment(t, accessToken(t, res), 1)["aud"])
		require.Equal(t, http.StatusUnauthorized, b.userinfo(accessToken(t, res)).StatusCode)
	})

	t.Run("the_default_audience_stands_in", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		subject := w.subjectToken()
		requireOAuth(t, b.onBehalfOf(subject, "audience", ""), http.StatusBadRequest, "invalid_request", "Missing required parameter: audience")
		w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{DefaultAudience: downstream} })
		require.Equal(t, downstream, decodeSegment(t, accessToken(t, b.onBehalfOf(subject, "audience", "")), 1)["aud"])
	})

	t.Run("bound_to_the_key_that_the_exchange_proves", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		h := w.holder()
		res := b.proving("/oauth/token", exchangeForm(w.subjectToken()), h.proof())
		require.Equal(t, "DPoP", res.json(t)["token_type"], res.body)
		require.Equal(t, map[string]any{"jkt": h.thumbprint()}, decodeSegment(t, accessToken(t, res), 1)["cnf"])
		bound := accessToken(t, b.proving("/oauth/token", exchangeForm(w.subjectToken(), "audience", apiAudience, "scope", ""), h.proof()))
		require.NotContains(t, decodeSegment(t, accessToken(t, b.onBehalfOf(bound)), 1), "cnf", "another's key is not handed on: that it was proved was this API's to check")
	})
}

func TestTokenExchange_scopes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withExchange()
	subject := w.subjectToken("scope", "openid read:x")
	scope := func(more ...string) any { return b.onBehalfOf(subject, more...).json(t)["scope"] }

	require.Equal(t, "read:d", scope("scope", "read:d admin:d"), "unknown ones are dropped, as in every user's flow")
	require.Nil(t, scope("scope", ""), "none is asked, none is given")
	require.Equal(t, "read:x", scope("audience", apiAudience, "scope", "read:x write:x admin:x"), "no more of the same API than the token had (RFC 8693 §2.1)")
	require.Equal(t, "read:x", scope("audience", apiAudience, "scope", ""))

	w.otherAPI(downstream, func(rs *token.ResourceServer) {
		rs.SkipConsent, rs.Scopes, rs.UserPolicy = true, []string{"read:d", "write:d"}, token.AccessGrant
	})
	requireOAuth(t, b.onBehalfOf(subject), http.StatusForbidden, "access_denied", `Client "middle" is not authorized to access resource server "https://downstream.example/".`)
	w.config.Change(func(c *tokentest.Configuration) {
		c.UserGrants[tokentest.Key{Tenant: w.acme.ID, ID: "middle " + downstream}] = &token.ClientGrant{ClientID: "middle", Audience: downstream, Scope: []string{"write:d"}}
	})
	require.Equal(t, "write:d", scope("scope", "read:d write:d"), "the client's grant for users is the bound")
	w.otherAPI(downstream, func(rs *token.ResourceServer) { rs.UserPolicy = token.AccessDeny })
	requireOAuth(t, b.onBehalfOf(subject), http.StatusForbidden, "access_denied", `Client "middle" is not authorized to access resource server "https://downstream.example/".`)
}

func TestTokenExchange_who_may(t *testing.T) {
	t.Parallel()
	const refused = "Grant type 'urn:ietf:params:oauth:grant-type:token-exchange' not allowed for the client."
	for name, c := range map[string]struct {
		params         []string
		edit           func(*token.Client)
		status         int
		code, sentence string
	}{
		"a_wrong_secret":                    {[]string{"client_secret", "guess"}, nil, 401, "invalid_client", "Client authentication failed"},
		"a_public_client":                   {[]string{"client_secret", ""}, func(c *token.Client) { c.AuthMethod = oauth.AuthNone }, 403, "unauthorized_client", refused},
		"without_the_grant_type":            {nil, func(c *token.Client) { c.GrantTypes = nil }, 403, "unauthorized_client", refused},
		"without_the_setting":               {nil, func(c *token.Client) { c.Exchanges = nil }, 403, "unauthorized_client", refused},
		"with_another_kind_of_exchange":     {nil, func(c *token.Client) { c.Exchanges = []string{"custom_authentication"} }, 403, "unauthorized_client", refused},
		"that_stands_for_no_API":            {nil, func(c *token.Client) { c.ResourceServer = "" }, 403, "unauthorized_client", refused},
		"a_third_party_nobody_agreed_to":    {nil, func(c *token.Client) { c.FirstParty = false }, 403, "access_denied", `Client "middle" is not authorized to access resource server "https://downstream.example/".`},
		"at_an_API_that_is_not_there":       {[]string{"audience", "https://none"}, nil, 403, "access_denied", "Service not enabled within domain: https://none"},
		"at_the_management_API":             {[]string{"audience", "https://acme.eu.postern.localhost:8443/api/v2/"}, nil, 403, "access_denied", `Client "middle" is not authorized to access resource server "https://acme.eu.postern.localhost:8443/api/v2/".`},
		"at_userinfo":                       {[]string{"audience", "https://acme.eu.postern.localhost:8443/userinfo"}, nil, 403, "access_denied", "Service not enabled within domain: https://acme.eu.postern.localhost:8443/userinfo"},
		"for_an_organization":               {[]string{"organization", "org_1"}, nil, 400, "invalid_request", "Organizations are not supported"},
		"that_must_prove_a_key":             {nil, func(c *token.Client) { c.Demands = []token.Demand{token.DemandProof} }, 400, "invalid_request", clientMust},
		"another_actor":                     {[]string{"actor_token", "x", "actor_token_type", accessType}, nil, 400, "invalid_request", "actor_token is not supported"},
		"an_actor_type_alone_RFC8693_2_1":   {[]string{"actor_token_type", accessType}, nil, 400, "invalid_request", "actor_token is not supported"},
		"a_resource_beside_the_audience":    {[]string{"resource", "https://elsewhere.example"}, nil, 400, "invalid_request", "resource is not supported: audience names the API"},
		"a_refresh_token_in_return":         {[]string{"requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"}, nil, 400, "invalid_request", "Unsupported requested_token_type: urn:ietf:params:oauth:token-type:refresh_token"},
		"without_a_subject_RFC8693_2_1":     {[]string{"subject_token", ""}, nil, 400, "invalid_request", "Missing required parameter: subject_token"},
		"an_API_for_which_proof_is_refused": {nil, nil, 400, "invalid_request", apiMust},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.withExchange()
			if c.edit != nil {
				w.client("middle", c.edit)
			}
			if c.sentence == apiMust {
				w.otherAPI(downstream, func(rs *token.ResourceServer) { rs.Proof = token.Proof{Mechanism: "dpop", Required: "all_clients"} })
			}
			requireOAuth(t, b.onBehalfOf(w.subjectToken(), c.params...), c.status, c.code, c.sentence)
			require.Equal(t, "failed_on_behalf_of_token_exchange", w.lastFact(w.store).Type)
		})
	}

	t.Run("types_of_subject_that_need_a_profile", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		for _, kind := range []string{
			"urn:acme:legacy-token", "urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:refresh_token",
			"urn:ietf:params:oauth:token-type:jwt", "http://auth0.com/oauth/token-type/apple-authz-code", accessType + "x", strings.ToUpper(accessType),
		} {
			requireOAuth(t, b.onBehalfOf(w.subjectToken(), "subject_token_type", kind), http.StatusBadRequest, "invalid_request", "Unsupported subject_token_type: "+kind)
			fact := w.lastFact(w.store)
			require.Equal(t, "fecte", fact.Type)
			require.Equal(t, kind, fact.Details["subject_token_type"])
		}
		requireOAuth(t, b.onBehalfOf("x", "subject_token_type", ""), http.StatusBadRequest, "invalid_request", "Missing required parameter: subject_token_type")
	})

	t.Run("a_third_party_takes_a_grant_and_consent", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		w.client("middle", func(c *token.Client) { c.FirstParty = false })
		w.config.Change(func(c *tokentest.Configuration) {
			c.UserGrants[tokentest.Key{Tenant: w.acme.ID, ID: "middle " + downstream}] = &token.ClientGrant{ClientID: "middle", Audience: downstream, Scope: []string{"read:d"}}
		})
		requireOAuth(t, b.onBehalfOf(w.subjectToken()), http.StatusForbidden, "consent_required", "Consent required")
	})
}

func TestTokenExchange_subjects_that_are_none_RFC8693_2_2_2(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withExchange()
	subject := w.subjectToken()
	claims := decodeSegment(t, subject, 1)
	w.withOpenIDClientOf(apiAudience)

	bolt := w.browser()
	bolt.tenant = w.bolt
	boltCode := bolt.logIn(authorizeParams("audience", apiAudience)).Query().Get("code")
	foreign, _ := bolt.exchange(boltCode).json(t)["access_token"].(string)
	other := w.acme
	other.Host, other.Base = "login.acme.example", "https://login.acme.example"
	elsewhere := w.browserAt(other)
	elsewhereCode := elsewhere.logIn(authorizeParams("audience", apiAudience)).Query().Get("code")
	atOther := accessToken(t, elsewhere.exchange(elsewhereCode))
	opaque := accessToken(t, b.exchange(w.browser().logIn(authorizeParams()).Query().Get("code")))
	idToken, _ := b.exchange(w.browser().logIn(authorizeParams()).Query().Get("code")).json(t)["id_token"].(string)
	named, _ := b.exchange(w.browser().logIn(authorizeParams("client_id", "named")).Query().Get("code"), "client_id", "named").json(t)["id_token"].(string)
	require.Equal(t, apiAudience, decodeSegment(t, named, 1)["aud"], "an ID token whose audience looks like the API's")
	w.otherAPI("https://hs.example/", func(rs *token.ResourceServer) { rs.SkipConsent = true })
	another := w.subjectToken("audience", "https://hs.example/")

	forged := maps.Clone(claims)
	forged["sub"] = "auth0|eve"
	for name, raw := range map[string]string{
		"nonsense":                           "x",
		"huge":                               strings.Repeat("a", 16<<10),
		"an_opaque_token":                    opaque,
		"an_ID_token":                        idToken,
		"an_ID_token_for_the_API's_name":     named,
		"another_tenant's":                   foreign,
		"another_issuer's_of_the_tenant":     atOther,
		"another_API's":                      another,
		"a_machine's":                        accessToken(t, b.machine()),
		"other_claims_under_the_signature":   swapPayload(t, subject, forged),
		"alg_none_RFC8725_3_1":               forge(t, map[string]any{"alg": "none", "typ": "JWT"}, forged, nil),
		"signed_with_the_client's_secret":    forge(t, map[string]any{"alg": "HS256", "typ": "JWT"}, forged, func([]byte) []byte { return []byte("x") }),
		"a_token_that_this_API_got_for_them": accessToken(t, b.onBehalfOf(subject)),
	} {
		requireOAuth(t, b.onBehalfOf(raw), http.StatusBadRequest, "invalid_request", invalidSubject)
		require.Equal(t, "failed_on_behalf_of_token_exchange", w.lastFact(w.store).Type, name)
	}

	t.Run("it_is_for_the_API_that_asks_alone", func(t *testing.T) {
		t.Parallel()
		requireOAuth(t, b.onBehalfOf(subject, "client_id", "far", "client_secret", "far-secret", "audience", farther), http.StatusBadRequest, "invalid_request", invalidSubject)
	})
}

// withOpenIDClientOf adds a client that calls itself by the URL, as ID tokens do then.
func (w *world) withOpenIDClientOf(externalID string) {
	w.config.Change(func(c *tokentest.Configuration) {
		named := *c.Clients[tokentest.Key{Tenant: w.acme.ID, ID: "web"}]
		named.ID, named.ExternalID = "named", externalID
		c.Clients[tokentest.Key{Tenant: w.acme.ID, ID: "named"}] = &named
		c.Connections[tokentest.Key{Tenant: w.acme.ID, ID: "named"}] = c.Connections[tokentest.Key{Tenant: w.acme.ID, ID: "web"}]
	})
}

func (w *world) browserAt(t tenancy.Tenant) *agent {
	b := w.browser()
	b.tenant = t
	return b
}

func TestTokenExchange_ends(t *testing.T) {
	t.Parallel()
	invalid := func(t *testing.T, a answer) {
		t.Helper()
		requireOAuth(t, a, http.StatusBadRequest, "invalid_request", invalidSubject)
	}
	for name, change := range map[string]func(*world){
		"with_the_token": func(w *world) { w.clock.Advance(24 * time.Hour) },
		"with_the_user":  func(w *world) { w.users.Remove(w.acme.ID, adaID) },
		"with_the_client_of_the_login": func(w *world) {
			w.config.Change(func(c *tokentest.Configuration) { delete(c.Clients, tokentest.Key{Tenant: w.acme.ID, ID: "web"}) })
		},
		"with_the_password": func(w *world) {
			w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.LoginsValidFrom = w.clock.Now().Add(2 * time.Second) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.withExchange()
			subject := w.subjectToken()
			accessToken(t, b.onBehalfOf(subject))
			change(w)
			invalid(t, b.onBehalfOf(subject))
		})
	}

	t.Run("a_login_of_the_same_second_goes_on", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		subject := w.subjectToken()
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.LoginsValidFrom = w.clock.Now().Add(500 * time.Millisecond) })
		accessToken(t, b.onBehalfOf(subject))
	})

	t.Run("a_blocked_user", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		subject := w.subjectToken()
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Blocked = true })
		requireOAuth(t, b.onBehalfOf(subject), http.StatusForbidden, "unauthorized", "user is blocked")
	})

	t.Run("never_by_an_engine_that_is_away", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withExchange()
		subject := w.subjectToken()
		facts := len(w.store.Facts())
		w.users.Away(fault.Unavailable("the user service is away"))
		require.Equal(t, http.StatusServiceUnavailable, b.onBehalfOf(subject).StatusCode)
		w.users.Away(nil)
		w.signer.Away(fault.Unavailable("vault is away"))
		require.Equal(t, http.StatusServiceUnavailable, b.onBehalfOf(subject).StatusCode)
		w.signer.Away(nil)
		w.store.FailNext(fault.Unavailable("postgres is away"))
		require.Equal(t, http.StatusServiceUnavailable, b.onBehalfOf(subject).StatusCode, "no token without its fact")
		require.Len(t, w.store.Facts(), facts, "nothing was decided, nothing is told")
		accessToken(t, b.onBehalfOf(subject))
	})
}
