package jwtkit_test

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/jwtkit"
)

func TestSign(t *testing.T) {
	t.Parallel()

	t.Run("the_header_is_exactly_the_one_given", func(t *testing.T) {
		t.Parallel()
		p := pairs()["acme-1"]
		raw, err := jwtkit.Sign(t.Context(), p.sign, jwtkit.Header{Alg: "RS256", Typ: "at+jwt", Kid: "k1"}, claims(nil))
		require.NoError(t, err)
		head, _, _ := strings.Cut(raw, ".")
		plain, err := base64.RawURLEncoding.DecodeString(head)
		require.NoError(t, err)
		assert.Equal(t, `{"alg":"RS256","typ":"at+jwt","kid":"k1"}`, string(plain)) //nolint:testifylint // to the byte
	})

	t.Run("another_library_verifies_it", func(t *testing.T) {
		t.Parallel()
		for _, name := range []string{"acme-1", "acme-ec"} {
			jws, err := jose.ParseSignedCompact(token(t, name, nil), []jose.SignatureAlgorithm{pairs()[name].alg})
			require.NoError(t, err)
			_, err = jws.Verify(pairs()[name].jwk())
			require.NoError(t, err)
		}
	})

	t.Run("the_signer's_fault_comes_through", func(t *testing.T) {
		t.Parallel()
		away := func(context.Context, []byte) ([]byte, error) {
			return nil, fault.Unavailable("the key service is away")
		}
		_, err := jwtkit.Sign(t.Context(), away, jwtkit.Header{Alg: "RS256"}, claims(nil))
		require.True(t, fault.Is(err, fault.KindUnavailable))
	})

	t.Run("claims_that_are_no_JSON_are_an_error_and_nothing_is_signed", func(t *testing.T) {
		t.Parallel()
		never := func(context.Context, []byte) ([]byte, error) { return nil, errors.New("signed") }
		_, err := jwtkit.Sign(t.Context(), never, jwtkit.Header{Alg: "RS256"}, func() {})
		require.ErrorContains(t, err, "claims")
	})
}

func TestHS256(t *testing.T) {
	t.Parallel()
	secret := []byte(strings.Repeat("s", 64))
	sign := func(t *testing.T, header jwtkit.Header) string {
		t.Helper()
		raw, err := jwtkit.Sign(t.Context(), jwtkit.HS256(secret), header, claims(nil))
		require.NoError(t, err)
		return raw
	}
	raw := sign(t, jwtkit.Header{Alg: "HS256", Typ: "JWT"})

	t.Run("the_secret_verifies_it", func(t *testing.T) {
		t.Parallel()
		c, err := jwtkit.VerifyHS256(secret, raw)
		require.NoError(t, err)
		assert.Equal(t, "client1@clients", c.Subject)
		jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.HS256})
		require.NoError(t, err)
		_, err = jws.Verify(secret)
		require.NoError(t, err)
	})

	t.Run("another_secret_does_not", func(t *testing.T) {
		t.Parallel()
		_, err := jwtkit.VerifyHS256([]byte(strings.Repeat("t", 64)), raw)
		requireRefused(t, invalidSignature, err)
	})

	t.Run("a_short_secret_signs_and_verifies_nothing", func(t *testing.T) { // RFC 7518 §3.2: MUST be as long as the hash
		t.Parallel()
		_, err := jwtkit.Sign(t.Context(), jwtkit.HS256([]byte("short")), jwtkit.Header{Alg: "HS256"}, claims(nil))
		require.Error(t, err)
		_, err = jwtkit.VerifyHS256(nil, raw)
		require.Error(t, err)
	})

	t.Run("other_algorithms_are_refused", func(t *testing.T) {
		t.Parallel()
		for _, alg := range []string{"none", "RS256", "HS512"} {
			_, err := jwtkit.VerifyHS256(secret, sign(t, jwtkit.Header{Alg: alg}))
			requireRefused(t, invalidToken, err)
		}
		_, err := jwtkit.VerifyHS256(secret, token(t, "acme-1", nil))
		requireRefused(t, invalidToken, err)
	})

	t.Run("it_opens_no_resource_server", func(t *testing.T) {
		t.Parallel()
		v, _, _ := newVerifier()
		_, err := v.VerifyAccess(t.Context(), acme, sign(t, jwtkit.Header{Alg: "HS256", Kid: "acme-1"}), audience)
		requireRefused(t, invalidToken, err)
	})
}
