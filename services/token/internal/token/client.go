package token

import (
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
	Native            bool   // runs on its user's own device
	FirstParty        bool
	OIDCConformant    bool
	SSODisabled       bool // never reuse a session for this client
	IDTokenAlg        string
	IDTokenLifetime   time.Duration // zero means the wire's 10 h
	InitiateLoginURI  string
	LogoURI           string
}

// Public says that the client cannot keep a secret (RFC 6749 §2.1).
func (c *Client) Public() bool { return c.AuthMethod == oauth.AuthNone }

// Allows says whether the client may use the grant.
func (c *Client) Allows(g oauth.GrantType) bool { return slices.Contains(c.GrantTypes, g) }

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
}

// ClientGrant is what a client may ask of a resource server in its own name (RFC 6749 §4.4).
type ClientGrant struct {
	ClientID string
	Audience string
	Scope    []string
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
	AllowedLogoutURLs     []string
	SessionLifetime       time.Duration // absolute; zero means 168 h
	IdleSessionLifetime   time.Duration // zero means 72 h
	DefaultRedirectionURI string
}

const (
	defaultSessionLifetime = 168 * time.Hour
	defaultIdleLifetime    = 72 * time.Hour
)

// Lifetimes gives how long a session lives at most, and how long without use. Idle is never longer than absolute.
func (s *Settings) Lifetimes() (absolute, idle time.Duration) {
	absolute, idle = s.SessionLifetime, s.IdleSessionLifetime
	if absolute <= 0 {
		absolute = defaultSessionLifetime
	}
	if idle <= 0 {
		idle = defaultIdleLifetime
	}
	return absolute, min(idle, absolute)
}
