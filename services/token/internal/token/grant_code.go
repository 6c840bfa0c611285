package token

import (
	"context"
	"errors"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// Code is the grant of an authorization code (RFC 6749 §4.1.3).
type Code struct {
	Store  CodeStore
	Record Recorder // of refused exchanges
}

// Type implements Grant.
func (*Code) Type() oauth.GrantType { return oauth.GrantAuthorizationCode }

// Facts implements Grant.
func (*Code) Facts() (issued, refused string) { return "seacft", "feacft" }

// errCode says the same of a code that is unknown, expired, used, another client's and another tenant's.
func errCode() *fault.Error { return fault.Denied(oauth.InvalidGrant, "Invalid authorization code") }

// Authorize implements Grant. The code is only used up by Settle, so that an engine which is away costs nobody a login.
func (g *Code) Authorize(ctx context.Context, x Exchange) (Authorization, error) {
	raw := x.Params["code"]
	if raw == "" {
		return Authorization{}, missing("code")
	}
	a, err := g.Store.FindCode(ctx, x.Tenant.ID, HashOf(raw), x.Now)
	if fault.Is(err, fault.KindNotFound) {
		return Authorization{}, errCode()
	}
	if err != nil {
		return Authorization{}, err
	}
	if a.ClientID != x.Client.ID { // a code that was injected or stolen (RFC 6749 §10.5); its own client may still use it
		return Authorization{}, errCode()
	}
	if a.Redeemed {
		return a, g.replayed(ctx, x, a)
	}
	// What the authorization request sent must come again (RFC 6749 §4.1.3): it says that the client looks where the code went.
	if sent := x.Params["redirect_uri"]; (a.RedirectSent || sent != "") && sent != a.RedirectURI {
		return a, fault.Denied(oauth.InvalidGrant, "The redirect_uri does not match the authorization request")
	}
	if a.Thumbprint != "" && !sameKey(a.Thumbprint, x.Proven.Thumbprint) { // RFC 9449 §10
		return a, fault.Denied(oauth.InvalidGrant, "The code is bound to a key that the request does not prove to hold")
	}
	return a, verifyChallenge(a, x.Params["code_verifier"])
}

// errReplay is told to the audit log; the client learns no more than that the code is no good.
var errReplay = errors.New("the authorization code was used before; opaque and refresh tokens issued from it are revoked")

// replayed takes back what a code gave that is sent again: one of the two senders is a thief (RFC 6749 §4.1.2).
func (g *Code) replayed(ctx context.Context, x Exchange, a Authorization) error {
	if err := g.Store.RevokeCode(ctx, x.Tenant.ID, a.Code, x.Now); err != nil {
		return err
	}
	return errCode().Because(errReplay)
}

// Settle implements Grant.
func (g *Code) Settle(ctx context.Context, x Exchange, s Settlement) error {
	if s.Opaque != nil {
		s.Opaque.Code = s.Authorization.Code
	}
	err := g.Store.RedeemCode(ctx, x.Tenant.ID, Redemption{
		Code: s.Authorization.Code, Now: x.Now, Token: s.Opaque, Refresh: s.Refresh, Fact: s.Fact,
	})
	if fault.Is(err, fault.KindNotFound) { // the other of two concurrent exchanges won, so this one is the second use
		return g.replayed(ctx, x, s.Authorization)
	}
	if fault.Is(err, fault.KindConflict) {
		return errCode().Because(errSessionOver)
	}
	return err
}

// Refuse implements Grant.
func (g *Code) Refuse(ctx context.Context, f Fact) error { return g.Record.Record(ctx, f) }
