package route

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/postern-id/postern/libs/tenancy"
)

// Kind says why a tenant answers at a host.
type Kind string

// The kinds of hosts.
const (
	KindCanonical Kind = "canonical" // <account>.<region>.<base>
	KindAlias     Kind = "alias"     // <account>.<base> of the default region
	KindCustom    Kind = "custom"    // a domain of the customer's
)

// State is what may happen at a host.
type State string

// The states of a tenant, as far as the edge cares.
const (
	StateActive    State = "active"
	StateSuspended State = "suspended" // answers 403
	StateMoving    State = "moving"    // answers 503 for the seconds of a move
	StateDeleted   State = "deleted"   // answers as if it had never been
)

// Entry is one line of the directory: who answers at one host.
type Entry struct {
	Tenant    tenancy.ID
	Name      string
	Region    string
	Cell      string
	Kind      Kind
	State     State
	Canonical string // the tenant's canonical host, without port
}

// NormalHost gives host lower-case, without port and root dot, as A-labels (RFC 5891 §5); ok is false for what no host name is.
func NormalHost(host string) (normal string, ok bool) {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		if strings.Trim(host[i+1:], "0123456789") != "" { // a port is digits (RFC 9110 §7.2)
			return "", false
		}
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	if isName(host) {
		return host, true // nearly all
	}
	for i := range len(host) {
		if host[i] >= 0x80 {
			return fromUnicode(host)
		}
	}
	if host = strings.ToLower(host); isName(host) {
		return host, true
	}
	return "", false
}

// fromUnicode gives the A-labels of a name in other scripts, whose dots may be of those, too (RFC 5895 §2).
func fromUnicode(host string) (normal string, ok bool) {
	if len(host) > maxName || !utf8.ValidString(host) {
		return "", false
	}
	normal, err := idna.Lookup.ToASCII(host)
	normal = strings.TrimSuffix(normal, ".")
	if err != nil || !isName(normal) {
		return "", false
	}
	return normal, true
}

// The longest name and label, in bytes (RFC 1035 §2.3.4).
const (
	maxName  = 253
	maxLabel = 63
)

// isName reports a name in normal form: labels of lower-case letters, digits and hyphens.
func isName(host string) bool {
	if len(host) > maxName {
		return false
	}
	label := 0
	for i := range len(host) {
		switch c := host[i]; {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
			if label++; label > maxLabel {
				return false
			}
		case c == '.' && label > 0:
			label = 0
		default:
			return false
		}
	}
	return label > 0
}
