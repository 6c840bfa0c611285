// Package backchannel posts logout tokens to clients (OIDC Back-Channel Logout §2.5), at the URLs that tenants chose, by the one way out
// to such. It decides nothing.
package backchannel

import (
	"context"
	"net/url"

	"github.com/postern-id/postern/libs/egress"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Sender implements token.LogoutSender.
type Sender struct{ Out *egress.Client }

var _ token.LogoutSender = Sender{}

// SendLogout implements token.LogoutSender.
func (s Sender) SendLogout(ctx context.Context, uri, logoutToken string) (status int, err error) {
	return s.Out.PostForm(ctx, uri, url.Values{"logout_token": {logoutToken}})
}
