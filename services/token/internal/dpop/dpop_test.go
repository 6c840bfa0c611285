package dpop_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/dpop"
)

// example is the proof of RFC 9449 §4.2, as it stands there.
const example = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR" +
	"nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjo" +
	"iUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4P" +
	"tFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"

// proof signs a payload with a fresh key, and gives the key's thumbprint.
func proof(tb testing.TB, payload string) (raw, thumbprint string) {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	require.NoError(tb, err)
	sig, err := signer.Sign([]byte(payload))
	require.NoError(tb, err)
	raw, err = sig.CompactSerialize()
	require.NoError(tb, err)
	jwk := jose.JSONWebKey{Key: &key.PublicKey}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	require.NoError(tb, err)
	return raw, base64.RawURLEncoding.EncodeToString(sum)
}

func TestReadProof(t *testing.T) {
	t.Parallel()

	t.Run("the_example_of_RFC9449_4_2", func(t *testing.T) {
		t.Parallel()
		c, err := dpop.Reader{}.ReadProof(example)
		require.NoError(t, err)
		require.Equal(t, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", c.Thumbprint, "RFC 9449 §6.1")
		require.Equal(t, "-BwC3ESc6acc2lTc", c.ID)
		require.Equal(t, "POST", c.Method)
		require.Equal(t, "https://server.example.com/token", c.URL)
		require.Equal(t, int64(1562262616), c.Issued.Unix())
		require.Empty(t, c.Token)
	})

	t.Run("what_it_says_and_who_signed_it", func(t *testing.T) {
		t.Parallel()
		raw, thumbprint := proof(t, `{"jti":"j","htm":"GET","htu":"https://api.example/","ath":"h","iat":1.5}`)
		c, err := dpop.Reader{}.ReadProof(raw)
		require.NoError(t, err)
		require.Equal(t, thumbprint, c.Thumbprint)
		require.Equal(t, "h", c.Token)
		require.Equal(t, time.Unix(1, 0), c.Issued)
	})

	t.Run("claims_that_can_be_read_in_two_ways", func(t *testing.T) {
		t.Parallel()
		for _, payload := range []string{
			`{"jti":"a","jti":"b"}`, `{"jti":1}`, `{"iat":"1"}`, `{"iat":1e300}`, `{"htm":["POST"]}`, `[]`, `null x`, ``, `"text"`,
		} {
			raw, _ := proof(t, payload)
			_, err := dpop.Reader{}.ReadProof(raw)
			require.True(t, fault.Is(err, fault.KindInvalid), "%s: %v", payload, err)
		}
	})

	t.Run("names_are_taken_as_they_are_spelled", func(t *testing.T) {
		t.Parallel()
		raw, _ := proof(t, `{"JTI":"j","Htm":"POST"}`)
		c, err := dpop.Reader{}.ReadProof(raw)
		require.NoError(t, err)
		require.Empty(t, c.ID)
		require.Empty(t, c.Method)
	})
}

// FuzzReadProof holds that whatever is sent, a proof is refused as bad input or names the key that signed it.
func FuzzReadProof(f *testing.F) {
	good, _ := proof(f, `{"jti":"j","htm":"POST","htu":"https://api.example/","iat":1}`)
	parts := strings.Split(example, ".")
	for _, seed := range []string{example, good, "", "..", "a.b.c", parts[0] + ".." + parts[2], parts[0] + "." + parts[1] + ".", `{"payload":"","signatures":[]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := dpop.Reader{}.ReadProof(raw)
		if err != nil {
			if !fault.Is(err, fault.KindInvalid) {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		if b, err := base64.RawURLEncoding.DecodeString(c.Thumbprint); err != nil || len(b) != 32 {
			t.Fatalf("%q: a thumbprint of %q", raw, c.Thumbprint)
		}
	})
}
