package jwtkit

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// KeySource gives the public keys by which a tenant's tokens verify.
type KeySource interface {
	// Keys gives what verifies now. NotFound: the tenant has none. Unavailable: not known at the moment.
	Keys(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error)
	// Refresh gives the keys anew because a token names one that Keys did not hold; it may answer from memory to protect the source.
	Refresh(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error)
}

// Verifier checks tokens of this platform. Safe for concurrent use.
type Verifier struct {
	Keys KeySource
	Now  clock.Now
	// Leeway is how far clocks may be apart. Zero means none: the same machines issue and verify.
	Leeway time.Duration
}

// accepted are the only algorithms a token may name: no "none", and no HMAC, whose key would be a public one (RFC 8725 §3.1).
var accepted = []jose.SignatureAlgorithm{jose.RS256, jose.RS512, jose.PS256, jose.ES256}

// The wire's sentences.
const (
	sentenceInvalid   = "Invalid token"
	sentenceExpired   = "Expired token received for JSON Web Token validation."
	sentenceSignature = "Invalid signature received for JSON Web Token validation."
)

// maxToken bounds what is parsed at all, in bytes.
const maxToken = 16 << 10

// VerifyAccess checks a bearer token: signature by a key of this tenant, this host's issuer exactly, the audience, the times. One that
// is bound to a key proves nothing by itself and is refused (RFC 9449 §7.2). A refusal is Unauthenticated; keys that cannot be had are
// Unavailable.
func (v *Verifier) VerifyAccess(ctx context.Context, t tenancy.Tenant, raw, audience string) (Claims, error) {
	c, err := v.VerifyBound(ctx, t, raw, audience)
	if err == nil && c.Bound {
		return Claims{}, invalid(errors.New("it is bound to a key, and a bearer proves none"))
	}
	return c, err
}

// VerifyBound is VerifyAccess for who checks the proof of possession of a token that is bound to a key.
func (v *Verifier) VerifyBound(ctx context.Context, t tenancy.Tenant, raw, audience string) (Claims, error) {
	c, err := v.VerifySignature(ctx, t.ID, raw)
	if err != nil {
		return Claims{}, err
	}
	now := v.Now()
	switch {
	case c.Issuer != t.Issuer():
		return Claims{}, invalid(fmt.Errorf("issuer %q", c.Issuer))
	case audience == "" || !slices.Contains(c.Audience, audience):
		return Claims{}, invalid(fmt.Errorf("audience %q", c.Audience))
	case c.AuthorizedParty == "": // an ID token, whose aud a client could have chosen (RFC 8725 §3.12)
		return Claims{}, invalid(errors.New("it names no client"))
	case c.Expiry.IsZero():
		return Claims{}, invalid(errors.New("it never expires"))
	case !now.Before(c.Expiry.Add(v.Leeway)): // "on or after" (RFC 7519 §4.1.4)
		return Claims{}, fault.Unauthenticated(sentenceExpired).Because(fmt.Errorf("expired at %s", c.Expiry.UTC()))
	case c.IssuedAt.After(now.Add(v.Leeway + time.Second)): // seconds on the wire round
		return Claims{}, invalid(errors.New("issued in the future"))
	case c.NotBefore.After(now.Add(v.Leeway + time.Second)):
		return Claims{}, invalid(errors.New("not valid yet"))
	}
	return c, nil
}

// VerifySignature checks that a key of this tenant signed raw, and nothing of what it says: an id_token_hint may have expired
// (OIDC RP-Initiated Logout §2). Faults as VerifyAccess.
func (v *Verifier) VerifySignature(ctx context.Context, tenant tenancy.ID, raw string) (Claims, error) {
	if len(raw) > maxToken {
		return Claims{}, invalid(errors.New("too long"))
	}
	sig, err := jose.ParseSignedCompact(raw, accepted)
	if err != nil {
		return Claims{}, invalid(err)
	}
	if err := checkHeader(raw); err != nil {
		return Claims{}, invalid(err)
	}
	key, err := v.key(ctx, tenant, sig.Signatures[0].Protected)
	if err != nil {
		return Claims{}, err
	}
	payload, err := sig.Verify(key)
	if err != nil {
		return Claims{}, fault.Unauthenticated(sentenceSignature).Because(err)
	}
	c, err := parseClaims(payload)
	if err != nil {
		return Claims{}, invalid(err)
	}
	return c, nil
}

// key finds the tenant's one key with the header's ID, for signatures by the header's algorithm.
func (v *Verifier) key(ctx context.Context, tenant tenancy.ID, header jose.Header) (jose.JSONWebKey, error) {
	if header.KeyID == "" {
		return jose.JSONWebKey{}, invalid(errors.New("the header names no key"))
	}
	keys, err := v.Keys.Keys(ctx, tenant)
	if err == nil && len(keys.Key(header.KeyID)) == 0 {
		keys, err = v.Keys.Refresh(ctx, tenant)
	}
	if err != nil && !fault.Is(err, fault.KindNotFound) {
		return jose.JSONWebKey{}, fmt.Errorf("reading the tenant's keys: %w", err)
	}
	for _, key := range keys.Key(header.KeyID) {
		if (key.Algorithm == "" || key.Algorithm == header.Algorithm) && (key.Use == "" || key.Use == "sig") {
			return key, nil
		}
	}
	return jose.JSONWebKey{}, invalid(fmt.Errorf("key ID %.64q for %s is not this tenant's", header.KeyID, header.Algorithm))
}

// checkHeader holds a header to what this platform writes.
func checkHeader(raw string) error { return CheckHeader(raw, "jwt", "at+jwt") }

// CheckHeader refuses headers that bring a key along or say where to get one, which speak for their forger and are never ours
// (RFC 8725 §3.10), extensions, of which we have none, and types other than those given, in small letters, or none (RFC 8725 §3.11).
func CheckHeader(raw string, types ...string) error {
	encoded, _, _ := strings.Cut(raw, ".")
	plain, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return fmt.Errorf("reading the header: %w", err)
	}
	var header map[string]any
	if err := json.Unmarshal(plain, &header); err != nil {
		return fmt.Errorf("reading the header: %w", err)
	}
	for _, name := range []string{"jwk", "jku", "x5u", "x5c", "crit", "b64"} {
		if _, ok := header[name]; ok {
			return fmt.Errorf("the header has %s", name)
		}
	}
	typ, ok := header["typ"]
	name, _ := typ.(string)
	if ok && !slices.Contains(types, strings.TrimPrefix(strings.ToLower(name), "application/")) {
		return fmt.Errorf("a token of type %.64q", name)
	}
	return nil
}

func invalid(cause error) error { return fault.Unauthenticated(sentenceInvalid).Because(cause) }
