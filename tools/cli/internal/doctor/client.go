package doctor

import (
	"slices"
	"time"
)

// Client is what the rules read of a client, under the wire's names.
type Client struct {
	ID             string         `json:"client_id"`
	Name           string         `json:"name"`
	Global         bool           `json:"global"`
	AppType        string         `json:"app_type"`
	FirstParty     *bool          `json:"is_first_party"` // nil: first party
	OIDCConformant bool           `json:"oidc_conformant"`
	AuthMethod     string         `json:"token_endpoint_auth_method"` // empty: any way that uses the secret
	AuthMethods    *AuthMethods   `json:"client_authentication_methods"`
	SignedRequest  *SignedRequest `json:"signed_request_object"`
	GrantTypes     []string       `json:"grant_types"`
	Callbacks      []string       `json:"callbacks"`
	LogoutURLs     []string       `json:"allowed_logout_urls"`
	WebOrigins     []string       `json:"web_origins"`
	AllowedOrigins []string       `json:"allowed_origins"`
	LogoURI        string         `json:"logo_uri"`
	LoginURI       string         `json:"initiate_login_uri"`
	JWT            JWT            `json:"jwt_configuration"`
	RefreshToken   RefreshToken   `json:"refresh_token"`
}

// Properties are the wire's names of what Client holds; the client's secrets are not among them.
var Properties = []string{
	"client_id", "name", "global", "app_type", "is_first_party", "oidc_conformant", "token_endpoint_auth_method", "client_authentication_methods",
	"signed_request_object", "grant_types", "callbacks", "allowed_logout_urls", "web_origins", "allowed_origins", "logo_uri", "initiate_login_uri",
	"jwt_configuration", "refresh_token",
}

// AuthMethods are the ways by which a client without a shared secret proves itself.
type AuthMethods struct {
	PrivateKeyJWT *CredentialRefs `json:"private_key_jwt"`
	TLS           *CredentialRefs `json:"tls_client_auth"`
	SelfSignedTLS *CredentialRefs `json:"self_signed_tls_client_auth"`
}

// CredentialRefs name the credentials that a method accepts.
type CredentialRefs struct {
	Credentials []CredentialRef `json:"credentials"`
}

// CredentialRef names a credential of the client.
type CredentialRef struct {
	ID string `json:"id"`
}

// SignedRequest is the policy for signed authorization requests (RFC 9101).
type SignedRequest struct {
	Credentials []CredentialRef `json:"credentials"`
}

// JWT is how a client's ID tokens are made.
type JWT struct {
	Alg             string `json:"alg"` // empty: by the client's way of proving itself
	LifetimeSeconds int64  `json:"lifetime_in_seconds"`
}

// RefreshToken is a client's refresh token policy.
type RefreshToken struct {
	Rotation        string `json:"rotation_type"`
	Expiration      string `json:"expiration_type"`
	LifetimeSeconds int64  `json:"token_lifetime"`
	Infinite        bool   `json:"infinite_token_lifetime"`
}

// Grant is what a client may ask of an audience. A SubjectType other than "client" (or empty) is for tokens of users.
type Grant struct {
	ClientID    string `json:"client_id"` // empty: a grant that stands in for all third-party clients
	Audience    string `json:"audience"`
	SubjectType string `json:"subject_type"`
}

// Connection is a source of users.
type Connection struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Strategy string `json:"strategy"`
	Domain   bool   `json:"is_domain_connection"` // third-party clients may use it without being named
}

// Credential is a public key, certificate or subject of a client.
type Credential struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	ExpiresAt *time.Time `json:"expires_at"` // nil: never
}

// HasCredentials says whether the client is set to prove something by credentials.
func (c Client) HasCredentials() bool { return c.keyed() || c.SignedRequest != nil }

// ThirdParty says whether the application is somebody else's.
func (c Client) ThirdParty() bool { return c.FirstParty != nil && !*c.FirstParty }

// has says whether the client may use one of the grant types.
func (c Client) has(types ...string) bool {
	return slices.ContainsFunc(types, func(t string) bool { return slices.Contains(c.GrantTypes, t) })
}

// atUsers says whether the application runs where its user can read it.
func (c Client) atUsers() bool { return c.AppType == "spa" || c.AppType == "native" }

// forLogin says whether the application is of a kind in which users log in by redirect.
func (c Client) forLogin() bool { return c.atUsers() || c.AppType == "regular_web" }

// keyed says whether the client proves itself by keys of its own.
func (c Client) keyed() bool {
	m := c.AuthMethods
	return m != nil && (m.PrivateKeyJWT != nil || m.TLS != nil || m.SelfSignedTLS != nil)
}

func (c Client) public() bool { return c.AuthMethod == "none" && !c.keyed() }

// shared says whether the client proves itself by the secret.
func (c Client) shared() bool { return !c.public() && !c.keyed() }

// hs256 says whether ID tokens are verified with the client's secret, which is so where nothing else is set.
func (c Client) hs256() bool { return c.JWT.Alg == "HS256" || c.JWT.Alg == "" && c.shared() }

// called says whether pages are listed that may call with this client from a browser.
func (c Client) called() bool { return len(c.WebOrigins)+len(c.AllowedOrigins) > 0 }

// machine says whether the client may get tokens for itself.
func (c Case) machine() bool {
	return slices.ContainsFunc(c.Grants, func(g Grant) bool { return g.SubjectType == "" || g.SubjectType == "client" })
}

// database says whether a connection that checks passwords is on for the client.
func (c Case) database() bool {
	return slices.ContainsFunc(c.Connections, func(on Connection) bool { return slices.Contains([]string{"auth0", "ad", "auth0-adldap"}, on.Strategy) })
}
