package jwtkit_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

func TestVerifier_VerifyAccess(t *testing.T) {
	t.Parallel()
	v, _, now := newVerifier()

	t.Run("a_good_token_says_who_calls", func(t *testing.T) {
		t.Parallel()
		for _, key := range []string{"acme-1", "acme-ec"} {
			c, err := v.VerifyAccess(t.Context(), acme, token(t, key, map[string]any{"jti": "j1", "org_id": "org_1"}), audience)
			require.NoError(t, err)
			assert.Equal(t, "https://acme.postern.test/", c.Issuer)
			assert.Equal(t, "client1@clients", c.Subject)
			assert.Equal(t, []string{audience}, c.Audience)
			assert.Equal(t, "client1", c.AuthorizedParty)
			assert.Equal(t, []string{"read:clients", "create:clients"}, c.Scope)
			assert.Equal(t, "client-credentials", c.GrantType)
			assert.Equal(t, "j1", c.ID)
			assert.True(t, now.Now().Add(time.Hour).Equal(c.Expiry))
			assert.True(t, now.Now().Equal(c.IssuedAt))
			assert.True(t, c.NotBefore.IsZero())
			assert.Equal(t, "org_1", c.Raw["org_id"])
		}
	})

	t.Run("one_audience_of_several_is_enough", func(t *testing.T) {
		t.Parallel()
		_, err := v.VerifyAccess(t.Context(), acme, token(t, "acme-1", map[string]any{"aud": []string{"https://elsewhere.test/", audience}}), audience)
		require.NoError(t, err)
	})

	t.Run("a_token_that_is_bound_to_a_key_is_no_bearer_token_RFC9449_7_2", func(t *testing.T) {
		t.Parallel()
		for name, cnf := range map[string]map[string]any{"dpop": {"jkt": "thumb"}, "mtls": {"x5t#S256": "thumb"}, "anything": {}} {
			raw := token(t, "acme-1", map[string]any{"cnf": cnf})
			_, err := v.VerifyAccess(t.Context(), acme, raw, audience)
			requireRefused(t, invalidToken, err)
			c, err := v.VerifyBound(t.Context(), acme, raw, audience)
			require.NoError(t, err, "who checks the proof may have it")
			assert.True(t, c.Bound, name)
			assert.Equal(t, name == "dpop", c.Thumbprint == "thumb", name)
			assert.Equal(t, name == "mtls", c.Certificate == "thumb", name)
		}
		for _, cnf := range []any{"text", []string{"x"}, 1} {
			_, err := v.VerifyAccess(t.Context(), acme, token(t, "acme-1", map[string]any{"cnf": cnf}), audience)
			requireRefused(t, invalidToken, err)
		}
		_, err := v.VerifyBound(t.Context(), acme, token(t, "acme-1", map[string]any{"cnf": map[string]any{"jkt": "thumb"}}), "https://elsewhere.test/")
		requireRefused(t, invalidToken, err)
	})

	t.Run("clocks_may_differ_by_the_leeway", func(t *testing.T) {
		t.Parallel()
		at := now.Now().Unix()
		_, err := v.VerifyAccess(t.Context(), acme, token(t, "acme-1", map[string]any{"iat": at + 2, "nbf": at + 2, "exp": at - 1}), audience)
		require.NoError(t, err)
	})

	at := now.Now().Unix()
	for name, row := range map[string]struct {
		changes  map[string]any
		sentence string
	}{
		"expired":                                {map[string]any{"exp": at - 3600}, expiredToken},
		"expired_on_the_second":                  {map[string]any{"exp": at - 2}, expiredToken},
		"naming_no_client_as_an_ID_token":        {map[string]any{"azp": nil}, invalidToken},
		"without_an_end":                         {map[string]any{"exp": nil}, invalidToken},
		"an_end_past_all_numbers":                {map[string]any{"exp": math.MaxFloat64}, invalidToken},
		"an_end_that_is_no_number":               {map[string]any{"exp": "tomorrow"}, invalidToken},
		"not_valid_yet":                          {map[string]any{"nbf": at + 60}, invalidToken},
		"a_beginning_that_wraps_around":          {map[string]any{"nbf": 1e19}, invalidToken},
		"issued_in_the_future":                   {map[string]any{"iat": at + 60}, invalidToken},
		"for_another_audience":                   {map[string]any{"aud": "https://elsewhere.test/"}, invalidToken},
		"for_an_audience_that_only_begins_alike": {map[string]any{"aud": strings.TrimSuffix(audience, "/")}, invalidToken},
		"for_no_audience":                        {map[string]any{"aud": nil}, invalidToken},
		"audience_of_another_shape":              {map[string]any{"aud": map[string]any{"x": audience}}, invalidToken},
		"of_another_issuer":                      {map[string]any{"iss": "https://globex.postern.test/"}, invalidToken},
		"of_the_issuer_without_its_slash":        {map[string]any{"iss": "https://acme.postern.test"}, invalidToken},
		"of_the_issuer_in_capitals":              {map[string]any{"iss": "https://ACME.postern.test/"}, invalidToken},
		"of_no_issuer":                           {map[string]any{"iss": nil}, invalidToken},
		"a_scope_that_is_no_string":              {map[string]any{"scope": []string{"read:clients"}}, invalidToken},
	} {
		t.Run("refused_"+name, func(t *testing.T) {
			t.Parallel()
			_, err := v.VerifyAccess(t.Context(), acme, token(t, "acme-1", row.changes), audience)
			requireRefused(t, row.sentence, err)
		})
	}

	t.Run("an_empty_audience_opens_nothing", func(t *testing.T) {
		t.Parallel()
		_, err := v.VerifyAccess(t.Context(), acme, token(t, "acme-1", map[string]any{"aud": ""}), "")
		requireRefused(t, invalidToken, err)
	})

	t.Run("a_token_of_one_host_is_refused_at_another_of_the_same_tenant", func(t *testing.T) {
		t.Parallel()
		custom := acme
		custom.Host = "login.acme.test"
		_, err := v.VerifyAccess(t.Context(), custom, token(t, "acme-1", nil), audience)
		requireRefused(t, invalidToken, err)
	})
}

func TestVerifier_attacks(t *testing.T) {
	t.Parallel()
	v, _, _ := newVerifier()
	p := pairs()["acme-1"]
	der, err := x509.MarshalPKIXPublicKey(&p.rsa.PublicKey)
	require.NoError(t, err)
	rs256 := func(key *rsa.PrivateKey) func([]byte) []byte {
		return func(input []byte) []byte {
			digest := sha256.Sum256(input)
			raw, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
			require.NoError(t, err)
			return raw
		}
	}
	hs256 := func(secret []byte) func([]byte) []byte {
		return func(input []byte) []byte {
			m := hmac.New(sha256.New, secret)
			m.Write(input)
			return m.Sum(nil)
		}
	}
	nothing := func([]byte) []byte { return nil }
	attacker := pairs()["acme-2"] // a key that acme does not publish

	for name, row := range map[string]struct {
		raw      string
		sentence string
	}{
		"alg_none":                   {handmade(t, map[string]any{"alg": "none", "kid": p.id}, nothing), invalidToken},
		"alg_none_in_other_letters":  {handmade(t, map[string]any{"alg": "nOnE", "kid": p.id}, nothing), invalidToken},
		"alg_none_with_a_signature":  {handmade(t, map[string]any{"alg": "none", "kid": p.id}, rs256(p.rsa)), invalidToken},
		"no_alg":                     {handmade(t, map[string]any{"kid": p.id}, rs256(p.rsa)), invalidToken},
		"no_signature":               {handmade(t, map[string]any{"alg": "RS256", "kid": p.id}, nothing), invalidSignature},
		"public_key_as_hmac_secret":  {handmade(t, map[string]any{"alg": "HS256", "kid": p.id}, hs256(der)), invalidToken},
		"public_pem_as_hmac_secret":  {handmade(t, map[string]any{"alg": "HS256", "kid": p.id}, hs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))), invalidToken},
		"modulus_as_hmac_secret":     {handmade(t, map[string]any{"alg": "HS256", "kid": p.id}, hs256(p.rsa.N.Bytes())), invalidToken},
		"another_hash":               {handmade(t, map[string]any{"alg": "RS512", "kid": p.id}, rs256(p.rsa)), invalidToken},
		"alg_of_another_kind_of_key": {handmade(t, map[string]any{"alg": "ES256", "kid": p.id}, rs256(p.rsa)), invalidToken},
		"pss_for_a_pkcs1_key":        {handmade(t, map[string]any{"alg": "PS256", "kid": p.id}, rs256(p.rsa)), invalidToken},
		"no_kid":                     {handmade(t, map[string]any{"alg": "RS256"}, rs256(p.rsa)), invalidToken},
		"empty_kid":                  {handmade(t, map[string]any{"alg": "RS256", "kid": ""}, rs256(p.rsa)), invalidToken},
		"kid_that_is_a_path":         {handmade(t, map[string]any{"alg": "RS256", "kid": "../../dev/null"}, rs256(p.rsa)), invalidToken},
		"foreign_kid":                {token(t, "acme-2", nil), invalidToken},
		"foreign_key_under_our_kid":  {handmade(t, map[string]any{"alg": "RS256", "kid": p.id}, rs256(attacker.rsa)), invalidSignature},
		"embedded_jwk":               {handmade(t, map[string]any{"alg": "RS256", "kid": attacker.id, "jwk": attacker.jwk()}, rs256(attacker.rsa)), invalidToken},
		"embedded_jwk_under_our_kid": {handmade(t, map[string]any{"alg": "RS256", "kid": p.id, "jwk": attacker.jwk()}, rs256(attacker.rsa)), invalidToken},
		"jku":                        {handmade(t, map[string]any{"alg": "RS256", "kid": p.id, "jku": "https://evil.test/jwks"}, rs256(p.rsa)), invalidToken},
		"x5u":                        {handmade(t, map[string]any{"alg": "RS256", "kid": p.id, "x5u": "https://evil.test/x"}, rs256(p.rsa)), invalidToken},
		"x5c":                        {handmade(t, map[string]any{"alg": "RS256", "kid": p.id, "x5c": []string{}}, rs256(p.rsa)), invalidToken},
		"critical_extension":         {handmade(t, map[string]any{"alg": "RS256", "kid": p.id, "crit": []string{"exp"}, "exp": 1}, rs256(p.rsa)), invalidToken},
		"unencoded_payload":          {handmade(t, map[string]any{"alg": "RS256", "kid": p.id, "b64": false, "crit": []string{"b64"}}, rs256(p.rsa)), invalidToken},
		"a_logout_token":             {handmade(t, map[string]any{"alg": "RS256", "kid": p.id, "typ": "logout+jwt"}, rs256(p.rsa)), invalidToken},
		"a_token_of_no_type":         {handmade(t, map[string]any{"alg": "RS256", "kid": p.id, "typ": 7}, rs256(p.rsa)), invalidToken},
		"other_tenant's_token":       {token(t, "globex-1", map[string]any{"iss": "https://globex.postern.test/"}), invalidToken},
		"other_tenant's_key_our_iss": {token(t, "globex-1", nil), invalidToken},
		"nothing":                    {"", invalidToken},
		"dots":                       {"..", invalidToken},
		"an_opaque_token":            {"v2.local.abcdef", invalidToken},
		"five_parts":                 {"a.b.c.d.e", invalidToken},
		"too_long":                   {strings.Repeat("a", 17<<10), invalidToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := v.VerifyAccess(t.Context(), acme, row.raw, audience)
			requireRefused(t, row.sentence, err)
		})
	}

	t.Run("claims_are_taken_as_they_are_spelled_and_once", func(t *testing.T) {
		t.Parallel()
		plain, err := json.Marshal(claims(nil))
		require.NoError(t, err)
		for name, text := range map[string]string{
			"twice_RFC7519_4":                   strings.Replace(string(plain), `{`, `{"sub":"eve",`, 1),
			"another_audience_ours_in_capitals": strings.Replace(string(plain), `"aud":`, `"aud":"https://elsewhere.test/","AUD":`, 1),
			"another_issuer_ours_in_capitals":   strings.Replace(string(plain), `"iss":`, `"iss":"https://globex.postern.test/","Iss":`, 1),
			"a_list":                            "[" + string(plain) + "]",
			"more_behind_them":                  string(plain) + string(plain),
		} {
			enc := base64.RawURLEncoding
			input := enc.EncodeToString([]byte(`{"alg":"RS256","kid":"acme-1"}`)) + "." + enc.EncodeToString([]byte(text))
			_, err := v.VerifyAccess(t.Context(), acme, input+"."+enc.EncodeToString(rs256(p.rsa)([]byte(input))), audience)
			require.Error(t, err, name)
			requireRefused(t, invalidToken, err)
		}
	})

	t.Run("cut_anywhere", func(t *testing.T) {
		t.Parallel()
		raw := token(t, "acme-1", nil)
		for i := range len(raw) {
			_, err := v.VerifyAccess(t.Context(), acme, raw[:i], audience)
			require.True(t, fault.Is(err, fault.KindUnauthenticated), "%d: %v", i, err)
		}
	})

	t.Run("a_claim_changed_after_signing", func(t *testing.T) {
		t.Parallel()
		raw := token(t, "acme-1", nil)
		parts := strings.Split(raw, ".")
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		require.NoError(t, err)
		parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), "read:clients", "delete:users", 1)))
		_, err = v.VerifyAccess(t.Context(), acme, strings.Join(parts, "."), audience)
		requireRefused(t, invalidSignature, err)
	})

	t.Run("a_good_token_at_another_tenant", func(t *testing.T) {
		t.Parallel()
		_, err := v.VerifyAccess(t.Context(), globex, token(t, "acme-1", nil), audience)
		requireRefused(t, invalidToken, err)
	})

	t.Run("a_key_for_encryption_verifies_nothing", func(t *testing.T) {
		t.Parallel()
		v, o, _ := newVerifier()
		key := p.jwk()
		key.Use = "enc"
		o.set(acme.ID, key)
		_, err := v.VerifyAccess(t.Context(), acme, token(t, "acme-1", nil), audience)
		requireRefused(t, invalidToken, err)
	})

	t.Run("a_secret_among_the_keys_verifies_nothing", func(t *testing.T) {
		t.Parallel()
		v, o, _ := newVerifier()
		o.set(acme.ID, jose.JSONWebKey{KeyID: p.id, Key: []byte(strings.Repeat("k", 32))})
		_, err := v.VerifyAccess(t.Context(), acme, token(t, "acme-1", nil), audience)
		requireRefused(t, invalidSignature, err)
	})

	t.Run("a_tenant_without_keys_accepts_nothing", func(t *testing.T) {
		t.Parallel()
		_, err := v.VerifyAccess(t.Context(), tenancy.Tenant{ID: "tnt_new", Host: acme.Host}, token(t, "acme-1", nil), audience)
		requireRefused(t, invalidToken, err)
	})

	t.Run("a_rain_of_unknown_key_IDs_asks_the_source_once", func(t *testing.T) {
		t.Parallel()
		v, o, now := newVerifier()
		_, err := v.VerifyAccess(t.Context(), acme, token(t, "acme-1", nil), audience)
		require.NoError(t, err)
		now.Advance(3 * time.Second)
		for i := range 100 {
			_, err := v.VerifyAccess(t.Context(), acme, handmade(t, map[string]any{"alg": "RS256", "kid": fmt.Sprint(i)}, nothing), audience)
			requireRefused(t, invalidToken, err)
		}
		assert.Equal(t, 2, o.questions())
	})
}

func TestVerifier_keys(t *testing.T) {
	t.Parallel()

	t.Run("a_key_made_since_is_found", func(t *testing.T) {
		t.Parallel()
		v, o, now := newVerifier()
		_, err := v.VerifyAccess(t.Context(), acme, token(t, "acme-1", nil), audience)
		require.NoError(t, err)
		o.set(acme.ID, pairs()["acme-1"].jwk(), pairs()["acme-2"].jwk())
		now.Advance(3 * time.Second)
		_, err = v.VerifyAccess(t.Context(), acme, token(t, "acme-2", nil), audience)
		require.NoError(t, err)
	})

	t.Run("keys_that_cannot_be_had_are_no_refusal", func(t *testing.T) {
		t.Parallel()
		v, o, _ := newVerifier()
		o.fail(fault.Unavailable("the token service is away"))
		_, err := v.VerifyAccess(t.Context(), acme, token(t, "acme-1", nil), audience)
		require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
	})

	t.Run("an_expired_token_still_proves_who_it_was_for", func(t *testing.T) {
		t.Parallel()
		v, _, now := newVerifier()
		hint := token(t, "acme-1", map[string]any{"exp": now.Now().Unix() - 3600})
		c, err := v.VerifySignature(t.Context(), acme.ID, hint)
		require.NoError(t, err)
		assert.Equal(t, "client1@clients", c.Subject)
		_, err = v.VerifySignature(t.Context(), globex.ID, hint)
		requireRefused(t, invalidToken, err)
	})
}
