package token

import (
	"cmp"
	"crypto"
	"crypto/x509"
	"slices"
	"time"

	"github.com/postern-id/postern/libs/oauth"
)

// Client is an OAuth client as its tenant configured it. Values are shared between requests: never change one.
type Client struct {
	ID   string
	Name string
	// Secret is what confidential clients prove themselves with and what HS256 ID tokens are signed with; it never leaves this room.
	Secret Secret
	// SecretEncoded says that the secret is base64 when it is used as an HS256 key.
	SecretEncoded     bool
	Callbacks         []string // the first is the default where one may be left out
	AllowedLogoutURLs []string
	WebOrigins        []string
	AllowedOrigins    []string
	GrantTypes        []oauth.GrantType
	AuthMethod        string // "": any method that proves the secret
	// AuthMethods, where there are any, take the place of AuthMethod: ways to prove a key rather than a secret.
	AuthMethods []string
	Credentials []Credential // what proves the client by AuthMethods
	// ExternalID is the URL by which the client calls itself; empty: by ID.
	ExternalID string
	// Demands are what every request of the client has to do; one that does not is refused.
	Demands           []Demand
	Compliance        Compliance // the profile that the client is held to; "": none
	OrganizationUsage string     // "": deny
	IPHeaderTrusted   bool       // auth0-forwarded-for says whose request it is
	Strict            bool       // a third party held to the narrow rules: see strict.go
	Native            bool       // runs on its user's own device
	FirstParty        bool
	OIDCConformant    bool
	SSODisabled       bool // never reuse a session for this client
	IDTokenAlg        string
	IDTokenLifetime   time.Duration // zero means the wire's 10 h
	InitiateLoginURI  string
	LogoURI           string
	Refresh           RefreshPolicy
	Backchannel       Backchannel
	Exchanges         []string      // kinds of token exchange profiles that the client may use
	PARLifetime       time.Duration // zero: the default
	SkipConfirmation  *bool         // of callbacks that prove nobody; nil: as the tenant says
	// OpenRedirectProtection keeps a third party from using this host to send people where they did not mean to go.
	OpenRedirectProtection bool
	ResourceServer         string // the API that a client of type resource_server stands for
	Quota                  *Quota // of tokens for itself; nil: as the tenant says
	Transfer               TransferPolicy
}

// RefreshPolicy is how a client's refresh tokens live.
type RefreshPolicy struct {
	Rotating bool
	Leeway   time.Duration // how long the token before the newest is still taken
	Lifetime time.Duration // zero: no end
	Idle     time.Duration // zero: no end
	Also     []Further     // what a refresh token opens beside what it was issued for
}

// Further is an API that a refresh token opens, and how far.
type Further struct {
	Audience string
	Scope    Scope
}

// Backchannel is how a client hears of logouts (OIDC Back-Channel Logout §2.2).
type Backchannel struct {
	URL        string   // empty: it does not
	Initiators []string // of those it hears
	All        bool     // of all
	Metadata   bool     // with the session's metadata
}

// Credential is a public key, a certificate or a certificate's subject by which a client proves itself.
type Credential struct {
	ID      string
	Method  string           // oauth.AuthPrivateKeyJWT, …
	KeyID   string           // kid
	Alg     string           // of the signatures
	Public  crypto.PublicKey // nil for what is no key
	Expires time.Time        // zero: never
	// SubjectDN is the name of a certificate (RFC 8705 §2.1.2), Thumbprint a certificate itself (§3.1); empty: it is neither.
	SubjectDN, Thumbprint string
}

// MobileApp is what phones know an app by, so that it may answer for this host: Android its package and certificates, iOS its team and
// bundle. Either may be empty.
type MobileApp struct {
	Package      string
	Fingerprints []string
	Team, Bundle string
}

// Demand is something that a client's configuration asks of its requests; a request that does not do it is refused.
type Demand string

// The demands.
const (
	DemandPAR           Demand = "require_pushed_authorization_requests" // RFC 9126 §5
	DemandRequestObject Demand = "signed_request_object"                 // RFC 9101 §10.5
	DemandProof         Demand = "require_proof_of_possession"           // RFC 9449 §5, RFC 8705 §3
)

// organizationRequired is the organization usage of a client whose users must log in to an organization.
const organizationRequired = "require"

// Public says that the client cannot keep a secret (RFC 6749 §2.1).
func (c *Client) Public() bool { return c.AuthMethod == oauth.AuthNone && len(c.AuthMethods) == 0 }

// Identifier is what the client calls itself, and what tokens call it.
func (c *Client) Identifier() string {
	if c.ExternalID != "" {
		return c.ExternalID
	}
	return c.ID
}

// Allows says whether the client may use the grant.
func (c *Client) Allows(g oauth.GrantType) bool {
	return slices.Contains(c.GrantTypes, g) && (!c.Strict || slices.Contains(strictGrants, g))
}

// Secret is text that no log line shows.
type Secret string

// String hides the secret from fmt.
func (Secret) String() string { return "[secret]" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "[secret]" }

// ResourceServer is what access tokens are for (RFC 6749 §1.1).
type ResourceServer struct {
	Name            string
	Identifier      string // the audience
	Scopes          []string
	SigningAlg      string // "" means RS256
	SigningSecret   Secret // of HS256
	TokenLifetime   time.Duration
	WebLifetime     time.Duration // of tokens that the authorization endpoint hands out
	OfflineAccess   bool
	SkipConsent     bool
	System          bool // the platform's own, such as the Management API
	EnforcePolicies bool // scopes are what roles say, not what is asked for
	Dialect         string
	UserPolicy      AccessPolicy // what users need for a token; "": allow
	// OnlineAccess allows refresh tokens that live as long as their session; OnlineEphemeral, also of a session that ends with its browser.
	OnlineAccess, OnlineEphemeral bool
	ConsentPolicy                 string            // "", "standard": what was consented to is remembered
	Encryption                    *Encryption       // nil: tokens are signed alone
	Proof                         Proof             // what its tokens are bound to
	Descriptions                  map[string]string // of scopes, for people
}

// Proof says what access tokens for a resource server are bound to (RFC 8705 §3, RFC 9449 §5).
type Proof struct {
	Mechanism string // "mtls" or "dpop"; empty: to nothing unless the client brings a proof
	Required  string // "all_clients" or "public_clients"; empty: nobody must
}

// AccessPolicy says how a kind of subject gets tokens for a resource server.
type AccessPolicy string

// The policies.
const (
	AccessAllow AccessPolicy = "allow_all"
	AccessDeny  AccessPolicy = "deny_all"
	AccessGrant AccessPolicy = "require_client_grant"
)

// SubjectType is on whose behalf a client acts.
type SubjectType string

// The subject types of client grants.
const (
	SubjectClient SubjectType = "client" // the client's own (RFC 6749 §4.4)
	SubjectUser   SubjectType = "user"
)

// ClientGrant is what a client may ask of a resource server, on behalf of one kind of subject.
type ClientGrant struct {
	ClientID string
	Audience string
	Scope    []string
	// OrganizationUsage is whether the client must act for an organization; "": it cannot.
	OrganizationUsage string
}

// Connection is a source of identities that is switched on for a client.
type Connection struct {
	ID       string
	Name     string
	Strategy string
}

// StrategyDatabase is the strategy of connections whose passwords this platform keeps.
const StrategyDatabase = "auth0"

// Settings are those of the tenant that this service acts on.
type Settings struct {
	FriendlyName          string
	PictureURL            string
	SupportURL            string
	SupportEmail          string
	DefaultAudience       string
	DefaultDirectory      string // the connection of the password grant
	AllowedLogoutURLs     []string
	SessionLifetime       time.Duration // absolute; zero means 168 h
	IdleSessionLifetime   time.Duration // zero means 72 h
	DefaultRedirectionURI string
	Registration          bool // clients may register themselves (RFC 7591)
	// EphemeralLifetime and EphemeralIdle are those of sessions that end with their browser.
	EphemeralLifetime, EphemeralIdle time.Duration
	Ephemeral                        bool // sessions end with their browser
	LogoutPrompt                     bool // /oidc/logout asks when it cannot tell who wants it
	EndSessionDiscovery              bool // discovery names /oidc/logout
	PushedRequests                   bool // RFC 9126
	IssuerInResponses                bool // RFC 9207
	ACRValues                        []string
	MTLSAliases                      bool // clients may show certificates, at hosts of their own (RFC 8705 §5)
	SkipConfirmation                 bool // of callbacks that prove nobody
	ResourceParameter                bool // resource stands for audience (RFC 8707)
	Locales                          []string
	UserCodes                        UserCodes
	ErrorPageURL                     string
	RevokeRefreshTokenGrant          bool // revoking a refresh token takes what the user agreed to back, too
	RemoveAlgFromJWKS                bool
	ScopeDescriptions                bool // the consent page shows scopes as the API describes them
	// CertificateAuthorities stand behind the certificates of clients (RFC 8705 §2.1). Nil: none does.
	CertificateAuthorities *x509.CertPool
	ClientQuota            *Quota // of clients that have none of their own; nil: any number of tokens
}

// UserCodes is how the codes look that people type on another device (RFC 8628 §6.1).
type UserCodes struct {
	Charset string // "base20" or "digits"
	Mask    string // "*" stands for a character
}

const (
	defaultSessionLifetime = 168 * time.Hour
	defaultIdleLifetime    = 72 * time.Hour
	// Those of sessions that end with their browser.
	defaultEphemeralLifetime = 72 * time.Hour
	defaultEphemeralIdle     = 24 * time.Hour
)

// Lifetimes gives how long a session of that kind lives at most, and how long without use. Idle is never longer than absolute.
func (s *Settings) Lifetimes(ephemeral bool) (absolute, idle time.Duration) {
	absolute, idle = s.SessionLifetime, s.IdleSessionLifetime
	if ephemeral {
		absolute, idle = cmp.Or(s.EphemeralLifetime, defaultEphemeralLifetime), cmp.Or(s.EphemeralIdle, defaultEphemeralIdle)
	}
	if absolute <= 0 {
		absolute = defaultSessionLifetime
	}
	if idle <= 0 {
		idle = defaultIdleLifetime
	}
	return absolute, min(idle, absolute)
}
