package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/tenancy"
)

func TestResourceServers(t *testing.T) {
	w := newWorld(t)
	made := w.created("/resource-servers", m{"identifier": "https://api.example/a?b", "name": "API", "scopes": []any{m{"value": "read:x", "description": "Read"}}})
	assert.Regexp(t, `^[0-9a-f]{24}$`, made["id"])
	assert.Equal(t, m{
		"id": made["id"], "name": "API", "identifier": "https://api.example/a?b", "scopes": []any{m{"value": "read:x", "description": "Read"}},
		"signing_alg": "RS256", "token_lifetime": 86400., "token_lifetime_for_web": 7200., "allow_offline_access": false,
		"skip_consent_for_verifiable_first_party_clients": false,
		"subject_type_authorization":                      m{"user": m{"policy": "allow_all"}, "client": m{"policy": "require_client_grant"}},
	}, made)
	byIdentifier := "/resource-servers/" + url.PathEscape("https://api.example/a?b")
	t.Run("is_addressed_by_id_and_by_identifier", func(t *testing.T) {
		assert.Equal(t, made, w.do(http.MethodGet, fmt.Sprintf("/resource-servers/%s", made["id"]), nil).body)
		assert.Equal(t, made, w.do(http.MethodGet, byIdentifier, nil).body)
	})
	t.Run("patch_merges", func(t *testing.T) {
		a := w.do(http.MethodPatch, byIdentifier, m{"token_lifetime": 60, "enforce_policies": true, "token_dialect": "access_token_authz"})
		require.Equal(t, http.StatusOK, a.status, a.raw)
		assert.InDelta(t, 60, a.body["token_lifetime_for_web"], 0, "the browser's lifetime never exceeds the other")
		assert.Equal(t, true, a.body["enforce_policies"])
		assert.Equal(t, "API", a.body["name"])
	})
	t.Run("hs256_has_a_secret", func(t *testing.T) {
		a := w.do(http.MethodPatch, byIdentifier, m{"signing_alg": "HS256"})
		assert.Regexp(t, `^[A-Za-z0-9_-]{64}$`, a.body["signing_secret"])
	})
	t.Run("refusals", func(t *testing.T) {
		for name, row := range map[string]struct {
			body   m
			status int
		}{
			"taken":           {m{"identifier": "https://api.example/a?b"}, http.StatusConflict},
			"no_identifier":   {m{"name": "x"}, http.StatusBadRequest},
			"same_scope":      {m{"identifier": "b", "scopes": []any{m{"value": "a"}, m{"value": "a"}}}, http.StatusBadRequest},
			"spaced_scope":    {m{"identifier": "b", "scopes": []any{m{"value": "a b"}}}, http.StatusBadRequest},
			"weak_algorithm":  {m{"identifier": "b", "signing_alg": "none"}, http.StatusBadRequest},
			"short_secret":    {m{"identifier": "b", "signing_alg": "HS256", "signing_secret": "short"}, http.StatusBadRequest},
			"long_life":       {m{"identifier": "b", "token_lifetime": 2592001}, http.StatusBadRequest},
			"web_longer":      {m{"identifier": "b", "token_lifetime": 60, "token_lifetime_for_web": 61}, http.StatusBadRequest},
			"made_system":     {m{"identifier": "b", "is_system": true}, http.StatusBadRequest},
			"unknown_policy":  {m{"identifier": "b", "subject_type_authorization": m{"user": m{"policy": "anyone"}}}, http.StatusBadRequest},
			"clients_for_all": {m{"identifier": "b", "subject_type_authorization": m{"client": m{"policy": "allow_all"}}}, http.StatusBadRequest},
		} {
			a := w.do(http.MethodPost, "/resource-servers", row.body)
			assert.Equal(t, row.status, a.status, "%s: %s", name, a.raw)
		}
		a := w.do(http.MethodPatch, byIdentifier, m{"identifier": "https://other"})
		assert.Equal(t, http.StatusBadRequest, a.status, "immutable")
	})
	t.Run("list", func(t *testing.T) {
		w.created("/resource-servers", m{"identifier": "urn:other"})
		assert.Len(t, w.do(http.MethodGet, "/resource-servers", nil).list, 2)
		a := w.do(http.MethodGet, "/resource-servers?identifiers=urn:other&include_totals=true", nil)
		assert.InDelta(t, 1, a.body["total"], 0)
	})
	t.Run("delete", func(t *testing.T) {
		assert.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, byIdentifier, nil).status)
		a := w.do(http.MethodGet, byIdentifier, nil)
		w.refused(a, http.StatusNotFound, "inexistent_resource_server", "The resource server does not exist")
	})
}

func TestSystem_things_stay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept, secret, err := w.clients.SeedTenant(t.Context(), acme.ID, acme.ManagementAudience())
	require.NoError(t, err)
	require.NotEmpty(t, string(secret))
	path := "/resource-servers/" + url.PathEscape(acme.ManagementAudience())
	for _, taken := range []string{acme.ManagementAudience(), acme.UserinfoAudience()} {
		assert.Equal(t, http.StatusConflict, w.do(http.MethodPost, "/resource-servers", m{"identifier": taken}).status, taken)
	}
	a := w.do(http.MethodGet, path, nil)
	assert.Equal(t, true, a.body["is_system"])
	assert.Equal(t, "Management API", a.body["name"])
	assert.Greater(t, len(a.body["scopes"].([]any)), 200)

	assert.Equal(t, http.StatusBadRequest, w.do(http.MethodDelete, path, nil).status)
	assert.Equal(t, http.StatusBadRequest, w.do(http.MethodPatch, path, m{"scopes": []any{}}).status)
	assert.Equal(t, http.StatusBadRequest, w.do(http.MethodPatch, path, m{"name": "Mine"}).status)
	assert.Equal(t, http.StatusOK, w.do(http.MethodPatch, path, m{"token_lifetime": 3600}).status)
	asItIs := m{"name": a.body["name"], "scopes": a.body["scopes"], "signing_alg": a.body["signing_alg"]}
	assert.Equal(t, http.StatusOK, w.do(http.MethodPatch, path, asItIs).status, "what tools send back as they found it is no change")

	global := w.do(http.MethodGet, "/clients?is_global=true", nil).list
	require.Len(t, global, 1)
	assert.Equal(t, "All Applications", global[0]["name"])
	assert.NotContains(t, global[0], "app_type")
	assert.Equal(t, http.StatusForbidden, w.do(http.MethodDelete, fmt.Sprintf("/clients/%s", global[0]["client_id"]), nil).status)

	third := w.created("/clients", m{"name": "third", "is_first_party": false})
	a = w.do(http.MethodPost, "/client-grants", m{"client_id": third["client_id"], "audience": acme.ManagementAudience(), "scope": []any{"read:users"}})
	assert.Equal(t, http.StatusForbidden, a.status, "a third-party client never gets the Management API")
	assert.Equal(t, http.StatusForbidden, w.do(http.MethodPost, "/client-grants", m{
		"default_for": "third_party_clients", "audience": acme.ManagementAudience(), "scope": []any{},
	}).status)

	management := w.do(http.MethodGet, "/clients/"+string(kept.Management), nil)
	assert.Equal(t, "non_interactive", management.body["app_type"])
	assert.Equal(t, []any{"client_credentials"}, management.body["grant_types"])
	con := w.do(http.MethodGet, "/connections?name=Username-Password-Authentication", nil).list
	require.Len(t, con, 1)
	assert.Equal(t, []any{string(kept.Default), string(kept.Management)}, con[0]["enabled_clients"])
}

func TestGrants(t *testing.T) {
	w := newWorld(t)
	c := w.created("/clients", m{"name": "x"})
	w.created("/resource-servers", m{"identifier": "https://api", "scopes": []any{m{"value": "a"}, m{"value": "b"}}})
	made := w.created("/client-grants", m{"client_id": c["client_id"], "audience": "https://api", "scope": []any{"a"}})
	assert.Regexp(t, `^cgr_[A-Za-z0-9]{16}$`, made["id"])
	assert.Equal(t, m{"id": made["id"], "client_id": c["client_id"], "audience": "https://api", "scope": []any{"a"}, "subject_type": "client"}, made)
	path := fmt.Sprintf("/client-grants/%s", made["id"])

	t.Run("patch_and_read", func(t *testing.T) {
		a := w.do(http.MethodPatch, path, m{"scope": []any{"b", "a"}, "organization_usage": "allow", "allow_any_organization": true})
		require.Equal(t, http.StatusOK, a.status, a.raw)
		assert.Equal(t, a.body, w.do(http.MethodGet, path, nil).body)
		a = w.do(http.MethodPatch, path, m{"scope": nil, "organization_usage": nil, "allow_any_organization": nil})
		assert.Equal(t, []any{}, a.body["scope"])
		assert.NotContains(t, a.body, "organization_usage")
	})
	t.Run("refusals", func(t *testing.T) {
		for name, row := range map[string]struct {
			body   m
			status int
			code   string
		}{
			"twice":           {m{"client_id": c["client_id"], "audience": "https://api", "scope": []any{}}, http.StatusConflict, ""},
			"no_client":       {m{"client_id": "nobody", "audience": "https://api", "scope": []any{}}, http.StatusNotFound, "inexistent_client"},
			"no_audience":     {m{"client_id": c["client_id"], "audience": "https://none", "scope": []any{}}, http.StatusNotFound, "inexistent_resource_server"},
			"undefined_scope": {m{"client_id": c["client_id"], "audience": "https://api", "subject_type": "user", "scope": []any{"c"}}, http.StatusBadRequest, "invalid_body"},
			"for_nobody":      {m{"audience": "https://api", "scope": []any{}}, http.StatusBadRequest, "invalid_body"},
			"for_two":         {m{"client_id": c["client_id"], "default_for": "third_party_clients", "audience": "https://api"}, http.StatusBadRequest, "invalid_body"},
			"same_twice":      {m{"client_id": c["client_id"], "audience": "https://api", "subject_type": "user", "scope": []any{"a", "a"}}, http.StatusBadRequest, "invalid_body"},
			"unknown":         {m{"client_id": c["client_id"], "audience": "https://api", "is_system": true}, http.StatusBadRequest, "invalid_body"},
		} {
			a := w.do(http.MethodPost, "/client-grants", row.body)
			assert.Equal(t, row.status, a.status, "%s: %s", name, a.raw)
			code, _ := a.body["errorCode"].(string)
			assert.Equal(t, row.code, code, name)
		}
		assert.Equal(t, http.StatusBadRequest, w.do(http.MethodPatch, path, m{"audience": "https://other"}).status)
	})
	t.Run("list_filters", func(t *testing.T) {
		w.created("/client-grants", m{"client_id": c["client_id"], "audience": "https://api", "subject_type": "user", "scope": []any{}})
		for query, want := range map[string]int{
			"": 2, "?audience=https://api": 2, "?audience=x": 0, "?subject_type=user": 1, "?client_id=nobody": 0,
			fmt.Sprintf("?client_id=%s&subject_type=client", c["client_id"]): 1,
		} {
			assert.Len(t, w.do(http.MethodGet, "/client-grants"+query, nil).list, want, query)
		}
		a := w.do(http.MethodGet, "/client-grants?take=1", nil)
		assert.Len(t, a.body["client_grants"], 1)
		assert.NotEmpty(t, a.body["next"])
	})
	t.Run("delete", func(t *testing.T) {
		assert.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, path, nil).status)
		w.refused(w.do(http.MethodGet, path, nil), http.StatusNotFound, "inexistent_client_grant", "The grant does not exist.")
	})
}

func TestActions_there_are_none(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.request(acme, "read:actions", http.MethodGet, "/actions/actions?per_page=100&include_totals=true", "")
	assert.Equal(t, m{"actions": []any{}, "total": 0., "page": 0., "per_page": 100.}, a.body)
	w.refused(w.request(acme, "read:clients", http.MethodGet, "/actions/actions", ""), 403, "insufficient_scope", "Insufficient scope, expected any of: read:actions")
}

func TestGrants_of_organizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.created("/clients", m{"name": "x"})["client_id"]
	w.created("/resource-servers", m{"identifier": "https://api", "scopes": []any{m{"value": "a"}}})
	grant := w.created("/client-grants", m{"client_id": id, "audience": "https://api", "scope": []any{"a"}})
	path := fmt.Sprintf("/client-grants/%s/organizations", grant["id"])
	ask := func(path string) answer {
		return w.request(acme, "read:organization_client_grants", http.MethodGet, path, "")
	}
	assert.Equal(t, "[]", strings.TrimSpace(ask(path).raw), "no grant can be tied to one yet")
	assert.Equal(t, m{"organizations": []any{}}, ask(path+"?take=10").body)
	assert.Equal(t, m{"organizations": []any{}, "start": 0., "limit": 50., "length": 0., "total": 0.}, ask(path+"?include_totals=true").body)
	w.refused(ask("/client-grants/cgr_0123456789abcdef/organizations"), 404, "inexistent_client_grant", "The grant does not exist.")
	w.refused(w.request(globex, "read:organization_client_grants", http.MethodGet, path, ""), 404, "inexistent_client_grant", "The grant does not exist.")
	w.refused(w.request(acme, "read:client_grants", http.MethodGet, path, ""), 403, "insufficient_scope", "Insufficient scope, expected any of: read:organization_client_grants")

	a := w.do(http.MethodPatch, fmt.Sprintf("/client-grants/%s", grant["id"]), m{"scope": []any{"a", "later"}})
	require.Equal(t, http.StatusOK, a.status, a.raw)
	assert.Equal(t, []any{"a", "later"}, a.body["scope"], "a scope may come before the API that defines it")
}

func TestConnections(t *testing.T) {
	w := newWorld(t)
	c := w.created("/clients", m{"name": "x"})
	id := fmt.Sprint(c["client_id"])
	made := w.created("/connections", m{"name": "my-db", "strategy": "auth0"})
	assert.Regexp(t, `^con_[A-Za-z0-9]{16}$`, made["id"])
	assert.Equal(t, m{
		"id": made["id"], "name": "my-db", "strategy": "auth0", "is_domain_connection": false, "enabled_clients": []any{}, "realms": []any{"my-db"},
		"options": m{
			"mfa": m{"active": true, "return_enroll_settings": true}, "passwordPolicy": "good", "strategy_version": 2., "brute_force_protection": true,
			"authentication_methods": m{"password": m{"enabled": true}, "passkey": m{"enabled": false}},
			"passkey_options":        m{"challenge_ui": "both", "progressive_enrollment_enabled": true, "local_enrollment_enabled": true},
		},
	}, made)
	path := fmt.Sprintf("/connections/%s", made["id"])

	t.Run("is_switched_from_either_side", func(t *testing.T) {
		enabled := func() any { return w.do(http.MethodGet, path, nil).body["enabled_clients"] }
		a := w.do(http.MethodPatch, path+"/clients", []m{{"client_id": id, "status": true}})
		require.Equal(t, http.StatusNoContent, a.status, a.raw)
		assert.Equal(t, []any{id}, enabled())
		assert.Equal(t, m{"clients": []any{m{"client_id": id}}}, w.do(http.MethodGet, path+"/clients", nil).body)
		a = w.do(http.MethodGet, "/clients/"+id+"/connections?take=50&fields=name", nil)
		assert.Equal(t, m{"connections": []any{m{"name": "my-db", "is_domain_connection": false}}}, a.body)
		w.do(http.MethodPatch, path, m{"enabled_clients": []any{}})
		assert.Equal(t, []any{}, enabled())
		w.do(http.MethodPatch, path, m{"enabled_clients": []any{id}})
		w.do(http.MethodPatch, path+"/clients", []m{{"client_id": id, "status": false}})
		assert.Equal(t, m{"clients": []any{}}, w.do(http.MethodGet, path+"/clients", nil).body)
	})
	t.Run("a_new_client_is_on_everywhere_and_a_strict_one_nowhere", func(t *testing.T) {
		first, third := w.created("/clients", m{"name": "first"}), w.created("/clients", m{"name": "third", "is_first_party": false})
		a := w.do(http.MethodGet, fmt.Sprintf("/clients/%s/connections", first["client_id"]), nil)
		assert.Len(t, a.body["connections"], 1)
		a = w.do(http.MethodGet, fmt.Sprintf("/clients/%s/connections", third["client_id"]), nil)
		assert.Empty(t, a.body["connections"])
		w.do(http.MethodDelete, fmt.Sprintf("/clients/%s", first["client_id"]), nil)
		assert.Equal(t, []any{}, w.do(http.MethodGet, path, nil).body["enabled_clients"])
	})
	t.Run("patched_options_replace_all_of_them", func(t *testing.T) {
		a := w.do(http.MethodPatch, path, m{"options": m{"requires_username": true}, "display_name": "My DB"})
		require.Equal(t, http.StatusOK, a.status, a.raw)
		options, _ := a.body["options"].(m)
		assert.NotContains(t, options, "passwordPolicy")
		assert.Equal(t, true, options["requires_username"])
		assert.Equal(t, "My DB", a.body["display_name"])
		a = w.do(http.MethodPatch, path, m{"display_name": nil})
		assert.NotContains(t, a.body, "display_name")
	})
	t.Run("the_clients_of_one_are_paged", func(t *testing.T) {
		for i := range 3 {
			w.created("/clients", m{"name": fmt.Sprint(i)})
		}
		seen, from := map[any]bool{}, ""
		for range 3 {
			a := w.do(http.MethodGet, path+"/clients?take=1&from="+from, nil)
			one, _ := a.body["clients"].([]any)
			require.Len(t, one, 1)
			seen[one[0].(m)["client_id"]] = true
			from, _ = a.body["next"].(string)
		}
		assert.Len(t, seen, 3)
		assert.Empty(t, from)
	})
	t.Run("refusals", func(t *testing.T) {
		attribute := func(active bool, status string) m {
			return m{"email": m{"identifier": m{"active": active}, "profile_required": true, "signup": m{"status": status}}}
		}
		for name, row := range map[string]struct {
			body    m
			status  int
			message string
		}{
			"taken":            {m{"name": "my-db", "strategy": "auth0"}, http.StatusConflict, "exists"},
			"unknown_strategy": {m{"name": "a", "strategy": "carrier-pigeon"}, http.StatusBadRequest, "strategy"},
			"no_strategy":      {m{"name": "a"}, http.StatusBadRequest, "Missing required property: strategy"},
			"bad_name":         {m{"name": "-a", "strategy": "auth0"}, http.StatusBadRequest, "name"},
			"spaced_name":      {m{"name": "a b", "strategy": "auth0"}, http.StatusBadRequest, "name"},
			"absent_client":    {m{"name": "a", "strategy": "auth0", "enabled_clients": []any{"nobody"}}, http.StatusNotFound, "The client does not exist"},
			"same_client":      {m{"name": "a", "strategy": "auth0", "enabled_clients": []any{id, id}}, http.StatusBadRequest, "not unique"},
			"unknown":          {m{"name": "a", "strategy": "auth0", "flavour": 1}, http.StatusBadRequest, "Additional properties not allowed: flavour"},
			"policy":           {m{"name": "a", "strategy": "auth0", "options": m{"passwordPolicy": "weak"}}, http.StatusBadRequest, "passwordPolicy"},
			"validation_of_usernames": {
				m{"name": "a", "strategy": "auth0", "options": m{"validation": m{"username": m{"min": 9, "max": 8}}}},
				http.StatusBadRequest, "options.validation.username.min must not be greater than options.validation.username.max",
			},
			"username_and_attributes": {
				m{"name": "a", "strategy": "auth0", "options": m{"requires_username": true, "attributes": attribute(true, "required")}},
				http.StatusBadRequest, "Cannot set both options.attributes and options.requires_username",
			},
			"validation_and_attributes": {
				m{"name": "a", "strategy": "auth0", "options": m{"validation": m{}, "attributes": attribute(true, "required")}},
				http.StatusBadRequest, "Cannot set both options.attributes and options.validation",
			},
			"no_identifier": {
				m{"name": "a", "strategy": "auth0", "options": m{"attributes": attribute(false, "required")}},
				http.StatusBadRequest, "attributes must contain one active identifier",
			},
			"not_on_signup": {
				m{"name": "a", "strategy": "auth0", "options": m{"attributes": attribute(true, "inactive")}},
				http.StatusBadRequest, "attribute email must also be required on signup",
			},
		} {
			a := w.do(http.MethodPost, "/connections", row.body)
			assert.Equal(t, row.status, a.status, "%s: %s", name, a.raw)
			assert.Contains(t, a.body["message"], row.message, name)
		}
		for name, body := range map[string]string{
			"renamed": `{"name":"other"}`, "another_strategy": `{"strategy":"oidc"}`,
		} {
			assert.Equal(t, http.StatusBadRequest, w.request(acme, everyScope, http.MethodPatch, path, body).status, name)
		}
		for name, body := range map[string]string{
			"no_list": `{}`, "empty": `[]`, "no_status": `[{"client_id":"` + id + `"}]`, "extra": `[{"client_id":"` + id + `","status":true,"x":1}]`,
		} {
			assert.Equal(t, http.StatusBadRequest, w.request(acme, everyScope, http.MethodPatch, path+"/clients", body).status, name)
		}
		a := w.do(http.MethodPatch, path+"/clients", []m{{"client_id": "nobody", "status": true}})
		assert.Equal(t, http.StatusNotFound, a.status)
	})
	t.Run("list_filters", func(t *testing.T) {
		w.created("/connections", m{"name": "gh", "strategy": "github"})
		for query, want := range map[string]int{
			"": 2, "?strategy=auth0": 1, "?strategy=auth0&strategy=github": 2, "?strategy=auth0,github": 2, "?name=gh": 1, "?name=none": 0,
		} {
			assert.Len(t, w.do(http.MethodGet, "/connections"+query, nil).list, want, query)
		}
	})
	t.Run("delete_answers_when", func(t *testing.T) {
		a := w.do(http.MethodDelete, path, nil)
		assert.Equal(t, http.StatusAccepted, a.status)
		assert.Equal(t, m{"deleted_at": "2026-03-01T12:00:00.000Z"}, a.body)
		w.refused(w.do(http.MethodGet, path, nil), http.StatusNotFound, "inexistent_connection", "The connection does not exist")
	})
}

func TestSeeding_is_for_one_tenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, secret, err := w.clients.SeedTenant(t.Context(), acme.ID, acme.ManagementAudience())
	require.NoError(t, err)
	again, same, err := w.clients.SeedTenant(t.Context(), acme.ID, acme.ManagementAudience())
	require.NoError(t, err)
	assert.Equal(t, first, again)
	assert.Equal(t, string(secret), string(same))
	other, _, err := w.clients.SeedTenant(t.Context(), tenancy.ID("tnt_01GLOBEX"), globex.ManagementAudience())
	require.NoError(t, err)
	assert.NotEqual(t, first, other)
}
