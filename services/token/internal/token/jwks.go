package token

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 thumbprint by definition (RFC 7517 §4.8); nothing is trusted for it
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// JWKS gives public keys as a document (RFC 7517 §5): all but the revoked, in the order given. Keys that sign by a further
// algorithm follow under an ID of their own, without the certificate, which stands with the first. withoutAlg leaves the algorithms
// out, for verifiers that stumble over them (flag remove_alg_from_jwks); a key ID stands for one all the same.
func JWKS(keys []SigningKey, withoutAlg bool) ([]byte, error) {
	list := make([]map[string]any, 0, 2*len(keys))
	var further []map[string]any
	for _, key := range keys {
		if key.State == KeyRevoked {
			continue
		}
		own, err := jwk(key, key.Alg)
		if err != nil {
			return nil, err
		}
		sum := sha1.Sum(key.Certificate) //nolint:gosec // see the import
		own["x5t"] = base64.RawURLEncoding.EncodeToString(sum[:])
		own["x5c"] = []string{base64.StdEncoding.EncodeToString(key.Certificate)}
		list = append(list, own)
		for _, k := range keyAlgs {
			for _, alg := range k.also {
				if k.alg != key.Alg {
					continue
				}
				other, err := jwk(key, alg)
				if err != nil {
					return nil, err
				}
				further = append(further, other)
			}
		}
	}
	list = append(list, further...)
	if withoutAlg {
		for _, key := range list {
			delete(key, "alg")
		}
	}
	b, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		return nil, fmt.Errorf("encoding a key set: %w", err)
	}
	return b, nil
}

// jwk gives the public half as it verifies signatures by alg (RFC 7518 §6).
func jwk(key SigningKey, alg string) (map[string]any, error) {
	out := map[string]any{"use": "sig", "alg": alg, "kid": key.IDFor(alg)}
	enc := base64.RawURLEncoding
	switch public := key.Public.(type) {
	case *rsa.PublicKey:
		out["kty"] = "RSA"
		out["n"] = enc.EncodeToString(public.N.Bytes())
		out["e"] = enc.EncodeToString(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 0x04, x, y (SEC 1 §2.3.3)
		if err != nil {
			return nil, fmt.Errorf("encoding key %s: %w", key.KeyID, err)
		}
		half := len(point) / 2
		out["kty"], out["crv"] = "EC", public.Params().Name
		out["x"], out["y"] = enc.EncodeToString(point[1:1+half]), enc.EncodeToString(point[1+half:])
	default:
		return nil, fmt.Errorf("key %s is a %T", key.KeyID, public)
	}
	return out, nil
}
