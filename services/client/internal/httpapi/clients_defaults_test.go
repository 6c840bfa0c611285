package httpapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refresh policies of new clients, by their lifetimes in seconds.
func endless(absolute, idle float64) m {
	return m{
		"rotation_type": "non-rotating", "expiration_type": "non-expiring", "leeway": 0., "token_lifetime": absolute,
		"infinite_token_lifetime": true, "idle_token_lifetime": idle, "infinite_idle_token_lifetime": true,
	}
}

func ending(rotation string) m {
	return m{
		"rotation_type": rotation, "expiration_type": "expiring", "leeway": 0., "token_lifetime": 2592000.,
		"infinite_token_lifetime": false, "idle_token_lifetime": 1296000., "infinite_idle_token_lifetime": false,
	}
}

var (
	fourGrants   = []any{"authorization_code", "implicit", "refresh_token", "client_credentials"}
	publicGrants = []any{"authorization_code", "implicit", "refresh_token"}
)

// TestClients_defaults has every row of what a client gets that says no more of itself: the whole answer, so that nothing else shows.
func TestClients_defaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.created("/resource-servers", m{"identifier": "https://api"})
	common := m{
		"tenant": "acme", "global": false, "is_first_party": true, "oidc_conformant": false, "sso_disabled": false, "cross_origin_authentication": false,
		"is_token_endpoint_ip_header_trusted": false, "custom_login_page_on": true, "grant_types": fourGrants,
		"jwt_configuration": m{"secret_encoded": false, "lifetime_in_seconds": 36000.}, "refresh_token": endless(2592000, 1296000),
	}
	post := m{"token_endpoint_auth_method": "client_secret_post"}
	none := m{"token_endpoint_auth_method": "none"}
	keyed := m{"client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{}}}}
	strict := m{
		"is_first_party": false, "third_party_security_mode": "strict", "redirection_policy": "open_redirect_protection", "oidc_conformant": true,
		"grant_types": []any{"authorization_code", "refresh_token"}, "refresh_token": ending("non-rotating"),
		"jwt_configuration": m{"secret_encoded": false, "alg": "RS256", "lifetime_in_seconds": 3600.},
	}
	permissive := m{"is_first_party": false, "third_party_security_mode": "permissive", "oidc_conformant": true}
	for name, row := range map[string]struct{ sent, differs m }{
		"name_only":       {m{}, m{}},
		"regular_web":     {m{"app_type": "regular_web"}, m{}},
		"non_interactive": {m{"app_type": "non_interactive"}, m{}},
		"sso_integration": {m{"app_type": "sso_integration"}, m{}},
		"post":            {post, m{"refresh_token": endless(31557600, 2592000)}},
		"web_with_post":   {with(post, m{"app_type": "regular_web"}), m{"refresh_token": endless(31557600, 2592000)}},
		"sso_with_post":   {with(post, m{"app_type": "sso_integration"}), m{"refresh_token": endless(31557600, 2592000)}},
		"spa":             {with(none, m{"app_type": "spa"}), m{"grant_types": publicGrants}},
		"native":          {with(none, m{"app_type": "native"}), m{"grant_types": publicGrants}},
		"keyed":           {keyed, m{}},
		"alg_alone":       {m{"jwt_configuration": m{"alg": "RS256"}}, m{"jwt_configuration": m{"secret_encoded": false, "alg": "RS256"}}},
		"lifetime_alone":  {m{"jwt_configuration": m{"lifetime_in_seconds": 60.}}, m{"jwt_configuration": m{"secret_encoded": false, "lifetime_in_seconds": 60.}}},
		"express_configuration": {m{"app_type": "express_configuration"}, with(keyed, m{
			"oidc_conformant": true, "grant_types": []any{"authorization_code", "client_credentials"},
			"organization_usage": "require", "organization_require_behavior": "pre_login_prompt",
		})},
		"resource_server": {m{"app_type": "resource_server", "resource_server_identifier": "https://api"}, m{
			"oidc_conformant": true, "grant_types": []any{}, "jwt_configuration": m{"secret_encoded": false, "alg": "RS256"},
		}},
		"strict":             {m{"is_first_party": false}, strict},
		"strict_said":        {m{"is_first_party": false, "third_party_security_mode": "strict"}, strict},
		"strict_public":      {with(none, m{"is_first_party": false, "app_type": "spa"}), strict},
		"strict_with_grants": {m{"is_first_party": false, "grant_types": []any{"client_credentials"}}, with(strict, m{"grant_types": []any{"client_credentials"}})},
		"permissive":         {permissive, permissive},
		"permissive_spa":     {with(permissive, with(none, m{"app_type": "spa"})), with(permissive, m{"grant_types": publicGrants, "refresh_token": ending("rotating")})},
	} {
		got := w.created("/clients", with(m{"name": name}, row.sent))
		id, secret := fmt.Sprint(got["client_id"]), fmt.Sprint(got["client_secret"])
		want := with(common, m{"name": name})
		maps.Copy(want, row.sent)
		maps.Copy(want, row.differs)
		delete(got, "client_id")
		delete(got, "client_secret")
		delete(got, "signing_keys")
		assert.Equal(t, want, got, name)
		form := `^[A-Za-z0-9]{32}$`
		if want["third_party_security_mode"] == "strict" {
			form = `^tpc_[A-Za-z0-9]{32}$`
		}
		assert.Regexp(t, form, id, name)
		assert.Regexp(t, `^[A-Za-z0-9_-]{64}$`, secret, "%s: public clients have a secret, too", name)
	}
}

func TestClients_refresh_policy_is_shown_whole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, row := range map[string]struct{ sent, want m }{
		"expiring":        {m{"rotation_type": "non-rotating", "expiration_type": "expiring"}, ending("non-rotating")},
		"non_expiring":    {m{"rotation_type": "non-rotating", "expiration_type": "non-expiring"}, endless(2592000, 1296000)},
		"short":           {m{"rotation_type": "non-rotating", "expiration_type": "expiring", "token_lifetime": 100.}, with(ending("non-rotating"), m{"token_lifetime": 100., "idle_token_lifetime": 99.})},
		"endless_idle":    {m{"rotation_type": "non-rotating", "expiration_type": "expiring", "infinite_idle_token_lifetime": true}, with(ending("non-rotating"), m{"infinite_idle_token_lifetime": true})},
		"longest":         {m{"rotation_type": "non-rotating", "expiration_type": "expiring", "token_lifetime": 31557600., "idle_token_lifetime": 31557599.}, with(ending("non-rotating"), m{"token_lifetime": 31557600., "idle_token_lifetime": 31557599.})},
		"several_apis":    {m{"rotation_type": "non-rotating", "expiration_type": "expiring", "policies": []any{m{"audience": "https://a", "scope": []any{"b"}}}}, with(ending("non-rotating"), m{"policies": []any{m{"audience": "https://a", "scope": []any{"b"}}}})},
		"leeway_of_a_day": {m{"rotation_type": "non-rotating", "expiration_type": "expiring", "leeway": 86400.}, with(ending("non-rotating"), m{"leeway": 86400.})},
	} {
		got := w.created("/clients", m{"name": "x", "refresh_token": row.sent})
		assert.Equal(t, row.want, got["refresh_token"], name)
	}
}

func TestClients_global(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.clients.SeedTenant(t.Context(), acme.ID, acme.ManagementAudience())
	require.NoError(t, err)
	names := func(query string) []any {
		var out []any
		for _, c := range w.do(http.MethodGet, "/clients?fields=name"+query, nil).list {
			out = append(out, c["name"])
		}
		return out
	}
	assert.Equal(t, []any{"All Applications", "Default App", "Management Client"}, names(""), "a fresh tenant")
	assert.Equal(t, []any{"All Applications"}, names("&is_global=true"))
	assert.Equal(t, []any{"Default App", "Management Client"}, names("&is_global=false"))

	global := w.do(http.MethodGet, "/clients?is_global=true", nil).list[0]
	assert.Equal(t, true, global["global"])
	assert.Equal(t, true, global["cross_origin_authentication"])
	assert.NotContains(t, global, "app_type")
	assert.NotEmpty(t, global["client_secret"])
	path := fmt.Sprintf("/clients/%s", global["client_id"])
	w.refused(w.do(http.MethodDelete, path, nil), http.StatusForbidden, "operation_not_supported", "The global client cannot be deleted")
	page := strings.Repeat("<p>ü</p>", 1000)
	a := w.do(http.MethodPatch, path, m{"custom_login_page": page, "custom_login_page_on": true})
	require.Equal(t, http.StatusOK, a.status, a.raw)
	assert.Equal(t, page, w.do(http.MethodGet, path, nil).body["custom_login_page"])
	assert.Equal(t, true, a.body["global"])
	w.refused(w.do(http.MethodPatch, path, m{"global": false}), http.StatusBadRequest, "invalid_body", bad("Additional properties not allowed: global"))
	w.refused(w.do(http.MethodPatch, path, m{"app_type": "spa"}), http.StatusBadRequest, "invalid_body", "The global client has no app_type")
	w.refused(w.request(globex, everyScope, http.MethodPatch, path, `{"custom_login_page":"x"}`), http.StatusNotFound, "inexistent_client", "The client does not exist")
	assert.Equal(t, []any{"All Applications"}, names("&is_global=true"), "still one")

	plain := w.created("/clients", m{"name": "All Applications"})
	assert.Equal(t, false, plain["global"], "a name makes no global client")
}
