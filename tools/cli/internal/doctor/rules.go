package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	passwordGrant = "password"
	realmGrant    = "http://auth0.com/oauth/grant-type/password-realm"
	otpGrant      = "http://auth0.com/oauth/grant-type/passwordless/otp"
	deviceGrant   = "urn:ietf:params:oauth:grant-type:device_code"
	legacyPrefix  = "http://auth0.com/oauth/legacy/grant-type/"

	longIDToken  = 36000 * time.Second // what a new client has
	longRefresh  = 90 * 24 * time.Hour // longer than any quarter
	expiryNotice = 30 * 24 * time.Hour // time to make a new key
)

// rule is one misconfiguration: judge gives a sentence for each place where it is found.
type rule struct {
	code         string
	severity     Severity
	inProduction Severity // when not empty: the severity at a domain that is no development host
	property     string
	remedy       string
	judge        func(Case) []string
}

// when makes a judge of a condition with one sentence.
func when(holds func(Case) bool, why string) func(Case) []string {
	return func(c Case) []string {
		if !holds(c) {
			return nil
		}
		return []string{why}
	}
}

// each makes a judge of URLs.
func each(of func(Client) []string, bad func(Case, string) bool, why string) func(Case) []string {
	return func(c Case) []string {
		var out []string
		for _, raw := range of(c.Client) {
			if bad(c, raw) {
				out = append(out, fmt.Sprintf("%q %s", raw, why))
			}
		}
		return out
	}
}

func callbacks(c Client) []string { return c.Callbacks }

// redirected is every place a browser may be sent to or call from.
func redirected(c Client) []string {
	return slices.Concat(c.Callbacks, c.LogoutURLs, c.WebOrigins, c.AllowedOrigins)
}

// userFlows are the grants in which a user logs in.
var userFlows = []string{"authorization_code", "implicit", passwordGrant, realmGrant, deviceGrant}

var rules = []rule{
	{
		code: "http_callback", severity: Error, property: "callbacks", remedy: "use https; http is for loopback addresses alone",
		judge: each(callbacks, func(_ Case, raw string) bool { return hasScheme(raw, "http") && !loopback(raw) },
			"carries the code or the tokens in the clear"),
	},
	{
		code: "wildcard_url", severity: Warning, inProduction: Error, property: "callbacks, allowed_logout_urls, web_origins, allowed_origins",
		remedy: "list each host by its name",
		judge: each(redirected, func(_ Case, raw string) bool { return strings.Contains(raw, "*") },
			"trusts every host below it, also one that somebody else takes over"),
	},
	{
		code: "loopback_beside_production", severity: Warning, property: "callbacks", remedy: "keep a client of its own for development",
		judge: each(callbacks, func(c Case, raw string) bool {
			return c.Client.AppType != "native" && loopback(raw) && slices.ContainsFunc(c.Client.Callbacks, func(other string) bool { return !loopback(other) })
		}, "stands beside callbacks of a production site: any program on the user's machine may receive its codes"),
	},
	{
		code: "no_callbacks", severity: Error, property: "callbacks", remedy: "add the URL to which the application wants its users back, or take authorization_code and implicit away",
		judge: when(func(c Case) bool {
			return len(c.Client.Callbacks) == 0 && (c.Client.browserOrDevice() || c.Client.AppType == "regular_web") && c.Client.has("authorization_code", "implicit")
		}, "users log in by redirect, and there is nowhere to send them back to"),
	},
	{
		code: "unused_authorization_code", severity: Warning, property: "grant_types", remedy: "take authorization_code away",
		judge: when(func(c Case) bool {
			return len(c.Client.Callbacks) == 0 && !c.Client.browserOrDevice() && c.Client.AppType != "regular_web" && c.Client.has("authorization_code")
		}, "authorization_code is on and there are no callbacks: nothing can use it"),
	},
	{
		code: "unused_client_credentials", severity: Warning, property: "grant_types", remedy: "take client_credentials away, or give the client a client grant",
		judge: when(func(c Case) bool { return c.Client.has("client_credentials") && len(c.Audiences) == 0 },
			"client_credentials is on and the client has no client grant: nothing can use it"),
	},
	{
		code: "unused_refresh_token", severity: Warning, property: "grant_types", remedy: "take refresh_token away",
		judge: when(func(c Case) bool {
			return c.Client.has("refresh_token") && !c.Client.has("authorization_code", passwordGrant, realmGrant, otpGrant, deviceGrant)
		}, "refresh_token is on and no grant of the client gives a refresh token"),
	},
	{
		code: "unused_password", severity: Warning, property: "grant_types", remedy: "take the password grants away, or switch a database connection on",
		judge: when(func(c Case) bool { return c.Client.has(passwordGrant, realmGrant) && !c.database() },
			"a password grant is on and no connection of the client checks passwords"),
	},
	{
		code: "password_grant", severity: Warning, property: "grant_types", remedy: "let users log in by redirect with authorization_code",
		judge: when(func(c Case) bool {
			return !c.Client.thirdParty() && c.Client.has(passwordGrant, realmGrant) && c.database()
		},
			"the application sees its users' passwords, and no second factor or single sign-on protects them (RFC 9700 §2.4)"),
	},
	{
		code: "third_party_password", severity: Error, property: "grant_types", remedy: "take the password grants away",
		judge: when(func(c Case) bool { return c.Client.thirdParty() && c.Client.has(passwordGrant, realmGrant) },
			"somebody else's application may ask your users for their passwords"),
	},
	{
		code: "implicit", severity: Warning, property: "grant_types", remedy: "use authorization_code with PKCE, then take implicit away",
		judge: when(func(c Case) bool { return c.Client.has("implicit") },
			"implicit is on: tokens travel in URLs, where histories and scripts find them (RFC 9700 §2.1.2)"),
	},
	{
		code: "legacy_grant", severity: Warning, property: "grant_types", remedy: "take the legacy grants away",
		judge: func(c Case) []string {
			var out []string
			for _, g := range c.Client.GrantTypes {
				if strings.HasPrefix(g, legacyPrefix) {
					out = append(out, g+" is a grant of a past pipeline")
				}
			}
			return out
		},
	},
	{
		code: "secret_in_browser", severity: Error, property: "token_endpoint_auth_method", remedy: "set it to none, and use authorization_code with PKCE",
		judge: when(func(c Case) bool { return c.Client.browserOrDevice() && !c.Client.public() && !c.Client.keyed() },
			"the application runs at its user's and is asked for a secret: everybody who has it can read the secret"),
	},
	{
		code: "secret_shared_with_browser", severity: Error, property: "token_endpoint_auth_method, web_origins, allowed_origins",
		remedy: "give the pages that call from browsers a public client of their own, and this one RS256",
		judge: when(func(c Case) bool {
			return !c.Client.browserOrDevice() && !c.Client.public() && !c.Client.keyed() && c.Client.algorithm() == "HS256" &&
				len(c.Client.WebOrigins)+len(c.Client.AllowedOrigins) > 0
		}, "browsers may call with this client, and its ID tokens are verified with its secret: to verify one, a page needs the secret"),
	},
	{
		code: "hs256_public", severity: Error, property: "jwt_configuration.alg", remedy: "set it to RS256",
		judge: when(func(c Case) bool { return c.Client.public() && c.Client.algorithm() == "HS256" },
			"a client without authentication cannot keep the secret that HS256 verifies with"),
	},
	{
		code: "not_oidc_conformant", severity: Warning, property: "oidc_conformant", remedy: "set it to true and test the login",
		judge: when(func(c Case) bool { return !c.Client.OIDCConformant && c.Client.has(userFlows...) }, "the client uses the past pipeline, with its looser checks"),
	},
	{
		code: "public_refresh_not_rotating", severity: Warning, property: "refresh_token.rotation_type", remedy: "set rotation_type to rotating and expiration_type to expiring",
		judge: when(func(c Case) bool {
			return c.Client.public() && c.Client.has("refresh_token") && c.Client.RefreshToken.Rotation != "rotating"
		}, "a stolen refresh token of a public client is good until it is revoked by hand (RFC 9700 §4.14.2)"),
	},
	{
		code: "refresh_never_expires", severity: Notice, property: "refresh_token.expiration_type", remedy: "set expiration_type to expiring, with a token_lifetime",
		judge: when(func(c Case) bool {
			return c.Client.has("refresh_token") && (c.Client.RefreshToken.Expiration == "non-expiring" || c.Client.RefreshToken.Infinite)
		}, "refresh tokens live for ever"),
	},
	{
		code: "long_refresh_lifetime", severity: Notice, property: "refresh_token.token_lifetime", remedy: "shorten it",
		judge: when(func(c Case) bool {
			r := c.Client.RefreshToken
			return c.Client.has("refresh_token") && r.Expiration == "expiring" && !r.Infinite && time.Duration(r.LifetimeSeconds)*time.Second > longRefresh
		}, "refresh tokens live for more than 90 days"),
	},
	{
		code: "long_id_token_lifetime", severity: Notice, property: "jwt_configuration.lifetime_in_seconds", remedy: "shorten it; an ID token is read once, at login",
		judge: when(func(c Case) bool { return time.Duration(c.Client.JWT.LifetimeSeconds)*time.Second > longIDToken }, "ID tokens live for more than ten hours"),
	},
	{
		code: "no_connection", severity: Error, property: "connections", remedy: "switch a connection on for the client",
		judge: when(func(c Case) bool {
			return len(c.Connections) == 0 && len(c.Client.Callbacks) > 0 && c.Client.has(userFlows...)
		},
			"users are to log in and no connection is switched on: nobody could log in"),
	},
	{
		code: "no_credential", severity: Error, property: "client_authentication_methods", remedy: "create a credential and name it there",
		judge: when(func(c Case) bool { return c.Client.keyed() && len(c.Credentials) == 0 }, "the client proves itself by a key, and none is registered"),
	},
	{code: "credential_expired", severity: Error, property: "credentials", remedy: "create a new credential and delete this one", judge: expiring(true)},
	{code: "credential_expires_soon", severity: Warning, property: "credentials", remedy: "create its successor now; both are good until it ends", judge: expiring(false)},
}

// expiring judges credentials whose end has come, or is near.
func expiring(over bool) func(Case) []string {
	return func(c Case) []string {
		var out []string
		for _, cred := range c.Credentials {
			if cred.ExpiresAt == nil || cred.ExpiresAt.After(c.Now.Add(expiryNotice)) || over == cred.ExpiresAt.After(c.Now) {
				continue
			}
			verb := "ends"
			if over {
				verb = "ended"
			}
			out = append(out, fmt.Sprintf("credential %s (%s) %s at %s", cred.ID, cred.Name, verb, cred.ExpiresAt.UTC().Format(time.RFC3339)))
		}
		return out
	}
}
