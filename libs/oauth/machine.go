package oauth

import (
	"net/netip"
	"strings"
)

// OnThisMachine tells names and addresses that a browser resolves to the machine it runs on, where any program may answer (RFC 8252 §8.3,
// RFC 6761 §6.3). host is without port and brackets.
func OnThisMachine(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	return addr.IsLoopback() || addr.IsUnspecified()
}
