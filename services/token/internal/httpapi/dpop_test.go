package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

const badProof = "Invalid DPoP proof"

func requireNoProof(t *testing.T, a answer, name, why string) {
	t.Helper()
	require.Equal(t, http.StatusBadRequest, a.StatusCode, "%s: %s", name, a.body)
	got := a.json(t)
	require.Equal(t, "invalid_dpop_proof", got["error"], name)
	sentence := badProof
	if why != "" {
		sentence += ": " + why
	}
	require.Equal(t, sentence, got["error_description"], name)
}

func TestDPoP_binds(t *testing.T) {
	t.Parallel()

	t.Run("a_jwt_to_the_key_RFC9449_6_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		h := w.holder()
		res := w.browser().proving("/oauth/token", machineForm(), h.proof())
		require.Equal(t, http.StatusOK, res.StatusCode, res.body)
		require.Equal(t, "DPoP", res.json(t)["token_type"], "RFC 9449 §5")
		raw, _ := res.json(t)["access_token"].(string)
		require.Equal(t, map[string]any{"jkt": h.thumbprint()}, decodeSegment(t, raw, 1)["cnf"])

		res = w.browser().machine()
		require.Equal(t, "Bearer", res.json(t)["token_type"], "who proves nothing gets what all may carry")
		raw, _ = res.json(t)["access_token"].(string)
		require.NotContains(t, decodeSegment(t, raw, 1), "cnf")
	})

	t.Run("an_opaque_token_to_the_key_RFC9449_6", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		h := w.holder()
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		res := b.proving("/oauth/token", codeForm(code), h.proof())
		require.Equal(t, http.StatusOK, res.StatusCode, res.body)
		raw, _ := res.json(t)["access_token"].(string)
		require.NotContains(t, raw, ".")

		ok := b.presenting(http.MethodGet, "DPoP", raw, h.forUserinfo(raw))
		require.Equal(t, http.StatusOK, ok.StatusCode, ok.body)
		require.Equal(t, adaID, ok.json(t)["sub"])
		ok = b.presenting(http.MethodPost, "dpop", raw, h.forUserinfo(raw, "htm", "POST"))
		require.Equal(t, http.StatusOK, ok.StatusCode, "schemes have no case (RFC 9110 §11.1): %s", ok.body)
	})

	t.Run("a_jwt_for_userinfo", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		h := w.holder()
		b := w.browser()
		code := b.logIn(authorizeParams("audience", apiAudience)).Query().Get("code")
		res := b.proving("/oauth/token", codeForm(code), h.proof())
		raw, _ := res.json(t)["access_token"].(string)
		require.Contains(t, raw, ".", res.body)
		ok := b.presenting(http.MethodGet, "DPoP", raw, h.forUserinfo(raw))
		require.Equal(t, http.StatusOK, ok.StatusCode, ok.body)
		requireBound(t, b.presenting(http.MethodGet, "Bearer", raw, h.forUserinfo(raw)))
	})
}

func codeForm(code string, more ...string) url.Values {
	return edit(url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "code": {code},
		"redirect_uri": {callback}, "code_verifier": {verifier},
	}, more)
}

// requireBound is the refusal of a bound token that is sent as a bearer token.
func requireBound(t *testing.T, a answer) {
	t.Helper()
	requireOAuth(t, a, http.StatusUnauthorized, "invalid_token", "Invalid access token")
	require.Equal(t, []string{`DPoP error="invalid_token", algs="ES256"`}, a.Header.Values("WWW-Authenticate"), "RFC 9449 §7.1, §7.2")
}

func TestDPoP_proofs_that_prove_nothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	now := w.clock.Now().Unix()
	header := func(more map[string]any) map[string]any {
		m := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": h.jwkOf(nil)}
		for name, value := range more {
			m[name] = value
			if value == nil {
				delete(m, name)
			}
		}
		return m
	}
	secret, err := h.key.Bytes()
	require.NoError(t, err)
	private := base64.RawURLEncoding.EncodeToString(secret)
	rsaKey := tokentest.SharedSigner(t, 0).Private
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	embedded := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	tampered := strings.Split(h.proof(), ".")
	long := strings.Repeat("a", 5<<10)

	for name, c := range map[string]struct{ proof, why string }{
		"no_jwt_RFC9449_4_3_2":                      {"proof", ""},
		"empty_RFC9449_4_3_2":                       {"", ""},
		"no_jti_RFC9449_4_3_3":                      {h.proof("jti", nil), "it has no jti that could be remembered"},
		"a_jti_nobody_would_keep":                   {h.proof("jti", strings.Repeat("j", 256)), "it has no jti that could be remembered"},
		"no_htm_RFC9449_4_3_3":                      {h.proof("htm", nil), "its htm is another method"},
		"no_htu_RFC9449_4_3_3":                      {h.proof("htu", nil), "its htu is another URL"},
		"no_iat_RFC9449_4_3_3":                      {h.proof("iat", nil), "its iat is too long ago, or missing"},
		"another_type_RFC9449_4_3_4":                {h.handmade(header(map[string]any{"typ": "JWT"})), ""},
		"no_type_RFC9449_4_3_4":                     {h.handmade(header(map[string]any{"typ": nil})), ""},
		"alg_none_RFC9449_4_3_5":                    {forge(t, header(map[string]any{"alg": "none"}), h.claims(), nil), ""},
		"a_symmetric_alg_RFC9449_4_3_5":             {h.signed(jose.HS256, []byte(strings.Repeat("k", 32)), (&jose.SignerOptions{}).WithType("dpop+jwt"), h.claims()), ""},
		"a_symmetric_key_RFC9449_4_3_5":             {h.handmade(header(map[string]any{"jwk": map[string]any{"kty": "oct", "k": "AAAA"}})), ""},
		"an_alg_that_is_not_offered_RFC9449_4_3_5":  {h.signed(jose.PS256, rsaKey, embedded, h.claims()), ""},
		"another_curve_RFC7518_3_4":                 {h.signed(jose.ES384, p384, embedded, h.claims()), ""},
		"a_key_of_another_curve_for_the_alg":        {h.handmade(header(map[string]any{"jwk": publicJWK(t, &p384.PublicKey)})), ""},
		"an_rsa_key_for_the_alg":                    {h.handmade(header(map[string]any{"jwk": publicJWK(t, &rsaKey.PublicKey)})), ""},
		"no_key_RFC9449_4_2":                        {h.handmade(header(map[string]any{"jwk": nil})), ""},
		"a_key_by_name_alone":                       {h.handmade(header(map[string]any{"jwk": nil, "kid": "acme-elliptic"})), ""},
		"a_key_with_its_private_part_RFC9449_4_3_7": {h.handmade(header(map[string]any{"jwk": h.jwkOf(map[string]any{"d": private})})), ""},
		"a_point_off_the_curve":                     {h.handmade(header(map[string]any{"jwk": h.jwkOf(map[string]any{"x": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"})})), ""},
		"a_signature_by_another_key_RFC9449_4_3_6":  {h.handmade(header(map[string]any{"jwk": w.holder().jwkOf(nil)})), ""},
		"other_claims_under_the_signature":          {swapPayload(t, h.proof(), h.claims("jti", "other")), ""},
		"no_signature":                              {tampered[0] + "." + tampered[1] + ".", ""},
		"an_extension_RFC7515_4_1_11":               {h.handmade(header(map[string]any{"crit": []string{"exp"}, "exp": 1})), ""},
		"an_unencoded_payload_RFC7797":              {h.handmade(header(map[string]any{"crit": []string{"b64"}, "b64": false})), ""},
		"another_method_RFC9449_4_3_8":              {h.proof("htm", "GET"), "its htm is another method"},
		"a_method_in_lower_case":                    {h.proof("htm", "post"), "its htm is another method"},
		"another_endpoint_RFC9449_4_3_9":            {h.proof("htu", w.acme.Base+"/userinfo"), "its htu is another URL"},
		"another_tenant_RFC9449_4_3_9":              {h.proof("htu", w.bolt.Base+"/oauth/token"), "its htu is another URL"},
		"another_host_RFC9449_4_3_9":                {h.proof("htu", "https://evil.example/oauth/token"), "its htu is another URL"},
		"another_port_RFC9449_4_3_9":                {h.proof("htu", "https://acme.eu.postern.localhost/oauth/token"), "its htu is another URL"},
		"another_scheme_RFC9449_4_3_9":              {h.proof("htu", "http://acme.eu.postern.localhost:8443/oauth/token"), "its htu is another URL"},
		"a_host_that_looks_alike":                   {h.proof("htu", "https://acme.eu.postern.localhost:8443@evil.example/oauth/token"), "its htu is another URL"},
		"a_path_alone":                              {h.proof("htu", "/oauth/token"), "its htu is another URL"},
		"a_path_that_looks_alike":                   {h.proof("htu", w.acme.Base+"/oauth%2Ftoken"), "its htu is another URL"},
		"too_old_RFC9449_4_3_11":                    {h.proof("iat", now-90), "its iat is too long ago, or missing"},
		"from_the_future_RFC9449_4_3_11":            {h.proof("iat", now+31), "its iat is in the future"},
		"a_time_past_all_dates":                     {h.proof("iat", 1e300), ""},
		"a_time_that_is_a_text":                     {h.proof("iat", "now"), ""},
		"a_claim_by_another_spelling":               {h.proof("jti", nil, "JTI", "x"), "it has no jti that could be remembered"},
		"huge":                                      {h.proof("padding", long), "it is too long"},
	} {
		requireNoProof(t, w.browser().proving("/oauth/token", machineForm(), c.proof), name, c.why)
		fact := w.lastFact(w.queue)
		require.Equal(t, "feccft", fact.Type, name)
		require.Equal(t, "machine", fact.ClientID, name)
	}

	requireNoProof(t, w.browser().proving("/oauth/token", machineForm(), h.proof(), h.proof()), "two headers (RFC 9449 §4.3, 1)", "there must be one DPoP header")
	res := w.browser().proving("/oauth/token", edit(machineForm(), []string{"client_secret", "wrong"}), "proof")
	requireOAuth(t, res, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
}

func publicJWK(t *testing.T, key any) map[string]any {
	t.Helper()
	b, err := jose.JSONWebKey{Key: key}.MarshalJSON()
	require.NoError(t, err)
	var members map[string]any
	require.NoError(t, json.Unmarshal(b, &members))
	return members
}

func TestDPoP_proofs_that_prove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	now := w.clock.Now().Unix()
	for name, proof := range map[string]string{
		"the_oldest":                          h.proof("iat", now-89),
		"a_clock_ahead_RFC9449_11_1":          h.proof("iat", now+30),
		"a_time_with_a_fraction_RFC7519_2":    h.proof("iat", float64(now)+0.5),
		"a_query_that_is_ignored":             h.proof("htu", w.acme.Base+"/oauth/token?x=y#z"),
		"a_url_to_be_normalized_RFC9449_4_3":  h.proof("htu", "HTTPS://ACME.eu.postern.localhost:8443/oauth/token"),
		"a_nonce_that_nobody_gave":            h.proof("nonce", "n"),
		"an_ath_that_nothing_needs":           h.proof("ath", "x"),
		"claims_of_its_own_RFC9449_4_2":       h.proof("https://example.com/x", map[string]any{"y": 1}),
		"a_jwk_with_a_name":                   h.handmade(map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": h.jwkOf(map[string]any{"kid": "k", "use": "sig"})}),
		"the_same_jti_of_another_key":         w.holder().proof("jti", "shared"),
		"the_same_jti_of_yet_another_one_too": w.holder().proof("jti", "shared"),
	} {
		res := w.browser().proving("/oauth/token", machineForm(), proof)
		require.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", name, res.body)
	}

	t.Run("on_a_default_port_the_port_may_be_named", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		h := w.holder()
		w.acme.Host, w.acme.Base = "login.acme.example", "https://login.acme.example"
		for _, htu := range []string{"https://login.acme.example/oauth/token", "https://login.acme.example:443/oauth/token"} {
			res := w.browser().proving("/oauth/token", machineForm(), h.proof("htu", htu))
			require.Equal(t, http.StatusOK, res.StatusCode, res.body)
		}
		requireNoProof(t, w.browser().proving("/oauth/token", machineForm(), h.proof("htu", "https://acme.eu.postern.localhost:8443/oauth/token")),
			"the tenant's other host", "its htu is another URL")
	})
}

func TestDPoP_replay_RFC9449_11_1(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	b := w.browser()
	proof := h.proof()
	require.Equal(t, http.StatusOK, b.proving("/oauth/token", machineForm(), proof).StatusCode)
	requireNoProof(t, b.proving("/oauth/token", machineForm(), proof), "again", "it was used before")
	w.clock.Advance(89 * time.Second)
	requireNoProof(t, b.proving("/oauth/token", machineForm(), proof), "at the end of its life", "it was used before")
	w.clock.Advance(time.Second)
	_, err := w.store.Sweep(t.Context(), w.clock.Now())
	require.NoError(t, err)
	requireNoProof(t, b.proving("/oauth/token", machineForm(), proof), "forgotten, and too old", "its iat is too long ago, or missing")

	bolt := w.browser()
	bolt.tenant = w.bolt
	requireNoProof(t, bolt.proving("/oauth/token", machineForm(), h.proof()), "at another tenant", "its htu is another URL")

	w.store.FailNext(fault.Unavailable("postgres is away"))
	res := b.proving("/oauth/token", machineForm(), h.proof())
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode, "what cannot be remembered does not count: %s", res.body)
}

func TestDPoP_userinfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.holder()
	b := w.browser()
	code := b.logIn(authorizeParams()).Query().Get("code")
	given := b.proving("/oauth/token", codeForm(code), h.proof())
	raw, _ := given.json(t)["access_token"].(string)
	require.NotEmpty(t, raw, given.body)

	t.Run("a_stolen_token_without_its_key", func(t *testing.T) {
		t.Parallel()
		requireBound(t, b.userinfo(raw))
		requireBound(t, b.presenting(http.MethodGet, "Bearer", raw, h.forUserinfo(raw)))
		form := b.proving("/userinfo", url.Values{"access_token": {raw}}, h.forUserinfo(raw, "htm", "POST"))
		requireBound(t, form)
		thief := w.holder()
		res := b.presenting(http.MethodGet, "DPoP", raw, thief.forUserinfo(raw))
		requireOAuth(t, res, http.StatusUnauthorized, "invalid_token", "Invalid access token")
		require.Equal(t, `DPoP error="invalid_token", algs="ES256"`, res.Header.Get("WWW-Authenticate"), "RFC 9449 §7.1")
	})

	t.Run("proofs_that_are_not_for_this_request_RFC9449_4_3", func(t *testing.T) {
		t.Parallel()
		used := h.forUserinfo(raw)
		require.Equal(t, http.StatusOK, b.presenting(http.MethodGet, "DPoP", raw, used).StatusCode)
		for name, proofs := range map[string][]string{
			"none":                 nil,
			"two":                  {h.forUserinfo(raw), h.forUserinfo(raw)},
			"used":                 {used},
			"no_ath_4_3_12":        {h.forUserinfo(raw, "ath", nil)},
			"another_ath_4_3_12":   {h.forUserinfo("another token")},
			"the_token_as_its_ath": {h.forUserinfo(raw, "ath", raw)},
			"another_method_4_3_8": {h.forUserinfo(raw, "htm", "POST")},
			"another_url_4_3_9":    {h.forUserinfo(raw, "htu", w.acme.Base+"/oauth/token")},
			"another_tenant":       {h.forUserinfo(raw, "htu", w.bolt.Base+"/userinfo")},
			"old_4_3_11":           {h.forUserinfo(raw, "iat", w.clock.Now().Unix()-90)},
		} {
			res := b.presenting(http.MethodGet, "DPoP", raw, proofs...)
			require.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s: %s", name, res.body)
			require.Equal(t, "invalid_dpop_proof", res.json(t)["error"], name)
			require.Equal(t, `DPoP error="invalid_dpop_proof", algs="ES256"`, res.Header.Get("WWW-Authenticate"), name)
		}
	})

	t.Run("a_token_that_is_bound_to_nothing_proves_nobody", func(t *testing.T) {
		t.Parallel()
		free, _ := b.exchange(b.followed(authorizeParams())).json(t)["access_token"].(string)
		require.NotEmpty(t, free)
		require.Equal(t, http.StatusOK, b.userinfo(free).StatusCode)
		res := b.presenting(http.MethodGet, "DPoP", free, h.forUserinfo(free))
		requireOAuth(t, res, http.StatusUnauthorized, "invalid_token", "Invalid access token")
	})

	t.Run("who_brings_no_token_hears_of_both_schemes_RFC9449_7_2", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"Bearer", `DPoP algs="ES256"`}, b.userinfo("").Header.Values("WWW-Authenticate"))
	})

	t.Run("unknown_tokens_use_no_proof_up", func(t *testing.T) {
		t.Parallel()
		before := h.forUserinfo("unknown")
		for range 2 {
			res := b.presenting(http.MethodGet, "DPoP", "unknown", before)
			requireOAuth(t, res, http.StatusUnauthorized, "invalid_token", "Invalid access token")
		}
	})

	t.Run("two_authorization_headers_are_none", func(t *testing.T) {
		t.Parallel()
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/userinfo", nil)
		req.Header.Add("Authorization", "DPoP "+raw)
		req.Header.Add("Authorization", "Bearer "+raw)
		req.Header.Add("DPoP", h.forUserinfo(raw))
		requireOAuth(t, w.browser().do(req), http.StatusBadRequest, "invalid_request", "The access token must be sent by one method only")
	})
}

// followed logs a browser in that has a session, and gives the code.
func (b *agent) followed(params url.Values) string {
	b.w.t.Helper()
	code := b.get("/authorize", params).location(b.w.t).Query().Get("code")
	require.NotEmpty(b.w.t, code)
	return code
}
