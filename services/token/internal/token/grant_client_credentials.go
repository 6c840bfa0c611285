package token

import (
	"context"

	"github.com/postern-id/postern/libs/oauth"
)

// ClientCredentials is the grant of a client that acts for itself (RFC 6749 §4.4). It touches no database: its facts go to a
// bounded queue.
type ClientCredentials struct {
	Config Configuration
	Quotas QuotaMeter
	Queue  Recorder
}

// Type implements Grant.
func (*ClientCredentials) Type() oauth.GrantType { return oauth.GrantClientCredentials }

// Facts implements Grant.
func (*ClientCredentials) Facts() (issued, refused string) { return "seccft", "feccft" }

// Authorize implements Grant.
func (g *ClientCredentials) Authorize(ctx context.Context, x Exchange) (Authorization, error) {
	a := Authorization{ClientID: x.Client.ID, Audience: x.Params["audience"], Scope: ParseScope(x.Params["scope"])}
	if x.Params["organization"] != "" {
		return a, noOrganizations()
	}
	if a.Audience == "" {
		settings, err := g.Config.FindSettings(ctx, x.Tenant.ID)
		if err != nil {
			return a, err
		}
		a.Audience = settings.DefaultAudience
	}
	return a, nil
}

// Settle implements Grant.
func (g *ClientCredentials) Settle(ctx context.Context, _ Exchange, s Settlement) error {
	return g.Queue.Record(ctx, s.Fact)
}

// Refuse implements Grant.
func (g *ClientCredentials) Refuse(ctx context.Context, f Fact) error { return g.Queue.Record(ctx, f) }
