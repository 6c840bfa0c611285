package client

import (
	"net/url"
	"strings"
)

// ExchangeProfile says which action reads the tokens of another party that a token exchange brings (RFC 8693 §2.1, subject_token_type).
type ExchangeProfile struct {
	Name             string
	SubjectTokenType string // a URI of the tenant's own
	ActionID         string
}

// reservedTypes begin URIs that stand for other things than a tenant's own tokens.
var reservedTypes = []string{"http://auth0.com", "https://auth0.com", "http://okta.com", "https://okta.com", "urn:auth0", "urn:ietf", "urn:okta"}

// Check holds a profile to what it may be. There are no actions yet, so whichever it names is unknown.
func (p ExchangeProfile) Check() error {
	u, err := url.Parse(p.SubjectTokenType)
	if err != nil || !u.IsAbs() || u.Host == "" && u.Opaque == "" {
		return invalidAt("subject_token_type", "Object didn't pass validation for format uri: %s", p.SubjectTokenType)
	}
	for _, reserved := range reservedTypes {
		if strings.HasPrefix(strings.ToLower(p.SubjectTokenType), reserved) {
			return invalidAt("subject_token_type", "%s is reserved", reserved)
		}
	}
	return ErrNoAction
}
