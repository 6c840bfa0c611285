package httpapi_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// corp is a world with a connection that takes SCIM, and the path of its configuration.
func corp(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t)
	made := w.created("/connections", m{"name": "corp", "strategy": "okta"})
	return w, fmt.Sprintf("/connections/%s/scim-configuration", made["id"])
}

func TestSCIM_lifecycle(t *testing.T) {
	t.Parallel()
	w, path := corp(t)
	id := strings.Split(path, "/")[2]
	w.refused(w.do(http.MethodGet, path, nil), 404, "inexistent_scim_configuration", "The SCIM configuration does not exist")
	mapping := []any{m{"auth0": "username", "scim": "userName"}, m{"auth0": "email", "scim": `emails[type eq "work"].value`}}
	made := w.created(path, m{"user_id_attribute": "userName", "mapping": mapping})
	want := m{
		"connection_id": id, "connection_name": "corp", "strategy": "okta", "tenant_name": "acme.eu.postern.test", "user_id_attribute": "userName",
		"mapping": mapping, "created_at": "2026-03-01T12:00:00.000Z", "updated_on": "2026-03-01T12:00:00.000Z",
	}
	assert.Equal(t, want, made)
	assert.Equal(t, want, w.do(http.MethodGet, path, nil).body)
	w.refused(w.do(http.MethodPost, path, m{}), 409, "scim_configuration_exists", "The connection has a SCIM configuration already")

	w.clock.Advance(time.Minute)
	a := w.do(http.MethodPatch, path, m{"user_id_attribute": "id", "mapping": []any{}})
	require.Equal(t, http.StatusOK, a.status, a.raw)
	want["user_id_attribute"], want["mapping"], want["updated_on"] = "id", []any{}, "2026-03-01T12:01:00.000Z"
	assert.Equal(t, want, a.body)

	assert.Equal(t, m{"scim_configurations": []any{want}}, w.do(http.MethodGet, "/connections-scim-configurations", nil).body)
	for range 2 {
		a = w.do(http.MethodDelete, path, nil)
		assert.Equal(t, http.StatusNoContent, a.status)
		assert.Empty(t, a.raw)
	}
	w.refused(w.do(http.MethodGet, path, nil), 404, "inexistent_scim_configuration", "The SCIM configuration does not exist")
	assert.Equal(t, m{"scim_configurations": []any{}}, w.do(http.MethodGet, "/connections-scim-configurations", nil).body)
}

func TestSCIM_defaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for strategy, row := range map[string]struct{ userID, first, body string }{
		"okta": {"externalId", "preferred_username", "{}"}, "oidc": {"externalId", "preferred_username", ""},
		"waad": {"externalId", "preferred_username", `{"mapping":null}`}, "samlp": {"userName", "username", "{}"},
	} {
		con := w.created("/connections", m{"name": strategy, "strategy": strategy})
		path := fmt.Sprintf("/connections/%s/scim-configuration", con["id"])
		mapping := w.do(http.MethodGet, path+"/default-mapping", nil).body
		list, _ := mapping["mapping"].([]any)
		require.Len(t, list, 32, strategy)
		assert.Equal(t, m{"auth0": row.first, "scim": "userName"}, list[0], strategy)
		a := w.request(acme, everyScope, http.MethodPost, path, row.body)
		require.Equal(t, http.StatusCreated, a.status, "%s: %s", strategy, a.raw)
		assert.Equal(t, row.userID, a.body["user_id_attribute"], strategy)
		assert.Equal(t, mapping["mapping"], a.body["mapping"], strategy)
	}
	seen, from := map[any]bool{}, ""
	for range 2 {
		a := w.do(http.MethodGet, "/connections-scim-configurations?take=2&from="+from, nil)
		for _, item := range a.body["scim_configurations"].([]any) {
			seen[item.(m)["strategy"]] = true
		}
		from, _ = a.body["next"].(string)
	}
	assert.Len(t, seen, 4)
	assert.Empty(t, from)
	for _, strategy := range []string{"auth0", "google-oauth2", "google-apps", "email", "ad"} {
		con := w.created("/connections", m{"name": "no-" + strategy, "strategy": strategy})
		path := fmt.Sprintf("/connections/%s/scim-configuration", con["id"])
		says := "Connections of strategy " + strategy + " have no SCIM configuration"
		w.refused(w.do(http.MethodPost, path, m{}), 400, "operation_not_supported", says)
		w.refused(w.do(http.MethodGet, path+"/default-mapping", nil), 400, "operation_not_supported", says)
		w.refused(w.do(http.MethodGet, path, nil), 404, "inexistent_scim_configuration", "The SCIM configuration does not exist")
	}
}

func TestSCIM_tokens(t *testing.T) {
	t.Parallel()
	w, path := corp(t)
	tokens := path + "/tokens"
	w.refused(w.do(http.MethodPost, tokens, m{}), 404, "inexistent_scim_configuration", "The SCIM configuration does not exist")
	w.refused(w.do(http.MethodGet, tokens, nil), 404, "inexistent_scim_configuration", "The SCIM configuration does not exist")
	w.created(path, m{})
	assert.Equal(t, "[]", strings.TrimSpace(w.do(http.MethodGet, tokens, nil).raw))

	first := w.created(tokens, m{"scopes": []any{"get:users", "patch:groups"}, "token_lifetime": 901})
	secret := fmt.Sprint(first["token"])
	assert.Regexp(t, `^tok_[A-Za-z0-9]{16}\.[A-Za-z0-9_-]{64}$`, secret)
	delete(first, "token")
	assert.Equal(t, m{
		"token_id": strings.Split(secret, ".")[0], "scopes": []any{"get:users", "patch:groups"}, "created_at": "2026-03-01T12:00:00.000Z",
		"valid_until": "2026-03-01T12:15:01.000Z",
	}, first)
	a := w.request(acme, everyScope, http.MethodPost, tokens, "")
	require.Equal(t, http.StatusCreated, a.status, a.raw)
	assert.Equal(t, []any{"get:users", "post:users", "put:users", "patch:users", "delete:users"}, a.body["scopes"])
	assert.NotContains(t, a.body, "valid_until")
	w.refused(w.do(http.MethodPost, tokens, m{"token_lifetime": nil}), 409, "too_many_scim_tokens", "A connection has at most 2 SCIM tokens")

	list := w.do(http.MethodGet, tokens, nil)
	delete(a.body, "token")
	assert.Equal(t, []map[string]any{first, a.body}, list.list, "without the tokens themselves")
	kept, err := w.store.ListSCIMTokens(t.Context(), acme.ID, strings.Split(path, "/")[2])
	require.NoError(t, err)
	hash := sha256.Sum256([]byte(secret))
	assert.Equal(t, hash[:], kept[0].Hash)
	assert.NotContains(t, fmt.Sprintf("%+v", kept), secret)

	gone := fmt.Sprintf("%s/%s", tokens, first["token_id"])
	for range 2 {
		assert.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, gone, nil).status)
	}
	assert.Len(t, w.do(http.MethodGet, tokens, nil).list, 1)
	w.created(tokens, m{"token_lifetime": nil})
	w.do(http.MethodDelete, path, nil)
	w.created(path, m{})
	assert.Empty(t, w.do(http.MethodGet, tokens, nil).list, "the configuration took them along")
}

func TestSCIM_refusals(t *testing.T) {
	t.Parallel()
	w, path := corp(t)
	w.created(path, m{})
	before := w.do(http.MethodGet, path, nil).raw
	one := `{"auth0":"email","scim":"userName"}`
	for body, says := range map[string]string{
		`{}`:                                                                                "Missing required property",
		`{"mapping":[]}`:                                                                    "Missing required property: user_id_attribute",
		`{"user_id_attribute":"id"}`:                                                        "Missing required property: mapping",
		`{"user_id_attribute":"","mapping":[]}`:                                             "String is too short (0 chars), minimum 1",
		`{"user_id_attribute":7,"mapping":[]}`:                                              "Expected type string but found type integer",
		`{"user_id_attribute":null,"mapping":[]}`:                                           "Expected type string but found type null",
		`{"user_id_attribute":"id","mapping":{}}`:                                           "Expected type array but found type object",
		`{"user_id_attribute":"id","mapping":null}`:                                         "Expected type array but found type null",
		`{"user_id_attribute":"id","mapping":[7]}`:                                          "Expected type object but found type integer",
		`{"user_id_attribute":"id","mapping":[{"auth0":"email"}]}`:                          "Missing required property: scim",
		`{"user_id_attribute":"id","mapping":[{"auth0":"","scim":"x"}]}`:                    "String is too short (0 chars), minimum 1",
		`{"user_id_attribute":"id","mapping":[{"auth0":{},"scim":"x"}]}`:                    "Expected type string but found type object",
		`{"user_id_attribute":"id","mapping":[` + one + `],"x":1}`:                          "Additional properties not allowed: x",
		`{"user_id_attribute":"id","connection_id":"x","mapping":[]}`:                       "Additional properties not allowed: connection_id",
		`{"user_id_attribute":"i\u0000d","mapping":[]}`:                                     "i�d' on property user_id_attribute.",
		`{"user_id_attribute":"id","mapping":[{"auth0":"a\u0000","scim":"x"}]}`:             "format attribute-path: a�' on property mapping.auth0.",
		`{"user_id_attribute":"id","mapping":[{"auth0":"a","scim":"x\u202e"}]}`:             "format attribute-path: x�' on property mapping.scim.",
		`{"user_id_attribute":"` + strings.Repeat("é", 257) + `","mapping":[]}`:             "String is too long (257 chars), maximum 256",
		`{"user_id_attribute":"id","mapping":[` + one + strings.Repeat(","+one, 200) + `]}`: "Array is too long (201), maximum 200",
		`[]`:   "Expected type object but found type array",
		`{`:    "Invalid request payload JSON format",
		`null`: "Expected type object but found type null",
	} {
		a := w.request(acme, everyScope, http.MethodPatch, path, body)
		assert.Equal(t, http.StatusBadRequest, a.status, "%.80s: %s", body, a.raw)
		assert.Contains(t, fmt.Sprint(a.body["message"]), says, "%.80s", body)
	}
	for body, says := range map[string]string{
		`{"scopes":[]}`:                        "Array is too short (0), minimum 1",
		`{"scopes":"get:users"}`:               "Expected type array but found type string",
		`{"scopes":["read:users"]}`:            "No enum match for: read:users",
		`{"scopes":["get:users","get:users"]}`: "Array items are not unique (indexes 0 and 1)",
		`{"scopes":["get:users\u0000"]}`:       "No enum match for: get:users�",
		`{"scopes":[{}]}`:                      "Expected type string but found type object",
		`{"token_lifetime":900}`:               "Value 900 is less than minimum 901",
		`{"token_lifetime":0}`:                 "Value 0 is less than minimum 901",
		`{"token_lifetime":-1}`:                "Value -1 is less than minimum 901",
		`{"token_lifetime":1e300}`:             "is greater than maximum 3153600000",
		`{"token_lifetime":901.5}`:             "Expected type integer but found type number",
		`{"token_lifetime":"3600"}`:            "Expected type integer but found type string",
		`{"token":"mine"}`:                     "Additional properties not allowed: token",
	} {
		a := w.request(acme, everyScope, http.MethodPost, path+"/tokens", body)
		assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", body, a.raw)
		assert.Contains(t, fmt.Sprint(a.body["message"]), says, body)
	}
	assert.Empty(t, w.do(http.MethodGet, path+"/tokens", nil).list)
	assert.Equal(t, before, w.do(http.MethodGet, path, nil).raw, "what is refused changes nothing")
	for _, query := range []string{"?take=0", "?take=101", "?take=x", "?from=garbage", "?from=YWZ0ZXI6eA", "?page=1", "?include_totals=true"} {
		a := w.do(http.MethodGet, "/connections-scim-configurations"+query, nil)
		assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", query, a.raw)
	}
}

func TestSCIM_walls(t *testing.T) {
	t.Parallel()
	w, path := corp(t)
	w.created(path, m{})
	token := w.created(path+"/tokens", m{})
	facts := len(w.store.Facts())
	for _, row := range [][3]string{
		{http.MethodGet, path, ""},
		{http.MethodPost, path, "{}"},
		{http.MethodPatch, path, `{"user_id_attribute":"id","mapping":[]}`},
		{http.MethodGet, path + "/default-mapping", ""},
		{http.MethodGet, path + "/tokens", ""},
		{http.MethodPost, path + "/tokens", "{}"},
	} {
		w.refused(w.request(globex, everyScope, row[0], row[1], row[2]), 404, "inexistent_connection", "The connection does not exist")
	}
	for _, gone := range []string{fmt.Sprintf("%s/tokens/%s", path, token["token_id"]), path} {
		assert.Equal(t, http.StatusNoContent, w.request(globex, everyScope, http.MethodDelete, gone, "").status)
	}
	assert.Equal(t, m{"scim_configurations": []any{}}, w.request(globex, everyScope, http.MethodGet, "/connections-scim-configurations", "").body)
	assert.Len(t, w.store.Facts(), facts)
	assert.Len(t, w.do(http.MethodGet, path+"/tokens", nil).list, 1)
}
