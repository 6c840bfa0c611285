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
	Now      clock.Now
}

// Claims gives what the token lets its holder know, and the client it was issued to. A token that is not good here, for whatever
// reason, and one whose client is gone, is fault.Unauthenticated.
func (i *Userinfo) Claims(ctx context.Context, t tenancy.Tenant, raw string) (claims map[string]any, client *Client, err error) {
	token, err := i.open(ctx, t, raw)
	if err != nil {
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
	u, err := i.Users.FindUser(ctx, t.ID, token.Subject)
	if fault.Is(err, fault.KindNotFound) || err == nil && (u.Blocked || token.Issued.Add(time.Second).Before(u.CreatedAt)) {
		return nil, nil, errToken() // the last: a user who was deleted and made anew under the same id
	}
	if err != nil {
		return nil, nil, err
	}
	claims = u.claims(token.Scope)
	u.add(claims, token.Claims)
	return claims, client, nil
}

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
	return AccessClaims{Subject: token.UserID, ClientID: token.ClientID, Scope: token.Scope, Claims: token.Claims, Issued: token.Issued}, err
}

// errNoToken marks a request that brought none.
var errNoToken = errors.New("no access token was sent")

// NoToken reports a refusal of a request that brought no access token at all.
func NoToken(err error) bool { return errors.Is(err, errNoToken) }

func errToken() *fault.Error {
	return fault.New(fault.KindUnauthenticated, oauth.InvalidToken, "Invalid access token")
}
