package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const onlineScope = "openid online_access read:x"

// withOnline lets clients have refresh tokens that live as long as their session.
func (w *world) withOnline() *agent {
	b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: time.Hour, Idle: time.Minute})
	w.api(func(rs *token.ResourceServer) { rs.OfflineAccess, rs.OnlineAccess = false, true })
	return b
}

// online logs in for a token that lives as long as the session.
func (b *agent) online() string {
	b.w.t.Helper()
	res := b.exchange(b.logIn(authorizeParams("scope", onlineScope, "audience", apiAudience)).Query().Get("code"))
	raw := renewed(b.w.t, res)
	require.True(b.w.t, strings.HasPrefix(raw, "ORT"), res.body)
	require.Equal(b.w.t, onlineScope, res.json(b.w.t)["scope"])
	return raw
}

func requireOver(t *testing.T, a answer) {
	t.Helper()
	requireOAuth(t, a, 403, "invalid_grant", unknownRefresh)
}

func TestOnline(t *testing.T) {
	t.Parallel()

	t.Run("does_not_rotate_and_lives_as_long_as_the_session_that_it_keeps_alive", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		raw := b.online()
		for range 4 { // the client's lifetimes are of other tokens; the session idles out after 72 h
			w.clock.Advance(40 * time.Hour)
			res := b.refresh(raw)
			require.Empty(t, renewed(t, res))
			require.NotEmpty(t, res.json(t)["id_token"])
			access, _ := res.json(t)["access_token"].(string)
			require.Equal(t, onlineScope, decodeSegment(t, access, 1)["scope"])
		}
		require.True(t, b.loggedIn(), "and so does everybody who uses the session")
		f := w.fact("sertft")
		require.Equal(t, map[string]any{"access": "online", "session_id": w.store.Sessions()[0].ID}, f.Details["refresh_token"])
		w.clock.Advance(8*time.Hour + time.Second)
		requireOver(t, b.refresh(raw)) // the absolute end has not moved: 168 h
		require.False(t, b.loggedIn())
		require.Equal(t, "session_not_found", w.fact("fertft").Details["failure_reason"])
	})

	t.Run("idles_out_with_the_session", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		raw := b.online()
		w.clock.Advance(73 * time.Hour)
		requireOver(t, b.refresh(raw))
	})

	t.Run("a_shorter_lifetime_of_sessions_counts_at_the_next_use", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		raw := b.online()
		w.clock.Advance(2 * time.Hour)
		w.config.Change(func(c *tokentest.Configuration) {
			c.Settings[w.acme.ID] = &token.Settings{IdleSessionLifetime: time.Hour}
		})
		requireOver(t, b.refresh(raw))
	})

	t.Run("a_logout_ends_it_in_every_application", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		first := b.online()
		second := renewed(t, b.exchange(b.get("/authorize", authorizeParams("scope", onlineScope, "audience", apiAudience)).location(t).Query().Get("code")))
		require.NotEqual(t, first, second)
		b.get("/v2/logout", nil)
		requireOver(t, b.refresh(first))
		requireOver(t, b.refresh(second))
		require.Empty(t, w.store.RefreshTokens())
	})

	t.Run("revoking_it_ends_the_session", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		raw := b.online()
		other := w.browser()
		form := url.Values{"client_id": {"second"}, "client_secret": {"second-secret"}, "token": {raw}}
		require.Equal(t, http.StatusOK, other.post("/oauth/revoke", form).StatusCode)
		require.True(t, b.loggedIn(), "another client's cannot")
		form = url.Values{"client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "token": {raw}}
		require.Equal(t, http.StatusOK, other.post("/oauth/revoke", form).StatusCode)
		requireOver(t, b.refresh(raw))
		require.False(t, b.loggedIn())
		require.Equal(t, "online", w.fact("srrt").Details["refresh_token"].(map[string]any)["access"]) //nolint:forcetypeassert // it is
		require.Equal(t, http.StatusOK, other.post("/oauth/revoke", form).StatusCode)
	})

	t.Run("administrators_see_its_session_instead", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		raw := b.online()
		id := w.store.RefreshTokens()[0].ID
		admin := w.administrator("read:refresh_tokens", "delete:refresh_tokens", "update:refresh_tokens", "read:device_credentials", "delete:device_credentials")
		require.Equal(t, http.StatusNotFound, b.manage(http.MethodGet, "/refresh-tokens/"+id, admin).StatusCode)
		require.Equal(t, http.StatusNotFound, b.manage(http.MethodDelete, "/refresh-tokens/"+id, admin).StatusCode)
		require.Equal(t, http.StatusNotFound, b.manage(http.MethodDelete, "/device-credentials/"+id, admin).StatusCode)
		require.NotContains(t, b.manage(http.MethodGet, "/users/"+url.PathEscape(adaID)+"/refresh-tokens", admin).body, id)
		require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode)
	})

	t.Run("is_not_had_together_with_offline_access", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		const sentence = "Cannot request both online_access and offline_access scopes"
		to := b.get("/authorize", authorizeParams("scope", "openid online_access offline_access", "audience", apiAudience)).location(t)
		requireCallbackError(t, to, "invalid_request", sentence)
		w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{PushedRequests: true} })
		form := authorizeParams("scope", "openid online_access offline_access", "client_secret", "web-secret-0123456789")
		requireOAuth(t, b.post("/oauth/par", form), 400, "invalid_request", sentence)
	})

	t.Run("of_an_API_that_gives_it_no_more_is_over", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		raw := b.online()
		w.api(func(rs *token.ResourceServer) { rs.OfflineAccess, rs.OnlineAccess = true, false })
		requireOver(t, b.refresh(raw))
		w.api(func(rs *token.ResourceServer) { rs.OnlineAccess = true })
		require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode)
		w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.LoginsValidFrom = w.clock.Now().Add(time.Second) })
		requireOver(t, b.refresh(raw)) // a new password ends the login
	})

	t.Run("belongs_to_its_client_its_tenant_and_its_host", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		raw := b.online()
		w.client("second", func(c *token.Client) { c.GrantTypes = append(c.GrantTypes, oauth.GrantRefreshToken) })
		requireOver(t, b.refresh(raw, "client_id", "second", "client_secret", "second-secret"))
		stranger, custom := w.browser(), w.browser()
		stranger.tenant = w.bolt
		w.config.Change(func(c *tokentest.Configuration) {
			web := *c.Clients[tokentest.Key{Tenant: w.acme.ID, ID: "web"}]
			c.Clients[tokentest.Key{Tenant: w.bolt.ID, ID: "web"}] = &web
		})
		requireOver(t, stranger.refresh(raw))
		custom.tenant.Host, custom.tenant.Base = "login.acme.example", "https://login.acme.example"
		requireOver(t, custom.refresh(raw)) // a session is its host's
		for _, forged := range []string{strings.TrimPrefix(raw, "ORT."), "v1." + strings.TrimPrefix(raw, "ORT."), raw + "A", "ORT.", "ORT.nonsense"} {
			requireOver(t, b.refresh(forged))
		}
		require.Equal(t, "invalid_token", w.fact("fertft").Details["failure_reason"])
		require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode)
	})

	t.Run("nothing_is_given_for_a_session_that_ended_meanwhile", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		code := b.logIn(authorizeParams("scope", onlineScope, "audience", apiAudience)).Query().Get("code")
		b.get("/v2/logout", nil)
		requireOAuth(t, b.exchange(code), 403, "invalid_grant", "Invalid authorization code")
		require.NotContains(t, w.fact("feacft").Description, "used before")
	})

	t.Run("nothing_changes_while_the_store_is_away", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withOnline()
		raw := b.online()
		w.store.FailNext(fault.Unavailable("away"))
		require.Equal(t, http.StatusServiceUnavailable, b.refresh(raw).StatusCode)
		require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode)
	})
}

// Where it cannot be had it is dropped in silence, like offline_access.
func TestOnline_is_given(t *testing.T) {
	t.Parallel()
	ephemeral := func(w *world) {
		w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.acme.ID] = &token.Settings{Ephemeral: true} })
	}
	for name, c := range map[string]struct {
		edit  func(*world)
		more  []string
		given bool
	}{
		"where_all_agree":              {nil, nil, true},
		"not_without_an_API":           {nil, []string{"audience", ""}, false},
		"not_where_the_API_forbids":    {func(w *world) { w.api(func(rs *token.ResourceServer) { rs.OnlineAccess = false }) }, nil, false},
		"not_to_clients_without_grant": {func(w *world) { w.client("web", func(c *token.Client) { c.GrantTypes = c.GrantTypes[:3] }) }, nil, false},
		"not_of_ephemeral_sessions":    {ephemeral, nil, false},
		"of_ephemeral_ones_where_the_API_wants_that": {func(w *world) {
			ephemeral(w)
			w.api(func(rs *token.ResourceServer) { rs.OnlineEphemeral = true })
		}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.withOnline()
			if c.edit != nil {
				c.edit(w)
			}
			res := b.exchange(b.logIn(authorizeParams(append([]string{"scope", onlineScope, "audience", apiAudience}, c.more...)...)).Query().Get("code"))
			require.Equal(t, c.given, renewed(t, res) != "", res.body)
			require.Equal(t, c.given, strings.Contains(orEmpty(res.json(t)["scope"]), "online_access"), res.body)
			if c.given && strings.HasPrefix(name, "of_ephemeral") {
				w.api(func(rs *token.ResourceServer) { rs.OnlineEphemeral = false })
				requireOver(t, b.refresh(renewed(t, res)))
			}
		})
	}
	t.Run("not_by_password", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		res := w.withOnline().password("scope", onlineScope)
		require.Empty(t, renewed(t, res))
		require.Equal(t, "openid read:x", res.json(t)["scope"])
	})
}

// A public client's is bound to its key: it is worth as much as the session's cookie.
func TestOnline_of_public_clients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withOnline()
	h, thief := w.holder(), w.holder()
	w.client("web", func(c *token.Client) { c.AuthMethod, c.Secret = oauth.AuthNone, "" })
	redeem := func(code string, proofs ...string) answer {
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {"web"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
		return b.proving("/oauth/token", form, proofs...)
	}
	code := b.logIn(authorizeParams("scope", onlineScope, "audience", apiAudience)).Query().Get("code")
	requireOAuth(t, redeem(code), 400, "invalid_request", "The scope online_access requires proof of possession by DPoP of public clients")
	res := redeem(code, h.proof())
	raw := renewed(t, res)
	require.True(t, strings.HasPrefix(raw, "ORT"), res.body)
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"web"}, "refresh_token": {raw}}
	requireOver(t, b.proving("/oauth/token", form))
	requireOver(t, b.proving("/oauth/token", form, thief.proof()))
	require.Equal(t, http.StatusOK, b.proving("/oauth/token", form, h.proof()).StatusCode)
}
