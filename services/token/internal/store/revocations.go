package store

import (
	"context"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/store/sqlcgen"
	"github.com/postern-id/postern/services/token/internal/token"
)

// outstanding names what was given and is not redeemed yet; empty fields say nothing.
type outstanding struct {
	SessionID, UserID, ClientID string
	Audiences                   []string
	Offline                     bool // of what gives a refresh token alone
}

// drop removes codes, and device codes that were approved. It comes before the refresh tokens go: a redemption under way holds its code
// until it is done, and then what it gave goes with the rest.
func drop(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, o outstanding, now time.Time) error {
	err := q.DropCodes(ctx, sqlcgen.DropCodesParams{
		TenantID: string(tenant), Now: now, SessionID: orNull(o.SessionID), UserID: orNull(o.UserID), ClientID: orNull(o.ClientID),
		Audiences: o.Audiences, Offline: o.Offline,
	})
	if err != nil {
		return err
	}
	return q.DropApprovedDevices(ctx, sqlcgen.DropApprovedDevicesParams{
		TenantID: string(tenant), SessionID: orNull(o.SessionID), UserID: orNull(o.UserID), ClientID: orNull(o.ClientID),
		Audiences: o.Audiences, Offline: o.Offline,
	})
}

// revokeSession removes what came of a session: what is not redeemed yet, refresh tokens and opaque tokens.
func revokeSession(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, id string, now time.Time) error {
	if err := drop(ctx, q, tenant, outstanding{SessionID: id}, now); err != nil {
		return err
	}
	families, err := q.DeleteRefreshTokens(ctx, sqlcgen.DeleteRefreshTokensParams{TenantID: string(tenant), SessionID: orNull(id)})
	if err != nil {
		return err
	}
	if err := endGiven(ctx, q, tenant, families, now); err != nil {
		return err
	}
	return q.Revoke(ctx, sqlcgen.RevokeParams{TenantID: string(tenant), SessionID: id, RevokedAt: now, ExpiresAt: now.Add(revocationLife)})
}

// revocationLife is that of the longest-lived opaque token, and room for one that is given just now by another clock.
const revocationLife = token.OpaqueLifetime + time.Hour

// ofConsent names what a consent gives. What names no API goes by that of /userinfo.
func ofConsent(c token.ConsentFilter) outstanding {
	audiences := []string{c.Audience}
	if userinfo(c) {
		audiences = append(audiences, "")
	}
	return outstanding{UserID: c.UserID, ClientID: c.ClientID, Audiences: audiences}
}

// userinfo says whether the consent is for no API, but for /userinfo alone.
func userinfo(c token.ConsentFilter) bool { return strings.HasSuffix(c.Audience, "/userinfo") }

// revokeConsent removes what was given by a consent that is taken back: what is not redeemed yet, refresh tokens and opaque tokens.
func revokeConsent(ctx context.Context, q *sqlcgen.Queries, tenant tenancy.ID, c token.ConsentFilter, now time.Time) error {
	given := ofConsent(c)
	if err := drop(ctx, q, tenant, given, now); err != nil {
		return err
	}
	gone, err := q.DeleteRefreshTokensOfConsent(ctx, sqlcgen.DeleteRefreshTokensOfConsentParams{
		TenantID: string(tenant), UserID: c.UserID, ClientID: c.ClientID, Audiences: given.Audiences,
	})
	if err != nil {
		return err
	}
	if err := endGiven(ctx, q, tenant, gone, now); err != nil || !userinfo(c) {
		return err
	}
	late, err := q.ListTokensOfUsedCodes(ctx, sqlcgen.ListTokensOfUsedCodesParams{TenantID: string(tenant), Now: now, UserID: c.UserID, ClientID: c.ClientID})
	if err != nil {
		return err
	}
	for _, tok := range late {
		if err := q.DeleteAccessToken(ctx, sqlcgen.DeleteAccessTokenParams{TenantID: string(tenant), TokenHash: tok}); err != nil {
			return err
		}
	}
	return q.Revoke(ctx, sqlcgen.RevokeParams{
		TenantID: string(tenant), UserID: c.UserID, ClientID: c.ClientID, RevokedAt: now, ExpiresAt: now.Add(revocationLife),
	})
}
