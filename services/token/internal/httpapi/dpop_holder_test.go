package httpapi_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"
)

// holder holds a key and proves it.
type holder struct {
	w   *world
	key *ecdsa.PrivateKey
	n   int
}

func (w *world) holder() *holder {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w.t, err)
	return &holder{w: w, key: key}
}

func (h *holder) jwk() jose.JSONWebKey { return jose.JSONWebKey{Key: &h.key.PublicKey} }

func (h *holder) thumbprint() string {
	h.w.t.Helper()
	jwk := h.jwk()
	sum, err := jwk.Thumbprint(crypto.SHA256)
	require.NoError(h.w.t, err)
	return base64.RawURLEncoding.EncodeToString(sum)
}

// claims are those of a proof for the token endpoint; more sets some, given as name and value in turn, a nil value takes one out.
func (h *holder) claims(more ...any) map[string]any {
	h.n++
	claims := map[string]any{
		"jti": "proof-" + h.thumbprint() + strings.Repeat("i", h.n), "htm": "POST", "htu": h.w.acme.Base + "/oauth/token", "iat": h.w.clock.Now().Unix(),
	}
	for pair := range slices.Chunk(more, 2) {
		name, _ := pair[0].(string)
		claims[name] = pair[1]
		if pair[1] == nil {
			delete(claims, name)
		}
	}
	return claims
}

func (h *holder) proof(more ...any) string {
	h.w.t.Helper()
	return h.signed(jose.ES256, h.key, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"), h.claims(more...))
}

// for a resource, with the hash of the token.
func (h *holder) forUserinfo(raw string, more ...any) string {
	sum := sha256.Sum256([]byte(raw))
	ath := base64.RawURLEncoding.EncodeToString(sum[:])
	return h.proof(append([]any{"htm", "GET", "htu", h.w.acme.Base + "/userinfo", "ath", ath}, more...)...)
}

func (h *holder) signed(alg jose.SignatureAlgorithm, key any, opts *jose.SignerOptions, claims map[string]any) string {
	h.w.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, opts)
	require.NoError(h.w.t, err)
	payload, err := json.Marshal(claims)
	require.NoError(h.w.t, err)
	sig, err := signer.Sign(payload)
	require.NoError(h.w.t, err)
	raw, err := sig.CompactSerialize()
	require.NoError(h.w.t, err)
	return raw
}

// handmade signs a proof under any header at all.
func (h *holder) handmade(header map[string]any) string {
	return forge(h.w.t, header, h.claims(), func(input []byte) []byte {
		sum := sha256.Sum256(input)
		r, s, err := ecdsa.Sign(rand.Reader, h.key, sum[:])
		require.NoError(h.w.t, err)
		raw := make([]byte, 64)
		r.FillBytes(raw[:32])
		s.FillBytes(raw[32:])
		return raw
	})
}

// jwkOf gives a key as JSON, with further members.
func (h *holder) jwkOf(more map[string]any) map[string]any {
	h.w.t.Helper()
	jwk := h.jwk()
	b, err := jwk.MarshalJSON()
	require.NoError(h.w.t, err)
	var members map[string]any
	require.NoError(h.w.t, json.Unmarshal(b, &members))
	maps.Copy(members, more)
	return members
}

// proving posts a form with DPoP headers.
func (b *agent) proving(path string, form url.Values, proofs ...string) answer {
	b.w.t.Helper()
	req := httptest.NewRequestWithContext(b.w.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, proof := range proofs {
		req.Header.Add("DPoP", proof)
	}
	return b.do(req)
}

func machineForm() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {"machine"}, "client_secret": {"machine-secret"}, "audience": {apiAudience}}
}

// presenting asks /userinfo for what a token opens.
func (b *agent) presenting(method, scheme, raw string, proofs ...string) answer {
	b.w.t.Helper()
	req := httptest.NewRequestWithContext(b.w.t.Context(), method, "/userinfo", nil)
	req.Header.Set("Authorization", scheme+" "+raw)
	for _, proof := range proofs {
		req.Header.Add("DPoP", proof)
	}
	return b.do(req)
}
