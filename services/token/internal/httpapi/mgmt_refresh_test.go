package httpapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

// send calls the Management API with a JSON body.
func (b *agent) send(method, path, bearer, body string) answer {
	b.w.t.Helper()
	req := httptest.NewRequestWithContext(b.w.t.Context(), method, "/api/v2"+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+bearer)
	req.Header.Set("Content-Type", "application/json")
	return b.do(req)
}

// requireProblem checks a refusal of the Management API.
func requireProblem(t *testing.T, a answer, status int, code string) {
	t.Helper()
	require.Equal(t, status, a.StatusCode, a.body)
	require.Equal(t, code, a.json(t)["errorCode"], a.body)
}

var refreshScopes = []string{"read:refresh_tokens", "update:refresh_tokens", "delete:refresh_tokens", "read:device_credentials", "delete:device_credentials"}

func TestManagement_refresh_tokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: 24 * time.Hour, Idle: time.Hour})
	admin := w.administrator(refreshScopes...)
	raw := renewed(t, b.exchange(b.logIn(authorizeParams("scope", "openid offline_access read:x", "audience", apiAudience)).Query().Get("code")))
	family := w.store.RefreshTokens()[0]
	path := "/refresh-tokens/" + family.ID
	require.Regexp(t, `^rt_[A-Za-z0-9_-]{20}$`, family.ID)

	created := w.clock.Now()
	want := map[string]any{
		"id": family.ID, "user_id": adaID, "client_id": "web", "session_id": family.SessionID, "rotating": true,
		"created_at": created.Format(time.RFC3339), "idle_expires_at": created.Add(time.Hour).Format(time.RFC3339), "expires_at": created.Add(24 * time.Hour).Format(time.RFC3339),
		"last_exchanged_at": nil, "resource_servers": []any{map[string]any{"audience": apiAudience, "scopes": "openid offline_access read:x"}},
		"device": map[string]any{
			"initial_ip": "203.0.113.7", "initial_asn": "", "initial_user_agent": "test-agent", "last_ip": "203.0.113.7", "last_asn": "", "last_user_agent": "test-agent",
		},
	}
	require.Equal(t, want, b.manage(http.MethodGet, path, admin).json(t))

	w.clock.Advance(time.Minute)
	raw = renewed(t, b.refresh(raw))
	want["last_exchanged_at"], want["idle_expires_at"] = w.clock.Now().Format(time.RFC3339), w.clock.Now().Add(time.Hour).Format(time.RFC3339)
	want["refresh_token_metadata"] = map[string]any{"device": "phone"}
	require.Equal(t, want, b.send(http.MethodPatch, path, admin, `{"refresh_token_metadata":{"device":"phone"}}`).json(t))
	delete(want, "device")
	for listed, name := range map[string]string{"/refresh-tokens?user_id=" + url.QueryEscape(adaID): "refresh_tokens", "/users/" + url.PathEscape(adaID) + "/refresh-tokens": "tokens"} {
		require.Equal(t, map[string]any{name: []any{want}}, b.manage(http.MethodGet, listed, admin).json(t))
	}
	delete(want, "refresh_token_metadata")
	require.NotContains(t, b.send(http.MethodPatch, path, admin, `{"refresh_token_metadata":null}`).json(t), "refresh_token_metadata")

	res := b.manage(http.MethodGet, "/refresh-tokens?user_id=auth0%7Cada&fields=id,rotating", admin)
	require.Equal(t, map[string]any{"refresh_tokens": []any{map[string]any{"id": family.ID, "rotating": true}}}, res.json(t))
	require.Equal(t, http.StatusNoContent, b.manage(http.MethodDelete, path, admin).StatusCode)
	requireOAuth(t, b.refresh(raw), 403, "invalid_grant", unknownRefresh)
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		requireProblem(t, b.manage(method, path, admin), 404, "inexistent_refresh_token")
	}
	requireProblem(t, b.send(http.MethodPatch, path, admin, `{"refresh_token_metadata":{}}`), 404, "inexistent_refresh_token")
}

func TestManagement_refresh_tokens_are_paged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{})
	admin := w.administrator(refreshScopes...)
	for range 5 {
		b.offline()
	}
	var ids []string
	from, pages := "", 1
	for ; pages < 10; pages++ {
		page := b.manage(http.MethodGet, "/users/auth0%7Cada/refresh-tokens?take=2&include_totals=true&from="+from, admin).json(t)
		items, _ := page["tokens"].([]any)
		for _, item := range items {
			ids = append(ids, item.(map[string]any)["id"].(string)) //nolint:forcetypeassert // a test
		}
		next, more := page["next"].(string)
		if !more {
			break
		}
		from = next
	}
	require.Equal(t, 3, pages)
	require.Len(t, ids, 5)
	require.IsIncreasing(t, ids)
	requireProblem(t, b.manage(http.MethodGet, "/users/auth0%7Cada/refresh-tokens?from=rubbish", admin), 400, "invalid_query_string")
	requireProblem(t, b.manage(http.MethodGet, "/refresh-tokens", admin), 400, "invalid_query_string")
	empty := b.manage(http.MethodGet, "/refresh-tokens?user_id=auth0%7Cada&client_id=second", admin)
	require.Equal(t, map[string]any{"refresh_tokens": []any{}}, empty.json(t))
}

func TestManagement_refresh_tokens_end_in_bulk(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, path, body string
		left               int
	}{
		"by_ids":                     {http.MethodPost, "/refresh-tokens/revoke", `{"ids":["%s","rt_unknown"]}`, 2},
		"of_a_user":                  {http.MethodPost, "/refresh-tokens/revoke", `{"user_id":"auth0|ada"}`, 0},
		"of_a_user_at_a_client":      {http.MethodPost, "/refresh-tokens/revoke", `{"user_id":"auth0|ada","client_id":"web"}`, 0},
		"of_these_for_an_api":        {http.MethodPost, "/refresh-tokens/revoke", `{"user_id":"auth0|ada","client_id":"web","audience":"` + apiAudience + `"}`, 1},
		"of_a_client":                {http.MethodPost, "/refresh-tokens/revoke", `{"client_id":"web"}`, 0},
		"of_another_client":          {http.MethodPost, "/refresh-tokens/revoke", `{"client_id":"second"}`, 3},
		"all_of_a_user":              {http.MethodDelete, "/users/auth0%%7Cada/refresh-tokens", ``, 0},
		"all_of_a_user_who_has_none": {http.MethodDelete, "/users/auth0%%7Cbob/refresh-tokens", ``, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.withRefresh(token.RefreshPolicy{})
			admin := w.administrator(refreshScopes...)
			b.offline()
			first := w.store.RefreshTokens()[0].ID
			b.offline()
			b.offline("audience", "")
			body := c.body
			if strings.Contains(body, "%s") {
				body = fmt.Sprintf(body, first)
			}
			res := b.send(c.method, strings.ReplaceAll(c.path, "%%", "%"), admin, body)
			require.Equal(t, http.StatusAccepted, res.StatusCode, res.body)
			require.Len(t, w.store.RefreshTokens(), c.left)
		})
	}
	t.Run("a_filter_that_could_mean_anything_is_refused", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(token.RefreshPolicy{})
		admin := w.administrator(refreshScopes...)
		b.offline()
		long := `"` + strings.Join(make([]string, 102), `x","`) + `"`
		for _, body := range []string{
			`{}`, `{"ids":[]}`, `{"audience":"` + apiAudience + `"}`, `{"user_id":"auth0|ada","audience":"x"}`, `{"client_id":"web","audience":"x"}`,
			`{"ids":["rt_1"],"user_id":"auth0|ada"}`, `{"ids":[` + long + `]}`, `{"user":"auth0|ada"}`, `[]`,
		} {
			requireProblem(t, b.send(http.MethodPost, "/refresh-tokens/revoke", admin, body), 400, "invalid_body")
		}
		require.Len(t, w.store.RefreshTokens(), 1)
	})
}

func TestManagement_refresh_token_metadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{})
	admin := w.administrator(refreshScopes...)
	b.offline()
	path := "/refresh-tokens/" + w.store.RefreshTokens()[0].ID
	many := make([]string, 26)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":"v"`, i)
	}
	for _, body := range []string{
		`{}`, `{"refresh_token_metadata":{"a":1}}`, `{"refresh_token_metadata":{"a b":"c"}}`, `{"refresh_token_metadata":{"":"c"}}`,
		`{"refresh_token_metadata":{"a":"` + strings.Repeat("x", 256) + `"}}`, `{"refresh_token_metadata":{"` + strings.Repeat("x", 256) + `":"a"}}`,
		`{"refresh_token_metadata":{` + strings.Join(many, ",") + `}}`, `{"refresh_token_metadata":{"a":"\u0000"}}`, `{"refresh_token_metadata":{},"user_id":"x"}`,
	} {
		requireProblem(t, b.send(http.MethodPatch, path, admin, body), 400, "invalid_body")
	}
	require.Empty(t, w.store.RefreshTokens()[0].Metadata)
	fine := b.send(http.MethodPatch, path, admin, `{"refresh_token_metadata":{`+strings.Join(many[1:], ",")+`}}`)
	require.Equal(t, http.StatusOK, fine.StatusCode, fine.body)
}

func TestManagement_device_credentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: time.Hour})
	admin := w.administrator(append([]string{"create:current_user_device_credentials", "delete:current_user_device_credentials"}, refreshScopes...)...)
	const key = `{"device_name":"Phone","type":"public_key","value":"AAAA","device_id":"d1","client_id":"web"}`
	requireProblem(t, b.send(http.MethodPost, "/device-credentials", admin, key), 403, "insufficient_scope")

	ada := b.userToken("create:current_user_device_credentials delete:current_user_device_credentials")
	res := b.send(http.MethodPost, "/device-credentials", ada, key)
	require.Equal(t, http.StatusCreated, res.StatusCode, res.body)
	id, _ := res.json(t)["id"].(string)
	require.Regexp(t, `^dcr_[A-Za-z0-9_-]{16}$`, id)
	requireProblem(t, b.send(http.MethodPost, "/device-credentials", ada, key), 409, "device_credential_conflict")
	for _, bad := range []string{`{}`, strings.Replace(key, "public_key", "refresh_token", 1), strings.Replace(key, "AAAA", `\u0000`, 1), strings.Replace(key, "Phone", "", 1)} {
		requireProblem(t, b.send(http.MethodPost, "/device-credentials", ada, bad), 400, "invalid_body")
	}

	b.offline()
	family := w.store.RefreshTokens()[0].ID
	list := func(query string) string { return b.manage(http.MethodGet, "/device-credentials"+query, admin).body }
	require.JSONEq(t, `[{"id":"`+id+`","device_name":"Phone","device_id":"d1","type":"public_key","user_id":"auth0|ada","client_id":"web"}]`, list("?type=public_key&user_id=auth0%7Cada"))
	require.JSONEq(t, `[]`, list(""), "those that rotate are another kind")
	require.JSONEq(t, `{"start":0,"limit":50,"length":1,"total":1,"device_credentials":[{"id":"`+family+`","device_name":"test-agent","device_id":"`+family+`","type":"rotating_refresh_token","user_id":"auth0|ada","client_id":"web"}]}`,
		list("?type=rotating_refresh_token&include_totals=true"))
	require.JSONEq(t, `[{"id":"`+family+`"}]`, list("?type=rotating_refresh_token&fields=id"))
	require.JSONEq(t, `[]`, list("?type=rotating_refresh_token&client_id=second"))

	w.users.Add(w.acme.ID, token.User{ID: "auth0|bob", Email: "bob@example.com"}, "bob's password")
	bob := b.userToken("delete:current_user_device_credentials", "username", "bob@example.com", "password", "bob's password")
	for _, one := range []string{id, family} {
		requireProblem(t, b.manage(http.MethodDelete, "/device-credentials/"+one, bob), 404, "inexistent_device_credential")
		require.Equal(t, http.StatusNoContent, b.manage(http.MethodDelete, "/device-credentials/"+one, map[string]string{id: ada, family: admin}[one]).StatusCode)
		requireProblem(t, b.manage(http.MethodDelete, "/device-credentials/"+one, admin), 404, "inexistent_device_credential")
	}
	require.Empty(t, w.store.RefreshTokens())
}

// userToken gives a user's token for the Management API.
func (b *agent) userToken(scope string, more ...string) string {
	b.w.t.Helper()
	b.w.administrator(strings.Fields(scope)...)
	res := b.password(append([]string{"audience", b.w.acme.ManagementAudience(), "scope", scope}, more...)...)
	require.Equal(b.w.t, http.StatusOK, res.StatusCode, res.body)
	raw, _ := res.json(b.w.t)["access_token"].(string)
	return raw
}

// Each operation is tried without a token, without the scope, and with another tenant's token.
func TestManagement_refresh_tokens_walls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{})
	b.offline()
	id := w.store.RefreshTokens()[0].ID
	poor, admin := w.administrator("read:signing_keys"), w.administrator(refreshScopes...)
	stranger := w.browser()
	stranger.tenant = w.bolt
	for _, op := range []struct{ method, path, body string }{
		{http.MethodGet, "/refresh-tokens?user_id=auth0%7Cada", ""},
		{http.MethodGet, "/refresh-tokens/" + id, ""},
		{http.MethodPatch, "/refresh-tokens/" + id, `{"refresh_token_metadata":{}}`},
		{http.MethodDelete, "/refresh-tokens/" + id, ""},
		{http.MethodPost, "/refresh-tokens/revoke", `{"user_id":"auth0|ada"}`},
		{http.MethodGet, "/users/auth0%7Cada/refresh-tokens", ""},
		{http.MethodDelete, "/users/auth0%7Cada/refresh-tokens", ""},
		{http.MethodGet, "/device-credentials", ""},
		{http.MethodPost, "/device-credentials", `{"device_name":"a","type":"public_key","value":"a","device_id":"a"}`},
		{http.MethodDelete, "/device-credentials/" + id, ""},
	} {
		require.Equal(t, http.StatusUnauthorized, b.send(op.method, op.path, "", op.body).StatusCode, op.path)
		requireProblem(t, b.send(op.method, op.path, poor, op.body), 403, "insufficient_scope")
		require.Equal(t, http.StatusUnauthorized, stranger.send(op.method, op.path, admin, op.body).StatusCode, op.path)
	}
	require.Len(t, w.store.RefreshTokens(), 1)
}
