package httpapi_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

const (
	sessionCookieName = "__Host-postern"
	browserCookieName = "__Host-postern_tx"
)

// logInForCookie logs in and gives the session's cookie as it was set.
func (b *agent) logInForCookie(params url.Values) *http.Cookie {
	b.w.t.Helper()
	start := b.get("/authorize", params)
	typed := b.post(start.location(b.w.t).String(), url.Values{"username": {"ada@example.com"}, "password": {password}})
	var set *http.Cookie
	for _, c := range typed.Cookies() {
		if c.Name == sessionCookieName {
			set = c
		}
	}
	require.NotNil(b.w.t, set, typed.body)
	b.follow(typed)
	return set
}

func TestSessionCookie(t *testing.T) {
	t.Parallel()

	t.Run("is_the_hosts_and_reaches_it_from_a_frame_RFC6265bis_4_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		c := b.logInForCookie(authorizeParams())
		require.True(t, c.Secure && c.HttpOnly)
		require.Equal(t, "/", c.Path)
		require.Empty(t, c.Domain, "__Host- allows none")
		require.Equal(t, http.SameSiteNoneMode, c.SameSite, "silent renewal asks from a frame in another site")
		require.WithinDuration(t, w.clock.Now().Add(168*time.Hour), c.Expires, time.Second)
		gone := b.get("/v2/logout", nil)
		require.Len(t, gone.Cookies(), 1)
		require.Negative(t, gone.Cookies()[0].MaxAge)
		require.Equal(t, http.SameSiteNoneMode, gone.Cookies()[0].SameSite, "a frame's logout takes it away, too")
	})

	t.Run("without_https_there_is_no_None", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		b.tenant.Base = "http://acme.eu.postern.localhost:8080"
		b.logIn(authorizeParams())
		for _, c := range b.get("/v2/logout", nil).Cookies() {
			require.Equal(t, "postern", c.Name)
			require.Equal(t, http.SameSiteLaxMode, c.SameSite)
			require.False(t, c.Secure)
		}
	})

	t.Run("a_frame_gets_an_answer_and_never_a_page", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.implicit()
		b := w.browser()
		b.logIn(authorizeParams())
		frame := w.browser() // what a browser sends from another site: the session's cookie alone
		frame.cookies[sessionCookieName] = b.cookies[sessionCookieName]
		page := frame.get("/authorize", authorizeParams("response_mode", "web_message", "prompt", "none"))
		require.Contains(t, page.Header.Get("Content-Security-Policy"), "frame-ancestors https://app.example")
		for _, path := range []string{"/v2/logout?returnTo=https://evil.example", "/oidc/logout?client_id=nobody", "/authorize?client_id=nobody", "/u/login?state=x", "/u/consent?state=x"} {
			res := frame.get(path, nil)
			require.Equal(t, "DENY", res.Header.Get("X-Frame-Options"), path)
			require.Contains(t, res.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
		}
	})

	t.Run("from_another_site_it_logs_nobody_in_RFC9700_4_7", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		start := b.get("/authorize", authorizeParams())
		require.Len(t, start.Cookies(), 1)
		require.Equal(t, browserCookieName, start.Cookies()[0].Name)
		require.Equal(t, http.SameSiteLaxMode, start.Cookies()[0].SameSite)
		to := start.location(t)
		elsewhere := w.browser() // another site's form: the cookie of the login stays at home
		res := elsewhere.post(to.String(), url.Values{"username": {"ada@example.com"}, "password": {password}})
		require.Equal(t, http.StatusBadRequest, res.StatusCode)
		require.Empty(t, elsewhere.cookies[sessionCookieName])
	})
}

// A custom domain is a host of its own: what was opened at one is not good at the other, whoever carries the cookie over.
func TestSessions_are_their_hosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	canonical, custom := w.browser(), w.browser()
	custom.tenant.Host, custom.tenant.Base = "login.acme.example", "https://login.acme.example"
	canonical.logIn(authorizeParams())
	custom.cookies = maps.Clone(canonical.cookies)
	requireCallbackError(t, custom.get("/authorize", authorizeParams("prompt", "none")).location(t), "login_required", "Login required")
	custom.get("/v2/logout", nil)
	require.True(t, canonical.loggedIn(), "nor can it be ended there")

	code := custom.logIn(authorizeParams()).Query().Get("code")
	require.True(t, custom.loggedIn())
	require.True(t, canonical.loggedIn())
	idToken, _ := custom.exchange(code).json(t)["id_token"].(string)
	require.Equal(t, "https://login.acme.example/", decodeSegment(t, idToken, 1)["iss"])
	for _, s := range w.store.Sessions() {
		require.Contains(t, []string{w.acme.Host, "login.acme.example"}, s.Host)
	}
	require.Equal(t, http.StatusBadRequest, canonical.get("/oidc/logout", url.Values{"id_token_hint": {idToken}}).StatusCode, "another host is another issuer")
	require.Equal(t, http.StatusOK, custom.get("/oidc/logout", url.Values{"id_token_hint": {idToken}}).StatusCode)
	require.False(t, custom.loggedIn())
	require.True(t, canonical.loggedIn())
}

func TestSessions_ephemeral(t *testing.T) {
	t.Parallel()
	w := newWorld(t).askingToLogOut(func(s *token.Settings) {
		s.Ephemeral, s.EphemeralLifetime, s.EphemeralIdle = true, 2*time.Hour, time.Hour
		s.SessionLifetime, s.IdleSessionLifetime = 1000*time.Hour, 1000*time.Hour
	})
	b := w.browser()
	require.True(t, b.logInForCookie(authorizeParams()).Expires.IsZero(), "the cookie ends with the browser")
	w.clock.Advance(59 * time.Minute)
	require.True(t, b.loggedIn())
	w.clock.Advance(59 * time.Minute)
	require.True(t, b.loggedIn(), "use moves the idle end")
	w.clock.Advance(3 * time.Minute)
	require.False(t, b.loggedIn(), "and not the absolute one")
	b.logIn(authorizeParams())
	w.clock.Advance(61 * time.Minute)
	require.False(t, b.loggedIn(), "idle")

	b.logIn(authorizeParams())
	w.askingToLogOut() // what has begun as one that ends with its browser stays one
	w.clock.Advance(25 * time.Hour)
	require.False(t, b.loggedIn())
	fresh := newWorld(t).askingToLogOut(func(s *token.Settings) { s.Ephemeral = true })
	b = fresh.browser()
	b.logIn(authorizeParams())
	s := fresh.store.Sessions()[0]
	require.Equal(t, 72*time.Hour, s.Until.Sub(s.AuthTime), "where the tenant does not say")
	require.Equal(t, 24*time.Hour, s.IdleUntil.Sub(s.AuthTime))
}

// A login in a browser that is logged in: the same user goes on with the session, another ends it.
func TestSessions_of_one_browser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.users.Add(w.acme.ID, token.User{ID: "auth0|bob", Email: "bob@example.com"}, password)
	b := w.browser()
	first := b.idToken()
	w.clock.Advance(time.Minute)
	again, _ := b.exchange(b.logIn(authorizeParams("prompt", "login")).Query().Get("code")).json(t)["id_token"].(string)
	require.Equal(t, sidOf(t, first), sidOf(t, again), "clients know the session by its sid")
	require.Len(t, w.store.Sessions(), 1)
	require.Empty(t, w.store.LogoutMessages())

	to := b.get("/authorize", authorizeParams("prompt", "login")).location(t)
	b.follow(b.post(to.String(), url.Values{"username": {"bob@example.com"}, "password": {password}}))
	left := w.store.Sessions()
	require.Len(t, left, 1, "one browser has one session")
	require.Equal(t, "auth0|bob", left[0].UserID)
	require.NotEqual(t, sidOf(t, first), left[0].ID)
	require.Len(t, w.store.LogoutMessages(), 1)
	require.Equal(t, "web", w.store.LogoutMessages()[0].ClientID, "Ada's clients hear of it")
}
