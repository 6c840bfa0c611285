package token

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// How an access token is sent, and what it is called (RFC 6750 §2.1, RFC 9449 §7.1).
const (
	SchemeBearer = "Bearer"
	SchemeDPoP   = "DPoP"
)

const (
	// maxProof bounds a proof, in bytes.
	maxProof = 4 << 10
	// proofLife is how old a proof may be, beside what clocks are apart, and with it how long its use is remembered (RFC 9449 §11.1).
	proofLife = time.Minute
	// proofLeeway is how far a client's clock may be off.
	proofLeeway = 30 * time.Second
	maxProofID  = 255
)

// ProofAlgs are the algorithms by which clients sign proofs: those of the wire.
func ProofAlgs() []string { return []string{AlgES256} }

// ProofReader reads DPoP proofs (RFC 9449 §4.2).
type ProofReader interface {
	// ReadProof gives what a JWT of type dpop+jwt says that the public key in its own header signed, by one of ProofAlgs; any other is
	// fault.Invalid. What it says is the caller's to check.
	ReadProof(raw string) (ProofClaims, error)
}

// ProofClaims are those of a proof whose signature is right.
type ProofClaims struct {
	Thumbprint string // of the key that signed it (RFC 7638, SHA-256)
	ID         string
	Method     string    // htm
	URL        string    // htu
	Issued     time.Time // zero: not said
	Token      string    // ath: the hash of the access token beside it; empty: not said
}

// Target is the request that a proof has to be for.
type Target struct {
	Method string
	URL    string // without a query
	Token  string // the access token that is sent beside the proof; empty: none is
}

// Proofs finds out which key a request proves to hold (RFC 9449).
type Proofs struct {
	reader ProofReader
	used   AssertionStore
}

// NewProofs makes one; used remembers the proofs that were seen.
func NewProofs(reader ProofReader, used AssertionStore) *Proofs {
	return &Proofs{reader: reader, used: used}
}

// Check holds the DPoP headers of a request against it (RFC 9449 §4.3) and gives what the one proof says. It does not use it up.
func (p *Proofs) Check(sent []string, to Target, now time.Time) (ProofClaims, error) {
	if len(sent) != 1 {
		return ProofClaims{}, badProof(errors.New("there must be one DPoP header"))
	}
	if len(sent[0]) > maxProof {
		return ProofClaims{}, badProof(errors.New("it is too long"))
	}
	claims, err := p.reader.ReadProof(sent[0])
	if err != nil {
		return ProofClaims{}, badProof(err)
	}
	if err := claims.check(to, now); err != nil {
		return ProofClaims{}, badProof(err)
	}
	return claims, nil
}

// Use uses a proof up: one more of the same key, URL and jti is refused for as long as it would be good (RFC 9449 §11.1).
func (p *Proofs) Use(ctx context.Context, t tenancy.Tenant, c ProofClaims) error {
	name := HashOf(strings.Join([]string{"dpop", c.Thumbprint, c.URL, c.ID}, "\x00"))
	err := p.used.UseAssertion(ctx, t.ID, name, c.Issued.Add(proofLife+proofLeeway))
	if fault.Is(err, fault.KindConflict) {
		return badProof(errors.New("it was used before"))
	}
	return err
}

// Key gives the thumbprint of the key that a request to a back-channel endpoint proves to hold, and uses the proof up. Empty: the
// request brought none.
func (p *Proofs) Key(ctx context.Context, t tenancy.Tenant, sent []string, to Target, now time.Time) (string, error) {
	if len(sent) == 0 {
		return "", nil
	}
	claims, err := p.Check(sent, to, now)
	if err != nil {
		return "", err
	}
	return claims.Thumbprint, p.Use(ctx, t, claims)
}

// Where clients call this service themselves, and how.
const (
	PathToken    = "/oauth/token" //nolint:gosec // a path, not a credential
	PathPush     = "/oauth/par"
	PathUserinfo = "/userinfo"
	methodPost   = "POST"
)

// paramThumbprint is the parameter of an authorization request that names a key (RFC 9449 §10).
const paramThumbprint = "dpop_jkt"

// endpointOf is the URL of one of this service's endpoints, as the client that called it knows it.
func endpointOf(t tenancy.Tenant, path string) string { return t.Base + path }

// check holds what a proof says against the request it came with (RFC 9449 §4.3, 8 to 12).
func (c ProofClaims) check(to Target, now time.Time) error {
	switch {
	case c.ID == "" || len(c.ID) > maxProofID:
		return errors.New("it has no jti that could be remembered")
	case c.Method != to.Method:
		return errors.New("its htm is another method")
	case !sameURL(c.URL, to.URL):
		return errors.New("its htu is another URL")
	case c.Issued.IsZero() || !now.Before(c.Issued.Add(proofLife+proofLeeway)):
		return errors.New("its iat is too long ago, or missing")
	case c.Issued.After(now.Add(proofLeeway)):
		return errors.New("its iat is in the future")
	case to.Token != "" && subtle.ConstantTimeCompare([]byte(c.Token), []byte(tokenHash(to.Token))) != 1:
		return errors.New("its ath is another access token's, or missing")
	}
	return nil
}

// tokenHash is the ath of an access token (RFC 9449 §4.2).
func tokenHash(raw string) string {
	sum := sha256.Sum256([]byte(raw))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sameURL compares a proof's URL with the request's, both normalized, query and fragment left out (RFC 9449 §4.3, 9; RFC 3986 §6.2.2
// and §6.2.3).
func sameURL(proof, request string) bool {
	a, b := normalURL(proof), normalURL(request)
	return a != "" && a == b
}

// normalURL is empty for what names no http(s) resource.
func normalURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || u.Opaque != "" || u.Host == "" {
		return ""
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return ""
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path
}

func badProof(cause error) *fault.Error {
	f := fault.Invalid(InvalidProof, "Invalid DPoP proof").Because(cause)
	if _, known := errors.AsType[*fault.Error](cause); !known { // our own words about what they sent
		f.Message += ": " + cause.Error()
	}
	return f
}

// InvalidProof is the error code of a proof that proves nothing (RFC 9449 §5).
const InvalidProof = "invalid_dpop_proof"

// thumbprint reports what may be one: 32 bytes in base64url (RFC 7638 §3).
func thumbprint(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

// sameKey compares thumbprints.
func sameKey(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
