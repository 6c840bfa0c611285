package client

import (
	"slices"

	"github.com/postern-id/postern/libs/oauth"
)

// checkRefresh holds the refresh policy to its bounds, and rotation to the clients that can follow it (RFC 9700 §4.14.2).
func (c Client) checkRefresh() error {
	r := c.Settings.Group(propRefresh)
	if r == nil {
		return nil
	}
	for _, name := range []string{"token_lifetime", "idle_token_lifetime"} {
		if n := r.Number(name); r.Has(name) && (n < 1 || n > julianYear) {
			return invalidAt(propRefresh+"."+name, "Value %d is not between 1 and %d", n, julianYear)
		}
	}
	expires := r.Text("expiration_type") == "expiring"
	if r.Text("rotation_type") == "rotating" {
		switch {
		case !expires:
			return invalid("refresh_token.rotation_type rotating requires refresh_token.expiration_type expiring")
		case !c.Settings.Flag(propConformant):
			return invalid("refresh_token.rotation_type rotating requires oidc_conformant")
		case !slices.Contains(c.GrantTypes(), string(oauth.GrantRefreshToken)):
			return invalid("refresh_token.rotation_type rotating requires the grant type refresh_token")
		}
	}
	if expires && !r.Flag("infinite_token_lifetime") && !r.Flag("infinite_idle_token_lifetime") &&
		r.Number("idle_token_lifetime") >= r.Number("token_lifetime") {
		return invalid("refresh_token.idle_token_lifetime must be less than refresh_token.token_lifetime")
	}
	return nil
}
