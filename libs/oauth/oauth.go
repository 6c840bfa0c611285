// Package oauth spells the protocol's words once, as the specifications spell them. Standard library only.
package oauth

// GrantType is what a request to /oauth/token asks to be exchanged (RFC 6749 §4, §6).
type GrantType string

// The grants of the foundation.
const (
	GrantAuthorizationCode GrantType = "authorization_code" // RFC 6749 §4.1.3
	GrantClientCredentials GrantType = "client_credentials" // RFC 6749 §4.4
	GrantRefreshToken      GrantType = "refresh_token"      // RFC 6749 §6
	GrantImplicit          GrantType = "implicit"           // RFC 6749 §4.2; allowed at /authorize only
	GrantPassword          GrantType = "password"           // RFC 6749 §4.3
	// GrantPasswordRealm is the password grant with a realm that names the connection (the wire's own).
	GrantPasswordRealm GrantType = "http://auth0.com/oauth/grant-type/password-realm" //nolint:gosec // a name, not a credential
	GrantDeviceCode    GrantType = "urn:ietf:params:oauth:grant-type:device_code"     // RFC 8628 §3.4
	GrantTokenExchange GrantType = "urn:ietf:params:oauth:grant-type:token-exchange"  //nolint:gosec // RFC 8693 §2.1; a name, not a credential
)

// ErrorCode is the `error` of an OAuth answer.
type ErrorCode = string

// The error codes; the status beside them is this platform's wire, not always the RFC's.
const (
	InvalidRequest          ErrorCode = "invalid_request"                   // a parameter is missing, repeated or malformed; 400 (RFC 6749 §5.2)
	InvalidClient           ErrorCode = "invalid_client"                    // unknown client, or its authentication failed; 401 (RFC 6749 §5.2)
	InvalidGrant            ErrorCode = "invalid_grant"                     // code or refresh token unknown, expired, revoked or another client's; 403 on this wire
	UnauthorizedClient      ErrorCode = "unauthorized_client"               // this client may not use this grant; 403 on this wire
	UnsupportedGrantType    ErrorCode = "unsupported_grant_type"            // 403 on this wire
	InvalidScope            ErrorCode = "invalid_scope"                     // 400 (RFC 6749 §5.2)
	AccessDenied            ErrorCode = "access_denied"                     // the user or the policy said no; 403 (RFC 6749 §4.1.2.1)
	UnsupportedResponseType ErrorCode = "unsupported_response_type"         // RFC 6749 §4.1.2.1
	ServerError             ErrorCode = "server_error"                      // RFC 6749 §4.1.2.1
	TemporarilyUnavailable  ErrorCode = "temporarily_unavailable"           // 503 (RFC 6749 §4.1.2.1)
	LoginRequired           ErrorCode = "login_required"                    // OIDC Core §3.1.2.6
	ConsentRequired         ErrorCode = "consent_required"                  // OIDC Core §3.1.2.6
	InteractionRequired     ErrorCode = "interaction_required"              // OIDC Core §3.1.2.6
	UnmetRequirements       ErrorCode = "unmet_authentication_requirements" // OpenID Connect Core Error Code unmet_authentication_requirements 1.0 §2
	InvalidToken            ErrorCode = "invalid_token"                     // RFC 6750 §3.1
	InsufficientScope       ErrorCode = "insufficient_scope"                // RFC 6750 §3.1
)

// Scopes with a meaning of their own.
const (
	ScopeOpenID        = "openid"         // OIDC Core §3.1.2.1
	ScopeProfile       = "profile"        // OIDC Core §5.4
	ScopeEmail         = "email"          // OIDC Core §5.4
	ScopePhone         = "phone"          // OIDC Core §5.4
	ScopeAddress       = "address"        // OIDC Core §5.4
	ScopeOfflineAccess = "offline_access" // OIDC Core §11
	ScopeOnlineAccess  = "online_access"  // the wire's: a refresh token that lives as long as its session
)

// How a client proves itself at the token endpoint (RFC 7591 §2).
const (
	AuthNone          = "none"
	AuthPost          = "client_secret_post"
	AuthBasic         = "client_secret_basic"
	AuthPrivateKeyJWT = "private_key_jwt"             // RFC 7523 §2.2, OIDC Core §9
	AuthTLS           = "tls_client_auth"             // RFC 8705 §2.1: a certificate of an authority, by its subject
	AuthSelfSignedTLS = "self_signed_tls_client_auth" // RFC 8705 §2.2: a certificate by itself
)

// TokenTypeAccess is the type of an access token in a token exchange (RFC 8693 §3).
const TokenTypeAccess = "urn:ietf:params:oauth:token-type:access_token" //nolint:gosec // a name, not a credential

// TokenTypeRefresh is the type of a refresh token in a token exchange (RFC 8693 §3).
const TokenTypeRefresh = "urn:ietf:params:oauth:token-type:refresh_token" //nolint:gosec // a name, not a credential

// TokenTypeTransfer is the type of what hands a session on from an app to a browser (the wire's).
const TokenTypeTransfer = "urn:auth0:params:oauth:token-type:session_transfer_token" //nolint:gosec // a name, not a credential

// TokenTypeNone is the token_type of what is no access token (RFC 8693 §2.2.1).
const TokenTypeNone = "N_A"

// AssertionJWT is the client_assertion_type of a JWT (RFC 7523 §2.2).
const AssertionJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
