package token

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// Userinfo tells about the user of an access token (OIDC Core §5.3).
type Userinfo struct {
	Config   Configuration
	Store    CodeStore
	Verifier Verifier
	Users    Users
	Proofs   *Proofs
	Now      clock.Now
}

// Presented is an access token as somebody brought it to a resource.
type Presented struct {
	Token  string
	Scheme string   // SchemeBearer or SchemeDPoP
	Proofs []string // the DPoP headers beside it
	Method string   // of the request
}

// Claims gives what the token lets its holder know, and the client it was issued to. A token that is not good here, for whatever
// reason, and one whose client is gone, is fault.Unauthenticated.
func (i *Userinfo) Claims(ctx context.Context, t tenancy.Tenant, in Presented) (claims map[string]any, client *Client, err error) {
	token, err := i.open(ctx, t, in.Token)
	if err != nil {
		return nil, nil, err
	}
	if err := i.prove(ctx, t, in, token.Thumbprint); err != nil {
		return nil, nil, err
	}
	if !token.Scope.Has(oauth.ScopeOpenID) {
		return nil, nil, errToken()
	}
	client, err = i.Config.FindClient(ctx, t.ID, token.ClientID)
	if fault.Is(err, fault.KindNotFound) {
		return nil, nil, errToken()
	}
	if err != nil {
		return nil, nil, err
	}
	if client.Strict {
		return nil, nil, errToken()
	}
	u, err := i.Users.FindUser(ctx, t.ID, token.Subject)
	if fault.Is(err, fault.KindNotFound) || err == nil && (u.Blocked || token.Issued.Add(time.Second).Before(u.CreatedAt)) {
		return nil, nil, errToken() // the last: a user who was deleted and made anew under the same id
	}
	if err != nil {
		return nil, nil, err
	}
	claims = u.claims(token.Scope)
	u.add(claims, token.Claims)
	client.Compliance.conform(claims, u)
	return claims, client, nil
}

// prove holds how a token is sent against what it is bound to (RFC 8705 §3, RFC 9449 §7.1): a bound one is worth nothing without its key, also under
// the other scheme (§7.2), and one that is bound to nothing proves nobody.
func (i *Userinfo) prove(ctx context.Context, t tenancy.Tenant, in Presented, bound string) error {
	if in.Scheme != SchemeDPoP {
		if thumbprint, certificate := boundTo(bound); certificate {
			return i.certified(ctx, t, thumbprint)
		}
		if bound != "" {
			return errToken().Because(errBound)
		}
		return nil
	}
	if tokenType(bound) != SchemeDPoP {
		return errToken().Because(errUnbound)
	}
	claims, err := i.Proofs.Check(in.Proofs, Target{Method: in.Method, URL: endpointOf(t, PathUserinfo), Token: in.Token}, i.Now())
	if err == nil && !sameKey(claims.Thumbprint, bound) {
		return errToken().Because(errOtherHolder)
	}
	if err == nil {
		err = i.Proofs.Use(ctx, t, claims)
	}
	if fault.Is(err, fault.KindInvalid) { // at a resource it is who calls that is in doubt
		return fault.New(fault.KindUnauthenticated, InvalidProof, fault.Of(err).Message).Because(err)
	}
	return err
}

var (
	errBound       = errors.New("the token is bound to a key and was sent without a proof")
	errUnbound     = errors.New("the token is bound to no key and was sent as if it were")
	errOtherHolder = errors.New("the proof is by another key than the token's")
)

// Bound reports a refusal of a token that was sent as a bearer token and is bound to a key.
func Bound(err error) bool { return errors.Is(err, errBound) }

// open reads either kind of token. A JWT has dots and an opaque one has none.
func (i *Userinfo) open(ctx context.Context, t tenancy.Tenant, raw string) (AccessClaims, error) {
	if raw == "" {
		return AccessClaims{}, fault.New(fault.KindUnauthenticated, oauth.InvalidToken, "Missing access token").Because(errNoToken)
	}
	if strings.Contains(raw, ".") {
		claims, err := i.Verifier.VerifyAccess(ctx, t, raw, t.UserinfoAudience())
		if fault.Is(err, fault.KindUnauthenticated) || fault.Is(err, fault.KindDenied) {
			return AccessClaims{}, errToken().Because(err)
		}
		return claims, err
	}
	token, err := i.Store.FindAccessToken(ctx, t.ID, HashOf(raw), i.Now())
	if fault.Is(err, fault.KindNotFound) {
		return AccessClaims{}, errToken()
	}
	return AccessClaims{Subject: token.UserID, ClientID: token.ClientID, Scope: token.Scope, Claims: token.Claims, Issued: token.Issued, Thumbprint: token.Thumbprint}, err
}

// errNoToken marks a request that brought none.
var errNoToken = errors.New("no access token was sent")

// NoToken reports a refusal of a request that brought no access token at all.
func NoToken(err error) bool { return errors.Is(err, errNoToken) }

func errToken() *fault.Error {
	return fault.New(fault.KindUnauthenticated, oauth.InvalidToken, "Invalid access token")
}
