package httpapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const (
	transferAudience = "urn:acme.eu.postern.localhost:8443:session_transfer"
	transferCookie   = "auth0_session_transfer_token"
	transferQuery    = "session_transfer_token"
)

// withTransfer makes web the app that hands its user's session on, and second the client that takes it over, which edit may change.
func (w *world) withTransfer(edit func(*token.Client)) *agent {
	app := w.withRefresh(token.RefreshPolicy{Rotating: true})
	w.client("web", func(c *token.Client) { c.Transfer = token.TransferPolicy{Gives: true, Cascades: true} })
	w.client("second", func(c *token.Client) {
		c.GrantTypes = append(slices.Clone(c.GrantTypes), oauth.GrantRefreshToken)
		c.Transfer = token.TransferPolicy{Takes: []string{token.TransferQuery, token.TransferCookie}, Binding: "ip", Online: true}
		if edit != nil {
			edit(c)
		}
	})
	return app
}

// handOn exchanges a refresh token for one that hands the session on, and gives the next refresh token, too.
func (b *agent) handOn(refresh string) (transfer, next string) {
	b.w.t.Helper()
	res := b.refresh(refresh, "audience", transferAudience)
	require.Equal(b.w.t, http.StatusOK, res.StatusCode, res.body)
	transfer, _ = res.json(b.w.t)["access_token"].(string)
	next, _ = res.json(b.w.t)["refresh_token"].(string)
	require.NotEmpty(b.w.t, transfer)
	require.NotEmpty(b.w.t, next)
	return transfer, next
}

func secondParams(more ...string) url.Values {
	return edit(authorizeParams("client_id", "second", "redirect_uri", "https://second.example/cb"), more)
}

func (b *agent) exchangeSecond(code string) answer {
	b.w.t.Helper()
	return b.exchange(code, "client_id", "second", "client_secret", "second-secret", "redirect_uri", "https://second.example/cb")
}

// requireTaken checks that the answer logs ada into the second client, and gives the code.
func requireTaken(t *testing.T, res answer) string {
	t.Helper()
	to := res.location(t)
	require.Equal(t, "second.example", to.Host, to.String())
	code := to.Query().Get("code")
	require.NotEmpty(t, code, to.String())
	return code
}

// requireLogin checks that somebody has to log in: that nothing was taken over.
func requireLogin(t *testing.T, res answer) {
	t.Helper()
	require.Equal(t, "/u/login", res.location(t).Path, res.Header.Get("Location"))
	for _, c := range res.Cookies() {
		require.NotEqual(t, "__Host-postern", c.Name, "no session")
	}
}

func TestSessionTransfer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.withTransfer(nil)
	raw := app.offline()
	res := app.refresh(raw, "audience", transferAudience)
	require.Equal(t, http.StatusOK, res.StatusCode, res.body)
	got := res.json(t)
	transfer, _ := got["access_token"].(string)
	require.Equal(t, "urn:auth0:params:oauth:token-type:session_transfer_token", got["issued_token_type"])
	require.Equal(t, "N_A", got["token_type"])
	require.EqualValues(t, 60, got["expires_in"])
	require.NotEmpty(t, got["id_token"])
	require.NotEmpty(t, got["refresh_token"], "it rotates as ever")
	require.NotContains(t, got, "scope")
	f := w.fact("sertft")
	require.Equal(t, transferAudience, f.Details["requested_audience"])
	_, _, tokens := w.store.Dump()
	for _, kept := range tokens {
		require.NotEqual(t, token.HashOf(transfer), kept.Hash)
	}
	req := app.get("/userinfo", url.Values{"access_token": {transfer}})
	require.Equal(t, http.StatusUnauthorized, req.StatusCode, "it opens nothing else")

	web := w.browser()
	w.clock.Advance(59 * time.Second)
	res = web.get("/authorize", secondParams(transferQuery, transfer, "max_age", "3600", "scope", "openid offline_access"))
	code := requireTaken(t, res)
	require.NotContains(t, res.Header.Get("Location"), transfer)
	f = w.fact("s")
	require.Equal(t, true, f.Details["triggered_by_session_transfer_token"])
	require.Equal(t, "second", f.ClientID)
	first := w.exchangedLogin(t, web, code)
	require.EqualValues(t, w.clock.Now().Add(-59*time.Second).Unix(), first["auth_time"], "when the password was typed")
	require.Equal(t, adaID, first["sub"])

	requireTaken(t, web.get("/authorize", secondParams("prompt", "none"))) // the session stays
	requireLogin(t, w.browser().get("/authorize", secondParams(transferQuery, transfer)))
}

// exchangedLogin redeems a code of the second client that gives no refresh token, and gives the claims of the ID token.
func (w *world) exchangedLogin(t *testing.T, b *agent, code string) map[string]any {
	t.Helper()
	res := b.exchangeSecond(code)
	require.Equal(t, http.StatusOK, res.StatusCode, res.body)
	got := res.json(t)
	require.NotContains(t, got, "refresh_token")
	id, _ := got["id_token"].(string)
	return decodeSegment(t, id, 1)
}

// The same by token exchange (RFC 8693 §2.1), as older SDKs of the vendor ask.
func TestSessionTransfer_by_token_exchange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.withTransfer(nil)
	raw := app.offline()
	const refreshType, transferType = "urn:ietf:params:oauth:token-type:refresh_token", "urn:auth0:params:oauth:token-type:session_transfer_token"
	ask := func(more ...string) answer {
		form := url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "client_id": {"web"}, "client_secret": {"web-secret-0123456789"},
			"subject_token": {raw}, "subject_token_type": {refreshType}, "requested_token_type": {transferType}, "audience": {transferAudience},
		}
		return app.post("/oauth/token", edit(form, more))
	}
	for name, x := range map[string]struct {
		more []string
		want int
	}{
		"another_type_asked":    {[]string{"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"}, http.StatusBadRequest},
		"another_type_brought":  {[]string{"subject_token_type", "urn:ietf:params:oauth:token-type:id_token"}, http.StatusBadRequest},
		"an_access_token_there": {[]string{"subject_token_type", "urn:ietf:params:oauth:token-type:access_token", "requested_token_type", ""}, http.StatusForbidden},
		"an_actor":              {[]string{"actor_token", "x"}, http.StatusBadRequest},
		"another_audience":      {[]string{"audience", apiAudience}, http.StatusBadRequest},
		"another_hosts":         {[]string{"audience", "urn:bolt.eu.postern.localhost:session_transfer"}, http.StatusBadRequest},
		"no_refresh_token":      {[]string{"subject_token", "x"}, http.StatusForbidden},
		"none_at_all":           {[]string{"subject_token", ""}, http.StatusBadRequest},
	} {
		require.Equal(t, x.want, ask(x.more...).StatusCode, name)
	}
	res := ask("requested_token_type", "")
	raw = renewed(t, res)
	res = ask()
	require.NotEmpty(t, renewed(t, res))
	require.Equal(t, transferType, res.json(t)["issued_token_type"])
	transfer, _ := res.json(t)["access_token"].(string)
	requireTaken(t, w.browser().get("/authorize", secondParams(transferQuery, transfer)))
	require.Contains(t, w.facts(w.store), "sertft")
}

func TestSessionTransfer_by_cookie(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app := w.withTransfer(nil)
	transfer, _ := app.handOn(app.offline())
	web := w.browser()
	web.cookies[transferCookie] = transfer
	res := web.get("/authorize", secondParams("prompt", "none"))
	requireTaken(t, res)
	require.Equal(t, "ssa", w.lastFact(w.store).Type)
	require.NotContains(t, web.cookies, transferCookie, "it is taken from the browser")
	var domains []string
	for _, c := range res.Cookies() {
		if c.Name == transferCookie {
			domains = append(domains, c.Domain)
			require.Negative(t, c.MaxAge)
			require.Empty(t, c.Value)
		}
	}
	require.Equal(t, []string{"", "acme.eu.postern.localhost"}, domains)
	web = w.browser()
	web.cookies[transferCookie] = strings.Repeat("x", 5000)
	requireLogin(t, web.get("/authorize", secondParams()))
	require.NotContains(t, web.cookies, transferCookie)
}

// What keeps a session from being taken over; the browser is as if nothing had been brought.
func TestSessionTransfer_what_is_not_taken_over(t *testing.T) {
	t.Parallel()
	type try struct {
		w        *world
		web      *agent
		transfer string
		refresh  string
		params   url.Values
	}
	connect := func(x *try, names ...string) {
		x.w.config.Change(func(c *tokentest.Configuration) {
			var list []token.Connection
			for _, name := range names {
				list = append(list, token.Connection{ID: "con_" + name, Name: name, Strategy: token.StrategyDatabase})
			}
			c.Connections[tokentest.Key{Tenant: x.w.acme.ID, ID: "second"}] = list
		})
	}
	second := func(edit func(p *token.TransferPolicy)) func(x *try) {
		return func(x *try) { x.w.client("second", func(c *token.Client) { edit(&c.Transfer) }) }
	}
	for name, change := range map[string]func(x *try){
		"client_does_not_say":  second(func(p *token.TransferPolicy) { *p = token.TransferPolicy{} }),
		"by_cookie_alone":      second(func(p *token.TransferPolicy) { p.Takes = []string{token.TransferCookie} }),
		"networks_are_unknown": second(func(p *token.TransferPolicy) { p.Binding = "asn" }),
		"bound_to_what_is_odd": second(func(p *token.TransferPolicy) { p.Binding = "" }),
		"another_address":      func(x *try) { x.web.ip = "203.0.113.8" },
		"expired":              func(x *try) { x.w.clock.Advance(time.Minute) },
		"unknown":              func(x *try) { x.params.Set(transferQuery, "x"+x.transfer) },
		"sent_twice":           func(x *try) { x.params.Add(transferQuery, x.transfer) },
		"another_tenants":      func(x *try) { x.web.tenant = x.w.bolt },
		"login_too_old":        func(x *try) { x.w.clock.Advance(30 * time.Second); x.params.Set("max_age", "29") },
		"another_connection":   func(x *try) { x.params.Set("connection", "other"); connect(x, database, "other") },
		"connection_off":       func(x *try) { connect(x, "other") },
		"no_sessions_used":     func(x *try) { x.w.client("second", func(c *token.Client) { c.SSODisabled = true }) },
		"login_over": func(x *try) {
			x.w.users.Edit(x.w.acme.ID, adaID, func(u *token.User) { u.LoginsValidFrom = x.w.clock.Now().Add(time.Second) })
		},
		"user_gone":             func(x *try) { x.w.users.Remove(x.w.acme.ID, adaID) },
		"another_user_is_meant": func(x *try) { x.params.Set("claims", `{"id_token":{"sub":{"value":"auth0|bob"}}}`) },
		"family_revoked": func(x *try) {
			form := url.Values{"client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "token": {x.refresh}}
			require.Equal(t, http.StatusOK, x.web.post("/oauth/revoke", form).StatusCode)
		},
		"family_over": func(x *try) {
			x.w.client("web", func(c *token.Client) { c.Refresh.Lifetime = 30 * time.Second })
			x.transfer, _ = x.web.handOn(x.web.offline())
			x.params.Set(transferQuery, x.transfer)
			x.w.clock.Advance(31 * time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			app := w.withTransfer(nil)
			transfer, refresh := app.handOn(app.offline())
			x := &try{w: w, web: w.browser(), transfer: transfer, refresh: refresh, params: secondParams(transferQuery, transfer)}
			w.config.Change(func(c *tokentest.Configuration) {
				own := *c.Clients[tokentest.Key{Tenant: w.acme.ID, ID: "second"}]
				c.Clients[tokentest.Key{Tenant: w.bolt.ID, ID: "second"}] = &own
			})
			change(x)
			requireLogin(t, x.web.get("/authorize", x.params))
			x.params.Set("prompt", "none")
			to := x.web.get("/authorize", x.params).location(t)
			require.Equal(t, "login_required", to.Query().Get("error"), to.String())
			require.NotContains(t, to.String(), x.transfer)
		})
	}

	t.Run("login_or_a_choice_asked_for", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(nil)
		transfer, _ := app.handOn(app.offline())
		for _, prompt := range []string{"login", "select_account"} {
			requireLogin(t, w.browser().get("/authorize", secondParams(transferQuery, transfer, "prompt", prompt)))
		}
		requireTaken(t, w.browser().get("/authorize", secondParams(transferQuery, transfer)))
	})
}

func TestSessionTransfer_devices(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		binding, given, taken string
	}{
		"one_address": {"ip", "203.0.113.7", "203.0.113.7"}, "one_subscriber": {"ip", "2001:db8:1:2::7", "2001:db8:1:2:a::1"},
		"mapped": {"ip", "::ffff:203.0.113.7", "203.0.113.7"}, "not_bound": {"none", "203.0.113.7", "198.51.100.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			app := w.withTransfer(func(c *token.Client) { c.Transfer.Binding = x.binding })
			app.ip = x.given
			transfer, _ := app.handOn(app.offline())
			web := w.browser()
			web.ip = x.taken
			requireTaken(t, web.get("/authorize", secondParams(transferQuery, transfer)))
		})
	}
}

func TestSessionTransfer_who_may_hand_on(t *testing.T) {
	t.Parallel()
	const notAllowed = "The client may not create session transfer tokens."
	t.Run("no_client_that_does_not_say_so", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(nil)
		raw := app.offline()
		w.client("web", func(c *token.Client) { c.Transfer = token.TransferPolicy{} })
		requireOAuth(t, app.refresh(raw, "audience", transferAudience), 403, "unauthorized_client", notAllowed)
		require.Equal(t, "fertft", w.lastFact(w.store).Type)
		require.Equal(t, http.StatusOK, app.refresh(raw).StatusCode, "the token is not used up")
	})
	t.Run("no_strict_third_party", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(nil)
		raw := app.offline()
		w.client("web", func(c *token.Client) { c.FirstParty, c.Strict = false, true })
		requireOAuth(t, app.refresh(raw, "audience", transferAudience), 403, "unauthorized_client", notAllowed)
	})
	t.Run("for_this_host_alone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(nil)
		raw := app.offline()
		for _, other := range []string{
			"urn:bolt.eu.postern.localhost:8443:session_transfer", "urn:session_transfer", transferAudience + "s", "URN" + transferAudience[3:], transferAudience[4:],
			"urn:eu.postern.localhost:session_transfer",
		} {
			res := app.refresh(raw, "audience", other)
			raw = renewed(t, res)
			require.Equal(t, "Bearer", res.json(t)["token_type"], "any other audience is answered with the family's own")
		}
		res := app.refresh(raw, "audience", "urn:acme.eu.postern.localhost:session_transfer")
		require.Equal(t, "N_A", res.json(t)["token_type"], "the port may be left out")
	})
	t.Run("no_session_that_was_handed_on", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(func(c *token.Client) { c.Transfer.Refresh, c.Transfer.Gives, c.Transfer.Online = true, true, false })
		transfer, _ := app.handOn(app.offline())
		web := w.browser()
		code := requireTaken(t, web.get("/authorize", secondParams(transferQuery, transfer, "scope", "openid offline_access")))
		raw := renewed(t, web.exchangeSecond(code))
		require.NotEmpty(t, raw)
		res := web.refresh(raw, "client_id", "second", "client_secret", "second-secret", "audience", transferAudience)
		requireOAuth(t, res, 403, "access_denied", "A session of a browser cannot be transferred.")
	})
	t.Run("no_session_of_a_browser", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		raw := b.online()
		w.client("web", func(c *token.Client) { c.Transfer.Gives = true })
		requireOAuth(t, b.refresh(raw, "audience", transferAudience), 403, "access_denied", "A session of a browser cannot be transferred.")
	})
	t.Run("nothing_is_given_while_the_store_is_away", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(nil)
		raw := app.offline()
		w.store.FailAfter(1, fault.Unavailable("postgres is away"))
		require.Equal(t, http.StatusServiceUnavailable, app.refresh(raw, "audience", transferAudience).StatusCode)
		transfer, _ := app.handOn(raw)
		w.store.FailAfter(1, fault.Unavailable("postgres is away"))
		web := w.browser()
		require.Equal(t, http.StatusServiceUnavailable, web.get("/authorize", secondParams(transferQuery, transfer)).StatusCode)
		requireTaken(t, web.get("/authorize", secondParams(transferQuery, transfer)))
	})
}

// The session is taken over under the same rules as any login.
func TestSessionTransfer_policy(t *testing.T) {
	t.Parallel()
	t.Run("a_blocked_user_is_refused", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(nil)
		transfer, _ := app.handOn(app.offline())
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Blocked = true })
		res := w.browser().get("/authorize", secondParams(transferQuery, transfer))
		require.Equal(t, "user is blocked", res.location(t).Query().Get("error_description"))
		require.Empty(t, w.store.Sessions())
	})
	t.Run("a_third_party_asks_for_consent", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(func(c *token.Client) { c.FirstParty = false })
		transfer, _ := app.handOn(app.offline())
		web := w.browser()
		res := web.get("/authorize", secondParams(transferQuery, transfer))
		require.Equal(t, "/u/consent", res.location(t).Path)
		require.Contains(t, web.cookies, "__Host-postern", "the session is there already")
		to := web.get("/authorize", secondParams("prompt", "none")).location(t)
		require.Equal(t, "consent_required", to.Query().Get("error"))
	})
	t.Run("somebody_elses_session_in_the_browser_ends", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(nil)
		transfer, _ := app.handOn(app.offline())
		w.users.Add(w.acme.ID, token.User{ID: "auth0|bob", Email: "bob@example.com"}, "bob's password")
		web := w.browser()
		start := web.get("/authorize", secondParams())
		typed := web.post(start.location(t).String(), url.Values{"username": {"bob@example.com"}, "password": {"bob's password"}})
		web.follow(typed)
		before, bobs := web.cookies["__Host-postern"], w.store.Sessions()[0]
		require.Equal(t, "auth0|bob", bobs.UserID)
		requireTaken(t, web.get("/authorize", secondParams(transferQuery, transfer)))
		require.NotEqual(t, before, web.cookies["__Host-postern"])
		left := w.store.Sessions()
		require.Len(t, left, 1)
		require.Equal(t, adaID, left[0].UserID)
		require.NotEqual(t, bobs.ID, left[0].ID)
	})
	t.Run("the_same_users_session_stays", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(nil)
		transfer, _ := app.handOn(app.offline())
		web := w.browser()
		web.logIn(secondParams())
		before := w.store.Sessions()
		requireTaken(t, web.get("/authorize", secondParams(transferQuery, transfer)))
		require.Equal(t, before[0].ID, w.store.Sessions()[0].ID)
		requireTaken(t, w.browser().get("/authorize", secondParams(transferQuery, transfer)))
	})
	t.Run("a_login_that_is_older_than_sessions_get", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(nil)
		raw := app.offline()
		w.clock.Advance(30 * 24 * time.Hour)
		transfer, _ := app.handOn(raw)
		web := w.browser()
		requireTaken(t, web.get("/authorize", secondParams(transferQuery, transfer)))
		w.clock.Advance(48 * time.Hour)
		requireTaken(t, web.get("/authorize", secondParams()))
		w.clock.Advance(71 * time.Hour)
		requireTaken(t, web.get("/authorize", secondParams()))
		w.clock.Advance(50 * time.Hour) // 169 h
		requireLogin(t, web.get("/authorize", secondParams()))
	})
	t.Run("what_is_pushed_brings_no_session", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		app := w.withTransfer(nil)
		transfer, _ := app.handOn(app.offline())
		w.config.Change(func(c *tokentest.Configuration) {
			c.Settings[w.acme.ID] = &token.Settings{PushedRequests: true, DefaultDirectory: database}
		})
		pushed := w.browser().post("/oauth/par", secondParams("client_secret", "second-secret", transferQuery, transfer))
		require.Equal(t, http.StatusCreated, pushed.StatusCode, pushed.body)
		uri, _ := pushed.json(t)["request_uri"].(string)
		requireLogin(t, w.browser().get("/authorize", url.Values{"client_id": {"second"}, "request_uri": {uri}}))
		pushed = w.browser().post("/oauth/par", secondParams("client_secret", "second-secret"))
		uri, _ = pushed.json(t)["request_uri"].(string)
		requireTaken(t, w.browser().get("/authorize", url.Values{"client_id": {"second"}, "request_uri": {uri}, transferQuery: {transfer}}))
	})
}

// Refresh tokens of sessions that were handed on: none, unless the client may; and how long they live.
func TestSessionTransfer_refresh_tokens(t *testing.T) {
	t.Parallel()
	second := []string{"client_id", "second", "client_secret", "second-secret"}
	taken := func(t *testing.T, edit func(*token.Client)) (w *world, web *agent, app, raw string) {
		t.Helper()
		w = newWorld(t)
		phone := w.withTransfer(func(c *token.Client) {
			c.Transfer.Refresh = true
			c.Refresh = token.RefreshPolicy{Rotating: true, Lifetime: 1000 * time.Hour}
			edit(c)
		})
		transfer, next := phone.handOn(phone.offline())
		web = w.browser()
		code := requireTaken(t, web.get("/authorize", secondParams(transferQuery, transfer, "scope", "openid offline_access")))
		return w, web, next, renewed(t, web.exchangeSecond(code))
	}
	revoke := func(b *agent, raw string, of ...string) {
		form := url.Values{"client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "token": {raw}}
		require.Equal(b.w.t, http.StatusOK, b.post("/oauth/revoke", edit(form, of)).StatusCode)
	}

	t.Run("end_with_the_session", func(t *testing.T) {
		t.Parallel()
		w, web, _, raw := taken(t, func(*token.Client) {})
		require.True(t, strings.HasPrefix(raw, "v1."), "and rotate as the client's do")
		next := renewed(t, web.refresh(raw, second...))
		require.NotEmpty(t, next)
		web.get("/v2/logout", nil)
		requireOver(t, web.refresh(next, second...))
		require.Len(t, w.store.RefreshTokens(), 1)
	})
	t.Run("have_the_ends_that_the_client_says", func(t *testing.T) {
		t.Parallel()
		w, web, _, raw := taken(t, func(c *token.Client) { c.Refresh.Lifetime = time.Hour })
		w.clock.Advance(time.Hour + time.Second)
		requireOver(t, web.refresh(raw, second...))
	})
	t.Run("that_are_used_twice_are_revoked", func(t *testing.T) {
		t.Parallel()
		_, web, _, raw := taken(t, func(*token.Client) {})
		next := renewed(t, web.refresh(raw, second...))
		requireOver(t, web.refresh(raw, second...))
		requireOver(t, web.refresh(next, second...))
		requireTaken(t, web.get("/authorize", secondParams("prompt", "none"))) // the session is not the token's
	})
	t.Run("can_be_revoked_alone", func(t *testing.T) {
		t.Parallel()
		_, web, app, raw := taken(t, func(*token.Client) {})
		revoke(web, raw, second...)
		requireOver(t, web.refresh(raw, second...))
		requireTaken(t, web.get("/authorize", secondParams("prompt", "none")))
		require.NotEmpty(t, renewed(t, web.refresh(app)), "nor is the app's")
	})
	t.Run("outlive_the_session_where_the_client_says", func(t *testing.T) {
		t.Parallel()
		_, web, _, raw := taken(t, func(c *token.Client) { c.Transfer.Online = false })
		web.get("/v2/logout", nil)
		require.NotEmpty(t, renewed(t, web.refresh(raw, second...)))
	})
	t.Run("end_with_the_apps", func(t *testing.T) {
		t.Parallel()
		w, web, app, raw := taken(t, func(c *token.Client) { c.Transfer.Online = false })
		revoke(w.browser(), app)
		requireOver(t, web.refresh(raw, second...))
		to := web.get("/authorize", secondParams("prompt", "none")).location(t)
		require.Equal(t, "login_required", to.Query().Get("error"), "and so does the session")
		require.Empty(t, w.store.Sessions())
	})
	t.Run("outlive_the_apps_where_that_says", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		phone := w.withTransfer(func(c *token.Client) { c.Transfer.Refresh = true })
		w.client("web", func(c *token.Client) { c.Transfer.Cascades = false })
		transfer, next := phone.handOn(phone.offline())
		web := w.browser()
		raw := renewed(t, web.exchangeSecond(requireTaken(t, web.get("/authorize", secondParams(transferQuery, transfer, "scope", "openid offline_access")))))
		revoke(phone, next)
		requireTaken(t, web.get("/authorize", secondParams("prompt", "none")))
		require.Equal(t, http.StatusOK, web.refresh(raw, second...).StatusCode)
	})
	t.Run("end_when_one_of_the_apps_is_used_twice", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		phone := w.withTransfer(nil)
		first := phone.offline()
		transfer, _ := phone.handOn(first)
		web := w.browser()
		requireTaken(t, web.get("/authorize", secondParams(transferQuery, transfer)))
		requireOver(t, phone.refresh(first))
		require.Empty(t, w.store.Sessions())
	})
	t.Run("are_over_where_the_client_may_have_none_any_more", func(t *testing.T) {
		t.Parallel()
		w, web, _, raw := taken(t, func(*token.Client) {})
		w.client("second", func(c *token.Client) { c.Transfer.Refresh = false })
		requireOver(t, web.refresh(raw, second...))
	})
	t.Run("a_login_in_the_browser_makes_the_session_its_own", func(t *testing.T) {
		t.Parallel()
		w, web, app, _ := taken(t, func(*token.Client) {})
		id := w.store.Sessions()[0].ID
		web.logIn(secondParams("prompt", "login"))
		require.Equal(t, id, w.store.Sessions()[0].ID)
		revoke(w.browser(), app)
		requireTaken(t, web.get("/authorize", secondParams("prompt", "none")))
	})
}
