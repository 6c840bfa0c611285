package token

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// Code challenge methods (RFC 7636 §4.3).
const (
	challengeS256  = "S256"
	challengePlain = "plain"
)

// checkChallenge validates what an authorization request says of PKCE; method gets its default.
func checkChallenge(c *Client, challenge, method string) (string, error) {
	switch {
	case challenge == "" && method != "":
		return "", missing("code_challenge")
	case challenge == "" && (c.Public() || c.Strict):
		// A code of a client without a secret is bound to nothing but this (RFC 9700 §2.1.1); of a strict third party the wire wants it.
		return "", missing("code_challenge")
	case challenge == "":
		return "", nil
	case method == "":
		method = challengePlain // RFC 7636 §4.3
	}
	if method != challengeS256 && method != challengePlain {
		return "", fault.Invalid(oauth.InvalidRequest, "Unsupported code_challenge_method: "+method)
	}
	if !pkceWord(challenge) {
		return "", fault.Invalid(oauth.InvalidRequest, "Invalid code_challenge")
	}
	return method, nil
}

// verifyChallenge checks the verifier against what the authorization request committed to (RFC 7636 §4.6). A verifier for a code
// without a challenge is refused too: someone took the challenge out on the way (RFC 9700 §4.8.2).
func verifyChallenge(a Authorization, verifier string) error {
	failed := fault.Denied(oauth.InvalidGrant, "Failed to verify code verifier")
	if a.Challenge == "" {
		if verifier != "" {
			return failed
		}
		return nil
	}
	if !pkceWord(verifier) {
		return failed
	}
	got := verifier
	if a.ChallengeMethod == challengeS256 {
		sum := sha256.Sum256([]byte(verifier))
		got = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if subtle.ConstantTimeCompare([]byte(got), []byte(a.Challenge)) != 1 {
		return failed
	}
	return nil
}

// pkceWord is 43 to 128 unreserved characters (RFC 7636 §4.1, §4.2).
func pkceWord(s string) bool {
	if len(s) < 43 || len(s) > 128 {
		return false
	}
	for _, r := range []byte(s) {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_' || r == '~'
		if !ok {
			return false
		}
	}
	return true
}

func missing(param string) *fault.Error {
	return fault.Invalid(oauth.InvalidRequest, "Missing required parameter: "+param)
}
