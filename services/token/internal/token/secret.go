package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// Hash is what the store keeps of a secret that a browser or client holds: SHA-256, so that a dump of the tables opens nothing.
// The secrets are random and long, so no slow hash is needed.
type Hash [sha256.Size]byte

// HashOf gives the hash of a code, state, session cookie or opaque token.
func HashOf(secret string) Hash { return sha256.Sum256([]byte(secret)) }

// Equal compares in constant time.
func (h Hash) Equal(other Hash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }

// Zero says that no secret was hashed.
func (h Hash) Zero() bool { return h == Hash{} }

// newSecret gives 256 random bits, URL-safe.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// sameSecret compares without telling by its time how much of a guess was right, nor how long the secret is.
func sameSecret(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

const kidLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

// newKeyID gives 21 URL-safe random characters (126 bits).
func newKeyID() string { return randomWord(21) }

// newSessionID gives the public name of a session (the sid claim); it opens nothing.
func newSessionID() string { return randomWord(32) }

func randomWord(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = kidLetters[b[i]&63]
	}
	return string(b)
}
