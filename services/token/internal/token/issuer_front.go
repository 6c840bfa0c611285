package token

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"time"
)

const (
	// frontLifetime is the wire's life of a token that the authorization endpoint hands out, where its API says nothing.
	frontLifetime = 2 * time.Hour
	// frontOpaqueLifetime is that of a token for /userinfo alone without a code beside it.
	frontOpaqueLifetime = 2 * time.Hour
)

// IssueFront makes the tokens that the authorization endpoint hands out (OIDC Core §3.2.2.5, §3.3.2.5): the access token first, since
// the ID token vouches for it and for the code. fault.Unavailable while the keys cannot be used.
func (i *Issuer) IssueFront(ctx context.Context, in Issue, code string) (Issued, error) {
	var out Issued
	// Nothing that outlives the user's presence is handed out here (RFC 9700 §2.1.2).
	in.Authorization.Scope = in.Authorization.Scope.without(refreshScopes)
	if in.Front.Token {
		var err error
		if out, err = i.access(ctx, in); err != nil {
			return Issued{}, err
		}
		if out.Opaque != nil && in.Front.Code {
			out.Opaque.Code = HashOf(code) // when the code comes back a second time, the token goes
		}
	}
	if !in.Front.IDToken {
		return out, nil
	}
	alg, _, err := idTokenAlg(in.Client)
	if err != nil {
		return Issued{}, err
	}
	extra := map[string]any{}
	if in.Front.Token {
		extra["at_hash"] = leftHalf(alg, out.AccessToken)
	}
	if in.Front.Code {
		extra["c_hash"] = leftHalf(alg, code)
	}
	if in.State != "" && in.Client.Compliance.Advanced() { // FAPI 1.0 Advanced §5.2.2.1
		extra["s_hash"] = leftHalf(alg, in.State)
	}
	out.IDToken, err = i.idToken(ctx, in, extra)
	return out, err
}

// leftHalf is the left half of the hash that belongs to alg, as at_hash and c_hash want it (OIDC Core §3.3.2.11).
func leftHalf(alg, value string) string {
	if alg == AlgRS512 {
		sum := sha512.Sum512([]byte(value))
		return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
