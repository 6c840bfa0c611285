package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// Until the client and the redirect URI are proved nothing is redirected (RFC 6749 §4.1.2.1).
func TestAuthorize_what_is_never_redirected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, c := range map[string]struct {
		params url.Values
		status int
	}{
		"no_client":                      {authorizeParams("client_id", ""), http.StatusBadRequest},
		"an_unknown_client":              {authorizeParams("client_id", "nobody"), http.StatusBadRequest},
		"no_redirect_uri":                {authorizeParams("redirect_uri", ""), http.StatusBadRequest},
		"a_redirect_uri_that_mismatches": {authorizeParams("redirect_uri", "https://evil.example/cb"), http.StatusForbidden},
		"two_redirect_uris":              {url.Values{"client_id": {"web"}, "redirect_uri": {callback, "https://evil.example"}}, http.StatusBadRequest},
		"two_clients":                    {url.Values{"client_id": {"web", "native"}, "redirect_uri": {callback}}, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := w.browser().get("/authorize", c.params)
			require.Equal(t, c.status, res.StatusCode, res.body)
			require.Empty(t, res.Header.Get("Location"))
			require.Contains(t, res.Header.Get("Content-Type"), "text/html")
			require.Empty(t, res.Cookies())
		})
	}
}

// What is wrong with a request whose redirect is proved goes to the callback, with the state (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6).
func TestAuthorize_refusals_at_the_callback(t *testing.T) {
	t.Parallel()
	public := func(c *token.Client) { c.AuthMethod = oauth.AuthNone }
	for name, c := range map[string]struct {
		params         []string
		edit           func(*token.Client)
		code, sentence string
	}{
		"no_response_type":                {[]string{"response_type", ""}, nil, "invalid_request", "Missing required parameter: response_type"},
		"a_response_type_we_do_not_have":  {[]string{"response_type", "none"}, nil, "unsupported_response_type", "Unsupported response type: none"},
		"a_word_of_it_twice":              {[]string{"response_type", "code code"}, nil, "unsupported_response_type", "Unsupported response type: code code"},
		"a_response_mode_we_do_not_have":  {[]string{"response_mode", "jwt"}, nil, "invalid_request", "Unsupported response_mode: jwt"},
		"details_nobody_understands":      {[]string{"authorization_details", "[]"}, nil, "invalid_authorization_details", "Rich authorization requests are not supported"},
		"claims_that_are_no_json":         {[]string{"claims", "{"}, nil, "invalid_request", "Invalid claims"},
		"a_request_object_OIDC_3_1_2_6":   {[]string{"request", "ey"}, nil, "request_not_supported", "Request objects are not supported"},
		"a_request_uri":                   {[]string{"request_uri", "urn:x"}, nil, "request_uri_not_supported", "request_uri is not supported"},
		"a_public_client_without_pkce":    {[]string{"code_challenge", "", "code_challenge_method", ""}, public, "invalid_request", "Missing required parameter: code_challenge"},
		"a_method_without_a_challenge":    {[]string{"code_challenge", ""}, nil, "invalid_request", "Missing required parameter: code_challenge"},
		"an_unknown_method_RFC7636_4_4_1": {[]string{"code_challenge_method", "S1"}, nil, "invalid_request", "Unsupported code_challenge_method: S1"},
		"a_challenge_too_short":           {[]string{"code_challenge", "short"}, nil, "invalid_request", "Invalid code_challenge"},
		"an_organization_is_not_ignored":  {[]string{"organization", "org_1"}, nil, "invalid_request", "Organizations are not supported"},
		"a_bad_max_age":                   {[]string{"max_age", "-1"}, nil, "invalid_request", "Invalid max_age"},
		"none_with_login_OIDC_3_1_2_1":    {[]string{"prompt", "none login"}, nil, "invalid_request", "prompt none excludes any other"},
		"none_without_a_session":          {[]string{"prompt", "none"}, nil, "login_required", "Login required"},
		"a_grant_that_is_not_allowed":     {nil, func(c *token.Client) { c.GrantTypes = []oauth.GrantType{oauth.GrantImplicit} }, "unauthorized_client", "Grant type 'authorization_code' not allowed for the client."},
		"an_api_that_is_not_there":        {[]string{"audience", "https://none"}, nil, "access_denied", "Service not enabled within domain: https://none"},
		"a_connection_that_is_not_on":     {[]string{"connection", "other"}, nil, "invalid_request", "The connection is not enabled for the client"},
		"a_third_party_at_management":     {[]string{"audience", "https://acme.eu.postern.localhost:8443/api/v2/"}, func(c *token.Client) { c.FirstParty = false }, "access_denied", `Client "web" is not authorized to access resource server "https://acme.eu.postern.localhost:8443/api/v2/".`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.edit != nil {
				w.client("web", c.edit)
			}
			params := authorizeParams(c.params...)
			requireCallbackError(t, w.browser().get("/authorize", params).location(t), c.code, c.sentence)
			want := "f"
			if strings.HasPrefix(params.Get("prompt"), "none") {
				want = "fsa"
			}
			require.Equal(t, []string{want}, w.facts(w.store))
		})
	}

	t.Run("a_parameter_sent_twice_RFC6749_3_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		params := authorizeParams()
		params.Add("scope", "more")
		requireCallbackError(t, w.browser().get("/authorize", params).location(t), "invalid_request", "Parameter sent more than once: scope")
	})
}

func TestAuthorize_response_modes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.logIn(authorizeParams())

	to := b.get("/authorize", authorizeParams("response_mode", "fragment")).location(t)
	require.Empty(t, to.RawQuery)
	fragment, err := url.ParseQuery(to.Fragment)
	require.NoError(t, err)
	require.NotEmpty(t, fragment.Get("code"))
	require.Equal(t, "st-1", fragment.Get("state"))

	page := b.get("/authorize", authorizeParams("response_mode", "form_post", "state", `"><script>alert(1)</script>`))
	require.Equal(t, http.StatusOK, page.StatusCode)
	require.Contains(t, page.body, `action="https://app.example/cb"`)
	require.Contains(t, page.body, `name="code"`)
	require.NotContains(t, page.body, "<script>alert")
	require.Contains(t, page.Header.Get("Content-Security-Policy"), "script-src 'sha256-")
	require.Equal(t, "no-store", page.Header.Get("Cache-Control"))

	w.client("web", func(c *token.Client) { c.Callbacks = []string{callback + "?app=1"} })
	to = b.get("/authorize", authorizeParams("redirect_uri", callback+"?app=1")).location(t)
	require.Equal(t, "1", to.Query().Get("app"), "the callback's own query is kept (RFC 6749 §3.1.2)")
	require.NotEmpty(t, to.Query().Get("code"))
}

func TestSessions(t *testing.T) {
	t.Parallel()
	asked := func(t *testing.T, res answer) {
		t.Helper()
		require.Equal(t, "/u/login", res.location(t).Path, "the user is asked")
	}
	answered := func(t *testing.T, res answer) string {
		t.Helper()
		code := res.location(t).Query().Get("code")
		require.NotEmpty(t, code, res.Header.Get("Location"))
		return code
	}
	second := func(more ...string) url.Values {
		return authorizeParams(append([]string{"client_id", "second", "redirect_uri", "https://second.example/cb"}, more...)...)
	}

	t.Run("a_second_client_gets_in_without_a_prompt", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		b.logIn(authorizeParams())
		answered(t, b.get("/authorize", second()))
		require.Equal(t, []string{"s", "s"}, w.facts(w.store))
		require.Equal(t, "second", w.lastFact(w.store).ClientID)
		require.Equal(t, 2, w.users.Logins())
		w.client("second", func(c *token.Client) { c.SSODisabled = true })
		asked(t, b.get("/authorize", second()))
	})

	t.Run("silently_OIDC_Core_3_1_2_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		b.logIn(authorizeParams())
		code := answered(t, b.get("/authorize", authorizeParams("prompt", "none")))
		require.Equal(t, []string{"s", "ssa"}, w.facts(w.store))
		require.Equal(t, http.StatusOK, b.exchange(code).StatusCode)
		require.Equal(t, 1, w.users.Logins(), "a silent renewal is no login")
	})

	t.Run("prompt_login_and_max_age_ask_again", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		b.logIn(authorizeParams())
		asked(t, b.get("/authorize", authorizeParams("prompt", "login")))
		asked(t, b.get("/authorize", authorizeParams("prompt", "select_account")))
		w.clock.Advance(100 * time.Second)
		answered(t, b.get("/authorize", authorizeParams("max_age", "200")))
		asked(t, b.get("/authorize", authorizeParams("max_age", "99")))
		requireCallbackError(t, b.get("/authorize", authorizeParams("max_age", "99", "prompt", "none")).location(t), "login_required", "Login required")

		before := w.clock.Now()
		to := b.logIn(authorizeParams("prompt", "login"))
		idToken, _ := b.exchange(to.Query().Get("code")).json(t)["id_token"].(string)
		authTime, _ := decodeSegment(t, idToken, 1)["auth_time"].(float64)
		require.InDelta(t, before.Unix(), authTime, 0, "auth_time when it was asked for (OIDC Core §2)")
	})

	t.Run("auth_time_tells_of_the_login_not_of_the_code", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		at := w.clock.Now()
		b.logIn(authorizeParams())
		w.clock.Advance(time.Minute)
		code := answered(t, b.get("/authorize", authorizeParams("max_age", "3600")))
		idToken, _ := b.exchange(code).json(t)["id_token"].(string)
		authTime, _ := decodeSegment(t, idToken, 1)["auth_time"].(float64)
		require.InDelta(t, at.Unix(), authTime, 0)
	})

	t.Run("end_when_idle_and_in_any_case", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.config.Change(func(c *tokentest.Configuration) {
			c.Settings[w.acme.ID] = &token.Settings{SessionLifetime: 3 * time.Hour, IdleSessionLifetime: time.Hour}
		})
		b := w.browser()
		b.logIn(authorizeParams())
		for range 3 {
			w.clock.Advance(59 * time.Minute)
			answered(t, b.get("/authorize", authorizeParams()))
		}
		w.clock.Advance(5 * time.Minute)
		asked(t, b.get("/authorize", authorizeParams()))
		b.logIn(authorizeParams())
		w.clock.Advance(61 * time.Minute)
		asked(t, b.get("/authorize", authorizeParams()))
	})

	t.Run("shorter_lifetimes_count_at_the_next_use_longer_ones_for_new_sessions", func(t *testing.T) {
		t.Parallel()
		for name, s := range map[string]token.Settings{
			"absolute": {SessionLifetime: time.Hour, IdleSessionLifetime: time.Hour}, "idle": {IdleSessionLifetime: 20 * time.Minute},
		} {
			w := newWorld(t)
			b := w.browser()
			b.logIn(authorizeParams())
			w.clock.Advance(45 * time.Minute)
			answered(t, b.get("/authorize", authorizeParams()))
			w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &s })
			w.clock.Advance(30 * time.Minute)
			asked(t, b.get("/authorize", authorizeParams()))
			requireCallbackError(t, b.get("/authorize", authorizeParams("prompt", "none")).location(t), "login_required", "Login required")
			w.config.Change(func(c *tokentest.Configuration) { delete(c.Settings, w.acme.ID) })
			require.NotEmpty(t, answered(t, b.get("/authorize", authorizeParams())), name)
		}
	})

	t.Run("end_when_what_one_logs_in_with_changes", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		w.clock.Advance(time.Second)
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.LoginsValidFrom = w.clock.Now() })
		requireOAuth(t, b.exchange(code), http.StatusForbidden, "invalid_grant", "Invalid authorization code")
		requireCallbackError(t, b.get("/authorize", authorizeParams("prompt", "none")).location(t), "login_required", "Login required")
		asked(t, b.get("/authorize", authorizeParams()))
		b.logIn(authorizeParams())
		answered(t, b.get("/authorize", authorizeParams("prompt", "none")))
	})

	t.Run("a_neighbour_whose_clock_is_ahead_locks_nobody_out", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.LoginsValidFrom = w.clock.Now().Add(time.Second) })
		b := w.browser()
		require.Equal(t, http.StatusOK, b.exchange(b.logIn(authorizeParams()).Query().Get("code")).StatusCode)
	})

	t.Run("a_user_made_anew_under_the_same_id_inherits_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		opaque, _ := b.exchange(b.logIn(authorizeParams()).Query().Get("code")).json(t)["access_token"].(string)
		code := answered(t, b.get("/authorize", authorizeParams("audience", apiAudience)))
		jwt, _ := b.exchange(code).json(t)["access_token"].(string)
		w.clock.Advance(2 * time.Second)
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.CreatedAt, u.LoginsValidFrom = w.clock.Now(), w.clock.Now() })
		require.Equal(t, http.StatusUnauthorized, b.userinfo(opaque).StatusCode)
		require.Equal(t, http.StatusUnauthorized, b.userinfo(jwt).StatusCode)
		asked(t, b.get("/authorize", authorizeParams()))
	})

	t.Run("a_connection_switched_off_opens_nothing_anywhere", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		w.config.Change(func(c *tokentest.Configuration) {
			c.Connections[tokentest.Key{Tenant: w.acme.ID, ID: "web"}] = []token.Connection{{ID: "con_2", Name: "other", Strategy: token.StrategyDatabase}}
		})
		requireOAuth(t, b.exchange(code), http.StatusForbidden, "access_denied", "The connection is not enabled for the client")
		requireCallbackError(t, b.get("/authorize", authorizeParams("prompt", "none")).location(t), "access_denied", "The connection is not enabled for the client")
		asked(t, b.get("/authorize", authorizeParams()))
		answered(t, b.get("/authorize", second()))

		w.config.Change(func(c *tokentest.Configuration) { delete(c.Connections, tokentest.Key{Tenant: w.acme.ID, ID: "web"}) })
		requireCallbackError(t, b.get("/authorize", authorizeParams()).location(t), "invalid_request", "No connection is enabled for the client")
	})

	t.Run("a_blocked_or_deleted_user_is_out_at_once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Blocked = true })
		requireOAuth(t, b.exchange(code), http.StatusForbidden, "unauthorized", "user is blocked")
		requireCallbackError(t, b.get("/authorize", authorizeParams("prompt", "none")).location(t), "unauthorized", "user is blocked")
		w.users.Remove(w.acme.ID, adaID)
		requireOAuth(t, b.exchange(code), http.StatusForbidden, "invalid_grant", "Unknown user")
		requireCallbackError(t, b.get("/authorize", authorizeParams("prompt", "none")).location(t), "login_required", "Login required")
	})

	t.Run("the_management_api_gives_a_login_what_is_the_users_own_alone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		to := b.logIn(authorizeParams("audience", w.acme.ManagementAudience(), "scope", "openid read:users read:current_user"))
		access, _ := b.exchange(to.Query().Get("code")).json(t)["access_token"].(string)
		require.Equal(t, "openid read:current_user", decodeSegment(t, access, 1)["scope"])
	})

	t.Run("an_api_of_roles_grants_none_of_its_scopes_yet", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.config.Change(func(c *tokentest.Configuration) {
			key := tokentest.Key{Tenant: w.acme.ID, ID: apiAudience}
			rs := *c.ResourceServers[key]
			rs.EnforcePolicies = true
			c.ResourceServers[key] = &rs
		})
		b := w.browser()
		to := b.logIn(authorizeParams("audience", apiAudience, "scope", "openid read:x"))
		require.Equal(t, "openid", b.exchange(to.Query().Get("code")).json(t)["scope"])
	})

	t.Run("several_tenants_in_one_browser", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		acme := w.browser()
		acme.logIn(authorizeParams())
		bolt := w.browser()
		bolt.tenant, bolt.cookies = w.bolt, map[string]string{"__Host-postern": acme.cookies["__Host-postern"]}
		asked(t, bolt.get("/authorize", authorizeParams()))
		answered(t, acme.get("/authorize", authorizeParams("prompt", "none")))
	})

	t.Run("engines_away_are_a_page_not_an_answer", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.users.Away(fault.Unavailable("away"))
		b := w.browser()
		to := b.get("/authorize", authorizeParams()).location(t)
		res := b.post(to.String(), url.Values{"username": {"ada@example.com"}, "password": {password}})
		require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
		require.NotEmpty(t, res.Header.Get("Retry-After"))
		require.Contains(t, res.body, "try again")
		w.users.Away(nil)
		w.store.FailNext(fault.Unavailable("away"))
		require.Equal(t, http.StatusServiceUnavailable, b.get("/authorize", authorizeParams()).StatusCode)
	})

	t.Run("a_key_service_that_is_away_costs_no_login", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		w.signer.Away(fault.Unavailable("vault is away"))
		require.Equal(t, http.StatusServiceUnavailable, b.exchange(code).StatusCode)
		w.signer.Away(nil)
		require.Equal(t, http.StatusOK, b.exchange(code).StatusCode, "the code was not used up")
	})
}
