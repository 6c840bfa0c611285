package httpapi_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
)

// OIDC Core §3.1.2.2: where the claims name a subject, the answer is for that user, or there is none.
func TestClaims_a_subject(t *testing.T) {
	t.Parallel()
	ask := func(b *agent, subject string, more ...string) *url.URL {
		return b.get("/authorize", authorizeParams(append([]string{"claims", `{"id_token":{"sub":{"value":"` + subject + `"}}}`}, more...)...)).location(b.w.t)
	}

	t.Run("who_is_logged_in_is_answered", func(t *testing.T) {
		t.Parallel()
		b := newWorld(t).browser()
		b.idToken()
		require.NotEmpty(t, ask(b, adaID, "prompt", "none").Query().Get("code"))
	})

	t.Run("another_is_login_required_where_nobody_may_be_asked", func(t *testing.T) {
		t.Parallel()
		b := newWorld(t).browser()
		b.idToken()
		requireCallbackError(t, ask(b, "auth0|bob", "prompt", "none"), "login_required", "Login required")
	})

	t.Run("another_has_to_log_in", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.users.Add(w.acme.ID, token.User{ID: "auth0|bob", Email: "bob@example.com"}, password)
		b := w.browser()
		b.idToken()
		to := ask(b, "auth0|bob")
		require.Equal(t, "/u/login", to.Path)
		typed := b.post(to.String(), url.Values{"username": {"ada@example.com"}, "password": {password}})
		requireCallbackError(t, typed.location(t), "login_required", "Login required")
		typed = b.post(to.String(), url.Values{"username": {"bob@example.com"}, "password": {password}})
		require.NotEmpty(t, b.follow(typed).location(t).Query().Get("code"))
	})

	t.Run("against_the_hint_is_nobody", func(t *testing.T) {
		t.Parallel()
		b := newWorld(t).browser()
		adas := b.idToken()
		requireCallbackError(t, ask(b, "auth0|bob", "id_token_hint", adas), "login_required", "Login required")
		require.NotEmpty(t, ask(b, adaID, "id_token_hint", adas).Query().Get("code"))
	})

	t.Run("of_another_tenant_is_nobody", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.users.Add(w.bolt.ID, token.User{ID: "auth0|bolts", Email: "bolts@example.com"}, password)
		b := w.browser()
		b.idToken()
		requireCallbackError(t, ask(b, "auth0|bolts", "prompt", "none"), "login_required", "Login required")
		to := ask(b, "auth0|bolts")
		typed := b.post(to.String(), url.Values{"username": {"bolts@example.com"}, "password": {password}})
		require.Equal(t, http.StatusBadRequest, typed.StatusCode, "whom this tenant does not know cannot log in")
	})

	t.Run("gives_a_third_party_nothing_without_consent", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		b.idToken()
		w.third()
		requireCallbackError(t, ask(b, adaID, "prompt", "none"), "consent_required", "Consent required")
		requireCallbackError(t, ask(b, "auth0|bob", "prompt", "none"), "login_required", "Login required")
		require.Equal(t, "/u/consent", ask(b, adaID).Path)
	})

	t.Run("in_a_signed_request_counts_as_well", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		key := w.objecting().Private
		b := w.browser()
		b.idToken()
		for subject, code := range map[string]string{adaID: "", "auth0|bob": "login_required"} {
			raw := signed(t, key, jose.RS256, "k1", w.object("prompt", "none", "claims", map[string]any{"id_token": map[string]any{"sub": map[string]any{"value": subject}}}))
			to := b.get("/authorize", url.Values{"client_id": {"web"}, "request": {raw}}).location(t)
			require.Equal(t, code, to.Query().Get("error"), subject)
			require.Equal(t, code == "", to.Query().Get("code") != "", subject)
		}
	})

	t.Run("that_is_no_text_is_refused", func(t *testing.T) {
		t.Parallel()
		b := newWorld(t).browser()
		for _, value := range []string{`1`, `""`, `null`, `["auth0|bob"]`} {
			to := b.get("/authorize", authorizeParams("claims", `{"id_token":{"sub":{"value":`+value+`}}}`)).location(t)
			requireCallbackError(t, to, "invalid_request", "Invalid claims")
		}
	})

	t.Run("without_a_value_is_a_wish", func(t *testing.T) {
		t.Parallel()
		b := newWorld(t).browser()
		require.NotEmpty(t, b.logIn(authorizeParams("claims", `{"id_token":{"sub":{"essential":true},"acr":null},"userinfo":{"sub":{"value":"auth0|bob"}}}`)).Query().Get("code"))
	})
}

// RFC 9126 §2.3: what cannot be met is told to the client that pushes it.
func TestClaims_pushed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	hint := b.idToken()
	w.pushing()
	requireOAuth(t, b.push(authorizeParams("claims", `{"id_token":{"acr":{"essential":true,"values":["2"]}}}`)),
		http.StatusBadRequest, "unmet_authentication_requirements", "No authentication context of those asked for can be met")
	bobs := authorizeParams("claims", `{"id_token":{"sub":{"value":"auth0|bob"}}}`, "id_token_hint", hint)
	requireOAuth(t, b.push(bobs), http.StatusBadRequest, "login_required", "Login required")
	uri, _ := b.push(authorizeParams("claims", `{"id_token":{"sub":{"value":"auth0|bob"}}}`, "prompt", "none")).json(t)["request_uri"].(string)
	requireCallbackError(t, b.get("/authorize", byURI(uri)).location(t), "login_required", "Login required")
}

// OIDC Core §5.5.1.1: an essential context that cannot be met is a failed login. None is promised here.
func TestClaims_an_essential_context(t *testing.T) {
	t.Parallel()
	b := newWorld(t).browser()
	for _, wish := range []string{`{"essential":true,"values":["urn:mace:incommon:iap:silver"]}`, `{"essential":true,"value":"2"}`} {
		to := b.get("/authorize", authorizeParams("claims", `{"id_token":{"acr":`+wish+`}}`)).location(t)
		requireCallbackError(t, to, "unmet_authentication_requirements", "No authentication context of those asked for can be met")
	}
	for _, wish := range []string{`null`, `{"essential":true}`, `{"values":["2"]}`, `{"essential":false,"value":"2"}`} {
		to := b.get("/authorize", authorizeParams("claims", `{"id_token":{"acr":`+wish+`}}`)).location(t)
		require.Equal(t, "/u/login", to.Path, wish)
	}
}
