package httpapi_test

import (
	"html"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// third makes the web client somebody else's.
func (w *world) third(more ...func(*token.Client)) {
	w.client("web", func(c *token.Client) {
		c.FirstParty = false
		for _, edit := range more {
			edit(c)
		}
	})
	w.config.Change(func(c *tokentest.Configuration) {
		c.UserGrants[tokentest.Key{Tenant: w.acme.ID, ID: "web " + apiAudience}] = &token.ClientGrant{ClientID: "web", Audience: apiAudience, Scope: []string{"read:x"}}
	})
}

// asking makes the API want consent of first parties, too.
func (w *world) asking() {
	w.config.Change(func(c *tokentest.Configuration) {
		key := tokentest.Key{Tenant: w.acme.ID, ID: apiAudience}
		changed := *c.ResourceServers[key]
		changed.SkipConsent = false
		c.ResourceServers[key] = &changed
	})
}

// logInToConsent types the password and gives the consent page's address.
func (b *agent) logInToConsent(params url.Values) *url.URL {
	b.w.t.Helper()
	start := b.get("/authorize", params)
	require.Equal(b.w.t, "/u/login", start.location(b.w.t).Path)
	typed := b.post(start.location(b.w.t).String(), url.Values{"username": {"ada@example.com"}, "password": {password}})
	asked := b.follow(typed).location(b.w.t)
	require.Equal(b.w.t, "/u/consent", asked.Path)
	return asked
}

func (b *agent) accept(page *url.URL) answer {
	b.w.t.Helper()
	return b.post(page.String(), url.Values{"action": {"accept"}})
}

func TestConsent_of_third_parties(t *testing.T) {
	t.Parallel()
	t.Run("asks_once_and_remembers", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third()
		b := w.browser()
		ask := authorizeParams("audience", apiAudience, "scope", "openid email read:x write:x")
		page := b.logInToConsent(ask)
		shown := b.get(page.Path, page.Query())
		require.Equal(t, http.StatusOK, shown.StatusCode)
		require.Contains(t, shown.body, "Web App")
		require.Contains(t, shown.body, "read:x")
		require.Contains(t, shown.body, "Email: access to your email address")
		require.NotContains(t, shown.body, "write:x", "what it is not going to get is not asked for")
		require.Contains(t, shown.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
		requireCallbackError(t, b.get("/authorize", edit(authorizeParams("audience", apiAudience, "scope", "openid read:x"), []string{"prompt", "none"})).location(t), "consent_required", "Consent required")

		to := b.follow(b.accept(page)).location(t)
		require.Equal(t, "app.example", to.Host)
		got := b.exchange(to.Query().Get("code"))
		require.Equal(t, http.StatusOK, got.StatusCode, got.body)
		require.Equal(t, "openid email read:x", got.json(t)["scope"])

		require.NotEmpty(t, b.get("/authorize", ask).location(t).Query().Get("code"), "the second time nobody is asked")
		require.NotEmpty(t, b.get("/authorize", edit(authorizeParams("audience", apiAudience, "scope", "openid read:x"), []string{"prompt", "none"})).location(t).Query().Get("code"))
		wider := b.get("/authorize", authorizeParams("audience", apiAudience, "scope", "openid email profile read:x"))
		require.Equal(t, "/u/consent", wider.location(t).Path, "more than was agreed to is asked for")
		again := b.get("/authorize", edit(ask, []string{"prompt", "consent"}))
		require.Equal(t, "/u/consent", again.location(t).Path, "OIDC Core §3.1.2.1, prompt=consent")
	})

	t.Run("declining_tells_the_client_and_ends_the_login", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third()
		b := w.browser()
		page := b.logInToConsent(authorizeParams())
		requireCallbackError(t, b.post(page.String(), url.Values{"action": {"deny"}}).location(t), "access_denied", "User did not authorize the request")
		require.Equal(t, http.StatusBadRequest, b.accept(page).StatusCode, "the page is no good any more")
		require.Equal(t, http.StatusBadRequest, b.get("/authorize/resume", page.Query()).StatusCode)
	})

	t.Run("nothing_gets_round_it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third(func(c *token.Client) { c.GrantTypes = append(c.GrantTypes, oauth.GrantPassword, oauth.GrantImplicit) })
		b := w.browser()
		page := b.logInToConsent(authorizeParams())
		require.Equal(t, "/u/consent", b.get("/authorize/resume", page.Query()).location(t).Path, "going on without an answer")
		require.Equal(t, http.StatusBadRequest, b.post(page.String(), url.Values{}).StatusCode, "no button")
		require.Equal(t, http.StatusBadRequest, w.browser().accept(page).StatusCode, "another browser")
		stranger := w.browser()
		stranger.tenant = w.bolt
		require.Equal(t, http.StatusBadRequest, stranger.accept(page).StatusCode, "another tenant")
		other := &agent{w: w, tenant: w.acme, cookies: map[string]string{"__Host-postern_tx": b.cookies["__Host-postern_tx"]}}
		require.Equal(t, http.StatusBadRequest, other.accept(page).StatusCode, "the browser's cookie without the session")
		front := b.get("/authorize", authorizeParams("response_type", "id_token token"))
		require.Equal(t, "/u/consent", front.location(t).Path)
		res := b.post("/oauth/token", url.Values{"grant_type": {"password"}, "client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "username": {"ada@example.com"}, "password": {password}})
		requireOAuth(t, res, http.StatusForbidden, "unauthorized_client", "Grant type 'password' not allowed for the client.")
	})

	t.Run("what_is_withdrawn_is_over_for_the_token_it_gave", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third()
		b := w.browser()
		to := b.follow(b.accept(b.logInToConsent(authorizeParams()))).location(t)
		raw := b.exchange(to.Query().Get("code")).json(t)["access_token"].(string)
		require.Equal(t, http.StatusOK, b.userinfo(raw).StatusCode)
		_, err := w.store.WithdrawConsents(t.Context(), w.acme.ID, "", token.ConsentFilter{UserID: adaID}, w.clock.Now())
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, b.userinfo(raw).StatusCode)
	})

	t.Run("what_is_withdrawn_is_over_for_a_code_under_way", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third()
		b := w.browser()
		to := b.follow(b.accept(b.logInToConsent(authorizeParams()))).location(t)
		n, err := w.store.WithdrawConsents(t.Context(), w.acme.ID, "", token.ConsentFilter{UserID: adaID}, w.clock.Now())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		requireOAuth(t, b.exchange(to.Query().Get("code")), http.StatusForbidden, "invalid_grant", "Invalid authorization code")
	})

	t.Run("the_store_away_gives_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third()
		b := w.browser()
		page := b.logInToConsent(authorizeParams())
		w.store.FailNext(fault.Unavailable("away"))
		require.Equal(t, http.StatusServiceUnavailable, b.accept(page).StatusCode)
		require.Equal(t, "app.example", b.follow(b.accept(page)).location(t).Host, "and a repeat is fine")
	})
}

func TestConsent_of_first_parties(t *testing.T) {
	t.Parallel()
	ask := func(more ...string) url.Values {
		return authorizeParams(append([]string{"audience", apiAudience, "scope", "openid read:x"}, more...)...)
	}
	t.Run("an_api_that_wants_it", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.asking()
		b := w.browser()
		to := b.follow(b.accept(b.logInToConsent(ask()))).location(t)
		require.Equal(t, http.StatusOK, b.exchange(to.Query().Get("code")).StatusCode)
		require.NotEmpty(t, b.get("/authorize", ask()).location(t).Query().Get("code"))
		require.NotEmpty(t, w.browser().logIn(authorizeParams()).Query().Get("code"), "without an API there is nothing to ask")
	})
	for _, local := range []string{"http://localhost:3000/cb", "https://app.localhost/cb", "http://[0:0:0:0:0:0:0:1]:3000/cb", "http://0.0.0.0:3000/cb", "com.example.app:/cb"} {
		t.Run("is_not_remembered_for_a_callback_that_proves_nobody/"+local, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.client("web", func(c *token.Client) { c.Callbacks = append(c.Callbacks, local) })
			b := w.browser()
			page := b.logInToConsent(ask("redirect_uri", local)) // although the API skips consent of verifiable clients
			require.Contains(t, b.get(page.Path, page.Query()).body, html.EscapeString(local))
			require.NotEmpty(t, b.follow(b.accept(page)).location(t).Query().Get("code"))
			require.Equal(t, "/u/consent", b.get("/authorize", ask("redirect_uri", local)).location(t).Path)
			require.NotEmpty(t, b.get("/authorize", ask()).location(t).Query().Get("code"), "the verifiable one is not asked about")
		})
	}
}

// A login that nobody takes part in is confirmed where any program could have begun it and answer at the callback (RFC 8252 §8.6).
func TestConfirmation(t *testing.T) {
	t.Parallel()
	const scheme = "com.example.app:/cb"
	params := func(more ...string) url.Values {
		return authorizeParams(append([]string{"client_id", "native", "redirect_uri", scheme}, more...)...)
	}
	w := newWorld(t)
	b := w.browser()
	require.NotEmpty(t, b.logIn(params()).Query().Get("code"), "who just typed a password took part")
	asked := b.get("/authorize", params())
	page := asked.location(t)
	require.Equal(t, "/u/consent", page.Path)
	require.Contains(t, b.get(page.Path, page.Query()).body, "Continue to Phone App?")
	silent := b.get("/authorize", params("prompt", "none")).location(t)
	require.Equal(t, "interaction_required", silent.Query().Get("error"))
	require.NotEmpty(t, b.follow(b.accept(page)).location(t).Query().Get("code"))
	require.Equal(t, []string{"s", "fsa", "s"}, w.facts(w.store))

	yes, no := true, false
	w.client("native", func(c *token.Client) { c.SkipConfirmation = &yes })
	require.NotEmpty(t, b.get("/authorize", params()).location(t).Query().Get("code"))
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{SkipConfirmation: true} })
	w.client("native", func(c *token.Client) { c.SkipConfirmation = nil })
	require.NotEmpty(t, b.get("/authorize", params()).location(t).Query().Get("code"))
	w.client("native", func(c *token.Client) { c.SkipConfirmation = &no })
	require.Equal(t, "/u/consent", b.get("/authorize", params()).location(t).Path, "the client's own word counts before the tenant's")
}

// Nobody is asked about what they cannot have: they log in anew where that helps, else the client hears of it.
func TestConfirmation_is_not_asked_for_what_is_refused(t *testing.T) {
	t.Parallel()
	off := func(w *world) {
		w.config.Change(func(c *tokentest.Configuration) {
			for _, id := range []string{"native", "web"} {
				c.Connections[tokentest.Key{Tenant: w.acme.ID, ID: id}] = []token.Connection{{ID: "con_2", Name: "Other", Strategy: token.StrategyDatabase}}
			}
		})
	}
	changed := func(w *world) {
		w.clock.Advance(time.Minute)
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.LoginsValidFrom = w.clock.Now() })
	}
	refused := func(t *testing.T, to *url.URL, code, sentence string) {
		t.Helper()
		require.Equal(t, "/cb", to.Path, to.String())
		require.Equal(t, code, to.Query().Get("error"))
		require.Equal(t, sentence, to.Query().Get("error_description"))
	}
	blocked := func(w *world) { w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Blocked = true }) }
	native := authorizeParams("client_id", "native", "redirect_uri", "com.example.app:/cb")
	for name, params := range map[string]url.Values{"native": native, "prompt_consent": authorizeParams("prompt", "consent")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for why, c := range map[string]struct {
				happens              func(*world)
				login                bool
				code, late, sentence string
			}{
				"connection_off":   {off, true, "", "access_denied", "The connection is not enabled for the client"},
				"password_changed": {changed, true, "", "login_required", "Login required"},
				"blocked":          {blocked, false, "unauthorized", "unauthorized", "user is blocked"},
			} {
				t.Run(why, func(t *testing.T) {
					t.Parallel()
					w := newWorld(t)
					b := w.browser()
					b.logIn(authorizeParams())
					page := b.get("/authorize", params).location(t)
					require.Equal(t, "/u/consent", page.Path)
					c.happens(w)
					to := b.get("/authorize", params).location(t)
					if c.login {
						require.Equal(t, "/u/login", to.Path)
					} else {
						refused(t, to, c.code, c.sentence)
					}
					refused(t, b.get(page.Path, page.Query()).location(t), c.late, c.sentence)
					refused(t, b.get("/authorize/resume", page.Query()).location(t), c.late, c.sentence)
					refused(t, b.accept(page).location(t), c.late, c.sentence)
				})
			}
		})
	}

	t.Run("device", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withDevices()
		b := w.browser()
		b.logIn(authorizeParams())
		activate := func() answer {
			return b.post("/activate", url.Values{"user_code": {w.browser().device().json(t)["user_code"].(string)}})
		}
		page := activate().location(t)
		require.Equal(t, "/u/consent", page.Path)
		blocked(w)
		for _, res := range []answer{activate(), b.get(page.Path, page.Query()), b.get("/authorize/resume", page.Query())} {
			require.Equal(t, http.StatusForbidden, res.StatusCode)
			require.Contains(t, res.body, "user is blocked", "there is no callback: the person reads it here")
			require.Equal(t, "f", w.lastFact(w.store).Type)
		}
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Blocked = false })
		changed(w)
		require.Equal(t, "/u/login", activate().location(t).Path)
	})

	t.Run("who_must_not_send_people_on_unseen_does_not_RFC9700_4_11_2", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("native", func(c *token.Client) { c.OpenRedirectProtection = true })
		b := w.browser()
		b.logIn(authorizeParams())
		page := b.get("/authorize", native).location(t)
		blocked(w)
		require.Equal(t, http.StatusForbidden, b.get(page.Path, page.Query()).StatusCode)
	})
}

func TestGrants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.third()
	b := w.browser()
	b.follow(b.accept(b.logInToConsent(authorizeParams())))
	list, total, err := w.store.ListConsents(t.Context(), w.acme.ID, token.ConsentFilter{}, 0, 50)
	require.NoError(t, err)
	require.Equal(t, 1, total)
	require.Equal(t, w.acme.UserinfoAudience(), list[0].Audience)

	reader, remover := w.administrator("read:grants"), w.administrator("delete:grants")
	require.Equal(t, http.StatusUnauthorized, b.manage(http.MethodGet, "/grants", "").StatusCode)
	require.Equal(t, http.StatusForbidden, b.manage(http.MethodGet, "/grants", remover).StatusCode)
	require.Equal(t, http.StatusForbidden, b.manage(http.MethodDelete, "/grants/"+list[0].ID, reader).StatusCode)
	got := b.manage(http.MethodGet, "/grants?include_totals=true&user_id="+url.QueryEscape(adaID), reader)
	require.Equal(t, http.StatusOK, got.StatusCode, got.body)
	require.EqualValues(t, 1, got.json(t)["total"])
	grant := got.json(t)["grants"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{
		"id": list[0].ID, "clientID": "web", "user_id": adaID, "audience": w.acme.UserinfoAudience(), "scope": []any{"openid", "profile", "email"},
	}, grant)
	require.JSONEq(t, "[]", b.manage(http.MethodGet, "/grants?client_id=other", reader).body)
	stranger := w.browser()
	stranger.tenant = w.bolt
	require.Equal(t, http.StatusUnauthorized, stranger.manage(http.MethodDelete, "/grants/"+list[0].ID, remover).StatusCode)
	require.Equal(t, http.StatusBadRequest, b.manage(http.MethodDelete, "/grants", remover).StatusCode, "of everybody at once is a mistake")
	require.Equal(t, http.StatusNoContent, b.manage(http.MethodDelete, "/grants/"+list[0].ID, remover).StatusCode)
	require.JSONEq(t, "[]", b.manage(http.MethodGet, "/grants", reader).body)
	require.Equal(t, http.StatusNoContent, b.manage(http.MethodDelete, "/grants?user_id="+url.QueryEscape(adaID), remover).StatusCode)
	require.Equal(t, "/u/consent", b.get("/authorize", authorizeParams()).location(t).Path)
}
