package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/tenant/internal/httpapi"
	"github.com/postern-id/postern/services/tenant/internal/store/control/storetest"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

type plain struct{}

func (plain) Hash(_ context.Context, password string) (string, error) {
	return "$argon2id$" + password, nil
}

func (plain) Matches(_ context.Context, hash, password string) (bool, error) {
	return hash == "$argon2id$"+password, nil
}

type door struct {
	handler http.Handler
	store   *storetest.Fake
	now     *clock.Fake
}

func open(t *testing.T) *door {
	t.Helper()
	d := &door{store: storetest.NewFake(), now: clock.At("2026-03-01T12:00:00Z")}
	accounts := tenant.NewAccounts(tenant.AccountsDeps{
		Map:   tenant.Map{Base: "example.com", Port: 8443, Cells: []tenant.Cell{{Name: "us", Region: "us"}, {Name: "eu", Region: "eu"}}},
		Store: d.store, Passwords: plain{}, Kick: func() {}, Now: d.now.Now,
	})
	var err error
	d.handler, err = httpapi.NewPlatform(accounts, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return d
}

type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   map[string]any
}

func (a answer) text(path ...string) string {
	var at any = a.body
	for _, name := range path {
		at = at.(map[string]any)[name]
	}
	text, _ := at.(string)
	return text
}

func (d *door) call(t *testing.T, method, path, token, body string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://api.example.com"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	a := answer{t: t, status: w.Code, header: w.Header()}
	if len(raw) > 0 {
		require.NoError(t, json.Unmarshal(raw, &a.body), string(raw))
	}
	return a
}

// signUp gives an account whose tenant is ready.
func (d *door) signUp(t *testing.T, account string) (id, token string) {
	t.Helper()
	a := d.call(t, http.MethodPost, "/v1/signups", "", `{"email":"owner@`+account+`.com","password":"correct horse","account":"`+account+`","region":"eu"}`)
	require.Equal(t, http.StatusAccepted, a.status, a.body)
	d.complete(t, tenant.OperationID(a.text("id")))
	return a.text("id"), a.text("token")
}

func (d *door) complete(t *testing.T, id tenant.OperationID) {
	t.Helper()
	ops, err := d.store.ListOpen(t.Context(), d.now.Now(), 100)
	require.NoError(t, err)
	for _, op := range ops {
		if op.ID == id {
			sealed, err := tenant.SealBox(op.BoxKey, id, "s3cret")
			require.NoError(t, err)
			require.NoError(t, d.store.Complete(t.Context(), id, tenant.Result{ManagementClientID: "client", SealedSecret: sealed}, d.now.Now()))
		}
	}
}

func TestPlatform_SignUp(t *testing.T) {
	t.Parallel()
	t.Run("answers_at_once_and_tells_where_to_look", func(t *testing.T) {
		t.Parallel()
		d := open(t)
		a := d.call(t, http.MethodPost, "/v1/signups", "", `{"email":"o@example.com","password":"correct horse","account":"acme"}`)
		require.Equal(t, http.StatusAccepted, a.status)
		require.Equal(t, "pending", a.text("status"))
		require.Equal(t, "/v1/signups/"+a.text("id"), a.text("links", "self"))
		require.Equal(t, a.text("links", "self"), a.header.Get("Location"))
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
		look := d.call(t, http.MethodGet, a.text("links", "self"), a.text("token"), "")
		require.Equal(t, http.StatusOK, look.status)
		require.Len(t, look.body["steps"], 7)
		require.NotContains(t, look.body, "tenant")
	})
	t.Run("shows_the_tenant_once_ready_and_its_secret_once", func(t *testing.T) {
		t.Parallel()
		d := open(t)
		id, token := d.signUp(t, "acme")
		a := d.call(t, http.MethodGet, "/v1/signups/"+id, token, "")
		require.Equal(t, "ready", a.text("status"))
		require.Equal(t, "acme.eu.example.com:8443", a.text("tenant", "domain"))
		require.Equal(t, "https://acme.eu.example.com:8443/", a.text("tenant", "issuer"))
		require.Equal(t, map[string]any{
			"audience": "https://acme.eu.example.com:8443/api/v2/", "client_id": "client", "client_secret": "s3cret",
		}, a.body["tenant"].(map[string]any)["management_api"])
		a = d.call(t, http.MethodGet, "/v1/signups/"+id, token, "")
		require.NotContains(t, a.body["tenant"].(map[string]any)["management_api"], "client_secret")
	})
	t.Run("bad_input_is_refused_in_the_wires_shape", func(t *testing.T) {
		t.Parallel()
		d := open(t)
		for body, code := range map[string]string{
			`{"email":"o@example.com","password":"correct horse","account":"A"}`:                    "invalid_account",
			`{"email":"o@example.com","password":"correct horse","account":"manage"}`:               "reserved_account",
			`{"email":"nobody","password":"correct horse","account":"acme"}`:                        "invalid_email",
			`{"email":"o@example.com","password":"short","account":"acme"}`:                         "invalid_password",
			`{"email":"o@example.com","password":"correct horse","account":"acme","region":"mars"}`: "invalid_region",
			`{"email":"o@example.com","password":"correct horse"}`:                                  "invalid_body",
			`{"email":"o@example.com","password":"correct horse","account":"acme","admin":true}`:    "invalid_body",
			`{"email":7,"password":"correct horse","account":"acme"}`:                               "invalid_body",
		} {
			a := d.call(t, http.MethodPost, "/v1/signups", "", body)
			require.Equal(t, http.StatusBadRequest, a.status, body)
			require.Equal(t, code, a.text("errorCode"), body)
			require.InDelta(t, 400, a.body["statusCode"], 0)
			require.NotContains(t, a.text("message"), "correct horse")
		}
	})
	t.Run("stranger_gets_409_for_a_taken_name", func(t *testing.T) {
		t.Parallel()
		d := open(t)
		d.signUp(t, "acme")
		a := d.call(t, http.MethodPost, "/v1/signups", "", `{"email":"stranger@example.org","password":"correct horse","account":"acme"}`)
		require.Equal(t, http.StatusConflict, a.status)
		require.Equal(t, "account_taken", a.text("errorCode"))
	})
	t.Run("limit_answers_429_with_retry_after", func(t *testing.T) {
		t.Parallel()
		d := open(t)
		d.signUp(t, "acme")
		var a answer
		for range 11 {
			a = d.call(t, http.MethodPost, "/v1/tokens", "", `{"email":"owner@acme.com","password":"wrong wrong"}`)
		}
		require.Equal(t, http.StatusTooManyRequests, a.status)
		require.NotEmpty(t, a.header.Get("Retry-After"))
	})
	t.Run("database_away_is_503_with_retry_after", func(t *testing.T) {
		t.Parallel()
		d := open(t)
		d.store.FailNext(fault.Unavailable("The database is away"))
		a := d.call(t, http.MethodPost, "/v1/signups", "", `{"email":"o@example.com","password":"correct horse","account":"acme"}`)
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		require.NotEmpty(t, a.header.Get("Retry-After"))
	})
}

// TestPlatform_Strangers tries every member's route as nobody, with a token nobody has, and as another account's owner.
func TestPlatform_Strangers(t *testing.T) {
	t.Parallel()
	d := open(t)
	signup, token := d.signUp(t, "acme")
	_, stranger := d.signUp(t, "other")
	created := d.call(t, http.MethodPost, "/v1/tenants", token, `{"region":"us"}`)
	require.Equal(t, http.StatusAccepted, created.status, created.body)
	operation := created.text("id")
	d.complete(t, tenant.OperationID(operation))
	tenants := d.call(t, http.MethodGet, "/v1/tenants", token, "").body["tenants"].([]any)
	require.Len(t, tenants, 2)
	id := tenants[0].(map[string]any)["id"].(string)

	routes := []struct {
		method, path, body string
		stranger           int // what another account's owner gets
	}{
		{http.MethodGet, "/v1/members", "", http.StatusOK}, // their own
		{http.MethodGet, "/v1/tenants", "", http.StatusOK}, // their own
		{http.MethodPost, "/v1/tenants", `{"region":"us","account":"acme"}`, http.StatusNotFound},
		{http.MethodGet, "/v1/tenants/" + id, "", http.StatusNotFound},
		{http.MethodDelete, "/v1/tenants/" + id, "", http.StatusNotFound},
		{http.MethodGet, "/v1/operations/" + operation, "", http.StatusNotFound},
		{http.MethodGet, "/v1/operations/" + signup, "", http.StatusNotFound},
	}
	for _, r := range routes {
		for _, nobody := range []string{"", "ptk_" + strings.Repeat("a", 43), "x", token + "x"} {
			a := d.call(t, r.method, r.path, nobody, r.body)
			require.Equal(t, http.StatusUnauthorized, a.status, "%s %s", r.method, r.path)
			require.Equal(t, "Bearer", a.header.Get("WWW-Authenticate"))
		}
		a := d.call(t, r.method, r.path, stranger, r.body)
		require.Equal(t, r.stranger, a.status, "%s %s", r.method, r.path)
		shown, err := json.Marshal(a.body)
		require.NoError(t, err)
		require.NotContains(t, string(shown), "acme")
		require.NotContains(t, string(shown), id)
	}
	for _, other := range []string{stranger, "ptk_" + strings.Repeat("a", 43)} {
		require.Equal(t, http.StatusNotFound, d.call(t, http.MethodGet, "/v1/signups/"+signup, other, "").status)
	}
	require.Equal(t, http.StatusUnauthorized, d.call(t, http.MethodGet, "/v1/signups/"+signup, "", "").status)

	a := d.call(t, http.MethodGet, "/v1/tenants/"+id, token, "")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "active", a.text("state"), "the strangers changed nothing")
	a = d.call(t, http.MethodGet, "/v1/operations/"+operation, token, "")
	require.Equal(t, "s3cret", a.text("tenant", "management_api", "client_secret"), "nor spent the secret")
}

func TestPlatform_Tokens(t *testing.T) {
	t.Parallel()
	d := open(t)
	d.signUp(t, "acme")
	a := d.call(t, http.MethodPost, "/v1/tokens", "", `{"email":"OWNER@acme.com","password":"correct horse"}`)
	require.Equal(t, http.StatusCreated, a.status)
	require.Equal(t, "acme", a.text("account"))
	token := a.text("token")
	require.Equal(t, http.StatusOK, d.call(t, http.MethodGet, "/v1/members", token, "").status)
	require.Equal(t, http.StatusNoContent, d.call(t, http.MethodDelete, "/v1/tokens/current", token, "").status)
	require.Equal(t, http.StatusUnauthorized, d.call(t, http.MethodGet, "/v1/members", token, "").status)
}

func TestPlatform_DeleteTenant(t *testing.T) {
	t.Parallel()
	d := open(t)
	_, token := d.signUp(t, "acme")
	id := d.call(t, http.MethodGet, "/v1/tenants", token, "").body["tenants"].([]any)[0].(map[string]any)["id"].(string)
	a := d.call(t, http.MethodDelete, "/v1/tenants/"+id, token, "")
	require.Equal(t, http.StatusAccepted, a.status)
	require.Equal(t, "delete_tenant", a.text("kind"))
	require.Equal(t, http.StatusConflict, d.call(t, http.MethodDelete, "/v1/tenants/"+id, token, "").status)
	require.Equal(t, http.StatusOK, d.call(t, http.MethodGet, a.header.Get("Location"), token, "").status)
}

func TestPlatform_Open(t *testing.T) {
	t.Parallel()
	d := open(t)
	a := d.call(t, http.MethodGet, "/openapi.json", "", "")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body["paths"], "/v1/signups")
	a = d.call(t, http.MethodGet, "/v1/regions", "", "")
	require.Equal(t, []any{map[string]any{"name": "us", "default": true}, map[string]any{"name": "eu", "default": false}}, a.body["regions"])
	require.Equal(t, http.StatusNotFound, d.call(t, http.MethodGet, "/v1/nothing", "", "").status)
}
