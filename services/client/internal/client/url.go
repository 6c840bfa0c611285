package client

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/postern-id/postern/libs/oauth"
)

// maxURL bounds a URL in bytes; browsers and proxies stop at about this length too.
const maxURL = 2048

// placeholders that may stand in a URL's host; they are filled in when a request is matched, never here.
const (
	organizationPlaceholder = "{organization_name}"
	metadataPlaceholder     = "{custom_domain.metadata."
)

var errPlaceholder = errors.New("placeholders stand in the host only")

// urlRule says what a URL property takes beyond being absolute.
type urlRule struct {
	stars      bool // a wildcard in the left-most label
	names      bool // the organization's name as the left-most label
	domains    bool // metadata of the custom domain in the host
	fragment   bool
	httpsOnly  bool // and not on this machine
	loopback   bool // which may be this machine's then
	httpOnly   bool // http or https
	allowEmpty bool
}

var (
	callbackRule = urlRule{stars: true, names: true, domains: true}
	logoutRule   = urlRule{stars: true, domains: true, fragment: true}
	webRule      = urlRule{stars: true, domains: true, fragment: true}
	corsRule     = urlRule{stars: true, names: true, domains: true, fragment: true}
	pageRule     = urlRule{fragment: true, httpOnly: true, allowEmpty: true}
	secureRule   = urlRule{fragment: true, httpsOnly: true, allowEmpty: true}
	initiateRule = urlRule{fragment: true, httpsOnly: true, domains: true, allowEmpty: true}
	backRule     = urlRule{httpsOnly: true, loopback: true} // tells nobody in plain text, and libs/egress would not
)

// scriptSchemes run in whoever opens them; a redirect to one would be an injection.
var scriptSchemes = map[string]bool{"javascript": true, "data": true, "vbscript": true, "blob": true, "file": true, "about": true, "view-source": true}

// checkURLs refuses the first of values that the rule does not take.
func checkURLs(property string, values []string, rule urlRule) error {
	for i, value := range values {
		if err := checkURL(property+"["+strconv.Itoa(i)+"]", value, rule); err != nil {
			return err
		}
	}
	return nil
}

func checkURL(path, value string, rule urlRule) error {
	if value == "" && rule.allowEmpty {
		return nil
	}
	if reason := rule.refuses(value); reason != "" {
		return refused(path, value, rule, reason)
	}
	return nil
}

// reasonHTTPS is why a rule that wants https does not take a URL.
const reasonHTTPS = "it must be https and not on localhost"

// refused says that the rule does not take the value.
func refused(path, value string, rule urlRule, reason string) error {
	format := "absolute-uri-or-empty"
	if rule.httpsOnly {
		format = "absolute-https-uri-or-empty"
	}
	return invalidAt(path, "Object didn't pass validation for format %s: %s", format, quoted(value)+" ("+reason+")")
}

// quoted shows a value that may hold anything in a sentence, shortened.
func quoted(value string) string {
	const most = 200
	clean := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, value)
	if runes := []rune(clean); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return clean
}

// refuses gives the reason why the rule does not take the value; "" when it does.
func (r urlRule) refuses(value string) string {
	if len(value) > maxURL {
		return "longer than " + strconv.Itoa(maxURL) + " bytes"
	}
	for _, c := range value {
		// Browsers drop or turn around such characters; what was listed would not be where they go.
		if c <= ' ' || c == 0x7f || c == '\\' || unicode.IsControl(c) || unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) {
			return "holds a character that no URL has"
		}
	}
	bare, err := r.withoutPlaceholders(value)
	if err != nil {
		return err.Error()
	}
	u, err := url.Parse(strings.ReplaceAll(bare, "*", "wildcard"))
	if err != nil || u.Scheme == "" {
		return "not an absolute URL"
	}
	scheme := strings.ToLower(u.Scheme)
	web := scheme == "http" || scheme == "https"
	switch {
	case scriptSchemes[scheme]:
		return "the scheme " + scheme + " is not allowed"
	case web && u.Hostname() == "":
		return "it names no host"
	case u.User != nil:
		return "it holds credentials"
	case strings.Contains(value, "#") && !r.fragment: // an empty one, too
		return "it holds a fragment" // RFC 6749 §3.1.2
	case r.httpsOnly && (scheme != "https" || !r.loopback && oauth.OnThisMachine(u.Hostname())):
		return reasonHTTPS
	case r.httpOnly && !web:
		return "it must be http or https"
	case !web && bare != value:
		return "placeholders need http or https"
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "no such port"
		}
	}
	return r.refusesStars(value, web)
}

// refusesStars holds wildcards to one label, the left-most, of a http(s) host with at least two labels after it.
func (r urlRule) refusesStars(value string, web bool) string {
	if !strings.Contains(value, "*") {
		return ""
	}
	if !r.stars {
		return "wildcards are not allowed here"
	}
	if !web {
		return "wildcards need http or https"
	}
	_, rest, _ := strings.Cut(value, "://")
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	host, _, _ = strings.Cut(host, ":")
	label, parent, _ := strings.Cut(host, ".")
	switch {
	case strings.Count(value, "*") > 1:
		return "only one wildcard is allowed"
	case !strings.Contains(label, "*"):
		return "a wildcard is only allowed in the left-most subdomain"
	case !strings.Contains(strings.Trim(parent, "."), "."):
		return "a wildcard needs a domain of its own to the right"
	case strings.Contains(value, "{"):
		return "a wildcard and a placeholder exclude each other"
	}
	return ""
}

// withoutPlaceholders puts a plain label where a placeholder stands, and refuses one that stands where none may.
func (r urlRule) withoutPlaceholders(value string) (string, error) {
	if !strings.ContainsAny(value, "{}") {
		return value, nil
	}
	scheme, rest, ok := strings.Cut(value, "://")
	if !ok {
		return "", errPlaceholder
	}
	host, tail := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host, tail = rest[:end], rest[end:]
	}
	if strings.ContainsAny(tail, "{}") {
		return "", errPlaceholder
	}
	if organization, ok := strings.CutPrefix(host, organizationPlaceholder); ok && r.names {
		if !strings.HasPrefix(organization, ".") {
			return "", fmt.Errorf("%s must be a whole label", organizationPlaceholder)
		}
		host = "organization" + organization
	}
	for r.domains {
		start := strings.Index(host, metadataPlaceholder)
		if start < 0 {
			break
		}
		end := strings.IndexByte(host[start:], '}')
		if end < 0 {
			return "", errors.New("a placeholder is not closed")
		}
		key := host[start+len(metadataPlaceholder) : start+end]
		if !strings.HasPrefix(key, "public_") && !strings.HasPrefix(key, "PUBLIC_") || strings.ContainsAny(key, "{.") {
			return "", errors.New("a metadata placeholder names a key that starts with public_")
		}
		host = host[:start] + "metadata" + host[start+end+1:]
	}
	if strings.ContainsAny(host, "{}") {
		return "", errors.New("no such placeholder here, or not in the left-most label")
	}
	return scheme + "://" + host + tail, nil
}

// withoutOrganization puts a plain label where initiate_login_uri names metadata of the organization, which is known when it is used.
func withoutOrganization(value string) string {
	const placeholder = "{organization.metadata."
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(value, placeholder)
		key, after, closed := strings.Cut(rest, "}")
		if !ok || !closed || key == "" || strings.ContainsAny(key, "{/?#@:.") {
			return out.String() + value
		}
		out.WriteString(before + "organization")
		value = after
	}
}
