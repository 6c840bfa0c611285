package route

import "strings"

// Service names a service of a cell.
type Service string

// The services that answer at a tenant's host.
const (
	Tenant Service = "tenant"
	Client Service = "client"
	User   Service = "user"
	Token  Service = "token"
	Log    Service = "log"
)

// Services are all of them, each with a part of the Management API.
func Services() []Service { return []Service{Client, User, Token, Log, Tenant} }

const management = "/api/v2/"

// Registration is where clients register themselves (RFC 7591 §3).
const Registration = "/oidc/register"

// IsManagement reports whether a path is the Management API's, whether or not anything answers there.
func IsManagement(path string) bool {
	return strings.HasPrefix(path, management) || path == strings.TrimSuffix(management, "/")
}

// resources says which service answers which resource of the Management API. What is not here is 404.
var resources = map[string]Service{
	"clients": Client, "client-grants": Client, "resource-servers": Client, "connections": Client, "rules": Client, "rules-configs": Client,
	"hooks": Client, "actions": Client, "connection-profiles": Client, "connections-directory-provisionings": Client,
	"connections-scim-configurations": Client, "token-exchange-profiles": Client, "self-service-profiles": Client,
	"user-attribute-profiles": Client, "flows": Client, "forms": Client,

	"users": User, "users-by-email": User, "roles": User, "organizations": User, "user-blocks": User, "tickets": User, "jobs": User,
	"guardian": User, "groups": User, "anomaly": User, "verifiable-credentials": User,

	"keys": Token, "sessions": Token, "refresh-tokens": Token, "grants": Token, "device-credentials": Token,

	"logs": Log, "log-streams": Log, "stats": Log, "event-streams": Log, "events": Log,

	"tenants": Tenant, "custom-domains": Tenant, "branding": Tenant, "prompts": Tenant, "emails": Tenant, "email-templates": Tenant,
	"attack-protection": Tenant, "network-acls": Tenant, "rate-limit-policies": Tenant, "risk-assessments": Tenant, "supplemental-signals": Tenant,
}

// ServiceFor gives the service that answers a path at a tenant's host; ok is false when none does. Everything outside the
// Management API is the token service's, the Authentication API and its pages, except the registration of clients.
func ServiceFor(path string) (s Service, ok bool) {
	if path == Registration {
		return Client, true
	}
	rest, isManagement := strings.CutPrefix(path, management)
	if !isManagement {
		return Token, path != strings.TrimSuffix(management, "/")
	}
	resource, rest, _ := strings.Cut(rest, "/")
	s, ok = resources[resource]
	_, part, _ := strings.Cut(rest, "/")
	switch {
	case resource == "users" && part == "logs":
		return Log, true
	case resource == "users" && (part == "sessions" || part == "refresh-tokens"):
		return Token, true
	case resource == "connections" && part == "users":
		return User, true
	}
	return s, ok
}

// certified are the paths where a client's certificate counts: those that clients call themselves.
var certified = map[string]bool{"/oauth/token": true, "/oauth/revoke": true, "/oauth/par": true, "/oauth/device/code": true, "/userinfo": true}

// TakesCertificates reports whether a path is answered at the host where clients show certificates. Pages are not: there would be a
// second login page, with cookies of its own, that troubles people for a certificate.
func TakesCertificates(path string) bool { return certified[path] }
