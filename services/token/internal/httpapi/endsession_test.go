package httpapi_test

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const bye = "https://app.example/bye"

// askingToLogOut makes acme a tenant that asks before it logs anybody out whom the client did not name, as tenants are by default.
func (w *world) askingToLogOut(edit ...func(*token.Settings)) *world {
	s := &token.Settings{LogoutPrompt: true, EndSessionDiscovery: true, AllowedLogoutURLs: []string{"https://acme.example/bye", "https://*.acme.example/bye"}}
	for _, change := range edit {
		change(s)
	}
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = s })
	return w
}

// idToken logs in as the web client and gives its ID token.
func (b *agent) idToken() string {
	b.w.t.Helper()
	res := b.exchange(b.logIn(authorizeParams()).Query().Get("code"))
	raw, _ := res.json(b.w.t)["id_token"].(string)
	require.NotEmpty(b.w.t, raw, res.body)
	return raw
}

// fact gives the last fact of a type.
func (w *world) fact(kind string) token.Fact {
	w.t.Helper()
	for _, f := range slices.Backward(w.store.Facts()) {
		if f.Type == kind {
			return f
		}
	}
	require.Fail(w.t, "no such fact", kind)
	return token.Fact{}
}

func (b *agent) loggedIn() bool {
	b.w.t.Helper()
	return b.get("/authorize", authorizeParams("prompt", "none")).location(b.w.t).Query().Get("code") != ""
}

func sidOf(t *testing.T, idToken string) string {
	t.Helper()
	sid, _ := decodeSegment(t, idToken, 1)["sid"].(string)
	require.NotEmpty(t, sid)
	return sid
}

// requireAsked checks that the page asks, and that nothing was ended.
func requireAsked(t *testing.T, res answer) {
	t.Helper()
	require.Equal(t, http.StatusOK, res.StatusCode, res.body)
	require.Contains(t, res.body, "Log out?")
	require.Empty(t, res.Header.Values("Set-Cookie"))
	require.Equal(t, "DENY", res.Header.Get("X-Frame-Options"), "nobody is made to press a button they do not see")
	require.Contains(t, res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// form gives the fields of a page's form.
func form(page string) url.Values {
	v := url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(page, -1) {
		v.Set(m[1], html.UnescapeString(m[2]))
	}
	return v
}

func hmacBy(key []byte) func([]byte) []byte {
	return func(input []byte) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write(input)
		return mac.Sum(nil)
	}
}

func publicPEM(t *testing.T, key *rsa.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestEndSession_by_hint(t *testing.T) {
	t.Parallel()
	type loggedIn struct {
		*world

		b   *agent
		raw string
	}
	open := func(t *testing.T) loggedIn {
		t.Helper()
		w := newWorld(t).askingToLogOut()
		b := w.browser()
		return loggedIn{w, b, b.idToken()}
	}

	t.Run("an_id_token_of_the_session_needs_no_question_RP_Initiated_Logout_2", func(t *testing.T) {
		t.Parallel()
		w := open(t)
		to := w.b.get("/oidc/logout", url.Values{"id_token_hint": {w.raw}, "post_logout_redirect_uri": {bye}, "state": {"a b&c"}}).location(t)
		require.Equal(t, bye, to.Scheme+"://"+to.Host+to.Path)
		require.Equal(t, "a b&c", to.Query().Get("state"), "state is handed back (§3)")
		require.False(t, w.b.loggedIn())
		fact := w.fact("slo")
		require.Equal(t, sidOf(t, w.raw), fact.Details["session_id"])
		require.Equal(t, bye, fact.Details["return_to"])
		require.Equal(t, []string{bye}, fact.Details["allowed_logout_url"])
		require.Equal(t, "web", fact.ClientID)
		require.Equal(t, "ada@example.com", fact.UserName)
	})
	t.Run("by_POST_too_RP_Initiated_Logout_2", func(t *testing.T) {
		t.Parallel()
		w := open(t)
		res := w.b.post("/oidc/logout", url.Values{"id_token_hint": {w.raw}, "post_logout_redirect_uri": {bye}})
		require.Equal(t, http.StatusSeeOther, res.StatusCode)
		require.Equal(t, bye, res.Header.Get("Location"), "no state, none added")
		require.False(t, w.b.loggedIn())
	})
	t.Run("what_is_posted_counts_and_the_query_does_not", func(t *testing.T) {
		t.Parallel()
		w := open(t)
		res := w.b.post("/oidc/logout?post_logout_redirect_uri="+url.QueryEscape(bye), url.Values{"id_token_hint": {w.raw}})
		require.Equal(t, http.StatusOK, res.StatusCode)
		require.Contains(t, res.body, "You are logged out")
	})
	t.Run("that_it_has_expired_does_not_matter_RP_Initiated_Logout_2", func(t *testing.T) {
		t.Parallel()
		w := open(t)
		w.clock.Advance(11 * time.Hour)
		require.Equal(t, bye, w.b.get("/oidc/logout", url.Values{"id_token_hint": {w.raw}, "post_logout_redirect_uri": {bye}}).location(t).String())
	})
	t.Run("nor_does_it_that_its_key_signs_no_more_but_that_it_was_revoked", func(t *testing.T) {
		t.Parallel()
		w := open(t)
		_, err := w.store.RotateKeys(t.Context(), w.acme.ID, token.KeyRotation{Retire: []string{"acme-current"}, Promote: []string{"acme-next"}, At: w.clock.Now(), Since: w.clock.Now()})
		require.NoError(t, err)
		w.clock.Advance(time.Hour) // what is known of keys is asked for again
		params := url.Values{"id_token_hint": {w.raw}, "post_logout_redirect_uri": {bye}}
		require.Equal(t, bye, w.b.get("/oidc/logout", params).location(t).String())
		require.NoError(t, w.store.RevokeKeys(t.Context(), w.acme.ID, token.KeyRevocation{KeyIDs: []string{"acme-current"}, At: w.clock.Now()}))
		w.clock.Advance(time.Hour)
		require.Equal(t, http.StatusBadRequest, w.b.get("/oidc/logout", params).StatusCode)
	})
	t.Run("a_logout_hint_is_a_sid", func(t *testing.T) {
		t.Parallel()
		w := open(t)
		to := w.b.get("/oidc/logout", url.Values{"logout_hint": {sidOf(t, w.raw)}, "client_id": {"web"}, "post_logout_redirect_uri": {bye}}).location(t)
		require.Equal(t, bye, to.String())
		require.False(t, w.b.loggedIn())
	})
	t.Run("without_a_way_on_there_is_a_page", func(t *testing.T) {
		t.Parallel()
		w := open(t)
		page := w.b.get("/oidc/logout", url.Values{"id_token_hint": {w.raw}})
		require.Equal(t, http.StatusOK, page.StatusCode)
		require.Contains(t, page.body, "You are logged out")
		require.Equal(t, "no-store", page.Header.Get("Cache-Control"))
		require.False(t, w.b.loggedIn())
	})
	t.Run("a_browser_without_a_session_is_led_on_and_told_of_nowhere", func(t *testing.T) {
		t.Parallel()
		w := open(t)
		before := w.facts(w.store)
		to := w.browser().get("/oidc/logout", url.Values{"id_token_hint": {w.raw}, "post_logout_redirect_uri": {bye}, "state": {"s"}}).location(t)
		require.Equal(t, bye+"?state=s", to.String())
		require.Equal(t, before, w.facts(w.store))
		require.True(t, w.b.loggedIn(), "the session of another browser goes on")
	})
	t.Run("an_HS256_token_by_the_secret_of_its_client", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t).askingToLogOut()
		w.client("web", func(c *token.Client) { c.IDTokenAlg = token.AlgHS256 })
		b := w.browser()
		raw := b.idToken()
		require.Equal(t, "HS256", decodeSegment(t, raw, 0)["alg"])
		require.Equal(t, bye, b.get("/oidc/logout", url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {bye}}).location(t).String())
	})
	t.Run("federated_and_ui_locales_are_taken", func(t *testing.T) {
		t.Parallel()
		w := open(t)
		to := w.b.get("/oidc/logout", url.Values{"id_token_hint": {w.raw}, "post_logout_redirect_uri": {bye}, "federated": {""}, "ui_locales": {"de en"}}).location(t)
		require.Equal(t, bye, to.String())
	})
}

func TestEndSession_asks(t *testing.T) {
	t.Parallel()
	w := newWorld(t).askingToLogOut()
	b, other := w.browser(), w.browser()
	mine, others := b.idToken(), other.idToken()
	for name, params := range map[string]url.Values{
		"no hint":                              {"client_id": {"web"}, "post_logout_redirect_uri": {bye}, "state": {`"><script>`}},
		"no client either":                     {"post_logout_redirect_uri": {"https://acme.example/bye"}},
		"nothing at all":                       {},
		"the hint is another session's":        {"id_token_hint": {others}},
		"a stale logout_hint":                  {"logout_hint": {"sid-of-yesterday"}},
		"a logout_hint against the token":      {"id_token_hint": {mine}, "logout_hint": {sidOf(t, others)}},
		"a token against the logout_hint":      {"id_token_hint": {others}, "logout_hint": {sidOf(t, mine)}},
		"a proof that somebody made up":        {"confirm": {"AAAA"}},
		"a proof of nothing":                   {"confirm": {""}},
		"a proof in an address, a right one":   {"confirm": {form(b.get("/oidc/logout", nil).body).Get("confirm")}},
		"a proof of another browser's session": {"confirm": {form(other.get("/oidc/logout", nil).body).Get("confirm")}},
	} {
		res := b.get("/oidc/logout", params)
		requireAsked(t, res)
		require.NotContains(t, res.body, "<script", name)
		requireAsked(t, b.post("/oidc/logout", params))
		require.True(t, b.loggedIn(), name)
	}
	page := b.get("/oidc/logout", url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye}, "state": {`a"&b`}})
	require.Contains(t, page.body, "ada@example.com")
	require.NotContains(t, page.body, b.cookies["__Host-postern"], "the secret stays in its cookie")
	fields := form(page.body)
	require.Equal(t, bye, fields.Get("post_logout_redirect_uri"))

	stolen := form(other.get("/oidc/logout", nil).body)
	requireAsked(t, b.post("/u/logout", stolen))
	requireAsked(t, b.post("/u/logout", url.Values{"client_id": {"web"}})) // another site's form (CSRF)
	tampered := form(page.body)
	tampered.Set("post_logout_redirect_uri", "https://evil.example/")
	require.Equal(t, http.StatusBadRequest, b.post("/u/logout", tampered).StatusCode)
	require.True(t, b.loggedIn())

	res := b.post("/u/logout", fields)
	require.Equal(t, http.StatusSeeOther, res.StatusCode)
	require.Equal(t, `a"&b`, res.location(t).Query().Get("state"))
	require.False(t, b.loggedIn())
	require.True(t, other.loggedIn())
	again := b.post("/u/logout", fields)
	require.Equal(t, bye, strings.Split(again.Header.Get("Location"), "?")[0], "twice is fine")

	quiet := newWorld(t).askingToLogOut(func(s *token.Settings) { s.LogoutPrompt = false })
	c := quiet.browser()
	c.idToken()
	require.Equal(t, "https://acme.example/bye", c.get("/oidc/logout", url.Values{"post_logout_redirect_uri": {"https://acme.example/bye"}}).location(t).String(), "the tenant wants nobody asked")
	require.False(t, c.loggedIn())
}

func TestEndSession_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t).askingToLogOut()
	w.client("second", func(c *token.Client) {
		c.AllowedLogoutURLs = []string{"https://second.example/bye?a=1", "https://*.second.example/bye"}
	})
	w.client("third", func(c *token.Client) { c.ExternalID = "https://third.example/client.json" })
	b := w.browser()
	raw := b.idToken()
	claims := decodeSegment(t, raw, 1)
	forged := func(edit func(header, claims map[string]any), sign func([]byte) []byte) string {
		header, body := decodeSegment(t, raw, 0), decodeSegment(t, raw, 1)
		edit(header, body)
		return forge(t, header, body, sign)
	}
	sign := func(input []byte) []byte {
		sig, err := w.signer.Sign(t.Context(), w.acme.ID, token.SigningKey{}, token.AlgRS256, input)
		require.NoError(t, err)
		return sig
	}
	same := func(_, _ map[string]any) {}
	const notListed = "The post_logout_redirect_uri is not in the list of allowed logout URLs"
	const badHint = "Invalid id_token_hint"
	for name, tt := range map[string]struct {
		params   url.Values
		sentence string
	}{
		"a stranger's URL":                {url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {"https://evil.example/"}}, notListed},
		"the tenant's URL with a client":  {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {"https://acme.example/bye"}}, notListed},
		"the client's URL without one":    {url.Values{"post_logout_redirect_uri": {bye}}, notListed},
		"another query (§3)":              {url.Values{"client_id": {"second"}, "post_logout_redirect_uri": {"https://second.example/bye?a=2"}}, notListed},
		"no query (§3)":                   {url.Values{"client_id": {"second"}, "post_logout_redirect_uri": {"https://second.example/bye"}}, notListed},
		"a longer query":                  {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye + "?x=1"}}, notListed},
		"another case":                    {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {"https://APP.example/bye"}}, notListed},
		"what a wildcard would match":     {url.Values{"client_id": {"second"}, "post_logout_redirect_uri": {"https://x.second.example/bye"}}, notListed},
		"the wildcard itself":             {url.Values{"client_id": {"second"}, "post_logout_redirect_uri": {"https://*.second.example/bye"}}, notListed},
		"an unknown client":               {url.Values{"client_id": {"nobody"}}, "Unknown client: nobody"},
		"another client's token (§2)":     {url.Values{"client_id": {"second"}, "id_token_hint": {raw}}, "client_id is not the audience of the id_token_hint"},
		"no JWT":                          {url.Values{"id_token_hint": {"x.y.z"}}, badHint},
		"an endless one":                  {url.Values{"id_token_hint": {raw + strings.Repeat("A", 16<<10)}}, badHint},
		"a changed claim":                 {url.Values{"id_token_hint": {forged(func(_, c map[string]any) { c["sid"] = "x" }, func([]byte) []byte { return unbase64(t, raw[strings.LastIndexByte(raw, '.')+1:]) })}}, badHint},
		"alg none (RFC 8725 §2.1)":        {url.Values{"id_token_hint": {forged(func(h, _ map[string]any) { h["alg"] = "none" }, nil)}}, badHint},
		"the public key as an HS256 key":  {url.Values{"id_token_hint": {forged(func(h, _ map[string]any) { h["alg"] = "HS256" }, hmacBy(publicPEM(t, &w.signer.Private.PublicKey)))}}, badHint},
		"a key that nobody has":           {url.Values{"id_token_hint": {forged(func(h, _ map[string]any) { h["kid"] = "bolt-current" }, sign)}}, badHint},
		"another issuer":                  {url.Values{"id_token_hint": {forged(func(_, c map[string]any) { c["iss"] = w.bolt.Issuer() }, sign)}}, badHint},
		"an access token":                 {url.Values{"id_token_hint": {forged(func(_, c map[string]any) { c["aud"] = []string{apiAudience, w.acme.UserinfoAudience()} }, sign)}}, badHint},
		"an RFC 9068 access token":        {url.Values{"id_token_hint": {forged(func(h, _ map[string]any) { h["typ"] = "at+jwt" }, sign)}}, badHint},
		"a logout token":                  {url.Values{"id_token_hint": {forged(func(_, c map[string]any) { c["events"] = map[string]any{} }, sign)}}, badHint},
		"nobody's":                        {url.Values{"id_token_hint": {forged(func(_, c map[string]any) { delete(c, "sub") }, sign)}}, badHint},
		"for nobody":                      {url.Values{"id_token_hint": {forged(func(_, c map[string]any) { delete(c, "aud") }, sign)}}, badHint},
		"for a client that is not there":  {url.Values{"id_token_hint": {forged(func(_, c map[string]any) { c["aud"] = "nobody" }, sign)}}, "Unknown client: nobody"},
		"HS256 for a client that is gone": {url.Values{"id_token_hint": {forged(func(h, c map[string]any) { h["alg"], c["aud"] = "HS256", "nobody" }, hmacBy(nil))}}, badHint},
		"HS256 for one without a secret":  {url.Values{"id_token_hint": {forged(func(h, c map[string]any) { h["alg"], c["aud"] = "HS256", "native" }, hmacBy(nil))}}, badHint},
		"a parameter twice":               {url.Values{"state": {"a", "b"}}, "Parameter sent more than once: state"},
		"a state without end":             {url.Values{"state": {strings.Repeat("s", 5000)}}, "Parameter too long: state"},
		"a hint without end":              {url.Values{"logout_hint": {strings.Repeat("s", 5000)}}, "Parameter too long: logout_hint"},
	} {
		for _, res := range []answer{b.get("/oidc/logout", tt.params), b.post("/oidc/logout", tt.params)} {
			require.Equal(t, http.StatusBadRequest, res.StatusCode, name)
			require.Contains(t, html.UnescapeString(res.body), tt.sentence, name)
			require.Empty(t, res.Header.Get("Location"), name)
			require.Empty(t, res.Header.Values("Set-Cookie"), name)
		}
		if tt.params.Get("state") == "" || len(tt.params["state"]) == 1 {
			fact := w.lastFact(w.store)
			require.Equal(t, "flo", fact.Type, name)
			require.Contains(t, fact.Details, "return_to", name)
			require.NotNil(t, fact.Details["allowed_logout_url"], name)
		}
	}
	require.True(t, b.loggedIn(), "what was refused changed nothing")

	// A client that calls itself by a URL may be named either way.
	third := forged(func(_, c map[string]any) { c["aud"] = "https://third.example/client.json" }, sign)
	require.Equal(t, w.acme.Issuer(), claims["iss"])
	w.config.Change(func(c *tokentest.Configuration) {
		c.Clients[tokentest.Key{Tenant: w.acme.ID, ID: "https://third.example/client.json"}] = c.Clients[tokentest.Key{Tenant: w.acme.ID, ID: "third"}]
	})
	require.Equal(t, bye, b.get("/oidc/logout", url.Values{"id_token_hint": {third}, "client_id": {"third"}, "post_logout_redirect_uri": {bye}}).location(t).String())
	require.NotEmpty(t, forged(same, sign))
}

func TestEndSession_of_another_tenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t).askingToLogOut()
	b := w.browser()
	raw := b.idToken()
	astray := w.browser()
	astray.tenant, astray.cookies = w.bolt, maps.Clone(b.cookies)
	res := astray.get("/oidc/logout", url.Values{"id_token_hint": {raw}})
	require.Equal(t, http.StatusBadRequest, res.StatusCode, "acme's token says nothing at bolt")
	require.NotContains(t, astray.get("/oidc/logout", nil).body, "ada@example.com", "acme's session is none at bolt")
	w.config.Away(fault.Unavailable("away"))
	require.Equal(t, http.StatusServiceUnavailable, b.get("/oidc/logout", url.Values{"id_token_hint": {raw}}).StatusCode)
	w.config.Away(nil)
	w.store.FailNext(nil, fault.Unavailable("postgres is away"))
	require.Equal(t, http.StatusServiceUnavailable, b.get("/oidc/logout", url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {bye}}).StatusCode)
	w.users.Away(fault.Unavailable("away"))
	require.Equal(t, bye, b.get("/oidc/logout", url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {bye}}).location(t).String(), "a logout waits for nobody's name")
}

func TestEndSession_in_discovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t).askingToLogOut()
	doc := w.browser().get("/.well-known/openid-configuration", nil).json(t)
	require.Equal(t, w.acme.Base+"/oidc/logout", doc["end_session_endpoint"])
	require.Equal(t, true, doc["backchannel_logout_supported"])
	require.Equal(t, true, doc["backchannel_logout_session_supported"])
	w.askingToLogOut(func(s *token.Settings) { s.EndSessionDiscovery = false })
	require.NotContains(t, w.browser().get("/.well-known/openid-configuration", nil).json(t), "end_session_endpoint")
	w.config.Away(fault.Unavailable("away"))
	stranger := w.browser()
	stranger.tenant = tenancy.Tenant{ID: "tnt_new", Name: "new", Host: "new.eu.postern.localhost:8443", Base: "https://new.eu.postern.localhost:8443"}
	require.Contains(t, stranger.get("/.well-known/openid-configuration", nil).json(t), "end_session_endpoint", "as it is unless the tenant says otherwise")
}
