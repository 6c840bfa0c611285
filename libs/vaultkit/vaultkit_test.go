package vaultkit_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"log/slog"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/vaultkit"
	"github.com/postern-id/postern/libs/vaultkit/vaulttest"
)

func open(t *testing.T, s *vaulttest.Server) *vaultkit.Client {
	t.Helper()
	c, err := vaultkit.Open(t.Context(), s.Config(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	return c
}

// signingKey makes a key and gives the reference to its first version, and all its public keys.
func signingKey(t *testing.T, c *vaultkit.Client, name string, alg vaultkit.Alg) (vaultkit.KeyRef, []vaultkit.PublicKey) {
	t.Helper()
	require.NoError(t, c.CreateSigningKey(t.Context(), name, alg))
	keys, err := c.PublicKeys(t.Context(), name)
	require.NoError(t, err)
	return vaultkit.KeyRef{Key: name, Version: 1, Alg: alg}, keys
}

// verifies says whether raw is input's signature by the version that ref names, as RFC 7518 has it.
func verifies(ref vaultkit.KeyRef, keys []vaultkit.PublicKey, input string, raw []byte) bool {
	digest := sha256.Sum256([]byte(input))
	for _, k := range keys {
		if k.Version != ref.Version {
			continue
		}
		switch key := k.Key.(type) {
		case *ecdsa.PublicKey:
			return len(raw) == 64 && ecdsa.Verify(key, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:]))
		case *rsa.PublicKey:
			if ref.Alg == vaultkit.PS256 {
				return rsa.VerifyPSS(key, crypto.SHA256, digest[:], raw, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
			}
			if ref.Alg == vaultkit.RS512 {
				long := sha512.Sum512([]byte(input))
				return rsa.VerifyPKCS1v15(key, crypto.SHA512, long[:], raw) == nil
			}
			return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], raw) == nil
		}
	}
	return false
}

func requireKind(t *testing.T, kind fault.Kind, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, kind, fault.Of(err).Kind, "%v", err)
}

func requireAway(t *testing.T, err error) {
	t.Helper()
	requireKind(t, fault.KindUnavailable, err)
	require.Positive(t, fault.Of(err).RetryAfter)
}
