package tenant

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"strings"
	"time"
)

// Token is a bearer's secret of the Platform API: "ptk_" and 256 random bits. Only its hash is kept.
type Token string

const tokenPrefix = "ptk_"

// newToken makes a token nobody has had before.
func newToken() Token {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return Token(tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:]))
}

// Hash is what is kept of a token. It needs no salt: nobody guesses 256 bits.
func (t Token) Hash() [sha256.Size]byte { return sha256.Sum256([]byte(t)) }

// wellFormed spares the store a look for what cannot be a token.
func (t Token) wellFormed() bool {
	return len(t) == len(tokenPrefix)+base64.RawURLEncoding.EncodedLen(32) && strings.HasPrefix(string(t), tokenPrefix)
}

// LogValue keeps the token out of logs.
func (t Token) LogValue() slog.Value { return slog.StringValue("REDACTED") }

// Purpose says how a token came to be.
type Purpose string

// The purposes.
const (
	PurposeSignUp  Purpose = "sign_up" // the answer to a sign-up, the owner's first key
	PurposeAPI     Purpose = "api"     // a sign-in by the CLI or a script
	PurposeConsole Purpose = "console" // a sign-in by a browser
)

// How long tokens live.
const (
	keyLife     = 90 * 24 * time.Hour // sign_up and api
	consoleLife = 12 * time.Hour
)

func (p Purpose) life() time.Duration {
	switch p {
	case PurposeConsole:
		return consoleLife
	case PurposeSignUp, PurposeAPI:
		return keyLife
	}
	return 0
}

// TokenRecord is what is kept of a token.
type TokenRecord struct {
	Hash    [sha256.Size]byte
	Member  MemberID
	Purpose Purpose
	Created time.Time
	Expires time.Time
}
