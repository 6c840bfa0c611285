package doctor

import (
	"slices"
	"strings"
)

const (
	codeGrant     = "authorization_code"
	implicitGrant = "implicit"
	refreshGrant  = "refresh_token"
	machineGrant  = "client_credentials"
	passwordGrant = "password"
	realmGrant    = "http://auth0.com/oauth/grant-type/password-realm"
	deviceGrant   = "urn:ietf:params:oauth:grant-type:device_code"
	legacyPrefix  = "http://auth0.com/oauth/legacy/grant-type/"
)

var (
	// redirects are the grants in which a user comes back by a callback.
	redirects = []string{codeGrant, implicitGrant}
	// passwords are the grants in which the application asks for the user's password.
	passwords = []string{passwordGrant, realmGrant}
	// logins are the grants in which a user logs in.
	logins = slices.Concat(redirects, passwords, []string{deviceGrant})
	// barren are the grants that never give a refresh token.
	barren = []string{refreshGrant, implicitGrant, machineGrant, "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"}
)

var grantRules = []rule{
	{
		code: "unused_login_grant", severity: Warning, property: "grant_types", remedy: "take the grants away, or add callbacks",
		judge: func(c Case) []place {
			var out []place
			for _, grant := range redirects {
				if len(c.Client.Callbacks) == 0 && !c.Client.forLogin() && c.Client.has(grant) {
					out = append(out, place{why: grant + " is on and there are no callbacks: nothing can use it"})
				}
			}
			return out
		},
	},
	{
		code: "unused_client_credentials", severity: Warning, property: "grant_types", remedy: "take client_credentials away, or give the client a client grant",
		judge: when(func(c Case) bool { return c.Client.has(machineGrant) && !c.machine() },
			"client_credentials is on and the client has no client grant: nothing can use it"),
	},
	{
		code: "unused_refresh_token", severity: Warning, property: "grant_types", remedy: "take refresh_token away",
		judge: when(func(c Case) bool {
			return c.Client.has(refreshGrant) && !slices.ContainsFunc(c.Client.GrantTypes, func(g string) bool { return !slices.Contains(barren, g) })
		}, "refresh_token is on and no grant of the client gives a refresh token"),
	},
	{
		code: "unused_password", severity: Warning, property: "grant_types", remedy: "take the password grants away, or switch a database connection on",
		judge: when(func(c Case) bool { return c.Client.has(passwords...) && !c.database() },
			"a password grant is on and no connection of the client checks passwords"),
	},
	{
		code: "password_grant", severity: Warning, property: "grant_types", remedy: "let users log in by redirect with authorization_code",
		judge: when(func(c Case) bool { return !c.Client.ThirdParty() && c.Client.has(passwords...) && c.database() },
			"the application sees its users' passwords, and single sign-on does not protect them (RFC 9700 §2.4)"),
	},
	{
		code: "third_party_password", severity: Error, property: "grant_types", remedy: "take the password grants away",
		judge: when(func(c Case) bool { return c.Client.ThirdParty() && c.Client.has(passwords...) },
			"somebody else's application may ask your users for their passwords"),
	},
	{
		code: "implicit", severity: Warning, property: "grant_types", remedy: "use authorization_code with PKCE, then take implicit away",
		judge: when(func(c Case) bool { return c.Client.has(implicitGrant) },
			"implicit is on: tokens travel in URLs, where histories and scripts find them (RFC 9700 §2.1.2)"),
	},
	{
		code: "legacy_grant", severity: Warning, property: "grant_types", remedy: "take the legacy grants away",
		judge: func(c Case) []place {
			var out []place
			for _, grant := range c.Client.GrantTypes {
				if strings.HasPrefix(grant, legacyPrefix) {
					out = append(out, place{why: grant + " is a grant of a past pipeline, with its looser checks"})
				}
			}
			return out
		},
	},
	{
		code: "not_oidc_conformant", severity: Warning, property: "oidc_conformant", remedy: "set it to true and test the login",
		judge: when(func(c Case) bool { return !c.Client.OIDCConformant && c.Client.has(logins...) },
			"the client uses the past pipeline, with its looser checks"),
	},
}
