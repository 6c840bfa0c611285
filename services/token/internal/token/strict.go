package token

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// Third parties in strict mode are nobody's the tenant knows: most registered themselves. The wire lets them have access tokens of APIs
// that they were granted, by a code with PKCE, and nothing that tells who the user is or that ends their session.

// strictGrants are the grants that strict third parties may use, whatever they are registered for.
var strictGrants = []oauth.GrantType{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken, oauth.GrantClientCredentials}

// paramSDK is what the vendor's SDKs say of themselves; the wire looks at it nowhere, and no request fails for it.
const paramSDK = "auth0Client"

// strictParams are what their authorization requests may hold, beside ext-* and paramSDK.
var strictParams = []string{
	"acr_values", "audience", "authorization_details", "client_id", "code_challenge", "code_challenge_method", "connection", "correlation_id",
	"display", paramThumbprint, "login_hint", "max_age", "nonce", "prompt", "redirect_uri", "resource", "response_type", "scope", "state", "ui_locales",
}

// foreign refuses a request of a strict third party that holds a parameter which is not for such.
func (in received) foreign() error {
	if !in.client.Strict {
		return nil
	}
	first := ""
	for name := range in.params {
		if slices.Contains(strictParams, name) || strings.HasPrefix(name, "ext-") || name == paramSDK {
			continue
		}
		if first == "" || name < first { // the same sentence each time
			first = name
		}
	}
	if first == "" {
		return nil
	}
	if len(first) > maxNamed {
		return fault.Invalid(oauth.InvalidRequest, "Parameter not allowed for the client")
	}
	return fault.Invalid(oauth.InvalidRequest, "Parameter not allowed for the client: "+first)
}

// maxNamed bounds the name of a parameter that is told back, in bytes.
const maxNamed = 128
