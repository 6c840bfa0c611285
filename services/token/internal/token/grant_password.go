package token

import (
	"context"
	"fmt"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// Password is the grant of a user's password (RFC 6749 §4.3), which the client gets to see: for first parties alone. The wire has it
// under two names; the second one names the connection.
type Password struct {
	Kind   oauth.GrantType // oauth.GrantPassword or oauth.GrantPasswordRealm
	Config Configuration
	Policy *Policy
	Users  Users
	Store  OpaqueStore
	Record Recorder // of refused exchanges
}

// Type implements Grant.
func (g *Password) Type() oauth.GrantType { return g.Kind }

// Facts implements Grant.
func (*Password) Facts() (issued, refused string) { return "sepft", "fepft" }

// Authorize implements Grant. No password is looked at for a client, an API or a connection that the policy point refuses.
func (g *Password) Authorize(ctx context.Context, x Exchange) (Authorization, error) {
	a := Authorization{ClientID: x.Client.ID, Audience: x.Params["audience"], Scope: ParseScope(x.Params["scope"]), AuthTime: x.Now}
	for _, name := range []string{"username", "password"} {
		if x.Params[name] == "" {
			return a, missing(name)
		}
	}
	if x.Params["organization"] != "" {
		return a, noOrganizations()
	}
	settings, err := g.Config.FindSettings(ctx, x.Tenant.ID)
	if err != nil {
		return a, err
	}
	if a.Audience == "" {
		a.Audience = settings.DefaultAudience
	}
	if a.Audience == x.Tenant.UserinfoAudience() {
		a.Audience = ""
	}
	if _, err := g.Policy.Check(ctx, x.Tenant, Ask{Client: x.Client, Grant: g.Kind, Audience: a.Audience, Scope: a.Scope, Proven: x.Proven}); err != nil {
		return a, err
	}
	realm := settings.DefaultDirectory
	if g.Kind == oauth.GrantPasswordRealm {
		realm = x.Params["realm"]
		if realm == "" {
			return a, missing("realm")
		}
	}
	if realm == "" {
		return a, fault.Denied(oauth.ServerError, "Authorization server not configured with default connection.")
	}
	if a.Connection, err = g.Policy.Connection(ctx, x.Tenant, x.Client, realm); err != nil {
		return a, err
	}
	return g.verify(ctx, x, a)
}

// verify checks the password; a wrong one and an unknown user get the same answer.
func (g *Password) verify(ctx context.Context, x Exchange, a Authorization) (Authorization, error) {
	outcome, u, err := g.Users.VerifyPassword(ctx, x.Tenant.ID, a.Connection.Name, x.Params["username"], x.Params["password"])
	if err != nil {
		return a, err
	}
	if u != nil {
		a.UserID = u.ID
	}
	switch outcome {
	case PasswordOK:
		if valid := u.LoginsValidFrom; valid.After(a.AuthTime) { // the neighbour's clock is ahead: a login is not over as it begins
			a.AuthTime = valid
		}
		return a, nil
	case PasswordBlocked: // the policy point says no, in the wire's words
		return a, nil
	case PasswordWrong, PasswordUnknownUser:
		return a, fault.Denied(oauth.InvalidGrant, "Wrong email or password.")
	}
	return a, fault.Internal(fmt.Errorf("password outcome %d", outcome))
}

// Settle implements Grant.
func (g *Password) Settle(ctx context.Context, x Exchange, s Settlement) error {
	if _, err := g.Users.RecordLogin(ctx, x.Tenant.ID, s.Authorization.UserID, x.Origin.IP); err != nil {
		return err
	}
	return g.Store.SaveTokens(ctx, x.Tenant.ID, s)
}

// Refuse implements Grant.
func (g *Password) Refuse(ctx context.Context, f Fact) error { return g.Record.Record(ctx, f) }
