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
	f := l.logoutFact(t, in.ReturnTo, in.ClientID, b)
	to, err := l.logout(ctx, t, in, &f, b)
	return to, l.logoutRefused(ctx, f, err)
}

func (l *Logins) logout(ctx context.Context, t tenancy.Tenant, in Logout, f *Fact, b Browser) (string, error) {
	c, list, err := l.logoutList(ctx, t, in.ClientID, f)
	if err != nil {
		return "", err
	}
	to := in.ReturnTo
	if to == "" && c != nil {
		to = firstURL(list)
	}
	f.Details["return_to"] = to
	if in.ReturnTo != "" && !logoutAllowed(list, to) {
		return "", fault.Invalid(oauth.InvalidRequest, "The returnTo URL is not in the list of allowed logout URLs")
	}
	return to, l.end(ctx, t, *f, b)
}

// firstURL gives the first of the list that leads somewhere; empty: none does.
func firstURL(list []string) string {
	for _, entry := range list {
		if plainURL(entry) && !isPattern(entry) {
			return entry
		}
	}
	return ""
}

func (l *Logins) logoutFact(t tenancy.Tenant, returnTo, clientID string, b Browser) Fact {
	f := factOf(t, l.now(), LogoutSucceeded, "slo")
	f.ClientID, f.Origin = clientID, b.Origin
	f.Details = map[string]any{"return_to": returnTo, "allowed_logout_url": []string{}}
	return f
}

// logoutRefused writes down what was refused, and gives the refusal.
func (l *Logins) logoutRefused(ctx context.Context, f Fact, err error) error {
	if !fault.Is(err, fault.KindInvalid) {
		return err
	}
	f.Name, f.Type, f.Description = LogoutFailed, "flo", fault.Of(err).Message
	if lost := l.store.RecordFact(ctx, f); lost != nil {
		return lost
	}
	return err
}

// logoutList gives where a logout may lead: the list of the client or, where none is known, which is nil then, the tenant's.
func (l *Logins) logoutList(ctx context.Context, t tenancy.Tenant, clientID string, f *Fact) (c *Client, list []string, err error) {
	if clientID != "" {
		c, err = l.config.FindClient(ctx, t.ID, clientID)
		if fault.Is(err, fault.KindNotFound) {
			return nil, nil, fault.Invalid(oauth.InvalidRequest, "Unknown client: "+clientID)
		}
		if err != nil {
			return nil, nil, err
		}
		f.ClientID, f.ClientName, list = c.ID, c.Name, c.AllowedLogoutURLs
		if c.Strict {
			return nil, nil, fault.Invalid(oauth.InvalidRequest, "Logout is not allowed for the client")
		}
	} else {
		settings, err := l.config.FindSettings(ctx, t.ID)
		if err != nil {
			return nil, nil, err
		}
		list = settings.AllowedLogoutURLs
	}
	f.Details["allowed_logout_url"] = append([]string{}, list...)
	return c, list, nil
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
