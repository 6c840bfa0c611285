// Package token is the domain of the token service: it authenticates clients, takes authorization requests, keeps logins and
// sessions, exchanges grants for tokens, and knows the tenant's public keys. It never holds a private key, never reads a password
// without handing it on at once, and has no transport, no SQL and no messages in it.
//
// Implemented so far: RFC 6749 (authorization code, client credentials, refresh), RFC 7009 (revocation), RFC 7636 (PKCE), RFC 9449 (DPoP),
// RFC 8693 (token exchange on behalf of users), RFC 6750 (bearer tokens at /userinfo), RFC 7517 (JWKS), OpenID Connect Core 1.0 (code flow, userinfo, prompt, max_age) and the wire's own additions.
package token
