package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
)

var sessionScopes = []string{"read:sessions", "update:sessions", "delete:sessions", "delete:refresh_tokens"}

func TestManagement_sessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	admin := w.administrator(sessionScopes...)
	opened := w.clock.Now()
	sid := sidOf(t, b.idToken())
	path := "/sessions/" + sid
	stamp := func(at time.Time) string { return at.Format(time.RFC3339) }
	want := map[string]any{
		"id": sid, "user_id": adaID, "created_at": stamp(opened), "updated_at": stamp(opened), "authenticated_at": stamp(opened), "last_interacted_at": stamp(opened),
		"idle_expires_at": stamp(opened.Add(72 * time.Hour)), "expires_at": stamp(opened.Add(168 * time.Hour)),
		"device": map[string]any{
			"initial_ip": "203.0.113.7", "initial_asn": "", "initial_user_agent": "test-agent", "last_ip": "203.0.113.7", "last_asn": "", "last_user_agent": "test-agent",
		},
		"clients":        []any{map[string]any{"client_id": "web"}},
		"authentication": map[string]any{"methods": []any{map[string]any{"name": "pwd", "timestamp": stamp(opened)}}},
		"cookie":         map[string]any{"mode": "persistent"},
	}
	require.Equal(t, want, b.manage(http.MethodGet, path, admin).json(t))

	w.clock.Advance(10 * time.Minute)
	b.get("/authorize", authorizeParams("client_id", "second", "redirect_uri", "https://second.example/cb"))
	used := w.clock.Now()
	want["updated_at"], want["last_interacted_at"], want["idle_expires_at"] = stamp(used), stamp(used), stamp(used.Add(72*time.Hour))
	want["clients"] = []any{map[string]any{"client_id": "second"}, map[string]any{"client_id": "web"}}
	require.Equal(t, want, b.manage(http.MethodGet, path, admin).json(t))

	w.clock.Advance(time.Minute)
	b.idTokenAgain()
	want["authenticated_at"], want["expires_at"] = stamp(w.clock.Now()), stamp(w.clock.Now().Add(168*time.Hour))
	want["updated_at"], want["last_interacted_at"], want["idle_expires_at"] = stamp(w.clock.Now()), stamp(w.clock.Now()), stamp(w.clock.Now().Add(72*time.Hour))
	want["authentication"] = map[string]any{"methods": []any{map[string]any{"name": "pwd", "timestamp": stamp(w.clock.Now())}}}
	require.Equal(t, want, b.manage(http.MethodGet, path, admin).json(t), "a new password, the same session")

	w.clock.Advance(time.Minute)
	want["session_metadata"], want["updated_at"] = map[string]any{"device": "kiosk"}, stamp(w.clock.Now())
	require.Equal(t, want, b.send(http.MethodPatch, path, admin, `{"session_metadata":{"device":"kiosk"}}`).json(t))
	require.Equal(t, want, b.manage(http.MethodGet, path, admin).json(t))
	for _, property := range []string{"device", "authentication", "cookie"} {
		delete(want, property)
	}
	require.Equal(t, map[string]any{"sessions": []any{want}}, b.manage(http.MethodGet, "/users/auth0%7Cada/sessions", admin).json(t))
	require.NotContains(t, b.send(http.MethodPatch, path, admin, `{"session_metadata":null}`).json(t), "session_metadata")
	require.Equal(t, map[string]any{"sessions": []any{}}, b.manage(http.MethodGet, "/users/auth0%7Cnobody/sessions", admin).json(t))

	require.Equal(t, http.StatusAccepted, b.manage(http.MethodDelete, path, admin).StatusCode)
	require.False(t, b.loggedIn())
	require.Equal(t, http.StatusAccepted, b.manage(http.MethodDelete, path, admin).StatusCode, "gone is gone")
	requireProblem(t, b.manage(http.MethodGet, path, admin), 404, "inexistent_session")
	requireProblem(t, b.send(http.MethodPatch, path, admin, `{"session_metadata":{}}`), 404, "inexistent_session")
}

// idTokenAgain logs in once more in a browser that is logged in.
func (b *agent) idTokenAgain() {
	b.w.t.Helper()
	b.exchange(b.logIn(authorizeParams("prompt", "login")).Query().Get("code"))
}

func TestManagement_sessions_are_paged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.administrator(sessionScopes...)
	for range 5 {
		w.browser().logIn(authorizeParams())
	}
	var ids []string
	from, pages := "", 1
	b := w.browser()
	for ; pages < 10; pages++ {
		page := b.manage(http.MethodGet, "/users/auth0%7Cada/sessions?take=2&from="+url.QueryEscape(from), admin).json(t)
		items, _ := page["sessions"].([]any)
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
	requireProblem(t, b.manage(http.MethodGet, "/users/auth0%7Cada/sessions?from=rubbish", admin), 400, "invalid_query_string")
	requireProblem(t, b.manage(http.MethodGet, "/users/auth0%7Cada/sessions?take=101", admin), 400, "invalid_query_string")

	require.Equal(t, http.StatusAccepted, b.manage(http.MethodDelete, "/users/auth0%7Cada/sessions", admin).StatusCode)
	require.Empty(t, w.store.Sessions())
	require.Len(t, w.store.LogoutMessages(), 5)
	require.Equal(t, token.ByRevocation, w.store.LogoutMessages()[0].By)
}

// renewable logs in and gives a refresh token.
func (b *agent) renewable(t *testing.T) string {
	t.Helper()
	to := b.logIn(authorizeParams("scope", "openid offline_access read:x", "audience", apiAudience))
	return renewed(t, b.exchange(to.Query().Get("code")))
}

func TestManagement_sessions_revoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{})
	admin := w.administrator(sessionScopes...)
	other := w.browser()
	kept, gone := b.renewable(t), other.renewable(t)
	sid := ""
	for _, s := range w.store.Sessions() {
		if s.Secret == token.HashOf(other.cookies[sessionCookieName]) {
			sid = s.ID
		}
	}
	res := b.send(http.MethodPost, "/sessions/"+sid+"/revoke", admin, "")
	require.Equal(t, http.StatusAccepted, res.StatusCode, res.body)
	require.False(t, other.loggedIn())
	require.True(t, b.loggedIn())
	requireOAuth(t, b.refresh(gone), 403, "invalid_grant", unknownRefresh)
	require.Equal(t, http.StatusOK, b.refresh(kept).StatusCode)

	for _, s := range w.store.Sessions() {
		require.Equal(t, http.StatusAccepted, b.manage(http.MethodDelete, "/sessions/"+s.ID, admin).StatusCode)
	}
	require.Equal(t, http.StatusOK, b.refresh(kept).StatusCode, "the end of a session is not the end of what it gave")
}

// What a revoked session gave that nobody redeemed yet is worth nothing either; nor is it once a user's refresh tokens were ended.
func TestManagement_revoking_leaves_nothing_to_redeem(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]func(w *world, b *agent) answer{
		"session": func(w *world, b *agent) answer {
			return b.send(http.MethodPost, "/sessions/"+w.store.Sessions()[0].ID+"/revoke", w.administrator(sessionScopes...), "")
		},
		"refresh_tokens_of_the_user": func(w *world, b *agent) answer {
			return b.manage(http.MethodDelete, "/users/auth0%7Cada/refresh-tokens", w.administrator("delete:refresh_tokens"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b, tv := w.withRefresh(token.RefreshPolicy{}), w.browser()
			w.withDevices()
			opaque, _ := b.exchange(b.logIn(authorizeParams()).Query().Get("code")).json(t)["access_token"].(string)
			to := b.get("/authorize", authorizeParams("scope", "openid offline_access read:x", "audience", apiAudience)).location(t)
			given := tv.device("scope", "openid offline_access").json(t)
			page := b.post("/activate", url.Values{"user_code": {given["user_code"].(string)}}).location(t)
			require.Equal(t, "/activate/success", b.follow(b.accept(page)).location(t).Path)
			require.Equal(t, http.StatusOK, b.userinfo(opaque).StatusCode)

			require.Equal(t, http.StatusAccepted, revoke(w, b).StatusCode)
			requireOAuth(t, b.exchange(to.Query().Get("code")), http.StatusForbidden, "invalid_grant", "Invalid authorization code")
			requireOAuth(t, tv.poll(given["device_code"].(string)), http.StatusForbidden, "invalid_grant", "Invalid or expired device code.")
			want := http.StatusOK // an opaque token that came with no refresh token is none of these
			if name == "session" {
				want = http.StatusUnauthorized
			}
			require.Equal(t, want, b.userinfo(opaque).StatusCode)
		})
	}
}

func TestManagement_session_metadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	admin := w.administrator(sessionScopes...)
	path := "/sessions/" + sidOf(t, b.idToken())
	for _, body := range []string{
		`{}`, `[]`, `{"session_metadata":{"a":1}}`, `{"session_metadata":{"a b":"c"}}`, `{"session_metadata":{"":"c"}}`,
		`{"session_metadata":{"a":"` + strings.Repeat("x", 256) + `"}}`, `{"session_metadata":{"a":"\u0000"}}`, `{"session_metadata":{},"user_id":"x"}`,
	} {
		requireProblem(t, b.send(http.MethodPatch, path, admin, body), 400, "invalid_body")
	}
	require.Empty(t, w.store.Sessions()[0].Metadata)
	w.store.FailNext(fault.Unavailable("postgres is away"))
	require.Equal(t, http.StatusServiceUnavailable, b.send(http.MethodPatch, path, admin, `{"session_metadata":{"a":"b"}}`).StatusCode)
}

// Each operation is tried without a token, without the scope, and with another tenant's token; another tenant's administrator finds
// nothing and ends nothing.
func TestManagement_sessions_walls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	id := sidOf(t, b.idToken())
	poor, admin := w.administrator("read:signing_keys"), w.administrator(sessionScopes...)
	stranger := w.browser()
	stranger.tenant = w.bolt
	for _, op := range []struct{ method, path, body string }{
		{http.MethodGet, "/sessions/" + id, ""},
		{http.MethodPatch, "/sessions/" + id, `{"session_metadata":{}}`},
		{http.MethodDelete, "/sessions/" + id, ""},
		{http.MethodPost, "/sessions/" + id + "/revoke", ""},
		{http.MethodGet, "/users/auth0%7Cada/sessions", ""},
		{http.MethodDelete, "/users/auth0%7Cada/sessions", ""},
	} {
		require.Equal(t, http.StatusUnauthorized, b.send(op.method, op.path, "", op.body).StatusCode, op.path)
		requireProblem(t, b.send(op.method, op.path, poor, op.body), 403, "insufficient_scope")
		require.Equal(t, http.StatusUnauthorized, stranger.send(op.method, op.path, admin, op.body).StatusCode, op.path)
	}
	require.True(t, b.loggedIn())
}
