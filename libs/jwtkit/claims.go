package jwtkit

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Claims are those of a token that was verified (RFC 7519 §4.1). Absent times are zero.
type Claims struct {
	Issuer          string
	Subject         string
	Audience        []string
	AuthorizedParty string   // azp, or client_id in RFC 9068's profile: the client
	Scope           []string // of the space-separated scope claim
	GrantType       string   // gty
	ID              string   // jti
	// Bound says that the token is good for the holder of a key alone (RFC 7800 §3.1). Thumbprint says of which one, where that is a
	// DPoP key (RFC 9449 §6.1), and Certificate, where it is a certificate's (RFC 8705 §3.1).
	Bound       bool
	Thumbprint  string
	Certificate string
	Expiry      time.Time
	IssuedAt    time.Time
	NotBefore   time.Time
	Raw         map[string]any // every claim, numbers as float64
}

// parseClaims refuses names that stand there twice (RFC 7519 §4), and takes names as they are spelled: to encoding/json "AUD" is "aud",
// and the last of them wins.
func parseClaims(payload []byte) (Claims, error) {
	var wire struct {
		jwt.Claims             // its dates refuse numbers that would wrap around into the past
		AuthorizedParty string `json:"azp"`
		ClientID        string `json:"client_id"` // RFC 9068 §2.2
		Scope           string `json:"scope"`
		GrantType       string `json:"gty"`
		Confirmation    *struct {
			Thumbprint  string `json:"jkt"`
			Certificate string `json:"x5t#S256"`
		} `json:"cnf"`
	}
	if err := json.Unmarshal(payload, &wire); err != nil {
		return Claims{}, fmt.Errorf("reading claims: %w", err)
	}
	c := Claims{
		Issuer: wire.Issuer, Subject: wire.Subject, Audience: wire.Audience, ID: wire.ID,
		AuthorizedParty: cmp.Or(wire.AuthorizedParty, wire.ClientID), Scope: strings.Fields(wire.Scope), GrantType: wire.GrantType,
		Expiry: wire.Expiry.Time(), IssuedAt: wire.IssuedAt.Time(), NotBefore: wire.NotBefore.Time(),
	}
	if err := json.Unmarshal(payload, &c.Raw); err != nil {
		return Claims{}, fmt.Errorf("reading claims: %w", err)
	}
	_, c.Bound = c.Raw["cnf"]
	if wire.Confirmation != nil {
		c.Thumbprint, c.Certificate = wire.Confirmation.Thumbprint, wire.Confirmation.Certificate
	}
	return c, nil
}
