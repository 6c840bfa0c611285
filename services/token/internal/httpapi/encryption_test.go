package httpapi_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"hash"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// decodeHeader gives the header of a token of either kind.
func decodeHeader(t *testing.T, raw string) map[string]any {
	t.Helper()
	head, _, _ := strings.Cut(raw, ".")
	var header map[string]any
	require.NoError(t, json.Unmarshal(unbase64(t, head), &header))
	return header
}

// decrypted opens a token as its API would, by hand: not every library has every algorithm.
func decrypted(t *testing.T, key *rsa.PrivateKey, sum hash.Hash, raw string) string {
	t.Helper()
	parts := strings.Split(raw, ".")
	require.Len(t, parts, 5, "RFC 7516 §7.1")
	content, err := rsa.DecryptOAEP(sum, nil, key, unbase64(t, parts[1]), nil)
	require.NoError(t, err)
	block, err := aes.NewCipher(content)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	plain, err := gcm.Open(nil, unbase64(t, parts[2]), append(unbase64(t, parts[3]), unbase64(t, parts[4])...), []byte(parts[0]))
	require.NoError(t, err)
	return string(plain)
}

func encrypting(e *token.Encryption) func(*token.ResourceServer) {
	return func(rs *token.ResourceServer) { rs.Encryption = e }
}

func TestTokenEncryption_RFC7516(t *testing.T) {
	t.Parallel()
	key := tokentest.SharedSigner(t, 4).Private
	for alg, sum := range map[string]hash.Hash{"RSA-OAEP-256": sha256.New(), "RSA-OAEP-384": sha512.New384(), "RSA-OAEP-512": sha512.New()} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.api(encrypting(&token.Encryption{Alg: alg, KeyID: "k1", Public: &key.PublicKey}))
			raw := accessToken(t, w.browser().machine())
			require.Equal(t, map[string]any{"alg": alg, "enc": "A256GCM", "cty": "JWT", "typ": "JWT", "kid": "k1"}, decodeHeader(t, raw), "RFC 7519 §5.2")
			claims := requireRS256(t, publicKey(w), decrypted(t, key, sum, raw))
			require.Equal(t, apiAudience, claims["aud"])
			require.NotContains(t, raw, strings.Split(decrypted(t, key, sum, raw), ".")[1])
			require.NotEqual(t, strings.Split(raw, ".")[1], strings.Split(accessToken(t, w.browser().machine()), ".")[1], "each has a key of its own")
		})
	}

	t.Run("is_read_by_other_libraries", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.api(encrypting(&token.Encryption{Alg: "RSA-OAEP-256", Public: &key.PublicKey}))
		raw := accessToken(t, w.browser().machine())
		object, err := jose.ParseEncryptedCompact(raw, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
		require.NoError(t, err)
		require.NotContains(t, decodeHeader(t, raw), "kid")
		plain, err := object.Decrypt(key)
		require.NoError(t, err)
		requireRS256(t, publicKey(w), string(plain))
		_, err = object.Decrypt(tokentest.SharedSigner(t, 5).Private)
		require.Error(t, err, "another key opens nothing")
	})

	t.Run("of_users_and_of_what_the_browser_gets", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.implicit()
		w.api(encrypting(&token.Encryption{Alg: "RSA-OAEP-256", Public: &key.PublicKey}))
		b := w.browser()
		res := b.exchange(b.logIn(authorizeParams("audience", apiAudience, "scope", "openid read:x")).Query().Get("code"))
		require.Equal(t, adaID, decodeSegment(t, decrypted(t, key, sha256.New(), accessToken(t, res)), 1)["sub"])
		requireRS256(t, publicKey(w), res.json(t)["id_token"].(string))
		require.Equal(t, http.StatusUnauthorized, b.userinfo(accessToken(t, res)).StatusCode, "it is for its API alone to read")
		require.Equal(t, http.StatusOK, b.userinfo(decrypted(t, key, sha256.New(), accessToken(t, res))).StatusCode)
		got := fragmentOf(t, w.browser().logIn(authorizeParams("response_type", "id_token token", "audience", apiAudience, "code_challenge", "", "code_challenge_method", "")))
		require.Len(t, strings.Split(got.Get("access_token"), "."), 5)
		require.Equal(t, halfHash(got.Get("access_token")), decodeSegment(t, got.Get("id_token"), 1)["at_hash"])
	})

	t.Run("never_signed_alone_instead", func(t *testing.T) {
		t.Parallel()
		for _, e := range []*token.Encryption{{Alg: "RSA-OAEP-256"}, {Alg: "RSA1_5", Public: &key.PublicKey}, {Public: &key.PublicKey}} {
			w := newWorld(t)
			w.api(encrypting(e))
			requireOAuth(t, w.browser().machine(), 400, oauth.InvalidRequest, "Tokens for the resource server cannot be encrypted")
			stranger := w.browser()
			stranger.tenant = w.bolt
			require.Equal(t, http.StatusOK, stranger.machine().StatusCode, "another tenant's API of that name is another")
		}
	})
}
