package mgmtkit_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/mgmtkit"
)

func TestAPI_Audit(t *testing.T) {
	t.Parallel()
	t.Run("a_write_carries_who_what_and_the_redacted_body", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		rec := w.ask(t, http.MethodPost, "/things", `{"name":"x","client_secret":"s","home":"https://a.test/"}`, "User-Agent", "sdk/1")
		require.Equal(t, http.StatusCreated, rec.Code)
		require.Equal(t, audit.Act{
			Operation: "Create a thing", ClientID: "c1", IP: "192.0.2.7", UserAgent: "sdk/1", Hostname: "acme.eu.example.test", Method: "post",
			Path: "/api/v2/things", Query: map[string]string{}, Status: http.StatusCreated, TokenID: "jti_1",
			Scopes: []string{"read:things", "create:things", "update:things", "delete:things"},
			Body:   map[string]any{"name": "x", "client_secret": audit.Redacted, "home": audit.Redacted},
		}, w.act)
		require.Equal(t, "s", w.body.(thing).Secret, "the handler gets the secret")
	})
	t.Run("a_read_is_none_unless_it_reveals", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.ask(t, http.MethodGet, "/things/x", "")
		require.Empty(t, w.act.Operation)
		w.ask(t, http.MethodGet, "/things/x/keys", "")
		require.Equal(t, "Get a thing's keys", w.act.Operation)
		require.Equal(t, "get", w.act.Method)
		require.Nil(t, w.act.Body)
	})
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	var in struct{ Body any }
	require.NoError(t, json.Unmarshal([]byte(`{
		"client_secret":"s1", "Client-Secret":"s2", "clientSecret":"s3", "PASSWORD":"s4", "oldPassword":"s5", "access_token":"s6",
		"list":[{"password":"s7"},{"deep":{"signing_secret":"s8"}},["x"]],
		"secrets":[{"name":"API","value":"s9"}], "configuration":{"DB_URL":"s10"}, "custom_password_hash":{"hash":{"value":"s11"}},
		"otp":123456, "token":77, "httpAuthorization":"s12", "credentials":[{"pem":"s13"}], "client_secret_gone":null, "secret":null,
		"refresh_token":{"leeway":10,"token_lifetime":60}, "token_endpoint_auth_method":"client_secret_post", "password_policy":"good",
		"requires_password":true, "id_token_signed_response_alg":"RS256", "passwordless":{"realm":"x"}, "name":"kept"
	}`), &in.Body))
	got, err := json.Marshal(mgmtkit.RedactedForTest(&in, nil))
	require.NoError(t, err)
	require.JSONEq(t, `{
		"client_secret":"REDACTED", "Client-Secret":"REDACTED", "clientSecret":"REDACTED", "PASSWORD":"REDACTED", "oldPassword":"REDACTED",
		"access_token":"REDACTED", "list":[{"password":"REDACTED"},{"deep":{"signing_secret":"REDACTED"}},["x"]],
		"secrets":"REDACTED", "configuration":"REDACTED", "custom_password_hash":"REDACTED",
		"otp":"REDACTED", "token":"REDACTED", "httpAuthorization":"REDACTED", "credentials":[{"pem":"REDACTED"}], "client_secret_gone":null, "secret":null,
		"refresh_token":{"leeway":10,"token_lifetime":60}, "token_endpoint_auth_method":"client_secret_post", "password_policy":"good",
		"requires_password":true, "id_token_signed_response_alg":"RS256", "passwordless":{"realm":"x"}, "name":"kept"
	}`, string(got))
	require.Nil(t, mgmtkit.RedactedForTest(&struct{ ID string }{}, nil))
}
