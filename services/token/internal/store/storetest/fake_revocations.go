package storetest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// drop removes what was given and is not redeemed yet.
func (f *Fake) drop(tenant tenancy.ID, goes func(a token.Authorization) bool) {
	maps.DeleteFunc(f.codes, func(key id, a token.Authorization) bool { return key.tenant == tenant && !a.Redeemed && goes(a) })
	maps.DeleteFunc(f.waiting, func(key id, c *waitingDevice) bool {
		a := c.Authorization
		a.ClientID, a.Audience = c.ClientID, c.Audience
		return key.tenant == tenant && c.Status == token.DeviceApproved && goes(a)
	})
}

// dropOffline removes what would give a refresh token that the filter names.
func (f *Fake) dropOffline(tenant tenancy.ID, filter token.RefreshFilter) {
	filter.Rotating = nil
	f.drop(tenant, func(a token.Authorization) bool {
		return a.Scope.Has(oauth.ScopeOfflineAccess) && meant(token.RefreshToken{UserID: a.UserID, ClientID: a.ClientID, Audience: a.Audience, SessionID: a.SessionID}, filter)
	})
}

// revokeSession removes what came of a session.
func (f *Fake) revokeSession(tenant tenancy.ID, session string, now time.Time) {
	f.drop(tenant, func(a token.Authorization) bool { return a.SessionID == session })
	for key, r := range f.refresh {
		if key.tenant == tenant && r.SessionID == session {
			f.revokeFamily(tenant, r.ID, now)
		}
	}
	maps.DeleteFunc(f.tokens, func(key id, t token.AccessToken) bool { return key.tenant == tenant && t.SessionID == session })
}

// revokeConsent removes what was given by a consent that is taken back.
func (f *Fake) revokeConsent(tenant tenancy.ID, c token.ConsentFilter, now time.Time) {
	audiences := []string{c.Audience}
	userinfo := strings.HasSuffix(c.Audience, "/userinfo")
	if userinfo {
		audiences = append(audiences, "")
	}
	f.drop(tenant, func(a token.Authorization) bool {
		return a.UserID == c.UserID && a.ClientID == c.ClientID && slices.Contains(audiences, a.Audience)
	})
	for key, r := range f.refresh {
		if key.tenant == tenant && r.UserID == c.UserID && r.ClientID == c.ClientID && slices.Contains(audiences, r.Audience) {
			f.revokeFamily(tenant, r.ID, now)
		}
	}
	maps.DeleteFunc(f.tokens, func(key id, t token.AccessToken) bool {
		if !userinfo || key.tenant != tenant || t.UserID != c.UserID || t.ClientID != c.ClientID {
			return false
		}
		_, underway := f.codes[id{tenant, t.Code}]
		return underway || !t.Issued.After(now)
	})
}
