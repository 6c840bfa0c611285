package client

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/postern-id/postern/libs/oauth"
)

// maxMetadataURL bounds the URL by which a client calls itself, in bytes: it is a claim of every token for it.
const maxMetadataURL = 120

// refusesMetadataURL gives the reason why no client can call itself by a URL; "" when one can. Two clients are told apart by comparing
// URLs byte by byte, so a URL must have no second spelling.
func refusesMetadataURL(text string) string {
	if text == "" || len(text) > maxMetadataURL {
		return "it must have 1 to " + strconv.Itoa(maxMetadataURL) + " bytes"
	}
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\\\"<>^`{|}*", c) >= 0 {
			return "it holds a character that no URL has"
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || !strings.HasPrefix(text, "https://"):
		return "it must be an https URL"
	case u.User != nil:
		return "it holds credentials"
	case strings.Contains(text, "?"):
		return "it holds a query"
	case strings.Contains(text, "#"):
		return "it holds a fragment"
	case u.EscapedPath() == "" || u.EscapedPath() == "/":
		return "it has no path"
	case hasDotSegments(u.EscapedPath()):
		return "its path holds dot segments"
	case !goodPort(u):
		return "no such port"
	case oauth.OnThisMachine(u.Hostname()):
		return "it must not be on localhost"
	}
	return ""
}

// hasDotSegments finds segments that a server or a library may take away, however they are written.
func hasDotSegments(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if bare, err := url.PathUnescape(segment); err != nil || bare == "." || bare == ".." {
			return true
		}
	}
	return false
}

func goodPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n >= 1 && n <= 65535
}

// sameOrigin reports whether two https URLs are of one server (RFC 6454 §4).
func sameOrigin(a, b *url.URL) bool {
	port := func(u *url.URL) string {
		if u.Port() == "" {
			return "443"
		}
		return u.Port()
	}
	return a.Scheme == "https" && b.Scheme == "https" && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}
