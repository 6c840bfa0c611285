package token

import (
	"context"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// Logout is a request to end the browser's session.
type Logout struct {
	ReturnTo string
	ClientID string
}

// Logout ends the session of the browser, whoever's client it was opened for, and gives where to go then; empty: nowhere. A URL that
// is not in the list, of the client if one is named, else of the tenant, is fault.Invalid and changes nothing.
func (l *Logins) Logout(ctx context.Context, t tenancy.Tenant, in Logout, b Browser) (string, error) {
	f := factOf(t, l.now(), LogoutSucceeded, "slo")
	f.ClientID, f.Origin = in.ClientID, b.Origin
	list, wildcards, err := l.logoutList(ctx, t, in, &f)
	if err != nil {
		return "", err
	}
	to := in.ReturnTo
	if to == "" && in.ClientID != "" && len(list) > 0 {
		to = list[0]
	}
	f.Details = map[string]any{"return_to": to, "allowed_logout_url": list}
	if in.ReturnTo != "" && !logoutAllowed(list, to, wildcards) {
		refusal := fault.Invalid(oauth.InvalidRequest, "The returnTo URL is not in the list of allowed logout URLs")
		f.Name, f.Type, f.Description = LogoutFailed, "flo", refusal.Message
		if err := l.store.RecordFact(ctx, f); err != nil {
			return "", err
		}
		return "", refusal
	}
	return to, l.end(ctx, t, f, b)
}

func (l *Logins) logoutList(ctx context.Context, t tenancy.Tenant, in Logout, f *Fact) (list []string, wildcards bool, err error) {
	if in.ClientID != "" {
		c, err := l.config.FindClient(ctx, t.ID, in.ClientID)
		if fault.Is(err, fault.KindNotFound) {
			return nil, false, fault.Invalid(oauth.InvalidRequest, "Unknown client: "+in.ClientID)
		}
		if err != nil {
			return nil, false, err
		}
		f.ClientName = c.Name
		return c.AllowedLogoutURLs, !c.Strict, nil
	}
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return nil, false, err
	}
	return settings.AllowedLogoutURLs, true, nil
}

// end removes the session, if there is one; only then is there something to tell.
func (l *Logins) end(ctx context.Context, t tenancy.Tenant, f Fact, b Browser) error {
	s, ok, err := l.session(ctx, t, b)
	if err != nil || !ok {
		return err
	}
	f.UserID, f.Connection, f.SessionID = s.UserID, s.Connection, s.ID
	f.Details["session_id"] = s.ID
	if u, err := l.users.FindUser(ctx, t.ID, s.UserID); err == nil {
		f.UserName = u.Handle() // a logout does not wait for the name
	}
	err = l.store.EndSession(ctx, t.ID, SessionEnd{SessionID: s.ID, By: ByLogout, Now: l.now()}, f)
	if fault.Is(err, fault.KindNotFound) {
		return nil
	}
	return err
}
