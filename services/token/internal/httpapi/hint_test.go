package httpapi_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// OIDC Core §3.1.2.1: the answer is for the user of the ID token that came back, or there is none.
func TestHint(t *testing.T) {
	t.Parallel()

	// two gives a browser where Ada is logged in, her ID token, and Bob's.
	two := func(t *testing.T) (w *world, ada *agent, adas, bobs string) {
		t.Helper()
		w = newWorld(t)
		w.users.Add(w.acme.ID, token.User{ID: "auth0|bob", Email: "bob@example.com"}, password)
		ada = w.browser()
		bob := w.browser()
		to := bob.get("/authorize", authorizeParams()).location(t)
		code := bob.follow(bob.post(to.String(), url.Values{"username": {"bob@example.com"}, "password": {password}})).location(t).Query().Get("code")
		bobs, _ = bob.exchange(code).json(t)["id_token"].(string)
		require.NotEmpty(t, bobs)
		return w, ada, ada.idToken(), bobs
	}
	ask := func(b *agent, hint string, more ...string) *url.URL {
		return b.get("/authorize", authorizeParams(append([]string{"id_token_hint", hint}, more...)...)).location(b.w.t)
	}

	t.Run("of_who_is_logged_in_is_answered_also_once_it_has_expired", func(t *testing.T) {
		t.Parallel()
		w, b, adas, _ := two(t)
		require.NotEmpty(t, ask(b, adas, "prompt", "none").Query().Get("code"))
		w.clock.Advance(11 * time.Hour)
		require.NotEmpty(t, ask(b, adas, "prompt", "none").Query().Get("code"))
	})

	t.Run("of_another_user_is_login_required_where_nobody_may_be_asked", func(t *testing.T) {
		t.Parallel()
		w, b, _, bobs := two(t)
		requireCallbackError(t, ask(b, bobs, "prompt", "none"), "login_required", "Login required")
		require.Equal(t, "fsa", w.lastFact(w.store).Type)
	})

	t.Run("of_another_user_leads_to_the_login_page_where_that_user_alone_gets_an_answer", func(t *testing.T) {
		t.Parallel()
		w, b, adas, bobs := two(t)
		to := ask(b, bobs)
		require.Equal(t, "/u/login", to.Path)
		before := w.store.Sessions()
		typed := b.post(to.String(), url.Values{"username": {"ada@example.com"}, "password": {password}})
		requireCallbackError(t, typed.location(t), "login_required", "Login required")
		require.Equal(t, before, w.store.Sessions(), "and nobody was logged in")
		typed = b.post(to.String(), url.Values{"username": {"bob@example.com"}, "password": {password}})
		require.NotEmpty(t, b.follow(typed).location(t).Query().Get("code"))
		requireCallbackError(t, ask(b, adas, "prompt", "none"), "login_required", "Login required")
	})

	t.Run("of_another_client_says_the_same", func(t *testing.T) {
		t.Parallel()
		_, b, adas, bobs := two(t)
		second := []string{"client_id", "second", "redirect_uri", "https://second.example/cb", "prompt", "none"}
		require.NotEmpty(t, ask(b, adas, second...).Query().Get("code"), "it need not be an audience (OIDC Core §3.1.2.1)")
		require.Equal(t, "login_required", ask(b, bobs, second...).Query().Get("error"))
	})

	t.Run("by_HS256_counts_too", func(t *testing.T) {
		t.Parallel()
		w, b, _, bobs := two(t)
		w.client("web", func(c *token.Client) { c.IDTokenAlg = token.AlgHS256 })
		code := b.get("/authorize", authorizeParams("prompt", "none")).location(t).Query().Get("code")
		adas, _ := b.exchange(code).json(t)["id_token"].(string)
		require.Equal(t, "HS256", decodeSegment(t, adas, 0)["alg"])
		require.NotEmpty(t, ask(b, adas, "prompt", "none").Query().Get("code"))
		require.NotEqual(t, adas, bobs)
	})

	t.Run("that_is_none_is_refused", func(t *testing.T) {
		t.Parallel()
		w, b, adas, _ := two(t)
		access, _ := w.browser().machine().json(t)["access_token"].(string)
		other := w.browser()
		other.tenant = w.bolt
		parts := strings.Split(adas, ".")
		for name, hint := range map[string]string{
			"nonsense": "x", "an access token": access, "unsigned": parts[0] + "." + parts[1] + ".", "too long": adas + strings.Repeat("A", 16<<10),
			"another's signature": parts[0] + "." + parts[1] + "." + strings.Split(access, ".")[2],
		} {
			to := ask(b, hint)
			require.Equal(t, "invalid_request", to.Query().Get("error"), "%s: %s", name, to)
		}
		requireCallbackError(t, ask(other, adas), "invalid_request", "Invalid id_token_hint")
	})

	t.Run("may_be_longer_than_other_parameters", func(t *testing.T) {
		t.Parallel()
		w, b, _, _ := two(t)
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Name = strings.Repeat("ada ", 1500) })
		long := b.idTokenOf(authorizeParams("prompt", "none"))
		require.Greater(t, len(long), 4<<10)
		require.NotEmpty(t, ask(b, long, "prompt", "none").Query().Get("code"))
		require.NotEmpty(t, ask(b, "", "prompt", "none", "login_hint", strings.Repeat("x", 4<<10+1)).Query().Get("error"))
	})

	t.Run("counts_in_a_pushed_request_and_is_checked_there", func(t *testing.T) {
		t.Parallel()
		w, b, adas, bobs := two(t)
		w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{PushedRequests: true} })
		push := func(hint string) answer {
			form := authorizeParams("prompt", "none", "id_token_hint", hint, "client_secret", "web-secret-0123456789")
			return w.browser().post("/oauth/par", form)
		}
		requireOAuth(t, push("x"), 400, "invalid_request", "Invalid id_token_hint")
		for hint, want := range map[string]string{adas: "", bobs: "login_required"} {
			uri, _ := push(hint).json(t)["request_uri"].(string)
			to := b.get("/authorize", url.Values{"client_id": {"web"}, "request_uri": {uri}}).location(t)
			require.Equal(t, want, to.Query().Get("error"))
		}
	})

	t.Run("changes_nothing_while_the_keys_are_away", func(t *testing.T) {
		t.Parallel()
		w, b, adas, _ := two(t)
		w.config.Away(fault.Unavailable("away"))
		require.Equal(t, 503, b.get("/authorize", authorizeParams("id_token_hint", adas)).StatusCode)
	})
}

// idTokenOf answers from the session and gives the ID token.
func (b *agent) idTokenOf(params url.Values) string {
	b.w.t.Helper()
	code := b.get("/authorize", params).location(b.w.t).Query().Get("code")
	raw, _ := b.exchange(code).json(b.w.t)["id_token"].(string)
	require.NotEmpty(b.w.t, raw)
	return raw
}
