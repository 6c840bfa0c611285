package token

import (
	"crypto/sha1" //nolint:gosec // x5t is a SHA-1 thumbprint by definition (RFC 7517 §4.8); nothing is trusted for it
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// JWKS gives the public keys as the world sees them (RFC 7517 §5): all but the revoked, the current one first.
func JWKS(keys []SigningKey) ([]byte, error) {
	list := make([]map[string]any, 0, len(keys))
	for _, key := range currentFirst(keys) {
		if key.State == KeyRevoked {
			continue
		}
		sum := sha1.Sum(key.Certificate) //nolint:gosec // see the import
		list = append(list, map[string]any{
			"kty": "RSA", "use": "sig", "alg": AlgRS256, "kid": key.KeyID,
			"n":   base64.RawURLEncoding.EncodeToString(key.Public.N.Bytes()),
			"e":   base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.Public.E)).Bytes()),
			"x5t": base64.RawURLEncoding.EncodeToString(sum[:]),
			"x5c": []string{base64.StdEncoding.EncodeToString(key.Certificate)},
		})
	}
	b, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		return nil, fmt.Errorf("encoding a key set: %w", err)
	}
	return b, nil
}
