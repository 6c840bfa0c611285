package doctor

import (
	"fmt"
	"time"
)

// expiryNotice is time enough to make a new key and bring it out.
const expiryNotice = 30 * 24 * time.Hour

var secretRules = []rule{
	{
		code: "secret_in_browser", severity: Error, property: "token_endpoint_auth_method", remedy: "set it to none, and use authorization_code with PKCE",
		judge: when(func(c Case) bool { return c.Client.atUsers() && !c.Client.public() },
			"the application runs at its users' and is asked for a secret or a key: everybody who has the application can read it"),
	},
	{
		code: "secret_verifies_in_browser", severity: Error, property: "jwt_configuration.alg, web_origins, allowed_origins",
		remedy: "set the algorithm to RS256, or give the pages a public client of their own",
		judge: when(func(c Case) bool {
			return !c.Client.atUsers() && c.Client.shared() && c.Client.hs256() && c.Client.called()
		},
			"pages may call with this client from a browser, and its ID tokens are verified with its secret: to verify one, a page needs the secret"),
	},
	{
		code: "pair_shared_with_browser", severity: Warning, property: "grant_types, web_origins, allowed_origins",
		remedy: "give the pages a public client of their own, and leave the secret to the server",
		judge: when(func(c Case) bool {
			return c.Client.shared() && c.Client.has(machineGrant) && c.machine() && (c.Client.AppType == "spa" || c.Client.called())
		}, "pages in a browser and a server share one id and secret: whoever finds it in a page calls the APIs of its client grants as the server"),
	},
	{
		code: "hs256_public", severity: Error, property: "jwt_configuration.alg", remedy: "set it to RS256",
		judge: when(func(c Case) bool { return c.Client.public() && c.Client.hs256() },
			"a client without authentication cannot keep the secret that HS256 verifies with"),
	},
	{
		code: "no_credential", severity: Error, property: "client_authentication_methods", remedy: "create a credential and name it there",
		judge: func(c Case) []place {
			m := c.Client.AuthMethods
			if m == nil {
				return nil
			}
			var out []place
			for _, way := range []struct {
				name string
				refs *CredentialRefs
			}{{"private_key_jwt", m.PrivateKeyJWT}, {"tls_client_auth", m.TLS}, {"self_signed_tls_client_auth", m.SelfSignedTLS}} {
				if way.refs != nil && len(way.refs.Credentials) == 0 {
					out = append(out, place{why: "the client proves itself by " + way.name + ", and no credential is named for it: it cannot get a token"})
				}
			}
			return out
		},
	},
	{
		code: "credential_expired", severity: Error, property: "credentials", remedy: "create a new credential and delete this one",
		judge: expiring("ended", func(now, end time.Time) bool { return !end.After(now) }),
	},
	{
		code: "credential_expires_soon", severity: Warning, property: "credentials", remedy: "create its successor now; both are good until it ends",
		judge: expiring("ends", func(now, end time.Time) bool { return end.After(now) && !end.After(now.Add(expiryNotice)) }),
	},
}

// expiring judges credentials by their end.
func expiring(verb string, near func(now, end time.Time) bool) func(Case) []place {
	return func(c Case) []place {
		var out []place
		for _, cred := range c.Credentials {
			if cred.ExpiresAt == nil || !near(c.Now, *cred.ExpiresAt) {
				continue
			}
			name := cred.ID
			if cred.Name != "" {
				name = fmt.Sprintf("%s (%s)", cred.ID, cred.Name)
			}
			out = append(out, place{why: fmt.Sprintf("credential %s %s at %s", name, verb, cred.ExpiresAt.UTC().Format(time.RFC3339))})
		}
		return out
	}
}
