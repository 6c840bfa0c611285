package httpapi_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func unbase64(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	require.NoError(t, err)
	return b
}

func requireSigned(t *testing.T, key *rsa.PublicKey, raw string) {
	t.Helper()
	dot := strings.LastIndexByte(raw, '.')
	sum := sha256.Sum256([]byte(raw[:dot]))
	require.NoError(t, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], unbase64(t, raw[dot+1:])))
}

func requireHS256(t *testing.T, secret, raw string) {
	t.Helper()
	dot := strings.LastIndexByte(raw, '.')
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(raw[:dot]))
	require.Equal(t, mac.Sum(nil), unbase64(t, raw[dot+1:]))
}

// forge puts a token together with any header and claims; sign may be nil.
func forge(t *testing.T, header, claims map[string]any, sign func(input []byte) []byte) string {
	t.Helper()
	h, err := json.Marshal(header)
	require.NoError(t, err)
	p, err := json.Marshal(claims)
	require.NoError(t, err)
	input := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(p)
	var sig []byte
	if sign != nil {
		sig = sign([]byte(input))
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// swapPayload keeps a token's header and signature over other claims.
func swapPayload(t *testing.T, raw string, claims map[string]any) string {
	t.Helper()
	parts := strings.Split(raw, ".")
	p, err := json.Marshal(claims)
	require.NoError(t, err)
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(p) + "." + parts[2]
}

func toText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
