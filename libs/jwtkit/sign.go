package jwtkit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/libs/fault"
)

// Header is the protected header of a JWT as this platform writes it (RFC 7515 §4.1).
type Header struct {
	Alg string `json:"alg"`
	Typ string `json:"typ,omitempty"`
	Kid string `json:"kid,omitempty"`
}

// Sign gives the compact JWS (RFC 7515 §7.1) of claims under exactly this header. sign gets header.payload and gives the raw
// signature; its error comes back wrapped.
func Sign(ctx context.Context, sign func(ctx context.Context, input []byte) ([]byte, error), header Header, claims any) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("encoding the header: %w", err)
	}
	p, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding the claims: %w", err)
	}
	enc := base64.RawURLEncoding
	buf := make([]byte, 0, enc.EncodedLen(len(h))+enc.EncodedLen(len(p))+400)
	buf = enc.AppendEncode(buf, h)
	buf = append(buf, '.')
	buf = enc.AppendEncode(buf, p)
	sig, err := sign(ctx, buf)
	if err != nil {
		return "", fmt.Errorf("signing: %w", err)
	}
	buf = append(buf, '.')
	buf = enc.AppendEncode(buf, sig)
	return string(buf), nil
}

// HS256 signs with a shared secret: only for ID tokens of confidential clients, whose key is their secret. A secret of less than
// 32 bytes is an error when signing (RFC 7518 §3.2).
func HS256(secret []byte) func(ctx context.Context, input []byte) ([]byte, error) {
	return func(_ context.Context, input []byte) ([]byte, error) {
		if err := longEnough(secret); err != nil {
			return nil, err
		}
		m := hmac.New(sha256.New, secret)
		m.Write(input)
		return m.Sum(nil), nil
	}
}

// VerifyHS256 checks that raw was signed with the shared secret, and nothing of what it says; faults as Verifier.VerifyAccess. Ask it
// only where HS256 is what the client is registered for: a token's own header never decides that.
func VerifyHS256(secret []byte, raw string) (Claims, error) {
	if err := longEnough(secret); err != nil {
		return Claims{}, err
	}
	if len(raw) > maxToken {
		return Claims{}, invalid(errors.New("too long"))
	}
	sig, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return Claims{}, invalid(err)
	}
	if err := checkHeader(raw); err != nil {
		return Claims{}, invalid(err)
	}
	payload, err := sig.Verify(secret)
	if err != nil {
		return Claims{}, fault.Unauthenticated(sentenceSignature).Because(err)
	}
	c, err := parseClaims(payload)
	if err != nil {
		return Claims{}, invalid(err)
	}
	return c, nil
}

func longEnough(secret []byte) error {
	if len(secret) < sha256.Size {
		return fmt.Errorf("the secret has %d bytes, HS256 needs %d", len(secret), sha256.Size)
	}
	return nil
}
