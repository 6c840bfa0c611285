package token

import (
	"net"
	"net/url"
	"slices"
	"strings"
)

// AllowsRedirect says whether uri is one of the client's callbacks. Matching is by the text as it was sent, never by what a
// parser makes of it: a browser and a parser that read a URL differently are how look-alikes get through (RFC 9700 §4.1).
func (c *Client) AllowsRedirect(uri string) bool {
	if !plainURL(uri) || strings.Contains(uri, "#") { // RFC 6749 §3.1.2: no fragment
		return false
	}
	if isPattern(uri) {
		return false
	}
	if slices.Contains(c.Callbacks, uri) {
		return true
	}
	return slices.ContainsFunc(c.Callbacks, func(pattern string) bool {
		return !c.Strict && matchWildcard(pattern, uri) || c.Native && matchLoopback(pattern, uri)
	})
}

// isPattern reports a pattern or a placeholder as it is registered, which leads nowhere.
func isPattern(uri string) bool { return strings.ContainsAny(uri, "*{}") }

// logoutAllowed says whether uri may be returned to: query and fragment do not count, scheme and host ignore case.
func logoutAllowed(list []string, uri string) bool {
	if !plainURL(uri) {
		return false
	}
	want, ok := bareURL(uri)
	if !ok || isPattern(want) {
		return false
	}
	for _, entry := range list {
		have, ok := bareURL(entry)
		if ok && (have == want || matchWildcard(have, want)) {
			return true
		}
	}
	return false
}

// dangerous schemes run in the page they are followed from.
var dangerous = []string{"javascript", "data", "vbscript", "file", "blob", "about"}

// plainURL refuses what browsers read in their own way: control characters, spaces, backslashes, no scheme, a scheme that runs.
func plainURL(uri string) bool {
	for i := range len(uri) {
		if uri[i] <= ' ' || uri[i] == '\\' || uri[i] == 0x7f {
			return false
		}
	}
	scheme, rest, ok := strings.Cut(uri, ":")
	return ok && scheme != "" && rest != "" && !strings.ContainsAny(scheme, "/?#@*") && !slices.Contains(dangerous, strings.ToLower(scheme))
}

// bareURL gives uri without query and fragment, scheme and authority in lower case. A URL with user information is refused.
func bareURL(uri string) (string, bool) {
	uri, _, _ = strings.Cut(uri, "#")
	uri, _, _ = strings.Cut(uri, "?")
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return uri, true // a custom scheme without authority
	}
	authority, path := rest, ""
	if slash := strings.IndexByte(rest, '/'); slash >= 0 {
		authority, path = rest[:slash], rest[slash:]
	}
	if strings.Contains(authority, "@") {
		return "", false
	}
	return strings.ToLower(scheme) + "://" + strings.ToLower(authority) + path, true
}

// matchWildcard matches a pattern with one star in the left-most label of an http(s) host. The star stands for at least one
// character of one label; since those characters are letters, digits, hyphen and underscore alone, it can never swallow a dot, a
// slash or an at sign.
func matchWildcard(pattern, uri string) bool {
	before, after, ok := wildcard(pattern)
	if !ok || len(uri) <= len(before)+len(after) || !strings.HasPrefix(uri, before) || !strings.HasSuffix(uri, after) {
		return false
	}
	for _, r := range []byte(uri[len(before) : len(uri)-len(after)]) {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
		if !letter {
			return false
		}
	}
	return true
}

// wildcard splits a valid pattern at its star. ok is false for a pattern without a star, and for one whose star could stand for
// too much: outside the first label, below a top-level domain, or more than one.
func wildcard(pattern string) (before, after string, ok bool) {
	before, after, ok = strings.Cut(pattern, "*")
	if !ok || strings.Contains(after, "*") {
		return "", "", false
	}
	label, found := strings.CutPrefix(before, "https://")
	if !found {
		label, found = strings.CutPrefix(before, "http://")
	}
	if !found || strings.Contains(label, ".") || !hostText(label) {
		return "", "", false
	}
	rest := after
	if end := strings.IndexAny(after, "/?#"); end >= 0 {
		rest = after[:end]
	}
	host, port, _ := strings.Cut(rest, ":")
	_, parent, dotted := strings.Cut(host, ".")
	if !dotted || !strings.Contains(strings.Trim(parent, "."), ".") || !hostText(host) || !portText(port) {
		return "", "", false
	}
	return before, after, true
}

// hostText reports text of nothing but what stands in the name of a host. Above all it has no at sign and no percent sign: what stands
// before the one is no host, and what the other hides is read by some and not by others.
func hostText(s string) bool {
	for _, r := range []byte(s) {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' || r >= 0x80
		if !ok {
			return false
		}
	}
	return true
}

// matchLoopback lets a native client listen on any port of the loopback address (RFC 8252 §7.3); by address only, since what
// "localhost" resolves to is not ours to say (§8.3).
func matchLoopback(pattern, uri string) bool {
	p, err := url.Parse(pattern)
	if err != nil || p.Scheme != "http" || p.User != nil {
		return false
	}
	ip := net.ParseIP(p.Hostname())
	if ip == nil || !ip.IsLoopback() {
		return false
	}
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "http" && u.User == nil && u.Hostname() == p.Hostname() &&
		u.EscapedPath() == p.EscapedPath() && u.RawQuery == p.RawQuery && u.ForceQuery == p.ForceQuery
}
