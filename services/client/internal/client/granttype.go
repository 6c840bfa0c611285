package client

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/libs/oauth"
)

// use says who may hold a grant type; confidential clients of the tenant's own may hold any.
type use struct {
	public bool // clients that cannot keep a secret
	first  bool // nobody else's clients
	strict bool // third-party clients in strict mode
}

// admits reports whether the client is one of those.
func (u use) admits(c Client) bool {
	return (u.public || !c.Public()) && (c.FirstParty || !u.first) && (u.strict || !c.Strict())
}

const (
	grantPrefix  = "http://auth0.com/oauth/grant-type/"
	legacyPrefix = "http://auth0.com/oauth/legacy/grant-type/"
)

// grantTypes are all the wire knows, each with who may hold it.
var grantTypes = map[string]use{
	string(oauth.GrantAuthorizationCode):              {public: true, strict: true},
	string(oauth.GrantImplicit):                       {public: true},
	string(oauth.GrantRefreshToken):                   {public: true, strict: true},
	string(oauth.GrantClientCredentials):              {strict: true},
	string(oauth.GrantPassword):                       {public: true, first: true}, // whoever asks sees the user's password
	grantPrefix + "password-realm":                    {public: true, first: true},
	grantPrefix + "mfa-oob":                           {public: true},
	grantPrefix + "mfa-otp":                           {public: true},
	grantPrefix + "mfa-recovery-code":                 {public: true},
	grantPrefix + "passwordless/otp":                  {public: true},
	"urn:ietf:params:oauth:grant-type:device_code":    {public: true}, // RFC 8628 §3.4
	"urn:openid:params:grant-type:ciba":               {},             // CIBA Core §7.1: always authenticated
	"urn:ietf:params:oauth:grant-type:token-exchange": {public: true}, // RFC 8693 §2.1
	"urn:ietf:params:oauth:grant-type:jwt-bearer":     {public: true}, // RFC 7523 §2.1
	"urn:okta:params:oauth:grant-type:webauthn":       {public: true},
	"urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token": {public: true},
	legacyPrefix + "ro":                       {public: true},
	legacyPrefix + "ro/jwt-bearer":            {public: true},
	legacyPrefix + "delegation/refresh_token": {public: true},
	legacyPrefix + "delegation/id_token":      {public: true},
	legacyPrefix + "access_token":             {public: true},
}

// legacy tells whether a grant type is of the endpoints of old, and whether the tenant has switched them on.
func legacy(grant string, on Switches) (is, allowed bool) {
	name, is := strings.CutPrefix(grant, legacyPrefix)
	if strings.HasPrefix(name, "delegation/") {
		return is, on.LegacyDelegation
	}
	return is, on.LegacyRO
}

// checkGrantTypes refuses, all in one sentence, those that nobody knows or that the client may not hold.
func (c Client) checkGrantTypes() error {
	var wrong []string
	for _, name := range c.GrantTypes() {
		who, known := grantTypes[name]
		if !known || !who.admits(c) {
			wrong = append(wrong, quoted(name))
		}
	}
	if len(wrong) > 0 {
		return invalid("Invalid grant types: %s", strings.Join(wrong, ","))
	}
	return nil
}

// Allows reports whether the client may use the grant type.
func (c Client) Allows(grant oauth.GrantType) bool {
	return slices.Contains(c.GrantTypes(), string(grant))
}
