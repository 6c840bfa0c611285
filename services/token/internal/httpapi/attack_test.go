package httpapi_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const badCode = "Invalid authorization code"

func TestAttack_codes(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, res answer) {
		t.Helper()
		requireOAuth(t, res, http.StatusForbidden, "invalid_grant", badCode)
	}

	t.Run("replayed_code_takes_back_what_it_gave_RFC6749_4_1_2", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		first := b.exchange(code)
		access, _ := first.json(t)["access_token"].(string)
		require.Equal(t, http.StatusOK, b.userinfo(access).StatusCode)
		refused(t, b.exchange(code))
		require.Equal(t, http.StatusUnauthorized, b.userinfo(access).StatusCode, "the token of the first use is gone")
		require.Equal(t, []string{"s", "seacft", "feacft"}, w.facts(w.store))
		require.Contains(t, w.lastFact(w.store).Description, "used before")
	})

	t.Run("of_concurrent_exchanges_one_wins", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		var mu sync.Mutex
		var wg sync.WaitGroup
		count := map[int]int{}
		for range 8 {
			wg.Go(func() {
				agent := w.browser()
				res := agent.exchange(code)
				mu.Lock()
				defer mu.Unlock()
				count[res.StatusCode]++
			})
		}
		wg.Wait()
		require.Equal(t, map[int]int{200: 1, 403: 7}, count)
	})

	t.Run("expired_code", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		w.clock.Advance(token.DefaultCodeTTL)
		refused(t, b.exchange(code))
	})

	t.Run("another_clients_code", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		refused(t, b.exchange(code, "client_id", "second", "client_secret", "second-secret"))
		require.Equal(t, http.StatusOK, b.exchange(code).StatusCode, "its own client may still use it")
	})

	t.Run("another_tenants_code_with_a_client_of_the_same_name", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		bolt := w.browser()
		bolt.tenant = w.bolt
		refused(t, bolt.exchange(code))
		require.Equal(t, http.StatusOK, b.exchange(code).StatusCode)
	})

	t.Run("a_code_where_another_redirect_went_RFC6749_4_1_3", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		for _, uri := range []string{"https://evil.example/cb", "", callback + "/"} {
			requireOAuth(t, b.exchange(code, "redirect_uri", uri), http.StatusForbidden, "invalid_grant", "The redirect_uri does not match the authorization request")
		}
		requireOAuth(t, b.exchange("", "redirect_uri", callback), http.StatusBadRequest, "invalid_request", "Missing required parameter: code")
	})

	t.Run("pkce_RFC7636_4_6", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		const failed = "Failed to verify code verifier"
		code := b.logIn(authorizeParams()).Query().Get("code")
		for _, wrong := range []string{"", "short", strings.Repeat("x", 43), challenge} {
			requireOAuth(t, b.exchange(code, "code_verifier", wrong), http.StatusForbidden, "invalid_grant", failed)
		}
		plain := b.get("/authorize", authorizeParams("code_challenge", verifier, "code_challenge_method", "")).location(t).Query().Get("code")
		require.Equal(t, http.StatusOK, b.exchange(plain).StatusCode, "plain where no method is named (RFC 7636 §4.3)")

		stripped := b.get("/authorize", authorizeParams("code_challenge", "", "code_challenge_method", "")).location(t).Query().Get("code")
		requireOAuth(t, b.exchange(stripped), http.StatusForbidden, "invalid_grant", failed) // RFC 9700 §4.8.2: downgrade
		require.Equal(t, http.StatusOK, b.exchange(stripped, "code_verifier", "").StatusCode)
	})

	t.Run("a_public_clients_code_cannot_be_had_with_a_confidential_ones_secret", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams("client_id", "native", "redirect_uri", "com.example.app:/cb")).Query().Get("code")
		refused(t, b.exchange(code, "redirect_uri", "com.example.app:/cb"))
	})
}

func TestAttack_login(t *testing.T) {
	t.Parallel()
	credentials := url.Values{"username": {"ada@example.com"}, "password": {password}}

	t.Run("a_state_in_another_browser_is_worthless_RFC9700_4_7", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		mallory, victim := w.browser(), w.browser()
		to := mallory.get("/authorize", authorizeParams()).location(t)

		res := victim.post(to.String(), credentials)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, "without a cookie of that login")
		victim.get("/authorize", authorizeParams())
		res = victim.post(to.String(), credentials)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, "with the cookie of another")
		require.Empty(t, victim.cookies["__Host-postern"])
		require.Equal(t, http.StatusBadRequest, victim.get(to.Path, to.Query()).StatusCode)
		require.Empty(t, w.facts(w.store), "and the password was not even tried")
	})

	t.Run("a_finished_login_cannot_be_taken_home", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		victim, mallory := w.browser(), w.browser()
		to := victim.get("/authorize", authorizeParams()).location(t)
		resume := victim.post(to.String(), credentials).location(t)

		require.Equal(t, http.StatusBadRequest, mallory.get(resume.Path, resume.Query()).StatusCode)
		mallory.cookies["__Host-postern_tx"] = victim.cookies["__Host-postern_tx"]
		require.Equal(t, http.StatusBadRequest, mallory.get(resume.Path, resume.Query()).StatusCode, "without the session either")
		require.NotEmpty(t, victim.get(resume.Path, resume.Query()).location(t).Query().Get("code"))
		require.Equal(t, http.StatusBadRequest, victim.get(resume.Path, resume.Query()).StatusCode, "a code is given once")
	})

	t.Run("resume_before_the_password", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		to := b.get("/authorize", authorizeParams()).location(t)
		require.Equal(t, http.StatusBadRequest, b.get("/authorize/resume", to.Query()).StatusCode)
	})

	t.Run("prompt_login_cannot_be_answered_by_the_session_before", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		b.logIn(authorizeParams())
		to := b.get("/authorize", authorizeParams("prompt", "login")).location(t)
		require.Equal(t, http.StatusBadRequest, b.get("/authorize/resume", to.Query()).StatusCode)
	})

	t.Run("session_fixation", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		b.cookies["__Host-postern"] = "planted"
		b.logIn(authorizeParams())
		first := b.cookies["__Host-postern"]
		require.NotEqual(t, "planted", first)
		b.logIn(authorizeParams("prompt", "login"))
		require.NotEqual(t, first, b.cookies["__Host-postern"], "each login has a session of its own")
		old := w.browser()
		old.cookies["__Host-postern"] = first
		requireCallbackError(t, old.get("/authorize", authorizeParams("prompt", "none")).location(t), "login_required", "Login required")
	})

	t.Run("nothing_at_rest_opens_anything", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		access, _ := b.exchange(code).json(t)["access_token"].(string)
		sessions, codes, tokens := w.store.Dump()
		require.Equal(t, token.HashOf(b.cookies["__Host-postern"]), sessions[0].Secret)
		require.NotEqual(t, b.cookies["__Host-postern"], sessions[0].ID)
		require.Equal(t, token.HashOf(code), codes[0].Code)
		require.Equal(t, token.HashOf(access), tokens[0].Hash)
		for _, f := range w.store.Facts() {
			for _, secret := range []string{code, access, b.cookies["__Host-postern"], password} {
				require.NotContains(t, toText(t, f), secret)
			}
		}
	})
}

func TestAttack_userinfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	got := b.exchange(b.logIn(authorizeParams("audience", apiAudience, "scope", "openid")).Query().Get("code")).json(t)
	access, _ := got["access_token"].(string)
	idToken, _ := got["id_token"].(string)
	header, claims := decodeSegment(t, access, 0), decodeSegment(t, access, 1)
	rs := func(input []byte) []byte {
		sig, err := w.signer.Sign(t.Context(), w.acme.ID, token.SigningKey{}, token.AlgRS256, input)
		require.NoError(t, err)
		return sig
	}
	with := func(m map[string]any, name string, value any) map[string]any {
		out := maps.Clone(m)
		out[name] = value
		return out
	}
	der, err := x509.MarshalPKIXPublicKey(&w.signer.Private.PublicKey)
	require.NoError(t, err)
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	hs := func(input []byte) []byte {
		m := hmac.New(sha256.New, publicPEM)
		m.Write(input)
		return m.Sum(nil)
	}
	stranger := tokentest.SharedSigner(t, 3)
	require.Equal(t, http.StatusOK, b.userinfo(forge(t, header, claims, rs)).StatusCode, "the forgery is right when nothing is forged")

	for name, raw := range map[string]string{
		"alg_none_RFC8725_3_1":        forge(t, with(header, "alg", "none"), claims, nil),
		"alg_none_with_the_signature": forge(t, with(header, "alg", "none"), claims, rs),
		"hs256_by_the_public_key":     forge(t, with(header, "alg", "HS256"), claims, hs),
		"a_foreign_kid":               forge(t, with(header, "kid", "bolt-current"), claims, rs),
		"the_next_keys_kid":           forge(t, with(header, "kid", "acme-next"), claims, rs),
		"a_key_in_the_header":         forge(t, with(header, "jku", "https://evil.example/jwks"), claims, rs),
		"a_strangers_signature": forge(t, header, claims, func(in []byte) []byte {
			s, _ := stranger.Sign(t.Context(), "", token.SigningKey{}, token.AlgRS256, in)
			return s
		}),
		"a_foreign_issuer":             forge(t, header, with(claims, "iss", w.bolt.Issuer()), rs),
		"an_issuer_that_looks_alike":   forge(t, header, with(claims, "iss", strings.TrimSuffix(w.acme.Issuer(), "/")), rs),
		"another_audience":             forge(t, header, with(claims, "aud", apiAudience), rs),
		"an_expired_one":               forge(t, header, with(claims, "exp", w.clock.Now().Unix()), rs),
		"one_of_tomorrow":              forge(t, header, with(claims, "iat", w.clock.Now().Add(time.Hour).Unix()), rs),
		"without_openid":               forge(t, header, with(claims, "scope", "read:x"), rs),
		"a_client_that_is_gone":        forge(t, header, with(claims, "azp", "gone"), rs),
		"a_user_who_never_was":         forge(t, header, with(claims, "sub", "auth0|nobody"), rs),
		"an_id_token":                  idToken,
		"garbage":                      "a.b.c",
		"half_a_token":                 access[:len(access)/2],
		"an_unknown_opaque_token":      strings.Repeat("A", 43),
		"claims_swapped_under_the_sig": swapPayload(t, access, with(claims, "sub", "auth0|eve")),
	} {
		res := b.userinfo(raw)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s: %s", name, res.body)
		require.Equal(t, `Bearer error="invalid_token"`, res.Header.Get("WWW-Authenticate"), "RFC 6750 §3.1: %s", name)
	}
	none := b.userinfo("")
	require.Equal(t, http.StatusUnauthorized, none.StatusCode)
	require.Equal(t, "Bearer", none.Header.Get("WWW-Authenticate"), "no error where no token came (RFC 6750 §3.1)")

	bolt := w.browser()
	bolt.tenant = w.bolt
	require.Equal(t, http.StatusUnauthorized, bolt.userinfo(access).StatusCode, "another tenant's token")

	res := b.post("/userinfo", url.Values{"access_token": {access}})
	require.Equal(t, http.StatusOK, res.StatusCode, "RFC 6750 §2.2")
	require.Equal(t, http.StatusUnauthorized, b.get("/userinfo", url.Values{"access_token": {access}}).StatusCode, "never from the query (RFC 6750 §2.3)")

	w.users.Edit(w.acme.ID, adaID, func(u *token.User) { u.Blocked = true })
	require.Equal(t, http.StatusUnauthorized, b.userinfo(access).StatusCode, "a blocked user's token")
}

func TestAttack_opaque_token_of_another_tenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	access, _ := b.exchange(b.logIn(authorizeParams()).Query().Get("code")).json(t)["access_token"].(string)
	bolt := w.browser()
	bolt.tenant = w.bolt
	require.Equal(t, http.StatusUnauthorized, bolt.userinfo(access).StatusCode)
	w.clock.Advance(24 * time.Hour)
	require.Equal(t, http.StatusUnauthorized, b.userinfo(access).StatusCode, "its life is fixed")
}

func TestCORS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.client("machine", func(c *token.Client) {
		c.AllowedOrigins, c.WebOrigins, c.Callbacks = []string{"https://spa.example"}, []string{"https://*.preview.example"}, []string{"https://app.example:443/cb"}
	})
	ask := func(origin string) string {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {"machine-secret"}, "audience": {apiAudience}}
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", origin)
		return w.browser().do(req).Header.Get("Access-Control-Allow-Origin")
	}
	for _, origin := range []string{"https://spa.example", "https://pr-1.preview.example", "https://app.example"} {
		require.Equal(t, origin, ask(origin))
	}
	for _, origin := range []string{"https://evil.example", "https://spa.example.evil.example", "http://spa.example", "https://a.b.preview.example", "null"} {
		require.Empty(t, ask(origin), origin)
	}
}
