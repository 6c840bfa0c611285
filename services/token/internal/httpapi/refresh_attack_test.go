package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

func TestRefresh_refusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit           func(*world)
		more           []string
		status         int
		code, sentence string
	}{
		"no_token_RFC6749_6":       {nil, []string{"refresh_token", ""}, 400, "invalid_request", "Missing required parameter: refresh_token"},
		"no_client_authentication": {nil, []string{"client_secret", ""}, 401, "invalid_client", "Client authentication failed"},
		"another_client_RFC6749_10_4": {func(w *world) {
			w.client("second", func(c *token.Client) { c.GrantTypes = append(c.GrantTypes, oauth.GrantRefreshToken) })
		}, []string{"client_id", "second", "client_secret", "second-secret"}, 403, "invalid_grant", unknownRefresh},
		"a_client_that_may_no_more": {func(w *world) { w.client("web", func(c *token.Client) { c.GrantTypes = c.GrantTypes[:1] }) }, nil, 403, "unauthorized_client", "Grant type 'refresh_token' not allowed for the client."},
		"a_connection_switched_off": {func(w *world) {
			w.config.Change(func(c *tokentest.Configuration) { delete(c.Connections, tokentest.Key{Tenant: w.acme.ID, ID: "web"}) })
		}, nil, 403, "access_denied", "The connection is not enabled for the client"},
		"a_blocked_user":     {func(w *world) { w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Blocked = true }) }, nil, 403, "unauthorized", "user is blocked"},
		"a_user_who_is_gone": {func(w *world) { w.users.Remove(w.acme.ID, adaID) }, nil, 403, "invalid_grant", unknownRefresh},
		"a_changed_password": {func(w *world) {
			w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.LoginsValidFrom = w.clock.Now().Add(time.Second) })
		}, nil, 403, "invalid_grant", unknownRefresh},
		"an_api_that_is_gone": {func(w *world) {
			w.config.Change(func(c *tokentest.Configuration) {
				delete(c.ResourceServers, tokentest.Key{Tenant: w.acme.ID, ID: apiAudience})
			})
		}, nil, 403, "access_denied", "Service not enabled within domain: " + apiAudience},
		"an_api_that_forbids": {func(w *world) { w.api(func(rs *token.ResourceServer) { rs.OfflineAccess = false }) }, nil, 403, "invalid_grant", unknownRefresh},
		"an_api_that_asks_more": {func(w *world) {
			w.api(func(rs *token.ResourceServer) { rs.UserPolicy = token.AccessDeny })
		}, nil, 403, "access_denied", `Client "web" is not authorized to access resource server "https://api.example/".`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: time.Hour})
			raw := b.offline()
			before := w.store.RefreshTokens()
			if c.edit != nil {
				c.edit(w)
			}
			requireOAuth(t, b.refresh(raw, c.more...), c.status, c.code, c.sentence)
			fact := w.lastFact(w.store)
			require.Equal(t, "fertft", fact.Type)
			require.NotContains(t, toText(t, fact), raw)
			require.Equal(t, before, w.store.RefreshTokens(), "a refusal changes nothing")
		})
	}
}

// Naming a family proves nothing: whoever reads its name, in the Management API or in an ID, cannot end it.
func TestRefresh_tokens_that_were_never_given(t *testing.T) { //nolint:tparallel // its parts share one family
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: time.Hour})
	first := b.offline()
	raw := renewed(t, b.refresh(first))
	const prefix, id = 3, 20
	for name, forged := range map[string]string{
		"a_guessed_secret":        raw[:prefix+id+6] + strings.Repeat("A", 43) + raw[prefix+id+49:],
		"an_older_counter":        first[:prefix+id] + "AAAAAA" + raw[prefix+id+6:],
		"a_secret_of_the_old_one": first[:len(first)-24] + raw[len(raw)-24:],
		"the_last_bit_changed":    raw[:len(raw)-2] + map[bool]string{true: "B", false: "A"}[raw[len(raw)-2] == 'A'] + raw[len(raw)-1:],
		"without_its_beginning":   raw[prefix:],
		"twice_its_beginning":     "v1." + raw,
		"too_long":                raw + "A",
		"too_short":               raw[:len(raw)-4],
		"no_base64":               raw[:len(raw)-1] + "!",
		"a_blank_behind":          raw + " ",
		"nothing_but_the_name":    raw[:prefix+id],
		"a_very_long_one":         strings.Repeat("A", 4<<10),
	} {
		t.Run(name, func(t *testing.T) {
			require.NotEqual(t, raw, forged)
			requireOAuth(t, b.refresh(forged), 403, "invalid_grant", unknownRefresh)
			require.Equal(t, "fertft", w.lastFact(w.store).Type)
			require.Len(t, w.store.RefreshTokens(), 1, "and ends nothing")
		})
	}
	require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode, "the true one is as good as before")
}

func TestRefresh_of_another_tenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: time.Hour})
	raw := b.offline()
	w.config.Change(func(c *tokentest.Configuration) {
		changed := *c.Clients[tokentest.Key{Tenant: w.acme.ID, ID: "web"}]
		c.Clients[tokentest.Key{Tenant: w.bolt.ID, ID: "web"}] = &changed
	})
	stranger := w.browser()
	stranger.tenant = w.bolt
	requireOAuth(t, stranger.refresh(raw), 403, "invalid_grant", unknownRefresh)
	require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode)
}

func TestRefresh_engines_away(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: time.Hour})
	raw := b.offline()
	away := fault.Unavailable("away")
	for name, fail := range map[string]func(error){
		"vault": w.signer.Away, "users": w.users.Away,
		"postgres": func(err error) {
			if err != nil {
				w.store.FailNext(err)
			}
		},
		"postgres_at_the_end": func(err error) {
			if err != nil {
				w.store.FailAfter(1, err)
			}
		},
	} {
		fail(away)
		require.Equal(t, http.StatusServiceUnavailable, b.refresh(raw).StatusCode, name)
		fail(nil)
	}
	require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode, "whatever was away, the token is as good as before")
	calls := w.store.Calls()
	require.Equal(t, http.StatusOK, b.refresh(renewed(t, b.refresh(b.offline()))).StatusCode)
	require.Equal(t, 1+2+2, w.store.Calls()-calls, "an exchange reads once and writes once")
}

func TestRefresh_of_a_code_that_comes_again(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: time.Hour})
	code := b.logIn(authorizeParams("scope", "openid offline_access")).Query().Get("code")
	given := b.exchange(code)
	next := b.refresh(renewed(t, given))
	raw := renewed(t, next)
	access, _ := next.json(t)["access_token"].(string)
	require.Equal(t, http.StatusOK, b.userinfo(access).StatusCode)
	requireOAuth(t, b.exchange(code), 403, "invalid_grant", "Invalid authorization code")
	requireOAuth(t, b.refresh(raw), 403, "invalid_grant", unknownRefresh) // RFC 6749 §4.1.2
	require.Equal(t, http.StatusUnauthorized, b.userinfo(access).StatusCode, "what the refresh token gave goes, too")
}
