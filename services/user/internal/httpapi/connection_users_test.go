package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/store/storetest"
)

func TestConnectionUsers_delete(t *testing.T) {
	t.Parallel()
	path := func(connection, email string) string {
		return "/connections/" + connection + "/users?email=" + url.QueryEscape(email)
	}
	exists := func(t *testing.T, d door) bool {
		t.Helper()
		status, _ := d.call(t, storetest.TenantA, admin, http.MethodGet, "/users/auth0%7Cada", "")
		return status == http.StatusOK
	}
	t.Run("takes_any_spelling_and_a_repeat", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t)
		d.create(t, "ada@example.test")
		for range 2 {
			status, body := d.call(t, storetest.TenantA, "c@clients delete:users", http.MethodDelete, path("con_db", "ADA@example.test"), "")
			assert.Equal(t, http.StatusNoContent, status, body)
			assert.Empty(t, body)
			assert.False(t, exists(t, d))
		}
	})
	for name, tt := range map[string]struct {
		tenant      tenancy.ID
		token, path string
		status      int
		code, says  string
	}{
		"an_unknown_connection":    {storetest.TenantA, admin, path("con_x", "ada@example.test"), 404, "inexistent_connection", "The connection does not exist."},
		"a_strangers_connection":   {storetest.TenantB, admin, path("con_db", "ada@example.test"), 404, "inexistent_connection", "The connection does not exist."},
		"no_database":              {storetest.TenantA, admin, path("con_mail", "ada@example.test"), 400, "operation_not_supported", "database connections only"},
		"nobodys_address":          {storetest.TenantA, admin, path("con_db", "bob@example.test"), 204, "", ""},
		"no_address":               {storetest.TenantA, admin, "/connections/con_db/users", 400, "invalid_query_string", "Required query parameter is missing"},
		"an_empty_address":         {storetest.TenantA, admin, path("con_db", ""), 400, "invalid_query_string", "email"},
		"what_is_no_address":       {storetest.TenantA, admin, path("con_db", "*"), 400, "invalid_query_string", "'Object didn't pass validation for format email' on property email."},
		"a_name_around_an_address": {storetest.TenantA, admin, path("con_db", "Ada <ada@example.test>"), 400, "invalid_query_string", "format email"},
		"control_characters":       {storetest.TenantA, admin, path("con_db", "ada\x00@example.test"), 400, "invalid_query_string", "format email"},
		"a_long_address":           {storetest.TenantA, admin, path("con_db", strings.Repeat("a", 300)+"@example.test"), 400, "invalid_query_string", "String is too long"},
		"another_parameter":        {storetest.TenantA, admin, path("con_db", "ada@example.test") + "&all=true", 400, "invalid_query_string", "all"},
		"another_scope":            {storetest.TenantA, "c@clients delete:connections delete:current_user", path("con_db", "ada@example.test"), 403, "insufficient_scope", "delete:users"},
		"no_token":                 {storetest.TenantA, "", path("con_db", "ada@example.test"), 401, "", "Missing authentication"},
	} {
		t.Run(name+"_deletes_nobody", func(t *testing.T) {
			t.Parallel()
			d := newDoor(t)
			d.create(t, "ada@example.test")
			status, body := d.call(t, tt.tenant, tt.token, http.MethodDelete, tt.path, "")
			assert.Equal(t, tt.status, status, body)
			assert.True(t, exists(t, d))
			if status == http.StatusNoContent {
				return
			}
			var p httpkit.Problem
			require.NoError(t, json.Unmarshal([]byte(body), &p))
			assert.Equal(t, tt.code, p.ErrorCode)
			assert.Contains(t, p.Message, tt.says)
		})
	}
}
