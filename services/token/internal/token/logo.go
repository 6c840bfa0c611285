package token

import (
	"regexp"
	"slices"
	"strings"
)

// Logo is a client's picture, which browsers fetch from where the client keeps it.
type Logo struct {
	URL    string // empty: there is none
	Origin string // the web origin it comes from, as a content security policy names it
}

// plainHost is a host that stands for itself alone in a content security policy (CSP Level 3 §2.3.1): no wildcard in it and nothing that
// would begin another directive.
var plainHost = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?$`)

// Logo gives the picture that pages show of the client: one that comes by https, so that nobody on the way sees who logs in where, or
// puts another in its place. A strict third party may be anybody, and says itself what it looks like: its picture counts when it comes
// from where its users are led back to (RFC 7591 §5).
func (c *Client) Logo() Logo {
	origin := originOf(c.LogoURI)
	host, https := strings.CutPrefix(origin, "https://")
	if !https || !plainHost.MatchString(host) {
		return Logo{}
	}
	if c.Strict && !slices.ContainsFunc(c.Callbacks, func(uri string) bool { return originOf(uri) == origin }) {
		return Logo{}
	}
	return Logo{URL: c.LogoURI, Origin: origin}
}
