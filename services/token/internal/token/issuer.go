package token

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

const (
	defaultIDTokenLifetime = 10 * time.Hour
	defaultAccessLifetime  = 24 * time.Hour
	// OpaqueLifetime is the wire's fixed life of a token for /userinfo alone.
	OpaqueLifetime = 24 * time.Hour
)

// Issuer makes tokens.
type Issuer struct {
	Keys   KeyRing
	Signer Signer
}

// Issue is what tokens are to say.
type Issue struct {
	Tenant         tenancy.Tenant
	Client         *Client
	User           *User // nil: the client itself
	Grant          oauth.GrantType
	Authorization  Authorization
	ResourceServer *ResourceServer // nil: an opaque token
	// Front is what the authorization endpoint hands out; zero at the token endpoint.
	Front ResponseType
	State string // of the authorization request, beside Front
	// Binding is what the access token is bound to (Permit.Binding); empty: to nothing.
	Binding string
	Now     time.Time
}

// Issued is what was made. Nothing of it is valid yet where Opaque is set: the store must know that first.
type Issued struct {
	AccessToken string
	ExpiresIn   time.Duration
	IDToken     string
	Opaque      *AccessToken
}

// Issue makes the tokens, both signatures at once. fault.Unavailable while the keys cannot be used: there is never a weaker one.
func (i *Issuer) Issue(ctx context.Context, in Issue) (Issued, error) {
	if in.User == nil || !in.Authorization.Scope.Has(oauth.ScopeOpenID) {
		return i.access(ctx, in)
	}
	type result struct {
		token string
		err   error
	}
	done := make(chan result, 1)
	go func() {
		token, err := i.idToken(ctx, in, nil)
		done <- result{token, err}
	}()
	issued, err := i.access(ctx, in)
	id := <-done
	if err = errors.Join(err, id.err); err != nil {
		return Issued{}, err
	}
	issued.IDToken = id.token
	return issued, nil
}

// access makes the access token.
func (i *Issuer) access(ctx context.Context, in Issue) (Issued, error) {
	a := in.Authorization
	if a.transfer() != nil { // not one that opens anything: it is for the door of /authorize
		return Issued{AccessToken: newSecret(), ExpiresIn: transferLife}, nil
	}
	if in.ResourceServer == nil {
		raw, life := newSecret(), OpaqueLifetime
		if in.Front.Front() && !in.Front.Code {
			life = frontOpaqueLifetime
		}
		return Issued{AccessToken: raw, ExpiresIn: life, Opaque: &AccessToken{
			Hash: HashOf(raw), ClientID: in.Client.ID, UserID: a.UserID, Scope: a.Scope, SessionID: a.SessionID,
			Claims: a.Claims.Userinfo, Thumbprint: in.Binding, Issued: in.Now, Expires: in.Now.Add(life),
		}}, nil
	}
	life := cmp.Or(in.ResourceServer.TokenLifetime, defaultAccessLifetime)
	if in.Front.Front() {
		life = cmp.Or(in.ResourceServer.WebLifetime, frontLifetime)
	}
	if !a.Until.IsZero() {
		life = min(life, a.Until.Sub(in.Now))
	}
	rs := in.ResourceServer
	claims, typ := accessClaims(in, life)
	alg := rs.SigningAlg
	if alg == "" {
		alg = AlgRS256
	}
	raw, err := i.sign(ctx, in.Tenant.ID, alg, []byte(rs.SigningSecret), typ, claims)
	if err != nil {
		return Issued{}, err
	}
	raw, err = rs.Encryption.seal(raw)
	return Issued{AccessToken: raw, ExpiresIn: life}, err
}

// accessClaims gives what a JWT access token says, in the dialect of its resource server, and its type.
func accessClaims(in Issue, life time.Duration) (claims map[string]any, typ string) {
	a, rs := in.Authorization, in.ResourceServer
	claims = map[string]any{
		"iss": in.Tenant.Issuer(), "sub": in.Client.Identifier() + "@clients", "aud": rs.Identifier,
		"iat": in.Now.Unix(), "exp": in.Now.Add(life).Unix(),
	}
	if len(a.Scope) > 0 {
		claims["scope"] = a.Scope.String()
	}
	if in.User != nil {
		claims["sub"] = in.User.ID
		if a.Scope.Has(oauth.ScopeOpenID) {
			claims["aud"] = []string{rs.Identifier, in.Tenant.UserinfoAudience()}
		}
	}
	if a.Actor != nil {
		claims["act"] = a.Actor.claim() // RFC 8693 §4.1
	}
	if cnf := confirmation(in.Binding); cnf != nil {
		claims["cnf"] = cnf
	}
	if rs.EnforcePolicies && strings.HasSuffix(rs.Dialect, dialectAuthz) {
		claims["permissions"] = a.Scope.without(userScopes)
	}
	if strings.HasPrefix(rs.Dialect, dialectProfile) {
		claims["client_id"], claims["jti"] = in.Client.Identifier(), newSecret()
		return claims, typeAccess
	}
	claims["azp"] = in.Client.Identifier()
	if gty := grantClaim[in.Grant]; gty != "" {
		claims["gty"] = gty
	}
	return claims, typeJWT
}

// grantClaim is what the gty claim says of a grant; grants that are not here have none.
var grantClaim = map[oauth.GrantType]string{
	oauth.GrantClientCredentials: "client-credentials", oauth.GrantPassword: "password", oauth.GrantPasswordRealm: "password",
	oauth.GrantRefreshToken: "refresh_token",
}

// The parts of a resource server's token dialect: RFC 9068's claims rather than the wire's older ones, and a list of permissions.
const (
	dialectProfile = "rfc9068_profile"
	dialectAuthz   = "_authz"
)

// idToken makes the ID token (OIDC Core §2); extra are claims about what is handed out beside it.
func (i *Issuer) idToken(ctx context.Context, in Issue, extra map[string]any) (string, error) {
	a := in.Authorization
	life := in.Client.IDTokenLifetime
	if life <= 0 {
		life = defaultIDTokenLifetime
	}
	claims := in.User.claims(a.Scope)
	in.User.add(claims, a.Claims.IDToken)
	in.Client.Compliance.conform(claims, in.User)
	maps.Copy(claims, extra)
	claims["iss"], claims["aud"] = in.Tenant.Issuer(), in.Client.Identifier()
	claims["iat"], claims["exp"] = in.Now.Unix(), in.Now.Add(life).Unix()
	if a.SessionID != "" {
		claims["sid"] = a.SessionID
	}
	if a.Nonce != "" {
		claims["nonce"] = a.Nonce
	}
	if a.WantAuthTime {
		claims["auth_time"] = a.AuthTime.Unix()
	}
	alg, secret, err := idTokenAlg(in.Client)
	if err != nil {
		return "", err
	}
	return i.sign(ctx, in.Tenant.ID, alg, secret, typeJWT, claims)
}

// idTokenAlg gives how the client's ID tokens are signed. Where it does not say, the wire's default is HS256 for a client that proves
// itself by its secret, and RS256 for one that does not.
func idTokenAlg(c *Client) (alg string, secret []byte, err error) {
	alg = c.IDTokenAlg
	if alg == "" {
		alg = AlgHS256
		switch {
		case c.Compliance.profiled():
			alg = AlgPS256
		case c.Public() || len(c.AuthMethods) > 0:
			alg = AlgRS256
		}
	}
	if alg != AlgHS256 {
		return alg, nil, nil
	}
	secret, err = c.macKey()
	return alg, secret, err
}

// macKey is the client's secret as a key of HS256.
func (c *Client) macKey() (secret []byte, err error) {
	if !c.SecretEncoded {
		return []byte(c.Secret), nil
	}
	for _, enc := range []*base64.Encoding{base64.RawURLEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.StdEncoding} {
		if secret, err = enc.DecodeString(string(c.Secret)); err == nil {
			return secret, nil
		}
	}
	return nil, fault.Internal(errors.New("the client's secret is said to be base64 and is not"))
}

// The types of the tokens (RFC 7519 §5.1, RFC 9068 §2.1).
const (
	typeJWT    = "JWT"
	typeAccess = "at+jwt"
)

// sign makes a JWS in compact form (RFC 7515 §7.1).
func (i *Issuer) sign(ctx context.Context, tenant tenancy.ID, alg string, secret []byte, typ string, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encoding claims: %w", err)
	}
	switch alg {
	case AlgRS256, AlgRS512, AlgPS256, AlgES256:
		key, err := i.Keys.SigningKey(ctx, tenant, alg)
		if fault.Is(err, fault.KindNotFound) {
			return "", fault.Unavailable("The tenant's keys are not published yet").Because(err)
		}
		if err != nil {
			return "", err
		}
		input := jwsInput(`{"alg":"`+alg+`","typ":"`+typ+`","kid":"`+key.IDFor(alg)+`"}`, payload)
		sig, err := i.Signer.Sign(ctx, tenant, key, alg, input)
		if err != nil {
			return "", err
		}
		return jws(input, sig), nil
	case AlgHS256:
		if len(secret) == 0 {
			return "", fault.Internal(errors.New("no secret to sign HS256 with"))
		}
		input := jwsInput(`{"alg":"HS256","typ":"`+typ+`"}`, payload)
		mac := hmac.New(sha256.New, secret)
		mac.Write(input)
		return jws(input, mac.Sum(nil)), nil
	}
	return "", fault.Invalid(oauth.InvalidRequest, fmt.Sprintf("Tokens signed with %s are not supported", alg)) // as configured, yet not done
}

// jwsInput joins header and payload with room for the signature behind them.
func jwsInput(header string, payload []byte) []byte {
	enc := base64.RawURLEncoding
	out := make([]byte, 0, enc.EncodedLen(len(header))+enc.EncodedLen(len(payload))+2+enc.EncodedLen(256))
	out = enc.AppendEncode(out, []byte(header))
	out = append(out, '.')
	return enc.AppendEncode(out, payload)
}

func jws(input, sig []byte) string {
	return string(base64.RawURLEncoding.AppendEncode(append(input, '.'), sig))
}
