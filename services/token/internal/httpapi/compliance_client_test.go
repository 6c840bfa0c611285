package httpapi_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

func TestCompliance_of_clients_that_are_not_set_up_for_it(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*token.Client)
		advanced bool // in FAPI 1.0 alone
		sentence string
	}{
		"not_conformant":          {func(c *token.Client) { c.OIDCConformant = false }, false, "OIDC conformant clients are required"},
		"with_ID_tokens_by_RS256": {func(c *token.Client) { c.IDTokenAlg = token.AlgRS256 }, false, "ID tokens signed with PS256 are required"},
		"with_ID_tokens_by_HS256": {func(c *token.Client) { c.IDTokenAlg = token.AlgHS256 }, false, "ID tokens signed with PS256 are required"},
		"with_wildcards":          {func(c *token.Client) { c.Callbacks = append(c.Callbacks, "https://*.preview.example.com/cb") }, true, "Callback URLs without wildcards are required"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, profile := range profiles {
				w := newCompliant(t, profile)
				code := w.answered(w.request()).Get("code")
				uri := w.pushed(w.request())
				w.client("web", c.change)
				if c.advanced && !profile.Advanced() {
					require.Equal(t, http.StatusOK, w.redeem(code).StatusCode)
					continue
				}
				sentence := c.sentence + " by the configured compliance level"
				requireOAuth(t, w.post("/oauth/par", w.request()), 400, "invalid_request", sentence)
				requireOAuth(t, w.redeem(code), 400, "invalid_request", sentence)
				to := w.browser().get("/authorize", byURI(uri)).location(t)
				require.Contains(t, to.String(), "invalid_request")
			}
		})
	}

	t.Run("one_that_is_unset_gets_PS256", func(t *testing.T) {
		t.Parallel()
		w := newCompliant(t, token.FAPI2ByCertificate)
		w.client("web", func(c *token.Client) { c.IDTokenAlg = "" })
		id, _ := w.redeem(w.answered(w.request()).Get("code")).json(t)["id_token"].(string)
		require.Equal(t, "PS256", decodeSegment(t, id, 0)["alg"])
	})

	t.Run("a_profile_that_is_not_known", func(t *testing.T) {
		t.Parallel()
		w := newCompliant(t, token.FAPI2ByKey)
		w.client("web", func(c *token.Client) { c.Compliance = "fapi9" })
		requireNobody(t, w.post("/oauth/token", url.Values{"grant_type": {"client_credentials"}, "audience": {apiAudience}}), "fapi9")
		requireCallbackError(t, w.browser().get("/authorize", authorizeParams()).location(t), "invalid_request", "The configured compliance level is not supported")
	})
}

func TestCompliance_grants_that_no_profile_knows(t *testing.T) {
	t.Parallel()
	for _, profile := range profiles {
		w := newCompliant(t, profile)
		w.config.Change(func(c *tokentest.Configuration) {
			c.Settings[w.acme.ID] = &token.Settings{MTLSAliases: true, DefaultDirectory: "Username-Password-Authentication"}
		})
		w.client("web", func(c *token.Client) {
			c.GrantTypes = append(c.GrantTypes, oauth.GrantPassword, oauth.GrantPasswordRealm, oauth.GrantDeviceCode)
		})
		for _, grant := range []oauth.GrantType{oauth.GrantPassword, oauth.GrantPasswordRealm} {
			form := url.Values{"grant_type": {string(grant)}, "username": {"ada@example.com"}, "password": {password}, "realm": {"Username-Password-Authentication"}}
			requireOAuth(t, w.post("/oauth/token", form), 403, "unauthorized_client", "Grant type '"+string(grant)+"' not allowed for the client.")
		}
		requireOAuth(t, w.post("/oauth/device/code", url.Values{"scope": {"openid"}}), 403, "unauthorized_client", "Grant type '"+string(oauth.GrantDeviceCode)+"' not allowed for the client.")
	}
}

func TestCompliance_words_of_refusals(t *testing.T) {
	t.Parallel()
	w := newCompliant(t, token.FAPI2ByKey)
	uri := w.pushed(w.request())
	w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Blocked = true })
	b := w.browser()
	page := b.get("/authorize", byURI(uri)).location(t)
	typed := b.post(page.String(), url.Values{"username": {"ada@example.com"}, "password": {password}})
	requireCallbackError(t, typed.location(t), "access_denied", "user is blocked")
	requireOAuth(t, w.post("/oauth/par", w.request("authorization_details", "[]")), 400, "invalid_request", "Rich authorization requests are not supported")
}

func TestCompliance_codes_wait_a_minute_FAPI2_5_3_2_1(t *testing.T) {
	t.Parallel()
	w := newCompliant(t, token.FAPI2ByCertificate)
	code := w.answered(w.request()).Get("code")
	w.clock.Advance(time.Minute)
	require.Equal(t, http.StatusForbidden, w.redeem(code).StatusCode)
}

func TestCompliance_pushed_requests_wait_less_than_600_seconds_FAPI2_5_3_2_2(t *testing.T) {
	t.Parallel()
	for _, profile := range profiles {
		w := newCompliant(t, profile)
		w.client("web", func(c *token.Client) { c.PARLifetime = 600 * time.Second })
		wait := 599
		if profile.Advanced() {
			wait = 600
		}
		require.EqualValues(t, wait, w.post("/oauth/par", w.request()).json(t)["expires_in"], profile)
	}
}

func TestCompliance_of_another_tenants_client(t *testing.T) {
	t.Parallel()
	w := newCompliant(t, token.FAPI2ByKey)
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[w.bolt.ID] = &token.Settings{} })
	b := w.browser()
	b.tenant = w.bolt
	require.NotEmpty(t, b.logIn(authorizeParams()).Query().Get("code"), "bolt's client of the same id is held to nothing")
	stranger := w.showing(w.shows)
	stranger.tenant = shown(w.bolt, w.shows)
	requireNobody(t, stranger.post("/oauth/token", w.asserting(url.Values{"grant_type": {"client_credentials"}, "audience": {apiAudience}})), "a stranger's tenant")
}
