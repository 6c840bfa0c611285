package client

import "github.com/postern-id/postern/libs/oauth"

// Lifetimes of refresh tokens, in seconds as the wire has them.
const (
	month      = 2_592_000  // 30 days
	halfMonth  = 1_296_000  // 15 days
	julianYear = 31_557_600 // 365.25 days, the most any refresh token lives

	defaultLifetime = 36_000 // 10 hours, of an ID token
	strictLifetime  = 3_600
)

// defaultsOf gives what a new client has where nothing was sent, by what was sent.
func defaultsOf(c Client) Settings {
	d := Settings{
		propConformant: false, "is_token_endpoint_ip_header_trusted": false, "sso_disabled": false, "cross_origin_authentication": false,
		"custom_login_page_on": true,
		propGrantTypes:         list(oauth.GrantAuthorizationCode, oauth.GrantImplicit, oauth.GrantRefreshToken, oauth.GrantClientCredentials),
		propJWT:                map[string]any{"secret_encoded": false, "lifetime_in_seconds": float64(defaultLifetime)},
		propRefresh:            lasting(month, halfMonth),
	}
	switch method := c.AuthMethod(); {
	case method == oauth.AuthNone, method == "" && !c.Settings.Has(propAuthMethods) && (c.AppType == AppSPA || c.AppType == AppNative):
		d[propGrantTypes] = list(oauth.GrantAuthorizationCode, oauth.GrantImplicit, oauth.GrantRefreshToken)
	case method != "":
		d[propRefresh] = lasting(julianYear, month)
	}
	switch c.AppType {
	case AppResourceServer:
		d[propConformant] = true
		d[propGrantTypes] = []any{}
		d[propJWT] = map[string]any{"secret_encoded": false, "alg": "RS256"}
	case AppExpress:
		d[propConformant] = true
		d[propGrantTypes] = list(oauth.GrantAuthorizationCode, oauth.GrantClientCredentials)
		d[propUsage], d[propBehaviour] = "require", "pre_login_prompt"
		if c.AuthMethod() == "" {
			d[propAuthMethods] = map[string]any{"private_key_jwt": map[string]any{"credentials": []any{}}}
		}
	}
	if c.FirstParty {
		return d
	}
	d[propConformant] = true
	d[propMode] = modeStrict
	if c.Strict() {
		d["redirection_policy"] = "open_redirect_protection"
		d[propGrantTypes] = list(oauth.GrantAuthorizationCode, oauth.GrantRefreshToken)
		d[propJWT] = map[string]any{"secret_encoded": false, "alg": "RS256", "lifetime_in_seconds": float64(strictLifetime)}
		d[propRefresh] = expiring("non-rotating")
	} else if c.Public() {
		d[propRefresh] = expiring("rotating")
	}
	return d
}

// lasting is the refresh policy under which nothing ends, with the lifetimes that would count if it did.
func lasting(absolute, idle int) map[string]any {
	return map[string]any{
		"rotation_type": "non-rotating", "expiration_type": "non-expiring", "leeway": float64(0),
		"token_lifetime": float64(absolute), "infinite_token_lifetime": true,
		"idle_token_lifetime": float64(idle), "infinite_idle_token_lifetime": true,
	}
}

// expiring is the refresh policy under which tokens end.
func expiring(rotation string) map[string]any {
	return map[string]any{
		"rotation_type": rotation, "expiration_type": "expiring", "leeway": float64(0),
		"token_lifetime": float64(month), "infinite_token_lifetime": false,
		"idle_token_lifetime": float64(halfMonth), "infinite_idle_token_lifetime": false,
	}
}

// filled completes the groups that are replaced whole but shown complete.
func filled(s Settings) Settings {
	out := s.Clone()
	if group := s.Group(propJWT); group != nil {
		out[propJWT] = map[string]any(group.withDefaults(Settings{"secret_encoded": false}))
	}
	if group := s.Group(propRefresh); group != nil {
		base := lasting(month, halfMonth)
		if group.Text("expiration_type") == "expiring" {
			base = expiring("")
		}
		if life := group.Number("token_lifetime"); life > 0 && life <= halfMonth && !group.Has("idle_token_lifetime") {
			base["idle_token_lifetime"] = float64(max(1, life-1)) // idle stays below absolute
		}
		out[propRefresh] = map[string]any(group.withDefaults(base))
	}
	return out
}
