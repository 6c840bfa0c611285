package httpapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const unknownRefresh = "Unknown or invalid refresh token."

// withRefresh lets the web client have refresh tokens by code and by password, and the API allow them.
func (w *world) withRefresh(policy token.RefreshPolicy) *agent {
	b := w.withPasswords()
	w.client("web", func(c *token.Client) {
		c.GrantTypes = append(c.GrantTypes, oauth.GrantAuthorizationCode, oauth.GrantRefreshToken)
		c.Refresh = policy
	})
	w.api(func(rs *token.ResourceServer) { rs.OfflineAccess = true })
	return b
}

// otherAPI adds an API to acme.
func (w *world) otherAPI(identifier string, edit func(*token.ResourceServer)) {
	rs := &token.ResourceServer{Name: identifier, Identifier: identifier}
	edit(rs)
	w.config.Change(func(c *tokentest.Configuration) {
		c.ResourceServers[tokentest.Key{Tenant: w.acme.ID, ID: identifier}] = rs
	})
}

// offline gets a refresh token by password.
func (b *agent) offline(more ...string) string {
	b.w.t.Helper()
	res := b.password(append([]string{"scope", "openid email offline_access read:x"}, more...)...)
	require.Equal(b.w.t, http.StatusOK, res.StatusCode, res.body)
	raw, _ := res.json(b.w.t)["refresh_token"].(string)
	require.NotEmpty(b.w.t, raw, res.body)
	return raw
}

func (b *agent) refresh(raw string, more ...string) answer {
	b.w.t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "refresh_token": {raw}}
	return b.post("/oauth/token", edit(form, more))
}

// renewed gives the refresh token of an answer; empty: none.
func renewed(t *testing.T, a answer) string {
	t.Helper()
	require.Equal(t, http.StatusOK, a.StatusCode, a.body)
	raw, _ := a.json(t)["refresh_token"].(string)
	return raw
}

func TestRefresh_of_a_login(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: 24 * time.Hour, Idle: time.Hour})
	to := b.logIn(authorizeParams("scope", "openid email offline_access read:x", "audience", apiAudience, "max_age", "600"))
	given := b.exchange(to.Query().Get("code"))
	first := renewed(t, given)
	require.Regexp(t, `^v1\.[A-Za-z0-9_-]{40,}$`, first)
	require.Equal(t, "openid email offline_access read:x", given.json(t)["scope"])
	idToken, _ := given.json(t)["id_token"].(string)
	original := decodeSegment(t, idToken, 1)

	w.clock.Advance(10 * time.Minute)
	res := b.refresh(first)
	second := renewed(t, res)
	require.Regexp(t, `^v1\.`, second)
	require.NotEqual(t, first, second)
	got := res.json(t)
	require.Equal(t, "openid email offline_access read:x", got["scope"])
	require.Equal(t, "Bearer", got["token_type"])
	access, _ := got["access_token"].(string)
	now := float64(w.clock.Now().Unix())
	require.Equal(t, map[string]any{
		"iss": w.acme.Issuer(), "sub": adaID, "aud": []any{apiAudience, w.acme.UserinfoAudience()}, "azp": "web", "gty": "refresh_token",
		"scope": "openid email offline_access read:x", "iat": now, "exp": now + 86400,
	}, requireRS256(t, &w.signer.Private.PublicKey, access))

	// OIDC Core §12.2: the same issuer, subject, audience and auth_time, its own iat, and no nonce.
	raw, _ := got["id_token"].(string)
	claims := requireRS256(t, &w.signer.Private.PublicKey, raw)
	for _, name := range []string{"iss", "sub", "aud", "auth_time", "sid"} {
		require.NotNil(t, original[name], name)
		require.Equal(t, original[name], claims[name], name)
	}
	require.InDelta(t, now, claims["iat"], 0)
	require.NotContains(t, claims, "nonce")
	require.Equal(t, "ada@example.com", claims["email"])

	fact := w.lastFact(w.store)
	require.Equal(t, []any{"sertft", adaID, "web", apiAudience}, []any{fact.Type, fact.UserID, fact.ClientID, fact.Audience})
	require.Equal(t, map[string]any{"access": "offline", "session_id": original["sid"]}, fact.Details["refresh_token"])
	require.Equal(t, fact.Family, fact.Details["familyId"])
	require.EqualValues(t, 1, fact.Details["tokenCounter"])
	for _, f := range w.store.Facts() {
		for _, secret := range []string{first, second, strings.TrimPrefix(second, "v1.")} {
			require.NotContains(t, toText(t, f), secret)
		}
	}
	require.NotContains(t, fmt.Sprintf("%+v", w.store.RefreshTokens()), strings.TrimPrefix(second, "v1."), "nothing at rest opens")
}

func TestRefresh_is_given(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit  func(*world)
		more  []string
		given bool
		scope string
	}{
		"where_all_agree":             {nil, nil, true, "openid offline_access read:x"},
		"without_an_api":              {nil, []string{"audience", ""}, true, "openid offline_access"},
		"not_unless_asked":            {nil, []string{"scope", "openid read:x"}, false, "openid read:x"},
		"not_where_the_api_forbids":   {func(w *world) { w.api(func(rs *token.ResourceServer) { rs.OfflineAccess = false }) }, nil, false, "openid read:x"},
		"not_to_a_client_without_the": {func(w *world) { w.client("web", func(c *token.Client) { c.GrantTypes = c.GrantTypes[:3] }) }, nil, false, "openid read:x"},
		"where_a_grant_narrows_scopes": {func(w *world) {
			w.api(func(rs *token.ResourceServer) { rs.UserPolicy = token.AccessGrant })
			w.config.Change(func(c *tokentest.Configuration) {
				c.UserGrants[tokentest.Key{Tenant: w.acme.ID, ID: "web " + apiAudience}] = &token.ClientGrant{Scope: []string{"write:x"}}
			})
		}, nil, true, "openid offline_access"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.withRefresh(token.RefreshPolicy{})
			if c.edit != nil {
				c.edit(w)
			}
			res := b.password(append([]string{"scope", "openid offline_access read:x"}, c.more...)...)
			require.Equal(t, http.StatusOK, res.StatusCode, res.body)
			require.Equal(t, c.given, res.json(t)["refresh_token"] != nil, res.body)
			require.Equal(t, c.scope, res.json(t)["scope"], "what cannot be had is dropped in silence")
			require.Len(t, w.store.RefreshTokens(), map[bool]int{true: 1}[c.given])
		})
	}
}

func TestRefresh_that_does_not_rotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{})
	raw := b.offline("audience", "")
	require.NotContains(t, raw, ".")
	require.GreaterOrEqual(t, len(raw), 40)
	for range 3 {
		w.clock.Advance(1000 * time.Hour)
		res := b.refresh(raw)
		require.Empty(t, renewed(t, res), "it stays good")
		access, _ := res.json(t)["access_token"].(string)
		require.Equal(t, http.StatusOK, b.userinfo(access).StatusCode, "an opaque token for /userinfo")
	}
	require.NotContains(t, w.lastFact(w.store).Details, "tokenCounter")
	require.Equal(t, w.clock.Now(), w.store.RefreshTokens()[0].LastExchanged)
}

func TestRefresh_lifetimes(t *testing.T) {
	t.Parallel()
	t.Run("idle_follows_the_settings_of_now", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(token.RefreshPolicy{Idle: time.Hour})
		raw := b.offline()
		for range 3 {
			w.clock.Advance(59 * time.Minute)
			require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode)
		}
		w.client("web", func(c *token.Client) { c.Refresh.Idle = time.Minute })
		w.clock.Advance(2 * time.Minute)
		requireOAuth(t, b.refresh(raw), 403, "invalid_grant", unknownRefresh)
		w.client("web", func(c *token.Client) { c.Refresh.Idle = 2 * time.Hour })
		require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode)
		w.clock.Advance(119 * time.Minute)
		require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode)
		w.clock.Advance(2 * time.Hour)
		requireOAuth(t, b.refresh(raw), 403, "invalid_grant", unknownRefresh)
	})
	t.Run("absolute_is_settled_once", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: 2 * time.Hour})
		raw := b.offline()
		w.client("web", func(c *token.Client) { c.Refresh.Lifetime = 1000 * time.Hour })
		w.clock.Advance(119 * time.Minute)
		raw = renewed(t, b.refresh(raw))
		w.clock.Advance(time.Minute)
		requireOAuth(t, b.refresh(raw), 403, "invalid_grant", unknownRefresh)
	})
}

func TestRefresh_scope_and_audience(t *testing.T) { //nolint:tparallel // its parts share one token
	t.Parallel()
	const further, closed = "https://further.example/", "https://closed.example/"
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{Also: []token.Further{{Audience: further, Scope: token.Scope{"read:f", "write:f"}}, {Audience: apiAudience, Scope: token.Scope{"write:x"}}}})
	w.otherAPI(further, func(rs *token.ResourceServer) {
		rs.SkipConsent, rs.Scopes = true, []string{"read:f", "write:f", "admin:f"}
	})
	w.otherAPI(closed, func(rs *token.ResourceServer) { rs.Scopes, rs.OfflineAccess = []string{"read:c"}, true })
	raw := b.offline()
	for name, c := range map[string]struct {
		params          []string
		audience, scope string
		policy          any
	}{
		"left_out_it_is_what_was_granted_RFC6749_6": {nil, apiAudience, "openid email offline_access read:x", nil},
		"narrower":                       {[]string{"scope", "openid read:x"}, apiAudience, "openid read:x", nil},
		"wider_is_dropped_RFC6749_6":     {[]string{"scope", "openid read:x admin:x profile"}, apiAudience, "openid read:x", "mrrt"},
		"an_api_that_the_policies_open":  {[]string{"audience", further}, further, "openid email read:f write:f", "mrrt"},
		"no_further_than_they_say":       {[]string{"audience", further, "scope", "openid read:f admin:f read:x"}, further, "openid read:f", "mrrt"},
		"more_of_the_same":               {[]string{"audience", apiAudience, "scope", "write:x admin:x"}, apiAudience, "write:x", "mrrt"},
		"more_of_the_same_unless_asked":  {[]string{"audience", apiAudience}, apiAudience, "openid email offline_access read:x", nil},
		"one_they_do_not_open":           {[]string{"audience", closed}, apiAudience, "openid email offline_access read:x", nil},
		"the_machine's_are_not_the_user": {[]string{"audience", w.acme.ManagementAudience(), "scope", "read:users"}, apiAudience, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			res := b.refresh(raw, c.params...)
			require.Equal(t, http.StatusOK, res.StatusCode, res.body)
			require.Equal(t, c.scope, orEmpty(res.json(t)["scope"]))
			access, _ := res.json(t)["access_token"].(string)
			require.Contains(t, toText(t, decodeSegment(t, access, 1)["aud"]), c.audience)
			fact := w.lastFact(w.store)
			require.Equal(t, c.audience, fact.Audience)
			if name != "wider_is_dropped_RFC6749_6" {
				require.Equal(t, c.policy, fact.Details["policy_used"])
			}
			require.Equal(t, token.Scope{"openid", "email", "offline_access", "read:x"}, w.store.RefreshTokens()[0].Scope, "the refresh token's scope stays (RFC 6749 §6)")
		})
	}
}

// What the client's policies open, the login behind the refresh token did not ask for.
func TestRefresh_needs_the_consent_that_the_login_would(t *testing.T) {
	t.Parallel()
	const further = "https://further.example/"
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{Also: []token.Further{{Audience: further, Scope: token.Scope{"read:f"}}, {Audience: apiAudience, Scope: token.Scope{"write:x"}}}})
	w.otherAPI(further, func(rs *token.ResourceServer) { rs.Scopes = []string{"read:f"} })
	raw := b.renewable(t)
	silent := authorizeParams("audience", further, "scope", "openid read:f", "prompt", "none")
	require.Equal(t, "consent_required", b.get("/authorize", silent).location(t).Query().Get("error"))
	requireOAuth(t, b.refresh(raw, "audience", further), 403, "consent_required", "Consent required")

	asked := b.get("/authorize", authorizeParams("audience", further, "scope", "openid read:f")).location(t)
	require.Equal(t, "/u/consent", asked.Path)
	b.follow(b.accept(asked)).location(t)
	require.Equal(t, http.StatusOK, b.refresh(raw, "audience", further, "scope", "openid read:f").StatusCode, "what was agreed to elsewhere is agreed to")
	_, err := w.store.WithdrawConsents(t.Context(), w.acme.ID, "", token.ConsentFilter{UserID: adaID}, w.clock.Now())
	require.NoError(t, err)
	requireOAuth(t, b.refresh(raw, "audience", further, "scope", "openid read:f"), 403, "consent_required", "Consent required")

	w.asking()
	require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode, "what is the family's own was settled by its login")
	require.Equal(t, http.StatusOK, b.refresh(raw, "audience", apiAudience, "scope", "read:x").StatusCode)
	requireOAuth(t, b.refresh(raw, "audience", apiAudience, "scope", "read:x write:x"), 403, "consent_required", "Consent required")
}

func orEmpty(v any) string {
	s, _ := v.(string)
	return s
}

func TestRefresh_of_a_third_party(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withRefresh(token.RefreshPolicy{Rotating: true, Lifetime: time.Hour})
	w.third()
	b := w.browser()
	page := b.logInToConsent(authorizeParams("audience", apiAudience, "scope", "openid offline_access read:x"))
	require.Contains(t, b.get(page.Path, page.Query()).body, "Offline access", "the user is asked for it (OIDC Core §11)")
	raw := renewed(t, b.exchange(b.follow(b.accept(page)).location(t).Query().Get("code")))
	raw = renewed(t, b.refresh(raw))
	res := b.manage(http.MethodDelete, "/grants?user_id="+url.QueryEscape(adaID), w.administrator("delete:grants"))
	require.Equal(t, http.StatusNoContent, res.StatusCode, res.body)
	requireOAuth(t, b.refresh(raw), 403, "invalid_grant", unknownRefresh) // what is withdrawn is over
	require.Empty(t, w.store.RefreshTokens())
}

// What the browser asked for beside the scope goes on (OIDC Core §5.5).
func TestRefresh_keeps_the_claims_that_were_asked_for(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.withRefresh(token.RefreshPolicy{})
	to := b.logIn(authorizeParams("scope", "openid offline_access", "claims", `{"id_token":{"email":null},"userinfo":{"phone_number":null}}`))
	raw := renewed(t, b.exchange(to.Query().Get("code")))
	got := b.refresh(raw).json(t)
	idToken, _ := got["id_token"].(string)
	require.Equal(t, "ada@example.com", decodeSegment(t, idToken, 1)["email"])
	access, _ := got["access_token"].(string)
	require.Equal(t, "+4412345", b.userinfo(access).json(t)["phone_number"])
}
