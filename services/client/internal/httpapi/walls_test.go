package httpapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// operations are all that the service answers, with scopes of which one is enough.
var operations = []struct{ method, path, scopes string }{
	{http.MethodGet, "/clients", "read:clients read:client_keys read:client_credentials read:client_summary"},
	{http.MethodPost, "/clients", "create:clients"},
	{http.MethodPost, "/clients/cimd/preview", "read:clients"},
	{http.MethodPost, "/clients/cimd/register", "create:clients update:clients"},
	{http.MethodGet, "/clients/x", "read:clients read:client_keys read:client_credentials read:client_summary"},
	{http.MethodPatch, "/clients/x", "update:clients update:client_keys update:client_credentials update:client_token_vault_privileged_access"},
	{http.MethodDelete, "/clients/x", "delete:clients"},
	{http.MethodPost, "/clients/x/rotate-secret", "update:client_keys"},
	{http.MethodGet, "/clients/x/connections", "read:connections read:clients read:client_summary"},
	{http.MethodGet, "/clients/x/credentials", "read:client_credentials"},
	{http.MethodPost, "/clients/x/credentials", "create:client_credentials"},
	{http.MethodGet, "/clients/x/credentials/y", "read:client_credentials"},
	{http.MethodPatch, "/clients/x/credentials/y", "update:client_credentials"},
	{http.MethodDelete, "/clients/x/credentials/y", "delete:client_credentials"},
	{http.MethodGet, "/resource-servers", "read:resource_servers"},
	{http.MethodPost, "/resource-servers", "create:resource_servers"},
	{http.MethodGet, "/resource-servers/x", "read:resource_servers"},
	{http.MethodPatch, "/resource-servers/x", "update:resource_servers"},
	{http.MethodDelete, "/resource-servers/x", "delete:resource_servers"},
	{http.MethodGet, "/client-grants", "read:client_grants"},
	{http.MethodPost, "/client-grants", "create:client_grants"},
	{http.MethodGet, "/client-grants/x", "read:client_grants"},
	{http.MethodPatch, "/client-grants/x", "update:client_grants"},
	{http.MethodDelete, "/client-grants/x", "delete:client_grants"},
	{http.MethodGet, "/client-grants/x/organizations", "read:organization_client_grants"},
	{http.MethodGet, "/connections", "read:connections"},
	{http.MethodPost, "/connections", "create:connections"},
	{http.MethodGet, "/connections/x", "read:connections"},
	{http.MethodPatch, "/connections/x", "update:connections"},
	{http.MethodDelete, "/connections/x", "delete:connections"},
	{http.MethodGet, "/connections/x/clients", "read:connections"},
	{http.MethodPatch, "/connections/x/clients", "update:connections"},
	{http.MethodGet, "/connections/x/status", "read:connections"},
	{http.MethodGet, "/connections/x/scim-configuration", "read:scim_config"},
	{http.MethodPost, "/connections/x/scim-configuration", "create:scim_config"},
	{http.MethodPatch, "/connections/x/scim-configuration", "update:scim_config"},
	{http.MethodDelete, "/connections/x/scim-configuration", "delete:scim_config"},
	{http.MethodGet, "/connections/x/scim-configuration/default-mapping", "read:scim_config"},
	{http.MethodGet, "/connections-scim-configurations", "read:scim_config"},
	{http.MethodGet, "/connections/x/scim-configuration/tokens", "read:scim_token"},
	{http.MethodPost, "/connections/x/scim-configuration/tokens", "create:scim_token"},
	{http.MethodDelete, "/connections/x/scim-configuration/tokens/y", "delete:scim_token"},
	{http.MethodGet, "/actions/actions", "read:actions"},
	{http.MethodGet, "/token-exchange-profiles", "read:token_exchange_profiles"},
	{http.MethodPost, "/token-exchange-profiles", "create:token_exchange_profiles"},
	{http.MethodGet, "/token-exchange-profiles/x", "read:token_exchange_profiles"},
	{http.MethodPatch, "/token-exchange-profiles/x", "update:token_exchange_profiles"},
	{http.MethodDelete, "/token-exchange-profiles/x", "delete:token_exchange_profiles"},
}

// TestWalls_are_around_every_operation holds the list above to what is registered: an operation that is not in it is tried by nobody.
func TestWalls_are_around_every_operation(t *testing.T) {
	t.Parallel()
	var listed, registered []string
	for _, op := range operations {
		listed = append(listed, op.method+" /api/v2"+op.path)
	}
	for path, item := range newWorld(t).api.OpenAPI().Paths {
		path = strings.NewReplacer("{id}", "x", "{credential_id}", "y", "{tokenId}", "y").Replace(path)
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete, http.MethodPut: item.Put,
		} {
			if op != nil {
				registered = append(registered, method+" "+path)
			}
		}
	}
	assert.ElementsMatch(t, registered, listed)
}

func TestWalls(t *testing.T) {
	w := newWorld(t)
	sealed, err := w.seal.Header(acme)
	require.NoError(t, err)
	request := func(method, path string, headers map[string]string) answer {
		r := httptest.NewRequestWithContext(t.Context(), method, "/api/v2"+path, strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		return w.serve(r)
	}
	for _, op := range operations {
		name := op.method + " " + op.path
		all := w.token(acme, everyScope)
		a := request(op.method, op.path, map[string]string{"Authorization": "Bearer " + all})
		assert.Equal(t, http.StatusForbidden, a.status, "%s without the router", name)
		a = request(op.method, op.path, map[string]string{"Authorization": "Bearer " + all, tenancy.Header: sealed[:len(sealed)-2] + "AA"})
		assert.Equal(t, http.StatusForbidden, a.status, "%s with a forged tenant", name)

		a = request(op.method, op.path, map[string]string{tenancy.Header: sealed})
		assert.Equal(t, http.StatusUnauthorized, a.status, "%s without a token", name)
		assert.Equal(t, "Unauthorized", a.body["error"], name)
		for kind, token := range map[string]string{
			"another tenant's": w.token(globex, everyScope), "garbage": "a.b.c", "unsigned": all[:strings.LastIndexByte(all, '.')+1],
			"tampered": all[:len(all)-6] + "AAAAAA",
		} {
			a = request(op.method, op.path, map[string]string{"Authorization": "Bearer " + token, tenancy.Header: sealed})
			assert.Equal(t, http.StatusUnauthorized, a.status, "%s with %s token", name, kind)
		}
		a = w.request(acme, "read:nothing", op.method, op.path, "{}")
		w.refused(a, http.StatusForbidden, "insufficient_scope", "Insufficient scope, expected any of: "+strings.ReplaceAll(op.scopes, " ", ","))
		for scope := range strings.SplitSeq(op.scopes, " ") {
			a = w.request(acme, scope, op.method, op.path, "{}")
			assert.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, a.status, "%s with %s", name, scope)
		}
	}
	t.Run("an_old_token_is_refused", func(t *testing.T) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v2/clients", http.NoBody)
		r.Header.Set("Authorization", "Bearer "+w.token(acme, everyScope))
		w.clock.Advance(2 * time.Hour)
		fresh, err := w.seal.Header(acme)
		require.NoError(t, err)
		r.Header.Set(tenancy.Header, fresh)
		assert.Equal(t, http.StatusUnauthorized, w.serve(r).status)
	})
}

func TestWalls_field_scopes(t *testing.T) {
	w := newWorld(t)
	made := w.created("/clients", m{"name": "x", "description": "d", "callbacks": []any{"https://a.example"}, "encryption_key": m{"cert": "c"}})
	path := fmt.Sprintf("/clients/%s", made["client_id"])
	keys := []string{"client_secret", "signing_keys", "encryption_key"}
	for _, row := range []struct{ scopes, method, path, body string }{
		{"read:clients", http.MethodGet, path, ""},
		{"read:clients", http.MethodGet, path + "?fields=client_secret,signing_keys,encryption_key,name", ""},
		{"update:clients", http.MethodPatch, path, `{"description":"e"}`},
		{"create:clients", http.MethodPost, "/clients", `{"name":"y","encryption_key":{"cert":"c"}}`},
	} {
		a := w.request(acme, row.scopes, row.method, row.path, row.body)
		require.Less(t, a.status, 300, a.raw)
		for _, key := range keys {
			assert.NotContains(t, a.body, key, "%s %s", row.method, row.path)
		}
		assert.Contains(t, a.body, "name")
	}
	a := w.request(acme, "read:clients", http.MethodGet, "/clients", "")
	for _, c := range a.list {
		for _, key := range keys {
			assert.NotContains(t, c, key)
		}
	}
	a = w.request(acme, "read:client_keys", http.MethodGet, path, "")
	for _, key := range keys {
		assert.Contains(t, a.body, key)
	}
	a = w.request(acme, "read:client_summary", http.MethodGet, path, "")
	assert.NotContains(t, a.body, "callbacks")
	assert.Equal(t, "x", a.body["name"])

	t.Run("a_secret_is_set_by_its_own_scope_only", func(t *testing.T) {
		body := `{"client_secret":"0123456789012345678901234567890123"}`
		w.refused(w.request(acme, "update:clients read:client_keys", http.MethodPatch, path, body),
			http.StatusForbidden, "insufficient_scope", "Insufficient scope, expected any of: update:client_keys")
		w.refused(w.request(acme, "update:client_keys", http.MethodPatch, path, `{"name":"renamed"}`),
			http.StatusForbidden, "insufficient_scope", "Insufficient scope, expected any of: update:clients")
		a := w.request(acme, "update:client_keys", http.MethodPatch, path, body)
		assert.Equal(t, http.StatusOK, a.status, a.raw)
	})
	t.Run("rotating_shows_the_new_secret_to_who_asked", func(t *testing.T) {
		a := w.request(acme, "update:client_keys", http.MethodPost, path+"/rotate-secret", "")
		assert.NotEmpty(t, a.body["client_secret"])
		assert.NotContains(t, a.body, "signing_keys")
	})
	t.Run("options_of_connections_are_not_for_readers_of_clients", func(t *testing.T) {
		w.created("/connections", m{"name": "gh", "strategy": "github", "options": m{"client_secret": "hush"}, "enabled_clients": []any{made["client_id"]}})
		a := w.request(acme, "read:clients", http.MethodGet, path+"/connections", "")
		assert.Contains(t, a.raw, "gh")
		assert.NotContains(t, a.raw, "hush")
	})
}

func TestWalls_strangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.created("/clients", m{"name": "x"})
	r := w.created("/resource-servers", m{"identifier": "https://api", "scopes": []any{m{"value": "a"}}})
	g := w.created("/client-grants", m{"client_id": c["client_id"], "audience": "https://api", "scope": []any{"a"}})
	con := w.created("/connections", m{"name": "db", "strategy": "auth0"})
	before := len(w.store.Facts())
	for _, path := range []string{
		fmt.Sprintf("/clients/%s", c["client_id"]), fmt.Sprintf("/resource-servers/%s", r["id"]), fmt.Sprintf("/client-grants/%s", g["id"]),
		fmt.Sprintf("/connections/%s", con["id"]),
	} {
		for _, method := range []string{http.MethodGet, http.MethodPatch} {
			a := w.request(globex, everyScope, method, path, "{}")
			assert.Equal(t, http.StatusNotFound, a.status, "%s %s: %s", method, path, a.raw)
		}
		a := w.request(globex, everyScope, http.MethodDelete, path, "")
		assert.Less(t, a.status, 300, "deleting what is not there is fine, and does nothing")
		assert.Equal(t, http.StatusOK, w.do(http.MethodGet, path, nil).status)
	}
	id := fmt.Sprint(c["client_id"])
	for _, row := range [][3]string{
		{http.MethodPost, "/clients/" + id + "/rotate-secret", ""},
		{http.MethodGet, "/clients/" + id + "/connections", ""},
		{http.MethodGet, fmt.Sprintf("/connections/%s/clients", con["id"]), ""},
		{http.MethodPatch, fmt.Sprintf("/connections/%s/clients", con["id"]), `[{"client_id":"` + id + `","status":true}]`},
		{http.MethodPost, "/client-grants", `{"client_id":"` + id + `","audience":"https://api","scope":[]}`},
	} {
		a := w.request(globex, everyScope, row[0], row[1], row[2])
		assert.Equal(t, http.StatusNotFound, a.status, "%s %s: %s", row[0], row[1], a.raw)
	}
	assert.Len(t, w.store.Facts(), before)
	for _, list := range []string{"/clients", "/resource-servers", "/client-grants", "/connections"} {
		assert.Empty(t, w.request(globex, everyScope, http.MethodGet, list, "").list, list)
	}
}

func TestWalls_an_engine_away_is_503(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.FailNext(fault.Unavailable("The database is away"))
	a := w.do(http.MethodGet, "/clients", nil)
	assert.Equal(t, http.StatusServiceUnavailable, a.status)
	assert.Equal(t, "1", a.header.Get("Retry-After"))
	assert.Equal(t, "The database is away", a.body["message"])
	w.store.FailNext(fmt.Errorf("pq: password authentication failed for user admin"))
	a = w.do(http.MethodGet, "/clients", nil)
	assert.Equal(t, http.StatusInternalServerError, a.status)
	assert.NotContains(t, a.raw, "admin")
}

func TestWalls_oversized_bodies_are_refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.do(http.MethodPost, "/clients", m{"name": "x", "form_template": strings.Repeat("x", 1<<20)})
	assert.Contains(t, []int{http.StatusRequestEntityTooLarge, http.StatusBadRequest}, a.status)
	deep := strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)
	a = w.request(acme, everyScope, http.MethodPost, "/clients", `{"name":"x","b2b_integration_configuration":`+deep+`}`)
	assert.Equal(t, http.StatusBadRequest, a.status)
}
