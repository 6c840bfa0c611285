package client

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
)

// ID is a client_id: 32 letters and digits, after "tpc_" for a third-party client in strict mode. Made here, never chosen.
type ID string

// Secret is a client secret or signing secret in the clear. It never shows itself in a log.
type Secret string

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue("REDACTED") }

// String implements fmt.Stringer, so that no %v leaks it; string(s) is the secret.
func (Secret) String() string { return "REDACTED" }

const (
	alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

	clientIDLength = 32
	shortIDLength  = 16

	credentialIDLength = 22
	// secretBytes makes 64 URL-safe characters, 384 bits.
	secretBytes = 48
	// objectIDBytes makes 24 hexadecimal digits.
	objectIDBytes = 12
)

// NewID makes a client_id.
func NewID() ID { return ID(random(clientIDLength)) }

// NewStrictID makes the client_id of a third-party client in strict mode.
func NewStrictID() ID { return ID("tpc_" + random(clientIDLength)) }

// NewCredentialID makes a credential's id.
func NewCredentialID() string { return "cred_" + random(credentialIDLength) }

// NewGrantID makes a client grant's id.
func NewGrantID() string { return "cgr_" + random(shortIDLength) }

// NewConnectionID makes a connection's id.
func NewConnectionID() string { return "con_" + random(shortIDLength) }

// NewResourceServerID makes a resource server's id.
func NewResourceServerID() string {
	b := make([]byte, objectIDBytes)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return hex.EncodeToString(b)
}

// NewSecret makes a secret of 64 URL-safe characters.
func NewSecret() Secret {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b)
	return Secret(base64.RawURLEncoding.EncodeToString(b))
}

// random gives n letters and digits, each as likely as the others: bytes past the last whole alphabet are thrown away.
func random(n int) string {
	out := make([]byte, 0, n)
	b := make([]byte, n+n/2)
	const fair = 256 - 256%len(alphabet)
	for len(out) < n {
		_, _ = rand.Read(b)
		for _, v := range b {
			if int(v) < fair && len(out) < n {
				out = append(out, alphabet[int(v)%len(alphabet)])
			}
		}
	}
	return string(out)
}
