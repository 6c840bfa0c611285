package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

func TestClientCredentials(t *testing.T) {
	t.Parallel()

	t.Run("gives_a_signed_token_for_the_api", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		before := w.store.Calls()
		res := w.browser().machine()
		require.Equal(t, http.StatusOK, res.StatusCode, res.body)
		require.Equal(t, "no-store", res.Header.Get("Cache-Control"), "RFC 6749 §5.1")
		got := res.json(t)
		require.Equal(t, "Bearer", got["token_type"])
		require.InDelta(t, 86400, got["expires_in"], 0)
		require.Len(t, got, 3, "no scope, no refresh token (RFC 6749 §4.4.3): %s", res.body)

		raw, _ := got["access_token"].(string)
		require.Equal(t, map[string]any{"alg": "RS256", "typ": "JWT", "kid": "acme-current"}, decodeSegment(t, raw, 0))
		now := float64(w.clock.Now().Unix())
		require.Equal(t, map[string]any{
			"iss": "https://acme.eu.postern.localhost:8443/", "sub": "machine@clients", "aud": apiAudience, "azp": "machine",
			"gty": "client-credentials", "scope": "read:x write:x", "iat": now, "exp": now + 86400,
		}, requireRS256(t, &w.signer.Private.PublicKey, raw))

		fact := w.lastFact(w.queue)
		require.Equal(t, "seccft", fact.Type)
		require.Equal(t, "machine", fact.ClientID)
		require.Equal(t, "Nightly Job", fact.ClientName)
		require.Equal(t, apiAudience, fact.Audience)
		require.Equal(t, "203.0.113.7", fact.Origin.IP)
		require.Equal(t, "acme.eu.postern.localhost", fact.Hostname)
		require.LessOrEqual(t, w.store.Calls()-before, 1, "the keys are read once")

		before = w.store.Calls()
		require.Equal(t, http.StatusOK, w.browser().machine().StatusCode)
		require.Equal(t, before, w.store.Calls(), "a warm cache asks no database")
	})

	t.Run("json_body_and_basic_are_as_good", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("machine", func(c *token.Client) { c.AuthMethod = "" })
		for name, edit := range map[string]func(*http.Request){
			"json":  func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
			"basic": func(r *http.Request) { r.SetBasicAuth("machine", url.QueryEscape("machine-secret")) },
		} {
			body := `{"grant_type":"client_credentials","client_id":"machine","client_secret":"machine-secret","audience":"` + apiAudience + `","scope":["read:x"]}`
			if name == "basic" {
				body = "grant_type=client_credentials&audience=" + url.QueryEscape(apiAudience) + "&scope=read:x"
			}
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(body))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			edit(req)
			res := w.browser().do(req)
			require.Equal(t, http.StatusOK, res.StatusCode, res.body)
			raw, _ := res.json(t)["access_token"].(string)
			require.Equal(t, "read:x", decodeSegment(t, raw, 1)["scope"], name)
		}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader("grant_type=client_credentials"))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.SetBasicAuth("machine", "guess")
		res := w.browser().do(req)
		requireOAuth(t, res, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		require.Equal(t, `Basic realm="token"`, res.Header.Get("WWW-Authenticate"), "RFC 6749 §5.2")
	})

	t.Run("the_default_audience_stands_in", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		requireOAuth(t, w.browser().machine("audience", ""), http.StatusForbidden, "access_denied",
			"No audience parameter was provided, and no default audience has been configured")
		w.config.Change(func(c *tokentest.Configuration) {
			c.Settings[w.acme.ID] = &token.Settings{DefaultAudience: apiAudience}
		})
		require.Equal(t, http.StatusOK, w.browser().machine("audience", "").StatusCode)
	})

	t.Run("the_management_api_is_an_api", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		res := w.browser().machine("audience", w.acme.ManagementAudience())
		require.Equal(t, http.StatusOK, res.StatusCode, res.body)
		require.InDelta(t, 3600, res.json(t)["expires_in"], 0, "its own lifetime")
		raw, _ := res.json(t)["access_token"].(string)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v2/keys/signing", nil)
		req.Header.Set("Authorization", "Bearer "+raw)
		keys := w.browser().do(req)
		require.Equal(t, http.StatusOK, keys.StatusCode, keys.body)
		require.Contains(t, keys.body, `"kid":"acme-current"`)
		require.Contains(t, keys.body, `-----BEGIN PKCS7-----`)

		bolt := w.browser()
		bolt.tenant = w.bolt
		require.Equal(t, http.StatusUnauthorized, bolt.do(req).StatusCode, "one tenant's token is refused by another")
	})
}

func TestClientCredentials_refusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params         []string
		edit           func(*token.Client)
		status         int
		code, sentence string
		fact           string // empty: none, since no grant is known
	}{
		"no_grant_type":                         {[]string{"grant_type", ""}, nil, 400, "invalid_request", "Missing required parameter: grant_type", ""},
		"an_unknown_grant_type":                 {[]string{"grant_type", "magic"}, nil, 403, "unsupported_grant_type", "Unsupported grant type: magic", ""},
		"no_client_id":                          {[]string{"client_id", ""}, nil, 400, "invalid_request", "Missing required parameter: client_id", "feccft"},
		"an_unknown_client_RFC6749_5_2":         {[]string{"client_id", "nobody"}, nil, 401, "invalid_client", "Client authentication failed", "feccft"},
		"a_wrong_secret_RFC6749_5_2":            {[]string{"client_secret", "guess"}, nil, 401, "invalid_client", "Client authentication failed", "feccft"},
		"no_secret":                             {[]string{"client_secret", ""}, nil, 401, "invalid_client", "Client authentication failed", "feccft"},
		"the_wrong_method":                      {nil, func(c *token.Client) { c.AuthMethod = oauth.AuthBasic }, 401, "invalid_client", "Client authentication failed", "feccft"},
		"a_secret_and_an_assertion_RFC6749_2_3": {[]string{"client_assertion", "x"}, nil, 400, "invalid_request", "The client must authenticate by one method only", "feccft"},
		"an_organization_that_must_be_named":    {nil, func(c *token.Client) { c.ID = "bound" }, 400, "invalid_request", "parameter organization is required for this client", "feccft"},
		"a_demand_that_is_not_met":              {nil, func(c *token.Client) { c.Demands = []token.Demand{token.DemandProof} }, 400, "invalid_request", "The client must prove possession of a key by DPoP", "feccft"},
		"a_third_party_at_the_management_api":   {[]string{"audience", "https://acme.eu.postern.localhost:8443/api/v2/"}, func(c *token.Client) { c.FirstParty = false }, 403, "access_denied", `Client "machine" is not authorized to access resource server "https://acme.eu.postern.localhost:8443/api/v2/".`, "feccft"},
		"an_organization_is_not_ignored":        {[]string{"organization", "org_1"}, nil, 400, "invalid_request", "Organizations are not supported", "feccft"},
		"a_public_client_RFC6749_4_4":           {nil, func(c *token.Client) { c.AuthMethod = oauth.AuthNone }, 403, "unauthorized_client", "Grant type 'client_credentials' not allowed for the client.", "feccft"},
		"a_grant_that_is_not_allowed":           {nil, func(c *token.Client) { c.GrantTypes = nil }, 403, "unauthorized_client", "Grant type 'client_credentials' not allowed for the client.", "feccft"},
		"an_api_that_is_not_there":              {[]string{"audience", "https://none"}, nil, 403, "access_denied", "Service not enabled within domain: https://none", "feccft"},
		"a_client_without_a_grant_for_the_api":  {nil, func(c *token.Client) { c.ID = "other" }, 403, "access_denied", `Client "other" is not authorized to access resource server "https://api.example/".`, "feccft"},
		"more_scope_than_was_granted":           {[]string{"scope", "read:x admin:x"}, nil, 403, "access_denied", "Client has not been granted scopes: admin:x", "feccft"},
		"another_tenants_management_api":        {[]string{"audience", "https://bolt.eu.postern.localhost:8443/api/v2/"}, nil, 403, "access_denied", "Service not enabled within domain: https://bolt.eu.postern.localhost:8443/api/v2/", "feccft"},
		"a_secret_that_is_empty_proves_nothing": {[]string{"client_secret", ""}, func(c *token.Client) { c.Secret = "" }, 401, "invalid_client", "Client authentication failed", "feccft"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.edit != nil {
				w.client("machine", c.edit)
			}
			res := w.browser().machine(c.params...)
			requireOAuth(t, res, c.status, c.code, c.sentence)
			if c.status == http.StatusUnauthorized {
				require.Empty(t, res.Header.Get("WWW-Authenticate"), "a challenge is for who sent an Authorization header (RFC 6749 §5.2)")
			}
			if c.fact == "" {
				require.Empty(t, w.facts(w.queue))
				return
			}
			require.Equal(t, []string{c.fact}, w.facts(w.queue))
			require.Equal(t, c.sentence, w.lastFact(w.queue).Description)
		})
	}
}

func TestTokenEndpoint_parsing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	send := func(kind, body string, edit func(*http.Request)) answer {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(body))
		req.Header.Set("Content-Type", kind)
		if edit != nil {
			edit(req)
		}
		return w.browser().do(req)
	}
	form, js := "application/x-www-form-urlencoded", "application/json"
	requireOAuth(t, send(form, "grant_type=client_credentials&grant_type=x", nil), 400, "invalid_request", "Parameter sent more than once: grant_type") // RFC 6749 §3.2
	requireOAuth(t, send(js, `{`, nil), 400, "invalid_request", "The request body cannot be read")
	requireOAuth(t, send(js, `{"scope":3}`, nil), 400, "invalid_scope", "Scope must be an array or a string")
	requireOAuth(t, send(js, `{"scope":["a",1]}`, nil), 400, "invalid_scope", "Scope must be an array or a string")
	requireOAuth(t, send(js, `{"client_id":{}}`, nil), 400, "invalid_request", "Parameter must be a string: client_id")
	requireOAuth(t, send(form, strings.Repeat("a", 2<<20), nil), 400, "invalid_request", "The request body is too large")
	requireOAuth(t, send(form, "grant_type=client_credentials&client_id=machine&client_secret=machine-secret", func(r *http.Request) {
		r.SetBasicAuth("machine", "machine-secret")
	}), 400, "invalid_request", "The client must authenticate by one method only") // RFC 6749 §2.3

	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token?grant_type=client_credentials", nil)
	requireOAuth(t, w.browser().do(req), 400, "invalid_request", "Missing required parameter: grant_type") // never from the query
}

func TestClientCredentials_engines_away(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, http.StatusOK, w.browser().machine().StatusCode)

	w.signer.Away(fault.Unavailable("vault is away"))
	res := w.browser().machine()
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode, "never a weaker signature")
	require.Equal(t, "temporarily_unavailable", res.json(t)["error"])
	require.NotEmpty(t, res.Header.Get("Retry-After"))
	w.signer.Away(nil)

	w.queue.FailNext(fault.Unavailable("the queue is full"))
	require.Equal(t, http.StatusServiceUnavailable, w.browser().machine().StatusCode, "no token without its event")

	w.store.FailNext(fault.Unavailable("postgres is away"))
	require.Equal(t, http.StatusOK, w.browser().machine().StatusCode, "the database is not asked")
	require.Equal(t, []string{"seccft", "seccft"}, w.facts(w.queue))
}
