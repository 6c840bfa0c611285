package route

import (
	"strings"

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
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	if host == "" || len(host) > 253 {
		return "", false
	}
	plain := true
	for i := range len(host) {
		c := host[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '.':
		case c >= 'A' && c <= 'Z', c >= 0x80:
			plain = false
		default:
			return "", false
		}
	}
	if plain {
		return host, true
	}
	normal, err := idna.Lookup.ToASCII(strings.ToLower(host))
	return normal, err == nil
}
