package httpapi_test

import (
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

const database = "Username-Password-Authentication"

// withPasswords lets the web client use the password grants, and makes the database the tenant's default directory.
func (w *world) withPasswords() *agent {
	w.client("web", func(c *token.Client) {
		c.GrantTypes = []oauth.GrantType{oauth.GrantPassword, oauth.GrantPasswordRealm}
	})
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{DefaultDirectory: database} })
	return w.browser()
}

func (b *agent) password(more ...string) answer {
	b.w.t.Helper()
	form := url.Values{
		"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {database}, "client_id": {"web"},
		"client_secret": {"web-secret-0123456789"}, "username": {"ada@example.com"}, "password": {password}, "scope": {"openid email read:x"},
		"audience": {apiAudience},
	}
	return b.post("/oauth/token", edit(form, more))
}

func TestPassword(t *testing.T) {
	t.Parallel()
	for name, params := range map[string][]string{
		"by_realm":                 nil,
		"by_the_default_directory": {"grant_type", "password", "realm", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.withPasswords()
			res := b.password(params...)
			require.Equal(t, http.StatusOK, res.StatusCode, res.body)
			require.Empty(t, b.cookies, "no browser is here to be logged in")
			got := res.json(t)
			require.Equal(t, "openid email read:x", got["scope"])
			raw, _ := got["access_token"].(string)
			now := float64(w.clock.Now().Unix())
			require.Equal(t, map[string]any{
				"iss": w.acme.Issuer(), "sub": adaID, "aud": []any{apiAudience, w.acme.UserinfoAudience()}, "azp": "web", "gty": "password",
				"scope": "openid email read:x", "iat": now, "exp": now + 86400,
			}, requireRS256(t, &w.signer.Private.PublicKey, raw))
			id, _ := got["id_token"].(string)
			claims := requireRS256(t, &w.signer.Private.PublicKey, id)
			require.Equal(t, adaID, claims["sub"])
			require.Equal(t, "ada@example.com", claims["email"])
			require.NotContains(t, claims, "sid", "there is no session")
			require.Equal(t, http.StatusOK, b.userinfo(raw).StatusCode)

			fact := w.lastFact(w.store)
			require.Equal(t, "sepft", fact.Type)
			require.Equal(t, adaID, fact.UserID)
			require.Equal(t, database, fact.Connection.Name)
			require.Equal(t, 1, w.users.Logins())
		})
	}

	t.Run("without_a_scope_it_is_all_there_is_RFC6749_3_3", func(t *testing.T) {
		t.Parallel()
		const standard = "openid profile email address phone"
		for name, c := range map[string]struct {
			params []string
			api    func(*token.ResourceServer)
			want   any
		}{
			"no_api":             {[]string{"scope", "", "audience", ""}, nil, standard},
			"an_api":             {[]string{"scope", ""}, nil, standard + " read:x write:x admin:x"},
			"an_api_with_roles":  {[]string{"scope", ""}, func(rs *token.ResourceServer) { rs.EnforcePolicies = true }, standard},
			"an_unknown_scope":   {[]string{"scope", "extra", "audience", ""}, nil, nil},
			"the_management_api": {[]string{"scope", "", "audience", "https://acme.eu.postern.localhost:8443/api/v2/"}, nil, standard + " read:current_user"},
		} {
			w := newWorld(t)
			b := w.withPasswords()
			if c.api != nil {
				w.api(c.api)
			}
			res := b.password(c.params...)
			require.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", name, res.body)
			got := res.json(t)
			require.Equal(t, c.want, got["scope"], name)
			require.Equal(t, c.want != nil, got["id_token"] != nil, name)
			require.NotContains(t, got, "refresh_token", name)
		}
	})

	t.Run("without_an_api_the_token_is_opaque", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withPasswords()
		raw, _ := b.password("audience", "").json(t)["access_token"].(string)
		require.NotContains(t, raw, ".")
		info := b.userinfo(raw)
		require.Equal(t, http.StatusOK, info.StatusCode, info.body)
		require.Equal(t, adaID, info.json(t)["sub"])
	})
}

func TestPassword_refusals(t *testing.T) {
	t.Parallel()
	const wrong = "Wrong email or password."
	notHere := func(grant string) string { return "Grant type '" + grant + "' not allowed for the client." }
	const realm = "http://auth0.com/oauth/grant-type/password-realm"
	for name, c := range map[string]struct {
		params         []string
		edit           func(*world)
		status         int
		code, sentence string
	}{
		"no_username_RFC6749_4_3_2":       {[]string{"username", ""}, nil, 400, "invalid_request", "Missing required parameter: username"},
		"no_password_RFC6749_4_3_2":       {[]string{"password", ""}, nil, 400, "invalid_request", "Missing required parameter: password"},
		"no_realm":                        {[]string{"realm", ""}, nil, 400, "invalid_request", "Missing required parameter: realm"},
		"a_wrong_password":                {[]string{"password", "guess"}, nil, 403, "invalid_grant", wrong},
		"an_unknown_user_is_told_no_more": {[]string{"username", "eve@example.com"}, nil, 403, "invalid_grant", wrong},
		"a_blocked_user":                  {nil, func(w *world) { w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Blocked = true }) }, 403, "unauthorized", "user is blocked"},
		"a_connection_that_is_not_there":  {[]string{"realm", "nowhere"}, nil, 400, "invalid_request", "The connection is not enabled for the client"},
		"a_connection_switched_off": {nil, func(w *world) {
			w.config.Change(func(c *tokentest.Configuration) {
				delete(c.Connections, tokentest.Key{Tenant: w.acme.ID, ID: "web"})
			})
		}, 400, "invalid_request", "The connection is not enabled for the client"},
		"no_default_directory": {[]string{"grant_type", "password"}, func(w *world) {
			w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{} })
		}, 403, "server_error", "Authorization server not configured with default connection."},
		"a_grant_that_is_not_allowed":    {nil, func(w *world) { w.client("web", func(c *token.Client) { c.GrantTypes = nil }) }, 403, "unauthorized_client", notHere(realm)},
		"the_other_name_is_another_one":  {[]string{"grant_type", "password"}, func(w *world) { w.client("web", func(c *token.Client) { c.GrantTypes = c.GrantTypes[1:] }) }, 403, "unauthorized_client", notHere("password")},
		"a_third_party":                  {nil, func(w *world) { w.client("web", func(c *token.Client) { c.FirstParty = false }) }, 403, "access_denied", `Client "web" is not authorized to access resource server "https://api.example/".`},
		"an_organization_is_not_ignored": {[]string{"organization", "org_1"}, nil, 400, "invalid_request", "Organizations are not supported"},
		"an_organization_is_missing":     {nil, func(w *world) { w.client("web", func(c *token.Client) { c.OrganizationUsage = "require" }) }, 400, "invalid_request", "parameter organization is required for this client"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.withPasswords()
			if c.edit != nil {
				c.edit(w)
			}
			requireOAuth(t, b.password(c.params...), c.status, c.code, c.sentence)
			fact := w.lastFact(w.store)
			require.Equal(t, "fepft", fact.Type)
			require.Equal(t, c.sentence, fact.Description)
			require.NotContains(t, toText(t, fact), password)
			require.Zero(t, w.users.Logins(), "nobody logged in")
		})
	}

	t.Run("engines_away", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withPasswords()
		w.users.Away(fault.Unavailable("the user service is away"))
		require.Equal(t, http.StatusServiceUnavailable, b.password().StatusCode)
		w.users.Away(nil)
		require.Equal(t, http.StatusOK, b.password().StatusCode)
		w.signer.Away(fault.Unavailable("vault is away"))
		require.Equal(t, http.StatusServiceUnavailable, b.password().StatusCode)
		w.signer.Away(nil)
		w.store.FailNext(fault.Unavailable("postgres is away"))
		require.Equal(t, http.StatusServiceUnavailable, b.password().StatusCode, "no token without its event")
	})

	t.Run("a_stranger's_user_is_unknown", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withPasswords()
		w.users.Add(w.bolt.ID, token.User{ID: "auth0|bob", Email: "bob@example.com"}, "bob's password")
		requireOAuth(t, b.password("username", "bob@example.com", "password", "bob's password"), 403, "invalid_grant", wrong)
	})

	t.Run("a_user_who_is_gone_before_the_token", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withPasswords()
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.LoginsValidFrom = w.clock.Now().Add(time.Millisecond) })
		require.Equal(t, http.StatusOK, b.password().StatusCode, "a neighbour whose clock is ahead ends no login as it begins")
	})
}
