package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

// An API whose consent policy is transactional has its users asked each time, whoever the client is.
func TestConsentPolicy(t *testing.T) {
	t.Parallel()
	transactional := func(w *world) {
		w.api(func(rs *token.ResourceServer) { rs.ConsentPolicy = "transactional-authorization-with-mfa" })
	}
	ask := authorizeParams("audience", apiAudience, "scope", "openid offline_access read:x")

	t.Run("asks_first_parties_each_time_and_remembers_nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.withRefresh(token.RefreshPolicy{})
		b := w.browser()
		transactional(w)
		raw := renewed(t, b.exchange(b.follow(b.accept(b.logInToConsent(ask))).location(t).Query().Get("code")))
		list, _, err := w.store.ListConsents(t.Context(), w.acme.ID, token.ConsentFilter{}, 0, 50)
		require.NoError(t, err)
		require.Empty(t, list)
		page := b.get("/authorize", ask).location(t)
		require.Equal(t, "/u/consent", page.Path, "although the API skips consent of verifiable first parties")
		require.NotEmpty(t, b.follow(b.accept(page)).location(t).Query().Get("code"))
		silent := authorizeParams("audience", apiAudience, "scope", "openid read:x", "prompt", "none")
		requireCallbackError(t, b.get("/authorize", silent).location(t), "consent_required", "Consent required")
		require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode, "what was agreed to goes on")
	})

	t.Run("asks_third_parties_whatever_was_agreed_to_before", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.third()
		b := w.browser()
		params := authorizeParams("audience", apiAudience, "scope", "openid read:x")
		b.follow(b.accept(b.logInToConsent(params)))
		require.NotEmpty(t, b.get("/authorize", params).location(t).Query().Get("code"))
		transactional(w)
		page := b.get("/authorize", params).location(t)
		require.Equal(t, "/u/consent", page.Path)
		require.Equal(t, http.StatusOK, b.exchange(b.follow(b.accept(page)).location(t).Query().Get("code")).StatusCode)
	})

	t.Run("refuses_where_nobody_can_be_asked", func(t *testing.T) {
		t.Parallel()
		const further = "https://further.example/"
		w := newWorld(t)
		b := w.withRefresh(token.RefreshPolicy{Lifetime: time.Hour, Also: []token.Further{{Audience: further, Scope: token.Scope{"read:f"}}}})
		w.otherAPI(further, func(rs *token.ResourceServer) {
			rs.Scopes, rs.ConsentPolicy = []string{"read:f"}, "transactional-authorization-with-mfa"
		})
		raw := b.offline()
		requireOAuth(t, b.refresh(raw, "audience", further), 403, "consent_required", "Consent required")
		require.Equal(t, http.StatusOK, b.refresh(raw).StatusCode)
		transactional(w)
		requireOAuth(t, b.password("scope", "openid read:x"), 403, "consent_required", "Consent required")
	})

	t.Run("standard_is_the_default", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.api(func(rs *token.ResourceServer) { rs.ConsentPolicy = "standard" })
		require.NotEmpty(t, w.browser().logIn(authorizeParams("audience", apiAudience, "scope", "openid read:x")).Query().Get("code"))
	})
}
