package token

import (
	"cmp"
	"context"
	"strings"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
)

// Revoker is the revocation endpoint (RFC 7009).
type Revoker struct {
	Auth     *Authenticator
	Config   Configuration
	Store    RefreshStore
	Codes    CodeStore
	Sessions SessionEnder
	Users    Users
	Now      clock.Now
}

// RevokeRequest is a request to /oauth/revoke (RFC 7009 §2.1).
type RevokeRequest struct {
	Params Params
	Basic  *Basic // nil: no such header
	Origin Origin
}

// Revoke ends the token that was sent: of a refresh token the whole family, with the opaque tokens it gave. A token that is unknown,
// over, or not this client's is no error (RFC 7009 §2.2), and nothing happens to it; neither is a JWT, which runs out by itself.
// Whose request it is comes back beside an error, too, once it is proved.
func (r *Revoker) Revoke(ctx context.Context, t tenancy.Tenant, req RevokeRequest) (*Client, error) {
	c, _, err := r.Auth.Authenticate(ctx, t, req.Params, req.Basic, r.Now())
	if err != nil {
		return nil, err
	}
	raw := req.Params["token"]
	if raw == "" {
		return c, missing("token")
	}
	// The hint is not needed: no token of one kind can be one of the other (RFC 7009 §2.1 has a server look for all).
	if p, ok := readRefreshToken(raw); ok {
		return c, r.refreshToken(ctx, t, c, p, req.Origin)
	}
	if strings.Contains(raw, ".") {
		return c, nil
	}
	return c, r.accessToken(ctx, t, c, HashOf(raw))
}

func (r *Revoker) accessToken(ctx context.Context, t tenancy.Tenant, c *Client, h Hash) error {
	found, err := r.Codes.FindAccessToken(ctx, t.ID, h, r.Now())
	if fault.Is(err, fault.KindNotFound) || err == nil && found.ClientID != c.ID {
		return nil
	}
	if err != nil {
		return err
	}
	return r.Store.RevokeAccessToken(ctx, t.ID, h)
}

func (r *Revoker) refreshToken(ctx context.Context, t tenancy.Tenant, c *Client, p presented, from Origin) error {
	now := r.Now()
	family, err := r.Store.FindRefreshToken(ctx, t.ID, p.id, now)
	if fault.Is(err, fault.KindNotFound) || err == nil && (family.ClientID != c.ID || family.standing(p) == standsForeign) {
		return nil
	}
	if err != nil {
		return err
	}
	settings, err := r.Config.FindSettings(ctx, t.ID)
	if err != nil {
		return err
	}
	f := factOf(t, now, RefreshTokenRevoked, "srrt")
	f.ClientID, f.ClientName, f.Origin, f.UserID, f.Connection = c.ID, c.Name, from, family.UserID, family.Connection
	f.SessionID, f.Family = family.SessionID, family.ID
	if u, err := r.Users.FindUser(ctx, t.ID, family.UserID); err == nil {
		f.UserName = u.Handle() // a revocation does not wait for the name
	}
	f.Details = map[string]any{"credential_id": family.ID, "refresh_token": family.told()}
	if family.Audience != "" {
		f.Details["audience"] = family.Audience
	}
	if family.endless() {
		return r.endOnline(ctx, t, family, f)
	}
	revocation := Revocation{ID: family.ID, Fact: f}
	if settings.RevokeRefreshTokenGrant {
		revocation.Consent = &ConsentFilter{UserID: family.UserID, ClientID: c.ID, Audience: cmp.Or(family.Audience, t.UserinfoAudience())}
	}
	err = r.Store.RevokeRefreshToken(ctx, t.ID, revocation)
	if fault.Is(err, fault.KindNotFound) { // another revocation came first
		return nil
	}
	return err
}
