package jwtkit

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// Claims are those of an access token that was verified.
type Claims struct {
	Issuer          string
	Subject         string
	Audience        []string
	AuthorizedParty string   // azp: the client
	Scope           []string // of the space-separated scope claim
	GrantType       string   // gty
	ID              string   // jti
	Expiry          time.Time
	IssuedAt        time.Time
	Raw             map[string]any // every claim, numbers as float64
}

// KeySource gives the public keys by which a tenant's tokens verify.
type KeySource interface {
	// Keys gives what verifies now. NotFound: the tenant has none. Unavailable: not known at the moment.
	Keys(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error)
	// Refresh gives the keys anew because a token names one that Keys did not hold; it may answer from memory to protect the source.
	Refresh(ctx context.Context, tenant tenancy.ID) (jose.JSONWebKeySet, error)
}

// Verifier checks access tokens. Safe for concurrent use.
type Verifier struct {
	Keys KeySource
	Now  clock.Now
	// Leeway is how far clocks may be apart. Zero means none: the same machines issue and verify.
	Leeway time.Duration
}

// accepted are the only algorithms a token may name: no "none", and no HMAC, whose key would be a public one (RFC 8725 §3.1).
var accepted = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256}

// The wire's sentences.
const (
	sentenceInvalid   = "Invalid token"
	sentenceExpired   = "Expired token received for JSON Web Token validation."
	sentenceSignature = "Invalid signature received for JSON Web Token validation."
)

// maxToken bounds what is parsed at all, in bytes.
const maxToken = 16 << 10

// VerifyAccess checks raw: signature by a key of this tenant, this host's issuer exactly, the audience, the times. A refusal is
// Unauthenticated; keys that cannot be had are Unavailable.
func (v *Verifier) VerifyAccess(ctx context.Context, t tenancy.Tenant, raw, audience string) (Claims, error) {
	payload, err := v.verify(ctx, t.ID, raw)
	if err != nil {
		return Claims{}, err
	}
	c, err := parseClaims(payload)
	if err != nil {
		return Claims{}, fault.Unauthenticated(sentenceInvalid).Because(err)
	}
	now := v.Now()
	switch {
	case subtle.ConstantTimeCompare([]byte(c.Issuer), []byte(t.Issuer())) != 1:
		return Claims{}, fault.Unauthenticated(sentenceInvalid).Because(fmt.Errorf("issuer %q", c.Issuer))
	case !slices.Contains(c.Audience, audience):
		return Claims{}, fault.Unauthenticated(sentenceInvalid).Because(fmt.Errorf("audience %q", c.Audience))
	case c.Expiry.IsZero() || !now.Before(c.Expiry.Add(v.Leeway)):
		return Claims{}, fault.Unauthenticated(sentenceExpired)
	case c.IssuedAt.After(now.Add(v.Leeway + time.Second)): // seconds on the wire round
		return Claims{}, fault.Unauthenticated(sentenceInvalid).Because(errors.New("issued in the future"))
	}
	if nbf, ok := c.Raw["nbf"].(float64); ok && now.Add(v.Leeway).Before(time.Unix(int64(nbf), 0)) {
		return Claims{}, fault.Unauthenticated(sentenceInvalid).Because(errors.New("not valid yet"))
	}
	return c, nil
}

func (v *Verifier) verify(ctx context.Context, tenant tenancy.ID, raw string) ([]byte, error) {
	if len(raw) > maxToken {
		return nil, fault.Unauthenticated(sentenceInvalid).Because(errors.New("too long"))
	}
	sig, err := jose.ParseSignedCompact(raw, accepted)
	if err != nil {
		return nil, fault.Unauthenticated(sentenceInvalid).Because(err)
	}
	header := sig.Signatures[0].Protected
	if header.KeyID == "" || header.JSONWebKey != nil || foreignHeader(header) {
		return nil, fault.Unauthenticated(sentenceInvalid).Because(errors.New("the header names a key of its own, or none"))
	}
	keys, err := v.Keys.Keys(ctx, tenant)
	if err == nil && len(keys.Key(header.KeyID)) == 0 {
		keys, err = v.Keys.Refresh(ctx, tenant)
	}
	if err != nil && !fault.Is(err, fault.KindNotFound) {
		return nil, fmt.Errorf("reading the tenant's keys: %w", err)
	}
	for _, key := range keys.Key(header.KeyID) {
		if key.Algorithm != "" && key.Algorithm != header.Algorithm {
			continue
		}
		if payload, err := sig.Verify(key); err == nil {
			return payload, nil
		}
		return nil, fault.Unauthenticated(sentenceSignature)
	}
	return nil, fault.Unauthenticated(sentenceInvalid).Because(fmt.Errorf("key ID %.64q is not this tenant's", header.KeyID))
}

// foreignHeader reports a header that points at a key (RFC 8725 §3.10): jku and x5u are never followed, so a token that has them is
// not ours.
func foreignHeader(h jose.Header) bool {
	for name := range h.ExtraHeaders {
		switch name {
		case "jku", "x5u", "x5c", "crit":
			return true
		}
	}
	return false
}

func parseClaims(payload []byte) (Claims, error) {
	var wire struct {
		Issuer          string          `json:"iss"`
		Subject         string          `json:"sub"`
		Audience        json.RawMessage `json:"aud"`
		AuthorizedParty string          `json:"azp"`
		Scope           string          `json:"scope"`
		GrantType       string          `json:"gty"`
		ID              string          `json:"jti"`
		Expiry          float64         `json:"exp"`
		IssuedAt        float64         `json:"iat"`
	}
	if err := json.Unmarshal(payload, &wire); err != nil {
		return Claims{}, fmt.Errorf("reading claims: %w", err)
	}
	c := Claims{
		Issuer: wire.Issuer, Subject: wire.Subject, AuthorizedParty: wire.AuthorizedParty, Scope: strings.Fields(wire.Scope),
		GrantType: wire.GrantType, ID: wire.ID,
	}
	if wire.Expiry != 0 {
		c.Expiry = time.Unix(int64(wire.Expiry), 0)
	}
	if wire.IssuedAt != 0 {
		c.IssuedAt = time.Unix(int64(wire.IssuedAt), 0)
	}
	var one string
	if json.Unmarshal(wire.Audience, &one) == nil {
		c.Audience = []string{one}
	} else if err := json.Unmarshal(wire.Audience, &c.Audience); err != nil {
		return Claims{}, fmt.Errorf("reading aud: %w", err)
	}
	if err := json.Unmarshal(payload, &c.Raw); err != nil {
		return Claims{}, fmt.Errorf("reading claims: %w", err)
	}
	return c, nil
}
