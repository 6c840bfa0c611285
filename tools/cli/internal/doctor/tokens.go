package doctor

import "time"

const (
	longIDToken = 24 * time.Hour
	longRefresh = 90 * 24 * time.Hour // longer than any quarter
)

var tokenRules = []rule{
	{
		code: "public_refresh_not_rotating", severity: Warning, property: "refresh_token.rotation_type",
		remedy: "set rotation_type to rotating and expiration_type to expiring",
		judge: when(func(c Case) bool {
			return c.Client.public() && c.Client.has(refreshGrant) && c.Client.RefreshToken.Rotation != "rotating"
		}, "a stolen refresh token of a public client is good until it is revoked by hand (RFC 9700 §4.14.2)"),
	},
	{
		code: "long_refresh_lifetime", severity: Note, property: "refresh_token.token_lifetime", remedy: "set expiration_type to expiring, with a shorter token_lifetime",
		judge: when(func(c Case) bool {
			r := c.Client.RefreshToken
			return c.Client.has(refreshGrant) && r.Rotation == "rotating" && (r.Infinite || time.Duration(r.LifetimeSeconds)*time.Second > longRefresh)
		}, "refresh tokens rotate, and the login behind them lives for more than 90 days"),
	},
	{
		code: "long_id_token_lifetime", severity: Note, property: "jwt_configuration.lifetime_in_seconds", remedy: "shorten it; an ID token is read once, at login",
		judge: when(func(c Case) bool { return time.Duration(c.Client.JWT.LifetimeSeconds)*time.Second > longIDToken },
			"ID tokens live for more than a day"),
	},
}
