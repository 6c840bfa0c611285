package jwtkit_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/tenancy"
)

const (
	today    = "2026-03-01T12:00:00Z"
	audience = "https://acme.postern.test/api/v2/"

	invalidToken     = "Invalid token"
	expiredToken     = "Expired token received for JSON Web Token validation."
	invalidSignature = "Invalid signature received for JSON Web Token validation."
)

var (
	acme   = tenancy.Tenant{ID: "tnt_acme", Name: "acme", Host: "acme.postern.test", Canonical: "acme.postern.test"}
	globex = tenancy.Tenant{ID: "tnt_globex", Name: "globex", Host: "globex.postern.test", Canonical: "globex.postern.test"}
)

// pair is a signing key in this process, as no service has one.
type pair struct {
	id    string
	alg   jose.SignatureAlgorithm
	rsa   *rsa.PrivateKey
	ecdsa *ecdsa.PrivateKey
}

// pairs are made once: making RSA keys is what takes time here.
var pairs = sync.OnceValue(func() map[string]pair {
	made := map[string]pair{}
	for _, id := range []string{"acme-1", "acme-2", "globex-1"} {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		made[id] = pair{id: id, alg: jose.RS256, rsa: key}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	made["acme-ec"] = pair{id: "acme-ec", alg: jose.ES256, ecdsa: key}
	return made
})

func (p pair) jwk() jose.JSONWebKey {
	k := jose.JSONWebKey{KeyID: p.id, Algorithm: string(p.alg), Use: "sig"}
	if p.ecdsa != nil {
		k.Key = &p.ecdsa.PublicKey
	} else {
		k.Key = &p.rsa.PublicKey
	}
	return k
}

// sign is what Vault would do.
func (p pair) sign(_ context.Context, input []byte) ([]byte, error) {
	digest := sha256.Sum256(input)
	if p.ecdsa == nil {
		return rsa.SignPKCS1v15(rand.Reader, p.rsa, crypto.SHA256, digest[:])
	}
	r, s, err := ecdsa.Sign(rand.Reader, p.ecdsa, digest[:])
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	s.FillBytes(raw[32:])
	return raw, err
}

// compact is the JWS (RFC 7515 §7.1) of claims as this platform writes it.
func (p pair) compact(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	return compact(tb, map[string]any{"alg": p.alg, "typ": "JWT", "kid": p.id}, claims, func(input []byte) []byte {
		sig, err := p.sign(tb.Context(), input)
		require.NoError(tb, err)
		return sig
	})
}

// claims are a good access token's of acme, with changes; a nil one takes the claim out.
func claims(changes map[string]any) map[string]any {
	now := clock.At(today).Now().Unix()
	c := map[string]any{
		"iss": "https://acme.postern.test/", "sub": "client1@clients", "aud": audience, "azp": "client1",
		"gty": "client-credentials", "scope": "read:clients create:clients", "iat": now, "exp": now + 3600,
	}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// token signs claims with the pair of that name.
func token(t *testing.T, key string, changes map[string]any) string {
	t.Helper()
	return pairs()[key].compact(t, claims(changes))
}

// handmade is a token with any header at all.
func handmade(t *testing.T, header map[string]any, sign func(input []byte) []byte) string {
	t.Helper()
	return compact(t, header, claims(nil), sign)
}

func compact(tb testing.TB, header, claims map[string]any, sign func(input []byte) []byte) string {
	tb.Helper()
	encode := func(v any) string {
		b, err := json.Marshal(v)
		require.NoError(tb, err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	input := encode(header) + "." + encode(claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(input)))
}

// origin is a source of key sets that counts questions and fails on demand.
type origin struct {
	mu    sync.Mutex
	sets  map[tenancy.ID][]jose.JSONWebKey
	err   error
	asked int
	held  chan struct{}
}

func newOrigin() *origin {
	p := pairs()
	return &origin{sets: map[tenancy.ID][]jose.JSONWebKey{
		acme.ID:   {p["acme-1"].jwk(), p["acme-ec"].jwk()},
		globex.ID: {p["globex-1"].jwk()},
	}}
}

func (o *origin) fetch(_ context.Context, tenant tenancy.ID) ([]byte, error) {
	o.mu.Lock()
	held := o.held
	o.asked++
	set, err := o.sets[tenant], o.err
	o.mu.Unlock()
	if held != nil {
		<-held
	}
	if err != nil {
		return nil, err
	}
	if set == nil {
		return nil, fault.NotFound("no keys")
	}
	return json.Marshal(jose.JSONWebKeySet{Keys: set})
}

func (o *origin) set(tenant tenancy.ID, keys ...jose.JSONWebKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sets[tenant] = keys
}

// release lets questions from now on be answered at once.
func (o *origin) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = nil
}

func (o *origin) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

func (o *origin) questions() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked
}

func newVerifier() (*jwtkit.Verifier, *origin, *clock.Fake) {
	now, o := clock.At(today), newOrigin()
	return &jwtkit.Verifier{Keys: jwtkit.NewCachedKeys(o.fetch, now.Now), Now: now.Now, Leeway: 2 * time.Second}, o, now
}

func requireRefused(t *testing.T, sentence string, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, fault.KindUnauthenticated, fault.Of(err).Kind, "%v", err)
	require.Equal(t, sentence, fault.Of(err).Message, "%v", err)
}
