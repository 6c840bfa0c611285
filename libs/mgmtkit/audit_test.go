package mgmtkit_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/fault"
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
		require.Empty(t, w.act.Operation, "no store has a change to write it beside")
		require.Len(t, w.lines.acts, 1)
		require.Equal(t, "Get a thing's keys", w.lines.acts[0].Operation)
		require.Equal(t, "get", w.lines.acts[0].Method)
		require.Nil(t, w.lines.acts[0].Body)
	})
}

func TestAPI_AuditedAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.ask(t, http.MethodPatch, "/things/x", `{"name":"x"}`, "X-Correlation-ID", strings.Repeat("é", 70))
	require.Equal(t, http.StatusOK, rec.Code)
	require.JSONEq(t, `{"name":"x","client_secret":"s3cret","home":"kept"}`, rec.Body.String())
	require.Equal(t, map[string]any{"name": "x", "client_secret": audit.Redacted, "home": "kept"}, w.act.Answer, "what the store wrote beside the change")
	require.Equal(t, strings.Repeat("é", 64), w.act.Correlation)
	require.Empty(t, w.lines.acts, "the line of a change is its store's")
}

func TestAPI_AuditedRefusal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, path, body, token string
		fail                      error
		status                    int
		message                   string
		logged                    any
	}{
		"of_the_domain": {
			method: http.MethodPost, path: "/things", body: `{"name":"x","client_secret":"abc","home":"https://a.test/"}`,
			fail: fault.Conflict("", "There is one"), status: http.StatusConflict, message: "There is one",
			logged: map[string]any{"name": "x", "client_secret": audit.Redacted, "home": audit.Redacted},
		},
		"of_the_declaration": {
			method: http.MethodPost, path: "/things", body: `{"name":7,"pasword":"s3cret","jwt_configuration":{"alg":"RS256","sekret":["s3cret"]},"metadata":{"a":"kept"}}`,
			status: http.StatusBadRequest, message: "Payload validation error: 'Expected type string but found type integer' on property name (Name of the thing).",
			logged: map[string]any{
				"name": 7.0, "pasword": audit.Redacted, "jwt_configuration": map[string]any{"alg": "RS256", "sekret": audit.Redacted},
				"metadata": map[string]any{"a": "kept"},
			},
		},
		"of_what_is_no_json":   {method: http.MethodPost, path: "/things", body: `{"name":"s3cret`, status: http.StatusBadRequest, message: "Invalid request payload JSON format"},
		"of_an_odd_list":       {method: http.MethodPost, path: "/things", body: `{"name":"x","callbacks":[[]]}`, status: http.StatusBadRequest, message: "Payload validation error: 'Invalid value'.", logged: map[string]any{"name": "x", "callbacks": []any{[]any{}}}},
		"of_the_scope":         {method: http.MethodDelete, path: "/things/x", token: "holds:read:things", status: http.StatusForbidden, message: "Insufficient scope, expected any of: delete:things"},
		"of_what_is_not_there": {method: http.MethodDelete, path: "/things/x", fail: fault.NotFound("No such thing"), status: http.StatusNotFound, message: "No such thing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fail = c.fail
			var headers []string
			if c.token != "" {
				headers = []string{"Authorization", "Bearer " + c.token}
			}
			require.Equal(t, c.status, w.ask(t, c.method, c.path, c.body, headers...).Code)
			require.Len(t, w.lines.acts, 1)
			act := w.lines.acts[0]
			require.Equal(t, c.status, act.Status)
			require.Equal(t, c.logged, act.Body)
			require.Equal(t, c.message, act.Answer.(map[string]any)["message"])
			require.Equal(t, "c1", act.ClientID)
			raw, err := json.Marshal(logapi.EntryOf(act))
			require.NoError(t, err)
			require.NotContains(t, string(raw), "s3cret")
		})
	}
	for name, c := range map[string]struct {
		method, body, token string
		fail                error
	}{
		"nobody_known":    {method: http.MethodPost, body: `{"name":"x"}`, token: "forged"},
		"our_own_failure": {method: http.MethodPost, body: `{"name":"x"}`, fail: fault.Unavailable("Away")},
		"a_read":          {method: http.MethodGet, token: "holds:nothing"},
		"a_success":       {method: http.MethodPost, body: `{"name":"x"}`},
	} {
		t.Run("none_of_"+name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fail = c.fail
			var headers []string
			if c.token != "" {
				headers = []string{"Authorization", "Bearer " + c.token}
			}
			w.ask(t, c.method, "/things", c.body, headers...)
			require.Empty(t, w.lines.acts)
		})
	}
	t.Run("a_line_that_cannot_be_stored_changes_no_answer", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.lines.fail = fault.Unavailable("The store is away").Because(io.ErrUnexpectedEOF)
		require.Equal(t, http.StatusBadRequest, w.ask(t, http.MethodPost, "/things", `{}`).Code)
		require.Contains(t, w.log.String(), "unexpected EOF")
	})
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal(mgmtkit.RedactedForTest([]byte(`{
		"client_secret":"s1", "Client-Secret":"s2", "clientSecret":"s3", "PASSWORD":"s4", "oldPassword":"s5", "access_token":"s6",
		"list":[{"password":"s7"},{"deep":{"signing_secret":"s8"}},["x"]],
		"secrets":[{"name":"API","value":"s9"}], "configuration":{"DB_URL":"s10"}, "custom_password_hash":{"hash":{"value":"s11"}},
		"otp":123456, "token":77, "httpAuthorization":"s12", "credentials":[{"pem":"s13"}], "client_secret_gone":null, "secret":null,
		"refresh_token":{"leeway":10,"token_lifetime":60}, "token_endpoint_auth_method":"client_secret_post", "password_policy":"good",
		"requires_password":true, "id_token_signed_response_alg":"RS256", "passwordless":{"realm":"x"}, "name":"kept"
	}`), nil))
	require.NoError(t, err)
	require.JSONEq(t, `{
		"client_secret":"REDACTED", "Client-Secret":"REDACTED", "clientSecret":"REDACTED", "PASSWORD":"REDACTED", "oldPassword":"REDACTED",
		"access_token":"REDACTED", "list":[{"password":"REDACTED"},{"deep":{"signing_secret":"REDACTED"}},["x"]],
		"secrets":"REDACTED", "configuration":"REDACTED", "custom_password_hash":"REDACTED",
		"otp":"REDACTED", "token":"REDACTED", "httpAuthorization":"REDACTED", "credentials":[{"pem":"REDACTED"}], "client_secret_gone":null, "secret":null,
		"refresh_token":{"leeway":10,"token_lifetime":60}, "token_endpoint_auth_method":"client_secret_post", "password_policy":"good",
		"requires_password":true, "id_token_signed_response_alg":"RS256", "passwordless":{"realm":"x"}, "name":"kept"
	}`, string(got))
	require.Nil(t, mgmtkit.RedactedForTest(nil, nil))
	require.Nil(t, mgmtkit.RedactedForTest([]byte(`{"password":"s`), nil))
}
