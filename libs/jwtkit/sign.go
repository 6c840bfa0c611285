package jwtkit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
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

// HS256 signs with a shared secret (RFC 7518 §3.2): only for ID tokens of confidential clients, whose key is their secret.
func HS256(secret []byte) func(ctx context.Context, input []byte) ([]byte, error) {
	return func(_ context.Context, input []byte) ([]byte, error) {
		m := hmac.New(sha256.New, secret)
		m.Write(input)
		return m.Sum(nil), nil
	}
}
