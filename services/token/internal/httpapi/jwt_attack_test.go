package httpapi_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// forger puts tokens together that are right but for one thing.
type forger struct {
	t              *testing.T
	w              *world
	header, claims map[string]any // of a token that is right
}

func (f *forger) sign(kid string, alg string) func([]byte) []byte {
	return func(input []byte) []byte {
		keys, err := f.w.store.ListKeys(f.t.Context(), f.w.acme.ID)
		require.NoError(f.t, err)
		key := token.SigningKey{}
		for _, k := range keys {
			if k.KeyID == kid {
				key = k
			}
		}
		sig, err := f.w.signer.Sign(f.t.Context(), f.w.acme.ID, key, alg, input)
		require.NoError(f.t, err)
		return sig
	}
}

func (f *forger) right() func([]byte) []byte { return f.sign("acme-current", token.AlgRS256) }

func edited(m map[string]any, changes map[string]any) map[string]any {
	out := maps.Clone(m)
	maps.Copy(out, changes)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	return out
}

func (f *forger) withHeader(changes map[string]any, sign func([]byte) []byte) string {
	return forge(f.t, edited(f.header, changes), f.claims, sign)
}

func (f *forger) withClaims(changes map[string]any) string {
	return forge(f.t, f.header, edited(f.claims, changes), f.right())
}

// withText signs header and claims as they are written.
func (f *forger) withText(header, claims string) string {
	enc := base64.RawURLEncoding
	input := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(claims))
	return input + "." + enc.EncodeToString(f.right()([]byte(input)))
}

func mac(key []byte) func([]byte) []byte {
	return func(input []byte) []byte {
		m := hmac.New(sha256.New, key)
		m.Write(input)
		return m.Sum(nil)
	}
}

// forgeries gives tokens that no door may open to, by what is wrong with each (RFC 8725, RFC 7515, RFC 7519).
func (f *forger) forgeries() map[string]string {
	public := &f.w.signer.Private.PublicKey
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(f.t, err)
	attacker := tokentest.SharedSigner(f.t, 3)
	stolen := func(input []byte) []byte {
		sig, err := attacker.Sign(f.t.Context(), "", token.SigningKey{}, token.AlgRS256, input)
		require.NoError(f.t, err)
		return sig
	}
	own := jose.JSONWebKey{Key: &attacker.Private.PublicKey, KeyID: "acme-current", Algorithm: "RS256", Use: "sig"}
	certificate := attacker.Key(f.t, "x", 1, token.KeyCurrent).Certificate
	chain := []string{base64.StdEncoding.EncodeToString(certificate)}
	header, claims := toText(f.t, f.header), toText(f.t, f.claims)
	now := f.w.clock.Now().Unix()
	right, none := f.right(), func([]byte) []byte { return nil }
	good := forge(f.t, f.header, f.claims, right)
	parts := strings.Split(good, ".")

	return map[string]string{
		"alg_none":                              f.withHeader(map[string]any{"alg": "none"}, none),
		"alg_none_in_other_letters":             f.withHeader(map[string]any{"alg": "NoNe"}, none),
		"alg_none_over_a_right_signature":       f.withHeader(map[string]any{"alg": "none"}, right),
		"no_alg":                                f.withHeader(map[string]any{"alg": nil}, right),
		"an_alg_that_is_a_list":                 f.withHeader(map[string]any{"alg": []string{"RS256"}}, right),
		"no_signature":                          f.withHeader(nil, none),
		"the_public_pem_as_an_hmac_secret":      f.withHeader(map[string]any{"alg": "HS256"}, mac(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))),
		"the_public_der_as_an_hmac_secret":      f.withHeader(map[string]any{"alg": "HS256"}, mac(der)),
		"the_modulus_as_an_hmac_secret":         f.withHeader(map[string]any{"alg": "HS256"}, mac(public.N.Bytes())),
		"nothing_as_an_hmac_secret":             f.withHeader(map[string]any{"alg": "HS256"}, mac(nil)),
		"an_hmac_without_a_kid":                 f.withHeader(map[string]any{"alg": "HS256", "kid": nil}, mac(der)),
		"pss_under_the_pkcs1_kid":               f.withHeader(map[string]any{"alg": "PS256"}, f.sign("acme-current", token.AlgPS256)),
		"another_hash_under_the_kid":            f.withHeader(map[string]any{"alg": "RS512"}, f.sign("acme-current", token.AlgRS512)),
		"pkcs1_under_the_pss_kid":               f.withHeader(map[string]any{"kid": "acme-current-ps256"}, right),
		"the_curves_kid_over_an_RSA_signature":  f.withHeader(map[string]any{"kid": "acme-elliptic"}, right),
		"the_curves_alg_over_an_RSA_signature":  f.withHeader(map[string]any{"alg": "ES256", "kid": "acme-elliptic"}, right),
		"a_curve_signature_under_the_RSA_kid":   f.withHeader(map[string]any{"alg": "ES256"}, f.sign("acme-elliptic", token.AlgES256)),
		"no_kid":                                f.withHeader(map[string]any{"kid": nil}, right),
		"an_empty_kid":                          f.withHeader(map[string]any{"kid": ""}, right),
		"a_kid_nobody_has":                      f.withHeader(map[string]any{"kid": "nobody"}, right),
		"a_kid_that_is_a_path":                  f.withHeader(map[string]any{"kid": "../../../dev/null"}, mac(nil)),
		"a_kid_that_is_a_number":                f.withHeader(map[string]any{"kid": 7}, right),
		"the_next_keys_kid":                     f.withHeader(map[string]any{"kid": "acme-next"}, right),
		"another_tenants_kid_and_key":           f.withHeader(map[string]any{"kid": "bolt-current"}, f.bolts()),
		"another_tenants_key_under_our_kid":     f.withHeader(nil, f.bolts()),
		"an_attackers_key_under_our_kid":        f.withHeader(nil, stolen),
		"an_embedded_jwk":                       f.withHeader(map[string]any{"jwk": own}, stolen),
		"an_embedded_jwk_over_our_signature":    f.withHeader(map[string]any{"jwk": own}, right),
		"a_jku":                                 f.withHeader(map[string]any{"jku": "https://evil.example/jwks"}, stolen),
		"an_x5u":                                f.withHeader(map[string]any{"x5u": "https://evil.example/x5u"}, stolen),
		"an_x5c":                                f.withHeader(map[string]any{"x5c": chain}, stolen),
		"a_critical_extension":                  f.withHeader(map[string]any{"crit": []string{"exp"}, "exp": now + 60}, right),
		"an_empty_crit":                         f.withHeader(map[string]any{"crit": []string{}}, right),
		"an_unencoded_payload_RFC7797":          f.withHeader(map[string]any{"b64": false, "crit": []string{"b64"}}, right),
		"b64_without_crit":                      f.withHeader(map[string]any{"b64": false}, right),
		"a_logout_token":                        f.withHeader(map[string]any{"typ": "logout+jwt"}, right),
		"a_request_object":                      f.withHeader(map[string]any{"typ": "oauth-authz-req+jwt"}, right),
		"a_DPoP_proof":                          f.withHeader(map[string]any{"typ": "dpop+jwt"}, right),
		"a_security_event":                      f.withHeader(map[string]any{"typ": "application/secevent+jwt"}, right),
		"a_type_that_is_a_number":               f.withHeader(map[string]any{"typ": 7}, right),
		"a_header_member_twice":                 f.withText(strings.Replace(header, `{`, `{"alg":"none",`, 1), claims),
		"a_claim_twice_RFC7519_4":               f.withText(header, strings.Replace(claims, `{`, `{"sub":"auth0|eve",`, 1)),
		"another_audience_and_ours_in_capitals": f.withText(header, strings.Replace(claims, `"aud":`, `"aud":"https://elsewhere.example","AUD":`, 1)),
		"another_issuer_and_ours_in_capitals":   f.withText(header, strings.Replace(claims, `"iss":`, `"iss":"https://elsewhere.example/","Iss":`, 1)),
		"claims_that_are_a_list":                f.withText(header, "["+claims+"]"),
		"more_after_the_claims":                 f.withText(header, claims+claims),
		"another_tenants_issuer":                f.withClaims(map[string]any{"iss": f.w.bolt.Issuer()}),
		"the_issuer_without_its_slash":          f.withClaims(map[string]any{"iss": strings.TrimSuffix(f.w.acme.Issuer(), "/")}),
		"the_issuer_in_capitals":                f.withClaims(map[string]any{"iss": strings.ToUpper(f.w.acme.Issuer())}),
		"the_issuer_by_http":                    f.withClaims(map[string]any{"iss": strings.Replace(f.w.acme.Issuer(), "https", "http", 1)}),
		"issuers":                               f.withClaims(map[string]any{"iss": []string{f.w.acme.Issuer()}}),
		"no_issuer":                             f.withClaims(map[string]any{"iss": nil}),
		"another_audience":                      f.withClaims(map[string]any{"aud": apiAudience}),
		"another_tenants_audience":              f.withClaims(map[string]any{"aud": []string{f.w.bolt.ManagementAudience(), f.w.bolt.UserinfoAudience()}}),
		"an_empty_audience":                     f.withClaims(map[string]any{"aud": ""}),
		"no_audience":                           f.withClaims(map[string]any{"aud": nil}),
		"an_audience_that_is_an_object":         f.withClaims(map[string]any{"aud": map[string]any{"aud": f.claims["aud"]}}),
		"no_client_as_in_an_id_token":           f.withClaims(map[string]any{"azp": nil}),
		"expired":                               f.withClaims(map[string]any{"exp": now}),
		"expired_long_ago":                      f.withClaims(map[string]any{"exp": -1}),
		"no_end":                                f.withClaims(map[string]any{"exp": nil}),
		"an_end_in_words":                       f.withClaims(map[string]any{"exp": "tomorrow"}),
		"an_end_past_all_dates":                 f.withClaims(map[string]any{"exp": 1e300}),
		"an_end_that_wraps_around":              f.withClaims(map[string]any{"exp": 1 << 62}),
		"not_valid_yet":                         f.withClaims(map[string]any{"nbf": now + 60}),
		"issued_in_the_future":                  f.withClaims(map[string]any{"iat": now + 60}),
		"claims_swapped_under_the_signature":    swapPayload(f.t, good, edited(f.claims, map[string]any{"sub": "auth0|eve"})),
		"a_signature_cut_short":                 good[:len(good)-4],
		"a_signature_of_zeros":                  f.withHeader(nil, func([]byte) []byte { return make([]byte, 256) }),
		"four_parts":                            good + ".x",
		"five_parts_as_if_encrypted":            good + ".x.y",
		"json_serialization":                    toText(f.t, map[string]string{"protected": parts[0], "payload": parts[1], "signature": parts[2]}),
		"dots":                                  "..",
		"too_long":                              parts[0] + "." + strings.Repeat("A", 17<<10) + "." + parts[2],
	}
}

// bolts signs with the other tenant's key.
func (f *forger) bolts() func([]byte) []byte {
	return func(input []byte) []byte {
		sig, err := tokentest.SharedSigner(f.t, 1).Sign(f.t.Context(), f.w.bolt.ID, token.SigningKey{}, token.AlgRS256, input)
		require.NoError(f.t, err)
		return sig
	}
}

func TestAttack_tokens_at_userinfo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	got := b.exchange(b.logIn(authorizeParams("audience", apiAudience, "scope", "openid")).Query().Get("code")).json(t)
	access, _ := got["access_token"].(string)
	f := &forger{t: t, w: w, header: decodeSegment(t, access, 0), claims: decodeSegment(t, access, 1)}
	f.claims["aud"] = w.acme.UserinfoAudience()
	require.Equal(t, http.StatusOK, b.userinfo(forge(t, f.header, f.claims, f.right())).StatusCode, "right where nothing is wrong")
	forgeries := f.forgeries()
	forgeries["an_id_token"], _ = got["id_token"].(string)
	forgeries["a_management_token"] = w.administrator("read:signing_keys")
	for name, raw := range forgeries {
		res := b.userinfo(raw)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s: %s", name, res.body)
		require.Equal(t, `Bearer error="invalid_token"`, res.Header.Get("WWW-Authenticate"), "RFC 6750 §3.1: %s", name)
	}
}

func TestAttack_tokens_at_the_management_api(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	access := w.administrator("read:signing_keys")
	f := &forger{t: t, w: w, header: decodeSegment(t, access, 0), claims: decodeSegment(t, access, 1)}
	ask := func(raw string) answer { return w.browser().manage(http.MethodGet, "/keys/signing", raw) }
	require.Equal(t, http.StatusOK, ask(forge(t, f.header, f.claims, f.right())).StatusCode, "right where nothing is wrong")
	forgeries := f.forgeries()
	b := w.browser()
	got := b.exchange(b.logIn(authorizeParams("audience", apiAudience, "scope", "openid")).Query().Get("code")).json(t)
	forgeries["an_id_token"], _ = got["id_token"].(string)
	forgeries["a_users_token_for_an_api"], _ = got["access_token"].(string)
	for name, raw := range forgeries {
		res := ask(raw)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s: %s", name, res.body)
		require.Equal(t, `Bearer error="invalid_token"`, res.Header.Get("WWW-Authenticate"), name)
	}
}

// Client assertions are the clients' word, by keys that are theirs (RFC 7523): the same attacks at another door.
func TestAttack_client_assertions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.withKey("RS256").Private
	attacker := tokentest.SharedSigner(t, 3).Private
	jwk := jose.JSONWebKey{Key: &attacker.PublicKey, KeyID: "k1", Algorithm: "RS256", Use: "sig"}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	by := func(signer *tokentest.Signer) func([]byte) []byte {
		return func(input []byte) []byte {
			sig, err := signer.Sign(t.Context(), "", token.SigningKey{}, token.AlgRS256, input)
			require.NoError(t, err)
			return sig
		}
	}
	own, theirs := by(tokentest.SharedSigner(t, 4)), by(tokentest.SharedSigner(t, 3))
	n := 0
	build := func(header map[string]any, sign func([]byte) []byte) string {
		n++
		return forge(t, edited(map[string]any{"alg": "RS256", "kid": "k1", "typ": "JWT"}, header), w.assertionOf("jti", "attack-"+strconv.Itoa(n)), sign)
	}
	text := func(claims string) string {
		enc := base64.RawURLEncoding
		input := enc.EncodeToString([]byte(`{"alg":"RS256","kid":"k1"}`)) + "." + enc.EncodeToString([]byte(claims))
		return input + "." + enc.EncodeToString(own([]byte(input)))
	}
	plain := toText(t, w.assertionOf("jti", "in words"))
	b := w.browser()
	idToken, _ := b.exchange(b.logIn(authorizeParams()).Query().Get("code")).json(t)["id_token"].(string)
	require.Equal(t, http.StatusOK, w.browser().asserted(build(nil, own)).StatusCode, "right where nothing is wrong")
	for name, raw := range map[string]string{
		"alg_none":                          build(map[string]any{"alg": "none"}, nil),
		"alg_none_in_other_letters":         build(map[string]any{"alg": "nOnE"}, nil),
		"the_public_key_as_an_hmac_secret":  build(map[string]any{"alg": "HS256"}, mac(der)),
		"the_public_pem_as_an_hmac_secret":  build(map[string]any{"alg": "HS256"}, mac(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))),
		"the_clients_secret":                build(map[string]any{"alg": "HS256"}, mac([]byte("machine-secret"))),
		"an_embedded_jwk":                   build(map[string]any{"jwk": jwk}, theirs),
		"a_jku":                             build(map[string]any{"jku": "https://evil.example/jwks"}, theirs),
		"an_x5u":                            build(map[string]any{"x5u": "https://evil.example/x5u"}, theirs),
		"a_kid_nobody_has":                  build(map[string]any{"kid": "k2"}, own),
		"the_tenants_own_key":               build(map[string]any{"kid": "acme-current"}, by(w.signer)),
		"a_critical_extension":              build(map[string]any{"crit": []string{"exp"}, "exp": 1}, own),
		"an_unencoded_payload_RFC7797":      build(map[string]any{"b64": false, "crit": []string{"b64"}}, own),
		"b64_without_crit":                  build(map[string]any{"b64": false}, own),
		"a_request_object":                  build(map[string]any{"typ": "oauth-authz-req+jwt"}, own),
		"a_DPoP_proof":                      build(map[string]any{"typ": "dpop+jwt"}, own),
		"an_access_token":                   build(map[string]any{"typ": "at+jwt"}, own),
		"a_type_that_is_a_number":           build(map[string]any{"typ": 7}, own),
		"an_id_token":                       idToken,
		"a_claim_twice_RFC7519_4":           text(strings.Replace(plain, `{`, `{"jti":"again",`, 1)),
		"another_audience_ours_in_capitals": text(strings.Replace(plain, `"aud":`, `"aud":"https://elsewhere.example","AUD":`, 1)),
		"another_issuer_ours_in_capitals":   text(strings.Replace(plain, `"iss":`, `"iss":"web","ISS":`, 1)),
	} {
		res := w.browser().asserted(raw)
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, "%s: %s", name, res.body)
		requireOAuth(t, res, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
	}
	for name, header := range map[string]map[string]any{
		"nobodys_word_is_not_looked_at": {"jku": "https://evil.example/jwks", "x5u": "https://evil.example/x5u", "jwk": jwk},
		"the_type_of_an_assertion":      {"typ": "client-authentication+jwt"},
		"no_type":                       {"typ": nil},
	} {
		require.Equal(t, http.StatusOK, w.browser().asserted(build(header, own)).StatusCode, name)
	}
}

// An ID token that comes back as a hint is held to the same.
func TestAttack_hints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	got := b.exchange(b.logIn(authorizeParams()).Query().Get("code")).json(t)
	idToken, _ := got["id_token"].(string)
	f := &forger{t: t, w: w, header: decodeSegment(t, idToken, 0), claims: decodeSegment(t, idToken, 1)}
	ask := func(raw string) int {
		return w.browser().get("/oidc/logout", map[string][]string{"id_token_hint": {raw}}).StatusCode
	}
	require.Less(t, ask(idToken), http.StatusBadRequest)
	claims, err := json.Marshal(f.claims)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(&w.signer.Private.PublicKey)
	require.NoError(t, err)
	for name, raw := range map[string]string{
		"alg_none":                         f.withHeader(map[string]any{"alg": "none"}, nil),
		"the_public_key_as_an_hmac_secret": f.withHeader(map[string]any{"alg": "HS256"}, mac(der)),
		"pss_under_the_pkcs1_kid":          f.withHeader(map[string]any{"alg": "PS256"}, f.sign("acme-current", token.AlgPS256)),
		"another_tenants_kid_and_key":      f.withHeader(map[string]any{"kid": "bolt-current"}, f.bolts()),
		"a_jku":                            f.withHeader(map[string]any{"jku": "https://evil.example/jwks"}, f.right()),
		"an_unencoded_payload":             f.withHeader(map[string]any{"b64": false, "crit": []string{"b64"}}, f.right()),
		"a_critical_extension":             f.withHeader(map[string]any{"crit": []string{"exp"}, "exp": 1}, f.right()),
		"a_logout_token":                   f.withHeader(map[string]any{"typ": "logout+jwt"}, f.right()),
		"an_access_token":                  f.withHeader(map[string]any{"typ": "at+jwt"}, f.right()),
		"a_claim_twice":                    f.withText(toText(t, f.header), strings.Replace(string(claims), `{`, `{"sub":"auth0|eve",`, 1)),
		"another_issuer":                   f.withClaims(map[string]any{"iss": w.bolt.Issuer()}),
		"no_audience":                      f.withClaims(map[string]any{"aud": nil}),
	} {
		require.Equal(t, http.StatusBadRequest, ask(raw), name)
	}
}
