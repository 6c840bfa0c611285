// Package tenancy says whose request this is. The router proves the tenant from the host and seals it into one header;
// handlers take it from the context and hand it down as an argument. There is no default tenant.
package tenancy

import (
	"context"
	"strings"
)

// ID names a tenant: "tnt_" and a ULID, unique over all regions and never reused.
type ID string

// Tenant is whose request this is, as the edge proved it. The zero Tenant means "nobody's".
type Tenant struct {
	ID     ID     `json:"id"`
	Name   string `json:"name"`   // the account's slug, "acme"; what `tenant` fields show on the wire
	Region string `json:"region"` // "eu"
	Cell   string `json:"cell"`   // the data plane it lives in
	// Host is the host of this request with its public port when that is not 443, lower case, and one the directory knows.
	Host string `json:"host"`
	// Canonical is the tenant's canonical host in the same form; audiences of the tenant's own APIs use it on every host.
	Canonical string `json:"canonical"`
	// Base is scheme://host[:port] of the listener this request came by; endpoint URLs handed out start with it.
	Base string `json:"base"`
	// Certificates are those that the client showed the edge, which saw it prove the first one's key (RFC 8705 §2): DER, one after
	// another, base64url. Nothing else of them is checked. Empty: it showed none.
	Certificates string `json:"certificates,omitempty"`
}

// Issuer is the iss of tokens made by this request: https, host, trailing slash (RFC 8414 §2).
func (t Tenant) Issuer() string { return "https://" + t.Host + "/" }

// ManagementAudience is the identifier of the tenant's own Management API, the same on every host.
func (t Tenant) ManagementAudience() string { return "https://" + t.Canonical + "/api/v2/" }

// UserinfoAudience is the aud that opens /userinfo, the same on every host.
func (t Tenant) UserinfoAudience() string { return "https://" + t.Canonical + "/userinfo" }

// MTLSLabel before a tenant's host makes the host where the edge asks clients for a certificate (RFC 8705 §5). Browsers have no business
// there, since they would trouble people with the question.
const MTLSLabel = "mtls."

// MTLSBase is what Base is at the host where clients show certificates.
func (t Tenant) MTLSBase() string { return "https://" + MTLSLabel + t.Host }

// Hostname is Host without its port.
func (t Tenant) Hostname() string {
	h, _, _ := strings.Cut(t.Host, ":")
	return h
}

type contextKey struct{}

// With puts the tenant into ctx.
func With(ctx context.Context, t Tenant) context.Context {
	return context.WithValue(ctx, contextKey{}, t)
}

// From gives the tenant that the edge put into ctx; ok is false when there is none.
func From(ctx context.Context) (t Tenant, ok bool) {
	t, ok = ctx.Value(contextKey{}).(Tenant)
	return t, ok && t.ID != ""
}
