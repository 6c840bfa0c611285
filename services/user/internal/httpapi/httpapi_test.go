package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/audit"
	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/argon"
	"github.com/postern-id/postern/services/user/internal/httpapi"
	"github.com/postern-id/postern/services/user/internal/store/storetest"
	"github.com/postern-id/postern/services/user/internal/user"
)

// verifier takes "subject scope scope" for a token.
type verifier struct{}

func (verifier) VerifyAccess(_ context.Context, _ tenancy.Tenant, raw, _ string) (jwtkit.Claims, error) {
	subject, scopes, ok := strings.Cut(raw, " ")
	if !ok {
		return jwtkit.Claims{}, fault.Unauthenticated("Invalid token")
	}
	return jwtkit.Claims{Subject: subject, AuthorizedParty: "client", Scope: strings.Fields(scopes)}, nil
}

type connections struct{}

func (connections) Find(_ context.Context, _ tenancy.ID, name string) (user.Connection, error) {
	switch name {
	case "db":
	case "strict":
		return user.Connection{Name: name, Strategy: "auth0", Password: user.PasswordRules{Dictionary: true, NoPersonalInfo: true, History: 2}}, nil
	default:
		return user.Connection{}, fault.NotFound("none")
	}
	return user.Connection{Name: name, Strategy: "auth0"}, nil
}

func (c connections) FindByID(ctx context.Context, tenant tenancy.ID, id string) (user.Connection, error) {
	switch {
	case tenant != storetest.TenantA:
		return user.Connection{}, fault.NotFound("none")
	case id == "con_mail":
		return user.Connection{Name: "email", Strategy: "email"}, nil
	}
	return c.Find(ctx, tenant, strings.TrimPrefix(id, "con_"))
}

// acting notes the act that reached the verbs.
type acting struct {
	*user.Service

	act audit.Act
}

func (a *acting) Create(ctx context.Context, tenant tenancy.ID, n user.NewUser) (user.User, error) {
	a.act = audit.From(ctx)
	return a.Service.Create(ctx, tenant, n)
}

type door struct {
	handler http.Handler
	seal    *tenancy.Seal
	users   *acting
}

func newDoor(t *testing.T) door {
	t.Helper()
	now := clock.At("2026-03-01T12:00:00Z").Now
	hasher, err := argon.New(t.Context(), argon.Params{MemoryKiB: 64, Passes: 1}, 4)
	require.NoError(t, err)
	seal, err := tenancy.NewSeal(make([]byte, 32), now)
	require.NoError(t, err)
	users := &acting{Service: user.NewService(user.Deps{
		Store: storetest.NewFake(), Connections: connections{}, Hasher: hasher, Log: slog.New(slog.DiscardHandler), Now: now,
	})}
	engine := httpkit.NewEngine(httpkit.Config{Service: "user", Log: slog.New(slog.DiscardHandler), Seal: seal})
	httpapi.Mount(engine, verifier{}, users)
	return door{engine, seal, users}
}

const admin = "c@clients create:users read:users update:users delete:users"

// call gives the status and the body of a request of the token's holder.
func (d door) call(t *testing.T, tenant tenancy.ID, token, method, path, body string) (int, string) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), method, "/api/v2"+path, strings.NewReader(body))
	header, err := d.seal.Header(tenancy.Tenant{ID: tenant, Name: "acme", Host: "acme.test", Canonical: "acme.test"})
	require.NoError(t, err)
	req.Header.Set(tenancy.Header, header)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, req)
	out, err := io.ReadAll(w.Result().Body)
	require.NoError(t, err)
	return w.Code, string(out)
}

func (d door) create(t *testing.T, email string) {
	t.Helper()
	status, body := d.call(t, storetest.TenantA, admin, http.MethodPost, "/users", `{"connection":"db","email":"`+email+`","password":"Correct-horse-1","user_id":"`+strings.Split(email, "@")[0]+`"}`)
	require.Equal(t, http.StatusCreated, status, body)
}

func TestUsers_create(t *testing.T) {
	t.Parallel()
	t.Run("answers_with_the_user_as_the_wire_has_it", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t)
		status, body := d.call(t, storetest.TenantA, admin, http.MethodPost, "/users",
			`{"connection":"db","email":"Ada@Example.test","password":"Correct-horse-1","user_id":"abc","user_metadata":{"a":1},"given_name":"Ada"}`)
		require.Equal(t, http.StatusCreated, status, body)
		assert.JSONEq(t, `{"user_id":"auth0|abc","email":"ada@example.test","email_verified":false,"name":"ada@example.test","nickname":"ada",
			"given_name":"Ada","picture":"https://s.gravatar.com/avatar/28ae5bf8fa0cde12855e61ac303859cc?s=480&r=pg&d=identicon","user_metadata":{"a":1},
			"identities":[{"connection":"db","provider":"auth0","user_id":"abc","isSocial":false}],
			"created_at":"2026-03-01T12:00:00.000Z","updated_at":"2026-03-01T12:00:00.000Z"}`, body)
	})
	t.Run("leaves_an_act_without_the_password", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t)
		d.create(t, "ada@example.test")
		act, err := json.Marshal(d.users.act)
		require.NoError(t, err)
		assert.Equal(t, "Create a User", d.users.act.Operation)
		assert.Contains(t, string(act), "ada@example.test")
		assert.NotContains(t, string(act), "Correct-horse-1")
	})
	for name, tt := range map[string]struct {
		token, body string
		status      int
		code, says  string
	}{
		"a_taken_address":        {admin, `{"connection":"db","email":"ADA@example.test","password":"Correct-horse-1"}`, 409, "auth0_idp_error", "The user already exists."},
		"a_weak_password":        {admin, `{"connection":"db","email":"b@example.test","password":"weak"}`, 400, "invalid_password", "PasswordStrengthError: Password is too weak"},
		"a_common_password":      {admin, `{"connection":"strict","email":"b@example.test","password":"Password1"}`, 400, "invalid_password", "PasswordDictionaryError: Password is too common"},
		"a_name_for_a_password":  {admin, `{"connection":"strict","email":"bernard@example.test","password":"Bernard-2026"}`, 400, "invalid_password", "PasswordNoUserInfoError: Password contains user information"},
		"an_unknown_connection":  {admin, `{"connection":"x","email":"b@example.test","password":"Correct-horse-1"}`, 404, "inexistent_connection", "The connection does not exist."},
		"no_connection":          {admin, `{"email":"b@example.test"}`, 400, "invalid_body", "Missing required property: connection"},
		"an_unknown_property":    {admin, `{"connection":"db","colour":"x"}`, 400, "invalid_body", "Additional properties not allowed: colour"},
		"a_script_for_a_picture": {admin, `{"connection":"db","email":"b@example.test","password":"Correct-horse-1","picture":"javascript:alert(1)"}`, 400, "invalid_body", "picture"},
		"too_few_scopes":         {"c@clients read:users", `{"connection":"db"}`, 403, "insufficient_scope", "Insufficient scope, expected any of: create:users"},
		"no_token":               {"", `{"connection":"db"}`, 401, "", "Missing authentication"},
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			t.Parallel()
			d := newDoor(t)
			d.create(t, "ada@example.test")
			status, body := d.call(t, storetest.TenantA, tt.token, http.MethodPost, "/users", tt.body)
			assert.Equal(t, tt.status, status, body)
			var p httpkit.Problem
			require.NoError(t, json.Unmarshal([]byte(body), &p))
			assert.Equal(t, tt.status, p.StatusCode)
			assert.Equal(t, tt.code, p.ErrorCode)
			assert.Contains(t, p.Message, tt.says)
		})
	}
}

func TestUsers_read(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.create(t, "ada@example.test")
	d.create(t, "bob@example.test")
	get := func(t *testing.T, token, path string) (int, string) {
		t.Helper()
		return d.call(t, storetest.TenantA, token, http.MethodGet, path, "")
	}
	for path, want := range map[string]string{
		"/users/auth0%7Cada?fields=user_id,email":                                                 `{"user_id":"auth0|ada","email":"ada@example.test"}`,
		"/users/auth0|ada?fields=user_id":                                                         `{"user_id":"auth0|ada"}`,
		"/users-by-email?email=ADA%40example.test&fields=user_id":                                 `[{"user_id":"auth0|ada"}]`,
		"/users-by-email?email=nobody%40example.test":                                             `[]`,
		"/users?fields=user_id":                                                                   `[{"user_id":"auth0|ada"},{"user_id":"auth0|bob"}]`,
		"/users?fields=user_id&per_page=1&page=1&include_totals=true":                             `{"start":1,"limit":1,"length":1,"total":2,"users":[{"user_id":"auth0|bob"}]}`,
		"/users?fields=user_id&search_engine=v3&q=" + url.QueryEscape(`email:"bob@example.test"`): `[{"user_id":"auth0|bob"}]`,
		"/users?fields=user_id&sort=email:-1":                                                     `[{"user_id":"auth0|bob"},{"user_id":"auth0|ada"}]`,
	} {
		status, body := get(t, admin, path)
		assert.Equal(t, http.StatusOK, status, path)
		assert.JSONEq(t, want, body, path)
	}
	_, body := get(t, admin, "/users/auth0%7Cada?fields=email,identities&include_fields=false")
	assert.NotContains(t, body, "example.test\",\"email")
	assert.NotContains(t, body, "identities")
	assert.Contains(t, body, "nickname")

	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/users/auth0%7Cnobody":              {404, "inexistent_user"},
		"/users/nobody":                      {400, "invalid_uri"},
		"/users?page=100":                    {400, "invalid_paging"},
		"/users?per_page=1000":               {400, "invalid_query_string"},
		"/users?q=" + url.QueryEscape(`a:"`): {400, "invalid_query_string"},
		"/users?sort=email":                  {400, "invalid_query_string"},
		"/users?sort=password:1":             {400, "invalid_query_string"},
		"/users-by-email":                    {400, "invalid_query_string"},
	} {
		status, body := get(t, admin, path)
		assert.Equal(t, want.status, status, path+body)
		assert.Contains(t, body, want.code, path)
	}
	t.Run("a_stranger_with_all_scopes_sees_nothing", func(t *testing.T) {
		t.Parallel()
		status, _ := d.call(t, storetest.TenantB, admin, http.MethodGet, "/users/auth0%7Cada", "")
		assert.Equal(t, http.StatusNotFound, status)
		_, body := d.call(t, storetest.TenantB, admin, http.MethodGet, "/users?include_totals=true", "")
		assert.JSONEq(t, `{"start":0,"limit":50,"length":0,"total":0,"users":[]}`, body)
	})
	t.Run("a_user_reads_their_own_record_and_no_other", func(t *testing.T) {
		t.Parallel()
		status, _ := get(t, "auth0|ada read:current_user", "/users/auth0%7Cada")
		assert.Equal(t, http.StatusOK, status)
		status, body := get(t, "auth0|ada read:current_user", "/users/auth0%7Cbob")
		assert.Equal(t, http.StatusForbidden, status)
		assert.Contains(t, body, "insufficient_scope")
		status, _ = get(t, "auth0|ada read:current_user", "/users")
		assert.Equal(t, http.StatusForbidden, status)
	})
	t.Run("who_did_not_come_through_the_router_is_refused", func(t *testing.T) {
		t.Parallel()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v2/users", nil)
		req.Header.Set("Authorization", "Bearer "+admin)
		w := httptest.NewRecorder()
		d.handler.ServeHTTP(w, req)
		assert.Equal(t, http.StatusForbidden, w.Code)
	})
}

func TestUsers_update(t *testing.T) {
	t.Parallel()
	patch := func(t *testing.T, d door, token, id, body string) (int, map[string]any) {
		t.Helper()
		status, out := d.call(t, storetest.TenantA, token, http.MethodPatch, "/users/"+id, body)
		var u map[string]any
		require.NoError(t, json.Unmarshal([]byte(out), &u))
		return status, u
	}
	t.Run("metadata_merge_one_level_and_null_deletes", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t)
		d.create(t, "ada@example.test")
		_, _ = patch(t, d, admin, "auth0%7Cada", `{"user_metadata":{"a":1,"b":{"x":1,"y":2}},"app_metadata":{"plan":"gold"}}`)
		status, u := patch(t, d, admin, "auth0%7Cada", `{"user_metadata":{"a":null,"b":{"x":2},"c":"d"},"app_metadata":null,"name":"Ada","blocked":true}`)
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, map[string]any{"b": map[string]any{"x": 2.0}, "c": "d"}, u["user_metadata"])
		assert.NotContains(t, u, "app_metadata")
		assert.Equal(t, "Ada", u["name"])
		assert.Equal(t, true, u["blocked"])
	})
	for name, tt := range map[string]struct {
		token, id, body string
		status          int
	}{
		"an_unknown_user":                      {admin, "auth0%7Cx", `{}`, 404},
		"a_password_with_an_address":           {admin, "auth0%7Cada", `{"password":"Correct-horse-2","email":"x@example.test"}`, 400},
		"an_address_that_is_null":              {admin, "auth0%7Cada", `{"email":null}`, 400},
		"anothers_address":                     {admin, "auth0%7Cada", `{"email":"bob@example.test"}`, 409},
		"an_unknown_property":                  {admin, "auth0%7Cada", `{"roles":["admin"]}`, 400},
		"a_user_changing_app_metadata":         {"auth0|ada update:current_user_metadata", "auth0%7Cada", `{"app_metadata":{"admin":true}}`, 403},
		"a_user_changing_the_address":          {"auth0|ada update:current_user_metadata", "auth0%7Cada", `{"email":"x@example.test"}`, 403},
		"a_user_changing_another":              {"auth0|ada update:current_user_metadata", "auth0%7Cbob", `{"user_metadata":{"a":1}}`, 403},
		"a_user_reading_another_by_no_change":  {"auth0|ada update:current_user_metadata", "auth0%7Cbob", `{}`, 403},
		"app_metadata_scope_for_anything_else": {"c@clients update:users_app_metadata", "auth0%7Cada", `{"blocked":true}`, 403},
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			t.Parallel()
			d := newDoor(t)
			d.create(t, "ada@example.test")
			d.create(t, "bob@example.test")
			status, problem := patch(t, d, tt.token, tt.id, tt.body)
			assert.Equal(t, tt.status, status, problem)
		})
	}
	t.Run("a_used_password_is_refused", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t)
		status, out := d.call(t, storetest.TenantA, admin, http.MethodPost, "/users", `{"connection":"strict","email":"e@example.test","password":"Correct-horse-1","user_id":"eve"}`)
		require.Equal(t, http.StatusCreated, status, out)
		status, problem := patch(t, d, admin, "auth0%7Ceve", `{"password":"Correct-horse-1"}`)
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Equal(t, "invalid_password", problem["errorCode"])
		assert.Equal(t, "PasswordHistoryError: Password has previously been used", problem["message"])
		status, _ = patch(t, d, admin, "auth0%7Ceve", `{"password":"Correct-horse-2"}`)
		assert.Equal(t, http.StatusOK, status)
	})
	t.Run("narrow_scopes_do_what_they_name", func(t *testing.T) {
		t.Parallel()
		d := newDoor(t)
		d.create(t, "ada@example.test")
		status, _ := patch(t, d, "auth0|ada update:current_user_metadata", "auth0%7Cada", `{"user_metadata":{"a":1}}`)
		assert.Equal(t, http.StatusOK, status)
		status, _ = patch(t, d, "c@clients update:users_app_metadata", "auth0%7Cada", `{"app_metadata":{"a":1}}`)
		assert.Equal(t, http.StatusOK, status)
	})
}

func TestUsers_delete(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.create(t, "ada@example.test")
	status, _ := d.call(t, storetest.TenantB, admin, http.MethodDelete, "/users/auth0%7Cada", "")
	assert.Equal(t, http.StatusNoContent, status, "a stranger learns nothing")
	status, _ = d.call(t, storetest.TenantA, "auth0|bob delete:current_user", http.MethodDelete, "/users/auth0%7Cada", "")
	assert.Equal(t, http.StatusForbidden, status)
	status, _ = d.call(t, storetest.TenantA, admin, http.MethodGet, "/users/auth0%7Cada", "")
	assert.Equal(t, http.StatusOK, status)
	for range 2 {
		status, body := d.call(t, storetest.TenantA, admin, http.MethodDelete, "/users/auth0%7Cada", "")
		assert.Equal(t, http.StatusNoContent, status)
		assert.Empty(t, body)
	}
	status, _ = d.call(t, storetest.TenantA, admin, http.MethodGet, "/users/auth0%7Cada", "")
	assert.Equal(t, http.StatusNotFound, status)
}
