package client

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"slices"
	"time"
	"unicode"
)

// keyAlgs are the algorithms by which a client may sign its assertions.
var keyAlgs = []string{"RS256", "RS384", "PS256"}

const (
	defaultKeyAlg   = "RS256"
	maxPublishedKid = 64
)

// readKeys takes the keys of a set (RFC 7517 §5) that can prove the client. Others are passed over, as a reader of a set does with keys
// it does not understand, and warned of.
func (r *reading) readKeys(raw []byte, now time.Time) {
	var set Settings
	if err := json.Unmarshal(raw, &set); err != nil || set == nil {
		r.violation("%s: The document is not a JSON object", propJWKSURI)
		return
	}
	found, ok := set["keys"].([]any)
	if !ok {
		r.violation("%s: keys must be a list", propJWKSURI)
		return
	}
	alg := r.text("token_endpoint_auth_signing_alg")
	if alg == "" {
		alg = defaultKeyAlg
	}
	for i, one := range found {
		key, _ := one.(map[string]any)
		if Settings(key).Has("d") { // whoever reads the set could sign as the client
			r.violation("%s: keys[%d] is a private key", propJWKSURI, i)
			continue
		}
		cred, reason := publishedKey(key, alg, now)
		switch {
		case reason == "" && len(r.out.Keys) == maxCredentials:
			reason = "more than a client can have"
		case reason == "" && slices.ContainsFunc(r.out.Keys, cred.same):
			reason = "the same as another one"
		}
		if reason != "" {
			r.warning("%s: keys[%d] is left out: %s", propJWKSURI, i, reason)
			continue
		}
		r.out.Keys = append(r.out.Keys, cred)
	}
	if len(r.out.Keys) == 0 {
		r.violation("%s: it holds no key for %s", propJWKSURI, MethodPrivateKeyJWT)
	}
}

// publishedKey makes a credential of a JSON Web Key (RFC 7517 §4), or gives the reason why it is none.
func publishedKey(key Settings, alg string, now time.Time) (c Credential, reason string) {
	if own := key.Text("alg"); own != "" {
		alg = own
	}
	kid := key.Text("kid")
	switch {
	case key.Text("kty") != "RSA":
		return c, "not an RSA key"
	case key.Has("use") && key.Text("use") != "sig":
		return c, "not for signatures"
	case key.Has("key_ops") && !slices.Contains(key.Texts("key_ops"), "verify"):
		return c, "not for signatures"
	case !slices.Contains(keyAlgs, alg):
		return c, "its algorithm is not supported"
	case key.Has("kid") && kid == "", len(kid) > maxPublishedKid, bytes.ContainsFunc([]byte(kid), func(c rune) bool { return c <= ' ' || c > unicode.MaxASCII || c == 0x7f }):
		return c, "its kid is not of 1 to 64 visible ASCII characters"
	}
	public, ok := publicKey(key)
	if !ok {
		return c, "its modulus or exponent is not one"
	}
	if bits := public.N.BitLen(); bits < minKeyBits || bits > maxKeyBits {
		return c, "it needs 2048 to 4096 bits"
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return c, "its modulus or exponent is not one"
	}
	if kid == "" {
		kid = thumbprint(public)
	}
	return Credential{ID: NewCredentialID(), Type: CredentialPublicKey, KeyID: kid, Alg: alg, PublicKey: der, Created: now, Updated: now}, ""
}

// publicKey reads n and e (RFC 7518 §6.3.1).
func publicKey(key Settings) (*rsa.PublicKey, bool) {
	n, err := base64.RawURLEncoding.DecodeString(key.Text("n"))
	if err != nil {
		return nil, false
	}
	e, err := base64.RawURLEncoding.DecodeString(key.Text("e"))
	if err != nil || len(e) > 4 {
		return nil, false
	}
	exponent := new(big.Int).SetBytes(e).Int64()
	if exponent < 3 || exponent%2 == 0 || exponent > 1<<31-1 {
		return nil, false
	}
	modulus := new(big.Int).SetBytes(n)
	return &rsa.PublicKey{N: modulus, E: int(exponent)}, modulus.Bit(0) == 1
}
