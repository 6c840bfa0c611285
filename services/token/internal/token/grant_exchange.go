package token

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// OnBehalfOf is the grant by which an API that was called for a user calls another one for the same user (RFC 8693): it brings the
// access token that it got and receives one for the other API, which names who is behind it. The wire calls this on-behalf-of. Nothing
// comes of it but an access token, and that outlives none of those it goes back to.
type OnBehalfOf struct {
	Config   Configuration
	Policy   *Policy
	Verifier Verifier
	Store    OpaqueStore
	Record   Recorder // of refused exchanges
}

// ExchangeOnBehalfOf is the kind of exchange that a client's settings name (Client.Exchanges).
const ExchangeOnBehalfOf = "on_behalf_of_token_exchange"

// maxActors bounds the chain of those who act for a user, as on the wire.
const maxActors = 5

// Actor is who acts for the subject of a token (RFC 8693 §4.1).
type Actor struct {
	Subject string // the client
	Before  *Actor // who acted before; nil: nobody
}

// claim gives the act claim.
func (a *Actor) claim() map[string]any {
	if a == nil {
		return nil
	}
	c := map[string]any{"sub": a.Subject}
	if before := a.Before.claim(); before != nil {
		c["act"] = before
	}
	return c
}

// depth is how many there are.
func (a *Actor) depth() (n int) {
	for ; a != nil; a = a.Before {
		n++
	}
	return n
}

// Type implements Grant.
func (*OnBehalfOf) Type() oauth.GrantType { return oauth.GrantTokenExchange }

// Facts implements Grant.
func (*OnBehalfOf) Facts() (issued, refused string) {
	return "success_on_behalf_of_token_exchange", "failed_on_behalf_of_token_exchange"
}

// Detail implements Detailed. What would need a profile of the tenant's own is another kind of exchange to the audit log.
func (*OnBehalfOf) Detail(p Params, a Authorization, f *Fact) {
	if f.Name == TokenRefused && p["subject_token_type"] != oauth.TokenTypeAccess {
		f.Type = "fecte"
	}
	if f.Details == nil {
		f.Details = map[string]any{}
	}
	f.Details["subject_token_type"], f.Details["requested_token_type"] = p["subject_token_type"], oauth.TokenTypeAccess
	if asked := p["requested_token_type"]; asked != "" {
		f.Details["requested_token_type"] = asked
	}
	if actor := a.Actor.claim(); actor != nil {
		f.Details["actor"] = actor
	}
}

// errSubject says the same of a subject token that is forged, over, another API's and another tenant's (RFC 8693 §2.2.2).
func errSubject() *fault.Error { return fault.Invalid(oauth.InvalidRequest, "Invalid subject_token") }

// Over implements Ending: with a login that is over, and with a user who is gone, goes what was done for them.
func (*OnBehalfOf) Over() *fault.Error { return errSubject() }

// Authorize implements Grant. No token is looked at for a client, or an API, that the policy point refuses.
func (g *OnBehalfOf) Authorize(ctx context.Context, x Exchange) (Authorization, error) {
	p := x.Params
	a := Authorization{ClientID: x.Client.ID, Audience: p["audience"], Scope: ParseScope(p["scope"])}
	if err := checkExchange(p); err != nil {
		return a, err
	}
	if a.Audience == "" {
		settings, err := g.Config.FindSettings(ctx, x.Tenant.ID)
		if err != nil {
			return a, err
		}
		if a.Audience = settings.DefaultAudience; a.Audience == "" {
			return a, missing("audience")
		}
	}
	ask := Ask{Client: x.Client, Grant: g.Type(), Audience: a.Audience, Scope: a.Scope, Proven: x.Proven}
	if _, err := g.Policy.Check(ctx, x.Tenant, ask); err != nil {
		return a, err
	}
	subject, err := g.subject(ctx, x)
	if err != nil {
		return a, err
	}
	if a.Audience == x.Client.ResourceServer { // a token for itself may be narrowed
		a.Scope = a.Scope.orAll(subject.Scope)
	}
	// What a login gives beside an access token is for the client that the user logged in to.
	a.Scope = a.Scope.without(append(slices.Clone(refreshScopes), userScopes...))
	a.UserID, a.Until, a.Actor = subject.Subject, subject.Expires, &Actor{Subject: x.Client.Identifier(), Before: subject.Actor}
	a.AuthTime = subject.Issued.Add(time.Second) // the login was before the token, whose time is to the second
	return a, nil
}

// checkExchange holds the parameters to what is done here (RFC 8693 §2.1).
func checkExchange(p Params) error {
	for _, name := range []string{"subject_token", "subject_token_type"} {
		if p[name] == "" {
			return missing(name)
		}
	}
	switch asked := p["requested_token_type"]; {
	case p["subject_token_type"] != oauth.TokenTypeAccess:
		return fault.Invalid(oauth.InvalidRequest, "Unsupported subject_token_type: "+p["subject_token_type"])
	case asked != "" && asked != oauth.TokenTypeAccess:
		return fault.Invalid(oauth.InvalidRequest, "Unsupported requested_token_type: "+asked)
	case p["actor_token"] != "" || p["actor_token_type"] != "": // the client is the actor, and proved that already
		return fault.Invalid(oauth.InvalidRequest, "actor_token is not supported")
	case p["resource"] != "": // ignored, it would give a token for somewhere else
		return fault.Invalid(oauth.InvalidRequest, "resource is not supported: audience names the API")
	case p["organization"] != "":
		return noOrganizations()
	}
	return nil
}

// subject reads the token of a user that the client's own API was called with. Whether it was bound to a key has been the API's to
// check: whoever brings it here proved to be that API.
func (g *OnBehalfOf) subject(ctx context.Context, x Exchange) (AccessClaims, error) {
	c, err := g.Verifier.VerifyAccess(ctx, x.Tenant, x.Params["subject_token"], x.Client.ResourceServer)
	if fault.Is(err, fault.KindUnauthenticated) || fault.Is(err, fault.KindDenied) {
		return AccessClaims{}, errSubject().Because(err)
	}
	switch {
	case err != nil:
		return AccessClaims{}, err
	case c.ClientID == "": // an ID token has no azp here, and is for no API
		return AccessClaims{}, errSubject().Because(errors.New("it is no access token"))
	case strings.HasSuffix(c.Subject, "@clients"):
		return AccessClaims{}, errSubject().Because(errors.New("it is no user's"))
	case c.Actor.depth() >= maxActors:
		return AccessClaims{}, errSubject().Because(errors.New("too many act for the user already"))
	}
	_, err = g.Config.FindClient(ctx, x.Tenant.ID, c.ClientID)
	if fault.Is(err, fault.KindNotFound) {
		return AccessClaims{}, errSubject().Because(errors.New("the client that it was issued to is gone"))
	}
	return c, err
}

// Settle implements Grant.
func (g *OnBehalfOf) Settle(ctx context.Context, x Exchange, s Settlement) error {
	return g.Store.SaveTokens(ctx, x.Tenant.ID, s)
}

// Refuse implements Grant.
func (g *OnBehalfOf) Refuse(ctx context.Context, f Fact) error { return g.Record.Record(ctx, f) }

// exchanges decides whether the client may act for users whose tokens it is called with: one that proves itself, that stands for an API
// and that its tenant allows to. The platform's own APIs are for the application that the user sees.
func (a Ask) exchanges(rs *ResourceServer) error {
	switch c := a.Client; {
	case c.Public() || c.ResourceServer == "" || !slices.Contains(c.Exchanges, ExchangeOnBehalfOf):
		return grantNotAllowed(a.Grant)
	case rs != nil && rs.System:
		return notAuthorized(c, rs)
	}
	return nil
}
