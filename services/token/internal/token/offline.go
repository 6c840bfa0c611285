package token

import (
	"slices"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// offlineGrants are those that may give a refresh token. The refresh grant is one of them: what it gives may be as wide.
var offlineGrants = []oauth.GrantType{
	oauth.GrantAuthorizationCode, oauth.GrantPassword, oauth.GrantPasswordRealm, oauth.GrantDeviceCode, oauth.GrantRefreshToken,
}

// onlineGrants are those that may give one which lives as long as its session: the others have no session, or not the device's own.
var onlineGrants = []oauth.GrantType{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}

// refreshScopes are those that ask for a refresh token. No access token that goes by way of a browser has one of them.
var refreshScopes = []string{oauth.ScopeOfflineAccess, oauth.ScopeOnlineAccess}

// errBothScopes is the wire's: a token cannot both end with its session and not.
func errBothScopes() error {
	return fault.Invalid(oauth.InvalidRequest, "Cannot request both online_access and offline_access scopes")
}

// offline says whether the ask may have a refresh token for rs (nil: no API).
func (a Ask) offline(rs *ResourceServer) bool {
	return slices.Contains(offlineGrants, a.Grant) && a.refreshes() && (rs == nil || rs.OfflineAccess)
}

// online says whether the ask may have one that lives as long as its session. Such a token is for an API that wants it, and where the
// session ends with its browser, for one that wants that too.
func (a Ask) online(rs *ResourceServer) bool {
	return slices.Contains(onlineGrants, a.Grant) && a.refreshes() && rs.givesOnline(a.Ephemeral)
}

// refreshes says whether the client has refresh tokens, of a login like this one.
func (a Ask) refreshes() bool {
	return a.Client.Allows(oauth.GrantRefreshToken) && (!a.Handed || a.Client.Transfer.Refresh)
}

func (rs *ResourceServer) givesOnline(ephemeral bool) bool {
	return rs != nil && rs.OnlineAccess && (rs.OnlineEphemeral || !ephemeral)
}

// refreshOff reports a refresh token for an API that gives none of its kind any more, and that the client's policies do not open; and one
// of a login whose like gives the client none any more.
func (a Ask) refreshOff(rs *ResourceServer) bool {
	switch {
	case a.Grant != oauth.GrantRefreshToken:
		return false
	case !a.refreshes():
		return true
	case rs == nil:
		return false
	}
	given := rs.OfflineAccess
	if a.Online {
		given = rs.givesOnline(a.Ephemeral)
	}
	return !given && !slices.ContainsFunc(a.Client.Refresh.Also, func(f Further) bool { return f.Audience == rs.Identifier })
}

// withRefresh gives granted with the offline_access or online_access that was asked for where it may be had, in the order of the
// request; where not, it is dropped in silence like every scope that cannot be had.
func (a Ask) withRefresh(granted Scope, rs *ResourceServer) Scope {
	offline, online := a.Scope.Has(oauth.ScopeOfflineAccess) && a.offline(rs), a.Scope.Has(oauth.ScopeOnlineAccess) && a.online(rs)
	if !offline && !online {
		return granted
	}
	out := make(Scope, 0, len(granted)+1)
	for _, word := range a.Scope {
		if word == oauth.ScopeOfflineAccess && offline || word == oauth.ScopeOnlineAccess && online || granted.Has(word) {
			out = append(out, word)
		}
	}
	return out
}

// unbound refuses a public client a token that is worth as much as its session's cookie and is bound to no key: whoever finds one in a
// page would be logged in there.
func (a Ask) unbound(scope Scope) error {
	if scope.Has(oauth.ScopeOnlineAccess) && a.Client.Public() && !a.Later && !a.Front && a.Thumbprint == "" {
		return fault.Invalid(oauth.InvalidRequest, "The scope online_access requires proof of possession by DPoP of public clients")
	}
	return nil
}
