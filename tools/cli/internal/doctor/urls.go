package doctor

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var urlRules = []rule{
	{
		code: "http_callback", severity: Error, remedy: "use https; http is for loopback addresses alone",
		judge: each(Client.callbacks, func(_ Case, raw string) bool { return overHTTP(raw) && !loopback(raw) },
			"carries the code or the tokens in the clear"),
	},
	{
		code: "wildcard_callback", severity: Warning, inProduction: Error, remedy: "list each host by its name",
		judge: each(Client.callbacks, wildcard,
			"gives codes and tokens to every host below it, also to one that somebody else takes over"),
	},
	{
		code: "wildcard_origin", severity: Note, inProduction: Warning, remedy: "list each host by its name",
		judge: each(Client.trusted, wildcard,
			"trusts every host below it, also one that somebody else takes over"),
	},
	{
		code: "loopback_beside_production", severity: Warning, remedy: "keep a client of its own for development",
		judge: each(Client.callbacks, func(c Case, raw string) bool {
			return c.Client.AppType != "native" && loopback(raw) && slices.ContainsFunc(c.Client.Callbacks, func(other string) bool { return !loopback(other) })
		}, "stands beside callbacks of a production site: any program on a user's machine may receive its codes"),
	},
	{
		code: "no_callbacks", severity: Error, property: "callbacks",
		remedy: "add the URL to which the application wants its users back, or take authorization_code and implicit away",
		judge: when(func(c Case) bool {
			return len(c.Client.Callbacks) == 0 && c.Client.forLogin() && c.Client.has(redirects...)
		},
			"users log in by redirect, and there is nowhere to send them back to"),
	},
	{
		code: "secret_in_http_url", severity: Error,
		remedy: "take the secret out of the URL, replace it where it is valid, and use https",
		judge: each(Client.visited, func(_ Case, raw string) bool { return overHTTP(raw) && bearsSecret(raw) },
			"has a secret in it that everybody on the way can read"),
	},
	{
		code: "secret_in_browser_url", severity: Warning,
		remedy: "take the secret out of the URL, and replace it where it is valid",
		judge: each(Client.visited, func(_ Case, raw string) bool { return !overHTTP(raw) && bearsSecret(raw) },
			"has a secret in it, and every user's browser is sent there: it stands in the history, and in what pages tell of where one came from"),
	},
}

// urls are those of one property.
type urls struct {
	property string
	all      []string
}

func (c Client) callbacks() []urls { return []urls{{"callbacks", c.Callbacks}} }

// trusted are the URLs besides callbacks that a browser may be sent to or call from.
func (c Client) trusted() []urls {
	return []urls{{"allowed_logout_urls", c.LogoutURLs}, {"web_origins", c.WebOrigins}, {"allowed_origins", c.AllowedOrigins}}
}

// visited are the URLs that a browser fetches with all that is in them.
func (c Client) visited() []urls {
	return []urls{
		{"callbacks", c.Callbacks}, {"allowed_logout_urls", c.LogoutURLs}, {"logo_uri", []string{c.LogoURI}}, {"initiate_login_uri", []string{c.LoginURI}},
	}
}

// each makes a judge of URLs. What a URL holds besides its place is not repeated: it may be a secret.
func each(of func(Client) []urls, bad func(Case, string) bool, why string) func(Case) []place {
	return func(c Case) []place {
		var out []place
		for _, some := range of(c.Client) {
			for _, raw := range some.all {
				if bad(c, raw) {
					out = append(out, place{some.property, fmt.Sprintf("%q %s", bare(raw), why)})
				}
			}
		}
		return out
	}
}

// parsed reads a URL, also one whose host has a {placeholder}.
func parsed(raw string) *url.URL {
	u, err := url.Parse(strings.NewReplacer("{", "", "}", "").Replace(raw))
	if err != nil {
		return &url.URL{}
	}
	return u
}

// userinfo is what stands before the host (RFC 3986 §3.2.1).
var userinfo = regexp.MustCompile(`//[^/?#]*@`)

// bare is a URL without user, query and fragment.
func bare(raw string) string {
	rest, _, _ := strings.Cut(raw, "#")
	rest, _, _ = strings.Cut(rest, "?")
	return userinfo.ReplaceAllString(rest, "//")
}

// overHTTP says whether a URL is fetched without TLS. It reads no more than the scheme, so that what is not quite a URL counts, too.
func overHTTP(raw string) bool {
	scheme, _, found := strings.Cut(raw, ":")
	return found && strings.EqualFold(scheme, "http")
}

// loopback says whether a URL stays on the machine of who opens it (RFC 8252 §7.3).
func loopback(raw string) bool {
	host := strings.ToLower(strings.TrimSuffix(parsed(raw).Hostname(), "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

func wildcard(_ Case, raw string) bool { return strings.Contains(bare(raw), "*") && !loopback(raw) }

// secretNames are what parameters of URLs that hold a secret are called, without regard to case, "-" and "_".
var secretNames = regexp.MustCompile(`^(.*(secret|password|passwd|token|signature|apikey|accesskey|credential)|key|sig|pwd)$`)

// bearsSecret says whether a URL has a user or a parameter that is called like a secret.
func bearsSecret(raw string) bool {
	u := parsed(raw)
	if u.User != nil {
		return true
	}
	for name := range u.Query() {
		if secretNames.MatchString(strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))) {
			return true
		}
	}
	return false
}

// Production says whether a tenant's domain, with or without a port, is more than a development host (RFC 6761 §6.2, §6.3).
func Production(domain string) bool {
	host := strings.ToLower(strings.TrimSuffix(parsed("https://"+domain).Hostname(), "."))
	return host != "localhost" && !strings.HasSuffix(host, ".localhost") && !strings.HasSuffix(host, ".test")
}
