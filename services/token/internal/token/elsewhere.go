package token

import (
	"context"
	"net/url"
	"strings"

	"github.com/postern-id/postern/libs/tenancy"
)

// stateMark stands in a state between its secret and the client whose login it is. The client proves nothing there: it is for a browser
// that comes back when the login is long forgotten.
const stateMark = "~"

func newState(c *Client) string { return newSecret() + stateMark + c.ID }

// Elsewhere gives where a browser with a stale login page may be sent: to where the client begins logins (OIDC Core §4), else to where
// the tenant says; empty when neither says anything.
func (l *Logins) Elsewhere(ctx context.Context, t tenancy.Tenant, state string) string {
	if _, id, ok := strings.Cut(state, stateMark); ok {
		if c, err := l.config.FindClient(ctx, t.ID, id); err == nil {
			if to := initiated(c.InitiateLoginURI, t.Issuer()); to != "" {
				return to
			}
		}
	}
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil || !strings.HasPrefix(settings.DefaultRedirectionURI, "https://") {
		return "" // the error page tells the story instead
	}
	return settings.DefaultRedirectionURI
}

// initiated asks a client to begin a login with the issuer (OIDC Core §4).
func initiated(uri, issuer string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" {
		return ""
	}
	query := u.Query()
	query.Set("iss", issuer)
	u.RawQuery = query.Encode()
	return u.String()
}
