package token

import (
	"net/netip"
	"slices"
	"strings"
)

// AllowsOrigin says whether pages of the web origin (scheme://host[:port], RFC 6454 §6.2) may read this client's answers: its
// allowed origins, its web origins, and those of its callbacks.
func (c *Client) AllowsOrigin(origin string) bool {
	match := c.matchOrigin(origin)
	return slices.ContainsFunc(c.AllowedOrigins, match) || slices.ContainsFunc(c.WebOrigins, match) || slices.ContainsFunc(c.Callbacks, match)
}

// AllowsWebOrigin says whether pages of the web origin may get answers by web_message: its web origins alone, since no redirect stands
// between such an answer and the page.
func (c *Client) AllowsWebOrigin(origin string) bool {
	return slices.ContainsFunc(c.WebOrigins, c.matchOrigin(origin))
}

// matchOrigin gives what says whether an entry, which may be a pattern, means the origin. A pattern itself is no page's origin, and must
// not come into a policy as one.
func (c *Client) matchOrigin(origin string) func(entry string) bool {
	origin = strings.ToLower(origin)
	if strings.Contains(origin, "*") {
		origin = ""
	}
	return func(entry string) bool {
		have := originOf(entry)
		return have != "" && origin != "" && (have == origin || !c.Strict && matchWildcard(have, origin))
	}
}

// originOf gives the web origin of an http(s) URL in lower case, a default port left out; empty for anything else.
func originOf(uri string) string {
	uri = strings.ToLower(uri)
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return ""
	}
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	if !authorityText(rest) { // an origin goes into a header, too
		return ""
	}
	if scheme == "https" {
		rest = strings.TrimSuffix(rest, ":443")
	} else {
		rest = strings.TrimSuffix(rest, ":80")
	}
	return scheme + "://" + rest
}

// authorityText reports a host with or without a port and nothing else; a host may have stars, as patterns do.
func authorityText(s string) bool {
	if inside, ok := strings.CutPrefix(s, "["); ok {
		address, port, closed := strings.Cut(inside, "]")
		ip, err := netip.ParseAddr(address)
		return closed && err == nil && ip.Zone() == "" && (port == "" || port[0] == ':' && portText(port[1:]))
	}
	host, port, _ := strings.Cut(s, ":")
	return host != "" && hostText(strings.ReplaceAll(host, "*", "")) && portText(port)
}

func portText(s string) bool { return strings.Trim(s, "0123456789") == "" }
