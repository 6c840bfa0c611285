package doctor

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Severity says how bad a finding is.
type Severity string

// The severities, worst first.
const (
	Error   Severity = "error"   // an attacker gains by it, or a login cannot work
	Warning Severity = "warning" // it works, and is wider or older than it should be
	Notice  Severity = "notice"  // worth a look
)

// Finding is one misconfiguration.
type Finding struct {
	Code     string   `json:"code"`
	Severity Severity `json:"severity"`
	Property string   `json:"property"` // as the Management API spells it
	Why      string   `json:"why"`
	Remedy   string   `json:"remedy"`
}

// Client is what the rules read of a client, under the wire's names.
type Client struct {
	ID             string       `json:"client_id"`
	Name           string       `json:"name"`
	Global         bool         `json:"global"`
	AppType        string       `json:"app_type"`
	FirstParty     *bool        `json:"is_first_party"` // nil: first party
	OIDCConformant bool         `json:"oidc_conformant"`
	AuthMethod     string       `json:"token_endpoint_auth_method"` // empty: a secret
	AuthMethods    *AuthMethods `json:"client_authentication_methods"`
	GrantTypes     []string     `json:"grant_types"`
	Callbacks      []string     `json:"callbacks"`
	LogoutURLs     []string     `json:"allowed_logout_urls"`
	WebOrigins     []string     `json:"web_origins"`
	AllowedOrigins []string     `json:"allowed_origins"`
	JWT            JWT          `json:"jwt_configuration"`
	RefreshToken   RefreshToken `json:"refresh_token"`
}

// AuthMethods are the ways of a client without a shared secret.
type AuthMethods struct {
	PrivateKeyJWT *CredentialRefs `json:"private_key_jwt"`
	TLS           *CredentialRefs `json:"tls_client_auth"`
	SelfSignedTLS *CredentialRefs `json:"self_signed_tls_client_auth"`
}

// CredentialRefs are the credentials a method accepts.
type CredentialRefs struct {
	Credentials []struct {
		ID string `json:"id"`
	} `json:"credentials"`
}

// JWT is how a client's ID tokens are made.
type JWT struct {
	Alg             string `json:"alg"` // empty: HS256
	LifetimeSeconds int64  `json:"lifetime_in_seconds"`
}

// RefreshToken is a client's refresh token policy.
type RefreshToken struct {
	Rotation        string `json:"rotation_type"`
	Expiration      string `json:"expiration_type"`
	LifetimeSeconds int64  `json:"token_lifetime"`
	Infinite        bool   `json:"infinite_token_lifetime"`
	InfiniteIdle    bool   `json:"infinite_idle_token_lifetime"`
}

// Credential is a public key or certificate of a client.
type Credential struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	ExpiresAt *time.Time `json:"expires_at"`
}

// Connection is a source of users.
type Connection struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Strategy string `json:"strategy"`
}

// Case is one client with what belongs to it.
type Case struct {
	Client      Client
	Production  bool         // the tenant's domain is no development host
	Audiences   []string     // of its client grants
	Connections []Connection // switched on for it
	Credentials []Credential
	Now         time.Time
}

// Examine gives the findings in the order of the rules. The tenant's global client is nobody's application and has none.
func Examine(c Case) []Finding {
	out := []Finding{}
	if c.Client.Global {
		return out
	}
	for _, r := range rules {
		for _, why := range r.judge(c) {
			severity := r.severity
			if r.inProduction != "" && c.Production {
				severity = r.inProduction
			}
			out = append(out, Finding{Code: r.code, Severity: severity, Property: r.property, Why: why, Remedy: r.remedy})
		}
	}
	return out
}

// ExamineConnection judges a connection by the number of clients it is switched on for.
func ExamineConnection(name string, clients int) []Finding {
	if clients > 0 {
		return nil
	}
	return []Finding{{
		Code: "connection_on_for_nobody", Severity: Notice, Property: "connections", Why: "connection " + name + " is switched on for no client",
		Remedy: "switch it on for the clients whose users it holds, or delete it",
	}}
}

// Worst says whether one of the findings is an error.
func Worst(findings []Finding) bool {
	return slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error })
}

// Production says whether a tenant's domain, with or without a port, is more than a development host (RFC 6761 §6.2, §6.3).
func Production(domain string) bool {
	host := strings.ToLower(domain)
	if u, err := url.Parse("https://" + domain); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	return host != "localhost" && !strings.HasSuffix(host, ".localhost") && !strings.HasSuffix(host, ".test")
}

// has says whether the client may use one of the grant types.
func (c Client) has(types ...string) bool {
	return slices.ContainsFunc(types, func(t string) bool { return slices.Contains(c.GrantTypes, t) })
}

// browserOrDevice says whether the application runs where its user can read it.
func (c Client) browserOrDevice() bool { return c.AppType == "spa" || c.AppType == "native" }

func (c Client) public() bool { return c.AuthMethod == "none" }

func (c Client) thirdParty() bool { return c.FirstParty != nil && !*c.FirstParty }

// keyed says whether the client proves itself by keys of its own.
func (c Client) keyed() bool {
	m := c.AuthMethods
	return m != nil && (m.PrivateKeyJWT != nil || m.TLS != nil || m.SelfSignedTLS != nil)
}

func (c Client) algorithm() string {
	if c.JWT.Alg == "" {
		return "HS256"
	}
	return c.JWT.Alg
}

// database says whether a connection that checks passwords is on for the client.
func (c Case) database() bool {
	return slices.ContainsFunc(c.Connections, func(on Connection) bool {
		return on.Strategy == "auth0" || on.Strategy == "ad"
	})
}

// loopback says whether a URL stays on the machine of who opens it (RFC 8252 §7.3).
func loopback(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func hasScheme(raw, scheme string) bool {
	return len(raw) > len(scheme) && strings.EqualFold(raw[:len(scheme)], scheme) && raw[len(scheme)] == ':'
}
