package tenant

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/libs/fault"
)

// Slug is an account's name: the first label of its tenants' hosts. It is unique over the platform and never used again.
type Slug string

// The length of a slug: a DNS label (RFC 1035 §2.3.4), and not so short that names run out.
const (
	slugMin = 3
	slugMax = 63
)

// reserved are the names that no account may have: hosts of the platform itself, and names a visitor would take for them.
var reserved = []string{
	"abuse", "account", "accounts", "admin", "administrator", "api", "app", "apps", "ask", "assets", "auth", "billing", "blog", "cdn", "ci",
	"config", "console", "dashboard", "dev", "docker", "docs", "edge", "feedback", "ftp", "guardian", "help", "hostmaster", "id", "imap",
	"int", "internal", "localhost", "login", "logs", "mail", "manage", "metrics", "mta-sts", "mx", "noreply", "oauth", "pop", "pop3",
	"postern", "postmaster", "release", "releases", "root", "sdk", "security", "signin", "signup", "smtp", "spf", "sso", "stage", "static",
	"stats", "status", "styleguide", "support", "system", "tenants", "webmaster", "webtask", "www",
	// machines of the platform's own people ask these for proxies and mail servers, by themselves
	"autoconfig", "autodiscover", "isatap", "wpad",
	// regions that exist or may come: <account>.<base> and <region>.<base> share one label
	"au", "ca", "eu", "jp", "me", "uk", "us", "global", "region", "regions",
}

// ParseSlug checks a name wished for: 3 to 63 of a-z, 0-9 and hyphens, no hyphen at either end, no punycode, and neither reserved
// nor one of the regions. Invalid says which rule it breaks.
func ParseSlug(name string, regions []Region) (Slug, error) {
	switch {
	case len(name) < slugMin || len(name) > slugMax:
		return "", fault.Invalid("invalid_account", "The account name must have 3 to 63 characters")
	case name[0] == '-' || name[len(name)-1] == '-':
		return "", fault.Invalid("invalid_account", "The account name must not begin or end with a hyphen")
	case len(name) >= 4 && name[2:4] == "--": // would be read as an A-label (RFC 5891 §4.2.3.1), which shows as another name
		return "", fault.Invalid("invalid_account", "The account name must not have two hyphens at its third and fourth place")
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", fault.Invalid("invalid_account", "The account name may hold lower-case letters a-z, digits and hyphens only")
		}
	}
	if slices.Contains(reserved, name) || slices.ContainsFunc(regions, func(r Region) bool { return strings.EqualFold(string(r), name) }) {
		return "", fault.Invalid("reserved_account", "This account name is reserved")
	}
	return Slug(name), nil
}
